"""Attacks on layers that may be checked and not seen: nothing is told but the few outcomes a dossier is good for."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import anyio
import psycopg
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from layers.access.principal import Principal
from layers.checking.answer import Answer
from layers.checking.history import checks_of, find_answer
from layers.checking.request import ByGeometry, CheckRequest, SubjectQuery, by_file, parse_parcel
from layers.checking.run import check
from layers.errors import ForbiddenError, InvalidInputsError, NotFoundError
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from tests.support.checked import INPUTS, OFFICER, PARCEL, REVIEWER, Place, codes, fill, finding, geojson
from tests.support.published import box, point

NEIGHBOUR = "25750@2025/45/123"
PURPOSE = "land_use_change"
NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
COLLEAGUE = replace(REVIEWER, id="colleague", office="other_desk")
#: a hidden site somewhere in a square of so many metres around the parcels
SQUARE_M, FOUND_M, PROBES = 3_000.0, 10.0, 18


@pytest.fixture
def place(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> Place:
    return Place.at(clone(make_template("checked", fill)))


@dataclass
class Asked:
    """Checks of one reviewer over one open database."""

    database: Database
    catalogue: Catalogue
    principal: Principal = REVIEWER

    async def __call__(self, subject: str | SubjectQuery, **more: Any) -> Answer:
        query = parse_parcel(subject) if isinstance(subject, str) else subject
        request = CheckRequest("land_use_change", query, INPUTS, **{"purpose": PURPOSE, **more})
        return await check(self.database, self.catalogue, request, self.principal, now=NOW)

    async def again(self, record_id: str, principal: Principal, **more: Any) -> Answer:
        return await find_answer(self.database, self.catalogue, record_id, principal, now=NOW, **more)


def asking(
    place: Place, body: Callable[[Asked], Awaitable[Any]], *, principal: Principal = REVIEWER, **limits: Any
) -> Any:
    """Run `body` with other limits of the profile where they are given."""

    async def run(database: Database, catalogue: Catalogue) -> Any:
        header = catalogue.profile.header
        changed = header.model_copy(update={"check_only": header.check_only.model_copy(update=limits)})
        profile = catalogue.profile.model_copy(update={"header": changed})
        return await body(Asked(database, replace(catalogue, profile=profile), principal))

    return place.ask(run)


def waste(answer: Answer) -> dict[str, Any]:
    return finding(answer, "waste_distance")


def shape(west: float, south: float, side: float = 20.0) -> ByGeometry:
    return ByGeometry(geojson(box(west, south, side, side)))


def told(place: Place) -> int:
    with psycopg.connect(place.url) as connection:
        row = connection.execute("SELECT count(*) FROM access.disclosure").fetchone()
    assert row is not None
    return int(row[0])


# ── where a hidden site is ───────────────────────────────────────────────────────────────────────


async def located(oracle: Callable[[BaseGeometry], Awaitable[bool | None]]) -> tuple[float, float] | None:
    """Bisection, east and north in turn, by whether a hidden site lies in a strip; None when nothing is told."""
    low, high = [-SQUARE_M / 2] * 2, [SQUARE_M / 2] * 2
    for probe in range(PROBES):
        axis = probe % 2
        middle = (low[axis] + high[axis]) / 2
        upper = [middle, high[axis]]
        sides = {axis: upper, 1 - axis: [low[1 - axis], high[1 - axis]]}
        is_there = await oracle(box(sides[0][0], sides[1][0], sides[0][1] - sides[0][0], sides[1][1] - sides[1][0]))
        if is_there is None:
            return None
        low[axis], high[axis] = (middle, high[axis]) if is_there else (low[axis], middle)
    return low[0], low[1]


def attack(place: Place, principal: Principal, dossier: str | None = None) -> tuple[float, float] | None:
    async def body(asked: Asked) -> tuple[float, float] | None:
        async def oracle(drawn: BaseGeometry) -> bool | None:
            outcome = finding(await asked(ByGeometry(geojson(drawn)), dossier=dossier), "station")["outcome"]
            return None if outcome == "withheld" else bool(outcome != "clear")

        return await located(oracle)

    found: tuple[float, float] | None = asking(place, body, principal=principal)
    return found


def test_eighteen_free_shapes_find_a_hidden_site_unless_it_is_reserved(place: Place) -> None:
    """The attack is real: whoever is shown outcomes of free shapes finds the site. A reviewer is shown none."""
    place.publish("station", [{"ma": "BIMAT", "geom": point(723.0, -411.0)}])
    place.register("D-1")
    found = attack(place, OFFICER)
    assert found is not None and abs(found[0] - 723.0) <= FOUND_M and abs(found[1] + 411.0) <= FOUND_M
    assert attack(place, REVIEWER) is None
    assert attack(place, REVIEWER, "D-1") is None
    assert told(place) == 0


def test_a_dossier_answers_fewer_times_than_an_attack_needs(place: Place) -> None:
    """Strips of the dossier's own parcel are asked, as a boundary would be felt out: the quota ends it."""
    place.register("D-1")

    async def body(asked: Asked) -> list[str]:
        strips = [shape(0.5 * probe, 1.0, 2.0) for probe in range(PROBES)]
        return [waste(await asked(strip, dossier="D-1"))["outcome"] for strip in strips]

    outcomes = asking(place, body)
    assert outcomes == ["clear"] * 3 + ["withheld"] * (PROBES - 3)


