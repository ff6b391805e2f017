"""`lienthong token --as IDENTITY`: a development token for a demo identity of the applied profile."""

from __future__ import annotations

from typing import Annotated

import typer

from layers.errors import RefusedError
from layers.store.catalogue import load_catalogue
from ogc.auth import LIFETIME_S, make_token
from ogc.settings import Settings

from .context import database, print_json, run


def register(app: typer.Typer) -> None:
    app.command(help="Mã truy cập thử nghiệm · a development token (only a --demo server takes it)")(token)


def token(
    identity: Annotated[str, typer.Option("--as", help="danh tính thử nghiệm · demo identity")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Print the token on standard output. Exit 1 for an identity the applied profile does not have."""
    settings = Settings()
    run(lambda: _refuse_unknown(settings, identity), as_json=as_json)
    made = make_token(settings.secrets_folder, identity)
    if as_json:
        print_json({"token": made, "identity": identity, "expires_in_s": LIFETIME_S})
    else:
        typer.echo(made)


async def _refuse_unknown(settings: Settings, identity: str) -> None:
    async with database(settings) as opened, opened.connection() as connection:
        catalogue = await load_catalogue(connection)
    known = [known.id for known in catalogue.profile.identities]
    if identity not in known:
        listed = ", ".join(known) or "–"
        raise RefusedError(
            f"Không có danh tính '{identity}'. Các danh tính: {listed}.",
            f"There is no identity '{identity}'. Identities: {listed}.",
        )
