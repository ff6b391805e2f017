"""The subject of a check: a parcel found by number, key, code or place, or a shape that was drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.errors import Message
from layers.errors import AmbiguousError, FieldError, InvalidInputsError, InvalidRequestError, NotFoundError
from layers.profile.grammar import Commune, LayerDefinition, Role
from layers.profile.profile import Profile
from layers.store.parcels import ParcelRow, Way, WayKind, can_compare

from .names import communes_named
from .request import ByCode, ByFid, ByGeometry, ByKey, ByNumber, ByPoint, CommuneName, ParcelQuery
from .zones import many, one, projection_of

#: a shape beyond these is work for a batch
MOST_VERTICES = 250_000
MOST_AREA_M2 = 100_000_000.0

#: positions taken in one step in which nothing else can run
_AT_ONCE = 10_000

_KINDS = {"ward": "phường", "commune": "xã", "township": "thị trấn", "special_zone": "đặc khu"}


class UnknownCommuneError(InvalidInputsError):
    """A commune that no generation has under this code or name."""

    code = "unknown_commune"


@dataclass(frozen=True, slots=True)
class Part:
    """One parcel of several; its area is that of its own shape."""

    fid: int
    key: str | None
    label: str
    area_m2: float
    registered_area_m2: float | None
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured. `geometry` is in the CRS of its measuring zone."""

    kind: str  #: parcel, parcels, geometry or coordinates
    layer: str | None
    fid: int | None
    key: str | None
    label: str
    geometry: BaseGeometry
    zone: int
    accuracy_m: float
    registered_area_m2: float | None = None
    refs: tuple[str, ...] = ()  #: every name under which register entries may be keyed to it
    is_named: bool = True  #: every parcel it is made of has such a name
    cut_from: tuple[int, ...] = ()  #: parcels that a new part is cut out of or made of
    attributes: Mapping[str, object] | None = None
    geojson: Mapping[str, object] | None = None  #: a drawn shape as it was given
    coordinates: Mapping[str, object] | None = None  #: a table of vertices as it was read: points, crs, axes
    parts: tuple[Part, ...] = ()  #: of several parcels checked as one
    reasons: tuple[Mapping[str, object], ...] = ()  #: what does not fit about the subject itself, with code and message
    is_outside: bool = False  #: does not lie wholly in the profile's extent: nothing is concluded of it

    @property
    def rows(self) -> tuple[Mapping[str, object], ...]:
        """The rows of the parcel layer it is made of."""
        own = () if self.attributes is None else (self.attributes,)
        return tuple(part.attributes for part in self.parts) or own


@dataclass(frozen=True, slots=True)
class Candidate:
    """One parcel that a look-up may mean (contracts 3)."""

    fid: int
    key: str | None
    label: str
    commune: str | None
    sheet: str | None
    parcel: str | None
    current: bool  #: found by its present number, key or place, not by a former one

    def as_dict(self) -> dict[str, object]:
        return {
            "fid": str(self.fid), "key": self.key, "label": self.label, "commune": self.commune, "sheet": self.sheet,
            "parcel": self.parcel, "current": self.current,
        }  # fmt: skip


# ── how a look-up is compared ────────────────────────────────────────────────────────────────────


def ways_of(query: ParcelQuery, profile: Profile) -> tuple[Way, ...]:
    """All ways a parcel can answer. Raises InvalidRequestError where the parcel layer lacks the columns."""
    match query:
        case ByFid(fid):
            return (Way("fid", True, fid),)
        case ByKey(key):
            return (Way("key", True, key), Way("alias", False, key))
        case ByCode(code):
            _require(profile.parcel_layer, "code", ("national_code",))
            return (Way("code", True, code),)
        case ByPoint(longitude, latitude):
            point = projection_of(profile.header.crs).from_wgs84(many(shapely.Point(longitude, latitude)))
            return (Way("point", True, shapely.to_wkb(one(point))),)
        case ByNumber():
            _require(profile.parcel_layer, "number", ("sheet", "parcel_number"))
            ways = _number_ways(query, profile)
            return tuple(way for way in ways if can_compare(profile.parcel_layer, way.kind))


