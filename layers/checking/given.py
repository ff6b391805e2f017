"""Shapes that come with a question: drawn, or as a table of vertices. All of it is work for a thread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.coordinate_place import (
    Ground,
    MisplacedError,
    Placed,
    Proposal,
    crs_title,
    in_crs84,
    moved,
    other_meridians,
    placed,
)
from gis.coordinates import (
    Axes,
    CoordinatesError,
    Table,
    Warned,
    edge_warnings,
    edges_of,
    polygon_of,
    table_of,
    table_of_columns,
    table_of_points,
)
from gis.crs import crs_named
from gis.errors import CrsError, Message
from layers.errors import FieldError, InvalidInputsError
from layers.profile.grammar import ProfileHeader
from layers.profile.profile import Profile

from .extent import extent_of, outside
from .request import ByCoordinates, ByGeometry
from .subject import MOST_VERTICES, Subject, require_area, shape_of, valid_shape
from .zones import many, one, projection_of

WGS84 = "EPSG:4326"
_LABELS = {"geometry": "Khu đất theo hình vẽ", "coordinates": "Khu đất theo bảng tọa độ"}
#: other meridians named in one remark
_MOST_NAMED = 3
#: of ground that is brought: below it lies within what any survey can tell, and every measure would be noise
LEAST_AREA_M2 = 0.01
#: a degree of latitude; from so large an area on, worked out with it, nobody asks for a better one
_DEGREE_M, _SURELY_GROUND_M2 = 111_000.0, 1.0
_SPECK = Message(
    f"Khu đất nhỏ hơn diện tích tối thiểu {LEAST_AREA_M2:.2f} m² nên không đo được gì đáng tin. Kiểm tra hệ tọa độ và "
    "đơn vị (mét hay độ), rồi vẽ lại hoặc gửi lại bảng tọa độ.".replace("0.01", "0,01"),
    f"The ground is smaller than the least area of {LEAST_AREA_M2:.2f} m², so nothing measured of it would hold. Check "
    "the coordinate system and the units (metres or degrees), then draw it again or send the table again.",
)


class CoordinatesRefusedError(InvalidInputsError):
    """A table that gives no ground as it stands; `proposals` say what was probably meant, ready to be asked again."""

    code = "coordinates"


@dataclass(frozen=True, slots=True)
class Given:
    """A shape in the system it came in, and what to keep of it."""

    kind: str  #: geometry or coordinates
    shape: BaseGeometry
    crs: str
    label_point: BaseGeometry  #: inside it, in CRS84
    geojson: Mapping[str, object] | None = None
    coordinates: Mapping[str, object] | None = None
    reasons: tuple[Mapping[str, object], ...] = ()
    is_outside: bool = False  #: does not lie wholly in the profile's extent

    def subject(self, profile: Profile, zone: int) -> Subject:
        """In its measuring zone. Raises InvalidInputsError."""
        crs = profile.header.crs
        there = one(projection_of(crs).to_crs(many(self.shape), self.crs, crs.zones[zone].crs))
        require_area(there)
        return Subject(
            self.kind, None, None, None, _LABELS[self.kind], there, zone, accuracy_m=0.0, geojson=self.geojson,
            coordinates=self.coordinates, reasons=self.reasons, is_outside=self.is_outside,
        )  # fmt: skip


def given_of(query: ByGeometry | ByCoordinates, profile: Profile) -> Given:
    """What was drawn or pasted, read and found valid. Raises InvalidInputsError, CoordinatesRefusedError."""
    if isinstance(query, ByGeometry):
        shape = shape_of(query)
        return Given(
            "geometry", shape, WGS84, shapely.point_on_surface(shape), geojson=query.geojson,
            is_outside=is_outside(shape, WGS84, profile.header),
        )  # fmt: skip
    return _of_coordinates(query, profile)


def given_again(subject: Mapping[str, Any], profile: Profile) -> Given:
    """What a record holds of a shape that was drawn or pasted."""
    if subject["kind"] == "geometry":
        return given_of(ByGeometry(subject["geojson"]), profile)
    kept = subject["coordinates"]
    found = _kept(kept)
    return _given(found, profile.header, tuple(subject["reasons"]))


def ground_of(header: ProfileHeader) -> Ground:
    """Where subjects of the profile lie."""
    zones = tuple(dict.fromkeys((header.crs.storage, *(zone.crs for zone in header.crs.zones))))
    return Ground(projection_of(header.crs), zones, extent_of(header))


def is_outside(shape: BaseGeometry, crs: str, header: ProfileHeader) -> bool:
    """Does the shape stick out of the profile's extent?"""
    return bool(outside(many(shape), crs, header)[0])


