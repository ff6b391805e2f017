"""What changed of a layer from one revision to another, as far as a relation shows it.

Both sides are the authorised relation, so that a change of what is hidden is no change, a row that came into sight was
added, and a shape that is shown coarsely has changed only where its coarse form has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import anyio.to_thread
import orjson
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy import literal_column as fixed

from layers.access.decide import Decision
from layers.profile.grammar import LayerDefinition

from . import connection as database
from .connection import Connection
from .features import Prepared, State, require_served
from .figures import MISSING, Figures
from .relation_sql import SHAPE, Wanted, bound, relation
from .shape_form import CRS84, as_geojson

Kind = Literal["added", "changed", "removed"]
_SHOWN_AFTER, _SHOWN_BEFORE = "shown_after", "shown_before"
_SPANS: tuple[Literal["newer", "older"], ...] = ("newer", "older")
#: of either side that the first look at a page compares
FEWEST_ROWS = 256


@dataclass(frozen=True, slots=True)
class Span:
    """From one revision to a later one; 0 is before the first."""

    earlier: int
    later: int


@dataclass(frozen=True, slots=True)
class Version:
    """One side of a change: columns by name, the shape as GeoJSON."""

    properties: Mapping[str, Any]
    geometry: bytes


@dataclass(frozen=True, slots=True)
class Change:
    fid: int
    before: Version | None
    after: Version | None

    @property
    def kind(self) -> Kind:
        return "added" if self.before is None else "removed" if self.after is None else "changed"


async def changes(
    connection: Connection, state: State, storage_srid: int, decision: Decision, span: Span, *, after: int, limit: int
) -> list[Change]:
    """In the order of fid, those behind `after`. Raises NotFoundError, ForbiddenError, UnavailableError.

    A look compares as many rows of either side; where too few of them differ in what is shown, the next one goes on
    behind them and takes twice as many.
    """
    require_served(state)
    prepared = _page(state.definition, storage_srid, decision)
    given = {"earlier": span.earlier, "later": span.later, "after": after, "limit": max(limit, FEWEST_ROWS)}
    found: list[Change] = []
    while True:
        text, values = prepared.with_values({**given, "most": limit - len(found)})
        rows = await database.raw(connection, text, values, is_planned_anew=True)
        columns = [rows.column(number) for number in range(6)]
        found += await anyio.to_thread.run_sync(_changes_of, columns[1:])
        horizon = columns[0][0]
        if len(found) == limit or not horizon:
            return found
        given |= {"after": int(horizon), "limit": given["limit"] * 2}


def _changes_of(columns: Sequence[Sequence[bytes]]) -> list[Change]:
    return [_change(*cells) for cells in zip(*columns, strict=True) if cells[0]]


def _change(fid: bytes, properties: bytes, shape: bytes, old_properties: bytes, old_shape: bytes) -> Change:
    after = Version(orjson.loads(properties), shape or b"null") if properties else None
    before = Version(orjson.loads(old_properties), old_shape or b"null") if old_properties else None
    return Change(int(fid), before, after)


async def counts(
    connection: Connection, state: State, storage_srid: int, decision: Decision, span: Span, figures: Figures
) -> dict[Kind, int]:
    """How many features were added, changed and removed. What lies between two revisions never changes."""
    require_served(state)
    key = ("difference", state.definition.id, state.definition, span, decision.relation_digest)
    known = figures.get(key)
    if known is not MISSING:
        return known  # type: ignore[return-value]  # put below
    counted = _counted if span.earlier else _first
    text, values = counted(state.definition, storage_srid, decision).with_values(
        {"earlier": span.earlier, "later": span.later, "after": 0}
    )
    found = await database.row(connection, text, values)
    assert found is not None  # counts are one row
    made: dict[Kind, int] = {"added": found["added"], "changed": found["changed"], "removed": found["removed"]}
    figures.put(key, made)
    return made


# ── the statements ───────────────────────────────────────────────────────────────────────────────
@lru_cache(maxsize=512)
def _page(definition: LayerDefinition, storage_srid: int, decision: Decision) -> Prepared:
    limited = _sides(definition, storage_srid, decision, is_limited=True)
    newer, older = (side.select().cte(side.name) for side in limited)
    fid = func.coalesce(newer.c.fid, older.c.fid, type_=BigInteger())
    horizon = select(func.least(_end(newer), _end(older), type_=BigInteger()).label("fid")).subquery("horizon")
    sides = ((newer, _SHOWN_AFTER), (older, _SHOWN_BEFORE))
    cells = [cell for side, name in sides for cell in (_properties(side, decision, name), _geometry(side))]
    source: Any = newer.join(older, newer.c.fid == older.c.fid, full=True)
    for side, name in sides if decision.columns else ():
        shown = select(*(side.c[column] for column in decision.columns)).correlate(side).lateral(name)
        source = source.join(shown, true())
    changed = select(fid.label("fid"), *(cell.label(f"cell_{number}") for number, cell in enumerate(cells)))
    changed = changed.select_from(source).where(_differs(newer, older, decision))
    changed = changed.where(or_(horizon.c.fid.is_(None), fid <= horizon.c.fid)).correlate(horizon)
    page = changed.order_by(fid).limit(bound("most", BigInteger)).lateral("page")
    shown_cells = [column for column in page.c if column.name != "fid"]
    statement = select(cast(horizon.c.fid, Text), cast(page.c.fid, Text), *shown_cells)
    statement = statement.select_from(horizon.outerjoin(page, true())).order_by(page.c.fid)
    return Prepared(*database.compiled(statement))


def _end(side: CTE) -> ColumnElement[Any]:
    """The last row of a side that has more behind it than were read, else NULL: so far both sides are whole."""
    is_full = func.count() >= bound("limit", BigInteger)
    return select(case((is_full, func.max(side.c.fid)))).select_from(side).scalar_subquery()


@lru_cache(maxsize=512)
def _counted(definition: LayerDefinition, storage_srid: int, decision: Decision) -> Prepared:
    newer, older = _sides(definition, storage_srid, decision)
    kinds: dict[Kind, ColumnElement[bool]] = {
        "added": older.c.fid.is_(None),
        "removed": newer.c.fid.is_(None),
        "changed": and_(newer.c.fid.is_not(None), older.c.fid.is_not(None)),
    }
    numbers = [func.count().filter(condition).label(kind) for kind, condition in kinds.items()]
    both = newer.join(older, newer.c.fid == older.c.fid, full=True)
    statement = select(*numbers).select_from(both).where(_differs(newer, older, decision))
    return Prepared(*database.compiled(statement))


@lru_cache(maxsize=512)
def _first(definition: LayerDefinition, storage_srid: int, decision: Decision) -> Prepared:
    """As `_counted` where nothing was before: every row was added, and none has to be looked at to tell."""
    wanted = Wanted(has_geometry=False, span="newer", order="none")
    rows = relation(definition, storage_srid, decision, wanted).rows
    nothing = [literal(0, BigInteger).label(kind) for kind in ("changed", "removed")]
    return Prepared(*database.compiled(select(func.count().label("added"), *nothing).select_from(rows)))


def _sides(
    definition: LayerDefinition, storage_srid: int, decision: Decision, *, is_limited: bool = False
) -> tuple[Subquery, Subquery]:
    wanted = Wanted(decision.columns, has_geometry=decision.has_geometry, is_after=True, is_limited=is_limited)
    newer, older = (
        relation(definition, storage_srid, decision, replace(wanted, span=span)).rows.select().subquery(span)
        for span in _SPANS
    )
    return newer, older


def _properties(side: FromClause, decision: Decision, shown: str) -> ColumnElement[Any]:
    """JSON of the columns; NULL where the side has no such row."""
    whole = func.row_to_json(fixed(shown), type_=Text()) if decision.columns else literal("{}", Text)
    return case((side.c.fid.is_not(None), cast(whole, Text)))


def _geometry(side: FromClause) -> ColumnElement[Any]:
    return as_geojson(side.c[SHAPE], CRS84) if SHAPE in side.c else literal("null", Text)


def _differs(newer: FromClause, older: FromClause, decision: Decision) -> ColumnElement[bool]:
    cells = [newer.c[name].is_distinct_from(older.c[name]) for name in decision.columns]
    if SHAPE in newer.c:
        cells.append(as_geojson(newer.c[SHAPE], CRS84).is_distinct_from(as_geojson(older.c[SHAPE], CRS84)))
    return or_(newer.c.fid.is_(None), older.c.fid.is_(None), *cells)
