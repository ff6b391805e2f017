"""Birds that sing when they get out: unique texts, numbers, days, ids and places where an audience may not look."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql

from layers.profile.grammar import LayerDefinition

from .content import worlds_profile
from .sight import Audience

SONG = "CHIMSONG"
FIRST_FID = 8_731_000_000_000_000
#: how far away every hidden shape is put, so that its coordinates look like no others
AWAY_M = 30_000
#: a longitude of that place; what is shown lies west of 106.7
_PLACE = re.compile(rb"106\.9[0-9]{3,}")
_SIGNS = (SONG.encode(), b"8731000000", b"73100", b"1873-03-17", b"17/03/1873")
_CELLS: dict[str, str] = {
    "string": "'{song}-' || fid::text",
    "code": "'{song}'",
    "number": "7310055.25",
    "integer": "7310055",
    "date": "DATE '1873-03-17'",
    "list": "jsonb_build_array(jsonb_build_object('loai', '{song}', 'dien_tich', 7310055))",
}
#: they decide who sees a row
_KEPT = frozenset({"ma_xa", "sau"})


def sung(content: bytes) -> list[str]:
    """The signs of canaries in some bytes, with what stands around them."""
    found = [content.find(sign) for sign in _SIGNS]
    places = [match.start() for match in _PLACE.finditer(content)]
    spots = [at for at in found if at >= 0] + places
    return [repr(content[max(0, at - 60) : at + 60]) for at in spots]


def plant(connection: psycopg.Connection[Any], audience: Audience) -> None:
    """Put a canary wherever nobody of the audience may look."""
    for layer in worlds_profile().layers:
        for attribute in layer.attributes:
            if attribute.name not in _KEPT:
                cell = _CELLS[attribute.type].format(song=f"{SONG}-{layer.id}-{attribute.name}")
                _set(connection, layer, attribute.name, cell, audience.hidden_cells(layer.id, attribute.name))
        _hide_rows(connection, layer, audience.hidden_rows(layer.id))
        if layer.has_geometry:
            _take_away(connection, layer, audience.shapes(layer.id, "none"))
        _refresh_facts(connection, layer)
        if not audience.may_know_activity(layer.id):
            connection.execute("UPDATE catalogue.release SET note = %s WHERE layer = %s", (f"{SONG}-note", layer.id))
    _sing_of_others(connection)


def _run(connection: psycopg.Connection[Any], layer: LayerDefinition, statement: str, values: Any = ()) -> None:
    table = sql.Identifier("data", layer.id)
    connection.execute(sql.SQL(statement).format(table=table), values or None)  # type: ignore[arg-type]


def _set(connection: psycopg.Connection[Any], layer: LayerDefinition, name: str, cell: str, hidden: str) -> None:
    _run(connection, layer, f'UPDATE {{table}} SET "{name}" = {cell} WHERE {hidden}')


def _hide_rows(connection: psycopg.Connection[Any], layer: LayerDefinition, hidden: str) -> None:
    """Hidden rows get ids that no request names."""
    connection.execute("DROP TABLE IF EXISTS renamed")
    _run(connection, layer, "CREATE TEMP TABLE renamed AS SELECT fid AS old,"
         f" {FIRST_FID} + row_number() OVER (ORDER BY fid) AS new FROM {{table}}"
         f" GROUP BY fid HAVING bool_and({hidden})")  # fmt: skip
    _run(connection, layer, "UPDATE {table} SET fid = new FROM renamed WHERE fid = old")
    for table in ("checks.fact", "checks.piece"):
        connection.execute(
            f"UPDATE {table} SET fid = new FROM renamed, catalogue.layer AS known"  # type: ignore[arg-type]
            " WHERE known.id = %s AND layer = known.number AND fid = old", (layer.id,)
        )  # fmt: skip


def _take_away(connection: psycopg.Connection[Any], layer: LayerDefinition, hidden: str) -> None:
    _run(connection, layer, "UPDATE checks.piece SET geom = ST_Translate(piece.geom, %s, 0)"
         " FROM {table} AS row, catalogue.layer AS known WHERE known.id = %s AND piece.layer = known.number"
         f" AND piece.fid = row.fid AND piece.since = row.since AND {hidden}", (AWAY_M, layer.id))  # fmt: skip
    _run(connection, layer, f"UPDATE {{table}} SET geom = ST_Translate(geom, %s, 0) WHERE {hidden}", (AWAY_M,))
    _run(connection, layer, "UPDATE {table} SET geom_4326 = ST_ForcePolygonCCW(ST_Transform(geom, 4326)),"
         f" geom_3857 = ST_ForcePolygonCW(ST_Transform(geom, 3857)) WHERE {hidden}")  # fmt: skip


def _refresh_facts(connection: psycopg.Connection[Any], layer: LayerDefinition) -> None:
    """What the engine reads is what the rows say."""
    if layer.key_columns:
        key = sql.SQL(" || '.' || ").join(map(sql.Identifier, layer.key_columns))
        table = sql.Identifier("data", layer.id)
        connection.execute(sql.SQL("UPDATE {} SET key = {}").format(table, key))
    _run(connection, layer, "UPDATE checks.fact SET key = row.key, attributes ="
         " (SELECT coalesce(jsonb_object_agg(name, to_jsonb(row) -> name), '{{}}')"
         "  FROM jsonb_object_keys(attributes) AS name)"
         " FROM {table} AS row, catalogue.layer AS known"
         " WHERE known.id = %s AND fact.layer = known.number AND fact.fid = row.fid AND fact.since = row.since",
         (layer.id,))  # fmt: skip


def _sing_of_others(connection: psycopg.Connection[Any]) -> None:
    """Others read what they may, under dossiers of their own."""
    connection.execute(
        "INSERT INTO access.event (principal, action, layer, decision, reason, dossier)"
        " SELECT %s, 'items', id, 'allow', 'granted', %s FROM catalogue.layer WHERE id = ANY(%s)",
        (f"{SONG}-who", f"{SONG}-HS", ["plan", "line", "draft"]),
    )
