"""`lienthong db`: the private cluster from nothing to a backup and back, told as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import pytest
import shapely
from typer.testing import CliRunner, Result

from layers.store.migrate import newest_version
from ogc.cli.main import build


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build("db"), ["db", *(str(each) for each in arguments), "--json"])


def inspected(file: Path) -> str:
    """What is told of a file besides its report."""
    ran = CliRunner().invoke(build("layer"), ["layer", "inspect", str(file), "--layer", "water_corridor"])
    return " ".join(ran.output.split())


def _zones() -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(
        {"ma": ["1"]}, geometry=[shapely.box(600_000, 1_200_000, 600_100, 1_200_100)], crs="EPSG:9210"
    )


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("LIENTHONG_DATABASE_URL", raising=False)
    return tmp_path


def test_a_command_of_the_cluster_refuses_an_external_database_as_data(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for name in ("init", "start", "stop"):
        ran = run(name)
        assert ran.exit_code == 1 and "LIENTHONG_DATABASE_URL" in json.loads(ran.stdout)["error"]["message"]["en"]


def test_where_no_cluster_was_made_none_is_made_for_a_look_at_a_file(data: Path) -> None:
    file = data / "zones.gpkg"
    _zones().to_file(file)
    assert "There is no database" in inspected(file)
    assert not (data / "data").exists()


def test_a_file_that_is_not_there_is_refused_as_data(data: Path) -> None:
    ran = run("restore", data / "none.dump")
    assert ran.exit_code == 1 and "none.dump" in json.loads(ran.stdout)["error"]["message"]["en"]


def test_schema_backup_and_restore_are_told(empty_database: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", empty_database)
    file = data / "all.dump"
    assert json.loads(run("migrate").stdout) == {"schema": newest_version()}
    assert json.loads(run("backup", file).stdout) == {"file": str(file), "bytes": file.stat().st_size, "missing": []}
    refused = run("restore", file)
    assert refused.exit_code == 1 and "--yes" in json.loads(refused.stdout)["error"]["message"]["en"]
    restored = run("restore", file, "--yes")
    assert restored.exit_code == 0, restored.output
    assert {**json.loads(restored.stdout), "restored": ""} == {"file": str(file), "restored": "", "missing": []}


def test_the_private_cluster_is_made_started_and_stopped(data: Path) -> None:
    made, again = (json.loads(run("init").stdout) for _ in range(2))
    assert (made["created"], again["created"]) == (True, False) and made["folder"] == again["folder"]
    file = data / "zones.gpkg"
    _zones().to_file(file)
    try:
        told = inspected(file)  # it starts what stands still; nothing was migrated yet
        assert "The database cannot be used" in told and "There is no database" not in told
        assert json.loads(run("start").stdout)["running"] is True
    finally:
        assert json.loads(run("stop").stdout) == {"running": False}
