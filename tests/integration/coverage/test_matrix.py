"""The matrix of coverage says what the engine would: by its own measure, to each caller as far as they may know."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from layers.checking import coverage as module
from layers.checking.coverage import Asked, coverage_of
from layers.checking.gaps import gaps_of
from layers.checking.ground import KnownGrounds
from layers.errors import NotFoundError
from layers.profile.procedures import relations_of
from tests.support.checked import Place, finding
from tests.support.published import box

from .land import A, B, C, Land, somebody

WARD_BOXES = {A: box(0, 0, 600, 600), B: box(600, 0, 600, 600), C: box(1200, 0, 600, 600)}


def test_each_commune_has_its_own_state(land: Land) -> None:
    quiet = {"ma": "Q1", "loai": "rừng", "geom": box(100, 100, 50, 50)}
    land.publisher.publish("quiet", [quiet], mapped=[WARD_BOXES[A], box(600, 0, 150, 600)])
    assert land.states("quiet") == {A: "mapped", B: "partly", C: "none"}
    assert land.coverage().cells["quiet", B].share == pytest.approx(0.25, abs=1e-4)
    land.publisher.publish("quiet", [quiet])
    assert land.states("quiet") == {A: "mapped", B: "empty", C: "empty"}
    assert land.states("empty") == dict.fromkeys((A, B, C), "none")
    land.publisher.set_state("quiet", "suspended", "sai")
    assert land.states("quiet") == dict.fromkeys((A, B, C), "suspended")
    land.publisher.set_state("quiet", "withdrawn", "lộ")
    assert land.states("quiet") == dict.fromkeys((A, B, C), "withdrawn")


def test_a_feature_that_only_shares_the_boundary_does_not_lie_in_the_commune(land: Land) -> None:
    land.publisher.publish("quiet", [{"ma": "Q1", "loai": "rừng", "geom": box(0, 0, 600, 600)}])
    assert land.states("quiet") == {A: "mapped", B: "empty", C: "empty"}
    land.publisher.publish("register", [{"so_vb": "1", "ma_xa": B, "so_to": "1", "so_thua": "2"}])
    assert land.states("register") == {A: "empty", B: "mapped", C: "empty"}


@pytest.mark.parametrize("seed", range(4))
def test_where_a_cell_is_whole_or_nothing_the_engine_says_the_same(land: Land, seed: int) -> None:
    """Random declared areas and refused ground; random shapes in every commune, measured by the engine itself."""
    chance = random.Random(seed)
    mapped = [_ward_or_part(chance, ward) for ward in WARD_BOXES if chance.random() < 0.8]
    refused = [_somewhere(chance, 60) for _ in range(chance.randint(0, 2))]
    land.publisher.publish("quiet", [], mapped=None if chance.random() < 0.2 else mapped, refused=refused)
    found = land.coverage()
    shapes = {ward: [_inside(chance, shape) for _ in range(6)] for ward, shape in WARD_BOXES.items()}
    answers = iter(land.check_all([shape for those in shapes.values() for shape in those]))
    for ward, those in shapes.items():
        cell = found.cells["quiet", ward]
        shares = [finding(next(answers), "quiet")["coverage"]["mapped_share"] for _ in those]
        if cell.state in ("mapped", "empty"):
            assert shares == [1.0] * len(those)
        elif cell.state == "none":
            assert shares == [0.0] * len(those)
        else:
            assert cell.state == "partly" and cell.share is not None and 0 < cell.share < 1
        exact = _share(WARD_BOXES[ward], mapped if _is_declared(land) else [box(-9e3, -9e3, 2e4, 2e4)], refused)
        assert cell.share == pytest.approx(exact, abs=1e-9) or (cell.share == 1.0 and exact > 0.999)


def _ward_or_part(chance: random.Random, ward: str) -> BaseGeometry:
    if chance.random() < 0.6:
        return WARD_BOXES[ward]
    west, south, _, north = WARD_BOXES[ward].bounds
    return shapely.box(west, south, west + chance.uniform(50, 590), north)


def _somewhere(chance: random.Random, size: float) -> BaseGeometry:
    return box(chance.uniform(0, 1700), chance.uniform(0, 500), size, size)


def _inside(chance: random.Random, ward: BaseGeometry) -> BaseGeometry:
    west, south, east, north = ward.bounds
    x, y = chance.uniform(west + 2, east - 22), chance.uniform(south + 2, north - 22)
    return shapely.box(x, y, x + 20, y + 20)


def _is_declared(land: Land) -> bool:
    with psycopg.connect(land.url) as connection:
        (found,) = connection.execute(
            "SELECT NOT bool_or(kind = 'everywhere') FROM checks.mapped JOIN catalogue.layer ON number = layer"
            " WHERE id = 'quiet' AND until IS NULL"
        ).fetchone() or (None,)
    return found is not False


def _share(ward: BaseGeometry, mapped: Sequence[BaseGeometry], refused: Sequence[BaseGeometry]) -> float:
    left = shapely.intersection(ward, shapely.union_all(list(mapped)))
    return float(shapely.difference(left, shapely.union_all(list(refused))).area / ward.area)


def test_the_reach_of_a_distance_takes_the_rim_from_what_can_be_clear(land: Land) -> None:
    """150 m to a site: of a ward declared alone only what lies 150 m inside it can be answered."""
    for layer in ("quiet", "register"):
        land.publisher.publish(layer, [])
    land.publisher.publish("site", [], mapped=[WARD_BOXES[A]])
    found = land.coverage()
    assert found.cells["site", A].state == "empty"
    (cell,) = (one for one in found.procedures["land_use_change"] if one.commune == A)
    (held,) = (one for one in cell.held_by if one.layer == "site")
    assert (cell.best, held.why, held.passes) == ("pass", "partly_mapped", True)
    assert cell.share == held.share == pytest.approx(0.25, abs=1e-6)
    inner, outer = box(290, 290, 1, 1), box(20, 290, 1, 1)
    outcomes = [finding(answer, "site_distance")["outcome"] for answer in land.check_all([inner, outer])]
    assert outcomes == ["clear", "partly_mapped"]


def test_what_holds_a_procedure_down_is_named_and_ranked(land: Land) -> None:
    land.publisher.publish("quiet", [], mapped=[WARD_BOXES[A]])
    for layer in ("site", "register"):
        land.publisher.publish(layer, [])
    found = land.coverage()
    best = {cell.commune: cell.best for cell in found.procedures["land_use_change"]}
    assert best == {A: "pass", B: "refer", C: "refer"}
    gap = found.gaps[0]
    assert (gap.layer, gap.why, set(gap.communes)) == ("quiet", "not_mapped", {B, C})
    assert gap.completes == ("land_use_change",) and gap.parcels == 72
    land.publisher.set_state("line", "suspended", "sai")
    found = land.coverage()
    assert all(cell.best == "refer" for cells in found.procedures.values() for cell in cells)
    of_line = {gap.communes: set(gap.completes) for gap in found.gaps if gap.layer == "line"}
    assert of_line == {(A,): {"construction_permit", "land_use_change"}, (B, C): {"construction_permit"}}


def test_the_best_that_is_told_is_reached_by_the_engine(land: Land) -> None:
    """Where a procedure can pass, a shape that nothing touches does pass; where it cannot, none does."""
    land.publisher.publish("quiet", [], mapped=[WARD_BOXES[A], WARD_BOXES[B]])
    for layer in ("site", "register", "line", "inspection", "hidden_place", "well"):
        land.publisher.publish(layer, [])
    land.publisher.publish("plan", [{"ma": "P1", "loai_dat": "ODT", "tang_cao": 3, "geom": box(0, 0, 1800, 600)}])
    best = {cell.commune: cell.best for cell in land.coverage().procedures["land_use_change"]}
    answers = land.check_all([box(west + 300, 300, 20, 20) for west in (0, 600, 1200)])
    # a drawn shape has no numbers to be found by in a register: all the rest
    told = [{one["verdict"] for one in answer.content["findings"] if one["check"] != "blocks"} for answer in answers]
    assert best == {A: "pass", B: "pass", C: "refer"}
    assert told == [{"pass"}, {"pass"}, {"pass", "refer"}]


# ── who is told what ─────────────────────────────────────────────────────────────────────────────
def test_refused_ground_is_measured_for_all_and_counted_for_the_owner(land: Land) -> None:
    land.publisher.publish("quiet", [], refused=[box(580, 100, 40, 50)])
    for who, refused in (("warden", (1, pytest.approx(1000, abs=1))), ("public", (None, None))):
        cell = land.coverage(somebody(who)).cells["quiet", A]
        assert (cell.state, cell.refused_count, cell.refused_m2) == ("partly", *refused)
        assert cell.share == pytest.approx(1 - 1000 / 360_000, abs=1e-6)


def test_each_caller_sees_the_rows_they_may_know_of(land: Land) -> None:
    land.publisher.publish("quiet", [])
    seen = {who: {row.definition.id: row.shown for row in land.coverage(somebody(who)).rows}
            for who in ("public", "reviewer", "warden", "officer", "clerk")}  # fmt: skip
    assert "hidden_place" not in seen["public"] and seen["warden"]["hidden_place"] == "open"
    assert "register" not in seen["public"] and seen["officer"]["register"] == "open"
    assert seen["public"]["well"] == "withheld" and seen["public"]["draft"] == "withheld"
    assert seen["clerk"]["parcel"] == "declared", "may be checked, and not be seen"
    assert seen["public"]["plan"] == "open"


def test_what_lies_somewhere_is_told_only_of_rows_that_are_seen(land: Land) -> None:
    land.publisher.publish("inspection", [])
    clerk = land.coverage(somebody("clerk"), purpose="land_use_change")
    assert clerk.cells["inspection", A].state == "mapped", "that it is empty there would tell of its rows"
    assert land.coverage(somebody("warden")).cells["inspection", A].state == "empty"
    assert clerk.parcels is None and land.coverage().parcels == {A: 36, B: 36, C: 36}


def test_a_check_on_a_secret_layer_has_no_name(land: Land) -> None:
    found = land.coverage(somebody("public")).as_dict()
    procedure = next(one for one in found["procedures"] if one["id"] == "land_use_change")
    held = {one["check"]: one for one in procedure["communes"][0]["held_by"]}
    assert held["restricted_1"]["title"]["en"] == "Restricted check" and held["restricted_1"]["layer"] is None
    assert "hidden_place" not in json.dumps(found) and "Secret places" not in json.dumps(found)
    assert all(gap["layer"] in {row["id"] for row in found["layers"]} for gap in found["close_next"])


def test_activity_that_is_hidden_shows_no_day(land: Land) -> None:
    land.publisher.publish("quiet", [])
    of = {who: next(row.as_dict() for row in land.coverage(somebody(who)).rows if row.definition.id == "quiet")
          for who in ("public", "warden")}  # fmt: skip
    assert of["public"]["published"] is of["public"]["release"] is of["public"]["age_days"] is None
    assert of["warden"]["published"] and of["warden"]["release"] == 1


def test_refused_rows_of_unknown_place_unmap_the_layer_and_the_owner_hears_of_them(land: Land) -> None:
    land.publisher.publish("quiet", [], mapped=[])
    with psycopg.connect(land.url) as connection:
        connection.execute("UPDATE catalogue.release SET declaration = '{\"unplaced\": [null, \"25747\"]}'"
                           " WHERE layer = 'quiet'")  # fmt: skip
    assert land.states("quiet") == dict.fromkeys((A, B, C), "none")
    told = {who: next(row for row in land.coverage(somebody(who)).rows if row.definition.id == "quiet").unplaced
            for who in ("public", "warden")}  # fmt: skip
    assert told == {"public": None, "warden": 2}


# ── asking ───────────────────────────────────────────────────────────────────────────────────────
def test_a_part_of_the_matrix_can_be_asked_for(land: Land) -> None:
    found = land.coverage(asked=Asked(sector="environment", commune=B, procedure="land_use_change"))
    assert {row.definition.sector for row in found.rows} == {"environment"}
    assert [place.code for place in found.places] == [B] and list(found.procedures) == ["land_use_change"]
    read = {relation.layer for check in land.publisher.profile.procedures[1].checks for relation in relations_of(check)}
    assert {row.definition.id for row in found.rows} <= read
    for asked in (Asked(layer="khong_co"), Asked(commune="99999"), Asked(procedure="x"), Asked(sector="x")):
        with pytest.raises(NotFoundError):
            land.coverage(asked=asked)
    for layer in ("hidden_place", "register"):
        with pytest.raises(NotFoundError):
            land.coverage(somebody("public"), Asked(layer=layer))


def test_what_was_measured_serves_the_next_until_the_layer_changes(land: Land) -> None:
    known = KnownGrounds()

    def states(database: object, catalogue: object) -> object:
        return coverage_of(database, catalogue, somebody("warden"), known)  # type: ignore[arg-type]

    land.publisher.publish("quiet", [])
    first = land.run(states)
    measured = {key: known.get(key) for key in list(known._known)}
    assert land.run(states).cells == first.cells and {key: known.get(key) for key in measured} == measured
    land.publisher.publish("quiet", [], mapped=[WARD_BOXES[A]])
    assert land.run(states).cells["quiet", B].state == "none"
    assert [key[1] for key in known._known if key not in measured] == ["quiet"]


def test_the_matrix_is_worked_out_beside_the_event_loop_and_holds_nobody_up(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, seen = KnownGrounds(), list[tuple[bool, bool]]()

    def noted(*given: Any) -> Any:
        seen.append((known.lock.locked(), threading.current_thread() is threading.main_thread()))
        return gaps_of(*given)

    monkeypatch.setattr(module, "gaps_of", noted)
    land.run(lambda database, catalogue: coverage_of(database, catalogue, somebody("public"), known))
    assert seen == [(False, False)]


def test_the_reading_leaves_an_event_with_the_layers_whose_rows_it_told_of(land: Land) -> None:
    land.coverage(somebody("public"))
    with psycopg.connect(land.url) as connection:
        ((who, action, used),) = connection.execute("SELECT principal, action, used FROM access.event").fetchall()
    assert (who, action) == ("public", "coverage")
    assert "plan" in used and "parcel" not in used and "inspection" not in used


def test_data_that_is_too_old_is_stale_to_the_second(place: Place) -> None:
    """A profile without a commune layer: what follows without shapes is told all the same."""

    def state(now: datetime) -> str:
        found = place.ask(
            lambda database, catalogue: coverage_of(database, catalogue, somebody("warden"), KnownGrounds(), now=now)
        )
        (cell,) = {cell.state for (layer, _), cell in found.cells.items() if layer == "water_corridor"}
        return str(cell)

    with psycopg.connect(place.url) as connection:
        (published,) = connection.execute(
            "SELECT created FROM catalogue.revision WHERE layer = 'water_corridor'"
        ).fetchone() or (datetime.now(UTC),)
    limit = published + timedelta(days=365)
    assert [state(limit), state(limit + timedelta(seconds=1))] == ["mapped", "stale"]
    in_force = date(2027, 2, 1)
    checked = [finding(place.check(now=now, on_date=in_force), "water_corridor")["outcome"]
               for now in (limit, limit + timedelta(seconds=1))]  # fmt: skip
    assert checked == ["clear", "not_checked"]
