"""Confirm or dispute a finding, and answer the dispute: sealed, append only, shown to each as far as they may see."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest

from layers.access.principal import Principal
from layers.checking import reviews as module
from layers.checking.evidence import TamperedRecordError
from layers.checking.reviews import ReviewDraft, Reviewed, reviews, say
from layers.checking.sight import Sight
from layers.checking.tasks import TaskAnswer, Tasks, answer_task, tasks_of
from layers.checking.view import View
from layers.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputsError,
    LienthongError,
    NotFoundError,
    TooManyError,
)
from layers.profile.load import load_profile
from layers.profile.profile import digest
from tests.support.checked import OFFICER, OPERATOR, PUBLIC, REVIEWER, Place, corridor, finding
from tests.support.published import ROOT, apply_profile, box

OWNER = Principal("warden", roles=frozenset({"environment.owner"}), office="phong_moi_truong", sector="environment")
STRANGER = replace(OWNER, id="stranger", sector="land")
GRANT = {"id": "environment_owner", "to": {"role": "environment.owner"}, "layer": "water_corridor",
         "actions": ["items", "check", "publish"], "columns": {"tags": ["public"]}}  # fmt: skip
DISPUTE = ReviewDraft("water_corridor", "dispute", "Hành lang đã được điều chỉnh năm 2025.", "SG-03")
AGAIN = ReviewDraft("water_corridor", "dispute", "Hành lang đã được điều chỉnh.")
CONFIRMED = ReviewDraft("water_corridor", "confirm")


@pytest.fixture
def disputed(place: Place) -> Iterator[tuple[Place, str]]:
    """A corridor across the parcel, the check that found it, and somebody who answers for the layer."""
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    _grant_to_the_owner(place)
    yield place, place.check(principal=REVIEWER, dossier="D1").id


def _grant_to_the_owner(place: Place) -> None:
    """The policy with one grant more."""
    with psycopg.connect(place.url) as connection:
        (body,) = connection.execute(
            "SELECT body FROM catalogue.text JOIN access.policy USING (digest)"
        ).fetchone() or ("",)
        text = json.dumps([*json.loads(body), GRANT])
        connection.execute("INSERT INTO catalogue.text (digest, kind, body) VALUES (%s, 'policy', %s)",
                           (digest(text), text))  # fmt: skip
        connection.execute("UPDATE access.policy SET digest = %s", (digest(text),))


def say_it(place: Place, record: str, draft: ReviewDraft, who: Principal, **more: Any) -> str:
    made: str = place.ask(lambda database, catalogue: say(database, catalogue, record, draft, who, **more))
    return made


def said_of(place: Place, record: str, who: Principal) -> Reviewed:
    found: Reviewed = place.ask(lambda database, catalogue: reviews(database, catalogue, record, who))
    return found


def tasks(place: Place, who: Principal, **more: Any) -> Tasks:
    found: Tasks = place.ask(lambda database, catalogue: tasks_of(database, catalogue, who, **more))
    return found


def answer(place: Place, task: str, given: TaskAnswer, who: Principal) -> str:
    made: str = place.ask(lambda database, catalogue: answer_task(database, catalogue, task, given, who))
    return made


def test_a_dispute_becomes_a_task_and_its_answer_comes_back(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    (task,) = tasks(place, OWNER, state="open").tasks
    assert (task["id"], task["layer"], task["state"]) == (made, "water_corridor", "open")
    assert task["feature"]["key"] == "SG-03" and task["reason"] == DISPUTE.reason
    assert task["finding"]["outcome"] == "affected" and task["by"]["principal"] == "reviewer"
    answer(place, made, TaskAnswer("corrected", "Đã cập nhật theo quyết định mới.", revision=2), OWNER)
    assert tasks(place, OWNER, state="open").tasks == () and len(tasks(place, OWNER, state="answered").tasks) == 1
    dispute, reply = said_of(place, record, REVIEWER).reviews
    assert (dispute["kind"], dispute["by"]["is_own"]) == ("dispute", True)
    assert (reply["kind"], reply["about"], reply["decision"], reply["revision"]) == ("answer", made, "corrected", 2)
    assert reply["by"]["office"] == "phong_moi_truong" and reply["by"]["principal"] is None
    assert tasks(place, REVIEWER).own[0]["answer"]["text"] == "Đã cập nhật theo quyết định mới."


def test_the_record_and_its_answer_stay_what_they_were(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    before = said_of(place, record, REVIEWER).answer.content
    say_it(place, record, DISPUTE, REVIEWER)
    assert said_of(place, record, REVIEWER).answer.content == before
    assert place.replay(record).is_identical


def test_nobody_but_the_owner_sees_or_answers_a_task(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    for who in (STRANGER, REVIEWER, OFFICER, PUBLIC):
        assert tasks(place, who).tasks == ()
        for task in (made, "khong_co"):
            with pytest.raises(NotFoundError):
                answer(place, task, TaskAnswer("rejected", "Không."), who)
    with pytest.raises(NotFoundError):
        answer(place, "khong_co", TaskAnswer("rejected", "Không."), OWNER)


def test_the_task_tells_of_the_parcel_only_what_the_owner_may_see(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    say_it(place, record, DISPUTE, REVIEWER)
    (seen,) = tasks(place, OWNER).tasks  # parcels are open in this profile
    assert seen["subject"]["label"].startswith("Thửa đất số 123") and seen["finding"]["measure"]["area_m2"] > 0
    drawn = place.check_shape(box(0, 0, 20, 31), principal=REVIEWER)
    say_it(place, drawn.id, DISPUTE, REVIEWER)
    (newest, _) = tasks(place, OWNER).tasks
    assert newest["subject"] == {
        "kind": "geometry", "layer": None, "fid": None, "key": None, "label": None, "area_m2": None,
    }  # fmt: skip
    assert set(newest["finding"]["measure"].values()) == {None}


def test_a_dispute_is_answered_once(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    answer(place, made, TaskAnswer("rejected", "Dữ liệu đúng."), OWNER)
    with pytest.raises(ConflictError):
        answer(place, made, TaskAnswer("upheld", "Xem lại."), OWNER)


UNFIT_ANSWERS = (
    TaskAnswer("corrected", "Đã sửa."), TaskAnswer("corrected", "Đã sửa.", revision=99),
    TaskAnswer("rejected", "Không.", revision=2), TaskAnswer("upheld", "  "), TaskAnswer("upheld", "x" * 2001),
)  # fmt: skip


def test_an_answer_that_does_not_hold_is_refused(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    for given in UNFIT_ANSWERS:
        with pytest.raises(InvalidInputsError):
            answer(place, made, given, OWNER)
    assert tasks(place, OWNER).tasks[0]["state"] == "open"


UNFIT_OPINIONS = (
    replace(DISPUTE, check="khong_co"), replace(DISPUTE, feature="SG-99"), replace(DISPUTE, reason=""),
    replace(DISPUTE, reason="a\x1b[31m"), replace(DISPUTE, reason="\u202egnud"), replace(DISPUTE, reason="x" * 2001),
    ReviewDraft("planning_basis", "dispute", "Nhóm."),
)  # fmt: skip


def test_what_cannot_be_said_is_named(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    for draft in UNFIT_OPINIONS:
        with pytest.raises(InvalidInputsError) as raised:
            say_it(place, record, draft, OFFICER)
        assert raised.value.fields
    assert said_of(place, record, OFFICER).reviews == ()


def test_only_whoever_was_shown_a_finding_may_speak_of_it(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    with pytest.raises(ForbiddenError):  # power_line may only be checked, and there was no dossier
        say_it(place, record, ReviewDraft("power_line", "confirm"), REVIEWER)
    for check in ("water_corridor", "power_line"):
        with pytest.raises(ForbiddenError):
            say_it(place, record, ReviewDraft(check, "confirm"), PUBLIC)
    say_it(place, record, ReviewDraft("power_line", "confirm", "Đã đối chiếu."), OFFICER)
    assert len(said_of(place, record, OFFICER).reviews) == 1
    assert said_of(place, record, REVIEWER).reviews == () == said_of(place, record, PUBLIC).reviews
    with pytest.raises(NotFoundError):
        say_it(place, "nothing", DISPUTE, OFFICER)


def test_what_is_reserved_is_spoken_of_within_its_dossier_only(disputed: tuple[Place, str]) -> None:
    place, _ = disputed
    place.register("D-9")
    bound = place.check(principal=REVIEWER, dossier="D-9", purpose="land_use_change")
    assert finding(bound, "power_line")["outcome"] == "clear"
    say_it(place, bound.id, ReviewDraft("power_line", "dispute", "Có đường dây mới."), REVIEWER)
    (review,) = said_of(place, bound.id, REVIEWER).reviews
    assert (review["check"], review["feature"]) == ("power_line", None)
    free = place.check(principal=REVIEWER)
    with pytest.raises(ForbiddenError):
        say_it(place, free.id, ReviewDraft("power_line", "dispute", "Có đường dây mới."), REVIEWER)


def test_a_later_check_notes_the_dispute_to_whoever_sees_the_feature(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    later = place.check(principal=OFFICER)
    (note,) = said_of(place, later.id, OFFICER).notes
    assert (note["check"], note["feature"]["key"], note["answer"]) == ("water_corridor", "SG-03", None)
    answer(place, made, TaskAnswer("rejected", "Dữ liệu đúng."), OWNER)
    (note,) = said_of(place, later.id, PUBLIC).notes
    assert note["answer"]["decision"] == "rejected"
    assert "notes" not in later.content and DISPUTE.reason not in json.dumps(note, ensure_ascii=False)
    assert said_of(place, record, REVIEWER).notes == (), "its own dispute stands beside the finding already"
    place.publisher.set_state("water_corridor", "withdrawn", "lộ")
    assert said_of(place, later.id, OFFICER).notes == ()


def test_texts_are_kept_in_one_form_and_never_as_markup(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    say_it(place, record, replace(DISPUTE, reason="  Thu\u031b\u0309a <b>123</b>\r\n & khác  "), REVIEWER)
    assert said_of(place, record, REVIEWER).reviews[0]["text"] == "Thửa <b>123</b>\n & khác"


def test_nobody_says_too_much_in_an_hour(disputed: tuple[Place, str], monkeypatch: pytest.MonkeyPatch) -> None:
    place, record = disputed
    monkeypatch.setattr(module, "MOST_AN_HOUR", 2)
    now = datetime.now(UTC)
    for draft in (DISPUTE, AGAIN):
        say_it(place, record, draft, REVIEWER, now=now)
    with pytest.raises(TooManyError) as raised:
        say_it(place, record, CONFIRMED, REVIEWER, now=now)
    assert raised.value.retry_after_s == 3600
    say_it(place, record, DISPUTE, OFFICER, now=now)
    say_it(place, record, CONFIRMED, REVIEWER, now=now + timedelta(hours=1, seconds=1))


def test_what_is_said_is_said_once_and_nobody_fills_a_record_for_others(
    disputed: tuple[Place, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, record = disputed
    monkeypatch.setattr(module, "MOST_OF_RECORD", 2)
    made = say_it(place, record, DISPUTE, REVIEWER)
    with pytest.raises(ConflictError, match="said this already"):
        say_it(place, record, replace(DISPUTE, reason="Lần nữa."), REVIEWER)
    say_it(place, record, AGAIN, REVIEWER)
    with pytest.raises(ConflictError, match="2 opinions"):
        say_it(place, record, CONFIRMED, REVIEWER)
    say_it(place, record, DISPUTE, OFFICER)
    answer(place, made, TaskAnswer("rejected", "Dữ liệu đúng."), OWNER)
    assert [one["kind"] for one in said_of(place, record, REVIEWER).reviews] == [*["dispute"] * 3, "answer"]


def test_an_altered_record_or_opinion_hides_no_other_task(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    other = place.check(principal=REVIEWER, dossier="D2").id
    for each, who in ((record, REVIEWER), (record, OFFICER), (other, REVIEWER)):
        say_it(place, each, DISPUTE, who)
    with psycopg.connect(place.url) as connection:
        for table in ("review", "record"):
            connection.execute(f"ALTER TABLE checks.{table} DISABLE TRIGGER append_only")  # type: ignore[call-overload]
        connection.execute("UPDATE checks.review SET body = '{}' WHERE principal = 'officer'")
        connection.execute("UPDATE checks.record SET dossier = 'D3' WHERE id = %s", (other,))
    found = tasks(place, OWNER).tasks
    assert sorted((one["record"], one["state"]) for one in found) == sorted(
        [(record, "open"), (record, "broken"), (other, "broken")]
    )
    assert all("altered" in one["problem"]["en"] for one in found if one["state"] == "broken")


@pytest.mark.parametrize("hides", [False, True])
def test_of_a_layer_with_hidden_activity_an_answer_tells_neither_day_nor_revision(hides: bool) -> None:
    said = {"id": "1", "created": "2026-01-01", "kind": "answer", "about": "0", "check": "c", "layer": "x", "text": "",
            "decision": "corrected", "revision": 7, "by": {"principal": "a", "office": None, "roles": []}}  # fmt: skip
    view = View({"x": Sight((object(),), (), is_visible=True, hides_activity=hides)}, frozenset(), "")  # type: ignore[arg-type]
    shown = module.opinion_shown(said, knows_person=False, reader=REVIEWER, view=view)
    assert (shown["revision"], shown["created"]) == ((None, None) if hides else (7, "2026-01-01"))


def hide_activity(place: Place, folder: Path, layer: str) -> None:
    """The profile once more, with one layer whose revisions are told to nobody but its owner."""
    shutil.copytree(ROOT / "profiles" / "checking", folder)
    (file,) = folder.rglob(f"{layer}.yaml")
    file.write_text(file.read_text(encoding="utf-8") + "hide_activity: true\n", encoding="utf-8")
    apply_profile(place.url, load_profile(folder))


def test_of_a_layer_with_hidden_activity_nobody_but_its_owner_reads_when_it_was_mended(
    disputed: tuple[Place, str], tmp_path: Path
) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    answer(place, made, TaskAnswer("corrected", "Đã cập nhật.", revision=2), OWNER)
    hide_activity(place, tmp_path / "profile", "water_corridor")
    _, reply = said_of(place, record, REVIEWER).reviews
    assert (reply["decision"], reply["revision"], reply["created"]) == ("corrected", None, None)
    own = tasks(place, REVIEWER).own[0]["answer"]
    assert (own["decision"], own["revision"], own["created"]) == ("corrected", None, None)
    later = place.check(principal=REVIEWER, dossier="D2").id
    (note,) = said_of(place, later, REVIEWER).notes
    assert (note["answer"]["revision"], note["answer"]["created"]) == (None, None)
    _, reply = said_of(place, record, OWNER).reviews
    assert reply["revision"] == 2 and reply["created"] is not None


@pytest.mark.parametrize("change", [
    "UPDATE checks.review SET body = replace(body, 'điều chỉnh', 'giữ nguyên') WHERE number = 1",
    "UPDATE checks.review SET principal = 'another' WHERE number = 1",
    "DELETE FROM checks.review WHERE number = 1",
    "UPDATE checks.review SET previous = 'sha256:0' WHERE number = 2",
    "UPDATE checks.review SET created = created - interval '1 day' WHERE number = 2",
])  # fmt: skip
def test_a_chain_that_was_altered_is_found(disputed: tuple[Place, str], change: str) -> None:
    place, record = disputed
    for who in (REVIEWER, OFFICER):
        say_it(place, record, DISPUTE, who)
    with psycopg.connect(place.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change)  # type: ignore[call-overload]
    with psycopg.connect(place.url) as connection:  # by somebody who owns the database and switches the guard off
        connection.execute("ALTER TABLE checks.review DISABLE TRIGGER append_only")
        connection.execute(change)  # type: ignore[call-overload]
    with pytest.raises(TamperedRecordError):
        said_of(place, record, REVIEWER)
    with pytest.raises(TamperedRecordError):
        say_it(place, record, AGAIN, REVIEWER)


def test_the_role_of_the_service_may_add_and_never_change(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    say_it(place, record, DISPUTE, REVIEWER)
    with psycopg.connect(place.url) as connection:
        found = connection.execute(
            "SELECT r, array_agg(p) FILTER (WHERE has_table_privilege(r, 'checks.review', p))"
            " FROM unnest(ARRAY['lt_api', 'lt_check', 'lt_publish', 'lt_audit', 'lt_reader', 'lt_server']) r,"
            " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p GROUP BY r"
        ).fetchall()
    rights = {role: set(held or ()) for role, held in found}
    assert rights.pop("lt_api") == rights.pop("lt_check") == {"SELECT", "INSERT"}
    assert all(not held for held in rights.values())


def test_every_word_leaves_its_event_and_no_text(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    answer(place, made, TaskAnswer("rejected", "Dữ liệu đúng."), OWNER)
    with pytest.raises(ForbiddenError):
        say_it(place, record, DISPUTE, PUBLIC)
    with psycopg.connect(place.url) as connection:
        found = connection.execute(
            "SELECT principal, action, layer, decision, reason, dossier FROM access.event"
            " WHERE action IN ('review', 'task') ORDER BY id"
        ).fetchall()
        (text,) = connection.execute("SELECT string_agg(e::text, '') FROM access.event e").fetchone() or ("",)
    assert found == [
        ("reviewer", "review", "water_corridor", "allow", None, "D1"),
        ("warden", "task", "water_corridor", "allow", None, "D1"),
        ("public", "review", None, "deny", "no_grant", None),
    ]
    assert DISPUTE.reason not in text


_KILLED = """
import sys, anyio, os
from layers.checking import reviews
from layers.store import reviews as store
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from tests.integration.checking.test_reviews import DISPUTE
from tests.support.checked import REVIEWER

