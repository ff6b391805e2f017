"""Where the coordinates of a file lie: its coordinate system, swapped axes, a wrong meridian (domain reference 2.2)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError as ProjCrsError

from gis.crs import WGS84, Projection, crs_named, family_of
from gis.errors import Message
from layers.profile.grammar import ProfileHeader

from .defects import DefectList

Geometries = NDArray[np.object_]
Extent = tuple[float, float, float, float]
Reason = Literal["from_option", "from_file", "by_parameters", "missing", "not_needed"]

#: a file whose shapes lie mostly outside is not published
MOSTLY = 0.5
#: how far beyond the extent still counts as inside, in degrees: borders of a province are not a wall
GROWN_DEGREES = 0.1
_PLACES = 2_000


@dataclass(frozen=True, slots=True)
class CrsUse:
    """`found` as the file says it, `used` for reading; None where nothing could be used."""

    found: str | None
    used: str | None
    reason: Reason

    def as_dict(self) -> dict[str, object]:
        return {"found": self.found, "used": self.used, "reason": self.reason}


def projection_of(header: ProfileHeader) -> Projection:
    return Projection(header.crs.storage, header.crs.to_wgs84)


def crs_of_file(text: str | None, option: str | None, projection: Projection) -> CrsUse:
    """The system to read the coordinates in: the officer's word, the file's, or one that fits its parameters."""
    found = _short_name(text)
    if option is not None:
        crs_named(option)  # raises CrsError for a code that does not exist
        return CrsUse(found, option.upper(), "from_option")
    crs = _usable(text)
    if crs is None:
        return CrsUse(found, None, "missing")
    code = crs.to_epsg(min_confidence=90)
    if code is not None:
        return CrsUse(found, f"EPSG:{code}", "from_file")
    by_parameters = _zone_by_parameters(crs, projection)
    if by_parameters is not None:
        return CrsUse(found, by_parameters, "by_parameters")
    code = crs.to_epsg(min_confidence=70)
    return CrsUse(found, f"EPSG:{code}" if code is not None else crs.to_wkt(), "from_file")


def check_place(
    use: CrsUse, geoms: Geometries, header: ProfileHeader, extent: Extent | None, defects: DefectList
) -> None:
    """Block what lies elsewhere, naming the cause and the next step."""
    projection = projection_of(header)
    centres = _sample(geoms)
    if not len(centres):
        return
    seen = _Seen(projection, centres, extent or _extent(header))
    if use.used is None:
        _block_missing(seen, use, defects)
    elif not seen.fits(use.used):
        _block_misplaced(seen, use.used, defects)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Centres of the shapes, (n, 2), as they stand in the file, and where they should lie in CRS84."""

    projection: Projection
    centres: NDArray[np.float64]
    extent: Extent

    def share_inside(self, crs: str, centres: NDArray[np.float64]) -> float:
        points = self.projection.to_crs(np.asarray(shapely.points(centres), dtype=object), crs, WGS84)
        xy = shapely.get_coordinates(points)
        west, south, east, north = self.extent
        grown = GROWN_DEGREES
        inside = (xy[:, 0] >= west - grown) & (xy[:, 0] <= east + grown)
        inside &= (xy[:, 1] >= south - grown) & (xy[:, 1] <= north + grown)
        return float(inside.mean())

    def fits(self, crs: str) -> bool:
        return self.share_inside(crs, self.centres) >= MOSTLY

    def fits_swapped(self, crs: str) -> bool:
        return self.share_inside(crs, self.centres[:, ::-1]) >= MOSTLY

    @property
    def are_degrees(self) -> bool:
        return bool(np.all(np.abs(self.centres) <= 180))

    def fitting(self) -> list[str]:
        """Systems of the profile's datum, and WGS 84, in which the coordinates fall inside; storage first."""
        if self.are_degrees:
            return ["EPSG:4326"] if self.fits("EPSG:4326") else []
        names = [self.projection.storage, *family_of(self.projection.storage)]
        return [name for name in dict.fromkeys(names) if self.fits(name)]


def _block_missing(seen: _Seen, use: CrsUse, defects: DefectList) -> None:
    fitting = seen.fitting()
    named = fitting[0] if fitting else seen.projection.storage
    vi = f"Tọa độ khớp với {_described(fitting[0])}: " if fitting else ""
    en = f"The coordinates fit {_described(fitting[0])}: " if fitting else ""
    defects.block(
        "wrong_crs",
        Message(
            f"Tệp không ghi hệ tọa độ (thiếu .prj?). {vi}hãy thêm --crs {named} nếu đúng.",
            f"The file names no coordinate system (no .prj?). {en}add --crs {named} if that is right.",
        ),
    )


