from __future__ import annotations

import json
import shutil
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from ogc.cli import policy, profile

PROFILES = Path(__file__).resolve().parents[2] / "profiles"


@pytest.fixture
def url(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", empty_database)
    monkeypatch.setenv("LIENTHONG_PROFILE", str(PROFILES / "minimal"))
    return empty_database


def lienthong(*arguments: str) -> Result:
    group = {"profile": profile.app, "policy": policy.app}[arguments[0]]
    return CliRunner().invoke(group, list(arguments[1:]))


def test_plan_apply_and_show_as_json(url: str) -> None:
    planned = json.loads(lienthong("profile", "plan", "--json").stdout)
    assert planned["profile"] == "minimal"
    assert any("CREATE TABLE data.zone" in sql for step in planned["steps"] for sql in step["sql"])
    first = json.loads(lienthong("profile", "apply", "--json").stdout)
    again = json.loads(lienthong("profile", "apply", "--json").stdout)
    assert (first["applied"], again["applied"]) == (True, False)
    shown = json.loads(lienthong("policy", "show", "--json").stdout)
    assert [grant["id"] for grant in shown["grants"]] == ["line_for_reviewers", "open_to_all"]
    assert shown["digest"].startswith("sha256:")


def test_what_a_person_reads_is_in_both_languages(url: str) -> None:
    assert "tạo lớp zone / create the layer zone" in lienthong("profile", "plan").stdout
    assert lienthong("profile", "apply").exit_code == 0
    assert "không có gì thay đổi / nothing to do" in lienthong("profile", "plan").stdout
    assert "open_to_all" in lienthong("policy", "show").stdout


def test_validate_lists_every_error_and_exits_1(url: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PROFILES / "minimal", tmp_path / "minimal"))
    (folder / "land" / "line.yaml").write_text("id: line\n", encoding="utf-8")
    told = lienthong("profile", "validate", str(folder), "--json")
    assert told.exit_code == 1
    errors = json.loads(told.stdout)["error"]["errors"]
    assert {(error["where"], error["field"]) for error in errors} == {
        ("land/line.yaml:1", "sector"), ("land/line.yaml:1", "title"), ("land/line.yaml:1", "geometry")
    }  # fmt: skip
    assert errors[0]["message"]["vi"] == "thiếu mục bắt buộc"
    assert lienthong("profile", "validate").exit_code == 0


def test_ddl_on_rows_is_asked_for_and_without_a_terminal_refused(url: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PROFILES / "minimal", tmp_path / "minimal"))
    assert lienthong("profile", "apply", str(folder)).exit_code == 0
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE catalogue.layer SET revision = 1, state = 'served' WHERE id = 'line'")
    file = folder / "land" / "line.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "  - {name: so_mach, type: integer, tag: public}\n", "utf-8")
    refused = lienthong("profile", "apply", str(folder))
    assert refused.exit_code == 1
    assert "--yes" in refused.stderr
    assert lienthong("profile", "apply", str(folder), "--yes").exit_code == 0


def test_a_change_that_is_not_possible_in_place_exits_1(url: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PROFILES / "minimal", tmp_path / "minimal"))
    lienthong("profile", "apply", str(folder))
    file = folder / "land" / "line.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("key: ma", "key: none"), "utf-8")
    planned = lienthong("profile", "plan", str(folder), "--json")
    assert planned.exit_code == 1
    assert [refusal["layer"] for refusal in json.loads(planned.stdout)["refusals"]] == ["line"]
    refused = lienthong("profile", "apply", str(folder), "--yes", "--json")
    assert refused.exit_code == 1
    assert "new layer id" in json.loads(refused.stdout)["error"]["message"]["en"]


def test_schemas_are_written_to_a_folder(url: str, tmp_path: Path) -> None:
    written = json.loads(lienthong("profile", "schema", str(tmp_path / "schemas"), "--json").stdout)["files"]
    assert len(written) == 8
    assert all(json.loads(Path(path).read_text(encoding="utf-8"))["$schema"] for path in written)
