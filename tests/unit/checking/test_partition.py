"""A partition without a database: zones, exported files, what fails on one subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gis.crs import Projection
from gis.pieces import subdivide
from gis.procedure import Group, Procedure, Relation, Rule, SubjectRule, Verdict
from layers.checking.evaluate import Standing
from layers.checking.export import boxed
from layers.checking.outcome import write_results
from layers.checking.partition import judged, run
from layers.checking.plan import MOST_SUBJECTS, OUTSIDE_ZONES, Plan, Started, partition_size
from layers.checking.sheets import PieceFile
from layers.profile.grammar import CrsDefinition, ZoneDefinition
from layers.profile.load import load_profile
from layers.store.check_export import NAMING_ROLES

MINIMAL = Path(__file__).resolve().parent.parent.parent / "profiles" / "minimal"
VN2000 = Projection("EPSG:9210", "EPSG:6960")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
TWO_ZONES = CrsDefinition(
    storage="EPSG:9210",
    to_wgs84="EPSG:6960",
    zones=(
        ZoneDefinition(crs="EPSG:9210", area=(106.0, 10.0, 107.0, 12.0)),
        ZoneDefinition(crs="EPSG:5899", area=(107.0, 10.0, 108.0, 12.0)),
    ),
)


def plan(folder: Path, *checks: Rule | Group | SubjectRule, zones: CrsDefinition | None = None) -> Plan:
    profile = load_profile(MINIMAL)
    if zones:
        profile = profile.model_copy(update={"header": profile.header.model_copy(update={"crs": zones})})
    return Plan(
        folder=folder, profile=profile, procedure=Procedure("p", "v", checks),
        standings={"zone": Standing(3, published=NOW)}, accuracy_m={"zone": 0.0}, failed={}, clock=NOW, subjects=2,
        are_parcels=True, commune_areas={},
    )  # fmt: skip


def squares(*lon_lat: tuple[float, float], size: float = 20.0) -> np.ndarray:
    """Squares in EPSG:9210 around places given in degrees."""
    middles = shapely.get_coordinates(VN2000.from_wgs84(shapely.points(np.array(lon_lat))))
    return np.array([shapely.box(x, y, x + size, y + size) for x, y in middles], dtype=object)


def subjects(shapes: Sequence[shapely.Geometry | None]) -> pa.Table:
    columns = {
        "fid": pa.array(range(len(shapes)), pa.int64()),
        "accuracy_m": pa.array([0.0] * len(shapes)),
        "registered_m2": pa.array([float("nan")] * len(shapes)),
        "geometry": pa.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], pa.binary()),
        **{role: pa.nulls(len(shapes), pa.string()) for role in NAMING_ROLES},
        "subject_key": pa.array([f"s{number}" for number in range(len(shapes))]),
    }
    return pa.table(columns)


def write_zone_layer(made: Plan, features: np.ndarray) -> None:
    """A layer mapped everywhere, its features pieced in every zone."""
    chunks = []
    for number, zone in enumerate(made.profile.header.crs.zones):
        pieces, owner = subdivide(VN2000.to_crs(features, "EPSG:9210", zone.crs))
        chunks.append(
            pa.table(
                {
                    "zone": pa.array(np.full(len(pieces), number, dtype=np.int16)),
                    "fid": pa.array(owner + 100),
                    "geometry": pa.array(shapely.to_wkb(pieces), pa.binary()),
                }
            )
        )
    fids = np.arange(100, 100 + len(features))
    pq.write_table(boxed(pa.concat_tables(chunks), fids), made.pieces_file("zone"), row_group_size=2)
    rules = sum(len(check.members) if isinstance(check, Group) else 1 for check in made.procedure.checks)
    facts = {
        "fid": pa.array(fids),
        "key": pa.array([f"Z{fid}" for fid in fids]),
        "accuracy_m": pa.array([0.0] * len(fids)),
        **{f"excluded_{number}": pa.array([""] * len(fids)) for number in range(rules)},
    }
    pq.write_table(pa.table(facts), made.facts_file("zone"))
    everywhere = {
        "kind": pa.array(["everywhere"]),
        "zone": pa.nulls(1, pa.int16()),
        "geometry": pa.nulls(1, pa.binary()),
    }
    pq.write_table(pa.table(everywhere), made.mapped_file("zone"))


OVERLAPS = Rule("overlap", "zone", Relation.OVERLAPS_AREA, min_area_m2=1.0)


def test_each_subject_is_measured_in_the_zone_of_its_label_point(tmp_path: Path) -> None:
    made = plan(tmp_path, OVERLAPS, zones=TWO_ZONES)
    shapes = squares((106.6, 11.0), (107.4, 11.0), (109.0, 11.0))
    assert made.zones_of(shapes, np.array([None] * 3)).tolist() == [0, 1, OUTSIDE_ZONES]
    write_zone_layer(made, shapes)
    findings, features = judged(made, subjects(list(shapes)))
    areas = [shape.area for shape in VN2000.to_crs(shapes[1:2], "EPSG:9210", "EPSG:5899")]
    assert findings["outcome"].to_pylist() == ["affected", "affected", "not_checked"]
    assert findings["area_m2"].to_pylist()[:2] == pytest.approx([400.0, areas[0]], abs=1e-3)
    assert findings["reason"].to_pylist()[2] == "outside_zones"
    assert features["subject_key"].to_pylist() == ["s0", "s1"]
    assert abs(areas[0] - 400.0) > 0.01  # the zones do measure differently


def test_zones_that_name_communes_go_by_the_code_and_else_by_the_place(tmp_path: Path) -> None:
    zones = CrsDefinition(
        storage="EPSG:9210",
        to_wgs84="EPSG:6960",
        zones=(ZoneDefinition(crs="EPSG:9210", area=("25747",)), ZoneDefinition(crs="EPSG:5899", area=("26506",))),
    )
    shapes = squares((106.6, 11.0), (107.4, 11.0), (107.4, 11.0))
    around = shapely.to_wkb(shapely.buffer(shapes[1], 1000))
    made = replace(plan(tmp_path, OVERLAPS, zones=zones), commune_areas={"26506": around})
    codes = np.array(["25747", None, "99999"], dtype=object)
    assert made.zones_of(shapes, codes).tolist() == [0, 1, OUTSIDE_ZONES]


def test_groups_and_subject_checks_have_their_row(tmp_path: Path) -> None:
    group = Group("ground", (replace(OVERLAPS, id="a"), replace(OVERLAPS, id="b", min_area_m2=1e9)))
    made = plan(tmp_path, group, SubjectRule("small", "area_m2", at_least=500.0, verdicts={}))
    shapes = squares((106.6, 11.0), (106.7, 11.0))
    write_zone_layer(made, shapes[:1])
    findings, features = judged(made, subjects(list(shapes)))
    rows = {(row["subject_key"], row["check"]): row for row in findings.to_pylist()}
    assert len(rows) == 4
    assert rows["s0", "ground"]["verdict"] == Verdict.REFER.value  # b is met, a is not: a conflict
    assert rows["s0", "ground"]["layer"] is None
    assert rows["s1", "small"]["outcome"] == "affected"
    assert set(features["check"].to_pylist()) == {"ground"}


def test_a_subject_without_a_shape_costs_only_itself(tmp_path: Path) -> None:
    made = plan(tmp_path, OVERLAPS)
    shapes = squares((106.6, 11.0), (106.7, 11.0))
    write_zone_layer(made, shapes)
    bow_tie = shapely.from_wkt(
        "POLYGON ((600000 1210000, 600010 1210010, 600010 1210000, 600000 1210010, 600000 1210000))"
    )
    findings, _ = judged(made, subjects([shapes[0], None, bow_tie, shapes[1]]))
    assert findings["outcome"].to_pylist() == ["affected", "not_checked", "not_checked", "affected"]


def test_a_layer_that_could_not_be_read_is_not_checked_with_the_reason(tmp_path: Path) -> None:
    made = replace(plan(tmp_path, OVERLAPS), failed={"zone": "timeout"})
    findings, features = judged(made, subjects(list(squares((106.6, 11.0)))))
    (row,) = findings.to_pylist()
    assert (row["outcome"], row["reason"], row["area_m2"], row["count"]) == ("not_checked", "timeout", None, None)
    assert features.num_rows == 0


def test_a_file_that_is_damaged_fails_closed(tmp_path: Path) -> None:
    made = plan(tmp_path, OVERLAPS)
    shapes = squares((106.6, 11.0))
    write_zone_layer(made, shapes)
    made.facts_file("zone").write_bytes(b"not parquet")
    findings, _ = judged(made, subjects(list(shapes)))
    assert (findings["outcome"].to_pylist(), findings["reason"].to_pylist()) == (["not_checked"], ["error"])


def test_pieces_are_found_whether_the_layer_is_kept_or_read_group_by_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(tmp_path, OVERLAPS, zones=TWO_ZONES)
    places = [(106.5 + 0.001 * number, 11.0 + 0.0007 * (number % 5)) for number in range(40)]
    write_zone_layer(made, squares(*places))
    boxes = shapely.bounds(squares(*places[10:20])) + np.array([-1.0, -1.0, 1.0, 1.0])
    found = []
    for kept in (50_000, 0):
        monkeypatch.setattr("layers.checking.sheets._KEPT_PIECES", kept)
        box, piece, near = PieceFile(made.pieces_file("zone")).meeting(0, boxes)
        found.append((box.tolist(), near.feature[piece].tolist()))
    assert found[0] == found[1]
    assert found[0] == (list(range(10)), list(range(10, 20)))
    nothing = PieceFile(made.pieces_file("zone")).meeting(0, np.full((1, 4), np.nan))
    assert len(nothing[0]) == 0


def test_partitions_are_put_together_in_order_and_counted(tmp_path: Path) -> None:
    made = replace(plan(tmp_path, OVERLAPS, SubjectRule("small", "area_m2", at_least=500.0)), subjects=700)
    assert (made.size, made.partitions) == (512, 2)
    places = [(106.5 + 0.0005 * number, 11.0) for number in range(700)]
    shapes = squares(*places)
    write_zone_layer(made, shapes[:300])
    table = subjects(list(shapes))
    for number in range(2):
        pq.write_table(table.slice(number * 512, 512), made.subjects_file(number))
        assert run(made, number) == (512, 188)[number]
    summary = write_results(made, tmp_path, lambda *_: None, "sha256:0", {"procedure": "p"})
    assert summary.outcomes == {"overlap": {"clear": 400, "affected": 300}, "small": {"affected": 700}}
    assert summary.verdicts == {"pass": 0, "refer": 700, "fail": 0}
    assert (summary.hits, summary.refer_by_accuracy) == (300, 0)
    keys = pq.read_table(tmp_path / "findings.parquet")["subject_key"].to_pylist()
    assert keys[::2] == [f"s{number}" for number in range(700)]
    for name in ("findings", "features"):
        assert pq.read_metadata(tmp_path / f"{name}.parquet").metadata[b"lienthong.policy"] == b"sha256:0"


@pytest.mark.parametrize(("count", "size"), [(1, 512), (8_188, 512), (100_000, 6_250), (5_000_000, MOST_SUBJECTS)])
def test_partitions_depend_on_the_number_of_subjects_alone(count: int, size: int) -> None:
    assert partition_size(count) == size


def test_what_was_begun_is_read_back_as_it_was(tmp_path: Path) -> None:
    assert Started.read(tmp_path) is None
    begun = Started(
        request="sha256:a", as_of=None, on_date=NOW.date(), clock=NOW, subjects=7, are_parcels=True,
        standings={"zone": Standing(3, "suspended", NOW, 365, 0.3), "plan": Standing(0, "empty")},
        accuracy_m={"zone": 0.3}, failed={"plan": "error"}, rules="sha256:b",
        policy="sha256:c", share=None, commune_areas={"25747": b"\x01\x02"},
    )  # fmt: skip
    begun.write(tmp_path)
    assert Started.read(tmp_path) == begun


def test_a_key_that_two_subjects_share_stands_in_the_files_once(tmp_path: Path) -> None:
    """Parquet's writer would fill the place of the second with what lay in memory: no file twice the same."""
    made = plan(tmp_path, OVERLAPS)
    shapes = squares((106.6, 11.0), (106.61, 11.0), (106.62, 11.0))
    write_zone_layer(made, shapes)
    table = subjects(list(shapes))
    place = table.schema.get_field_index("subject_key")
    for found in judged(made, table.set_column(place, "subject_key", pa.array(["a", "b", "a"]))):
        assert found["subject_key"].to_pylist() == ["a", "b", "a"]
        assert found["subject_key"].combine_chunks().dictionary.to_pylist() == ["a", "b"]
