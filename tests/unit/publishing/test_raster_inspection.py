"""What an inspection finds in a raster before anything is public."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from layers.errors import SourceError
from layers.profile.load import load_profile
from layers.publishing.inspection import Communes
from layers.publishing.options import ReadOptions
from layers.publishing.raster_file import write_cog
from layers.publishing.raster_inspection import RasterInspection, inspected_raster
from tests.support.published import EAST, NORTH
from tests.support.rasters import PROFILE, Cells, definition, depths, write_raster

PROFILE_READ = load_profile(PROFILE)


def inspected(path: Path, layer: str = "depth", **more: Any) -> RasterInspection:
    with inspected_raster(path, definition(layer), PROFILE_READ, **more) as found:
        return found


def told(found: RasterInspection) -> list[tuple[str, str, bool]]:
    return [(defect.kind, defect.severity, defect.is_blocking) for defect in found.defects]


def messages(found: RasterInspection) -> str:
    return " ".join(str(defect.message) for defect in found.defects)


def test_a_sound_raster_is_counted_by_class(tmp_path: Path) -> None:
    found = inspected(write_raster(tmp_path / "a.tif", depths(), nodata=-1))
    assert found.blocking == ()
    report: Any = found.as_dict()
    assert report["rows"] == {"read": 100, "accepted": 100, "repaired": 0, "refused": 0}
    assert report["raster"]["areas_m2"] == {"0": 5000.0, "1": 3000.0, "2": 2000.0}
    assert report["crs"] == {"found": "VN-2000 / TM-3 105-45", "used": "EPSG:9210", "reason": "from_file"}


BLOCKING: dict[str, tuple[dict[str, Any], str, str]] = {
    "no system": ({"crs": None}, "wrong_crs", "--crs EPSG:9210"),
    "wrong meridian": ({"crs": "EPSG:5899"}, "wrong_crs", "--crs EPSG:9210"),
    "no place": ({"transform": (1, 0, 0, 0, 1, 0)}, "wrong_crs", "not georeferenced"),
    "rotated": ({"transform": (10, 2, EAST, 2, -10, NORTH)}, "schema", "rotated"),
}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize(("written", "kind", "says"), BLOCKING.values(), ids=BLOCKING.keys())
def test_a_raster_that_lies_nowhere_or_elsewhere_is_not_published(
    tmp_path: Path, written: dict[str, Any], kind: str, says: str
) -> None:
    found = inspected(write_raster(tmp_path / "a.tif", depths(), **written))
    assert kind in [defect.kind for defect in found.blocking]
    assert says in messages(found)


def test_one_band_is_chosen_of_several(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.stack([depths(), np.ones((10, 10), dtype=np.float32)]))
    assert "--source-layer" in messages(inspected(path))
    chosen = inspected(path, options=ReadOptions(source_layer="2"))
    assert chosen.counts is not None and chosen.counts.by_class == (0, 0, 100)


def masked(path: Path, how: str) -> Path:
    """Only the west half holds data, and no nodata value says so."""
    import rasterio

    cells = np.zeros((10, 10), dtype=np.uint8)
    if how == "alpha":
        opaque = np.where(np.arange(10) < 5, np.full((10, 10), 255), 0).astype(np.uint8)
        return write_raster(path, np.stack([cells, opaque]), alpha="yes")
    write_raster(path, cells)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=how == "inside"), rasterio.open(path, "r+") as opened:
        opened.write_mask(np.broadcast_to(np.arange(10) < 5, (10, 10)))
    return path


@pytest.mark.parametrize("how", ["inside", "beside", "alpha"])
def test_a_mask_that_says_where_data_is_is_not_passed_over(tmp_path: Path, how: str) -> None:
    found = inspected(masked(tmp_path / "a.tif", how), "soil", options=ReadOptions(source_layer="1"))
    assert ("schema", "error", True) in told(found)
    assert "Convert the mask to nodata" in messages(found)


def test_values_of_no_class_are_listed_and_many_of_them_are_another_unit(tmp_path: Path) -> None:
    cells = depths()
    cells[0, :3] = 99.0
    some = inspected(write_raster(tmp_path / "some.tif", cells))
    assert ("schema", "error", False) in told(some)
    assert some.counts is not None and (some.counts.strays, some.counts.least) == (3, 99.0)
    centimetres = inspected(write_raster(tmp_path / "cm.tif", depths() * 100 + 10))
    assert ("schema", "error", True) in told(centimetres)


def test_an_empty_raster_and_one_without_nodata_are_told(tmp_path: Path) -> None:
    empty = inspected(write_raster(tmp_path / "empty.tif", np.full((5, 5), np.nan, dtype=np.float32)))
    assert "No cell of the raster holds a value" in messages(empty)
    soil = np.full((10, 10), 7, dtype=np.uint8)
    assert "no 'no data' value" in messages(inspected(write_raster(tmp_path / "soil.tif", soil), "soil"))
    declared = inspected(write_raster(tmp_path / "declared.tif", soil, nodata=0), "soil")
    assert "no 'no data' value" not in messages(declared)


def test_cells_coarser_than_the_declared_accuracy_and_degrees_are_warned_of(tmp_path: Path) -> None:
    assert "no boundary is known better" in messages(inspected(write_raster(tmp_path / "a.tif", depths())))
    degrees = write_raster(tmp_path / "b.tif", depths(), crs="EPSG:4326", transform=(0.001, 0, 106.6, 0, -0.001, 11.0))
    assert "in degrees" in messages(inspected(degrees))


def test_communes_the_raster_does_not_reach_are_named(tmp_path: Path) -> None:
    shapes = np.array([shapely.box(EAST, NORTH, EAST + 100, NORTH + 100), shapely.box(0, 0, 1, 1)], dtype=object)
    communes = Communes(("25747", "25750"), shapes)
    found = inspected(write_raster(tmp_path / "a.tif", depths()), communes=communes)
    (defect,) = [defect for defect in found.defects if defect.kind == "commune_mismatch"]
    assert (defect.count, "25750" in defect.message.en, "25747" in defect.message.en) == (1, True, False)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_written_from_the_south_is_the_same_raster(tmp_path: Path) -> None:
    north_up = inspected(write_raster(tmp_path / "a.tif", depths()))
    from_south = write_raster(tmp_path / "b.tif", depths()[::-1], transform=(10, 0, EAST, 0, 10, NORTH))
    with inspected_raster(from_south, definition("depth"), PROFILE_READ) as found:
        assert found.source.grid == north_up.source.grid
        assert (np.asarray(found.source.cells) == depths()).all()


def damaged(path: Path, how: str) -> Path:
    body = path.read_bytes()
    path.write_bytes({"cut": body[: len(body) // 2], "emptied": b"", "text": b"abc" * 99}[how])
    return path


@pytest.mark.parametrize("how", ["cut", "emptied", "text"])
def test_a_damaged_file_is_an_error_in_both_languages(tmp_path: Path, how: str) -> None:
    path = damaged(write_raster(tmp_path / "a.tif", depths(200, 200), compress="deflate"), how)
    with pytest.raises(SourceError, match=r"GeoTIFF.*/.*GeoTIFF"):
        inspected(path)


def test_no_other_driver_opens_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    source = write_raster(tmp_path / "b.tif", depths())
    path.write_text(
        f'<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f"<SourceFilename>{source}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SourceError):
        inspected(path)


@pytest.mark.parametrize("kind", ["uint8", "int16", "float32"])
def test_what_is_kept_has_the_values_of_the_classes_and_nothing_else(tmp_path: Path, kind: str) -> None:
    import rasterio

    cells: Cells = np.full((700, 900), 7).astype(kind)
    cells[:300], cells[0, 0] = 9, 3  # 3 belongs to no class
    path = write_raster(tmp_path / "a.tif", cells)
    made = []
    for name in ("one.tif", "two.tif"):
        with inspected_raster(path, definition("soil"), PROFILE_READ) as found:
            row = write_cog(found, tmp_path / name)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    with rasterio.open(tmp_path / "one.tif") as opened:
        assert opened.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (opened.compression.name, opened.overviews(1)) == ("deflate", [2, 4])
        kept = opened.read(1, masked=True)
        assert kept.mask.sum() == 1 and kept.mask[0, 0]
        assert (kept.data[~kept.mask] == cells[~kept.mask]).all()
        assert (row.width, row.height, row.kind) == (900, 700, kind)
        assert set(np.unique(opened.read(1, out_shape=(350, 450)))) <= {7, 9}  # names are not mixed


# ── real rasters ─────────────────────────────────────────────────────────────────────────────────
@pytest.mark.real
def test_an_elevation_model_far_away_is_told_to_lie_elsewhere(shared: Path) -> None:
    found = inspected(shared / "swellendam" / "srtm_41_19.tif")
    assert found.crs.used == "EPSG:32733"
    assert "wrong_crs" in [defect.kind for defect in found.blocking]


@pytest.mark.real
def test_a_picture_of_three_bands_is_no_layer(shared: Path) -> None:
    assert "3 bands" in messages(inspected(shared / "raster" / "rasterio_RGB.byte.tif"))
