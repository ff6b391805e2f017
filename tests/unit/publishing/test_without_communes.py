"""A file that cannot be held against communes: the inspection says so, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from layers.profile.load import load_profile
from layers.publishing.without_communes import Missing, without_communes
from ogc.cli.main import build
from tests.support.files import parcels, write

PROFILES = Path("tests/profiles")


@pytest.fixture(autouse=True)
def without_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path / "none"))
    monkeypatch.delenv("LIENTHONG_DATABASE_URL", raising=False)


def inspected(file: Path, layer: str, *more: str) -> str:
    words = ["layer", "inspect", str(file), "--layer", layer, *more]
    done = CliRunner().invoke(build("layer"), words)
    assert done.exit_code == 0, done.output
    return done.stdout


def notices(file: Path, layer: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(inspected(file, layer, "--json"))["notices"]
    return found


@pytest.mark.parametrize(
    ("profile", "why"), [("minimal", "names no commune layer"), ("checking", "names no commune layer"),
                         ("worlds", "There is no database, so no commune layer")]
)  # fmt: skip
def test_a_column_of_communes_is_not_matched_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, why: str
) -> None:
    monkeypatch.setenv("LIENTHONG_PROFILE", str(PROFILES / profile))
    file = write(tmp_path / "a.gpkg", parcels("25747", 2))
    (said,) = notices(file, "parcel")
    assert why in said["en"] and "'ma_xa' is not matched" in said["en"] and "không đối chiếu" in said["vi"]
    shown = inspected(file, "parcel")
    assert said["vi"] in shown and said["en"] in shown


def test_a_database_that_cannot_be_used_is_told_apart_from_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIENTHONG_PROFILE", str(PROFILES / "worlds"))
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/none?connect_timeout=1")
    (said,) = notices(write(tmp_path / "a.gpkg", parcels("25747", 2)), "parcel")
    assert "The database cannot be used" in said["en"] and "lienthong doctor" in said["vi"]


def test_each_reason_is_told_with_its_own_next_step() -> None:
    profile = load_profile(PROFILES / "worlds")
    definition = profile.layer("parcel")
    assert definition is not None
    told = {missing: without_communes(definition, profile, missing)[0] for missing in get_args(Missing)}
    assert "layer publish FILE --layer commune" in told["unpublished"].en
    assert "profile apply" in told["not_applied"].en and "db start" in told["no_database"].en
    assert len({message.vi for message in told.values()}) == len(told)


def test_a_layer_without_such_a_column_cannot_be_limited_by_commune(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIENTHONG_PROFILE", str(PROFILES / "minimal"))
    (said,) = notices(write(tmp_path / "a.gpkg", parcels("25747", 2)), "zone")
    assert "'--scope commune=' is off" in said["en"] and "không dùng được" in said["vi"]