def _block_misplaced(seen: _Seen, used: str, defects: DefectList) -> None:
    if seen.fits_swapped(used):
        defects.block(
            "swapped_axes",
            Message(
                f"Tọa độ bị đảo trục: X phải là hướng Đông, Y là hướng Bắc trong {used}. "
                "Thêm --swap-axes để đổi lại, hoặc xuất lại tệp.",
                f"The axes are swapped: in {used} x is east and y is north. Add --swap-axes, or export the file again.",
            ),
        )
        return
    fitting = [name for name in seen.fitting() if name != used]
    if fitting:
        defects.block(
            "wrong_crs",
            Message(
                f"Sai kinh tuyến trục hoặc hệ tọa độ: theo {_described(used)} dữ liệu nằm ngoài địa bàn; "
                f"khớp với {_described(fitting[0])}. Thêm --crs {fitting[0]} nếu đúng.",
                f"Wrong meridian or coordinate system: in {_described(used)} the data lie outside the province; "
                f"they fit {_described(fitting[0])}. Add --crs {fitting[0]} if that is right.",
            ),
        )
        return
    west, south, east, north = (round(value, 2) for value in seen.extent)
    x, y = np.median(seen.centres, axis=0)
    defects.block(
        "wrong_crs",
        Message(
            f"Dữ liệu nằm ngoài địa bàn ({west}–{east}° Đ, {south}–{north}° B) khi đọc theo {_described(used)}; "
            f"tọa độ giữa là ({x:.1f}; {y:.1f}). Kiểm tra hệ tọa độ và thêm --crs EPSG:….",
            f"In {_described(used)} the data lie outside the province ({west}–{east}° E, {south}–{north}° N); "
            f"the middle is at ({x:.1f}, {y:.1f}). Check the coordinate system and add --crs EPSG:….",
        ),
    )


def _sample(geoms: Geometries) -> NDArray[np.float64]:
    """Centres of the boxes of some finite shapes, evenly drawn."""
    bounds = shapely.bounds(geoms)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    step = max(1, len(bounds) // _PLACES)
    drawn = bounds[::step]
    return np.asarray((drawn[:, :2] + drawn[:, 2:]) / 2, dtype=np.float64)


def _extent(header: ProfileHeader) -> Extent:
    """The declared extent, else the area of use of the storage CRS."""
    if header.extent is not None:
        return header.extent
    area = crs_named(header.crs.storage).area_of_use
    return area.bounds if area is not None else (-180.0, -90.0, 180.0, 90.0)


def _usable(text: str | None) -> pyproj.CRS | None:
    """A system on the Earth; 'nonearth' and local ones are none."""
    if not text:
        return None
    try:
        crs = pyproj.CRS(text)
    except ProjCrsError:
        return None
    return crs if crs.geodetic_crs is not None else None


def _short_name(text: str | None) -> str | None:
    if not text:
        return None
    if text.upper().startswith("EPSG:"):
        return text.upper()
    crs = _usable(text)
    return crs.name if crs is not None else text.splitlines()[0][:60]


def _described(crs: str) -> str:
    return f"{crs} ({crs_named(crs).name})" if crs.startswith("EPSG:") else crs_named(crs).name


def _zone_by_parameters(crs: pyproj.CRS, projection: Projection) -> str | None:
    """The zone of the storage datum's family that has this projection on this ellipsoid, whatever it is called."""
    wanted = _parameters(crs)
    if wanted is None:
        return None
    for name in dict.fromkeys((projection.storage, *family_of(projection.storage))):
        if _parameters(crs_named(name)) == wanted:
            return name
    return None


def _parameters(crs: pyproj.CRS) -> tuple[object, ...] | None:
    operation, ellipsoid = crs.coordinate_operation, crs.ellipsoid
    if operation is None or ellipsoid is None:
        return None
    values = tuple(sorted((p.name, round(float(p.value) * p.unit_conversion_factor, 9)) for p in operation.params))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            operation.method_name,
            values,
            round(ellipsoid.semi_major_metre, 2),
            round(ellipsoid.inverse_flattening, 4),
        )