def _require(definition: LayerDefinition, kind: WayKind, roles: tuple[Role, ...]) -> None:
    if not can_compare(definition, kind):
        raise InvalidRequestError(
            f"Lớp '{definition.id}' không có cột vai trò {', '.join(roles)}; hãy tra bằng key:… hoặc point:….",
            f"The layer '{definition.id}' has no column of role {', '.join(roles)}; look up by key:… or point:….",
        )


def _number_ways(query: ByNumber, profile: Profile) -> list[Way]:
    """A number in the present and in former numberings of every commune that the name may mean."""
    has_column = profile.parcel_layer.by_role("commune") is not None
    if not has_column:
        return [Way("number", True, None, None, query.sheet, query.parcel)]
    ways: list[Way] = []
    for commune in communes_meant(query.commune, profile):
        ways += _ways_in(commune, query, profile)
    return ways


def communes_meant(name: CommuneName, profile: Profile) -> list[Commune]:
    """The units of every generation a code or a name stands for; a code that is not listed stands for itself."""
    if name.is_code:
        found = [commune for commune in profile.communes if commune.code == name.text]
        if not any(commune.code == name.text for commune in profile.communes):
            found = [
                Commune(code=name.text, name="", kind="", generation=name.generation or current_generation(profile))
            ]
    else:
        found = communes_named(name.text, profile.communes)
    if name.generation is not None:
        found = [commune for commune in found if commune.generation == name.generation]
    if found:
        return found
    message = Message(
        f"Không có xã/phường '{name.text}'{_of(name)}. Ghi mã 5 số hoặc tên, ví dụ 25747@2025 hoặc Thủ Dầu Một.",
        f"No commune '{name.text}'{_of(name)}. Write its 5-digit code or name, such as 25747@2025 or Thủ Dầu Một.",
    )
    raise UnknownCommuneError(message.vi, message.en, [FieldError("subject.parcel.commune", message)])


def _of(name: CommuneName) -> str:
    return f" ({name.generation})" if name.generation is not None else ""


def current_generation(profile: Profile) -> int:
    return max((commune.generation for commune in profile.communes), default=0)


def _ways_in(commune: Commune, query: ByNumber, profile: Profile) -> list[Way]:
    def way(kind: WayKind, is_current: bool, communes: tuple[str, ...]) -> Way:
        return Way(kind, is_current, None, communes, query.sheet, query.parcel)

    if commune.generation == current_generation(profile):
        own = (commune.code,)
        renumbered = [] if query.commune.generation is not None else [way("previous_number", False, own)]
        return [way("number", True, own), *renumbered, *_alias_ways(commune, query)]
    heirs = commune.successors
    return [way("previous_number", False, heirs), way("kept_number", False, heirs), *_alias_ways(commune, query)]


def _alias_ways(commune: Commune, query: ByNumber) -> list[Way]:
    """A former key, as keys of (commune, sheet, parcel) are written."""
    return [Way("alias", False, f"{commune.code}.{query.sheet}.{query.parcel}")]


# ── what was found ───────────────────────────────────────────────────────────────────────────────


def candidate_of(row: ParcelRow, profile: Profile, columns: frozenset[str]) -> Candidate:
    """A candidate with the columns that the caller may see."""
    shown = {name: value for name, value in row.attributes.items() if name in columns}
    layer = profile.parcel_layer
    key = row.key if set(layer.key_columns) <= columns else None
    return Candidate(
        fid=row.fid,
        key=key,
        label=label_of(layer, profile, shown, key or str(row.fid)),
        commune=_text(layer, shown, "commune"),
        sheet=_text(layer, shown, "sheet"),
        parcel=_text(layer, shown, "parcel_number"),
        current=row.is_current,
    )


def the_one(query: ParcelQuery, candidates: Sequence[Candidate]) -> Candidate:
    """The only candidate. Raises NotFoundError for none, AmbiguousError with the list for several."""
    if not candidates:
        raise NotFoundError(
            f"Không tìm thấy thửa đất '{query}', hoặc bạn không có quyền xem. Kiểm tra lại xã/phường, số tờ, số thửa; "
            "có thể tra theo số cũ, mã định danh hoặc vị trí (point:KINH_ĐỘ,VĨ_ĐỘ).",
            f"No parcel '{query}', or not for you. Check commune, sheet and parcel number; you may also look up by the "
            "former number, the national code or a place (point:LON,LAT).",
        )
    if len(candidates) > 1:
        listed = "".join(f"\n  fid:{candidate.fid}  {candidate.label}" for candidate in candidates)
        raise AmbiguousError(
            f"Có {len(candidates)} thửa đất trùng số hiệu '{query}'; vui lòng chọn:{listed}",
            f"{len(candidates)} parcels answer to '{query}'; please choose one:{listed}",
            [candidate.as_dict() for candidate in candidates],
        )
    return candidates[0]


