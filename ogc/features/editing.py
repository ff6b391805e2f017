"""OGC API Features 4: create, replace, update and delete a feature, and which of it a caller may.

A change names the state it is a change of: `If-Match` with the item's ETag, 428 without (Part 4 lets a server ask for
it, RFC 6585 for DELETE too). Desktops that cannot send it need `LIENTHONG_EDITS_WITHOUT_IF_MATCH`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gis.errors import LienthongError, Message
from layers.editing import edit, rights, sent
from layers.editing.draft import Terms
from layers.errors import NotFoundError, PreconditionFailedError
from layers.filters import GEOMETRY
from ogc.common.caching import NO_STORE, VARY, item_etag, item_state, names_state
from ogc.common.clock import now_of
from ogc.common.crs_names import CRS84, Crs, known, named
from ogc.common.links import GEOJSON, Addresses
from ogc.common.operations import Body, Operation
from ogc.common.origin import require_own_origin
from ogc.common.parameters import Parameters, invalid_value
from ogc.common.relation import Relation, authorised, described, with_action
from ogc.common.responses import json_response

CONFORMS_TO = (
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/create-replace-delete",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/update",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/features",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/optimistic-locking-etags",
)
MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"
_ITEMS, _ITEM = "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId}"


async def create_item(request: Request, parameters: Parameters) -> Response:
    """A new feature; its address is in `Location`."""
    relation = await _editable(request)
    crs, body = await _body(request, relation, GEOJSON, _JSON)
    work, terms = _work(request, relation), _terms(request, crs, is_whole=True)

    async def make() -> edit.Done:
        drawn = sent.read_feature(body, is_north_first=crs.is_latitude_first)
        return await edit.create(request.app.state.database, work, drawn, terms)

    done = await _done(request, relation, make)
    where = Addresses(request).to("collections", relation.layer, "items", str(done.fid))
    return _answer(request, relation, done, 201, {"Location": where})


async def replace_item(request: Request, parameters: Parameters) -> Response:
    """The caller's receivables of a feature, as a whole; what they may not write stays."""
    relation = await _editable(request)
    crs, body = await _body(request, relation, GEOJSON, _JSON)
    work, terms = _work(request, relation), _terms(request, crs, is_whole=True)

    async def make() -> edit.Done:
        drawn = sent.read_feature(body, is_north_first=crs.is_latitude_first)
        return await _change(request, work, drawn, terms)

    try:
        done = await _done(request, relation, make)
    except NotFoundError:
        if "if-match" in request.headers:  # /req/create-replace-delete/put-rid-exception B
            raise PreconditionFailedError from None
        raise
    return _answer(request, relation, done, 204)


async def update_item(request: Request, parameters: Parameters) -> Response:
    """Parts of a feature (RFC 7396)."""
    relation = await _editable(request)
    crs, body = await _body(request, relation, MERGE_PATCH)
    work, terms = _work(request, relation), _terms(request, crs, is_whole=False)

    async def make() -> edit.Done:
        drawn = sent.read_patch(body, is_north_first=crs.is_latitude_first)
        return await _change(request, work, drawn, terms)

    return _answer(request, relation, await _done(request, relation, make), 204)


async def delete_item(request: Request, parameters: Parameters) -> Response:
    """The feature ends with this revision; what was known before stays known (`as-of`)."""
    relation = await _editable(request)
    work = _work(request, relation)

    async def make() -> edit.Done:
        condition, needs = _condition(request, work), _needs_condition(request)
        return await edit.delete(request.app.state.database, work, _fid(request), condition, needs_condition=needs)

    await _done(request, relation, make)
    return Response(status_code=204, headers=_headers())


async def options(request: Request) -> Response:
    """What the caller may do here, by policy alone: whether a feature is there does not show."""
    relation = await described(request, request.path_params["collectionId"])
    if relation.state.definition.is_raster:
        raise NotFoundError
    allowed = {"GET", "HEAD"} if relation.decision.is_allowed else set()
    return Response(headers={"Allow": ", ".join(sorted(allowed | _editing_methods(request, relation) | {"OPTIONS"})),
                             "Cache-Control": NO_STORE, "Vary": VARY})  # fmt: skip