def require_ground(given: Given, profile: Profile) -> Given:
    """The same. Raises InvalidInputsError for ground that no layer speaks about, however complete it is declared, and
    for so little of it that nothing could be told."""
    message = outside_extent(profile.header) if given.is_outside else None
    if message is None and _is_speck(given, profile.header):
        message = _SPECK
    if message is not None:
        raise InvalidInputsError(message.vi, message.en, [FieldError(f"subject.{given.kind}", message)])
    return given


def _is_speck(given: Given, header: ProfileHeader) -> bool:
    """Only what comes near the least area is projected for it: of a large shape that takes long."""
    if not crs_named(given.crs).is_geographic:
        return float(given.shape.area) < LEAST_AREA_M2
    degree_m = math.cos(math.radians(min(abs(float(shapely.get_y(given.label_point))), 89.0))) * _DEGREE_M
    if float(given.shape.area) * degree_m * _DEGREE_M > _SURELY_GROUND_M2:
        return False
    stored = projection_of(header.crs).to_crs(many(given.shape), given.crs, header.crs.storage)
    return float(one(stored).area) < LEAST_AREA_M2


def outside_extent(header: ProfileHeader) -> Message:
    """What to do about a shape that sticks out."""
    west, south, east, north = (format(value, "g") for value in extent_of(header))
    return Message(
        f"Khu đất không nằm trọn trong địa bàn của hồ sơ cấu hình ({west}–{east}° Đ, {south}–{north}° B), nơi không có "
        "dữ liệu để kết luận. Kiểm tra hệ tọa độ và thứ tự kinh độ, vĩ độ, hoặc cắt bớt phần nằm ngoài rồi gửi lại.",
        f"The ground does not lie wholly inside the area of the profile ({west}–{east}° E, {south}–{north}° N); beyond "
        "it nothing can be concluded. Check the coordinate system and the order of longitude and latitude, or cut off "
        "what lies outside, and send it again.",
    )


# ── tables of vertices ───────────────────────────────────────────────────────────────────────────


def _of_coordinates(query: ByCoordinates, profile: Profile) -> Given:
    ground = ground_of(profile.header)
    try:
        table = table_of(query.text) if query.text is not None else table_of_points(query.points)
        _require_short(table)
        found = placed(table, query.crs, query.axes, ground)
    except MisplacedError as error:
        raise _refused(error, ground) from error
    except CoordinatesError as error:
        raise _wrong(error.message) from error
    except CrsError as error:
        raise _wrong(error.message, "subject.coordinates.crs") from error
    warnings = list(table.warnings)
    if table.has_lengths:
        warnings += edge_warnings(edges_of(table, _to_metres(found, ground), found.axes))
    if query.crs is None and (others := other_meridians(found, ground)):
        warnings.append(_may_be_elsewhere(found, others))
    turned = table if found.axes == "north_east" else table.moved(lambda xy: xy[:, ::-1])
    read = Placed(turned, found.crs, "north_east")
    return _given(read, profile.header, tuple(warned.as_dict() for warned in warnings))


def _given(found: Placed, header: ProfileHeader, reasons: tuple[Mapping[str, object], ...]) -> Given:
    """The given shape of a table as it was read: north first."""
    shape = valid_shape(polygon_of(found.table))
    inside = many(shapely.point_on_surface(shape))
    point = one(projection_of(header.crs).to_crs(inside, found.crs, WGS84))
    kept = {"crs": found.crs, "axes": found.axes, **found.table.columns()}
    return Given(
        "coordinates", shape, found.crs, point, coordinates=kept, reasons=reasons,
        is_outside=is_outside(shape, found.crs, header),
    )  # fmt: skip


def preview_of(given: Given, profile: Profile) -> dict[str, object]:
    """A table as it was read, to be shown back: points with numbers, edges with lengths, area, place."""
    ground, kept = ground_of(profile.header), given.coordinates or {}
    found = _kept(kept)
    edges = edges_of(found.table, _to_metres(found, ground))
    title = crs_title(found.crs)
    return {
        "crs": found.crs, "crs_title": title.as_dict(), "axes": found.axes, "points": found.table.points(),
        "edges": [{"ring": e.ring, "from": e.start, "to": e.end, "length_m": round(e.length_m, 3)} for e in edges],
        "area_m2": round(_area_m2(found, ground), 2),
        "geojson": _geojson(in_crs84(found, ground)),
        "reasons": list(given.reasons),
    }  # fmt: skip