def label_of(layer: LayerDefinition, profile: Profile, attributes: Mapping[str, object], fallback: str) -> str:
    """'Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một', from what is known and may be shown."""
    sheet, parcel = _text(layer, attributes, "sheet"), _text(layer, attributes, "parcel_number")
    fields = re.findall(r"{(\w+)}", layer.label or "")
    if layer.label and all(attributes.get(name) is not None for name in fields):
        label = layer.label.format_map({name: attributes[name] for name in fields})
    elif sheet and parcel:
        label = f"Thửa đất số {parcel}, tờ bản đồ số {sheet}"
    else:
        return fallback
    code = _text(layer, attributes, "commune")
    commune = next(
        (c for c in profile.communes if c.code == code and c.generation == current_generation(profile)), None
    )
    return f"{label}, {commune_title(commune)}" if commune and commune.name not in label else label


def commune_title(commune: Commune) -> str:
    """'phường Thủ Dầu Một'."""
    kind = _KINDS.get(commune.kind.lower(), commune.kind.lower())
    return commune.name if not kind or commune.name.lower().startswith(kind) else f"{kind} {commune.name}"


def _text(layer: LayerDefinition, attributes: Mapping[str, object], role: Role) -> str | None:
    attribute = layer.by_role(role)
    value = attributes.get(attribute.name) if attribute else None
    return None if value is None else str(value)


def refs_of(layer: LayerDefinition, profile: Profile, attributes: Mapping[str, object]) -> tuple[str, ...]:
    """Every name under which a register entry may be keyed to the parcel. Too many match rather than too few."""
    code, commune = _text(layer, attributes, "national_code"), _text(layer, attributes, "commune")
    numbers = [
        (_text(layer, attributes, "sheet"), _text(layer, attributes, "parcel_number")),
        (_text(layer, attributes, "previous_sheet"), _text(layer, attributes, "previous_parcel")),
    ]
    communes = {commune} | {old.code for old in profile.communes if commune in old.successors}
    named = {
        f"{place}/{sheet}/{parcel}"
        for place in communes
        for sheet, parcel in numbers
        if place is not None and sheet is not None and parcel is not None
    }
    return tuple(sorted(named | ({f"code:{code}"} if code else set())))


def subject_of_parcel(
    row: ParcelRow, profile: Profile, geometry: BaseGeometry, zone: int, *, is_outside: bool = False
) -> Subject:
    """The subject of a parcel; `geometry` in the zone's CRS."""
    layer = profile.parcel_layer
    area = layer.by_role("registered_area")
    registered = row.attributes.get(area.name) if area else None
    return Subject(
        kind="parcel",
        layer=layer.id,
        fid=row.fid,
        key=row.key,
        label=label_of(layer, profile, row.attributes, row.key or str(row.fid)),
        geometry=geometry,
        zone=zone,
        accuracy_m=row.accuracy_m,
        registered_area_m2=float(str(registered)) if registered is not None else None,
        refs=refs_of(layer, profile, row.attributes),
        attributes=row.attributes,
        is_outside=is_outside,
    )


# ── drawn shapes ─────────────────────────────────────────────────────────────────────────────────


def shape_of(query: ByGeometry) -> BaseGeometry:
    """The polygon of a GeoJSON geometry or feature, in CRS84. Raises InvalidInputsError with the next step."""
    geojson: object = query.geojson
    if isinstance(geojson, Mapping) and geojson.get("type") == "Feature":
        geojson = geojson.get("geometry")
    if not isinstance(geojson, Mapping):
        raise _bad_shape("không phải GeoJSON hợp lệ", "is not valid GeoJSON")
    if geojson.get("type") not in ("Polygon", "MultiPolygon"):
        raise _bad_shape("phải là Polygon hoặc MultiPolygon", "must be a Polygon or MultiPolygon")
    rings = _rings_of(geojson)
    vertices = sum(len(ring) for part in rings for ring in part)
    if vertices > MOST_VERTICES:
        raise _bad_shape(f"có hơn {MOST_VERTICES} đỉnh; hãy dùng 'lienthong batch'",
                         f"has more than {MOST_VERTICES} vertices; use 'lienthong batch'")  # fmt: skip
    return valid_shape(_polygon(geojson["type"], rings))


