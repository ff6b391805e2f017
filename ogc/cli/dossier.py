"""`lienthong dossier`: which ground a dossier is about, so that checks under it may be told what is reserved."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from gis.errors import Message
from layers.checking.dossiers import DossierDraft, KnownDossier, find_dossier, register
from layers.checking.request import parse_parcel
from layers.errors import FieldError, InvalidInputsError
from layers.store.catalogue import load_catalogue

from .context import console, database, marked, output, principal_named, print_json, run

app = typer.Typer(no_args_is_help=True, help="Hồ sơ thủ tục · dossiers of procedures")

AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
As = Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")]


@app.callback()
def dossier() -> None:
    """Hồ sơ thủ tục · dossiers of procedures."""


@app.command("register")
def register_(
    dossier_id: Annotated[str, typer.Argument(metavar="ID", help="mã hồ sơ · the dossier's code")],
    parcel: Annotated[
        list[str] | None, typer.Option("--parcel", help="thửa đất, lặp lại được · a parcel, may be repeated")
    ] = None,
    survey: Annotated[
        list[Path] | None, typer.Option("--survey", help="tệp đo vẽ GeoJSON · a survey file (GeoJSON)")
    ] = None,
    procedure: Annotated[
        str | None, typer.Option("--procedure", help="chỉ cho thủ tục này · for this one only")
    ] = None,
    office: Annotated[
        list[str] | None, typer.Option("--office", help="cơ quan thụ lý · an office that handles it")
    ] = None,
    close: Annotated[bool, typer.Option("--close", help="đóng hồ sơ · close the dossier")] = False,
    identity: As = None,
    as_json: AsJson = False,
) -> None:
    """Đăng ký hoặc thay đổi một hồ sơ · register a dossier, or change it as a whole."""

    async def body() -> KnownDossier:
        async with database(size=2) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            draft = DossierDraft(
                dossier_id, procedure, [parse_parcel(text) for text in parcel or ()],
                [_digest(path) for path in survey or ()], office or (), close,
            )  # fmt: skip
            found, _ = await register(opened, catalogue, draft, principal_named(identity, catalogue))
            return found

    _show(run(body, as_json=as_json).as_dict(), as_json=as_json)


@app.command()
def show(
    dossier_id: Annotated[str, typer.Argument(metavar="ID")], identity: As = None, as_json: AsJson = False
) -> None:
    """In một hồ sơ và số lần kiểm tra đã dùng · print a dossier and how many answers are used."""

    async def body() -> KnownDossier:
        async with database(size=2) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            return await find_dossier(opened, catalogue, dossier_id, principal_named(identity, catalogue))

    _show(run(body, as_json=as_json).as_dict(), as_json=as_json)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        message = Message(f"Không đọc được '{path}' ({type(error).__name__}).",
                          f"'{path}' cannot be read ({type(error).__name__}).")  # fmt: skip
        raise InvalidInputsError(message.vi, message.en, [FieldError("survey", message)]) from None


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    state = f"đóng / closed {found['closed']}" if found["closed"] else "mở / open"
    procedure = found["procedure"] or "mọi thủ tục / any procedure"
    output.print(marked("[bold]{}[/bold] · {} · {}", found["id"], procedure, state))
    output.print(f"  thửa / parcels: {', '.join('fid:' + fid for fid in found['parcels']) or '-'}")
    output.print(f"  tệp đo vẽ / surveys: {', '.join(found['surveys']) or '-'}")
    output.print(f"  cơ quan / offices: {', '.join(found['offices']) or 'mọi nơi tiếp nhận / every desk'}")
    answers = found["answers"]
    console.print(f"  đã dùng / used {answers['used']} / {answers['limit']}", style="dim")
