"""The formats of an export: what each is called, what it can hold, how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import pyarrow as pa

from .csv_text import csv_head, csv_part
from .dxf import dxf_head, dxf_part, dxf_tail
from .layout import Batches, Layout
from .parquet_file import write_parquet
from .sequence import sequence_part
from .shapefile import write_shapefile
from .vector_file import write_flatgeobuf, write_geopackage
from .xlsx import write_xlsx

WriteFile = Callable[[Batches, Layout, Path], None]
Part = Callable[[pa.RecordBatch, Layout], bytes]
Edge = Callable[[Layout], bytes]


def _nothing(layout: Layout) -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class Text:
    """Written from its beginning to its end: it can leave while it is made."""

    part: Part
    head: Edge = _nothing
    tail: Edge = _nothing

    def write(self, batches: Batches, layout: Layout, path: Path) -> None:
        with path.open("wb") as file:
            file.write(self.head(layout))
            for batch in batches:
                file.write(self.part(batch, layout))
            file.write(self.tail(layout))


@dataclass(frozen=True, slots=True)
class Format:
    """`name` is the word of `f`, `crs` the system shapes are in unless another one is asked for."""

    name: str
    media_type: str
    suffix: str
    title: str
    crs: Literal["storage", "CRS84"] = "storage"
    needs_shapes: bool = False  #: of no use to a layer without shapes
    needs_every_shape: bool = False  #: no place for a feature without one: some programs break over it
    needs_metres: bool = False  #: no system in degrees
    is_along_curve: bool = False  #: rows in the order of their place
    has_points_only: bool = False
    text: Text | None = None
    file: WriteFile | None = None

    def write(self, batches: Batches, layout: Layout, path: Path) -> None:
        """The whole file, batch by batch; runs in a thread."""
        if self.text is not None:
            self.text.write(batches, layout, path)
        elif self.file is not None:
            self.file(batches, layout, path)


_ALL = (
    Format("jsonseq", "application/geo+json-seq", "geojsonl", "GeoJSON Text Sequence", crs="CRS84",
           text=Text(sequence_part)),
    Format("parquet", "application/vnd.apache.parquet", "parquet", "GeoParquet", is_along_curve=True,
           file=write_parquet),
    Format("fgb", "application/flatgeobuf", "fgb", "FlatGeobuf", needs_shapes=True, needs_every_shape=True,
           file=write_flatgeobuf),
    Format("gpkg", "application/geopackage+sqlite3", "gpkg", "GeoPackage", file=write_geopackage),
    Format("shp", "application/zip", "zip", "Shapefile", needs_shapes=True, file=write_shapefile),
    Format("dxf", "image/vnd.dxf", "dxf", "DXF", needs_shapes=True, needs_metres=True,
           text=Text(dxf_part, dxf_head, dxf_tail)),
    Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "Excel",
           has_points_only=True, file=write_xlsx),
    Format("csv", "text/csv", "csv", "CSV", crs="CRS84", text=Text(csv_part, csv_head)),
)  # fmt: skip
FORMATS: Mapping[str, Format] = MappingProxyType({each.name: each for each in _ALL})


def of_file(name: str) -> Format | None:
    """The format that a file's name says, 'parcels.gpkg'."""
    end = name.rpartition(".")[2].lower()
    return next((each for each in _ALL if end in (each.suffix, each.name)), None)
