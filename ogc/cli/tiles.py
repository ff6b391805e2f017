"""`lienthong tiles`: tiles kept on disk, drawn ahead, counted, cleared."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from layers.access.principal import PUBLIC, Principal
from layers.store.catalogue import Catalogue, load_catalogue
from layers.tiling.cache import TileCache
from layers.tiling.seeding import Seeded, Seeding, seed
from ogc.common.relation import LOCAL_TIME
from ogc.settings import Settings

from .context import console, database, output, principal_named, print_json, run

if TYPE_CHECKING:
    from layers.tiling.seeding import OnTile

app = typer.Typer(no_args_is_help=True, help="Ô bản đồ lưu sẵn · tiles kept on disk")

AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]
ANYONE = "anyone"
_MEGABYTE = 1_000_000


@app.callback()
def tiles() -> None:
    """Ô bản đồ lưu sẵn · tiles kept on disk."""


@app.command("seed")
def seed_(
    layer: Annotated[
        list[str] | None, typer.Option("--layer", help="chỉ các lớp này · only these layers; may be repeated")
    ] = None,
    zooms: Annotated[str, typer.Option("--zooms", metavar="FROM-TO", help="các mức phóng · zoom levels")] = "6-14",
    identity: Annotated[
        str, typer.Option("--as", metavar="IDENTITY|anyone", help="theo quyền của ai · with whose rights")
    ] = ANYONE,
    purpose: Annotated[str | None, typer.Option("--purpose", help="mục đích · the purpose of use")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=32, help="số kết nối · connections")] = 2,
    as_json: AsJson = False,
) -> None:
    """Vẽ sẵn các ô; chạy lại thì làm tiếp · draw tiles ahead; run again, it goes on."""
    span, settings = _span(zooms), Settings()
    cache = _cache(settings)

    async def body() -> Seeded:
        async with database(settings, size=workers + 2) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            who = _principal(identity, catalogue)
            asked = Seeding(who, span, tuple(layer or ()), purpose, workers)
            today = datetime.now(LOCAL_TIME).date()
            with _shown() as progress:
                return await seed(opened, catalogue, cache, asked, today=today, on_tile=_teller(progress))

    report = run(body, as_json=as_json)
    if as_json:
        print_json(report.as_dict())
    else:
        _tell(report)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Số ô và dung lượng theo lớp · tiles and bytes by layer."""
    settings = Settings()
    found = _cache(settings).sizes()
    if as_json:
        listed = {name: {"tiles": count, "bytes": size} for name, (count, size) in found.items()}
        print_json({"limit_bytes": settings.tile_cache_mb * _MEGABYTE, "layers": listed})
        return
    for name, (count, size) in found.items():
        output.print(f"{name}: {count} · {size / _MEGABYTE:.1f} MB")
    total = sum(size for _, size in found.values())
    output.print(f"{total / _MEGABYTE:.1f} / {settings.tile_cache_mb} MB")


@app.command()
def clear(
    layer: Annotated[str | None, typer.Option("--layer", help="chỉ lớp này · only this layer")] = None,
    as_json: AsJson = False,
) -> None:
    """Xóa các ô đã lưu · remove the kept tiles."""
    cache = _cache(Settings())
    before = cache.size_bytes()
    cache.clear(layer)
    removed = before - cache.size_bytes()
    if as_json:
        print_json({"removed_bytes": removed})
    else:
        console.print(f"Đã xóa · removed: {removed / _MEGABYTE:.1f} MB")


def forget(layer: str) -> None:
    """Nothing of a layer stays on the disk: it was taken back."""
    _cache(Settings()).clear(layer)


def _cache(settings: Settings) -> TileCache:
    return TileCache(settings.tiles_folder, settings.tile_cache_mb * _MEGABYTE)


def _principal(identity: str, catalogue: Catalogue) -> Principal:
    return PUBLIC if identity == ANYONE else principal_named(identity, catalogue)


def _span(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        span = range(int(first), int(last or first) + 1)
    except ValueError:
        span = range(0)
    if not span or span[0] < 0 or span[-1] > 22:
        raise typer.BadParameter("--zooms: 6-14 (0 … 22)")
    return span


def _shown() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
        transient=True,
    )  # fmt: skip


def _teller(progress: Progress) -> OnTile:
    task = progress.add_task("", total=None)

    def tell(layer: str, done: int, total: int, size: int) -> None:
        progress.update(task, description=f"{layer} · {size / _MEGABYTE:.0f} MB", completed=done, total=total)

    return tell


def _tell(report: Seeded) -> None:
    output.print(f"Đã vẽ · drawn: {report.drawn} ({report.empty} trống · empty); đã có · kept before: {report.found}")
    output.print(f"{report.bytes / _MEGABYTE:.1f} MB")
    if report.is_full:
        console.print("Đã đầy: tăng LIENTHONG_TILE_CACHE_MB · full: raise LIENTHONG_TILE_CACHE_MB")
    for name, reason in report.skipped.items():
        console.print(f"  {name}: {reason}", style="dim")
