"""What the pages of a layer say besides its JSON: columns in words, ways to use it, the form of a filter, downloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.access.decide import queryables, sortables
from layers.profile.grammar import Attribute, LayerDefinition
from layers.store.overview import NOTHING, overviews
from ogc.common.language import language_of
from ogc.common.links import base_url
from ogc.common.relation import Relation, with_action
from ogc.features.formats import FORMATS

from .features import bounds_of, code_entries
from .pages import render, say, with_query

#: a longer list of codes is typed in with proposals, not chosen from
MOST_CHOICES = 80
#: words of the query that are no condition of the form
_FRAME = ("f", "lang", "after", "before", "limit", "sortby")


@dataclass(frozen=True, slots=True)
class Field:
    """One condition of the filter form."""

    name: str
    title: str
    kind: str  #: choice, boolean, date, number or text
    unit: str
    value: str
    choices: Sequence[tuple[str, str]] = ()
    is_long: bool = False


async def collection_page(request: Request, document: Mapping[str, Any], relation: Relation) -> HTMLResponse:
    """The layer, its columns, who answers for it, and how to use it."""
    definition, language = relation.state.definition, language_of(request)
    known = NOTHING
    if relation.tells_activity:
        async with request.app.state.database.connection() as connection:
            known = (await overviews(connection)).get(relation.layer, NOTHING)
    decision = relation.decision
    return render(
        request, "collection.html", catalogue=relation.catalogue, document=document, definition=definition,
        relation=relation, columns=[a for a in definition.attributes if a.name in decision.columns],
        overview=known, systems=[(uri, system_title(uri)) for uri in document.get("crs", ())],
        formats=downloads(request, relation) if decision.is_allowed and not definition.is_raster else [],
        snippets=snippets(base_url(request), definition, may_read=decision.is_allowed, language=language),
        described=dataset(request, document, relation) if is_open(relation) else None,
        releases=_releases(request, relation),
    )  # fmt: skip


def items_page(request: Request, document: Mapping[str, Any], relation: Relation) -> HTMLResponse:
    """A page of features: table, map, and the conditions they were found by."""
    language = language_of(request)
    fields = list(filter_fields(request, relation, language))
    return render(
        request, "items.html", catalogue=relation.catalogue, document=document, definition=relation.state.definition,
        relation=relation, fields=fields, orders=list(orders(relation, language)), condition=condition(request, fields),
        is_filtered=any(name not in _FRAME for name in request.query_params), example=example(fields),
        downloads=downloads(request, relation),
    )  # fmt: skip


def item_page(request: Request, document: Mapping[str, Any], relation: Relation) -> HTMLResponse:
    return render(
        request, "item.html", catalogue=relation.catalogue, document=document, definition=relation.state.definition,
        relation=relation, releases=_releases(request, relation),
    )  # fmt: skip


def is_open(relation: Relation) -> bool:
    """Everybody may read it: search engines may be told of it."""
    return relation.state.definition.sharing == "open" and relation.decision.is_allowed and relation.decision.is_public


# ── the form ─────────────────────────────────────────────────────────────────────────────────────


def filter_fields(request: Request, relation: Relation, language: str) -> Iterator[Field]:
    """One for each column the caller may filter by, in the order of the definition."""
    definition = relation.state.definition
    names = queryables(definition, relation.decision)
    for attribute in definition.attributes:
        if attribute.name in names:
            yield _field(request, relation, attribute, language)


def _field(request: Request, relation: Relation, attribute: Attribute, language: str) -> Field:
    entries = code_entries(relation.catalogue, attribute.codes) if attribute.codes else ()
    choices = [(entry.code, f"{entry.code} · {say(language, entry.title)}") for entry in entries]
    choices = choices or [(word, word) for word in attribute.enum]
    kinds = {"integer": "number", "number": "number", "boolean": "boolean", "date": "date"}
    return Field(
        attribute.name, say(language, attribute.title) or attribute.name,
        "choice" if choices else kinds.get(attribute.type, "text"), unit_of(attribute),
        request.query_params.get(attribute.name, ""), choices, is_long=len(choices) > MOST_CHOICES,
    )  # fmt: skip


def orders(relation: Relation, language: str) -> Iterator[tuple[str, str, str]]:
    """Value, title and direction of each order that may be asked for."""
    definition = relation.state.definition
    for name in sortables(definition, relation.decision):
        attribute = definition.attribute(name)
        title = say(language, attribute.title) if attribute and attribute.title else name
        yield name, title, "up"
        yield f"-{name}", title, "down"


def condition(request: Request, fields: Sequence[Field]) -> str:
    """What the form asks for, as CQL2: to be used in `filter` by any client."""
    parts = [_equals(field) for field in fields if field.value]
    written = request.query_params.get("filter", "").strip()
    if written and request.query_params.get("filter-lang", "cql2-text") == "cql2-text":
        parts.append(f"({written})" if parts else written)
    return " AND ".join(parts)


def example(fields: Sequence[Field]) -> str:
    """A condition in CQL2 over columns that the layer has."""
    number = next((f"{field.name} > 500" for field in fields if field.kind == "number"), None)
    choice = next((field for field in fields if len(field.choices) > 1), None)
    one_of = choice and f"{choice.name} IN ({', '.join(_quoted(value) for value, _ in choice.choices[:2])})"
    text = next((f"{field.name} LIKE 'A%'" for field in fields if field.kind == "text"), None)
    return " AND ".join(part for part in (number, one_of) if part) or text or "fid > 0"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _equals(field: Field) -> str:
    if field.kind in ("number", "boolean"):
        return f"{field.name} = {field.value}"
    quoted = _quoted(field.value)
    return f"{field.name} = DATE({quoted})" if field.kind == "date" else f"{field.name} = {quoted}"


# ── downloads and other programs ─────────────────────────────────────────────────────────────────


def downloads(request: Request, relation: Relation) -> list[tuple[str, str, str]]:
    """Title, address and media type of the layer, or of what was found of it, in the formats of other programs."""
    address = _items_address(request, relation)
    has_shapes = relation.decision.has_geometry
    shown = [kind for kind in FORMATS.values() if has_shapes or not kind.needs_shapes]
    return [
        ("GeoJSON", address("json"), "application/geo+json"),
        *((kind.title, address(kind.name), kind.media_type) for kind in shown),
    ]


def _items_address(request: Request, relation: Relation) -> Any:
    """The conditions of the page stay, its place and its size do not."""
    own = f"{base_url(request)}/collections/{relation.layer}/items"

    def address(word: str) -> str:
        if not request.scope["path"].endswith("/items"):
            return f"{own}?f={word}"
        query = with_query(request, f=word).partition("?")[2]
        kept = [part for part in query.split("&") if part.partition("=")[0] not in ("after", "before", "lang")]
        return f"{own}?{'&'.join(kept)}"

    return address


@lru_cache(maxsize=128)
def system_title(uri: str) -> str:
    """'VN-2000 / TM-3 105-45' for a system's address."""
    code = uri.rpartition("/")[2]
    if code == "CRS84":
        return "WGS 84 (CRS84)"
    try:
        return f"EPSG:{code} · {CRS.from_epsg(int(code)).name}"
    except (CRSError, ValueError):
        return uri


