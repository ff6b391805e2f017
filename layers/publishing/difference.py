"""What a file changes against what stands, inside its scope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .content import Content

#: a share of removals above which an officer must say so
REMOVAL_GUARD = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """`added` and `changed` are places in the file's rows; `removed` and `replaced` are fids that are closed."""

    added: NDArray[np.int64]
    changed: NDArray[np.int64]
    removed: NDArray[np.int64]
    replaced: NDArray[np.int64]
    unchanged: int
    conflicts: NDArray[np.int64]  #: fids edited since the base and reverted by the file

    @property
    def inserted(self) -> NDArray[np.int64]:
        """Places in the file of all rows that are written."""
        return np.sort(np.concatenate([self.added, self.changed]))

    @property
    def closed(self) -> NDArray[np.int64]:
        return np.concatenate([self.removed, self.replaced])

    def as_dict(self) -> dict[str, int]:
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "removed": len(self.removed),
            "unchanged": self.unchanged,
            "conflicts": len(self.conflicts),
        }

    def removes_too_much(self, standing: int) -> bool:
        return len(self.removed) > REMOVAL_GUARD * standing


def difference(
    file: Content, current: Content, base: Content | None = None, *, edited: NDArray[np.int64] | None = None,
    keep_current: bool = False,
) -> Difference:  # fmt: skip
    """The file against the current rows of the scope.

    With `base`, the rows the file was made from: what was edited since and would be reverted is a conflict; with
    `edited`, fids that stand as somebody edited them, each of these that the file would change. `keep_current` leaves
    them standing.
    """
    is_known, same = _compared(file, current)
    added = np.flatnonzero(~is_known)
    changed = np.flatnonzero(is_known & ~same)
    _, stays = _lookup(np.sort(file.fid), current.fid, is_sorted=True)
    removed = current.fid[~stays]
    touched = np.concatenate([file.fid[changed], removed, file.fid[added]])
    conflicts = touched[_is_other(current, base, touched) | np.isin(touched, () if edited is None else edited)]
    if keep_current and len(conflicts):
        added = added[~np.isin(file.fid[added], conflicts)]
        changed = changed[~np.isin(file.fid[changed], conflicts)]
        removed = removed[~np.isin(removed, conflicts)]
    unchanged = len(current) - len(removed) - len(changed)
    return Difference(added, changed, removed, file.fid[changed], unchanged, conflicts)


def changed_places(file: Content, current: Content) -> NDArray[np.int64]:
    """The file's rows that stand, and stand otherwise."""
    is_known, same = _compared(file, current)
    return np.flatnonzero(is_known & ~same)


def _compared(file: Content, current: Content) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the file's rows stand, and which of them just so."""
    place, is_known = _lookup(current.fid, file.fid)
    same = np.zeros(len(file), dtype=np.bool_)
    same[is_known] = (current.row_hash[place[is_known]] == file.row_hash[is_known]).all(axis=1)
    return is_known, same


def _is_other(current: Content, base: Content | None, touched: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the fids the file touches stand otherwise now than in the base the file was made from."""
    if base is None:
        return np.zeros(len(touched), dtype=np.bool_)
    return np.asarray((_hash_of(current, touched) != _hash_of(base, touched)).any(axis=1))


def _hash_of(content: Content, fids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The hash of each fid; zeros where it does not stand."""
    place, is_known = _lookup(content.fid, fids)
    found = np.zeros((len(fids), 4), dtype=np.uint64)
    found[is_known] = content.row_hash[place[is_known]]
    return found


def _lookup(
    known: NDArray[np.int64], wanted: NDArray[np.int64], *, is_sorted: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For each wanted fid its place among the known ones, and whether it is there."""
    order = np.arange(len(known)) if is_sorted else np.argsort(known, kind="stable")
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    ordered = known[order]
    found = np.minimum(np.searchsorted(ordered, wanted), len(known) - 1)
    return np.asarray(order[found], dtype=np.int64), np.asarray(ordered[found] == wanted)
