"""`lienthong layer`: inspect files, publish them, look back, go back, take back."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import anyio.to_thread
import typer

from layers.errors import NotFoundError, StoreError, UnavailableError
from layers.profile.grammar import LayerDefinition
from layers.profile.load import load_profile
from layers.profile.profile import Profile
from layers.publishing import revisions
from layers.publishing.inspection import Communes, Inspection, inspect_source
from layers.publishing.options import PublishOptions, ReadOptions
from layers.publishing.publication import publish as publish_file
from layers.publishing.publication import read_communes, target_of
from layers.publishing.raster_inspection import RasterInspection, inspected_raster
from layers.publishing.raster_publication import publish_raster
from layers.publishing.raster_report import RasterReport
from layers.publishing.raster_source import is_raster_file
from layers.publishing.report import PublishReport
from layers.publishing.source import Progress, Source, read_source
from layers.publishing.unknown import definition_of
from layers.publishing.without_communes import Missing
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from ogc.settings import Settings

from .context import console, database, has_database, marked, output, principal_named, print_json, run
from .layer_asked import AsJson, Identity, LayerOption, Words, on_database, words_of
from .layer_coverage import coverage
from .layer_export import export
from .layer_past import diff, history, list_layers, show
from .layer_report import progress_bars, show_any_inspection, show_report
from .tiles import forget

app = typer.Typer(no_args_is_help=True, help="Lớp dữ liệu · layers: inspect, publish, history, rollback, withdraw")

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="tệp, ZIP hoặc thư mục .gdb · a file, ZIP or .gdb")]
SourceLayer = Annotated[
    str | None, typer.Option("--source-layer", help="lớp trong tệp · which layer of a file with several")
]
Crs = Annotated[str | None, typer.Option("--crs", metavar="EPSG:n", help="hệ tọa độ của tệp · the file's CRS")]
Map = Annotated[
    list[str] | None, typer.Option("--map", metavar="a=B", help="cột a lấy từ cột B của tệp · column a from column B")
]
SwapAxes = Annotated[bool, typer.Option("--swap-axes", help="đổi chỗ X và Y · exchange x and y")]
Reason = Annotated[str, typer.Option("--reason", help="lý do · the reason, kept in the history")]

Note = Annotated[
    str,
    typer.Option(
        "--note",
        help="ghi chú của phiên bản công bố; ai đọc được lớp đều thấy"
        " · note of the release, shown to everybody who may read the layer",
    ),
]


# ── inspect and publish ──────────────────────────────────────────────────────────────────────────
@app.command()
def inspect(
    file: FileArgument,
    layer: LayerOption = None,
    source_layer: SourceLayer = None,
    crs: Crs = None,
    mapped: Map = None,
    swap_axes: SwapAxes = False,
    strict: Annotated[bool, typer.Option("--strict", help="thoát 1 khi có lỗi · exit 1 on any defect")] = False,
    as_json: AsJson = False,
) -> None:
    """Kiểm tra một tệp mà không công bố · look at a file without publishing it."""
    options = ReadOptions(source_layer, crs, swap_axes, _column_map(mapped))

    async def body() -> Inspection | RasterInspection:
        profile, communes = await _profile_and_communes()
        looked = _inspected_raster if is_raster_file(file) else _inspected
        with progress_bars() as progress:
            return await anyio.to_thread.run_sync(looked, file, layer, profile, communes, options, progress)

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found.as_dict())
    else:
        show_any_inspection(found)
    if strict and found.defects:
        raise typer.Exit(1)


def _inspected(
    file: Path, layer: str | None, profile: Profile, known: Communes | Missing, options: ReadOptions, progress: Progress
) -> Inspection:
    source = read_source(file, options.source_layer, layer, progress)
    definition = _definition_for(source, layer, profile)
    is_reference = definition.id == profile.header.reference_layers.commune
    missing: Missing = known if isinstance(known, str) else "unpublished"
    communes = None if isinstance(known, str) or is_reference else known
    return inspect_source(source, definition, profile, options, communes=communes, progress=progress, missing=missing)


def _inspected_raster(
    file: Path, layer: str | None, profile: Profile, known: Communes | Missing, options: ReadOptions, progress: Progress
) -> RasterInspection:
    communes = None if isinstance(known, str) else known
    definition = profile.layer(layer or file.stem.split(".")[0].lower())
    if definition is None or not definition.is_raster:
        listed = ", ".join(each.id for each in profile.layers if each.is_raster) or "–"
        raise NotFoundError(
            f"Nêu lớp ảnh bằng --layer. Các lớp ảnh: {listed}.",
            f"Name a raster layer with --layer. There are: {listed}.",
        )
    with inspected_raster(file, definition, profile, options, communes=communes, progress=progress) as found:
        return found


def _definition_for(source: Source, layer: str | None, profile: Profile) -> LayerDefinition:
    """The named layer, the one called like the file's layer or the file, else whatever the file holds."""
    if layer is not None:
        found = profile.layer(layer)
        if found is None:
            listed = ", ".join(sorted(each.id for each in profile.layers))
            raise NotFoundError(
                f"Không có lớp '{layer}' trong hồ sơ cấu hình. Các lớp: {listed}.",
                f"There is no layer '{layer}' in the profile. Its layers: {listed}.",
            )
        return found
    named = (profile.layer(name.lower()) for name in (source.layer, source.path.stem.split(".")[0]))
    return next((found for found in named if found is not None), None) or definition_of(source)


