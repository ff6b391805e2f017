"""What a publication names must be there: a base that is none guards nothing, a commune that is none holds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from layers.errors import InvalidRequestError, RefusedError
from tests.support.commands import lienthong
from tests.support.files import one, parcels, publish_file, write


@pytest.fixture
def published(url: str, tmp_path: Path) -> str:
    publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 20) + parcels("25750", 20, 20)), "parcel")
    return url


@pytest.mark.parametrize("base", [-1, 2, 99])
def test_a_base_that_no_revision_has_is_refused(published: str, tmp_path: Path, base: int) -> None:
    path = write(tmp_path / "b.gpkg", parcels("25747", 20) + parcels("25750", 20, 20))
    with pytest.raises(InvalidRequestError, match="mới nhất là 1") as refused:
        publish_file(published, path, "parcel", base=base)
    assert "or leave --base out" in refused.value.message.en
    assert one(published, "SELECT revision FROM catalogue.layer WHERE id = 'parcel'") == 1


def test_a_commune_that_nobody_has_is_no_scope(published: str, tmp_path: Path) -> None:
    west = {"ma": "25747", "ten": "Thủ Dầu Một", "geometry": shapely.box(603_000, 1_215_000, 603_100, 1_216_000)}
    publish_file(published, write(tmp_path / "communes.gpkg", [west]), "commune")
    path = write(tmp_path / "b.gpkg", parcels("25747", 20))
    with pytest.raises(InvalidRequestError, match="99999") as refused:
        publish_file(published, path, "parcel", scope="commune=25747,99999")
    assert "25747" not in refused.value.message.en
    assert publish_file(published, path, "parcel", scope="commune=25747").revision == 2


@pytest.mark.parametrize("scope", ["commune=25750", "commune=99999", "so_to = '7'"])
def test_a_file_of_which_nothing_lies_in_the_scope_is_no_release(url: str, tmp_path: Path, scope: str) -> None:
    path = write(tmp_path / "b.gpkg", parcels("25747", 20))
    with pytest.raises(RefusedError, match="20") as refused:
        publish_file(url, path, "parcel", scope=scope, allow_removals=True)
    assert scope in refused.value.message.vi and "nothing to publish" in refused.value.message.en
    assert one(url, "SELECT count(*) FROM catalogue.release") == 0


@pytest.mark.parametrize("wrong", [("--base", "99"), ("--scope", "commune=99999")])
def test_the_command_says_so_and_ends_with_1(published: str, tmp_path: Path, wrong: tuple[str, str]) -> None:
    path = write(tmp_path / "b.gpkg", parcels("25747", 20) + parcels("25750", 20, 20))
    ran = lienthong("layer", "publish", path, "--layer", "parcel", "--yes", *wrong, url=published, data=tmp_path)
    assert ran.code == 1 and wrong[0] in ran.err + ran.out
    assert one(published, "SELECT revision FROM catalogue.layer WHERE id = 'parcel'") == 1
