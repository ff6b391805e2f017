"""What the commands about layers share: how a layer is named on the command line, and on whose behalf it is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from ogc.settings import Settings

from .context import database, run

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
Identity = Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")]
LayerOption = Annotated[str | None, typer.Option("--layer", help="mã lớp · layer id")]
Words = Annotated[list[str] | None, typer.Argument(metavar="[LAYER] …", help="mã lớp · layer id (hoặc/or --layer)")]


def words_of(words: list[str] | None, layer: str | None, more: int, usage: str) -> list[str]:
    """The layer, by --layer or as the first word, and so many words more."""
    found = [*([layer] if layer is not None else []), *(words or [])]
    if len(found) != 1 + more:
        raise typer.BadParameter(f"lienthong layer {usage}")
    return found


def on_database(body: Callable[[Database, Catalogue], Awaitable[T]], *, as_json: bool) -> T:
    async def opened_body() -> T:
        async with database(Settings()) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            return await body(opened, catalogue)

    return run(opened_body, as_json=as_json)
