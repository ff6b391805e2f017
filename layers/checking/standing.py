"""What an extract is worth today, told by its code: authentic, unchanged, made on data that stand or on older ones.

Whoever may read the check is told of every layer of its cut. A stranger is told of the layers of the procedure, asked
or not, as they stood at the instant of the cut: which of them were asked would tell the inputs. Of what may not be told
neither learns anything; "nothing has changed" is then not said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from layers.access.principal import PUBLIC, Principal
from layers.profile.procedures import ProcedureDefinition, relations_of
from layers.profile.profile import canonical_text, digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import CutLayer, RecordRow, read_cut, record
from layers.store.connection import Connection, Database
from layers.store.extracts import ExtractRow, SignedRow, extract, signed_of

from .evidence import TamperedRecordError, opened
from .history import may_read
from .reading import TIMEOUT_MS
from .request import LOCAL_TIME
from .reserved import Reader
from .view import View, view_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layered:
    """A layer of an extract, then and now; `release` is the newest one."""

    layer: str
    title: Mapping[str, str]
    revision: int
    newest_revision: int
    release: int | None
    published: datetime | None

    @property
    def is_superseded(self) -> bool:
        return self.newest_revision > self.revision

    def as_dict(self) -> Json:
        return {
            "layer": self.layer, "title": dict(self.title), "revision": self.revision,
            "newest_revision": self.newest_revision, "release": self.release,
            "published": self.published.isoformat() if self.published else None, "superseded": self.is_superseded,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """The layers that one caller may be told of, and whether these are all that the extract may stand on."""

    layers: tuple[Layered, ...] = ()
    are_all: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What an extract is worth today, as far as one caller may know. `check` is the record's id, for its readers."""

    extract: ExtractRow
    is_unchanged: bool
    procedure: str
    title: Mapping[str, str]
    told: Told
    signed: tuple[SignedRow, ...]
    check: str | None

    @property
    def layers(self) -> tuple[Layered, ...]:
        return self.told.layers

    @property
    def is_superseded(self) -> bool | None:
        """None: nothing that may be told has changed, and not all may be told."""
        if any(one.is_superseded for one in self.layers):
            return True
        return False if self.told.are_all else None


async def standing_of(
    database: Database,
    catalogue: Catalogue,
    code: str | None,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
) -> Standing | None:
    """The standing of an extract; None for a code that was never given. Either leaves its event."""
    reader = Reader(catalogue, principal, purposes, _today(now))
    async with database.transaction() as connection:
        found = await extract(connection, code) if code else None
        standing = await _standing(connection, reader, found) if found else None
        event = audit.Event.of(
            principal, "verify", "allow" if standing else "deny", reason=None if standing else "not_found",
            policy=catalogue.policy_digest, outcome=f"sha256:{found.sha256}" if found else None,
        )  # fmt: skip
        await audit.record(connection, event, is_read=True)
    return standing


async def _standing(connection: Connection, reader: Reader, found: ExtractRow) -> Standing:
    stored = await record(connection, found.record)
    assert stored is not None  # the row refers to it, and neither is ever removed
    signed = tuple(await signed_of(connection, [found.code]))
    title = _title(reader.catalogue, stored.procedure)
    try:
        content = opened(stored)
    except TamperedRecordError:
        return Standing(found, False, stored.procedure, title, Told(), signed, None)
    is_shown = reader.principal.id != PUBLIC.id and await may_read(connection, reader, stored)
    asked = _of_check(reader, stored, content) if is_shown else _of_procedure(reader, content)
    return Standing(
        extract=found, is_unchanged=stored.digest == found.record_digest, procedure=stored.procedure, title=title,
        told=await _told(connection, reader.catalogue, asked), signed=signed, check=stored.id if is_shown else None,
    )  # fmt: skip


# ── which layers, and as of when ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Asked:
    """The layers to tell of, each at its revision or (None) at the one known at the instant; and whether these are all
    there are."""

    revisions: Mapping[str, int | None]
    instant: datetime
    are_all: bool


def _of_check(reader: Reader, stored: RecordRow, content: Mapping[str, Any]) -> _Asked:
    """The layers of the record's cut, to whoever reads there which were asked."""
    view = view_of(reader.catalogue, reader.principal, purpose=reader.purpose_for(stored), day=reader.day)
    revisions = {name: int(number) for name, number in content["cut"].items() if _may_be_told(view, name)}
    return _Asked(revisions, _instant(content), revisions.keys() == content["cut"].keys())


def _of_procedure(reader: Reader, content: Mapping[str, Any]) -> _Asked:
    """The layers that any check of the procedure may stand on, and the ground: nothing here follows from the inputs."""
    profile = reader.catalogue.profile
    procedure = profile.procedure(content["procedure"]["id"])
    is_same = procedure is not None and digest(canonical_text(procedure)) == content["procedure"]["version"]
    names = {profile.parcel_layer.id, *(procedure.layers() if procedure else ())}
    view = view_of(reader.catalogue, reader.principal, purpose=None, day=reader.day)
    told = {name for name in names if _may_be_told(view, name)}
    # the record's own number where every check has one; an instant cannot tell what was published in that very moment
    known = content["cut"] if is_same else {}
    always = set(_always_asked(procedure)) if procedure else set()
    revisions = {name: known.get(name) if name in always else None for name in told}
    return _Asked(revisions, _instant(content), is_same and told == names)


def _always_asked(procedure: ProcedureDefinition) -> Iterator[str]:
    """The layers that are asked whatever is put in, on whatever day."""
    for check in procedure.checks:
        if check.applies_when is None and check.valid is None:
            yield from (one.layer for one in relations_of(check))


def _may_be_told(view: View, layer: str) -> bool:
    sight = view.sight(layer)
    return sight.tells_activity and not sight.is_secret


def _instant(content: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(content["clock"])


# ── then and now ─────────────────────────────────────────────────────────────────────────────────


async def _told(connection: Connection, catalogue: Catalogue, asked: _Asked) -> Told:
    names = dict(sorted(asked.revisions.items()))
    open_ones = dict.fromkeys(name for name, revision in names.items() if revision is None)
    at_instant = await read_cut(connection, open_ones, instant=asked.instant, timeout_ms=TIMEOUT_MS)
    now = await read_cut(connection, dict.fromkeys(names), instant=None, timeout_ms=TIMEOUT_MS)
    then = {name: at_instant[name].revision if revision is None else revision for name, revision in names.items()}
    return Told(tuple(_layered(catalogue, now[name], then[name]) for name in names), asked.are_all)


def _layered(catalogue: Catalogue, found: CutLayer, revision: int) -> Layered:
    definition = catalogue.layer(found.id).definition
    return Layered(found.id, definition.title.model_dump(), revision, found.revision, found.release, found.published)


def _title(catalogue: Catalogue, procedure: str) -> Mapping[str, str]:
    found = catalogue.profile.procedure(procedure)
    return found.title.model_dump() if found else {}


def _today(now: datetime | None) -> date:
    return (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
