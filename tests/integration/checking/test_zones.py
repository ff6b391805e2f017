"""Two measuring zones in one profile: each subject is measured in its own, and nothing is lost along the seam."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from layers.checking.batch import BatchRequest, batch
from layers.checking.request import ByGeometry
from layers.errors import InvalidRequestError
from layers.profile.load import load_profile
from tests.support.checked import OPERATOR, Place, finding
from tests.support.published import ROOT, Publisher, apply_profile

PROFILE = ROOT / "profiles" / "two_zones"
STORAGE, EAST_CRS = "EPSG:9210", "EPSG:5899"
VN2000 = Projection(STORAGE, "EPSG:6960")
#: on the seam, in the storage CRS
SEAM_X, SEAM_Y = shapely.get_coordinates(VN2000.from_wgs84(np.array([shapely.Point(106.75, 11.1)])))[0]
#: 1° from either meridian: areas are 1.00009 times too large, lengths 1.00005 times
DISTORTION = 2e-4
MakeTemplate = Callable[[str, Callable[[str], None]], str]


def box(west: float, south: float, width: float, height: float) -> BaseGeometry:
    """A rectangle, in metres from a point of the seam."""
    made: BaseGeometry = shapely.box(SEAM_X + west, SEAM_Y + south, SEAM_X + west + width, SEAM_Y + south + height)
    return made


#: by what they are: how far from the seam, and which zone holds their middle
PARCELS: Mapping[str, BaseGeometry] = {
    "far_west": box(-5000, 0, 40, 30),
    "west": box(-260, 0, 40, 30),
    "mostly_west": box(-35, 0, 50, 30),
    "mostly_east": box(-15, 200, 50, 30),
    "east": box(220, 0, 40, 30),
    "far_east": box(5000, 0, 40, 30),
}
EAST_ONES = {"mostly_east", "east", "far_east"}
OUTSIDE = box(60_000, 0, 40, 30)
CORRIDORS = {"across": box(-1000, 10, 2000, 8), "eastern": box(2, 195, 500, 20), "far": box(5010, -10, 10, 100)}
CABLES = {"across": shapely.linestrings([(SEAM_X - 900, SEAM_Y + 3), (SEAM_X + 900, SEAM_Y + 27)])}
DEPOTS = {"eastern": box(60, 0, 10, 10), "western": box(-5290, 0, 40, 30)}


def rows(shapes: Mapping[str, BaseGeometry], name: str = "ma") -> list[dict[str, Any]]:
    return [{name: key, "geom": shape} for key, shape in shapes.items()]


def filled(profile: Path) -> Callable[[str], None]:
    def fill(url: str) -> None:
        publisher = Publisher(url, load_profile(profile))
        apply_profile(url, publisher.profile)
        sides = {"00001": box(-40_000, -20_000, 40_000, 40_000), "00002": box(0, -20_000, 40_000, 40_000)}
        publisher.publish("commune", rows(sides, "ma_xa"))
        homes = {key: "00002" if key in EAST_ONES else "00001" for key in PARCELS}
        parcels = [{**row, "ma_xa": homes[row["so_thua"]]} for row in rows(PARCELS, "so_thua")]
        publisher.publish("parcel", [*parcels, {"so_thua": "outside", "ma_xa": "00009", "geom": OUTSIDE}])
        publisher.publish("corridor", rows(CORRIDORS))
        publisher.publish("cable", rows(CABLES))
        publisher.publish("depot", rows(DEPOTS))

    return fill


@pytest.fixture(scope="module")
def by_communes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same profile, its zones being where communes are."""
    folder = tmp_path_factory.mktemp("zones") / "two_zones"
    shutil.copytree(PROFILE, folder)
    text = (folder / "profile.yaml").read_text("utf-8")
    west, east = '["00001"]', '["00002"]'
    text = text.replace("[106.3, 10.7, 106.75, 11.6]", west).replace("[106.75, 10.7, 107.2, 11.6]", east)
    (folder / "profile.yaml").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="session")
def bbox_template(make_template: MakeTemplate) -> str:
    return make_template("two_zones", filled(PROFILE))


@pytest.fixture(scope="module")
def seam(bbox_template: str, server: Any) -> Any:
    """Zones by boxes; only asked."""
    with server.copied(bbox_template) as url:
        yield Place(url, Publisher(url, load_profile(PROFILE)))


