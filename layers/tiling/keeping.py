"""Which tiles may be kept, and under which key."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from layers.access.decide import Decision
from layers.store.catalogue import LayerState
from layers.store.tiles import ENCODER, Drawn, tile_columns

from .cache import Kept, Key
from .packing import packed


def may_be_kept(state: LayerState, decision: Decision) -> bool:
    """Not what is bound to what a caller is, and no personal data outside the database."""
    shown = tile_columns(state.definition, decision)
    tags = {attribute.tag for attribute in state.definition.attributes if attribute.name in shown}
    return not decision.uses_claims and "personal" not in tags


def key_of(state: LayerState, decision: Decision, z: int, x: int, y: int) -> Key:
    relation = _relation(state.definition_digest, decision.relation_digest)
    return Key(state.definition.id, state.revision, relation, z, x, y)


@lru_cache(maxsize=4096)
def _relation(definition_digest: str, relation_digest: str) -> str:
    said = "\x1f".join((ENCODER, definition_digest, relation_digest))
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def kept(drawn: Drawn) -> Kept:
    return Kept(drawn.body, packed(drawn.body), drawn.features, drawn.is_capped)
