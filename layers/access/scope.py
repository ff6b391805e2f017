"""The most a role class may reach of a layer: what the second wall is built from.

Coarser than the relation and never narrower: rows by commune code, columns by name, shapes exactly or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from layers.errors import InvalidRequestError
from layers.filters import Expression, bind_claims, check, parse_bound, references
from layers.filters.tree import GEOMETRY, Comparison, In, Literal, Property, conjuncts, property_names
from layers.profile.grammar import LayerDefinition

from .classes import RoleClass, name_of
from .grammar import Action, Grant
from .matching import all_properties, columns_of, geometry_of, is_about, missing_claims
from .principal import Principal

#: what reads a layer's own rows; a check reads pieces and facts with the engine's right, so a layer that may only be
#: checked is not in the wall at all
READING: frozenset[Action] = frozenset({"items", "tile", "map", "export", "edit"})
#: the code that stands for every row; no commune is called so
EVERY_ROW = "*"
TECHNICAL = ("fid", "since", "until", "is_plain")
SHAPES = ("geom", "geom_4326", "geom_3857", "min_zoom", "clearance_m")


@dataclass(frozen=True, slots=True)
class Scope:
    """The union of what a class may read of one layer: commune codes or EVERY_ROW, and columns."""

    codes: frozenset[str]
    columns: frozenset[str]


def scope_of(
    role_class: RoleClass, definition: LayerDefinition, grants: Iterable[Grant], principals: Iterable[Principal]
) -> Scope | None:
    """The scope of a class in a layer, None for nothing. `principals` are the known callers of this very class.

    A grant whose claims none of them has adds nothing, columns neither.
    """
    known, codes, columns = tuple(principals), set[str](), set[str]()
    for grant in grants:
        if name_of(grant.to) in role_class.grantees and is_about(grant, definition) and READING & set(grant.actions):
            for rule in _rules(grant, definition, known):
                codes |= _codes(rule, definition)
                columns |= _columns(grant, rule, definition)
    if not codes:
        return None
    return Scope(frozenset({EVERY_ROW}) if EVERY_ROW in codes else frozenset(codes), frozenset(columns))


def _rules(grant: Grant, definition: LayerDefinition, principals: Sequence[Principal]) -> Iterator[Expression | None]:
    """The row rule, or as the claims of each caller bind it; None is every row. A broken grant yields nothing."""
    if grant.rows is None:
        bound: list[str] | list[None] = [None]
    elif references(grant.rows):
        bound = [bind_claims(grant.rows, one.claims) for one in principals if not missing_claims(grant, one)]
    else:
        bound = [grant.rows]
    for text in bound:
        try:
            geometry_of(grant, definition)
            yield None if text is None else check(parse_bound(text), all_properties(definition))
        except InvalidRequestError:
            continue


def _codes(rule: Expression | None, definition: LayerDefinition) -> frozenset[str]:
    """The communes that a rule holds its rows to: what every one of its conjuncts on the commune column allows."""
    column = definition.by_role("commune")
    if rule is None or column is None:
        return frozenset({EVERY_ROW})
    named = [codes for part in conjuncts(rule) if (codes := _named(part, column.name)) is not None]
    return frozenset.intersection(*named) - {EVERY_ROW} if named else frozenset({EVERY_ROW})


def _named(part: Expression, column: str) -> frozenset[str] | None:
    """The constants of `column = …` or `column IN (…)`; None for any other condition."""
    match part:
        case Comparison("=", Property(name), Literal(value)) | Comparison("=", Literal(value), Property(name)):
            options: tuple[object, ...] = (value,)
        case In(Property(name), listed) if all(isinstance(option, Literal) for option in listed):
            options = tuple(option.value for option in listed if isinstance(option, Literal))
        case _:
            return None
    return frozenset(str(value) for value in options if value is not None) if name == column else None


def _columns(grant: Grant, rule: Expression | None, definition: LayerDefinition) -> frozenset[str]:
    """What the grant may show, and what its rule must read to be judged in the caller's name."""
    read = property_names(rule) if rule is not None else frozenset()
    has_shape = definition.has_geometry and (grant.geometry != "none" or GEOMETRY in read)
    shown = {*columns_of(grant, definition), *(read - {GEOMETRY}), *TECHNICAL}
    return frozenset(shown.union(SHAPES if has_shape else ()))
