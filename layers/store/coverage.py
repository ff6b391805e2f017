"""What the matrix of coverage is made of, read from the check engine's own tables at one revision of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .connection import Connection, row, rows
from .statements import blocks

_SQL = "coverage"


@dataclass(frozen=True, slots=True)
class CommunePiece:
    """A piece of a commune in the CRS of a zone, as WKB."""

    code: str
    zone: int
    wkb: bytes


@dataclass(frozen=True, slots=True)
class MappedPiece:
    """`kind`: everywhere (no shape), area or refused."""

    kind: str
    zone: int | None
    wkb: bytes | None


@dataclass(frozen=True, slots=True)
class PlacePart:
    """A part of a numbered place in the CRS of a zone, as WKB."""

    number: int
    zone: int
    wkb: bytes


async def read_communes(connection: Connection, layer: int, revision: int, column: str | None) -> list[CommunePiece]:
    """`column` holds the code; None: the key does."""
    values = {"layer": layer, "revision": revision, "column": column or ""}
    found = await rows(connection, blocks(_SQL)["communes"], values)
    return [CommunePiece(each["code"], each["zone"], bytes(each["geom"])) for each in found if each["code"] is not None]


async def read_mapped(connection: Connection, layer: int, revision: int) -> list[MappedPiece]:
    found = await rows(connection, blocks(_SQL)["mapped"], {"layer": layer, "revision": revision})
    return [
        MappedPiece(each["kind"], each["zone"], None if each["geom"] is None else bytes(each["geom"]))
        for each in found
    ]  # fmt: skip


async def count_unplaced(connection: Connection, layer: str, revision: int) -> int:
    """Refused rows whose place is not known."""
    found = await row(connection, blocks(_SQL)["unplaced"], {"layer": layer, "revision": revision})
    return int(found["count"]) if found else 0


async def places_holding(
    connection: Connection, layer: int, revision: int, parts: Sequence[PlacePart]
) -> frozenset[int]:
    """The numbers of the places that some feature of the layer reaches into."""
    values = {
        "layer": layer, "revision": revision, "numbers": [part.number for part in parts],
        "zones": [part.zone for part in parts], "parts": [part.wkb for part in parts],
    }  # fmt: skip
    return frozenset(each["number"] for each in await rows(connection, blocks(_SQL)["holding"], values))


async def communes_of_entries(connection: Connection, layer: int, revision: int) -> frozenset[str | None]:
    """The communes that a register's entries are keyed to; None stands for one that names none."""
    found = await rows(connection, blocks(_SQL)["entries"], {"layer": layer, "revision": revision})
    return frozenset(each["code"] for each in found)


async def parcels_by_commune(connection: Connection, layer: int, revision: int, column: str) -> dict[str, int]:
    values = {"layer": layer, "revision": revision, "column": column}
    found = await rows(connection, blocks(_SQL)["parcels"], values)
    return {each["code"]: each["count"] for each in found if each["code"] is not None}
