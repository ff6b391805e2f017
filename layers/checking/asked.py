"""Procedures with their inputs bound, kept for the next request that asks the same: a tenth of a check otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from layers.profile.bind import BoundProcedure, bind_procedure
from layers.profile.profile import Profile

#: inputs with longer texts are bound each time: what callers send must not fill the memory
_LONGEST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class _Question:
    """What the answer depends on; `profile` and `given` are what the digest and the text stand for."""

    profile_digest: str
    procedure: str
    inputs: str
    on_date: date
    profile: Profile = field(compare=False)
    given: Mapping[str, object] = field(compare=False)


def bound_procedure(
    profile: Profile, profile_digest: str, procedure: str, inputs: Mapping[str, object], on_date: date
) -> BoundProcedure:
    """`bind_procedure`, with its errors; nobody changes what it gives out."""
    try:
        text = json.dumps(dict(inputs), sort_keys=True)
    except (TypeError, ValueError):  # no JSON: whether it can be an input is for `bind_procedure` to say
        return bind_procedure(profile, procedure, inputs, on_date)
    if len(text) > _LONGEST_KEPT:
        return bind_procedure(profile, procedure, inputs, on_date)
    return _bound(_Question(profile_digest, procedure, text, on_date, profile, inputs))


@lru_cache(maxsize=256)
def _bound(asked: _Question) -> BoundProcedure:
    return bind_procedure(asked.profile, asked.procedure, asked.given, asked.on_date)
