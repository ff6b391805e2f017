"""Every kind of error names its file, its line and its field, in both languages, and all are told at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from layers.errors import FieldError, ProfileError
from layers.profile.load import load_profile
from layers.profile.profile import Profile

from .conftest import PROFILES

Edit = Callable[[str, str, str], Path]
PARCEL, ZONE, CHECK = "land/parcel.yaml", "land/zone.yaml", "procedures/small_check.yaml"


def errors_of(folder: Path) -> tuple[FieldError, ...]:
    with pytest.raises(ProfileError) as raised:
        load_profile(folder)
    return raised.value.errors


@pytest.mark.parametrize("name", ["minimal", "schaffhausen", "duy_nghia"])
def test_the_test_profiles_hold(name: str) -> None:
    assert isinstance(load_profile(PROFILES / name), Profile)


def test_sortable_columns_may_be_listed_beside_the_attributes(edit: Edit) -> None:
    of_column = load_profile(edit(ZONE, "{name: ma, type: string,", "{name: ma, type: string, sortable: true,"))
    edit(ZONE, " sortable: true,", "")
    as_key = load_profile(edit(ZONE, "key: ma\n", "key: ma\nsortable: [ma]\n"))
    assert as_key.layer("zone") == of_column.layer("zone")
    zone = as_key.layer("zone")
    assert zone is not None and [one.name for one in zone.attributes if one.sortable] == ["ma"]


SPOILED = {
    "sortable column not there": (
        ZONE,
        "key: ma\n",
        "key: ma\nsortable: [ma, mau]\n",
        f"{ZONE}:1",
        "",
        "no column mau",
    ),
    "unknown key": (ZONE, "accuracy_m: 0.3", "acuracy_m: 0.3", f"{ZONE}:6", "acuracy_m", "no such key"),
    "missing key": (ZONE, "geometry: MultiPolygon\n", "", f"{ZONE}:1", "geometry", "missing"),
    "wrong type": (ZONE, "accuracy_m: 0.3", "accuracy_m: fine", f"{ZONE}:6", "accuracy_m", "must be a number"),
    "wrong word": (ZONE, "sharing: open", "sharing: opne", f"{ZONE}:8", "sharing", "must be one of"),
    "bad identifier": (PARCEL, "name: ten_chu", "name: TenChu", f"{PARCEL}:17", "attributes[6].name", "does not match"),
    "repeated YAML key": (ZONE, "sharing: open", "sharing: open\nsharing: shared", f"{ZONE}:9", "sharing", "line 8"),
    "broken YAML": (ZONE, "title: {vi", "title: {vi: [", f"{ZONE}:3", "(tệp / file)", "not valid YAML"),
    "foreign tag": (ZONE, "key: ma\n", "key: !!python/name:os.system ma\n", f"{ZONE}:5", "tag:", "tags"),
    "unknown code list": (
        ZONE,
        "codes: zone_kind",
        "codes: zone_kinds",
        f"{ZONE}:12",
        "attributes[1].codes",
        "no code list",
    ),
    "unknown key column": (ZONE, "key: ma\n", "key: mã_số\n", f"{ZONE}:5", "key", "does not match"),
    "key column not there": (ZONE, "key: ma\n", "key: ma_so\n", f"{ZONE}:5", "key", "no column 'ma_so'"),
    "label column not there": (PARCEL, "Thửa {so_thua}", "Thửa {thua}", f"{PARCEL}:9", "label", "no column 'thua'"),
    "basis column not there": (
        ZONE,
        "{number: so_qd}",
        "{number: so_qd, date: ngay}",
        f"{ZONE}:18",
        "basis_from.date",
        "no column 'ngay'",
    ),
    "column twice": (ZONE, "name: so_qd,", "name: loai,", f"{ZONE}:15", "attributes[4].name", "'loai' is repeated"),
    "unknown scale": (ZONE, "accuracy_m: 0.3", "scale: 777", f"{ZONE}:6", "scale", "1:777"),
    "role of a wrong type": (
        ZONE,
        "type: date, role: effective_from",
        "type: string, role: effective_from",
        f"{ZONE}:13",
        "attributes[2].role",
        "needs the type date",
    ),
    "role twice": (
        ZONE,
        "role: effective_to",
        "role: effective_from",
        f"{ZONE}:14",
        "attributes[3].role",
        "another column",
    ),
    "sector folder": (ZONE, "sector: land", "sector: water", f"{ZONE}:2", "sector", "lies in land/"),
    "file name": (ZONE, "id: zone", "id: zones", f"{ZONE}:1", "id", "named zone.yaml"),
    "unknown layer": (
        CHECK,
        "id: line, layer: line,",
        "id: line, layer: lane,",
        f"{CHECK}:8",
        "checks[1].layer",
        "no layer 'lane'",
    ),
    "unknown basis": (
        CHECK,
        "[01/2025/QĐ-THU]",
        "[02/2025/QĐ-THU]",
        f"{CHECK}:7",
        "checks[0].basis[0]",
        "not in the legal_basis",
    ),
    "unknown column in when": (
        CHECK,
        "loai = 'CAM'",
        "lọai = 'CAM'",
        f"{CHECK}:7",
        "checks[0].when",
        "no property 'lọai'",
    ),
    "wrong type in when": (CHECK, "loai = 'CAM'", "loai = 7", f"{CHECK}:7", "checks[0].when", "not of type"),
    "unreadable when": (CHECK, "loai = 'CAM'", "loai = = 'CAM'", f"{CHECK}:7", "checks[0].when", "cannot be read"),
    "unknown input in when": (
        CHECK,
        "loai = 'CAM'",
        "loai = :input.kind",
        f"{CHECK}:7",
        "checks[0].when",
        ":input.kind",
    ),
    "unknown input as quantity": (
        CHECK,
        "at_least: 60",
        'at_least: ":input.need"',
        f"{CHECK}:10",
        "checks[3].at_least",
        "no input 'need'",
    ),
    "column in applies_when": (
        CHECK,
        "min_length_m: 0.5",
        "min_length_m: 0.5, applies_when: \"ma = 'a'\"",
        f"{CHECK}:8",
        "checks[1].applies_when",
        "no property 'ma'",
    ),
    "relation that does not fit": (
        CHECK,
        "relation: crosses_line",
        "relation: overlaps_area",
        f"{CHECK}:8",
        "checks[1].relation",
        "MultiLineString",
    ),
    "unknown relation": (
        CHECK,
        "relation: crosses_line",
        "relation: intersects",
        f"{CHECK}:8",
        "checks[1].relation",
        "must be one of",
    ),
    "unknown kind": (CHECK, "kind: subject", "kind: object", f"{CHECK}:10", "checks[3]", "no kind"),
    "only clear may pass": (
        CHECK,
        "verdict: {affected: fail}, basis",
        "verdict: {affected: pass}, basis",
        f"{CHECK}:7",
        "checks[0]",
        "only 'clear'",
    ),
    "distance without one": (CHECK, ", distance_m: 20", "", f"{CHECK}:9", "checks[2]", "needs 'distance_m'"),
    "check id twice": (CHECK, "id: line_near", "id: line", f"{CHECK}:9", "checks[2].id", "'line' is repeated"),
    "input of type code": (
        CHECK,
        "type: number, unit: m2",
        "type: code, codes: none",
        f"{CHECK}:5",
        "inputs[0].codes",
        "no code list",
    ),
    "grant on an unknown layer": (
        "grants/open.yaml",
        "layer: line\n",
        "layer: lane\n",
        "grants/open.yaml:7",
        "[1].layer",
        "no layer 'lane'",
    ),
    "expectation of nobody": (
        "grants/open.yaml",
        "as: reviewer",
        "as: reviewers",
        "grants/open.yaml:10",
        "[1].expect[0].as",
        "no identity",
    ),
    "unknown action": (
        "grants/open.yaml",
        "[items, tile, check]",
        "[items, look]",
        "grants/open.yaml:8",
        "[1].actions[1]",
        "must be one of",
    ),
    "grantee": (
        "grants/open.yaml",
        "{role: reviewer}",
        "{role: reviewer, anyone: true}",
        "grants/open.yaml:6",
        "[1].to",
        "exactly one",
    ),
    "reference layer": (
        "profile.yaml",
        "parcel: parcel",
        "parcel: plot",
        "profile.yaml:5",
        "reference_layers.parcel",
        "no layer 'plot'",
    ),
    "unnamed sector": (
        "profile.yaml",
        "sectors: {land:",
        "sectors: {soil:",
        f"{PARCEL}:2",
        "sector",
        "not one of the sectors",
    ),
    "crs": ("profile.yaml", '"EPSG:9210"', '"VN-2000"', "profile.yaml:4", "crs.storage", "does not match"),
    "calendar": (
        "profile.yaml",
        "reference_layers:",
        "calendar: days.yaml\nreference_layers:",
        "profile.yaml:5",
        "calendar",
        "no file days.yaml",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "where", "field", "says"), SPOILED.values(), ids=SPOILED.keys())
def test_an_error_names_file_line_and_field(
    edit: Edit, file: str, old: str, new: str, where: str, field: str, says: str
) -> None:
    found = errors_of(edit(file, old, new))
    told = [(error.where, error.field, str(error.message)) for error in found]
    assert any(w == where and f.startswith(field) and says in message for w, f, message in told), told
    assert all(error.message.vi and error.message.en and error.message.vi != error.message.en for error in found), told


def test_a_grant_may_name_only_columns_rows_and_precisions_that_are_there(edit: Edit) -> None:
    columns = (
        "columns: {tags: [public, internal], names: [cap, ma]}\n  geometry: {precision_m: 50}\n  rows: \"xa = 'a'\""
    )
    found = errors_of(edit("grants/open.yaml", "columns: {tags: [public, internal]}", columns))
    assert [(error.where, error.field) for error in found] == [
        ("grants/open.yaml:9", "[1].columns.names[0]"),
        ("grants/open.yaml:10", "[1].geometry.precision_m"),
        ("grants/open.yaml:11", "[1].rows"),
    ]


def test_all_errors_are_told_at_once_in_the_order_of_the_files(edit: Edit) -> None:
    edit(ZONE, "sharing: open", "sharing: opne")
    edit(PARCEL, "accuracy_m: 0.1", "accuracy_m: -1")
    found = errors_of(edit("profile.yaml", "id: minimal", "id: Minimal"))
    assert [error.where for error in found] == [f"{PARCEL}:6", f"{ZONE}:8", "profile.yaml:2"]


def test_a_layer_that_does_not_hold_is_no_second_error_where_it_is_named(edit: Edit) -> None:
    found = errors_of(edit(ZONE, "sharing: open", "sharing: opne"))
    assert [(error.where, error.field) for error in found] == [(f"{ZONE}:8", "sharing")]


def test_a_register_must_say_which_parcel_an_entry_is_keyed_to(edit: Edit) -> None:
    found = errors_of(edit("land/line.yaml", "geometry: MultiLineString", "geometry: none"))
    assert ("land/line.yaml:4", "geometry") in [(error.where, error.field) for error in found]


def test_a_stray_file_is_an_error_because_it_would_do_nothing(minimal: Path) -> None:
    (minimal / "identity.yaml").write_text("[]\n", encoding="utf-8")
    assert [error.where for error in errors_of(minimal)] == ["identity.yaml:1"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("{per_dossier: 0}", "check_only.per_dossier"),
        ("{tick_ms: 1}", "check_only.tick_ms"),
        ("{pad_bytes: many}", "check_only.pad_bytes"),
        ("{registrar: [desk]}", "check_only.registrar"),
    ],
)
def test_limits_of_check_only_layers_are_within_reason(minimal: Path, given: str, field: str) -> None:
    path = minimal / "profile.yaml"
    path.write_text(path.read_text(encoding="utf-8").rstrip() + f"\ncheck_only: {given}\n", encoding="utf-8")
    (error,) = errors_of(minimal)
    assert error.field == field and error.where.startswith("profile.yaml:")


def test_a_profile_that_says_nothing_of_check_only_layers_lets_nobody_register(minimal: Path) -> None:
    found = load_profile(minimal).header.check_only
    assert (found.registrars, found.per_dossier, found.per_user_day) == ((), 3, 100)
    assert (found.tick_ms, found.pad_bytes) == (500, 4096)


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    assert [error.where for error in errors_of(tmp_path / "nowhere")] == ["profile.yaml:1"]


def test_a_file_that_is_not_utf8_is_told(minimal: Path) -> None:
    (minimal / "land" / "zone.yaml").write_bytes("id: zone\ntitle: Vùng".encode("cp1258", "replace"))
    assert "UTF-8" in errors_of(minimal)[0].message.en


def test_words_that_yaml_1_1_would_turn_into_booleans_stay_words(edit: Edit) -> None:
    folder = edit("land/line.yaml", "vi: Tuyến, en: Lines", "vi: no, en: on")
    layer = load_profile(folder).layer("line")
    assert layer is not None
    assert (layer.title.vi, layer.title.en) == ("no", "on")


def test_text_is_normalised_to_nfc(edit: Edit) -> None:
    folder = edit("land/line.yaml", "vi: Tuyến", "vi: Tuye\u0302\u0301n")
    layer = load_profile(folder).layer("line")
    assert layer is not None
    assert layer.title.vi == "Tuyến"


class TestCommunes:
    HEAD = "code,name,kind,generation,successors\n"

    def test_errors_name_the_line_below_the_notice(self, minimal: Path) -> None:
        text = f"# notice\n# more\n{self.HEAD}25747,Thủ Dầu Một,phường,2025,\n25750,Phú Lợi,phường,new,\n"
        (minimal / "communes.csv").write_text(text, encoding="utf-8")
        found = errors_of(minimal)
        assert [(error.where, error.field) for error in found] == [("communes.csv:5", "generation")]

    def test_a_wrong_header_is_told(self, minimal: Path) -> None:
        (minimal / "communes.csv").write_text("ma,ten\n", encoding="utf-8")
        assert errors_of(minimal)[0].where == "communes.csv:1"

    def test_a_code_twice_in_one_generation_is_told(self, minimal: Path) -> None:
        row = "25747,Thủ Dầu Một,phường,2025,\n"
        (minimal / "communes.csv").write_text(self.HEAD + row + row, encoding="utf-8")
        assert [(error.where, error.field) for error in errors_of(minimal)] == [("communes.csv:3", "code")]

    def test_a_layer_complete_for_an_unknown_commune_is_told(self, minimal: Path, edit: Edit) -> None:
        (minimal / "communes.csv").write_text(self.HEAD + "25747,Thủ Dầu Một,phường,2025,\n", encoding="utf-8")
        found = errors_of(edit(ZONE, "complete_for: all", 'complete_for: ["25747", "99999"]'))
        assert [(error.where, error.field) for error in found] == [(f"{ZONE}:9", "complete_for[1]")]


class TestZones:
    def test_an_area_in_a_file_becomes_part_of_the_profile(self, minimal: Path, edit: Edit) -> None:
        polygon = '{"type":"Polygon","coordinates":[[[106,11],[107,11],[107,12],[106,11]]]}'
        (minimal / "west.geojson").write_text(f'{{"type":"Feature","geometry":{polygon}}}', encoding="utf-8")
        west, east = '{crs: "EPSG:9210", area: west.geojson}', '{crs: "EPSG:5899", area: [107, 10, 108, 12]}'
        zones = f'to_wgs84: "EPSG:6960", zones: [{west}, {east}]'
        header = load_profile(edit("profile.yaml", 'to_wgs84: "EPSG:6960"', zones)).header
        first, second = header.crs.zones
        assert isinstance(first.area, dict)
        assert first.area["type"] == "Polygon"
        assert second.area == (107.0, 10.0, 108.0, 12.0)

    def test_a_file_that_is_not_there_is_told(self, edit: Edit) -> None:
        zones = 'to_wgs84: "EPSG:6960", zones: [{crs: "EPSG:9210", area: west.geojson}]'
        found = errors_of(edit("profile.yaml", 'to_wgs84: "EPSG:6960"', zones))
        assert [(error.where, error.field) for error in found] == [("profile.yaml:4", "crs.zones[0].area")]
