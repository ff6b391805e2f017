"""A record is sealed, found again, replayed to the letter, and shown to each caller as far as their rights go."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from layers.access.principal import Principal
from layers.canonical import canonical
from layers.checking import history
from layers.checking.answer import Answer
from layers.checking.evidence import TamperedRecordError
from layers.checking.history import checks_of, find_answer
from layers.checking.request import parse_parcel
from layers.errors import NotFoundError, UnavailableError
from layers.profile.profile import digest
from tests.support.checked import OFFICER, OPERATOR, PUBLIC, REVIEWER, Place, codes, corridor, finding
from tests.support.published import box


def read_again(place: Place, record_id: str, principal: Principal) -> Answer:
    found: Answer = place.ask(lambda database, catalogue: find_answer(database, catalogue, record_id, principal))
    return found


def listed(place: Place, principal: Principal, **more: Any) -> list[str]:
    query = {"dossier": None, "parcel": None, **more}
    found = place.ask(lambda database, catalogue: checks_of(database, catalogue, principal, **query))
    return [answer.id for answer in found]


def stored(place: Place, record_id: str) -> tuple[str, str]:
    with psycopg.connect(place.url) as connection:
        found = connection.execute("SELECT body, digest FROM checks.record WHERE id = %s", (record_id,)).fetchone()
    assert found is not None
    return found[0], found[1]


def test_the_record_is_canonical_json_under_its_digest(place: Place) -> None:
    answer = place.check()
    body, named = stored(place, answer.id)
    assert body == canonical(json.loads(body))
    assert named == digest(body) == answer.content["evidence"]["record"]


def test_the_answer_has_a_digest_of_its_own(place: Place) -> None:
    content = json.loads(json.dumps(place.check().content))
    named = content["evidence"].pop("digest")
    assert digest(canonical(content)) == named


def test_a_replay_gives_the_identical_record_though_data_and_rules_moved_on(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    first = place.check()
    place.publish("water_corridor", [])
    place.publish("parcel", [])
    place.publisher.set_state("power_line", "suspended", "sai")
    with psycopg.connect(place.url) as connection:
        connection.execute("UPDATE access.policy SET by = 'somebody else'")
    again = place.replay(first.id)
    assert again.is_identical and again.differences == ()
    assert again.digest == first.content["evidence"]["record"]


@pytest.mark.parametrize("ask", [
    lambda place: place.check_shape(box(0, 0, 20, 31)),
    lambda place: place.check(procedure="whole_parcel"),
    lambda place: place.check("Hiệp Thành/4/12", dossier="H29.19-260715-0012", purpose="land_procedure"),
])  # fmt: skip
def test_every_kind_of_check_replays(place: Place, ask: Callable[[Place], Answer]) -> None:
    assert place.replay(ask(place).id).differences == ()


def test_a_replay_while_a_layer_is_suspended_says_the_same_after_it_is_resumed(place: Place) -> None:
    place.publisher.set_state("water_corridor", "suspended", "sai kinh tuyến")
    first = place.check()
    place.publisher.set_state("water_corridor", "served", "đã sửa")
    assert place.replay(first.id).differences == ()


def test_a_replay_names_what_differs(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    first = place.check()
    with psycopg.connect(place.url) as connection:  # what no part of the service does: a published row changed
        connection.execute("UPDATE checks.fact SET attributes = '{\"ten_nguon_nuoc\": \"khác\"}' WHERE key = 'SG-03'")
    again = place.replay(first.id)
    assert not again.is_identical
    assert any("ten_nguon_nuoc" in line for line in again.differences)


def test_a_replay_without_the_text_it_stood_on_says_so(place: Place) -> None:
    first = place.check()
    body, _ = stored(place, first.id)
    gone = json.loads(body) | {"profile": "sha256:" + "0" * 64}
    text = canonical(gone)
    with psycopg.connect(place.url) as connection:
        connection.execute("ALTER TABLE checks.record DISABLE TRIGGER append_only")
        connection.execute("UPDATE checks.record SET body = %s, digest = %s", (text, digest(text)))
    with pytest.raises(UnavailableError):
        place.replay(first.id)


def test_an_unknown_record_is_not_found(shared_place: Place) -> None:
    with pytest.raises(NotFoundError):
        shared_place.replay("nothing")
    with pytest.raises(NotFoundError):
        read_again(shared_place, "nothing", OPERATOR)


@pytest.mark.parametrize("change", [
    "SET body = replace(body, '\"pass\"', '\"fail\"')",
    "SET digest = 'sha256:' || repeat('0', 64)",
    "SET dossier = 'another'",
    "SET principal = 'another'",
])  # fmt: skip
def test_an_altered_record_is_found_by_reading_and_replay(place: Place, change: str) -> None:
    answer = place.check(dossier="H29.19-260715-0012")
    with psycopg.connect(place.url) as connection:
        connection.execute("ALTER TABLE checks.record DISABLE TRIGGER append_only")
        connection.execute("UPDATE checks.record " + change)  # type: ignore[arg-type]
    with pytest.raises(TamperedRecordError):
        read_again(place, answer.id, OPERATOR)
    with pytest.raises(TamperedRecordError):
        place.replay(answer.id)


# ── who sees what ────────────────────────────────────────────────────────────────────────────────


def test_a_layer_outside_the_callers_rights_is_withheld_and_refers(place: Place) -> None:
    place.publish("waste_site", [{"ma": "W2", "geom": box(220, 0, 10, 10)}])
    shown = place.check(principal=PUBLIC)
    found = finding(shown, "waste_distance")
    assert (found["outcome"], found["verdict"], codes(found)) == ("withheld", "refer", ["no_right"])
    assert (found["features"], found["dropped"], found["revision"], found["release"]) == ([], [], None, None)
    assert set(found["measure"].values()) == {None} and set(found["coverage"].values()) == {None}
    assert found["office"]["vi"] == "Phòng Môi trường"
    assert "waste_site" not in shown.content["evidence"]["cut"]
    assert "W2" not in json.dumps(shown.content)
    assert finding(read_again(place, shown.id, OPERATOR), "waste_distance")["verdict"] == "fail"


def test_the_answers_verdict_is_that_of_what_it_shows(place: Place) -> None:
    place.publish("waste_site", [{"ma": "W2", "geom": box(220, 0, 10, 10)}])
    shown = place.check(principal=PUBLIC)
    assert shown.verdict == "refer"
    assert json.loads(stored(place, shown.id)[0])["verdict"] == "fail"


def test_a_group_with_a_withheld_member_is_withheld(shared_place: Place) -> None:
    group = finding(shared_place.check(principal=PUBLIC), "planning_basis")
    assert (group["outcome"], group["verdict"], codes(group)) == ("withheld", "refer", ["member_withheld"])
    assert [member["outcome"] for member in group["members"]] == ["clear", "withheld"]


def test_a_layer_that_is_seen_shows_only_granted_columns(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10), ghi_chu="nội bộ")])
    shown = place.check(principal=REVIEWER)
    assert "ghi_chu" not in finding(shown, "water_corridor")["features"][0]["attributes"]
    assert (
        finding(place.check(principal=OPERATOR), "water_corridor")["features"][0]["attributes"]["ghi_chu"] == "nội bộ"
    )


def test_a_check_grant_alone_tells_the_outcome_and_for_a_dossier_only(place: Place) -> None:
    place.publish("parcel_block", [{"so_vb": "NC-77", "ma_xa": "25747", "so_to": "45", "so_thua": "123"}])
    free = finding(place.check(principal=REVIEWER), "blocks")
    assert (free["outcome"], codes(free)) == ("withheld", ["needs_dossier"])
    place.register("D-77")
    shown = place.check(principal=REVIEWER, dossier="D-77", purpose="land_use_change")
    block = finding(shown, "blocks")
    assert (block["outcome"], block["features"], codes(block)) == ("affected", [], ["reduced"])
    assert "NC-77" not in json.dumps(shown.content)
    assert finding(read_again(place, shown.id, OFFICER), "blocks")["features"][0]["key"] == "NC-77"


def test_who_sees_some_rows_is_not_told_whether_others_are_met(place: Place) -> None:
    told = []
    for commune in ("25747", "25750"):
        place.publish("military_zone", [{"ma": "M1", "ma_xa": commune, "geom": box(0, 0, 5, 5)}])
        told.append(finding(place.check(principal=REVIEWER), "military"))
    place.publish("military_zone", [])
    told.append(finding(place.check(principal=REVIEWER), "military"))
    assert told[0]["outcome"] == "withheld" and told[0] == told[1] == told[2]


def test_the_certificates_area_is_a_column_like_any_other(shared_place: Place) -> None:
    assert shared_place.check(principal=PUBLIC).content["subject"]["registered_area_m2"] is None
    assert shared_place.check(principal=OFFICER).content["subject"]["registered_area_m2"] == 620.0


def test_a_personal_column_never_reaches_an_answer(place: Place) -> None:
    answer = place.check()
    assert "Nguyễn Văn A" not in json.dumps(answer.content, ensure_ascii=False)


def test_a_layer_withdrawn_since_no_longer_shows_its_features(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 10, 10))])
    answer = place.check()
    place.publisher.set_state("water_corridor", "withdrawn", "lộ tên chủ")
    found = finding(read_again(place, answer.id, OPERATOR), "water_corridor")
    assert (found["outcome"], found["features"], codes(found)) == ("affected", [], ["withdrawn_since"])


def test_a_drawn_shape_is_read_again_by_whoever_drew_it_and_nobody_else(place: Place) -> None:
    answer = place.check_shape(box(0, 0, 20, 31), principal=REVIEWER)
    assert read_again(place, answer.id, REVIEWER).id == answer.id
    with pytest.raises(NotFoundError):
        read_again(place, answer.id, OFFICER)


def test_checks_are_listed_by_dossier_and_by_parcel_but_to_nobody_unnamed(place: Place) -> None:
    mine = place.check(principal=REVIEWER, dossier="D1").id
    other = place.check("25750@2025/45/123", principal=OFFICER, dossier="D1").id
    assert set(listed(place, OFFICER, dossier="D1")) == {mine, other}
    assert listed(place, OFFICER, parcel=parse_parcel("25747@2025/45/123")) == [mine]
    assert listed(place, OFFICER, dossier="D1", parcel=parse_parcel("25750/45/123")) == [other]
    assert listed(place, OFFICER, parcel=parse_parcel("25747/1/999")) == []
    assert listed(place, PUBLIC, dossier="D1") == []


def test_each_access_leaves_its_events_and_no_value_of_the_request(place: Place) -> None:
    answer = place.check(principal=REVIEWER, dossier="D1")
    read_again(place, answer.id, REVIEWER)
    place.look_up("25747@2025/45/123", REVIEWER)
    with psycopg.connect(place.url) as connection:
        events = connection.execute(
            "SELECT phase, principal, action, layer, decision, dossier, outcome FROM access.event ORDER BY id"
        ).fetchall()
        (names,) = connection.execute("SELECT array_agg(DISTINCT access) FROM access.event").fetchone() or ((),)
    _, record = stored(place, answer.id)
    assert events == [
        ("opened", "reviewer", "check", "parcel", "allow", "D1", None),
        ("closed", "reviewer", "check", "parcel", "allow", "D1", record),
        ("whole", "reviewer", "check", "parcel", "allow", "D1", record),
        ("whole", "reviewer", "items", "parcel", "allow", None, None),
    ]
    assert len([name for name in names if name]) == 1


def test_the_events_of_a_check_name_every_layer_it_measured(place: Place) -> None:
    answer = place.check(principal=REVIEWER)
    with psycopg.connect(place.url) as connection:
        used = connection.execute("SELECT phase, used FROM access.event ORDER BY id").fetchall()
    measured = {name for name in answer.content["evidence"]["cut"] if name != "parcel"}
    assert [phase for phase, _ in used] == ["opened", "closed"]
    assert all(measured <= set(names) and "parcel" not in names for _, names in used)


def test_a_record_read_again_tells_the_owners_of_what_it_measured(place: Place) -> None:
    mine = place.check(principal=REVIEWER, dossier="D1")
    read_again(place, mine.id, REVIEWER)
    listed(place, REVIEWER, dossier="D1")
    with psycopg.connect(place.url) as connection:
        events = connection.execute("SELECT used, grants FROM access.event ORDER BY id").fetchall()
    (_, closed, (used, grants), of_list) = events
    measured = set(json.loads(stored(place, mine.id)[0])["cut"])
    assert set(used) == measured - {"parcel"} and set(of_list[0]) == measured
    assert grants == of_list[1] == closed[1] != []


def test_the_checks_of_others_push_none_of_ones_own_out_of_a_list(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = [place.check(principal=REVIEWER, dossier="D1").id for _ in range(3)]
    for _ in range(3):
        place.check_shape(box(0, 0, 20, 31), principal=OFFICER, dossier="D1")
    monkeypatch.setattr(history, "MOST", 2)
    assert listed(place, REVIEWER, dossier="D1") == mine[:0:-1]


def test_a_check_that_fails_is_closed_with_the_reason(place: Place) -> None:
    with pytest.raises(NotFoundError):
        place.check("25747@2025/45/999999", dossier="D1")
    with psycopg.connect(place.url) as connection:
        events = connection.execute("SELECT phase, decision, reason, features FROM access.event ORDER BY id").fetchall()
    assert events == [("opened", "allow", None, None), ("closed", "deny", "not_found", 0)]


def test_without_an_event_there_is_no_answer_and_no_record(place: Place) -> None:
    with psycopg.connect(place.url) as connection:
        connection.execute("ALTER TABLE access.event ADD CONSTRAINT never CHECK (action <> 'check')")
    with pytest.raises(psycopg.errors.CheckViolation):
        place.check()
    with psycopg.connect(place.url) as connection:
        assert connection.execute("SELECT count(*) FROM checks.record").fetchone() == (0,)


@pytest.mark.parametrize("parcel", [None, "25747@2025/45/999999"])
def test_a_check_whose_beginning_is_not_written_is_never_answered_nor_closed(place: Place, parcel: str | None) -> None:
    """The beginning is written while the parcel is looked up: whether that fails, too, makes no difference."""
    with psycopg.connect(place.url) as connection:
        connection.execute("ALTER TABLE access.event ADD CONSTRAINT never CHECK (phase <> 'opened')")
    with pytest.raises((psycopg.errors.CheckViolation, NotFoundError)):
        place.check(*([parcel] if parcel else []))
    with psycopg.connect(place.url) as connection:
        assert connection.execute("SELECT count(*) FROM checks.record").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM access.event").fetchone() == (0,)
