"""Systems of coordinates over HTTP: shapes, boxes, lists, and how much detail is left (Features 2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pyproj
import pytest
import shapely
from shapely.geometry import shape

from gis.crs import Projection
from tests.support.shared_layers import ORIGIN, Service

ITEMS = "/collections/parcel/items"
ZONES = "/collections/zone/items"
STORAGE = 5899
PROJECTION = Projection(f"EPSG:{STORAGE}", "EPSG:6960")
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
TM3 = (*range(9205, 9219), *range(5896, 5900))
A_DEGREE_M = 111_000.0


def uri(code: int) -> str:
    return f"http://www.opengis.net/def/crs/EPSG/0/{code}"


def corners(page: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.vstack([shapely.get_coordinates(shape(feature["geometry"])) for feature in page["features"]])


@pytest.fixture(scope="module")
def stored(reading: Service) -> np.ndarray[Any, Any]:
    """The corners of ten parcels as they are stored."""
    with psycopg.connect(reading.url) as connection:
        found = connection.execute(
            "SELECT ST_AsBinary(ST_ForcePolygonCCW(geom)) FROM data.parcel WHERE until IS NULL ORDER BY fid LIMIT 10"
        ).fetchall()
    return np.vstack([shapely.get_coordinates(shapely.from_wkb(row[0])) for row in found])


def expected(stored: np.ndarray[Any, Any], code: int) -> np.ndarray[Any, Any]:
    """By pyproj with the named operation, the axes in the order of the authority."""
    points = np.asarray(shapely.points(stored), dtype=object)
    moved = PROJECTION.to_crs(points, f"EPSG:{STORAGE}", f"EPSG:{code}")
    found = shapely.get_coordinates(moved)
    first = pyproj.CRS.from_epsg(code).axis_info[0].direction
    return found[:, ::-1] if first == "north" else found


@pytest.mark.parametrize("code", [4326, 3857, 3405, 3406, *TM3])
def test_every_system_agrees_with_pyproj_to_a_millimetre(
    reading: Service, stored: np.ndarray[Any, Any], code: int
) -> None:
    response = reading.officer.get(ITEMS, params={"crs": uri(code), "limit": 10})
    assert response.headers["content-crs"] == f"<{uri(code)}>"
    found = corners(response.json())
    away = np.hypot(*(found - expected(stored, code)).T)
    assert away.max() * (A_DEGREE_M if code == 4326 else 1.0) < 0.001


def test_the_storage_system_is_what_is_stored(reading: Service, stored: np.ndarray[Any, Any]) -> None:
    found = corners(reading.officer.json(ITEMS, params={"crs": uri(STORAGE), "limit": 10}))
    assert np.array_equal(found, np.round(stored, 4))


def test_wgs_84_has_the_latitude_first_and_crs84_the_longitude(reading: Service) -> None:
    one = f"{ITEMS}/10000"
    first = reading.officer.json(one, params={"crs": uri(4326)})["geometry"]["coordinates"][0][0][0]
    second = reading.officer.json(one, params={"crs": CRS84})["geometry"]["coordinates"][0][0][0]
    assert first == second[::-1] and 10 < first[0] < 12 and 105 < first[1] < 108
    assert reading.officer.get(one, params={"crs": uri(4326)}).headers["content-crs"] == f"<{uri(4326)}>"


def test_collections_list_their_systems_and_the_one_they_are_stored_in(reading: Service) -> None:
    listed = reading.public.json("/collections")
    zone = next(one for one in listed["collections"] if one["id"] == "zone")
    assert zone["crs"] == ["#/crs"] and zone["storageCrs"] == uri(STORAGE)
    assert listed["crs"][:2] == [CRS84, uri(4326)]
    assert {uri(code) for code in (3405, 3857, *TM3)} <= set(listed["crs"])
    alone = reading.public.json("/collections/zone")
    assert alone["crs"] == listed["crs"] and alone["storageCrs"] in alone["crs"]


def test_a_layer_without_shapes_names_no_storage_system(reading: Service) -> None:
    register = reading.officer.json("/collections/register")
    assert register["crs"] == [CRS84] and "storageCrs" not in register


@pytest.mark.parametrize("name", ["EPSG:32648", "http://www.opengis.net/def/crs/EPSG/0/32648", "9210", "", "x" * 5000])
@pytest.mark.parametrize("parameter", ["crs", "bbox-crs"])
def test_a_system_that_is_not_served_is_refused_by_name(reading: Service, parameter: str, name: str) -> None:
    response = reading.public.get(ZONES, params={parameter: name, "bbox": "1,1,2,2"})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [parameter]


@pytest.mark.parametrize("code", [STORAGE, 9210, 9207, 3405, 3857, 4326])
def test_a_box_in_any_system_selects_the_same(reading: Service, code: int) -> None:
    """Four parcels' corners around, as seen in each system: 25 m apart, so that no bow of an edge decides."""
    x, y = ORIGIN
    around = shapely.segmentize(shapely.box(x + 20.5, y + 5, x + 99.5, y + 15), 1.0)
    (moved,) = PROJECTION.to_crs(np.array([around], dtype=object), f"EPSG:{STORAGE}", f"EPSG:{code}")
    west, south, east, north = moved.bounds
    sides = (south, west, north, east) if code == 4326 else (west, south, east, north)
    box = ",".join(f"{side:.9f}" for side in sides)
    found = reading.officer.json(ITEMS, params={"bbox": box, "bbox-crs": uri(code), "limit": 50})
    assert [feature["properties"]["so_thua"] for feature in found["features"]] == ["2", "3", "4"]
    six = ",".join((*map(str, sides[:2]), "-5", *map(str, sides[2:]), "99"))
    again = reading.officer.json(ITEMS, params={"bbox": six, "bbox-crs": uri(code), "limit": 50})
    assert again["numberMatched"] == 3