def _rings_of(geojson: Mapping[str, object]) -> list[list[np.typing.NDArray[np.float64]]]:
    """The rings of each part as (n, 2). In numpy, ring by ring: GEOS parses text without letting others run."""
    try:
        parts = [geojson["coordinates"]] if geojson["type"] == "Polygon" else geojson["coordinates"]
        found = [[_ring_of(ring) for ring in part] for part in parts]  # type: ignore[attr-defined]
    except (KeyError, TypeError, ValueError):
        raise _bad_shape("không phải GeoJSON hợp lệ", "is not valid GeoJSON") from None
    if not found or not all(found):
        raise _bad_shape("phải là Polygon hoặc MultiPolygon", "must be a Polygon or MultiPolygon")
    coordinates = [ring for part in found for ring in part]
    if not all(np.isfinite(ring).all() and (np.abs(ring) <= (180, 90)).all() for ring in coordinates):
        raise _bad_shape(
            "phải dùng kinh độ, vĩ độ (CRS84), kinh độ trước", "must be in longitude, latitude (CRS84), longitude first"
        )
    return found


def _ring_of(positions: object) -> np.typing.NDArray[np.float64]:
    """Raises ValueError for what is no list of positions, InvalidInputsError for one that is no closed ring."""
    if not isinstance(positions, list | tuple) or not all(isinstance(each, list | tuple) for each in positions):
        raise ValueError
    parts = [np.array(positions[start : start + _AT_ONCE]) for start in range(0, len(positions), _AT_ONCE)]
    if not parts or not all(part.ndim == 2 and part.dtype.kind in "iuf" for part in parts):
        raise ValueError
    found = np.concatenate(parts)
    if found.shape[1] not in (2, 3, 4):
        raise ValueError
    ring = np.ascontiguousarray(found[:, :2], dtype=np.float64)
    if len(ring) < 4:
        raise _bad_shape(
            "có vành dưới 4 điểm (kể cả điểm khép)", "has a ring of fewer than 4 positions, the closing one included"
        )
    if np.isfinite(ring).all() and (ring[0] != ring[-1]).any():
        raise _bad_shape("có vành chưa khép kín: điểm cuối phải trùng điểm đầu",
                         "has a ring that is not closed: its last position must be its first")  # fmt: skip
    return ring


def _polygon(kind: object, rings: Sequence[Sequence[np.typing.NDArray[np.float64]]]) -> BaseGeometry:
    parts = [shapely.Polygon(part[0], part[1:]) for part in rings]
    return shapely.MultiPolygon(parts) if kind == "MultiPolygon" else parts[0]


def valid_shape(shape: BaseGeometry) -> BaseGeometry:
    """The shape. Raises InvalidInputsError where it is none. Of single shapes GEOS tells without letting others run."""
    if not shapely.is_valid(many(shape))[0]:
        few = shapely.get_num_coordinates(shape) < _AT_ONCE
        why = shapely.is_valid_reason(shape) if few else "Self-intersection"
        raise _bad_shape(f"có hình học lỗi ({why}); hãy vẽ lại", f"is not a valid shape ({why}); please draw it again")
    return shape


def require_area(geometry: BaseGeometry) -> None:
    """Raises InvalidInputsError for ground that no answer within seconds is for."""
    if not geometry.area > 0:
        raise _bad_shape("không có diện tích; hãy vẽ lại", "has no area; please draw it again")
    if geometry.area > MOST_AREA_M2:
        raise _bad_shape(f"phải có diện tích dưới {MOST_AREA_M2 / 1e6:.0f} km²; hãy dùng 'lienthong batch'",
                         f"must have an area below {MOST_AREA_M2 / 1e6:.0f} km²; use 'lienthong batch'")  # fmt: skip


def _bad_shape(vi: str, en: str) -> InvalidInputsError:
    message = Message(f"Hình của khu đất {vi}.", f"The shape of the subject {en}.")
    return InvalidInputsError(message.vi, message.en, [FieldError("subject.geometry", message)])
