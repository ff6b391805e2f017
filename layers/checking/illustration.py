"""The map of a check for one reader: the subject as it was measured, and around it only what they may see.

Shapes of other features come from the authorised relation at the revisions of the check, like items; each layer that is
read leaves its event. What an answer does not name as met or dropped is not looked for, so nothing that is reserved or
withheld can be drawn. Neighbours are the parcels of the relation in the frame.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from anyio import to_thread
from shapely.geometry.base import BaseGeometry

from layers.access.classes import class_of
from layers.access.decide import Decision, decide
from layers.access.principal import Principal
from layers.errors import UnavailableError
from layers.profile.profile import Profile, digest
from layers.store import audit
from layers.store.catalogue import Catalogue, LayerState
from layers.store.checks import RecordRow, read_cut, record, stored_profile
from layers.store.connection import Database
from layers.store.relation_sql import Bounds
from layers.store.shapes import Shape, shapes_in_box

from .answer import Answer
from .evidence import opened
from .map_content import Frame, MapContent, MapShape, Role, frame_of
from .reading import TIMEOUT_MS
from .replay import chooser_of_record
from .request import LOCAL_TIME
from .reserved import Reader
from .shown import flat
from .subject import Subject
from .telling import rows_of_subject, shows_shape
from .threads import limiter_of_loop
from .view import View, view_of
from .zones import many, one, projection_of

Json = Mapping[str, Any]
#: features of one layer, and parcels around the subject
MOST_FEATURES, MOST_NEIGHBOURS = 200, 400
#: corners on the whole map, the subject's apart
MOST_CORNERS = 30_000
#: a shape measured again may differ by this much, where a library has changed
SAME_AREA_M2 = 0.01
#: what a rule does not ask about is in the table, and on the map in the way
_NOT_ASKED = frozenset({"not_applicable"})
_DRAWN = ("affected", "borderline", "partly_mapped")


async def illustration_of(
    database: Database,
    catalogue: Catalogue,
    answer: Answer,
    principal: Principal,
    *,
    purposes: Collection[str] | None = None,
    now: datetime | None = None,
) -> MapContent | None:
    """The map that goes with an answer this caller was shown. None where the boundary is not theirs to see, was taken
    back, or is no longer the one that was measured. Raises TamperedRecordError."""
    day = (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
    reader = Reader(catalogue, principal, purposes, day)
    async with database.connection() as connection:
        stored = await record(connection, answer.id)
    if stored is None:
        return None
    checked = await to_thread.run_sync(_checked, reader, stored, limiter=limiter_of_loop())
    if checked is None:
        return None
    profile, subject = await _subject_again(database, catalogue, checked.content)
    if subject is None:
        return None
    return await _Illustrator(database, reader, checked, profile, subject).content(answer.content)


async def brought_ground(
    database: Database, catalogue: Catalogue, answer: Answer, principal: Principal
) -> Mapping[str, Any] | None:
    """The ground of a check as GeoJSON in CRS84, where the caller brought it along (drawn, pasted, uploaded, a part of
    a division). None for parcels, whose shapes are items, and for what somebody else brought."""
    if answer.content["subject"]["layer"] is not None:
        return None
    reader = Reader(catalogue, principal, None, datetime.now(UTC).astimezone(LOCAL_TIME).date())
    async with database.connection() as connection:
        stored = await record(connection, answer.id)
    if stored is None:
        return None
    checked = await to_thread.run_sync(_checked, reader, stored, limiter=limiter_of_loop())
    if checked is None:
        return None
    profile, subject = await _subject_again(database, catalogue, checked.content)
    if subject is None or shapely.count_coordinates(subject.geometry) > MOST_CORNERS:
        return None
    return await to_thread.run_sync(_in_crs84, profile, subject, limiter=limiter_of_loop())


def _in_crs84(profile: Profile, subject: Subject) -> Mapping[str, Any]:
    crs = profile.header.crs
    moved = projection_of(crs).to_crs(many(subject.geometry), crs.zones[subject.zone].crs, "EPSG:4326")
    return dict(shapely.geometry.mapping(one(moved)))


@dataclass(frozen=True, slots=True)
class _Checked:
    """A record whose subject the reader may see exactly."""

    content: Json
    view: View
    purpose: str | None


def _checked(reader: Reader, stored: RecordRow) -> _Checked | None:
    content, purpose = opened(stored), reader.purpose_for(stored)
    view = view_of(reader.catalogue, reader.principal, purpose=purpose, day=reader.day)
    subject = content["subject"]
    is_seen = reader.principal.is_operator or (
        stored.principal == reader.principal.id if subject["layer"] is None else _sees(view, subject)
    )
    return _Checked(content, view, purpose) if is_seen else None


def _sees(view: View, subject: Json) -> bool:
    """Every parcel of it exactly; rights may have changed since the check was made."""
    sight = view.sight(subject["layer"])
    return all(shows_shape(sight, attributes) for attributes in rows_of_subject(subject))


async def _subject_again(database: Database, catalogue: Catalogue, content: Json) -> tuple[Profile, Subject | None]:
    """The subject at the cut of the record, read as a replay reads it. What was taken back since is not."""
    async with database.transaction(snapshot=True) as connection:
        same = content["profile"] == catalogue.profile_digest
        profile = catalogue.profile if same else await stored_profile(connection, content["profile"])
        if profile is None:
            return catalogue.profile, None
        layer = profile.parcel_layer.id
        state = catalogue.layers.get(layer)
        if content["subject"]["layer"] is not None and (state is None or state.state != "served"):
            return profile, None
        cut = await read_cut(connection, {layer: content["cut"].get(layer)}, instant=None, timeout_ms=TIMEOUT_MS)
        try:
            subject = await chooser_of_record(profile, content["subject"])(connection, cut)
        except UnavailableError:
            return profile, None
    return profile, subject if _is_same(subject.geometry, content["subject"]) else None


def _is_same(shape: BaseGeometry, subject: Json) -> bool:
    is_same = bool(digest(shapely.to_wkb(shape, hex=True)) == subject["shape"])
    return is_same or bool(abs(shape.area - subject["area_m2"]) <= SAME_AREA_M2)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer that is read for the map."""

    state: LayerState
    decision: Decision
    revision: int


