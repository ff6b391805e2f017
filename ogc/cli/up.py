"""`lienthong up`: database, schema, profile, demo province, worker, server; each step only where it is needed."""

from __future__ import annotations

import ipaddress
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from layers.errors import RefusedError
from layers.profile.apply import apply, plan
from layers.profile.load import load_profile
from layers.profile.profile import Profile
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database
from layers.store.migrate import migrate
from ogc.common.proxies import networks, prefix
from ogc.settings import Settings

from .context import caller, console, database_url, errors_as_exit_codes, marked, server_url

DEMO_PARCELS = 60_000
DEMO_SEED = 2025


def register(app: typer.Typer) -> None:
    app.command(help="Khởi động toàn bộ dịch vụ · bring everything up")(up)


def up(
    demo: Annotated[bool, typer.Option("--demo", help="tỉnh giả định, danh tính thử · synthetic province")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    host: str = "127.0.0.1",
    parcels: Annotated[int, typer.Option(help="số thửa của tỉnh giả định · parcels of the demo")] = DEMO_PARCELS,
    seed: int = DEMO_SEED,
    processes: Annotated[int, typer.Option(min=1, max=64, help="tiến trình phục vụ · serving processes")] = 1,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker")] = True,
    root_path: Annotated[
        str | None, typer.Option(help="đường dẫn gốc sau proxy, ví dụ /gis · path prefix behind a proxy")
    ] = None,
) -> None:
    """Exit 1 with two sentences when a step cannot be done; what was done stays done."""
    settings = Settings() if root_path is None else Settings(root_path=root_path)
    with errors_as_exit_codes():
        prefix(settings.root_path), networks(settings.trusted_proxies)  # refused before anything is started
        _refuse_open_demo(demo, host)
        url = database_url(settings)
        console.print(marked("[green]✓[/green] cơ sở dữ liệu / database"))
        migrate(url)
        profile = load_profile(settings.profile_folder)
        anyio.run(_apply_profile, url, profile)
        if demo:
            _seal_of_demo(settings)
            anyio.run(_publish_demo, url, settings, parcels, seed)
    _announce(profile, host, port, prefix(settings.root_path), demo=demo)
    from ogc.serving import serve  # late: the web libraries take a second

    with errors_as_exit_codes(), _worker() if with_worker else nullcontext():
        serve(settings, server_url(settings), host, port, demo=demo, processes=processes)


def _seal_of_demo(settings: Settings) -> None:
    """The demo makes its own certificate, and says so."""
    from ogc.extract.certificate import certificate_of

    made = certificate_of(settings, demo=True, now=datetime.now(UTC))
    kind = "chạy thử / demo" if made.is_demo else "LIENTHONG_SEAL_P12"
    console.print(marked("[green]✓[/green] chứng thư của dấu / certificate of the seal ({}): {}", kind, made.name))


def _refuse_open_demo(demo: bool, host: str) -> None:
    """Development tokens exist on loopback only."""
    if demo and not _is_loopback(host):
        raise RefusedError(
            "--demo chỉ chạy trên 127.0.0.1 vì có danh tính thử nghiệm.",
            "--demo serves on loopback only: it has development identities.",
        )


def _is_loopback(host: str) -> bool:
    """A name other than localhost may lead anywhere: it counts as open."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _apply_profile(url: str, profile: Profile) -> None:
    async with Database.open(url, size=2) as database:
        async with database.connection() as connection:
            planned = await plan(connection, profile)
        if planned.asks:
            raise RefusedError(
                "Hồ sơ thay đổi bảng đã có dữ liệu. Xem 'lienthong profile plan', rồi 'lienthong profile apply'.",
                "The profile changes tables with rows. See 'lienthong profile plan', then 'lienthong profile apply'.",
            )
        await apply(database, profile, caller().os_user or "")
    layers = f"{len(profile.layers)} lớp / layers"
    console.print(marked("[green]✓[/green] hồ sơ / profile [b]{}[/b]: {}", profile.header.id, layers))


async def _publish_demo(url: str, settings: Settings, parcels: int, seed: int) -> None:
    from layers.demo.dossiers import register_demo_dossiers
    from layers.demo.publish import publish_demo

    folder = settings.data_folder / f"demo-{parcels}-{seed}"
    async with Database.open(url, size=4, statement_timeout_ms=600_000, rasters=settings.rasters_folder) as database:
        async with database.connection() as connection:
            catalogue = await load_catalogue(connection)
        _generate(folder, parcels, seed, catalogue.profile)
        with _progress() as progress:
            task = progress.add_task("công bố / publishing")

            def show(done: int, total: int, what: str) -> None:
                progress.update(task, completed=done, total=total, description=f"công bố / publishing {what}")

            await publish_demo(database, folder, show)
        dossiers = await register_demo_dossiers(database, folder)
    console.print(marked("[green]✓[/green] tỉnh giả định (dữ liệu tổng hợp) / demo province (synthetic data)"))
    for one in dossiers:
        console.print(marked("  hồ sơ / dossier [b]{}[/b]: {}, {}", one.id, one.procedure, one.office))


def _generate(folder: Path, parcels: int, seed: int, profile: Profile) -> None:
    from layers.demo.generate import generate

    if (folder / "manifest.json").exists():  # written last
        return
    with _progress() as progress:
        task = progress.add_task("tạo dữ liệu / generating")

        def show(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total, description=f"tạo dữ liệu / generating {what}")

        generate(folder, parcels, seed, profile, show)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True,
    )  # fmt: skip


def _announce(profile: Profile, host: str, port: int, root_path: str, *, demo: bool) -> None:
    base = f"http://{host}:{port}{root_path}"
    console.print()
    for path, what in (("/", "trang đầu / landing"), ("/map", "bản đồ / map"), ("/check", "kiểm tra thửa đất / check")):
        console.print(f"  {base}{path:<8} {what}", highlight=False)
    if demo:
        console.print(marked("\n  [yellow]danh tính thử / demo identities[/yellow] (lienthong token --as …)"))
        for identity in profile.identities:
            console.print(f"    {identity.id:<22} {identity.title.vi} / {identity.title.en}", highlight=False)
    console.print("\n  Ctrl+C để dừng / to stop\n")


@contextmanager
def _worker() -> Iterator[None]:
    """The worker beside the server; it ends with it, also when the server is told to end by SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal again once it has shut down
    process = subprocess.Popen([sys.executable, "-m", "ogc.cli", "worker"], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)
