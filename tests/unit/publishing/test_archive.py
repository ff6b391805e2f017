"""ZIP files from outside: nothing in them is trusted."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from layers.errors import SourceError
from layers.publishing import archive
from layers.publishing.archive import unpack


def _zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def _unpack(tmp_path: Path, members: dict[str, bytes]) -> Path:
    target = tmp_path / "out"
    target.mkdir()
    return unpack(_zip(tmp_path / "a.zip", members), target)


def test_the_one_source_is_found_below_folders_and_beside_sidecars(tmp_path: Path) -> None:
    found = _unpack(
        tmp_path, {"bo/thua.shp": b"x", "bo/thua.dbf": b"x", "bo/thua.shx": b"x", "__MACOSX/._thua.shp": b"x"}
    )
    assert found.name == "thua.shp"


def test_a_file_geodatabase_is_one_source(tmp_path: Path) -> None:
    assert _unpack(tmp_path, {"dl.gdb/a01.gdbtable": b"x", "dl.gdb/a01.json": b"{}"}).name == "dl.gdb"


def test_two_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a\.shp, b\.gpkg"):
        _unpack(tmp_path, {"a.shp": b"x", "b.gpkg": b"x"})


@pytest.mark.parametrize("name", ["../evil.shp", "/etc/evil.shp", "a/../../evil.shp", "C:/evil.shp", "..\\evil.shp"])
def test_a_path_that_leads_outside_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="unsafe"):
        _unpack(tmp_path, {"ok.txt": b"x", name: b"x"})
    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError, match="unsafe"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_what_swells_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="grows too large"):
        _unpack(tmp_path, {"a.shp": bytes(archive.RATIO_FREE_BYTES + 1)})


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="grows too large"):
        _unpack(tmp_path, {f"{n}.txt": b"" for n in range(archive.MAX_ENTRIES + 1)})


def test_a_member_larger_than_it_declared_is_a_damaged_archive(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.shp": b"x" * 5_000}, zipfile.ZIP_STORED)
    raw = path.read_bytes()
    path.write_bytes(raw.replace((5_000).to_bytes(4, "little"), (4_000).to_bytes(4, "little")))
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError):
        unpack(path, tmp_path / "out")


def test_a_truncated_archive_is_told(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.shp": bytes(range(256)) * 100})
    path.write_bytes(path.read_bytes()[:200])
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError, match="truncated"):
        unpack(path, tmp_path / "out")
