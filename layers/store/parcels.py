"""Look-up of parcels: a number, a key, a code or a place, against the parcel layer at one revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, LiteralString

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Double,
    LargeBinary,
    ScalarSelect,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    table,
)  # fmt: skip
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import TypeEngine

from layers.profile.grammar import LayerDefinition, Role

from .connection import Connection, compiled, rows
from .tables import layer_table

#: of one look-up, whoever asks: more than answer to one name, so that no hidden row takes a shown one's place
MOST_ROWS = 2_000

_FACT = table("fact", column("layer", SmallInteger), column("fid", BigInteger), column("since", BigInteger),
              column("until", BigInteger), column("accuracy_m", Double), schema="checks")  # fmt: skip
_ALIAS = table("alias", column("layer", String), column("key", String), column("fid", BigInteger),
               column("since", BigInteger), column("until", BigInteger), schema="catalogue")  # fmt: skip

WayKind = Literal["fid", "key", "alias", "code", "point", "number", "kept_number", "previous_number"]


@dataclass(frozen=True, slots=True)
class Way:
    """One way a parcel can answer to a look-up; several ways of one look-up add up.

    `number` compares the present sheet and parcel number, `previous_number` the ones before renumbering, `kept_number`
    the present ones of parcels that were never renumbered.
    """

    kind: WayKind
    is_current: bool  #: what it compares is how the parcel is called today
    value: object = None  #: fid, key, code, or a point as WKB in the storage CRS
    communes: tuple[str, ...] | None = None  #: None: the layer has no commune column
    sheet: str = ""
    parcel: str = ""

    @property
    def shape(self) -> tuple[WayKind, bool]:
        return (self.kind, self.communes is not None)


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """One parcel with the columns of its layer; `geometry` is WKB in the storage CRS."""

    fid: int
    key: str | None
    ways: tuple[Way, ...]  #: all that found it
    accuracy_m: float
    attributes: Mapping[str, object]
    geometry: bytes

    @property
    def is_current(self) -> bool:
        """One of the ways that found it is a present one."""
        return any(way.is_current for way in self.ways)


async def find_parcels(
    connection: Connection,
    definition: LayerDefinition,
    storage_srid: int,
    ways: Sequence[Way],
    *,
    layer_number: int,
    revision: int,
    most: int = MOST_ROWS,
) -> list[ParcelRow]:
    """The parcels a look-up means at a revision, ordered by fid; at most `most`."""
    text = _parcel_text(definition, storage_srid, tuple(way.shape for way in ways))
    values: dict[str, object] = {
        "layer": definition.id, "layer_number": layer_number, "revision": revision, "most": most
    }  # fmt: skip
    for index, way in enumerate(ways):
        values |= _way_values(definition, way, index)
    found = await rows(connection, text, values)
    names = [attribute.name for attribute in definition.attributes]
    parcels = [
        ParcelRow(
            fid=each["fid"],
            key=each["key"],
            ways=tuple(way for index, way in enumerate(ways) if each[f"way_{index}"]),
            accuracy_m=each["fact_accuracy_m"] or 0.0,
            attributes={name: each[name] for name in names},
            geometry=bytes(each["shape_wkb"]),
        )
        for each in found
    ]
    return sorted(parcels, key=lambda parcel: parcel.fid)  # an ORDER BY beside LIMIT would tempt the planner to fid


_NUMBER_ROLES: dict[str, tuple[Role, Role]] = {
    "number": ("sheet", "parcel_number"),
    "kept_number": ("sheet", "parcel_number"),
    "previous_number": ("previous_sheet", "previous_parcel"),
}


def columns_of(definition: LayerDefinition, kind: WayKind) -> frozenset[str]:
    """The columns that a way compares, and so tells of."""
    if kind in ("key", "alias"):
        return frozenset(definition.key_columns)
    roles: tuple[Role, ...] = ("national_code",) if kind == "code" else _NUMBER_ROLES.get(kind, ())
    if kind in _NUMBER_ROLES:
        roles += ("commune", "previous_parcel") if kind == "kept_number" else ("commune",)
    return frozenset(column.name for role in roles if (column := definition.by_role(role)) is not None)


def can_compare(definition: LayerDefinition, kind: WayKind) -> bool:
    """Whether the layer has the columns this way needs."""
    roles: tuple[Role, ...] = ("national_code",) if kind == "code" else _NUMBER_ROLES.get(kind, ())
    return all(definition.by_role(role) is not None for role in roles)


def _way_values(definition: LayerDefinition, way: Way, index: int) -> dict[str, object]:
    if way.kind not in _NUMBER_ROLES:
        return {f"value_{index}": way.value}
    sheet, parcel = _NUMBER_ROLES[way.kind]
    return {
        f"communes_{index}": list(way.communes or ()),
        f"sheets_{index}": _spellings(definition, sheet, way.sheet),
        f"parcels_{index}": _spellings(definition, parcel, way.parcel),
    }


def _spellings(definition: LayerDefinition, role: Role, text: str) -> list[str] | list[int]:
    """The values of a number column that a person's '045' may mean."""
    attribute = definition.by_role(role)
    if attribute is not None and attribute.type == "integer":
        return [int(text)] if text.isascii() and text.isdigit() and len(text) < 19 else []
    return list({text, text.lstrip("0") or "0"}) if text.isascii() and text.isdigit() else [text]