def test_without_a_dossier_two_worlds_look_alike(place: Place) -> None:
    seen = []
    for rows in ([], [{"ma": "W2", "geom": box(25, 0, 10, 10)}]):
        place.publish("waste_site", rows)

        async def body(asked: Asked) -> list[Any]:
            subjects: tuple[Any, ...] = (PARCEL, NEIGHBOUR, shape(0, 0), shape(200, 0))
            return [waste(await asked(subject)) for subject in subjects]

        seen.append(asking(place, body))
    assert seen[0] == seen[1]
    assert {one["reasons"][0]["code"] for one in seen[0]} == {"needs_dossier"}


# ── what a dossier is good for ───────────────────────────────────────────────────────────────────


def only(place: Place, subject: Any, **more: Any) -> dict[str, Any]:
    principal = more.pop("principal", REVIEWER)

    async def body(asked: Asked) -> dict[str, Any]:
        return waste(await asked(subject, **more))

    found: dict[str, Any] = asking(place, body, principal=principal)
    return found


def test_the_dossiers_parcel_is_answered_with_the_outcome_alone(place: Place) -> None:
    place.publish("waste_site", [{"ma": "W2", "geom": box(220, 0, 10, 10)}])
    place.register("D-1")
    found = only(place, PARCEL, dossier="D-1")
    assert (found["outcome"], found["verdict"], codes(found)) == ("affected", "fail", ["reduced"])
    assert (found["features"], found["dropped"], found["revision"], found["accuracy_m"]) == ([], [], None, None)
    assert set(found["measure"].values()) | set(found["coverage"].values()) == {None}
    assert found["office"]["vi"] == "Phòng Môi trường"


@pytest.mark.parametrize(
    ("registered", "subject", "more"),
    [
        ({}, NEIGHBOUR, {}),  # another parcel
        ({}, shape(0, 0, 40), {}),  # a shape larger than the parcel
        ({}, shape(100, 0), {}),  # a shape on the neighbour's ground
        ({"procedure": "whole_parcel"}, PARCEL, {}),
        ({"offices": ("other_desk",)}, PARCEL, {}),
        ({"is_closed": True}, PARCEL, {}),
        ({}, PARCEL, {"dossier": "D-unknown"}),
        ({"surveys": ("0" * 64,)}, shape(0, 0), {}),
    ],
)
def test_a_dossier_about_something_else_tells_nothing(
    place: Place, registered: dict[str, Any], subject: Any, more: dict[str, Any]
) -> None:
    place.register("D-1", **registered)
    found = only(place, subject, **{"dossier": "D-1", **more})
    assert (found["outcome"], codes(found)) == ("withheld", ["not_bound"])
    assert told(place) == 0


@pytest.mark.parametrize(
    ("more", "why"), [({}, "needs_dossier"), ({"dossier": "D-1", "purpose": None}, "needs_purpose")]
)
def test_dossier_and_purpose_are_both_needed(place: Place, more: dict[str, Any], why: str) -> None:
    place.register("D-1")
    assert codes(only(place, PARCEL, **more)) == [why]


