"""Health, figures, description, addresses: the service around the layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest
from starlette.routing import Route

from ogc.app import create_app
from ogc.settings import Settings
from tests.support.shared_layers import Service, service

OwnService = Callable[..., AbstractContextManager[Service]]
TILE = "/collections/zone/tiles/WebMercatorQuad/16/30747/52200"


def test_a_ready_service_says_so(reading: Service) -> None:
    assert reading.public.json("/healthz") == {"status": "ok"}
    assert reading.public.json("/readyz") == {
        "ready": True, "database": True, "schema": True, "profile": True, "catalogue": True,
    }  # fmt: skip


def test_a_service_with_another_schema_is_not_ready(own_service: OwnService) -> None:
    with own_service() as running:
        with psycopg.connect(running.url) as connection:
            connection.execute("UPDATE schema_version SET version_num = '0000_older'")
        response = running.public.get("/readyz")
    assert response.status_code == 503 and response.json()["schema"] is False


def test_figures_name_routes_but_no_layer_and_no_caller(reading: Service) -> None:
    reading.officer.get("/collections/parcel/items")
    text = reading.public.get("/metrics").text
    assert 'lienthong_requests_total{method="GET",route="items",status="200"}' in text
    assert "parcel" not in text and "officer" not in text


def test_the_description_names_every_route_and_refers_to_nothing_outside(reading: Service, tmp_path: Path) -> None:
    response = reading.public.get("/api")
    assert response.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.1"
    document = response.json()
    app = create_app(Settings(data=tmp_path))
    paths = {route.path for route in app.router.routes if isinstance(route, Route) and route.include_in_schema}
    assert paths <= set(document["paths"])
    assert document["openapi"].startswith("3.1")
    for reference in _references(document):
        assert reference.startswith("#/")
        assert _resolved(document, reference) is not None


def test_every_operation_of_the_description_is_whole(reading: Service) -> None:
    document = reading.public.json("/api")
    ids = []
    for path, item in document["paths"].items():
        for operation in item.values():
            ids.append(operation["operationId"])
            named = {_whole(document, each)["name"] for each in operation.get("parameters", [])}
            assert all(f"{{{name}}}" not in path or name in named for name in path.replace("}", "{").split("{")[1::2])
            assert any(code.startswith("2") for code in operation["responses"])
    assert len(ids) == len(set(ids))


def _whole(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return _resolved(document, value["$ref"]) if "$ref" in value else value


def _resolved(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/")]
    return document


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_links_keep_the_prefix_of_a_proxy(own_service: OwnService) -> None:
    with own_service(root_path="/gis") as running:
        page = running.public.json("/gis/collections/zone/items?limit=1")
        hrefs = [link["href"] for link in page["links"]]
        assert all(href.startswith(f"{running.base}/gis/collections/zone") for href in hrefs)
        assert running.public.get(hrefs[-1]).status_code == 200


def test_forwarded_headers_count_only_from_proxies_that_are_trusted(own_service: OwnService, reading: Service) -> None:
    headers = {"X-Forwarded-Host": "gis.example.vn", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/lt"}
    links = reading.public.get("/", headers=headers).json()["links"]
    assert all(link["href"].startswith("https://gis.example.vn/lt/") for link in links)
    with own_service(trusted_proxies="192.0.2.0/24") as running:
        assert "gis.example.vn" not in running.public.get("/", headers=headers).text


def test_a_tile_holds_what_the_caller_may_see(reading: Service) -> None:
    response = reading.public.get(TILE)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    layer = mapbox_vector_tile.decode(response.content)["zone"]
    assert layer["extent"] == 4096
    assert {feature["id"] for feature in layer["features"]} <= {1, 2, 3}
    assert all("ghi_chu" not in feature["properties"] for feature in layer["features"])


def test_an_empty_tile_is_204_and_a_known_one_304(reading: Service) -> None:
    empty = reading.public.get("/collections/zone/tiles/WebMercatorQuad/16/0/0")
    assert empty.status_code == 204 and empty.content == b""
    etag = reading.public.get(TILE).headers["etag"]
    assert reading.public.get(TILE, headers={"If-None-Match": etag}).status_code == 304
    own = reading.reviewer.get(TILE.replace("zone", "parcel"))
    assert own.headers["cache-control"] == "private, no-store" and "etag" not in own.headers


@pytest.mark.parametrize(
    "place",
    ["WebMercatorQuad/23/0/0", "WebMercatorQuad/1/2/0", "WebMercatorQuad/1/0/2", "WebMercatorQuad/a/0/0",
     "WorldCRS84Quad/0/0/0", "WebMercatorQuad/1/-1/0"],
)  # fmt: skip
def test_a_tile_outside_the_grid_does_not_exist(reading: Service, place: str) -> None:
    assert reading.public.get(f"/collections/zone/tiles/{place}").status_code == 404


def test_tiles_of_rows_outside_the_relation_stay_empty(reading: Service) -> None:
    tile = "/collections/parcel/tiles/WebMercatorQuad/14/7686/13050"
    counts = {
        name: len(mapbox_vector_tile.decode(caller.get(tile).content)["parcel"]["features"])
        for name, caller in reading.callers.items()
        if name != "public"
    }
    assert counts == {"reviewer": 60, "officer": 120}
    assert reading.public.get(tile).status_code == 404


def test_tilejson_points_at_the_tiles(reading: Service) -> None:
    found = reading.public.json("/collections/zone/tiles/WebMercatorQuad/tilejson")
    assert found["tilejson"] == "3.0.0" and found["vector_layers"][0]["id"] == "zone"
    address = found["tiles"][0].replace("{z}", "16").replace("{y}", "30747").replace("{x}", "52200")
    assert reading.public.get(address).status_code == 200
    west, south, east, north = found["bounds"]
    assert 106 < west < east < 107 and 11 < south < north < 12


def test_tilesets_lead_to_their_metadata(reading: Service) -> None:
    (listed,) = reading.public.json("/collections/zone/tiles")["tilesets"]
    links = {link["rel"]: link["href"] for link in listed["links"]}
    assert reading.public.json(links["self"])["tileMatrixSetURI"].endswith("WebMercatorQuad")
    assert reading.public.json(links["http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"])["id"] == "WebMercatorQuad"
    whole = reading.public.json(links["self"])
    assert {name: whole[name] for name in listed} == listed and whole["layers"]


def _names(running: Service) -> list[str]:
    fid = running.officer.json("/collections/zone/items")["features"][0]["id"]
    paths = ("/collections/zone/items", f"/collections/zone/items/{fid}", TILE, "/collections/zone/items?f=csv")
    return [running.officer.get(path, headers={"Host": "localhost"}).headers["etag"] for path in paths]


def test_an_etag_is_the_same_in_every_process_of_a_service_and_cannot_be_made_without_its_key(
    reading: Service, tmp_path: Path
) -> None:
    """It is made of rules over hidden columns: an unkeyed digest would let guesses be tried at home."""
    with service(reading.url, reading.secrets.parent) as restarted, service(reading.url, tmp_path) as other:
        known, again, elsewhere = _names(reading), _names(restarted), _names(other)
    assert again == known
    assert not set(elsewhere) & set(known)
