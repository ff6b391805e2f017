"""The real cadastre of the test data, published through the command line as an officer would, and its batches."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pandas as pd

from layers.profile.apply import apply
from layers.profile.load import load_profile
from layers.store.connection import Database
from tests.support.commands import lienthong

PROFILE = Path(__file__).resolve().parent.parent / "profiles" / "schaffhausen"
LAYERS = (
    "belastetestandorte", "grundwasserschutzareale", "grundwasserschutzzonen", "laermempfindlichkeitsstufen",
    "planungszonen", "statischewaldgrenzen_linestring", "waldreservate", "gewaesserraum",
)  # fmt: skip


def publish_all(url: str, data: Path) -> None:
    """Apply the profile and publish the parcels and all eight layers."""

    async def applied() -> None:
        async with Database.open(url) as database:
            await apply(database, load_profile(PROFILE), "tests")

    anyio.run(applied)
    sources = {"parcel": data / "parcels.gpkg", **dict.fromkeys(LAYERS, data / "restrictions.gpkg.zip")}
    with tempfile.TemporaryDirectory() as own:
        for layer, path in sources.items():
            ran = lienthong("layer", "publish", path, "--layer", layer, "--yes", "--json", url=url, data=Path(own))
            assert ran.code == 0, ran.err
            assert ran.json["rows"]["refused"] == 0, (layer, ran.json["rows"])


@dataclass(frozen=True)
class Batch:
    """What a batch left."""

    report: dict[str, Any]
    findings: pd.DataFrame
    features: pd.DataFrame


def batch(url: str, out: Path, procedure: str, *more: str) -> Batch:
    """All parcels against a procedure."""
    ran = lienthong("batch", "--layer", "parcel", "--procedure", procedure, "--out", out, "--json", *more,
                    url=url, data=out.parent, afresh=True)  # fmt: skip
    assert ran.code == 0, ran.err
    return Batch(ran.json, pd.read_parquet(out / "findings.parquet"), pd.read_parquet(out / "features.parquet"))
