"""Distances of rules that hang on columns of a feature or on where a text measures from: what they need, and values."""

from __future__ import annotations

from collections.abc import Iterator

from gis.errors import Message
from gis.procedure import DistanceTerms, HalfWidth, Origin, origin_lies

from .grammar import LayerDefinition, OriginByColumn
from .procedures import DistanceByClass, DistanceByColumn, RelationCheck
from .source import Location

_NUMBERS = ("number", "integer")


def has_terms(relation: RelationCheck) -> bool:
    """The distance is more than one number from the shape as it is drawn."""
    return relation.measured_from is not None or isinstance(relation.distance_m, DistanceByColumn | DistanceByClass)


def largest_distance_m(relation: RelationCheck) -> float | None:
    """The largest distance of any feature; None where an input decides."""
    distance = relation.distance_m
    if isinstance(distance, DistanceByColumn):
        return max(distance.at_most_m, distance.otherwise_m)
    if isinstance(distance, DistanceByClass):
        return max(*distance.metres.values(), distance.otherwise_m or 0.0)
    return None if isinstance(distance, str) else float(distance)


def largest_reach_m(relation: RelationCheck, layer: LayerDefinition | None) -> float | None:
    """How far from a subject a feature can matter; None where an input decides."""
    distance = largest_distance_m(relation)
    if distance is None or not has_terms(relation):
        return distance
    half = layer.half_width.at_most_m if layer and layer.half_width else 0.0
    return distance + max(half, relation.origin_margin_m or 0.0)


def terms_of(relation: RelationCheck, layer: LayerDefinition, distance_m: float) -> DistanceTerms | None:
    """The terms of a rule whose largest distance is given; None where one number and the shape say all."""
    if not has_terms(relation):
        return None
    distance = relation.distance_m
    otherwise = distance.otherwise_m if isinstance(distance, DistanceByColumn | DistanceByClass) else None
    origin = layer.origin
    by_column = origin if isinstance(origin, OriginByColumn) else None
    half = _half_width(relation, layer)
    return DistanceTerms(
        otherwise_m=distance_m if otherwise is None else otherwise,
        column=distance.column if isinstance(distance, DistanceByColumn) else None,
        by=distance.columns if isinstance(distance, DistanceByClass) else (),
        metres=dict(distance.metres) if isinstance(distance, DistanceByClass) else {},
        measured_from=relation.measured_from,
        origin=origin.otherwise if isinstance(origin, OriginByColumn) else origin,
        origin_column=by_column.column if by_column else None,
        origins=dict(by_column.kinds) if by_column else {},
        half_width=half,
        margin_m=relation.origin_margin_m or (half.at_most_m if half else 0.0),
    )


def _half_width(relation: RelationCheck, layer: LayerDefinition) -> HalfWidth | None:
    """Where it leads to what the rule measures from."""
    half = layer.half_width
    if half is None or half.to is not relation.measured_from:
        return None
    return HalfWidth(half.column, half.to, 0.5 if half.whole else 1.0, half.at_most_m)


def columns_of(relation: RelationCheck, layer: LayerDefinition) -> frozenset[str]:
    """The columns that a rule's distance reads."""
    terms = terms_of(relation, layer, 0.0)
    return frozenset(terms.columns) if terms else frozenset()


def drawn_origins(layer: LayerDefinition) -> frozenset[Origin]:
    """All that shapes of the layer may show."""
    if isinstance(layer.origin, OriginByColumn):
        return frozenset((*layer.origin.kinds.values(), layer.origin.otherwise))
    return frozenset() if layer.origin is None else frozenset((layer.origin,))


def distance_errors(relation: RelationCheck, layer: LayerDefinition) -> Iterator[tuple[Location, Message]]:
    """What a rule asks of a layer and the layer does not have; the place is that within the rule."""
    distance = relation.distance_m
    if isinstance(distance, DistanceByColumn):
        yield from _numeric_error(layer, ("distance_m", "column"), distance.column)
        if distance.otherwise_m > distance.at_most_m:
            yield ("distance_m", "otherwise_m"), Message("lớn hơn at_most_m", "is larger than at_most_m")
    if isinstance(distance, DistanceByClass):
        for column in distance.columns:
            if layer.attribute(column) is None:
                yield ("distance_m", "by"), _no_column(layer, column)
    if relation.measured_from is None:
        if relation.origin_margin_m is not None:
            yield ("origin_margin_m",), Message("cần 'measured_from'", "needs 'measured_from'")
        return
    yield from _origin_errors(relation, layer, relation.measured_from)


def _origin_errors(
    relation: RelationCheck, layer: LayerDefinition, legal: Origin
) -> Iterator[tuple[Location, Message]]:
    drawn = drawn_origins(layer)
    if not drawn:
        vi = f"lớp '{layer.id}' chưa khai 'origin' (hình vẽ thể hiện gì)"
        yield ("measured_from",), Message(vi, f"the layer '{layer.id}' does not say what its shapes show ('origin')")
        return
    unknown = sorted(origin.value for origin in drawn if any(origin_lies(origin, legal)))
    if unknown and relation.origin_margin_m is None and _half_width(relation, layer) is None:
        listed = ", ".join(unknown)
        yield (
            ("measured_from",),
            Message(
                f"lớp '{layer.id}' thể hiện {listed}, không phải {legal}; cần 'origin_margin_m' hoặc half_width",
                f"the layer '{layer.id}' shows {listed}, not {legal}: give 'origin_margin_m' or the layer's half_width",
            ),
        )


def layer_origin_errors(layer: LayerDefinition) -> Iterator[tuple[Location, Message]]:
    """Columns that the origin and the half width of a layer name and the layer does not have."""
    if isinstance(layer.origin, OriginByColumn) and layer.attribute(layer.origin.column) is None:
        yield ("origin", "column"), _no_column(layer, layer.origin.column)
    if layer.half_width is not None:
        yield from _numeric_error(layer, ("half_width", "column"), layer.half_width.column)
        if Origin.CENTRELINE not in drawn_origins(layer):
            vi, en = "'half_width' cần 'origin: centreline'", "'half_width' needs 'origin: centreline'"
            yield ("half_width",), Message(vi, en)


def _numeric_error(layer: LayerDefinition, at: Location, column: str) -> Iterator[tuple[Location, Message]]:
    attribute = layer.attribute(column)
    if attribute is None:
        yield at, _no_column(layer, column)
    elif attribute.type not in _NUMBERS:
        yield at, Message(f"cột '{column}' không phải là số", f"the column '{column}' is not a number")


def _no_column(layer: LayerDefinition, column: str) -> Message:
    return Message(f"lớp '{layer.id}' không có cột '{column}'", f"the layer '{layer.id}' has no column '{column}'")
