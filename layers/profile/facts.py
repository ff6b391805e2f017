"""Which columns the check engine may read: those a rule, a basis, a role, a label or an index names, and no other."""

from __future__ import annotations

from .conditions import columns_in
from .grammar import LayerDefinition
from .procedures import relations_of
from .profile import Profile


def fact_columns(profile: Profile, definition: LayerDefinition) -> tuple[str, ...]:
    """The names kept in `checks.fact.attributes`, in the order of the definition."""
    named = _named_by_rules(profile, definition.id) | set(definition.label_columns)
    if definition.basis_from:
        named |= {definition.basis_from.number, definition.basis_from.date or ""}
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.name in named or attribute.role or attribute.indexed
    )


def _named_by_rules(profile: Profile, layer_id: str) -> set[str]:
    found: set[str] = set()
    for procedure in profile.procedures:
        for check in procedure.checks:
            for relation in relations_of(check):
                if relation.layer == layer_id:
                    found |= columns_in(relation.when, procedure.inputs)
    return found
