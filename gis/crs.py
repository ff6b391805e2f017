"""Coordinate systems and the one named operation to WGS 84 (design, section 8).

PROJ chooses an operation by area of use; for VN-2000 that choice changes at 11.04° N and leaves a seam of 0.80 m.
Here the operation is named, bound to the coordinate system, and used in every direction. Order is always x, y.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.aoi import AreaOfInterest
from pyproj.crs import BoundCRS, CoordinateOperation  # type: ignore[attr-defined]  # documented, not in __all__
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import CRSError as ProjCrsError
from pyproj.exceptions import ProjError

from .errors import CrsError
from .geometry import GRID_DEGREES, GRID_M, rounded

Geometries = NDArray[np.object_]
CrsName = str | pyproj.CRS

#: no corner on the grid of 0.1 mm lies as far from the one it was
_ON_GRID_DEGREES = 1e-7
_EDGES = np.array([180.0, 90.0])
_WGS84_NAME = "EPSG:4326"
WGS84 = pyproj.CRS(_WGS84_NAME)
WEB_MERCATOR = pyproj.CRS("EPSG:3857")


def crs_named(name: CrsName) -> pyproj.CRS:
    """The coordinate system of a name such as 'EPSG:9210' or a WKT text. Raises CrsError."""
    if isinstance(name, pyproj.CRS):
        return name
    return _crs_of_text(name)


@lru_cache(maxsize=256)
def _crs_of_text(name: str) -> pyproj.CRS:
    try:
        return pyproj.CRS(name)
    except ProjCrsError as error:
        raise CrsError(
            f"Không nhận ra hệ tọa độ '{name}'. Ghi mã dạng EPSG:9210.",
            f"Unknown coordinate system '{name}'. Write a code such as EPSG:9210.",
        ) from error


@dataclass(frozen=True)
class Operation:
    """A coordinate operation of the EPSG registry between a datum and WGS 84."""

    name: str
    definition: CoordinateOperation

    @classmethod
    def named(cls, name: str) -> Operation:
        """The operation 'EPSG:6960' and the like. Raises CrsError."""
        authority, _, code = name.partition(":")
        try:
            return cls(name, CoordinateOperation.from_authority(authority, code))
        except (ProjCrsError, ProjError) as error:
            raise CrsError(
                f"Không có phép chuyển đổi '{name}'. Ghi mã dạng EPSG:6960 trong crs.to_wgs84.",
                f"No coordinate operation '{name}'. Write a code such as EPSG:6960 in crs.to_wgs84.",
            ) from error

    @property
    def starts_at(self) -> tuple[str, str]:
        """Authority and code of the geographic system it leads from, as 'EPSG', '4756'."""
        source = self.definition.to_json_dict()["source_crs"].get("id", {})
        return str(source.get("authority", "")), str(source.get("code", ""))


@dataclass(frozen=True)
class Projection:
    """The storage CRS with the operation that leads to WGS 84. Measuring zones share its datum."""

    storage: str
    operation: str

    def to_wgs84(self, geoms: Geometries) -> Geometries:
        """From the storage CRS to longitude, latitude."""
        return self.to_crs(geoms, self.storage, _WGS84_NAME)

    def from_wgs84(self, geoms: Geometries) -> Geometries:
        """From longitude, latitude to the storage CRS."""
        return self.to_crs(geoms, _WGS84_NAME, self.storage)

    def as_stored(self, geoms: Geometries, crs: CrsName) -> Geometries:
        """Shapes of a system in longitude, latitude, corners where storing would put them. A corner outside of the
        storage CRS is only moved, and so is a shape that the grid would break."""
        moved = self.to_crs(geoms, crs, _WGS84_NAME)
        grid = GRID_DEGREES if crs_named(self.storage).is_geographic else GRID_M
        stored = shapely.transform(self.to_crs(geoms, crs, self.storage), lambda corners: rounded(corners, grid))
        here, there = (shapely.get_coordinates(shapes) for shapes in (self.to_wgs84(stored), moved))
        with np.errstate(invalid="ignore"):  # where a system has no place, infinity less infinity is no number
            is_near = np.all(np.abs(here - there) < _ON_GRID_DEGREES, axis=1, keepdims=True)
        is_on_globe = np.all(np.abs(here) <= _EDGES, axis=1, keepdims=True)
        made: Any = shapely.set_coordinates(moved.copy(), np.where(is_near & is_on_globe, here, there))
        return np.where(shapely.is_valid(made), made, moved)

    def to_crs(self, geoms: Geometries, from_crs: CrsName, to_crs: CrsName) -> Geometries:
        """Between any two systems: a change of datum to or from the storage datum takes the named operation.

        Coordinates outside a system's domain come back as infinite.
        """
        found = np.asarray(geoms, dtype=object)
        is_by_name = isinstance(from_crs, str) and isinstance(to_crs, str)
        for step in _way_by_name(self, from_crs, to_crs) if is_by_name else self.way(from_crs, to_crs):
            found = _transformed(found, step)
        return found

    def way(self, from_crs: CrsName, to_crs: CrsName) -> Sequence[pyproj.Transformer]:
        """One step after another; none between systems that are the same but for their axes."""
        source, target = crs_named(from_crs), crs_named(to_crs)
        return () if source.equals(target, ignore_axis_order=True) else self._steps(source, target)

    def shares_datum(self, crs: CrsName) -> bool:
        """True where a change to the storage CRS is a change of projection alone."""
        return _share_datum(crs_named(self.storage), crs_named(crs))

    def proj4_with_towgs84(self, crs: CrsName) -> str:
        """The text for a `spatial_ref_sys` row, so that PostGIS takes the named operation too (to within 0.1 mm)."""
        bound = self.bound(crs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # PROJ strings lose metadata; the numbers are all there
            text = bound.to_proj4()
        if "+towgs84=" not in text:
            raise CrsError(
                f"Phép chuyển đổi {self.operation} không diễn tả được bằng 7 tham số towgs84.",
                f"The operation {self.operation} cannot be written as seven towgs84 parameters.",
            )
        return text.replace(" +type=crs", "")

    def bound(self, crs: CrsName) -> pyproj.CRS:
        """The CRS with the operation tied to it: pyproj and GeoPandas then have no choice. Raises CrsError."""
        return _bound(crs_named(crs), self.operation)

    def _steps(self, source: pyproj.CRS, target: pyproj.CRS) -> list[pyproj.Transformer]:
        from_ours, to_ours = self.shares_datum(source), self.shares_datum(target)
        if from_ours == to_ours:
            return [_transformer(source, target)]
        steps = []
        if from_ours:
            steps.append(_transformer(self.bound(source), WGS84))
            source = WGS84
        if to_ours:
            steps += [] if source == WGS84 else [_transformer(source, WGS84)]
            steps.append(_transformer(WGS84, self.bound(target)))
        elif target != WGS84:
            steps.append(_transformer(WGS84, target))
        return steps


@lru_cache(maxsize=256)
def _way_by_name(projection: Projection, from_crs: str, to_crs: str) -> Sequence[pyproj.Transformer]:
    """Systems are compared by writing them out, which takes longer than moving a shape of a filter."""
    return tuple(projection.way(from_crs, to_crs))


def to_web_mercator(geoms_4326: Geometries) -> Geometries:
    """From longitude, latitude to EPSG:3857."""
    return _transformed(np.asarray(geoms_4326, dtype=object), _transformer(WGS84, WEB_MERCATOR))


@lru_cache(maxsize=16)
def family_of(storage: str) -> tuple[str, ...]:
    """Projected systems on the storage CRS's datum, such as all VN-2000 zones, in the order of their codes."""
    crs = crs_named(storage)
    if crs.geodetic_crs is None:
        return ()
    datum, area = crs.geodetic_crs.name, crs.geodetic_crs.area_of_use
    box = None if area is None else AreaOfInterest(*area.bounds)
    listed = query_crs_info("EPSG", [PJType.PROJECTED_CRS], area_of_interest=box, contains=False)
    return tuple(sorted({f"EPSG:{each.code}" for each in listed if each.name.startswith(f"{datum} /")}))


