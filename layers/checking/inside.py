"""The opposite question: which parcels lie in this project's shape, how much of each goes in and how much is left.

It shows rows, so it reads the caller's relation and nothing else: allowed rows, allowed columns, and measures only of
those whose exact shape is shown. What policy keeps back is told as policy, never by what lies there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from anyio import to_thread
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.coverage import Ground, mapped_share
from gis.errors import Message
from gis.inside import Lying, lying
from layers.access.classes import class_of
from layers.access.decide import Decision
from layers.access.principal import Principal
from layers.errors import FieldError, InvalidInputsError
from layers.profile.grammar import Attribute, LayerDefinition
from layers.profile.profile import Profile
from layers.store.catalogue import Catalogue, LayerState
from layers.store.checks import CandidateRow, Reach, read_candidates, read_cut
from layers.store.connection import Connection, Database
from layers.store.inside import RowMet, rows_meeting

from .reading import TIMEOUT_MS, drawn, prepared
from .request import ByCoordinates, ByGeometry, ByUpload, Drawn
from .rule_finding import rounded
from .subject import Subject, label_of
from .threads import limiter_of_loop
from .upload import shape_of_upload
from .zones import many, one, projection_of

Json = dict[str, Any]
#: parcels of one answer; more is work for a job
MOST_PARCELS = 20_000
#: how much farther than the accuracy rows are looked for, and how much the searched shape is simplified by
_AROUND_M, _SIMPLER_M = 2.0, 5.0
#: corners of a shape that is searched around as it is
_MOST_GROWN = 10_000
_WGS84 = "EPSG:4326"
#: what is told of an access before the answer leaves: the connection, rows and bytes
Note = Callable[[Connection, int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Project:
    """The shape that is asked about, in its measuring zone."""

    shape: BaseGeometry
    crs: str
    zone: int
    search: BaseGeometry  #: CRS84: somewhat larger and simpler


@dataclass(frozen=True, slots=True)
class Reading:
    """One caller's relation of the parcel layer."""

    catalogue: Catalogue
    state: LayerState
    principal: Principal
    decision: Decision

    @property
    def definition(self) -> LayerDefinition:
        return self.state.definition

    @property
    def sees_all(self) -> bool:
        """By policy: every row is shown as it is measured."""
        return any(box.rows is None and box.geometry.kind == "full" for box in self.decision.boxes)


async def parcels_inside(database: Database, reading: Reading, query: Drawn, note: Note) -> Json:
    """The parcels in a shape, with totals. `note` leaves the access's event before anything is answered.

    Raises InvalidInputsError for a shape that cannot be used or holds too many parcels, NotFoundError, ForbiddenError,
    UnavailableError.
    """
    given = await shape_of_upload(query, reading.catalogue.profile) if isinstance(query, ByUpload) else query
    project, mapped = await _project(database, reading, given)
    rows: list[RowMet] = []
    role, storage = class_of(reading.principal, reading.catalogue.grants), reading.catalogue.storage_srid
    async with database.reading(role) as connection, connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        async for page in rows_meeting(connection, reading.state, storage, reading.decision, project.search):
            rows += page
            if len(rows) > MOST_PARCELS:
                raise _too_many()
        await note(connection, len(rows), sum(len(row.geometry or b"") for row in rows))
    return await to_thread.run_sync(_answer, reading, project, rows, mapped, limiter=limiter_of_loop())


async def _project(
    database: Database, reading: Reading, query: ByGeometry | ByCoordinates
) -> tuple[Project, float | None]:
    """The shape in its zone, and how much of it is declared mapped; None where that is not the caller's to know."""
    profile = reading.catalogue.profile
    given = await prepared(query, profile)
    found: Sequence[CandidateRow] | None = None
    async with database.transaction(snapshot=True) as connection:
        cut = await read_cut(connection, {reading.definition.id: None}, instant=None, timeout_ms=TIMEOUT_MS)
        subject = await drawn(connection, cut, given, profile)
        layer = cut[reading.definition.id]
        if reading.sees_all and layer.revision > 0:
            keyed = Reach(0, layer.number, layer.revision, 0.0, is_keyed=True)  # only what it declares mapped
            found = await read_candidates(connection, shapely.to_wkb(subject.geometry), subject.zone, (), [keyed])
    return await to_thread.run_sync(_placed, reading, subject, found, limiter=limiter_of_loop())


def _placed(reading: Reading, subject: Subject, found: Sequence[CandidateRow] | None) -> tuple[Project, float | None]:
    """What `_project` gives; `found` is what the layer declares mapped there, None where nothing may or can be told."""
    header = reading.catalogue.profile.header
    crs = header.crs.zones[subject.zone].crs
    around = _AROUND_M + _largest_accuracy_m(reading.catalogue.profile, reading.definition)
    search = one(projection_of(header.crs).to_crs(many(_grown(subject.geometry, around)), crs, _WGS84))
    project = Project(subject.geometry, crs, subject.zone, search)
    if found is None:
        return project, 0.0 if reading.sees_all else None
    return project, _mapped_share(subject.geometry, found)


