"""Confirm or dispute a finding: whoever was shown it may say so, once and for all; the record stays as it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from anyio import to_thread

from gis.errors import Message
from gis.procedure import Outcome
from layers.access.ownership import is_owner
from layers.access.principal import PUBLIC, Principal
from layers.errors import ConflictError, FieldError, ForbiddenError, InvalidInputsError, NotFoundError, TooManyError
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, record
from layers.store.connection import Connection, Database
from layers.store.reviews import ReviewRow, answers_to, append, disputes_about, hold, reviews_of, said_since

from .answer import Answer
from .evidence import opened
from .history import find_answer
from .opinion import Feature, Opinion, chained, content_of, sealed, written
from .request import LOCAL_TIME
from .reserved import Reader
from .shown import flat
from .threads import limiter_of_loop
from .view import View, view_of

#: opinions and answers of one person in an hour, and opinions of one person on one record ever
MOST_AN_HOUR, MOST_OF_RECORD = 60, 40
HOUR = timedelta(hours=1)
#: earlier disputes told about one feature
MOST_NOTES = 3


@dataclass(frozen=True, slots=True)
class ReviewDraft:
    """What somebody wants to say. `feature` is the key or the fid of one that the finding names."""

    check: str
    kind: Literal["confirm", "dispute"]
    reason: str = ""
    feature: str | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An answer with what was said of it, as far as one caller is shown either."""

    answer: Answer
    reviews: tuple[Mapping[str, Any], ...]
    notes: tuple[Mapping[str, Any], ...]  #: earlier disputes about the same features

    def as_dict(self) -> dict[str, Any]:
        return {"check": self.answer.id, "reviews": list(self.reviews), "notes": list(self.notes)}


async def say(
    database: Database,
    catalogue: Catalogue,
    record_id: str,
    draft: ReviewDraft,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
    new_id: Callable[[], str] | None = None,
) -> str:
    """Store an opinion; its id.

    Raises ForbiddenError for the public and for what is withheld from the caller, NotFoundError for a record that is
    not theirs, InvalidInputsError, TooManyError, ConflictError, TamperedRecordError.
    """
    instant = now or datetime.now(UTC)
    try:
        _require_somebody(principal)
        answer = await find_answer(database, catalogue, record_id, principal, purposes=purposes, now=instant)
        said = _opinion(answer.content, draft)
    except ForbiddenError as error:
        await _refused(database, catalogue, principal, str(error.details["reason"]))
        raise
    made_id = new_id() if new_id else str(uuid.uuid4())
    async with database.transaction() as connection:
        stored, chain = await held(connection, record_id, principal, instant)
        _require_new(said, [content_of(one) for one in chain if one.principal == principal.id])
        row = sealed(said, principal, record_id, stored.digest, chain, review_id=made_id, now=instant)
        event = audit.Event.of(
            principal, "review", "allow", layer=said.layer, purpose=stored.purpose, dossier=stored.dossier,
            policy=catalogue.policy_digest, outcome=row.digest, features=1,
        )  # fmt: skip
        await append(connection, row, event)
    return made_id


async def held(
    connection: Connection, record_id: str, principal: Principal, now: datetime
) -> tuple[RecordRow, list[ReviewRow]]:
    """The record and its chain with nobody else appending to it.

    Raises TooManyError, NotFoundError, TamperedRecordError.
    """
    await hold(connection, record_id, principal.id)
    said = await said_since(connection, principal.id, now - HOUR)
    if said.count >= MOST_AN_HOUR and said.first is not None:
        raise TooManyError((said.first + HOUR - now).total_seconds())
    stored = await record(connection, record_id)
    if stored is None:
        raise NotFoundError
    chain = await reviews_of(connection, record_id)
    chained(chain, stored.digest)
    return stored, chain


