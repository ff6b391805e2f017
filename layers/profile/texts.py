"""A profile as texts and back: layers and procedures have texts of their own, the profile names them by digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydantic import TypeAdapter

from layers.access.grammar import Grant
from layers.access.policy import canonical_policy

from .profile import Profile, canonical_text, digest

_APART = ("layers", "procedures")
_GRANTS = TypeAdapter(tuple[Grant, ...])


@dataclass(frozen=True, slots=True)
class StoredText:
    """One row of `catalogue.text`."""

    digest: str
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class ProfileTexts:
    """All texts of a profile; `whole` is the one the pointer names."""

    whole: StoredText
    layers: Mapping[str, StoredText]
    procedures: Mapping[str, StoredText]

    def all(self) -> tuple[StoredText, ...]:
        return (*self.layers.values(), *self.procedures.values(), self.whole)


def texts_of(profile: Profile) -> ProfileTexts:
    """The canonical texts. Equal profiles have equal digests."""
    layers = {layer.id: _text("layer", canonical_text(layer)) for layer in profile.layers}
    procedures = {one.id: _text("procedure", canonical_text(one)) for one in profile.procedures}
    rest: dict[str, object] = json.loads(canonical_text(profile))
    for name, texts in zip(_APART, (layers, procedures), strict=True):
        # the order is part of the profile: pages list layers as their files come
        rest[name] = [[key, text.digest] for key, text in texts.items()]
    body = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return ProfileTexts(_text("profile", body), layers, procedures)


def profile_from(body: str, parts: Mapping[str, str]) -> Profile:
    """The profile of a text and of those it names, by digest."""
    return _profile_from(body, tuple(sorted(parts.items())))


@lru_cache(maxsize=8)
def _profile_from(body: str, parts: tuple[tuple[str, str], ...]) -> Profile:
    """Cached by the texts: a publication changes revisions, not the profile."""
    found, bodies = json.loads(body), dict(parts)
    for name in _APART:
        found[name] = [json.loads(bodies[named]) for _, named in found[name]]
    return Profile.model_validate(found)


def policy_text(grants: tuple[Grant, ...]) -> StoredText:
    """The whole policy as one text."""
    return _text("policy", canonical_policy(grants))


@lru_cache(maxsize=8)
def grants_from(body: str) -> tuple[Grant, ...]:
    """The grants of a policy text."""
    return _GRANTS.validate_json(body)


def _text(kind: str, body: str) -> StoredText:
    return StoredText(digest(body), kind, body)
