"""How much of a layer's findings a caller may be shown. It never changes what is measured (design, principle 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from layers.access.decide import SHOWING, Box, Decision, decide
from layers.access.grammar import Action, Grant
from layers.access.ownership import is_owner
from layers.access.principal import Principal
from layers.filters import evaluate
from layers.profile.grammar import LayerDefinition


@dataclass(frozen=True, slots=True)
class Sight:
    """The caller's rights on one layer: what `items` and `check` grants add up to.

    A layer is *reserved* where a check would tell what the caller may not see: it may be checked and either not be seen
    at all (`is_check_only`), or not every row of it, as exactly as it is measured, with the columns that outcomes
    depend on. An outcome is then an answer about hidden things, whichever way it falls; so is showing it or not by what
    was met. Only policy decides, never the data.
    """

    boxes: tuple[Box, ...]
    grants: tuple[str, ...]
    is_visible: bool
    is_reserved: bool = False
    is_check_only: bool = False
    may_check: bool = True
    hides_activity: bool = False  #: that and when the layer was revised is not told
    is_secret: bool = False  #: that there is such a layer is not told
    sees_all_rows: bool = True  #: as they are measured

    @property
    def is_allowed(self) -> bool:
        return bool(self.boxes)

    @property
    def is_open(self) -> bool:
        """Findings are shown with measures and features."""
        return self.is_allowed and not self.is_reserved

    @property
    def tells_activity(self) -> bool:
        """Revisions, releases and their days may be named."""
        return self.is_allowed and not self.is_check_only and not self.hides_activity

    def columns(self, attributes: Mapping[str, object]) -> frozenset[str] | None:
        """The columns shown of one row; None when the row is outside every grant.

        A rule that reads a column the row does not carry is unknown, and unknown shows nothing.
        """
        holding = [box for box in self.boxes if box.rows is None or evaluate(box.rows, attributes) is True]
        return frozenset(column for box in holding for column in box.columns) if holding else None


#: of a layer that nobody knows any more: not even its name is told
UNKNOWN = Sight((), (), is_visible=False, is_secret=True, sees_all_rows=False)


def sight_of(
    principal: Principal,
    definition: LayerDefinition,
    grants: Sequence[Grant],
    *,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
    outcome_columns: frozenset[str] = frozenset(),
) -> Sight:
    """The caller's sight of a layer on one day for one purpose; checks of it depend on `outcome_columns`."""

    def may(action: Action) -> Decision:
        return decide(
            principal, definition, action, grants, purpose=purpose, day=day, active_agreements=active_agreements
        )

    decisions = items, check = may("items"), may("check")
    boxes = tuple(dict.fromkeys(box for decision in decisions for box in decision.boxes))
    is_visible = items.is_visible or check.is_visible
    # the other actions are asked only where items do not settle it: every check of every caller comes by here
    sees_all = _sees_all((items,), definition, outcome_columns)
    showing = (items,) if sees_all else (items, *(may(action) for action in SHOWING if action != "items"))
    sees_all = sees_all or _sees_all(showing, definition, outcome_columns)
    owns = not sees_all and is_owner(principal, definition, grants, day=day, active_agreements=active_agreements)
    is_reserved = bool(boxes) and not sees_all and not owns
    return Sight(
        boxes=boxes,
        grants=tuple(dict.fromkeys(grant for decision in decisions for grant in decision.grants)),
        is_visible=is_visible,
        is_reserved=is_reserved,
        is_check_only=is_reserved and not any(decision.is_allowed for decision in showing),
        may_check=check.is_allowed,
        hides_activity=items.hides_activity,
        is_secret=definition.existence == "secret" and not is_visible,
        sees_all_rows=sees_all or owns,
    )


def _sees_all(decisions: Sequence[Decision], definition: LayerDefinition, needed: frozenset[str]) -> bool:
    """Whether every row is shown as exactly as a check measures it, with all that its outcome may depend on."""
    whole = [
        box
        for decision in decisions
        for box in decision.boxes
        if box.rows is None and (box.geometry.kind == "full" or definition.geometry == "none")
    ]
    return bool(whole) and needed <= {column for box in whole for column in box.columns}
