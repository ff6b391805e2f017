"""Distances from legal origins, parcels against each other, certificates, what is left: one by one and in a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from layers.checking.answer import Answer
from layers.checking.batch import BatchRequest, batch
from layers.checking.request import ByParcels, parse_parcel
from tests.support.checked import OFFICER, OPERATOR, PUBLIC, Place, codes, finding
from tests.support.published import Publisher, apply_profile, box, line, point
from tests.support.server import Server

MakeTemplate = Callable[[str, Callable[[str], None]], str]
#: 20 × 30 m each, 1,000 m apart; the two last ones are neighbours, of which one reaches 0.5 m into the other
PARCELS = {name: box(1000 * place, 0, 20, 30) for place, name in enumerate("ABCDEFG")}
PARCELS |= {"N": box(9000, 0, 20, 30), "S": box(9020, 0, 20, 30), "O": box(9039.5, 0, 20, 30)}
AREAS: dict[str, float | None] = {**dict.fromkeys(PARCELS, 600.0), "B": 640.0, "C": None, "S": None}


def beside(parcel: int, gap_m: float) -> float:
    """Metres from the middle: so far east of a parcel's eastern edge."""
    return 1000.0 * parcel + 20 + gap_m


def cable(key: str, x: float, **columns: object) -> dict[str, Any]:
    return {"ma": key, "geom": line((x, -100), (x, 100)), **columns}


def fill(url: str) -> None:
    publisher = Publisher.of(url, "origins")
    apply_profile(url, publisher.profile)
    publisher.publish("parcel", [
        {"so_thua": name, "geom": shape, "dien_tich_phap_ly": AREAS[name]} for name, shape in PARCELS.items()
    ])  # fmt: skip
    publisher.publish("cable", [
        cable("500-in", beside(0, 10), cap="500", boc=False, be_rong=10.0),  # 10 - 5 = 5 m of 7 m
        cable("500-out", beside(1, 13), cap="500", boc=False, be_rong=10.0),  # 8 m of 7 m
        cable("500-unknown", beside(2, 10), cap="500", boc=False),  # the spread may be up to 20 m
        cable("22-bare", beside(3, 3.8), cap="22", boc=False, be_rong=4.0),  # 1.8 m of 2 m, within the accuracy
        cable("no-class", beside(4, 8), cap="35", boc=True, be_rong=4.0),  # the largest, and only to look at
        cable("22-covered", beside(5, 5), cap="22", boc=True, be_rong=4.0),  # 3 m of 1 m
    ])  # fmt: skip
    publisher.publish("station", [
        {"ma": "pump", "diem": "cột bơm", "geom": point(beside(0, 299), 10)},
        {"ma": "middle-near", "diem": "tâm", "geom": point(beside(2, 265), 10)},
        {"ma": "middle", "geom": point(beside(4, 320), 10)},
    ])  # fmt: skip
    publisher.publish("river", [
        {"ma": "wide", "pham_vi": 30.0, "geom": box(beside(0, 25), -50, 5, 100)},
        {"ma": "narrow", "pham_vi": 5.0, "geom": box(beside(1, 8), -50, 5, 100)},
        {"ma": "unknown", "geom": box(beside(2, 8), -50, 5, 100)},
        {"ma": "unknown-far", "geom": box(beside(3, 12), -50, 5, 100)},
    ])  # fmt: skip
    publisher.publish("landfill", [{"ma": "fence", "geom": box(beside(6, 850), -50, 300, 300)}])


@pytest.fixture(scope="session")
def origins_template(make_template: MakeTemplate) -> str:
    return make_template("origins", fill)


@pytest.fixture(scope="module")
def origins(origins_template: str, server: Server) -> Iterator[Place]:
    """Only asked."""
    with server.copied(origins_template) as url:
        yield Place(url, Publisher.of(url, "origins"))


@pytest.fixture
def own(origins_template: str, clone: Callable[[str], str]) -> Place:
    url = clone(origins_template)
    return Place(url, Publisher.of(url, "origins"))


def ask(place: Place, parcel: str, **more: Any) -> Answer:
    return place.check(f"key:{parcel}", "siting", **more)


