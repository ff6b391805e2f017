"""A batch says of rasters what single checks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from layers.checking.batch import BatchRequest, batch
from tests.support.rasters import OPERATOR, PARCELS, RasterPlace, depths

NUMBERS = ("area_m2", "area_low_m2", "area_high_m2", "count", "share", "length_m", "nearest_m")


def run(place: RasterPlace, out: Path, **more: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    request = BatchRequest("flood", out, layer="parcel", workers=1, **more)
    report = place.ask(lambda database, catalogue: batch(database, catalogue, request, OPERATOR))
    return pq.read_table(report.findings).to_pylist(), pq.read_table(report.features).to_pylist()


@pytest.fixture(scope="module")
def answered(flooded: RasterPlace, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run(flooded, tmp_path_factory.mktemp("batch"))


def test_findings_of_a_batch_equal_those_of_single_checks(flooded: RasterPlace, answered: Any) -> None:
    findings, _ = answered
    rows = {(row["subject_key"], row["check"]): row for row in findings}
    assert len(rows) == 3 * len(PARCELS)
    for parcel in PARCELS:
        key = f"25747.1.{parcel['so_thua']}"
        for found in flooded.check(int(parcel["so_thua"])).content["findings"]:
            row = rows[key, found["check"]]
            assert (row["outcome"], row["verdict"]) == (found["outcome"], found["verdict"]), (key, found["check"])
            assert {name: row[name] for name in NUMBERS} == {name: found["measure"][name] for name in NUMBERS}


def test_classes_of_a_batch_equal_those_of_single_checks(flooded: RasterPlace, answered: Any) -> None:
    _, features = answered
    for parcel in PARCELS:
        key = f"25747.1.{parcel['so_thua']}"
        told = {
            (found["check"], each["key"], is_hit, each["reason"], each["area_m2"])
            for found in flooded.check(int(parcel["so_thua"])).content["findings"]
            for is_hit, listed in ((True, found["features"]), (False, found["dropped"]))
            for each in listed
        }
        listed = {
            (row["check"], row["feature_key"], row["hit"], row["reason"], row["area_m2"])
            for row in features
            if row["subject_key"] == key
        }
        assert listed == told, key


def test_a_missing_file_is_not_checked_in_a_batch_too(place: RasterPlace, tmp_path: Path) -> None:
    place.publish_cells(depths())
    place.files_of()[0].unlink()
    findings, features = run(place, tmp_path / "out")
    told = {(row["check"], row["outcome"], row["reason"]) for row in findings}
    assert told == {
        ("any_depth", "not_checked", "raster_missing"),
        ("deep", "not_checked", "raster_missing"),
        ("acid", "not_mapped", "layer_empty"),
    }
    assert features == []
