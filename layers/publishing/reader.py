"""The process that opens files from outside: fresh, with few drivers, no network, and limits on memory and time.

    python -m layers.publishing.reader <request.json>

It writes Arrow batches (shapes as WKB in the column `geometry`) and a description beside them, and prints one JSON
object a line: `{"rows": 65536, "of": 1000000}`, at last `{"done": true}` or `{"error": {"vi": …, "en": …}}`.
A crash of a driver ends this process, never ours. The drivers to leave out are named by OGR_SKIP from outside.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.abc
import json
import resource
import signal
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gis.errors import LienthongError
from layers.errors import SourceError

from .archive import unpack
from .recognise import is_zip, refuse_unreadable

MAX_MEMORY_BYTES = 12 * 2**30
MAX_CPU_SECONDS = 1_200
GEOMETRY = "geometry"
#: PR_SET_PDEATHSIG of Linux: who reads for a killed process reads for nobody
_DIE_WITH_PARENT = 1

#: WKB codes of curves and surfaces (ISO 13249): shapely reads none; the slow path of the reader makes lines of them
_CURVED = np.arange(8, 18)
#: language driver ids of a .dbf that say nothing about Vietnamese text: none, or "the ANSI code page of Windows"
_VAGUE_CODE_PAGES = frozenset({0x00, 0x03, 0x57})
#: nothing is fetched, nothing is written beside the source
_OPEN_OPTIONS: dict[str, dict[str, str]] = {".gml": {"WRITE_GFS": "NO", "DOWNLOAD_SCHEMA": "NO"}}


@dataclass(frozen=True, slots=True)
class Request:
    """What to read and where to put it."""

    path: Path
    layer: str | None
    preferred: str | None  #: the layer id: read from a file with several layers unless `layer` says otherwise
    folder: Path


def main() -> int:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    limit(*request.get("limits", ()))
    try:
        read(Request(Path(request["path"]), request["layer"], request["preferred"], Path(request["folder"])))
    except LienthongError as error:
        _say({"error": error.message.as_dict()})
        return 1
    _say({"done": True})
    return 0


def read(request: Request) -> None:
    """Find the source and its layer, write `rows.arrow` and `about.json`. Raises SourceError."""
    refuse_unreadable(request.path)
    path = request.path
    if is_zip(path) and path.suffix.lower() != ".xlsx":
        unpacked = request.folder / "unpacked"
        unpacked.mkdir()
        path = unpack(request.path, unpacked)
        refuse_unreadable(path)
    layer, layers = _layer_of(request, path)
    with _errors_of_drivers(request.path):
        about = _write_rows(request, path, layer)
    about["layers"] = layers
    (request.folder / "about.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def limit(memory_bytes: int = MAX_MEMORY_BYTES, cpu_seconds: int = MAX_CPU_SECONDS) -> None:
    """Bound this process, and let it end with the one that started it."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    for what, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _soft, hard = resource.getrlimit(what)
        resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _layer_of(request: Request, path: Path) -> tuple[str, list[str]]:
    """The asked layer, the one named like the layer id, or the only one with rows. Raises SourceError."""
    import pyogrio

    with _errors_of_drivers(request.path):
        listed = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
    names = [name for name, _kind in listed]
    spatial = [name for name, kind in listed if kind is not None] or names
    if not names:
        raise SourceError(
            f"Tệp '{request.path.name}' không có lớp dữ liệu nào.", f"'{request.path.name}' holds no layer."
        )
    if request.layer is not None:
        return _named(request, request.layer, names), names
    for name in names:
        if request.preferred is not None and name.casefold() == request.preferred.casefold():
            return name, names
    if len(spatial) == 1:
        return spatial[0], names
    listed_names = ", ".join(spatial[:20])
    raise SourceError(
        f"Tệp '{request.path.name}' có {len(spatial)} lớp: {listed_names}. Chọn một lớp bằng --source-layer TÊN.",
        f"'{request.path.name}' holds {len(spatial)} layers: {listed_names}. Choose one with --source-layer NAME.",
    )


def _named(request: Request, wanted: str, names: list[str]) -> str:
    for name in names:
        if name.casefold() == wanted.casefold():
            return name
    raise SourceError(
        f"Tệp '{request.path.name}' không có lớp '{wanted}'. Các lớp có: {', '.join(names[:20])}.",
        f"'{request.path.name}' has no layer '{wanted}'. It has: {', '.join(names[:20])}.",
    )


@contextlib.contextmanager
def _errors_of_drivers(path: Path) -> Iterator[None]:
    """What a driver raises, in words of ours; its own words stand at the end for whoever can read them."""
    import pyogrio.errors

    try:
        yield
    except SourceError:
        raise
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        known = "not recognized" in str(error)
        reason = str(error).replace(str(path), path.name).split(";")[0][:200]
        if known:
            raise SourceError(
                f"Không nhận ra định dạng của '{path.name}'. "
                "Đọc được: GPKG, SHP, GDB, TAB/MIF, DXF, DGN V7, GeoJSON, GML, FlatGeobuf.",
                f"The format of '{path.name}' is not recognised. "
                "Readable: GPKG, SHP, GDB, TAB/MIF, DXF, DGN V7, GeoJSON, GML, FlatGeobuf.",
            ) from error
        raise _damaged(path, reason) from error
    except (pa.ArrowException, pyogrio.errors.FeatureError, pyogrio.errors.GeometryError, RuntimeError, ValueError,
            OSError) as error:  # fmt: skip
        raise _damaged(path, str(error).replace(str(path), path.name).splitlines()[0][:200]) from error


def _damaged(path: Path, reason: str) -> SourceError:
    return SourceError(
        f"Tệp '{path.name}' bị hỏng hoặc thiếu tệp đi kèm. Hãy chép hoặc xuất lại rồi thử lại. ({reason})",
        f"'{path.name}' is damaged or misses companion files. Copy or export it again and retry. ({reason})",
    )


