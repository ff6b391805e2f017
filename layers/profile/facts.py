"""Which columns the check engine may read: those a rule, a basis, a role, a label or an index names, and no other."""

from __future__ import annotations

from .conditions import columns_in
from .distances import columns_of
from .grammar import LayerDefinition
from .procedures import relations_of
from .profile import Profile


def fact_columns(profile: Profile, definition: LayerDefinition) -> tuple[str, ...]:
    """The names kept in `checks.fact.attributes`, in the order of the definition."""
    named = _named_by_rules(profile, definition) | set(definition.label_columns)
    if definition.basis_from:
        named |= {definition.basis_from.number, definition.basis_from.date or ""}
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.name in named or attribute.role or attribute.indexed
    )


def outcome_columns(profile: Profile, definition: LayerDefinition) -> frozenset[str]:
    """The columns on which the outcome of a check may depend: those of conditions, of validity, of accuracy, and of a
    raster its class."""
    if definition.is_raster:
        return frozenset({"class"})
    roles = ("effective_from", "effective_to", "accuracy", "scale")
    of_roles = {attribute.name for attribute in definition.attributes if attribute.role in roles}
    return frozenset(
        name for name in _named_by_rules(profile, definition) | of_roles if definition.attribute(name) is not None
    )


def _named_by_rules(profile: Profile, definition: LayerDefinition) -> set[str]:
    found: set[str] = set()
    for procedure in profile.procedures:
        for check in procedure.checks:
            for relation in relations_of(check):
                if relation.layer == definition.id:
                    found |= columns_in(relation.when, procedure.inputs) | columns_of(relation, definition)
    return found
