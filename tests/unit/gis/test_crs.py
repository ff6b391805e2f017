"""The named operation holds everywhere: no seam at 11.04° N, no swapped axes, one answer from every library."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from gis.crs import Operation, Projection, to_web_mercator
from gis.errors import CrsError

VN2000 = Projection(storage="EPSG:9210", operation="EPSG:6960")
#: the pipeline written out, as the domain reference verified it
OFFICIAL = (
    "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0={meridian} +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84 "
    "+step +proj=push +v_3 +step +proj=cart +ellps=WGS84 +step +proj=helmert +x=-191.90441429 +y=-39.30318279 "
    "+z=-111.45032835 +rx=-0.00928836 +ry=0.01975479 +rz=-0.00427372 +s=0.252906278 +convention=coordinate_frame "
    "+step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)
MERIDIANS = {"EPSG:9210": 105.75, "EPSG:5899": 107.75}


def ten_points_across_the_seam() -> np.ndarray:
    """Five south and five north of 11.04° N, in EPSG:9210."""
    eastings = np.linspace(565_000, 630_000, 5)
    northings = np.array([1_205_000.0, 1_219_000.0, 1_220_500.0, 1_222_500.0, 1_270_000.0])
    south = np.column_stack([eastings, np.minimum(northings, 1_220_400.0)])
    north = np.column_stack([eastings, np.maximum(northings, 1_222_000.0)])
    return shapely.points(np.vstack([south, north]))


def metres_apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance on the ground between longitudes and latitudes."""
    a, b = shapely.get_coordinates(first), shapely.get_coordinates(second)
    return np.asarray(pyproj.Geod(ellps="WGS84").inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2])


@pytest.mark.parametrize("crs", ["EPSG:9210", "EPSG:5899"])
def test_the_official_operation_is_taken_on_both_sides_of_the_seam(crs: str) -> None:
    points = VN2000.to_crs(ten_points_across_the_seam(), "EPSG:9210", crs)
    xy = shapely.get_coordinates(points)
    official = pyproj.Transformer.from_pipeline(OFFICIAL.format(meridian=MERIDIANS[crs]))
    expected = shapely.points(np.column_stack(official.transform(xy[:, 0], xy[:, 1])))
    found = VN2000.to_crs(points, crs, "EPSG:4326")
    latitudes = shapely.get_y(found)
    assert (latitudes < 11.04).sum() == (latitudes > 11.04).sum() == 5
    assert metres_apart(found, expected).max() < 1e-6


def test_the_choice_of_proj_would_have_been_wrong_south_of_the_seam() -> None:
    points = ten_points_across_the_seam()
    chosen = gpd.GeoSeries(points, crs="EPSG:9210").to_crs(4326).to_numpy()
    apart = metres_apart(chosen, VN2000.to_wgs84(points))
    assert apart[:5].min() > 0.5
    assert apart[5:].max() < 0.001


def test_geopandas_agrees_through_the_bound_crs_and_through_the_proj4_text() -> None:
    points = ten_points_across_the_seam()
    ours = VN2000.to_wgs84(points)
    for crs in (VN2000.bound("EPSG:9210"), VN2000.proj4_with_towgs84("EPSG:9210")):
        theirs = gpd.GeoSeries(points, crs=crs).to_crs(4326).to_numpy()
        assert metres_apart(ours, theirs).max() < 0.001


def test_measuring_zones_share_the_datum_and_change_projection_alone() -> None:
    points = ten_points_across_the_seam()
    there = VN2000.to_crs(points, "EPSG:9210", "EPSG:5899")
    assert metres_apart(VN2000.to_crs(there, "EPSG:5899", "EPSG:4326"), VN2000.to_wgs84(points)).max() < 1e-6
    assert VN2000.shares_datum("EPSG:5899")
    assert not VN2000.shares_datum("EPSG:32648")


def test_another_datum_goes_through_wgs84_with_the_named_operation() -> None:
    points = ten_points_across_the_seam()
    utm = VN2000.to_crs(points, "EPSG:9210", "EPSG:32648")
    back = pyproj.Transformer.from_crs(32648, 4326, always_xy=True)
    xy = shapely.get_coordinates(utm)
    wgs84 = shapely.points(np.column_stack(back.transform(xy[:, 0], xy[:, 1])))
    assert metres_apart(wgs84, VN2000.to_wgs84(points)).max() < 1e-6
    assert shapely.distance(VN2000.to_crs(utm, "EPSG:32648", "EPSG:9210"), points).max() < 0.001


def test_there_and_back_is_below_a_millimetre() -> None:
    points = ten_points_across_the_seam()
    assert shapely.distance(VN2000.from_wgs84(VN2000.to_wgs84(points)), points).max() < 0.001


def test_x_is_east_and_y_is_north_everywhere() -> None:
    thu_dau_mot = shapely.points([[598_162.0, 1_214_391.0]])
    assert shapely.get_coordinates(VN2000.to_wgs84(thu_dau_mot))[0] == pytest.approx([106.65, 10.98], abs=1e-4)
    mercator = to_web_mercator(VN2000.to_wgs84(thu_dau_mot))
    assert shapely.get_coordinates(mercator)[0] == pytest.approx([11_872_222.0, 1_229_838.3], abs=0.5)


def test_a_swiss_storage_works_with_its_own_operation() -> None:
    swiss = Projection(storage="EPSG:2056", operation="EPSG:1676")
    bern = shapely.points([[2_600_000.0, 1_200_000.0]])
    xy = shapely.get_coordinates(swiss.to_wgs84(bern))[0]
    assert xy == pytest.approx([7.438632, 46.951083], abs=1e-5)
    assert "+towgs84=674.374,15.056,405.346" in swiss.proj4_with_towgs84("EPSG:2056")


def test_missing_shapes_stay_missing() -> None:
    found = VN2000.to_wgs84(np.array([None, shapely.Point(598_162, 1_214_391)], dtype=object))
    assert found[0] is None
    assert found[1] is not None


@pytest.mark.parametrize(
    ("storage", "operation"), [("EPSG:2056", "EPSG:6960"), ("EPSG:9210", "EPSG:0"), ("EPSG:0", "EPSG:6960")]
)
def test_what_does_not_fit_together_is_refused_by_name(storage: str, operation: str) -> None:
    with pytest.raises(CrsError, match=r"EPSG|LV95"):
        Projection(storage, operation).to_wgs84(shapely.points([[0.0, 0.0]]))


def test_an_operation_knows_its_datum() -> None:
    assert Operation.named("EPSG:6960").starts_at == ("EPSG", "4756")
