"""What a body must hold: types, codes, shapes, places, sizes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from tests.support.edited import STORAGE, Service, in_metres
from tests.support.files import one, query, square

_BOWTIE = {"type": "Polygon", "coordinates": [[[603000, 1215000], [603100, 1215100], [603100, 1215000],
                                               [603000, 1215100], [603000, 1215000]]]}  # fmt: skip


def _revision(standing: Service) -> Any:
    return one(standing.url, "SELECT revision FROM catalogue.layer WHERE id = 'plot'")


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"loai": "XXX"}, "loai"), ({"hang": "ba"}, "hang"), ({"tang": "2"}, "tang"), ({"tang": 2.5}, "tang"),
        ({"tang": True}, "tang"), ({"tang": 2**63}, "tang"), ({"dien_tich": "400,5"}, "dien_tich"),
        ({"da_duyet": "có"}, "da_duyet"), ({"ngay": "01/07/2025"}, "ngay"), ({"ngay": "2025-13-01"}, "ngay"),
        ({"luc": "2025-07-01"}, "luc"), ({"muc_dich": [{"ma": "XXX"}]}, "muc_dich"), ({"muc_dich": "ODT"}, "muc_dich"),
        ({"muc_dich": [1]}, "muc_dich"), ({"so": None}, "so"), ({"so": "2"}, "so"), ({"chu": "a\\u0000"}, "properties"),
        ({"khong_co": 1}, "khong_co"), ({"chu": "x" * 10_001}, "chu"), ({"ngay": "2025-07-01\n"}, "ngay"),
        ({"luc": "2024-02-28T99:00:00"}, "luc"), ({"luc": "2024-02-28Tabc"}, "luc"),
        ({"luc": "2024-02-28T08:00:00"}, "luc"), ({"luc": "2024-02-28T24:00:01Z"}, "luc"),
        ({"luc": "2024-02-28T08:00:00Z\n"}, "luc"), ({"luc": "2024-02-30T08:00:00Z"}, "luc"),
        ({"sai_so": -3.0}, "sai_so"), ({"sai_so": -1e-9}, "sai_so"), ({"sai_so": 1e9}, "sai_so"),
        ({"muc_dich": [{"ma": "ODT", "dtt": 3}]}, "muc_dich"), ({"muc_dich": [{"ma": "ODT", "dt": "3"}]}, "muc_dich"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named(standing: Service, properties: dict[str, Any], field: str) -> None:
    fid = standing.officer.items()["25747.1"]["id"]
    if field == "properties":
        properties = {"chu": "a\0"}
    before = _revision(standing)
    refused = standing.officer.patch(fid, properties)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert _revision(standing) == before


def test_a_name_that_a_list_does_not_have_is_told(standing: Service) -> None:
    fid = standing.officer.items()["25747.1"]["id"]
    refused = standing.officer.patch(fid, {"muc_dich": [{"ma": "ODT", "dientich": 3}]})
    assert "'dientich'" in refused.json()["errors"][0]["message"]


@pytest.mark.parametrize("sent", ["2024-02-28T08:00:00.25Z", "2024-02-28T15:00:00.25+07:00"])
def test_a_time_with_its_offset_is_stored_as_that_instant(standing: Service, sent: str) -> None:
    fid = standing.officer.items()["25747.6"]["id"]
    assert standing.officer.patch(fid, {"luc": sent, "sai_so": 0}).status_code == 204
    stored = one(standing.url, "SELECT luc::text FROM data.plot WHERE fid = %s AND until IS NULL", fid)
    assert stored == "2024-02-28 08:00:00.25+00"


@pytest.mark.parametrize(
    "geometry",
    [
        None, {}, {"type": "Polygon"}, {"type": "Polygon", "coordinates": []}, {"type": "Point", "coordinates": [1, 2]},
        {"type": "Point", "coordinates": ["a", "b"]}, {"type": "GeometryCollection", "geometries": []},
        {"type": "Polygon", "coordinates": [[[603000, 1215000], [603100, 1215000], [603100, 1215100]]]}, _BOWTIE,
        {"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 1], [1, 2]]]}, [1], "x",
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [0, 0], [0, 0], [0, 0]]]]},
    ],
)  # fmt: skip
def test_a_shape_that_does_not_hold_is_refused(standing: Service, geometry: object) -> None:
    fid = standing.officer.items()["25747.1"]["id"]
    _, etag = standing.officer.read(fid)
    refused = standing.officer.send("PATCH", fid, {"geometry": geometry}, etag, content_crs=STORAGE)
    assert refused.status_code == 422, refused.text
    assert [error["field"] for error in refused.json()["errors"]] == ["geometry"]


def test_a_ring_that_crosses_itself_is_repaired_only_where_the_caller_prefers_that(standing: Service) -> None:
    """As a publication would, within its limits: a spike is cut, a bow tie is another shape."""
    fid = standing.officer.items()["25747.4"]["id"]
    spike = [[603000, 1215000], [603100, 1215000], [603100, 1215100], [603100, 1215150], [603100, 1215100],
             [603000, 1215100], [603000, 1215000]]  # fmt: skip
    body = {"geometry": {"type": "Polygon", "coordinates": [spike]}}
    _, etag = standing.officer.read(fid)
    assert standing.officer.send("PATCH", fid, body, etag, content_crs=STORAGE).status_code == 422
    lenient = standing.officer.send("PATCH", fid, body, etag, content_crs=STORAGE, prefer="handling=lenient")
    assert lenient.status_code == 204
    assert one(standing.url, "SELECT ST_Area(geom) FROM data.plot WHERE fid = %s AND until IS NULL", fid) == 10_000
    _, etag = standing.officer.read(fid)
    beyond = standing.officer.send(
        "PATCH", fid, {"geometry": _BOWTIE}, etag, content_crs=STORAGE, prefer="handling=lenient"
    )
    assert beyond.status_code == 422


@pytest.mark.parametrize("prefer", ["handling=strict", "handling=lenient"])
def test_a_ring_of_many_corners_that_crosses_itself_is_refused_at_once(standing: Service, prefer: str) -> None:
    """Repairing this one takes GEOS ten seconds and more, in which nobody changes the layer and nothing stops it."""
    fid = standing.officer.items()["25747.5"]["id"]
    _, etag = standing.officer.read(fid)
    corners = (np.random.default_rng(5).random((1200, 2)) * 1000 + [603_000, 1_215_000]).tolist()
    body = {"geometry": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}}
    started = time.monotonic()
    refused = standing.officer.send("PATCH", fid, body, etag, content_crs=STORAGE, prefer=prefer)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "geometry")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("crs", "east", "north", "is_north_first"),
    [
        ("http://www.opengis.net/def/crs/EPSG/0/9210", 603_400.0, 1_215_000.0, False),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", None, None, True),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", None, None, False),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", None, None, False),
    ],
)
def test_the_same_shape_in_any_system_is_stored_at_the_same_place(
    standing: Service, crs: str, east: float | None, north: float | None, is_north_first: bool
) -> None:
    fid = standing.officer.items()["25750.18"]["id"]
    sent, etag = standing.officer.read(fid, crs=crs)
    corners = sent["geometry"]["coordinates"][0][0]
    step = 1e-4 if abs(corners[0][0]) < 1000 else 11.0
    at = 1 if is_north_first else 0
    for corner in corners:
        corner[at] += step
    moved = standing.officer.send("PUT", fid, sent, etag, content_crs=f"<{crs}>")
    assert moved.status_code == 204, moved.text
    found = query(standing.url, "SELECT ST_XMin(geom) AS west FROM data.plot WHERE fid = %s ORDER BY since", fid)
    assert abs(found[-1]["west"] - found[-2]["west"] - 11.0) < 0.3
    assert one(standing.url, "SELECT bool_and(x = round(x::numeric, 4)) FROM (SELECT ST_X((ST_DumpPoints(geom)).geom)"
                            " AS x FROM data.plot WHERE fid = %s AND until IS NULL) AS corner", fid)  # fmt: skip


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"{}", 415), ("application/json", b"{", 400), ("application/geo+json", b"[]", 422),
        ("application/geo+json", b'{"type":"FeatureCollection","features":[]}', 422),
        ("application/geo+json", b'{"type":"Feature"}', 422), ("application/geo+json", b"[" * 100_000, 400),
        ("application/geo+json", b" " * 4_000_001, 413), ("application/geo+json", b'{"a":NaN}', 400),
    ],
)  # fmt: skip
def test_bodies_that_are_no_feature(standing: Service, content_type: str, body: bytes, status: int) -> None:
    sent = standing.officer.http.post("/collections/plot/items", content=body, headers={"Content-Type": content_type})
    assert sent.status_code == status, sent.text
    assert sent.headers["content-type"] == "application/problem+json"


def test_a_system_that_is_not_known_is_named(standing: Service) -> None:
    body = {"type": "Feature", "geometry": in_metres(square(1, 1)), "properties": {}}
    sent = standing.officer.send("POST", body=body, content_crs="<http://www.opengis.net/def/crs/EPSG/0/2154>")
    assert (sent.status_code, sent.json()["errors"][0]["field"]) == (400, "Content-Crs")
