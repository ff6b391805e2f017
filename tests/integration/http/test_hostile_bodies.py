"""What is sent to wear the service down ends in an ordinary answer, before much of it was read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.support import policies
from tests.support.policies import OWNERS_GRANT
from tests.support.server import Server
from tests.support.shared_layers import Caller, Service, service

GRANT = OWNERS_GRANT.model_dump(mode="json", by_alias=True, exclude_defaults=True)
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
YAML = {"Content-Type": "application/yaml"}


@pytest.fixture(scope="module")
def standing(
    make_template: Callable[[str, Callable[[str], None]], str],
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    template = make_template("policies", policies.fill)
    with server.copied(template) as url, service(url, tmp_path_factory.mktemp("hostile")) as found:
        yield found


@pytest.fixture
def owner(standing: Service) -> Iterator[Caller]:
    caller = Caller(standing.base, standing.secrets, "owner")
    yield caller
    caller.http.close()


def _pieces(size: int) -> Iterator[bytes]:
    """A body of no stated length."""
    for _ in range(size // 10_000):
        yield b" " * 10_000


def test_who_manages_no_layer_is_refused_before_the_body_is_read(standing: Service) -> None:
    for content in (BOMB, "no: [yaml", "[" * 50_000):
        answer = standing.public.http.put("/access/proposal", content=content, headers=YAML)
        assert (answer.status_code, answer.json()["reason"]) == (403, "not_owner")
    assert standing.public.http.post("/access/policy", content=b"no json").status_code == 403


def test_a_bomb_is_an_ordinary_error(owner: Caller) -> None:
    answer = owner.http.put("/access/proposal", content=BOMB, headers=YAML)
    assert answer.status_code == 422
    assert "anchors and aliases" in answer.json()["errors"][0]["message_en"]


def test_a_list_of_too_many_grants_is_one_error(owner: Caller) -> None:
    answer = owner.http.put("/access/proposal", json={"grants": [{}] * 20_000})
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 1)


def test_a_hundred_errors_are_told_and_the_rest_counted(owner: Caller) -> None:
    unknown = GRANT | {f"k{number}": 1 for number in range(5_000)}
    errors = owner.http.put("/access/proposal", json={"grants": [unknown]}).json()["errors"]
    assert len(errors) == 101 and errors[-1]["message_vi"].startswith("và ")


@pytest.mark.parametrize(
    ("method", "path", "size"),
    [
        ("PUT", "/access/proposal", 300_000), ("POST", "/access/policy", 300_000), ("POST", "/access/edit", 300_000),
        ("PUT", "/dossiers/d-1", 1_200_000), ("POST", "/checks", 17_000_000),
        ("POST", "/parcels/inside", 17_000_000), ("POST", "/divisions", 17_000_000),
    ],
)  # fmt: skip
def test_a_body_beyond_the_limit_is_refused_in_both_languages(owner: Caller, method: str, path: str, size: int) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"} if path.endswith("edit") else {}
    answer = owner.http.request(method, path, content=_pieces(size), headers=form)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["detail_vi"] and answer.json()["detail_en"]


@pytest.mark.parametrize("origin", ["https://evil.example", "http://[", "null"])
def test_a_page_of_another_site_asks_no_check_and_registers_no_dossier(owner: Caller, origin: str) -> None:
    headers = {"Origin": origin}
    for method, path in (("POST", "/checks"), ("PUT", "/dossiers/d-1"), ("PUT", "/access/proposal")):
        refused = owner.http.request(method, path, json={}, headers=headers)
        assert (refused.status_code, refused.json().get("reason")) == (403, "origin")


def test_a_program_and_our_own_page_come_through(owner: Caller, standing: Service) -> None:
    for headers in ({}, {"Origin": standing.base, "Sec-Fetch-Site": "same-origin"}):
        assert owner.http.post("/checks", json={}, headers=headers).status_code == 422


def test_a_character_that_no_text_has_is_named(owner: Caller) -> None:
    noted = owner.http.put("/access/proposal", json={"grants": [GRANT], "note": "a\0b"})
    named = owner.http.put("/access/proposal", json={"grants": [GRANT | {"rows": "ma = 'a\0b'"}]})
    lone = owner.http.put("/access/proposal", content='- id: a\n  agreement: "\\uD800"\n', headers=YAML)
    assert [answer.status_code for answer in (noted, named, lone)] == [422, 422, 422]


@pytest.mark.parametrize("query", ["until=0001-01-01", "until=9999-12-31", "from=9999-12-31", f"after={10**19}"])
def test_days_and_places_that_no_log_has_are_named(owner: Caller, query: str) -> None:
    assert owner.get(f"/access/layers/parcel/events?{query}").status_code == 400


def test_proposals_sent_at_once_by_one_person_all_arrive(standing: Service) -> None:
    found: list[int] = []

    def put() -> None:
        caller = Caller(standing.base, standing.secrets, "owner")
        found.append(caller.http.put("/access/proposal", json={"grants": [GRANT]}).status_code)
        caller.http.close()

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 8
