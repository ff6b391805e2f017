"""`/divisions` over HTTP and on the command line: created, read again, refused by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.checked import INPUTS, PARCEL, fill, geojson
from tests.support.commands import lienthong
from tests.support.published import EAST as EAST_M
from tests.support.published import NORTH, box
from tests.support.server import Server
from tests.support.serving import serve

WEST, EAST = geojson(box(0, 0, 8, 31)), geojson(box(8, 0, 12, 31))


@pytest.fixture(scope="module")
def service(
    make_template: Any, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, str]]:
    with server.copied(make_template("checked", fill)) as url:
        settings = Settings(data=tmp_path_factory.mktemp("divisions"), database_url=url)
        with serve(create_app(settings, demo=True)) as base:
            token = make_token(settings.secrets_folder, "officer")
            with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
                yield client, url


def body(**more: Any) -> dict[str, Any]:
    children = [{"label": "A", "geometry": WEST}, {"label": "B", "geometry": EAST}]
    return {"kind": "split", "procedure": "land_use_change", "parent": PARCEL, "children": children,
            "inputs": dict(INPUTS)} | more  # fmt: skip


def test_a_division_is_created_with_its_address_and_read_again(service: tuple[httpx.Client, str]) -> None:
    asked = service[0].post("/divisions", json=body())
    answer = asked.json()
    assert asked.status_code == 201 and asked.headers["location"].endswith(f"/divisions/{answer['id']}")
    assert [part["label"] for part in answer["parts"]][1:] == ["A", "B"]
    assert service[0].get(f"/divisions/{answer['id']}").json() == answer
    part = answer["parts"][1]["answer"]
    assert service[0].get(f"/checks/{part['id']}").json()["findings"] == part["findings"]


def test_the_new_parcels_may_be_pasted_tables(service: tuple[httpx.Client, str]) -> None:
    corners = [(0, 0), (8, 0), (8, 31), (0, 31)]
    table = "\n".join(f"{n}  {NORTH + y:.3f}  {EAST_M + x:.3f}" for n, (x, y) in enumerate(corners, start=1))
    asked = service[0].post("/divisions", json=body(children=[{"coordinates": {"text": table}}], remainder=True))
    assert asked.status_code == 201, asked.text
    parts = asked.json()["parts"]
    assert [part["role"] for part in parts] == ["parent", "child", "remainder"]
    assert parts[1]["area_m2"] == pytest.approx(248, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"children": []}, "children"), ({"parent": []}, "parent"), ({"kind": "x"}, "kind"),
        ({"children": [{"label": "A"}]}, "children.0"), ({"kind": "merge"}, "parent"),
        ({"children": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}]}, "children.0.geometry"),
        ({"cut": {"type": "LineString", "coordinates": []}, "children": []}, "cut"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_field(service: tuple[httpx.Client, str], wrong: dict[str, Any], field: str) -> None:
    asked = service[0].post("/divisions", json=body(**wrong))
    assert asked.status_code == 422, asked.text
    assert field in [error["field"] for error in asked.json()["errors"]]


def test_a_split_that_nobody_would_wait_for_is_refused_before_it_is_begun(
    service: tuple[httpx.Client, str],
) -> None:
    """Twenty new parcels of twenty thousand corners: a body that may be sent, and more work than is waited for."""
    ring = [[round(106.65 + number * 1e-7, 7), 11.0] for number in range(20_000)]
    child = {"geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}}
    asked = service[0].post("/divisions", json=body(children=[child] * 20, remainder=True))
    assert asked.status_code == 422, asked.text[:500]
    assert [error["field"] for error in asked.json()["errors"]] == ["children"]
    assert "400020 vertices" in asked.json()["detail_en"] and "400020 đỉnh" in asked.json()["detail_vi"]


def test_the_bodies_are_in_the_openapi_document(service: tuple[httpx.Client, str]) -> None:
    document = service[0].get("/api").json()
    for path, part in (("/divisions", "children"), ("/parcels/inside", "geometry")):
        schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert part in schema["properties"]
    assert "geometry" in json.dumps(document["components"]["schemas"])


def test_the_command_line_divides_by_a_file_and_replays_every_part(
    service: tuple[httpx.Client, str], tmp_path: Path
) -> None:
    file = tmp_path / "children.geojson"
    shapes = [{"type": "Feature", "properties": {"label": name}, "geometry": shape}
              for name, shape in (("A", WEST), ("B", EAST))]  # fmt: skip
    file.write_text(json.dumps({"type": "FeatureCollection", "features": shapes}), encoding="utf-8")
    inputs = [part for name, value in INPUTS.items() for part in ("--set", f"{name}={value}")]
    asked = ("divide", PARCEL, "--children", file, "--procedure", "land_use_change", *inputs, "--json")
    answer = lienthong(*asked, url=service[1], data=tmp_path).json
    assert [part["role"] for part in answer["parts"]] == ["parent", "child", "child"]
    assert [part["label"] for part in answer["parts"]][1:] == ["A", "B"]
    again = lienthong("replay", answer["id"], "--json", url=service[1], data=tmp_path)
    assert again.code == 0 and len(again.json) == 3
