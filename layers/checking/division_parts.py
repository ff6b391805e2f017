"""The parts of a division as subjects: the parcels themselves, and ground cut out of them or made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError
from layers.profile.profile import Profile

from .division_request import MOST_CHILDREN, DivisionRequest
from .given import given_of, is_outside, require_ground
from .request import ByCoordinates, ByFid, ByGeometry, SubjectQuery
from .subject import Subject, shape_of
from .zones import many, one, projection_of

#: of a record: ground that a division made, with the accuracy and the names of the parcels it comes from
PART = "part"
_WGS84 = "EPSG:4326"
#: of dividing lines: noding costs by crossings, and a grid of few bytes has very many
MOST_CUT_VERTICES = 200
MOST_MEETINGS = 1_000
#: lines are looked at this far around the parcel
_AROUND_M = 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """The plane in which a division is worked out: that of its first parcel."""

    projection: Projection
    crs: str
    zone: int
    parents: Sequence[Subject]
    zones: tuple[str, ...]
    profile: Profile

    @classmethod
    def of(cls, parents: Sequence[Subject], profile: Profile) -> Shape:
        crs = profile.header.crs
        zones = tuple(zone.crs for zone in crs.zones)
        return cls(projection_of(crs), zones[parents[0].zone], parents[0].zone, parents, zones, profile)


@dataclass(frozen=True, slots=True)
class Drawn:
    """New ground: as GeoJSON in CRS84, and in the plane that very shape."""

    geojson: Mapping[str, Any]
    geometry: BaseGeometry
    is_outside: bool  #: does not lie wholly in the profile's extent


@dataclass(frozen=True, slots=True)
class Part:
    """One part to check."""

    role: str  #: parent, child, remainder or result
    label: str
    subject: Subject
    land_use: str | None = None
    drawn: Mapping[str, Any] | None = None

    @classmethod
    def of_parcel(cls, role: str, subject: Subject) -> Part:
        return cls(role, subject.label, subject)

    @property
    def area_m2(self) -> float:
        return round(float(self.subject.geometry.area), 4)

    @property
    def query(self) -> SubjectQuery:
        """What it would be asked by as a check of its own."""
        if self.subject.fid is not None:
            return ByFid(self.subject.fid)
        return ByGeometry(self.drawn or {})


def child_shapes(request: DivisionRequest, ground: Shape) -> list[Drawn]:
    """The new parcels as drawn, or as the lines cut them. Raises InvalidInputsError."""
    if request.cut is not None:
        return _cut(request.cut, ground)
    found = []
    for number, child in enumerate(request.children):
        try:
            found.append(_child(child.shape, ground))
        except InvalidInputsError as error:
            what = "geometry" if isinstance(child.shape, ByGeometry) else "coordinates"
            raise _misplaced(error, f"children.{number}.{what}") from None
    return found


def _child(query: ByGeometry | ByCoordinates, ground: Shape) -> Drawn:
    """Raises InvalidInputsError."""
    given = require_ground(given_of(query, ground.profile), ground.profile)
    if isinstance(query, ByGeometry):
        return _drawn(dict(query.geojson), given.shape, ground)
    return shape_from(one(ground.projection.to_crs(many(given.shape), given.crs, ground.crs)), ground)


def _misplaced(error: InvalidInputsError, field: str) -> InvalidInputsError:
    return InvalidInputsError(error.message.vi, error.message.en, [FieldError(field, error.message)])


def _drawn(geojson: Mapping[str, Any], shape: BaseGeometry, ground: Shape) -> Drawn:
    geometry = one(ground.projection.to_crs(many(shape), _WGS84, ground.crs))
    return Drawn(geojson, geometry, is_outside(shape, _WGS84, ground.profile.header))


def shape_from(geometry: BaseGeometry, ground: Shape) -> Drawn:
    """Ground that was worked out in the plane, written as it will be read again: record and replay are one shape."""
    degrees = one(ground.projection.to_crs(many(geometry), ground.crs, _WGS84))
    geojson = json.loads(shapely.to_geojson(degrees))
    return _drawn(geojson, shapely.from_geojson(json.dumps(geojson)), ground)


def _cut(cut: Mapping[str, object], ground: Shape) -> list[Drawn]:
    """The parcel divided by lines, the parts from west to east. Raises InvalidInputsError."""
    lines = one(ground.projection.to_crs(many(_lines(cut)), _WGS84, ground.crs))
    parent = ground.parents[0].geometry
    edge = shapely.boundary(parent)
    near = shapely.clip_by_rect(lines, *shapely.bounds(shapely.buffer(shapely.box(*parent.bounds), _AROUND_M)))
    if _meetings(near, edge) > MOST_MEETINGS:
        raise _no_cut(f"cắt nhau hoặc cắt ranh giới quá {MOST_MEETINGS} lần",
                      f"meets itself or the boundary more than {MOST_MEETINGS} times")  # fmt: skip
    noded = shapely.union_all([edge, near])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inside = [face for face in faces if shapely.contains(parent, shapely.point_on_surface(face))]
    if len(inside) < 2:
        raise _no_cut("không chia thửa đất thành nhiều phần; hãy kéo dài qua hai cạnh",
                      "does not divide the parcel; draw it across two of its edges")  # fmt: skip
    if len(inside) > MOST_CHILDREN:
        raise _no_cut(f"chia thành hơn {MOST_CHILDREN} phần", f"makes more than {MOST_CHILDREN} parts")
    return [shape_from(face, ground) for face in sorted(inside, key=lambda face: tuple(shapely.bounds(face)))]


def _meetings(lines: BaseGeometry, edge: BaseGeometry) -> int:
    """In how many places noding has work to do, without doing it."""
    asked = _segments(lines)
    tree = shapely.STRtree(np.concatenate([asked, _segments(edge)]))
    first, second = tree.query(asked, predicate="intersects")
    return int((first < second).sum())


def _segments(lines: BaseGeometry) -> NDArray[np.object_]:
    parts, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    ends = np.stack([parts[:-1], parts[1:]], axis=1)[line[:-1] == line[1:]]
    return np.asarray(shapely.linestrings(ends), dtype=object)


def _lines(cut: Mapping[str, object]) -> BaseGeometry:
    geojson = cut.get("geometry") if cut.get("type") == "Feature" else cut
    try:
        found = shapely.force_2d(shapely.from_geojson(json.dumps(geojson)))
    except (shapely.GEOSException, TypeError, ValueError):
        raise _no_cut("không phải GeoJSON hợp lệ", "is not valid GeoJSON") from None
    if found is None or found.geom_type not in ("LineString", "MultiLineString") or found.is_empty:
        raise _no_cut("phải là LineString hoặc MultiLineString", "must be a LineString or MultiLineString")
    coordinates = shapely.get_coordinates(found)
    if not np.isfinite(coordinates).all() or (np.abs(coordinates) > (180, 90)).any():
        raise _no_cut("phải dùng kinh độ, vĩ độ (CRS84)", "must be in longitude, latitude (CRS84)")
    if len(coordinates) > MOST_CUT_VERTICES:
        raise _no_cut(f"có hơn {MOST_CUT_VERTICES} đỉnh", f"has more than {MOST_CUT_VERTICES} vertices")
    return found


def _no_cut(vi: str, en: str) -> InvalidInputsError:
    message = Message(f"Đường cắt {vi}.", f"The dividing line {en}.")
    return InvalidInputsError(message.vi, message.en, [FieldError("cut", message)])


def parent_shape(parent: Subject, ground: Shape) -> BaseGeometry:
    """An old parcel in the plane of the first."""
    if parent.zone == ground.zone:
        return parent.geometry
    return one(ground.projection.to_crs(many(parent.geometry), ground.zones[parent.zone], ground.crs))


def part_subject(drawn: Drawn, label: str, parents: Sequence[Subject], ground: Shape) -> Subject:
    """New ground as a subject: as exact as what it comes from, and bound by what is registered on that."""
    return Subject(
        kind=PART,
        layer=None,
        fid=None,
        key=None,
        label=label,
        geometry=drawn.geometry,
        zone=ground.zone,
        accuracy_m=max(parent.accuracy_m for parent in parents),
        refs=tuple(sorted({ref for parent in parents for ref in parent.refs})),
        is_named=all(parent.refs for parent in parents),
        cut_from=tuple(parent.fid for parent in parents if parent.fid is not None),
        geojson=drawn.geojson,
        is_outside=drawn.is_outside,
    )


def subject_of_record(subject: Mapping[str, Any], profile: Profile) -> Subject:
    """The part that a record holds, for its replay."""
    crs = profile.header.crs
    shape = shape_of(ByGeometry(subject["geojson"]))
    moved = one(projection_of(crs).to_crs(many(shape), _WGS84, crs.zones[subject["zone"]].crs))
    return Subject(
        PART, None, None, None, subject["label"], moved, subject["zone"], float(subject["accuracy_m"]),
        refs=tuple(subject["refs"]), is_named=subject["is_named"],
        cut_from=tuple(int(fid) for fid in subject["cut_from"]), geojson=subject["geojson"],
        is_outside=is_outside(shape, _WGS84, profile.header),
    )  # fmt: skip
