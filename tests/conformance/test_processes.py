"""OGC API - Processes 1.0: abstract tests by their ids, against a service with a worker at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import psycopg
import pytest
from owslib.ogcapi.processes import Processes
from psycopg.types.json import Jsonb

from layers.jobs.job import LIMITS
from ogc.app import create_app
from ogc.auth import make_token
from ogc.processes.routes import CONFORMS_TO
from ogc.settings import Settings
from tests.support.checked import INPUTS, PARCEL, PARCELS, Place, fill
from tests.support.jobs import work
from tests.support.server import Server
from tests.support.serving import serve

from .claims import proves

CONF = "ogcapi-processes-1/1.0/conf"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CHECK = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS)}
BATCH = {"procedure": "land_use_change", "inputs": dict(INPUTS)}
ASYNC = {"Prefer": "respond-async"}


@dataclass
class Served:
    """A running service, its callers, and its worker."""

    base: str
    place: Place
    data: Path
    secrets: Path

    def caller(self, identity: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {make_token(self.secrets, identity)}"} if identity else {}
        return httpx.Client(base_url=self.base, headers=headers, timeout=60)

    def work(self) -> int:
        return work(self.place, self.data)


@pytest.fixture(scope="module")
def served(
    make_template: Callable[[str, Callable[[str], None]], str], server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:  # fmt: skip
    with server.copied(make_template("checked", fill)) as url:
        settings = Settings(data=tmp_path_factory.mktemp("processes"), database_url=url)
        with serve(create_app(settings, demo=True)) as base:
            yield Served(base, Place.at(url), settings.data_folder, settings.secrets_folder)


@pytest.fixture(scope="module")
def officer(served: Served) -> Iterator[httpx.Client]:
    with served.caller("officer") as client:
        yield client


def execute(client: httpx.Client, process: str, inputs: dict[str, Any], **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    return client.post(f"/processes/{process}/execution", json={"inputs": inputs, **more}, headers=headers)


def link(document: dict[str, Any], rel: str) -> str:
    return str(next(each["href"] for each in document["links"] if each["rel"] == rel))


@pytest.fixture(scope="module")
def done(served: Served, officer: httpx.Client) -> dict[str, Any]:
    """A batch of the officer's that is done."""
    sent = execute(officer, "batch-check", BATCH)
    assert (sent.status_code, served.work()) == (201, 1)
    found: dict[str, Any] = officer.get(sent.headers["location"]).json()
    assert found["status"] == "successful", found
    return found


@proves(
    f"{CONF}/core/landingpage-op", f"{CONF}/core/landingpage-success", f"{CONF}/core/conformance-op",
    f"{CONF}/core/conformance-success", f"{CONF}/core/api-definition-op",
)  # fmt: skip
def test_the_landing_page_leads_to_processes_and_jobs_and_the_classes_are_declared(officer: httpx.Client) -> None:
    landing = officer.get("/").json()
    assert officer.get(link(landing, f"{REL}processes")).status_code == 200
    assert officer.get(link(landing, f"{REL}job-list")).status_code == 200
    assert set(CONFORMS_TO) <= set(officer.get("/conformance").json()["conformsTo"])


@proves(f"{CONF}/oas30/oas-impl", f"{CONF}/oas30/oas-definition-1", f"{CONF}/oas30/completeness")
@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_the_description_lists_every_route_and_refers_to_no_other_host(officer: httpx.Client, version: str) -> None:
    text = officer.get("/api", params={"openapi": version, "f": "json"})
    paths = text.json()["paths"]
    expected = {
        "/processes": {"get"}, "/processes/{process_id}": {"get"}, "/processes/{process_id}/execution": {"post"},
        "/jobs": {"get"}, "/jobs/{job_id}": {"get", "delete", "post"}, "/jobs/{job_id}/results": {"get"},
    }  # fmt: skip
    assert {path: set(paths[path]) for path in expected} == expected
    assert '"$ref":"http' not in text.text.replace(" ", "")


