"""`lienthong replay`: run a recorded check again on the same cut and the same texts, and compare."""

from __future__ import annotations

from typing import Annotated

import typer

from layers.checking.replay import Replay, replay
from ogc.settings import Settings

from .context import console, database, print_json, run


def register(app: typer.Typer) -> None:
    """Hang the command on the program."""
    app.command("replay")(command)


def command(
    record_id: Annotated[str, typer.Argument(help="'id' của câu trả lời · the answer's id")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Chạy lại một lần kiểm tra và so sánh · replay a check and compare."""

    async def body() -> Replay:
        async with database(Settings()) as opened:
            return await replay(opened, record_id)

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    elif found.is_identical:
        console.print(f"[green]✓[/green] giống hệt / identical: {found.digest}", highlight=False)
    else:
        console.print(f"[red]✗[/red] khác ở / differs at:\n  {chr(10).join(found.differences)}", highlight=False)
    if not found.is_identical:
        raise typer.Exit(1)
