"""MapLibre as anybody would use it: our style documents and our TileJSON, without our own scripts around it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OpenPage = Callable[..., Watched]
CENTRE = [106.6492, 10.9765]
COLOUR = (176, 48, 96)
#: a page of ours whose body is given over to one map; what the canvas holds can be read back
MAKE = """async ([style, center, zoom]) => {
  const maplibre = await import('/static/vendor/maplibre/maplibre-gl.mjs');
  const sheet = document.createElement('link');
  Object.assign(sheet, { rel: 'stylesheet', href: '/static/vendor/maplibre/maplibre-gl.css' });
  document.head.append(sheet);
  await new Promise((done) => sheet.addEventListener('load', done));
  const container = document.createElement('div');
  Object.assign(container.style, { width: '800px', height: '600px' });
  document.body.replaceChildren(container);
  const canvasContextAttributes = { preserveDrawingBuffer: true };
  const map = new maplibre.Map({ container, style, center, zoom, fadeDuration: 0, canvasContextAttributes });
  window.drawn = { map, isIdle: false, errors: [] };
  map.on('error', ({ error }) => window.drawn.errors.push(String(error)));
  map.once('idle', () => (window.drawn.isIdle = true));
}"""
FEATURES = """() => window.drawn.map.queryRenderedFeatures()
  .map(({ sourceLayer, properties }) => ({ layer: sourceLayer, ...properties }))"""
#: every colour of at least fifty pixels: fewer may be nothing but the edge of something
COLOURS = """() => {
  const { width, height } = window.drawn.map.getCanvas();
  const copy = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
  copy.drawImage(window.drawn.map.getCanvas(), 0, 0);
  const counts = new Map();
  for (const pixel of new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer)) {
    counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  }
  const often = [...counts].filter(([, count]) => count >= 50).map(([pixel]) => pixel);
  return often.map((pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255]);
}"""


def draw(watched: Watched, style: str | dict[str, Any], zoom: float) -> Page:
    page = watched.open("/conformance")
    page.evaluate(MAKE, [style, CENTRE, zoom])
    watched.until("window.drawn.isIdle || window.drawn.errors.length", within_s=20)
    assert page.evaluate("window.drawn.errors") == []
    return page


def features(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(FEATURES)
    return found


def colours(page: Page) -> set[tuple[int, ...]]:
    return {tuple(each) for each in page.evaluate(COLOURS)}


def test_the_style_of_the_service_is_drawn_as_it_is_served(open_page: OpenPage) -> None:
    watched = open_page()
    page = draw(watched, f"{watched.address}/styles/default", 15.4)
    drawn = features(page)
    assert {"parcel", "road", "water_body"} <= {each["layer"] for each in drawn}
    assert "45" in {each.get("so_to") for each in drawn if each["layer"] == "parcel"}
    assert len(colours(page)) > 3


def test_the_style_of_one_layer_is_drawn_as_it_is_served(open_page: OpenPage) -> None:
    watched = open_page()
    page = draw(watched, f"{watched.address}/collections/water_body/styles/default", 15)
    drawn = features(page)
    assert {each["layer"] for each in drawn} == {"water_body"}
    assert {each["ten_nguon_nuoc"] for each in drawn} == {"Rạch Trảng"}
    assert len(colours(page)) > 1


def test_a_tilejson_is_all_that_somebody_elses_style_needs(open_page: OpenPage) -> None:
    """The layers and columns it names are those that are drawn, in the colour that this style gives them."""
    watched = open_page()
    address = f"{watched.address}/collections/land_use_plan/tiles/WebMercatorQuad/tilejson"
    told = json.loads(watched.page.request.get(address).text())
    (layer,) = told["vector_layers"]
    paint = {"fill-color": f"rgb{COLOUR}", "fill-antialias": False}
    shapes = {"id": "shapes", "type": "fill", "source": "ours", "source-layer": layer["id"], "paint": paint}
    style = {"version": 8, "sources": {"ours": {"type": "vector", "url": address}}, "layers": [shapes]}
    page = draw(watched, style, 15)
    drawn = features(page)
    assert {each["ma_loai_dat"] for each in drawn} == {"ODT", "TMD"}
    assert all(each.keys() - {"layer"} <= layer["fields"].keys() for each in drawn)
    assert COLOUR in colours(page) and len(colours(page)) > 1