@pytest.fixture
def own_seam(bbox_template: str, clone: Callable[[str], str]) -> Place:
    url = clone(bbox_template)
    return Place(url, Publisher(url, load_profile(PROFILE)))


def ask(place: Place, parcel: str, **more: Any) -> dict[str, Any]:
    return dict(place.check(f"key:{parcel}", "siting", **more).content)


# ── an independent computation: pyproj's own projection, shapely, and the ellipsoid ──────────────
def in_zone(shape: BaseGeometry, crs: str) -> BaseGeometry:
    move = pyproj.Transformer.from_crs(STORAGE, crs, always_xy=True)
    moved: BaseGeometry = shapely.transform(shape, lambda at: np.column_stack(move.transform(at[:, 0], at[:, 1])))
    return moved


def expected(shape: BaseGeometry, crs: str) -> dict[str, Any]:
    """Areas in m², lengths and distances in metres, of whole shapes in the plane of a zone."""
    subject = in_zone(shape, crs)
    corridors = shapely.union_all([in_zone(each, crs) for each in CORRIDORS.values()])
    nearest = min(subject.distance(in_zone(each, crs)) for each in DEPOTS.values())
    return {
        "area_m2": subject.intersection(corridors).area,
        "length_m": in_zone(CABLES["across"], crs).intersection(subject).length,
        "nearest_m": nearest,
    }


def on_the_ellipsoid(shape: BaseGeometry) -> float:
    return abs(float(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(in_zone(shape, "EPSG:4756"))[0]))


@pytest.mark.parametrize("name", list(PARCELS))
def test_a_parcel_is_measured_in_the_plane_of_its_own_zone(seam: Place, name: str) -> None:
    answer = ask(seam, name)
    crs = EAST_CRS if name in EAST_ONES else STORAGE
    wanted = expected(PARCELS[name], crs)
    corridor, cable, depot = (finding_of(answer, check) for check in ("corridor", "cable", "depot"))
    assert corridor["measure"]["area_m2"] == pytest.approx(wanted["area_m2"], abs=1e-3)
    assert (cable["measure"]["length_m"] or 0.0) == pytest.approx(wanted["length_m"], abs=1e-3)
    assert corridor["outcome"] == ("affected" if wanted["area_m2"] >= 1 else "clear")
    assert cable["outcome"] == ("affected" if wanted["length_m"] >= 0.5 else "clear")
    assert depot["outcome"] == ("affected" if wanted["nearest_m"] <= 300 else "clear")
    if depot["outcome"] == "affected":
        assert depot["measure"]["nearest_m"] == pytest.approx(wanted["nearest_m"], abs=1e-3)
    assert answer["subject"]["area_m2"] == pytest.approx(on_the_ellipsoid(PARCELS[name]), rel=DISTORTION)


def finding_of(answer: Mapping[str, Any], check: str) -> dict[str, Any]:
    return next(dict(each) for each in answer["findings"] if each["check"] == check)


def test_what_lies_across_the_seam_is_met_from_both_sides(seam: Place) -> None:
    for name, width in (("west", 40), ("mostly_west", 50), ("east", 40)):
        met = {each["key"]: each["area_m2"] for each in finding_of(ask(seam, name), "corridor")["features"]}
        assert met["across"] == pytest.approx(8 * width, rel=DISTORTION)
    assert [each["key"] for each in finding_of(ask(seam, "west"), "depot")["features"]] == ["eastern"]
    assert finding_of(ask(seam, "far_west"), "depot")["features"][0]["key"] == "western"


def test_a_batch_says_of_both_zones_what_single_checks_say(seam: Place, tmp_path: Path) -> None:
    now = datetime.now(UTC) + timedelta(seconds=1)
    report = seam.ask(
        lambda database, catalogue: batch(
            database, catalogue, BatchRequest(procedure="siting", inputs={}, layer="parcel", out=tmp_path, workers=1),
            OPERATOR, now=now,
        )
    )  # fmt: skip
    found, features = pd.read_parquet(report.findings), pd.read_parquet(report.features)
    for name in PARCELS:
        for each in ask(seam, name, now=now)["findings"]:
            row = found[(found["subject_key"] == name) & (found["check"] == each["check"])].iloc[0]
            assert (row["outcome"], row["verdict"]) == (each["outcome"], each["verdict"]), (name, each["check"])
            for measure in ("area_m2", "length_m", "nearest_m"):
                value = each["measure"][measure]
                assert (pd.isna(row[measure]) and value is None) or row[measure] == pytest.approx(value, abs=2e-4)
            met = features[(features["subject_key"] == name) & (features["check"] == each["check"])]
            assert sorted(met["feature_key"]) == sorted(one["key"] for one in (*each["features"], *each["dropped"]))
    outside = found[found["subject_key"] == "outside"]
    assert set(outside["outcome"]) == {"not_checked"}
    assert set(outside["reason"]) == {"outside_zones"}


