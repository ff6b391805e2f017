"""What a policy would change on the data as they are now: per caller, layer and action, rows, columns, precision.

Everything is counted in the database on the authorised relations of the two policies, by set difference of ids. What a
caller sees is the union over the purposes they may name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol, get_args

from layers.access.box import Box, GeometryLevel, normal_form
from layers.access.decide import decide
from layers.access.grammar import Action, Grant
from layers.access.matrix import Subject, subjects_of
from layers.profile.grammar import LayerDefinition
from layers.store.catalogue import Catalogue
from layers.store.connection import Connection
from layers.store.reach import Beyond, count_beyond

from .subjects import Purposes, purposes_for

Boxes = tuple[Box, ...]
Within = Callable[[LayerDefinition], Boxes | None]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class Effect:
    """One caller, one layer, one action. A column counts the rows in which its cell appears or disappears; of columns
    shown before and after only rows count that are shown before and after."""

    subject: Subject
    layer: str
    action: Action
    was_allowed: bool
    is_allowed: bool
    rows_gained: int = 0
    rows_lost: int = 0
    columns_gained: Mapping[str, int] = field(default_factory=dict)
    columns_lost: Mapping[str, int] = field(default_factory=dict)
    levels_before: tuple[GeometryLevel, ...] = ()
    levels_after: tuple[GeometryLevel, ...] = ()
    rows_finer: int = 0  #: shown before and after, now more exactly
    rows_coarser: int = 0

    def as_dict(self) -> dict[str, object]:
        return {
            "subject": {"kind": self.subject.kind, "name": self.subject.name, "title": self.subject.title.as_dict()},
            "layer": self.layer, "action": self.action,
            "before": _word(self.was_allowed), "after": _word(self.is_allowed),
            "rows": {"gained": self.rows_gained, "lost": self.rows_lost},
            "columns": {"gained": dict(self.columns_gained), "lost": dict(self.columns_lost)},
            "geometry": {
                "before": [_level(level) for level in self.levels_before],
                "after": [_level(level) for level in self.levels_after],
                "finer": self.rows_finer, "coarser": self.rows_coarser,
            },
        }  # fmt: skip


def _word(is_allowed: bool) -> str:
    return "allow" if is_allowed else "deny"


def _level(level: GeometryLevel) -> dict[str, object]:
    """As the grammar of grants has it; `precision_m` null unless the level is a grid."""
    return {"level": level.kind, "precision_m": level.precision_m if level.kind == "grid" else None}


async def effects(
    connection: Connection,
    catalogue: Catalogue,
    before: Sequence[Grant],
    after: Sequence[Grant],
    day: date,
    *,
    layers: Iterable[LayerDefinition] | None = None,
    subjects: Sequence[Subject] | None = None,
    within: Within = lambda _definition: None,
) -> tuple[Effect, ...]:
    """Every pair of caller, layer and action whose relation differs. `within` limits the rows that are counted to what
    the one who asks may see of the layer; None is every row."""
    found = list(_differing(catalogue, before, after, day, layers, subjects))
    counted: dict[tuple[str, Boxes, Boxes], Effect] = {}
    for effect, definition, old, new in found:
        key = (definition.id, old, new)
        if key not in counted:
            counted[key] = await _counted(connection, catalogue.storage_srid, effect, definition, old, new, within)
    return tuple(
        replace(
            counted[definition.id, old, new], subject=effect.subject, action=effect.action,
            was_allowed=effect.was_allowed, is_allowed=effect.is_allowed,
        )
        for effect, definition, old, new in found
    )  # fmt: skip


def _differing(
    catalogue: Catalogue,
    before: Sequence[Grant],
    after: Sequence[Grant],
    day: date,
    layers: Iterable[LayerDefinition] | None,
    subjects: Sequence[Subject] | None,
) -> Iterator[tuple[Effect, LayerDefinition, Boxes, Boxes]]:
    listed = tuple(catalogue.profile.layers if layers is None else layers)
    active = catalogue.active_agreements
    both = (*before, *after)
    for subject in subjects_of(both, catalogue.profile.identities) if subjects is None else subjects:
        purposes = purposes_for(subject, catalogue.profile, both)
        for definition in listed:
            for action in ACTIONS:
                old, new = (
                    _boxes(subject, purposes, definition, action, grants, day, active) for grants in (before, after)
                )
                if old != new:
                    yield Effect(subject, definition.id, action, bool(old), bool(new)), definition, old, new


def _boxes(
    subject: Subject,
    purposes: Purposes,
    definition: LayerDefinition,
    action: Action,
    grants: Sequence[Grant],
    day: date,
    active: frozenset[str],
) -> Boxes:
    decisions = [
        decide(subject.principal, definition, action, grants, purpose=purpose, day=day, active_agreements=active)
        for purpose in purposes
    ]
    return normal_form([box for decision in decisions for box in decision.boxes])


class Count(Protocol):
    """Rows of any of the parts, of those that each of `among` shows."""

    async def __call__(self, parts: Sequence[Beyond], *among: Boxes) -> int: ...


# ── counting ─────────────────────────────────────────────────────────────────────────────────────
async def _counted(
    connection: Connection,
    storage_srid: int,
    effect: Effect,
    definition: LayerDefinition,
    old: Boxes,
    new: Boxes,
    within: Within,
) -> Effect:
    if definition.geometry == "raster":
        return effect
    limit = within(definition)
    bound = [] if limit is None else [limit]

    async def count(parts: Sequence[Beyond], *among: Boxes) -> int:
        return await count_beyond(connection, definition, storage_srid, parts, (*among, *bound))

    names = [attribute.name for attribute in definition.attributes]
    return replace(
        effect,
        rows_gained=await count([Beyond(new, old)]),
        rows_lost=await count([Beyond(old, new)]),
        columns_gained=await _columns(names, old, new, count),
        columns_lost=await _columns(names, new, old, count),
        levels_before=_levels(old),
        levels_after=_levels(new),
        rows_finer=await _finer(old, new, count),
        rows_coarser=await _finer(new, old, count),
    )


async def _columns(names: Sequence[str], old: Boxes, new: Boxes, count: Count) -> dict[str, int]:
    """Columns that `new` shows more of than `old`."""
    found = {}
    for name in names:
        had, has = _with_column(old, name), _with_column(new, name)
        if not has or had == has or (had and had == old):
            continue
        number = await count([Beyond(has, had)], *([old] if had else []))
        if number or not had:
            found[name] = number
    return found


def _with_column(boxes: Boxes, name: str) -> Boxes:
    return tuple(box for box in boxes if name in box.columns)


def _levels(boxes: Boxes) -> tuple[GeometryLevel, ...]:
    return tuple(sorted({box.geometry for box in boxes}, key=lambda level: level.rank))


async def _finer(old: Boxes, new: Boxes, count: Count) -> int:
    """Rows that both show and `new` shows more exactly: at some level, `new` has them and `old` has not."""
    parts = [
        Beyond(_as_exact(new, level), _as_exact(old, level))
        for level in _levels((*old, *new))
        if level.kind != "none" and _as_exact(old, level) != old
    ]
    return await count(parts, old) if parts and old else 0


def _as_exact(boxes: Boxes, level: GeometryLevel) -> Boxes:
    return tuple(box for box in boxes if box.geometry.rank <= level.rank)
