"""Plot rules: which row speaks of a commune, what a draft does, and what does not hold, with its line."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from gis.procedure import SubjectRule
from layers.errors import ProfileError
from layers.profile.bind import bind_procedure
from layers.profile.grammar import Commune
from layers.profile.load import load_profile
from layers.profile.plot_rules import PlotRow, row_for
from layers.profile.profile import Profile
from layers.profile.schema import schemas

DAY = date(2026, 11, 21)
SPLIT = {"kind": "SPLIT", "land_use": "ODT"}


def rule_of(profile: Profile, check: str, **inputs: object) -> SubjectRule:
    bound = bind_procedure(profile, "parcel_split_merge", {**SPLIT, **inputs}, DAY).procedure
    found = next(one for one in bound.checks if one.id == check)
    assert isinstance(found, SubjectRule)
    return found


def asked_of(rule: SubjectRule, commune: str) -> float:
    return next(plot.at_least for plot in rule.plots if commune in plot.communes)


@pytest.fixture(scope="module")
def default() -> Profile:
    return load_profile(Path("layers/definitions"))


@pytest.mark.parametrize(
    ("land_use", "commune", "least_m2"),
    [("ODT", "25747", 60), ("ONT", "25906", 100), ("CLN", "25747", 300), ("LUC", "25906", 500)],
)
def test_a_ward_and_a_rural_commune_ask_for_their_own_areas(
    default: Profile, land_use: str, commune: str, least_m2: float
) -> None:
    assert asked_of(rule_of(default, "minimum_area", land_use=land_use), commune) == least_m2


def test_what_was_recalled_carries_that_into_the_rule(default: Profile) -> None:
    assert not any(plot.verified for plot in rule_of(default, "minimum_area").plots)


@pytest.mark.parametrize("land_use", ["TMD", "SKC", "DGT"])
def test_a_land_type_of_which_no_row_speaks_is_asked_all_the_same(default: Profile, land_use: str) -> None:
    bound = bind_procedure(default, "parcel_split_merge", {"kind": "SPLIT", "land_use": land_use}, DAY)
    assert bound.skipped == ()
    area, access = (rule_of(default, check, land_use=land_use) for check in ("minimum_area", "access"))
    assert area.is_by_plots and area.plots == () and area.ground is not None
    assert not access.is_by_plots and access.at_least == 1.0


def test_a_draft_is_carried_and_applied_to_nobody(default: Profile) -> None:
    draft = default.plots("tphcm_du_thao")
    assert draft is not None and draft.status == "draft" and draft.rows
    assert draft.asked("area_m2", "ODT", DAY) == ()


def test_the_most_particular_row_counts() -> None:
    def row(name: str, **where: object) -> PlotRow:
        return PlotRow.model_validate({"id": name, "land_uses": ["ODT"], "min_area_m2": 50, "basis": ["x"], **where})

    rows = (row("all"), row("wards", commune_kinds=["ward"]), row("one", communes=["1"]))

    def named(code: str, kind: str) -> str:
        found = row_for(rows, Commune(code=code, name="", kind=kind, generation=2025))
        assert found is not None
        return found.id

    assert [named("1", "phường"), named("2", "phường"), named("3", "xã")] == ["one", "wards", "all"]


def test_the_schema_of_the_tables_is_exported() -> None:
    assert "rows" in schemas()["plot_rules"]["properties"]  # type: ignore[operator]


TABLE = """\
id: thu
title: {vi: Thử, en: Test}
legal_basis:
  - {number: QĐ-1, verified: false}
rows:
  - {id: one, land_uses: [ODT], commune_kinds: [ward], min_area_m2: 60, basis: [QĐ-1]}
  - {id: two, land_uses: [ODT], commune_kinds: [ward], min_area_m2: 70, basis: [QĐ-2]}
  - {id: two, land_uses: [CLN], communes: ["99999"], excludes: [khong_co], access: required, basis: [QĐ-1]}
  - {id: four, land_uses: [CLN], basis: [QĐ-1]}
"""


def test_every_error_of_a_table_names_file_line_and_field(tmp_path: Path) -> None:

    shutil.copytree("layers/definitions", tmp_path / "profile")
    (tmp_path / "profile/plot_rules/thu.yaml").write_text(TABLE.rpartition("  - {id: four")[0], encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(tmp_path / "profile")
    told = [(error.where, error.field) for error in caught.value.errors]
    assert told == [
        ("plot_rules/thu.yaml:7", "rows[1]"), ("plot_rules/thu.yaml:7", "rows[1].basis[0]"),
        ("plot_rules/thu.yaml:8", "rows[2].communes[0]"), ("plot_rules/thu.yaml:8", "rows[2].excludes[0]"),
        ("plot_rules/thu.yaml:8", "rows[2].id"),
    ]  # fmt: skip


def test_a_row_that_asks_for_nothing_is_refused(tmp_path: Path) -> None:

    shutil.copytree("layers/definitions", tmp_path / "profile")
    (tmp_path / "profile/plot_rules/thu.yaml").write_text(TABLE, encoding="utf-8")
    with pytest.raises(ProfileError, match="the row asks for nothing"):
        load_profile(tmp_path / "profile")
