"""The matrix of coverage read with the keyboard, and a dispute from the page of a check to the owner's answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE, Watched, become
from tests.browser.test_pages import AXE, with_language
from tests.support.town import affected_parcel

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OpenPage = Callable[..., Watched]
REASON = "Hành lang đã được điều chỉnh năm 2025. <b>không phải thẻ</b>"


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 160)).join(' | ')))"
    )
    return found


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_matrix_is_read_with_the_keyboard(open_page: OpenPage, language: str) -> None:
    watched = open_page(identity="environment_officer")
    page = watched.open(with_language("/coverage", language))
    assert page.locator("h1").count() == 1 and violations(page) == []
    cells = page.locator("#coverage td")
    assert cells.count() >= 36 * 20
    assert page.locator("#coverage td[tabindex='0']").count() == 1, "one stop of the Tab key, not a thousand"
    cells.first.focus()
    for key in ("ArrowDown", "ArrowRight", "End"):
        page.keyboard.press(key)
    last = page.locator("#coverage thead th").last.inner_text()
    assert last in page.locator("#detail").inner_text()
    box, head = (page.locator(f"#coverage {name}").first.bounding_box() for name in ("th[scope=row]", "thead th"))
    assert box and head and abs(box["x"] - head["x"]) < 2, "the layer's name stays beside its cells"
    watched.keep(f"coverage-{language}-focus")
    for size, suffix in ((DESKTOP, "desktop"), (PHONE, "phone")):
        page.set_viewport_size(size)
        scrolls = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not scrolls, f"wider than a {suffix} screen"
        watched.keep(f"coverage-{language}-{suffix}")


def test_a_dispute_goes_from_the_answer_to_the_owner_and_back(open_page: OpenPage) -> None:
    watched = open_page(identity="land_officer")
    page = watched.page
    checked = page.request.post(f"{watched.address}/checks", data={
        "procedure": "land_use_change", "subject": {"parcel": f"25747@2025/45/{affected_parcel()}"},
        "inputs": {"target_use": "ODT", "target_area_m2": 100},
    })  # fmt: skip
    record = checked.json()["id"]
    finding = watched.open(f"/checks/{record}").locator("[data-check=water_corridor]").first
    finding.locator(".opinions summary").click()
    finding.locator("input[value=dispute]").check()
    finding.locator("textarea").fill(REASON)
    watched.keep("review-form")
    finding.locator(".opinions button").click()
    page.wait_for_url(f"**/checks/{record}**")
    said = page.locator("[data-check=water_corridor] .said").first
    assert REASON in said.inner_text() and said.locator(".words b").count() == 0
    assert violations(page) == []
    watched.keep("review-said")

    become(watched, "environment_officer")
    task = watched.open("/tasks?state=open").locator(".task").first
    assert "Hành lang bảo vệ nguồn nước" in task.inner_text() and REASON in task.inner_text()
    task.locator("summary").click()
    assert violations(page) == []
    watched.keep("tasks-open")
    task.locator("input[value=rejected]").check()
    task.locator("textarea").fill("Đã đối chiếu quyết định, dữ liệu đúng.")
    task.locator("button").click()
    page.wait_for_url("**/tasks")

    become(watched, "land_officer")
    page = watched.open("/tasks")
    page.set_viewport_size(PHONE)
    assert "Đã đối chiếu quyết định" in page.locator("section", has=page.locator("#own")).inner_text()
    watched.keep("tasks-own-phone")
    page.set_viewport_size(DESKTOP)
    assert "dữ liệu đúng" in watched.open(f"/checks/{record}").locator(".said").first.inner_text()
