"""Mistakes somebody could make in a policy: every one widens it, and something must notice.

    drop a conjunct · add a column · widen rows · extend a date · drop a purpose · sharpen a shape
    and, for the access table: add an action · give it to everybody

A mutant that changes nothing on any layer of the profile is none, and so is one that gives a grantee what another
grant gives the same grantee anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from layers.access.grammar import Columns, Grant, Grantee, Period, Precision
from layers.access.matching import CLAIM, columns_of, is_about
from layers.access.words import ACTIONS
from layers.filters import bind, conjuncts, parse_bound, references, to_text
from layers.filters.tree import And, Between, Comparison, Expression, In, IsNull, Literal, Not, Or, Property
from layers.profile.grammar import LayerDefinition

TAGS = ("public", "internal", "personal", "commercial")
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Mutant:
    """A whole policy with one grant spoiled."""

    operator: str
    grant: str
    change: str
    policy: tuple[Grant, ...]

    def __str__(self) -> str:
        return f"{self.operator}: {self.grant}: {self.change}"


def mutants(grants: Sequence[Grant], layers: Sequence[LayerDefinition]) -> Iterator[Mutant]:
    for number, grant in enumerate(grants):
        about = [layer for layer in layers if is_about(grant, layer)]
        others = (*grants[:number], *grants[number + 1 :])
        for operator, change, update in _changes(grant, about, others):
            spoiled = grant.model_copy(update=update)
            yield Mutant(operator, grant.id, change, (*grants[:number], spoiled, *grants[number + 1 :]))


def reaching_mutants(grants: Sequence[Grant]) -> Iterator[Mutant]:
    """One grant more than meant: another action, or for everybody."""
    for number, grant in enumerate(grants):
        changes: list[Change] = [
            ("add an action", action, {"actions": (*grant.actions, action)})
            for action in ACTIONS
            if action not in grant.actions
        ]
        if not grant.to.anyone:
            changes.append(("give it to everybody", "anyone", {"to": Grantee(anyone=True)}))
        for operator, change, update in changes:
            spoiled = grant.model_copy(update=update)
            yield Mutant(operator, grant.id, change, (*grants[:number], spoiled, *grants[number + 1 :]))


Change = tuple[str, str, dict[str, object]]


def _changes(grant: Grant, about: Sequence[LayerDefinition], others: Sequence[Grant]) -> Iterator[Change]:
    if grant.rows is not None:
        yield from _dropped_conjuncts(grant.rows)
        yield from _widened_rows(grant.rows)
    yield from _added_columns(grant, about, others)
    yield from _extended_dates(grant)
    if "any" not in grant.purpose:
        yield "drop a purpose", "any", {"purpose": "any"}
    yield from _sharpened_shapes(grant, about)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────
def _dropped_conjuncts(rows: str) -> Iterator[Change]:
    parts = conjuncts(_read(rows))
    for left_out in range(len(parts)):
        rest = parts[:left_out] + parts[left_out + 1 :]
        text = " AND ".join(f"({_written(part)})" for part in rest) or None
        yield "drop a conjunct", f"without {_written(parts[left_out])}", {"rows": text}


def _widened_rows(rows: str) -> Iterator[Change]:
    for wider in _wider(_read(rows), is_negated=False):
        yield "widen rows", _written(wider), {"rows": _written(wider)}


def _wider(expression: Expression, *, is_negated: bool) -> Iterator[Expression]:
    """Each single place made wider: a list or a constant replaced by any value, an exception forgotten."""
    match expression:
        case Not(operand):
            yield from (Not(one) for one in _wider(operand, is_negated=not is_negated))
        case And(operands) | Or(operands):
            for number, operand in enumerate(operands):
                for one in _wider(operand, is_negated=is_negated):
                    yield replace(expression, operands=(*operands[:number], one, *operands[number + 1 :]))
        case In(operand, options) if is_negated and len(options) > 1:
            yield from (In(operand, options[:left] + options[left + 1 :]) for left in range(len(options)))
        case In(Property() as column, _) | Comparison(_, Property() as column, _) | Between(Property() as column, _, _):
            if not is_negated:
                yield Not(IsNull(column))


def _read(rows: str) -> Expression:
    """A rule with each claim as a list of one marked text, so that it can be written back."""
    return parse_bound(bind(rows, {name: (f"§{name}",) for name in references(rows)}))


def _written(rule: Expression) -> str:
    text = to_text(rule)
    for part in _texts(rule):
        if part.startswith(f"§{CLAIM}"):
            text = text.replace(f"('{part}')", part.removeprefix("§"))
    return text


def _texts(rule: Expression) -> Iterator[str]:
    match rule:
        case Not(operand):
            yield from _texts(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from _texts(operand)
        case In(_, options):
            yield from (str(option.value) for option in options if isinstance(option, Literal))


# ── columns, dates, shapes ───────────────────────────────────────────────────────────────────────
def _added_columns(grant: Grant, about: Sequence[LayerDefinition], others: Sequence[Grant]) -> Iterator[Change]:
    tags, names = grant.columns.tags, grant.columns.names
    wider = [Columns(tags=(*tags, tag), names=names) for tag in TAGS if tag not in tags]
    every = dict.fromkeys(attribute.name for layer in about for attribute in layer.attributes)
    wider += [Columns(tags=tags, names=(*names, name)) for name in every if name not in names]
    for columns in wider:
        spoiled = grant.model_copy(update={"columns": columns})
        if any(_shows_more(grant, spoiled, layer, others) for layer in about):
            change = ", ".join([*(set(columns.tags) - set(tags)), *(set(columns.names) - set(names))])
            yield "add a column", change, {"columns": columns}


def _shows_more(grant: Grant, spoiled: Grant, layer: LayerDefinition, others: Sequence[Grant]) -> bool:
    more = set(columns_of(spoiled, layer)) - set(columns_of(grant, layer))
    return bool(more) and not any(
        other.to == grant.to and is_about(other, layer) and _is_free(other)
        and set(grant.actions) <= set(other.actions) and more <= set(columns_of(other, layer))
        for other in others
    )  # fmt: skip


def _is_free(grant: Grant) -> bool:
    """Whether it holds on every row, day and purpose."""
    return (grant.rows, grant.agreement, grant.purpose, grant.valid) == (None, None, "any", Period())


def _extended_dates(grant: Grant) -> Iterator[Change]:
    valid = grant.valid
    if valid.until is not None:
        for until in (valid.until + ONE_DAY, None):
            yield "extend a date", f"until {until}", {"valid": valid.model_copy(update={"until": until})}
    if valid.from_ is not None:
        for first in (valid.from_ - ONE_DAY, None):
            yield "extend a date", f"from {first}", {"valid": valid.model_copy(update={"from_": first})}


def _sharpened_shapes(grant: Grant, about: Sequence[LayerDefinition]) -> Iterator[Change]:
    if grant.geometry != "full" and any(layer.has_geometry for layer in about):
        yield "sharpen a shape", "full", {"geometry": "full"}
    if isinstance(grant.geometry, Precision):
        finer = {each for layer in about for each in layer.precisions_m if each < grant.geometry.precision_m}
        for precision_m in sorted(finer):
            yield "sharpen a shape", f"{precision_m:g} m", {"geometry": Precision(precision_m=precision_m)}
