"""Split a parcel by a line, and list the parcels of a project, as a land officer does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import Watched
from tests.support.town import affected_parcel

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OpenPage = Callable[..., Watched]
PARCEL = affected_parcel()
MAP = "document.getElementById('preview').map"
#: west, south, east, north of a parcel, from the service itself
BOX = """async (number) => {
  const found = await (await fetch(`/parcels?commune=25747@2025&sheet=45&parcel=${number}`)).json();
  const item = await (await fetch(`/collections/parcel/items/${found.candidates[0].fid}?f=json`)).json();
  const points = item.geometry.coordinates.flat(2);
  const [x, y] = [points.map((p) => p[0]), points.map((p) => p[1])];
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
}"""


def corner(page: Any, longitude: float, latitude: float, button: str) -> None:
    page.evaluate(f"(place) => {MAP}.jumpTo({{center: place, zoom: 18}})", [longitude, latitude])
    page.click(button)


def test_a_line_across_a_parcel_is_previewed_and_every_part_checked(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.open("/divide")
    page.select_option("#commune", "25747@2025")
    page.fill("#sheet", "45")
    page.fill("#parcel", PARCEL)
    page.click("#find")
    page.wait_for_selector("#parents li")
    west, south, east, north = page.evaluate(BOX, PARCEL)
    middle = (south + north) / 2
    corner(page, west - 0.0002, middle, "#cut-add")
    corner(page, east + 0.0002, middle, "#cut-add")
    page.select_option("[data-procedure=parcel_split_merge] [data-input=land_use]", "ODT")
    page.click("#preview-parts")
    page.wait_for_selector("#parts tbody tr:nth-child(3)")
    assert page.locator("#parts a").count() == 0
    page.click("#run")
    page.wait_for_selector("#parts a")
    assert page.locator("#parts tbody tr").count() == 3
    assert "Diện tích khớp" in page.locator("#conservation").inner_text()
    assert "(thửa sau tách)" in page.locator("#parts").inner_text()
    watched.keep("divide-vi-desktop")
    page.click("#parts tbody tr:nth-child(2) a")
    page.wait_for_url("**/checks/*")
    assert page.locator(".verdict .word").inner_text() in ("Cần xem xét", "Không đạt (có vướng mắc)")
    watched.keep("divide-part-vi-desktop")


def test_the_parcels_of_a_project_are_listed_and_kept_as_a_workbook(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.open("/inside")
    west, south, east, north = page.evaluate(BOX, PARCEL)
    grow = 0.0006
    for place in ((west - grow, south - grow), (east + grow, south - grow), (east, north + grow)):
        corner(page, *place, "#draw-add")
    page.click("#run")
    page.wait_for_selector("#parcels tbody tr")
    assert "thửa" in page.locator("#summary").inner_text()
    words = page.locator("#parcels").inner_text()
    assert "Một phần" in words and f"Thửa đất số {PARCEL}" in words
    with page.expect_download() as kept:
        page.click("[data-keep=xlsx]")
    assert kept.value.suggested_filename == "parcels-inside.xlsx"
    watched.keep("inside-vi-desktop")
