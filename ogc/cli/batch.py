"""`lienthong batch`: a procedure for every row of a layer or a file, to two Parquet files."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from .check import date_of, inputs_of, typed_inputs
from .context import console, database, output, principal_named, print_json, purposes_named, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from layers.checking.batch import BatchReport

_STEPS = {
    "read": "đọc tệp · reading", "subjects": "đối tượng · subjects", "partition": "chia phần · partitions",
    "layers": "lớp dữ liệu · layers", "check": "kiểm tra · checking", "write": "ghi kết quả · writing",
}  # fmt: skip

_OUTDATED = (
    "{done}/{of} phần đã làm theo định dạng cũ nên được tính lại trên cùng dữ liệu · "
    "{done} of {of} partitions were left in an older format and are worked out again over the same data"
)


def register(app: typer.Typer) -> None:
    """Hang the command on the program."""
    app.command("batch")(command)


def command(  # noqa: PLR0913, PLR0917 - one option each
    file: Annotated[Path | None, typer.Argument(help="tệp vùng cần kiểm tra · a file of areas to check")] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="mọi dòng của lớp · every row of this layer")] = None,
    procedure: Annotated[str, typer.Option("--procedure", help="thủ tục · the procedure's id")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="thư mục kết quả · folder for the results")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="K=V", help="thông tin đầu vào · an input of the procedure")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="số tiến trình · processes")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="làm tiếp phần dở dang · go on with what was begun")] = False,
    source_layer: Annotated[
        str | None, typer.Option("--source-layer", help="lớp trong tệp · the layer in the file")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="dữ liệu đã biết đến … · data known at …")] = None,
    on_date: Annotated[str | None, typer.Option("--on-date", help="hiệu lực vào ngày … · law in force on …")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="mục đích sử dụng · purpose of use")] = None,
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Kiểm tra hàng loạt theo một thủ tục · check many subjects for a procedure."""
    if (file is None) == (layer is None):
        raise typer.BadParameter("cần đúng một trong FILE và --layer / exactly one of FILE and --layer")
    if not procedure or out is None:
        raise typer.BadParameter("cần --procedure và --out / --procedure and --out are needed")
    inputs, folder = inputs_of(given or []), out

    async def body() -> BatchReport:
        from layers.checking.batch import BatchRequest
        from layers.checking.request import parse_as_of
        from layers.jobs.batch_as import batch_as
        from layers.jobs.owner import Owner
        from layers.store.catalogue import load_catalogue
        from ogc.settings import Settings

        async with database(Settings()) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            request = BatchRequest(
                procedure=procedure, out=folder, layer=layer, file=file, source_layer=source_layer,
                inputs=typed_inputs(inputs, catalogue, procedure), as_of=parse_as_of(as_of),
                on_date=date_of(on_date), workers=workers, resume=resume, purpose=purpose,
            )  # fmt: skip
            owner = Owner(principal_named(identity, catalogue), purposes_named(identity, catalogue))
            with _shown() as progress:
                return await batch_as(opened, catalogue, request, owner, progress=progress)

    report = run(body, as_json=as_json)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)


@contextmanager
def _shown() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each step, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, of: int) -> None:
            if step == "outdated":
                console.print(_OUTDATED.format(done=done, of=of), soft_wrap=True)
                return
            if step not in tasks:
                tasks[step] = bars.add_task(_STEPS.get(step, step), total=of)
            bars.update(tasks[step], completed=done, total=of)

        yield tell


def _show(report: BatchReport) -> None:
    from gis.procedure import Outcome
    from layers.checking.wording import OUTCOMES, VERDICTS

    summary = report.summary
    found = [outcome for outcome in Outcome if any(outcome in counts for counts in summary.outcomes.values())]
    table = Table()
    table.add_column("Nội dung · check")
    for outcome in found:
        label = OUTCOMES[outcome]
        table.add_column(f"{label.vi}\n{label.en}", justify="right")
    for check, counts in summary.outcomes.items():
        table.add_row(check, *(f"{counts.get(outcome, 0):,}" for outcome in found))
    output.print(table)
    for verdict, words in VERDICTS.items():
        output.print(f"{words.vi} · {words.en}: {summary.verdicts.get(verdict, 0):,}")
    told = f"{report.subjects:,} đối tượng · subjects, {report.checks} nội dung · checks, {report.seconds:.1f} s"
    console.print(f"{told} → {report.findings}, {report.features}", style="dim", highlight=False, soft_wrap=True)