def receivables_of(request: Request, relation: Relation) -> frozenset[str]:
    """What the caller may write of some feature, as the schema names it."""
    definition, granted = relation.state.definition, with_action(request, relation, "edit")
    if not granted.is_allowed:
        return frozenset()
    shape = {GEOMETRY} if rights.receives_geometry(definition, relation.decision, granted) else set()
    return frozenset(rights.receivables(definition, relation.decision, granted)) | shape


def _editing_methods(request: Request, relation: Relation) -> set[str]:
    definition, items = relation.state.definition, relation.decision
    granted = with_action(request, relation, "edit")
    if not (items.is_allowed and granted.is_allowed):
        return set()
    may_create = rights.may_create(definition, items, granted)
    if "featureId" not in request.path_params:
        return {"POST"} if may_create else set()
    return {"PUT", "PATCH"} | ({"DELETE"} if may_create else set())


# ── the request ──────────────────────────────────────────────────────────────────────────────────
async def _editable(request: Request) -> Relation:
    """The layer as the caller may edit it. Raises NotFoundError, ForbiddenError, UnavailableError, TooManyError."""
    await require_own_origin(request)
    layer = request.path_params["collectionId"]
    relation = await authorised(request, layer, "edit")
    with_action(request, relation, "items").require()
    return relation


def _work(request: Request, relation: Relation) -> edit.Work:
    items = with_action(request, relation, "items")
    return edit.Work(
        relation.catalogue, relation.state, relation.principal, relation.purpose, items, relation.decision,
        now_of(request),
    )  # fmt: skip


async def _body(request: Request, relation: Relation, *media_types: str) -> tuple[Crs, bytes]:
    sent_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent_type not in media_types:
        raise HTTPException(415, headers={"Accept": ", ".join(media_types)})
    return _crs(request, relation), await request.body()


def _crs(request: Request, relation: Relation) -> Crs:
    """Of `Content-Crs: <uri>`; CRS84 without."""
    profile, header = relation.catalogue.profile, request.headers.get("content-crs")
    if header is None:
        return known(profile)[CRS84]
    try:
        return named(header.strip().removeprefix("<").removesuffix(">"), profile)
    except ValueError as error:
        raise invalid_value("Content-Crs", *error.args) from error


def _terms(request: Request, crs: Crs, *, is_whole: bool) -> Terms:
    return Terms(crs.name, is_whole=is_whole, may_repair="lenient" in _preferences(request, "handling"))


def _preferences(request: Request, name: str) -> list[str]:
    """Values of one preference (RFC 7240)."""
    wishes = [wish.partition(";")[0].strip() for line in request.headers.getlist("prefer") for wish in line.split(",")]
    pairs = [wish.partition("=") for wish in wishes]
    return [value.strip().strip('"').lower() for found, _, value in pairs if found.strip().lower() == name]