@lru_cache(maxsize=256)
def _parcel_text(
    definition: LayerDefinition, storage_srid: int, shapes: tuple[tuple[WayKind, bool], ...]
) -> LiteralString:
    """The statement for one shape of look-up, compiled once."""
    layer = layer_table(definition, storage_srid)
    revision = _given("revision", BigInteger)
    conditions = [_condition(layer, definition, shape, index) for index, shape in enumerate(shapes)]
    accuracy = (
        select(func.abs(_FACT.c.accuracy_m))
        .where(_FACT.c.layer == _given("layer_number", SmallInteger), _FACT.c.fid == layer.c.fid)
        .where(_FACT.c.since <= revision, or_(_FACT.c.until.is_(None), _FACT.c.until > revision))
        .scalar_subquery()
    )
    statement = (
        select(
            layer.c.fid, layer.c.key, *(layer.c[attribute.name] for attribute in definition.attributes),
            func.ST_AsBinary(layer.c.geom, type_=LargeBinary).label("shape_wkb"),
            accuracy.label("fact_accuracy_m"),
            *(condition.label(f"way_{index}") for index, condition in enumerate(conditions)),
        )
        .where(layer.c.since <= revision, or_(layer.c.until.is_(None), layer.c.until > revision), or_(*conditions))
        .limit(_given("most", BigInteger))
    )  # fmt: skip
    return compiled(statement)[0]


def _condition(
    layer: Table, definition: LayerDefinition, shape: tuple[WayKind, bool], index: int
) -> ColumnElement[bool]:
    kind, has_communes = shape
    match kind:
        case "fid":
            return layer.c.fid == _given(f"value_{index}", BigInteger)
        case "key":
            return layer.c.key == _given(f"value_{index}", Text)
        case "alias":
            return layer.c.fid == any_(func.array(_aliased(index)))  # an array, so that the index on fid is used
        case "code":
            return _of_role(layer, definition, "national_code") == _given(f"value_{index}", Text)
        case "point":
            place = func.ST_GeomFromWKB(_given(f"value_{index}", LargeBinary))
            point = func.ST_SetSRID(place, literal(_srid_of(layer), literal_execute=True))
            return and_(layer.c.geom.op("&&")(point), func.ST_Intersects(layer.c.geom, point))
    sheet, parcel = _NUMBER_ROLES[kind]
    conditions = [_is_any(layer, definition, sheet, f"sheets_{index}")]
    conditions.append(_is_any(layer, definition, parcel, f"parcels_{index}"))
    if has_communes:
        conditions.append(_is_any(layer, definition, "commune", f"communes_{index}"))
    if kind == "kept_number" and definition.by_role("previous_parcel") is not None:
        conditions.append(_of_role(layer, definition, "previous_parcel").is_(None))
    return and_(*conditions)


def _given(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> BindParameter[Any]:
    """A parameter whose value comes with the execution: the text is compiled without it."""
    return bindparam(name, type_=kind, required=False)


def _srid_of(layer: Table) -> int:
    stored: Any = layer.c.geom.type
    return int(stored.srid)


def _aliased(index: int) -> ScalarSelect[int]:
    revision = _given("revision", BigInteger)
    return (
        select(_ALIAS.c.fid)
        .where(_ALIAS.c.layer == _given("layer", Text))
        .where(_ALIAS.c.key == _given(f"value_{index}", Text), _ALIAS.c.since <= revision)
        .scalar_subquery()
    )


def _of_role(layer: Table, definition: LayerDefinition, role: Role) -> Column[Any]:
    attribute = definition.by_role(role)
    if attribute is None:
        raise KeyError(role)
    return layer.c[attribute.name]


def _is_any(layer: Table, definition: LayerDefinition, role: Role, parameter: str) -> ColumnElement[bool]:
    found = _of_role(layer, definition, role)
    return found == any_(_given(parameter, ARRAY(found.type)))
