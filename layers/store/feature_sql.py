"""A feature as one text that the database builds: GeoJSON in UTF-8, drawn from the relation's shown columns."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Double, Select, Text, cast, column, func, literal, literal_column, select, table
from sqlalchemy.types import NullType

from layers.profile.grammar import LayerDefinition

from .relation_sql import SHAPE, Relation, Wanted
from .shape_form import as_geojson

_HEAD = '{"type":"Feature","id":'
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
    """One text a feature."""
    fid = cast(asked.rows.c.fid, Text)
    parts: list[ColumnElement[Any]] = [_text(_HEAD), fid, *_title(definition, asked)]
    parts += [_text(',"geometry":'), _geometry(asked, wanted), _text(',"properties":')]
    if not wanted.columns:
        return asked.select(func.concat(*parts, _text("{}}"), type_=Text()))
    shown = select(*(asked.rows.c[name] for name in wanted.columns)).correlate(asked.rows).lateral("properties")
    as_json = func.row_to_json(literal_column("properties"), type_=Text())
    return asked.select(func.concat(*parts, as_json, _text("}"), type_=Text()), beside=shown)


def _text(fixed: str) -> ColumnElement[str]:
    return literal(fixed, Text)


def _geometry(asked: Relation, wanted: Wanted) -> ColumnElement[Any]:
    if not wanted.has_geometry:
        return _text("null")
    return func.coalesce(as_geojson(asked.leaving(wanted.form), wanted.form), _text("null"), type_=Text())


def _title(definition: LayerDefinition, asked: Relation) -> list[ColumnElement[Any]]:
    """The label as a foreign member, when the relation shows every column it is made of."""
    pieces = re.split(r"{(\w+)}", definition.label or "")
    names = pieces[1::2]
    if not names or any(name not in asked.rows.c for name in names):
        return []
    texts: list[ColumnElement[Any]] = [
        cast(asked.rows.c[piece], Text) if number % 2 else _text(piece) for number, piece in enumerate(pieces)
    ]
    return [_text(',"title":'), cast(func.to_json(func.concat(*texts, type_=Text())), Text)]


def fid_of(feature: bytes) -> int:
    """The id in the bytes of a feature that `page` returned."""
    begin = len(_HEAD)
    return int(feature[begin : feature.index(b",", begin)])