def test_rights_follow_the_dossier_to_any_desk_and_commune(place: Place) -> None:
    """The reviewer's claims name another commune than the parcel's: the dossier counts, not the desk."""
    place.register("D-2", NEIGHBOUR)
    elsewhere = replace(REVIEWER, office="far_away", claims={"communes": ("99999",)})
    assert only(place, NEIGHBOUR, dossier="D-2", principal=elsewhere)["outcome"] == "clear"


def test_a_shape_inside_the_parcel_is_bound_to_it(place: Place) -> None:
    place.register("D-1")
    assert only(place, shape(2, 2, 10), dossier="D-1")["outcome"] == "clear"


def test_shapes_are_compared_with_a_dossiers_parcels_in_threads(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.register("D-1")
    covers, at = shapely.covers, []

    def noted(*shapes: Any) -> Any:
        at.append(threading.current_thread())
        return covers(*shapes)

    monkeypatch.setattr(shapely, "covers", noted)
    assert only(place, shape(2, 2, 10), dossier="D-1")["outcome"] == "clear"
    assert at and threading.current_thread() not in at


def test_a_survey_file_is_bound_by_its_digest_and_a_changed_one_is_not(place: Place) -> None:
    file = json.dumps({"type": "Feature", "properties": {}, "geometry": geojson(box(15, 0, 20, 20))}).encode()
    place.register("D-1", surveys=(hashlib.sha256(file).hexdigest(),))
    assert only(place, by_file(file), dossier="D-1")["outcome"] == "clear"
    changed = by_file(file.replace(b'"properties": {}', b'"properties": null'))
    assert codes(only(place, changed, dossier="D-1")) == ["not_bound"]
    assert codes(only(place, ByGeometry(by_file(file).geojson), dossier="D-1")) == ["not_bound"]


# ── counting ─────────────────────────────────────────────────────────────────────────────────────


def test_parallel_requests_never_pass_the_last_free_place(place: Place) -> None:
    place.register("D-1")

    async def body(asked: Asked) -> list[str]:
        outcomes: list[str] = []

        async def one() -> None:
            outcomes.append(waste(await asked(PARCEL, dossier="D-1"))["outcome"])

        async with anyio.create_task_group() as tasks:
            for _ in range(9):
                tasks.start_soon(one)
        return outcomes

    outcomes = asking(place, body, per_dossier=4)
    assert sorted(outcomes) == ["clear"] * 4 + ["withheld"] * 5
    assert told(place) == 4


def test_quotas_outlive_the_process(place: Place) -> None:
    """Each check opens the database anew."""
    place.register("D-1")
    outcomes = [only(place, PARCEL, dossier="D-1")["outcome"] for _ in range(4)]
    assert outcomes == ["clear", "clear", "clear", "withheld"]
    place.register("D-1")  # registered again, nothing is given back
    found = only(place, PARCEL, dossier="D-1")
    assert codes(found) == ["quota_dossier"]


def test_a_person_has_so_many_answers_a_day_over_all_dossiers(place: Place) -> None:
    for dossier in ("D-1", "D-2", "D-3"):
        place.register(dossier)

    async def body(asked: Asked) -> list[list[str]]:
        return [codes(waste(await asked(PARCEL, dossier=dossier))) for dossier in ("D-1", "D-2", "D-3")]

    assert asking(place, body, per_user_day=2) == [["reduced"], ["reduced"], ["quota_day"]]
    assert asking(place, body, per_user_day=2, principal=COLLEAGUE)[0] == ["reduced"]


@pytest.mark.parametrize("table", ["access.disclosure", "checks.record"])
def test_what_cannot_be_counted_or_recorded_is_not_answered(place: Place, table: str) -> None:
    place.register("D-1")
    with psycopg.connect(place.url) as connection:
        connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT never CHECK (dossier <> 'D-1')")  # type: ignore[arg-type]
    with pytest.raises(psycopg.errors.CheckViolation):
        only(place, PARCEL, dossier="D-1")
    with psycopg.connect(place.url) as connection:
        left = connection.execute(
            "SELECT (SELECT count(*) FROM checks.record), (SELECT count(*) FROM access.disclosure)"
        )
        assert left.fetchone() == (0, 0)


# ── read again ───────────────────────────────────────────────────────────────────────────────────


def test_a_colleague_who_reads_the_answer_again_is_counted_once(place: Place) -> None:
    place.register("D-1")

    async def body(asked: Asked) -> list[list[str]]:
        made = [await asked(PARCEL, dossier="D-1") for _ in range(2)]
        first, second = made[0].id, made[1].id
        listed = await checks_of(asked.database, asked.catalogue, COLLEAGUE, dossier="D-1", parcel=None, now=NOW)
        read = [await asked.again(first, COLLEAGUE) for _ in range(2)] + [await asked.again(second, COLLEAGUE)]
        return [codes(waste(answer)) for answer in (*listed, *read, await asked.again(first, REVIEWER))]

    found = asking(place, body, per_user_day=2)
    assert found == [["open_apart"]] * 2 + [["reduced"]] * 3 + [["reduced"]]
    assert told(place) == 4


def test_reading_again_has_its_limit_too(place: Place) -> None:
    place.register("D-1")

    async def body(asked: Asked) -> list[list[str]]:
        made = [await asked(PARCEL, dossier="D-1") for _ in range(2)]
        return [codes(waste(await asked.again(one.id, COLLEAGUE))) for one in made]

    assert asking(place, body, per_user_day=2) == [["reduced"], ["reduced"]]
    assert asking(place, body, per_user_day=2, principal=replace(REVIEWER, id="third")) == [
        ["quota_day"],
        ["not_disclosed"],
    ]


def test_a_free_check_is_not_told_later_either(place: Place) -> None:
    """Neither by registering its parcel afterwards nor by a colleague's eyes."""

    async def body(asked: Asked) -> list[list[str]]:
        made = await asked(PARCEL, dossier="D-1")
        return [codes(waste(await asked.again(made.id, principal))) for principal in (REVIEWER, COLLEAGUE)]

    first = asking(place, body)
    place.register("D-1")
    assert first == [["not_disclosed"]] * 2
    assert told(place) == 0


def test_checks_of_a_dossier_are_for_the_offices_that_handle_it(place: Place) -> None:
    place.register("D-1", offices=("own_desk",))
    own = replace(REVIEWER, office="own_desk")

    async def body(asked: Asked) -> str:
        made = await asked(PARCEL, dossier="D-1")
        listed = await checks_of(asked.database, asked.catalogue, COLLEAGUE, dossier="D-1", parcel=None, now=NOW)
        assert listed == []
        with pytest.raises(NotFoundError):
            await asked.again(made.id, COLLEAGUE)
        shown = await asked.again(made.id, replace(COLLEAGUE, office="own_desk"))
        return str(waste(shown)["outcome"])

    assert asking(place, body, principal=own) == "clear"


def test_a_reader_without_the_purpose_is_not_told(place: Place) -> None:
    place.register("D-1")

    async def body(asked: Asked) -> list[list[str]]:
        made = await asked(PARCEL, dossier="D-1")
        purposes: tuple[tuple[str, ...], ...] = ((), ("other",), (PURPOSE,))
        return [codes(waste(await asked.again(made.id, COLLEAGUE, purposes=given))) for given in purposes]

    assert asking(place, body) == [["needs_purpose"], ["needs_purpose"], ["reduced"]]


# ── registering ──────────────────────────────────────────────────────────────────────────────────


def test_only_registrars_register(place: Place) -> None:
    with pytest.raises(ForbiddenError):
        place.register("D-1", principal=OFFICER)


@pytest.mark.parametrize(
    ("dossier", "more", "fields"),
    [
        ("a/b", {}, {"id"}),
        ("D 1", {}, {"id"}),
        ("D-1", {"procedure": "nothing"}, {"procedure"}),
        ("D-1", {"surveys": ("xyz",)}, {"surveys"}),
        ("D-1", {"surveys": ()}, {"parcels"}),
    ],
)
def test_a_dossier_that_does_not_hold_is_refused_by_field(
    place: Place, dossier: str, more: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(InvalidInputsError) as caught:
        place.register(dossier, **more)
    assert {field.field for field in caught.value.fields} == fields
