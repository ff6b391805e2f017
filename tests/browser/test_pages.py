"""Every page in both languages and two sizes: nothing from another host, nothing said on the console."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Watched

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = {
    "landing": "/",
    "catalogue": "/catalogue",
    "check": "/check",
    "map": "/map#at=15.2/10.9765/106.6492",
    "collections": "/collections",
    "collection": "/collections/parcel",
    "items": "/collections/parcel/items?limit=20",
    "schema": "/collections/parcel/schema",
    "tilesets": "/collections/parcel/tiles",
    "tile_matrix_sets": "/tileMatrixSets",
    "conformance": "/conformance",
    "api": "/api",
    "layer": "/collections/land_use_plan",
    "filtered": "/collections/parcel/items?so_to=45&limit=5",
}
AXE = Path(__file__).resolve().parents[2] / "ogc/web/frontend/node_modules/axe-core/axe.min.js"
OpenPage = Callable[..., Watched]


def with_language(path: str, language: str) -> str:
    path, mark, place = path.partition("#")
    return f"{path}{'&' if '?' in path else '?'}lang={language}{mark}{place}"


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_on_its_own_in_both_languages(open_page: OpenPage, name: str, language: str) -> None:
    watched = open_page()
    page = watched.open(with_language(PAGES[name], language))
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("h1").count() == 1
    for size, suffix in ((DESKTOP, "desktop"), (PHONE, "phone")):
        page.set_viewport_size(size)
        scrolls = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not scrolls, f"{name} is wider than a {suffix} screen"
        watched.keep(f"{name}-{language}-{suffix}")


def test_the_language_is_remembered(open_page: OpenPage) -> None:
    watched = open_page()
    watched.open("/?lang=en")
    assert watched.open("/catalogue").locator("h1").inner_text() == "Layer catalogue"
    watched.page.click(".language")
    assert watched.page.locator("h1").inner_text() == "Danh mục lớp dữ liệu"


@pytest.mark.parametrize(
    "name", ["landing", "catalogue", "check", "items", "collection", "map", "collections", "filtered"]
)
def test_a_page_keeps_to_the_accessibility_guidelines(open_page: OpenPage, name: str) -> None:
    """axe-core finds part of WCAG 2.2 AA; what it finds is a defect."""
    watched = open_page()
    page = watched.open(PAGES[name])
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 160)).join(' | ')))"
    )
    assert found == []


def test_headers_keep_inline_scripts_and_other_hosts_out(open_page: OpenPage) -> None:
    watched = open_page()
    answer = watched.page.goto(watched.address + "/check")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy and "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_missing_page_and_a_wrong_parameter_are_told_in_office_words(open_page: OpenPage) -> None:
    watched = open_page()
    missing = watched.open("/collections/khong_co")
    assert missing.locator("h1").inner_text() == "Nội dung không tồn tại hoặc bạn không có quyền xem"
    watched.keep("problem-404")
    wrong = watched.open("/collections/parcel/items?khong=1")
    assert "khong" in wrong.locator("main").inner_text()
    # the browser itself notes the two statuses; nothing else may have been said
    assert all("Failed to load resource" in trouble for trouble in watched.troubles)
    watched.troubles.clear()


def test_the_keyboard_reaches_the_content_first(open_page: OpenPage) -> None:
    page = open_page().open("/check")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_filter_leaves_out_what_was_left_empty_and_shows_its_cql2(open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.open("/collections/parcel/items")
    page.click("#filter summary")
    page.fill("#by-so_to", "45")
    page.fill("#by-filter", "dien_tich > 0")
    page.click("#filter .button:not(.second)")
    page.wait_for_url("**/items?**")
    assert page.url.endswith("/items?so_to=45&filter=dien_tich+%3E+0&limit=10")
    assert page.locator(".snippet code").inner_text() == "so_to = '45' AND (dien_tich > 0)"
    assert page.locator("tbody tr").count() == 10
    watched.keep("items-filtered")


def test_a_code_is_told_with_its_title_in_a_table_and_on_a_page(open_page: OpenPage) -> None:
    page = open_page(language="en").open("/collections/parcel/items?lang=en&limit=1")
    told = page.locator("tbody td", has_text=" · ").first.inner_text()
    code, _, title = told.partition(" · ")
    assert code.isupper() and title
    page.locator("tbody th a").first.click()
    assert page.locator("dd", has_text=told).count() >= 1


def test_a_list_of_layers_is_narrowed_by_words_with_or_without_marks(open_page: OpenPage) -> None:
    page = open_page().open("/collections")
    shown = page.locator("#layers tbody tr:visible")
    everything = shown.count()
    page.fill("#words", "thua dat")
    assert 0 < shown.count() < everything
    page.fill("#words", "")
    page.select_option("#sharing", "open")
    assert set(shown.evaluate_all("rows => rows.map(row => row.dataset.sharing)")) == {"open"}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_interface_can_be_tried_out_from_files_of_our_own(open_page: OpenPage, language: str) -> None:
    """Under the pages' own policy: no inline script, no other host (the page must say nothing on the console)."""
    watched = open_page(language=language)
    page = watched.open("/api?f=html#/common/conformance")
    watched.until("document.getElementById('api-browser').dataset.state === 'ready'")
    page.wait_for_selector("#operations-common-conformance.is-open")
    page.get_by_role("button", name="Thử" if language == "vi" else "Try it out").click()
    page.get_by_role("button", name="Gửi yêu cầu" if language == "vi" else "Execute", exact=True).click()
    page.wait_for_selector("#operations-common-conformance .response-col_status >> text=200")
    watched.keep(f"api-tried-{language}")


@pytest.mark.parametrize("width", [1200, 1320, 1440])
def test_the_head_of_a_page_has_two_lines_whoever_is_named_in_it(open_page: OpenPage, width: int) -> None:
    watched = open_page(size={"width": width, "height": 800}, identity="construction_reviewer")
    page = watched.open("/catalogue")
    tops = page.locator(".menu a").evaluate_all("all => all.map(each => Math.round(each.getBoundingClientRect().top))")
    assert len(set(tops)) == 1
    brand, who = page.locator(".brand").bounding_box(), page.locator(".who").bounding_box()
    assert brand and who and abs((brand["y"] + brand["height"] / 2) - (who["y"] + who["height"] / 2)) < 4