def snippets(base: str, definition: LayerDefinition, *, may_read: bool, language: str) -> list[tuple[str, str]]:
    """What to type where; nothing for a layer that can only be known of."""
    if not may_read or definition.is_raster:
        return []
    vi = language == "vi"
    token = "mã truy cập" if vi else "token"
    return [
        ("QGIS", f"{'Lớp → Thêm lớp → Thêm lớp WFS / OGC API - Features' if vi else _qgis_menu()}\nURL: {base}/"),
        ("GDAL", f'ogr2ogr {definition.id}.gpkg "OAPIF:{base}/" {definition.id} -oo PAGE_SIZE=1000\n'
                 f'# --config GDAL_HTTP_HEADERS "Authorization: Bearer <{token}>"'),
        ("Python", f'from lienthong import Client\n\nlayer = Client("{base}").layer("{definition.id}")\n'
                   "table = layer.to_gdf()"),
        ("curl", f'curl -H "Authorization: Bearer <{token}>" "{base}/collections/{definition.id}/items?limit=10"'),
    ]  # fmt: skip


def _qgis_menu() -> str:
    return "Layer → Add Layer → Add WFS / OGC API - Features Layer"


def _releases(request: Request, relation: Relation) -> str | None:
    """Where the layer's history is told, to whoever may be told it."""
    if not (relation.tells_activity and with_action(request, relation, "items").is_allowed):
        return None
    paths = {operation.path for operation in request.app.state.operations}
    served = "/collections/{collectionId}/releases" in paths
    return f"{base_url(request)}/collections/{relation.layer}/releases" if served else None


def dataset(request: Request, document: Mapping[str, Any], relation: Relation) -> dict[str, Any]:
    """The layer as schema.org says it, for search engines: only of layers that everybody may read."""
    definition, language = relation.state.definition, language_of(request)
    address = f"{base_url(request)}/collections/{definition.id}"
    made: dict[str, Any] = {
        "@context": "https://schema.org/", "@type": "Dataset", "@id": address, "url": address,
        "name": document["title"], "description": document.get("description") or document["title"],
        "identifier": definition.id, "inLanguage": language, "isAccessibleForFree": True,
        "variableMeasured": [say(language, a.title) or a.name for a in definition.attributes
                             if a.name in relation.decision.columns],
        "distribution": [{"@type": "DataDownload", "name": title, "encodingFormat": media_type, "contentUrl": href}
                         for title, href, media_type in downloads(request, relation)],
    }  # fmt: skip
    if definition.custodian:
        made["creator"] = {"@type": "GovernmentOrganization", "name": say(language, definition.custodian)}
    if bounds := bounds_of(document):
        west, south, east, north = bounds
        box = {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}
        made["spatialCoverage"] = {"@type": "Place", "geo": box}
    return made


def unit_of(attribute: Attribute) -> str:
    return {"m2": "m²", "m3": "m³"}.get(attribute.unit or "", attribute.unit or "")
