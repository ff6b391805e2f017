"""Whom a policy is looked at for, and for which purposes: those they may name, or all where nobody known is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from layers.access.grammar import Grant
from layers.access.matching import is_about, is_for, purposes_of
from layers.access.matrix import Subject, subjects_of
from layers.access.principal import Principal, known_as
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile

Purposes = tuple[str | None, ...]


def known_subjects(
    principal: Principal, profile: Profile, grants: Iterable[Grant], layers: Sequence[LayerDefinition]
) -> tuple[Subject, ...]:
    """To the operator everybody; to an owner those whom a grant about their layers names, and themselves."""
    if principal.is_operator:
        return subjects_of(grants, profile.identities)
    about = [grant for grant in grants if any(is_about(grant, layer) for layer in layers)]
    naming = [grant for grant in about if not grant.to.anyone]
    people = [
        one
        for one in profile.identities
        if one.id == principal.id or any(is_for(grant, known_as(one)) for grant in naming)
    ]
    return subjects_of(about, people)


def purposes_for(subject: Subject, profile: Profile, grants: Iterable[Grant]) -> Purposes:
    """None, which is no purpose, is always among them."""
    if subject.kind == "anyone":
        return (None,)
    known = next((one for one in profile.identities if one.id == subject.principal.id), None)
    if known is not None:
        return (None, *known.purposes)
    named = {purpose for grant in grants for purpose in purposes_of(grant)} - {"any"}
    return (None, *sorted(named))
