"""`lienthong doctor`: what is not as it should be, and what to do about it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Annotated

import typer

from gis.errors import LienthongError, Message
from layers.errors import UnavailableError
from layers.store.catalogue import load_catalogue
from layers.store.cluster import Cluster
from layers.store.connection import Database
from layers.store.drift import Walls, examine
from layers.store.migrate import newest_version
from layers.store.status import damaged_layers, database_status
from ogc.settings import Settings
from ogc.web.glyphs import VENDOR

from .context import console, marked, print_json, run

MIN_FREE_GB = 2.0


def register(app: typer.Typer) -> None:
    app.command(help="Kiểm tra máy và cơ sở dữ liệu · examine machine and database")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Exit 1 when something is not as it should be."""
    problems, walls = run(lambda: _examine(Settings()), as_json=as_json)
    if as_json:
        shown = None if walls is None else walls.as_dict()
        print_json({"problems": [problem.as_dict() for problem in problems], "walls": shown})
    for problem in problems if not as_json else ():
        console.print(marked("[red]✗[/red] {}", problem), soft_wrap=True)
    if not problems and not as_json:
        console.print(marked("[green]✓[/green] không thấy vấn đề / nothing found"))
    if walls is not None and not as_json:
        console.print(f"  tường bảo mật / walls: {walls.standing}/2", highlight=False)
    if not as_json:
        console.print(f"  dấu trên phiếu / seal: {_seal_in_words(Settings())}", highlight=False)
    raise typer.Exit(1 if problems else 0)


async def _examine(settings: Settings) -> tuple[list[Message], Walls | None]:
    walls = await _walls(settings)
    return [*_machine(settings), *_seal(settings), *await _database(settings), *_told(walls)], walls


def _seal(settings: Settings) -> list[Message]:
    """A certificate that cannot seal, or soon cannot; none at all is no fault until a PDF is wanted."""
    from ogc.cli.extract_file import is_demo  # late: the libraries of documents take a second
    from ogc.extract.certificate import certificate_of

    if settings.seal_p12 is None and not is_demo(settings):
        return []
    now = datetime.now(UTC)
    try:
        found = certificate_of(settings, demo=is_demo(settings), now=now).require_valid(now)
    except LienthongError as error:
        return [error.message]
    if found.expires_soon(now):
        return [Message(f"Chứng thư đóng dấu hết hạn ngày {found.not_after:%d/%m/%Y}: chuẩn bị chứng thư mới.",
                        f"The seal's certificate expires on {found.not_after:%Y-%m-%d}: get a new one.")]  # fmt: skip
    return []


def _seal_in_words(settings: Settings) -> str:
    if settings.seal_p12:
        return settings.seal_p12.name
    made = (settings.secrets_folder / "seal_demo.p12").exists()
    return "chứng thư chạy thử, không có giá trị pháp lý / demo certificate" if made else "chưa có / none: no PDF"


def _machine(settings: Settings) -> list[Message]:
    found = []
    folder = next(path for path in (settings.data_folder, *settings.data_folder.parents) if path.exists())
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < MIN_FREE_GB:
        found.append(Message(f"Đĩa chỉ còn {free_gb:.1f} GB.", f"Only {free_gb:.1f} GB of disk are left."))
    if not (VENDOR / "maplibre").is_dir():
        found.append(Message("Thiếu tài nguyên giao diện: chạy 'make assets'.", "Front-end assets: run 'make assets'."))
    secrets = settings.secrets_folder
    if secrets.exists() and secrets.stat().st_mode & 0o077:
        found.append(Message(f"{secrets} mở cho người khác: chmod 700.", f"{secrets} is open to others: chmod 700."))
    return found


async def _database(settings: Settings) -> list[Message]:
    if not settings.database_url and not Cluster.at(settings.data_folder).is_running:
        return [Message("Cơ sở dữ liệu chưa chạy: 'lienthong db start'.", "The database stands: 'lienthong db start'.")]
    url = settings.database_url or Cluster.at(settings.data_folder).url
    state = await database_status(url)
    found = []
    if state["schema"] != state["needed_schema"]:
        found.append(Message("Lược đồ cũ: 'lienthong db migrate'.", "The schema is old: 'lienthong db migrate'."))
    if state["schema"] and not state["profile"]:
        found.append(Message("Chưa áp dụng hồ sơ: 'lienthong profile apply'.", "No profile: run 'profile apply'."))
    for name in state.get("invalid_indexes", ()):  # type: ignore[attr-defined]
        found.append(Message(f"Chỉ mục hỏng {name}: REINDEX.", f"Broken index {name}: REINDEX."))
    if state["schema"] == state["needed_schema"]:
        found += [_damaged(layer) for layer in await damaged_layers(url)]
    return found


def _damaged(layer: str) -> Message:
    return Message(
        f"Dữ liệu kiểm tra của lớp '{layer}' không còn đủ như khi công bố: khôi phục bản sao lưu hoặc công bố lại lớp.",
        f"What checks read of the layer '{layer}' is not all that was published: restore a backup or publish it again.",
    )


async def _walls(settings: Settings) -> Walls | None:
    """The two walls around the layers; None where there is nothing to look at yet."""
    if not settings.database_url and not Cluster.at(settings.data_folder).is_running:
        return None
    url = settings.database_url or Cluster.at(settings.data_folder).url
    if (await database_status(url))["schema"] != newest_version():
        return None
    async with Database.open(url, size=1) as database, database.transaction(snapshot=True) as connection:
        try:
            return await examine(connection, await load_catalogue(connection))
        except UnavailableError:
            return None


def _told(walls: Walls | None) -> list[Message]:
    """Whatever is to be done about the walls."""
    if walls is None:
        return []
    return [
        Message(f"Tường {walls.standing}/2: {message.vi}", f"Walls {walls.standing} of 2: {message.en}")
        for message in (*walls.faults, *walls.remarks)
    ]
