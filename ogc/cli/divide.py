"""`lienthong divide`: what would a split or a merge of parcels mean, for one procedure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gis.procedure import Verdict
from layers.checking.answer import Answer
from layers.checking.division import divide
from layers.checking.division_request import Child, DivisionRequest
from layers.checking.request import ByUpload, parse_as_of, parse_parcel
from layers.checking.upload import shapes_of_upload
from layers.checking.wording import VERDICTS, number
from layers.profile.profile import Profile
from layers.store.catalogue import load_catalogue
from ogc.settings import Settings

from .check import date_of, inputs_of, typed_inputs
from .context import console, database, errors_as_exit_codes, marked, output, principal_named, print_json, run

_ROLES = {
    "parent": "thửa đất gốc · parent", "child": "thửa sau tách · child", "remainder": "phần còn lại · remainder",
    "result": "thửa sau hợp · result",
}  # fmt: skip
_FLAWS = {"gap": "phần hở · gap", "overlap": "chồng lấn · overlap", "outside": "vượt ranh · outside",
          "hole": "ô trống · hole"}  # fmt: skip
_COLOURS = {"pass": "green", "refer": "yellow", "fail": "red"}


def register(app: typer.Typer) -> None:
    """Hang the command on the program."""
    app.command("divide")(command)


def command(  # noqa: PLR0913, PLR0917 - one option each
    parcels: Annotated[list[str], typer.Argument(metavar="PARCEL…", help="như 'check' · as in 'check'")],
    procedure: Annotated[str, typer.Option("--procedure", help="thủ tục · the procedure's id")] = "parcel_split_merge",
    children: Annotated[
        Path | None,
        typer.Option(
            "--children", exists=True, dir_okay=False, help="tệp các thửa sau tách · a file with the new parcels"
        ),
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="hợp các thửa · make the parcels one")] = False,
    remainder: Annotated[
        bool, typer.Option("--remainder", help="phần còn lại là một thửa · keep what is left")
    ] = False,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="K=V", help="thông tin đầu vào · an input of the procedure")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="dữ liệu đã biết đến … · data known at …")] = None,
    on_date: Annotated[str | None, typer.Option("--on-date", help="hiệu lực vào ngày … · law in force on …")] = None,
    dossier: Annotated[str | None, typer.Option("--dossier", help="mã hồ sơ · dossier code")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="mục đích sử dụng · purpose of use")] = None,
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="refer|fail", help="thoát 1 từ mức này · exit 1 from here on")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Kiểm tra tách một thửa đất hoặc hợp nhiều thửa · check a split of one parcel or a merge of several."""
    if merge == (children is not None):
        raise typer.BadParameter("cần đúng một trong --children và --merge / exactly one of --children and --merge")
    if fail_on not in (None, "refer", "fail"):
        raise typer.BadParameter("--fail-on: refer | fail")

    file = ByUpload(children.name, children.read_bytes()) if children is not None else None

    async def body() -> Answer:
        async with database(Settings()) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            request = DivisionRequest(
                kind="merge" if merge else "split", procedure=procedure,
                parents=tuple(parse_parcel(parcel) for parcel in parcels),
                children=await _children(file, catalogue.profile), with_remainder=remainder,
                inputs=typed_inputs(inputs_of(given or []), catalogue, procedure), dossier=dossier, purpose=purpose,
                as_of=parse_as_of(as_of), on_date=date_of(on_date),
            )  # fmt: skip
            return await divide(opened, catalogue, request, principal_named(identity, catalogue))

    answer = run(body, as_json=as_json)
    with errors_as_exit_codes(as_json=as_json):
        if as_json:
            print_json(answer.content)
        else:
            show(answer.content)
    if fail_on and answer.verdict.rank >= Verdict(fail_on).rank:
        raise typer.Exit(1)


async def _children(file: ByUpload | None, profile: Profile) -> tuple[Child, ...]:
    """The polygons of a file, read in the reader process like any file from outside."""
    if file is None:
        return ()
    found = await shapes_of_upload(file, profile)
    return tuple(Child(label, shape) for label, shape in found)


def show(answer: dict[str, Any]) -> None:
    """How the ground adds up, and the verdict of each part."""
    report = answer["conservation"]
    table = Table(show_lines=False, expand=False)
    for heading in ("Thửa đất · parcel", "m²", "m² theo GCN · certificate", "Kết luận · verdict"):
        table.add_column(heading, overflow="fold")
    for part in answer["parts"]:
        registered = part["registered_area_m2"]
        verdict = part["answer"]["verdict"]
        table.add_row(
            marked("{}\n[dim]{}[/dim]", part["label"], _ROLES[part["role"]]), number(part["area_m2"], 1, "vi"),
            number(registered, 1, "vi") if registered is not None else "–",
            marked(f"[{_COLOURS[verdict]}]{{}}[/]", VERDICTS[Verdict(verdict)].vi),
        )  # fmt: skip
    output.print(table)
    difference = number(report["difference_m2"], 2, "vi")
    output.print(f"{report['reasons'][0]['message']['vi']} Chênh lệch · difference {difference} m²")
    for flaw in report["flaws"]:
        place = ", ".join(f"{value:.6f}" for value in flaw["place"])
        output.print(f"  {_FLAWS[flaw['kind']]}: {number(flaw['area_m2'], 2, 'vi')} m² ({place})")
    verdict = Verdict(answer["verdict"])
    output.print(marked(f"[bold {_COLOURS[verdict]}]{{}}[/] · {{}}", VERDICTS[verdict].vi, VERDICTS[verdict].en))
    console.print(f"bản ghi / record {answer['id']}", style="dim")
