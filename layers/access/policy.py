"""The whole set of grants as one value with one digest, which every answer and event can name."""

from __future__ import annotations

from collections.abc import Iterable

from layers.profile.profile import canonical_text, digest

from .grammar import Grant


def canonical_policy(grants: Iterable[Grant]) -> str:
    """One text for one meaning: ordered by id, defaults left out."""
    return canonical_text(tuple(sorted(grants, key=lambda grant: grant.id)))


def policy_digest(grants: Iterable[Grant]) -> str:
    """sha256 of the canonical whole."""
    return digest(canonical_policy(grants))
