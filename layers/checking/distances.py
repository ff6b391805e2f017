"""How far each feature reaches and from where it is measured, read from its columns. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gis.candidates import Distances
from gis.procedure import DistanceTerms, Origin, Rule, origin_lies

#: of a layer that holds a larger distance or width than its rule looks for
BEYOND_LIMIT = "distance_beyond_limit"


class DistanceBeyondLimitError(ValueError):
    """A feature reaches farther than the rule says features may: candidates could be missed."""


def distances_of(rule: Rule, attributes: Sequence[Mapping[str, object]]) -> Distances | None:
    """The columns of a rule with terms; None of any other. Raises DistanceBeyondLimitError."""
    if rule.terms is None:
        return None
    each, limits = [], limits_of(rule)
    for row in attributes:
        if any((_length(row.get(column)) or 0.0) > most for column, most in limits.items()):
            raise DistanceBeyondLimitError(rule.id)
        metres = _metres(rule.terms, row)
        offset, nearer, farther, origin = _origin(rule.terms, row)
        if metres is None:  # others reach farther than what is assumed, and so may this one
            nearer += max(rule.distance_m - rule.terms.otherwise_m, 0.0)
        reach = metres if metres is not None else rule.terms.otherwise_m
        each.append((reach, offset, nearer, farther, metres is not None, origin))
    return Distances.of(each)


def limits_of(rule: Rule) -> dict[str, float]:
    """The most that columns of any feature may hold, so that no candidate is missed."""
    if rule.terms is None:
        return {}
    limits = {} if rule.terms.column is None else {rule.terms.column: rule.distance_m}
    if half := rule.terms.half_width:
        limits[half.column] = min(half.at_most_m / half.share, limits.get(half.column, math.inf))
    return limits


def _metres(terms: DistanceTerms, row: Mapping[str, object]) -> float | None:
    """What the feature itself says; None where it says nothing that the rule knows."""
    if terms.column is not None:
        return _length(row.get(terms.column))
    if not terms.by:
        return terms.otherwise_m
    words = [_word(row.get(column)) for column in terms.by]
    for count in range(len(words), 0, -1):
        known = terms.metres.get("/".join(words[:count]))
        if known is not None:
            return known
    return None


def _origin(terms: DistanceTerms, row: Mapping[str, object]) -> tuple[float, float, float, str | None]:
    """What is known to lie between the shape and the legal origin, what may, and the origin the distance leads to."""
    drawn = _drawn(terms, row)
    legal = terms.measured_from
    if legal is None:
        return 0.0, 0.0, 0.0, drawn.value if drawn else None
    nearer, farther = origin_lies(drawn, legal)
    if not nearer and not farther:
        return 0.0, 0.0, 0.0, legal.value
    if drawn is Origin.CENTRELINE and terms.half_width is not None and terms.half_width.to is legal:
        width = _length(row.get(terms.half_width.column))
        if width is not None:
            return width * terms.half_width.share, 0.0, 0.0, legal.value
    margin = terms.margin_m
    return 0.0, margin * nearer, margin * farther, drawn.value if drawn else None


def _drawn(terms: DistanceTerms, row: Mapping[str, object]) -> Origin | None:
    if terms.origin_column is None:
        return terms.origin
    return terms.origins.get(_word(row.get(terms.origin_column)), terms.origin)


def _length(value: object) -> float | None:
    """A width or distance in metres; nothing, nought and what is no number say nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None


def _word(value: object) -> str:
    """As a rule writes it: true and false, whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
