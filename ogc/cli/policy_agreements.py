"""`lienthong policy agreements|agree`: the agreements that grants stand under."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from layers.sharing.agreement import set_agreement
from layers.store.agreements import Agreement, State, agreements
from layers.store.catalogue import load_catalogue

from .context import console, database, marked, principal_named, print_json, require_operator, run
from .policy_report import show_table

AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
Identity = Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")]
_STATES: tuple[State, ...] = get_args(State)


def register(app: typer.Typer) -> None:
    app.command("agreements")(agreements_command)
    app.command("agree")(agree_command)


def agreements_command(identity: Identity = None, as_json: AsJson = False) -> None:
    """Các thỏa thuận và trạng thái · the agreements and their states."""

    async def body() -> list[Agreement]:
        require_operator(identity)
        async with database(size=2) as opened, opened.connection() as connection:
            return list(await agreements(connection))

    found = run(body, as_json=as_json)
    if as_json:
        print_json({"agreements": [one.as_dict() for one in found]})
        return
    titles = ("thỏa thuận / agreement", "bản / version", "trạng thái / state", "từ / since", "ghi chú / note")
    rows = [
        (one.id, str(one.version), one.state, one.created.isoformat(timespec="seconds"), str(one.body.get("note", "")))
        for one in found
    ]
    show_table(titles, rows)


def agree_command(
    agreement: Annotated[str, typer.Argument(metavar="ID", help="mã thỏa thuận · the agreement")],
    state: Annotated[str, typer.Argument(metavar="STATE", help=", ".join(_STATES))],
    note: Annotated[str, typer.Option("--note", help="ghi chú, số văn bản · note, number of the document")] = "",
    identity: Identity = None,
    as_json: AsJson = False,
) -> None:
    """Ghi phiên bản mới của thỏa thuận; có hiệu lực ngay · add a version of an agreement; it takes effect at once."""
    named = next((one for one in _STATES if one == state), None)
    if named is None:
        raise typer.BadParameter(f"{state}: {', '.join(_STATES)}")

    async def body() -> Agreement:
        async with database(size=2) as opened:
            async with opened.connection() as connection:
                principal = principal_named(identity, await load_catalogue(connection))
            return await set_agreement(opened, principal, agreement, named, {"note": note} if note else {})

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        console.print(marked("[green]✓[/green] {}", f"{found.id} bản/version {found.version}: {found.state}"))
