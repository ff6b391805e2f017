"""GDAL reads every collection a caller may read, over `OAPIF:`, and leaves to the server what it knows how to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyogrio
import pytest
import shapely
from pyogrio.errors import DataSourceError

from tests.support.shared_layers import ORIGIN, Service

from .reader import Gdal, gdal_process
from .watched import Watched, watched

AsCaller = Callable[[str], Gdal]
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"

#: features by identity and layer; `line` is on maps only for the public and the reviewer: listed, not readable
EXPECTED = {
    "public": {"zone": 3, "empty": 0},
    "reviewer": {"parcel": 60, "zone": 3, "empty": 0},
    "officer": {"parcel": 120, "zone": 3, "line": 1, "register": 2, "secret": 1, "empty": 0},
}


@pytest.fixture(scope="module")
def watching(reading: Service) -> Iterator[Watched]:
    with watched(reading) as made:
        yield made


@pytest.fixture(scope="module")
def gdal(reading: Service, watching: Watched) -> Iterator[AsCaller]:
    with gdal_process() as start:
        yield lambda name: start(watching.base, reading.callers[name].token if name in reading.callers else name)


@pytest.mark.parametrize("identity", EXPECTED)
def test_gdal_reads_every_visible_collection(reading: Service, gdal: AsCaller, identity: str) -> None:
    caller = reading.callers[identity]
    listed = gdal(identity).layers()
    assert listed == {each["id"] for each in caller.json("/collections")["collections"]}
    readable = {name for name in listed if caller.get(f"/collections/{name}/items").is_success}
    assert {name: len(gdal(identity).frame(name)) for name in readable} == EXPECTED[identity]


def test_gdal_sees_columns_types_and_shapes_of_the_caller(gdal: AsCaller) -> None:
    own, full = gdal("reviewer").frame("parcel", CRS="OGC:CRS84"), gdal("officer").frame("parcel")
    assert "ten_chu" not in own.columns and "ten_chu" in full.columns
    assert full["dien_tich"].dtype.kind == "f"
    assert full.geometry.geom_type.unique().tolist() == ["MultiPolygon"]
    west, south, east, north = own.total_bounds
    assert 106 < west < east < 107 and 11 < south < north < 12


def test_gdal_asks_for_the_stored_system_and_for_any_other_that_is_offered(gdal: AsCaller, watching: Watched) -> None:
    stored = gdal("officer").frame("zone")
    assert watching.items("zone")[-1]["crs"] == f"{EPSG}5899"
    assert stored.crs.to_epsg() == 5899
    assert stored.total_bounds[:2] == pytest.approx(ORIGIN, abs=1e-4)
    zone = gdal("officer").frame("zone", PREFERRED_CRS="EPSG:9210")
    assert watching.items("zone")[-1]["crs"] == f"{EPSG}9210"
    assert zone.crs.to_epsg() == 9210
    moved = stored.to_crs(9210).geometry
    assert shapely.hausdorff_distance(zone.geometry.to_numpy(), moved.to_numpy()).max() < 1.0


def test_gdal_walks_over_pages(gdal: AsCaller, watching: Watched) -> None:
    frame = gdal("officer").frame("parcel", PAGE_SIZE=50)
    assert len(frame) == frame["ma"].nunique() == 120
    walk = [query for query in watching.items("parcel") if query["limit"] == "50"]
    assert [("after" in query) for query in walk] == [False, True, True]


def test_gdal_leaves_boxes_to_the_server(gdal: AsCaller, watching: Watched) -> None:
    west, south, east, north = gdal("public").frame("zone").total_bounds
    watching.asked.clear()
    boxed = gdal("public").frame("zone", bbox=(east - 0.1, south, east, north))
    assert boxed["ma"].tolist() == ["V2"]
    assert watching.items("zone")[-1]["bbox-crs"] == f"{EPSG}5899"
    degrees = gdal("public").frame("zone", bbox=(0, 0, 1, 1), CRS="OGC:CRS84")
    assert len(degrees) == 0
    assert watching.items("zone")[-1]["bbox"] == "0,0,1,1"
    assert west < east


@pytest.mark.parametrize(
    ("where", "pushed", "expected"),
    [
        ("ma = 'V2'", {"ma": "V2"}, ["V2"]),
        ("cap = 1 AND ma = 'V1'", {"cap": "1", "ma": "V1"}, ["V1"]),
        ("ma = 'V1' AND cap >= 1", {"ma": "V1"}, ["V1"]),
        # it takes `datetime` for a comparison of the column; to the service it is being in force
        ("hieu_luc_tu > '2025/01/01'", {"datetime": "2025-01-01T/.."}, ["V1", "V2", "V3"]),
        ("cap >= 2", {}, ["V2"]),  # it knows no CQL2 and judges this by itself
    ],
)
def test_gdal_leaves_equality_and_times_to_the_server(
    gdal: AsCaller, watching: Watched, where: str, pushed: dict[str, str], expected: list[str]
) -> None:
    watching.asked.clear()
    found = gdal("public").frame("zone", where=where)
    sent = {name: value for name, value in watching.items("zone")[-1].items() if name not in ("limit", "crs")}
    assert (found["ma"].tolist(), sent) == (expected, pushed)


def test_gdal_asks_for_yes_and_no_by_numbers(gdal: AsCaller, watching: Watched) -> None:
    found = gdal("officer").frame("parcel", where="con_hieu_luc = 1")
    assert watching.items("parcel")[-1]["con_hieu_luc"] == "1"
    assert len(found) == 60


def test_gdal_fetches_one_feature_by_its_identifier(gdal: AsCaller, watching: Watched) -> None:
    found = gdal("officer").frame("parcel", fids=[10_037])
    assert found["ma"].tolist() == ["P0001"]
    assert ("GET", "/collections/parcel/items/10037") in {(each.method, each.path) for each in watching.asked}


def test_gdal_only_reads() -> None:
    """Its OAPIF driver has no way to write; changes are tested with OWSLib and by hand."""
    assert pyogrio.list_drivers()["OAPIF"] == "r"


def test_a_token_that_does_not_hold_is_an_error_for_gdal_too(gdal: AsCaller) -> None:
    with pytest.raises(DataSourceError):
        gdal("spoiled").layers()


@pytest.mark.parametrize(
    ("form", "inside"),
    [("fgb", "/vsicurl/"), ("gpkg", "/vsicurl/"), ("shp", "/vsizip/{/vsicurl/|}"), ("json", "/vsicurl/")],
)
def test_gdal_opens_files_where_they_lie(reading: Service, gdal: AsCaller, form: str, inside: str) -> None:
    found = gdal("officer").file("/collections/zone/items", form, inside=inside)
    items = reading.officer.json("/collections/zone/items")["features"]
    assert sorted(found["ma"]) == sorted(each["properties"]["ma"] for each in items)
    assert found.crs.to_epsg() == (4326 if form == "json" else 5899)
