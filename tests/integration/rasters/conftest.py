"""The profile of rasters in a database: a copy for each test that publishes, one for all that only ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.rasters import RasterPlace, depths, fill
from tests.support.server import Server

MakeTemplate = Callable[[str, Callable[[str], None]], str]


@pytest.fixture(scope="session")
def raster_template(make_template: MakeTemplate) -> str:
    return make_template("rasters", fill)


@pytest.fixture
def place(raster_template: str, clone: Callable[[str], str], tmp_path: Path) -> RasterPlace:
    """One's own; nothing is published but parcels."""
    return RasterPlace(clone(raster_template), tmp_path)


@pytest.fixture(scope="session")
def flooded(raster_template: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RasterPlace]:
    """Depths are published, declared complete; only asked."""
    with server.copied(raster_template) as url:
        made = RasterPlace(url, tmp_path_factory.mktemp("flooded"))
        made.publish_cells(depths())
        yield made
