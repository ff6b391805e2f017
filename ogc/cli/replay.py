"""`lienthong replay`: run a recorded check again, on its own cut, at an instant or today, and compare."""

from __future__ import annotations

from typing import Annotated

import typer

from layers.checking.division_history import is_division, replay_division
from layers.checking.replay import RECORDED, TODAY, Moment, Replay, replay
from layers.checking.replay_shown import replay_division_for, replay_for
from layers.checking.request import parse_as_of
from layers.checking.wording import VERDICTS, day
from layers.errors import NotFoundError
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from ogc.settings import Settings

from .context import (
    caller,
    console,
    database,
    errors_as_exit_codes,
    marked,
    output,
    principal_named,
    print_json,
    purposes_named,
    run,
)

_RESULTS = {
    "identical": ("[green]✓[/green]", "giống hệt / identical"),
    "same": ("[green]✓[/green]", "giống nhau trong 1 mm² / same within 1 mm²"),
    "different": ("[red]✗[/red]", "khác / different"),
}


def register(app: typer.Typer) -> None:
    """Hang the command on the program."""
    app.command("replay")(command)


def command(
    record_id: Annotated[str, typer.Argument(help="'id' của câu trả lời · the answer's id")],
    as_of: Annotated[str | None, typer.Option("--as-of", help="dữ liệu đã biết đến … · data known at …")] = None,
    today: Annotated[bool, typer.Option("--today", help="dữ liệu, quy tắc hôm nay · data and rules of today")] = False,
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Chạy lại một lần kiểm tra và so sánh; thoát 1 khi bản ghi không lập lại được · replay a check and compare; exit 1
    when the record does not come out again."""
    if today and as_of:
        raise typer.BadParameter("chỉ một trong --as-of và --today / only one of --as-of and --today")
    with errors_as_exit_codes(as_json=as_json):
        moment = TODAY if today else Moment("as_of", parse_as_of(as_of)) if as_of else RECORDED

    async def body() -> list[Replay]:
        async with database(Settings()) as opened:
            if identity is not None:
                return await _for_somebody(opened, record_id, moment, identity)
            catalogue = None
            if moment is TODAY:
                async with opened.connection() as connection:
                    catalogue = await load_catalogue(connection)
            try:
                return [await replay(opened, record_id, moment, catalogue=catalogue, principal=caller())]
            except NotFoundError:
                if moment is not RECORDED:
                    raise
                return await replay_division(opened, record_id)  # a split or a merge: part by part

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found[0].as_dict() if found[0].id == record_id else [one.as_dict() for one in found])
    else:
        for one in found:
            _show(one)
    if any(one.moment is RECORDED and one.result == "different" for one in found):
        raise typer.Exit(1)


async def _for_somebody(opened: Database, record_id: str, moment: Moment, identity: str) -> list[Replay]:
    """Both answers as they are shown to them; of a split or a merge, part by part."""
    async with opened.connection() as connection:
        catalogue = await load_catalogue(connection)
    principal, purposes = principal_named(identity, catalogue), purposes_named(identity, catalogue)
    if moment is RECORDED and await is_division(opened, record_id):
        parts = await replay_division_for(opened, catalogue, record_id, principal, purposes=purposes)
        return [part.replay for part in parts]
    found = await replay_for(opened, catalogue, record_id, moment, principal, purposes=purposes)
    return [found.replay]


def _show(found: Replay) -> None:
    mark, words = _RESULTS[found.result]
    console.print(marked(f"{mark} {{}}: {{}}", words, found.digest), soft_wrap=True)
    for library in found.libraries:
        output.print(f"  {library.name}: {library.then} → {library.now}")
    then, now = found.verdicts
    if then != now:
        output.print(f"  {_verdict(then)} → {_verdict(now)}")
    for line in found.subject:
        output.print(f"  {line}")
    for change in found.changes:
        output.print(f"  {change.title.get('vi', change.check)} ({change.check})")
        for what in change.what:
            output.print(f"    {what.vi} · {what.en}")
        for made in found.because(change):
            release = f", bản công bố/release {made['release']}" if made["release"] else ""
            at = day(str(made["created"]))
            output.print(f"    ← {made['layer']} {made['kind']} {made['revision']}{release}, {at}")
    if not found.changes and found.result == "different":
        for line in found.differences:
            output.print(f"  {line}")


def _verdict(name: str) -> str:
    word = next((word for verdict, word in VERDICTS.items() if verdict.value == name), None)
    return f"{word.vi} · {word.en}" if word else name
