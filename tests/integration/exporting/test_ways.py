"""The same files from the command line and from a notebook."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lienthong import Client
from ogc.client.errors import LienthongClientError
from tests.support.commands import lienthong
from tests.support.exported import READERS, work
from tests.support.shared_layers import Service, service

DAT = "/collections/dat/items"


@pytest.fixture(scope="module")
def own(exported_template: str, server: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with server.copied(exported_template) as url, service(url, tmp_path_factory.mktemp("ways")) as running:  # type: ignore[attr-defined]
        yield running


def test_the_command_line_writes_what_the_service_sends(own: Service, tmp_path: Path) -> None:
    out = tmp_path / "phần của tôi.gpkg"
    asked = ("--filter", "so > 2", "--as", "officer", "--json")
    ran = lienthong("layer", "export", "dat", "--out", out, *asked, url=own.url, data=tmp_path)
    assert ran.code == 0, ran.err
    assert (ran.json["features"], ran.json["revision"], ran.json["bytes"]) == (7, 1, out.stat().st_size)
    sent = own.officer.get(DAT, params={"f": "gpkg", "filter": "so > 2"}, headers={"Accept-Language": "vi"})
    assert out.read_bytes() == sent.content
    assert [path.name for path in tmp_path.glob("*.gpkg*")] == [out.name]


def test_the_command_line_says_what_it_cannot_do(own: Service, tmp_path: Path) -> None:
    def export(layer: str, name: str, identity: str) -> Any:
        words = ("layer", "export", layer, "--out", tmp_path / name, "--as", identity, "--json")
        ran = lienthong(*words, url=own.url, data=tmp_path)
        return ran.code, ran.json["error"]["code"]

    assert export("so_bo", "x.dxf", "officer") == (1, "invalid_request")
    assert export("dat", "x.csv", "reviewer") == (1, "forbidden")
    assert not list(tmp_path.glob("*x.*"))


@pytest.mark.parametrize("as_job", [False, True])
def test_a_notebook_keeps_a_layer_as_a_file(own: Service, tmp_path: Path, as_job: bool) -> None:
    target = tmp_path / "dat.parquet"
    over = threading.Event()
    worker = threading.Thread(target=_work_until, args=(own, over))
    worker.start()
    try:
        with Client(own.base, own.officer.token) as client:
            kept = client.layer("dat").download(target, filter="so > 2", columns=["ma", "ten"], as_job=as_job)
            with pytest.raises(LienthongClientError) as refused:
                client.layer("dat").download(tmp_path / "x.csv", filter="khong_co = 1")
            with pytest.raises(ValueError, match="gpkg"):
                client.layer("dat").download(tmp_path / "x.doc")
    finally:
        over.set()
        worker.join()
    assert refused.value.status == 400 and kept == target
    rows = READERS["parquet"](target)
    assert len(rows) == 7 and all(row.values.keys() == {"ma", "ten"} for row in rows.values())
    assert [path.name for path in tmp_path.iterdir()] == ["dat.parquet"]


def _work_until(own: Service, over: threading.Event) -> None:
    while not over.is_set():
        work(own.url, own.secrets.parent)
