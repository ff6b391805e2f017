"""The server's memory while it exports far more than it may hold."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.commands import ROOT
from tests.support.exported import add_points

POINTS = "/collections/moc/items"
FEATURES = 200_000
MOST_GROWTH_BYTES = 50_000_000


@contextmanager
def _server(url: str, data: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The service in a process of its own."""
    command = [sys.executable, "-m", "tests.support.exported_server"]
    environment = {**os.environ, "LIENTHONG_DATABASE_URL": url, "LIENTHONG_DATA": str(data)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
        finally:
            process.terminate()


class _Watch:
    """The most memory a process had while the block ran."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self.most = process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self._process.memory_info().rss)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.mark.long
def test_the_server_holds_no_export_in_its_memory(
    exported_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    url = clone(exported_template)
    add_points(url, FEATURES)
    token = make_token(Settings(data=tmp_path).secrets_folder, "officer")
    headers = {"Authorization": f"Bearer {token}"}
    with (
        _server(url, tmp_path) as (base, process),
        httpx.Client(base_url=base, headers=headers, timeout=300) as client,
    ):
        for kind in ("csv", "jsonseq", "gpkg", "parquet"):  # what the libraries themselves need
            assert client.get(POINTS, params={"f": kind, "limit": 10_000}).status_code == 200
        before = process.memory_info().rss
        with _Watch(process) as watch:
            assert _length(client, {"f": "csv"}) > FEATURES * 20
            assert _length(client, {"f": "jsonseq"}) > FEATURES * 100
            for kind in ("gpkg", "parquet"):
                assert _length(client, {"f": kind, "filter": "so < 4"}) > 100_000
        grown = watch.most - before
        assert grown < MOST_GROWTH_BYTES, f"{grown / 1e6:.0f} MB"
        print(f"grown by {grown / 1e6:.1f} MB of {before / 1e6:.0f} MB")


def _length(client: httpx.Client, query: dict[str, str]) -> int:
    with client.stream("GET", POINTS, params=query) as response:
        assert response.status_code == 200
        return sum(map(len, response.iter_bytes()))
