"""`POST /parcels/inside`: the caller's own rows, exact areas, tables to keep, and what policy keeps back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import openpyxl
import psycopg
import pytest
from shapely.geometry.base import BaseGeometry

from ogc.app import create_app
from ogc.auth import make_token
from ogc.client import Client
from ogc.settings import Settings
from tests.support.checked import PARCELS, Place, fill, geojson, parcel
from tests.support.published import box
from tests.support.server import Server
from tests.support.serving import serve


def fuller(url: str) -> None:
    """The small place, with a parcel whose number would be a formula."""
    fill(url)
    Place.at(url).publish("parcel", [*PARCELS, parcel("25750", "9", "=1+1", box(160, 0, 10, 10))])


@pytest.fixture(scope="module")
def service(
    make_template: Any, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, str]]:
    with server.copied(make_template("inside", fuller)) as url:
        settings = Settings(data=tmp_path_factory.mktemp("inside"), database_url=url)
        with serve(create_app(settings, demo=True)) as base:
            token = make_token(settings.secrets_folder, "officer")
            with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
                yield client, url


def ask(client: httpx.Client, shape: BaseGeometry, **query: str) -> httpx.Response:
    return client.post("/parcels/inside", json={"geometry": geojson(shape)}, params=query)


def test_parcels_are_listed_with_what_goes_in_and_what_is_left(service: tuple[httpx.Client, str]) -> None:
    answer = ask(service[0], box(10, -10, 100, 60)).json()
    listed = [(one["lies"], round(one["inside_m2"], 1), round(one["left_m2"], 1)) for one in answer["parcels"]]
    assert listed == [("partly", 310.0, 310.0), ("partly", 200.0, 200.0)]
    assert answer["parcels"][0]["registered_inside_m2"] == pytest.approx(310.0, abs=0.01)
    assert answer["totals"]["inside_m2"] == pytest.approx(510.0, abs=0.01)
    assert {one["code"]: round(one["inside_m2"]) for one in answer["totals"]["by_commune"]} == {
        "25747": 310,
        "25750": 200,
    }
    assert answer["uncovered_m2"] == pytest.approx(6000 - 510, abs=0.05)
    assert (answer["mapped_share"], answer["sees_all_parcels"]) == (1.0, True)


def test_areas_are_those_of_the_stored_shapes(service: tuple[httpx.Client, str]) -> None:
    client, url = service
    answer = ask(client, box(-50, -50, 400, 200)).json()
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT fid::text, ST_Area(geom) FROM data.parcel WHERE until IS NULL").fetchall()
    assert {one["fid"]: one["inside_m2"] for one in answer["parcels"]} == pytest.approx(dict(stored), abs=1e-3)
    assert {one["lies"] for one in answer["parcels"]} == {"inside"}


def test_parcels_that_only_touch_stand_apart(service: tuple[httpx.Client, str]) -> None:
    answer = ask(service[0], box(20, 0, 30, 31)).json()
    assert answer["parcels"] == [] and [one["sheet"] for one in answer["touched"]] == ["45"]


def test_a_workbook_holds_texts_and_no_formula(service: tuple[httpx.Client, str]) -> None:
    kept = ask(service[0], box(-50, -50, 400, 200), f="xlsx", lang="vi")
    assert kept.headers["content-disposition"] == 'attachment; filename="parcels-inside.xlsx"'
    book = openpyxl.load_workbook(io.BytesIO(kept.content))
    assert book.sheetnames == ["Thửa đất", "Tổng hợp"]
    cells = [cell for row in book["Thửa đất"].iter_rows() for cell in row]
    assert {cell.value: cell.data_type for cell in cells}["=1+1"] == "s"
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert sum(cell.data_type == "n" and cell.value == 620 for cell in cells) >= 1


def test_a_csv_holds_the_same_rows(service: tuple[httpx.Client, str]) -> None:
    kept = ask(service[0], box(10, -10, 100, 60), f="csv", lang="en")
    rows = list(csv.DictReader(io.StringIO(kept.content.decode("utf-8-sig"))))
    assert [(row["Commune"], row["Position"]) for row in rows] == [("25747", "partly"), ("25750", "partly")]


def test_a_table_to_keep_takes_the_right_to_export(service: tuple[httpx.Client, str]) -> None:
    kept = httpx.post(
        service[0].base_url.join("/parcels/inside?f=csv"), json={"geometry": geojson(box(10, -10, 100, 60))}
    )
    assert kept.status_code == 403 and kept.json()["reason"] == "no_grant"


def test_a_project_that_sticks_out_of_the_extent_is_refused(service: tuple[httpx.Client, str]) -> None:
    answer = ask(service[0], box(-200_000, 0, 199_990, 10))
    assert answer.status_code == 422
    assert "địa bàn" in answer.json()["errors"][0]["message"]


def test_every_answer_leaves_its_event(service: tuple[httpx.Client, str]) -> None:
    client, url = service
    with psycopg.connect(url) as connection:
        (before,) = connection.execute("SELECT count(*) FROM access.event WHERE action = 'items'").fetchone() or (0,)
        ask(client, box(10, -10, 100, 60))
        found = connection.execute(
            "SELECT features, layer FROM access.event WHERE action = 'items' ORDER BY id DESC LIMIT 1"
        ).fetchone()
        (after,) = connection.execute("SELECT count(*) FROM access.event WHERE action = 'items'").fetchone() or (0,)
    assert found == (2, "parcel") and after == before + 1


def test_the_client_gives_a_table_with_the_totals(service: tuple[httpx.Client, str]) -> None:
    token = service[0].headers["authorization"].removeprefix("Bearer ")
    with Client(str(service[0].base_url), token=token) as client:
        table = client.parcels_inside(geojson(box(10, -10, 100, 60)))
    assert table["inside_m2"].round().tolist() == [310, 200] and table.attrs["totals"]["parcels"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "geometry"), ({"geometry": {"type": "Point", "coordinates": [106.6, 11.0]}}, "geometry"),
     ({"geometry": {}, "other": 1}, "other")],
)  # fmt: skip
def test_what_is_no_shape_is_refused_by_name(service: tuple[httpx.Client, str], body: Any, field: str) -> None:
    asked = service[0].post("/parcels/inside", json=body)
    assert asked.status_code == 422 and asked.json()["errors"][0]["field"] == field
