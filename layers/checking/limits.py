"""Do features reach farther than a rule looks for candidates? A layer of which that is so is not checked."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from gis.procedure import Rule
from layers.store.checks import CandidatesError, CutLayer
from layers.store.connection import Database
from layers.store.largest import known_largest, largest_of

from .distances import BEYOND_LIMIT, limits_of


async def beyond_limits(
    database: Database, rules: Sequence[Rule], cut: Mapping[str, CutLayer], read: Container[int]
) -> dict[int, CandidatesError]:
    """The numbers of the rules that must not be answered, with the reason; only those that were read are looked at."""
    far: dict[str, CandidatesError] = {}
    for number, rule in enumerate(rules):
        limits = limits_of(rule)
        if not limits or number not in read or rule.layer in far:
            continue
        layer = cut[rule.layer]
        known = known_largest(database.largest, layer.number, layer.revision, list(limits))
        found = known if known is not None else await _read(database, layer, list(limits))
        if isinstance(found, CandidatesError):
            far[rule.layer] = found
        elif any(found[column] > most for column, most in limits.items()):
            far[rule.layer] = CandidatesError(BEYOND_LIMIT)
    return {number: far[rule.layer] for number, rule in enumerate(rules) if rule.layer in far}


async def _read(database: Database, layer: CutLayer, columns: Sequence[str]) -> Mapping[str, float] | CandidatesError:
    try:
        async with database.connection() as connection:
            return await largest_of(connection, database.largest, layer.number, layer.revision, columns)
    except CandidatesError as error:
        return error
