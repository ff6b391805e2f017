"""What happened in the first world before anybody under test asks: dossiers, checks of parcels and of drawn shapes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from .asking import Asked, running
from .sight import IDENTITIES
from .vocabulary import read_vocabulary

#: so that the ids of a pair, which begin with 1, are new ones
FIRST_RECORD = 800_000
#: disputes by the maker of a check, and which finding they are about
OPINIONS = (
    (("officer", 0), "blocks"), (("officer", 1), "minimum_area"), (("officer", 2), "quiet"), (("clerk", 0), "quiet"),
    (("clerk", 2), "planning_basis_1"), (("warden", 0), "site_distance"),
)  # fmt: skip
INPUTS = {"target_use": "ODT", "target_area_m2": 50}


async def live_through(url: str) -> None:
    """Through the service itself, as those who may."""
    with tempfile.TemporaryDirectory() as data:
        async with running(url, Path(data), IDENTITIES, FIRST_RECORD) as world:
            made: dict[tuple[str, int], str] = {}  # who checked, the how-manieth check of theirs, its record
            for asked in _asked(url):
                answer = await world.ask(asked)
                assert answer.status in (200, 201), (str(asked), answer.body)
                if asked.path == "/checks":
                    number = sum(1 for identity, _ in made if identity == asked.identity)
                    made[asked.identity, number] = answer.json()["id"]
                world.clock.advance(60)
            for (identity, number), check in OPINIONS:
                said = {"check": check, "kind": "dispute", "reason": f"Phản ánh {check} của {identity}."}
                answer = await world.ask(_sent("POST", f"/checks/{made[identity, number]}/reviews", identity, said))
                assert answer.status == 201, answer.body
                world.clock.advance(60)
            await world.flush()


def _asked(url: str) -> Iterator[Asked]:
    fids = _fids(url)
    places = read_vocabulary(url).parcels.places
    for name, ward in (("HS-1", "25747"), ("HS-2", "25753")):
        body = {"procedure": "land_use_change", "parcels": [f"fid:{fid}" for fid in fids[ward][:3]], "offices": []}
        yield _sent("PUT", f"/dossiers/{name}", "clerk", body)
    for ward, dossier in (("25747", "HS-1"), ("25750", None), ("25753", "HS-2")):
        for identity in ("officer", "clerk"):
            yield _check(identity, {"fid": str(fids[ward][0])}, dossier)
    for identity, (x, y) in zip(("officer", "warden", "reviewer"), places[::20], strict=False):
        ring = [[x, y], [x + 0.0004, y], [x + 0.0004, y + 0.0004], [x, y]]
        yield _check(identity, {"geometry": {"type": "Polygon", "coordinates": [ring]}}, None)


def _check(identity: str, subject: dict[str, Any], dossier: str | None) -> Asked:
    body = {"procedure": "land_use_change", "subject": subject, "inputs": INPUTS, "dossier": dossier}
    return _sent("POST", "/checks", identity, body)


def _sent(method: str, path: str, identity: str, body: dict[str, Any]) -> Asked:
    sent = json.dumps(body).encode()
    return Asked(path, path, identity, method, headers={"content-type": "application/json"}, body=sent)


def _fids(url: str) -> dict[str, list[int]]:
    """The parcels of each ward that stand now."""
    found: dict[str, list[int]] = {}
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT ma_xa, fid FROM data.parcel WHERE until IS NULL ORDER BY ma_xa, key"
        ).fetchall()
    for ward, fid in rows:
        found.setdefault(ward, []).append(fid)
    return found
