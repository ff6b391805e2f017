"""`lienthong demo`: the synthetic province as files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from layers.demo.generate import DEFAULT_PARCELS, DEFAULT_SEED
from layers.demo.generate import generate as generate_province
from layers.profile.load import load_profile
from ogc.settings import Settings

from .context import console, errors_as_exit_codes, marked, print_json

app = typer.Typer(no_args_is_help=True, help="Tỉnh giả định · the synthetic province")


@app.callback()
def _group() -> None:
    """One command today; the callback keeps it a group."""


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="thư mục đích · folder to write to")],
    parcels: Annotated[int, typer.Option(help="số thửa · number of parcels")] = DEFAULT_PARCELS,
    seed: int = DEFAULT_SEED,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Tạo dữ liệu tổng hợp · write synthetic GeoPackages, planted conflicts and a manifest."""
    with errors_as_exit_codes(as_json=as_json), _progress() as progress:
        task = progress.add_task("", total=1)

        def show(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total, description=what)

        made = generate_province(out, parcels, seed, load_profile(Settings().profile_folder), show)
    if as_json:
        print_json(asdict(made))
        return
    told = f"{made.parcels} thửa / parcels, {len(made.layers)} lớp / layers"
    console.print(marked("[green]✓[/green] {}: {}", out, told))
    console.print(f"  {made.conflicts} vướng mắc cài sẵn / planted conflicts: {out / 'conflicts.csv'}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console,
        transient=True,
    )  # fmt: skip
