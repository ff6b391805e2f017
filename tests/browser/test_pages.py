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


@pytest.mark.parametrize("name", ["landing", "catalogue", "check", "items", "collection", "map"])
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
