"""Requests drawn from the service's own description: for every path and method of it, and for every parameter it names.

What the description has and this file does not know fails the test by name: a new route is a new way to tell.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from . import bringing, editing, papers
from .asking import Answer, Asked, World
from .dividing import division, inside
from .executing import PROCESSES, execution, job
from .routes import Route, routes_of, served
from .texts import ODD_TEXTS, Texts
from .vocabulary import LayerWords, Vocabulary

UNSAFE = ("PUT", "POST", "DELETE", "PATCH", "OPTIONS")
PURPOSES = ("construction_permit", "planning", "land_use_change", "environment_opinion", "any", "khong_co")
ACTIONS = ("items", "tile", "map", "export", "check", "edit", "publish", "khong_co")
#: one that is registered in every world, one nobody registered, one of another office in the second world only
DOSSIERS = ("HS-1", "HS-1", "HS-2", "HS-3", "HS-AN")
#: checks that somebody may have an opinion on
REVIEWED = (
    "line",
    "quiet",
    "site_distance",
    "well",
    "inspection",
    "blocks",
    "hidden_place",
    "minimum_area",
    "planning_basis",
    "planning_basis_1",
)
#: of shapes and boxes: the storage CRS, a zone beside it, Web Mercator, both orders of degrees, one that is not served
SYSTEMS = (
    *(f"http://www.opengis.net/def/crs/EPSG/0/{code}" for code in (9210, 9210, 5899, 3405, 3857, 4326)),
    "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    "[EPSG:9208]",
    "EPSG:32648",
)
GRANTS = ("open_to_all", "parcel_for_all", "parcel_review", "parcel_owner", "hidden_place_owner", "khong_co")
#: how often a route is drawn, by method and path; what is not here is drawn once
WEIGHTS: Mapping[str, float] = {
    "GET /collections/{collectionId}/items": 14,
    "GET /collections/{collectionId}/items/{featureId}": 7,
    "GET /collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": 10,
    "GET /tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": 6,
    "GET /tiles/{tileMatrixSetId}": 1.5,
    "GET /tiles/{tileMatrixSetId}/tilejson": 1.5,
    "POST /collections/{collectionId}/items": 3,
    "POST /collections/{collectionId}/search": 4,
    "PUT /collections/{collectionId}/items/{featureId}": 2,
    "PATCH /collections/{collectionId}/items/{featureId}": 3,
    "DELETE /collections/{collectionId}/items/{featureId}": 0.7,
    "GET /collections/{collectionId}/releases/{releaseId}/changes": 3,
    "GET /collections": 3,
    "GET /collections/{collectionId}": 4,
    "GET /parcels": 5,
    "GET /access/layers/{layerId}/events": 3,
    "POST /checks": 5,
    "GET /checks": 2,
    "GET /checks/{record_id}": 3,
    "POST /divisions": 4,
    "POST /parcels/inside": 5,
    "GET /divisions/{division_id}": 2,
    "POST /checks/{record_id}/reviews": 3,
    "POST /checks/{record_id}/replay": 2,
    "GET /checks/{record_id}/reviews": 3,
    "GET /tasks": 3,
    "GET /coverage": 3,
    "POST /tasks/{task_id}/answer": 1.5,
    "GET /checks/{record_id}.pdf": 0.7,
    "GET /checks/{record_id}.docx": 0.15,
    "GET /checks/{record_id}.txt": 0.2,
    "PUT /checks/{record_id}/signed": 0.3,
    "POST /verify/{code}": 0.3,
    "GET /verify": 0.3,
    "GET /metrics": 0.2,
    "GET /healthz": 0.2,
    "GET /readyz": 0.3,
    "GET /api": 0.2,
    "GET /conformance": 0.2,
    "GET /tileMatrixSets": 0.2,
    "GET /tileMatrixSets/{tileMatrixSetId}": 0.2,
    "GET /static/{path:path}": 0.3,
    "POST /demo/identity": 0.3,
}


@dataclass
class Memory:
    """What earlier answers gave: the same in both worlds, or the pair has failed before."""

    links: list[tuple[str, str]] = field(default_factory=list)  #: identity, address of a next page
    etags: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    divisions: list[str] = field(default_factory=list)
    papers: list[tuple[str, str, bytes]] = field(default_factory=list)  #: identity, record, file

    def note(self, asked: Asked, answer: Answer) -> None:
        self.asked = [*self.asked[-40:], asked]
        etag = answer.header("etag")
        if etag:
            self.etags = [*self.etags[-20:], etag]
        if answer.status == 200 and asked.route == "/checks/{record_id}.pdf" and answer.body:
            self.papers = [*self.papers[-5:], (asked.identity, asked.path[8:-4], answer.body)]
        if not answer.is_json or not isinstance(content := answer.json(), dict):
            return
        self.links += [
            (asked.identity, link["href"]) for link in content.get("links", ()) if link["rel"] in ("next", "prev")
        ]
        self.links = self.links[-20:]
        if answer.status == 201 and asked.route == "/divisions" and "id" in content:
            self.divisions.append(content["id"])
            self.records += [part["answer"]["id"] for part in content["parts"]]
        if answer.status == 201 and asked.route == "/processes/{process_id}/execution":
            self.jobs.append(content["jobID"])
        if answer.status == 201 and asked.route == "/checks":
            self.records.append(content["id"])
        if answer.status == 201 and asked.route == "/checks/{record_id}/reviews":
            self.reviews.append(content["id"])


class Drawing:
    """Draws the requests of one pair of worlds."""

    def __init__(self, seed: int, words: Vocabulary, routes: Sequence[Route], identities: Sequence[str]) -> None:
        self.chance = random.Random(seed)
        self.texts = Texts(self.chance)
        self.words = words
        self.routes = list(routes)
        self.weights = [WEIGHTS.get(route.name, 1.0) for route in routes]
        self.identities = identities
        self.memory = Memory()
        self.layer: LayerWords = words.parcels

    def unknown(self) -> list[str]:
        """Routes and parameters that nothing here draws."""
        found = [route.name for route in self.routes if not self._is_known(route)]
        return found + [
            f"{route.name} ?{name}" for route in self.routes for name in route.parameters if name not in PARAMETERS
        ]

    def _is_known(self, route: Route) -> bool:
        if route.method != "GET":
            return route.name in BODIES
        return route.path in KNOWN_PATHS

    def draw(self) -> Asked:
        happens, memory = self.texts.happens, self.memory
        if memory.links and happens(0.06):
            return self._followed()
        if memory.asked and happens(0.1):
            return self._again()
        if memory.papers and happens(0.02):
            return papers.handed_back(self)
        (route,) = self.chance.choices(self.routes, self.weights)
        asked = self._asked(route)
        if happens(0.03):
            return replace(asked, method="HEAD")
        return replace(asked, method=self.texts.any_of(UNSAFE)) if happens(0.03) else asked

    def one_of_each(self) -> Iterator[Asked]:
        """Every route once, so that none is left to chance."""
        for route in self.routes:
            yield self._asked(route)

    def _followed(self) -> Asked:
        identity, address = self.texts.any_of(self.memory.links)
        parts = urlsplit(address)
        if self.texts.happens(0.1):
            identity = self.texts.any_of(self.identities)
        return Asked("next", parts.path, identity, query=tuple(parse_qsl(parts.query, keep_blank_values=True)))

    def _again(self) -> Asked:
        """The same by somebody else, or asked conditionally with an ETag of this or another page."""
        asked = self.texts.any_of(self.memory.asked)
        if self.texts.happens(0.4):
            asked = replace(asked, identity=self.texts.any_of(self.identities))
        if self.memory.etags and self.texts.happens(0.7):
            etag = self.texts.any_of((*self.memory.etags[-6:], "*", '"x"'))
            asked = replace(asked, headers={**asked.headers, "if-none-match": etag})
        return replace(asked, method="GET", body=b"") if asked.method not in ("GET", "POST") else asked

    def _asked(self, route: Route) -> Asked:
        self.layer = self.texts.any_of(tuple(self.words.layers.values()))
        path = self._path(route.path)
        headers = self._headers()
        body = b""
        query: tuple[tuple[str, str], ...] = tuple(self._query(route))
        if route.method != "GET":
            headers["content-type"], body = BODIES[route.name](self)
        identity = self.texts.any_of(self.identities)
        if route.method != "GET" and route.path in (editing.ITEM, editing.ITEMS):
            headers |= editing.headers(self, route.method)
            identity, query = editing.editor(self, identity), query if self.texts.happens(0.1) else ()
        if self.texts.happens(0.01):
            headers["authorization"] = self.texts.any_of(("Bearer x", "Basic eDp5", "Bearer", "bearer a.b.c"))
        return Asked(route.path, path, identity, route.method, query, headers, body)

    def _path(self, template: str) -> str:
        made = template.replace("{path:path}", "{path}")
        tile = self._tile()
        for name in _names_in(made):
            value = tile[name] if name in tile else PATHS[name](self)
            made = made.replace(f"{{{name}}}", str(value), 1)
        return made

    def _tile(self) -> dict[str, str]:
        zoom, row, column = self.texts.tile(self.texts.any_of(self.layer.places or self.words.places))
        return {"tileMatrix": zoom, "tileRow": row, "tileCol": column}

    def _headers(self) -> dict[str, str]:
        made: dict[str, str] = {}
        if self.texts.happens(0.15):
            made["accept"] = self.texts.any_of(("text/html", "text/html,application/json;q=0.5", "*/*", "image/png"))
        if self.texts.happens(0.15):
            made["accept-language"] = self.texts.any_of(("en", "vi", "fr,en;q=0.5"))
        if self.texts.happens(0.1):
            made["accept-encoding"] = "gzip"
        if self.texts.happens(0.1):
            made["prefer"] = "respond-async"
        return made

    def _query(self, route: Route) -> Iterator[tuple[str, str]]:
        if route.path == "/parcels":
            yield from self._look_up()
            return
        few = 0.3 if len(route.parameters) < 6 else 0.18
        for name in route.parameters:
            if self.texts.happens(OFTEN.get(name, few)):
                yield from PARAMETERS[name](self)
        if self.texts.happens(0.02):
            yield self.texts.any_of((("khong_co", "1"), ("limit", "2"), ("limit", "3"), ("ten_chu", "x")))

    def _look_up(self) -> Iterator[tuple[str, str]]:
        number = ("commune", "sheet", "parcel")
        names = self.texts.any_of((number, number, ("code",), ("point",), ("point",), ("sheet",), ()))
        for name in names:
            yield from PARAMETERS[name](self)

    # ── one parameter ────────────────────────────────────────────────────────────────────────────
    def parcel_value(self, column: str) -> str:
        return str(self.texts.any_of(self.words.parcels.values[column]))

    def place(self) -> tuple[float, float]:
        place: tuple[float, float] = self.texts.any_of(self.layer.places or self.words.places)
        return place

    def fid(self, words: LayerWords | None = None) -> str:
        if self.texts.happens(0.06):
            return str(self.texts.any_of(ODD_TEXTS))
        return str(self.texts.any_of((words or self.layer).fids or (1,)))

    def record(self) -> str:
        known = (*self.memory.records, *self.words.records)
        if self.texts.happens(0.9):
            return str(self.texts.any_of(known))
        return str(self.texts.any_of((*ODD_TEXTS[3:5], "00000000-0000-4000-8000-000000000999")))

    def task(self) -> str:
        """An opinion that was just stored, one of before, or none at all."""
        known = (*self.memory.reviews, *self.words.reviews)
        return str(self.texts.any_of(known if known and self.texts.happens(0.9) else ("khong_co", "x y")))

    def layer_id(self) -> str:
        if self.texts.happens(0.04):
            return str(self.texts.any_of(("khong_co", "pg_class", "parcel' --", "Parcel")))
        return self.layer.definition.id

    def equalities(self) -> Iterator[tuple[str, str]]:
        attribute = self.texts.any_of(self.layer.definition.attributes)
        yield attribute.name, str(self.texts.value(self.layer, attribute))

    def filters(self) -> Iterator[tuple[str, str]]:
        language, text = self.texts.filter(self.layer, self.words.places)
        yield "filter", text
        if language != "cql2-text" or self.texts.happens(0.1):
            yield "filter-lang", language

    def columns(self) -> str:
        names = [attribute.name for attribute in self.layer.definition.attributes] + ["khong_co"]
        return ",".join(self.chance.sample(names, self.texts.any_of((1, 1, 2))))

    def order(self) -> str:
        names = [attribute.name for attribute in self.layer.definition.attributes if attribute.sortable]
        others = [attribute.name for attribute in self.layer.definition.attributes]
        name = self.texts.any_of(names if names and self.texts.happens(0.8) else [*others, "fid", "geom", "khong_co"])
        return f"{self.texts.any_of(('', '+', '-'))}{name}"

    # ── bodies ───────────────────────────────────────────────────────────────────────────────────
    def check(self) -> tuple[str, bytes]:
        """A check of a parcel or a drawn shape, now and then with something wrong."""
        procedure = self.texts.any_of(("land_use_change", "land_use_change", "construction_permit", "khong_co"))
        inputs = {"target_use": self.texts.any_of(("ODT", "CLN", "X")), "target_area_m2": self.texts.any_of((50, 900))}
        body: dict[str, Any] = {
            "procedure": procedure,
            "subject": self._subject(),
            "inputs": inputs if procedure == "land_use_change" else {},
        }
        for name, options in (
            ("dossier", DOSSIERS), ("purpose", PURPOSES), ("as_of", (self.texts.instant(),)),
            ("on_date", (self.texts.instant()[:10],)), ("khong_co", (1,)),
        ):  # fmt: skip
            if self.texts.happens({"dossier": 0.5, "purpose": 0.4, "khong_co": 0.02}.get(name, 0.1)):
                body[name] = self.texts.any_of(options)
        return "application/json", json.dumps(body).encode()

    def _subject(self) -> dict[str, Any]:
        if self.texts.happens(0.3):
            return dict(self.texts.any_of((bringing.table, bringing.parcels, bringing.parcels))(self))
        if self.texts.happens(0.02):
            return bringing.file(self)
        number = {"commune": {"code": self.parcel_value("ma_xa")}, "sheet": self.parcel_value("so_to"),
                  "parcel": self.parcel_value("so_thua")}  # fmt: skip
        key = f"{number['commune']['code']}.{number['sheet']}.{number['parcel']}"  # type: ignore[index]
        longitude, latitude = self.texts.near(self.texts.any_of(self.words.parcels.places), 0.0002)
        return dict(self.texts.any_of((
            {"parcel": number}, {"parcel": number}, {"fid": self.fid(self.words.parcels)}, {"key": key},
            {"fid": self.fid(self.words.parcels)}, {"code": self.parcel_value("ma_dinh_danh")},
            {"parcel": f"point:{longitude},{latitude}"}, {"geometry": self.texts.shape((longitude, latitude))},
            {"geometry": self.texts.shape(self.texts.any_of(self.words.places))}, {}, {"fid": "x", "key": "y"},
            {"key": self.texts.any_of(ODD_TEXTS)},
        )))  # fmt: skip

    def search(self) -> tuple[str, bytes]:
        """A form with one or two parameters of a list, now and then too long for an address, or a condition in JSON."""
        names = ("filter", self.texts.any_of(("limit", "properties", "sortby", "q")))
        form = [pair for name in names for pair in PARAMETERS[name](self)]
        as_json = [text for name, text in form if name == "filter" and text.startswith("{")]
        if as_json and self.texts.happens(0.6):
            kind = self.texts.any_of(("application/json", "application/query-cql2-json", "text/plain"))
            return kind, as_json[0].encode()
        if self.texts.happens(0.3):
            form = [(name, text + 2_000 * " " if name == "filter" else text) for name, text in form]
        return "application/x-www-form-urlencoded", urlencode(form).encode()

    def dossier(self) -> tuple[str, bytes]:
        """A dossier with one to three parcels, shown and hidden ones, for some offices."""
        parcels = [f"fid:{self.fid(self.words.parcels)}" for _ in range(self.texts.any_of((1, 1, 2, 3)))]
        body = {
            "procedure": self.texts.any_of(("land_use_change", "construction_permit", None, "khong_co")),
            "parcels": parcels,
            "offices": self.texts.any_of(([], ["so_xay_dung"], ["mot_cua", "phong_moi_truong"])),
            "closed": self.texts.happens(0.1),
        }
        return "application/json", json.dumps(body).encode()

    def proposal(self) -> tuple[str, bytes]:
        """A grant more on one's own layers, or on somebody else's."""
        grant = {
            "id": self.texts.any_of(("moi_mot", "moi_hai", "parcel_owner")), "to": {"role": "construction.reviewer"},
            "layer": self.layer_id(), "actions": ["items"], "rows": self.texts.any_of((None, "ma_xa = '25750'")),
        }  # fmt: skip
        body = {"grants": [grant] if self.texts.happens(0.8) else [], "merge": True, "note": "thử"}
        return "application/json", json.dumps(body).encode()

    def grant_form(self) -> tuple[str, bytes]:
        form = {"what": self.texts.any_of(("fields", "remove")), "grant": self.texts.any_of(GRANTS),
                "id": "moi_ba", "layer": self.layer_id(), "actions": "items", "to_kind": "role", "to": "x"}  # fmt: skip
        return "application/x-www-form-urlencoded", urlencode(form).encode()

    def proposal_form(self) -> tuple[str, bytes]:
        """Never agreed to: a policy that is applied would give the next requests other rights."""
        form = {"what": self.texts.any_of(("withdraw", "rebase", "apply", "x")), "digest": "sha256:0", "agreed": ""}
        return "application/x-www-form-urlencoded", urlencode(form).encode()

    def review(self) -> tuple[str, bytes]:
        """An opinion on one of the checks that procedures of the profile ask, now and then on a feature."""
        body: dict[str, Any] = {
            "check": self.texts.any_of((*REVIEWED, "restricted_1", "khong_co")),
            "kind": self.texts.any_of(("dispute", "dispute", "confirm")),
            "reason": self.texts.any_of(("Ranh giới đã dời.", "Ranh giới đã dời.", "")),
        }
        if self.texts.happens(0.3):
            body["feature"] = self.fid()
        return "application/json", json.dumps(body).encode()

    def replay(self) -> tuple[str, bytes]:
        body = self.texts.any_of(({}, {"today": True}, {"as_of": self.texts.instant()}, {"today": 3}))
        return "application/json", json.dumps(body).encode()

    def task_answer(self) -> tuple[str, bytes]:
        decision = self.texts.any_of(("upheld", "rejected", "corrected", "x"))
        body = {"decision": decision, "text": "Đã xem xét.", "revision": self.texts.any_of((None, None, 1, 99))}
        return "application/json", json.dumps(body).encode()

    def several_layers(self) -> Iterator[tuple[str, str]]:
        """One to four layers, now and then one that is hidden or missing, or its address."""
        known = tuple(self.words.layers.values())
        names = [self.texts.any_of(known).definition.id for _ in range(self.texts.any_of((1, 2, 2, 3, 4)))]
        names = [*names, self.layer_id()] if self.texts.happens(0.3) else names
        yield "collections", ",".join(names if self.texts.happens(0.95) else [*names, ""])

    def nothing(self) -> tuple[str, bytes]:
        return "application/json", b""

    def wrong_digest(self) -> tuple[str, bytes]:
        """Never the right one: a policy that is applied would give the next requests other rights."""
        return "application/json", json.dumps({"digest": "sha256:" + "0" * 64}).encode()

    def identity_form(self) -> tuple[str, bytes]:
        name = self.texts.any_of((*self.identities, "khong_co"))
        return "application/x-www-form-urlencoded", f"identity={name}&next=/catalogue".encode()


def _names_in(template: str) -> list[str]:
    return [part.partition("}")[0] for part in template.split("{")[1:]]


One = Callable[[Drawing], Iterator[tuple[str, str]]]


def _one(name: str, draw: Callable[[Drawing], Any]) -> One:
    def drawn(drawing: Drawing) -> Iterator[tuple[str, str]]:
        yield name, str(drawing.texts.any_of(ODD_TEXTS)) if drawing.texts.happens(0.04) else str(draw(drawing))

    return drawn


def _nothing(drawing: Drawing) -> Iterator[tuple[str, str]]:
    return iter(())


#: parameters in a path
PATHS: Mapping[str, Callable[[Drawing], Any]] = {
    "collectionId": Drawing.layer_id,
    "layerId": Drawing.layer_id,
    "featureId": Drawing.fid,
    "releaseId": lambda drawing: drawing.texts.any_of(("1", "2", "2", "3", "latest", "latest", "9", "x")),
    "record_id": Drawing.record,
    "code": papers.code,
    "process_id": lambda drawing: drawing.texts.any_of(PROCESSES),
    "job_id": job,
    "name": lambda drawing: drawing.texts.any_of(("findings.parquet", "summary.json", "plan.json", "../plan.json")),
    "task_id": Drawing.task,
    "division_id": lambda drawing: drawing.texts.any_of((*drawing.memory.divisions, "khong_co")),
    "dossier_id": lambda drawing: drawing.texts.any_of(DOSSIERS),
    "grant_id": lambda drawing: drawing.texts.any_of(GRANTS),
    "styleId": lambda drawing: "X" if drawing.texts.happens(0.1) else "default",
    "tileMatrixSetId": lambda drawing: "X" if drawing.texts.happens(0.03) else "WebMercatorQuad",
    "path": lambda drawing: drawing.texts.any_of(("css/page.css", "js/map.mjs", "../pages.py", "khong_co", "")),
}
FORMS = ("json", "html", "html", "xml", "csv", "xlsx", "jsonseq", "parquet", "fgb", "gpkg", "shp", "dxf")
#: parameters of a query, by name; each draws the pairs it stands for
PARAMETERS: Mapping[str, One] = {
    "f": _one("f", lambda drawing: drawing.texts.any_of(FORMS)),
    "lang": _one("lang", lambda drawing: drawing.texts.any_of(("vi", "en", "fr"))),
    "openapi": _one("openapi", lambda drawing: drawing.texts.any_of(("3.0", "3.1", "2"))),
    "offset": _one("offset", lambda drawing: drawing.texts.any_of((0, 1, 5, -1))),
    "status": _one("status", lambda drawing: drawing.texts.any_of(("accepted", "dismissed", "x"))),
    "process": _one("process", lambda drawing: drawing.texts.any_of(PROCESSES)),
    "limit": _one("limit", lambda drawing: drawing.texts.any_of((1, 2, 3, 7, 50, 1000, 10_000, 0))),
    "bbox": _one("bbox", lambda drawing: drawing.texts.box(drawing.layer, drawing.words.places)),
    "crs": _one("crs", lambda drawing: drawing.texts.any_of(SYSTEMS)),
    "bbox-crs": _one("bbox-crs", lambda drawing: drawing.texts.any_of(SYSTEMS)),
    "zoom-level": _one("zoom-level", lambda drawing: drawing.texts.any_of((0, 8, 13.5, 18, 24, 25))),
    "max-allowable-offset": _one(
        "max-allowable-offset", lambda drawing: drawing.texts.any_of((0, 1e-7, 0.0001, 3, 500, "nan"))
    ),
    "datetime": _one("datetime", lambda drawing: drawing.texts.interval()),
    "filter": Drawing.filters,
    "filter-lang": _nothing,  # goes with its filter
    "q": _one("q", lambda drawing: drawing.texts.any_of(("co so", "Cơ sở 25747", "ghi chú,hồ sơ", "nguyen", "kín 3"))),
    "filter-crs": _one("filter-crs", lambda drawing: drawing.texts.any_of(("[OGC:CRS84]", "EPSG:9210"))),
    "properties": _one("properties", Drawing.columns),
    "sortby": _one("sortby", Drawing.order),
    "skipGeometry": _one("skipGeometry", lambda drawing: drawing.texts.any_of(("true", "false", "1"))),
    "after": _one("after", lambda drawing: drawing.texts.cursor(drawing.layer)),
    "before": _one("before", lambda drawing: drawing.texts.cursor(drawing.layer)),
    "collections": Drawing.several_layers,
    "base": _one("base", lambda drawing: drawing.texts.any_of((0, 1, 2, "x"))),
    "as-of": _one("as-of", lambda drawing: drawing.texts.instant()),
    "queryables": Drawing.equalities,
    "dossier": _one("dossier", lambda drawing: drawing.texts.any_of(DOSSIERS)),
    "commune": _one("commune", lambda drawing: drawing.texts.any_of(
        ("25747", "25750@2025", "25753", "25741", "Phú Lợi", "99999"))),
    "sheet": _one("sheet", lambda drawing: drawing.parcel_value("so_to")),
    "parcel": _one("parcel", lambda drawing: drawing.texts.any_of(
        (drawing.parcel_value("so_thua"), f"25753/1/{drawing.parcel_value('so_thua')}"))),
    "code": _one("code", lambda drawing: drawing.parcel_value("ma_dinh_danh")),
    "point": _one("point", lambda drawing: ",".join(map(str, drawing.texts.near(drawing.place(), 0.0006)))),
    "fid": _one("fid", lambda drawing: drawing.fid(drawing.words.parcels)),
    "procedure": _one("procedure", lambda drawing: drawing.texts.any_of(("land_use_change", "khong_co"))),
    "layer": _one("layer", Drawing.layer_id),
    "action": _one("action", lambda drawing: drawing.texts.any_of(ACTIONS)),
    "purpose": _one("purpose", lambda drawing: drawing.texts.any_of(PURPOSES)),
    "grant": _one("grant", lambda drawing: drawing.texts.any_of(GRANTS)),
    "version": _one("version", lambda drawing: drawing.texts.any_of((1, 1, 2, 0, "x"))),
    "sector": _one("sector", lambda drawing: drawing.texts.any_of(("land", "environment", "khong_co", ""))),
    "state": _one("state", lambda drawing: drawing.texts.any_of(("open", "answered", "x"))),
    "from": _one("from", lambda drawing: drawing.texts.any_of(("2026-11-01", "2026-11-19", "2026-12-01", ""))),
    "until": _one("until", lambda drawing: drawing.texts.any_of(("2026-11-19", "2026-11-20", "2026-10-01"))),
    "as": _one("as", lambda drawing: drawing.texts.any_of((*drawing.identities, "officer", "khong_co"))),
}  # fmt: skip
#: how often a parameter is given where the route has it
OFTEN: Mapping[str, float] = {
    "limit": 0.4, "filter": 0.35, "bbox": 0.3, "lang": 0.1, "f": 0.25, "as-of": 0.12, "filter-crs": 0.03, "after": 0.08,
    "layer": 0.9, "action": 0.8,
}  # fmt: skip
#: paths that are asked with GET
KNOWN_PATHS = frozenset({
    "/", "/conformance", "/api", "/collections", "/collections/{collectionId}", "/collections/{collectionId}/schema",
    "/collections/{collectionId}/queryables", "/collections/{collectionId}/sortables",
    "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId}",
    "/collections/{collectionId}/releases",
    "/collections/{collectionId}/releases/{releaseId}", "/collections/{collectionId}/releases/{releaseId}/changes",
    "/tileMatrixSets", "/tileMatrixSets/{tileMatrixSetId}",
    "/styles", "/styles/{styleId}", "/collections/{collectionId}/styles",
    "/collections/{collectionId}/styles/{styleId}",
    "/tiles", "/tiles/{tileMatrixSetId}", "/tiles/{tileMatrixSetId}/tilejson",
    "/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    "/collections/{collectionId}/tiles", "/collections/{collectionId}/tiles/{tileMatrixSetId}",
    "/collections/{collectionId}/tiles/{tileMatrixSetId}/tilejson",
    "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    "/whoami", "/healthz", "/readyz", "/metrics", "/parcels", "/checks", "/checks/{record_id}",
    "/checks/{record_id}.pdf", "/checks/{record_id}.docx", "/checks/{record_id}.txt", "/checks/{record_id}/signed",
    "/verify", "/verify/{code}", "/divisions/{division_id}", "/divide", "/inside",
    "/checks/{record_id}/reviews", "/tasks", "/coverage",
    "/dossiers/{dossier_id}", "/explain", "/access", "/access/policy", "/access/policy/{grant_id}", "/access/proposal",
    "/access/proposal/diff", "/access/matrix", "/access/layers/{layerId}/events",
    "/access/layers/{layerId}/events.csv", "/access/edit",
    "/processes", "/processes/{process_id}", "/jobs", "/jobs/{job_id}", "/jobs/{job_id}/results",
    "/jobs/{job_id}/results/{name}", "/robots.txt",
    "/map", "/map/style.json", "/check", "/catalogue", "/static/{path:path}",
})  # fmt: skip
#: what is sent with other methods: media type and body
BODIES: Mapping[str, Callable[[Drawing], tuple[str, bytes]]] = {
    "POST /collections/{collectionId}/items": editing.feature,
    "POST /collections/{collectionId}/search": Drawing.search,
    "PUT /collections/{collectionId}/items/{featureId}": editing.feature,
    "PATCH /collections/{collectionId}/items/{featureId}": editing.parts,
    "DELETE /collections/{collectionId}/items/{featureId}": Drawing.nothing,
    "POST /checks": Drawing.check,
    "POST /processes/{process_id}/execution": execution,
    "POST /jobs/{job_id}": Drawing.nothing,
    "DELETE /jobs/{job_id}": Drawing.nothing,
    "POST /subjects": bringing.preview,
    "POST /divisions": division,
    "POST /parcels/inside": inside,
    "PUT /checks/{record_id}/signed": papers.paper,
    "POST /verify/{code}": papers.paper,
    "POST /checks/{record_id}/reviews": Drawing.review,
    "POST /checks/{record_id}/replay": Drawing.replay,
    "POST /tasks/{task_id}/answer": Drawing.task_answer,
    "POST /demo/identity": Drawing.identity_form,
    "PUT /dossiers/{dossier_id}": Drawing.dossier,
    "PUT /access/proposal": Drawing.proposal,
    "DELETE /access/proposal": Drawing.nothing,
    "POST /access/proposal/rebase": Drawing.nothing,
    "POST /access/policy": Drawing.wrong_digest,
    "POST /access/edit": Drawing.grant_form,
    "POST /access/proposal": Drawing.proposal_form,
}


async def drawing_of(worlds: Sequence[World], words: Vocabulary, seed: int, identities: tuple[str, ...]) -> Drawing:
    """Every world is asked for its descriptions: what was asked before shows in /metrics."""
    documents = [(await world.ask(Asked("/api", "/api", who))).json() for world in worlds for who in identities]
    routes = routes_of(documents[: len(identities)], list(served(worlds[0].app.routes)))
    return Drawing(seed, words, routes, identities)
