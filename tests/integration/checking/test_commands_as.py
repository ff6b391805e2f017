"""Commands for somebody named with `--as`: nothing more than the service shows them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from typer.testing import CliRunner, Result

from layers.checking.batch import BatchReport, BatchRequest
from layers.checking.division import divide
from layers.checking.division_request import Child, DivisionRequest
from layers.checking.replay import RECORDED
from layers.checking.replay_shown import replay_for
from layers.checking.request import ByGeometry, parse_parcel
from layers.jobs.batch_as import batch_as
from layers.jobs.owner import Owner
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from ogc.cli.main import build
from tests.support.checked import INPUTS, OPERATOR, PARCEL, Place, corridor, geojson
from tests.support.jobs import files_of, identity, job, send, work
from tests.support.published import box

ASKED = ("--procedure", "land_use_change", "--set", "target_use=ODT", "--set", "target_area_m2=150")
DAY = "2026-11-21"


@pytest.fixture
def met(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    """The first parcel lies in a shared corridor and in a military zone, which is restricted."""
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", place.url)
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    place.publish("military_zone", [{"ma": "M1", "ma_xa": "25750", "geom": box(0, 0, 5, 5)}])
    return place


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(str(arguments[0])), [str(each) for each in arguments])


def batch(out: Path, *more: str | Path) -> Result:
    return run("batch", *more, *ASKED, "--out", out, "--workers", "1", "--on-date", DAY, "--json")


@pytest.mark.parametrize("who", ["officer", "reviewer"])
def test_a_batch_for_somebody_has_the_very_files_of_a_job_of_theirs(met: Place, tmp_path: Path, who: str) -> None:
    made = batch(tmp_path / "out", "--layer", "parcel", "--as", who)
    assert made.exit_code == 0, made.output
    sent = send(met, identity(met, who), on_date=DAY)
    work(met, tmp_path)
    theirs = files_of(tmp_path, job(met, sent.id))
    for name in ("findings.parquet", "features.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == theirs[name], name
    told, summary = json.loads(made.stdout), json.loads(theirs["summary.json"])
    assert (told["subjects"], told["cut"]) == (summary["subjects"], summary["cut"])


def test_what_somebody_may_not_see_stands_in_neither_file_and_the_operator_sees_it(met: Place, tmp_path: Path) -> None:
    assert batch(tmp_path / "all", "--layer", "parcel").exit_code == 0
    assert batch(tmp_path / "some", "--layer", "parcel", "--as", "reviewer").exit_code == 0
    findings, features = (pd.read_parquet(tmp_path / "some" / f"{name}.parquet") for name in ("findings", "features"))
    hidden = findings[findings["check"] == "military"]
    assert len(hidden) and set(hidden["outcome"]) == {"withheld"} and set(hidden["reason"]) == {"no_right"}
    assert "military_zone" not in set(features["layer"])
    everything = pd.read_parquet(tmp_path / "all" / "features.parquet")
    assert "military_zone" in set(everything["layer"])


def test_a_file_of_areas_is_checked_for_somebody(met: Place, tmp_path: Path) -> None:
    file = tmp_path / "areas.geojson"
    feature = {"type": "Feature", "properties": {"key": "a"}, "geometry": geojson(box(0, 0, 20, 31))}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert batch(tmp_path / "out", file, "--as", "officer").exit_code == 0
    findings = pd.read_parquet(tmp_path / "out" / "findings.parquet").set_index("check")
    drawn = met.check_shape(box(0, 0, 20, 31), principal=identity(met, "officer")).content
    for finding in drawn["findings"]:
        assert findings.loc[finding["check"]]["outcome"] == finding["outcome"], finding["check"]


def test_nothing_is_written_for_somebody_unknown_or_without_a_right_to_the_rows(met: Place, tmp_path: Path) -> None:
    for layer, who in (("parcel", "nobody"), ("military_zone", "reviewer")):
        refused = batch(tmp_path / "out", "--layer", layer, "--as", who)
        assert refused.exit_code == 1 and "error" in json.loads(refused.stdout), refused.output
        assert not (tmp_path / "out" / "findings.parquet").exists()


def test_a_purpose_is_told_by_those_it_is_given_to(met: Place, tmp_path: Path) -> None:
    refused = batch(tmp_path / "out", "--layer", "parcel", "--as", "officer", "--purpose", "khong_co")
    assert refused.exit_code == 1 and json.loads(refused.stdout)["error"]["code"] == "forbidden", refused.output


def test_the_event_of_a_batch_names_whom_it_was_for(met: Place, tmp_path: Path) -> None:
    assert batch(tmp_path / "out", "--layer", "parcel", "--as", "officer").exit_code == 0

    with psycopg.connect(met.url) as connection:
        query = "SELECT phase, layer, decision FROM access.event WHERE principal = 'officer' ORDER BY id"
        assert connection.execute(query).fetchall() == [
            ("opened", "parcel", "allow"), ("closed", "parcel", "allow"),
        ]  # fmt: skip


def test_what_was_begun_for_one_is_gone_on_with_for_them_alone(met: Place, tmp_path: Path) -> None:
    stopped(met, tmp_path / "out", "reviewer")
    for other in (("--as", "officer"), ()):
        refused = batch(tmp_path / "out", "--layer", "parcel", "--resume", *other)
        assert refused.exit_code == 1 and "--resume" in json.loads(refused.stdout)["error"]["message"]["en"]
    met.publish("water_corridor", [])  # what is published meanwhile is not in the cut
    assert batch(tmp_path / "out", "--layer", "parcel", "--resume", "--as", "reviewer").exit_code == 0
    findings = pd.read_parquet(tmp_path / "out" / "findings.parquet").set_index(["subject_key", "check"])
    assert findings.loc[("25747.45.123", "water_corridor")]["outcome"] == "affected"


def stopped(place: Place, out: Path, who: str) -> None:
    def stop(step: str, _done: int, _of: int) -> None:
        if step == "check":
            raise StoppedError

    async def body(database: Database, catalogue: Catalogue) -> BatchReport:
        asked = BatchRequest(
            "land_use_change", out, "parcel", inputs=INPUTS, on_date=date.fromisoformat(DAY), workers=1
        )
        return await batch_as(database, catalogue, asked, Owner(identity(place, who), ()), progress=stop)

    with pytest.raises(StoppedError):
        place.ask(body)


class StoppedError(Exception):
    """The machine was switched off."""


# ── replay, jobs ─────────────────────────────────────────────────────────────────────────────────
def test_a_replay_for_somebody_tells_what_the_service_tells_them(met: Place) -> None:
    who = identity(met, "reviewer")
    made = met.check(principal=who, purpose="land_use_change").content["id"]
    found = run("replay", made, "--as", "reviewer", "--json")
    assert found.exit_code == 0, found.output
    told = met.ask(lambda database, catalogue: replay_for(
        database, catalogue, made, RECORDED, who, purposes=("land_use_change",)
    ))  # fmt: skip
    assert json.loads(found.stdout) == json.loads(json.dumps(told.replay.as_dict()))


def split(place: Place, who: str | None, dossier: str | None = None) -> str:
    """A split along a line that two halves share."""
    children = [geojson(box(0, 0, 8, 31)), geojson(box(8, 0, 12, 31))]
    asked = DivisionRequest("split", "land_use_change", (parse_parcel(PARCEL),),
                            tuple(Child("", ByGeometry(child)) for child in children), inputs=INPUTS,
                            dossier=dossier)  # fmt: skip
    principal = identity(place, who) if who else OPERATOR
    made: str = place.ask(lambda database, catalogue: divide(database, catalogue, asked, principal)).id
    return made


def test_a_division_is_replayed_for_somebody_part_by_part_as_its_parts_are(met: Place) -> None:
    made = split(met, "officer")
    found = run("replay", made, "--as", "officer", "--json")
    assert found.exit_code == 0, found.output
    parts = json.loads(found.stdout)
    assert [part["result"] for part in parts] == ["identical"] * 3
    for part in parts:
        alone = run("replay", part["id"], "--as", "officer", "--json")
        assert json.loads(alone.stdout) == part
    assert "giống hệt / identical" in run("replay", made, "--as", "officer").stderr


def test_a_replayed_division_tells_nobody_more_than_they_may_see(met: Place) -> None:
    """The reviewer may check in the shared layers and sees no military zone of this commune."""
    made = split(met, "reviewer")
    found = run("replay", made, "--as", "reviewer", "--json")
    everything = run("replay", made, "--json")
    assert found.exit_code == everything.exit_code == 0, found.output
    assert {part["record"] for part in json.loads(found.stdout)} == {None}
    assert all(part["record"] for part in json.loads(everything.stdout))
    assert "military" not in found.stdout


def test_a_division_that_somebody_may_not_read_is_not_there_for_them(met: Place) -> None:
    """One under a dossier is for the offices that handle it."""
    met.register("H29-1", offices=("land_office",))
    made = split(met, None, dossier="H29-1")
    hidden, missing = (run("replay", record, "--as", "public", "--json") for record in (made, "not-there"))
    assert hidden.exit_code == missing.exit_code == 1 and hidden.stdout == missing.stdout
    open_one = split(met, None)
    told = run("replay", open_one, "--as", "public", "--json")
    assert told.exit_code == 0, "whoever sees the parcel as it was measured reads its division"
    with psycopg.connect(met.url) as connection:
        asked = connection.execute("SELECT outcome FROM access.event WHERE action = 'replay'").fetchall()
    assert len(asked) == 6, "each part that was measured again is opened and closed"


def test_a_record_of_somebody_else_is_not_there(met: Place) -> None:
    drawn = met.check_shape(box(0, 0, 20, 31)).content["id"]
    assert run("replay", drawn, "--json").exit_code == 0
    hidden, missing = (run("replay", record, "--as", "officer", "--json") for record in (drawn, "not-there"))
    assert hidden.exit_code == missing.exit_code == 1 and hidden.stdout == missing.stdout


def test_jobs_of_somebody_are_those_they_sent(met: Place) -> None:
    theirs, operators = send(met, identity(met, "officer")), send(met)
    listed = json.loads(run("job", "list", "--as", "officer", "--json").stdout)["jobs"]
    assert [one["id"] for one in listed] == [theirs.id]
    for command in ("show", "dismiss"):
        assert run("job", command, operators.id, "--as", "officer", "--json").exit_code == 1
        assert json.loads(run("job", command, theirs.id, "--as", "officer", "--json").stdout)["id"] == theirs.id
    assert job(met, operators.id).state == "accepted"
