"""What the check engine reads and writes: the cut, candidates, records.

It reads whole layers, never a caller's relation (design, principle 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from layers.errors import StoreError
from layers.profile.profile import Profile
from layers.profile.texts import profile_from

from .audit import Event
from .connection import Connection, execute, row, rows
from .statements import blocks
from .stored_raster import StoredRaster

#: pieces, entries or areas of one layer around one subject; more is not_checked, never a cut list
MOST_CANDIDATES = 20_000


class CandidatesError(StoreError):
    """A layer that could not be read for a check; `reason` is `timeout`, `error` or `damaged`."""

    code = "candidates"

    def __init__(self, reason: str) -> None:
        super().__init__("Không đọc được lớp dữ liệu để kiểm tra.", "A layer could not be read for the check.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CutLayer:
    """One layer of a cut. `revision` 0: nothing was published by then."""

    id: str
    number: int
    revision: int
    state: str  #: at that revision
    state_now: str
    reason: str | None
    release: int | None
    release_note: str | None
    published: datetime | None
    content_date: datetime | None  #: its oldest content was published then: what staleness goes by
    first_created: datetime | None
    raster: StoredRaster | None = None  #: of a layer whose content is one file


async def read_cut(
    connection: Connection, revisions: Mapping[str, int | None], *, instant: datetime | None, timeout_ms: int
) -> dict[str, CutLayer]:
    """The cut over these layers: a named revision, or (None) the newest one known at the instant."""
    values = {
        "layers": list(revisions),
        "revisions": _array(revisions.values()),
        "instant": instant,
        "timeout_ms": str(timeout_ms),
    }
    found = await rows(connection, blocks("checks")["cut"], values)
    return {each["id"]: _cut_layer(each) for each in found}


def _cut_layer(found: Mapping[str, Any]) -> CutLayer:
    is_known = found["revision"] is not None
    return CutLayer(
        id=found["id"],
        number=found["number"],
        revision=found["revision"] or 0,
        state=found["state"] if is_known else "empty",
        state_now=found["state_now"],
        reason=found["reason"] if is_known and found["state"] != "served" else found["reason_now"],
        release=found["release"],
        release_note=found["note"],
        published=found["published"],
        content_date=found["content_date"],
        first_created=found["first_created"],
        raster=StoredRaster.of(found["raster"]) if found["raster"] else None,
    )


# ── candidates ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reach:
    """What one rule needs read: its layer at a revision, and how far around the subject."""

    number: int  #: of the rule, given back with each row
    layer: int
    revision: int
    reach_m: float  #: distance of the rule and accuracy of the subject; the layer's accuracy is added by the statement
    is_keyed: bool  #: entries keyed to the parcel instead of shapes


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A piece of a feature, an entry, a part of the mapped area, or the word that the layer is damaged. `geometry` is
    WKB in the zone's CRS."""

    number: int
    kind: Literal["piece", "entry", "everywhere", "area", "refused", "damaged"]
    fid: int | None
    key: str | None
    accuracy_m: float | None
    attributes: Mapping[str, object] | None
    geometry: bytes | None


def _array(numbers: Iterable[float | None]) -> str:
    """Numbers as PostgreSQL writes an array; the driver takes ten times as long over a list."""
    return "{" + ",".join("NULL" if number is None else str(number) for number in numbers) + "}"


async def read_candidates(
    connection: Connection, subject_wkb: bytes, zone: int, refs: Sequence[str], reaches: Sequence[Reach]
) -> list[CandidateRow]:
    """All candidates of all rules in one statement. Raises CandidatesError; the transaction is then lost."""
    values: dict[str, object] = {
        "subject": subject_wkb, "zone": zone, "refs": list(refs), "most": MOST_CANDIDATES + 1,
        "numbers": _array(reach.number for reach in reaches),
        "layers": _array(reach.layer for reach in reaches),
        "revisions": _array(reach.revision for reach in reaches),
        "reaches": _array(reach.reach_m for reach in reaches),
        "keyed": _array(reach.is_keyed for reach in reaches),
    }  # fmt: skip
    try:
        found = await rows(connection, blocks("checks")["candidates"], values)
    except psycopg.errors.QueryCanceled as error:
        raise CandidatesError("timeout") from error
    except psycopg.Error as error:
        raise CandidatesError("error") from error
    return [
        CandidateRow(
            number=each["number"], kind=each["kind"], fid=each["fid"], key=each["key"],
            accuracy_m=each["accuracy_m"], attributes=each["attributes"], geometry=each["geom"],
        )
        for each in found
    ]  # fmt: skip


async def read_candidates_apart(
    connection: Connection, subject_wkb: bytes, zone: int, refs: Sequence[str], reaches: Sequence[Reach]
) -> dict[int, list[CandidateRow] | CandidatesError]:
    """Rule by rule, each behind a savepoint: one that fails costs itself only."""
    found: dict[int, list[CandidateRow] | CandidatesError] = {}
    for reach in reaches:
        try:
            async with connection.transaction():
                found[reach.number] = await read_candidates(connection, subject_wkb, zone, refs, [reach])
        except CandidatesError as error:
            found[reach.number] = error
    return found


# ── records ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A sealed record as stored: never updated. `body` is canonical JSON, `digest` its SHA-256."""

    id: str
    created: datetime
    procedure: str
    subject_layer: str | None
    subject_fid: int | None
    dossier: str | None
    purpose: str | None
    principal: str
    digest: str
    body: str
    subject_fids: list[int] | None = None  #: of several parcels checked as one, so that lists find it; not read back


async def insert_record(connection: Connection, record: RecordRow, event: Event) -> None:
    """Record and event together. Raises psycopg errors: the answer must then not leave."""
    values = {name: getattr(record, name) for name in record.__slots__}
    of_event = {f"event_{name}": value for name, value in event.columns().items()}
    await execute(connection, blocks("checks")["insert_record"], values | of_event)


async def record(connection: Connection, record_id: str) -> RecordRow | None:
    found = await row(connection, blocks("checks")["record"], {"id": record_id})
    return RecordRow(**found) if found else None


async def records(
    connection: Connection,
    *,
    dossier: str | None,
    layer: str | None,
    fids: Sequence[int],
    most: int = 200,
    after: RecordRow | None = None,
) -> list[RecordRow]:
    """The newest records of a dossier, of parcels, or both; those after `after`, the last of the page before."""
    values = {
        "dossier": dossier, "layer": layer, "fids": list(fids), "most": most,
        "after_created": after.created if after else None, "after_id": after.id if after else None,
    }  # fmt: skip
    return [RecordRow(**found) for found in await rows(connection, blocks("checks")["records"], values)]


async def stored_profile(connection: Connection, digest: str) -> Profile | None:
    """A profile that was applied once, by the digest of its text."""
    found = await row(connection, blocks("checks")["profile_text"], {"digest": digest})
    return profile_from(found["body"], found["parts"]) if found else None
