"""From a seed to a province on disk: geography, commune by commune its parcels and themes, conflicts, manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import shapely

from gis.crs import Projection
from layers.errors import InvalidRequestError
from layers.profile.grammar import Commune
from layers.profile.profile import Profile

from . import cadastre, country, flood, ground, local, settlement
from .conflicts import Conflict, plant, write_conflicts
from .files import SYNTHETIC, DemoFiles, fixed_time, write_json
from .themes import Themes

LEAST, MOST = 1_000, 1_500_000
DEFAULT_PARCELS, DEFAULT_SEED = 60_000, 20260701

Show = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was made; equal seeds and sizes give equal content digests everywhere."""

    synthetic: str
    seed: int
    asked: int
    parcels: int
    conflicts: int
    profile: str
    crs: str
    layers: dict[str, dict[str, object]]


def silent(done: int, total: int, what: str) -> None:
    """Nobody watches."""


def generate(out: Path, parcels: int, seed: int, profile: Profile, show: Show = silent) -> Manifest:
    """Write the whole province into `out`. The manifest is written last: without it a folder is unfinished.

    Raises InvalidRequestError for a number of parcels the province cannot hold.
    """
    _check_size(parcels)
    out.mkdir(parents=True, exist_ok=True)
    for stale in [out / "manifest.json", *out.glob("*.gpkg"), *out.glob("*.tif")]:
        stale.unlink(missing_ok=True)
    communes = {unit.code: unit for unit in profile.communes if unit.generation == 2025}
    with fixed_time():
        land = ground.build(seed)
        themes = Themes(DemoFiles(out, profile))
        country.lay_out(land, communes, themes)
        projection = Projection(profile.header.crs.storage, profile.header.crs.to_wgs84)
        made, planted = _communes(land, parcels, communes, projection, themes, show)
        show(len(land.towns), len(land.towns), "GeoPackage")
        layers = themes.files.close()
        if profile.layer(flood.LAYER) is not None:
            layers[flood.LAYER] = flood.write_depths(land, out, profile.header.crs.storage)
    write_conflicts(out, planted)
    (out / "README.txt").write_text(_readme(parcels, seed), encoding="utf-8")
    manifest = Manifest(
        SYNTHETIC, seed, parcels, made, len(planted), profile.header.id, profile.header.crs.storage, layers
    )
    write_json(out / "manifest.json", asdict(manifest))
    return manifest


def _check_size(parcels: int) -> None:
    if not LEAST <= parcels <= MOST:
        raise InvalidRequestError(
            f"Số thửa đất phải từ {LEAST} đến {MOST}; đã cho {parcels}. Sửa --parcels.",
            f"The number of parcels must be from {LEAST} to {MOST}; {parcels} was given. Change --parcels.",
        )


def _communes(
    land: ground.Ground,
    parcels: int,
    communes: Mapping[str, Commune],
    projection: Projection,
    themes: Themes,
    show: Show,
) -> tuple[int, list[Conflict]]:
    """Commune by commune, so that memory holds one at a time; what one cannot hold the next ones take over."""
    wet = ground.wet(land)
    weights = np.array([town.weight for town in land.towns])
    shares = np.round(np.cumsum(weights) / weights.sum() * parcels).astype(np.int64)
    made = 0
    planted: list[Conflict] = []
    for town, spot in enumerate(land.towns):
        unit = communes[spot.code]
        show(town, len(land.towns), f"{unit.kind} {unit.name}")
        water = shapely.intersection(wet, land.communes[town])
        lots = settlement.settle(land, town, int(shares[town]) - made, water)
        rows = cadastre.register(land, town, lots, unit, projection)
        made += len(rows.shapes)
        place = local.place_of(land, town, lots, rows, themes)
        local.lay_out(place, water)
        planted += plant(place, planted)
        themes.files.add("parcel", rows.shapes, **cadastre.columns(rows, land.seed))
        themes.forget("land_use_status", "land_use_plan", "zoning_plan", "building_permit", "public_facility")
    return made, planted


def _readme(parcels: int, seed: int) -> str:
    return (
        f"{SYNTHETIC}\n\nlienthong demo generate --parcels {parcels} --seed {seed}\n\n"
        "Ranh giới, sông, đường, thửa đất, tên người và số quyết định đều do máy sinh ra; "
        "chỉ tên và mã phường, xã là thật.\n"
        "Boundaries, rivers, roads, parcels, people and decisions are invented; "
        "only names and codes of communes are real.\n"
        "conflicts.json, conflicts.csv: những vướng mắc cài sẵn / planted conflicts. manifest.json: số lượng, mã băm.\n"
    )
