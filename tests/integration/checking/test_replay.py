"""A recorded check asked again: on its own cut after libraries changed, at an instant, and today."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from layers.access.principal import Principal
from layers.checking.evidence import TamperedRecordError, seal
from layers.checking.replay import TODAY, Moment, Replay, replay
from layers.checking.replay_shown import replay_for
from layers.errors import ForbiddenError, InvalidInputsError, NotFoundError, UnavailableError
from tests.support.checked import OFFICER, OPERATOR, PUBLIC, REVIEWER, Place, corridor
from tests.support.published import box

Content = dict[str, Any]


@pytest.fixture
def met(place: Place) -> tuple[Place, str]:
    """A check that found a corridor across the parcel."""
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    return place, place.check(principal=REVIEWER).id


def read(place: Place, record: str) -> str:
    with psycopg.connect(place.url) as connection:
        (body,) = connection.execute("SELECT body FROM checks.record WHERE id = %s", (record,)).fetchone() or ("",)
    return str(body)


def resealed(place: Place, record: str, change: Callable[[Content], None]) -> None:
    """The record as another library would have left it, sealed by the real function."""
    with psycopg.connect(place.url) as connection:
        body, principal = connection.execute(
            "SELECT body, principal FROM checks.record WHERE id = %s", (record,)
        ).fetchone() or ("", "")
        content = json.loads(body)
        change(content)
        made = seal(content, principal=principal)
        connection.execute("ALTER TABLE checks.record DISABLE TRIGGER append_only")
        connection.execute("UPDATE checks.record SET body = %s, digest = %s WHERE id = %s",
                           (made.body, made.digest, record))  # fmt: skip


def again(place: Place, record: str, moment: Moment = Moment(), **more: Any) -> Replay:
    async def run(database: Any, catalogue: Any) -> Replay:
        return await replay(database, record, moment, catalogue=catalogue, **more)

    found: Replay = place.ask(run)
    return found


def shown(place: Place, record: str, who: Principal, moment: Moment = Moment()) -> Replay:
    found: Replay = place.ask(lambda database, catalogue: replay_for(database, catalogue, record, moment, who)).replay
    return found


def older(content: Content) -> None:
    content["engine"] |= {"geos": "3.9.0", "proj": "7.2.0"}


def corridor_of(content: Content) -> Content:
    found: Content = next(one for one in content["findings"] if one["check"] == "water_corridor")
    return found


def test_another_library_with_the_same_figures_is_the_same_and_is_named(met: tuple[Place, str]) -> None:
    place, record = met
    resealed(place, record, older)
    found = again(place, record)
    assert (found.result, found.is_identical, found.changes) == ("same", False, ())
    assert {(each.name, each.then) for each in found.libraries} == {("geos", "3.9.0"), ("proj", "7.2.0")}

    def last_digits(content: Content) -> None:
        older(content)
        content["subject"]["shape"] = "sha256:" + "0" * 64
        corridor_of(content)["measure"]["area_m2"] += 1e-4  # one step of the record's rounding
        corridor_of(content)["features"][0]["nearest_m"] += 9e-4

    resealed(place, record, last_digits)
    assert again(place, record).result == "same"


DIFFERENT: tuple[Callable[[Content], None], ...] = (
    lambda content: corridor_of(content)["measure"].update(area_m2=corridor_of(content)["measure"]["area_m2"] + 3e-4),
    lambda content: corridor_of(content)["features"][0].update(nearest_m=0.002),
    lambda content: corridor_of(content).update(outcome="borderline"),
    lambda content: corridor_of(content).update(features=[]),
    lambda content: corridor_of(content)["measure"].update(count=2),
    lambda content: content.update(verdict="refer"),
)


def test_more_than_last_digits_is_a_difference_whatever_the_library(met: tuple[Place, str]) -> None:
    place, record = met
    before = read(place, record)
    for change in DIFFERENT:

        def both(content: Content, change: Callable[[Content], None] = change) -> None:
            content.update(json.loads(before))
            older(content)
            change(content)

        resealed(place, record, both)
        found = again(place, record)
        assert found.result == "different" and len(found.libraries) == 2
        assert found.changes or any(line.startswith("verdict:") for line in found.differences)


def test_without_another_library_last_digits_and_shapes_are_held_to_the_letter(met: tuple[Place, str]) -> None:
    place, record = met
    resealed(place, record, lambda content: corridor_of(content)["measure"].update(
        area_m2=corridor_of(content)["measure"]["area_m2"] + 1e-4))  # fmt: skip
    found = again(place, record)
    (change,) = found.changes
    assert found.result == "different" and change.check == "water_corridor"
    assert "diện tích" in change.what[0].vi and "≠" in change.what[0].en
    resealed(place, record, lambda content: corridor_of(content)["measure"].update(
        area_m2=corridor_of(content)["measure"]["area_m2"] - 1e-4 + 5e-7))  # fmt: skip
    assert again(place, record).result == "same", "less than 1 mm² by any library"
    resealed(place, record, lambda content: content["subject"].update(shape="sha256:" + "0" * 64))
    assert again(place, record).result == "different"


def test_today_says_what_changed_and_which_release_changed_it(met: tuple[Place, str]) -> None:
    place, record = met
    assert again(place, record, TODAY).result == "identical"
    place.publish("water_corridor", [corridor("SG-04", box(5, -50, 55, 200))])
    found = again(place, record, TODAY)
    (change,) = found.changes
    told = " ".join(one.vi for one in change.what)
    assert found.result == "different" and change.check == "water_corridor"
    assert "thêm đối tượng SG-04" in told and "không còn đối tượng SG-03" in told
    (made,) = found.because(change)
    assert (made["kind"], made["revision"], made["release"], made["note"]) == ("publish", 3, 3, "thử")
    place.publisher.set_state("water_corridor", "suspended", "sai kinh tuyến")
    (change,) = again(place, record, TODAY).changes
    assert any("kết quả" in one.vi for one in change.what)
    assert [made["kind"] for made in again(place, record, TODAY).because(change)] == ["publish", "suspend"]
    assert again(place, record).is_identical, "the record itself comes out as it was"


def test_at_an_instant_it_is_answered_with_what_was_known_then(place: Place) -> None:
    before = datetime.now(UTC)
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    record = place.check(principal=REVIEWER).id
    found = again(place, record, Moment("as_of", before))
    assert found.result == "different" and found.verdicts[0] == "fail" and found.verdicts[1] != "fail"
    (change,) = found.changes
    assert found.because(change)[0]["revision"] == 2
    assert again(place, record, Moment("as_of", datetime.now(UTC))).changes == ()
    with pytest.raises(UnavailableError):  # nothing was published by then, parcels neither
        again(place, record, Moment("as_of", before - timedelta(days=365)))


def test_a_parcel_that_has_become_another_one_is_told(met: tuple[Place, str]) -> None:
    place, record = met
    parcel = {"ma_xa": "25747", "so_to": "45", "so_thua": "123", "geom": box(0, 0, 20, 25)}
    place.publish("parcel", [parcel])
    found = again(place, record, TODAY)
    assert any(line.startswith("subject.area_m2: 620") for line in found.subject)
    place.publish("parcel", [])
    with pytest.raises(UnavailableError):
        again(place, record, TODAY)


def test_a_procedure_that_is_over_cannot_be_asked_today(met: tuple[Place, str]) -> None:
    place, record = met
    with pytest.raises(InvalidInputsError):
        again(place, record, TODAY, now=datetime(2030, 1, 1, tzinfo=UTC))


def test_a_missing_text_a_missing_revision_and_a_damaged_record_are_told_apart(met: tuple[Place, str]) -> None:
    place, record = met
    resealed(place, record, lambda content: content["cut"].update(parcel=99))
    with pytest.raises(UnavailableError, match="fid"):
        again(place, record)
    resealed(place, record, lambda content: content.update(profile="sha256:" + "0" * 64))
    with pytest.raises(UnavailableError, match="sha256:000"):
        again(place, record)
    with pytest.raises(NotFoundError):
        again(place, "nothing")
    with psycopg.connect(place.url) as connection:
        connection.execute("ALTER TABLE checks.record DISABLE TRIGGER append_only")
        connection.execute("UPDATE checks.record SET body = replace(body, 'SG-03', 'SG-04')")
    with pytest.raises(TamperedRecordError):
        again(place, record)


def test_a_reader_compares_what_they_are_shown(met: tuple[Place, str]) -> None:
    place, record = met
    whole, part = shown(place, record, OPERATOR), shown(place, record, PUBLIC)
    assert (whole.result, part.result) == ("identical", "identical")
    assert whole.digest and whole.digest == whole.replayed and part.digest is None is part.replayed
    place.publish("waste_site", [{"ma": "W2", "geom": box(220, 0, 10, 10)}])
    assert [change.check for change in shown(place, record, OFFICER, TODAY).changes] == ["waste_distance"]
    for who in (PUBLIC, REVIEWER):  # hidden from the one, told to the other for a dossier only
        assert shown(place, record, who, TODAY).changes == ()
    with pytest.raises(NotFoundError):
        shown(place, place.check_shape(box(0, 0, 20, 31), principal=REVIEWER).id, OFFICER, TODAY)


def test_what_is_reserved_is_not_told_a_second_time_by_a_replay(place: Place) -> None:
    place.register("D-9")
    record = place.check(principal=REVIEWER, dossier="D-9", purpose="land_use_change").id
    place.publish("parcel_block", [{"so_vb": "NC-77", "ma_xa": "25747", "so_to": "45", "so_thua": "123"}])
    assert shown(place, record, REVIEWER, TODAY).changes == ()
    assert [change.check for change in shown(place, record, OFFICER, TODAY).changes] == ["blocks"]


def test_a_parcel_one_no_longer_sees_is_not_measured_for_one(met: tuple[Place, str]) -> None:
    place, record = met
    stranger = replace(REVIEWER, roles=frozenset())
    with psycopg.connect(place.url) as connection:  # parcels are no longer open
        connection.execute(
            'UPDATE catalogue.text SET body = replace(body, \'"sharing":"open"\', \'"sharing":"restricted"\')'
            " WHERE kind = 'layer' AND body LIKE '%%\"id\":\"parcel\"%%'"
        )
    with pytest.raises(ForbiddenError):
        shown(place, record, stranger, TODAY)


def test_a_replay_leaves_its_event(met: tuple[Place, str]) -> None:
    place, record = met
    shown(place, record, REVIEWER, TODAY)
    again(place, record, principal=OPERATOR)
    with psycopg.connect(place.url) as connection:
        found = connection.execute(
            "SELECT principal, phase, layer, 'water_corridor' = ANY(used) FROM access.event WHERE action = 'replay'"
            " ORDER BY id"
        ).fetchall()
    assert found == [
        ("reviewer", "opened", "parcel", True), ("reviewer", "closed", "parcel", True),
        ("operator", "whole", "parcel", True),
    ]  # fmt: skip


def test_the_note_of_a_publication_is_for_whoever_answers_for_the_layer_and_the_rate_knows_the_purpose(
    met: tuple[Place, str],
) -> None:
    place, _ = met
    record = place.check(principal=REVIEWER, purpose="land_use_change").id
    place.publisher.set_state("water_corridor", "suspended", "Hồ sơ của ông A")
    limited: list[tuple[str, str | None]] = []

    def notes(who: Principal) -> list[object]:
        found = place.ask(
            lambda database, catalogue: replay_for(
                database, catalogue, record, TODAY, who, limit=lambda *asked: limited.append(asked)
            )
        ).replay
        return [made["note"] for change in found.as_dict()["changes"] for made in change["because"]]

    assert notes(OPERATOR) == ["Hồ sơ của ông A"]
    assert notes(REVIEWER) == [None]
    assert limited == [("land_use_change", "land_use_change")] * 2