@proves(
    f"{CONF}/core/process-list", f"{CONF}/core/process-list-success", f"{CONF}/core/pl-limit-definition",
    f"{CONF}/core/pl-limit-response", f"{CONF}/core/pl-links", f"{CONF}/core/process-summary-links",
    f"{CONF}/json/definition",
)  # fmt: skip
def test_processes_are_listed_with_links_and_a_limit(officer: httpx.Client) -> None:
    listed = officer.get("/processes")
    assert listed.headers["content-type"] == "application/json"
    assert [one["id"] for one in listed.json()["processes"]] == ["parcel-check", "batch-check", "export"]
    assert all(officer.get(link(one, "self")).status_code == 200 for one in listed.json()["processes"])
    assert len(officer.get("/processes", params={"limit": 1}).json()["processes"]) == 1
    assert officer.get("/processes", params={"limit": 0}).status_code == 400


@proves(
    f"{CONF}/core/process", f"{CONF}/core/process-success", f"{CONF}/core/process-exception-no-such-process",
    f"{CONF}/ogc-process-description/json-encoding", f"{CONF}/ogc-process-description/inputs-def",
    f"{CONF}/ogc-process-description/input-def", f"{CONF}/ogc-process-description/outputs-def",
    f"{CONF}/ogc-process-description/output-def",
)  # fmt: skip
def test_a_process_is_described_in_the_callers_language(officer: httpx.Client) -> None:
    english = officer.get("/processes/batch-check", headers={"Accept-Language": "en"}).json()
    assert (english["title"], english["jobControlOptions"]) == ("Batch check", ["async-execute"])
    assert all(
        {"title", "schema"} <= each.keys() for each in (*english["inputs"].values(), *english["outputs"].values())
    )
    vietnamese = officer.get("/processes/batch-check").json()
    assert vietnamese["inputs"]["procedure"]["title"] == "Thủ tục"
    missing = officer.get("/processes/nothing")
    assert (missing.status_code, missing.json()["type"].rsplit("/", 1)[1]) == (404, "no-such-process")


@proves(f"{CONF}/html/definition", f"{CONF}/html/content")
def test_pages_are_ours_and_load_nothing_from_elsewhere(officer: httpx.Client, done: dict[str, Any]) -> None:
    for path in ("/processes", "/processes/parcel-check", "/jobs", f"/jobs/{done['jobID']}"):
        page = officer.get(path, params={"f": "html"})
        assert (
            page.headers["content-type"].startswith("text/html")
            and "default-src 'self'" in page.headers["content-security-policy"]
        )
        assert 'src="http' not in page.text and "pygeoapi" not in page.text


@proves(
    f"{CONF}/core/process-execute-op", f"{CONF}/core/process-execute-request", f"{CONF}/core/process-execute-inputs",
    f"{CONF}/core/process-execute-sync-raw-value-one", f"{CONF}/core/process-execute-sync-document",
    f"{CONF}/core/process-execute-default-execution-mode", f"{CONF}/core/process-execute-success-sync",
)  # fmt: skip
def test_a_check_at_once_is_the_answer_of_the_checks_route(officer: httpx.Client) -> None:
    raw = execute(officer, "parcel-check", CHECK, response="raw")
    whole = execute(officer, "parcel-check", CHECK)
    own = officer.post("/checks", json=CHECK).json()
    assert (raw.status_code, whole.status_code) == (200, 200)
    for answer in (raw.json(), whole.json()["answer"]):
        assert answer["verdict"] == own["verdict"] and answer["findings"] == own["findings"]
        assert officer.get(f"/checks/{answer['id']}").json()["id"] == answer["id"]
    assert "location" not in raw.headers