def _grown(shape: BaseGeometry, around_m: float) -> BaseGeometry:
    """Somewhat larger and simpler. A shape of very many corners is made simpler first, and grown by that more: a band
    around every one of them would take seconds."""
    if shapely.get_num_coordinates(shape) > _MOST_GROWN:
        shape, around_m = one(shapely.simplify(many(shape), _SIMPLER_M)), around_m + 2 * _SIMPLER_M
    return one(shapely.simplify(shapely.buffer(many(shape), around_m + _SIMPLER_M, quad_segs=2), _SIMPLER_M))


def _mapped_share(shape: BaseGeometry, found: Sequence[CandidateRow]) -> float | None:
    areas = {kind: [row.geometry for row in found if row.kind == kind] for kind in ("area", "refused")}
    share = mapped_share(
        many(shape), 0.0, np.zeros(1),
        everywhere=any(row.kind == "everywhere" for row in found),
        areas=_ground(areas["area"]), refused=_ground(areas["refused"]),
    )  # fmt: skip
    return rounded(float(share[0]), 6)


def _ground(shapes: Sequence[bytes | None]) -> Ground:
    return Ground(np.zeros(len(shapes), dtype=np.int64), np.asarray(shapely.from_wkb(list(shapes)), dtype=object))


def _largest_accuracy_m(profile: Profile, definition: LayerDefinition) -> float:
    """Of the scales there are: how far beside a drawn boundary a parcel may lie."""
    own = definition.accuracy_m or 0.0
    has_scale = definition.by_role("scale") is not None or definition.scale is not None
    return max(own, profile.header.accuracy_of_scale_m(5000) or 0.0) if has_scale else own


def _too_many() -> InvalidInputsError:
    message = Message(
        f"Khu đất có hơn {MOST_PARCELS:,} thửa đất. Hãy chia nhỏ khu đất, hoặc dùng 'lienthong batch'.".replace(
            ",", "."
        ),
        f"More than {MOST_PARCELS:,} parcels lie there. Divide the shape, or use 'lienthong batch'.",
    )
    return InvalidInputsError(message.vi, message.en, [FieldError("subject.geometry", message)])


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


def _answer(reading: Reading, project: Project, rows: Sequence[RowMet], mapped: float | None) -> Json:
    exact = [row for row in rows if row.geometry is not None]
    found = _lying(reading, project, exact)
    told = [_parcel(reading, row, found, place) for place, row in enumerate(exact)]
    shown = [parcel for parcel in told if parcel["lies"] not in ("touches", "apart")]
    coarse = [_name(reading, row) for row in rows if row.geometry is None]
    area = float(project.shape.area)
    return {
        "layer": reading.definition.id,
        "revision": None if reading.decision.hides_activity else reading.state.revision,
        "policy": reading.catalogue.policy_digest,
        "area_m2": rounded(area, 4),
        "crs": project.crs,
        "sees_all_parcels": reading.sees_all,
        "mapped_share": mapped,
        "uncovered_m2": rounded(max(area - found.covered_m2, 0.0), 4),
        "parcels": sorted(shown, key=lambda parcel: (-parcel["inside_m2"], parcel["fid"])),
        "touched": [_bare(parcel) for parcel in told if parcel["lies"] == "touches"],
        "not_exact": coarse,
        "totals": _totals(reading, shown),
        "notes": [message.as_dict() for message in _notes(reading, coarse, mapped)],
    }


def _lying(reading: Reading, project: Project, exact: Sequence[RowMet]) -> Lying:
    projection = projection_of(reading.catalogue.profile.header.crs)
    degrees = np.asarray(shapely.from_wkb([row.geometry for row in exact]), dtype=object)
    shapes = projection.to_crs(degrees, _WGS84, project.crs) if len(exact) else degrees
    return lying(project.shape, shapes, _accuracies(reading, exact))


def _accuracies(reading: Reading, rows: Sequence[RowMet]) -> NDArray[np.float64]:
    """From the columns the caller sees; where they do not see one, the layer's."""
    definition, header = reading.definition, reading.catalogue.profile.header
    accuracy, scale = definition.by_role("accuracy"), definition.by_role("scale")
    whole = definition.accuracy_m
    if whole is None:
        whole = header.accuracy_of_scale_m(definition.scale) if definition.scale is not None else None

    def of(row: RowMet) -> float:
        own = row.values.get(accuracy.name) if accuracy else None
        if own is None and scale is not None and row.values.get(scale.name) is not None:
            own = header.accuracy_of_scale_m(int(row.values[scale.name]))
        return abs(float(own if own is not None else whole or 0.0))

    return np.array([of(row) for row in rows], dtype=np.float64)


def _parcel(reading: Reading, row: RowMet, found: Lying, place: int) -> Json:
    area, inside = float(found.area_m2[place]), float(found.inside_m2[place])
    registered = _by_role(reading.definition, row, "registered_area")
    share = inside / area if area > 0 else 0.0
    return {
        **_name(reading, row),
        "lies": str(found.lies[place]),
        "area_m2": rounded(area, 4),
        "inside_m2": rounded(inside, 4),
        "left_m2": rounded(float(found.left_m2[place]), 4),
        "share": rounded(share, 6),
        "registered_area_m2": float(registered) if registered is not None else None,
        "registered_inside_m2": rounded(float(registered) * share, 4) if registered is not None else None,
    }