def _write_rows(request: Request, path: Path, layer: str) -> dict[str, Any]:
    import pyogrio
    from pyogrio.raw import open_arrow

    options = dict(_OPEN_OPTIONS.get(path.suffix.lower(), {}))
    forced = _forced_encoding(path)
    count = _count(path, layer, forced, options)
    with (
        _quiet(),
        open_arrow(str(path), layer=layer, encoding=forced, use_pyarrow=True, datetime_as_string=True, **options) as (
            meta,
            reader,
        ),
        pa.OSFile(str(request.folder / "rows.arrow"), "wb") as sink,
    ):
        rows, has_curves = _copy(reader, meta.get("geometry_name") or "wkb_geometry", sink, count)
    if has_curves:
        _straighten(request, path, layer)
    if rows < count:
        raise _damaged(request.path, f"{rows} / {count}")
    info = pyogrio.read_info(path, layer=layer, encoding=forced, **options)
    return {
        "layer": layer, "driver": str(info["driver"]), "crs": meta["crs"], "rows": rows,
        "encoding": forced or str(info["encoding"] or "UTF-8"), "is_forced": forced is not None,
        "geometry_type": meta["geometry_type"],
    }  # fmt: skip


def _count(path: Path, layer: str, encoding: str | None, options: dict[str, str]) -> int:
    """How many rows the file says it has; 0 where it does not say. Fewer read than said is a damaged file."""
    import pyogrio

    if path.suffix.lower() not in (".gpkg", ".shp", ".fgb"):
        return 0
    found = pyogrio.read_info(path, layer=layer, encoding=encoding, **options)["features"]
    return max(int(found), 0)


def _copy(reader: Any, geometry_name: str, sink: pa.NativeFile, count: int) -> tuple[int, bool]:
    rows, writer, has_curves = 0, None, False
    with contextlib.ExitStack() as stack:
        for batch in reader:
            plain = _plain(batch, geometry_name)
            if writer is None:
                writer = stack.enter_context(pa.ipc.new_file(sink, plain.schema))
            writer.write_batch(plain)
            has_curves = has_curves or (GEOMETRY in plain.schema.names and _has_curves(plain.column(GEOMETRY)))
            rows += plain.num_rows
            _say({"rows": rows, "of": max(count, rows)})
        if writer is None:
            empty = _plain(pa.RecordBatch.from_pylist([], schema=reader.schema), geometry_name)
            stack.enter_context(pa.ipc.new_file(sink, empty.schema))
    return rows, has_curves


def _plain(batch: pa.RecordBatch, geometry_name: str) -> pa.RecordBatch:
    """Without extension types; the geometry under one name; text that is not UTF-8 kept byte by byte as latin-1."""
    columns: dict[str, pa.Array] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        stored = column.storage if isinstance(column, pa.ExtensionArray) else column
        if name == geometry_name:
            columns[GEOMETRY] = stored.cast(pa.binary())
        else:
            columns[name] = _valid_text(stored) if pa.types.is_string(stored.type) else stored
    return pa.RecordBatch.from_pydict(columns)


def _valid_text(column: pa.Array) -> pa.Array:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        raw = column.cast(pa.binary()).to_pylist()
        return pa.array([None if value is None else value.decode("latin-1") for value in raw], pa.string())
    return column


def _has_curves(column: pa.Array) -> bool:
    """True where the WKB code of any shape is that of a curve; read from the bytes, without parsing a shape."""
    present = column.drop_null()
    if not len(present):
        return False
    offsets = np.frombuffer(present.buffers()[1], dtype=np.int32)[present.offset : present.offset + len(present)]
    octets = np.frombuffer(present.buffers()[2], dtype=np.uint8)
    low, high = np.where(octets[offsets] == 1, [[1], [2]], [[4], [3]])
    codes = octets[offsets + low].astype(np.int32) + 256 * octets[offsets + high].astype(np.int32)
    return bool(np.isin(codes % 1000, _CURVED).any())


def _straighten(request: Request, path: Path, layer: str) -> None:
    """Read the shapes once more by the slow way, in which GDAL makes lines of curves."""
    from pyogrio.raw import read as read_raw

    with pa.OSFile(str(request.folder / "rows.arrow"), "rb") as source:
        table = pa.ipc.open_file(source).read_all()
    _meta, _fids, geometry, _fields = read_raw(path, layer=layer, columns=[])
    place = table.schema.get_field_index(GEOMETRY)
    table = table.set_column(place, GEOMETRY, pa.array(list(geometry), pa.binary()))
    with pa.OSFile(str(request.folder / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _forced_encoding(path: Path) -> str | None:
    """latin-1 for a .dbf whose code page is not known: every byte survives, and the text is told from them later."""
    if path.suffix.lower() not in (".shp", ".dbf"):
        return None
    if any(sibling.suffix.lower() == ".cpg" and sibling.stem == path.stem for sibling in path.parent.iterdir()):
        return None
    table = next((s for s in path.parent.iterdir() if s.suffix.lower() == ".dbf" and s.stem == path.stem), None)
    if table is None:
        return None
    with table.open("rb") as file:
        header = file.read(30)
    return "ISO-8859-1" if len(header) < 30 or header[29] in _VAGUE_CODE_PAGES else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _say(event: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class _Unneeded(importlib.abc.MetaPathFinder):
    """pyogrio looks for GeoPandas when it is imported and needs neither here: a second less for every file."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name in ("geopandas", "pandas"):
            raise ModuleNotFoundError(name, name=name)


if __name__ == "__main__":
    sys.meta_path.insert(0, _Unneeded())
    sys.exit(main())
