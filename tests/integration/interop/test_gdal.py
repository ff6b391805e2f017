"""GDAL reads every collection a caller may read, over `OAPIF:`, and gets what the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pyogrio.errors import DataSourceError

from tests.support.shared_layers import Service

from .reader import Gdal, gdal_process

AsCaller = Callable[[str], Gdal]

#: features by identity and layer; `line` is on maps only for the public and the reviewer: listed, not readable
EXPECTED = {
    "public": {"zone": 3, "empty": 0},
    "reviewer": {"parcel": 60, "zone": 3, "empty": 0},
    "officer": {"parcel": 120, "zone": 3, "line": 1, "register": 2, "secret": 1, "empty": 0},
}


@pytest.fixture(scope="module")
def gdal(reading: Service) -> Iterator[AsCaller]:
    with gdal_process() as start:
        yield lambda name: start(reading.base, reading.callers[name].token if name in reading.callers else name)


@pytest.mark.parametrize("identity", EXPECTED)
def test_gdal_reads_every_visible_collection(reading: Service, gdal: AsCaller, identity: str) -> None:
    caller = reading.callers[identity]
    listed = gdal(identity).layers()
    assert listed == {each["id"] for each in caller.json("/collections")["collections"]}
    readable = {name for name in listed if caller.get(f"/collections/{name}/items").is_success}
    assert {name: len(gdal(identity).frame(name)) for name in readable} == EXPECTED[identity]


def test_gdal_sees_columns_types_and_shapes_of_the_caller(gdal: AsCaller) -> None:
    own, full = gdal("reviewer").frame("parcel"), gdal("officer").frame("parcel")
    assert "ten_chu" not in own.columns and "ten_chu" in full.columns
    assert full["dien_tich"].dtype.kind == "f"
    assert full.geometry.geom_type.unique().tolist() == ["MultiPolygon"]
    west, south, east, north = own.total_bounds
    assert 106 < west < east < 107 and 11 < south < north < 12


def test_gdal_walks_over_pages(gdal: AsCaller) -> None:
    frame = gdal("officer").frame("parcel", PAGE_SIZE=7)
    assert len(frame) == frame["ma"].nunique() == 120


def test_gdal_filters_by_box_and_attribute(reading: Service, gdal: AsCaller) -> None:
    _, south, east, north = reading.public.json("/collections/zone")["extent"]["spatial"]["bbox"][0]
    boxed = gdal("public").frame("zone", bbox=(east - 1e-6, south, east, north))
    named = gdal("public").frame("zone", where="cap >= 2")
    assert boxed["ma"].tolist() == named["ma"].tolist() == ["V2"]


def test_a_token_that_does_not_hold_is_an_error_for_gdal_too(gdal: AsCaller) -> None:
    with pytest.raises(DataSourceError):
        gdal("spoiled").layers()