def _bare(parcel: Mapping[str, Any]) -> Json:
    return {name: parcel[name] for name in ("fid", "key", "label", "commune", "sheet", "parcel", "land_type")}


def _name(reading: Reading, row: RowMet) -> Json:
    """Who the parcel is, by the columns that are shown of it."""
    definition, land = reading.definition, land_type_of(reading.definition)
    parts = [row.values.get(name) for name in definition.key_columns]
    key = ".".join(map(str, parts)) if parts and all(part is not None for part in parts) else None
    shown = {name: value for name, value in row.values.items() if value is not None}
    return {
        "fid": str(row.fid),
        "key": key,
        "label": label_of(definition, reading.catalogue.profile, shown, key or f"fid:{row.fid}"),
        "commune": _text(_by_role(definition, row, "commune")),
        "sheet": _text(_by_role(definition, row, "sheet")),
        "parcel": _text(_by_role(definition, row, "parcel_number")),
        "land_type": _text(row.values.get(land.name)) if land else None,
    }


def land_type_of(definition: LayerDefinition) -> Attribute | None:
    """The column that sorts parcels into land types: the first that holds a code."""
    return next((attribute for attribute in definition.attributes if attribute.type == "code"), None)


def _by_role(definition: LayerDefinition, row: RowMet, role: Any) -> Any:
    attribute = definition.by_role(role)
    return row.values.get(attribute.name) if attribute else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _totals(reading: Reading, shown: Sequence[Mapping[str, Any]]) -> Json:
    return {
        **_sum(shown),
        "by_land_type": _grouped(shown, "land_type", _land_titles(reading)),
        "by_commune": _grouped(shown, "commune", _commune_titles(reading.catalogue.profile)),
    }


def _sum(parcels: Sequence[Mapping[str, Any]]) -> Json:
    registered = [parcel["registered_inside_m2"] for parcel in parcels]
    known = [area for area in registered if area is not None]
    return {
        "parcels": len(parcels),
        "inside": sum(parcel["lies"] == "inside" for parcel in parcels),
        "borderline": sum(parcel["lies"] == "borderline" for parcel in parcels),
        "inside_m2": rounded(sum(parcel["inside_m2"] for parcel in parcels), 4),
        "left_m2": rounded(sum(parcel["left_m2"] for parcel in parcels), 4),
        "registered_inside_m2": rounded(sum(known), 4) if len(known) == len(registered) else None,
    }


def _grouped(parcels: Sequence[Mapping[str, Any]], name: str, titles: Mapping[str, Mapping[str, str]]) -> list[Json]:
    """Sums by one column, the largest first; None where the column is empty or not shown."""
    groups: dict[str | None, list[Mapping[str, Any]]] = {}
    for parcel in parcels:
        groups.setdefault(parcel[name], []).append(parcel)
    told = [{"code": code, "title": titles.get(code or ""), **_sum(group)} for code, group in groups.items()]
    return sorted(told, key=lambda group: (-group["inside_m2"], group["code"] or ""))


def _land_titles(reading: Reading) -> dict[str, dict[str, str]]:
    land = land_type_of(reading.definition)
    codes = reading.catalogue.profile.code_list(land.codes) if land and land.codes else None
    return {entry.code: entry.title.message().as_dict() for entry in codes.entries} if codes else {}


def _commune_titles(profile: Profile) -> dict[str, dict[str, str]]:
    generation = max((commune.generation for commune in profile.communes), default=0)
    current = (commune for commune in profile.communes if commune.generation == generation)
    return {commune.code: {"vi": commune.name, "en": commune.name} for commune in current}


def _notes(reading: Reading, coarse: Sequence[Json], mapped: float | None) -> list[Message]:
    found = []
    if not reading.sees_all:
        found.append(_ONLY_YOURS)
    if coarse:
        found.append(_NOT_EXACT)
    if mapped is not None and mapped < 1:
        found.append(_NOT_MAPPED)
    return found


_ONLY_YOURS = Message(
    "Bảng chỉ gồm các thửa đất bạn được xem; có thể còn thửa khác. Bước tiếp theo: hỏi cơ quan quản lý thửa đất.",
    "Only parcels you may see are listed; others may lie there. Next step: ask the office of the parcel layer.",
)
_NOT_EXACT = Message(
    "Có thửa đất bạn chỉ được xem gần đúng: không tính diện tích, không cộng vào tổng.",
    "Some parcels are shown to you coarsely only: they are not measured and not in the totals.",
)
_NOT_MAPPED = Message(
    "Một phần khu đất nằm ngoài vùng dữ liệu thửa đất đã công bố: phần không có thửa chưa chắc là đất trống.",
    "Part of the shape lies outside the mapped area of the parcels: ground without a parcel need not be free.",
)
