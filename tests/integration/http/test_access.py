"""Access over HTTP: what one may know, proposals by owners, applying them at once, and nothing from other sites."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from layers.store.connection import Database
from tests.support import policies
from tests.support.policies import OWNERS_GRANT, REVIEWERS, altered, with_fields
from tests.support.server import Server
from tests.support.shared_layers import COMMUNES, PARCELS_A_COMMUNE, Caller, Service, service

GRANTS = policies.first_grants()
OWN = tuple(grant for grant in GRANTS if grant.layer == "parcel")
ITEMS = "/collections/parcel/items"


@pytest.fixture(scope="module")
def template(make_template: Callable[[str, Callable[[str], None]], str]) -> str:
    return make_template("policies", policies.fill)


@pytest.fixture(scope="module")
def standing(template: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all that leaves the policy as it is."""
    with server.copied(template) as url, service(url, tmp_path_factory.mktemp("access")) as found:
        yield found


@pytest.fixture
def owner(standing: Service) -> Iterator[Caller]:
    """The owner at the standing service, without a proposal."""
    with _caller(standing) as caller:
        caller.http.delete("/access/proposal")
        yield caller


@pytest.fixture
def running(template: str, clone: Callable[[str], str], tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own, to be changed."""
    with service(clone(template), tmp_path) as found:
        yield found


@pytest.fixture
def changing(running: Service) -> Iterator[Caller]:
    """The owner at the test's own service."""
    with _caller(running) as caller:
        yield caller


@contextmanager
def _caller(at: Service) -> Iterator[Caller]:
    caller = Caller(at.base, at.secrets, "owner")
    yield caller
    caller.http.close()


def _plain(grants: Any) -> list[dict[str, Any]]:
    return [grant.model_dump(mode="json", by_alias=True, exclude_defaults=True) for grant in grants]


def _put(caller: Caller, grants: Any, **more: Any) -> httpx.Response:
    return caller.http.put("/access/proposal", json={"grants": _plain(grants), **more})


def test_everybody_knows_their_own_grants_and_an_owner_all_on_their_layers(standing: Service, owner: Caller) -> None:
    public = standing.public.json("/access/policy")
    assert {grant["id"] for grant in public["grants"]} == {"open_to_all", "lines_on_maps"}
    assert (public["layers"], public["managed"]) == ([], [])
    reviewer = {grant["id"]: grant for grant in standing.reviewer.json("/access/policy")["grants"]}
    assert reviewer[REVIEWERS]["rows"] == "ma_xa IN :claims.communes" and "expect" not in reviewer[REVIEWERS]
    own = owner.json("/access/policy")
    assert own["layers"] == ["parcel"]
    assert {grant["id"] for grant in own["managed"]} == {grant.id for grant in OWN}
    assert owner.json(f"/access/policy/{REVIEWERS}")["columns"] == {"tags": ["public"], "names": []}


def test_what_was_read_can_be_sent_back_and_is_the_same(owner: Caller) -> None:
    expect = [{"as": "reviewer", "action": "items", "is": "allow", "columns": ["ma"]}]
    _put(owner, altered(OWN, REVIEWERS, with_fields(expect=expect, valid={"until": "2030-01-31"})))
    found = owner.json("/access/proposal")["proposal"]
    again = owner.http.put("/access/proposal", json={"grants": found["grants"]})
    assert again.status_code == 200 and again.json()["proposal"]["digest"] == found["digest"]


def test_a_grant_of_somebody_else_is_not_found_as_one_that_is_not_there(standing: Service) -> None:
    answers = {
        standing.public.get(f"/access/policy/{name}").content for name in ("officer_secret", REVIEWERS, "nowhere")
    }
    assert len(answers) == 1 and b'"status":404' in answers.pop()


def test_a_rule_on_a_hidden_column_is_not_shown_to_the_one_it_limits(running: Service, changing: Caller) -> None:
    _put(changing, altered(OWN, REVIEWERS, with_fields(rows="ten_chu = 'A'")))
    assert changing.http.post("/access/policy", json={}).status_code == 200
    grants = {grant["id"]: grant for grant in running.reviewer.json("/access/policy")["grants"]}
    assert grants[REVIEWERS]["rows"] is None and grants[REVIEWERS]["is_row_limited"]
    assert "ten_chu" not in running.reviewer.get("/access/policy").text


def test_an_owner_proposes_looks_and_applies_and_the_next_request_sees_it(running: Service, changing: Caller) -> None:
    before = running.reviewer.get(ITEMS)
    base = changing.json("/access/policy")["policy"]
    assert before.headers["lienthong-policy"] == base and before.json()["numberMatched"] == 2 * PARCELS_A_COMMUNE
    changed = altered(
        OWN, REVIEWERS, with_fields(rows=f"ma_xa = '{COMMUNES[2]}'", columns={"tags": ["public", "personal"]})
    )
    proposed = _put(changing, changed, note="QĐ 7", base=base)
    assert proposed.status_code == 200
    proposal = proposed.json()["proposal"]
    assert (proposal["by"], proposal["note"], proposal["is_current"], proposal["base"]) == ("owner", "QĐ 7", True, base)
    assert proposed.json() == changing.json("/access/proposal")

    difference = changing.json("/access/proposal/diff")
    effect = next(each for each in difference["effects"] if each["action"] == "items")
    assert effect["rows"] == {"gained": PARCELS_A_COMMUNE, "lost": 2 * PARCELS_A_COMMUNE}
    assert "ten_chu" in effect["columns"]["gained"] and difference["lines"][0]["vi"].startswith("Thẩm định xây dựng")

    wrong = changing.http.post("/access/policy", json={"digest": base})
    assert wrong.status_code == 409, "what somebody else put there meanwhile is not applied"
    applied = changing.http.post("/access/policy", json={"digest": proposal["digest"]})
    assert applied.status_code == 200 and applied.headers["lienthong-policy"] == proposal["digest"]
    after = running.reviewer.get(ITEMS)
    assert after.headers["lienthong-policy"] == proposal["digest"]
    assert after.json()["numberMatched"] == PARCELS_A_COMMUNE
    assert "ten_chu" in after.json()["features"][0]["properties"]
    assert changing.json("/access/proposal")["proposal"] is None
    told = changing.json("/access/layers/parcel/events?action=policy")["events"]
    assert (told[0]["principal"], told[0]["grants"]) == ("owner", [REVIEWERS])
    assert "đổi quyền" in changing.get("/access/layers/parcel/events?f=html&lang=vi").text


def test_two_servers_take_the_new_policy(running: Service, changing: Caller, tmp_path: Path) -> None:
    with service(running.url, tmp_path / "second") as second:
        assert second.reviewer.json(ITEMS)["numberMatched"] == 2 * PARCELS_A_COMMUNE
        _put(changing, (OWNERS_GRANT,))
        digest = changing.http.post("/access/policy", json={}).json()["digest"]
        deadline = time.monotonic() + 20
        while second.public.get("/collections").headers["lienthong-policy"] != digest:
            assert time.monotonic() < deadline, "the other server was never told"
        assert second.reviewer.get(ITEMS).status_code == 404


def test_who_answers_for_no_layer_proposes_nothing(standing: Service, owner: Caller) -> None:
    refused = _put(standing.reviewer, OWN)
    assert refused.status_code == 403 and refused.json()["reason"] == "not_owner"
    foreign = [{"id": "x", "to": {"anyone": True}, "layer": name, "actions": ["items"]} for name in ("register", "no")]
    answers = [owner.http.put("/access/proposal", json={"grants": [*_plain(OWN), one]}) for one in foreign]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content, "a foreign layer and none at all are told alike"
    refusals = [
        caller.http.request(method, path, json=body)
        for caller in (standing.reviewer, standing.public)
        for method, path, body in (
            ("PUT", "/access/proposal", {"grants": [], "merge": True}), ("POST", "/access/proposal/rebase", None),
            ("POST", "/access/policy", {}),
        )
    ]  # fmt: skip
    assert [(answer.status_code, answer.json()["reason"]) for answer in refusals] == [(403, "not_owner")] * 6


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"rows": "khong = 1"}, "grants[0].rows"), ({"actions": ["fly"]}, "grants[0].actions[0]"),
     ({"columns": {"names": ["khong"]}}, "grants[0].columns.names[0]"), ({"khong": 1}, "grants[0].khong")],
    ids=["rule", "action", "column", "key"],
)  # fmt: skip
def test_every_field_that_does_not_hold_is_named(owner: Caller, fields: dict[str, Any], named: str) -> None:
    (plain,) = _plain(grant for grant in OWN if grant.id == REVIEWERS)
    refused = owner.http.put("/access/proposal", json={"grants": [{**plain, **fields}, *_plain([OWNERS_GRANT])]})
    assert refused.status_code == 422
    assert named in {error["field"] for error in refused.json()["errors"]}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"grants": 1}', b'{"grants": [], "khong": 1}'])
