"""The map of the caller's layers, and the way from a parcel on it to its check."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely

from gis.crs import Projection
from tests.browser.conftest import PHONE, Watched
from tests.support.published import EAST, NORTH

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OpenPage = Callable[..., Watched]
MAP = "document.getElementById('map').map"
DRAWN = f"{MAP}?.loaded() && {MAP}.queryRenderedFeatures().length > 0"
#: a point inside some parcel that is wholly in view, in pixels of the page
A_PARCEL = """() => {
  const map = document.getElementById('map').map;
  const view = map.getCanvas().getBoundingClientRect();
  for (const feature of map.queryRenderedFeatures().filter((one) => one.layer.id === 'parcel:fill')) {
    const flat = feature.geometry.coordinates.flat(9);
    const sum = (axis) => flat.filter((_, i) => i % 2 === axis).reduce((a, b) => a + b);
    const middle = [0, 1].map((axis) => sum(axis) / (flat.length / 2));
    const { x, y } = map.project(middle);
    if (x > 450 && x < view.width - 60 && y > 60 && y < view.height - 60) return [view.x + x, view.y + y];
  }
}"""

#: a point in the page where nothing but a square lies
A_SQUARE = """() => {
  const map = document.getElementById('map').map;
  const view = map.getCanvas().getBoundingClientRect();
  for (let x = 450; x < view.width - 60; x += 2) {
    for (let y = 60; y < view.height - 60; y += 2) {
      const here = map.queryRenderedFeatures([[x - 4, y - 4], [x + 4, y + 4]]);
      const isInIt = map.queryRenderedFeatures([x, y]).length;
      if (isInIt && here.every((one) => one.layer.id === 'parcel:cells')) return [view.x + x, view.y + y];
    }
  }
}"""


def to_wgs84(east: float, north: float) -> tuple[float, float]:
    point = np.array([shapely.points(east, north)], dtype=object)
    made = Projection("EPSG:9210", "EPSG:6960").to_wgs84(point)[0]
    return made.x, made.y


def layers_drawn(page: Any) -> set[str]:
    return set(
        page.evaluate(
            "[...new Set(document.getElementById('map').map.queryRenderedFeatures().map(f => f.sourceLayer))]"
        )
    )


def test_the_map_draws_tiles_and_vietnamese_labels(open_page: OpenPage) -> None:
    watched = open_page()
    ranges: set[str] = set()
    watched.page.on("request", lambda request: ranges.update(re.findall(r"glyphs/[\w-]+/(\d+)-", request.url)))
    page = watched.open("/map#at=15.4/10.9765/106.6492")
    watched.until(DRAWN)
    assert {"parcel", "road", "water_body"} <= layers_drawn(page)
    assert "7680" in ranges, "letters such as ộ come from our own glyphs"
    watched.keep("map-labels")


def test_from_afar_squares_stand_for_parcels_and_lead_closer(open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.open("/map#at=12.9/10.9765/106.6492")
    watched.until(f"{DRAWN} && {MAP}.queryRenderedFeatures({{layers: ['parcel:cells']}}).length > 0")
    assert page.locator("#zoom-hint").is_visible()
    watched.keep("map-squares")
    page.mouse.click(*page.evaluate(A_SQUARE))
    watched.until(f"{MAP}.getZoom() === 14 && {DRAWN}")
    assert page.locator("#chosen").is_hidden(), "nobody says which parcel was meant"
    assert page.locator("#zoom-hint").is_hidden()
    assert page.evaluate(f"{MAP}.queryRenderedFeatures({{layers: ['parcel:cells']}}).length") == 0


def test_a_clicked_parcel_leads_to_its_check(open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.open("/map#at=18.2/10.9760/106.6470")
    watched.until(DRAWN)
    place = page.evaluate(A_PARCEL)
    page.mouse.click(*place)
    page.wait_for_selector("#check-parcel")
    assert "Thửa đất số" in page.locator("#chosen h2").inner_text()
    watched.keep("map-chosen")
    page.click("#check-parcel")
    page.wait_for_selector("#candidates input:checked", state="attached")
    assert "/check?fid=" in page.url
    assert "Thửa đất số" in page.locator("#candidates").inner_text()


def test_a_parcel_is_found_by_its_number_without_the_mouse(open_page: OpenPage) -> None:
    watched = open_page(PHONE)
    page = watched.open("/map")
    page.select_option("#commune", "25747@2025")
    page.fill("#sheet", "45")
    page.fill("#parcel", "100")
    page.press("#parcel", "Enter")
    page.wait_for_selector("#check-parcel")
    assert "Thửa đất số 100" in page.locator("#chosen h2").inner_text()
    watched.until(f"{MAP}.getZoom() > 16 && {MAP}.queryRenderedFeatures({{layers: ['marked:fill']}}).length > 0")
    watched.until(DRAWN)
    watched.keep("map-found-phone")


def test_identities_see_different_layers(open_page: OpenPage) -> None:
    def listed(identity: str | None) -> set[str]:
        watched = open_page(identity=identity)
        page = watched.open("/map")
        return set(page.eval_on_selector_all("#layers [data-layer]", "found => found.map(f => f.dataset.layer)"))

    public, officer = listed(None), listed("land_officer")
    assert public < officer
    assert "power_line" not in public


def test_a_layer_can_be_switched_off_and_made_paler(open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.open("/map#at=15.4/10.9765/106.6492")
    watched.until(DRAWN)
    page.uncheck("#layers input[value=road]")
    watched.until("document.getElementById('map').map.loaded()")
    watched.until("!document.getElementById('map').map.queryRenderedFeatures().some(f => f.sourceLayer === 'road')")
    page.click("[data-layer=water_body] summary")
    page.fill("[data-opacity=water_body]", "50")
    paler = page.evaluate("document.getElementById('map').map.getPaintProperty('water_body:fill', 'fill-opacity')")
    assert paler == pytest.approx(0.45)


@pytest.mark.parametrize(("east", "north"), [(EAST, NORTH), (563_000.0, 1_201_000.0), (633_000.0, 1_272_000.0)])
def test_the_read_out_agrees_with_the_pinned_operation(open_page: OpenPage, east: float, north: float) -> None:
    """The map's own arithmetic against PROJ, on both sides of 11.04° N: within a millimetre."""
    lon, lat = to_wgs84(east, north)
    watched = open_page()
    page = watched.open("/check")
    found = page.evaluate(
        "async ([lon, lat]) => { const { projector } = await import('/static/js/vn2000.mjs');"
        " const settings = JSON.parse(document.getElementById('map-settings').textContent);"
        " return projector(settings.readout)(lon, lat); }",
        [lon, lat],
    )
    assert found == pytest.approx([east, north], abs=0.001)
