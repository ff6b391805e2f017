"""`lienthong verify FILE.pdf`: is the extract what it was? Offline: no service, no database, no data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from layers.errors import SourceError
from ogc.extract.offices import roots_of
from ogc.extract.verify import Examination, Signature, certificates_in, examine
from ogc.web.formats import moment

from .context import errors_as_exit_codes, marked, output, print_json

#: bytes of a file that is looked at
LARGEST = 50_000_000
_DEMO = "chứng thư chạy thử, không có giá trị pháp lý / demo certificate, no legal value"
_KINDS = {
    "seal": "dấu của hệ thống / system's seal",
    "office": "chữ ký / signature",
    "time": "dấu thời gian / time stamp",
}
_INTACT = """[green]✓[/green] Phiếu còn nguyên; sau dấu chỉ có chữ ký.
  [dim]The extract is intact; nothing but signatures follows the seal.[/dim]"""
_OFFLINE = """  Không có mạng thì không biết dữ liệu đã thay đổi hay chưa: xem mã QR trên phiếu (/verify/…).
  [dim]Offline nothing is known of whether data have changed since: see the QR code of the paper (/verify/…).[/dim]"""
_NOT_COMPARED = """[yellow]![/yellow] Chưa đối chiếu chứng thư: so mã SHA-256 với mã cơ quan công bố, hoặc dùng --trust.
  [dim]The certificate was not compared: compare its SHA-256 with the published one, or use --trust.[/dim]"""
_UNCHECKED = "chưa xác minh được người ký / the signer was not checked (--offices)"


def register(app: typer.Typer) -> None:
    """Hang the command on the program."""
    app.command("verify")(command)


def command(
    file: Annotated[Path, typer.Argument(help="tệp PDF của phiếu · the extract's PDF")],
    trust: Annotated[
        Path | None,
        typer.Option("--trust", metavar="CERT.pem", help="chứng thư phải có của dấu · the seal must be of this one"),
    ] = None,
    offices: Annotated[
        Path | None,
        typer.Option(
            "--offices",
            metavar="ROOTS.pem",
            envvar="LIENTHONG_OFFICE_ROOTS",
            help="chứng thư gốc của các cơ quan ký · roots of the offices that sign",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Xác thực phiếu kết quả không cần mạng · verify an extract, offline. Exit 1 when it is not what it was."""
    with errors_as_exit_codes(as_json=as_json):
        trusted = certificates_in(_read(trust)) if trust else ()
        found = examine(_read(file), trusted, roots_of(offices))
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found, is_trust_given=trust is not None)
    raise typer.Exit(0 if found.is_good else 1)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size <= LARGEST:
            return file.read_bytes()
        why = f"> {LARGEST // 1_000_000} MB"
    except OSError as error:
        why = type(error).__name__
    raise SourceError(f"Không đọc được '{file}' ({why}).", f"'{file}' cannot be read ({why}).")


def _show(found: Examination, *, is_trust_given: bool) -> None:
    for message in found.messages():
        output.print(marked("[red]✗[/red] {}\n  [dim]{}[/dim]", message.vi, message.en))
    if found.is_good:
        output.print(marked(_INTACT))
    for signature in found.signatures:
        _show_signature(signature)
    _show_answer(found.answer or {}, found.pdfa)
    if found.is_good:
        output.print(marked(_OFFLINE))
    if found.is_good and not is_trust_given:
        output.print(marked(_NOT_COMPARED))


def _show_signature(one: Signature) -> None:
    at = moment(one.at.isoformat()) if one.at else "–"
    output.print(marked("  {}: [b]{}[/b], {}", _KINDS[one.kind], one.signer, at))
    output.print(f"    SHA-256 {one.fingerprint}", style="dim")
    if one.kind == "office" and not one.is_trusted:
        output.print(f"    {_UNCHECKED}", style="yellow")
    if one.is_demo:
        output.print(f"    {_DEMO}", style="yellow")


def _show_answer(answer: Any, pdfa: str | None) -> None:
    if answer:
        output.print(f"  bản ghi / record {answer.get('id')}, {answer.get('created')}, {answer.get('verdict')}")
    if pdfa:
        output.print(f"  {pdfa}")