@proves(
    f"{CONF}/core/process-execute-auto-execution-mode", f"{CONF}/core/process-execute-success-async",
    f"{CONF}/core/job-creation-success", f"{CONF}/core/job-op", f"{CONF}/core/job-success",
    f"{CONF}/core/job-results", f"{CONF}/core/job-results-async-raw-value-one", f"{CONF}/core/job-results-success-sync",
)  # fmt: skip
def test_a_check_as_a_job_gives_the_same_answer_later(served: Served, officer: httpx.Client) -> None:
    sent = execute(officer, "parcel-check", CHECK, response="raw", headers=ASYNC)
    status = sent.json()
    assert (sent.status_code, status["status"], sent.headers["preference-applied"]) == (
        201,
        "accepted",
        "respond-async",
    )
    assert sent.headers["location"].endswith(status["jobID"])
    waiting = officer.get(f"/jobs/{status['jobID']}/results")
    assert (waiting.status_code, waiting.json()["type"].rsplit("/", 1)[1]) == (404, "result-not-ready")
    assert served.work() == 1
    found = officer.get(sent.headers["location"]).json()
    assert (found["status"], found["progress"]) == ("successful", 100)
    listed = officer.get("/jobs", params={"process": "parcel-check"}).json()["jobs"]
    for told in (found, *listed):  # when it began and ended would tell how long the work took
        assert not {"started", "finished", "updated"} & told.keys()
    answer = officer.get(link(found, f"{REL}results")).json()
    assert answer["id"] == status["jobID"]
    assert answer["findings"] == execute(officer, "parcel-check", CHECK, response="raw").json()["findings"]


@proves(f"{CONF}/core/job-results-async-document", f"{CONF}/core/job-results-async-raw-ref")
def test_a_batch_is_always_a_job_and_its_files_have_ranges(
    officer: httpx.Client, done: dict[str, Any], tmp_path: Path
) -> None:
    results = officer.get(link(done, f"{REL}results")).json()
    assert results["summary"]["subjects"] == len(PARCELS)
    file = officer.get(results["findings"]["href"])
    (tmp_path / "findings.parquet").write_bytes(file.content)
    assert len(pd.read_parquet(tmp_path / "findings.parquet")) == len(PARCELS) * results["summary"]["checks"]
    part = officer.get(results["findings"]["href"], headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, file.content[4:12])
    assert file.headers["cache-control"].startswith("private, no-store")


@proves(f"{CONF}/core/job-exception-no-such-job", f"{CONF}/core/job-results-exception-no-such-job")
@pytest.mark.parametrize("who", [None, "reviewer", "one_stop"])
def test_jobs_of_others_are_told_as_jobs_that_are_not_there(
    served: Served, done: dict[str, Any], who: str | None
) -> None:
    mine, never = f"/jobs/{done['jobID']}", "/jobs/00000000-0000-4000-8000-00000000abcd"
    with served.caller(who) as client:
        for ending in ("", "/results", "/results/findings.parquet"):
            found, missing = client.get(mine + ending), client.get(never + ending)
            assert (found.status_code, found.content) == (404, missing.content)
            assert found.json()["type"].endswith("no-such-job")
        assert client.delete(mine).content == client.delete(never).content
        assert client.get("/jobs").json()["jobs"] == []


@proves(f"{CONF}/job-list/job-list-op", f"{CONF}/job-list/job-list-success", f"{CONF}/job-list/links",
        f"{CONF}/job-list/limit-definition", f"{CONF}/job-list/limit-response")  # fmt: skip
def test_the_list_has_ones_own_jobs_the_newest_first(officer: httpx.Client, done: dict[str, Any]) -> None:
    last = execute(officer, "batch-check", BATCH).json()
    listed = officer.get("/jobs", params={"limit": 1}).json()
    assert [job["jobID"] for job in listed["jobs"]] == [last["jobID"]] and listed["numberMatched"] >= 2
    assert officer.get(link(listed, "next")).json()["jobs"]
    finished = officer.get("/jobs", params={"status": "successful", "process": "batch-check"}).json()["jobs"]
    assert done["jobID"] in {job["jobID"] for job in finished}
    officer.delete(f"/jobs/{last['jobID']}")


@proves(f"{CONF}/dismiss/job-dismiss-op", f"{CONF}/dismiss/job-dismiss-success")
def test_a_dismissed_job_is_over_and_gives_no_result(served: Served, officer: httpx.Client) -> None:
    sent = execute(officer, "batch-check", BATCH).json()
    gone = officer.delete(f"/jobs/{sent['jobID']}")
    assert (gone.status_code, gone.json()["status"]) == (200, "dismissed")
    assert served.work() == 0
    assert officer.get(f"/jobs/{sent['jobID']}").json()["status"] == "dismissed"
    assert officer.get(f"/jobs/{sent['jobID']}/results").status_code == 404
    other = execute(officer, "batch-check", BATCH).json()
    assert officer.post(f"/jobs/{other['jobID']}").status_code == 303
    assert officer.get(f"/jobs/{other['jobID']}").json()["status"] == "dismissed"


