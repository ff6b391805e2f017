"""`lienthong inside`: which parcels lie in the shape of a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from layers.access.decide import decide
from layers.checking.inside import Note, Reading, parcels_inside
from layers.checking.inside_table import LIES, parcels_table, totals_table
from layers.checking.request import LOCAL_TIME, ByUpload
from layers.checking.wording import number
from layers.plain_text import require_line
from layers.store import audit
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Connection
from ogc.common.spreadsheet import csv_text, xlsx_bytes
from ogc.settings import Settings

from .context import console, database, errors_as_exit_codes, marked, output, principal_named, print_json, run

#: rows of the table on the screen; a file holds all
MOST_SHOWN = 40


def register(app: typer.Typer) -> None:
    """Hang the command on the program."""
    app.command("inside")(command)


def command(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="tệp có một vùng · a file with one polygon")
    ],
    key: Annotated[str | None, typer.Option("--key", help="đối tượng trong tệp · the feature's key")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="ghi .xlsx hoặc .csv · write an .xlsx or .csv")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="mục đích sử dụng · purpose of use")] = None,
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    language: Annotated[str, typer.Option("--lang", help="vi | en")] = "vi",
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Liệt kê các thửa đất nằm trong khu đất của tệp · list the parcels that lie in the shape of a file."""
    if out is not None and out.suffix not in (".xlsx", ".csv"):
        raise typer.BadParameter("--out: .xlsx | .csv")

    query = ByUpload(file.name, file.read_bytes(), key=key)

    async def body() -> dict[str, Any]:
        async with database(Settings()) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            reading = _reading(catalogue, identity, purpose, "items" if out is None else "export")
            return await parcels_inside(opened, reading, query, _note(reading, purpose))

    answer = run(body, as_json=as_json)
    with errors_as_exit_codes(as_json=as_json):
        if out is not None:
            out.write_bytes(_file(answer, out.suffix, language))
        if as_json:
            print_json(answer)
        else:
            show(answer)
            console.print(f"→ {out}" if out else "", highlight=False)


def _reading(catalogue: Catalogue, identity: str | None, purpose: str | None, action: Any) -> Reading:
    require_line(purpose, "purpose")
    principal = principal_named(identity, catalogue)
    state = catalogue.layers[catalogue.profile.parcel_layer.id]
    decision = decide(
        principal, state.definition, action, catalogue.grants, purpose=purpose,
        day=datetime.now(UTC).astimezone(LOCAL_TIME).date(), active_agreements=catalogue.active_agreements,
    )  # fmt: skip
    return Reading(catalogue, state, principal, decision)


def _note(reading: Reading, purpose: str | None) -> Note:
    async def note(connection: Connection, features: int, size_bytes: int) -> None:
        event = audit.Event.of_decision(
            reading.principal, reading.decision, purpose=purpose, policy=reading.catalogue.policy_digest,
            revision=reading.state.revision, features=features, bytes=size_bytes,
        )  # fmt: skip
        await audit.record(connection, event, is_read=True)

    return note


def _file(answer: dict[str, Any], suffix: str, language: str) -> bytes:
    if suffix == ".csv":
        return csv_text(parcels_table(answer, language)).encode("utf-8-sig")
    titles = ("Thửa đất", "Tổng hợp") if language == "vi" else ("Parcels", "Totals")
    tables = parcels_table(answer, language), totals_table(answer, language)
    return xlsx_bytes(dict(zip(titles, tables, strict=True)))


def show(answer: dict[str, Any]) -> None:
    """The first parcels as a table, and the totals."""
    table = Table(expand=False)
    for heading in (
        "Thửa đất · parcel",
        "Loại đất · type",
        "Trong · inside m²",
        "Còn lại · left m²",
        "Vị trí · position",
    ):
        table.add_column(heading, overflow="fold")
    for parcel in answer["parcels"][:MOST_SHOWN]:
        areas = [number(parcel[name], 1, "vi") for name in ("inside_m2", "left_m2")]
        table.add_row(parcel["label"], parcel["land_type"] or "–", *areas, LIES[parcel["lies"]].vi)
    output.print(table)
    totals = answer["totals"]
    more = f" (hiện {MOST_SHOWN} dòng đầu)" if totals["parcels"] > MOST_SHOWN else ""
    areas_told = (
        f"{number(totals['inside_m2'], 1, 'vi')} m² trong khu đất; "
        f"{number(answer['uncovered_m2'], 1, 'vi')} m² không có thửa · without a parcel"
    )
    output.print(marked("[bold]{}[/bold] thửa · parcels{}; {}", totals["parcels"], more, areas_told))
    for note in answer["notes"]:
        output.print(note["vi"], style="dim")
