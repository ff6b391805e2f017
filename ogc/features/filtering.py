"""What decides whether a feature is in a list: `filter` with its language and system, `q`, and queryables by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from layers.access.decide import Decision
from layers.filters import (
    Comparison,
    Expression,
    Property,
    Search,
    WrittenIn,
    load_json,
    parse_json,
    parse_text,
    typed,
)
from layers.filters.folding import searchable
from layers.filters.kinds import KINDS
from layers.filters.tree import Constant
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from ogc.common.crs_names import CRS84, WGS84_SRID, Crs, known, named
from ogc.common.parameters import Parameters, one_of

PARAMETERS = ("filter", "filter-lang", "filter-crs", "q")
#: of `q`: signs as they were sent, and terms
MAX_SEARCH, MAX_TERMS = 200, 8
#: letters of the longest filter that is remembered as it was read
_SHORT = 2000


def conditions(
    parameters: Parameters,
    definition: LayerDefinition,
    decision: Decision,
    names: Mapping[str, str],
    profile: Profile,
) -> list[Expression]:
    """All of them must hold. Names and types in `filter` are checked where it is compiled."""
    found = [*_equalities(parameters, names), _filter(parameters, profile), _search(parameters, definition, decision)]
    return [condition for condition in found if condition is not None]


def _equalities(parameters: Parameters, names: Mapping[str, str]) -> list[Expression]:
    """`?attribute=value` (Features 3, queryables as query parameters)."""
    given = parameters.others([name for name, of in names.items() if of in KINDS])
    return [
        Comparison("=", Property(name), typed(_said(value, names[name]), name, names)) for name, value in given.items()
    ]


def _said(value: str, kind: str) -> str:
    """GDAL writes yes and no as 1 and 0."""
    return {"1": "true", "0": "false"}.get(value, value) if kind == "boolean" else value


def _filter(parameters: Parameters, profile: Profile) -> Expression | None:
    language = parameters.parsed("filter-lang", one_of("cql2-text", "cql2-json")) or "cql2-text"
    crs = parameters.parsed("filter-crs", lambda text: named(text, profile))
    text = parameters.get("filter")
    if text is None:
        return None
    read = _read if len(text) <= _SHORT else _read.__wrapped__
    header = profile.header.crs
    return read(text, language, crs or known(profile)[CRS84], Projection(header.storage, header.to_wgs84))


@lru_cache(maxsize=256)
def _read(text: str, language: str, crs: Crs, projection: Projection) -> Expression:
    """It hangs on nothing else, and all pages of a walk ask it again. What it may name is checked each time."""
    shapes = _written_in(crs, projection)
    if language == "cql2-json":
        return parse_json(load_json(text), written_in=shapes)
    return parse_text(text, written_in=shapes)


def written_in(crs: Crs, profile: Profile) -> WrittenIn:
    """How shapes in this system are read. What lies outside of it has no finite place, and is refused as such.

    Corners are put on the grid of stored ones: a corner copied from a file, or from an answer in the storage system,
    is again the one that is stored, so S_TOUCHES and S_EQUALS mean what they say.
    """
    header = profile.header.crs
    return _written_in(crs, Projection(header.storage, header.to_wgs84))


def _written_in(crs: Crs, projection: Projection) -> WrittenIn:

    def moved(shape: BaseGeometry) -> BaseGeometry:
        found: BaseGeometry = projection.as_stored(np.array([shape], dtype=object), crs.name)[0]
        return found

    is_geographic = crs.srid == WGS84_SRID
    return WrittenIn(moved, is_latitude_first=crs.is_latitude_first, is_geographic=is_geographic)


# ── q (text search) ──────────────────────────────────────────────────────────────────────────────


def _search(parameters: Parameters, definition: LayerDefinition, decision: Decision) -> Expression | None:
    terms = parameters.parsed("q", search_terms)
    if terms is None:
        return None
    columns = searched_columns(definition, decision)
    return Search(columns, terms) if columns else Constant(False)


def search_terms(text: str) -> tuple[str, ...]:
    """Terms between commas, any of which is looked for; the words of a term stand together in their order."""
    terms = tuple(dict.fromkeys(searchable(part) for part in text.split(",")))
    if len(text) > MAX_SEARCH or len(terms) > MAX_TERMS:
        raise ValueError(
            f"tối đa {MAX_SEARCH} ký tự và {MAX_TERMS} cụm từ", f"at most {MAX_SEARCH} characters and {MAX_TERMS} terms"
        )
    if not all(term.strip() for term in terms):
        raise ValueError("cần từ để tìm, các cụm cách nhau bằng dấu phẩy", "words to look for, terms between commas")
    return terms


def searched_columns(definition: LayerDefinition, decision: Decision) -> tuple[str, ...]:
    """The texts the caller may see: those with an index of words where there are any, else all of them."""
    shown = [each for each in definition.attributes if each.type == "string" and each.name in decision.columns]
    indexed = [attribute for attribute in shown if attribute.searchable]
    return tuple(attribute.name for attribute in indexed or shown)
