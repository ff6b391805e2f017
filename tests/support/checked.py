"""A small place to check parcels in: one parcel that every layer has something to say about, and what to ask of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
import shapely
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from layers.access.principal import PUBLIC, Principal, operator
from layers.checking.answer import Answer
from layers.checking.dossiers import DossierDraft, KnownDossier, register
from layers.checking.look_up import look_up
from layers.checking.replay import Replay, replay
from layers.checking.request import ByGeometry, CheckRequest, SubjectQuery, parse_parcel
from layers.checking.run import check
from layers.checking.subject import Candidate
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database

from .published import Publisher, apply_profile, box, line, point

INPUTS: Mapping[str, object] = {"target_use": "ODT", "target_area_m2": 150}
PARCEL = "25747@2025/45/123"
OPERATOR = operator("tester")
REVIEWER = Principal("reviewer", roles=frozenset({"reviewer"}), claims={"communes": ("25747",)})
OFFICER = Principal("officer", roles=frozenset({"land_officer"}))
__all__ = ["INPUTS", "OFFICER", "OPERATOR", "PARCEL", "PUBLIC", "REVIEWER", "Place", "fill", "geojson"]


def parcel(commune: str, sheet: str, number: str, geom: BaseGeometry, **more: object) -> dict[str, Any]:
    return {"ma_xa": commune, "so_to": sheet, "so_thua": number, "geom": geom, **more}


PARCELS = [
    parcel("25747", "45", "123", box(0, 0, 20, 31), so_to_cu="4", so_thua_cu="12", ma_dinh_danh="w3gy6ytmny8f",
           dien_tich_phap_ly=620.0, ten_chu="Nguyễn Văn A"),
    parcel("25750", "45", "123", box(100, 0, 20, 20), so_to_cu="7", so_thua_cu="9"),
    parcel("25750", "8", "1", box(140, 0, 5, 6)),
    parcel("25813", "1", "1", box(200, 0, 20, 20), fid="twin-a"),
    parcel("25813", "1", "1", box(230, 0, 20, 20), fid="twin-b"),
]  # fmt: skip


def fill(url: str) -> None:
    """The clear state: every layer is published and mapped, and nothing is in the way of the first parcel."""
    publisher = Publisher.of(url, "checking")
    apply_profile(url, publisher.profile)
    publisher.publish("parcel", PARCELS)
    publisher.publish("water_corridor", [corridor("SG-09", box(-500, -500, 100, 100))])
    publisher.publish("land_use_plan", [{"ma": "P1", "loai_dat": "ODT", "geom": box(-1000, -1000, 2000, 2000)}])
    publisher.publish("zoning_plan", [{"ma": "Z1", "dat_o": True, "geom": box(-1000, -1000, 2000, 2000)}])
    publisher.publish("parcel_block", [])
    publisher.publish("power_line", [{"ma": "L1", "dien_ap_kv": 110, "geom": line((-10, -50), (50, -50))}])
    publisher.publish("station", [{"ma": "S1", "geom": point(-30, -30)}])
    publisher.publish("waste_site", [{"ma": "W1", "sai_so_m": 1.0, "geom": box(2000, 0, 10, 10)}])
    publisher.publish("military_zone", [])


def corridor(key: str, geom: BaseGeometry, **more: object) -> dict[str, Any]:
    return {"ma_doan": key, "ten_nguon_nuoc": "Sông Sài Gòn", "geom": geom, **more}


def geojson(shape: BaseGeometry) -> dict[str, Any]:
    """A shape of EPSG:9210 in CRS84."""
    degrees = Projection("EPSG:9210", "EPSG:6960").to_wgs84(shapely.multipolygons([[shape]]))
    found: dict[str, Any] = json.loads(shapely.to_geojson(degrees[0]))
    return found


@dataclass
class Place:
    """A database of a test's own with the small place in it."""

    url: str
    publisher: Publisher

    @classmethod
    def at(cls, url: str) -> Place:
        return cls(url, Publisher.of(url, "checking"))

    def publish(self, layer: str, rows: list[dict[str, Any]], **more: Any) -> int:
        return self.publisher.publish(layer, rows, **more)

    def ask(self, body: Callable[[Database, Catalogue], Any]) -> Any:
        async def run() -> Any:
            async with Database.open(self.url, size=3) as database:
                async with database.connection() as connection:
                    catalogue = await load_catalogue(connection)
                return await body(database, catalogue)

        return anyio.run(run)

    def check(
        self,
        subject: str | SubjectQuery = PARCEL,
        procedure: str = "land_use_change",
        *,
        principal: Principal = OPERATOR,
        inputs: Mapping[str, object] | None = None,
        now: datetime | None = None,
        **more: Any,
    ) -> Answer:
        given = INPUTS if inputs is None and procedure == "land_use_change" else inputs or {}
        query = parse_parcel(subject) if isinstance(subject, str) else subject
        request = CheckRequest(procedure, query, given, **more)
        found: Answer = self.ask(lambda database, catalogue: check(database, catalogue, request, principal, now=now))
        return found

    def check_shape(self, shape: BaseGeometry, **more: Any) -> Answer:
        return self.check(ByGeometry(geojson(shape)), **more)

    def finding(self, check_id: str, **more: Any) -> dict[str, Any]:
        return finding(self.check(**more), check_id)

    def register(self, dossier: str, *parcels: str, principal: Principal = OPERATOR, **more: Any) -> KnownDossier:
        """A dossier about the first parcel, or about these."""
        texts = parcels or (() if "surveys" in more else (PARCEL,))
        named = tuple(parse_parcel(text) for text in texts)
        draft = DossierDraft(dossier, parcels=named, **more)
        found, _ = self.ask(lambda database, catalogue: register(database, catalogue, draft, principal))
        made: KnownDossier = found
        return made

    def replay(self, record_id: str) -> Replay:
        found: Replay = self.ask(lambda database, _: replay(database, record_id))
        return found

    def look_up(self, text: str, principal: Principal = OPERATOR) -> list[Candidate]:
        query = parse_parcel(text)
        found: list[Candidate] = self.ask(lambda database, catalogue: look_up(database, catalogue, query, principal))
        return found


def finding(answer: Answer, check_id: str) -> dict[str, Any]:
    """The finding of a check, members of groups included."""
    findings = [part for one in answer.content["findings"] for part in (one, *one.get("members", ()))]
    found: dict[str, Any] = next(one for one in findings if one["check"] == check_id)
    return found


def codes(found: Mapping[str, Any]) -> list[str]:
    return [reason["code"] for reason in found["reasons"]]
