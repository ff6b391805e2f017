"""Input that cannot be published: an error in both languages with the next step, nothing lost, no traceback."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely

from layers.publishing.inspection import inspect
from tests.support import files
from tests.support.commands import Ran, lienthong
from tests.support.files import one, parcel, parcels, publish_file, square, write


@pytest.fixture
def url(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> str:
    """A database with one published layer, which every bad input must leave as it is."""

    def fill(database: str) -> None:
        import tempfile

        files.fill(database)
        with tempfile.TemporaryDirectory() as folder:
            rows = [*parcels("25747", 20), *parcels("25750", 20, 20)]
            publish_file(database, write(Path(folder) / "first.gpkg", rows), "parcel")

    return clone(make_template("published_files", fill))


def _publish(url: str, tmp_path: Path, *arguments: object) -> Ran:
    return lienthong("layer", "publish", *arguments, "--yes", "--json", url=url, data=tmp_path / "data")


def _assert_refused(ran: Ran, url: str, *words: str) -> dict[str, Any]:
    """Exit 1, both languages, the words of the next step, no traceback, the old revision untouched."""
    assert ran.code == 1, ran.err
    assert "Traceback" not in ran.err + ran.out
    message = ran.message
    assert message["vi"] and message["en"] and message["vi"] != message["en"]
    for word in words:
        assert word in message["vi"] and word in message["en"], message
    assert one(url, "SELECT count(*) FROM data.parcel WHERE until IS NULL AND since = 1") == 40
    assert one(url, "SELECT revision FROM catalogue.layer WHERE id = 'parcel'") == 1
    found: dict[str, Any] = ran.json["error"]
    return found


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_truncated_geopackage(url: str, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.gpkg", parcels("25747", 200)).read_bytes()
    for share in (0.3, 0.6, 0.9):
        cut = _bytes(tmp_path / "cut.gpkg", whole[: int(len(whole) * share)])
        _assert_refused(_publish(url, tmp_path, cut, "--layer", "parcel"), url, "cut.gpkg")


def test_a_geopackage_with_a_hole_in_its_middle(url: str, tmp_path: Path) -> None:
    whole = bytearray(write(tmp_path / "whole.gpkg", parcels("25747", 400)).read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 20_000] = bytes(20_000)
    holed = _bytes(tmp_path / "holed.gpkg", bytes(whole))
    _assert_refused(_publish(url, tmp_path, holed, "--layer", "parcel"), url, "holed.gpkg")


def test_a_truncated_shapefile(url: str, tmp_path: Path) -> None:
    write(tmp_path / "p.shp", parcels("25747", 200))
    shapes = (tmp_path / "p.shp").read_bytes()
    (tmp_path / "p.shp").write_bytes(shapes[: len(shapes) // 2])
    ran = _publish(url, tmp_path, tmp_path / "p.shp", "--layer", "parcel")
    _assert_refused(ran, url)


def test_a_dgn_of_version_8(url: str, tmp_path: Path) -> None:
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    drawing = _bytes(tmp_path / "ban_do.dgn", header)
    _assert_refused(_publish(url, tmp_path, drawing, "--layer", "parcel"), url, "DGN V8", "DXF")


def test_a_zip_without_map_data(url: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc/thuyet_minh.txt", "không có bản đồ")
    path = _bytes(tmp_path / "hoso.zip", packed.getvalue())
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, "hoso.zip", ".shp")


@pytest.mark.parametrize(
    ("name", "head", "word"),
    [
        ("thua.rar", b"Rar!\x1a\x07\x01\x00", "RAR"),
        ("thua.zip", b"Rar!\x1a\x07\x00", "RAR"),
        ("thua.7z", b"7z\xbc\xaf\x27\x1c", "7z"),
        ("thua.tar.gz", b"\x1f\x8b\x08\x00", "GZIP"),
        ("quyhoach.dwg", b"AC1032", "DXF"),
        ("quyhoach.pdf", b"%PDF-1.7", "PDF"),
    ],
)
def test_files_that_are_told_by_their_content(name: str, head: bytes, word: str, url: str, tmp_path: Path) -> None:
    path = _bytes(tmp_path / name, head + bytes(600))
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, name, word)


def test_swapped_axes_are_told_and_the_option_mends_them(url: str, tmp_path: Path) -> None:
    swapped = [
        {**row, "geometry": shapely.transform(row["geometry"], lambda xy: xy[:, ::-1])} for row in parcels("25747", 20)
    ]
    path = write(tmp_path / "p.gpkg", [*swapped])
    found = _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, "--swap-axes")
    assert [defect["kind"] for defect in found["report"]["defects"] if defect["severity"] == "error"] == [
        "swapped_axes"
    ]
    mended = _publish(url, tmp_path, path, "--layer", "parcel", "--swap-axes", "--scope", "commune=25747")
    assert mended.code == 0 and mended.json["diff"]["unchanged"] == 20


def test_a_wrong_meridian_is_told_with_the_zone_that_fits(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.gpkg", parcels("25747", 20), crs="EPSG:5899")
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, "EPSG:9210")


def test_degrees_in_a_file_that_says_metres(url: str, tmp_path: Path) -> None:
    degrees = [{**row, "geometry": shapely.box(106.7, 11.0, 106.701, 11.001)} for row in parcels("25747", 2)]
    path = write(tmp_path / "p.gpkg", degrees, crs="EPSG:9210")
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, "EPSG:4326")


def test_a_file_without_coordinate_system_names_the_option_and_the_system_that_fits(url: str, tmp_path: Path) -> None:
    write(tmp_path / "p.shp", parcels("25747", 20), crs=None)
    path = tmp_path / "p.shp"
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, "--crs EPSG:9210")
    ran = _publish(url, tmp_path, path, "--layer", "parcel", "--crs", "EPSG:9210", "--scope", "commune=25747")
    assert ran.code == 0, ran.err


def test_an_unknown_layer_an_unknown_layer_of_the_file_and_an_unknown_crs(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.gpkg", parcels("25747", 2))
    _assert_refused(_publish(url, tmp_path, path, "--layer", "thua_dat_moi"), url, "parcel")
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel", "--source-layer", "khac"), url, "khac")
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel", "--crs", "EPSG:99999"), url, "99999")


def test_a_file_with_several_layers_asks_which(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.gpkg", parcels("25747", 2), layer="mot")
    write(path, parcels("25747", 20), layer="hai")
    _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, "--source-layer")


def test_a_one_commune_file_without_a_scope(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.gpkg", parcels("25750", 20, 20))
    found = _assert_refused(_publish(url, tmp_path, path, "--layer", "parcel"), url, "--scope commune=25750")
    assert found["report"]["diff"]["removed"] == 20


def test_without_a_terminal_and_without_yes_the_difference_is_shown_and_the_exit_is_1(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "p.gpkg", [*parcels("25747", 20), *parcels("25750", 21, 20)])
    ran = lienthong("layer", "publish", path, "--layer", "parcel", url=url, data=tmp_path / "data", afresh=True)
    assert ran.code == 1
    assert "+1" in ran.out and "--yes" in ran.err
    assert "Traceback" not in ran.err
    assert one(url, "SELECT revision FROM catalogue.layer WHERE id = 'parcel'") == 1


def test_rows_with_nan_are_refused_rows_of_a_publication_that_goes_on(url: str, tmp_path: Path) -> None:
    path = tmp_path / "points.geojson"
    write(path, [{"ten": str(n), "geometry": shapely.Point(106.6, 11 + n / 1000)} for n in range(3)], crs="EPSG:4326")
    broken = write(
        tmp_path / "points.gpkg", [{"ten": str(n), "geometry": shapely.Point(603_000 + n, 1_215_000)} for n in range(3)]
    )
    raw = broken.read_bytes()
    x = struct.pack("<d", 603_001.0)
    assert x in raw
    broken.write_bytes(raw.replace(x, struct.pack("<d", float("nan"))))
    ran = _publish(url, tmp_path, broken, "--layer", "spot")

    assert ran.code == 0, ran.err
    assert ran.json["rows"]["refused"] == 1
    (nan,) = [defect for defect in ran.json["defects"] if defect["kind"] == "nan"]
    assert (nan["severity"], nan["count"], nan["rows"][0]["row"], nan["rows"][0]["action"]) == (
        "error",
        1,
        2,
        "refused",
    )


def test_inspect_strict_turns_defects_into_exit_1_and_stands_on_its_own(url: str, tmp_path: Path) -> None:
    clean = write(tmp_path / "clean.gpkg", parcels("25747", 3))
    doubled = write(tmp_path / "doubled.gpkg", [parcel("25747", 1), parcel("25747", 1, square(5, 5))])
    run = {"url": url, "data": tmp_path / "data"}
    assert lienthong("layer", "inspect", clean, "--layer", "parcel", "--strict", **run).code == 0
    assert lienthong("layer", "inspect", doubled, "--layer", "parcel", **run).code == 0
    strict = lienthong("layer", "inspect", doubled, "--layer", "parcel", "--strict", "--json", **run)
    assert strict.code == 1 and strict.json["defects"][0]["kind"] == "duplicate_key"
    unknown = lienthong("layer", "inspect", clean, "--json", **run)
    assert unknown.json["layer"] == "file" and unknown.json["rows"]["read"] == 3


FORMATS = {".shp", ".tab", ".mif", ".dxf", ".dgn", ".geojson", ".json", ".gml", ".gdb", ".zip", ".dbf", ".tar", ".gz"}


@pytest.mark.real
@pytest.mark.long
def test_every_file_of_the_real_formats_is_inspected_or_gets_a_clear_error(shared: Path) -> None:
    from layers.errors import SourceError
    from layers.publishing.inspection import inspect_source
    from layers.publishing.source import read_source
    from layers.publishing.unknown import definition_of

    profile = files.profile()
    inspected, refused = [], {}
    for path in sorted(p for p in (shared / "formats").rglob("*") if p.suffix.lower() in FORMATS):
        try:
            source = read_source(path, None, None)
        except SourceError as error:
            assert error.message.vi and error.message.en and error.message.vi != error.message.en
            refused[path.name] = error.message.en
            continue
        found = inspect_source(source, definition_of(source), profile)
        rows: Any = found.as_dict()["rows"]
        assert rows["read"] == rows["accepted"] + rows["refused"] == source.table.num_rows, path
        inspected.append(path.name)
    assert len(inspected) > 130
    assert "DGN V8" in refused["test_dgnv8.dgn"]
    assert {"poly.tar", "poly.tar.gz", "curves.gdb", "testopenfilegdb.gdb.zip"} <= set(refused)


@pytest.mark.real
def test_curves_are_read_as_lines(shared: Path) -> None:
    from layers.publishing.options import ReadOptions
    from layers.publishing.source import read_source
    from layers.publishing.unknown import definition_of

    path = shared / "formats" / "filegdb" / "curves.gdb"
    definition = definition_of(read_source(path, "polygon", None))
    found = inspect(path, definition, files.profile(), ReadOptions(source_layer="polygon"))
    assert found.source.table.num_rows == 5
    assert not [defect for defect in found.defects if defect.kind == "null_geometry"]
