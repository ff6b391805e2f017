"""Shapes as a decision shows them: one level for each box, drawn from the stored forms, in any system."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Double, Subquery, Table, case, func, literal, literal_column, null, or_
from sqlalchemy.types import NullType

from gis.zoom import LAST_MIN_ZOOM, PIXEL_M
from layers.access.decide import Box, Decision, GeometryLevel

from .filter_sql import WGS84
from .tables import WEB_MERCATOR_SRID

NO_SHAPE: ColumnElement[Any] = literal_column("NULL::geometry")
#: as exactly as a middle is shown, and so asked about
CENTROID_DEGREES, CENTROID_M = 1e-8, 0.001


def stored_at(srid: int) -> str:
    """The stored form that a system is served from; what is neither of these two begins with the storage CRS."""
    return {WGS84: "geom_4326", WEB_MERCATOR_SRID: "geom_3857"}.get(srid, "geom")


def left_from(srid: int, storage_srid: int) -> str:
    return "geom" if srid == storage_srid else stored_at(srid)


class Draw(Protocol):
    """One level of a row as it is shown in one system."""

    def __call__(self, base: Subquery, level: GeometryLevel) -> ColumnElement[Any]: ...


def any_of(base: Subquery, boxes: Sequence[Box], numbers: Sequence[int]) -> ColumnElement[bool] | None:
    """None where every row of the base is meant: all boxes count, or one of them has every row."""
    if len(numbers) == len(boxes) or any(boxes[number].rows is None for number in numbers):
        return None
    return or_(*(base.c[f"_g{number}"] for number in numbers))


def shape_of(base: Subquery, boxes: Sequence[Box], draw: Draw) -> ColumnElement[Any]:
    """The most exact shape that a box which has the row allows."""
    levels = sorted({box.geometry for box in boxes}, key=lambda level: level.rank)
    branches: list[tuple[ColumnElement[bool], ColumnElement[Any]]] = []
    for level in levels:
        mask = any_of(base, boxes, [number for number, box in enumerate(boxes) if box.geometry == level])
        drawn = draw(base, level)
        if mask is None:
            return case(*branches, else_=drawn) if branches else drawn
        branches.append((mask, drawn))
    return case(*branches)


def level_of(base: Subquery, level: GeometryLevel, srid: int) -> ColumnElement[Any]:
    stored = base.c.get(stored_at(srid))
    if level.kind == "full" and stored is not None:
        return stored
    if level.kind == "centroid":
        step = CENTROID_DEGREES if srid == WGS84 else CENTROID_M
        return func.ST_SnapToGrid(func.ST_Centroid(stored), literal(step, Double), type_=NullType())
    if level.kind == "grid":
        return _snapped(base.c.geom, level.precision_m, srid)
    return NO_SHAPE


def left(base: Subquery, level: GeometryLevel, srid: int, storage_srid: int) -> ColumnElement[Any]:
    """The shown shape in another system. The storage CRS is what is stored, and never led through another system; a
    middle is the one that is shown in CRS84, moved."""
    if level.kind == "full":
        stored = base.c[left_from(srid, storage_srid)]
        moved = stored if srid in (storage_srid, WEB_MERCATOR_SRID) else func.ST_Transform(stored, literal(srid))
        return func.ST_ForcePolygonCCW(moved, type_=NullType())
    if level.kind == "centroid":
        return func.ST_Transform(level_of(base, level, WGS84), literal(srid), type_=NullType())
    if level.kind == "grid":
        return func.ST_ForcePolygonCCW(_snapped(base.c.geom, level.precision_m, srid), type_=NullType())
    return NO_SHAPE


def _snapped(stored: ColumnElement[Any], precision_m: float, srid: int) -> ColumnElement[Any]:
    """The stored shape on a grid, the same at every request; what the grid swallows is a grid point.

    Snapping may fold rings: the shape is made valid again, or a filter on it could raise.
    """
    step = literal(precision_m)
    snapped = func.ST_MakeValid(func.ST_SnapToGrid(stored, step), "method=structure keepcollapsed=false")
    kept = case((func.ST_IsEmpty(snapped), null()), else_=snapped)
    point = func.ST_SnapToGrid(func.ST_Centroid(stored), step)
    moved = func.ST_Transform(func.coalesce(kept, point), literal(srid))
    wound = func.ST_ForcePolygonCCW(moved) if srid == WGS84 else func.ST_ForcePolygonCW(moved)
    return func.coalesce(wound, type_=NullType())


def first_zoom(table: Table, decision: Decision, rules: Sequence[ColumnElement[bool]]) -> ColumnElement[Any]:
    """From which zoom on a row is drawn, by the shape that is shown: the stored rank tells of the exact one."""
    levels = sorted({box.geometry for box in decision.boxes}, key=lambda level: level.rank)
    if [level.kind for level in levels] == ["full"]:
        return table.c.min_zoom
    branches = []
    for level in levels:
        seen = or_(*(rule for box, rule in zip(decision.boxes, rules, strict=True) if box.geometry == level))
        drawn = _zoom_of_grid(table.c.geom, level.precision_m) if level.kind == "grid" else literal(0.0, Double)
        branches.append((seen, table.c.min_zoom if level.kind == "full" else drawn))
    return case(*branches, else_=literal(0.0, Double))


def _zoom_of_grid(shape: ColumnElement[Any], precision_m: float) -> ColumnElement[Any]:
    """`gis.zoom.min_zoom` of a shape whose corners have moved to the grid; 0 for what the grid swallows."""

    def cells(high: Any, low: Any) -> ColumnElement[Any]:
        step = literal(precision_m, Double)
        return func.round(high(shape, type_=Double()) / step) - func.round(low(shape, type_=Double()) / step)

    longer: ColumnElement[Any] = func.greatest(
        cells(func.ST_XMax, func.ST_XMin), cells(func.ST_YMax, func.ST_YMin), type_=Double()
    )
    needed = func.ln(literal(0.5 * PIXEL_M / precision_m, Double) / longer) / literal(math.log(2.0), Double)
    return case((longer == 0, 0.0), else_=func.least(float(LAST_MIN_ZOOM), func.greatest(0.0, func.ceil(needed))))