class _Illustrator:
    """Reads and cuts the shapes around one subject for one reader."""

    def __init__(
        self, database: Database, reader: Reader, checked: _Checked, profile: Profile, subject: Subject
    ) -> None:
        self.database, self.reader, self.checked = database, reader, checked
        self.profile, self.subject = profile, subject
        self.crs = profile.header.crs.zones[subject.zone].crs
        self.frame = frame_of(subject.geometry)

    async def content(self, answer: Json) -> MapContent:
        box = self._box()
        met: list[tuple[Role, str, Sequence[Shape]]] = []
        for layer_id, roles in _asked(answer["findings"]).items():
            layer = self._layer(layer_id, roles.revision)
            if layer is not None:
                found = await self._read(layer, box, fids=roles.all(), most=MOST_FEATURES)
                met += [(role, layer_id, [one for one in found if one.fid in roles.of(role)]) for role in _MET]
        parcels = await self._neighbours(box)
        named = {fid: name for roles in _asked(answer["findings"]).values() for fid, name in roles.names.items()}
        return await to_thread.run_sync(self._drawn, met, parcels, named, limiter=limiter_of_loop())

    async def _neighbours(self, box: Bounds) -> Sequence[Shape]:
        """The parcels of the frame but the subject's own; none where the frame is too wide to tell them apart."""
        definition = self.profile.parcel_layer
        revision = self.checked.content["cut"].get(definition.id)
        layer = self._layer(definition.id, revision) if revision else None
        if layer is None or self.frame.scale > _WIDEST_WITH_PARCELS:
            return []
        number = definition.by_role("parcel_number")
        found = await self._read(layer, box, name=number.name if number else None, most=MOST_NEIGHBOURS)
        own = {self.subject.fid, *(part.fid for part in self.subject.parts)}
        return [shape for shape in found if shape.fid not in own]

    def _layer(self, layer_id: str, revision: int | None) -> _Layer | None:
        """None where nothing of it may be drawn now."""
        catalogue, reader = self.reader.catalogue, self.reader
        state = catalogue.layers.get(layer_id)
        if state is None or state.state != "served" or revision is None or not state.definition.has_geometry:
            return None
        decision = decide(
            reader.principal, state.definition, "items", catalogue.grants, purpose=self.checked.purpose,
            day=reader.day, active_agreements=catalogue.active_agreements,
        )  # fmt: skip
        is_told = decision.is_allowed and not decision.hides_activity
        return _Layer(state, decision, revision) if is_told else None

    async def _read(self, layer: _Layer, box: Bounds, **asked: Any) -> list[Shape]:
        """The shapes, after the event of reading them."""
        catalogue, reader = self.reader.catalogue, self.reader
        async with self.database.reading(class_of(reader.principal, catalogue.grants)) as connection:
            found = await shapes_in_box(
                connection, layer.state, catalogue.storage_srid, layer.decision, box, revision=layer.revision, **asked
            )
            event = audit.Event.of_decision(
                reader.principal, layer.decision, purpose=self.checked.purpose, policy=catalogue.policy_digest,
                revision=layer.revision, dossier=self.checked.content["dossier"], features=len(found),
            )  # fmt: skip
            await audit.record(connection, event, is_read=True)
        return found

    def _box(self) -> Bounds:
        """The frame in CRS84."""
        around = shapely.segmentize(self.frame.box, (self.frame.east - self.frame.west) / 8)
        crs = projection_of(self.profile.header.crs)
        west, south, east, north = one(crs.to_crs(many(around), self.crs, "EPSG:4326")).bounds
        return float(west), float(south), float(east), float(north)

    # ── in a thread ──────────────────────────────────────────────────────────────────────────────
    def _drawn(
        self, met: Sequence[tuple[Role, str, Sequence[Shape]]], parcels: Sequence[Shape], named: Mapping[int, str]
    ) -> MapContent:
        shapes = [
            shape
            for role, layer, found in met
            for shape in self._cut(layer, role, found, [named.get(each.fid) for each in found])
        ]
        layer = self.profile.parcel_layer.id
        shapes += self._cut(layer, Role.NEIGHBOUR, parcels, [each.name for each in parcels])
        kept = list(_bounded(shapes))
        is_complete = len(kept) == len(shapes) and len(parcels) < MOST_NEIGHBOURS
        return MapContent(self.crs, self.subject.geometry, tuple(kept), is_complete, self._columns())

    def _cut(self, layer: str, role: Role, found: Sequence[Shape], names: Sequence[str | None]) -> Iterator[MapShape]:
        """In the zone's CRS, no finer than paper shows, cut at the frame."""
        if not found:
            return
        given = np.empty(len(found), dtype=object)
        given[:] = [shape.geometry for shape in found]
        moved = projection_of(self.profile.header.crs).to_crs(given, "EPSG:4326", self.crs)
        plain = shapely.simplify(moved, self.frame.paper_m / 2, preserve_topology=True)
        valid = np.where(shapely.is_valid(plain), plain, shapely.make_valid(plain))
        cut = shapely.clip_by_rect(valid, *_sides(self.frame))
        for shape, geometry, name in zip(found, cut, names, strict=True):
            if geometry is not None and not geometry.is_empty:
                yield MapShape(layer, str(shape.fid), role, geometry, name)

    def _columns(self) -> Mapping[str, object]:
        """Public columns of a single parcel that the reader sees: nothing internal or personal goes on paper."""
        subject = self.checked.content["subject"]
        if subject["kind"] != "parcel":
            return {}
        seen = self.checked.view.sight(subject["layer"]).columns(subject["attributes"]) or frozenset()
        public = {column.name for column in self.profile.parcel_layer.attributes if column.tag == "public"}
        return {name: value for name, value in subject["attributes"].items() if name in seen & public}


