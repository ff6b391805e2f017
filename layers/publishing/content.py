"""What a row is, apart from where it stands: its fid, its hash, and the digest of a whole layer.

A fid is made from the layer, the row's first key (or its content where the layer has no key) and its occurrence, never
from other rows, so that two publications of one file agree; and with the database's own key, so that nobody can try
keys they may not see against the fids they do see. 53 bits: GeoJSON and JavaScript hold it exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from layers.profile.grammar import LayerDefinition

from .inspection import Rows

FID_BITS = 53
_SEPARATOR = b"\x1f"


@dataclass(frozen=True, slots=True)
class Content:
    """`fid` int64[n], `row_hash` uint64[n, 4] (a SHA-256 of the stored shape and the values that are there)."""

    fid: NDArray[np.int64]
    row_hash: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.fid)

    def ordered(self) -> Content:
        """By fid."""
        order = np.argsort(self.fid, kind="stable")
        return Content(self.fid[order], self.row_hash[order])

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> Content:
        return Content(self.fid[places], self.row_hash[places])

    def digest(self) -> str:
        """Over all (fid, row_hash) in the order of fids."""
        mine = self.ordered()
        return (
            "sha256:" + hashlib.sha256(np.column_stack([mine.fid.view(np.uint64), mine.row_hash]).tobytes()).hexdigest()
        )


def empty_content() -> Content:
    return Content(np.zeros(0, dtype=np.int64), np.zeros((0, 4), dtype=np.uint64))


def joined(first: Content, second: Content) -> Content:
    return Content(np.concatenate([first.fid, second.fid]), np.concatenate([first.row_hash, second.row_hash]))


def content_of(definition: LayerDefinition, rows: Rows, fid_key: bytes) -> Content:
    """Fid and hash of every row."""
    hashes = _hashes(definition, rows)
    return Content(_fids(definition, rows, hashes, fid_key), _numbers(hashes))


def row_hashes(definition: LayerDefinition, rows: Rows) -> NDArray[np.uint64]:
    """As `Content` holds them."""
    return _numbers(_hashes(definition, rows))


def _numbers(hashes: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(hashes), dtype=np.uint64).reshape(-1, 4)


def _hashes(definition: LayerDefinition, rows: Rows) -> list[bytes]:
    texts = _row_texts(definition, rows)
    if not definition.has_geometry:
        return [hashlib.sha256(text).digest() for text in texts]
    shapes = shapely.to_wkb(rows.geometry, byte_order=1)
    return [hashlib.sha256(text + _SEPARATOR + shape).digest() for text, shape in zip(texts, shapes, strict=True)]


def _row_texts(definition: LayerDefinition, rows: Rows) -> list[bytes]:
    """'name:length:value' of every value that is there: a new empty column changes no hash, no text poses as two."""
    parts = []
    for attribute in sorted(definition.attributes, key=lambda each: each.name):
        column = rows.columns[attribute.name].combine_chunks()
        text = column if pa.types.is_string(column.type) else column.cast(pa.string())
        size = pc.binary_length(text).cast(pa.string())
        entry = pc.binary_join_element_wise(attribute.name, size, text, ":")
        parts.append(pc.fill_null(entry, ""))
    if not parts:
        return [b""] * len(rows)
    return [text.encode() for text in pc.binary_join_element_wise(*parts, "").to_pylist()]


def _fids(definition: LayerDefinition, rows: Rows, hashes: Sequence[bytes], fid_key: bytes) -> NDArray[np.int64]:
    has_key = bool(definition.key_columns)
    names = [text.encode() for text in rows.key.to_pylist()] if has_key else list(hashes)
    occurrence = _occurrences(names, hashes)
    numbered = zip(occurrence.tolist(), names, strict=True)
    identities = [identity_of(definition, fid_key, n, name) for n, name in numbered]
    made = np.array([fid_of(identity) for identity in identities], dtype=np.int64)
    return _without_collisions(made, identities)


def identity_of(definition: LayerDefinition, fid_key: bytes, occurrence: int, name: bytes) -> bytes:
    """What a fid is made from; `name` is the key, or the hash of the row where the layer has none."""
    return b"%b%b\x00%d\x00%b" % (fid_key, definition.id.encode(), occurrence, name)


def fid_of(identity: bytes, attempt: int = 0) -> int:
    """53 bits of SHA-256, never 0."""
    digest = hashlib.sha256(identity if not attempt else b"%b\x00%d" % (identity, attempt)).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - FID_BITS) or fid_of(identity, attempt + 1)


def _without_collisions(made: NDArray[np.int64], identities: Sequence[bytes]) -> NDArray[np.int64]:
    """Of rows that got one fid, the first by identity keeps it; the others are hashed again with a counter."""
    fids, counts = np.unique(made, return_counts=True)
    if len(fids) == len(made):
        return made
    taken = set(fids.tolist())
    for fid in fids[counts > 1]:
        for place in sorted(np.flatnonzero(made == fid).tolist(), key=lambda n: identities[n])[1:]:
            attempt = 1
            while (found := fid_of(identities[place], attempt)) in taken:
                attempt += 1
            taken.add(found)
            made[place] = found
    return made


def _occurrences(names: Sequence[bytes], hashes: Sequence[bytes]) -> NDArray[np.int64]:
    """0 for the first row of a name, 1 for the next …, in the order of their content, not of the file."""
    occurrence = np.zeros(len(names), dtype=np.int64)
    groups: dict[bytes, list[int]] = {}
    if len(set(names)) == len(names):
        return occurrence
    for n, name in enumerate(names):
        groups.setdefault(name, []).append(n)
    for group in groups.values():
        for place, n in enumerate(sorted(group, key=lambda each: hashes[each])):
            occurrence[n] = place
    return occurrence
