"""`lienthong audit verify`: whether the events are what they were when they were sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from layers.errors import InvalidRequestError
from layers.sharing.verification import Verification, verify
from layers.sharing.witness import witness_file
from layers.store.connection import Database
from layers.store.seals import Chain
from ogc.settings import Settings

from .context import console, database, errors_as_exit_codes, marked, print_json, require_operator, run

app = typer.Typer(no_args_is_help=True, help="Nhật ký truy cập · access events")

WITNESS = typer.Option(
    "--witness", help="tệp đối chứng; mặc định: tệp trong thư mục dữ liệu · default: the one in the data folder"
)


@app.callback()
def audit() -> None:
    """Nhật ký truy cập · access events."""


@app.command("verify")
def verify_events(
    witness: Annotated[Path | None, WITNESS] = None,
    identity: Annotated[str | None, typer.Option("--as", help="chỉ người vận hành · the operator's alone")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Nêu từng sự kiện bị sửa, mất, thêm hoặc cắt đuôi · name each event changed, missing, added or cut off."""
    with errors_as_exit_codes(as_json=as_json):
        require_operator(identity)
    found = run(lambda: _verify(Settings(), witness), as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        _print(found)
    if not found.is_sound:
        raise typer.Exit(1)


async def _verify(settings: Settings, witness: Path | None) -> Verification:
    async with database(settings, size=2) as opened:
        file = witness or await _own_witness(settings, opened)
        try:
            return await verify(opened, file)
        except OSError as error:
            raise InvalidRequestError(
                f"Không đọc được tệp đối chứng '{file}': {error.strerror}.",
                f"The witness '{file}' cannot be read: {error.strerror}.",
            ) from error


async def _own_witness(settings: Settings, opened: Database) -> Path | None:
    """The file this machine's service writes; None where it has not written any."""
    async with Chain.of(opened) as chain:
        head = await chain.head()
    file = witness_file(settings.data_folder, head.database)
    return file if file.exists() else None


def _print(found: Verification) -> None:
    for finding in found.findings:
        when = f" ({finding.as_dict()['at']})" if finding.at else ""
        console.print(marked("[red]✗[/red] {}{}", finding.message.vi, when), soft_wrap=True)
        console.print(f"  {finding.message.en}", style="dim", highlight=False, soft_wrap=True)
    if found.more:
        console.print(f"… +{found.more}", highlight=False)
    if found.is_sound:
        console.print(marked("[green]✓[/green] nguyên vẹn / sound"))
    console.print(
        f"{found.sealed} sự kiện trong {found.seals} niêm phong, {found.unsealed} chưa niêm phong, "
        f"{found.open} chưa kết thúc · {found.sealed} events in {found.seals} seals, {found.unsealed} not sealed yet, "
        f"{found.open} left open",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if found.witness is None:
        console.print(
            "Không có tệp đối chứng: không thấy được đuôi bị cắt · no witness: an end cut off cannot be seen",
            style="yellow", highlight=False, soft_wrap=True,
        )  # fmt: skip
