"""What a tile carries of a layer, by its definition."""

from __future__ import annotations

from collections.abc import Sequence

from layers.access.decide import Decision
from layers.profile.grammar import LayerDefinition


def is_coverage(definition: LayerDefinition) -> bool:
    """Whether the layer's rows lie side by side, so that far away one stands for a cell (`gis.zoom`)."""
    return definition.style.get("coverage") is True and "Polygon" in definition.stored_geometry


def cell_columns(definition: LayerDefinition, names: Sequence[str]) -> frozenset[str]:
    """What a cell carries: what it may be coloured by. A name would stand on the ground of others."""
    paints = styled(definition.style)
    return frozenset(
        attribute.name
        for attribute in definition.attributes
        if attribute.name in names and (attribute.type == "code" or bool(attribute.enum) or attribute.name in paints)
    )


def tile_columns(definition: LayerDefinition, decision: Decision) -> tuple[str, ...]:
    """What a map needs of a feature: its label and what it may be coloured by. The rest is one click away."""
    labelled = definition.label or ""
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.name in decision.columns
        and attribute.is_scalar
        and (
            f"{{{attribute.name}}}" in labelled
            or attribute.indexed
            or bool(attribute.enum)
            or attribute.type == "code"
            or attribute.name in styled(definition.style)
        )
    )


def styled(style: object) -> frozenset[str]:
    """The attributes a MapLibre paint reads: every text in it that could be a name."""
    if isinstance(style, dict):
        return frozenset().union(*map(styled, style.values()))
    if isinstance(style, list | tuple):
        return frozenset().union(*map(styled, style))
    return frozenset({style}) if isinstance(style, str) else frozenset()
