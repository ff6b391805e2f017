"""What a batch tells its owner is what the single check tells them, less what is told for a dossier only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from layers.errors import ForbiddenError
from layers.jobs.batch_check import require_same_rights
from layers.jobs.owner import Owner
from tests.support.checked import INPUTS, OPERATOR, PARCELS, Place, corridor, geojson
from tests.support.jobs import files_of, identity, job, send, work
from tests.support.published import box


@pytest.fixture
def met(place: Place) -> Place:
    """The first parcel lies in a corridor, which is shared, and in a military zone, which is restricted."""
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    place.publish("military_zone", [{"ma": "M1", "ma_xa": "25750", "geom": box(0, 0, 5, 5)}])
    return place


def tables(place: Place, data: Path, who: str | None, **asked: Any) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
    principal = identity(place, who) if who else OPERATOR
    sent = send(place, principal, purposes=tuple(asked.pop("purposes", ())), **asked)
    work(place, data)
    done = job(place, sent.id)
    found = files_of(data, done)
    folder = data / "jobs" / done.id / done.result["folder"]  # type: ignore[index]
    return (pd.read_parquet(folder / "findings.parquet"), pd.read_parquet(folder / "features.parquet"),
            json.loads(found["summary.json"]))  # fmt: skip


@pytest.mark.parametrize("who", ["officer", "reviewer"])
def test_each_owner_is_told_what_their_single_check_tells_them(met: Place, tmp_path: Path, who: str) -> None:
    findings, features, summary = tables(met, tmp_path, who)
    purpose = "land_use_change" if who == "reviewer" else None
    verdicts: dict[str, int] = dict.fromkeys(("pass", "refer", "fail"), 0)
    for key in findings["subject_key"].unique():
        if key.startswith("25813"):
            continue
        answer = met.check(f"key:{key}", principal=identity(met, who), purpose=purpose).content
        verdicts[answer["verdict"]] += 1
        mine = findings[findings["subject_key"] == key].set_index("check")
        for finding in answer["findings"]:
            row = mine.loc[finding["check"]]
            assert (row["outcome"], row["verdict"]) == (finding["outcome"], finding["verdict"]), finding["check"]
            shown = {one["key"] for part in finding.get("members", [finding]) for one in part["features"]}
            hits = features[(features["subject_key"] == key) & (features["check"] == finding["check"])]
            assert shown == set(hits[hits["hit"]]["feature_key"])
    twins = {key: value for key, value in summary["verdicts"].items() if value != verdicts[key]}
    assert sum(summary["verdicts"].values()) == len(PARCELS)
    assert sum(twins[key] - verdicts[key] for key in twins) == 2


def test_what_is_told_for_a_dossier_only_is_never_told_by_a_batch(met: Place, tmp_path: Path) -> None:
    everything, _, whole = tables(met, tmp_path, None)
    assert "affected" in set(everything[everything["check"] == "military"]["outcome"])
    findings, features, summary = tables(met, tmp_path, "reviewer")
    for check, reason in (("military", "no_right"), ("waste_distance", "needs_dossier")):
        hidden = findings[findings["check"] == check]
        assert set(hidden["outcome"]) == {"withheld"} and set(hidden["verdict"]) == {"refer"}
        assert set(hidden["reason"]) == {reason}
    assert hidden[["area_m2", "count", "share", "revision"]].isna().all().all()
    assert "military_zone" not in set(features["layer"])
    assert "military_zone" in whole["cut"] and "military_zone" not in summary["cut"]


def test_a_batch_says_the_same_whatever_the_hidden_layers_hold(met: Place, tmp_path: Path) -> None:
    found = []
    for zone in (box(0, 0, 5, 5), box(900, 900, 5, 5)):
        met.publish("military_zone", [{"ma": "M1", "ma_xa": "25750", "geom": zone}])
        sent = send(met, identity(met, "reviewer"), on_date="2026-11-21")
        work(met, tmp_path)
        files = files_of(tmp_path, job(met, sent.id))
        found.append((files["findings.parquet"], files["features.parquet"]))
    assert found[0] == found[1]


def test_rows_are_those_of_the_relation_and_of_the_question(met: Place, tmp_path: Path) -> None:
    keys = {f"{row['ma_xa']}.{row['so_to']}.{row['so_thua']}" for row in PARCELS if "fid" not in row}
    of_commune, _, _ = tables(met, tmp_path, "officer", filter="so_to = '45'")
    assert set(of_commune["subject_key"]) == {key for key in keys if ".45." in key}
    named, _, _ = tables(met, tmp_path, "officer", keys=["25750.8.1", "nowhere"])
    assert set(named["subject_key"]) == {"25750.8.1"}
    by_commune, _, _ = tables(met, tmp_path, "officer", commune="25750")
    assert set(by_commune["subject_key"]) == {key for key in keys if key.startswith("25750.")}


def test_shapes_are_checked_without_any_right_on_parcels(met: Place, tmp_path: Path) -> None:
    features = [{"type": "Feature", "properties": {"key": "a"}, "geometry": geojson(box(0, 0, 20, 31))}]
    findings, _, _ = tables(met, tmp_path, "officer", features=features)
    assert set(findings["subject_key"]) == {"a"}
    drawn = met.check_shape(box(0, 0, 20, 31), principal=identity(met, "officer")).content
    for finding in drawn["findings"]:
        (row,) = findings[findings["check"] == finding["check"]].to_dict("records")
        assert row["outcome"] == finding["outcome"], finding["check"]


def test_a_result_is_not_given_out_under_other_rights(met: Place, tmp_path: Path) -> None:
    sent = send(met, identity(met, "officer"), inputs=INPUTS)
    work(met, tmp_path)
    done = job(met, sent.id)

    async def same(_database: Any, catalogue: Any) -> None:
        require_same_rights(done, catalogue, Owner(identity(met, "officer"), ()), done.created.date())

    async def other(_database: Any, catalogue: Any) -> None:
        require_same_rights(done, catalogue, Owner(identity(met, "reviewer"), ()), done.created.date())

    met.ask(same)
    with pytest.raises(ForbiddenError):
        met.ask(other)
