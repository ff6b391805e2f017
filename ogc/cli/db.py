"""`lienthong db`: the private cluster, or what is known of an external database."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from layers.errors import StoreError
from layers.store.cluster import BINARIES, Cluster
from layers.store.migrate import migrate as migrate_database
from layers.store.migrate import newest_version
from layers.store.raster_files import NamedFile, RasterFolder
from layers.store.roles import join_roles_again, make_missing_roles, roles_named_in
from layers.store.status import database_status
from ogc.settings import Settings

from . import db_rasters
from .context import AnyDict, console, database_url, errors_as_exit_codes, marked, print_json, run

app = typer.Typer(no_args_is_help=True, help="Cơ sở dữ liệu · the database")
AsJson = Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")]


def _private(settings: Settings) -> Cluster:
    """The private cluster. Raises StoreError when an external database is configured."""
    if settings.database_url:
        raise StoreError(
            "Đang dùng cơ sở dữ liệu ngoài (LIENTHONG_DATABASE_URL); hãy quản lý nó bằng công cụ của nó.",
            "An external database is configured (LIENTHONG_DATABASE_URL); manage it with its own tools.",
        )
    return Cluster.at(settings.data_folder)


@app.command()
def init(as_json: AsJson = False) -> None:
    """Tạo cụm dữ liệu riêng nếu chưa có · make the private cluster where it is missing."""
    with errors_as_exit_codes(as_json=as_json):
        cluster = _private(Settings())
        is_new = not cluster.is_initialised
        if is_new:
            cluster.initialise()
    _tell({"folder": str(cluster.folder), "created": is_new}, str(cluster.folder), as_json=as_json)


@app.command()
def start(as_json: AsJson = False) -> None:
    """Khởi động (và tạo nếu chưa có) · start, initialising a missing cluster."""
    with errors_as_exit_codes(as_json=as_json):
        url = _private(Settings()).ensure_started().url
    _tell({"running": True, "url": url}, url, as_json=as_json)


@app.command()
def stop(as_json: AsJson = False) -> None:
    """Dừng cụm dữ liệu riêng · stop the private cluster."""
    with errors_as_exit_codes(as_json=as_json):
        _private(Settings()).stop()
    _tell({"running": False}, "đã dừng / stopped", as_json=as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Trạng thái, phiên bản · state and versions."""

    async def show() -> None:
        settings = Settings()
        if not settings.database_url and not _private(settings).is_running:
            found: dict[str, object] = {"running": False, "needed_schema": newest_version()}
        else:
            found = {"running": True, **await database_status(database_url(settings))}
        print_json(found) if as_json else console.print(found)

    run(show, as_json=as_json)


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Đưa lược đồ lên phiên bản hiện tại · bring the schema up to date."""
    with errors_as_exit_codes(as_json=as_json):
        migrate_database(database_url(Settings()))
    _tell({"schema": newest_version()}, f"lược đồ / schema {newest_version()}", as_json=as_json)


@app.command()
def backup(file: Path, as_json: AsJson = False) -> None:
    """Sao lưu toàn bộ dữ liệu (không gồm khóa bí mật) · back up all data; secrets are never part of it."""
    with errors_as_exit_codes(as_json=as_json):
        partial = file.with_name(file.name + ".partial")
        _dump_tool("pg_dump", "--format=custom", f"--file={partial}", database_url(Settings()))
        files = run(lambda: db_rasters.files_named(database_url(Settings())), as_json=as_json)
        missing = db_rasters.store(files, RasterFolder(Settings().rasters_folder), file)
        partial.replace(file)  # a killed backup never looks like a whole one
        size = file.stat().st_size
    _tell_missing(missing)
    found = {"file": str(file), "bytes": size, "missing": _names(missing)}
    _tell(found, f"{file}  {size / 1e6:.1f} MB", as_json=as_json)


@app.command()
def restore(file: Path, yes: Annotated[bool, typer.Option("--yes")] = False, as_json: AsJson = False) -> None:
    """Phục hồi từ bản sao lưu vào cơ sở dữ liệu trống · restore a backup into an empty database."""
    with errors_as_exit_codes(as_json=as_json):
        if not file.is_file():
            raise StoreError(f"Không có tệp {file}.", f"There is no file {file}.")
        url = database_url(Settings())
        if run(lambda: _is_migrated(url), as_json=as_json) and not yes:
            raise StoreError(
                "Cơ sở dữ liệu đã có dữ liệu. Thêm --yes để thay toàn bộ bằng bản sao lưu.",
                "The database is not empty. Add --yes to replace everything by the backup.",
            )
        make_missing_roles(url, roles_named_in(_dump_tool("pg_restore", "--schema-only", "--file=-", str(file))))
        _dump_tool("pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={url}", str(file))
        join_roles_again(url)
        folder = RasterFolder(Settings().rasters_folder)
        db_rasters.fetch(folder, file)
        missing = folder.missing(run(lambda: db_rasters.files_named(url), as_json=as_json))
    _tell_missing(missing)
    restored = datetime.now(UTC)
    found = {"file": str(file), "restored": restored.isoformat(timespec="seconds"), "missing": _names(missing)}
    _tell(found, f"{restored:%Y-%m-%d %H:%M} UTC", as_json=as_json)


def _tell(found: AnyDict, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        console.print(marked("[green]✓[/green] {}", said))


def _names(missing: Sequence[NamedFile]) -> list[str]:
    return [f"{each.layer}/{each.sha256}.tif" for each in missing]


def _tell_missing(missing: Sequence[NamedFile]) -> None:
    """Files of rasters that are not there: checks of their revisions say so until they are."""
    for file in _names(missing):
        console.print(marked("[yellow]![/yellow] thiếu tệp ảnh / raster file missing: {}", file))


async def _is_migrated(url: str) -> bool:
    return (await database_status(url))["schema"] is not None


def _dump_tool(program: str, *arguments: str) -> str:
    """What PostgreSQL's own tool printed. Raises StoreError with what it complained of."""
    found = next((str(path / program) for path in BINARIES if (path / program).exists()), shutil.which(program))
    if found is None:
        raise StoreError(f"Chưa cài {program} (postgresql-client).", f"{program} is missing (postgresql-client).")
    done = subprocess.run([found, *arguments], check=False, capture_output=True, text=True, env=dict(os.environ))
    if done.returncode != 0:
        raise StoreError(f"{program} không thành công: {done.stderr}", f"{program} failed: {done.stderr}")
    return done.stdout