@proves(f"{CONF}/core/process-execute-input-validation")
@pytest.mark.parametrize(
    ("process", "inputs", "fields"),
    [
        ("parcel-check", {}, {"procedure", "subject"}),
        ("parcel-check", CHECK | {"inputs": {}}, {"inputs.target_use", "inputs.target_area_m2"}),
        ("batch-check", {"procedure": "land_use_change", "inputs": dict(INPUTS), "more": 1}, {"more"}),
        ("batch-check", BATCH | {"filter": "ten_chu = 'x'"}, {"ten_chu"}),
        ("batch-check", BATCH | {"features": {"type": "FeatureCollection", "features": []}}, {"features.features"}),
    ],
)
def test_inputs_that_cannot_be_used_are_400_and_named(
    officer: httpx.Client, process: str, inputs: dict[str, Any], fields: set[str]
) -> None:
    refused = execute(officer, process, inputs)
    assert refused.status_code == 400
    assert {error["field"] for error in refused.json()["errors"]} == fields


def test_a_batch_of_nobody_in_particular_is_refused_before_it_is_read(served: Served) -> None:
    with served.caller(None) as client:
        refused = execute(client, "batch-check", {"nothing": 1}, headers={"Accept-Language": "en"})
        assert (refused.status_code, "sign in" in refused.json()["detail"]) == (403, True)
        long = client.post("/processes/batch-check/execution", content=b" " * 4_000_001)
        assert long.status_code == 413


def test_a_full_queue_is_refused_before_what_was_sent_is_read(served: Served) -> None:
    with served.caller("reviewer") as client, psycopg.connect(served.place.url, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO checks.job (id, owner, kind, inputs, inputs_digest, created, updated)
               SELECT gen_random_uuid()::text, 'reviewer', 'batch-check', '{}', 'x', now(), now()
               FROM generate_series(1, %s)""", [LIMITS.waiting],
        )  # fmt: skip
        try:
            assert execute(client, "batch-check", {"nothing": 1}).status_code == 429
        finally:
            connection.execute("DELETE FROM checks.job WHERE owner = 'reviewer'")


def test_only_folders_that_a_worker_makes_are_given_out(served: Served, done: dict[str, Any]) -> None:
    update = "UPDATE checks.job SET result = jsonb_set(result, '{folder}', %s) WHERE id = %s RETURNING result"
    with served.caller("officer") as client, psycopg.connect(served.place.url, autocommit=True) as connection:
        job_id, results = done["jobID"], f"/jobs/{done['jobID']}/results"
        kept = served.data / "jobs" / job_id
        folder = next(kept.iterdir()).name
        connection.execute(update, [Jsonb(f"../{job_id}/{folder}"), job_id])
        try:
            assert client.get(results).status_code == 404
        finally:
            connection.execute(update, [Jsonb(folder), job_id])
        assert client.get(results).status_code == 200


@proves(f"{CONF}/core/job-results-failed")
def test_the_results_of_a_failed_job_say_why(served: Served, officer: httpx.Client) -> None:
    sent = execute(officer, "batch-check", BATCH | {"keys": ["no-such-key"]}).json()
    assert served.work() == 1
    found = officer.get(f"/jobs/{sent['jobID']}", headers={"Accept-Language": "en"}).json()
    assert (found["status"], found["message"]) == ("failed", "There is nothing to check.")
    results = officer.get(f"/jobs/{sent['jobID']}/results", headers={"Accept-Language": "en"})
    assert (results.status_code, results.json()["detail"]) == (400, found["message"])


def test_owslibs_client_reads_processes_runs_one_and_reads_its_job(served: Served) -> None:
    client = Processes(served.base, headers={"Authorization": f"Bearer {make_token(served.secrets, 'officer')}"})
    assert [process["id"] for process in client.processes()] == ["parcel-check", "batch-check", "export"]
    assert client.process("parcel-check")["id"] == "parcel-check"
    answer = client.execute("parcel-check", inputs=CHECK)
    assert answer["answer"]["subject"]["kind"] == "parcel"