def test_a_body_that_is_none_is_422(owner: Caller, body: bytes) -> None:
    answer = owner.http.put("/access/proposal", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["errors"]


def test_yaml_is_taken_as_it_stands_in_a_file(owner: Caller) -> None:
    text = (
        "- {id: owner_parcel, to: {role: land.owner}, layer: parcel, actions: [items, edit, publish],"
        " columns: {tags: [public, internal, personal]}}\n"
        "- {id: all, to: {anyone: true}, layer: parcel, actions: [fly]}\n"
    )
    headers = {"Content-Type": "application/yaml"}
    refused = owner.http.put("/access/proposal", content=text.encode(), headers=headers)
    assert refused.status_code == 422 and "proposal.yaml:2" in refused.json()["detail_vi"]
    good = owner.http.put("/access/proposal", content=text.replace("fly", "tile").encode(), headers=headers)
    assert {grant["id"] for grant in good.json()["proposal"]["grants"]} == {"owner_parcel", "all"}


def test_an_expectation_that_does_not_hold_is_told_and_not_applied(owner: Caller) -> None:
    expect = [{"as": "reviewer", "action": "items", "is": "deny"}]
    _put(owner, altered(OWN, REVIEWERS, with_fields(expect=expect)))
    assert owner.json("/access/proposal/diff")["unmet"][0]["grant"] == REVIEWERS
    refused = owner.http.post("/access/policy", json={})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == f"{REVIEWERS}.expect[0]"


@pytest.mark.parametrize("note", ["  ", "a\x1bb", "a\u202eb", "a\u2028b"])
def test_the_note_of_a_proposal_is_what_people_read(owner: Caller, note: str) -> None:
    refused = _put(owner, OWN, note=note)
    assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (422, ["note"])
    assert _put(owner, OWN, note="dòng một\n\tdòng hai").status_code == 200


def test_an_old_base_is_told_and_the_proposal_can_be_made_anew_or_dropped(running: Service, changing: Caller) -> None:
    assert _put(changing, OWN, base="sha256:" + "0" * 64).status_code == 409
    _put(changing, altered(OWN, REVIEWERS, with_fields(geometry="none")))
    _apply_as_operator(running.url)
    assert not changing.json("/access/proposal")["proposal"]["is_current"]
    assert changing.http.post("/access/policy", json={}).status_code == 409
    assert changing.http.post("/access/proposal/rebase").json()["proposal"]["is_current"]
    assert changing.http.delete("/access/proposal").json() == {"withdrawn": True}
    assert changing.http.delete("/access/proposal").json() == {"withdrawn": False}
    assert changing.get("/access/proposal/diff").status_code == 404


def _apply_as_operator(url: str) -> None:
    async def put() -> None:
        async with Database.open(url, size=2) as database:
            await policies.put(database, altered(GRANTS, "lines_on_maps", with_fields(actions=["tile", "map"])))

    anyio.run(put)


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_a_page_of_another_site_changes_nothing(owner: Caller, headers: dict[str, str]) -> None:
    refusals = [
        owner.http.put("/access/proposal", json={"grants": _plain(OWN)}, headers=headers),
        owner.http.delete("/access/proposal", headers=headers),
        owner.http.post("/access/policy", json={}, headers=headers),
        owner.http.post("/access/proposal/rebase", headers=headers),
        owner.http.post("/access/proposal", data={"what": "withdraw"}, headers=headers),
        owner.http.post("/access/edit", data={"what": "fields"}, headers=headers),
    ]
    assert [answer.status_code for answer in refusals] == [403] * 6
    assert owner.json("/access/proposal")["proposal"] is None


def test_the_form_puts_a_grant_into_the_proposal_and_names_what_is_wrong(owner: Caller) -> None:
    form = {
        "grant": REVIEWERS, "id": REVIEWERS, "kind": "role", "whom": "construction.reviewer", "layer": "parcel",
        "actions": ["items"], "rows": "khong = 1", "tags": ["public"], "geometry": "full", "what": "fields",
        "purpose": "construction_permit",
    }  # fmt: skip
    wrong = owner.http.post("/access/edit", data=form)
    assert wrong.status_code == 422 and 'id="rows-problem-1"' in wrong.text and "khong = 1" in wrong.text
    saved = owner.http.post("/access/edit", data={**form, "rows": "ma = '<b>'"})
    assert (saved.status_code, saved.headers["location"]) == (303, f"{owner.http.base_url}/access/proposal")
    page = owner.get("/access/proposal?f=html").text
    assert "&lt;b&gt;" in page and "<b>'" not in page
    removed = owner.http.post("/access/edit", data={"grant": REVIEWERS, "what": "remove"})
    assert removed.status_code == 303
    ids = {grant["id"] for grant in owner.json("/access/proposal")["proposal"]["grants"]}
    assert REVIEWERS not in ids and OWNERS_GRANT.id in ids


def test_a_form_opened_on_an_older_policy_is_not_saved_over_what_others_applied(owner: Caller) -> None:
    page = owner.get(f"/access/edit?grant={REVIEWERS}&f=html").text
    digest = owner.json("/access/policy")["policy"]
    assert page.count(f'name="base" value="{digest}"') == 2
    older = {"grant": REVIEWERS, "what": "remove", "base": "sha256:" + "0" * 64}
    assert owner.http.post("/access/edit", data=older).status_code == 409
    assert owner.json("/access/proposal")["proposal"] is None


def test_a_grant_to_publish_is_shown_and_has_no_form(owner: Caller) -> None:
    page = owner.get("/access/policy?f=html&lang=en").text
    assert OWNERS_GRANT.id in page and f"grant={OWNERS_GRANT.id}" not in page
    assert "changed by the operator only" in page
    assert owner.http.get(f"/access/edit?grant={OWNERS_GRANT.id}").status_code == 403
    form = owner.get(f"/access/edit?grant={REVIEWERS}").text
    assert 'name="actions" value="edit"' in form and 'name="actions" value="publish"' not in form


def test_every_answer_that_stands_on_a_decision_names_the_policy(standing: Service, owner: Caller) -> None:
    digest = owner.json("/access/policy")["policy"]
    paths = (
        "/collections", "/collections/zone", "/collections/zone/items", "/collections/zone/items/1",
        "/collections/zone/schema", "/collections/zone/queryables", "/collections/zone/tiles",
        "/collections/zone/tiles/WebMercatorQuad/0/0/0", "/parcels?point=106.6,11.0", "/map", "/catalogue",
        "/access/policy", "/access/proposal", "/collections/secret/items", "/collections/nowhere/items",
    )  # fmt: skip
    named = {path: standing.public.get(path).headers.get("lienthong-policy") for path in paths}
    assert named == dict.fromkeys(paths, digest)
    etag = standing.public.get("/collections/zone/items").headers["etag"]
    known = standing.public.get("/collections/zone/items", headers={"If-None-Match": etag})
    assert (known.status_code, known.headers["lienthong-policy"]) == (304, digest)


# ── who may what, and why ────────────────────────────────────────────────────────────────────────
def test_the_matrix_shows_an_owner_everybody_and_others_themselves(standing: Service, owner: Caller) -> None:
    rows = owner.json("/access/matrix")["rows"]
    on_own = {row["subject"]["name"] for row in rows if row["layer"] == "parcel"}
    assert on_own == {"public", "reviewer", "officer", "owner"}
    assert {row["subject"]["name"] for row in rows if row["layer"] != "parcel"} == {"owner"}
    public = standing.public.json("/access/matrix")["rows"]
    assert {(row["layer"], row["subject"]["name"]) for row in public} == {
        ("zone", "public"), ("line", "public"), ("empty", "public"),
    }  # fmt: skip


def test_the_matrix_comes_as_json_page_and_table(owner: Caller) -> None:
    assert owner.json("/access/matrix")["policy"] == owner.json("/access/policy")["policy"]
    for asked in ({"params": {"f": "csv"}}, {"headers": {"Accept": "text/csv"}}):
        table = owner.get("/access/matrix", **asked)
        assert table.headers["content-type"] == "text/csv; charset=utf-8" and "Lớp parcel" in table.text
    assert owner.get("/access/matrix?f=html").headers["content-type"].startswith("text/html")
    assert owner.get("/access/matrix?f=xml").status_code == 400
    assert owner.get("/collections?f=csv").status_code == 400


def test_explain_tells_why_and_why_not_in_terms_of_ones_own_grants(standing: Service) -> None:
    allowed = standing.reviewer.json("/explain?layer=parcel&action=items")
    assert allowed["is_allowed"] and [grant["grant"] for grant in allowed["grants"]] == [REVIEWERS]
    denied = standing.reviewer.json("/explain?layer=parcel&action=export")
    assert (denied["is_allowed"], denied["reason"]) == (False, "no_grant")
    hidden, missing = (standing.public.get(f"/explain?layer={name}") for name in ("register", "nowhere"))
    assert hidden.status_code == missing.status_code == 404 and hidden.content == missing.content
    assert standing.public.get("/explain").status_code == 400
    assert standing.public.get("/explain?layer=zone&action=fly").status_code == 400


def test_only_an_owner_asks_for_somebody_else(standing: Service, owner: Caller) -> None:
    found = owner.json("/explain?layer=parcel&as=reviewer")
    assert (found["as"], found["purpose"], found["is_allowed"]) == ("reviewer", "construction_permit", True)
    assert owner.get("/explain?layer=parcel&as=nobody").status_code == 404
    refused = [standing.reviewer.get(f"/explain?layer=parcel&as={name}") for name in ("owner", "nobody")]
    assert [answer.status_code for answer in refused] == [403, 403] and refused[0].content == refused[1].content
    assert owner.get("/explain?layer=register&as=officer").status_code == 404


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(
    "path",
    ["/access/policy", "/access/matrix", "/access/proposal", "/explain", "/explain?layer=parcel&action=tile",
     "/access/edit", f"/access/edit?grant={REVIEWERS}"],
)  # fmt: skip
def test_every_page_of_access_answers_in_both_languages(owner: Caller, path: str, language: str) -> None:
    _put(owner, altered(OWN, REVIEWERS, with_fields(geometry="centroid")))
    page = owner.get(path, params={"f": "html", "lang": language} | dict(httpx.URL(path).params))
    assert page.status_code == 200 and f'lang="{language}"' in page.text
    assert "<script>" not in page.text and " style=" not in page.text


def test_every_route_of_access_is_in_the_description_of_the_service(standing: Service) -> None:
    paths = standing.public.json("/api")["paths"]
    wanted = {
        "/explain": {"get"}, "/access": {"get"}, "/access/matrix": {"get"}, "/access/policy": {"get", "post"},
        "/access/policy/{grant_id}": {"get"}, "/access/proposal": {"get", "put", "delete", "post"},
        "/access/proposal/rebase": {"post"}, "/access/proposal/diff": {"get"}, "/access/edit": {"get", "post"},
    }  # fmt: skip
    assert {path: set(paths[path]) for path in wanted} == wanted
    named = {parameter["name"] for parameter in paths["/explain"]["get"]["parameters"]}
    assert named == {"layer", "action", "purpose", "as"}
    assert "requestBody" in paths["/access/proposal"]["put"] and "requestBody" in paths["/access/policy"]["post"]


def test_a_server_that_owns_nothing_proposes_and_applies_too(
    template: str, clone: Callable[[str], str], tmp_path: Path
) -> None:
    url = clone(template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER ROLE lt_server LOGIN")
    with service(make_conninfo(url, user="lt_server"), tmp_path) as served, _caller(served) as changing:
        _put(changing, altered(OWN, REVIEWERS, with_fields(rows=f"ma_xa = '{COMMUNES[2]}'")))
        rows = changing.json("/access/proposal/diff")["effects"][0]["rows"]
        assert rows == {"gained": PARCELS_A_COMMUNE, "lost": 2 * PARCELS_A_COMMUNE}
        assert changing.http.post("/access/policy", json={}).status_code == 200
        assert served.reviewer.json(ITEMS)["numberMatched"] == PARCELS_A_COMMUNE
        assert changing.http.delete("/access/proposal").json() == {"withdrawn": False}
