"""One front: links behind a proxy, every method, every form, every language."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import lxml.html
import pytest
from jsonschema import Draft4Validator

from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.behind import Stripping, Walk, told
from tests.support.serving import serve
from tests.support.shared_layers import Service

PUBLIC_HOME = "https://gis.example.vn/gis"
BEGUN = ("/", "/?f=html", "/map/style.json", "/collections/zone/items?f=html&limit=1")


def test_every_link_stays_behind_the_proxy_that_speaks_for_it(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    says = {
        "X-Forwarded-Host": "gis.example.vn", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/gis",
        "X-Forwarded-For": "192.0.2.9",
    }  # fmt: skip
    app = create_app(Settings(data=tmp_path, database_url=clone(filled_template)))
    with serve(Stripping(app, "/gis", says)) as address:
        walk = Walk(PUBLIC_HOME, f"{address}/gis").everything(*BEGUN)
    assert not walk.strays and not walk.failures, told(walk)
    assert len(walk.seen) > 60


def test_every_link_of_somebody_with_a_token_keeps_the_root_path(
    filled_template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path, database_url=clone(filled_template), root_path="gis/")
    with serve(Stripping(create_app(settings, demo=True), "/gis", {})) as address:
        token = make_token(settings.secrets_folder, "officer")
        home = f"{address}/gis"
        walk = Walk(home, home, {"Authorization": f"Bearer {token}"}).everything(*BEGUN, "/collections/parcel")
        switched = httpx.post(f"{home}/demo/identity", data={"identity": "officer", "next": "/gis/catalogue"})
        in_english = httpx.get(f"{home}/catalogue?lang=en")
    assert not walk.strays and not walk.failures, told(walk)
    assert any("/collections/secret" in link for link in walk.seen)
    assert switched.status_code == 303 and switched.headers["location"] == "/gis/catalogue"
    assert "Path=/gis;" in switched.headers["set-cookie"] and "Path=/gis;" in in_english.headers["set-cookie"]


# ── methods and pages of other sites ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/", "/conformance", "/api", "/collections", "/collections/zone", "/collections/zone/items?limit=2",
             "/collections/zone/items/1", "/collections/zone/schema", "/map", "/catalogue", "/processes", "/robots.txt"]
)  # fmt: skip
def test_head_says_what_get_would_without_its_body(reading: Service, path: str) -> None:
    whole, head = reading.public.get(path), reading.public.http.head(path)
    assert head.status_code == whole.status_code == 200 and head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert head.headers.get("etag") == whole.headers.get("etag")


def test_options_names_the_methods_of_an_address_and_asks_nobody_who_they_are(reading: Service) -> None:
    answer = reading.public.http.options("/collections/khong_co/schema")
    assert answer.status_code == 204 and {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["allow"].split(", "))
    assert answer.headers["allow"] == reading.officer.http.options("/collections/zone/schema").headers["allow"]
    assert "POST" in reading.public.http.options("/checks").headers["allow"]
    assert reading.public.http.options("/khong/co").status_code == 404


def test_pages_of_other_sites_may_read_what_anybody_may_and_nothing_else(reading: Service) -> None:
    origin = {"Origin": "https://map.example.org"}
    read = reading.public.get("/collections/zone/items?limit=1", headers=origin)
    assert read.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in read.headers
    asked = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    before = reading.public.http.options("/collections/zone/items", headers=asked)
    assert before.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert "authorization" not in before.headers["access-control-allow-headers"].lower()
    for path in ("/whoami", "/checks", "/access", "/jobs"):
        assert "access-control-allow-origin" not in reading.public.get(path, headers=origin).headers
        assert "access-control-allow-origin" not in reading.public.http.options(path, headers=asked).headers


def test_pages_of_other_sites_may_search_as_they_may_read_items(reading: Service) -> None:
    origin, search = {"Origin": "https://map.example.org"}, "/collections/zone/search"
    asked = {**origin, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    before = reading.public.http.options(search, headers=asked)
    assert before.status_code == 204 and before.headers["access-control-allow-origin"] == "*"
    assert before.headers["access-control-allow-methods"] == "OPTIONS, POST"
    taken = before.headers["access-control-allow-headers"].lower()
    assert "content-type" in taken and "authorization" not in taken
    assert "access-control-allow-credentials" not in before.headers
    found = reading.public.http.post(search, data={"limit": "1"}, headers=origin)
    assert found.status_code == 200 and found.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in found.headers
    for path in ("/collections/zone/items", "/checks", "/collections/zone/search/more"):
        refused = reading.public.http.post(path, json={}, headers=origin)
        assert "access-control-allow-origin" not in refused.headers, "what changes anything is nobody else's page's"


# ── forms ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("accept", "begins"),
    [
        ("*/*", "application/geo+json"),
        ("application/geo+json", "application/geo+json"),
        ("application/json", "application/geo+json"),
        ("text/html;q=0.4, application/geo+json;q=0.9", "application/geo+json"),
        ("text/html;q=0.9, application/*;q=0.4", "text/html"),
        ("text/*, application/json;q=0.9", "text/"),
        ("image/png, */*;q=0.1", "application/geo+json"),
        ("application/geo+json;q=0, text/html;q=0.1", "text/html"),
    ],
)
def test_the_form_with_the_highest_weight_is_sent(reading: Service, accept: str, begins: str) -> None:
    answer = reading.public.get("/collections/zone/items?limit=1", headers={"Accept": accept})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith(begins)


def test_what_cannot_be_sent_in_any_accepted_form_is_406_with_the_forms_there_are(reading: Service) -> None:
    answer = reading.public.get("/collections/zone", headers={"Accept": "image/png"})
    assert answer.status_code == 406 and answer.json()["code"] == "not_acceptable"
    assert answer.json()["available"] == ["application/json", "text/html"]
    assert reading.public.get("/collections/zone?f=json", headers={"Accept": "image/png"}).status_code == 200
    assert reading.public.get("/collections/zone?f=xml").status_code == 400


def test_the_older_description_is_had_by_its_media_type(reading: Service) -> None:
    older = "application/vnd.oai.openapi+json;version=3.0"
    answer = reading.public.get("/api", headers={"Accept": older})
    assert answer.headers["content-type"] == older and answer.json()["openapi"] == "3.0.3"


# ── one description for each set of rights ───────────────────────────────────────────────────────


def _layers_of(document: dict[str, Any], path: str) -> list[str]:
    parameters = document["paths"].get(path, {}).get("get", {}).get("parameters", [])
    return next((each["schema"]["enum"] for each in parameters if each.get("name") == "collectionId"), [])


def test_a_description_names_the_layers_and_columns_its_caller_may_use(reading: Service) -> None:
    found = {name: caller.json("/api") for name, caller in reading.callers.items()}
    items = "/collections/{collectionId}/items"
    assert _layers_of(found["public"], items) == ["zone", "empty"]
    assert _layers_of(found["public"], "/collections/{collectionId}") == ["zone", "line", "empty"]
    assert set(_layers_of(found["officer"], items)) == {"parcel", "zone", "line", "register", "secret", "empty"}
    own = {each.get("name") for each in found["reviewer"]["paths"]["/collections/parcel/items"]["get"]["parameters"]}
    assert {"so_thua", "dien_tich", "sortby", "properties"} <= own and "ten_chu" not in own
    assert "secret" not in reading.reviewer.get("/api").text and "ten_chu" not in reading.reviewer.get("/api").text
    full = found["officer"]["paths"]["/collections/parcel/items"]["get"]["parameters"]
    assert "ten_chu" in {each.get("name") for each in full}


def test_operations_that_a_caller_can_use_with_no_layer_are_not_in_their_description(reading: Service) -> None:
    assert "post" not in reading.public.json("/api")["paths"]["/collections/{collectionId}/items"]


@pytest.mark.parametrize("name", ["public", "officer"])
def test_a_description_is_valid_openapi(reading: Service, name: str) -> None:
    """3.0 by the schema of that version; the newer one holds the same operations."""
    caller = reading.callers[name]
    older, newer = caller.json("/api?f=json&openapi=3.0"), caller.json("/api")
    schema = json.loads((files("pygeoapi") / "schemas/openapi/openapi-3.0.x.json").read_text(encoding="utf-8"))
    found = Draft4Validator(schema).iter_errors(older)
    assert [f"{list(each.absolute_path)}: {each.message[:200]}" for each in found] == []
    assert older["paths"].keys() == newer["paths"].keys()


def test_what_is_the_same_for_equal_rights_is_known_again(reading: Service) -> None:
    for path in ("/", "/conformance", "/api", "/collections"):
        first = reading.public.get(path)
        again = reading.public.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304 and again.content == b"", path
    assert reading.public.get("/api").headers["etag"] != reading.officer.get("/api").headers["etag"]


# ── languages, search engines, problems ──────────────────────────────────────────────────────────


def test_a_page_names_itself_in_both_languages_and_says_its_own(reading: Service) -> None:
    answer = httpx.get(f"{reading.base}/collections/zone?f=html&lang=en")  # a client of its own: it is given a cookie
    page = lxml.html.fromstring(answer.text)
    assert answer.headers["content-language"] == page.get("lang") == "en"
    address = f"{reading.base}/collections/zone"
    assert [link.get("href") for link in page.iterfind(".//link[@rel='canonical']")] == [address]
    others = {link.get("hreflang"): link.get("href") for link in page.iterfind(".//link[@hreflang]")}
    assert others == {"vi": f"{address}?lang=vi", "en": f"{address}?lang=en", "x-default": address}
    assert reading.public.get("/collections/zone?lang=en").headers["content-language"] == "en"


def test_search_engines_are_told_of_what_everybody_may_read_and_of_nothing_else(reading: Service) -> None:
    page = lxml.html.fromstring(reading.public.get("/collections/zone?f=html").text)
    (described,) = [json.loads(each.text) for each in page.iterfind(".//script[@type='application/ld+json']")]
    assert described["@type"] == "Dataset" and described["url"] == f"{reading.base}/collections/zone"
    assert "ghi_chu" not in json.dumps(described)
    assert page.find(".//meta[@name='robots']") is None
    for caller, layer in ((reading.public, "line"), (reading.reviewer, "parcel"), (reading.officer, "secret")):
        other = lxml.html.fromstring(caller.get(f"/collections/{layer}?f=html").text)
        assert other.find(".//script[@type='application/ld+json']") is None
        assert other.find(".//meta[@name='robots']").get("content") == "noindex"
    assert "Disallow: /collections/*/items" in reading.public.get("/robots.txt").text


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("/khong/co", 404), ("/collections/parcel", 404), ("/collections/zone/items?khong=1", 400),
     ("/collections/line/items", 403)],
)  # fmt: skip
def test_a_browser_is_told_of_a_problem_on_a_page(reading: Service, path: str, status: int, language: str) -> None:
    answer = reading.public.get(path, headers={"Accept": "text/html", "Accept-Language": language})
    assert answer.status_code == status and answer.headers["content-type"].startswith("text/html")
    assert f'<html lang="{language}">' in answer.text
