"""Exports that are jobs: sent by wish or by length, done by a worker, given out to their owner as they are then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import psycopg
import pytest

from layers.jobs.export import Prepared, run_export
from layers.jobs.job import EXPORT
from layers.jobs.run import Work, Worker
from layers.store.connection import Database
from ogc.features.export_jobs import prepared
from tests.support.commands import ROOT
from tests.support.exported import NAMES, add_points, profile, work
from tests.support.policies import altered, put, with_fields
from tests.support.shared_layers import Caller, Service, service

ASYNC = {"Prefer": "respond-async"}
DAT = "/collections/dat/items"
POINTS = "/collections/moc/items"


@pytest.fixture
def own(exported_template: str, clone: Callable[[str], str], tmp_path: Path) -> Any:
    with service(clone(exported_template), tmp_path) as running:
        yield running


def _data(running: Service) -> Path:
    return running.secrets.parent


def _file(caller: Caller, sent: httpx.Response) -> httpx.Response:
    document = caller.json(f"{sent.headers['location']}/results")
    return caller.get(document["file"]["href"])


def test_a_wished_job_gives_the_same_file_to_its_owner_alone(own: Service) -> None:
    query = {"f": "gpkg", "filter": "so > 2"}
    sent = own.officer.get(DAT, params=query, headers=ASYNC)
    assert sent.status_code == 202 and sent.json()["status"] == "accepted"
    assert own.officer.get(f"{sent.headers['location']}/results").status_code == 404
    assert work(own.url, _data(own)) == 1
    status = own.officer.json(sent.headers["location"])
    assert (status["status"], status["processID"], status["progress"]) == ("successful", "export", 100)
    file = _file(own.officer, sent)
    assert file.content == own.officer.get(DAT, params=query).content
    assert 'filename="dat.gpkg"' in file.headers["content-disposition"]
    part = own.officer.get(str(file.url), headers={"Range": "bytes=0-15"})
    assert (part.status_code, part.content) == (206, file.content[:16])
    for other in (own.public, own.reviewer):
        assert other.get(sent.headers["location"]).status_code == 404
        assert other.get(str(file.url)).status_code == 404
    page = own.officer.get(sent.headers["location"], headers={"Accept": "text/html"})
    assert "results/dat.gpkg" in page.text and "Xuất lớp dữ liệu" in page.text


def test_the_process_export_takes_the_parameters_of_items(own: Service) -> None:
    def execute(**inputs: Any) -> httpx.Response:
        return own.officer.http.post("/processes/export/execution", json={"inputs": inputs})

    sent = execute(layer="dat", format="csv", parameters={"properties": "ma", "sortby": "-dt"})
    assert (sent.status_code, work(own.url, _data(own))) == (201, 1)
    direct = own.officer.get(DAT, params={"f": "csv", "properties": "ma", "sortby": "-dt"})
    assert _file(own.officer, sent).content == direct.content
    assert execute(layer="dat", format="doc").status_code == 400
    assert execute(layer="khong_co", format="csv").status_code == 404
    for wrong in ({"filter": "khong_co = 1"}, {"khong_co": "1"}, {"after": "x"}, {"properties": "khong_co"}):
        assert execute(layer="dat", format="csv", parameters=wrong).status_code == 400, wrong
    assert execute(layer="so_bo", format="shp").status_code == 400
    refused = own.reviewer.http.post("/processes/export/execution", json={"inputs": {"layer": "dat", "format": "csv"}})
    assert refused.status_code == 403
    public = own.public.http.post("/processes/export/execution", json={"inputs": {"layer": "dat", "format": "csv"}})
    assert public.status_code == 403


def test_a_job_stays_on_the_revision_of_its_question_and_is_gone_with_the_right_to_it(own: Service) -> None:
    sent = own.officer.get(DAT, params={"f": "csv"}, headers=ASYNC)
    before = own.officer.get(DAT, params={"f": "csv"}).content
    with psycopg.connect(own.url) as connection:
        connection.execute("UPDATE data.dat SET until = 2 WHERE ma = 'T1'")
        connection.execute("UPDATE catalogue.layer SET revision = 2 WHERE id = 'dat'")
    assert work(own.url, _data(own)) == 1
    assert _file(own.officer, sent).content == before
    grants = altered(profile().grants, "officer_dat", with_fields(rows="so > 2"))
    _put(own.url, grants)
    assert _told_in_the_end(own.officer, sent) == 403


def test_a_job_is_decided_by_the_day_it_is_done_on(own: Service) -> None:
    sent = own.officer.get(DAT, params={"f": "csv"}, headers=ASYNC)
    _put(own.url, altered(profile().grants, "officer_dat", with_fields(valid={"until": "2026-01-31"})))
    with psycopg.connect(own.url) as connection:
        connection.execute("UPDATE checks.job SET created = '2026-01-15T00:00:00Z' WHERE kind = 'export'")
    assert work(own.url, _data(own)) == 1
    assert own.officer.json(sent.headers["location"])["status"] == "failed"


@pytest.mark.parametrize("change", [{"rows": "so > 2"}, {"actions": ["items"]}])
def test_a_job_under_way_ends_with_the_right_to_what_it_reads(own: Service, change: dict[str, Any]) -> None:
    """The policy changes once the job has been decided and before its rows are read."""
    assert own.officer.get(DAT, params={"f": "csv"}, headers=ASYNC).status_code == 202
    less = altered(profile().grants, "officer_dat", with_fields(**change))

    def decided_before(at_work: Work) -> Prepared:
        found = prepared(at_work)
        with ThreadPoolExecutor(1) as aside:
            aside.submit(_put, own.url, less).result()
        return found

    async def body() -> None:
        async with Database.open(own.url, size=3) as database:
            worker = Worker(database, _data(own), "w", {EXPORT: partial(run_export, prepare=decided_before)})
            assert await worker.run_waiting([EXPORT]) == 1

    anyio.run(body)
    with psycopg.connect(own.url) as connection:
        (state, message) = connection.execute("SELECT state, message::text FROM checks.job").fetchone() or ("", "")
        ends = connection.execute(
            "SELECT principal, reason FROM access.event WHERE action = 'export' AND decision = 'deny'"
        ).fetchall()
    assert state == "failed" and message
    assert len(ends) == 1 and ends[0][0] == "officer"
    assert [path for path in (_data(own) / "jobs").rglob("*") if path.is_file()] == []


def test_a_job_whose_file_grows_too_long_ends_while_it_is_written(own: Service) -> None:
    sent = own.officer.get(DAT, params={"f": "csv"}, headers=ASYNC)
    assert work(own.url, _data(own), result_bytes=100) == 1
    status = own.officer.json(sent.headers["location"])
    assert status["status"] == "failed" and "quá lớn" in str(status)
    assert [path for path in (_data(own) / "jobs").rglob("*") if path.is_file()] == []


def _put(url: str, grants: Any) -> None:
    async def body() -> None:
        async with Database.open(url, size=2) as database:
            await put(database, grants)

    anyio.run(body)


def _told_in_the_end(caller: Caller, sent: httpx.Response) -> int:
    """A new policy is heard of within milliseconds; until then the wall answers 503."""
    for _ in range(200):
        status = caller.get(f"{sent.headers['location']}/results").status_code
        if status not in (200, 503):
            return status
    return status


def test_a_wish_for_a_job_is_passed_over_for_whom_it_cannot_be(own: Service) -> None:
    direct = own.reviewer.get(DAT, params={"f": "csv"}, headers=ASYNC)
    assert direct.status_code == 200  # items, and no export


def test_a_whole_layer_beyond_a_page_needs_the_action_export(much: Service) -> None:
    refused = much.reviewer.get(POINTS, params={"f": "csv"})
    assert refused.status_code == 403 and "export" in refused.json()["detail_en"]
    for query in ({"limit": "100"}, {"filter": "so = 3 AND ma = 'Mốc số 3'"}):
        assert much.reviewer.get(POINTS, params={"f": "csv", **query}).status_code == 200
    assert much.officer.get(POINTS, params={"f": "csv"}).content.count(b"\r\n") == 45_002


@pytest.mark.long
def test_a_large_file_is_a_job_and_a_killed_one_is_resumed_with_the_same_bytes(
    exported_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    url = clone(exported_template)
    add_points(url, 100_050)
    with service(url, tmp_path) as running:
        sent = [running.officer.get(POINTS, params={"f": "gpkg"}) for _ in range(2)]
        assert [each.status_code for each in sent] == [202, 202]
        assert running.officer.http.head(POINTS, params={"f": "gpkg"}).status_code == 200
        command = [sys.executable, "-m", "tests.support.exported", url, str(tmp_path), "20000"]
        killed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
        assert killed.returncode == -9, killed.stderr
        done = 0
        while done < 2:  # the dead worker's lease is soon over
            done += work(url, tmp_path, lease_s=0.5)
        files = [_file(running.officer, each).content for each in sent]
    assert files[0] == files[1] and len(files[0]) > 1_000_000
    assert len([path for path in (tmp_path / "jobs").rglob("*") if path.is_file()]) == 2


def test_every_layer_that_may_be_exported_can_be(own: Service) -> None:
    for layer in NAMES:
        assert own.officer.get(f"/collections/{layer}/items", params={"f": "parquet"}).status_code == 200
    exporter = Caller(own.base, own.secrets, "exporter")
    assert exporter.get(DAT).status_code == 403
    assert exporter.get(DAT, params={"f": "csv"}).status_code == 200
    exporter.http.close()
