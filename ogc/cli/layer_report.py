"""Reports of inspections and publications as a person reads them: Vietnamese first, English beneath."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from gis.errors import Message
from layers.publishing.inspection import Inspection
from layers.publishing.raster_inspection import RasterInspection
from layers.publishing.raster_report import RasterReport
from layers.publishing.report import PublishReport

from .context import console, marked, output

#: rows of one defect shown; --json has them all
_SHOWN = 5
_KINDS = {
    "invalid_ring": Message("Vòng tự cắt", "Self-crossing ring"),
    "duplicate_key": Message("Trùng khóa", "Repeated key"),
    "duplicate_shape": Message("Trùng hình", "Repeated shape"),
    "overlap": Message("Chồng lấn", "Overlap"),
    "null_geometry": Message("Thiếu hình", "No geometry"),
    "nan": Message("Tọa độ không phải số", "Coordinate not a number"),
    "wrong_crs": Message("Sai hệ tọa độ", "Wrong coordinate system"),
    "swapped_axes": Message("Đảo trục tọa độ", "Swapped axes"),
    "encoding": Message("Mã chữ cũ", "Legacy text"),
    "commune_mismatch": Message("Sai mã xã", "Commune does not match"),
    "schema": Message("Cột dữ liệu", "Columns"),
}
_STEPS = {
    "read": "Đọc tệp · reading",
    "inspect": "Kiểm tra · inspecting",
    "stage": "Chuẩn bị ghi · staging",
}


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """One bar a step, on stderr, and only on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, of: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(_STEPS.get(step, step), total=of or None)
            bars.update(tasks[step], completed=done, total=of or None)

        yield tell


def show_any_inspection(inspection: Inspection | RasterInspection) -> None:
    """What was found in a file of any kind."""
    if isinstance(inspection, RasterInspection):
        show_raster(inspection)
    else:
        show_inspection(inspection)


def show_report(report: PublishReport | RasterReport) -> None:
    """What was found, and what publishing it changes."""
    show_any_inspection(report.inspection)
    if isinstance(report, RasterReport):
        show_raster_changes(report)
    else:
        show_changes(report)


def show_raster(inspection: RasterInspection) -> None:
    found = inspection.as_dict()
    crs: Any = found["crs"]
    about: Any = found["raster"]
    about_file = found["source"], found["source_layer"], found["driver"]
    output.print(marked("[bold]{}[/bold] · kênh/band {} · {}", *about_file))
    output.print(f"Hệ tọa độ · CRS: {crs['used'] or '–'} ({crs['reason']}; {crs['found'] or '–'})")
    output.print(
        f"Ảnh · raster: {about['width']} × {about['height']} ô/cells, {about['cell'][0]:g} × {about['cell'][1]:g}, "
        f"{about['kind']}, nodata {about['nodata']}, {100 * about['valid_share']:.1f} % có giá trị/with a value"
    )
    for one in inspection.definition.classes:
        area = inspection.figures.areas_m2.get(one.number)
        if area is not None:
            output.print(f"  {one.number}: {one.title.vi} · {one.title.en}: {area / 1e4:.1f} ha")
    _show_defects(inspection)


def show_raster_changes(report: RasterReport) -> None:
    """What becomes of each class, what is declared, and what an officer should know."""
    if report.change is not None:
        share = report.change.changed_share
        output.print(f"Ô thay đổi · cells changed: {'–' if share is None else f'{100 * share:.2f} %'}")
    _show_declaration(report.declaration, report.notices)


def show_inspection(inspection: Inspection) -> None:
    """What was found, on stdout."""
    found = inspection.as_dict()
    crs: Any = found["crs"]
    about_file = found["source"], found["source_layer"], found["driver"], found["encoding"]
    output.print(marked("[bold]{}[/bold] · {} · {} · {}", *about_file))
    output.print(f"Hệ tọa độ · CRS: {crs['used'] or '–'} ({crs['reason']}; {crs['found'] or '–'})")
    rows: Any = found["rows"]
    output.print(
        f"Số dòng · rows: {rows['read']} đọc/read · {rows['accepted']} nhận/accepted · "
        f"{rows['repaired']} sửa/repaired · {rows['refused']} từ chối/refused"
    )
    _show_defects(inspection)
    _show_notices(inspection.notices)


def _show_defects(inspection: Inspection | RasterInspection) -> None:
    if not inspection.defects:
        output.print(marked("[green]✓[/green] Không phát hiện lỗi · no defects found"))
        return
    table = Table(title="Lỗi phát hiện · defects", title_justify="left", expand=False)
    for heading in ("Loại · kind", "Số · count", "Nội dung · what", "Ví dụ · examples"):
        table.add_column(heading, overflow="fold")
    for defect in inspection.defects:
        kind = _KINDS[defect.kind]
        colour = "red" if defect.severity == "error" else "yellow"
        examples = [f"{pair.a} × {pair.b}: {pair.area_m2:.2f} m²" for pair in defect.pairs[:_SHOWN]]
        examples = examples or [f"{row.key or ''} (dòng/row {row.row}: {row.action})" for row in defect.rows[:_SHOWN]]
        table.add_row(
            marked(f"[{colour}]{{}}[/{colour}]\n[dim]{{}}[/dim]", kind.vi, kind.en), str(defect.count),
            marked("{}\n[dim]{}[/dim]", defect.message.vi, defect.message.en), "\n".join(examples),
        )  # fmt: skip
    output.print(table)


def show_changes(report: PublishReport) -> None:
    """The difference to what stands, what is declared, and what an officer should know."""
    if report.difference is None:
        return
    changes = report.difference
    told = marked(
        "Thay đổi · changes: [green]+{}[/green] [yellow]~{}[/yellow] [red]−{}[/red] ={}",
        len(changes.added), len(changes.changed), len(changes.removed), changes.unchanged,
    )  # fmt: skip
    if len(changes.conflicts):
        told.append_text(marked(" · [red]{} xung đột/conflicts[/red]", len(changes.conflicts)))
    if report.outside_scope:
        told.append(f" · {report.outside_scope} ngoài phạm vi/outside the scope")
    output.print(told)
    _show_declaration(report.declaration, report.notices)


def _show_declaration(declaration: Mapping[str, object] | None, notices: Sequence[Message]) -> None:
    declared = (declaration or {}).get("complete_for")
    output.print(f"Dữ liệu đầy đủ cho · complete for: {declared or '–'} ({(declaration or {}).get('origin')})")
    _show_notices(notices)


def _show_notices(notices: Sequence[Message]) -> None:
    for notice in notices:
        output.print(marked("[yellow]![/yellow] {}\n  [dim]{}[/dim]", notice.vi, notice.en))


def show_table(title: str, headings: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for line in lines:
        table.add_row(*("" if cell is None else str(cell) for cell in line))
    output.print(table)


def show_facts(facts: Mapping[str, object]) -> None:
    for name, value in facts.items():
        output.print(marked("[bold]{}[/bold]: {}", name, "–" if value is None else value))
