"""What a rule's distance needs of its layer: every name that leads nowhere is told with file, line and field."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from layers.errors import ProfileError
from layers.profile.load import load_profile
from layers.profile.schema import schemas

from .conftest import PROFILES

SITING, CABLE, STATION = "procedures/siting.yaml", "environment/cable.yaml", "environment/station.yaml"
SPOILED = {
    "no such column": (SITING, "column: pham_vi,", "column: be_rong,", "checks[3].distance_m.column", "no column"),
    "column of words": (SITING, "column: pham_vi,", "column: ma,", "checks[3].distance_m.column", "not a number"),
    "no bound": (SITING, "otherwise_m: 10, at_most_m: 50", "otherwise_m: 10", "checks[3].distance_m", "missing"),
    "bound below": (SITING, "at_most_m: 50", "at_most_m: 5", "checks[3].distance_m.otherwise_m", "larger"),
    "no such class column": (SITING, "by: [cap, boc]", "by: [cap, bọc]", "checks[1].distance_m", "match"),
    "class column not there": (SITING, "by: [cap, boc]", "by: [cap, kieu]", "checks[1].distance_m.by", "no column"),
    "negative metres": (SITING, '"500": 7', '"500": -7', "checks[1].distance_m", "at least 0"),
    "unknown origin": (SITING, "measured_from: bank", "measured_from: shore", "checks[3].measured_from", "one of"),
    "no margin": (SITING, "origin_margin_m: 30, ", "", "checks[2].measured_from", "origin_margin_m"),
    "origin not said": (CABLE, "origin: centreline\n", "", "half_width", "origin: centreline"),
    "width not there": (CABLE, "column: be_rong", "column: rong", "half_width.column", "no column"),
    "origin column not there": (STATION, "column: diem", "column: vi_tri", "origin.column", "no column"),
    "only of distances": (
        SITING,
        "relation: overlaps_area, min_area_m2: 1.0",
        "relation: overlaps_area, measured_from: bank, min_area_m2: 1.0",
        "checks[0]",
        "within_distance",
    ),
    "a difference has an upper bound": (SITING, "at_most: 10", "at_least: 10", "checks[5]", "at_most"),
}


@pytest.mark.parametrize("name", list(SPOILED))
def test_each_error_is_told_at_its_place(name: str, tmp_path: Path) -> None:
    file, old, new, field, says = SPOILED[name]
    folder = Path(shutil.copytree(PROFILES / "origins", tmp_path / "origins"))
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ProfileError) as raised:
        load_profile(folder)
    told = [(error.where, error.field, error.message.en) for error in raised.value.errors]
    assert any(where.startswith(file) and at.startswith(field) and says in words for where, at, words in told), told


def test_a_group_without_a_ground_never_passes(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(PROFILES / "checking", tmp_path / "checking"))
    path = folder / "procedures" / "land_use_change.yaml"
    first = "  - id: planning_basis\n"
    path.write_text(path.read_text("utf-8").replace(first, f"{first}    none: pass\n"), "utf-8")
    with pytest.raises(ProfileError, match="only 'clear' may map to 'pass'"):
        load_profile(folder)


def test_editors_are_told_of_origins_and_distances() -> None:
    made = schemas()
    assert {"Origin", "HalfWidthDefinition", "OriginByColumn"} <= set(made["layer"]["$defs"])  # type: ignore[call-overload]
    assert {"DistanceByColumn", "DistanceByClass"} <= set(made["procedure"]["$defs"])  # type: ignore[call-overload]
