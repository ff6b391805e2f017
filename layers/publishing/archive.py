"""ZIP files from outside: no path in them is trusted, and what they grow to is bounded before anything is written."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath

from layers.errors import SourceError

MAX_ENTRIES = 2_000
MAX_TOTAL_BYTES = 8 * 2**30
#: a member may grow this much at most; small ones are let through, since empty tables shrink to nothing
MAX_RATIO = 200
RATIO_FREE_BYTES = 16 * 2**20
_CHUNK = 1 << 20

#: what makes a data source; sidecar files (.dbf, .dat, …) belong to one of these
SOURCE_SUFFIXES = frozenset(
    {".shp", ".gpkg", ".tab", ".mif", ".dxf", ".dgn", ".geojson", ".json", ".gml", ".fgb", ".parquet"}
)


def unpack(path: Path, folder: Path) -> Path:
    """Unpack into an empty private folder and return the one vector source inside. Raises SourceError."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _refuse_unsafe(path, members)
            for member in members:
                _write(archive, member, folder)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise SourceError(
            f"Tệp ZIP '{path.name}' bị hỏng hoặc bị cắt cụt. Hãy nén lại rồi thử lại.",
            f"The ZIP '{path.name}' is damaged or truncated. Pack it again and retry.",
        ) from error
    return _only_source(path, folder)


def _refuse_unsafe(path: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    swollen = [m for m in members if m.file_size > max(RATIO_FREE_BYTES, MAX_RATIO * max(m.compress_size, 1))]
    if len(members) > MAX_ENTRIES or total > MAX_TOTAL_BYTES or swollen:
        raise SourceError(
            f"Tệp ZIP '{path.name}' quá lớn khi giải nén ({len(members)} mục, {total:,} byte). "
            "Hãy nén riêng một bộ dữ liệu.",
            f"The ZIP '{path.name}' grows too large ({len(members)} entries, {total:,} bytes). Pack one data set only.",
        )
    if any(member.flag_bits & 0x1 for member in members):
        raise SourceError(
            f"Tệp ZIP '{path.name}' có mật khẩu. Hãy nén lại không đặt mật khẩu.",
            f"The ZIP '{path.name}' has a password. Pack it again without one.",
        )
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if is_link or ".." in parts or not parts or parts[0] == "/" or ":" in parts[0]:
            raise SourceError(
                f"Tệp ZIP '{path.name}' chứa đường dẫn không an toàn ('{member.filename}'). Hãy nén lại.",
                f"The ZIP '{path.name}' holds an unsafe path ('{member.filename}'). Pack it again.",
            )


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """Write what the directory promised and not a byte more: sizes in a ZIP are claims."""
    target = folder.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with archive.open(member) as source, target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise zipfile.BadZipFile("a member is larger than declared")
            out.write(chunk)


def _only_source(path: Path, folder: Path) -> Path:
    geodatabases = sorted(found for found in folder.rglob("*") if found.is_dir() and found.suffix.lower() == ".gdb")
    files = sorted(
        found
        for found in folder.rglob("*")
        if found.is_file()
        and found.suffix.lower() in SOURCE_SUFFIXES
        and not any(parent in geodatabases for parent in found.parents)
        and not any(part.startswith(("__MACOSX", "._")) for part in found.relative_to(folder).parts)
    )
    sources = [*geodatabases, *files]
    if not sources:
        raise SourceError(
            f"Trong tệp ZIP '{path.name}' không có dữ liệu bản đồ (SHP, GPKG, GDB, TAB, DXF, DGN, GeoJSON, GML). "
            "Hãy nén cả bộ tệp, gồm .shp, .shx, .dbf, .prj.",
            f"The ZIP '{path.name}' holds no map data (SHP, GPKG, GDB, TAB, DXF, DGN, GeoJSON, GML). "
            "Pack the whole set, such as .shp, .shx, .dbf, .prj.",
        )
    if len(sources) > 1:
        names = ", ".join(found.relative_to(folder).as_posix() for found in sources[:8])
        raise SourceError(
            f"Tệp ZIP '{path.name}' chứa {len(sources)} bộ dữ liệu ({names}). Hãy nén riêng từng bộ.",
            f"The ZIP '{path.name}' holds {len(sources)} data sets ({names}). Pack each one on its own.",
        )
    return sources[0]
