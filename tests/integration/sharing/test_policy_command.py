"""`lienthong policy import|diff|apply` as an officer runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ogc.cli.policy import app
from tests.support import policies
from tests.support.commands import Ran
from tests.support.policies import REVIEWERS, altered, with_fields

GRANTS = policies.first_grants()
Run = Callable[..., Ran]


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    """In this process: starting one costs more than the command."""
    environment = {"LIENTHONG_DATABASE_URL": url, "LIENTHONG_DATA": str(tmp_path / "data")}

    def command(*arguments: object) -> Ran:
        done = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
        return Ran(done.exit_code, done.stdout, done.stderr)

    return command


def _write(path: Path, grants: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = [grant.model_dump(mode="json", by_alias=True, exclude_defaults=True) for grant in grants]
    path.write_text(yaml.safe_dump(plain, allow_unicode=True), encoding="utf-8")
    return path


def test_a_folder_is_imported_compared_and_applied(run: Run, tmp_path: Path) -> None:
    wider = altered(GRANTS, REVIEWERS, with_fields(columns={"tags": ["public", "personal"]}))
    half = len(wider) // 2
    _write(tmp_path / "grants" / "a.yaml", wider[:half])
    _write(tmp_path / "grants" / "b.yaml", wider[half:])
    proposed = run("import", tmp_path, "--note", "QĐ 12", "--json")
    assert proposed.code == 0 and proposed.json["is_current"] and proposed.json["note"] == "QĐ 12"

    difference = run("diff", "--json").json
    assert [change["id"] for change in difference["changes"]] == [REVIEWERS]
    assert difference["changes"][0]["fields"] == ["columns"]
    assert {effect["action"] for effect in difference["effects"]} == {"items", "tile"}
    assert "+cột ten_chu" in run("diff").out

    asked = run("apply")
    assert asked.code == 1 and "+cột ten_chu" in asked.out and "--yes" in asked.err
    assert run("show", "--json").json["digest"] == difference["base"]

    applied = run("apply", "--yes", "--json")
    assert applied.code == 0 and applied.json["digest"] == difference["digest"]
    assert run("show", "--json").json["digest"] == difference["digest"]
    assert run("history", "--json").json["changes"][0]["note"] == "QĐ 12"


def test_what_show_prints_can_be_imported_again(run: Run, tmp_path: Path) -> None:
    shown = tmp_path / "policy.json"
    shown.write_text(run("show", "--json").out, encoding="utf-8")
    assert run("diff", shown, "--json").json["changes"] == []


def test_every_error_names_file_line_and_field(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("- id: x\n  to: {anyone: true}\n  layer: khong_co\n  actions: [items, fly]\n", encoding="utf-8")
    found = run("import", path, "--json")
    assert found.code == 1 and "wrong.yaml:4" in found.message["vi"]
    path.write_text("- id: x\n  to: {anyone: true}\n  layer: khong_co\n  actions: [items]\n", encoding="utf-8")
    assert "wrong.yaml:3: [0].layer" in run("import", path, "--json").message["vi"]


def test_one_file_beside_the_others(run: Run, tmp_path: Path) -> None:
    """Without --merge the grants that are not named would go; the difference shows it before anybody agrees."""
    one = _write(tmp_path / "one.yaml", altered(GRANTS, REVIEWERS, with_fields(geometry="none"))[2:3])
    merged = run("diff", one, "--merge", "--json").json
    assert [(change["kind"], change["id"]) for change in merged["changes"]] == [("changed", REVIEWERS)]
    whole = run("diff", one, "--json").json
    assert {change["kind"] for change in whole["changes"]} == {"changed", "removed"}


def test_an_owner_may_be_spoken_for(run: Run, tmp_path: Path) -> None:
    own = [grant for grant in altered(GRANTS, REVIEWERS, with_fields(geometry="none")) if grant.layer == "parcel"]
    assert run("import", _write(tmp_path / "own.yaml", own), "--as", "owner").code == 0
    assert run("apply", "--yes").code == 1, "the operator has no proposal"
    assert run("apply", "--yes", "--as", "owner").code == 0
    foreign = _write(tmp_path / "all.yaml", GRANTS)
    assert run("import", foreign, "--as", "owner", "--json").json["error"]["code"] == "forbidden"


def test_an_agreement_is_kept_in_versions_and_the_latest_counts(run: Run) -> None:
    assert run("agree", "AGR-1", "wrong").code == 2
    assert run("agree", "AGR-1", "active", "--note", "CV 5", "--json").json["version"] == 1
    suspended = run("agree", "AGR-1", "suspended", "--json").json
    assert (suspended["version"], suspended["state"], suspended["body"]) == (2, "suspended", {"note": "CV 5"})
    listed = run("agreements", "--json").json["agreements"]
    assert [(one["id"], one["state"]) for one in listed] == [("AGR-1", "suspended")]
    assert "AGR-1" in run("agreements").out
