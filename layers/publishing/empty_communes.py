"""Communes that a file is declared complete for and holds nothing in: what an officer confirms without seeing it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import Message

from .declaration import Declaration
from .inspection import Communes, Inspection
from .scope import Scope

#: a feature of a neighbour that only shares the boundary lies in no other commune
_INSIDE_M = 1.0
#: shapes looked at together: communes that hold one are not looked for again
_CHUNK = 5_000
_MOST_NAMED = 12


def empty_communes(
    declaration: Declaration, inspection: Inspection, communes: Communes | None, scope: Scope
) -> tuple[str, ...]:
    """Codes of the communes, inside the scope; () where the declaration names none, or places are not known."""
    if communes is None or not (declaration.is_everywhere or isinstance(declaration.complete_for, list)):
        return ()
    asked = communes.codes if declaration.is_everywhere else tuple(declaration.complete_for)  # type: ignore[arg-type]
    wanted = [code for code in asked if scope.is_everything or code in (scope.communes or ())]
    if inspection.definition.has_geometry:
        return _without_shape(wanted, communes, inspection.rows.geometry)
    if inspection.commune is None:
        return ()
    held = set(inspection.commune.to_pylist())
    return tuple(code for code in wanted if code not in held)


def _without_shape(wanted: Sequence[str], communes: Communes, shapes: NDArray[np.object_]) -> tuple[str, ...]:
    left = {code: shapely.buffer(communes.polygon_of(code), -_INSIDE_M) for code in wanted}
    for start in range(0, len(shapes), _CHUNK):
        if not left:
            break
        tree = shapely.STRtree(np.array(list(left.values()), dtype=object))
        _, met = tree.query(shapes[start : start + _CHUNK], predicate="intersects")
        names = list(left)
        for place in np.unique(met).tolist():
            del left[names[place]]
    return tuple(left)


def empty_notice(codes: Sequence[str]) -> Message:
    """For the report: a check will say of these communes that nothing is there."""
    listed = ", ".join(codes[:_MOST_NAMED]) + (", …" if len(codes) > _MOST_NAMED else "")
    return Message(
        f"Khai báo đầy đủ mà không có đối tượng nào ở {len(codes)} phường, xã: {listed}. Kiểm tra thửa đất ở đó sẽ báo "
        "'không phát hiện'. Nếu chưa đúng, khai báo lại bằng --complete-for.",
        f"Declared complete with nothing in {len(codes)} communes: {listed}. Checks there will say that nothing was "
        "found. If that is not so, declare again with --complete-for.",
    )
