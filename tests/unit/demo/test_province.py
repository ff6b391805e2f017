"""The files of a generated province: complete, sound, synthetic, and the same every time."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from layers.demo.generate import generate
from layers.demo.geography import LEGAL_POWER_M, LEGAL_ROAD_M, LEGAL_WATER_M, POWER
from layers.demo.settlement import Density
from layers.errors import InvalidRequestError
from layers.profile.profile import Profile
from layers.publishing.raster_inspection import inspected_raster
from tests.support.province import PARCELS, SEED

from .conftest import Made

ROADS = {
    "cao tốc": LEGAL_ROAD_M["cao_toc"], "I": LEGAL_ROAD_M["cap_I"], "II": LEGAL_ROAD_M["cap_II"],
    "III": LEGAL_ROAD_M["cap_III"], "IV": LEGAL_ROAD_M["cap_IV"], "V": LEGAL_ROAD_M["cap_V"],
}  # fmt: skip


def test_the_number_of_parcels_is_within_two_percent(made: Made) -> None:
    assert made.manifest.parcels == len(made.layer("parcel"))
    assert abs(made.manifest.parcels - PARCELS) <= 0.02 * PARCELS


def test_every_layer_of_the_profile_has_a_file_with_its_columns_and_nothing_else(made: Made) -> None:
    for definition in made.profile.layers:
        if definition.is_raster:
            continue
        path = made.folder / f"{definition.id}.gpkg"
        info = pyogrio.read_info(path, layer=definition.id)
        assert list(info["fields"]) == [attribute.name for attribute in definition.attributes]
        assert info["features"] > 0, definition.id
        if definition.has_geometry:
            assert info["crs"] == made.profile.header.crs.storage
            assert info["geometry_type"] == definition.stored_geometry
        else:
            assert info["geometry_type"] is None


def test_the_flood_raster_has_every_class_in_the_province_and_no_value_beyond_it(made: Made, profile: Profile) -> None:
    definition = profile.layer("flood_depth")
    assert definition is not None
    with inspected_raster(made.folder / "flood_depth.tif", definition, profile) as found:
        assert (found.defects, found.crs.used) == ((), "EPSG:9210")
        assert found.counts is not None and min(found.counts.by_class) > 0
    with rasterio.open(made.folder / "flood_depth.tif") as opened:
        assert opened.tags()["SYNTHETIC"] == "YES"
        outside = made.layer("commune").union_all().envelope.exterior.coords[0]
        assert next(opened.sample([outside]))[0] == opened.nodata


def test_every_file_says_that_it_is_synthetic(made: Made) -> None:
    for path in made.folder.glob("*.gpkg"):
        info = pyogrio.read_info(path)
        assert info["layer_metadata"]["SYNTHETIC"] == "YES"
        assert info["dataset_metadata"]["SYNTHETIC"] == "YES"
        with sqlite3.connect(path) as database:
            (description,) = database.execute("SELECT description FROM gpkg_contents").fetchone()
        assert "SYNTHETIC" in description and "TỔNG HỢP" in description
    for name in ("README.txt", "conflicts.csv", "conflicts.json", "manifest.json"):
        assert "SYNTHETIC" in (made.folder / name).read_text("utf-8-sig")
    assert made.layer("parcel")["ten_chu"].str.endswith("(dữ liệu giả)").all()


def test_the_same_seed_gives_the_same_files_and_another_seed_others(
    made: Made, profile: Profile, tmp_path: Path
) -> None:
    again = generate(tmp_path / "again", PARCELS, SEED, profile)
    assert again.layers == made.manifest.layers
    assert (tmp_path / "again" / "conflicts.json").read_bytes() == (made.folder / "conflicts.json").read_bytes()
    other = generate(tmp_path / "other", 1_000, SEED + 1, profile)
    assert other.layers["commune"]["content"] != made.manifest.layers["commune"]["content"]


def test_all_shapes_are_valid_and_on_the_millimetre(made: Made) -> None:
    for definition in made.profile.layers:
        if definition.has_geometry:
            shapes = made.layer(definition.id).geometry.values
            assert shapely.is_valid(shapes).all(), definition.id
            assert not shapely.is_empty(shapes).any(), definition.id
    points = shapely.get_coordinates(made.layer("parcel").geometry.values)
    assert np.abs(points - np.round(points, 3)).max() < 1e-6


def test_parcels_do_not_overlap(made: Made) -> None:
    shapes = made.layer("parcel").geometry.values
    assert shapely.area(shapes).sum() == pytest.approx(shapely.union_all(shapes).area, abs=1e-4)


def test_neighbours_share_their_edges_point_by_point(made: Made) -> None:
    shapes = np.array([part for shape in made.layer("parcel").geometry.values for part in shape.geoms])
    one, other = shapely.STRtree(shapes).query(shapes, "intersects")
    one, other = one[one < other], other[one < other]
    shared = shapely.intersection(shapes[one], shapes[other])
    along = shapely.length(shared) > 0.05
    assert along.sum() > PARCELS / 2
    # a pair that shares an edge, drawn as one coverage, has no gap and no overlap along it
    for first, second in zip(shapes[one[along]][:1500], shapes[other[along]][:1500], strict=True):
        assert shapely.coverage_is_valid([first, second], gap_width=0.01)


def test_some_parcels_have_holes_filled_by_a_small_one(made: Made) -> None:
    shapes = made.layer("parcel").geometry.values
    hollow = shapes[shapely.get_num_interior_rings(shapely.get_geometry(shapes, 0)) > 0]
    assert len(hollow) > 0
    for host in hollow:
        hole = shapely.Polygon(host.geoms[0].interiors[0])
        assert any(shapely.equals(shape, hole) for shape in shapes[shapely.intersects(shapes, hole)])


def test_parcels_lie_in_their_commune_and_out_of_the_water(made: Made) -> None:
    communes = made.layer("commune").set_index("ma_xa").geometry
    parcels = made.layer("parcel")
    for code, own in parcels.groupby("ma_xa"):
        assert shapely.covers(communes[code], own.geometry.values).all(), code
    water = shapely.union_all(made.layer("water_body").query("not ma_nguon_nuoc.str.startswith('MV')").geometry.values)
    assert shapely.intersection(parcels.geometry.values, water).size == len(parcels)
    assert shapely.area(shapely.intersection(parcels.geometry.values, water)).max() == 0


def test_communes_tile_the_province_and_are_no_squares(made: Made) -> None:
    communes = made.layer("commune")
    shapes = communes.geometry.values
    assert len(communes) == 36 and communes["ma_xa"].is_unique
    whole = shapely.union_all(shapes)
    assert shapely.area(shapes).sum() == pytest.approx(whole.area, abs=0.01)
    assert whole.geom_type == "Polygon" and not whole.interiors
    parts = [part for shape in shapes for part in shape.geoms]
    assert shapely.coverage_is_valid(parts, gap_width=0.01)
    corners = shapely.get_num_coordinates(shapes)
    assert corners.min() > 50


def test_numbers_and_codes_are_unique_and_sheets_begin_at_one(made: Made) -> None:
    parcels = made.layer("parcel")
    assert not parcels.duplicated(["ma_xa", "so_to", "so_thua"]).any()
    assert parcels["ma_dinh_danh"].is_unique
    assert parcels["ma_dinh_danh"].str.fullmatch(r"[0-9b-hjkmnp-z]{12}").all()
    first = parcels.assign(so_thua=parcels["so_thua"].astype(int)).groupby(["ma_xa", "so_to"])["so_thua"]
    assert (first.min() == 1).all() and (first.max() == first.count()).all()


def test_land_types_add_up_to_the_area_and_are_known_codes(made: Made) -> None:
    parcels = made.layer("parcel")
    land_use = made.profile.code_list("land_use_2024")
    assert land_use is not None
    codes = {entry.code for entry in land_use.entries if not entry.total}
    counts: Counter[int] = Counter()
    for area, text, main in zip(parcels["dien_tich"], parcels["muc_dich_su_dung"], parcels["ma_loai_dat"], strict=True):
        parts = json.loads(text)
        counts[len(parts)] += 1
        assert sum(part["dien_tich"] for part in parts) == pytest.approx(area, abs=0.01)
        assert parts[0]["ma_loai_dat"] == main and {part["ma_loai_dat"] for part in parts} <= codes
    assert set(counts) <= {1, 2, 3} and len(counts) >= 2
    assert np.abs(parcels.geometry.area - parcels["dien_tich"]).max() <= 0.051


def test_certificates_mostly_agree_with_the_map_and_some_do_not(made: Made) -> None:
    parcels = made.layer("parcel").dropna(subset=["dien_tich_phap_ly"])
    off = (parcels["dien_tich_phap_ly"] / parcels["dien_tich"] - 1).abs()
    assert (off < 1e-9).mean() > 0.85
    assert 0 < (off > 0.2).mean() < 0.02


def test_power_corridors_are_half_the_spread_and_the_legal_width(made: Made) -> None:
    lines = made.layer("power_line").set_index("ma_duong_day")
    by_id = {route.id: route for route in POWER}
    for row in made.layer("power_corridor").itertuples():
        route, line = by_id[row.ma_duong_day], lines.loc[row.ma_duong_day]
        legal = LEGAL_POWER_M[route.kilovolts][0 if line.day_boc else 1]
        assert row.be_rong_moi_ben_m == legal
        middle = shapely.line_interpolate_point(line.geometry.geoms[0], 0.37, normalized=True)
        assert middle.distance(row.geometry.boundary) == pytest.approx(line.be_rong_tuyen / 2 + legal, abs=0.01)


def test_water_corridors_begin_at_the_bank_and_have_the_stored_width(made: Made) -> None:
    bodies = made.layer("water_body").set_index("ten_nguon_nuoc").geometry
    widths = set(LEGAL_WATER_M.values()) | {15.0}
    for row in made.layer("water_corridor").itertuples():
        body = bodies[row.ten_nguon_nuoc]
        assert row.pham_vi_m in widths
        assert row.geometry.intersection(body).area < 0.5
        outer = shapely.get_coordinates(row.geometry)
        away = shapely.distance(shapely.points(outer), body)
        assert away.min() < 0.01
        assert away.max() <= np.hypot(row.pham_vi_m, 30.0) if row.ma_doan.startswith("MV") else row.pham_vi_m + 0.02


def test_road_corridors_begin_at_the_road_land_and_have_the_legal_width(made: Made) -> None:
    roads = made.layer("road").set_index("ma_doan_duong")
    inland = shapely.union_all(made.layer("commune").geometry.values).buffer(-60)  # the border cuts roads aslant
    for row in made.layer("road_corridor").itertuples():
        road = roads.loc[row.ma_hanh_lang.removeprefix("HL-")]
        assert row.be_rong_moi_ben_m == ROADS[row.cap_ky_thuat]
        points = shapely.points(shapely.get_coordinates(row.geometry))
        away = shapely.distance(points[shapely.within(points, inland)], road.geometry)
        assert away.max() <= road.be_rong_m / 2 + row.be_rong_moi_ben_m + 0.01
        assert np.quantile(away, 0.9) == pytest.approx(road.be_rong_m / 2 + row.be_rong_moi_ben_m, abs=0.2)
        assert row.geometry.intersection(road.geometry.buffer(road.be_rong_m / 2 - 0.1, cap_style="flat")).area < 1.0


def test_intake_zones_keep_their_distances(made: Made) -> None:
    intakes = made.layer("water_intake").set_index("ma_diem")
    zones = made.layer("intake_protection")
    for row in zones[zones["khu_vuc"] == "I"].itertuples():
        place = intakes.loc[row.ma_diem]
        if place.loai_nguon == "nước dưới đất":
            assert row.geometry.area == pytest.approx(np.pi * 25**2, rel=0.01)
        else:
            assert row.geometry.distance(place.geometry) < 150


def test_a_size_that_the_province_cannot_hold_is_refused_in_both_languages(tmp_path: Path, profile: Profile) -> None:
    with pytest.raises(InvalidRequestError, match="--parcels") as refused:
        generate(tmp_path, 10, SEED, profile)
    assert refused.value.message.vi and refused.value.message.en
    assert list(tmp_path.iterdir()) == []


def test_densities_are_told_apart_by_the_scale_of_their_sheets(made: Made) -> None:
    scales = set(made.layer("parcel")["ty_le"])
    assert scales == {500, 1000, 2000}
    assert len(Density) == 5
