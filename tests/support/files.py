"""A small profile for publications, files written for it, and a database that holds it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import geopandas
import psycopg
import shapely
from psycopg.rows import dict_row

from layers.access.principal import Principal, operator
from layers.profile.apply import apply
from layers.profile.grammar import CodeList, LayerDefinition, ProfileHeader
from layers.profile.profile import Profile
from layers.publishing import revisions
from layers.publishing.options import PublishOptions, ReadOptions
from layers.publishing.publication import Confirm, OnStep, no_step, publish, yes
from layers.publishing.report import PublishReport
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database

#: the south-west corner of the test ground in EPSG:9210, near Thủ Dầu Một
EAST, NORTH = 603_000.0, 1_215_000.0
CRS = "EPSG:9210"
OFFICER = operator("officer")


def _title(text: str) -> dict[str, str]:
    return {"vi": text, "en": text}


def _layer(layer_id: str, geometry: str, attributes: Sequence[Mapping[str, Any]], **more: Any) -> LayerDefinition:
    whole = {
        "id": layer_id,
        "sector": "land",
        "title": _title(layer_id),
        "geometry": geometry,
        "attributes": attributes,
    }
    return LayerDefinition.model_validate({**whole, "sharing": "open", **more})


def _parcel_column(name: str, role: str, *names: str) -> dict[str, Any]:
    return {"name": name, "role": role, "required": True, "from": list(names), "tag": "public"}


def profile() -> Profile:
    """Communes, parcels with several land types, zones with codes, keyless spots, blocks without a shape."""
    number = [
        _parcel_column("ma_xa", "commune", "maXa"), _parcel_column("so_to", "sheet", "soTo"),
        _parcel_column("so_thua", "parcel_number", "soThua"),
    ]  # fmt: skip
    land_type = [
        {"name": "ma", "type": "code", "codes": "land_use", "required": True},
        {"name": "dt", "type": "number"},
    ]
    layers = (
        _layer("commune", "MultiPolygon", [{"name": "ma", "required": True}, {"name": "ten"}], key="ma",
               complete_for="all"),
        _layer("parcel", "MultiPolygon", [
            *number, {"name": "dien_tich_phap_ly", "type": "number", "role": "registered_area", "from": ["DTPL"]},
            {"name": "chu", "tag": "personal"}, {"name": "sai_so", "type": "number", "role": "accuracy"},
            {"name": "loai_dat", "type": "list", "items": land_type},
        ], key=["ma_xa", "so_to", "so_thua"], accuracy_m=0.1, complete_for="all"),
        _layer("zone", "MultiPolygon", [
            {"name": "ma", "required": True}, {"name": "loai", "type": "code", "codes": "land_use"},
            {"name": "tu_ngay", "type": "date", "role": "effective_from"}, {"name": "cap", "type": "integer"},
            {"name": "rong", "type": "number"}, {"name": "da_duyet", "type": "boolean"},
        ], key="ma", scale=2000),
        _layer("spot", "Point", [{"name": "ten"}], complete_for="all"),
        _layer("road", "LineString", [{"name": "ten"}], key="ten", complete_for="all"),
        _layer("block", "none", [*number, {"name": "ly_do"}, {"name": "ma_dd", "role": "national_code"}],
               key=["ma_xa", "so_to", "so_thua"], duplicates="keep", complete_for="all"),
    )  # fmt: skip
    header = {
        "id": "files", "crs": {"storage": CRS, "to_wgs84": "EPSG:6960"}, "sectors": {"land": _title("land")},
        "reference_layers": {"commune": "commune", "parcel": "parcel"}, "extent": [106.3, 10.8, 107.0, 11.6],
    }  # fmt: skip
    entries = [
        {"code": "ODT", "title": _title("ODT")}, {"code": "CLN", "title": _title("CLN"), "replaces": ["LNC", "LNQ"]},
    ]  # fmt: skip
    codes = CodeList.model_validate({"id": "land_use", "title": _title("land use"), "entries": entries})
    return Profile(header=ProfileHeader.model_validate(header), layers=layers, codes=(codes,))


def fill(url: str) -> None:
    """Apply the profile to a migrated database."""

    async def body() -> None:
        async with Database.open(url) as database:
            await apply(database, profile(), "tests")

    anyio.run(body)


# ── files ────────────────────────────────────────────────────────────────────────────────────────
def square(column: int, row: int, side_m: float = 20.0) -> shapely.Polygon:
    """A cell of a grid of 20 m; cells tile the ground without gaps."""
    west, south = EAST + column * 20.0, NORTH + row * 20.0
    return shapely.box(west, south, west + side_m, south + side_m)


def parcel(commune: str, number: int, shape: shapely.Geometry | None = None, **more: Any) -> dict[str, Any]:
    row = {"maXa": commune, "soTo": "1", "soThua": str(number), "DTPL": 400.0, "chu": f"Chủ {number}"}
    return {**row, "geometry": shape or square(number % 10, number // 10), **more}


def parcels(commune: str, count: int, first: int = 0) -> list[dict[str, Any]]:
    return [parcel(commune, number) for number in range(first, first + count)]


def write(path: Path, rows: Iterable[Mapping[str, Any]], crs: str | None = CRS, **options: Any) -> Path:
    """A file of the driver its suffix names."""
    frame = geopandas.GeoDataFrame([dict(row) for row in rows], geometry="geometry", crs=crs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file without a CRS, and of names that a .dbf cuts
        frame.to_file(path, engine="pyogrio", **options)
    return path


def write_table(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A GeoPackage without shapes."""
    import pandas
    import pyogrio

    pyogrio.write_dataframe(pandas.DataFrame([dict(row) for row in rows]), path)
    return path


# ── publishing ───────────────────────────────────────────────────────────────────────────────────
def publish_file(
    url: str, path: Path, layer: str, *, read: ReadOptions | None = None, principal: Principal = OFFICER,
    confirm: Confirm = yes, on_step: OnStep = no_step, **options: Any,
) -> PublishReport:  # fmt: skip
    """Publish as the command line does."""

    async def body() -> PublishReport:
        async with Database.open(url) as database:
            async with database.connection() as connection:
                catalogue = await load_catalogue(connection)
            chosen = PublishOptions(read=read or ReadOptions(), **options)
            return await publish(
                database, catalogue, path, layer, chosen, principal=principal, confirm=confirm, on_step=on_step
            )

    return anyio.run(body)


def change(url: str, name: str, *arguments: Any, **more: Any) -> Any:
    """Call a function of `revisions` as the officer."""

    async def body() -> Any:
        async with Database.open(url) as database:
            async with database.connection() as connection:
                catalogue = await load_catalogue(connection)
            return await getattr(revisions, name)(database, catalogue, *arguments, **more)

    return anyio.run(body)


def query(url: str, statement: str, *values: Any) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(statement, values).fetchall()  # type: ignore[call-overload, no-any-return]


def one(url: str, statement: str, *values: Any) -> Any:
    """The only value of the only row."""
    (row,) = query(url, statement, *values)
    (value,) = row.values()
    return value


def defects(report: PublishReport, kind: str) -> list[dict[str, Any]]:
    found: Any = report.as_dict()["defects"]
    return [defect for defect in found if defect["kind"] == kind]