@pytest.mark.parametrize(
    ("parcel", "check", "outcome", "verdict", "reason"),
    [
        ("A", "cable", "affected", "fail", None),
        ("B", "cable", "clear", "pass", None),
        ("C", "cable", "borderline", "refer", "origin_unknown"),  # though the procedure fails on doubt
        ("D", "cable", "borderline", "fail", "within_accuracy"),
        ("E", "cable", "borderline", "refer", "distance_assumed"),
        ("F", "cable", "clear", "pass", None),
        ("A", "station", "affected", "fail", None),
        ("C", "station", "affected", "fail", None),  # even with its dispenser 30 m behind the middle
        ("E", "station", "borderline", "refer", "origin_unknown"),
        ("A", "river", "affected", "fail", None),
        ("B", "river", "clear", "pass", None),
        ("C", "river", "borderline", "refer", "distance_assumed"),
        ("D", "river", "borderline", "refer", "distance_assumed"),
        ("G", "landfill", "borderline", "refer", "origin_unknown"),  # the cell may lie 200 m behind the fence
        ("F", "landfill", "clear", "pass", None),
    ],
)
def test_a_distance_is_taken_from_where_the_law_says(
    origins: Place, parcel: str, check: str, outcome: str, verdict: str, reason: str | None
) -> None:
    found = finding(ask(origins, parcel), check)
    assert (found["outcome"], found["verdict"]) == (outcome, verdict)
    assert codes(found) == ([reason] if reason else [])


def test_each_feature_shows_its_own_distance_and_from_where_it_is_measured(origins: Place) -> None:
    (hit,) = finding(ask(origins, "A"), "cable")["features"]
    assert (hit["key"], hit["distance_m"], hit["origin"]) == ("500-in", 7.0, "outer_conductor")
    assert hit["nearest_m"] == pytest.approx(5.0, abs=1e-3)
    (drop,) = finding(ask(origins, "C"), "cable")["dropped"]
    assert (drop["reason"], drop["origin"], drop["nearest_m"]) == ("origin_unknown", "centreline", pytest.approx(10.0))
    (wide,) = finding(ask(origins, "A"), "river")["features"]
    assert (wide["distance_m"], wide["origin"]) == (30.0, "bank")
    (middle,) = finding(ask(origins, "E"), "station")["dropped"]
    assert middle["origin"] == "centroid"


def test_a_feature_that_reaches_farther_than_the_rule_looks_is_never_clear(own: Place, tmp_path: Path) -> None:
    own.publish("river", [{"ma": "vast", "pham_vi": 500.0, "geom": box(200, -50, 5, 100)}])
    for found in (finding(ask(own, "A"), "river"), finding(ask(own, "G"), "river")):
        assert (found["outcome"], codes(found)) == ("not_checked", ["distance_beyond_limit"])
    findings, _ = batched(own, tmp_path)
    rows = findings[findings["check"] == "river"]
    assert set(rows["outcome"]) == {"not_checked"}
    assert set(rows["reason"]) == {"distance_beyond_limit"}


# ── parcels against each other ───────────────────────────────────────────────────────────────────
def test_a_parcel_is_not_held_against_itself(origins: Place) -> None:
    found = finding(ask(origins, "A"), "neighbours")
    assert (found["outcome"], found["features"]) == ("clear", [])
    assert [(drop["key"], drop["reason"], drop["area_m2"]) for drop in found["dropped"]] == [
        ("A", "subject_itself", 600.0)
    ]


def test_certified_neighbours_overlap_touch_and_are_told(origins: Place) -> None:
    """S has no certificate: N touches it, O reaches half a metre into it."""
    found = finding(ask(origins, "S"), "neighbours")
    assert (found["outcome"], found["verdict"]) == ("affected", "fail")
    assert [(hit["key"], hit["area_m2"]) for hit in found["features"]] == [("O", pytest.approx(15.0, abs=1e-3))]
    assert {drop["key"]: drop["reason"] for drop in found["dropped"]} == {"N": "touches_only", "S": "subject_itself"}
    # of two that overlap, the one without a certificate is in nobody's way
    other = finding(ask(origins, "O"), "neighbours")
    assert other["outcome"] == "clear"
    assert {drop["key"]: drop["reason"] for drop in other["dropped"]} == {"O": "subject_itself", "S": "not_applicable"}


def test_a_drawn_shape_leaves_nobody_out(origins: Place) -> None:
    found = finding(origins.check_shape(PARCELS["A"], procedure="siting"), "neighbours")
    assert [hit["key"] for hit in found["features"]] == ["A"]


def test_several_parcels_leave_out_all_they_are_made_of(origins: Place) -> None:
    together = ByParcels((parse_parcel("key:N"), parse_parcel("key:S")))
    found = finding(origins.check(together, "siting"), "neighbours")
    assert [hit["key"] for hit in found["features"]] == ["O"]
    assert {drop["key"] for drop in found["dropped"]} == {"N", "S"}