def test_a_subject_outside_every_zone_is_refused(seam: Place) -> None:
    with pytest.raises(InvalidRequestError, match="múi chiếu"):
        ask(seam, "outside")
    with pytest.raises(InvalidRequestError, match="múi chiếu"):
        drawn(seam, OUTSIDE)


def drawn(place: Place, shape: BaseGeometry, **more: Any) -> dict[str, Any]:
    degrees = VN2000.to_wgs84(np.array([shape], dtype=object))[0]
    query = ByGeometry(json.loads(shapely.to_geojson(degrees)))
    return dict(place.check(query, "siting", **more).content)


@pytest.mark.parametrize("name", ["mostly_west", "mostly_east"])
def test_a_drawn_shape_is_measured_where_the_parcel_is(seam: Place, name: str) -> None:
    parcel, shape = ask(seam, name), drawn(seam, PARCELS[name])
    for check in ("corridor", "cable", "depot"):
        one, other = finding_of(parcel, check), finding_of(shape, check)
        assert one["outcome"] == other["outcome"]
        assert one["measure"]["area_m2"] == pytest.approx(other["measure"]["area_m2"], abs=1e-2)
        assert one["measure"]["nearest_m"] == pytest.approx(other["measure"]["nearest_m"], abs=1e-3)


def test_a_shape_that_sticks_far_out_of_its_zone_is_never_clear(seam: Place) -> None:
    """Its middle lies in the west, its eastern end where the west is not pieced: there a feature waits."""
    long = drawn(seam, box(-13_100, 5_000, 26_000, 20))
    assert {each["outcome"] for each in long["findings"]} == {"not_checked"}
    assert {each["reasons"][0]["code"] for each in long["findings"]} == {"outside_zones"}
    short = drawn(seam, box(-6_100, 5_000, 12_000, 20))
    assert {each["outcome"] for each in short["findings"]} == {"clear"}


@pytest.mark.parametrize("name", ["mostly_west", "mostly_east"])
def test_later_revisions_earlier_instants_and_replays_hold_in_both_zones(own_seam: Place, name: str) -> None:
    before = own_seam.check(f"key:{name}", "siting")
    instant = datetime.now(UTC)
    own_seam.publish("corridor", rows({"far": CORRIDORS["far"]}))
    own_seam.publish("depot", rows({"near": shapely.transform(PARCELS[name], lambda at: at + np.array([0, 100]))}))
    after = own_seam.check(f"key:{name}", "siting")
    assert finding(before, "corridor")["outcome"] == "affected"
    assert finding(after, "corridor")["outcome"] == "clear"
    assert [each["key"] for each in finding(after, "depot")["features"]] == ["near"]
    then = own_seam.check(f"key:{name}", "siting", as_of=instant)
    for check in ("corridor", "cable", "depot"):
        assert finding(then, check)["measure"] == finding(before, check)["measure"]
    for answer in (before, after, then):
        assert own_seam.replay(answer.id).is_identical


def test_zones_may_be_where_communes_are(by_communes: Path, empty_database: str) -> None:
    filled(by_communes)(empty_database)
    place = Place(empty_database, Publisher(empty_database, load_profile(by_communes)))
    for name in ("mostly_west", "mostly_east"):
        crs = EAST_CRS if name in EAST_ONES else STORAGE
        area = expected(PARCELS[name], crs)["area_m2"]
        parcel = place.check(f"key:{name}", "siting")
        assert finding(parcel, "corridor")["measure"]["area_m2"] == pytest.approx(area, abs=1e-3)
        shape = drawn(place, PARCELS[name])
        assert finding_of(shape, "corridor")["measure"]["area_m2"] == pytest.approx(area, abs=1e-2)
    swapped = {"00002": box(-40_000, -20_000, 40_000, 40_000), "00001": box(0, -20_000, 40_000, 40_000)}
    place.publish("commune", rows(swapped, "ma_xa"))
    assert place.replay(shape["id"]).is_identical  # in the zone its commune had then
    with pytest.raises(InvalidRequestError, match="múi chiếu"):
        place.check("key:outside", "siting")