def test_a_box_without_area_meets_what_it_touches(reading: Service) -> None:
    x, y = ORIGIN
    for box in (f"{x + 5},{y + 5},{x + 5},{y + 5}", f"{x + 5},{y + 5},{x + 15},{y + 5}"):
        found = reading.officer.json(ITEMS, params={"bbox": box, "bbox-crs": uri(STORAGE)})
        assert [feature["properties"]["so_thua"] for feature in found["features"]] == ["1"]


@pytest.mark.parametrize(
    ("box", "code"),
    [("2,1,1,2", STORAGE), ("1,2,2,1", STORAGE), ("1e300,1e300,2e300,2e300", STORAGE), ("1,2,nan,4", 3857),
     ("91,0,92,1", 4326), ("0,181,1,182", 4326)],
)  # fmt: skip
def test_a_box_that_is_none_in_its_system_is_refused(reading: Service, box: str, code: int) -> None:
    response = reading.public.get(ZONES, params={"bbox": box, "bbox-crs": uri(code)})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["bbox"]


def test_a_box_of_wgs_84_crosses_the_antimeridian(reading: Service) -> None:
    found = reading.public.json(ZONES, params={"bbox": "-10,100,20,-170", "bbox-crs": uri(4326)})
    assert found["numberMatched"] == 3


# ── simplification ───────────────────────────────────────────────────────────────────────────────


def vertices(page: dict[str, Any]) -> int:
    return len(corners(page))


def test_shapes_for_a_far_zoom_have_fewer_corners_and_stay_valid(reading: Service) -> None:
    whole = reading.officer.json(ZONES, params={"limit": 10})
    far = reading.officer.json(ZONES, params={"limit": 10, "zoom-level": "3"})
    assert vertices(far) <= vertices(whole)
    assert all(shape(feature["geometry"]).is_valid for feature in far["features"])
    assert [f["properties"] for f in far["features"]] == [f["properties"] for f in whole["features"]]
    near = reading.officer.json(ZONES, params={"limit": 10, "zoom-level": "24"})
    assert np.array_equal(corners(near), corners(whole))


@pytest.mark.parametrize(
    "query",
    ["zoom-level=25", "zoom-level=-1", "zoom-level=x", "zoom-level=nan", "max-allowable-offset=-1",
     "max-allowable-offset=inf", "max-allowable-offset=1&zoom-level=3"],
)  # fmt: skip
def test_a_simplification_that_is_none_is_refused(reading: Service, query: str) -> None:
    assert reading.public.get(f"{ZONES}?{query}").status_code == 400
    assert reading.public.get(f"{ZONES}/1?{query}").status_code == 400


# ── pages, back and forth ────────────────────────────────────────────────────────────────────────


def linked(page: dict[str, Any], rel: str) -> str | None:
    return next((link["href"] for link in page["links"] if link["rel"] == rel), None)


def pages(reading: Service, address: str | None, rel: str) -> Iterator[dict[str, Any]]:
    while address is not None:
        page = reading.officer.json(address)
        yield page
        address = linked(page, rel)


@pytest.mark.parametrize("query", ["limit=50", "limit=50&sortby=-dien_tich", "limit=50&filter=dien_tich<480"])
def test_pages_lead_back_the_way_they_came(reading: Service, query: str) -> None:
    forth = list(pages(reading, f"{ITEMS}?{query}", "next"))
    assert len(forth) == math.ceil(forth[0]["numberMatched"] / 50)
    back = list(pages(reading, linked(forth[-1], "prev"), "prev"))
    assert [page["features"] for page in back] == [page["features"] for page in forth[-2::-1]]
    assert linked(forth[0], "prev") is None and linked(forth[-1], "next") is None
    assert back[-1]["numberMatched"] == forth[0]["numberMatched"]
    again = reading.officer.json(linked(back[-1], "next") or "")
    assert again["features"] == forth[1]["features"]


def test_a_page_begins_or_ends_somewhere_never_both(reading: Service) -> None:
    first, second = list(pages(reading, f"{ITEMS}?limit=100", "next"))
    before = (linked(second, "prev") or "").partition("before=")[2]
    response = reading.officer.get(f"{linked(first, 'next')}&before={before}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "before"


# ── one feature ──────────────────────────────────────────────────────────────────────────────────


def test_one_feature_can_be_asked_for_with_less(reading: Service) -> None:
    found = reading.officer.json(f"{ITEMS}/10000", params={"properties": "ma", "skipGeometry": "true"})
    assert found["properties"] == {"ma": "P0000"} and found["geometry"] is None
    assert reading.officer.get(f"{ITEMS}/10000?limit=1").status_code == 400
    assert reading.officer.get(f"{ITEMS}/10000?properties=khong_co").status_code == 400


def test_what_was_not_known_yet_is_not_there(reading: Service) -> None:
    assert reading.officer.get(f"{ITEMS}/10000?as-of=2000-01-01").status_code == 404
    assert reading.officer.get(f"{ITEMS}/10000?as-of=2999-01-01").status_code == 400
    assert "extent" in reading.officer.json("/collections/parcel")
    assert "extent" not in reading.officer.json("/collections/parcel?as-of=2000-01-01")
    assert reading.officer.get("/collections/parcel?as-of=2999-01-01").status_code == 400
