"""Shapes of a file as they will be stored, and what is wrong with each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.crs import Projection, crs_named
from gis.errors import Message
from gis.geometry import GRID_DEGREES, GRID_M, promote, repair, snap
from layers.profile.grammar import LayerDefinition

from .defects import DefectList, DefectRow

Geometries = NDArray[np.object_]
#: shared area below this is a shared boundary, not an overlap
LEAST_OVERLAP_M2 = 0.01

_NULL = Message("Dòng không có hình học.", "The row has no geometry.")
_EMPTY = Message("Hình học rỗng hoặc quá nhỏ.", "The geometry is empty or too small.")
_NAN = Message("Tọa độ không phải số (NaN hoặc vô cực).", "A coordinate is not a number (NaN or infinite).")
_UNREADABLE = Message(
    "Loại hình học không đọc được (khối đa diện, lưới tam giác).",
    "A kind of geometry that cannot be read (multipatch, triangulated surface).",
)
_REFUSED_RING = Message(
    "Vòng tự cắt; sửa tự động làm diện tích đổi quá max(1 m², 1 %). Sửa ranh trong tệp nguồn.",
    "A ring crosses itself; repairing it would change the area by more than max(1 m², 1 %). Correct it in the file.",
)
_REPAIRED_RING = Message("Vòng tự cắt, đã sửa tự động.", "A ring crossed itself; it was repaired.")


@dataclass(frozen=True, slots=True)
class Shapes:
    """One entry a row of the file. `stored` is None where the row is refused; `measurable` has what can be measured."""

    stored: Geometries
    measurable: Geometries  #: storage CRS, valid; None where the place is unknown
    refused: NDArray[np.bool_]


def parse(column: pa.Array | None, count: int, *, swap_axes: bool) -> Geometries:
    """WKB to shapes, open rings closed; None where it is missing or of a kind that shapely does not know."""
    if column is None:
        return np.full(count, None, dtype=object)
    values = np.array([*column.to_pylist(), None], dtype=object)[:-1]
    geoms = np.asarray(shapely.force_2d(shapely.from_wkb(values, on_invalid="fix")), dtype=object)
    if swap_axes:
        geoms = np.asarray(shapely.transform(geoms, lambda xy: xy[:, ::-1]), dtype=object)
    return geoms


def unplaced(geoms: Geometries, column: pa.Array | None, defects: DefectList) -> NDArray[np.bool_]:
    """Rows whose place is unknown: null, empty, unreadable, or with a coordinate that is no number. All are refused."""
    missing = np.asarray(shapely.is_missing(geoms))
    is_null = np.asarray(column.is_null()) if column is not None else np.ones(len(geoms), dtype=np.bool_)
    is_empty = ~missing & np.asarray(shapely.is_empty(geoms))
    is_nan = _has_no_number(geoms)
    _list_refused("null_geometry", _NULL, missing & is_null, defects)
    _list_refused("null_geometry", _UNREADABLE, missing & ~is_null, defects)
    _list_refused("null_geometry", _EMPTY, is_empty, defects)
    _list_refused("nan", _NAN, is_nan, defects)
    return missing | is_empty | is_nan


def place(
    geoms: Geometries, lost: NDArray[np.bool_], crs: str, projection: Projection, definition: LayerDefinition,
    defects: DefectList,
) -> Shapes:  # fmt: skip
    """To the storage CRS, repaired, of one type, on the grid."""
    moved = geoms.copy()
    moved[lost] = None
    moved = projection.to_crs(moved, crs, projection.storage)
    outside = _has_no_number(moved)  # beyond what the projection can show
    _list_refused("nan", _NAN, outside & ~lost, defects)
    moved[outside] = None
    mended = repair(moved)
    _list_rings(mended.repaired, mended.refused, mended.area_before_m2, mended.area_after_m2, defects)
    typed = promote(mended.geometry, definition.stored_geometry)
    wrong_type = np.asarray(shapely.is_missing(typed)) & ~np.asarray(shapely.is_missing(moved)) & ~mended.refused
    _list_wrong_types(moved, wrong_type, definition, defects)
    stored = snap(typed, GRID_DEGREES if crs_named(projection.storage).is_geographic else GRID_M)
    vanished = ~np.asarray(shapely.is_missing(stored)) & np.asarray(shapely.is_empty(stored))
    _list_refused("null_geometry", _EMPTY, vanished, defects)
    refused = lost | outside | mended.refused | wrong_type | vanished
    stored[refused] = None
    return Shapes(stored, _measurable(stored, moved, mended.refused | wrong_type | vanished), refused)


def overlaps(geoms: Geometries) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of polygons, first < second, that share at least LEAST_OVERLAP_M2, with that area; largest first."""
    polygons = np.flatnonzero(np.isin(shapely.get_type_id(geoms), (3, 6)))
    suspects = polygons[_breaks_coverage(geoms[polygons])]
    tree = shapely.STRtree(geoms[suspects])
    left, right = tree.query(geoms[suspects])
    left, right = left[left < right], right[left < right]
    area = np.asarray(shapely.area(shapely.intersection(geoms[suspects[left]], geoms[suspects[right]])))
    kept = np.flatnonzero(area >= LEAST_OVERLAP_M2)
    order = kept[np.argsort(-area[kept], kind="stable")]
    return suspects[left[order]], suspects[right[order]], area[order]


