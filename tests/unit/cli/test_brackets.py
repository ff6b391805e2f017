"""Brackets in names, labels and messages are printed as they are; only our own marks are read as style."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from rich.markup import render
from typer.testing import CliRunner, Result

from gis.errors import LienthongError
from ogc.cli.check import show
from ogc.cli.context import errors_as_exit_codes, marked
from ogc.cli.layer_report import show_facts, show_table
from ogc.cli.main import build
from tests.support import extracts, files

#: what rich would stop at, swallow or replace by a picture
HOSTILE = ("x[/y]", "a[red]b", "c[@d]e", ":warning:", "f[", "g\\")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(str(arguments[0])), [str(each) for each in arguments], env={"COLUMNS": "300"})


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path / "none"))
    monkeypatch.delenv("LIENTHONG_DATABASE_URL", raising=False)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_message_is_printed_whole(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), errors_as_exit_codes():
        raise LienthongError(f"Không có {hostile}.", f"There is no {hostile}.")
    said = capsys.readouterr().err
    assert f"✗ Không có {hostile}." in said and f"  There is no {hostile}." in said


@pytest.mark.parametrize("hostile", HOSTILE)
def test_only_the_marks_of_the_template_are_read(hostile: str) -> None:
    made = marked("[bold]{}[/bold] · {}", hostile, hostile)
    assert made.plain == f"{hostile} · {hostile}" and [str(span.style) for span in made.spans] == ["bold"]


def test_a_file_that_is_not_there_is_named_whole() -> None:
    ran = run("layer", "inspect", "thua[@b]c.gpkg")
    assert ran.exit_code == 1 and "thua[@b]c.gpkg" in ran.stderr


@pytest.mark.parametrize("name", ["fi[b]x.gpkg", "fi[b]/c].gpkg"])
def test_a_files_name_is_told_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    files.write(path, files.parcels("25747", 2))
    ran = run("layer", "inspect", path)
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith(f"{path.name} · ")


def test_an_answers_label_and_titles_are_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    title = {"vi": "Hành lang x[/y]", "en": "Corridor x[/y]"}
    met = extracts.feature("K[/z]", 4.0)
    answer = extracts.answer(findings=[extracts.finding("x", "affected", "fail", title=title, features=[met])])
    answer["subject"]["label"] = "Thửa 1[/2]"
    show(answer)
    said = capsys.readouterr().out
    assert all(text in said for text in ("Thửa 1[/2]", *title.values(), "K[/z]"))


def test_tables_and_facts_are_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show_facts({"ghi chú": "bản [/cuối]"})
    show_table("Lớp [a]", ("cột [b]",), [("ô [/c]",)])
    said = capsys.readouterr().out
    assert all(text in said for text in ("bản [/cuối]", "Lớp [a]", "cột [b]", "ô [/c]"))


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, part in getattr(command, "commands", {}).items():
        yield from commands(part, (*path, name))


def test_help_shows_what_is_written_in_brackets() -> None:
    told = []
    for path, command in commands(typer.main.get_command(build())):
        texts = [getattr(each, "help", None) or "" for each in (command, *command.params)]
        bracketed = [render(text).plain for text in texts if "[" in text]
        if bracketed:
            said = re.sub(r"[\s│]+", "", run(*path, "--help").output)
            assert all(re.sub(r"\s+", "", text) in said for text in bracketed), path
            told += bracketed
    assert any("COMMUNE[@GENERATION]/SHEET/PARCEL" in text and "XÃ[@NĂM]/TỜ/THỬA" in text for text in told)
