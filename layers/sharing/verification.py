"""`audit verify`: the chain walked from its first seal, every event against its digest, the end against witnesses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from gis.errors import Message
from layers.store.connection import Database
from layers.store.seals import Chain, Head, Seal, event_digest

from .witness import Line, lines

Row = Mapping[str, Any]

#: what may not fit, in words
WORDS: Mapping[str, tuple[str, str]] = {
    "changed": ("Sự kiện {event} đã bị sửa sau khi niêm phong.", "The event {event} was changed after it was sealed."),
    "missing": ("Mất sự kiện {event}.", "The event {event} is missing."),
    "added": ("Sự kiện {event} được thêm sau khi niêm phong.", "The event {event} was put in after the sealing."),
    "moved": ("Nội dung của sự kiện {event} nay nằm ở sự kiện {other}.",
              "What the event {event} said stands at the event {other} now."),
    "misdated": ("Thời điểm ghi trong sự kiện {event} không khớp lúc niêm phong.",
                 "The event {event} says a time that does not fit its seal's."),
    "broken_seal": ("Niêm phong {seal} đã bị sửa hoặc không nối với niêm phong trước.",
                    "The seal {seal} was changed, or does not follow from the one before."),
    "missing_seal": ("Thiếu niêm phong {seal}–{last}.", "The seals {seal} to {last} are missing."),
    "truncated": ("Đuôi bị cắt: đối chứng thấy niêm phong {seal} (đến sự kiện {event}), nay chỉ còn đến {last}.",
                  "The end was cut off: the witness saw seal {seal} (up to the event {event}), now it ends at {last}."),
    "rewritten": ("Niêm phong {seal} khác với bản đối chứng.", "The seal {seal} is not the one that was witnessed."),
    "other_chain": ("Đối chứng (dòng {line}) thuộc chuỗi khác: chuỗi bị viết lại, hoặc tệp của cơ sở dữ liệu khác.",
                    "The witness (line {line}) saw another chain: this one was written anew, or the file is not its."),
    "unreadable_witness": ("Dòng {line} của đối chứng không đọc được.", "Line {line} of the witness is unreadable."),
}  # fmt: skip
#: named one by one; what is beyond is counted
MOST_FINDINGS = 100_000
#: changed events among which exchanged ones are looked for
MOST_MOVED = 200
#: an event is committed a moment after it is dated, and sealed within seconds while a service runs
MISDATED = timedelta(hours=1)
_WITNESSES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit; `at` is the event's time, or the witness's."""

    kind: str
    message: Message
    event: int | None
    seal: int | None
    at: datetime | str | None

    def as_dict(self) -> dict[str, object]:
        at = self.at.isoformat() if isinstance(self.at, datetime) else self.at
        return {"kind": self.kind, "event": self.event, "at": at, "seal": self.seal, "message": self.message.as_dict()}


@dataclass(slots=True)
class Verification:
    """What a walk has seen."""

    head: Head
    witness: Path | None
    seals: int = 0
    sealed: int = 0
    unsealed: int = 0
    open: int = 0
    open_since: datetime | None = None
    witnessed: int = 0  #: lines that the chain agrees with
    findings: list[Finding] = field(default_factory=list)
    more: int = 0  #: findings beyond the list

    @property
    def is_sound(self) -> bool:
        return not self.findings

    def add(
        self, kind: str, *, event: int | None = None, seal: int | None = None, at: datetime | str | None = None,
        **more: object,
    ) -> None:  # fmt: skip
        if len(self.findings) == MOST_FINDINGS:
            self.more += 1
            return
        told = {"event": event, "seal": seal, **more}
        vi, en = (text.format(**told) for text in WORDS[kind])
        self.findings.append(Finding(kind, Message(vi, en), event, seal, at))

    def as_dict(self) -> dict[str, object]:
        return {
            "sound": self.is_sound,
            "seals": self.seals,
            "events": {"sealed": self.sealed, "unsealed": self.unsealed},
            "open": {"number": self.open, "since": self.open_since.isoformat() if self.open_since else None},
            "head": {"seal": self.head.number, "digest": self.head.digest},
            "witness": {"file": str(self.witness) if self.witness else None, "agreed": self.witnessed},
            "findings": [finding.as_dict() for finding in self.findings],
            "more_findings": self.more,
        }


