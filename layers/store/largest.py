"""The largest values of columns over all rows of a layer at a revision: how far its features reach at the most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

from .checks import CandidatesError
from .connection import Connection, rows
from .statements import blocks

#: (layer, revision, column) → metres: rows of a revision never change
Known = dict[tuple[int, int, str], float]
_MOST_KNOWN = 4096


def known_largest(known: Known, layer: int, revision: int, columns: Sequence[str]) -> Mapping[str, float] | None:
    """`largest_of` where all of it is known, else None."""
    found = {column: known.get((layer, revision, column)) for column in columns}
    told = {column: metres for column, metres in found.items() if metres is not None}
    return told if len(told) == len(found) else None


async def largest_of(
    connection: Connection, known: Known, layer: int, revision: int, columns: Sequence[str]
) -> Mapping[str, float]:
    """By column; 0 where no row has a number. What is `known` is not read again. Raises CandidatesError."""
    unknown = [column for column in columns if (layer, revision, column) not in known]
    if unknown:
        values = {"layer": layer, "revision": revision, "columns": unknown}
        try:
            found = await rows(connection, blocks("checks")["largest"], values)
        except psycopg.errors.QueryCanceled as error:
            raise CandidatesError("timeout") from error
        except psycopg.Error as error:
            raise CandidatesError("error") from error
        if len(known) > _MOST_KNOWN:
            known.clear()
        known.update({(layer, revision, each["name"]): float(each["metres"]) for each in found})
    return {column: known[layer, revision, column] for column in columns}
