"""The subjects of a batch: rows of a layer, shapes of a file, shapes that came with the question."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from anyio import to_thread

from gis.crs import CrsName
from layers.errors import InvalidRequestError, NotFoundError, SourceError, UnavailableError
from layers.publishing.source import Progress, read_source
from layers.store import check_export
from layers.store.checks import CutLayer
from layers.store.connection import Connection
from layers.store.tables import srid

from .export import require_areas, with_subject_keys
from .extent import outside
from .file_columns import column_called
from .partition import OUTSIDE_COLUMN
from .places import with_places
from .reading import Case, require_served
from .zones import projection_of

_NUMBERING = pa.schema([(role, pa.string()) for role in check_export.NAMING_ROLES])
_CRS84 = "EPSG:4326"
#: shapes read before others may go on: GEOS keeps the interpreter while it reads text
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class OfLayer:
    """Rows of a layer: all of them, or those with these fids; `keys` keeps those it names. `has_keys`: rows are called
    by their key, else by their fid."""

    layer: str
    fids: Collection[int] | None = None
    keys: Collection[str] | None = None
    has_keys: bool = True
    revision: int | None = None  #: the fids were chosen at


@dataclass(frozen=True, slots=True)
class OfFile:
    path: Path
    source_layer: str | None = None


@dataclass(frozen=True, slots=True)
class OfFeatures:
    """GeoJSON features in CRS84."""

    features: Sequence[Mapping[str, Any]]


Source = OfLayer | OfFile | OfFeatures


async def read_subjects(
    connection: Connection, source: Source, case: Case, cut: Mapping[str, CutLayer], progress: Progress
) -> pa.Table:
    """The subjects in the storage CRS, with their keys, accuracies and numbers. Raises InvalidRequestError,
    NotFoundError, SourceError, UnavailableError."""
    if isinstance(source, OfFile):
        return await to_thread.run_sync(_of_file, source, case, progress)
    if isinstance(source, OfFeatures):
        return await to_thread.run_sync(_of_features, source, case)
    return await _of_layer(connection, source, case, cut, progress)


async def _of_layer(
    connection: Connection, source: OfLayer, case: Case, cut: Mapping[str, CutLayer], progress: Progress
) -> pa.Table:
    definition = case.profile.layer(source.layer)
    if definition is None or source.layer not in cut:
        listed = ", ".join(sorted(layer.id for layer in case.profile.layers))
        raise NotFoundError(
            f"Không có lớp '{source.layer}'. Các lớp: {listed}.", f"No layer '{source.layer}'. Layers: {listed}."
        )
    require_areas(definition)
    layer = cut[definition.id]
    require_served(layer, case.standing(layer))
    if source.revision not in (None, layer.revision):  # rows chosen by what the caller may see of another state
        raise UnavailableError("Dữ liệu vừa thay đổi; hãy thử lại.", "The data has just changed; please try again.")
    rows = await check_export.subjects(
        connection, definition, srid(case.profile.header.crs.storage), layer.number, layer.revision,
        lambda done: progress("subjects", done, done), fids=source.fids, each=with_places,
    )  # fmt: skip
    if not source.has_keys:
        rows = rows.set_column(rows.schema.get_field_index("key"), "key", pa.nulls(rows.num_rows, pa.string()))
    named = with_subject_keys(rows)
    if source.keys is None:
        return named
    return named.filter(_is_named(named, source.keys))


def _is_named(rows: pa.Table, keys: Collection[str]) -> pa.ChunkedArray:
    """By key, or by 'fid:…'."""
    wanted = pa.array(sorted(keys), pa.string())
    fids = pc.binary_join_element_wise(pa.scalar("fid:"), rows["fid"].cast(pa.string()), "")
    return pc.or_(pc.is_in(rows["subject_key"], wanted), pc.is_in(fids, wanted))


def _of_file(source: OfFile, case: Case, progress: Progress) -> pa.Table:
    read = read_source(source.path, source.source_layer, None, progress)
    if read.crs is None:
        raise SourceError(
            f"Tệp '{read.name}' không ghi hệ tọa độ. Ghi hệ tọa độ vào tệp (ví dụ .prj, hoặc GPKG) rồi chạy lại.",
            f"'{read.name}' names no coordinate system. Write it into the file (.prj, or GPKG) and run again.",
        )
    rows = read.table.num_rows
    keys = _row_numbers(rows)
    named = column_called("key", read.table.column_names)
    if named is not None:
        keys = pc.coalesce(read.table[named].combine_chunks().cast(pa.string()), keys)
    shapes = np.asarray(shapely.from_wkb(read.table["geometry"].to_numpy(), on_invalid="ignore"), dtype=object)
    return _table(shapes, read.crs, case, keys)


def _of_features(source: OfFeatures, case: Case) -> pa.Table:
    keys = [_key_of(feature, number) for number, feature in enumerate(source.features, start=1)]
    return _table(shapes_of(source.features), _CRS84, case, pa.array(keys, pa.string()))


def _key_of(feature: Mapping[str, Any], number: int) -> str:
    named = (feature.get("properties") or {}).get("key", feature.get("id"))
    return str(named) if isinstance(named, str | int) else str(number)


def shapes_of(features: Sequence[Mapping[str, Any]]) -> np.typing.NDArray[np.object_]:
    """The areas of GeoJSON features. Raises InvalidRequestError where one is none."""
    parts = [_read(features[first : first + _AT_ONCE]) for first in range(0, len(features), _AT_ONCE)]
    shapes = np.concatenate(parts) if parts else np.empty(0, dtype=object)
    bad = [number for number, shape in enumerate(shapes, start=1) if not _is_area(shape)]
    if bad:
        listed = ", ".join(map(str, bad[:10]))
        raise InvalidRequestError(
            f"Đối tượng thứ {listed} không phải vùng bằng kinh độ, vĩ độ (CRS84).",
            f"Features {listed} are no areas in longitude and latitude (CRS84).",
        )
    return shapes


def _read(features: Sequence[Mapping[str, Any]]) -> np.typing.NDArray[np.object_]:
    texts = np.array([json.dumps(feature.get("geometry")) for feature in features], dtype=object)
    return np.asarray(shapely.from_geojson(texts, on_invalid="ignore"), dtype=object)


def _is_area(shape: Any) -> bool:
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        return False
    west, south, east, north = shape.bounds
    return bool(west >= -180 and south >= -90 and east <= 180 and north <= 90)


def _row_numbers(rows: int) -> pa.Array:
    return pa.array([str(number) for number in range(1, rows + 1)], pa.string())


def _table(shapes: np.typing.NDArray[np.object_], crs: CrsName, case: Case, keys: pa.Array) -> pa.Table:
    """Subjects that are no rows of a layer: without numbers, as exact as they were drawn."""
    flat = np.asarray(shapely.force_2d(shapes), dtype=object)
    stored = _stored(flat, crs, case)
    rows = len(stored)
    return pa.table(
        {
            "fid": pa.nulls(rows, pa.int64()),
            "accuracy_m": pa.array(np.zeros(rows)),
            "registered_m2": pa.array(np.full(rows, np.nan)),
            "geometry": pa.array(shapely.to_wkb(stored), pa.binary()),
            **{field.name: pa.nulls(rows, field.type) for field in _NUMBERING},
            "subject_key": keys,
            OUTSIDE_COLUMN: pa.array(outside(flat, crs, case.profile.header)),
        }
    )


def _stored(shapes: np.typing.NDArray[np.object_], crs: CrsName, case: Case) -> np.typing.NDArray[np.object_]:
    """Shapes in the storage CRS; what cannot be read as a shape is none."""
    stored = projection_of(case.profile.header.crs).to_crs(shapes, crs, case.profile.header.crs.storage)
    coordinates, owner = shapely.get_coordinates(stored, return_index=True)
    stored = stored.copy()
    stored[np.unique(owner[~np.isfinite(coordinates).all(axis=1)])] = None
    return stored
