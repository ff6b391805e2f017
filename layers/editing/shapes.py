"""A sent shape as it will be stored: moved by the named operation, on the grid, of the layer's type."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis.crs import WGS84, Projection, crs_named
from layers.filters import GEOMETRY
from layers.profile.grammar import LayerDefinition, ProfileHeader
from layers.publishing.defects import DefectList
from layers.publishing.placing import GROWN_DEGREES, projection_of
from layers.publishing.shapes import place

from .values import MisfitError

#: an answer shows places to a millimetre: a corner that comes back from there is the corner it was
SHOWN_M = 0.001
#: of a shape that crosses itself and is to be repaired: the work grows with the square of its crossings and nothing can
#: stop it, while the layer waits
MOST_REPAIRED_VERTICES = 200


def stored_shape(
    sent: BaseGeometry, crs: str, definition: LayerDefinition, header: ProfileHeader, before: BaseGeometry | None, *,
    may_repair: bool,
) -> BaseGeometry:  # fmt: skip
    """In the storage CRS. Raises MisfitError.

    Corners within a millimetre of one that the feature has already are that one, or every change of an attribute would
    move a whole boundary by what its digits leave out.
    """
    projection = projection_of(header)
    if shapely.is_empty(sent):
        raise MisfitError(GEOMETRY, "hình học rỗng", "the geometry is empty")
    moved = projection.to_crs(_one(sent), crs, projection.storage)
    _require_inside(moved, projection, header)
    if before is not None:
        moved = _one(_as_it_was(moved[0], before))
    made = _placed(moved, projection, definition, may_repair=may_repair)
    return before if before is not None and _is_same(made, before) else made


def _placed(
    moved: NDArray[np.object_], projection: Projection, definition: LayerDefinition, *, may_repair: bool
) -> BaseGeometry:
    """As a publication places it (`publishing.shapes`)."""
    _require_valid(moved, may_repair=may_repair)
    defects = DefectList()
    placed = place(moved, np.zeros(1, dtype=np.bool_), projection.storage, projection, definition, defects)
    if placed.refused[0] and any(defect.kind == "invalid_ring" for defect in defects.found):
        raise _invalid(moved)
    if placed.refused[0]:
        wanted = definition.geometry
        raise MisfitError(GEOMETRY, f"cần hình {wanted}, không quá nhỏ", f"a {wanted} is needed, and not too small")
    made: BaseGeometry = placed.stored[0]
    return made


def _require_valid(moved: NDArray[np.object_], *, may_repair: bool) -> None:
    """Before anything is done with the shape: validity is told at once, a repair may take minutes."""
    if shapely.is_valid(moved)[0]:
        return
    if not may_repair:
        raise _invalid(moved)
    if shapely.get_num_coordinates(moved[0]) > MOST_REPAIRED_VERTICES:
        most = MOST_REPAIRED_VERTICES
        raise MisfitError(
            GEOMETRY, f"hình học lỗi và có hơn {most} đỉnh: không sửa tự động; hãy sửa ranh rồi gửi lại",
            f"not a valid shape, and of more than {most} vertices: it is not repaired; correct it and send it again",
        )  # fmt: skip


def _invalid(moved: NDArray[np.object_]) -> MisfitError:
    why = shapely.is_valid_reason(moved[0])
    return MisfitError(GEOMETRY, f"hình học lỗi ({why})", f"not a valid shape ({why})")


def _require_inside(moved: NDArray[np.object_], projection: Projection, header: ProfileHeader) -> None:
    """The middle of the shape lies where the province is, as for the shapes of a file."""
    area = crs_named(header.crs.storage).area_of_use
    west, south, east, north = header.extent or (area.bounds if area is not None else (-180.0, -90.0, 180.0, 90.0))
    bounds = shapely.bounds(moved)[0]
    middle = shapely.points((bounds[:2] + bounds[2:]) / 2)
    x, y = shapely.get_coordinates(projection.to_crs(_one(middle), projection.storage, WGS84))[0]
    grown = GROWN_DEGREES
    if not (west - grown <= x <= east + grown and south - grown <= y <= north + grown):
        raise MisfitError(
            GEOMETRY,
            "nằm ngoài địa bàn; kiểm tra hệ tọa độ (Content-Crs) và thứ tự trục",
            "lies outside the province; check the coordinate system (Content-Crs) and the order of its axes",
        )


def _as_it_was(moved: BaseGeometry, before: BaseGeometry) -> BaseGeometry:
    known = shapely.get_coordinates(before)
    tree = shapely.STRtree(np.asarray(shapely.points(known), dtype=object))

    def held(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        own, old = tree.query_nearest(shapely.points(xy), max_distance=SHOWN_M, all_matches=False)
        found = xy.copy()
        found[own] = known[old]
        return found

    return shapely.transform(moved, held)


def _is_same(made: BaseGeometry, before: BaseGeometry) -> bool:
    """Whatever corner a ring begins with, and whichever way it runs."""
    return bool(shapely.equals_exact(shapely.normalize(made), shapely.normalize(before), 0.0))


def _one(shape: BaseGeometry) -> NDArray[np.object_]:
    return np.array([shape, None], dtype=object)[:1]