def _require_new(said: Opinion, own: Sequence[Mapping[str, Any]]) -> None:
    """Said once, and not too often: only what the person said counts, what others said may be hidden from them."""
    fid = said.feature.fid if said.feature else None
    opinions = [one for one in own if one["kind"] != "answer"]
    if any((one["check"], one["kind"], (one["feature"] or {}).get("fid")) == (said.check, said.kind, fid)
           for one in opinions):  # fmt: skip
        raise ConflictError(
            "Bạn đã nêu ý kiến này; hãy xem trả lời trong mục Phản ánh.",
            "You have said this already; its answer will stand in the tasks.",
        )
    if len(opinions) >= MOST_OF_RECORD:
        raise ConflictError(
            f"Bạn đã nêu {MOST_OF_RECORD} ý kiến về lần kiểm tra này; hãy kiểm tra lại rồi nêu ở kết quả mới.",
            f"You have given {MOST_OF_RECORD} opinions on this check; check again and say it of the new answer.",
        )


async def reviews(
    database: Database,
    catalogue: Catalogue,
    record_id: str,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
) -> Reviewed:
    """The answer with the opinions on what it shows to the caller. Raises NotFoundError, TamperedRecordError."""
    answer = await find_answer(database, catalogue, record_id, principal, purposes=purposes, now=now)
    async with database.connection() as connection:
        chain = await reviews_of(connection, record_id)
        stored = await record(connection, record_id)
        features = [(str(one["layer"]), int(hit["fid"])) for one, hit in _hits(answer.content)]
        earlier = await disputes_about(connection, record_id, list(dict.fromkeys(features)), MOST_NOTES)
        answered = await answers_to(connection, [dispute.id for dispute in earlier])
    if stored is None:
        raise NotFoundError
    reader = Reader(catalogue, principal, purposes, (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date())
    view = view_of(catalogue, principal, purpose=reader.purpose_for(stored), day=reader.day)
    shower = _Shower(catalogue, principal, answer.content, view, reader.day)

    def told() -> Reviewed:
        record_digest = stored.digest
        opened(stored)
        shown = [one for each in chained(chain, record_digest) if (one := shower.review(each)) is not None]
        return Reviewed(answer, tuple(shown), tuple(shower.notes(earlier, answered)))

    return await to_thread.run_sync(told, limiter=limiter_of_loop())


async def _refused(database: Database, catalogue: Catalogue, principal: Principal, reason: str) -> None:
    event = audit.Event.of(principal, "review", "deny", reason=reason, policy=catalogue.policy_digest)
    async with database.connection() as connection:
        await audit.record(connection, event, is_read=True)


def _require_somebody(principal: Principal) -> None:
    if principal.id == PUBLIC.id and not principal.is_operator:
        raise ForbiddenError(
            "Cần đăng nhập để xác nhận hoặc phản ánh kết quả.", "Sign in to confirm or dispute a finding.",
            reason="no_grant",
        )  # fmt: skip


# ── what is said ─────────────────────────────────────────────────────────────────────────────────
def _opinion(answer: Mapping[str, Any], draft: ReviewDraft) -> Opinion:
    finding = next((one for one in flat(answer["findings"]) if one["check"] == draft.check), None)
    if finding is None:
        raise _wrong("check", "không có nội dung kiểm tra này", "there is no such check in the answer")
    if finding["outcome"] == Outcome.WITHHELD:
        raise ForbiddenError(
            "Bạn không được xem kết quả của nội dung này nên chưa thể nêu ý kiến; hãy liên hệ cơ quan quản lý.",
            "You were not shown this finding and cannot say anything of it; please ask its office.", reason="withheld",
        )  # fmt: skip
    layer = finding["layer"] or (None if "members" in finding else answer["subject"]["layer"])
    if draft.kind == "dispute" and layer is None:
        raise _wrong(
            "check", "chọn một căn cứ của nhóm, hoặc nội dung có lớp dữ liệu",
            "choose one ground of the group, or a check that stands on a layer",
        )  # fmt: skip
    text = written(draft.reason, "reason", is_needed=draft.kind == "dispute")
    return Opinion(draft.kind, draft.check, layer, _feature(finding, draft.feature), text)


def _feature(finding: Mapping[str, Any], named: str | None) -> Feature | None:
    if named is None:
        return None
    met = [*finding["features"], *finding["dropped"]]
    found = {one["fid"]: one for one in met if named in (one["key"], one["fid"], f"fid:{one['fid']}")}
    if len(found) != 1:
        raise _wrong("feature", "không có đối tượng này trong kết quả", "the finding names no such feature")
    ((fid, one),) = found.items()
    return Feature(fid, one["key"])


def _wrong(field: str, vi: str, en: str) -> InvalidInputsError:
    message = Message(f"{vi[0].upper()}{vi[1:]}.", f"{en[0].upper()}{en[1:]}.")
    return InvalidInputsError(message.vi, message.en, [FieldError(field, message)])


# ── what is shown ────────────────────────────────────────────────────────────────────────────────
def _hits(answer: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The features that count in each finding the caller is shown."""
    return ((one, hit) for one in flat(answer["findings"]) if one["layer"] for hit in one["features"])


class _Shower:
    """Shows opinions to one caller: of findings they are shown, on features they are shown, by office and role."""

    def __init__(
        self, catalogue: Catalogue, principal: Principal, answer: Mapping[str, Any], view: View, day: date
    ) -> None:
        self.catalogue, self.principal, self.view, self.day = catalogue, principal, view, day
        self.findings = {one["check"]: one for one in flat(answer["findings"])}

    def review(self, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
        finding = self.findings.get(content["check"])
        if finding is None or finding["outcome"] == Outcome.WITHHELD:
            return None
        knows = self._answers_for(content["layer"])
        return opinion_shown(content, knows_person=knows, reader=self.principal, view=self.view) | {
            "feature": self._feature(content, finding)
        }

    def _feature(self, content: Mapping[str, Any], finding: Mapping[str, Any]) -> Mapping[str, Any] | None:
        met = {one["fid"]: one["key"] for one in (*finding["features"], *finding["dropped"])}
        named = content["feature"]
        return {"fid": named["fid"], "key": met[named["fid"]]} if named and named["fid"] in met else None

    def _answers_for(self, layer: str | None) -> bool:
        state = self.catalogue.layers.get(layer) if layer else None
        return state is not None and is_owner(
            self.principal, state.definition, self.catalogue.grants, day=self.day,
            active_agreements=self.catalogue.active_agreements,
        )  # fmt: skip

    def notes(self, earlier: Sequence[ReviewRow], answered: Mapping[str, ReviewRow]) -> Iterator[Mapping[str, Any]]:
        """That a feature was disputed elsewhere and what became of it; not by whom, of which parcel, nor why."""
        by_feature: dict[tuple[str, int], list[ReviewRow]] = {}
        for dispute in earlier:
            by_feature.setdefault((str(dispute.layer), int(dispute.fid or 0)), []).append(dispute)
        for check, finding in self.findings.items():
            for hit in finding["features"] if finding["layer"] else ():
                for dispute in by_feature.get((finding["layer"], int(hit["fid"])), ()):
                    outcome = _outcome(answered.get(dispute.id), self.view)
                    yield {
                        "check": check, "feature": {"fid": hit["fid"], "key": hit["key"]},
                        "disputed": content_of(dispute)["created"], "answer": outcome,
                    }  # fmt: skip


def _outcome(answer: ReviewRow | None, view: View) -> dict[str, Any] | None:
    return None if answer is None else _revised(content_of(answer), view)


def _revised(answer: Mapping[str, Any], view: View) -> dict[str, Any]:
    """What became of a dispute; of a layer whose activity is hidden neither when nor in which revision."""
    is_told = view.sight(answer["layer"]).tells_activity
    return {
        "created": answer["created"] if is_told else None, "decision": answer["decision"],
        "revision": answer["revision"] if is_told else None,
    }  # fmt: skip


def opinion_shown(
    content: Mapping[str, Any], *, knows_person: bool, reader: Principal, view: View
) -> dict[str, Any]:  # fmt: skip
    """One opinion without what hangs on the finding, and without its number: that would count the hidden ones. The
    person is named to themselves and to who must answer."""
    by = content["by"]
    is_own = by["principal"] == reader.id
    person = by["principal"] if is_own or knows_person or reader.is_operator else None
    shown = {
        "id": content["id"], "created": content["created"], "kind": content["kind"],
        "about": content["about"], "check": content["check"], "layer": content["layer"], "feature": None,
        "text": content["text"], "decision": None, "revision": None,
        "by": {"principal": person, "office": by["office"], "roles": by["roles"], "is_own": is_own},
    }  # fmt: skip
    return shown | _revised(content, view) if content["kind"] == "answer" else shown
