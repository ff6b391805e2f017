"""The process that opens rasters from outside, as `reader` does for vector files: fresh, limited, GeoTIFF alone.

    python -m layers.publishing.raster_reader <request.json>

It writes the cells of one band as `cells.npy` and a description beside it, so that nothing else ever parses the file.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gis.errors import LienthongError
from layers.errors import SourceError

from .reader import limit

#: a file says how large it is before it holds anything: what would fill the disk is not begun
MOST_CELLS = 2_000_000_000
ROWS_AT_ONCE = 512
KINDS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
_DRIVER = "GTiff"


def main() -> int:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    limit()
    try:
        read(Path(request["path"]), request["band"], Path(request["folder"]))
    except LienthongError as error:
        _say({"error": error.message.as_dict()})
        return 1
    _say({"done": True})
    return 0


def read(path: Path, band: int | None, folder: Path) -> None:
    """Write `cells.npy` and `about.json`. Raises SourceError."""
    import rasterio
    from rasterio.errors import RasterioError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with rasterio.open(path, driver=_DRIVER) as opened:
                about = _about(opened)
                if _is_readable(about, band):
                    _copy(opened, band or 1, folder / "cells.npy")
        except RasterioError as error:
            raise _damaged(path, str(error)) from error
    about["band"] = band or 1
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _about(opened: Any) -> dict[str, Any]:
    """What the file says of itself."""
    place = opened.transform
    return {
        "driver": str(opened.driver), "crs": opened.crs.to_wkt() if opened.crs else None,
        "transform": [place.a, place.b, place.c, place.d, place.e, place.f], "is_placed": not place.is_identity,
        "width": opened.width, "height": opened.height, "bands": opened.count, "kinds": list(opened.dtypes),
        "nodata": [None if value is None else repr(float(value)) for value in opened.nodatavals],
        "is_masked": _masked(opened),
        "is_scaled": [s != 1 or o != 0 for s, o in zip(opened.scales, opened.offsets, strict=True)],
    }  # fmt: skip


def _masked(opened: Any) -> list[bool]:
    """Of each band, whether something besides its own nodata value says which cells hold data: it is not read."""
    from rasterio.enums import ColorInterp, MaskFlags

    known = ([MaskFlags.all_valid], [MaskFlags.nodata])
    has_alpha = ColorInterp.alpha in opened.colorinterp
    beside = Path(f"{opened.name}.msk").exists()
    return [has_alpha or beside or list(flags) not in known for flags in opened.mask_flag_enums]


def _is_readable(about: dict[str, Any], band: int | None) -> bool:
    """What cannot be published in any case is described and not read; the inspection says why."""
    chosen = band or 1
    is_there = chosen <= about["bands"] and (band is not None or about["bands"] == 1)
    return is_there and about["kinds"][chosen - 1] in KINDS and about["width"] * about["height"] <= MOST_CELLS


def _copy(opened: Any, band: int, path: Path) -> None:
    from rasterio.windows import Window

    shape = (opened.height, opened.width)
    cells = np.lib.format.open_memmap(path, mode="w+", dtype=opened.dtypes[band - 1], shape=shape)
    for start in range(0, opened.height, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, opened.height)
        cells[start:stop] = opened.read(band, window=Window(0, start, opened.width, stop - start))
        _say({"rows": stop, "of": opened.height})
    cells.flush()


def _damaged(path: Path, reason: str) -> SourceError:
    told = reason.replace(str(path), path.name).splitlines()[0][:200]
    return SourceError(
        f"Không đọc được '{path.name}' như ảnh GeoTIFF: tệp hỏng hoặc thuộc định dạng khác. "
        f"Xuất lại thành GeoTIFF rồi thử lại. ({told})",
        f"'{path.name}' cannot be read as a GeoTIFF: it is damaged or of another format. "
        f"Export it as GeoTIFF and retry. ({told})",
    )


def _say(event: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
