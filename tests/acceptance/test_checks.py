"""A reviewer at the command line: ask about a parcel, read the answer, replay it later."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import shapely
import typer
from typer.testing import CliRunner, Result

from ogc.cli import check, dossier, replay
from tests.support.checked import PARCEL, Place, corridor, fill, geojson
from tests.support.published import box

ASKED = ["--procedure", "land_use_change", "--set", "target_use=ODT", "--set", "target_area_m2=150"]


@dataclass
class CommandLine:
    """`lienthong check` and `lienthong replay` on a database of the test's own."""

    place: Place

    def __call__(self, *arguments: str) -> Result:
        app = typer.Typer()
        check.register(app)
        replay.register(app)
        app.add_typer(dossier.app, name="dossier")
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    def json(self, *arguments: str) -> Any:
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def lienthong(
    make_template: Any, clone: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> CommandLine:
    url = clone(make_template("checked", fill))
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", url)
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path))
    return CommandLine(Place.at(url))


def test_the_answer_is_a_table_in_office_wording_with_english(lienthong: CommandLine) -> None:
    lienthong.place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 55, 200))])
    shown = lienthong("check", PARCEL, *ASKED)
    assert shown.exit_code == 0
    for words in ("Thửa đất số 123", "Bị ảnh hưởng", "Affected", "155,0 m²", "SG-03", "Không đạt", "Fail"):
        assert words in shown.stdout


def test_a_check_is_recorded_and_replays_identically(lienthong: CommandLine) -> None:
    answer = lienthong.json("check", PARCEL, *ASKED, "--dossier", "H29.19-260715-0012")
    assert answer["dossier"] == "H29.19-260715-0012"
    again = lienthong.json("replay", answer["id"])
    assert (again["identical"], again["record"]) == (True, answer["evidence"]["record"])
    with psycopg.connect(lienthong.place.url) as connection:
        users = connection.execute("SELECT phase, principal, os_user FROM access.event ORDER BY id").fetchall()
    assert users == [(phase, "operator", getpass.getuser()) for phase in ("opened", "closed", "whole")]


def test_a_parcel_outside_the_mapped_area_is_a_finding_with_the_next_step_and_exit_0(lienthong: CommandLine) -> None:
    lienthong.place.publish("water_corridor", [], mapped=[box(5000, 5000, 10, 10)])
    answer = lienthong.json("check", PARCEL, *ASKED)
    found = next(one for one in answer["findings"] if one["check"] == "water_corridor")
    assert found["outcome"] == "not_mapped" and "Bước tiếp theo" in found["reasons"][0]["message"]["vi"]


@pytest.mark.parametrize(("level", "code"), [(None, 0), ("fail", 0), ("refer", 1)])
def test_fail_on_turns_a_verdict_into_exit_1(lienthong: CommandLine, level: str | None, code: int) -> None:
    shown = lienthong("check", PARCEL, *ASKED, *(["--fail-on", level] if level else []))
    assert shown.exit_code == code


def test_a_shape_of_a_file_is_checked(lienthong: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "shape.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": geojson(box(0, 0, 20, 31))}]}))  # fmt: skip
    answer = lienthong.json("check", "--geometry", str(file), *ASKED)
    assert answer["subject"]["kind"] == "geometry"


def test_a_table_of_vertices_is_checked_and_a_proposal_is_accepted_from_a_file(
    lienthong: CommandLine, tmp_path: Path
) -> None:
    corners = shapely.get_coordinates(box(0, 0, 20, 31))[:-1].tolist()
    right, swapped = tmp_path / "right.txt", tmp_path / "swapped.txt"
    right.write_text("\n".join(f"{n};{y:.2f};{x:.2f}".replace(".", ",") for n, (x, y) in enumerate(corners, 1)))
    swapped.write_text("\n".join(f"{n}\t{x:.2f}\t{y:.2f}" for n, (x, y) in enumerate(corners, 1)))
    assert lienthong.json("check", "--coordinates", str(right), *ASKED)["subject"]["area_m2"] == 620.0
    refused = lienthong("check", "--coordinates", str(swapped), *ASKED)
    assert refused.exit_code == 1 and "X phải là hướng Bắc" in refused.stderr
    told = lienthong("check", "--coordinates", str(swapped), *ASKED, "--json")
    (proposal,) = json.loads(told.stdout)["error"]["proposals"]
    accepted = tmp_path / "accepted.json"
    accepted.write_text(json.dumps(proposal["coordinates"]))
    assert lienthong.json("check", "--coordinates", str(accepted), *ASKED)["subject"]["area_m2"] == 620.0
    turned = lienthong.json("check", "--coordinates", str(swapped), "--axes", "east_north", *ASKED)
    assert turned["subject"]["kind"] == "coordinates"


def test_several_parcels_are_checked_as_one_and_one_way_must_be_chosen(lienthong: CommandLine) -> None:
    answer = lienthong.json("check", PARCEL, "25750@2025/45/123", *ASKED)
    assert [part["area_m2"] for part in answer["subject"]["parts"]] == [620.0, 400.0]
    assert lienthong("check", PARCEL, "--coordinates", "x.txt", *ASKED).exit_code == 2
    assert lienthong("check", *ASKED).exit_code == 2


