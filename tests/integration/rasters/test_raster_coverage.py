"""The matrix of coverage counts the cells of a raster that have a value, as a check does."""

from __future__ import annotations

import numpy as np
import pytest

from layers.checking.coverage import Coverage, coverage_of
from layers.checking.ground import KnownGrounds
from tests.support.rasters import OPERATOR, RasterPlace


def coverage(place: RasterPlace) -> Coverage:
    found: Coverage = place.ask(lambda database, catalogue: coverage_of(database, catalogue, OPERATOR, KnownGrounds()))
    return found


def test_only_cells_with_a_value_are_mapped(flooded: RasterPlace) -> None:
    """100 m × 100 m of a commune of 4 km², though the layer is declared complete everywhere."""
    found = coverage(flooded)
    cell = found.cells["depth", "25747"]
    assert (cell.state, cell.share) == ("partly", pytest.approx(0.0025, rel=1e-6))
    (flood,) = found.procedures["flood"]
    assert {(held.layer, held.why) for held in flood.held_by} == {("depth", "partly_mapped")}


def test_a_raster_whose_file_is_gone_maps_nothing(place: RasterPlace) -> None:
    place.publish_cells(np.ones((200, 200), dtype=np.uint8))
    assert coverage(place).cells["depth", "25747"].state == "partly"
    for file in place.files_of():
        file.unlink()
    assert coverage(place).cells["depth", "25747"].state == "none"
