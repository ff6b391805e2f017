"""Tiles and tilesets over HTTP: of one layer, of several, at an instant, by what the caller may see."""

from __future__ import annotations

from typing import Any

import httpx
import mapbox_vector_tile
import morecantile
import pytest
import shapely

from ogc.tiles.matrix_sets import place, tile_matrix_set
from tests.support.layers import to_wgs84
from tests.support.shared_layers import ORIGIN, Caller, Service

ZOOM = 14
PURPOSE = {"Lienthong-Purpose": "construction_permit"}


def address(prefix: str = "", zoom: int = ZOOM) -> str:
    longitude, latitude = to_wgs84(shapely.Point(ORIGIN[0] + 50, ORIGIN[1] + 50)).coords[0]
    column, row = place(longitude, latitude, zoom)
    return f"{prefix}/tiles/WebMercatorQuad/{zoom}/{row}/{column}"


def layers(answer: httpx.Response) -> dict[str, set[int]]:
    assert answer.status_code in (200, 204), answer.text
    found = mapbox_vector_tile.decode(answer.content) if answer.content else {}
    return {name: {feature["id"] for feature in layer["features"]} for name, layer in found.items()}


def links(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [link for link in document["links"] if link["rel"].endswith(rel)]


def test_the_service_has_one_tileset_of_all_layers_whose_tiles_are_granted(reading: Service) -> None:
    landing = reading.public.json("/")
    (listed,) = reading.public.json(links(landing, "tilesets-vector")[0]["href"])["tilesets"]
    for caller, names in ((reading.public, ["zone", "line"]), (reading.officer, ["parcel", "zone", "line", "secret"])):
        tileset = caller.json(links(listed, "self")[0]["href"])
        assert [layer["id"] for layer in tileset["layers"]] == names
        assert layers(caller.get(address())) == {
            name: ids for name in names if (ids := layers(caller.get(address(f"/collections/{name}"))).get(name))
        }


def test_a_tileset_of_named_layers_holds_them_in_this_order(reading: Service) -> None:
    officer = reading.officer
    asked = {"collections": f"line,{reading.base}/collections/zone"}
    tileset = officer.json("/tiles/WebMercatorQuad", params=asked)
    assert [layer["id"] for layer in tileset["layers"]] == ["line", "zone"]
    assert "collections=line" in links(tileset, "item")[0]["href"]
    tile = officer.get(address(), params=asked)
    assert list(layers(tile)) == ["line", "zone"]
    alone = [officer.get(address(f"/collections/{name}")).content for name in ("line", "zone")]
    assert tile.content == b"".join(alone)
    assert officer.get(address(), params=asked).headers["etag"] == tile.headers["etag"]
    known = officer.get(address(), params=asked, headers={"if-none-match": tile.headers["etag"]})
    assert known.status_code == 304 and not known.content


@pytest.mark.parametrize(("asked", "status"), [
    ("zone,secret", 404), ("zone,nowhere", 404), ("zone,parcel", 404), ("register", 404), ("zone,", 400), ("", 400),
])  # fmt: skip
def test_what_may_not_be_seen_is_not_there_in_a_set_either(reading: Service, asked: str, status: int) -> None:
    for path in (address(), "/tiles/WebMercatorQuad", "/tiles/WebMercatorQuad/tilejson"):
        assert reading.public.get(path, params={"collections": asked}).status_code == status


def test_a_set_with_one_layer_bound_to_claims_is_never_kept(reading: Service) -> None:
    asked = reading.reviewer.get(address(), params={"collections": "zone,parcel"}, headers=PURPOSE)
    assert asked.headers["cache-control"] == "private, no-store" and "etag" not in asked.headers
    assert set(layers(asked)) == {"zone", "parcel"}


def test_metadata_name_the_columns_and_bounds_of_the_caller(reading: Service) -> None:
    for caller, has_note in ((reading.public, False), (reading.officer, False)):
        tileset = caller.json("/collections/zone/tiles/WebMercatorQuad")
        (layer,) = tileset["layers"]
        tilejson = caller.json("/collections/zone/tiles/WebMercatorQuad/tilejson")
        (vector,) = tilejson["vector_layers"]
        shown = {name for feature in _features(caller) for name in feature["properties"]}
        assert shown <= set(layer["propertiesSchema"]["properties"]) == set(vector["fields"])
        assert ("ghi_chu" in vector["fields"]) is has_note
        assert layer["propertiesSchema"]["properties"]["cap"]["type"] == "integer"
        west, south, east, north = caller.json("/collections/zone")["extent"]["spatial"]["bbox"][0]
        assert tileset["boundingBox"]["lowerLeft"] == layer["boundingBox"]["lowerLeft"] == [west, south]
        limit = next(each for each in tileset["tileMatrixSetLimits"] if each["tileMatrix"] == "14")
        (column, row), (last_column, last_row) = place(west, north, 14), place(east, south, 14)
        assert (limit["minTileCol"], limit["minTileRow"]) == (column, row)
        assert (limit["maxTileCol"], limit["maxTileRow"]) == (last_column, last_row)


def _features(caller: Caller) -> list[dict[str, Any]]:
    decoded = mapbox_vector_tile.decode(caller.get(address("/collections/zone")).content)
    found: list[dict[str, Any]] = decoded["zone"]["features"]
    return found


def test_a_tile_before_the_first_publication_is_empty_and_one_of_now_is_the_same(reading: Service) -> None:
    now = reading.public.get(address("/collections/zone"))
    early = reading.public.get(address("/collections/zone"), params={"as-of": "2001-01-01"})
    assert early.status_code == 204 and not early.content
    today = reading.public.get(address("/collections/zone"), params={"as-of": "2999-01-01"})
    assert today.status_code == 400
    late = reading.public.get(address("/collections/zone"), params={"as-of": _tonight(reading)})
    assert late.content == now.content
    both = reading.public.get(address(), params={"as-of": "2001-01-01", "collections": "zone,line"})
    assert both.status_code == 204


def _tonight(reading: Service) -> str:
    return str(reading.public.json("/collections/zone/items", params={"limit": 1})["timeStamp"])


def test_the_tile_matrix_set_is_the_registered_one() -> None:
    own = {matrix["id"]: matrix for matrix in tile_matrix_set()["tileMatrices"]}
    for matrix in morecantile.tms.get("WebMercatorQuad").tileMatrices:
        if matrix.id in own:
            assert own[matrix.id]["scaleDenominator"] == pytest.approx(matrix.scaleDenominator, rel=1e-9)
            assert own[matrix.id]["matrixWidth"] == matrix.matrixWidth
            assert own[matrix.id]["pointOfOrigin"] == pytest.approx(matrix.pointOfOrigin)
    assert len(own) == 23


def test_the_list_of_tilesets_is_a_page_too(reading: Service) -> None:
    page = reading.public.get("/tiles", headers={"accept": "text/html"})
    assert page.status_code == 200 and "WebMercatorQuad" in page.text


# ── styles ───────────────────────────────────────────────────────────────────────────────────────
def test_a_layers_style_draws_its_tiles_and_loads_nothing_from_elsewhere(reading: Service) -> None:
    collection = reading.public.json("/collections/zone")
    listed = reading.public.json(links(collection, "styles")[0]["href"])
    (entry,) = [each for each in listed["styles"] if each["id"] == listed["default"]]
    answer = reading.public.get(links(entry, "stylesheet")[0]["href"])
    assert answer.headers["content-type"] == "application/vnd.mapbox.style+json"
    style = answer.json()
    assert style["version"] == 8 and style["glyphs"].startswith(reading.base)
    for layer in style["layers"]:
        assert layer["type"] == "background" or layer["source"] in style["sources"]
    (template,) = style["sources"]["zone"]["tiles"]
    longitude, latitude = to_wgs84(shapely.Point(ORIGIN[0] + 50, ORIGIN[1] + 50)).coords[0]
    column, row = place(longitude, latitude, ZOOM)
    path = template.replace("{z}", str(ZOOM)).replace("{x}", str(column)).replace("{y}", str(row))
    assert layers(reading.public.get(path))["zone"]
    assert [entry["title"] for entry in style["metadata"]["legend"]] == ["Lớp zone"]
    hosts = {part.split("/")[0] for part in answer.text.split("http://")[1:]}
    assert hosts == {reading.base.removeprefix("http://")} and "https://" not in answer.text


def test_the_services_style_holds_the_callers_layers(reading: Service) -> None:
    for caller, names in ((reading.public, {"zone", "line"}), (reading.officer, {"parcel", "zone", "line", "secret"})):
        listed = caller.json(links(caller.json("/"), "/styles")[0]["href"])
        style = caller.json(listed["styles"][0]["links"][0]["href"])
        assert {name.removesuffix(":labels") for name in style["sources"]} == names


@pytest.mark.parametrize("path", ["/collections/secret/styles/default", "/collections/zone/styles/x", "/styles/x"])
def test_a_style_that_is_not_there_is_not_there(reading: Service, path: str) -> None:
    assert reading.public.get(path).status_code == 404
