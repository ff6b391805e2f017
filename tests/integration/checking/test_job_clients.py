"""Jobs from a notebook and from the command line; a check that will take long is a job with the same record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import geopandas as gpd
import httpx
import pytest
import shapely

from ogc.app import create_app
from ogc.auth import make_token
from ogc.client import Client
from ogc.client.errors import LienthongClientError
from ogc.settings import Settings
from tests.support.checked import INPUTS, PARCEL, Place, fill, geojson
from tests.support.commands import ROOT, lienthong
from tests.support.published import box
from tests.support.server import Server
from tests.support.serving import serve

Running = tuple[str, Settings, Place]


@pytest.fixture(scope="module")
def running(
    make_template: Callable[[str, Callable[[str], None]], str], server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:  # fmt: skip
    """Every check is a long one here, and the worker is the command's own."""
    with server.copied(make_template("checked", fill)) as url:
        settings = Settings(data=tmp_path_factory.mktemp("clients"), database_url=url)
        environment = {**os.environ, "LIENTHONG_DATABASE_URL": url, "LIENTHONG_DATA": str(settings.data)}
        command = [sys.executable, "-m", "ogc.cli", "worker"]
        worker = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with serve(create_app(settings, demo=True, needs_job_s=0.0)) as base:
                yield base, settings, Place.at(url)
        finally:
            worker.send_signal(signal.SIGTERM)
            # told to end before it listens, it ends by the signal itself
            assert worker.wait(30) in (0, -signal.SIGTERM)


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    base, settings, _ = running
    with Client(base, make_token(settings.secrets_folder, "officer")) as made:
        yield made


def test_a_long_check_is_waited_for_and_has_the_record_of_its_job(client: Client) -> None:
    answer = client.check("25747@2025/45/123", "land_use_change", **INPUTS)
    assert answer.verdict == "refer"
    assert client.get(f"/checks/{answer.id}")["evidence"] == answer.json["evidence"]
    assert client.get(f"/jobs/{answer.id}")["processID"] == "parcel-check"


def test_a_check_that_takes_long_is_a_job_of_the_process_too(running: Running) -> None:
    base, settings, _ = running
    headers = {"Authorization": f"Bearer {make_token(settings.secrets_folder, 'officer')}"}
    asked = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS)}
    sent = httpx.post(f"{base}/processes/parcel-check/execution", json={"inputs": asked}, headers=headers, timeout=60)
    assert (sent.status_code, sent.json()["processID"]) == (201, "parcel-check")
    assert sent.headers["location"].endswith(f"/jobs/{sent.json()['jobID']}")


def test_a_batch_from_a_notebook_is_a_table(client: Client) -> None:
    result = client.batch("land_use_change", filter="so_to = '45'", timeout_s=20, **INPUTS)
    assert set(result.findings["subject_key"]) == {"25747.45.123", "25750.45.123"}
    found = dict(result.verdicts.value_counts())
    assert {verdict: count for verdict, count in found.items() if count} == {
        verdict: count for verdict, count in result.summary["verdicts"].items() if count
    }
    assert result.job.id in {job.id for job in client.jobs()}


@pytest.mark.long
def test_shapes_of_a_notebook_come_back_with_their_verdicts(client: Client) -> None:
    shapes = gpd.GeoDataFrame({"key": ["a"]}, geometry=[shapely.geometry.shape(geojson(box(0, 0, 20, 31)))], crs=4326)
    result = client.batch("land_use_change", shapes=shapes, timeout_s=20, **INPUTS)
    assert list(result.on(shapes, "key")["verdict"]) == [str(result.verdicts["a"])]


@pytest.mark.long
def test_a_job_that_fails_says_why(client: Client) -> None:
    with pytest.raises(LienthongClientError, match="Không có đối tượng"):
        client.batch("land_use_change", keys=["nowhere"], timeout_s=20, **INPUTS)


@pytest.mark.long
def test_the_command_lists_and_dismisses(running: Running, client: Client) -> None:
    _, settings, place = running
    done = client.batch("land_use_change", timeout_s=20, **INPUTS).job
    listed = lienthong("job", "list", "--json", url=place.url, data=settings.data)
    assert done.id in {job["id"] for job in listed.json["jobs"]}
    gone = lienthong("job", "dismiss", done.id, "--json", url=place.url, data=settings.data)
    assert gone.json["state"] == "dismissed"
    assert done.look()["status"] == "dismissed"
