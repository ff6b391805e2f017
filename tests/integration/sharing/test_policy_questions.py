"""`lienthong policy validate|matrix|explain` on a policy in force; nothing is changed, so one database serves all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from ogc.cli.policy import app
from tests.support import policies
from tests.support.commands import Ran
from tests.support.policies import OWNERS_GRANT, REVIEWERS

Run = Callable[..., Ran]


def runner(url: str, tmp_path: Path) -> Run:
    environment = {"LIENTHONG_DATABASE_URL": url, "LIENTHONG_DATA": str(tmp_path / "data")}

    def command(*arguments: object) -> Ran:
        done = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
        return Ran(done.exit_code, done.stdout, done.stderr)

    return command


@pytest.fixture
def run(make_template: Callable[[str, Callable[[str], None]], str], server: Any, tmp_path: Path) -> Run:
    """On the template itself: what is asked here leaves nothing behind."""
    return runner(server.url(make_template("policies", policies.fill)), tmp_path)


def test_the_policy_in_force_is_validated(run: Run) -> None:
    sound, strict = run("validate", "--json"), run("validate", "--strict", "--json")
    assert (sound.code, sound.json["valid"]) == (0, True)
    assert (strict.code, strict.json["valid"]) == (1, False)
    assert {"untested_allow"} <= {problem["kind"] for problem in strict.json["problems"]}


def test_a_file_of_grants_is_validated_with_its_lines(run: Run, tmp_path: Path) -> None:
    spoiled = OWNERS_GRANT.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"layer": "nowhere"}
    (tmp_path / "g.yaml").write_text(yaml.safe_dump([spoiled], sort_keys=False), encoding="utf-8")
    found = run("validate", tmp_path / "g.yaml", "--json")
    assert found.code == 1
    errors = [(each["kind"], each["where"]) for each in found.json["problems"] if each["is_error"]]
    assert errors == [("unknown_layer", "g.yaml:4")]
    shown = run("validate", tmp_path / "g.yaml")
    assert shown.code == 1 and "g.yaml:4 owner_parcel: không có lớp 'nowhere'" in shown.out


def test_the_matrix_is_a_table_json_and_csv(run: Run) -> None:
    rows = run("matrix", "--layer", "parcel", "--json").json["rows"]
    assert {row["layer"] for row in rows} == {"parcel"}
    levels = {row["subject"]["name"]: {cell["action"]: cell["level"] for cell in row["cells"]} for row in rows}
    assert levels["owner"]["publish"] != "no" and levels["public"]["publish"] == "no"
    header, *lines = csv.reader(io.StringIO(run("matrix", "--csv", "--language", "en").out))
    assert header[:4] == ["Sector", "Layer", "Title", "Who"] and len(lines) > len(rows)
    assert "parcel" in run("matrix").out
    assert run("matrix", "--layer", "nowhere").code == 1


def test_somebody_is_told_why_they_may_and_why_not(run: Run) -> None:
    allowed = run("explain", "--as", "reviewer", "--layer", "parcel", "--json").json
    assert allowed["is_allowed"] and REVIEWERS in {each["grant"] for each in allowed["grants"] if each["holds"]}
    denied = run("explain", "--as", "reviewer", "--layer", "parcel", "--action", "publish", "--json")
    assert denied.code == 0 and not denied.json["is_allowed"] and denied.json["reason"] == "no_grant"
    assert "xem bảng" in run("explain", "--as", "reviewer", "--layer", "parcel").out
    assert run("explain", "--layer", "parcel", "--json").json["is_allowed"]


def test_the_operator_is_told_why_somebody_sees_one_feature_and_which_cells(url: str, tmp_path: Path) -> None:
    run = runner(url, tmp_path)
    asked = ("explain", "--as", "reviewer", "--layer", "parcel", "--row")
    seen, hidden = (run(*asked, row, "--json").json["row"] for row in ("P0000", "fid:13330"))
    assert seen["is_shown"] and "ma_xa" in seen["columns"] and "ten_chu" not in seen["columns"]
    assert [(each["grant"], each["has_row"]) for each in seen["grants"]] == [(REVIEWERS, True)]
    assert (hidden["is_shown"], hidden["columns"]) == (False, [])
    assert [(each["grant"], each["has_row"], each["columns"]) for each in hidden["grants"]] == [(REVIEWERS, False, [])]
    assert "đối tượng được xem" in run(*asked, "P0000").out and "không được xem" in run(*asked, "P0090").out
    assert run(*asked, "không có").code == run(*asked, "fid:1").code == 1
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM access.event WHERE layer = 'parcel' AND action <> 'policy'"
        ).fetchone()
    assert found == (4,)


@pytest.mark.parametrize(
    "wrong",
    [("--layer", "nowhere"), ("--layer", "parcel", "--as", "nobody"), ("--layer", "parcel", "--action", "read")],
)
def test_what_is_not_there_is_named_with_what_there_is(run: Run, wrong: tuple[str, ...]) -> None:
    found = run("explain", *wrong, "--json")
    assert found.code == 1 and ("Known" in found.message["en"])
