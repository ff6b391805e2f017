"""`lienthong profile`: definitions as code; validate the folder, show what would change, apply it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from layers.errors import RefusedError
from layers.profile.apply import Applied
from layers.profile.apply import apply as apply_profile
from layers.profile.apply import plan as plan_profile
from layers.profile.load import load_profile
from layers.profile.plan import Plan
from layers.profile.profile import Profile
from layers.profile.schema import export
from layers.profile.texts import texts_of
from ogc.settings import Settings

from .context import caller, console, database, errors_as_exit_codes, marked, output, print_json, require_operator, run

app = typer.Typer(no_args_is_help=True, help="Hồ sơ cấu hình · the profile")
AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
Folder = Annotated[
    Path | None, typer.Argument(help="thư mục hồ sơ, mặc định LIENTHONG_PROFILE · profile folder", show_default=False)
]


@app.command()
def validate(folder: Folder = None, as_json: AsJson = False) -> None:
    """Kiểm tra hồ sơ, nêu mọi lỗi kèm tệp và dòng · check a profile, naming every error with file and line."""
    with errors_as_exit_codes(as_json=as_json):
        profile = _load(folder)
    summary = _summary(profile)
    if as_json:
        print_json({"valid": True, **summary})
    else:
        shown = ", ".join(f"{name} {count}" for name, count in summary.items() if isinstance(count, int))
        console.print(marked("[green]✓[/green] [b]{}[/b]: {}", profile.header.id, shown))


def _load(folder: Path | None) -> Profile:
    return load_profile((folder or Settings().profile_folder).absolute())


def _summary(profile: Profile) -> dict[str, object]:
    return {
        "profile": profile.header.id, "digest": texts_of(profile).whole.digest, "layers": len(profile.layers),
        "procedures": len(profile.procedures), "codes": len(profile.codes), "communes": len(profile.communes),
        "grants": len(profile.grants), "identities": len(profile.identities),
    }  # fmt: skip


@app.command()
def plan(folder: Folder = None, as_json: AsJson = False) -> None:
    """In các câu lệnh và tác động nếu áp dụng · print the DDL and effects of applying it."""
    with errors_as_exit_codes(as_json=as_json):
        profile = _load(folder)
    made = run(lambda: _plan(profile), as_json=as_json)
    if as_json:
        print_json(made.as_dict())
    else:
        _show(made, with_sql=True)
    if made.refusals:
        raise typer.Exit(1)


async def _plan(profile: Profile) -> Plan:
    async with database(size=2) as opened, opened.connection() as connection:
        return await plan_profile(connection, profile)


def _show(made: Plan, *, with_sql: bool) -> None:
    if made.is_empty:
        output.print(marked("[green]✓[/green] {}: không có gì thay đổi / nothing to do", made.profile_id))
    for step in made.steps:
        mark = "[yellow]![/yellow]" if step.touches_rows else "[green]+[/green]"
        output.print(marked(f"{mark} {{}}", step.message))
        for statement in step.sql if with_sql else ():
            output.print(f"    {' '.join(statement.split())};", style="dim")
    for refusal in made.refusals:
        output.print(marked("[red]✗[/red] {}", refusal.message))


@app.command()
def apply(
    folder: Folder = None,
    yes: Annotated[bool, typer.Option("--yes", help="không hỏi lại · do not ask")] = False,
    identity: Annotated[str | None, typer.Option("--as", help="chỉ người vận hành · the operator's alone")] = None,
    as_json: AsJson = False,
) -> None:
    """Áp dụng hồ sơ trong một giao dịch · apply the profile in one transaction."""
    with errors_as_exit_codes(as_json=as_json):
        require_operator(identity)
        profile = _load(folder)
        if not yes:
            _ask(run(lambda: _plan(profile), as_json=as_json), as_json=as_json)
    applied = run(lambda: _apply(profile), as_json=as_json)
    if as_json:
        print_json(applied.as_dict())
    else:
        _show(applied.plan, with_sql=False)
        if applied.has_changed:
            output.print(marked("[green]✓[/green] {}: đã áp dụng / applied", profile.header.id))


async def _apply(profile: Profile) -> Applied:
    async with database(size=2) as opened:
        return await apply_profile(opened, profile, caller().os_user or "")


def _ask(made: Plan, *, as_json: bool) -> None:
    """Only DDL on tables that have rows is asked for. Raises RefusedError where nobody can answer, or says no."""
    if not made.asks or made.refusals:
        return
    if not as_json:
        _show(made, with_sql=True)
    is_terminal = sys.stdin.isatty() and not as_json
    if is_terminal and typer.confirm("Thay đổi bảng đã có dữ liệu? / Change tables that have rows?"):
        return
    raise RefusedError(
        "Chưa áp dụng: có thay đổi trên bảng đã có dữ liệu. Xem 'lienthong profile plan', rồi chạy lại với --yes.",
        "Not applied: tables with rows would change. See 'lienthong profile plan', then run again with --yes.",
    )


@app.command()
def schema(
    folder: Annotated[Path, typer.Argument(help="thư mục ghi · folder to write to")], as_json: AsJson = False
) -> None:
    """Xuất JSON Schema của các tệp hồ sơ · export JSON Schemas of a profile's files."""
    written = export(folder)
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        for path in written:
            output.print(str(path))
