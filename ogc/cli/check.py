"""`lienthong check`: what applies to a parcel or a drawn shape, for one procedure."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gis.errors import Message
from gis.procedure import Verdict
from layers.checking.answer import Answer
from layers.checking.request import CheckRequest, parse_as_of
from layers.checking.run import check
from layers.checking.wording import VERDICTS, day, label_of, number
from layers.errors import FieldError, InvalidInputsError
from layers.profile.procedures import ProcedureDefinition
from layers.store.catalogue import Catalogue, load_catalogue
from ogc.settings import Settings

from .check_subject import Asked
from .context import console, database, errors_as_exit_codes, marked, output, principal_named, print_json, run

_COLOURS = {Verdict.PASS: "green", Verdict.REFER: "yellow", Verdict.FAIL: "red"}


def register(app: typer.Typer) -> None:
    """Hang the command on the program."""
    app.command("check")(command)


def command(  # noqa: PLR0913, PLR0917 - one option each
    parcel: Annotated[
        list[str] | None,
        typer.Argument(
            help=r"XÃ\[@NĂM]/TỜ/THỬA, fid:…, key:…, code:…, point:LON,LAT · COMMUNE\[@GENERATION]/SHEET/PARCEL; "
            "nhiều thửa: như một khu · several: as one subject"
        ),
    ] = None,
    procedure: Annotated[str, typer.Option("--procedure", help="thủ tục · the procedure's id")] = "",
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="K=V", help="thông tin đầu vào · an input of the procedure")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="dữ liệu đã biết đến … · data known at …")] = None,
    on_date: Annotated[str | None, typer.Option("--on-date", help="hiệu lực vào ngày … · law in force on …")] = None,
    geometry: Annotated[
        Path | None, typer.Option("--geometry", help="tệp GeoJSON, SHP (zip), GPKG, DXF… · a file with a polygon")
    ] = None,
    coordinates: Annotated[
        Path | None, typer.Option("--coordinates", help="bảng tọa độ, '-': stdin · a table of vertices")
    ] = None,
    crs: Annotated[str | None, typer.Option("--crs", metavar="EPSG:n", help="hệ tọa độ · coordinate system")] = None,
    axes: Annotated[
        str | None, typer.Option("--axes", metavar="north_east|east_north", help="thứ tự X, Y · order of X, Y")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="vùng nào trong tệp · which polygon of the file")] = None,
    dossier: Annotated[str | None, typer.Option("--dossier", help="mã hồ sơ · dossier code")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="mục đích sử dụng · purpose of use")] = None,
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    fail_on: Annotated[
        str | None,
        typer.Option("--fail-on", metavar="refer|fail", help="thoát 1 từ mức này · exit 1 from here on"),
    ] = None,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", metavar="FILE", help="ghi phiếu PDF có dấu · write the sealed PDF")
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", metavar="vi|en", help="ngôn ngữ của phiếu · language of the PDF")
    ] = "vi",
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Kiểm tra một thửa đất hoặc hình vẽ theo một thủ tục · check a parcel or a shape for a procedure."""
    asked = Asked(tuple(parcel or ()), geometry, coordinates, crs, axes, key)
    asked.require_one()
    if not procedure:
        raise typer.BadParameter("cần --procedure / --procedure is needed")
    if fail_on not in (None, "refer", "fail"):
        raise typer.BadParameter("--fail-on: refer | fail")
    if lang not in ("vi", "en"):
        raise typer.BadParameter("--lang: vi | en")
    inputs = inputs_of(given or [])

    async def body() -> Answer:
        settings = Settings()
        if pdf:
            from .extract_file import require_seal, save_extract  # late: the libraries of documents take a second

            require_seal(settings)
        async with database(settings) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            request = CheckRequest(
                procedure=procedure, subject=asked.subject(),
                inputs=typed_inputs(inputs, catalogue, procedure),
                dossier=dossier, purpose=purpose, as_of=parse_as_of(as_of), on_date=date_of(on_date),
            )  # fmt: skip
            principal = principal_named(identity, catalogue)
            answer = await check(opened, catalogue, request, principal)
            if pdf:
                await save_extract(opened, catalogue, answer, principal, settings=settings, file=pdf, language=lang)
            return answer

    answer = run(body, as_json=as_json)
    with errors_as_exit_codes(as_json=as_json):
        if as_json:
            print_json(answer.content)
        else:
            show(answer.content)
    if fail_on and answer.verdict.rank >= Verdict(fail_on).rank:
        raise typer.Exit(1)