@lru_cache(maxsize=16)
def sisters_of(storage: str) -> tuple[str, ...]:
    """The family of a national datum's system; that of WGS 84 is the whole earth's, and no list of anybody."""
    crs = crs_named(storage)
    is_worldwide = crs.geodetic_crs is None or crs.geodetic_crs.datum == WGS84.datum
    return family_of(storage) if crs.is_projected and not is_worldwide and crs != WEB_MERCATOR else ()


@lru_cache(maxsize=256)
def _share_datum(one: pyproj.CRS, other: pyproj.CRS) -> bool:
    """PROJ takes 18 ms to tell, and it is asked for every shape that is moved."""
    first, second = one.geodetic_crs, other.geodetic_crs
    return first is not None and second is not None and first.datum == second.datum


@lru_cache(maxsize=64)
def _bound(crs: pyproj.CRS, operation_name: str) -> pyproj.CRS:
    operation = Operation.named(operation_name)
    base = crs.geodetic_crs
    if base is None or base.to_authority() != operation.starts_at:
        raise CrsError(
            f"Phép chuyển đổi {operation_name} không dùng cho hệ tọa độ {crs.name}.",
            f"The operation {operation_name} does not belong to {crs.name}: choose one from its datum to WGS 84.",
        )
    return BoundCRS(source_crs=crs, target_crs=WGS84, transformation=operation.definition)


@lru_cache(maxsize=64)
def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    """A transformer holds its PROJ context per thread, so one may be shared."""
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def _transformed(geoms: Geometries, transformer: pyproj.Transformer) -> Geometries:
    def move(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(coordinates[:, 0], coordinates[:, 1]))

    moved: Any = shapely.transform(geoms, move, include_z=False)
    return np.asarray(moved, dtype=object)
