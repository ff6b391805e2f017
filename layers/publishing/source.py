"""Reading a file through the reader process: what comes back is an Arrow table and a description, or a SourceError."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from layers.errors import SourceError

#: what officers send (domain reference 2.5); every other driver is left out of the reader process
ALLOWED_DRIVERS = frozenset(
    {
        "GPKG", "ESRI Shapefile", "OpenFileGDB", "MapInfo File", "DXF", "DGN", "GeoJSON", "GML", "FlatGeobuf",
        "Parquet",
    }
)  # fmt: skip
TIME_LIMIT_SECONDS = 1_800
_FOLDER, _LOCK = "lienthong-read-", "lock"
_YOUNG_SECONDS = 60

#: (step, done, of)
Progress = Callable[[str, int, int], None]


def no_progress(_step: str, _done: int, _of: int) -> None:
    """For callers that show none."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read. `table` has the file's own columns and `geometry` as WKB; row n of the file is row n - 1."""

    path: Path
    name: str
    layer: str
    driver: str
    crs: str | None  #: as the driver gives it: a code or WKT
    encoding: str
    text_is_raw: bool  #: text columns hold bytes as latin-1: the encoding is to be told from them
    digest: str  #: sha256 of the file, or of all files of a File Geodatabase
    table: pa.Table


def read_source(
    path: Path,
    layer: str | None,
    preferred: str | None,
    progress: Progress = no_progress,
    *,
    limits: Limits | None = None,
) -> Source:
    """Read a file in a process of its own. Raises SourceError for everything that is wrong with it."""
    with private_folder() as folder:
        request = {"path": str(path.absolute()), "layer": layer, "preferred": preferred, "folder": str(folder)}
        bounds = {"limits": [limits.memory_bytes, limits.cpu_s]} if limits else {}
        (folder / "request.json").write_text(json.dumps(request | bounds), encoding="utf-8")
        time_s = limits.time_s if limits else TIME_LIMIT_SECONDS
        run_reader("layers.publishing.reader", _environment(), folder / "request.json", path, progress, time_s)
        about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        with pa.OSFile(str(folder / "rows.arrow"), "rb") as file:
            table = pa.ipc.open_file(file).read_all()
    return Source(
        path, path.name, about["layer"], about["driver"], about["crs"], about["encoding"], about["is_forced"],
        digest_of(path), table,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reading may take, where that is less than what an officer's publication may."""

    memory_bytes: int
    cpu_s: int
    time_s: float


def digest_of(path: Path) -> str:
    """'sha256:…' of a file; of a folder, over its files' names and digests in order."""
    if not path.is_dir():
        with path.open("rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for part in sorted(found for found in path.rglob("*") if found.is_file()):
        whole.update(part.relative_to(path).as_posix().encode())
        whole.update(digest_of(part).encode())
    return "sha256:" + whole.hexdigest()


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for one reading. Those whose process is gone (killed) are removed: their lock is free."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError), (left / _LOCK).open("rb") as lock:
            if time.time() - left.stat().st_mtime < _YOUNG_SECONDS:
                continue  # it may not have taken its lock yet
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_FOLDER) as name, (Path(name) / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def _environment() -> dict[str, str]:
    """A small environment of our own: no proxy, no credentials, no driver but the allowed, no network."""
    import pyogrio

    skipped = sorted(name for name in pyogrio.list_drivers() if name not in ALLOWED_DRIVERS)
    return {
        **small_environment(),
        "OGR_SKIP": ",".join(skipped),
        "GML_SKIP_RESOLVE_ELEMS": "ALL",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
    }


def small_environment() -> dict[str, str]:
    """What every reader process has: no proxy, no credentials, no network."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "GDAL_HTTP_TIMEOUT": "1",
        "GDAL_HTTP_MAX_RETRY": "0",
        "PROJ_NETWORK": "OFF",
        "PYTHONSAFEPATH": "1",
        "PYTHONIOENCODING": "utf-8",
        "OPENBLAS_NUM_THREADS": "1",  # a reader multiplies no matrices; starting the threads is a quarter of its work
    }


def run_reader(
    module: str,
    environment: dict[str, str],
    request: Path,
    path: Path,
    progress: Progress,
    time_s: float = TIME_LIMIT_SECONDS,
) -> None:
    """Run one of the reader processes to its end. Raises SourceError with what it found wrong, or that it died."""
    command = [sys.executable, "-m", module, str(request)]
    root = Path(__file__).resolve().parent.parent.parent
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH", "")]))
    with (
        subprocess.Popen(
            command, env=environment, cwd=request.parent, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
        ) as process,
        _time_limit(process, time_s),
    ):  # fmt: skip
        ending = _follow(process, progress)
    if "done" in ending:
        return
    if "error" in ending:
        raise SourceError(ending["error"]["vi"], ending["error"]["en"])
    raise SourceError(
        f"Không đọc được '{path.name}': trình đọc dừng đột ngột (tệp hỏng, quá lớn hoặc quá thời gian). "
        "Hãy mở và lưu lại tệp bằng QGIS thành GPKG rồi thử lại.",
        f"'{path.name}' cannot be read: the reader ended abruptly (damaged, too large or too slow). "
        "Open the file in QGIS, save it as GPKG and retry.",
    )


def _follow(process: subprocess.Popen[str], progress: Progress) -> dict[str, Any]:
    """Report progress until the process ends; the last word it said. Lines that are not ours are passed over."""
    ending: dict[str, Any] = {}
    assert process.stdout is not None
    for line in process.stdout:
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            continue
        if "rows" in said:
            progress("read", said["rows"], said["of"])
        else:
            ending = said
    return ending


@contextmanager
def _time_limit(process: subprocess.Popen[str], time_s: float) -> Iterator[None]:
    timer = threading.Timer(time_s, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