def inputs_of(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = [name for name, sign, _ in pairs if not sign or not name]
    if wrong:
        raise typer.BadParameter(f"--set K=V: {', '.join(wrong)}")
    return {name.strip(): value for name, _, value in pairs}


def typed_inputs(inputs: dict[str, str], catalogue: Catalogue, procedure_id: str) -> dict[str, object]:
    """Texts of the command line as values of the inputs' types; what does not fit stays text and is refused later."""
    procedure = catalogue.profile.procedure(procedure_id)
    return {name: _value(text, name, procedure) for name, text in inputs.items()}


def _value(text: str, name: str, procedure: ProcedureDefinition | None) -> object:
    kind = next((one.type for one in procedure.inputs if one.name == name), "string") if procedure else "string"
    try:
        if kind in ("integer", "number"):
            return int(text) if kind == "integer" else float(text)
        if kind == "date":
            return date.fromisoformat(text)
    except ValueError:
        return text
    return {"true": True, "false": False}.get(text.lower(), text) if kind == "boolean" else text


def date_of(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        message = Message(
            f"Ngày '{text}' không hợp lệ; viết NĂM-THÁNG-NGÀY.", f"'{text}' is no date; write YYYY-MM-DD."
        )
        raise InvalidInputsError(message.vi, message.en, [FieldError("on_date", message)]) from None


# ── for a person ─────────────────────────────────────────────────────────────────────────────────


def show(answer: dict[str, Any]) -> None:
    """The answer as a table: Vietnamese with English, office wording."""
    subject = answer["subject"]
    output.print(
        marked(
            "[bold]{}[/bold] · {} m² · fid:{}",
            subject["label"], number(subject["area_m2"], 1, "vi"), subject["fid"] or "-",
        )
    )  # fmt: skip
    title = answer["procedure"]["title"]
    output.print(f"{title['vi']} · {title['en']} · {day(answer['on_date'])}")
    table = Table(show_lines=True, expand=False)
    for heading in ("Nội dung kiểm tra · check", "Kết quả · outcome", "Đo đạc · measure", "Kết luận · verdict"):
        table.add_column(heading, overflow="fold")
    for finding in answer["findings"]:
        _add(table, finding, "")
        for member in finding.get("members", ()):
            _add(table, member, "  ")
    output.print(table)
    verdict = Verdict(answer["verdict"])
    words = VERDICTS[verdict]
    output.print(marked(f"[bold {_COLOURS[verdict]}]{{}}[/] · {{}}", words.vi, words.en))
    console.print(f"bản ghi / record {answer['id']}", style="dim")


def _add(table: Table, finding: dict[str, Any], indent: str) -> None:
    label = label_of(finding)
    verdict = Verdict(finding["verdict"])
    optional = "" if finding["required"] else "\n(tham khảo · for information)"
    reasons = "".join(f"\n{reason['message']['vi']}" for reason in finding["reasons"])
    table.add_row(
        marked("{}{}\n{}[dim]{}{}[/dim]", indent, finding["title"]["vi"], indent, finding["title"]["en"], optional),
        marked("{} · {}[dim]{}[/dim]", label.vi, label.en, reasons),
        _measured(finding),
        marked(f"[{_COLOURS[verdict]}]{{}}[/] · {{}}", VERDICTS[verdict].vi, VERDICTS[verdict].en),
    )


def _measured(finding: dict[str, Any]) -> str:
    measure, lines = finding["measure"], []
    if measure["area_m2"]:
        lines.append(f"{number(measure['area_m2'], 1, 'vi')} m²")
    if measure["length_m"]:
        lines.append(f"{number(measure['length_m'], 1, 'vi')} m trong thửa · inside")
    if measure["nearest_m"]:
        lines.append(f"cách · at {number(measure['nearest_m'], 1, 'vi')} m")
    lines += [str(feature["key"] or feature["fid"]) for feature in finding["features"][:5]]
    return "\n".join(lines) or "-"