def test_another_identity_sees_less(lienthong: CommandLine) -> None:
    answer = lienthong.json("check", PARCEL, *ASKED, "--as", "public")
    assert "withheld" in {one["outcome"] for one in answer["findings"]}


def test_a_registered_dossier_is_told_what_a_free_check_is_not(lienthong: CommandLine) -> None:
    asked = ["check", PARCEL, *ASKED, "--as", "reviewer", "--purpose", "land_use_change", "--dossier", "H29-1"]

    def outcome() -> str:
        findings = lienthong.json(*asked)["findings"]
        return str(next(one["outcome"] for one in findings if one["check"] == "waste_distance"))

    assert outcome() == "withheld"
    made = lienthong.json("dossier", "register", "H29-1", "--parcel", PARCEL, "--as", "one_stop")
    assert (made["procedure"], made["closed"], made["answers"]) == (None, None, {"used": 0, "limit": 3})
    assert outcome() == "clear"
    shown = lienthong("dossier", "show", "H29-1")
    assert shown.exit_code == 0 and made["parcels"][0] in shown.stdout and "1 / 3" in shown.stderr
    assert lienthong.json("dossier", "register", "H29-1", "--close")["closed"]
    assert outcome() == "withheld"


def test_a_survey_file_is_registered_by_its_digest_and_checked_as_a_file(
    lienthong: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "survey.geojson"
    file.write_text(json.dumps(geojson(box(15, 0, 20, 20))))
    lienthong.json("dossier", "register", "H29-2", "--survey", str(file))
    asked = ["--as", "reviewer", "--purpose", "land_use_change", "--dossier", "H29-2"]
    answer = lienthong.json("check", "--geometry", str(file), *ASKED, *asked)
    assert next(one["outcome"] for one in answer["findings"] if one["check"] == "waste_distance") == "clear"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["register", "H29-1", "--parcel", PARCEL, "--as", "officer"], "one-stop"),
        (["register", "H29-1"], "parcels"),
        (["register", "H29-1", "--parcel", "25813/1/1"], "fid:"),
        (["register", "H29-1", "--survey", "missing.geojson"], "missing.geojson"),
        (["show", "nothing"], "permitted"),
    ],
)  # fmt: skip
def test_a_dossier_that_cannot_be_registered_or_shown_says_why(
    lienthong: CommandLine, arguments: list[str], told: str
) -> None:
    shown = lienthong("dossier", *arguments)
    assert shown.exit_code == 1 and told in shown.stderr and "Traceback" not in shown.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["25747/1/999", *ASKED], "point:"),
        (["25813/1/1", *ASKED], "fid:"),
        (["xã Lạ/1/1", *ASKED], "25747@2025"),
        ([PARCEL, "--procedure", "land_use_change"], "target_area_m2"),
        ([PARCEL, *ASKED[:2], "--set", "target_use=XX", "--set", "target_area_m2=a"], "inputs.target_use"),
        ([PARCEL, "--procedure", "old_procedure"], "31/12/2024"),
        ([PARCEL, "--procedure", "nothing"], "land_use_change"),
        ([PARCEL, *ASKED, "--as", "stranger"], "reviewer"),
        ([PARCEL, *ASKED, "--as-of", "2999-01-01"], "as_of"),
        ([PARCEL, *ASKED, "--on-date", "soon"], "YYYY-MM-DD"),
        (["--geometry", "missing.geojson", *ASKED], "missing.geojson"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_both_languages_without_a_traceback(
    lienthong: CommandLine, arguments: list[str], told: str
) -> None:
    shown = lienthong("check", *arguments)
    assert shown.exit_code == 1
    assert told in shown.stderr and "Traceback" not in shown.output
    problem = lienthong("check", *arguments, "--json")
    message = json.loads(problem.stdout)["error"]["message"]
    assert problem.exit_code == 1 and message["vi"] and message["en"] and message["vi"] != message["en"]


WRONG = [[], [PARCEL], [PARCEL, "--geometry", "x", *ASKED], [PARCEL, *ASKED, "--fail-on", "never"],
         [PARCEL, *ASKED, "--set", "x"]]  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_usage_is_exit_2(lienthong: CommandLine, arguments: list[str]) -> None:
    assert lienthong("check", *arguments).exit_code == 2


def test_an_altered_record_does_not_replay(lienthong: CommandLine) -> None:
    answer = lienthong.json("check", PARCEL, *ASKED)
    with psycopg.connect(lienthong.place.url) as connection:
        connection.execute("ALTER TABLE checks.record DISABLE TRIGGER append_only")
        connection.execute("UPDATE checks.record SET body = replace(body, '\"refer\"', '\"pass\"')")
    shown = lienthong("replay", answer["id"])
    assert shown.exit_code == 1 and "altered" in shown.stderr
