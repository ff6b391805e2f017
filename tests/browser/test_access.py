"""The pages of access: an owner changes who sees a layer, looks at the effect, applies it; everybody may ask why."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import DESKTOP, PHONE, Watched, become, watch
from tests.browser.test_pages import AXE, with_language

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OpenPage = Callable[..., Watched]
PAGES = {
    "access-policy": "/access/policy",
    "access-matrix": "/access/matrix",
    "access-explain": "/explain?layer=parcel&action=export",
    "access-proposal": "/access/proposal",
    "access-edit": "/access/edit?grant=intakes_for_construction",
}


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_access_stands_on_its_own(open_page: OpenPage, name: str, language: str) -> None:
    watched = open_page(identity="environment_officer")
    page = watched.open(with_language(PAGES[name], language))
    assert page.locator("html").get_attribute("lang") == language and page.locator("h1").count() == 1
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        ".then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 160)).join(' | ')))"
    )
    assert found == []
    for size, suffix in ((DESKTOP, "desktop"), (PHONE, "phone")):
        page.set_viewport_size(size)
        scrolls = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not scrolls, f"{name} is wider than a {suffix} screen"
        watched.keep(f"{name}-{language}-{suffix}")


@pytest.fixture
def policy_kept(town: str, chromium: Browser) -> Iterator[None]:
    """The policy of the shared town is put back as it was, by the one who changed it."""
    context = chromium.new_context(locale="vi-VN")
    become(watch(context, town), "environment_officer")
    before = context.request.get(f"{town}/access/policy?f=json").json()
    yield
    context.request.put(f"{town}/access/proposal", data={"grants": before["managed"]})
    applied = context.request.post(f"{town}/access/policy", data={})
    assert applied.ok, applied.text()
    assert applied.json()["digest"] == before["policy"]
    context.close()


@pytest.mark.usefixtures("policy_kept")
def test_an_owner_changes_who_sees_a_layer_and_sees_it_before_it_is_so(open_page: OpenPage) -> None:
    watched = open_page(identity="environment_officer")
    page = watched.open("/access/policy")
    page.click("a[href$='grant=water_corridor_for_construction']")
    assert page.locator("h1").inner_text() == "Sửa quyền water_corridor_for_construction"
    page.fill("#rows", "khong_co = 1")
    page.click("button[value=fields]")
    page.wait_for_selector("#rows[aria-invalid=true]")
    assert "khong_co" in page.locator("#rows-problem-1").inner_text()
    watched.keep("access-edit-wrong")
    watched.troubles.clear()  # the browser notes the 422

    page.fill("#rows", "")
    page.uncheck("input[name=actions][value=tile]")
    page.check("input[name=tags][value=internal]")
    page.click("button[value=fields]")
    page.wait_for_url("**/access/proposal")
    assert page.locator("button[value=apply]").count() == 0, "a test that travels with the grant says otherwise"
    watched.keep("access-proposal-unmet")
    page.goto(watched.address + "/access/edit?grant=water_corridor_for_construction")
    page.fill("#expect", "- {as: construction_reviewer, action: tile, is: deny}")
    page.click("button[value=fields]")
    page.wait_for_url("**/access/proposal")
    told = page.locator(".effects").inner_text()
    assert "Cán bộ thẩm định Sở Xây dựng (2 phường)" in told and "không còn được phép" in told
    watched.keep("access-proposal-changed")

    page.check("input[name=agreed]")
    page.click("button[value=apply]")
    page.wait_for_url("**/access/policy")
    applied = page.request.get(watched.address + "/access/policy/water_corridor_for_construction").json()
    assert "tile" not in applied["actions"] and "internal" in applied["columns"]["tags"]
    become(watched, "construction_reviewer")
    page = watched.open("/explain?layer=water_corridor&action=tile")
    assert "Không được" in page.locator("#answer").inner_text()
    watched.keep("access-explain-denied")
