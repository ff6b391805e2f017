"""kill -9 of a worker anywhere in a batch: another one goes on, and the result is the same to the byte."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from layers.jobs.job import Job
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support import forking
from tests.support.checked import INPUTS, PARCELS, Place, corridor, fill, parcel
from tests.support.forking import ROOT
from tests.support.jobs import SHORT, files_of, identity, job, send, work
from tests.support.killed_jobs import start
from tests.support.published import box

#: three partitions of 512 subjects at most
ROWS = 1_100


def fill_many(url: str) -> None:
    fill(url)
    place = Place.at(url)
    place.publish(
        "water_corridor", [corridor("SG-03", box(-50, -50, 55, 900)), corridor("SG-04", box(95, 290, 40, 40))]
    )
    grid = [parcel("25747", "90", str(n), box(n % 40 * 10, 300 + n // 40 * 10, 10, 10)) for n in range(ROWS)]
    place.publish("parcel", [*PARCELS, *grid])


@pytest.fixture
def many(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> Place:
    return Place.at(clone(make_template("many_jobs", fill_many)))


def taken_again(place: Place, data: Path, job_id: str) -> Job:
    """Workers look for it until its lease is over and one has it."""
    deadline = time.monotonic() + 30
    while work(place, data, limits=SHORT) == 0 and not job(place, job_id).is_over:
        assert time.monotonic() < deadline, "nobody took the job again"
    return job(place, job_id)


def same_question(place: Place, data: Path) -> tuple[Job, dict[str, bytes]]:
    """One batch that nobody disturbs; the instant it was asked at is asked again."""
    whole = send(place)
    assert work(place, data) == 1
    return whole, files_of(data, job(place, whole.id))


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("check", 1),
        *(pytest.param(step, number, marks=pytest.mark.long)
          for step, number in [("begin", 0), ("export", 2), ("check", 2), ("write", 1), ("closing", 0)]),
    ],
)  # fmt: skip
def test_killed_at_a_named_step_another_worker_ends_with_the_same_bytes(
    many: Place, tmp_path: Path, step: str, number: int
) -> None:
    whole, expected = same_question(many, tmp_path)
    sent = send(many, as_of=whole.inputs["as_of"])
    assert start(many.url, tmp_path, step, number).wait(timeout=60) == -signal.SIGKILL
    assert job(many, sent.id).state == "running"
    many.publish("water_corridor", [])  # what is published meanwhile is not in the cut
    done = taken_again(many, tmp_path, sent.id)
    assert (done.state, done.attempts) == ("successful", 2)
    assert files_of(tmp_path, done) == expected


@pytest.mark.long
def test_twelve_kills_drawn_over_the_duration_end_with_the_same_bytes(many: Place, tmp_path: Path) -> None:
    whole, expected = same_question(many, tmp_path)
    forking.ready()
    began = time.monotonic()
    send(many, as_of=whole.inputs["as_of"])
    assert start(many.url, tmp_path).wait(timeout=120) == 0
    duration = time.monotonic() - began
    drawn, killed = random.Random(12), 0
    for _ in range(12):
        sent = send(many, as_of=whole.inputs["as_of"])
        process = start(many.url, tmp_path)
        try:
            process.wait(timeout=drawn.uniform(0.3, 1.0) * duration)
        except subprocess.TimeoutExpired:
            process.kill()
        killed += process.wait(timeout=60) == -signal.SIGKILL
        assert files_of(tmp_path, taken_again(many, tmp_path, sent.id)) == expected
    assert killed >= 6


SERVE = "import sys; from ogc.serving import serve; from ogc.settings import Settings; "
SERVE += "serve(Settings(), sys.argv[1], '127.0.0.1', int(sys.argv[2]), demo=True)"


def server_of(place: Place, data: Path, port: int) -> subprocess.Popen[bytes]:
    """The service in a process of its own, once it answers."""
    environment = {**os.environ, "LIENTHONG_DATABASE_URL": place.url, "LIENTHONG_DATA": str(data)}
    command = [sys.executable, "-c", SERVE, place.url, str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
        while True:
            try:
                client.get(f"http://127.0.0.1:{port}/healthz")
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < deadline, "the service does not answer"
            else:
                return process


@pytest.mark.long
def test_the_server_is_killed_while_its_batch_runs_and_the_bytes_are_the_same(many: Place, tmp_path: Path) -> None:
    whole = send(many, identity(many, "officer"))
    assert work(many, tmp_path) == 1
    expected = files_of(tmp_path, job(many, whole.id))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = Settings(data=tmp_path, database_url=many.url)
    server = server_of(many, tmp_path, port)
    try:
        headers = {"Authorization": f"Bearer {make_token(settings.secrets_folder, 'officer')}"}
        inputs = {"procedure": "land_use_change", "inputs": dict(INPUTS), "as_of": whole.inputs["as_of"]}
        sent = httpx.post(f"http://127.0.0.1:{port}/processes/batch-check/execution", json={"inputs": inputs},
                          headers=headers, timeout=60)  # fmt: skip
        assert sent.status_code == 201, sent.text
        job_id = sent.json()["jobID"]
        worker = start(many.url, tmp_path)
        deadline = time.monotonic() + 60
        while job(many, job_id).state == "accepted":
            assert time.monotonic() < deadline, "no worker took the job"
        assert job(many, job_id).state == "running"
        server.kill()
        assert (server.wait(30), worker.wait(120)) == (-signal.SIGKILL, 0)
    finally:
        server.kill()
        server.wait(30)
    assert files_of(tmp_path, job(many, job_id)) == expected
