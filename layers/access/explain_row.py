"""Why somebody sees one row, or does not, and which of its cells: for those who answer for the layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gis.errors import Message
from layers.filters import evaluate
from layers.profile.grammar import LayerDefinition

from .box import Box, GeometryLevel
from .decide import decide
from .evaluate import Row, shown_row
from .explain import require_owner
from .grammar import Action, Grant
from .matching import Circumstances, box_of, own_grants
from .principal import Principal
from .words import level_words


@dataclass(frozen=True, slots=True)
class GrantOnRow:
    """What one grant that holds says of the row: true, false, or None where its rule meets NULL."""

    grant: str
    has_row: bool | None
    columns: tuple[str, ...]
    why: Message

    def as_dict(self) -> dict[str, object]:
        return {
            "grant": self.grant, "has_row": self.has_row, "columns": list(self.columns), "why": self.why.as_dict(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowExplanation:
    """`columns` are the cells shown of this row, `masked` those the caller is shown of other rows only."""

    is_shown: bool
    columns: tuple[str, ...]
    masked: tuple[str, ...]
    geometry: GeometryLevel | None
    grants: tuple[GrantOnRow, ...]

    def as_dict(self) -> dict[str, object]:
        return {
            "is_shown": self.is_shown, "columns": list(self.columns), "masked": list(self.masked),
            "geometry": None if self.geometry is None else level_words(self.geometry).as_dict(),
            "grants": [each.as_dict() for each in self.grants],
        }  # fmt: skip


def explain_row(
    principal: Principal,
    definition: LayerDefinition,
    action: Action,
    grants: Sequence[Grant],
    row: Row,
    *,
    about: Principal,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> RowExplanation:
    """What `about` is shown of a stored row. Raises NotFoundError or ForbiddenError for all but the layer's owners."""
    require_owner(principal, definition, grants, day=day, active_agreements=active_agreements)
    decision = decide(about, definition, action, grants, purpose=purpose, day=day, active_agreements=active_agreements)
    shown = shown_row(decision, row)
    columns = () if shown is None else shown.columns
    when = Circumstances(day, purpose, active_agreements)
    return RowExplanation(
        is_shown=shown is not None,
        columns=columns,
        masked=() if shown is None else tuple(name for name in decision.columns if name not in columns),
        geometry=None if shown is None or not definition.has_geometry else shown.geometry,
        grants=_on_row(about, definition, action, tuple(grants), when, row),
    )


def _on_row(
    about: Principal,
    definition: LayerDefinition,
    action: Action,
    grants: tuple[Grant, ...],
    when: Circumstances,
    row: Row,
) -> tuple[GrantOnRow, ...]:
    """One account for each grant that holds; the operator stands on none."""
    if about.is_operator:
        return ()
    own = [grant for grant in own_grants(about, definition, grants) if action in grant.actions]
    boxes = [(grant.id, box_of(grant, about, definition, when)) for grant in own]
    return tuple(_account(name, box, row) for name, box in boxes if isinstance(box, Box))


def _account(grant: str, box: Box, row: Row) -> GrantOnRow:
    has_row = True if box.rows is None else evaluate(box.rows, row)
    return GrantOnRow(grant, has_row, box.columns if has_row else (), _WHY[has_row])


_WHY: dict[bool | None, Message] = {
    True: Message("hàng thuộc quyền này", "the row is within this grant"),
    False: Message("hàng nằm ngoài quy tắc hàng", "the row is outside its row rule"),
    None: Message(
        "quy tắc hàng gặp ô trống, nên không cho xem", "its row rule meets an empty cell, which shows nothing"
    ),
}
