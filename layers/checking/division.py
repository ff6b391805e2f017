"""Split and merge: every part is a check of its own, sealed like any other, and one record binds them together.

A division is no way around anything a check is bound to: each part that is told something reserved is one answer under
the dossier, and its ground must lie in the dossier's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from anyio import CapacityLimiter, to_thread

from gis.division import divide as divided
from gis.division import merge as merged
from gis.errors import Message
from gis.procedure import Verdict, worst
from layers.access.principal import Principal
from layers.canonical import canonical, plain
from layers.errors import FieldError, InvalidInputsError
from layers.profile.profile import Profile, digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, insert_record, read_cut
from layers.store.connection import Connection, Database
from layers.store.divisions import DivisionRow, insert_division

from .answer import Answer, Json, View, layers_of, project, view_of
from .division_parts import Part, Shape, child_shapes, parent_shape, part_subject, shape_from
from .division_report import as_shapes, of_merge, of_split
from .division_request import DivisionRequest, sound
from .division_shown import Shown, answer_of_division
from .effort import require_waited
from .evidence import engine, seal
from .reading import TIMEOUT_MS, Case, Choose, Cut, Reading, Seeker, read
from .request import LOCAL_TIME
from .reserved import Asking, Right, count, right_to
from .run import case_of, examine
from .subject import Subject
from .threads import limiter_of_loop


@dataclass(frozen=True, slots=True)
class Preview:
    """What a division would make, before anything is checked or recorded. Shapes are GeoJSON in CRS84."""

    content: Json


async def divide(
    database: Database,
    catalogue: Catalogue,
    request: DivisionRequest,
    principal: Principal,
    *,
    now: datetime | None = None,
    new_id: Callable[[], str] | None = None,
    limiter: CapacityLimiter | None = None,
    limit: Callable[[], None] = lambda: None,
) -> Answer:
    """The answer to a split or a merge; its records and its event are stored before it leaves. `limit` is called for
    each part more than `request.parts`.

    Raises InvalidInputsError, InvalidRequestError, NotFoundError, AmbiguousError, ForbiddenError, UnavailableError like
    a check.
    """
    work = _Work(database, catalogue, _sound(request, catalogue.profile), principal, now or datetime.now(UTC))
    work.new_id = new_id or (lambda: str(uuid.uuid4()))
    threads = limiter or limiter_of_loop()
    async with audit.opened(database, work.opening(), is_read=True) as access:
        cut, parents = await work.parents()
        parts, report = await to_thread.run_sync(work.parts, parents, limiter=threads)
        for _ in parts[request.parts :]:
            limit()
        readings = [await work.read(part, cut) for part in parts]
        sealed = await to_thread.run_sync(work.seal, parts, readings, report, limiter=threads)
        rights = await work.store(sealed, access)
        return await to_thread.run_sync(sealed.told, rights, limiter=threads)


async def preview(
    database: Database, catalogue: Catalogue, request: DivisionRequest, principal: Principal, *, now: datetime | None
) -> Preview:
    """The parts with their areas and what does not add up. It reads the parcels and nothing else."""
    work = _Work(database, catalogue, _sound(request, catalogue.profile), principal, now or datetime.now(UTC))
    async with audit.opened(database, work.opening(), is_read=True) as access:
        _, parents = await work.parents()
        parts, report = await to_thread.run_sync(work.parts, parents, limiter=limiter_of_loop())
        async with database.connection() as connection:
            await audit.record(connection, access.closing(features=len(parents)), is_read=True)
    shown = [
        {"role": part.role, "label": part.label, "area_m2": part.area_m2, "geometry": part.drawn} for part in parts
    ]
    return Preview({"kind": request.kind, "preview": True, "conservation": report, "parts": shown})


def _sound(request: DivisionRequest, profile: Profile) -> DivisionRequest:
    """With its labels. Raises InvalidInputsError for what does not hold or would take too long."""
    return require_waited(sound(request, profile), profile)


class _Work:
    """One division under way."""

    new_id: Callable[[], str]

    def __init__(
        self, database: Database, catalogue: Catalogue, request: DivisionRequest, principal: Principal, now: datetime
    ) -> None:
        self.database, self.catalogue, self.request, self.principal, self.now = (
            database, catalogue, request, principal, now,
        )  # fmt: skip
        self.profile: Profile = catalogue.profile
        uses = dict.fromkeys([None, *(child.land_use for child in request.children)])
        self.cases: Mapping[str | None, Case] = {
            use: case_of(catalogue, request.check(self.profile, use), now) for use in uses
        }
        self.case = self.cases[None]
        self.purpose = request.purpose or self.case.definition.purpose
        self.today = now.astimezone(LOCAL_TIME).date()

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(layer for case in self.cases.values() for layer in case.layers))

    def opening(self) -> audit.Event:
        parcels = self.profile.parcel_layer.id
        return audit.Event.of(
            self.principal, "check", "allow", layer=parcels, purpose=self.purpose, dossier=self.request.dossier,
            used=tuple(name for name in self.layers if name != parcels), policy=self.catalogue.policy_digest,
        )  # fmt: skip

    # ── the ground ───────────────────────────────────────────────────────────────────────────────
    async def parents(self) -> tuple[Cut, list[Subject]]:
        """The old parcels within the caller's rights, and the one cut that every part is checked over."""
        seeker = Seeker(self.catalogue, self.principal, self.purpose, self.today)
        async with self.database.transaction(snapshot=True) as connection:
            cut = await read_cut(connection, dict.fromkeys(self.layers), instant=self.case.as_of, timeout_ms=TIMEOUT_MS)
            found = [await seeker.chooser(query)(connection, cut) for query in self.request.parents]
        if len({subject.fid for subject in found}) < len(found):
            raise _named_twice()
        return cut, found

    def parts(self, parents: Sequence[Subject]) -> tuple[list[Part], Json]:
        """The parts to check, and how they add up. Pure but for what it was given."""
        ground = Shape.of(parents, self.profile)
        made = self._split(ground, parents[0]) if self.request.is_split else self._merge(ground, parents)
        parts, report = made
        return parts, plain(report)

    def _split(self, ground: Shape, parent: Subject) -> tuple[list[Part], Json]:
        children = child_shapes(self.request, ground)
        labels = [child.label for child in self.request.children] or [f"Thửa mới {n + 1}" for n in range(len(children))]
        uses = [child.land_use for child in self.request.children] or [None] * len(children)
        shapes = as_shapes([child.geometry for child in children])
        found = divided(parent.geometry, shapes, parent.accuracy_m, with_remainder=self.request.with_remainder)
        parts = [Part.of_parcel("parent", parent)]
        parts += [
            Part("child", label, part_subject(child, label, [parent], ground), use, child.geojson)
            for child, label, use in zip(children, labels, uses, strict=True)
        ]
        if found.remainder is not None:
            left = shape_from(found.remainder, ground)
            parts.append(Part("remainder", _LEFT, part_subject(left, _LEFT, [parent], ground), None, left.geojson))
        return parts, of_split(found, ground.projection, ground.crs, parent.accuracy_m)

    def _merge(self, ground: Shape, parents: Sequence[Subject]) -> tuple[list[Part], Json]:
        shapes = as_shapes([parent_shape(parent, ground) for parent in parents])
        accuracy = max(parent.accuracy_m for parent in parents)
        found = merged(shapes, accuracy)
        parts = [Part.of_parcel("parent", parent) for parent in parents]
        if found.area_m2 > 0:
            whole = shape_from(found.shape, ground)
            parts.append(Part("result", _WHOLE, part_subject(whole, _WHOLE, parents, ground), None, whole.geojson))
        areas = [parent.geometry.area for parent in parents]
        return parts, of_merge(found, areas, ground.projection, ground.crs, accuracy)

    # ── each part is a check ─────────────────────────────────────────────────────────────────────
    async def read(self, part: Part, cut: Cut) -> tuple[Case, Reading]:
        """What a check of this part reads, over the cut of all: rows of a revision never change."""
        case = replace(self.cases[part.land_use], revisions={name: found.revision for name, found in cut.items()})
        return case, await read(self.database, case, _given(part.subject))

    def seal(self, parts: Sequence[Part], readings: Sequence[tuple[Case, Reading]], report: Json) -> _Sealed:
        """The records of the parts and what binds them."""
        contents = [examine(case, reading, self._head()) for case, reading in readings]
        records = [seal(content, principal=self.principal.id) for content in contents]
        layers = {*self.layers, *self.case.definition.layers()}
        view = view_of(self.catalogue, self.principal, purpose=self.purpose, day=self.today, layers=layers)
        content = self._content(parts, contents, records, report)
        body = canonical(content)
        row = DivisionRow(
            content["id"], self.now, self.request.kind, self.request.procedure, self.request.dossier, self.purpose,
            self.principal.id, [record.id for record in records], digest(body), body,
        )  # fmt: skip
        return _Sealed(parts, contents, records, content, row, view)

    def _head(self) -> Json:
        return {
            "id": self.new_id(), "created": self.now.isoformat(), "principal": self.principal.id,
            "dossier": self.request.dossier, "purpose": self.purpose,
        }  # fmt: skip

    def _content(
        self, parts: Sequence[Part], contents: Sequence[Json], records: Sequence[RecordRow], report: Json
    ) -> Json:
        first = contents[0]
        verdicts = [Verdict(report["verdict"]), *(Verdict(content["verdict"]) for content in contents)]
        told = [
            {"role": part.role, "label": part.label, "land_use": part.land_use,
             "area_m2": content["subject"]["area_m2"], "record": record.id, "digest": record.digest}
            for part, content, record in zip(parts, contents, records, strict=True)
        ]  # fmt: skip
        role = self.profile.parcel_layer.by_role("registered_area")
        made: Json = plain({
            **self._head(),
            "kind": self.request.kind,
            "as_of": first["as_of"],
            "clock": first["clock"],
            "on_date": first["on_date"],
            "procedure": first["procedure"],
            "inputs": first["inputs"],
            "profile": first["profile"],
            "cut": first["cut"],
            "engine": engine(self.profile.header.crs.to_wgs84),
            "registered_area_column": role.name if role else None,
            "conservation": report,
            "parts": told,
            "verdict": worst(verdicts),
        })  # fmt: skip
        return made

    # ── storing ──────────────────────────────────────────────────────────────────────────────────
    async def store(self, sealed: _Sealed, access: audit.Access) -> list[Right]:
        """All or nothing: the records, what binds them, what was told of reserved layers, the event."""
        rights = []
        async with self.database.transaction() as connection:
            for part, content, record in zip(sealed.parts, sealed.contents, sealed.records, strict=True):
                rights.append(await self._store_part(connection, sealed, part, content, record))
            await insert_division(connection, sealed.row)
            await audit.record(connection, self._closing(access, sealed))
        return rights

    async def _store_part(
        self, connection: Connection, sealed: _Sealed, part: Part, content: Json, record: RecordRow
    ) -> Right:
        event = self.opening().with_result(outcome=record.digest, features=1)
        if not sealed.view.reserves(layers_of(content)):
            await insert_record(connection, record, event)
            return Right("needs_dossier")
        request = self.request
        asking = Asking(self.catalogue, self.principal, request.procedure, request.dossier, request.purpose, self.today)
        right = await right_to(connection, asking, part.subject, part.query)
        await insert_record(connection, record, event)
        await count(connection, asking, record.id, right)
        return right

    def _closing(self, access: audit.Access, sealed: _Sealed) -> audit.Event:
        parcels = self.profile.parcel_layer.id
        grants = {grant for name in self.layers for grant in sealed.view.sight(name).grants}
        return access.closing(
            layer=parcels, revision=sealed.content["cut"].get(parcels), outcome=sealed.row.digest,
            features=len(sealed.parts), grants=tuple(sorted(grants)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A division that is ready to be stored."""

    parts: Sequence[Part]
    contents: Sequence[Json]
    records: Sequence[RecordRow]
    content: Json
    row: DivisionRow
    view: View

    def told(self, rights: Sequence[Right]) -> Answer:
        """What its maker is shown once it is known how much may be told of each part."""
        answers = [
            project(content, record.digest, replace(self.view, untold=right.untold))
            for content, record, right in zip(self.contents, self.records, rights, strict=True)
        ]
        shown = [Shown(answer, content) for answer, content in zip(answers, self.contents, strict=True)]
        return answer_of_division(self.content, self.row.digest, self.view, shown)


_LEFT, _WHOLE = "Phần diện tích còn lại", "Thửa đất sau hợp thửa"


def _given(subject: Subject) -> Choose:
    async def choose(_connection: Connection, _cut: Cut) -> Subject:
        return subject

    return choose


def _named_twice() -> InvalidInputsError:
    message = Message("Có thửa đất được nêu hai lần.", "A parcel is named twice.")
    return InvalidInputsError(message.vi, message.en, [FieldError("parent", message)])
