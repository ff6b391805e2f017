"""Exact shares of cells against an independent count: cells as polygons, cut with shapely one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gis.candidates import Measures, Subjects, Theme
from gis.crs import Projection
from gis.judge import judge
from gis.procedure import Relation, Rule
from gis.rasters import RasterGround, ValueClass, measure_classes
from layers.checking import raster_cells, rasters
from layers.checking.raster_cells import CellReader, RasterError, RasterFile
from layers.checking.rasters import Ruler
from layers.store.raster_files import sha256_of
from layers.store.stored_raster import StoredRaster
from tests.support.rasters import definition, write_raster

WEST, NORTH = 598_000.0, 1_214_000.0
CLASSES = tuple(ValueClass(number, number, number, is_value=True) for number in range(4))
NODATA = 9


def file_of(
    folder: Path, cells: NDArray[Any], cell: tuple[float, float] = (10.0, 10.0), crs: str = "EPSG:9210"
) -> RasterFile:
    path = write_raster(
        folder / "cells.tif", cells, crs=crs, nodata=NODATA, transform=(cell[0], 0, WEST, 0, -cell[1], NORTH)
    )
    row = StoredRaster(
        sha256_of(path), path.stat().st_size, crs, WEST, NORTH, *cell, cells.shape[1], cells.shape[0],
        cells.dtype.name, float(NODATA),
    )  # fmt: skip
    return RasterFile(path, row)


def counted(cells: NDArray[Any], cell: tuple[float, float], shape: shapely.Geometry) -> NDArray[np.float64]:
    """m² of each class under the shape, last without a value, by cutting every cell."""
    rows, columns = np.indices(cells.shape)
    west, north = WEST + columns * cell[0], NORTH - rows * cell[1]
    squares = shapely.box(west, north - cell[1], west + cell[0], north)
    area = shapely.area(shapely.intersection(squares, shape))
    found = np.array([area[cells == number].sum() for number in range(len(CLASSES))])
    return np.append(found, shapely.area(shape) - found.sum())


def of_reader(file: RasterFile, shapes: Sequence[shapely.Geometry]) -> NDArray[np.float64]:
    made = np.array([*shapes, None], dtype=object)[:-1]
    covered = CellReader(file, CLASSES).covered(file.row.grid.to_cells(made))
    return covered * file.row.cell_x * file.row.cell_y


@st.composite
def scenes(draw: st.DrawFn) -> tuple[NDArray[np.uint8], tuple[float, float], shapely.Geometry]:
    """Random cells and a star-shaped polygon over, beside or across them, sometimes with a hole."""
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    cells = random.choice([0, 1, 2, 3, NODATA], (height, width)).astype(np.uint8)
    cell = draw(st.sampled_from([(10.0, 10.0), (30.0, 7.5), (0.5, 0.5), (81.993, 81.993)]))
    size = draw(st.sampled_from([0.03, 0.4, 2.0, 6.0, 20.0]))
    corners = draw(st.integers(3, 40))
    angle = np.sort(random.uniform(0, 2 * np.pi, corners))
    reach = random.uniform(0.2, 1.0, corners)[:, None] * size * np.array(cell)
    middle = np.array([WEST, NORTH]) + random.uniform(-0.2, 1.2, 2) * np.array([width * cell[0], -height * cell[1]])
    star = shapely.make_valid(shapely.Polygon(middle + reach * np.column_stack([np.cos(angle), np.sin(angle)])))
    if draw(st.booleans()):
        star = shapely.difference(star, shapely.Point(middle).buffer(size * min(cell) * 0.15))
    parts = [part for part in shapely.get_parts(star) if part.geom_type == "Polygon" and part.area > 0]
    return cells, cell, shapely.MultiPolygon(parts)


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_shares_equal_those_of_cells_cut_one_by_one(scene: tuple[NDArray[np.uint8], tuple[float, float], Any]) -> None:
    cells, cell, shape = scene
    if shape.is_empty:
        return
    with tempfile.TemporaryDirectory() as folder:
        found = of_reader(file_of(Path(folder), cells, cell), [shape])[0]
    expected = counted(cells, cell, shape)
    assert found == pytest.approx(expected, abs=1e-6 * shape.area + 1e-9)
    assert found.sum() == pytest.approx(shape.area, rel=1e-6)


def test_many_shapes_together_equal_each_alone_and_in_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    cells = random.choice([0, 1, 2, 3, NODATA], (60, 60)).astype(np.uint8)
    file = file_of(tmp_path, cells)
    spots = random.uniform([WEST - 50, NORTH - 650], [WEST + 650, NORTH + 50], (80, 2))
    shapes = [shapely.Point(spot).buffer(random.uniform(1, 120)) for spot in spots]
    together = of_reader(file, shapes)
    alone = np.vstack([of_reader(file, [shape]) for shape in shapes])
    assert together == pytest.approx(alone, abs=1e-6)
    assert together == pytest.approx(
        np.vstack([counted(cells, (10.0, 10.0), shape) for shape in shapes]), rel=1e-6, abs=1e-3
    )
    monkeypatch.setattr(raster_cells, "_TOGETHER", 20)
    monkeypatch.setattr(raster_cells, "_TILE", 4)
    assert of_reader(file, shapes) == pytest.approx(together, rel=1e-7, abs=1e-3)


def test_a_shape_on_the_lines_between_cells_is_shared_without_loss(tmp_path: Path) -> None:
    cells = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    shape = shapely.box(WEST + 10, NORTH - 20, WEST + 20, NORTH)
    assert of_reader(file_of(tmp_path, cells), [shape]).tolist() == [[0.0, 100.0, 0.0, 100.0, 0.0]]


def test_more_cells_than_can_be_counted_and_a_passed_deadline_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(tmp_path, np.zeros((8, 8), dtype=np.uint8))
    shape = file.row.grid.to_cells(np.array([shapely.box(WEST, NORTH - 80, WEST + 80, NORTH)], dtype=object))
    with pytest.raises(RasterError) as late:
        CellReader(file, CLASSES, deadline=0.0).covered(shape)
    monkeypatch.setattr(raster_cells, "_TOGETHER", 4)
    monkeypatch.setattr(raster_cells, "MOST_CELLS", 32)
    with pytest.raises(RasterError) as large:
        CellReader(file, CLASSES).covered(shape)
    assert (late.value.reason, large.value.reason) == ("timeout", "raster_too_large")


def test_a_raster_of_another_size_than_its_row_says_is_not_used(tmp_path: Path) -> None:
    file = file_of(tmp_path, np.zeros((8, 8), dtype=np.uint8))
    row = StoredRaster.of({**file.row.as_dict(), "width": 9})
    with pytest.raises(RasterError):
        CellReader(RasterFile(file.path, row), CLASSES)


def test_areas_are_those_of_the_zone_whatever_the_projection_of_the_raster(tmp_path: Path) -> None:
    """A raster of degrees: its cells are no squares on the ground, the subject's area is the zone's all the same."""
    path = write_raster(
        tmp_path / "degrees.tif", np.full((50, 50), 1.0, dtype=np.float32), crs="EPSG:4326",
        transform=(0.001, 0, 106.6, 0, -0.001, 11.0),
    )  # fmt: skip
    row = StoredRaster(sha256_of(path), 0, "EPSG:4326", 106.6, 11.0, 0.001, 0.001, 50, 50, "float32", None)
    projection = Projection("EPSG:9210", "EPSG:6960")
    (middle,) = projection.from_wgs84(np.array([shapely.Point(106.62, 10.98)], dtype=object))
    shapes = np.array([middle.buffer(400), middle.buffer(3)], dtype=object)
    ruler = Ruler(RasterFile(path, row), definition("depth"), projection, "EPSG:9210", 0.0)
    rule = Rule("deep", "depth", Relation.RASTER_CLASS)
    found = ruler.ground(rule, Subjects.of(shapes, np.zeros(2))).areas
    assert not found.broken.any()
    assert found.measured[:, 2] == pytest.approx(shapely.area(shapes), rel=1e-12)


@pytest.mark.parametrize("classes", [None, (1,), (1, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_subjects_in_a_class_nobody_asks_for_are_judged_as_if_their_bounds_were_taken(
    seed: int, classes: tuple[int, ...] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(seed)
    blocks = random.choice([0, 0, 0, 1, 2, NODATA], (8, 8)).astype(np.uint8)
    file = file_of(tmp_path, np.kron(blocks, np.ones((10, 10), dtype=np.uint8)), (2.0, 5.0))
    places = random.uniform((-20, -420), (180, 20), (300, 2)) + np.array([WEST, NORTH])
    boxes = shapely.box(*places.T, *(places + random.uniform(1, 12, (300, 2))).T)
    subjects = Subjects.of(boxes, random.choice([0.0, 0.3, 3.0], 300))
    rule = Rule("flood", "depth", Relation.RASTER_CLASS, classes=classes)
    ruler = Ruler(file, definition("depth"), Projection("EPSG:9210", "EPSG:6960"), "EPSG:9210", 0.5)
    quick = ruler.ground(rule, subjects)
    monkeypatch.setattr(rasters, "_MANY_SUBJECTS", 10**9)
    slow = ruler.ground(rule, subjects)
    assert (quick.areas.grown != slow.areas.grown).any()  # some were told apart
    for column in ("measured", "broken", "mapped_share"):
        np.testing.assert_array_equal(getattr(quick.areas, column), getattr(slow.areas, column))
    found, expected = measure_classes(rule, subjects, quick), measure_classes(rule, subjects, slow)
    for column in ("subject", "feature", "area_m2", "relation", "excluded"):
        np.testing.assert_array_equal(getattr(found, column), getattr(expected, column))
    for column in expected.theme.__slots__:
        np.testing.assert_array_equal(getattr(found.theme, column), getattr(expected.theme, column))
    share = np.ones(300)
    assert judge(rule, found, share).outcome.tolist() == judge(rule, expected, share).outcome.tolist()
    assert judge(rule, found, share).reason.tolist() == judge(rule, expected, share).reason.tolist()


@pytest.mark.parametrize("accuracy_m", [0.0, 0.3, 3.0])
def test_one_subject_in_one_class_is_told_what_counting_tells(
    accuracy_m: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(7)
    blocks = random.choice([0, 0, 0, 1, 2, NODATA], (8, 8)).astype(np.uint8)
    file = file_of(tmp_path, np.kron(blocks, np.ones((10, 10), dtype=np.uint8)), (2.0, 5.0))
    places = random.uniform((-20, -420), (180, 20), (150, 2)) + np.array([WEST, NORTH])
    boxes = shapely.box(*places.T, *(places + random.uniform(1, 12, (150, 2))).T)
    alone = [Subjects.of(boxes[place : place + 1], np.array([accuracy_m])) for place in range(150)]
    rule = Rule("flood", "depth", Relation.RASTER_CLASS, classes=(1, 2))
    ruler = Ruler(file, definition("depth"), Projection("EPSG:9210", "EPSG:6960"), "EPSG:9210", 0.0)
    usable = np.ones(1, dtype=bool)
    asked = rasters.asked_of(rule, ruler.definition)
    told = [ruler._in_one_class(rule, asked, one, one.accuracy_m, usable) for one in alone]
    assert 10 < sum(one is not None for one in told) < 140
    monkeypatch.setattr(Ruler, "_in_one_class", lambda *_: None)
    for one, quick in zip(alone, told, strict=True):
        if quick is not None:
            slow = ruler.ground(rule, one).areas
            for column in ("measured", "shrunk", "broken", "mapped_share"):
                np.testing.assert_array_equal(getattr(quick, column), getattr(slow, column))
            found, expected = (measure_classes(rule, one, RasterGround(areas, asked)) for areas in (quick, slow))
            for each in fields(Measures):
                if each.name not in ("theme", "distances", "doubt"):
                    np.testing.assert_array_equal(getattr(found, each.name), getattr(expected, each.name))
            for column in Theme.__slots__:
                np.testing.assert_array_equal(getattr(found.theme, column), getattr(expected.theme, column))


@pytest.mark.parametrize("seed", range(5))
def test_changes_in_one_window_are_those_counted_in_many(seed: int) -> None:
    random = np.random.default_rng(seed)
    codes = random.choice([0, 1], (20, 20), p=[0.97, 0.03]).astype(np.int16)
    corner = random.integers(0, 20, (60, 2))
    windows = np.column_stack([corner, np.minimum(corner + random.integers(0, 8, (60, 2)), 20)])
    alone = [int(raster_cells._changes_in(codes, windows[place : place + 1])[0]) for place in range(60)]
    assert alone == raster_cells._changes_in(codes, windows).tolist()