# ── certificates ─────────────────────────────────────────────────────────────────────────────────
def test_both_areas_are_shown_with_what_lies_between(origins: Place) -> None:
    found = finding(ask(origins, "B", principal=OFFICER), "certificate")
    assert (found["outcome"], found["verdict"]) == ("affected", "fail")
    measure = found["measure"]
    assert (measure["area_m2"], measure["registered_area_m2"], measure["difference_m2"]) == (600.0, 640.0, -40.0)
    without = finding(ask(origins, "C", principal=OFFICER), "certificate")
    assert (without["outcome"], codes(without)) == ("not_checked", ["no_registered_area"])
    assert finding(ask(origins, "A"), "certificate")["outcome"] == "clear"


def test_who_may_not_see_the_certificate_learns_nothing_that_follows_from_it(origins: Place) -> None:
    """Neither an area, nor a share of it, nor whether there is one."""
    with_one, without = ask(origins, "B", principal=PUBLIC), ask(origins, "C", principal=PUBLIC)
    for answer in (with_one, without):
        found = finding(answer, "certificate")
        assert (found["outcome"], found["verdict"]) == ("withheld", "refer")
        assert "difference_m2" not in found["measure"]
        assert answer.content["subject"]["registered_area_m2"] is None
        assert finding(answer, "neighbours")["measure"]["registered_area_m2"] is None


def test_areas_are_told_in_the_measure_of_the_certificate_too(own: Place) -> None:
    own.publish("parcel", [
        {"so_thua": "B", "geom": PARCELS["B"], "dien_tich_phap_ly": 660.0},
        {"so_thua": "T", "geom": box(1000, 0, 20, 10), "dien_tich_phap_ly": 200.0},
    ])  # fmt: skip
    answer = ask(own, "B")
    found = finding(answer, "neighbours")
    assert (found["measure"]["area_m2"], found["measure"]["registered_area_m2"]) == (200.0, 220.0)
    assert (found["features"][0]["area_m2"], found["features"][0]["registered_area_m2"]) == (200.0, 220.0)
    assert found["measure"]["remainder_m2"] == 400.0
    assert answer.content["remainder"] == {"area_m2": 400.0, "registered_area_m2": 440.0, "checks": ["neighbours"]}
    assert own.replay(answer.id).is_identical


# ── documents and rules by the day ───────────────────────────────────────────────────────────────
def test_documents_say_whether_they_are_in_force_on_the_day(origins: Place) -> None:
    told = {basis["number"]: basis["status"] for basis in finding(ask(origins, "A"), "neighbours")["basis"]}
    assert told["còn hiệu lực"] == "in_force"
    assert told["chưa có hiệu lực"] == "not_yet"
    assert told["hết hiệu lực"] == "expired"
    later = finding(ask(origins, "A", on_date=date(2031, 6, 1)), "neighbours")
    assert {basis["number"]: basis["status"] for basis in later["basis"]}["còn hiệu lực"] == "expired"


def test_rules_that_do_not_hold_on_the_day_are_named_with_their_dates(origins: Place) -> None:
    skipped = {each["check"]: each["reason"]["message"]["en"] for each in ask(origins, "A").content["skipped"]}
    assert set(skipped) == {"later", "earlier"}
    assert "2030-01-01" in skipped["later"]
    assert "2020-12-31" in skipped["earlier"]
    assert {each["check"] for each in ask(origins, "A", on_date=date(2030, 6, 1)).content["skipped"]} == {"earlier"}


# ── the batch ────────────────────────────────────────────────────────────────────────────────────
def batched(place: Place, out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    request = BatchRequest(procedure="siting", inputs={}, layer="parcel", out=out, workers=1)
    now = datetime.now(UTC) + timedelta(seconds=1)
    report = place.ask(lambda database, catalogue: batch(database, catalogue, request, OPERATOR, now=now))
    return pd.read_parquet(report.findings), pd.read_parquet(report.features)


def test_a_batch_says_what_single_checks_say(origins: Place, tmp_path: Path) -> None:
    findings, features = batched(origins, tmp_path)
    for name in PARCELS:
        for each in ask(origins, name).content["findings"]:
            row = findings[(findings["subject_key"] == name) & (findings["check"] == each["check"])].iloc[0]
            assert (row["outcome"], row["verdict"]) == (each["outcome"], each["verdict"]), (name, each["check"])
            met = features[(features["subject_key"] == name) & (features["check"] == each["check"])]
            of_batch = {
                (key, bool(hit), None if pd.isna(why) else why)
                for key, hit, why in zip(met["feature_key"], met["hit"], met["reason"], strict=True)
            }
            single = {(hit["key"], True, hit["reason"]) for hit in each["features"]}
            single |= {(drop["key"], False, drop["reason"]) for drop in each["dropped"]}
            assert of_batch == single, (name, each["check"])