#: beyond this scale parcels are specks
_WIDEST_WITH_PARCELS = 5_000
_MET = (Role.HIT, Role.DROP)


@dataclass(frozen=True, slots=True)
class _Roles:
    """What an answer names of one layer: fids that count and fids that were dropped, with their keys."""

    revision: int
    hits: set[int]
    drops: set[int]
    names: dict[int, str]

    def all(self) -> set[int]:
        return self.hits | self.drops

    def of(self, role: Role) -> set[int]:
        return self.hits if role is Role.HIT else self.drops - self.hits


def _asked(findings: Iterable[Json]) -> dict[str, _Roles]:
    """By layer. A ground that is met covers everything: drawing it would hide the map."""
    found: dict[str, _Roles] = {}
    for finding in flat(list(findings)):  # type: ignore[arg-type]  # read only
        if finding["layer"] is None or finding["revision"] is None:
            continue
        roles = found.setdefault(finding["layer"], _Roles(finding["revision"], set(), set(), {}))
        if finding["outcome"] in _DRAWN:
            roles.hits.update(int(met["fid"]) for met in finding["features"])
        roles.drops.update(int(met["fid"]) for met in finding["dropped"] if met["reason"] not in _NOT_ASKED)
        roles.names.update({int(met["fid"]): met["key"] for met in finding["features"] if met["key"]})
    return {layer: roles for layer, roles in found.items() if roles.all()}


def _bounded(shapes: Sequence[MapShape]) -> Iterator[MapShape]:
    """Hits first, until the paper is full."""
    left = MOST_CORNERS
    order = {Role.HIT: 0, Role.DROP: 1, Role.NEIGHBOUR: 2}
    for shape in sorted(shapes, key=lambda one: (order[one.role], one.layer, int(one.fid))):
        left -= int(shapely.count_coordinates(shape.geometry))
        if left >= 0:
            yield shape


def _sides(frame: Frame) -> tuple[float, float, float, float]:
    return frame.west, frame.south, frame.east, frame.north
