"""GeoPackages of the demo: columns as the profile names them, written in stretches, each saying it is synthetic."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyogrio
import shapely

from layers.profile.grammar import Attribute, LayerDefinition
from layers.profile.profile import Profile

SYNTHETIC = (
    "DỮ LIỆU TỔNG HỢP (giả lập) để trình diễn phần mềm Liên thông; không phải dữ liệu thật, không có giá trị pháp lý. "
    "SYNTHETIC demonstration data; not real, without legal value."
)
MARK = {"SYNTHETIC": "YES", "DESCRIPTION": SYNTHETIC, "IDENTIFIER": "lienthong-demo"}
#: GDAL writes this as the time of the last change, so that equal content gives equal files
WRITTEN = "2026-07-01T00:00:00.000Z"
STRETCH = 60_000  #: rows kept before they are written

Column = Sequence[object] | np.ndarray

_ARROW = {
    "string": pa.string(), "code": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
    "date": pa.date32(), "datetime": pa.timestamp("ms"), "list": pa.string(),
}  # fmt: skip


@dataclass(slots=True)
class LayerFile:
    """One layer on its way to one file."""

    definition: LayerDefinition
    path: Path
    crs: str
    kept: list[pa.Table] = field(default_factory=list)
    rows: int = 0
    written: bool = False
    content: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, shapes: np.ndarray | None, columns: Mapping[str, Column]) -> None:
        """Rows; columns that are not given are null. Single shapes become multi shapes."""
        unknown = set(columns) - {attribute.name for attribute in self.definition.attributes}
        if unknown:
            raise ValueError(f"{self.definition.id}: no such columns {sorted(unknown)}")
        count = len(shapes) if shapes is not None else len(next(iter(columns.values())))
        if not count:
            return
        arrays = [_array(attribute, columns.get(attribute.name), count) for attribute in self.definition.attributes]
        names = [attribute.name for attribute in self.definition.attributes]
        if shapes is not None:
            binary = shapely.to_wkb(as_multi(shapes), byte_order=1)
            arrays.append(pa.array(binary, pa.binary()))
            names.append("geom")
        self.kept.append(pa.table(arrays, names))
        self.rows += count
        if sum(table.num_rows for table in self.kept) >= STRETCH:
            self.flush()

    def flush(self) -> None:
        """Write what is kept; the first stretch makes the file."""
        if not self.kept:
            return
        table = pa.concat_tables(self.kept).combine_chunks()
        self.kept.clear()
        for batch in table.to_batches():
            for column in batch.columns:
                for buffer in column.buffers()[1:]:
                    self.content.update(buffer or b"")
        has_shape = self.definition.has_geometry
        pyogrio.write_arrow(
            table, self.path, layer=self.definition.id, driver="GPKG", append=self.written,
            geometry_name="geom" if has_shape else None,
            geometry_type=_ogr_type(self.definition.stored_geometry) if has_shape else None,
            crs=self.crs if has_shape else None,
            dataset_metadata=None if self.written else MARK, layer_metadata=None if self.written else MARK,
            layer_options=None if self.written else _options(self.definition, has_shape),
        )  # fmt: skip
        self.written = True


def _ogr_type(stored: str) -> str:
    return "Unknown" if stored.startswith("Geometry") else stored


def _options(definition: LayerDefinition, has_shape: bool) -> dict[str, str]:
    title = f"{definition.title.vi} – {SYNTHETIC}"
    options = {"DESCRIPTION": title, "IDENTIFIER": f"{definition.id} (dữ liệu tổng hợp / synthetic)"}
    return {**options, "GEOMETRY_NAME": "geom", "SPATIAL_INDEX": "YES"} if has_shape else options


def _array(attribute: Attribute, values: Column | None, count: int) -> pa.Array:
    kind = _ARROW[attribute.type]
    if values is None:
        return pa.nulls(count, kind)
    return pa.array(values, kind, from_pandas=True)


def as_multi(shapes: np.ndarray) -> np.ndarray:
    """Points, lines and polygons as their multi types, the rest as it is."""
    made = np.array(shapes, dtype=object)
    for single, build in ((0, shapely.multipoints), (1, shapely.multilinestrings), (3, shapely.multipolygons)):
        chosen = shapely.get_type_id(made) == single
        if chosen.any():
            made[chosen] = build(made[chosen], indices=np.arange(int(chosen.sum())))
    return made


class DemoFiles:
    """All files of a province under way."""

    def __init__(self, out: Path, profile: Profile) -> None:
        self.out = out
        self._layers = {
            layer.id: LayerFile(layer, out / f"{layer.id}.gpkg", profile.header.crs.storage)
            for layer in profile.layers
            if layer.geometry != "raster"
        }

    def add(self, layer: str, shapes: np.ndarray | Sequence[object] | None, **columns: Column) -> None:
        """Rows of a layer; a profile without the layer takes none."""
        if layer in self._layers:
            given = None if shapes is None else np.array(shapes, dtype=object)
            self._layers[layer].add(given, columns)

    def close(self) -> dict[str, dict[str, object]]:
        """Write the rest; rows, content digest and file digest of each layer."""
        made = {}
        for layer in self._layers.values():
            layer.flush()
            if layer.written:
                made[layer.definition.id] = {
                    "file": layer.path.name, "rows": layer.rows, "content": f"sha256:{layer.content.hexdigest()}",
                    "sha256": file_digest(layer.path), "synthetic": True,
                }  # fmt: skip
        return made


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read in stretches."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@contextmanager
def fixed_time() -> Iterator[None]:
    """GDAL's clock stands still while the files are written."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
