"""Whatever breaks, nothing that could not be checked is clear and no verdict passes; one broken layer costs one
finding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from layers.checking import reading
from layers.errors import LienthongError
from tests.support.checked import Place, corridor
from tests.support.published import box

LAYER = "water_corridor"
#: a profile without the unverified rule, so that a verdict could pass and a wrong one would be seen
CAN_PASS = "corridor_only"
UNKNOWN = {"not_checked", "not_mapped", "partly_mapped"}

Fault = Callable[[Place], None]


def run_sql(place: Place, *statements: str) -> None:
    with psycopg.connect(place.url) as connection:
        (number,) = connection.execute("SELECT number FROM catalogue.layer WHERE id = %s", (LAYER,)).fetchone() or (0,)
        for statement in statements:
            connection.execute(statement.format(number=number))  # type: ignore[arg-type]


def pieces_lost(place: Place) -> None:
    run_sql(place, "DELETE FROM checks.piece WHERE layer = {number}")


def facts_lost(place: Place) -> None:
    run_sql(place, "DELETE FROM checks.fact WHERE layer = {number}")


def both_lost(place: Place) -> None:
    pieces_lost(place)
    facts_lost(place)


def mapped_lost(place: Place) -> None:
    run_sql(place, "DELETE FROM checks.mapped WHERE layer = {number}")


def shapes_unreadable(place: Place) -> None:
    """Pieces that hold points where areas should be."""
    run_sql(place, "UPDATE checks.piece SET geom = ST_PointOnSurface(geom) WHERE layer = {number}")
    place_a_piece_near(place)


def place_a_piece_near(place: Place) -> None:
    run_sql(place, "UPDATE checks.piece SET geom = 'POINT(598010 1214010)' WHERE layer = {number}")


def shapes_empty(place: Place) -> None:
    """A piece that says it is near and holds no number."""
    run_sql(place, "UPDATE checks.piece SET geom = 'LINESTRING(598010 1214010, 598011 1214011)' WHERE layer = {number}")


def suspended(place: Place) -> None:
    place.publisher.set_state(LAYER, "suspended", "kiểm tra")


def withdrawn(place: Place) -> None:
    place.publisher.set_state(LAYER, "withdrawn", "nhầm")


def stale(place: Place) -> None:
    run_sql(place, f"UPDATE catalogue.revision SET created = created - interval '400 days' WHERE layer = '{LAYER}'")


def mapped_cut(place: Place) -> None:
    place.publish(LAYER, [corridor("SG-09", box(-500, -500, 100, 100))], mapped=[box(-1000, -1000, 1010, 3000)])


def mapped_elsewhere(place: Place) -> None:
    place.publish(LAYER, [corridor("SG-09", box(-500, -500, 100, 100))], mapped=[box(5000, 5000, 10, 10)])


def row_refused(place: Place) -> None:
    place.publish(LAYER, [corridor("SG-09", box(-500, -500, 100, 100))], refused=[box(5, 5, 3, 3)])


def revision_lost(place: Place) -> None:
    run_sql(place, f"DELETE FROM catalogue.release WHERE layer = '{LAYER}'",
            f"DELETE FROM catalogue.revision WHERE layer = '{LAYER}'")  # fmt: skip


OFTEN: tuple[Fault, ...] = (pieces_lost, facts_lost, mapped_lost, suspended, stale, row_refused)
SELDOM: tuple[Fault, ...] = (
    both_lost, shapes_unreadable, shapes_empty, withdrawn, mapped_cut, mapped_elsewhere, revision_lost,
)  # fmt: skip
ONE_LAYER: dict[str, Fault] = {fault.__name__: fault for fault in (*OFTEN, *SELDOM)}


def outcomes(place: Place) -> dict[str, str]:
    return {one["check"]: one["outcome"] for one in place.check().content["findings"]}


def test_without_a_fault_it_is_clear_and_passes(place: Place) -> None:
    """Else the other tests of this file could not fail."""
    assert outcomes(place)[LAYER] == "clear"
    assert place.check(procedure=CAN_PASS).content["verdict"] == "pass"


@pytest.fixture(scope="module")
def before(shared_place: Place) -> dict[str, str]:
    return outcomes(shared_place)


@pytest.mark.parametrize(
    "fault", [*(f.__name__ for f in OFTEN), *(pytest.param(f.__name__, marks=pytest.mark.long) for f in SELDOM)]
)
def test_one_broken_layer_costs_one_finding_and_the_verdict(place: Place, before: dict[str, str], fault: str) -> None:
    expected = dict(before)
    ONE_LAYER[fault](place)
    after = outcomes(place)
    assert after.pop(LAYER) in UNKNOWN
    expected.pop(LAYER)
    assert after == expected
    alone = place.check(procedure=CAN_PASS).content
    assert alone["verdict"] == "refer"
    assert alone["findings"][0]["reasons"], "why it could not be checked is told"


@pytest.mark.parametrize(
    ("table", "how"),
    [
        ("checks.piece", "TRUNCATE {}"),
        pytest.param("checks.fact", "TRUNCATE {}", marks=pytest.mark.long),
        pytest.param("checks.mapped", "TRUNCATE {}", marks=pytest.mark.long),
        ("checks.piece", "ALTER TABLE {} RENAME TO lost"),
        pytest.param("checks.fact", "ALTER TABLE {} RENAME TO lost", marks=pytest.mark.long),
        pytest.param("checks.mapped", "ALTER TABLE {} RENAME TO lost", marks=pytest.mark.long),
    ],
)
def test_a_table_of_the_engine_that_is_emptied_or_gone_makes_nothing_clear(place: Place, table: str, how: str) -> None:
    run_sql(place, how.format(table))
    assert_nothing_passes(place)


#: layers that hold nothing lost nothing; features prove a requirement whatever is mapped
HOLDS_NOTHING = {"parcel_block", "military_zone"}
REQUIREMENTS = {"covers_area", "inside"}


def assert_nothing_passes(place: Place) -> None:
    """Either no answer at all, or one in which nothing that rests on what is gone is clear."""
    try:
        content = place.check().content
        alone = place.check(procedure=CAN_PASS).content
    except (LienthongError, psycopg.Error):
        return
    assert alone["verdict"] == "refer"
    of_layers = [part for one in content["findings"] for part in (one, *one.get("members", ())) if part["layer"]]
    doubtful = {
        part["layer"]: part["outcome"]
        for part in of_layers
        if part["layer"] not in HOLDS_NOTHING and part["relation"] not in REQUIREMENTS
    }
    assert LAYER in doubtful
    assert set(doubtful.values()) <= UNKNOWN, doubtful


@pytest.mark.parametrize(
    "table",
    ["checks.piece", *(pytest.param(f"checks.{name}", marks=pytest.mark.long) for name in ("fact", "mapped", "held"))],
)
def test_a_table_that_is_locked_makes_nothing_clear(place: Place, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TIMEOUT_MS", 300)
    with psycopg.connect(place.url) as holder:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        assert_nothing_passes(place)


def test_the_age_is_that_of_the_day_asked_from(place: Place) -> None:
    later = datetime.now(UTC) + timedelta(days=366)
    found = place.check(procedure=CAN_PASS, now=later).content
    assert (found["findings"][0]["outcome"], found["verdict"]) == ("not_checked", "refer")


def test_a_stale_layer_still_tells_its_hits(place: Place) -> None:
    place.publish(LAYER, [corridor("SG-03", box(0, 0, 10, 10))])
    stale(place)
    found = place.check(procedure=CAN_PASS).content["findings"][0]
    assert found["outcome"] == "not_checked"
    assert [feature["key"] for feature in found["features"]] == ["SG-03"]


def test_a_record_that_cannot_be_written_is_no_answer(place: Place) -> None:
    run_sql(place, "ALTER TABLE checks.record ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        place.check()


def test_an_event_that_cannot_be_written_is_no_answer(place: Place) -> None:
    run_sql(place, "ALTER TABLE access.event ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    with pytest.raises((psycopg.errors.CheckViolation, LienthongError)):
        place.check()


def test_a_connection_that_breaks_in_the_middle_is_no_answer(place: Place) -> None:
    """The server ends the session while candidates are read."""
    run_sql(place, "ALTER TABLE checks.piece RENAME TO piece_kept",
            "CREATE VIEW checks.piece AS SELECT piece_kept.* FROM checks.piece_kept, "
            "(SELECT pg_terminate_backend(pg_backend_pid())) AS ended")  # fmt: skip
    try:
        content = place.check(procedure=CAN_PASS).content
    except (LienthongError, psycopg.Error):
        return
    assert content["verdict"] != "pass"
