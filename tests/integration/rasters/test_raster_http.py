"""A raster over HTTP: a collection with its classes, without items and tiles; a check like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from layers.errors import StoreError
from layers.store.raster_files import NamedFile, RasterFolder
from ogc.app import create_app
from ogc.auth import make_token
from ogc.cli import db_rasters
from ogc.settings import Settings
from tests.support.rasters import RasterPlace
from tests.support.serving import serve


@pytest.fixture(scope="module")
def officer(flooded: RasterPlace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = Settings(
        data=tmp_path_factory.mktemp("served"), database_url=flooded.url, rasters=flooded.folder, pool_size=2
    )
    with serve(create_app(settings, demo=True)) as address:
        token = make_token(settings.secrets_folder, "officer")
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
            yield client


def test_a_raster_is_a_collection_with_a_legend_and_no_links_to_items(officer: httpx.Client) -> None:
    found = officer.get("/collections/depth", headers={"Accept": "application/json"}).json()
    assert (found["itemType"], found["unit"]) == ("raster", "m")
    assert found["classes"][1] == {
        "class": 1, "value": None, "from": 0.1, "to": 0.5, "title": {"vi": "Ngập nông", "en": "Shallow"},
        "color": "#9ecae1",
    }  # fmt: skip
    assert {link["rel"].rsplit("/", 1)[-1] for link in found["links"]} == {"self", "alternate", "collection"}
    assert "depth" in [each["id"] for each in officer.get("/collections?f=json").json()["collections"]]


@pytest.mark.parametrize(
    "path", ["items", "items/1", "schema", "queryables", "tiles", "tiles/WebMercatorQuad/10/481/815"]
)
def test_there_are_no_items_and_no_tiles_of_a_raster(officer: httpx.Client, path: str) -> None:
    missing = officer.get("/collections/nothing/items", headers={"Accept": "application/json"})
    found = officer.get(f"/collections/depth/{path}", headers={"Accept": "application/json"})
    assert (found.status_code, found.json()["code"]) == (404, missing.json()["code"])


def test_the_page_of_a_raster_shows_its_classes_and_the_catalogue_lists_it(officer: httpx.Client) -> None:
    page = officer.get("/collections/depth", headers={"Accept": "text/html", "Accept-Language": "vi"}).text
    assert "Ngập nông" in page and "#08519c" in page and "/collections/depth/items" not in page
    assert "Độ sâu ngập" in officer.get("/catalogue", headers={"Accept": "text/html", "Accept-Language": "vi"}).text


def test_a_check_over_http_and_its_page_name_the_classes(officer: httpx.Client) -> None:
    asked = {"procedure": "flood", "subject": {"parcel": {"commune": {"code": "25747"}, "sheet": "1", "parcel": "3"}}}
    made = officer.post("/checks", json={**asked, "inputs": {}})
    assert made.status_code == 201, made.text
    (found,) = [each for each in made.json()["findings"] if each["check"] == "any_depth"]
    assert [(each["key"], each["area_m2"]) for each in found["features"]] == [("1", 600.0), ("2", 600.0)]
    page = officer.get(made.headers["location"], headers={"Accept": "text/html", "Accept-Language": "en"})
    assert page.status_code == 200 and "Shallow" in page.text


def test_the_backup_of_files_brings_them_back_and_knows_a_changed_one(flooded: RasterPlace, tmp_path: Path) -> None:
    (path,) = flooded.files_of()
    named = NamedFile("depth", path.stem, path.stat().st_size)
    gone = NamedFile("depth", "0" * 64, 1)
    backup, restored = tmp_path / "backup.dump", RasterFolder(tmp_path / "rasters")
    assert db_rasters.store([named, gone], RasterFolder(flooded.folder), backup) == [gone]
    db_rasters.fetch(restored, backup)
    assert restored.path("depth", path.stem).read_bytes() == path.read_bytes()
    assert restored.missing([named, gone]) == [gone]
    archive = db_rasters.archive_of(backup)
    body = bytearray(archive.read_bytes())
    body[body.index(path.read_bytes()) + 100] ^= 1
    archive.write_bytes(body)
    with pytest.raises(StoreError):
        db_rasters.fetch(RasterFolder(tmp_path / "again"), backup)
