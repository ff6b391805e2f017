"""Real rasters under real polygons: areas of classes against cells cut one by one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.crs import Projection
from gis.procedure import Relation, Rule
from layers.checking.raster_cells import RasterFile
from layers.checking.rasters import Ruler
from layers.profile.grammar import LayerDefinition
from layers.store.raster_files import sha256_of
from layers.store.stored_raster import StoredRaster

pytestmark = pytest.mark.real
FARMS = 120


def layer(*bounds: float) -> LayerDefinition:
    """Classes from each bound to the next, open at both ends."""
    edges = [None, *bounds, None]
    classes = [
        {"class": n, "title": {"vi": str(n), "en": str(n)}}
        | ({} if low is None else {"from": low}) | ({} if high is None else {"to": high})
        for n, (low, high) in enumerate(pairwise(edges))
    ]  # fmt: skip
    whole = {"id": "ground", "sector": "land", "title": {"vi": "đất", "en": "ground"}, "geometry": "raster"}
    return LayerDefinition.model_validate({**whole, "classes": classes})


def file_of(path: Path) -> RasterFile:
    with rasterio.open(path) as opened:
        place, crs = opened.transform, f"EPSG:{opened.crs.to_epsg()}"
        row = StoredRaster(
            sha256_of(path), path.stat().st_size, crs, place.c, place.f, place.a, -place.e, opened.width,
            opened.height, opened.dtypes[0], opened.nodata,
        )  # fmt: skip
    return RasterFile(path, row)


def measured(file: RasterFile, definition: LayerDefinition, shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    ruler = Ruler(file, definition, Projection(file.row.crs, "EPSG:6960"), file.row.crs, 0.0)
    areas = ruler.ground(Rule("r", "ground", Relation.RASTER_CLASS), Subjects.of(shapes, np.zeros(len(shapes)))).areas
    assert not areas.broken.any()
    return areas.measured


def cut(file: RasterFile, definition: LayerDefinition, shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Each shape cut with each cell under it."""
    with rasterio.open(file.path) as opened:
        values = opened.read(1)
    grid, found = file.row.grid, np.zeros((len(shapes), len(definition.classes) + 1))
    row, column = (part.ravel() for part in np.indices(values.shape))
    west, north = grid.west + column * grid.cell_x, grid.north - row * grid.cell_y
    squares = shapely.box(west, north - grid.cell_y, west + grid.cell_x, north)
    shape, cell = shapely.STRtree(squares).query(shapes)
    area = shapely.area(shapely.intersection(shapes[shape], squares[cell]))
    under = values.ravel()[cell]
    for place, one in enumerate(definition.value_classes):
        inside = one.holds(under) & (under != file.row.nodata)
        found[:, place] = np.bincount(shape[inside], area[inside], minlength=len(shapes))
    found[:, -1] = shapely.area(shapes) - found[:, :-1].sum(axis=1)
    return found


def test_elevation_under_farms(shared: Path) -> None:
    farms = pyogrio.read_dataframe(shared / "swellendam" / "projected_data" / "farms_33S.shp").geometry.values
    valid = np.asarray(farms[farms.is_valid], dtype=object)
    shapes = valid[:: max(len(valid) // FARMS, 1)]
    file, definition = file_of(shared / "swellendam" / "srtm_41_19.tif"), layer(100, 200, 400, 800)
    assert file.row.crs == "EPSG:32733"
    found, expected = measured(file, definition, shapes), cut(file, definition, shapes)
    assert np.abs(found - expected).max() <= 1e-6 * shapely.area(shapes).max()
    assert (np.abs(found - expected) <= 1e-6 * shapely.area(shapes)[:, None] + 1e-3).all()


def test_slopes_with_cells_that_have_no_value(shared: Path) -> None:
    folder = shared / "raster" / "rasterstats" / "data"
    shapes = np.asarray(pyogrio.read_dataframe(folder / "polygons.shp").geometry.values, dtype=object)
    file, definition = file_of(folder / "slope.tif"), layer(5, 15, 30)
    shapes = np.append(shapes, shapely.box(*file.row.grid.bounds).buffer(20))  # reaches beyond the raster
    found, expected = measured(file, definition, shapes), cut(file, definition, shapes)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-2)
    assert found[-1, -1] > 0