def preview_of_shape(given: Given, profile: Profile) -> dict[str, object]:
    """A drawn shape, or one from a file, to be shown back; its area in the storage CRS."""
    crs = profile.header.crs
    stored = one(projection_of(crs).to_crs(many(given.shape), given.crs, crs.storage))
    require_area(stored)
    return {
        "crs": given.crs, "crs_title": crs_title(given.crs).as_dict(), "axes": None, "points": [], "edges": [],
        "area_m2": round(float(stored.area), 2), "geojson": _geojson(given.shape), "reasons": [],
    }  # fmt: skip


def _kept(kept: Mapping[str, Any]) -> Placed:
    """A table as it was read, north first."""
    crs = str(kept["crs"])
    return Placed(table_of_columns(kept, has_degrees=crs_named(crs).is_geographic), crs, "north_east")


def _to_metres(found: Placed, ground: Ground) -> Any:
    """Coordinates (east, north) moved to metres, where they are degrees; else nothing to do."""
    if not crs_named(found.crs).is_geographic:
        return None

    def move(xy: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
        points = np.asarray(shapely.points(xy), dtype=object)
        return shapely.get_coordinates(ground.projection.to_crs(points, found.crs, ground.projection.storage))

    return move


def _require_short(table: Table) -> None:
    if table.count > MOST_VERTICES:
        raise CoordinatesError(
            "too_long", f"Bảng có hơn {MOST_VERTICES} điểm; hãy dùng 'lienthong batch'.",
            f"The table has more than {MOST_VERTICES} points; use 'lienthong batch'.",
        )  # fmt: skip


# ── words ────────────────────────────────────────────────────────────────────────────────────────


def _wrong(message: Message, field: str = "subject.coordinates") -> InvalidInputsError:
    return CoordinatesRefusedError(message.vi, message.en, [FieldError(field, message)])


def _refused(error: MisplacedError, ground: Ground) -> CoordinatesRefusedError:
    made = CoordinatesRefusedError(
        error.message.vi, error.message.en, [FieldError("subject.coordinates", error.message)]
    )
    made.details["kind"] = error.kind
    made.details["proposals"] = [_proposed(proposal, ground) for proposal in error.proposals]
    return made


def _proposed(proposal: Proposal, ground: Ground) -> dict[str, object]:
    return {
        "reason": proposal.reason.as_dict(),
        "kinds": list(proposal.kinds),
        "coordinates": proposal.coordinates(),
        "crs": proposal.placed.crs,
        "area_m2": round(_area_m2(proposal.placed, ground), 2),
        "geojson": _geojson(in_crs84(proposal.placed, ground)),
    }


def _area_m2(found: Placed, ground: Ground) -> float:
    crs = ground.projection.storage if crs_named(found.crs).is_geographic else found.crs
    return float(moved(found, crs, ground).area)


def _geojson(shape: BaseGeometry) -> dict[str, object]:
    """As numbers to 1 cm: for a map."""
    parts = [
        [np.round(shapely.get_coordinates(ring), 7).tolist() for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(shape)
    ]
    is_one = shape.geom_type == "Polygon"
    return {"type": shape.geom_type, "coordinates": parts[0] if is_one else parts}


def _may_be_elsewhere(found: Placed, others: Sequence[str]) -> Warned:
    here, there = crs_title(found.crs), [crs_title(name) for name in others[:_MOST_NAMED]]
    vi, en = ", ".join(each.vi for each in there), ", ".join(each.en for each in there)
    return Warned("other_meridian", Message(
        f"Bảng không ghi đủ kinh tuyến trục và múi chiếu; đã đọc theo {here.vi}. "
        f"Theo {vi} thì khu đất cũng nằm trong địa bàn: đối chiếu với giấy tờ.",
        f"The table does not state both central meridian and zone width; it was read in {here.en}. "
        f"In {en} the ground would lie in the province too: compare the document."))  # fmt: skip


__all__ = [
    "LEAST_AREA_M2", "Axes", "CoordinatesRefusedError", "Given", "given_again", "given_of", "ground_of", "is_outside",
    "outside_extent", "preview_of", "preview_of_shape", "require_ground",
]  # fmt: skip
