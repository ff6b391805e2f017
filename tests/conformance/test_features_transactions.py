"""OGC API Features 4: create, replace, update, delete; the annex is empty, the ids are those of its requirements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely

from tests.support import edited
from tests.support.edited import STORAGE, Editor, Service, square
from tests.support.server import Server

from .claims import of, proves
from .visitor import Visitor

PART_4 = "ogcapi-features-4/1.0/conf"
crud, update = of(f"{PART_4}/create-replace-delete"), of(f"{PART_4}/update")
locking, features = of(f"{PART_4}/optimistic-locking-etags"), of(f"{PART_4}/features")
ITEMS = "/collections/plot/items"


@pytest.fixture(scope="module")
def running(
    make_template: Callable[[str, Callable[[str], None]], str], server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:  # fmt: skip
    folder = tmp_path_factory.mktemp("edited")
    template = make_template("conformance_edited", lambda url: edited.fill(url, folder))
    with server.copied(template) as url, edited.service(url, folder) as service:
        yield service


@pytest.fixture(scope="module")
def editor(running: Service) -> Iterator[Visitor]:
    """The officer, every answer held against the description."""
    token = running.officer.http.headers["Authorization"].removeprefix("Bearer ")
    visitor = Visitor("officer", running.base, token)
    with closing(visitor.http):
        yield visitor


def _draft(number: int, **properties: Any) -> dict[str, Any]:
    """A plot in the storage CRS."""
    row = {name: value for name, value in edited.plot("25747", number).items() if name != "geometry"}
    row |= {"muc_dich": [{"ma": "ODT", "dt": 100.0}], **properties}
    return {"type": "Feature", "geometry": _geojson(square(30, number)), "properties": row}


def _geojson(shape: shapely.Geometry) -> Any:
    return shapely.geometry.mapping(shape)


def _create(editor: Visitor, number: int, **properties: Any) -> str:
    response = _post(editor, _draft(number, **properties))
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


def _post(editor: Visitor, body: Any, **headers: str) -> httpx.Response:
    told = {"Content-Type": "application/geo+json", "Content-Crs": STORAGE, **headers}
    return editor.http.post(ITEMS, json=body, headers=told)


def _etag(editor: Visitor, address: str) -> str:
    return str(editor.get(address).headers["etag"])


def _send(
    editor: Visitor, method: str, address: str, body: Any, etag: str | None = None, **headers: str
) -> httpx.Response:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/geo+json"
    told = {"Content-Type": kind, "Content-Crs": STORAGE, **({"If-Match": etag} if etag else {}), **headers}
    return editor.http.request(method, address, json=body, headers=told)


@proves(*crud("methods", "options-op", "options-response"), *update("methods"))
def test_options_name_the_methods_that_are_allowed_here_and_now(editor: Visitor, running: Service) -> None:
    address = _create(editor, 100)
    for path, expected in ((ITEMS, {"GET", "POST"}), (address, {"GET", "PUT", "PATCH", "DELETE"})):
        response = editor.http.options(path)
        assert response.status_code == 200
        assert expected <= _allowed(response)
        with httpx.Client(base_url=running.base) as public:
            assert _allowed(public.options(path)) & {"POST", "PUT", "PATCH", "DELETE"} == set()


def _allowed(response: httpx.Response) -> set[str]:
    return {each.strip() for each in response.headers["allow"].split(",")}


@proves(*crud("post-op", "post-body", "post-response", "post-response-rid"), *features("resources-endpoint"))
def test_a_feature_that_is_posted_gets_an_identifier_and_a_place_of_its_own(editor: Visitor) -> None:
    before = editor.ids("plot")
    response = _post(editor, {**_draft(101), "id": 1})
    assert response.status_code == 201 and response.headers["location"]
    made = editor.json(response.headers["location"])
    assert made["id"] not in before and editor.ids("plot") == {*before, made["id"]}
    assert response.headers["location"].endswith(f"{ITEMS}/{made['id']}")
    sent = _draft(101)["properties"]
    assert {name: made["properties"][name] for name in ("ma_xa", "so", "loai", "tang", "chu")} == {
        name: sent[name] for name in ("ma_xa", "so", "loai", "tang", "chu")
    }


@proves(*crud("post-content-type", "put-content-type"))
@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/gml+xml"])
def test_a_body_of_another_type_is_415(editor: Visitor, kind: str) -> None:
    address = _create(editor, 102 + len(kind))
    assert _post(editor, _draft(103), **{"Content-Type": kind}).status_code == 415
    refused = _send(editor, "PUT", address, _draft(103), _etag(editor, address), **{"Content-Type": kind})
    assert refused.status_code == 415


@proves(
    *crud("put-op", "put-body", "put-response", "put-rid"), *features("resource-endpoint", "geojson-create-replace")
)
def test_a_feature_is_replaced_as_a_whole_and_keeps_its_identifier(editor: Visitor) -> None:
    address = _create(editor, 130)
    fid = editor.json(address)["id"]
    body = {**_draft(130, tang=9), "id": 999_999}
    body["geometry"] = _geojson(square(30, 131))
    body["properties"].pop("hang")
    response = _send(editor, "PUT", address, body, _etag(editor, address))
    assert response.status_code in (200, 204), response.text
    after = editor.json(address)
    assert after["id"] == fid
    assert (after["properties"]["so"], after["properties"]["tang"], after["properties"]["hang"]) == ("130", 9, None)
    there = editor.json(address, params={"crs": STORAGE.strip("<>")})["geometry"]
    assert shapely.from_geojson(_text(there)).equals_exact(
        shapely.normalize(shapely.MultiPolygon([square(30, 131)])), 0.001, normalize=True
    )


def _text(geometry: Any) -> str:
    import json

    return json.dumps(geometry)


@proves(*crud("put-rid-exception"))
def test_what_is_not_there_is_not_made_by_replacing(editor: Visitor) -> None:
    assert _send(editor, "PUT", f"{ITEMS}/999999", _draft(132)).status_code == 404
    assert _send(editor, "PUT", f"{ITEMS}/999999", _draft(132), '"some.state"').status_code == 412
    for collection in (editor.json("/collections/plot"), *editor.json("/collections")["collections"]):
        assert collection.get("supportsNonAutogeneratedResourceIds", False) is False


@proves(*crud("delete-op", "delete-response"))
def test_a_feature_is_removed(editor: Visitor) -> None:
    address = _create(editor, 133)
    response = editor.http.delete(address, headers={"If-Match": _etag(editor, address)})
    assert response.status_code in (200, 204)
    assert editor.status(address) == 404
    assert editor.http.delete(address, headers={"If-Match": "*"}).status_code in (404, 412)


@proves(*update("update-patch-op", "update-patch-body", "update-patch-response"), *features("update-json-merge-patch"))
def test_parts_of_a_feature_are_changed_and_null_unsets(editor: Visitor) -> None:
    address = _create(editor, 134, tang=3)
    before = editor.json(address)
    response = _send(editor, "PATCH", address, {"properties": {"tang": 4, "hang": None}}, _etag(editor, address))
    assert response.status_code in (200, 204), response.text
    after = editor.json(address)
    assert after["properties"] == {**before["properties"], "tang": 4, "hang": None}
    assert after["geometry"] == before["geometry"]
    moved = {"geometry": _geojson(square(31, 134))}
    assert _send(editor, "PATCH", address, moved, _etag(editor, address)).status_code in (200, 204)
    assert editor.json(address)["geometry"] != before["geometry"]


@proves(*update("rid"))
def test_an_identifier_in_a_patch_changes_no_identifier(editor: Visitor) -> None:
    address = _create(editor, 135)
    fid = editor.json(address)["id"]
    for body in ({"id": 1, "properties": {"tang": 7}}, {"properties": {"fid": 1, "tang": 8}}):
        _send(editor, "PATCH", address, body, _etag(editor, address))
        assert editor.json(address)["id"] == fid
    assert editor.status(f"{ITEMS}/1") in (200, 404)


@proves(
    *locking("get-etag-response", "put-etag-response", "patch-etag-response", "ifmatch-put-op", "ifmatch-put-eval",
             "ifmatch-patch-op", "ifmatch-patch-eval"),
)  # fmt: skip
def test_a_change_is_one_of_the_state_it_names(editor: Visitor) -> None:
    address = _create(editor, 136)
    first = _etag(editor, address)
    for method, body in (("PUT", _draft(136, tang=11)), ("PATCH", {"properties": {"tang": 12}})):
        stale = _etag(editor, address)
        assert _send(editor, method, address, body).status_code == 428
        done = _send(editor, method, address, body, stale)
        assert done.status_code in (200, 204)
        assert done.headers["etag"] == _etag(editor, address) != stale
        assert _send(editor, method, address, body, stale).status_code == 412
        assert _send(editor, method, address, body, f"{first}, {_etag(editor, address)}").status_code in (200, 204)
    assert editor.http.delete(address, headers={"If-Match": first}).status_code == 412


@proves(*features("collection-endpoint"))
def test_only_feature_collections_with_the_right_take_changes(editor: Visitor, running: Service) -> None:
    for collection in editor.collections:
        allowed = _allowed(editor.http.options(f"/collections/{collection['id']}/items"))
        assert ("POST" in allowed) == (collection["id"] in ("plot", "spot", "quiet", "entry"))
    public = Editor(running.base, Path(), "public")
    with closing(public.http):
        assert public.send("POST", None, _draft(137)).status_code in (401, 403)


@proves(*features("content-crs-header", "default-crs", "crs-other-crs"))
def test_coordinates_are_read_in_the_crs_that_is_declared_and_in_crs84_without(editor: Visitor) -> None:
    offered = editor.json("/collections/spot")["crs"]
    for uri in offered:
        expected = _somewhere(editor, uri)
        made = editor.json(_spot(editor, uri, f"<{uri}>"), params={"crs": uri})["geometry"]["coordinates"][0]
        assert made == pytest.approx(expected, abs=0.002 if expected[0] > 200 else 2e-8), uri
    east, north = editor.json(_spot(editor, offered[0], None))["geometry"]["coordinates"][0]
    assert 106 < east < 107 and 10 < north < 12
    foreign = {"Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/27700>"}
    assert _post(editor, _draft(138), **foreign).status_code == 400


def _somewhere(editor: Visitor, uri: str) -> list[float]:
    """The place of a spot that is there from the beginning."""
    page = editor.json("/collections/spot/items", params={"limit": 1, "crs": uri})
    found: list[float] = page["features"][0]["geometry"]["coordinates"][0]
    return found


def _spot(editor: Visitor, uri: str, header: str | None) -> str:
    body = {"type": "Feature", "properties": {"ten": uri[-8:]},
            "geometry": {"type": "Point", "coordinates": _somewhere(editor, uri)}}  # fmt: skip
    told = {"Content-Type": "application/geo+json", **({"Content-Crs": header} if header else {})}
    response = editor.http.post("/collections/spot/items", json=body, headers=told)
    assert response.status_code == 201, (uri, body, response.text)
    return str(response.headers["location"])


@proves(*features("schema"), "ogcapi-common-3/1.0/conf/returnables-and-receivables/response-2")
def test_what_fits_the_schema_is_taken_and_what_does_not_is_refused(editor: Visitor) -> None:
    schema = editor.schema("plot")
    assert schema["additionalProperties"] is False
    read_only = [name for name, each in schema["properties"].items() if each.get("readOnly")]
    assert "fid" in read_only
    taken = _draft(140)
    assert set(taken["properties"]) <= set(schema["properties"]) - set(read_only)
    assert _post(editor, taken).status_code == 201
    for wrong in ({"tang": "nhiều"}, {"hang": "chín"}, {"loai": "XYZ"}, {"ngay": "hôm qua"}, {"so": None},
                  {"da_duyet": "yes"}, {"not_there": 1}):  # fmt: skip
        response = _post(editor, _draft(141, **wrong))
        assert 400 <= response.status_code < 500, wrong
        assert next(iter(wrong)) in response.text, wrong
    address = _create(editor, 142)
    wrong_whole = _send(editor, "PUT", address, _draft(142, tang="nhiều"), _etag(editor, address))
    assert 400 <= wrong_whole.status_code < 500
