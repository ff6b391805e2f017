"""Who asks: tokens, the switcher's cookie, loopback; and what every access leaves behind."""

from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from layers.errors import RefusedError
from ogc.auth import ALGORITHM, AUDIENCE, ISSUER, KEY_FILE, TYPE, make_token
from ogc.secrets_folder import signing_key
from tests.support.shared_layers import Service

OwnService = Callable[..., AbstractContextManager[Service]]
HTTP_JSON = {"Accept": "application/json"}


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "officer", "iat": now, "nbf": now, "exp": now + 3600, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def _signed(key: OKPKey, claims: dict[str, Any], **header: Any) -> str:
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE, **header}, claims, key, algorithms=[ALGORITHM])


def _unsigned(claims: dict[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in ({"alg": "none", "typ": TYPE}, claims))
    return b".".join(part.rstrip(b"=") for part in parts).decode() + "."


def _zoo(secrets: Path) -> dict[str, str]:
    """Tokens that do not hold, by what is wrong with them."""
    key, now = signing_key(secrets, KEY_FILE), time.time()
    good = make_token(secrets, "officer")
    head, body, signature = good.split(".")
    public = OctKey.import_key(json.dumps(key.as_dict(private=False)).encode())
    return {
        "not a token": "abc",
        "three dots": "a.b.c",
        "no signature": f"{head}.{body}.",
        "another body": f"{head}.{body[:-2]}AA.{signature}",
        "another key": _signed(OKPKey.generate_key("Ed25519"), _claims()),
        "no algorithm": _unsigned(_claims()),
        "the public key as a secret": jwt.encode({"alg": "HS256", "typ": TYPE}, _claims(), public),
        "an identity token": _signed(key, _claims(), typ="JWT"),
        "expired": _signed(key, _claims(exp=int(now) - 120)),
        "not yet": _signed(key, _claims(nbf=int(now) + 3600)),
        "never expires": _signed(key, _claims(exp=None)),
        "another issuer": _signed(key, _claims(iss="https://elsewhere.example")),
        "another audience": _signed(key, _claims(aud="other")),
        "no subject": _signed(key, _claims(sub=None)),
        "unknown identity": _signed(key, _claims(sub="nobody_of_the_profile")),
        "the operator": _signed(key, _claims(sub="operator")),
        "a number as subject": _signed(key, _claims(sub=1)),
        "text as expiry": _signed(key, _claims(exp="soon")),
        "very long": "a" * 8000,
    }


def test_a_token_that_does_not_hold_is_401_in_the_same_words_everywhere(reading: Service) -> None:
    answers = set()
    for what, token in _zoo(reading.secrets).items():
        for path in ("/", "/collections/zone/items", "/whoami", "/healthz", "/nothere", "/static/none"):
            response = httpx.get(reading.base + path, headers={**HTTP_JSON, "Authorization": f"Bearer {token}"})
            assert response.status_code == 401, (what, path, response.text)
            answers.add(response.content)
    assert len(answers) == 1


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Token x", "bearer"])
def test_another_scheme_is_401(reading: Service, header: str) -> None:
    response = httpx.get(reading.base + "/whoami", headers={**HTTP_JSON, "Authorization": header})
    assert response.status_code == 401 and response.headers["www-authenticate"].startswith("Bearer")


def test_a_token_that_holds_names_its_identity(reading: Service) -> None:
    assert reading.public.json("/whoami")["id"] == "public"
    known = reading.reviewer.json("/whoami")
    assert (known["id"], known["claims"]["communes"]) == ("reviewer", ["25747", "25750"])
    assert {each["id"] for each in known["identities"]} == {"public", "reviewer", "officer"}


def test_outside_the_demo_no_token_is_known(own_service: OwnService) -> None:
    with own_service(demo=False) as running:
        assert running.public.json("/whoami")["identities"] == []
        assert running.officer.get("/whoami").status_code == 401
        assert running.public.http.post("/demo/identity", data={"identity": "officer"}).status_code == 404


@pytest.mark.parametrize("header", [{"X-Forwarded-For": "10.0.0.7"}, {"Forwarded": "for=10.0.0.7"},
                                    {"Host": "evil.example"}])  # fmt: skip
def test_a_development_token_from_elsewhere_is_401(reading: Service, header: dict[str, str]) -> None:
    assert reading.officer.get("/whoami", headers=header).status_code == 401
    answer = reading.public.http.post("/demo/identity", data={"identity": "officer"}, headers=header)
    assert answer.status_code == 403


def test_the_switcher_sets_a_cookie_that_scripts_and_other_sites_do_not_get(reading: Service) -> None:
    with httpx.Client(base_url=reading.base) as browser:
        answer = browser.post("/demo/identity", data={"identity": "officer", "next": "/map?layer=zone"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/map?layer=zone")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert browser.get("/whoami").json()["id"] == "officer"
        browser.post("/demo/identity", data={"identity": "public"})
        assert browser.get("/whoami").json()["id"] == "public"


def test_a_page_of_an_error_lets_its_reader_become_somebody_else(reading: Service, own_service: OwnService) -> None:
    html = {"Accept": "text/html"}
    with httpx.Client(base_url=reading.base, headers=html) as browser:
        browser.post("/demo/identity", data={"identity": "officer"})
        for path in ("/collections/none", "/nowhere", "/collections/zone/items?limit=x"):
            page = browser.get(path)
            assert page.status_code >= 400 and "text/html" in page.headers["content-type"]
            assert 'value="officer" aria-current="true"' in page.text
    with own_service(demo=False) as running:
        assert "/demo/identity" not in running.public.http.get("/nowhere", headers=html).text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "x", "/\t/evil", ""])
def test_the_switcher_goes_nowhere_else(reading: Service, target: str) -> None:
    answer = httpx.post(reading.base + "/demo/identity", data={"identity": "public", "next": target})
    assert answer.headers["location"] == "/"


def test_the_switcher_refuses_other_pages_and_unknown_identities(reading: Service) -> None:
    post = reading.public.http.post
    foreign = post("/demo/identity", data={"identity": "officer"}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403 and "set-cookie" not in foreign.headers
    assert post("/demo/identity", data={"identity": "operator"}).status_code == 400
    own = post("/demo/identity", data={"identity": "officer"}, headers={"Origin": reading.base})
    assert own.status_code == 303
    reading.public.http.cookies.clear()


def test_an_old_cookie_is_401_once_and_then_forgotten(reading: Service) -> None:
    with httpx.Client(base_url=reading.base, headers=HTTP_JSON) as browser:
        browser.post("/demo/identity", data={"identity": "officer"})
        (name,) = browser.cookies
        browser.cookies.clear()
        browser.cookies.set(name, "spoiled", domain="127.0.0.1", path="/")
        assert browser.get("/whoami").status_code == 401
        assert browser.get("/whoami").json()["id"] == "public"


def test_a_token_is_checked_again_after_it_was_remembered(tmp_path: Path) -> None:
    from layers.errors import UnauthenticatedError
    from ogc.auth import TokenVerifier

    now = [1_000_000.0]
    verifier = TokenVerifier(signing_key(tmp_path / "secrets", KEY_FILE), clock=lambda: now[0])
    token = make_token(tmp_path / "secrets", "officer", now=now[0], lifetime_s=100)
    assert verifier.subject(token) == verifier.subject(token) == "officer"
    now[0] += 161
    with pytest.raises(UnauthenticatedError):
        verifier.subject(token)


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    key = signing_key(folder, KEY_FILE)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert signing_key(folder, KEY_FILE).thumbprint() == key.thumbprint()
    (folder / KEY_FILE).chmod(0o644)
    with pytest.raises(RefusedError):
        signing_key(folder, KEY_FILE)


def _events(url: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute("SELECT * FROM access.event ORDER BY id").fetchall()


def test_every_read_and_every_refusal_leaves_one_event(own_service: OwnService) -> None:
    with own_service() as running:
        running.reviewer.json("/collections/parcel/items?limit=5")
        running.reviewer.json("/collections/parcel/items/10000")
        running.public.get("/collections/parcel/items")
        running.public.get("/collections/nothere/items")
        running.public.get("/collections/line/items")
        events = _events(running.url)
    told = [(e["principal"], e["layer"], e["action"], e["decision"], e["features"]) for e in events]
    assert told == [
        ("reviewer", "parcel", "items", "allow", 5),
        ("reviewer", "parcel", "items", "allow", 1),
        ("public", "parcel", "items", "deny", None),
        ("public", "nothere", "items", "deny", None),
        ("public", "line", "items", "deny", None),
    ]
    assert events[0]["purpose"] == "construction_permit" and events[0]["grants"] == ["parcels_of_communes"]
    assert events[0]["policy"].startswith("sha256:") and events[0]["revision"] == 1
    assert events[2]["reason"] == events[3]["reason"] == "not_found"


def test_tiles_and_304_are_counted_and_written_at_the_end(own_service: OwnService) -> None:
    with own_service() as running:
        url = running.url
        for _ in range(3):
            running.public.get("/collections/zone/tiles/WebMercatorQuad/0/0/0")
        etag = running.public.get("/collections/zone/items").headers["etag"]
        for _ in range(2):
            running.public.get("/collections/zone/items", headers={"If-None-Match": etag})
        assert [event["action"] for event in _events(url)] == ["items"]
    counted = {(event["action"], event["features"]): event["accesses"] for event in _events(url)}
    assert counted == {("items", 3): 1, ("tile", None): 3, ("items", None): 2}


def test_an_error_nobody_foresaw_says_an_id_and_nothing_else(
    own_service: OwnService, capfd: pytest.CaptureFixture[str]
) -> None:
    with own_service() as running:
        with psycopg.connect(running.url) as connection:
            connection.execute("ALTER TABLE data.zone RENAME COLUMN ten TO ten_bimat")
        response = running.officer.get("/collections/zone/items")
    problem = response.json()
    assert response.status_code == 500 and problem["code"] == "internal"
    assert "ten" not in response.text.replace("content", "").split('"detail"')[0]
    assert "column" not in response.text and "zone" not in response.text
    logged = capfd.readouterr().err
    assert problem["id"] in logged and "UndefinedColumn" in logged
    assert running.officer.token is not None and running.officer.token not in logged
