"""A small demo province behind a real server, for tests that want the whole product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from layers.demo.generate import Manifest, generate
from layers.demo.province import build_province
from layers.profile.load import load_profile
from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.serving import serve

PARCELS = 4_000
SEED = 7


@dataclass(frozen=True)
class Province:
    """A published province: its database and the generated files with the list of planted conflicts."""

    url: str
    files: Path


def generate_files(folder: Path) -> Manifest:
    return generate(folder, PARCELS, SEED, load_profile(Settings().profile_folder))


def publish(url: str, files: Path) -> None:
    """What lies in `files`, into a database."""

    async def make() -> None:
        await build_province(url, Settings().profile_folder, files, parcels=PARCELS, seed=SEED)

    anyio.run(make)


@contextmanager
def serve_province(province: Province, data: Path) -> Iterator[tuple[str, str]]:
    """Base address and a land officer's token."""
    settings = Settings(data=data, database_url=province.url, rasters=province.files / "rasters")
    with serve(create_app(settings, demo=True)) as address:
        yield address, make_token(settings.secrets_folder, "land_officer")
