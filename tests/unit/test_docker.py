"""No container engine runs in the tests, so what the files name is checked: every path, every command, every option."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from ogc.cli import main
from ogc.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())


def _commands() -> list[list[str]]:
    found = [service["command"] for service in COMPOSE["services"].values() if "command" in service]
    default = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert default
    return [*found, yaml.safe_load(default[1])]


@pytest.fixture(scope="module")
def cli() -> typer.Typer:
    return main.build()


def test_every_copied_path_exists() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    sources = [source for line in copies for source in shlex.split(line)[:-1]]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_every_path_copied_between_stages_was_made_in_the_first() -> None:
    first, _ = DOCKERFILE.split("\nFROM debian:12-slim\n")
    made = set(re.findall(r"^COPY .*?(\S+)$", first, re.MULTILINE)) | {".venv"}
    made |= set(re.findall(r"^COPY (.+) \./$", first, re.MULTILINE)[0].split())
    wanted = [source for line in re.findall(r"COPY --from=build (.+) \S+", DOCKERFILE) for source in line.split()]
    assert [path for path in wanted if path.removeprefix("/app/") not in made] == []


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_every_command_is_understood(command: list[str], cli: typer.Typer) -> None:
    program, name, *options = command
    assert program == "lienthong"
    shown = CliRunner().invoke(cli, [name, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert shown.exit_code == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.output)
    assert [option for option in options if option.startswith("--") and option not in text] == []


def test_every_environment_variable_is_a_setting() -> None:
    named = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    ours = {name.removeprefix("LIENTHONG_").lower() for name in named if name.startswith("LIENTHONG_")}
    assert ours
    assert ours <= set(Settings.model_fields)


def test_every_dockerfile_of_compose_exists() -> None:
    folder = ROOT / "docker"
    builds = [service["build"] for service in COMPOSE["services"].values() if "build" in service]
    assert builds
    assert all((folder / build["context"] / build["dockerfile"]).is_file() for build in builds)


def test_commands_run_inside_the_build_name_files_that_exist() -> None:
    assert (ROOT / "ogc/web/frontend/build.mjs").is_file()
    assert (ROOT / "ogc/web/frontend/package-lock.json").is_file()
    assert (ROOT / "ogc/web/glyphs.py").is_file()
    assert "python -m ogc.web.glyphs" in DOCKERFILE
