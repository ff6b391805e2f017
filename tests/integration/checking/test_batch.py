"""A batch says of every subject what the single check says; it goes on where it was stopped, over the same cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely

from layers.checking.batch import WORK, BatchReport, BatchRequest, batch
from layers.errors import InvalidInputsError, InvalidRequestError, NotFoundError, SourceError, UnavailableError
from tests.support.checked import INPUTS, OPERATOR, PARCELS, Place, codes, corridor, fill, geojson, parcel
from tests.support.commands import lienthong
from tests.support.published import box, line, point

Change = Callable[[Place], object]


def run(place: Place, out: Path, *, now: datetime | None = None, progress: Any = None, **request: Any) -> BatchReport:
    asked = {"procedure": "land_use_change", "inputs": INPUTS, "workers": 1, **request}
    if "file" not in asked:
        asked.setdefault("layer", "parcel")
    more = {"progress": progress} if progress else {}
    found: BatchReport = place.ask(
        lambda database, catalogue: batch(
            database, catalogue, BatchRequest(out=out, **asked), OPERATOR, now=now, **more
        )
    )
    return found


def rows(report: BatchReport) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.read_parquet(report.findings), pd.read_parquet(report.features)


def nothing(_place: Place) -> None:
    """As the place stands."""


def conflicts(place: Place) -> None:
    """Something of every relation on the first parcel, and on its neighbours what nearly is."""
    place.publish("water_corridor", [
        corridor("SG-03", box(-50, -50, 55, 200)), corridor("SG-04", box(20, 0, 30, 31)),
        corridor("SG-05", box(100, 19.999, 20, 20)), corridor("SG-06", box(-20, -0.2, 300, 0.21)),
    ])  # fmt: skip
    place.publish("power_line", [
        {"ma": "L2", "dien_ap_kv": 110, "geom": line((-10, 10), (150, 10))},
        {"ma": "L3", "dien_ap_kv": 22, "geom": line((100, 0), (120, 0), (300, 50))},
    ])  # fmt: skip
    place.publish("station", [{"ma": "S2", "geom": point(10, 10)}, {"ma": "S3", "geom": point(100, 5)}])
    place.publish("waste_site", [{"ma": "W2", "sai_so_m": 1.0, "geom": box(399.5, 0, 10, 10)}])
    place.publish("parcel_block", [{"so_vb": "N1", "ma_xa": "25750", "so_to": "45", "so_thua": "123"}])
    place.publish("military_zone", [{"ma": "M1", "ma_xa": "25747", "geom": box(0, 0, 5, 5)}])
    place.publish("zoning_plan", [{"ma": "Z1", "dat_o": True, "geom": box(-10, -10, 20, 100)},
                                  {"ma": "Z2", "dat_o": None, "geom": box(90, -10, 100, 100)},
                                  {"ma": "Z3", "dat_o": False, "geom": box(200, -10, 100, 100)}])  # fmt: skip


def gaps(place: Place) -> None:
    """Ground that is not mapped, refused rows, a layer that is suspended, one that is withdrawn."""
    place.publish("water_corridor", [], mapped=[box(-500, -500, 610, 2000)], refused=[box(5, 5, 3, 3)])
    place.publish("land_use_plan", [{"ma": "P1", "loai_dat": "ODT", "geom": box(0, 0, 9, 31)}], mapped=[])
    place.publish("parcel_block", [], mapped=[box(-500, -500, 550, 2000)])
    place.publisher.set_state("station", "suspended", "sai số liệu")
    place.publisher.set_state("power_line", "withdrawn", "sai lớp")


@pytest.mark.parametrize("change", [nothing, conflicts, gaps])
def test_a_batch_says_what_the_single_check_says(place: Place, tmp_path: Path, change: Change) -> None:
    change(place)
    now = datetime.now(UTC) + timedelta(seconds=1)
    report = run(place, tmp_path / "out", now=now)
    findings, features = rows(report)
    assert report.subjects == len(PARCELS)
    verdicts: dict[str, int] = {"pass": 0, "refer": 0, "fail": 0}
    for fid in _fids(place):
        answer = place.check(f"fid:{fid}", now=now).content
        verdicts[answer["verdict"]] += 1
        key = answer["subject"]["key"] or fid
        mine = findings[(findings["subject_key"] == key)]
        for finding in answer["findings"]:
            row = _row_like(mine[mine["check"] == finding["check"]], finding)
            assert _codes(row) == codes(finding), (row, finding)
            _compare_features(features[features["subject_key"] == key], finding, is_twin=key.startswith("25813"))
    assert verdicts == dict(report.summary.verdicts)


def test_a_row_on_ground_that_was_refused_says_so(place: Place, tmp_path: Path) -> None:
    place.publish("water_corridor", [], refused=[box(5, 5, 3, 3)])
    findings, _ = rows(run(place, tmp_path / "out"))
    told = findings[findings["check"] == "water_corridor"].set_index("subject_key")["reason"]
    assert told["25747.45.123"] == "partly_mapped;refused_row"
    assert told.drop("25747.45.123").isna().all()


def test_a_batch_before_the_first_revision_says_so_like_the_single_check(place: Place, tmp_path: Path) -> None:
    old = datetime.now(UTC) - timedelta(days=400)
    place.publish("parcel", PARCELS, created=old)
    asked: dict[str, Any] = {"as_of": old + timedelta(days=1), "on_date": date.today()}
    findings, _ = rows(run(place, tmp_path / "out", **asked))
    first = findings[findings["subject_key"] == "25747.45.123"].set_index("check")["reason"]
    for finding in place.check(**asked).content["findings"]:
        assert _codes({"reason": first[finding["check"]]}) == codes(finding)
    assert first["water_corridor"] == "before_first_revision"
    assert "layer_empty" not in set(findings["reason"])


def test_a_row_that_is_clear_and_refers_says_why(place: Place, tmp_path: Path) -> None:
    findings, _ = rows(run(place, tmp_path / "out"))
    refers = findings[(findings["outcome"] == "clear") & (findings["verdict"] == "refer")]
    assert len(refers) and set(refers["reason"]) == {"unverified_rule"}


def _codes(row: dict[str, Any]) -> list[str]:
    return row["reason"].split(";") if isinstance(row["reason"], str) else []


def _fids(place: Place) -> list[int]:
    keys = [row.get("fid") or f"{row['ma_xa']}.{row['so_to']}.{row['so_thua']}" for row in PARCELS]
    return [place.publisher.fid("parcel", key) for key in keys]


def _row_like(candidates: pd.DataFrame, finding: dict[str, Any]) -> dict[str, Any]:
    """The row of the subject; twins share a key, and one of their rows must be the one looked for."""
    for row in candidates.to_dict("records"):
        if not _differences(row, finding):
            return dict(row)
    raise AssertionError((finding, [_differences(row, finding) for row in candidates.to_dict("records")]))


def _differences(row: dict[str, Any], finding: dict[str, Any]) -> list[str]:
    numbers = ("area_m2", "area_low_m2", "area_high_m2", "length_m", "nearest_m", "share", "count")
    expected = {name: finding[name] for name in ("outcome", "verdict", "layer", "revision")}
    expected |= {name: finding["measure"][name] for name in numbers}
    return [name for name, value in expected.items() if not _same(row[name], value)]


def _same(found: Any, expected: Any) -> bool:
    if expected is None:
        return bool(pd.isna(found))
    return bool(found == (expected if isinstance(expected, str) else pytest.approx(expected, abs=2e-4)))


def _compare_features(features: pd.DataFrame, finding: dict[str, Any], *, is_twin: bool) -> None:
    mine = features[features["check"] == finding["check"]]
    parts = finding.get("members", [finding])
    told = [(feature, is_hit) for part in parts for is_hit, name in ((True, "features"), (False, "dropped"))
            for feature in part[name]]  # fmt: skip
    expected = {(f["key"], f["relation"], hit, f["reason"]) for f, hit in told}
    reasons = [None if pd.isna(reason) else reason for reason in mine["reason"]]
    found = set(zip(mine["feature_key"], mine["relation"], mine["hit"], reasons, strict=True))
    assert expected <= found if is_twin else expected == found, finding["check"]


def test_columns_and_row_counts_are_those_of_the_contract(place: Place, tmp_path: Path) -> None:
    conflicts(place)
    findings, features = rows(run(place, tmp_path / "out"))
    checks = ["water_corridor", "planning_basis", "blocks", "power_line", "station", "waste_distance", "military",
              "minimum_area"]  # fmt: skip
    assert list(findings["check"].iloc[: len(checks)]) == checks
    assert len(findings) == len(PARCELS) * len(checks)
    group = findings[findings["check"] == "planning_basis"]
    assert group["layer"].isna().all() and group["revision"].isna().all()
    assert findings[findings["check"] == "minimum_area"]["area_m2"].notna().all()
    members = features[features["check"] == "planning_basis"]
    assert set(members["layer"]) == {"land_use_plan", "zoning_plan"}
    assert not (tmp_path / "out" / ".batch").exists()


def test_stale_layers_are_not_checked_and_keep_their_hits(place: Place, tmp_path: Path) -> None:
    conflicts(place)
    later = datetime.now(UTC) + timedelta(days=4000)
    findings, features = rows(run(place, tmp_path / "out", now=later, on_date=datetime.now(UTC).date()))
    corridor_rows = findings[findings["check"] == "water_corridor"]
    aged = place.publisher.profile.layer("water_corridor")
    assert aged is not None and aged.max_age_days is not None
    assert set(corridor_rows["outcome"]) == {"not_checked"}
    assert set(corridor_rows["reason"]) == {"stale"}
    assert features[(features["check"] == "water_corridor")]["hit"].any()


def test_an_earlier_instant_is_checked_against_what_was_known_then(place: Place, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    conflicts(place)
    then, _ = rows(run(place, tmp_path / "then", as_of=before))
    now, _ = rows(run(place, tmp_path / "now"))
    assert set(then[then["check"] == "military"]["outcome"]) == {"clear"}
    assert "affected" in set(now[now["check"] == "military"]["outcome"])


# ── stopping and going on ────────────────────────────────────────────────────────────────────────


class StoppedError(Exception):
    """Where a test stops a batch."""


def fill_many(url: str) -> None:
    """More parcels than one partition takes."""
    fill(url)
    place = Place.at(url)
    conflicts(place)
    grid = [parcel("25747", "90", str(n), box(n % 40 * 10, 300 + n // 40 * 10, 10, 10)) for n in range(1100)]
    place.publish("parcel", [*PARCELS, *grid])


@pytest.fixture(scope="module")
def many_template(make_template: Callable[[str, Callable[[str], None]], str]) -> str:
    return make_template("many", fill_many)


@pytest.fixture
def crowded(many_template: str, clone: Callable[[str], str]) -> Place:
    return Place.at(clone(many_template))


def stopped(place: Place, out: Path) -> None:
    def stop_after_one(step: str, done: int, _of: int) -> None:
        if step == "check" and done > 0:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(place, out, progress=stop_after_one)


def test_a_stopped_batch_goes_on_with_what_was_not_done(crowded: Place, tmp_path: Path) -> None:
    whole = rows(run(crowded, tmp_path / "whole"))
    stopped(crowded, tmp_path / "out")
    assert not (tmp_path / "out" / "findings.parquet").exists()
    crowded.publish("military_zone", [])  # what is published meanwhile is not in the cut
    report = run(crowded, tmp_path / "out", resume=True)
    assert (report.partitions, report.resumed) == (3, 1)
    for resumed, fresh in zip(rows(report), whole, strict=True):
        pd.testing.assert_frame_equal(resumed, fresh)


def test_a_batch_begun_in_an_older_format_says_that_it_works_out_its_partitions_again(
    crowded: Place, tmp_path: Path
) -> None:
    whole = rows(run(crowded, tmp_path / "whole"))
    stopped(crowded, tmp_path / "out")
    work = tmp_path / "out" / WORK
    plan = json.loads((work / "plan.json").read_text())
    (work / "plan.json").write_text(json.dumps({name: told for name, told in plan.items() if name != "format"}))
    (done,) = work.glob("findings-*.arrow")
    done.rename(done.with_suffix(".parquet"))  # as it was called then

    inputs = [part for name, value in INPUTS.items() for part in ("--set", f"{name}={value}")]
    told = lienthong("batch", "--layer", "parcel", "--procedure", "land_use_change", *inputs, "--workers", 1,
                     "--out", tmp_path / "out", "--resume", url=crowded.url, data=tmp_path)  # fmt: skip
    assert told.code == 0, told.err
    said = " ".join(told.err.split())
    assert "1/3 phần đã làm theo định dạng cũ nên được tính lại" in said
    assert "1 of 3 partitions were left in an older format" in said
    for name, fresh in zip(("findings", "features"), whole, strict=True):
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / f"{name}.parquet"), fresh)


def test_layers_are_read_alike_in_many_small_parts_and_reading_may_be_stopped(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conflicts(place)
    whole = rows(run(place, tmp_path / "whole"))
    monkeypatch.setattr("layers.store.check_export._CHUNK_ROWS", 2)

    def stop_while_reading(step: str, done: int, _of: int) -> None:
        if step == "subjects" and done > 0:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(place, tmp_path / "out", progress=stop_while_reading)
    for small, large in zip(rows(run(place, tmp_path / "out")), whole, strict=True):
        pd.testing.assert_frame_equal(small, large)


def test_another_question_does_not_go_on_with_it(crowded: Place, tmp_path: Path) -> None:
    stopped(crowded, tmp_path / "out")
    with pytest.raises(InvalidRequestError, match="--resume"):
        run(crowded, tmp_path / "out", resume=True, inputs={"target_use": "ODT", "target_area_m2": 200})
    with pytest.raises(InvalidRequestError, match="--resume"):
        run(crowded, tmp_path / "out", resume=True, layer="water_corridor")
    assert run(crowded, tmp_path / "out").resumed == 0


def test_processes_and_one_process_give_the_same(crowded: Place, tmp_path: Path) -> None:
    one, two = (rows(run(crowded, tmp_path / str(count), workers=count)) for count in (1, 2))
    for first, second in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(first, second)


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def write_shapes(
    path: Path, *shapes: shapely.Geometry | None, keys: list[str] | None = None, column: str = "key"
) -> Path:
    features = [
        {"type": "Feature", "properties": {column: keys[number]} if keys else {},
         "geometry": None if shape is None else geojson(shape)}
        for number, shape in enumerate(shapes)
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_shapes_of_a_file_are_checked_like_drawn_ones(place: Place, tmp_path: Path) -> None:
    conflicts(place)
    file = write_shapes(tmp_path / "shapes.geojson", box(0, 0, 20, 31), box(700, 700, 9, 9), keys=["a", "b"])
    findings, _ = rows(run(place, tmp_path / "out", file=file))
    drawn = place.check_shape(box(0, 0, 20, 31)).content
    for finding in drawn["findings"]:
        (row,) = findings[(findings["subject_key"] == "a") & (findings["check"] == finding["check"])].to_dict("records")
        assert (row["outcome"], row["verdict"]) == (finding["outcome"], finding["verdict"]), finding["check"]
    blocks = findings[findings["check"] == "blocks"]
    assert set(blocks["reason"]) == {"needs_parcel"}


@pytest.mark.parametrize("column", ["key", "KEY", "Key"])
def test_the_column_with_the_keys_is_found_whatever_its_case(place: Place, tmp_path: Path, column: str) -> None:
    file = write_shapes(
        tmp_path / "shapes.geojson", box(0, 0, 20, 31), box(700, 700, 9, 9), keys=["a", "b"], column=column
    )
    findings, _ = rows(run(place, tmp_path / "out", file=file))
    assert set(findings["subject_key"]) == {"a", "b"}


def test_rows_without_a_usable_shape_are_there_and_not_checked(place: Place, tmp_path: Path) -> None:
    file = write_shapes(tmp_path / "shapes.geojson", box(0, 0, 20, 31), None, box(3, 3, 1, 1))
    findings, _ = rows(run(place, tmp_path / "out", file=file))
    assert set(findings["subject_key"]) == {"1", "2", "3"}
    assert set(findings[findings["subject_key"] == "2"]["outcome"]) == {"not_checked"}


@pytest.mark.parametrize(
    ("request_of", "error"),
    [
        ({"layer": "nowhere"}, NotFoundError),
        ({"layer": "power_line"}, InvalidRequestError),
        ({"procedure": "nothing"}, InvalidInputsError),
        ({"inputs": {}}, InvalidInputsError),
        ({"procedure": "old_procedure"}, InvalidInputsError),
        ({"file": Path("/nowhere/at/all.gpkg")}, SourceError),
    ],
)
def test_bad_requests_are_refused_before_anything_is_written(
    shared_place: Place, tmp_path: Path, request_of: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        run(shared_place, tmp_path / "out", **request_of)
    assert not (tmp_path / "out" / "findings.parquet").exists()


def test_parcels_that_are_suspended_cannot_be_checked(place: Place, tmp_path: Path) -> None:
    place.publisher.set_state("parcel", "suspended", "đang chỉnh lý")
    with pytest.raises(UnavailableError):
        run(place, tmp_path / "out")


def test_the_command_prints_what_it_did_and_names_what_is_missing(shared_place: Place, tmp_path: Path) -> None:
    arguments = ("batch", "--layer", "parcel", "--procedure", "land_use_change", "--out", tmp_path / "out", "--json")
    given = ("--set", "target_use=ODT", "--set", "target_area_m2=150")
    ran = lienthong(*arguments, *given, url=shared_place.url, data=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.json["subjects"] == len(PARCELS)
    assert Path(ran.json["findings"]).is_file()
    missing = lienthong(*arguments, url=shared_place.url, data=tmp_path)
    assert missing.code == 1
    assert set(missing.message) == {"vi", "en"}
    assert "Traceback" not in missing.err
