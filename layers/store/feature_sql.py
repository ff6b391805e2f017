"""A feature as one text that the database builds: GeoJSON in UTF-8, drawn from the relation's shown columns."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, Text, case, cast, column, func, literal_column, select, table
from sqlalchemy.types import NullType

from layers.profile.grammar import LayerDefinition

from .cell_sql import cell, fixed, in_string, joined
from .plain_cells import PLAIN
from .relation_sql import SHAPE, Relation, Wanted
from .shape_form import as_geojson

_HEAD, _TITLE, _SHAPE, _PROPERTIES = '{"type":"Feature","id":', ',"title":', ',"geometry":', ',"properties":'
_LAYER = table("layer", column("id"), column("revision"), schema="catalogue")


def paged_features(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """Beside the features the revision, of the same snapshot: a notification of it may still be on its way."""
    return drawn_features(asked, definition, wanted).add_columns(_standing_on(definition))


def _standing_on(definition: LayerDefinition) -> ColumnElement[Any]:
    return select(_LAYER.c.revision).where(_LAYER.c.id == definition.id).scalar_subquery().label("revision")


def sorted_features(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    assert wanted.sort is not None
    place = func.to_json(asked.rows.c[wanted.sort.name], type_=Text())
    return drawn_features(asked, definition, wanted).add_columns(place.label("place"), _standing_on(definition))


def counted(asked: Relation, _definition: LayerDefinition, _wanted: Wanted) -> Select[Any]:
    capped = asked.select(asked.rows.c.fid).subquery("capped")
    return select(func.count().label("n")).select_from(capped)


def surrounding(asked: Relation, _definition: LayerDefinition, _wanted: Wanted) -> Select[Any]:
    around = func.ST_Extent(asked.rows.c[SHAPE], type_=NullType())
    sides = {"west": "ST_XMin", "south": "ST_YMin", "east": "ST_XMax", "north": "ST_YMax"}
    return asked.select(*(getattr(func, side)(around, type_=Double()).label(name) for name, side in sides.items()))


def drawn_features(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> Select[Any]:
    """One text a feature. Where the row's cells are JSON as they stand they are only put together: the same text."""
    if not wanted.columns:
        return asked.select(_looked_up(asked, definition, wanted, fixed("{}")))
    shown = select(*(asked.rows.c[name] for name in wanted.columns)).correlate(asked.rows).lateral("properties")
    as_json = func.row_to_json(literal_column("properties"), type_=Text())
    looked_up = _looked_up(asked, definition, wanted, as_json)
    if not wanted.is_text:
        return asked.select(looked_up, beside=shown)
    drawn = case((asked.rows.c[PLAIN], _put_together(asked, definition, wanted)), else_=looked_up)
    return asked.select(drawn, beside=shown)


def _looked_up(
    asked: Relation, definition: LayerDefinition, wanted: Wanted, properties: ColumnElement[Any]
) -> ColumnElement[Any]:
    fid = cast(asked.rows.c.fid, Text)
    parts: list[ColumnElement[Any]] = [fixed(_HEAD), fid, *_title(definition, asked)]
    parts += [fixed(_SHAPE), _geometry(asked, wanted), fixed(_PROPERTIES), properties, fixed("}")]
    return func.concat(*parts, type_=Text())


def _put_together(asked: Relation, definition: LayerDefinition, wanted: Wanted) -> ColumnElement[Any]:
    """Of a plain row: no cell is looked at, none is escaped."""
    parts: list[ColumnElement[Any] | str] = [_HEAD, cast(asked.rows.c.fid, Text), *_plain_title(definition, asked)]
    parts += [_SHAPE, _geometry(asked, wanted), _PROPERTIES]
    for number, name in enumerate(wanted.columns):
        attribute = definition.attribute(name)
        assert attribute is not None  # a decision names columns of its definition
        key = ("," if number else "{") + json.dumps(name) + ":"
        parts += cell(attribute.type, key, asked.rows.c[name])
    return joined([*parts, "}}"])


def _geometry(asked: Relation, wanted: Wanted) -> ColumnElement[Any]:
    if not wanted.has_geometry:
        return fixed("null")
    return func.coalesce(as_geojson(asked.leaving(wanted.form), wanted.form), fixed("null"), type_=Text())


def _title(definition: LayerDefinition, asked: Relation) -> list[ColumnElement[Any]]:
    """The label as a foreign member, when the relation shows every column it is made of."""
    pieces = _label(definition, asked)
    texts: list[ColumnElement[Any]] = [
        cast(asked.rows.c[piece], Text) if number % 2 else fixed(piece) for number, piece in enumerate(pieces)
    ]
    return [fixed(_TITLE), cast(func.to_json(func.concat(*texts, type_=Text())), Text)] if texts else []


def _plain_title(definition: LayerDefinition, asked: Relation) -> list[ColumnElement[Any] | str]:
    pieces = _label(definition, asked)
    attributes = map(definition.attribute, pieces[1::2])
    if not pieces or any(each is None or not each.is_scalar for each in attributes):
        return list(_title(definition, asked))  # a list is written with quotes
    nothing = fixed("")
    texts = [
        func.coalesce(cast(asked.rows.c[piece], Text), nothing, type_=Text()) if number % 2 else in_string(piece)
        for number, piece in enumerate(pieces)
    ]
    return [_TITLE + '"', *texts, '"']


def _label(definition: LayerDefinition, asked: Relation) -> list[str]:
    """Fixed texts and names of columns in turn; empty where a column of it is not shown."""
    pieces = re.split(r"{(\w+)}", definition.label or "")
    names = pieces[1::2]
    return pieces if names and all(name in asked.rows.c for name in names) else []


def fid_of(feature: bytes) -> int:
    """The id in the bytes of a feature that `page` returned."""
    begin = len(_HEAD)
    return int(feature[begin : feature.index(b",", begin)])
