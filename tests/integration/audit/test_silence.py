"""Neither the events nor the logs of the service hold what a request carried: shapes, tokens, values of attributes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest

from tests.support.shared_layers import Service

OwnService = Callable[..., AbstractContextManager[Service]]
LON, LAT = "106.643217", "11.012345"
BOX = f"106.6,11.0,{LON},{LAT}"
RING = [[106.6, 11.0], [float(LON), 11.0], [float(LON), float(LAT)], [106.6, 11.0]]
SHAPE = {"type": "Polygon", "coordinates": [RING]}
CANARIES = ("CHUSOHUU0003", "CANARY", LON, LAT, "eyJ")


def test_no_canary_of_a_request_reaches_an_event_or_a_log(
    own_service: OwnService, capfd: pytest.CaptureFixture[str]
) -> None:
    with own_service() as running:
        officer = running.officer
        item = officer.json("/collections/parcel/items?limit=1")["features"][0]["id"]
        for path in (
            "/collections/parcel/items?ten_chu=CHUSOHUU0003",
            "/collections/parcel/items?filter=ten_chu='CANARY'",
            f"/collections/parcel/items?bbox={BOX}",
            f"/collections/parcel/items?filter=S_INTERSECTS(geom,POINT({LON} {LAT}))",
            f"/collections/parcel/items/{item}?CANARY=1",
            "/collections/parcel/items/CANARY",
            "/collections/CANARY/items",
            "/collections/parcel/items?after=CANARY",
            f"/parcels?point={LON},{LAT}",
            "/parcels?code=CANARY",
            "/checks?parcel=CANARY",
            "/checks/CANARY",
            "/explain?layer=CANARY&action=items",
        ):
            officer.get(path)
            running.public.get(path, headers={"Authorization": "Bearer eyJ.CANARY.x"})
        body = {"procedure": "CANARY", "subject": {"geometry": SHAPE}, "inputs": {"x": "CANARY"}}
        officer.http.post("/checks", json=body)
        with psycopg.connect(running.url) as connection:
            connection.execute("ALTER TABLE data.parcel RENAME COLUMN ten_chu TO gone")
        broken = officer.get("/collections/parcel/items?ten_chu=CHUSOHUU0003")
        token, url = officer.token, running.url
    logged = capfd.readouterr()
    with psycopg.connect(url) as connection:
        events = connection.execute("SELECT to_jsonb(event) FROM access.event AS event").fetchall()
    assert broken.status_code == 500 and "unknown_error" in logged.err and len(events) >= 8
    told = json.dumps(events, ensure_ascii=False) + logged.err + logged.out
    assert [canary for canary in (*CANARIES, token) if canary and canary in told] == []
