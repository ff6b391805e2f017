"""`lienthong worker`: background work of one database."""

from __future__ import annotations

import typer

from ogc.settings import Settings

from .context import database_url, run


def register(app: typer.Typer) -> None:
    app.command(help="Tiến trình nền · background worker")(worker)


def worker() -> None:
    """Runs until SIGINT or SIGTERM."""
    from ogc.worker import work

    settings = Settings()
    run(lambda: work(database_url(settings), settings.data_folder, rasters=settings.rasters_folder))
