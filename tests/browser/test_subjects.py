"""A check of something else than one parcel: a pasted table, several parcels, a drawing, a file; also by keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely

from gis.crs import Projection
from tests.browser.conftest import PHONE, Watched
from tests.support.town import affected_parcel

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OpenPage = Callable[..., Watched]
QUESTIONS = "[data-procedure=land_use_change]"
CORNERS = [(1214391.25, 598162.86), (1214401.25, 598162.86), (1214401.25, 598182.86), (1214391.25, 598182.86)]


def table(*, is_swapped: bool = False) -> str:
    corners = [(y, x) if is_swapped else (x, y) for x, y in CORNERS]
    rows = [f"{n}\t{x}\t{y}".replace(".", ",") for n, (x, y) in enumerate(corners, 1)]
    return "\n".join(["Số hiệu điểm\tX (m)\tY (m)", *rows])


def asked(page: Any) -> None:
    """The rest of the form, and the check."""
    page.select_option("#procedure", "land_use_change")
    page.select_option(f"{QUESTIONS} [data-input=target_use]", "ODT")
    page.fill(f"{QUESTIONS} [data-input=target_area_m2]", "100")
    page.click("#run")
    page.wait_for_url("**/checks/*")


def test_a_pasted_table_is_shown_back_and_checked_by_keyboard_alone(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.open("/check")
    page.focus("input[name=kind][value=parcel]")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("input[name=kind]:checked").get_attribute("value") == "table"
    page.keyboard.press("Tab")
    page.keyboard.insert_text(table())
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#readout table")
    shown = page.locator("#readout").inner_text()
    assert "Diện tích 200,0 m²" in shown and "2–3: 20,00" in shown and "1.214.391,250" in shown
    watched.until("document.getElementById('preview').map.queryRenderedFeatures({layers: ['marked:fill']}).length > 0")
    watched.keep("check-table-vi-desktop")
    asked(page)
    assert page.locator("h1").inner_text() == "Khu đất theo bảng tọa độ"
    answer_map = "document.getElementById('answer-map').map"
    watched.until(f"{answer_map}?.getLayer('marked:fill') !== undefined")
    watched.until(f"{answer_map}.queryRenderedFeatures({{layers: ['marked:fill']}}).length > 0")
    watched.keep("answer-table-vi-desktop")


def test_swapped_axes_are_answered_with_a_proposal_to_use(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer", size=PHONE)
    page = watched.open("/check")
    page.check("input[name=kind][value=table]")
    page.fill("#table", table(is_swapped=True))
    page.click("#table-read")
    page.wait_for_selector(".proposal button")
    assert "X phải là hướng Bắc" in page.locator(".proposal").inner_text()
    watched.keep("check-proposal-vi-phone")
    page.click(".proposal button")
    page.wait_for_selector("#readout table")
    assert "200,0 m²" in page.locator("#readout").inner_text()
    assert all("Failed to load resource" in trouble for trouble in watched.troubles)  # the 422 itself
    watched.troubles.clear()


def test_several_parcels_are_chosen_and_checked_as_one(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.open(f"/check?commune=25747@2025&sheet=45&parcel={affected_parcel()}")
    page.wait_for_selector("#candidates input:checked", state="attached")
    page.check("input[name=kind][value=parcels]")
    page.click("#find")
    page.wait_for_selector("#several li")
    page.fill("#parcel", str(int(affected_parcel()) + 1))
    page.click("#find")
    page.wait_for_selector("#several li:nth-child(2)")
    watched.keep("check-parcels-vi-desktop")
    asked(page)
    assert page.locator("h1").inner_text().startswith("2 thửa đất: Thửa đất số")
    assert page.locator(".facts li").count() == 2
    watched.keep("answer-parcels-vi-desktop")


def test_a_shape_is_drawn_with_the_keyboard_and_a_file_is_read(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer", language="en")
    page = watched.open("/check")
    page.check("input[name=kind][value=draw]")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.focus("#draw-add")
        page.keyboard.press("Enter")
        page.focus("#preview canvas")
        before = page.evaluate("document.getElementById('preview').map.getCenter().toString()")
        page.keyboard.press(key)
        watched.until(f"document.getElementById('preview').map.getCenter().toString() !== '{before}'")
    assert page.locator("#corners li").count() == 3
    watched.keep("check-draw-en-desktop")
    page.check("input[name=kind][value=file]")
    page.set_input_files("#file", {"name": "khu.geojson", "mimeType": "application/geo+json", "buffer": shape()})
    page.click("#file-read")
    page.wait_for_selector("#readout p")
    assert "Area 200" in page.locator("#readout").inner_text()


def shape() -> bytes:
    ground = shapely.Polygon([(y, x) for x, y in CORNERS])
    degrees = Projection("EPSG:9210", "EPSG:6960").to_wgs84(np.array([ground]))[0]
    return json.dumps({"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(degrees)}).encode()
