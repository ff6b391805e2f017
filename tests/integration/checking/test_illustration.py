"""The map of a check shows the measured subject and, around it, only shapes that its reader may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from layers.access.principal import Principal
from layers.checking.answer import Answer
from layers.checking.illustration import illustration_of
from layers.checking.map_content import MapContent, Role
from layers.store.connection import Database, rows
from tests.support.checked import OFFICER, OPERATOR, PARCEL, PUBLIC, REVIEWER, Place, corridor
from tests.support.published import box, line
from tests.support.server import Server


def drawn(place: Place, answer: Answer, principal: Principal) -> MapContent | None:
    found: MapContent | None = place.ask(
        lambda database, catalogue: illustration_of(database, catalogue, answer, principal)
    )
    return found


def seen(found: MapContent | None) -> dict[tuple[str, Role], list[str | None]]:
    """Names by layer and role."""
    assert found is not None
    told: dict[tuple[str, Role], list[str | None]] = {}
    for shape in found.shapes:
        told.setdefault((shape.layer, shape.role), []).append(shape.name)
    return told


def cross(place: Place) -> Place:
    """A corridor cuts the first parcel, another touches it, and a line of a shared layer crosses it."""
    place.publish("water_corridor", [corridor("SG-01", box(10, -5, 40, 60)), corridor("SG-02", box(-30, 0, 30, 31))])
    place.publish("power_line", [{"ma": "L1", "dien_ap_kv": 110, "geom": line((-10, 5), (50, 5))}])
    return place


@pytest.fixture(scope="module")
def crossed(place_template: str, server: Server) -> Iterator[Place]:
    """Only asked by the tests, never published to."""
    with server.copied(place_template) as url:
        yield cross(Place.at(url))


def test_the_subject_is_the_measured_shape_among_its_neighbours(crossed: Place) -> None:
    found = drawn(crossed, crossed.check(), OPERATOR)
    assert found is not None
    assert found.crs == "EPSG:9210"
    assert found.subject.area == pytest.approx(620.0, abs=1e-6)
    assert found.frame.box.contains(found.subject)
    told = seen(found)
    assert told[("water_corridor", Role.HIT)] == ["SG-01"]
    assert len(told[("water_corridor", Role.DROP)]) == 1
    assert told[("power_line", Role.HIT)] == ["L1"]
    frame = found.frame.box.buffer(1e-6)
    assert all(frame.covers(shape.geometry) for shape in found.shapes)
    hit = next(shape for shape in found.shapes if shape.name == "SG-01")
    assert hit.geometry.intersection(found.subject).area == pytest.approx(310.0, abs=0.5)


def test_a_layer_that_is_only_checked_for_a_reader_is_not_drawn(crossed: Place) -> None:
    for reader in (REVIEWER, PUBLIC):
        told = seen(drawn(crossed, crossed.check(principal=reader), reader))
        assert ("water_corridor", Role.HIT) in told
        assert not any(layer == "power_line" for layer, _ in told)
    told = seen(drawn(crossed, crossed.check(principal=OFFICER), OFFICER))
    assert told[("power_line", Role.HIT)] == ["L1"]


def test_an_answer_of_one_reader_draws_no_more_for_another(crossed: Place) -> None:
    """The relation decides at every reading, whatever the answer names."""
    answer = crossed.check(principal=OFFICER)
    told = seen(drawn(crossed, answer, PUBLIC))
    assert not any(layer == "power_line" for layer, _ in told)


def test_nothing_internal_or_personal_stands_beside_the_map(crossed: Place) -> None:
    for reader in (OPERATOR, OFFICER, PUBLIC):
        found = drawn(crossed, crossed.check(principal=reader), reader)
        assert found is not None
        assert not {"ten_chu", "dien_tich_phap_ly"} & found.attributes.keys()
        assert found.attributes["ma_dinh_danh"] == "w3gy6ytmny8f"


def test_shapes_are_those_of_the_revision_that_was_measured(place: Place) -> None:
    crossed = cross(place)
    answer = crossed.check()
    before = drawn(crossed, answer, OPERATOR)
    crossed.publish("water_corridor", [corridor("SG-01", box(500, 500, 10, 10))])
    after = drawn(crossed, answer, OPERATOR)
    assert before is not None
    assert after is not None
    assert [(s.layer, s.fid, s.geometry.wkb) for s in before.shapes] == [
        (s.layer, s.fid, s.geometry.wkb) for s in after.shapes
    ]


@pytest.mark.parametrize("state", ["suspended", "withdrawn"])
def test_what_was_taken_back_is_drawn_no_more(place: Place, state: str) -> None:
    crossed = cross(place)
    answer = crossed.check()
    crossed.publisher.set_state("water_corridor", state, "sai lớp")
    assert not any(layer == "water_corridor" for layer, _ in seen(drawn(crossed, answer, OPERATOR)))
    crossed.publisher.set_state("parcel", state, "sai lớp")
    assert drawn(crossed, answer, OPERATOR) is None


def test_a_drawn_shape_is_shown_to_whoever_drew_it(crossed: Place) -> None:
    answer = crossed.check_shape(box(2, 2, 10, 10), principal=REVIEWER)
    found = drawn(crossed, answer, REVIEWER)
    assert found is not None
    assert found.subject.area == pytest.approx(100.0, abs=1e-3)
    assert drawn(crossed, answer, OFFICER) is None
    assert drawn(crossed, answer, OPERATOR) is not None


def test_every_layer_that_is_read_leaves_its_event(crossed: Place) -> None:
    answer = crossed.check(PARCEL, principal=OFFICER)

    async def events(database: Database, _catalogue: Any) -> list[tuple[str, int]]:
        text = "SELECT layer, features FROM access.event WHERE action = 'items' AND principal = 'officer' ORDER BY id"
        async with database.connection() as connection:
            return [(each["layer"], each["features"]) for each in await rows(connection, text)]

    before = len(crossed.ask(events))
    found = drawn(crossed, answer, OFFICER)
    assert found is not None
    told = dict(crossed.ask(events)[before:])
    assert {layer for layer, _ in seen(found)} <= told.keys()
    assert told["water_corridor"] == 2


def test_the_map_is_bounded_by_what_paper_holds(place: Place) -> None:
    """A corridor with 1,600 corners around the parcel is drawn no finer than a tenth of a millimetre."""
    ring = box(-400, -400, 900, 900).difference(box(10, 15, 0.5, 0.5).centroid.buffer(9, quad_segs=400))
    place.publish("water_corridor", [corridor("SG-01", ring)])
    found = drawn(place, place.check(), OPERATOR)
    assert found is not None
    (hit,) = [shape for shape in found.shapes if shape.role is Role.HIT]
    assert len(hit.geometry.wkb) < 16 * 300
    assert hit.geometry.intersection(found.subject).area == pytest.approx(
        ring.intersection(found.subject).area, abs=0.5
    )
