"""The real parcels of a Vietnamese commune: every known defect is named, and none is silently lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from layers.profile.apply import apply
from layers.profile.load import load_profile
from layers.store.connection import Database
from tests.support.commands import lienthong
from tests.support.files import one, query

PROFILE = Path(__file__).resolve().parent.parent / "profiles" / "duy_nghia"


def _fill(url: str) -> None:
    async def body() -> None:
        async with Database.open(url) as database:
            await apply(database, load_profile(PROFILE), "tests")

    anyio.run(body)


@pytest.fixture
def url(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> str:
    return clone(make_template("duy_nghia", _fill))


def _defect(report: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [defect for defect in report["defects"] if defect["kind"] == kind]
    return dict(found)


@pytest.mark.real
def test_the_report_names_all_known_defects_and_loses_no_row(url: str, shared: Path, tmp_path: Path) -> None:
    path = shared / "vietnam" / "duy_nghia_parcels.gpkg"
    ran = lienthong("layer", "publish", path, "--layer", "parcel", "--yes", "--json", url=url, data=tmp_path)
    assert ran.code == 0, ran.err
    report = ran.json

    rings = _defect(report, "invalid_ring")
    assert rings["count"] == 6
    assert sorted(row["action"] for row in rings["rows"]) == ["refused"] * 2 + ["repaired"] * 4
    for row in rings["rows"]:
        change = abs(row["area_after_m2"] - row["area_before_m2"])
        assert (change > max(1.0, 0.01 * row["area_before_m2"])) == (row["action"] == "refused")
    doubled = _defect(report, "duplicate_key")
    assert doubled["count"] == 44 and len({row["key"] for row in doubled["rows"]}) == 22
    overlaps = _defect(report, "overlap")
    assert len([pair for pair in overlaps["pairs"] if pair["area_m2"] > 1.0]) == 8
    assert overlaps["severity"] == "warning"

    assert report["rows"] == {"read": 9777, "accepted": 9731, "repaired": 4, "refused": 46, "outside_scope": 0}
    named = {row["row"] for kind in ("invalid_ring", "duplicate_key") for row in _defect(report, kind)["rows"]
             if row["action"] == "refused"}  # fmt: skip
    assert len(named) == 46
    assert one(url, "SELECT count(*) FROM data.parcel WHERE until IS NULL") == 9731
    cut = query(
        url, "SELECT kind, count(*) AS n, sum(ST_Area(geom)) AS area FROM checks.mapped GROUP BY kind ORDER BY kind"
    )
    assert [row["kind"] for row in cut] == ["everywhere", "refused"] and cut[1]["n"] >= 46


@pytest.mark.real
def test_what_is_stored_is_valid_and_its_pieces_add_up(url: str, shared: Path, tmp_path: Path) -> None:
    path = shared / "vietnam" / "duy_nghia_parcels.gpkg"
    lienthong("layer", "publish", path, "--layer", "parcel", "--yes", url=url, data=tmp_path)

    assert one(url, "SELECT count(*) FROM data.parcel WHERE NOT ST_IsValid(geom)") == 0
    sums = query(
        url,
        """SELECT max(abs(ST_Area(geom) - pieces.area)) AS worst FROM data.parcel
           JOIN (SELECT fid, sum(ST_Area(geom)) AS area FROM checks.piece GROUP BY fid) pieces USING (fid)""",
    )
    assert sums[0]["worst"] < 1e-6 * 1e5
    assert one(url, "SELECT max(ST_NPoints(geom)) FROM checks.piece") <= 64
