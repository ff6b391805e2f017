"""`lienthong policy show`: the grants that are in force, with the digest every answer and event names."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from layers.access.grammar import Grant, Precision
from layers.store.catalogue import Catalogue, load_catalogue

from .context import database, output, print_json, run

#: characters: a redirected table is not folded to a terminal's width
WIDTH_IN_A_FILE = 220
TITLES = (
    "quyền / grant", "cho / to", "lớp / layer", "hành động / actions", "hàng / rows", "cột / columns",
    "hình học / geometry",
)  # fmt: skip

app = typer.Typer(no_args_is_help=True, help="Chính sách chia sẻ dữ liệu · the sharing policy")


@app.callback()
def policy() -> None:
    """Chính sách chia sẻ dữ liệu · the sharing policy."""


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False) -> None:
    """In các quyền đang áp dụng · print the grants in force."""
    catalogue = run(_load, as_json=as_json)
    if as_json:
        grants = [grant.model_dump(mode="json", by_alias=True, exclude_defaults=True) for grant in catalogue.grants]
        print_json({"digest": catalogue.policy_digest, "grants": grants})
        return
    width = None if output.is_terminal else WIDTH_IN_A_FILE
    Console(width=width).print(_table(catalogue.grants))
    output.print(f"[dim]{catalogue.policy_digest}[/dim]")


async def _load() -> Catalogue:
    async with database(size=2) as opened, opened.connection() as connection:
        return await load_catalogue(connection)


def _table(grants: tuple[Grant, ...]) -> Table:
    table = Table(box=None, header_style="bold")
    for title in TITLES:
        table.add_column(title, overflow="fold")
    for grant in grants:
        cells = (_grantee(grant), _layer(grant), " ".join(grant.actions), grant.rows or "*", _columns(grant))
        table.add_row(grant.id, *cells, _geometry(grant))
    return table


def _grantee(grant: Grant) -> str:
    to = grant.to
    return "mọi người / anyone" if to.anyone else str(to.role or to.identity or to.office)


def _layer(grant: Grant) -> str:
    return grant.layer if isinstance(grant.layer, str) else f"sharing={grant.layer.sharing}"


def _columns(grant: Grant) -> str:
    return " ".join((*(f"#{tag}" for tag in grant.columns.tags), *grant.columns.names))


def _geometry(grant: Grant) -> str:
    asked = grant.geometry
    return f"{asked.precision_m:g} m" if isinstance(asked, Precision) else asked
