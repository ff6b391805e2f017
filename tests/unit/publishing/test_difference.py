"""What a file changes against what stands."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.publishing.content import Content, fid_of, joined
from layers.publishing.difference import difference


def _content(rows: dict[int, int]) -> Content:
    fids = np.array(list(rows), dtype=np.int64)
    hashes = np.array([[value, 0, 0, 1] for value in rows.values()], dtype=np.uint64).reshape(-1, 4)
    return Content(fids, hashes)


_ROWS = st.dictionaries(st.integers(1, 40), st.integers(0, 3), max_size=30)


@settings(deadline=None)  # the first example pays for imports
@given(_ROWS, _ROWS)
def test_applying_the_difference_gives_the_file(file: dict[int, int], current: dict[int, int]) -> None:
    mine, theirs = _content(file), _content(current)
    found = difference(mine, theirs)
    stays = theirs.take(~np.isin(theirs.fid, found.closed))
    after = joined(stays, mine.take(found.inserted))
    assert after.digest() == mine.digest()
    assert len(found.added) + len(found.changed) + found.unchanged == len(file)
    assert not len(found.conflicts)


@settings(deadline=None)
@given(_ROWS, _ROWS, _ROWS)
def test_a_conflict_is_a_row_edited_since_the_base_that_the_file_would_touch(
    file: dict[int, int], current: dict[int, int], base: dict[int, int]
) -> None:
    found = difference(_content(file), _content(current), _content(base))
    touched = {fid for fid in file.keys() | current.keys() if file.get(fid) != current.get(fid)}
    expected = {fid for fid in touched if current.get(fid) != base.get(fid)}
    assert set(found.conflicts.tolist()) == expected


@settings(deadline=None)
@given(_ROWS, _ROWS, _ROWS)
def test_taking_the_current_side_leaves_every_conflict_as_it_stands(
    file: dict[int, int], current: dict[int, int], base: dict[int, int]
) -> None:
    mine, theirs = _content(file), _content(current)
    found = difference(mine, theirs, _content(base), keep_current=True)
    stays = theirs.take(~np.isin(theirs.fid, found.closed))
    after = joined(stays, mine.take(found.inserted))
    values = dict(zip(after.fid.tolist(), after.row_hash[:, 0].tolist(), strict=True))
    for fid in found.conflicts.tolist():
        assert values.get(fid) == current.get(fid)


@settings(deadline=None)
@given(_ROWS)
def test_the_digest_does_not_depend_on_the_order(rows: dict[int, int]) -> None:
    assert _content(rows).digest() == _content(dict(reversed(rows.items()))).digest()


def test_fids_are_positive_and_fit_into_53_bits() -> None:
    fids = [fid_of(b"parcel\x000\x00%d" % n) for n in range(2_000)]
    assert len(set(fids)) == 2_000
    assert min(fids) > 0 and max(fids) < 2**53
