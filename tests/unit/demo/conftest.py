"""One small province a session, read back from its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import pytest

from layers.demo.generate import Manifest
from layers.profile.load import load_profile
from layers.profile.profile import Profile

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Made:
    """A generated province."""

    folder: Path
    manifest: Manifest
    profile: Profile
    layer: Callable[[str], geopandas.GeoDataFrame]

    @property
    def conflicts(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = json.loads((self.folder / "conflicts.json").read_text("utf-8"))["conflicts"]
        return found


@pytest.fixture(scope="session")
def profile() -> Profile:
    return load_profile(ROOT / "layers" / "definitions")


@pytest.fixture(scope="session")
def made(generated: tuple[Path, Manifest], profile: Profile) -> Made:
    folder, manifest = generated

    @cache
    def layer(layer_id: str) -> geopandas.GeoDataFrame:
        return pyogrio.read_dataframe(folder / f"{layer_id}.gpkg", layer=layer_id)

    return Made(folder, manifest, profile, layer)
