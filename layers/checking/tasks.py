"""Disputes as tasks of whoever answers for the layer: seen with the finding, answered once; no record changes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from anyio import to_thread

from gis.errors import Message
from layers.access.ownership import is_owner
from layers.access.principal import PUBLIC, Principal
from layers.errors import ConflictError, FieldError, InvalidInputsError, NotFoundError
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow
from layers.store.connection import Connection, Database
from layers.store.reviews import ReviewRow, answers_to, append, disputes, has_revision, records_of, review

from .answer import View, subject_shown, view_of
from .evidence import TamperedRecordError, opened
from .opinion import Feature, Opinion, content_of, sealed, written
from .request import LOCAL_TIME
from .reviews import held, opinion_shown
from .shown import NO_MEASURE, flat
from .telling import rows_of_subject, shows_shape
from .threads import limiter_of_loop

Decision = Literal["upheld", "rejected", "corrected"]
State = Literal["open", "answered"]
#: tasks in a list
MOST = 200


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """`upheld`: the dispute is right, the data is not corrected yet; `corrected`: it is, in that revision."""

    decision: Decision
    text: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Tasks:
    """Disputes about the caller's layers, and those they raised themselves."""

    tasks: tuple[Mapping[str, Any], ...]
    own: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        return {"tasks": list(self.tasks), "own": list(self.own)}