async def _profile_and_communes() -> tuple[Profile, Communes | Missing]:
    """The applied profile with the published communes, or why there are none; without a database the folder's."""
    settings = Settings()
    if not has_database(settings):
        return load_profile(settings.profile_folder), "no_database"
    try:
        async with database(settings) as opened, opened.connection() as connection:
            catalogue = await load_catalogue(connection)
            return catalogue.profile, await read_communes(connection, catalogue) or "unpublished"
    except UnavailableError:
        return load_profile(settings.profile_folder), "not_applied"
    except StoreError:
        return load_profile(settings.profile_folder), "no_answer"


@app.command()
def publish(  # noqa: PLR0913, PLR0917 - the options of contracts 2
    file: FileArgument,
    layer: Annotated[str, typer.Option("--layer", help="mã lớp · layer id")],
    source_layer: SourceLayer = None,
    crs: Crs = None,
    mapped: Map = None,
    swap_axes: SwapAxes = False,
    scope: Annotated[
        str | None,
        typer.Option("--scope", metavar="commune=CODE,…|CQL2", help="chỉ cập nhật phần này · touch only this"),
    ] = None,
    base: Annotated[
        int | None,
        typer.Option("--base", metavar="REV", help="phiên bản gốc của tệp · revision the file was made from"),
    ] = None,
    allow_removals: Annotated[
        bool, typer.Option("--allow-removals", help="cho phép xóa trên 5 % · allow removing more than 5 %")
    ] = False,
    take: Annotated[
        str | None, typer.Option("--take", metavar="file|current", help="khi xung đột · on conflicts")
    ] = None,
    complete_for: Annotated[
        str | None,
        typer.Option("--complete-for", metavar="all|CODES|FILE", help="phạm vi dữ liệu đầy đủ · the mapped area"),
    ] = None,
    note: Note = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="chỉ xem thay đổi · show the changes only")] = False,
    assume_yes: Annotated[bool, typer.Option("--yes", "-y", help="không hỏi lại · do not ask")] = False,
    identity: Identity = None,
    as_json: AsJson = False,
) -> None:
    """Công bố một tệp thành phiên bản mới của lớp · publish a file as the next revision of a layer."""
    if take not in (None, "file", "current"):
        raise typer.BadParameter("--take: file | current")
    options = PublishOptions(
        ReadOptions(source_layer, crs, swap_axes, _column_map(mapped)), scope, base, allow_removals,
        cast("Literal['file', 'current'] | None", take), complete_for, note, dry_run,
    )  # fmt: skip

    def confirm(report: PublishReport | RasterReport) -> bool:
        return _confirmed(report, assume_yes=assume_yes, as_json=as_json)

    async def body(opened: Database, catalogue: Catalogue) -> PublishReport | RasterReport:
        principal = principal_named(identity, catalogue)
        is_raster = target_of(catalogue, layer).definition.is_raster
        with progress_bars() as progress:
            if is_raster:
                return await publish_raster(
                    opened, catalogue, file, layer, options, principal=principal, progress=progress, confirm=confirm
                )
            return await publish_file(
                opened, catalogue, file, layer, options, principal=principal, progress=progress, confirm=confirm
            )

    report = on_database(body, as_json=as_json)
    if as_json:
        print_json(report.as_dict())
    else:
        _tell(report, layer, is_shown=not assume_yes and report.revision is not None)


def _tell(report: PublishReport | RasterReport, layer: str, *, is_shown: bool) -> None:
    """The end of a publication for a person; who was asked has seen the report already."""
    if not is_shown:
        show_report(report)
    if report.revision is None:
        output.print("Chưa ghi gì (--dry-run) · nothing was written")
        return
    told = f"{layer}, phiên bản/revision {report.revision}, bản công bố/release {report.release}"
    output.print(marked("[green]✓[/green] Đã công bố · published: {}", told))