def _breaks_coverage(polygons: Geometries) -> NDArray[np.bool_]:
    """Polygons whose boundary does not fit to their neighbours': only they can overlap (one pass, no overlay)."""
    if not len(polygons):
        return np.zeros(0, dtype=np.bool_)
    return ~np.asarray(shapely.is_empty(shapely.coverage_invalid_edges(polygons)))


def repeated_shapes(geoms: Geometries) -> NDArray[np.int64]:
    """For each shape the position of the first one equal to it, itself where it is the first or only one."""
    first: dict[bytes, int] = {}
    written = shapely.to_wkb(shapely.normalize(geoms))
    return np.array([n if w is None else first.setdefault(w, n) for n, w in enumerate(written)], dtype=np.int64)


def _has_no_number(geoms: Geometries) -> NDArray[np.bool_]:
    coordinates, owner = shapely.get_coordinates(geoms, return_index=True)
    found = np.zeros(len(geoms), dtype=np.bool_)
    found[owner[~np.isfinite(coordinates).all(axis=1)]] = True
    return found


def _measurable(stored: Geometries, moved: Geometries, not_stored: NDArray[np.bool_]) -> Geometries:
    """A refused shape is measured as its repair: it says which ground is not mapped."""
    measurable = stored.copy()
    for position in np.flatnonzero(not_stored):
        made = shapely.make_valid(moved[position], method="structure") if moved[position] is not None else None
        measurable[position] = made if made is not None and not made.is_empty else None
    return measurable


def _list_refused(kind: str, message: Message, places: NDArray[np.bool_], defects: DefectList) -> None:
    rows = [DefectRow(int(n) + 1, None, "refused", message) for n in np.flatnonzero(places)]
    defects.add_rows("nan" if kind == "nan" else "null_geometry", "error", message, rows)


def _list_rings(
    repaired: NDArray[np.bool_], refused: NDArray[np.bool_], before: NDArray[np.float64], after: NDArray[np.float64],
    defects: DefectList,
) -> None:  # fmt: skip
    listed = [
        DefectRow(
            int(n) + 1, None, "refused" if refused[n] else "repaired", _REFUSED_RING if refused[n] else _REPAIRED_RING,
            round(float(before[n]), 4), round(float(after[n]), 4),
        )
        for n in np.flatnonzero(repaired | refused)
    ]  # fmt: skip
    message = Message(
        f"{len(listed)} hình có vòng tự cắt; {int(refused.sum())} không sửa được.",
        f"{len(listed)} shapes have rings that cross themselves; {int(refused.sum())} are beyond repair.",
    )
    defects.add_rows("invalid_ring", "error" if refused.any() else "warning", message, listed)


def _list_wrong_types(
    geoms: Geometries, places: NDArray[np.bool_], definition: LayerDefinition, defects: DefectList
) -> None:
    message = Message(
        f"Hình học không phải {definition.geometry} như lớp yêu cầu.",
        f"The geometry is not a {definition.geometry}, as the layer requires.",
    )
    rows = [
        DefectRow(
            int(n) + 1, None, "refused",
            Message(f"{message.vi} ({geoms[n].geom_type})", f"{message.en} ({geoms[n].geom_type})"),
        )
        for n in np.flatnonzero(places)
    ]  # fmt: skip
    defects.add_rows("schema", "error", message, rows)
