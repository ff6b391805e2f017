"""Reading a raster through its reader process: cells as an array on the disk, and what the file says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.rasters import Grid
from layers.errors import InvalidRequestError, SourceError

from .source import Progress, digest_of, no_progress, private_folder, run_reader, small_environment

SUFFIXES = (".tif", ".tiff", ".gtiff", ".cog")
Cells = NDArray[Any]


@dataclass(frozen=True, slots=True)
class RasterSource:
    """A raster as read. `cells` is None where it cannot be published at all; row 0 is in the north."""

    name: str
    digest: str
    driver: str
    crs: str | None
    transform: tuple[float, float, float, float, float, float]  #: a b c d e f of x = a·col + b·row + c, y = d·col + …
    is_placed: bool
    width: int
    height: int
    bands: int
    band: int
    kind: str
    nodata: float | None
    is_scaled: bool
    is_masked: bool  #: a mask or an alpha band says which cells hold data
    cells: Cells | None

    @property
    def is_rotated(self) -> bool:
        return self.transform[1] != 0 or self.transform[3] != 0 or self.transform[0] <= 0

    @property
    def grid(self) -> Grid:
        """Of a raster that is not rotated."""
        cell_x, _, west, _, step_y, top = self.transform
        north = top if step_y < 0 else top + step_y * self.height
        return Grid(west, north, cell_x, abs(step_y), self.width, self.height)


def is_raster_file(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


@contextmanager
def opened_raster(path: Path, band: str | None, progress: Progress = no_progress) -> Iterator[RasterSource]:
    """The raster of a file while the block lasts. Raises SourceError, InvalidRequestError for a band that is none."""
    if not path.is_file():
        raise SourceError(f"Không có tệp '{path}'.", f"There is no file '{path}'.")
    with private_folder() as folder:
        wanted = _band_number(band)
        request = {"path": str(path.absolute()), "band": wanted, "folder": str(folder)}
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        run_reader("layers.publishing.raster_reader", _environment(), folder / "request.json", path, progress)
        about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        yield _source(path, about, folder / "cells.npy")


def _band_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise InvalidRequestError(
            f"Với ảnh, --source-layer là số thứ tự kênh (1, 2, …), không phải '{text}'.",
            f"Of a raster, --source-layer is the number of a band (1, 2, …), not '{text}'.",
        )
    return int(text)


def _source(path: Path, about: dict[str, Any], cells: Path) -> RasterSource:
    place = min(about["band"], about["bands"]) - 1
    kind, declared = about["kinds"][place], about["nodata"][place]
    nodata = None if declared is None else _possible(float(declared), kind)
    made: Cells | None = np.load(cells, mmap_mode="r") if cells.exists() else None
    if made is not None and about["transform"][4] > 0:
        made = made[::-1]  # written from the south upwards
    return RasterSource(
        name=path.name, digest=digest_of(path), driver=about["driver"], crs=about["crs"],
        transform=tuple(about["transform"]), is_placed=about["is_placed"], width=about["width"],
        height=about["height"], bands=about["bands"], band=about["band"],
        kind=kind, nodata=nodata, is_scaled=about["is_scaled"][place],
        is_masked=about["is_masked"][place], cells=made,
    )  # fmt: skip


def _possible(nodata: float, kind: str) -> float | None:
    """None for a value no cell of the kind can have: -9999 is often declared of bytes."""
    if not kind.startswith(("int", "uint")):
        return nodata
    limits = np.iinfo(kind)
    return nodata if nodata.is_integer() and limits.min <= nodata <= limits.max else None


@cache
def _skipped_drivers() -> str:
    import rasterio

    with rasterio.Env() as environment:
        return ",".join(sorted(name for name in environment.drivers() if name not in ("GTiff", "COG", "MEM")))


def _environment() -> dict[str, str]:
    """No driver but GeoTIFF, and no look at files beside it but the world file and the statistics."""
    return {**small_environment(), "GDAL_SKIP": _skipped_drivers(), "GDAL_MAX_DATASET_POOL_SIZE": "2"}
