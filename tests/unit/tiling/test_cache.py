"""Tiles on disk: whole or not at all, for one user, within their size."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from layers.tiling.cache import Kept, Key, TileCache
from layers.tiling.memory import Memory
from layers.tiling.packing import packed

BODY = bytes(range(256)) * 40
KEPT = Kept(BODY, packed(BODY), 7, is_capped=True)
EMPTY = Kept(b"", b"", 0, is_capped=False)


def key(x: int = 1, *, layer: str = "parcel", revision: int = 3) -> Key:
    return Key(layer, revision, "r" * 32, 12, x, 5)


@pytest.fixture
def cache(tmp_path: Path) -> TileCache:
    return TileCache(tmp_path / "cache" / "tiles", 10_000_000)


@pytest.mark.parametrize("kept", [KEPT, EMPTY])
def test_what_was_kept_comes_back_as_it_was(cache: TileCache, kept: Kept) -> None:
    cache.put(key(), kept)
    assert cache.get(key()) == kept
    assert cache.get(key(2)) is None and cache.get(key(revision=4)) is None


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:9], lambda b: b"", lambda b: b[:-5] + b"xxxxx"])
def test_a_damaged_file_is_not_served_and_goes(cache: TileCache, damage: object) -> None:
    cache.put(key(), KEPT)
    path = cache.path(key())
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert cache.get(key()) is None
    assert not path.exists()
    cache.put(key(), KEPT)
    assert cache.get(key()) == KEPT


def test_files_and_folders_are_for_this_user_alone(cache: TileCache) -> None:
    cache.put(key(), KEPT)
    path = cache.path(key())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, cache.root)} == {0o700}


def test_only_the_standing_revision_of_served_layers_stays(cache: TileCache) -> None:
    for each in (key(), key(revision=2), key(layer="road")):
        cache.put(each, KEPT)
    cache.keep_only({"parcel": 3})
    assert cache.get(key()) == KEPT
    assert cache.get(key(revision=2)) is None and cache.get(key(layer="road")) is None
    assert list(cache.root.glob("parcel/3/*/12/1-5.tile")) == [cache.path(key())]
    cache.clear("parcel")
    assert not list(cache.root.rglob("*.tile"))


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    size = len(KEPT.body) + len(KEPT.packed)
    cache = TileCache(tmp_path / "tiles", 10 * size)
    for x in range(9):
        cache.put(key(x), KEPT)
        os.utime(cache.path(key(x)), (1_000 + x, 1_000 + x))
    cache.get(key(0))  # used again
    for x in range(9, 12):
        cache.put(key(x), KEPT)
    assert cache.size_bytes() <= cache.limit_bytes
    assert cache.get(key(0)) == KEPT and cache.get(key(11)) == KEPT
    assert cache.get(key(1)) is None


def test_a_limit_of_nothing_keeps_nothing(tmp_path: Path) -> None:
    cache = TileCache(tmp_path / "tiles", 0)
    cache.put(key(), KEPT)
    assert cache.get(key()) is None and not cache.root.exists()


def test_several_writers_of_one_tile_leave_one_whole_file(tmp_path: Path) -> None:
    caches = [TileCache(tmp_path / "tiles", 10_000_000) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda cache: [cache.put(key(), KEPT) for _ in range(20)], caches))
    assert caches[0].get(key()) == KEPT
    assert [path.name for path in caches[0].path(key()).parent.iterdir()] == ["1-5.tile"]


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "tiles").write_text("a file where the folder should be")
    cache = TileCache(tmp_path / "tiles", 10_000_000)
    cache.put(key(), KEPT)
    assert cache.get(key()) is None


def test_memory_holds_the_last_used_and_lets_go_of_what_does_not_stand() -> None:
    size = len(KEPT.body) + len(KEPT.packed)
    memory = Memory(3 * size)
    for x in range(3):
        memory.put(key(x), KEPT)
    memory.get(key(0))
    memory.put(key(3), KEPT)
    assert memory.get(key(1)) is None and memory.get(key(0)) == KEPT
    memory.keep_only({"parcel": 4})
    assert memory.get(key(0)) is None
