"""What a file may take while it is written, and what one caller may have under way."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pyarrow as pa
import pytest

from layers.errors import InvalidRequestError, TooManyError
from layers.exporting.formats import FORMATS
from layers.exporting.layout import Layout, layout_of
from layers.exporting.making import make_file
from layers.exporting.spool import Spool
from ogc.features.export_sending import MOST_FILES_EACH, Exports
from tests.support.exported import profile
from tests.support.layers import decision, grant

pytestmark = pytest.mark.anyio
BATCHES, ROWS = 200, 500


def _layout() -> Layout:
    found = profile()
    definition = next(layer for layer in found.layers if layer.id == "so_bo")
    return layout_of(definition, decision(definition, grant("a", "so_bo")), found, "vi", crs="", properties=None,
                     has_geometry=False, has_points_only=False)  # fmt: skip


class _Source:
    """Rows that no compression makes small, and how many batches of them were taken."""

    def __init__(self, layout: Layout) -> None:
        self.taken = 0
        self._schema = layout.schema

    async def batches(self) -> AsyncGenerator[pa.RecordBatch]:
        for _ in range(BATCHES):
            self.taken += 1
            columns = [self._values(field) for field in self._schema]
            yield pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _values(self, field: pa.Field) -> pa.Array:
        if pa.types.is_integer(field.type):
            return pa.array(range(self.taken * ROWS, (self.taken + 1) * ROWS), field.type)
        return pa.array([os.urandom(100).hex() for _ in range(ROWS)], field.type)


async def _left(folder: Path) -> list[str]:
    return [path.name async for path in anyio.Path(folder).iterdir()]


@pytest.mark.parametrize("kind", ["csv", "gpkg", "xlsx"])
async def test_a_file_that_grows_too_long_ends_while_it_is_written(tmp_path: Path, kind: str) -> None:
    layout = _layout()
    source = _Source(layout)
    with pytest.raises(InvalidRequestError, match="quá lớn"):
        await make_file(
            source.batches(), layout, FORMATS[kind], tmp_path / f"so_bo.{FORMATS[kind].suffix}", most_bytes=1_000_000
        )
    assert source.taken < BATCHES / 2
    assert not await _left(tmp_path)


async def test_the_places_of_files_come_back_whatever_ends_them(tmp_path: Path) -> None:
    with Spool.below(tmp_path) as spool:
        exports = Exports(spool, stall_s=1.0)
        with exports.place("one"), pytest.raises(RuntimeError), exports.place("one"):
            assert exports.files["one"] == MOST_FILES_EACH
            with exports.place("other"), pytest.raises(TooManyError), exports.place("one"):
                pass
            raise RuntimeError
        assert exports.files == {}
