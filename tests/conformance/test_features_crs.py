"""OGC API Features 2: coordinate reference systems by reference."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely

from .claims import of, proves
from .visitor import CRS84, Visitor, box_of, of_box

crs = of("ogcapi-features-2/1.0/conf/crs")
NOT_THERE = "http://www.opengis.net/def/crs/OGC/0/does_not_exist"
_URI = re.compile(r"http://www\.opengis\.net/def/crs/([A-Z]+)/([\w.]+)/(\w+)")


@proves(*crs("crs-uri"))
def test_every_crs_is_named_by_a_uri(visitor: Visitor) -> None:
    for collection in [*visitor.collections, *(visitor.json(f"/collections/{c['id']}") for c in visitor.collections)]:
        named = [*collection.get("crs", []), *([collection["storageCrs"]] if "storageCrs" in collection else [])]
        assert all(_URI.fullmatch(uri) for uri in named if uri != "#/crs"), collection["id"]
    shared = visitor.json("/collections").get("crs", [])
    assert all(_URI.fullmatch(uri) for uri in shared)


@proves(*crs("default-crs", "storageCrs"))
def test_a_spatial_collection_offers_the_default_and_the_stored_crs(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        offered = _offered(visitor, collection)
        assert offered[0] == CRS84
        assert len(offered) == len(set(offered))
        assert collection["storageCrs"] in offered
        assert {"EPSG/0/4326", "EPSG/0/3857"} <= {uri.partition("/def/crs/")[2] for uri in offered}


def _offered(visitor: Visitor, collection: dict[str, Any]) -> list[str]:
    shared = visitor.json("/collections").get("crs", []) if "#/crs" in collection["crs"] else []
    return list(dict.fromkeys(uri for each in collection["crs"] for uri in (shared if each == "#/crs" else [each])))


@proves(*crs("crs-parameter"))
def test_the_answer_names_the_crs_that_was_asked_for(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        items = f"/collections/{collection['id']}/items"
        for uri in _offered(visitor, collection):
            page = visitor.get(items, params={"crs": uri, "limit": 2})
            assert page.status_code == 200 and page.headers["content-crs"] == f"<{uri}>"
            assert page.json()["type"] == "FeatureCollection"
            for feature in page.json()["features"][:1]:
                alone = visitor.get(f"{items}/{feature['id']}", params={"crs": uri})
                assert alone.status_code == 200 and alone.headers["content-crs"] == f"<{uri}>"
                assert alone.json()["geometry"] == feature["geometry"]


@proves(*crs("crs-parameter-default"))
def test_without_the_parameter_the_answer_is_in_crs84(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        page = visitor.get(f"/collections/{collection['id']}/items")
        assert page.headers["content-crs"] == f"<{CRS84}>"
        for feature in page.json()["features"][:1]:
            alone = visitor.get(f"/collections/{collection['id']}/items/{feature['id']}")
            assert alone.headers["content-crs"] == f"<{CRS84}>"


@proves(*crs("crs-parameter-invalid"))
@pytest.mark.parametrize("uri", [NOT_THERE, "http://www.opengis.net/def/crs/EPSG/0/27700", "EPSG", ""])
def test_a_crs_that_is_not_offered_is_400(visitor: Visitor, uri: str) -> None:
    for collection in visitor.spatial:
        items = f"/collections/{collection['id']}/items"
        assert visitor.status(items, params={"crs": uri}) == 400
        for fid in list(visitor.ids(collection["id"]))[:1]:
            assert visitor.status(f"{items}/{fid}", params={"crs": uri}) == 400


@proves(*crs("crs-parameter-transform"))
def test_shapes_in_another_crs_are_the_same_shapes(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        plain = {feature["id"]: _shape(feature) for feature in visitor.features(collection["id"])}
        for uri in _offered(visitor, collection):
            for feature in visitor.features(collection["id"], crs=uri):
                back = shapely.transform(_shape(feature), _to_crs84(uri), interleaved=True)
                distance_deg = shapely.hausdorff_distance(back, plain[feature["id"]])
                assert distance_deg < 2e-5, (collection["id"], uri, feature["id"], distance_deg)


def _shape(feature: dict[str, Any]) -> Any:
    return shapely.from_geojson(json.dumps(feature["geometry"]))


@cache
def _transformer(uri: str, *, inverse: bool = False) -> pyproj.Transformer:
    """By the authority's own order of axes; about a metre is left between our operation and PROJ's choice."""
    found = _URI.fullmatch(uri)
    assert found is not None
    code = f"{found[1]}:{found[3]}"
    pair = (pyproj.CRS.from_user_input(code), pyproj.CRS.from_user_input("OGC:CRS84"))
    return pyproj.Transformer.from_crs(*(reversed(pair) if inverse else pair), always_xy=False)


def _to_crs84(uri: str) -> Any:
    def convert(positions: Any) -> Any:
        return np.column_stack(_transformer(uri).transform(positions[:, 0], positions[:, 1]))

    return convert


@proves(*crs("bbox-crs-parameter"))
def test_a_box_in_another_crs_selects_what_meets_it(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        west, south, east, north = box_of(collection)
        middle = ((west + east) / 2, (south + north) / 2)
        for uri in _offered(visitor, collection):
            if uri.endswith("h"):
                continue
            corners = [_transformer(uri, inverse=True).transform(*corner) for corner in ((west, south), middle)]
            box = (*corners[0], *corners[1])
            area = shapely.box(min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3]))
            reach = 5.0 if area.bounds[2] > 1000 else 5e-5
            found = visitor.features(collection["id"], **{"bbox": of_box(area.bounds), "bbox-crs": uri, "crs": uri})
            assert all(area.buffer(reach).intersects(_shape(feature)) for feature in found), (collection["id"], uri)
            surely = {feature["id"] for feature in visitor.features(collection["id"], crs=uri)
                      if area.buffer(-reach).intersects(_shape(feature))}  # fmt: skip
            assert surely <= {feature["id"] for feature in found}, (collection["id"], uri)


@proves(*crs("bbox-crs-parameter-default"))
def test_a_box_without_a_crs_is_in_crs84(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        west, south, east, north = box_of(collection)
        box = of_box((west, south, (west + east) / 2, north))
        named = visitor.ids(collection["id"], **{"bbox": box, "bbox-crs": CRS84})
        assert named == visitor.ids(collection["id"], bbox=box)


@proves(*crs("bbox-crs-parameter-invalid"))
def test_a_box_in_a_crs_that_is_not_offered_is_400(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        path = f"/collections/{collection['id']}/items"
        assert visitor.status(path, params={"bbox": of_box(box_of(collection)), "bbox-crs": NOT_THERE}) == 400


def test_the_order_of_axes_is_the_authority_s(visitor: Visitor) -> None:
    by_name = {uri: visitor.features("zone", crs=uri)[0]["geometry"] for uri in (CRS84, _epsg(4326))}
    east, north = _first(by_name[CRS84])
    assert _first(by_name[_epsg(4326)]) == [north, east]


def _epsg(code: int) -> str:
    return f"http://www.opengis.net/def/crs/EPSG/0/{code}"


def _first(geometry: dict[str, Any]) -> Any:
    found = geometry["coordinates"]
    while isinstance(found[0], list):
        found = found[0]
    return found
