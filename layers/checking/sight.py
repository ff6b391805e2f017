"""How much of a layer's findings a caller may be shown. It never changes what is measured (design, principle 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from layers.access.decide import Box, decide
from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.filters import evaluate
from layers.profile.grammar import LayerDefinition


@dataclass(frozen=True, slots=True)
class Sight:
    """The caller's rights on one layer: what `items` and `check` grants add up to."""

    boxes: tuple[Box, ...]
    grants: tuple[str, ...]
    is_visible: bool

    @property
    def is_allowed(self) -> bool:
        return bool(self.boxes)

    def columns(self, attributes: Mapping[str, object]) -> frozenset[str] | None:
        """The columns shown of one row; None when the row is outside every grant.

        A rule that reads a column the row does not carry is unknown, and unknown shows nothing.
        """
        holding = [box for box in self.boxes if box.rows is None or evaluate(box.rows, attributes) is True]
        return frozenset(column for box in holding for column in box.columns) if holding else None


def sight_of(
    principal: Principal,
    definition: LayerDefinition,
    grants: Sequence[Grant],
    *,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> Sight:
    """The caller's sight of a layer on one day for one purpose."""
    decisions = [
        decide(principal, definition, action, grants, purpose=purpose, day=day, active_agreements=active_agreements)
        for action in ("items", "check")
    ]
    boxes = tuple(dict.fromkeys(box for decision in decisions for box in decision.boxes))
    names = tuple(dict.fromkeys(grant for decision in decisions for grant in decision.grants))
    return Sight(boxes, names, any(decision.is_visible for decision in decisions))