async def verify(database: Database, witness: Path | None) -> Verification:
    """Walk everything as of one instant, in bounded memory. Raises OSError for a witness that cannot be opened."""
    async with Chain.of(database) as chain:
        found = Verification(await chain.head(), witness)
        await _walk(chain, found)
        async for event in chain.outside():
            if event.is_late:
                found.add("added", event=event.id, at=event.at)
            else:
                found.unsealed += 1
        found.open, found.open_since = await chain.left_open()
        if witness is not None:
            await _hold_against(chain, found, lines(witness))
    return found


# ── the chain ────────────────────────────────────────────────────────────────────────────────────


async def _walk(chain: Chain, found: Verification) -> None:
    before: Row | None = None
    earliest: datetime | None = None  #: what is new to a round of sealing is not much older than the round before
    changed: list[Row] = []
    async for rows in _seals(chain):
        if before is not None and before["snapshot"] != rows[0]["snapshot"]:
            earliest = before["sealed"] - MISDATED
        _check_seal(rows, before, found)
        for row in rows:
            if _is_changed(row, earliest, found) and len(changed) < MOST_MOVED:
                changed.append(row)
        before = rows[0]
        found.seals += 1
        found.sealed += len(rows)
    _name_moved(changed, found)


async def _seals(chain: Chain) -> AsyncIterator[list[Row]]:
    """The entries of one seal after another."""
    rows: list[Row] = []
    async for row in chain.entries():
        if rows and rows[0]["number"] != row["number"]:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _check_seal(rows: Sequence[Row], before: Row | None, found: Verification) -> None:
    first = rows[0]
    number, expected = first["number"], (before["number"] if before else 0) + 1
    if number != expected:
        found.add("missing_seal", seal=expected, last=number - 1)
    seal = Seal(
        number=number, sealed=first["sealed"], cluster=first["cluster"], snapshot=first["snapshot"],
        entries=tuple((row["sealed_id"], row["sealed_digest"]) for row in rows), previous=first["previous"],
    )  # fmt: skip
    follows = before is None or number != expected or first["previous"] == before["seal_digest"]
    if seal.digest != first["seal_digest"] or not follows:
        found.add("broken_seal", seal=number, at=first["sealed"])


def _is_changed(row: Row, earliest: datetime | None, found: Verification) -> bool:
    where = {"event": row["sealed_id"], "seal": row["number"]}
    if row["id"] is None:
        found.add("missing", at=row["sealed"], **where)
        return False
    if event_digest(row) != row["sealed_digest"]:
        found.add("changed", at=row["at"], **where)
        return True
    if row["at"] > row["sealed"] + MISDATED or (earliest is not None and row["at"] < earliest):
        found.add("misdated", at=row["at"], **where)
    return False


def _name_moved(changed: Sequence[Row], found: Verification) -> None:
    """What a changed event says may be what another one said: they were exchanged."""
    sealed = {row["sealed_id"]: row["sealed_digest"] for row in changed}
    for row in changed:
        for event, digest in sealed.items():
            if event != row["id"] and event_digest({**row, "id": event}) == digest:
                found.add("moved", event=event, seal=row["number"], at=row["at"], other=row["id"])


# ── witnesses ────────────────────────────────────────────────────────────────────────────────────


async def _hold_against(chain: Chain, found: Verification, witnessed: Iterator[Line]) -> None:
    """Every line must name a seal that is there, with its digest."""
    beyond: Line | None = None
    others: dict[str, Line] = {}
    while batch := list(islice(witnessed, _WITNESSES_AT_ONCE)):
        digests = await chain.digests([line.seal for line in batch if line.is_readable])
        for line in batch:
            if not line.is_readable:
                found.add("unreadable_witness", line=line.number)
            elif found.head.chain is not None and line.chain != found.head.chain:
                others.setdefault(line.chain, line)
            elif line.seal > found.head.number:
                beyond = max(beyond or line, line, key=lambda each: each.seal)
            elif digests.get(line.seal) == line.digest:
                found.witnessed += 1
            elif line.seal in digests:
                found.add("rewritten", seal=line.seal, at=line.at)
    _name_end(found, beyond, others.values())


def _name_end(found: Verification, beyond: Line | None, others: Iterable[Line]) -> None:
    if beyond is not None:
        found.add("truncated", event=beyond.event, seal=beyond.seal, at=beyond.at, last=found.head.number)
    for line in others:
        found.add("other_chain", seal=line.seal, at=line.at, line=line.number)
