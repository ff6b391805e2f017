"""The real cadastre: 8,188 parcels against eight layers equal an oracle made without us, pair by pair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest
from psycopg import sql

from tests.support.schaffhausen import LAYERS, Batch, batch, publish_all

pytestmark = pytest.mark.real
PARCELS = 8_188
LINES = "statischewaldgrenzen_linestring"
PAIR = ["subject_key", "layer", "feature_key"]
FINDINGS = [
    "subject_key", "check", "layer", "outcome", "verdict", "area_m2", "area_low_m2", "area_high_m2", "length_m",
    "count", "nearest_m", "share", "revision", "reason",
]  # fmt: skip
FEATURES = [
    "subject_key", "check", "layer", "feature_key", "relation", "hit", "reason", "area_m2", "length_m", "nearest_m",
]  # fmt: skip
MILLIMETRE = 0.001


@pytest.fixture(scope="module")
def url(make_template: Callable[[str, Callable[[str], None]], str], shared: Path, server: object) -> str:
    template = make_template("schaffhausen", lambda address: publish_all(address, shared / "schaffhausen"))
    return str(server.url(template))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def restrictions(url: str, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return batch(url, tmp_path_factory.mktemp("restrictions") / "out", "restrictions")


@pytest.fixture(scope="module")
def distances(url: str, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return batch(url, tmp_path_factory.mktemp("distances") / "out", "distances")


@pytest.fixture(scope="module")
def oracle(shared: Path) -> pd.DataFrame:
    """Every (parcel, restriction) that intersects, with its area; lines stand in it too, with an area of nothing."""
    found = pd.read_csv(shared / "schaffhausen" / "oracle.csv.gz", dtype={"egrid": str, "restriction": str})
    return found.rename(columns={"egrid": "subject_key", "restriction": "feature_key"})


def test_there_is_one_row_a_parcel_and_check(restrictions: Batch) -> None:
    findings = restrictions.findings
    assert list(findings.columns) == FINDINGS
    assert list(restrictions.features.columns) == FEATURES
    assert len(findings) == PARCELS * len(LAYERS)
    assert findings.groupby("subject_key")["check"].agg(set).map(set(LAYERS).__eq__).all()
    assert findings["subject_key"].nunique() == PARCELS
    assert not findings["outcome"].isin(["not_checked", "not_mapped", "partly_mapped"]).any()


def test_hits_are_exactly_the_pairs_of_the_oracle_from_one_square_metre_on(
    restrictions: Batch, oracle: pd.DataFrame
) -> None:
    areas = restrictions.features[restrictions.features["layer"] != LINES]
    hits = areas[areas["hit"]].set_index(PAIR)["area_m2"]
    expected = oracle[oracle["area_m2"] >= 1.0].set_index(PAIR)["area_m2"]
    assert hits.index.is_unique
    assert set(hits.index) - set(expected.index) == set()
    assert set(expected.index) - set(hits.index) == set()
    assert (hits - expected).abs().max() < 0.02


def test_every_other_pair_that_intersects_is_dropped_with_a_reason(restrictions: Batch, oracle: pd.DataFrame) -> None:
    rows = restrictions.features.set_index(PAIR)
    pairs = pd.MultiIndex.from_frame(oracle[PAIR])
    assert pairs.difference(rows.index).empty
    below = rows.loc[pairs.difference(rows.index[rows["hit"]])]
    assert below["reason"].isin(["touches_only", "below_threshold", "near"]).all()
    assert rows.loc[rows["hit"], "reason"].isna().all()
    assert rows.loc[~rows["hit"], "reason"].notna().all()


def test_a_parcel_without_a_candidate_is_clear(restrictions: Batch, oracle: pd.DataFrame) -> None:
    met = restrictions.features.groupby(["subject_key", "check"]).size()
    findings = restrictions.findings.set_index(["subject_key", "check"])
    without = findings.loc[findings.index.difference(met.index)]
    assert (without["outcome"] == "clear").all()
    assert (without["verdict"] == "pass").all()
    alone = set(findings.index.get_level_values(0)) - set(oracle["subject_key"])
    assert len(alone) > 1000
    outcomes = restrictions.findings[restrictions.findings["subject_key"].isin(alone)]["outcome"]
    assert outcomes.isin(["clear", "borderline"]).all()


def test_outcomes_follow_from_the_areas(restrictions: Batch) -> None:
    findings = restrictions.findings[restrictions.findings["layer"] != LINES]
    affected = findings["outcome"] == "affected"
    assert (findings.loc[affected, "area_m2"] >= 1.0).all()
    assert (findings.loc[findings["outcome"] == "clear", "area_m2"] < 1.0).all()
    borderline = findings[findings["outcome"] == "borderline"]
    assert ((borderline["area_low_m2"] < 1.0) & (borderline["area_high_m2"] >= 1.0)).all()
    assert (findings["share"] <= 1.0).all()


def test_the_accuracy_alone_refers_at_most_a_tenth_of_the_parcels(restrictions: Batch) -> None:
    report = restrictions.report
    assert report["subjects"] == PARCELS
    assert 0 < report["refer_by_accuracy"] <= 0.10 * PARCELS
    by_hand = restrictions.findings[restrictions.findings["verdict"] == "refer"].groupby("subject_key")["outcome"]
    assert by_hand.agg(lambda outcomes: set(outcomes) == {"borderline"}).sum() == report["refer_by_accuracy"]


@pytest.mark.parametrize("procedure", ["restrictions", "distances"])
def test_lengths_and_distances_are_those_of_postgis_on_whole_shapes(
    procedure: str, url: str, request: pytest.FixtureRequest
) -> None:
    found: Batch = request.getfixturevalue(procedure)
    rows = found.features
    assert len(rows) > 100
    for layer, of_layer in rows.groupby("layer"):
        measured = postgis(url, str(layer), of_layer)
        both = of_layer.merge(measured, on=["subject_key", "feature_key"], suffixes=("", "_postgis"))
        assert len(both) == len(of_layer)
        assert (both["nearest_m"] - both["nearest_m_postgis"]).abs().max() < MILLIMETRE, layer
        if layer == LINES:
            assert (both["length_m"] - both["length_m_postgis"]).abs().max() < MILLIMETRE
            assert both["length_m"].notna().all()
        else:
            assert both["length_m"].isna().all()


def postgis(url: str, layer: str, pairs: pd.DataFrame) -> pd.DataFrame:
    """Distance and length of intersection of each pair, by PostGIS on the stored whole shapes."""
    statement = sql.SQL(
        "SELECT p.key AS subject_key, r.key AS feature_key, ST_Distance(p.geom, r.geom) AS nearest_m,"
        " ST_Length(ST_Intersection(p.geom, r.geom)) AS length_m"
        " FROM unnest(%s::text[], %s::text[]) AS pair (subject, feature)"
        " JOIN data.parcel p ON p.key = pair.subject JOIN {} r ON r.key = pair.feature"
    ).format(sql.Identifier("data", layer))
    with psycopg.connect(url) as connection:
        rows = connection.execute(statement, [pairs["subject_key"].tolist(), pairs["feature_key"].tolist()]).fetchall()
    return pd.DataFrame(rows, columns=["subject_key", "feature_key", "nearest_m", "length_m"])


def test_distances_find_every_forest_line_within_twenty_metres(distances: Batch, url: str) -> None:
    statement = (
        "SELECT p.key, r.key FROM data.parcel p JOIN data.statischewaldgrenzen_linestring r"
        " ON ST_DWithin(p.geom, r.geom, 20)"
    )
    with psycopg.connect(url) as connection:
        expected = set(connection.execute(statement).fetchall())
    hits = distances.features[distances.features["hit"]]
    assert set(zip(hits["subject_key"], hits["feature_key"], strict=True)) == expected
    affected = distances.findings.set_index("subject_key")["outcome"]
    nearest = hits.groupby("subject_key")["nearest_m"].min()
    certain = nearest[(nearest + np.hypot(0.1, 0.3) <= 20) | (nearest <= 0.01)].index
    assert (affected.loc[certain] == "affected").all()


def test_a_second_run_writes_the_same_bytes_and_any_number_of_workers_the_same_rows(
    restrictions: Batch, url: str, tmp_path: Path
) -> None:
    again = batch(url, tmp_path / "again", "restrictions", "--workers", "1")
    pd.testing.assert_frame_equal(again.findings, restrictions.findings)
    pd.testing.assert_frame_equal(again.features, restrictions.features)
