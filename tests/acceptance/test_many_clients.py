"""Twenty clients ask for checks for a minute: nobody gets an error, and every answer was recorded."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.province import Province

pytestmark = pytest.mark.long
CLIENTS, SECONDS = 20, 60.0
INPUTS = {"target_use": "ODT", "target_area_m2": 100}


def fids(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT fid FROM data.parcel WHERE until IS NULL ORDER BY fid").fetchall()
    return [row[0] for row in found]


def ask(address: str, token: str, parcels: list[int], until: float, told: list[tuple[int, str]]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        for fid in parcels:
            if time.monotonic() > until:
                return
            body = {"procedure": "land_use_change", "subject": {"fid": str(fid)}, "inputs": INPUTS}
            answer = client.post("/checks", json=body)
            told.append((answer.status_code, answer.json().get("id", "")))


def test_twenty_clients_for_a_minute_get_no_error(
    province: Province, demo_server: tuple[str, str], tmp_path: Path
) -> None:
    address, token = demo_server
    parcels, told = fids(province.url), []  # type: ignore[var-annotated]
    until = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=ask, args=(address, token, parcels[n::CLIENTS] * 5, until, told))
        for n in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = Counter(status for status, _ in told)
    assert set(statuses) == {201}, statuses
    assert statuses[201] > 20 * CLIENTS
    with psycopg.connect(province.url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM checks.record WHERE id = ANY(%s)", ([name for _, name in told],)
        ).fetchone()
    assert found == (len(told),)
