"""A database with the demo province in it, from nothing: schema, profile, generated files, publications, dossiers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from layers.demo.dossiers import register_demo_dossiers
from layers.demo.generate import generate
from layers.demo.publish import publish_demo
from layers.profile.apply import apply
from layers.profile.load import load_profile
from layers.store.connection import Database
from layers.store.migrate import migrate

Show = Callable[[int, int, str], None]


def _silent(done: int, total: int, what: str) -> None:
    """Nobody watches."""


async def build_province(
    url: str,
    profile_folder: Path,
    files: Path,
    *,
    parcels: int,
    seed: int,
    show: Show = _silent,
    rasters: Path | None = None,
) -> None:
    """Idempotent: what is there already is left as it is. `rasters`: where their files are kept; default beside the
    generated ones."""
    migrate(url)
    profile = load_profile(profile_folder)
    if not (files / "manifest.json").exists():  # written last
        generate(files, parcels, seed, profile, show)
    kept = rasters or files / "rasters"
    async with Database.open(url, size=4, statement_timeout_ms=3_600_000, rasters=kept) as database:
        await apply(database, profile, os_user="demo")
        await publish_demo(database, files, show)
        await register_demo_dossiers(database, files)