async def die(connection, event):
    os._exit(9)

async def body(url, record):
    async with Database.open(url, size=2) as database:
        async with database.connection() as connection:
            catalogue = await load_catalogue(connection)
        store.record = die  # the process dies between the opinion and its event
        await reviews.say(database, catalogue, record, DISPUTE, REVIEWER)

anyio.run(body, *sys.argv[1:])
"""


def test_killed_in_the_middle_nothing_was_said(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    done = subprocess.run([sys.executable, "-c", _KILLED, place.url, record], check=False, timeout=60)
    assert done.returncode == 9
    assert said_of(place, record, REVIEWER).reviews == ()
    say_it(place, record, DISPUTE, REVIEWER)
    assert len(said_of(place, record, REVIEWER).reviews) == 1


def test_two_who_speak_at_once_are_both_heard_in_one_chain(disputed: tuple[Place, str]) -> None:
    place, record = disputed

    async def both(database: Any, catalogue: Any) -> None:
        async with anyio.create_task_group() as tasks:
            for who in (REVIEWER, OFFICER, OPERATOR):
                tasks.start_soon(say, database, catalogue, record, DISPUTE, who)

    place.ask(both)
    assert len(said_of(place, record, REVIEWER).reviews) == 3


def test_a_dispute_answered_twice_at_once_has_one_answer(disputed: tuple[Place, str]) -> None:
    place, record = disputed
    made = say_it(place, record, DISPUTE, REVIEWER)
    refused: list[LienthongError] = []

    async def both(database: Any, catalogue: Any) -> None:
        async def one() -> None:
            try:
                await answer_task(database, catalogue, made, TaskAnswer("rejected", "Dữ liệu đúng."), OWNER)
            except ConflictError as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(one)

    place.ask(both)
    assert len(refused) == 2
    assert [one["kind"] for one in said_of(place, record, REVIEWER).reviews] == ["dispute", "answer"]
