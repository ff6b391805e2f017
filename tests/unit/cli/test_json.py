"""`--json` everywhere, and what an error holds there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError, NotFoundError
from ogc.cli.context import errors_as_exit_codes
from ogc.cli.main import build


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(path), command
    for name, part in getattr(command, "commands", {}).items():
        yield from leaves(part, (*path, name))


def test_every_command_that_ends_by_itself_takes_json() -> None:
    without = [
        name
        for name, command in leaves(typer.main.get_command(build()))
        if not any("--json" in option.opts for option in command.params)
    ]
    assert without == ["up", "worker"]


def told(error: Exception, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    with pytest.raises(typer.Exit), errors_as_exit_codes(as_json=True):
        raise error
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["error"]
    return found


def test_invalid_inputs_name_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Message("cần nhập", "is needed")
    found = told(InvalidInputsError("Thiếu.", "Missing.", [FieldError("inputs.target_use", wrong)]), capsys)
    assert found["code"] == "invalid_inputs" and found["message"] == {"vi": "Thiếu.", "en": "Missing."}
    assert found["errors"] == [{"field": "inputs.target_use", "where": "", "message": wrong.as_dict()}]


def test_other_errors_have_no_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert "errors" not in told(NotFoundError("Không có.", "None."), capsys)
