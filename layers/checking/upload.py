"""A file that somebody uploads to have its ground checked: opened by the reader process, one polygon taken from it."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from shapely.geometry.base import BaseGeometry

from gis.crs import WGS84
from gis.errors import LienthongError, Message
from layers.errors import FieldError, InvalidInputsError, SourceError, UnavailableError
from layers.profile.profile import Profile
from layers.publishing.placing import crs_of_file
from layers.publishing.reader import GEOMETRY
from layers.publishing.source import Limits, Source, read_source

from .file_columns import column_called
from .given import WGS84 as WGS84_NAME
from .given import is_outside, outside_extent
from .request import ByGeometry, ByUpload
from .zones import many, one, projection_of

#: a file of one parcel needs no more
LIMITS = Limits(memory_bytes=2**30, cpu_s=20, time_s=40)
#: rows of a file that may be asked for by name
MOST_ROWS = 20_000
#: files being opened at once, whoever asks, and those that may wait for it
READERS, MOST_WAITING = 2, 8
_MOST_CHOICES = 20
_FILE = "subject.file"
_READERS: RunVar[CapacityLimiter] = RunVar("lienthong.checking.readers")


async def shape_of_upload(upload: ByUpload, profile: Profile) -> ByGeometry:
    """The polygon in CRS84. Raises InvalidInputsError with the next step: another format, a system, a choice;
    UnavailableError while too many files wait.

    The file's SHA-256 goes with it only where the file alone says which ground it is.
    """
    readers = _readers()
    if readers.statistics().tasks_waiting >= MOST_WAITING:
        raise UnavailableError(
            "Máy chủ đang mở quá nhiều tệp; hãy thử lại sau ít phút.",
            "The server is opening too many files; please try again in a moment.",
        )
    return await to_thread.run_sync(_shape_of, upload, profile, limiter=readers)


def _readers() -> CapacityLimiter:
    try:
        return _READERS.get()
    except LookupError:
        _READERS.set(CapacityLimiter(READERS))
        return _READERS.get()


def _shape_of(upload: ByUpload, profile: Profile) -> ByGeometry:
    source = _read(upload)
    row = _chosen(source, upload.key)
    shape = _polygon(shapely.from_wkb(source.table[GEOMETRY][row].as_py()))
    crs = _crs(source, upload, profile)
    moved = one(projection_of(profile.header.crs).to_crs(many(shape), crs, WGS84))
    _require_inside(moved, profile)
    survey = hashlib.sha256(upload.content).hexdigest() if upload.crs is None else None
    return ByGeometry(_geojson(moved), survey)


async def shapes_of_upload(upload: ByUpload, profile: Profile) -> list[tuple[str, ByGeometry]]:
    """Every polygon of a file in CRS84, with a name where a column has one. Raises InvalidInputsError."""
    return await to_thread.run_sync(_shapes_of, upload, profile, limiter=_readers())


def _shapes_of(upload: ByUpload, profile: Profile) -> list[tuple[str, ByGeometry]]:
    source = _read(upload)
    crs, projection = _crs(source, upload, profile), projection_of(profile.header.crs)
    shapes = np.asarray(shapely.from_wkb(source.table[GEOMETRY].to_numpy(zero_copy_only=False)), dtype=object)
    found_names = (column_called(name, source.table.schema.names) for name in ("label", "key"))
    names = next((source.table[name].to_pylist() for name in found_names if name is not None), None)
    found = []
    for row in np.flatnonzero([_is_ground(shape) for shape in shapes]).tolist():
        moved = one(projection.to_crs(many(_polygon(shapes[row])), crs, WGS84))
        found.append((str(names[row] or "") if names else "", ByGeometry(_geojson(moved))))
    return found


def _require_inside(moved: BaseGeometry, profile: Profile) -> None:
    if is_outside(moved, WGS84_NAME, profile.header):
        raise _refused(outside_extent(profile.header))


def _read(upload: ByUpload) -> Source:
    """Through the reader process: this one never opens what comes from outside."""
    with tempfile.TemporaryDirectory(prefix="lienthong-check-") as folder:
        path = Path(folder) / _safe_name(upload.name)
        path.write_bytes(upload.content)
        try:
            found = read_source(path, upload.layer, None, limits=LIMITS)
        except SourceError as error:
            raise _refused(error.message) from error
    if GEOMETRY not in found.table.schema.names or not len(found.table):
        raise _refused(Message("Tệp không có hình nào.", "The file holds no shape."))
    if len(found.table) > MOST_ROWS:
        vi = f"Tệp có hơn {MOST_ROWS} đối tượng; hãy tách riêng khu đất cần kiểm tra."
        raise _refused(Message(vi, f"The file holds more than {MOST_ROWS} features; take out the one to check."))
    return found


def _safe_name(name: str) -> str:
    """The ending tells the format; nothing else of a name from outside is used."""
    ending = re.search(r"(\.[A-Za-z0-9]{1,10})$", name)
    return f"upload{ending[1].lower() if ending else ''}"


def _crs(source: Source, upload: ByUpload, profile: Profile) -> str:
    """Raises InvalidInputsError asking for the system where the file names none."""
    try:
        use = crs_of_file(source.crs, upload.crs, projection_of(profile.header.crs))
    except LienthongError as error:
        raise _refused(error.message, f"{_FILE}.crs") from error
    if use.used is not None:
        return use.used
    storage = profile.header.crs.storage
    vi = f"Tệp không ghi hệ tọa độ; hãy chọn, ví dụ {storage}."
    raise _refused(Message(vi, f"The file names no coordinate system; choose one, such as {storage}."), f"{_FILE}.crs")


# ── which of its shapes ──────────────────────────────────────────────────────────────────────────


def _chosen(source: Source, key: str | None) -> int:
    """The only row with a polygon, or the one that `key` names: a value of its columns, or '#' and its number."""
    shapes = np.asarray(shapely.from_wkb(source.table[GEOMETRY].to_numpy(zero_copy_only=False)), dtype=object)
    rows = [int(row) for row in np.flatnonzero([_is_ground(shape) for shape in shapes])]
    if key is not None:
        rows = [row for row in rows if f"#{row + 1}" == key] or _rows_named(source.table, key, rows)
    if len(rows) == 1:
        return rows[0]
    if not rows:
        vi, en = (f"Tệp không có đối tượng '{key}'.", f"No feature '{key}' in the file.") if key is not None else (
            "Tệp không có vùng khép kín nào.", "The file holds no polygon.")  # fmt: skip
        raise _refused(Message(vi, en), f"{_FILE}.key" if key is not None else _FILE)
    raise _choose_one(source.table, rows)


def _is_ground(shape: BaseGeometry | None) -> bool:
    if shape is None or shape.is_empty:
        return False
    return shape.geom_type in ("Polygon", "MultiPolygon") or (shape.geom_type == "LineString" and shape.is_ring)


def _rows_named(table: pa.Table, key: str, rows: Sequence[int]) -> list[int]:
    columns = [table[name].to_pylist() for name in table.schema.names if name != GEOMETRY]
    return [row for row in rows if any(str(column[row]).strip() == key for column in columns)]


def _choose_one(table: pa.Table, rows: Sequence[int]) -> InvalidInputsError:
    vi, en = f"Tệp có {len(rows)} vùng; hãy chọn một bằng key.", f"The file holds {len(rows)} polygons; choose by key."
    error = _refused(Message(vi, en), f"{_FILE}.key")
    names = [name for name in table.schema.names if name != GEOMETRY][:6]
    error.details["choices"] = [
        {"key": f"#{row + 1}", "label": ", ".join(f"{name} {table[name][row].as_py()}" for name in names)[:120]}
        for row in rows[:_MOST_CHOICES]
    ]
    return error


def _polygon(shape: BaseGeometry) -> BaseGeometry:
    """Closed lines of a drawing are ground too."""
    flat = shapely.force_2d(shape)
    return shapely.Polygon(flat.coords) if flat.geom_type == "LineString" else flat


def _geojson(shape: BaseGeometry) -> dict[str, object]:
    parts = [
        [shapely.get_coordinates(ring).tolist() for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(shape)
    ]
    is_one = shape.geom_type == "Polygon"
    return {"type": shape.geom_type, "coordinates": parts[0] if is_one else parts}


def _refused(message: Message, field: str = _FILE) -> InvalidInputsError:
    return InvalidInputsError(message.vi, message.en, [FieldError(field, message)])
