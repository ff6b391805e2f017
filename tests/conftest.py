"""Fixtures: a real PostGIS, databases cloned from templates, the real data where it is present."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from layers.demo.generate import Manifest
from layers.store.migrate import migrate
from tests.support.province import Province, generate_files, publish, serve_province
from tests.support.server import Server, test_server

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LIENTHONG_SHARED", str(ROOT.parent / "shared")))
#: the template every other one is copied from: PostGIS and our schema
MIGRATED = "migrated"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with test_server() as started:
        yield started


@pytest.fixture(scope="session")
def make_template(server: Server) -> Iterator[Callable[[str, Callable[[str], None]], str]]:
    """`make_template(name, fill)` builds a database once a session: migrated, then `fill(url)`. Returns its name."""
    run = uuid.uuid4().hex[:8]
    made: dict[str, str] = {}

    def make(name: str, fill: Callable[[str], None]) -> str:
        if name not in made:
            database = f"lt_{run}_{name}"
            if name == MIGRATED:
                server.command(f'CREATE DATABASE "{database}"')
            else:  # a copy takes a tenth of the time
                server.clone(make(MIGRATED, migrate), database)
            made[name] = database
            fill(server.url(database))
        return made[name]

    yield make
    for database in made.values():
        server.drop(database)


@pytest.fixture
def clone(server: Server) -> Iterator[Callable[[str], str]]:
    """`clone(template)` gives the URL of a fresh copy; dropped after the test."""
    made: list[str] = []

    def make(template: str) -> str:
        database = f"lt_t_{uuid.uuid4().hex[:12]}"
        made.append(database)
        return server.clone(template, database)

    yield make
    for database in made:
        server.drop(database)


@pytest.fixture
def empty_database(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> str:
    """A migrated database with nothing in it."""
    return clone(make_template("empty", lambda url: None))


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """The files of a small demo province, made once a session; tests only read them."""
    files = tmp_path_factory.mktemp("province")
    return files, generate_files(files)


@pytest.fixture(scope="session")
def province(
    server: Server, make_template: Callable[[str, Callable[[str], None]], str], generated: tuple[Path, Manifest]
) -> Province:
    """The same province, published once a session; tests only read it."""
    files, _ = generated
    return Province(server.url(make_template("province", lambda url: publish(url, files))), files)


@pytest.fixture(scope="session")
def demo_server(province: Province, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The province behind a real server: base address and a land officer's token."""
    with serve_province(province, tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; absent, the test is skipped with the reason."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real data not found at {SHARED}/data (LIENTHONG_SHARED)")
    return SHARED / "data"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's Chromium; absent, the test is skipped with the reason."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI with the real data at hand nothing `real` or `browser` may be skipped: a skip there hides a hole."""
    report = yield
    is_kept = item.get_closest_marker("real") or item.get_closest_marker("browser")
    if report.skipped and is_kept and os.environ.get("CI") == "true" and (SHARED / "data").is_dir():
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a session's databases or servers stay on one worker: nothing is built twice."""
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        place = item.path.relative_to(ROOT / "tests")
        if {"generated", "province", "demo_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("province"))
        elif place.parts[0] == "acceptance":
            item.add_marker(pytest.mark.xdist_group(place.stem))
        elif place.parts[0] != "unit":
            item.add_marker(pytest.mark.xdist_group("/".join(place.parts[:-1])))