def _confirmed(report: PublishReport | RasterReport, *, assume_yes: bool, as_json: bool) -> bool:
    """Asked on a terminal only; without one, and without --yes, the answer is no."""
    if assume_yes:
        return True
    if not as_json:
        show_report(report)
    return sys.stdin.isatty() and typer.confirm("Công bố? · Publish?", err=True)


def _column_map(pairs: list[str] | None) -> Mapping[str, str]:
    split = [pair.partition("=") for pair in pairs or ()]
    wrong = ["".join(pair) for pair in split if not pair[0] or not pair[2]]
    if wrong:
        raise typer.BadParameter(f"--map a=B: {', '.join(wrong)}")
    return {name: column for name, _, column in split}


app.command()(coverage)
app.command()(export)
app.command("list")(list_layers)
app.command()(show)
app.command()(history)
app.command()(diff)


# ── going back, taking back ──────────────────────────────────────────────────────────────────────
@app.command()
def rollback(
    words: Words = None,
    layer: LayerOption = None,
    note: Note = "",
    assume_yes: Annotated[bool, typer.Option("--yes", "-y", help="không hỏi lại · do not ask")] = False,
    identity: Identity = None,
    as_json: AsJson = False,
) -> None:
    """Quay về nội dung phiên bản cũ: LAYER REV · go back to the content of an older revision."""
    layer_id, revision = words_of(words, layer, 1, "rollback LAYER REV")
    if not (revision.isascii() and revision.isdigit()):
        raise typer.BadParameter("REV là một số / REV is a number")
    _ask(f"Khôi phục '{layer_id}' về phiên bản {revision}? · Go back to revision {revision}?", assume_yes)
    _change(
        lambda opened, catalogue: revisions.rollback(
            opened, catalogue, layer_id, int(revision), principal=principal_named(identity, catalogue), note=note
        ),
        "Đã khôi phục · rolled back", as_json,
    )  # fmt: skip


@app.command()
def suspend(
    reason: Reason, words: Words = None, layer: LayerOption = None, identity: Identity = None, as_json: AsJson = False
) -> None:
    """Tạm dừng phục vụ ngay · stop serving at once."""
    (layer_id,) = words_of(words, layer, 0, "suspend LAYER --reason …")
    _change(
        lambda opened, catalogue: revisions.suspend(
            opened, catalogue, layer_id, principal=principal_named(identity, catalogue), reason=reason
        ),
        "Đã tạm dừng · suspended", as_json,
    )  # fmt: skip


@app.command()
def resume(words: Words = None, layer: LayerOption = None, identity: Identity = None, as_json: AsJson = False) -> None:
    """Phục vụ lại lớp đang tạm dừng · serve a suspended layer again."""
    (layer_id,) = words_of(words, layer, 0, "resume LAYER")
    _change(
        lambda opened, catalogue: revisions.resume(
            opened, catalogue, layer_id, principal=principal_named(identity, catalogue)
        ),
        "Đã phục vụ lại · resumed", as_json,
    )  # fmt: skip


@app.command()
def withdraw(
    reason: Reason,
    words: Words = None,
    layer: LayerOption = None,
    assume_yes: Annotated[bool, typer.Option("--yes", "-y", help="không hỏi lại · do not ask")] = False,
    identity: Identity = None,
    as_json: AsJson = False,
) -> None:
    """Thu hồi lớp đã công bố; lịch sử vẫn giữ · take a published layer back; its history stays."""
    (layer_id,) = words_of(words, layer, 0, "withdraw LAYER --reason …")
    _ask(f"Thu hồi lớp '{layer_id}'? · Withdraw the layer?", assume_yes)
    _change(
        lambda opened, catalogue: revisions.withdraw(
            opened, catalogue, layer_id, principal=principal_named(identity, catalogue), reason=reason
        ),
        "Đã thu hồi · withdrawn", as_json,
    )  # fmt: skip
    forget(layer_id)


def _ask(question: str, assume_yes: bool) -> None:
    """A second thought on a terminal; a script has had its own."""
    if not assume_yes and sys.stdin.isatty() and not typer.confirm(question, err=True):
        raise typer.Exit(1)


def _change(body: Callable[[Database, Catalogue], Awaitable[dict[str, Any]]], done: str, as_json: bool) -> None:
    found = on_database(body, as_json=as_json)
    if as_json:
        print_json(found)
    else:
        console.print(marked("[green]✓[/green] {}: {}, phiên bản/revision {}", done, found["layer"], found["revision"]))
