"""For which purposes a change of policy is looked at: those a caller may name, or all where nobody known is meant."""

from __future__ import annotations

from collections.abc import Iterable

from layers.access.grammar import Grant
from layers.access.matching import purposes_of
from layers.access.matrix import Subject
from layers.profile.profile import Profile

Purposes = tuple[str | None, ...]


def purposes_for(subject: Subject, profile: Profile, grants: Iterable[Grant]) -> Purposes:
    """None, which is no purpose, is always among them."""
    if subject.kind == "anyone":
        return (None,)
    known = next((one for one in profile.identities if one.id == subject.principal.id), None)
    if known is not None:
        return (None, *known.purposes)
    named = {purpose for grant in grants for purpose in purposes_of(grant)} - {"any"}
    return (None, *sorted(named))