async def tasks_of(
    database: Database,
    catalogue: Catalogue,
    principal: Principal,
    *,
    state: State | None = None,
    purpose: str | None = None,
    now: datetime | None = None,
) -> Tasks:
    """The newest tasks. Nobody in particular has none. One whose texts were altered is named as such."""
    if principal.id == PUBLIC.id and not principal.is_operator:
        return Tasks((), ())
    day = (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
    layers = owned(catalogue, principal, day)
    async with database.transaction() as connection:
        is_answered = None if state is None else state == "answered"
        found = await disputes(
            connection, layers=layers, principal=principal.id, is_answered=is_answered, most=MOST
        )  # fmt: skip
        answers = await answers_to(connection, [dispute.id for dispute in found])
        records = await records_of(connection, list({dispute.record for dispute in found}))
        event = audit.Event.of(
            principal, "task", "allow", used=tuple(layers), policy=catalogue.policy_digest, features=len(found)
        )
        await audit.record(connection, event, is_read=True)
    shower = _Shower(catalogue, principal, view_of(catalogue, principal, purpose=purpose, day=day))

    def told() -> Tasks:
        shown = [(one, shower.task_or_broken(one, answers.get(one.id), records[one.record], one.layer in layers))
                 for one in found]  # fmt: skip
        return Tasks(
            tuple(task for one, task in shown if one.layer in layers),
            tuple(task for one, task in shown if one.principal == principal.id),
        )

    return await to_thread.run_sync(told, limiter=limiter_of_loop())


async def answer_task(
    database: Database,
    catalogue: Catalogue,
    task_id: str,
    given: TaskAnswer,
    principal: Principal,
    *,
    now: datetime | None = None,
    new_id: Callable[[], str] | None = None,
) -> str:
    """Store the owner's answer; its id. Raises NotFoundError, the same for a task that is not there and one that is
    not the caller's; ConflictError for one that is answered; InvalidInputsError, TooManyError."""
    instant = now or datetime.now(UTC)
    day = instant.astimezone(LOCAL_TIME).date()
    made_id = new_id() if new_id else str(uuid.uuid4())
    async with database.transaction() as connection:
        dispute = await review(connection, task_id)
        if dispute is None or dispute.kind != "dispute" or dispute.layer not in owned(catalogue, principal, day):
            raise NotFoundError
        text = written(given.text, "text", is_needed=True)
        stored, chain = await held(connection, dispute.record, principal, instant)
        if any(one.about == task_id for one in chain):
            raise ConflictError("Phản ánh này đã được trả lời.", "This dispute has been answered already.")
        await _require_revision(connection, dispute.layer, given)
        about = content_of(dispute)
        feature = Feature(**about["feature"]) if about["feature"] else None
        said = Opinion("answer", about["check"], dispute.layer, feature, text, task_id, given.decision, given.revision)
        row = sealed(said, principal, dispute.record, stored.digest, chain, review_id=made_id, now=instant)
        event = audit.Event.of(
            principal, "task", "allow", layer=dispute.layer, dossier=stored.dossier, policy=catalogue.policy_digest,
            outcome=row.digest, features=1,
        )  # fmt: skip
        await append(connection, row, event)
    return made_id


def owned(catalogue: Catalogue, principal: Principal, day: date) -> list[str]:
    """The layers the caller answers for."""
    return [
        name
        for name, state in catalogue.layers.items()
        if is_owner(
            principal, state.definition, catalogue.grants, day=day, active_agreements=catalogue.active_agreements
        )
    ]


async def _require_revision(connection: Connection, layer: str, given: TaskAnswer) -> None:
    """`corrected` names the revision it was corrected in; the others name none."""
    is_named = given.revision is not None
    if is_named != (given.decision == "corrected"):
        message = Message("Nêu phiên bản đã sửa khi và chỉ khi trả lời là 'corrected'.",
                          "Name the corrected revision if and only if the decision is 'corrected'.")  # fmt: skip
        raise InvalidInputsError(message.vi, message.en, [FieldError("revision", message)])
    if given.revision is not None and not await has_revision(connection, layer, given.revision):
        message = Message(f"Lớp '{layer}' không có phiên bản {given.revision}.",
                          f"The layer '{layer}' has no revision {given.revision}.")  # fmt: skip
        raise InvalidInputsError(message.vi, message.en, [FieldError("revision", message)])


class _Shower:
    """Shows tasks to one person: all of the finding that is about their layer, and of the parcel what they may see."""

    def __init__(self, catalogue: Catalogue, principal: Principal, view: View) -> None:
        self.catalogue, self.principal, self.view = catalogue, principal, view

    def task_or_broken(
        self, dispute: ReviewRow, answer: ReviewRow | None, stored: RecordRow, is_task: bool
    ) -> Mapping[str, Any]:
        """One altered text must not hide the other tasks; nothing of it is told but that it is."""
        try:
            return self.task(dispute, answer, stored, is_task)
        except TamperedRecordError as error:
            return {
                "id": dispute.id, "state": "broken", "layer": dispute.layer if is_task else None,
                "record": dispute.record, "problem": error.message.as_dict(),
            }  # fmt: skip

    def task(self, dispute: ReviewRow, answer: ReviewRow | None, stored: RecordRow, is_task: bool) -> Mapping[str, Any]:
        content, record = content_of(dispute), opened(stored)
        shown, replied = self._opinion(content, is_task), None
        if answer is not None:
            replied = self._opinion(content_of(answer), is_task)
        return {
            "id": dispute.id, "state": "answered" if answer else "open", "created": shown["created"],
            "layer": dispute.layer, "check": content["check"], "record": dispute.record, "dossier": stored.dossier,
            "procedure": stored.procedure, "by": shown["by"], "reason": content["text"],
            "feature": content["feature"] if is_task else None,
            "finding": self._finding(record, content["check"]) if is_task else None,
            "subject": self._subject(record["subject"]), "answer": replied,
        }  # fmt: skip

    def _opinion(self, content: Mapping[str, Any], is_task: bool) -> Mapping[str, Any]:
        return opinion_shown(content, knows_person=is_task, reader=self.principal, view=self.view)

    def _finding(self, record: Mapping[str, Any], check: str) -> Mapping[str, Any] | None:
        """What was found; measures say how the parcel lies, and are for whoever may see its exact shape."""
        found = next((one for one in flat(record["findings"]) if one["check"] == check), None)
        if found is None:
            return None
        measure = found["measure"] if self._sees_shape(record["subject"]) else dict(NO_MEASURE)
        names = ("title", "relation", "outcome", "revision", "release")
        return {**{name: found[name] for name in names}, "measure": measure}

    def _subject(self, subject: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """None for a parcel outside the person's rights."""
        if subject["layer"] is None:
            return {"kind": subject["kind"], "layer": None, "fid": None, "key": None, "label": None, "area_m2": None}
        sight = self.view.sight(subject["layer"])
        if any(sight.columns(row) is None for row in rows_of_subject(subject)):
            return None
        shown = subject_shown(subject, self.view)
        area_m2 = shown["area_m2"] if self._sees_shape(subject) else None
        return {name: shown[name] for name in ("kind", "layer", "fid", "key", "label")} | {"area_m2": area_m2}

    def _sees_shape(self, subject: Mapping[str, Any]) -> bool:
        if self.principal.is_operator:
            return True
        if subject["layer"] is None:
            return False
        sight = self.view.sight(subject["layer"])
        return all(shows_shape(sight, row) for row in rows_of_subject(subject))
