"""Everything that can be said about a raster before anything is public."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import crs_named
from gis.errors import Message
from gis.rasters import Grid, ValueClass
from layers.errors import InvalidRequestError
from layers.profile.grammar import LayerDefinition, ProfileHeader
from layers.profile.profile import Profile
from layers.store.rasters import RasterFigures

from .defects import Defect, DefectList
from .inspection import Communes
from .options import ReadOptions
from .placing import CrsUse, check_place, crs_of_file, projection_of
from .raster_reader import KINDS, MOST_CELLS
from .raster_source import RasterSource, opened_raster
from .raster_values import CellCounts, count_cells
from .source import Progress, no_progress

Geometries = NDArray[np.object_]

#: more cells of no class than this are values in another unit, not strays
_MOSTLY = 0.5
_NAMED = 6
#: points along each side of the raster's box: its sides are curves elsewhere
_SIDE_POINTS = 64


@dataclass(frozen=True, slots=True)
class RasterInspection:
    """A raster against a definition. `counts` is None where its cells were not read."""

    source: RasterSource
    definition: LayerDefinition
    crs: CrsUse
    counts: CellCounts | None
    area_m2: float  #: of the whole grid, in the storage CRS
    defects: tuple[Defect, ...]

    @property
    def blocking(self) -> tuple[Defect, ...]:
        return tuple(defect for defect in self.defects if defect.is_blocking)

    @property
    def classes(self) -> tuple[ValueClass, ...]:
        return self.definition.value_classes

    @property
    def figures(self) -> RasterFigures:
        """Share of cells with a value, and m² by class."""
        if self.counts is None or not self.counts.total:
            return RasterFigures(0.0, {})
        cell_m2 = self.area_m2 / self.counts.total
        numbered = zip(self.classes, self.counts.by_class, strict=True)
        areas = {one.number: round(count * cell_m2, 1) for one, count in numbered}
        return RasterFigures(self.counts.valid / self.counts.total, areas)

    def as_dict(self) -> dict[str, object]:
        source, counts, figures = self.source, self.counts, self.figures
        cells = {"read": source.width * source.height, "accepted": 0, "repaired": 0, "refused": 0}
        if counts is not None:
            cells |= {"accepted": counts.valid, "refused": counts.strays}
        return {
            "layer": self.definition.id,
            "source": source.name,
            "source_layer": str(source.band),
            "source_digest": source.digest,
            "driver": source.driver,
            "crs": self.crs.as_dict(),
            "encoding": None,
            "rows": cells,
            "raster": {
                "width": source.width, "height": source.height, "kind": source.kind, "nodata": _plain(source.nodata),
                "bands": source.bands, "cell": [abs(source.transform[0]), abs(source.transform[4])],
                "unit": self.definition.unit, "valid_share": round(figures.valid_share, 6),
                "areas_m2": {str(number): area for number, area in figures.areas_m2.items()},
            },
            "diff": None,
            "defects": [defect.as_dict() for defect in self.defects],
            "revision": None,
            "release": None,
        }  # fmt: skip


def _plain(value: float | None) -> float | str | None:
    """JSON has no NaN."""
    return "nan" if value is not None and np.isnan(value) else value


@contextmanager
def inspected_raster(
    path: Path, definition: LayerDefinition, profile: Profile, options: ReadOptions | None = None, *,
    communes: Communes | None = None, progress: Progress = no_progress,
) -> Iterator[RasterInspection]:  # fmt: skip
    """The inspection of a file, whose cells can be read while the block lasts. Raises SourceError, CrsError,
    InvalidRequestError for options that rasters do not have."""
    given = options or ReadOptions()
    if given.swap_axes or given.column_map:
        raise InvalidRequestError(
            "Ảnh không có cột và không đổi trục: bỏ --map, --swap-axes.",
            "A raster has no columns and its axes cannot be swapped: leave out --map and --swap-axes.",
        )
    with opened_raster(path, given.source_layer, progress) as source:
        yield inspect_raster(source, definition, profile, given.crs, communes)


def inspect_raster(
    source: RasterSource, definition: LayerDefinition, profile: Profile, crs: str | None, communes: Communes | None
) -> RasterInspection:
    """As `inspected_raster`, for a raster already read."""
    defects = DefectList()
    _check_form(source, defects)
    use = crs_of_file(source.crs, crs, projection_of(profile.header))
    area = 0.0
    if source.is_placed and not source.is_rotated:
        _check_place(source.grid, use, profile.header, communes, defects)
        area = _area_m2(source.grid, use, profile.header)
    _check_resolution(source, definition, use, defects)
    counts = None if source.cells is None else count_cells(source.cells, source.nodata, definition.value_classes)
    if counts is not None:
        _check_values(source, definition, counts, defects)
    return RasterInspection(source, definition, use, counts, area, tuple(defects.found))


# ── form ─────────────────────────────────────────────────────────────────────────────────────────
def _check_form(source: RasterSource, defects: DefectList) -> None:
    """What keeps a raster from being published however its values are."""
    faults: Mapping[str, bool] = {
        "bands": source.cells is None and (source.bands > 1 or source.band > source.bands),
        "kind": source.kind not in KINDS,
        "size": source.width * source.height > MOST_CELLS,
        "scaled": source.is_scaled,
        "masked": source.is_masked,
        "rotated": source.is_placed and source.is_rotated,
    }
    for name in (name for name, is_so in faults.items() if is_so):
        defects.block("schema", _form_message(name, source))
    if not source.is_placed:
        defects.block("wrong_crs", _NOT_PLACED)


_NOT_PLACED = Message(
    "Ảnh không có tọa độ (thiếu tệp .tfw, chưa nắn). Nắn ảnh bằng QGIS (Georeferencer) rồi thử lại.",
    "The raster is not georeferenced (no world file, no transform). Georeference it in QGIS and retry.",
)


def _form_message(name: str, source: RasterSource) -> Message:
    if name == "bands":
        return Message(
            f"Ảnh có {source.bands} kênh; lớp dữ liệu dùng một kênh. Chọn kênh bằng --source-layer N.",
            f"The raster has {source.bands} bands; a layer holds one. Choose it with --source-layer N.",
        )
    if name == "kind":
        listed = ", ".join(KINDS)
        return Message(
            f"Kiểu giá trị {source.kind} không dùng được; dùng: {listed}.",
            f"Values of the kind {source.kind} cannot be used; usable: {listed}.",
        )
    if name == "size":
        return Message(
            f"Ảnh có {source.width} × {source.height} ô, quá lớn. Cắt theo địa bàn hoặc dùng ô lớn hơn.",
            f"The raster has {source.width} × {source.height} cells, too many. Cut it, or use larger cells.",
        )
    if name == "scaled":
        return Message(
            "Giá trị được lưu kèm hệ số (scale, offset). Xuất lại ảnh với giá trị thật (gdal_translate -unscale).",
            "Values are stored with a scale or an offset. Export true values (gdal_translate -unscale).",
        )
    if name == "masked":
        return Message(
            "Ảnh dùng mặt nạ hoặc kênh alpha để ghi ô không có dữ liệu. Chuyển mặt nạ thành giá trị nodata "
            "(gdalwarp -dstnodata GIÁ_TRỊ, xuất một kênh) rồi thử lại.",
            "A mask or an alpha band says which cells hold data. Convert the mask to nodata "
            "(gdalwarp -dstnodata VALUE, one band) and retry.",
        )
    return Message(
        "Ảnh bị xoay so với lưới tọa độ. Nắn lại theo hướng Bắc bằng gdalwarp rồi thử lại.",
        "The raster is rotated against the grid. Warp it north-up (gdalwarp) and retry.",
    )


# ── place ────────────────────────────────────────────────────────────────────────────────────────
def _box(grid: Grid) -> Geometries:
    west, south, east, north = grid.bounds
    side = max(east - west, north - south) / _SIDE_POINTS
    return np.array([shapely.segmentize(shapely.box(west, south, east, north), side)], dtype=object)


def _check_place(
    grid: Grid, use: CrsUse, header: ProfileHeader, communes: Communes | None, defects: DefectList
) -> None:
    before = len(defects.found)
    check_place(use, _box(grid), header, None, defects)
    if len(defects.found) == before and use.used is not None and communes is not None:
        _check_communes(grid, use.used, header, communes, defects)


def _check_communes(grid: Grid, used: str, header: ProfileHeader, communes: Communes, defects: DefectList) -> None:
    """Communes the raster does not reach, or only in part: nothing is known of the rest."""
    projection = projection_of(header)
    (extent,) = projection.to_crs(_box(grid), used, projection.storage)
    whole = shapely.covers(extent, communes.geometry)
    outside = [code for code, is_in in zip(communes.codes, whole, strict=True) if not is_in]
    if not outside:
        return
    area = shapely.area(communes.geometry)
    share = float(shapely.area(shapely.intersection(communes.geometry, extent)).sum() / area.sum())
    listed = ", ".join(outside[:_NAMED]) + (", …" if len(outside) > _NAMED else "")
    message = Message(
        f"Ảnh phủ {100 * share:.1f} % diện tích các xã; {len(outside)} xã không được phủ hết: {listed}. "
        "Phần còn lại sẽ là 'chưa có dữ liệu'.",
        f"The raster covers {100 * share:.1f} % of the communes' area; not wholly covered ({len(outside)}): {listed}. "
        "The rest will count as not mapped.",
    )
    defects.found.append(Defect("commune_mismatch", "warning", message, len(outside)))


def _area_m2(grid: Grid, use: CrsUse, header: ProfileHeader) -> float:
    if use.used is None:
        return 0.0
    projection = projection_of(header)
    area = float(shapely.area(projection.to_crs(_box(grid), use.used, projection.storage))[0])
    return area if np.isfinite(area) else 0.0


def _check_resolution(source: RasterSource, definition: LayerDefinition, use: CrsUse, defects: DefectList) -> None:
    if use.used is None or not source.is_placed:
        return
    crs = crs_named(use.used)
    if crs.is_geographic:
        defects.found.append(Defect("schema", "warning", _IN_DEGREES, 1))
        return
    factor = float(crs.axis_info[0].unit_conversion_factor)
    cell_m = max(abs(source.transform[0]), abs(source.transform[4])) * factor
    accuracy_m = definition.accuracy_m or 0.0
    if cell_m / 2 > accuracy_m:
        message = Message(
            f"Ô ảnh {cell_m:g} m, nhưng lớp khai sai số {accuracy_m:g} m: trong một ô, ranh giới không rõ hơn nửa ô. "
            "Sửa accuracy_m trong định nghĩa lớp nếu đúng vậy.",
            f"Cells of {cell_m:g} m, and the layer declares an accuracy of {accuracy_m:g} m: no boundary is known "
            "better than to half a cell. Change accuracy_m in the definition if that is so.",
        )
        defects.found.append(Defect("schema", "warning", message, 1))


_IN_DEGREES = Message(
    "Ảnh theo độ: thửa đất được chuyển sang hệ này khi đo. Nên nắn về hệ tọa độ của tỉnh trước khi công bố.",
    "The raster is in degrees: parcels are transformed to be measured. Better warp it to the province's system first.",
)


# ── values ───────────────────────────────────────────────────────────────────────────────────────
def _check_values(source: RasterSource, definition: LayerDefinition, counts: CellCounts, defects: DefectList) -> None:
    if source.nodata is None and not source.kind.startswith("float"):
        defects.found.append(Defect("schema", "warning", _NO_NODATA, 1))
    if not counts.valid:
        defects.block("schema", _nothing_valid(definition, counts), counts.total)
    elif counts.strays > _MOSTLY * (counts.total - counts.missing):
        defects.block("schema", _strays(definition, counts, is_blocking=True), counts.strays)
    elif counts.strays:
        defects.found.append(Defect("schema", "error", _strays(definition, counts, is_blocking=False), counts.strays))


_NO_NODATA = Message(
    "Tệp không khai giá trị 'không có dữ liệu' (nodata): mọi ô đều được coi là có dữ liệu. "
    "Nếu có ô trống, khai nodata (gdal_edit -a_nodata) rồi thử lại.",
    "The file declares no 'no data' value: every cell counts as mapped. "
    "If some are empty, declare it (gdal_edit -a_nodata) and retry.",
)


def _nothing_valid(definition: LayerDefinition, counts: CellCounts) -> Message:
    if not counts.strays:
        return Message("Ảnh không có ô nào có giá trị.", "No cell of the raster holds a value.")
    return _strays(definition, counts, is_blocking=True)


def _strays(definition: LayerDefinition, counts: CellCounts, *, is_blocking: bool) -> Message:
    unit = f" {definition.unit}" if definition.unit else ""
    span = f"{counts.least:g} … {counts.most:g}{unit}"
    if is_blocking:
        return Message(
            f"{counts.strays} ô có giá trị ngoài các lớp đã khai ({span}): sai đơn vị hoặc sai kênh? "
            "Sửa ảnh, hoặc khai 'classes' trong định nghĩa lớp.",
            f"{counts.strays} cells hold values of no declared class ({span}): another unit, or another band? "
            "Correct the raster, or declare 'classes' in the definition.",
        )
    return Message(
        f"{counts.strays} ô có giá trị ngoài các lớp đã khai ({span}); các ô này được công bố là 'không có dữ liệu'.",
        f"{counts.strays} cells hold values of no declared class ({span}); they are published as 'no data'.",
    )
