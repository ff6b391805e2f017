"""A Chromium, the invented town behind a real server, and a page that must not misbehave."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from ogc.app import create_app
from ogc.settings import Settings
from tests.support.server import Server
from tests.support.serving import serve
from tests.support.town import fill

SCREENSHOTS = Path(__file__).resolve().parent / "screenshots"
FLAGS = (
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
#: every map of a page has drawn what it was asked for; one that cannot be shown says so or is hidden
MAPS_DRAWN = (
    "[...document.querySelectorAll('.map, #map')].every((place) => place.map?.loaded()"
    " || place.closest('[hidden]') || place.classList.contains('map-silent'))"
)
#: told by the software renderer of a machine without a graphics card; says nothing about the page
_RENDERER = re.compile(r"GL Driver Message")


@pytest.fixture(scope="package")
def chromium(town: str) -> Iterator[Browser]:
    """One browser for this folder. While it is open this thread counts as inside an event loop, so no other test may
    run meanwhile and the town is built before.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def town(
    server: Server, make_template: Callable[[str, Callable[[str], None]], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a demo server over the town."""
    settings = Settings(
        data=tmp_path_factory.mktemp("town"), database_url=server.url(make_template("town", fill)), shared=Path("none")
    )
    with serve(create_app(settings, demo=True)) as address:
        yield address


@dataclass
class Watched:
    """A page, and everything about it that a test must not overlook."""

    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """The page with its scripts run; maps have drawn what they were first asked for."""
        self.page.goto(self.address + path)
        self.until(MAPS_DRAWN)
        return self.page

    def until(self, condition: str, within_s: float = 60.0) -> None:
        """Wait for a condition of the page, frame by frame. Evaluated once: the page's policy forbids eval."""
        held = self.page.evaluate(
            f"""async () => {{
              const end = performance.now() + {within_s * 1000};
              while (!({condition})) {{
                if (performance.now() > end) return false;
                await new Promise(requestAnimationFrame);
              }}
              return true;
            }}"""
        )
        assert held, f"never came true: {condition}"

    def keep(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page="map" not in name)


def watch(context: BrowserContext, address: str) -> Watched:
    watched = Watched(context.new_page(), address)
    home = urlsplit(address).netloc

    def on_request(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != home:
            watched.troubles.append(f"left this machine: {url}")

    page = watched.page
    page.on("request", lambda request: on_request(request.url))
    page.on("pageerror", lambda error: watched.troubles.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            watched.troubles.append(f"console: {said.text}")
            if said.type in ("error", "warning") and not _RENDERER.search(said.text)
            else None
        ),
    )
    page.on(
        "response",
        lambda answer: watched.troubles.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None,
    )
    return watched


@pytest.fixture
def open_page(chromium: Browser, town: str) -> Iterator[Callable[..., Watched]]:
    """`open_page(size=…, language=…, identity=…)`; at the end nothing may have gone wrong in any page opened."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def make(size: ViewportSize | None = None, language: str = "vi", identity: str | None = None) -> Watched:
        locale = "vi-VN" if language == "vi" else "en-GB"
        context = chromium.new_context(viewport=size or DESKTOP, locale=locale, reduced_motion="reduce")
        context.set_default_timeout(30_000)
        watched = watch(context, town)
        opened.append((context, watched))
        if identity:
            become(watched, identity)
        return watched

    yield make
    for context, _ in opened:
        context.close()
    assert [trouble for _, watched in opened for trouble in watched.troubles] == []


def become(watched: Watched, identity: str) -> None:
    """Through the switcher, as a person does."""
    page = watched.open("/")
    page.click(".identity summary")
    page.click(f".identity-menu button[value={identity}]")
    page.wait_for_selector(f".identity-menu button[value={identity}][aria-current]", state="attached")