def _fid(request: Request) -> int:
    """0, which no feature has, for a text that is no fid: it takes the same way as a hidden row."""
    text = request.path_params["featureId"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0


def _needs_condition(request: Request) -> bool:
    return not request.app.state.settings.edits_without_if_match


async def _change(request: Request, work: edit.Work, drawn: sent.Sent, terms: Terms) -> edit.Done:
    condition = _condition(request, work)
    needs = _needs_condition(request)
    return await edit.change(
        request.app.state.database, work, _fid(request), drawn, terms, condition, needs_condition=needs
    )


def _condition(request: Request, work: edit.Work) -> edit.Condition | None:
    header = request.headers.get("if-match")
    if header is None:
        return None
    return lambda item: names_state(header, item_state(item.state, work.state.definition_digest))


# ── the answer ───────────────────────────────────────────────────────────────────────────────────
#: changes of one process at once: they wait for one another anyway, and must not take every connection meanwhile
_AT_ONCE = 2
_TURNS: RunVar[CapacityLimiter] = RunVar("lienthong.editing.turns")


def _turn() -> CapacityLimiter:
    """Of this event loop."""
    try:
        return _TURNS.get()
    except LookupError:
        _TURNS.set(CapacityLimiter(_AT_ONCE))
        return _TURNS.get()


async def _done(request: Request, relation: Relation, make: Callable[[], Awaitable[edit.Done]]) -> edit.Done:
    """Made, and known to this process at once. What was refused leaves its event too: a refusal tells something."""
    try:
        async with _turn():
            done = await make()
    except LienthongError as error:
        reason = str(error.details.get("reason", error.code))
        await request.app.state.accesses.refused_edit(relation, reason)
        raise
    if done.revision is not None:
        request.app.state.catalogue.forget()
    return done


def _answer(
    request: Request, relation: Relation, done: edit.Done, status: int, headers: dict[str, str] | None = None
) -> Response:
    """The feature as the caller sees it now, where it is new or they prefer that; else nothing but its ETag."""
    assert done.item is not None
    own = Addresses(request).to("collections", relation.layer, "items", str(done.fid))
    state = item_state(done.item.state, relation.state.definition_digest)
    made = {**_headers(), "ETag": item_etag(state, own), **(headers or {})}
    wish = next((wish for wish in _preferences(request, "return") if wish in ("representation", "minimal")), None)
    made |= {"Preference-Applied": f"return={wish}"} if wish else {}
    if (wish or ("representation" if status == 201 else "minimal")) == "minimal":
        return Response(status_code=status, headers=made)
    made |= {"Content-Crs": f"<{CRS84}>", "Content-Location": own}
    return json_response(done.item.bytes, GEOJSON, headers=made, status=200 if status == 204 else status)


def _headers() -> dict[str, str]:
    return {"Cache-Control": NO_STORE, "Vary": VARY}


# ── the operations ───────────────────────────────────────────────────────────────────────────────
_WHOLE = Body({GEOJSON: "feature", _JSON: "feature"}, Message("Đối tượng GeoJSON", "A GeoJSON feature"))
_PARTS = Body({MERGE_PATCH: "featurePatch"}, Message("Phần cần sửa", "The parts to be changed (RFC 7396)"))
_NAMED = ("If-Match", "Content-Crs", "Prefer")
_REFUSALS = (403, 404, 409, 413, 415, 422, 429, 503)
OPERATIONS = (
    Operation(
        _ITEMS, create_item, Message("Thêm đối tượng", "Add a feature"), "editing", (), {GEOJSON: "feature"}, _REFUSALS,
        method="POST", success=201, body=_WHOLE, headers=("Content-Crs", "Prefer"), action="edit",
    ),
    Operation(
        _ITEM, replace_item, Message("Thay đối tượng", "Replace a feature"), "editing", (), {GEOJSON: "feature"},
        (204, 412, 428, *_REFUSALS), method="PUT", body=_WHOLE, headers=_NAMED, action="edit",
    ),
    Operation(
        _ITEM, update_item, Message("Sửa đối tượng", "Update a feature"), "editing", (), {GEOJSON: "feature"},
        (204, 412, 428, *_REFUSALS), method="PATCH", body=_PARTS, headers=_NAMED, action="edit",
    ),
    Operation(
        _ITEM, delete_item, Message("Xóa đối tượng", "Remove a feature"), "editing", (), {},
        (403, 404, 409, 412, 428, 429, 503), method="DELETE", success=204, headers=("If-Match",), action="edit",
    ),
)  # fmt: skip
#: not in the description: OPTIONS is everybody's
ROUTES = tuple(
    Route(path, options, methods=["OPTIONS"], name=f"options_{name}")
    for path, name in ((_ITEMS, "items"), (_ITEM, "item"))
)
