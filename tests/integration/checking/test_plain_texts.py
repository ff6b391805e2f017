"""Texts that go into records are refused where they are blank or read otherwise than they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ogc.app import create_app
from ogc.auth import make_token
from ogc.settings import Settings
from tests.support.checked import INPUTS, PARCEL, fill, geojson
from tests.support.commands import lienthong
from tests.support.published import box
from tests.support.server import Server
from tests.support.serving import serve

BAD = ["", "  ", "D\n1", "D\t1", "D\x1b[2J", "D\x7f", "D\x9f", "D\u2028", "D\u202e1", "D\u2067"]


@pytest.fixture(scope="module")
def service(
    make_template: Any, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, str]]:
    with server.copied(make_template("checked", fill)) as url:
        settings = Settings(data=tmp_path_factory.mktemp("texts"), database_url=url)
        with serve(create_app(settings, demo=True)) as base:
            token = make_token(settings.secrets_folder, "officer")
            with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
                yield client, url


def kept(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT dossier, purpose FROM checks.record UNION SELECT dossier, purpose FROM access.event"
        ).fetchall()


@pytest.mark.parametrize("field", ["dossier", "purpose"])
@pytest.mark.parametrize("text", BAD)
def test_a_question_with_such_a_text_is_refused_by_field_and_leaves_nothing(
    service: tuple[httpx.Client, str], field: str, text: str
) -> None:
    client, url = service
    check = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS)}
    split = {"kind": "split", "procedure": "land_use_change", "parent": PARCEL, "inputs": dict(INPUTS),
             "children": [{"geometry": geojson(box(0, 0, 8, 31))}], "remainder": True}  # fmt: skip
    for path, body in (("/checks", check), ("/divisions", split)):
        asked = client.post(path, json=body | {field: text})
        assert asked.status_code == 422, asked.text
        (error,) = asked.json()["errors"]
        assert error["field"] == field and "gõ lại" in error["message_vi"] and "type it again" in error["message_en"]
    assert (text, None) not in kept(url) and (None, text) not in kept(url)


def test_a_new_parcel_may_go_without_a_name_and_never_with_a_strange_one(service: tuple[httpx.Client, str]) -> None:
    def split(label: str) -> httpx.Response:
        body = {"kind": "split", "procedure": "land_use_change", "parent": PARCEL, "inputs": dict(INPUTS),
                "children": [{"label": label, "geometry": geojson(box(0, 0, 8, 31))}], "remainder": True}  # fmt: skip
        return service[0].post("/divisions", json=body)

    assert split("").status_code == 201
    assert [error["field"] for error in split("A\u202eB").json()["errors"]] == ["children.0.label"]


def test_a_list_of_a_dossier_with_such_a_code_is_a_bad_request(service: tuple[httpx.Client, str]) -> None:
    for text in ("%00", "%20", "D%E2%80%AE"):
        asked = service[0].get(f"/checks?dossier={text}")
        assert (asked.status_code, [error["field"] for error in asked.json()["errors"]]) == (400, ["dossier"])


def test_an_opinion_may_have_lines_and_no_marks_of_direction(service: tuple[httpx.Client, str]) -> None:
    client = service[0]
    check = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": dict(INPUTS)}
    made = client.post("/checks", json=check).json()
    said = {"check": made["findings"][0]["check"], "kind": "dispute"}
    for text in (" ", "a\x0bb", "a\u2028b", "a\u202eb", "a\x9fb"):
        asked = client.post(f"/checks/{made['id']}/reviews", json=said | {"reason": text})
        assert (asked.status_code, [error["field"] for error in asked.json()["errors"]]) == (422, ["reason"])
    assert client.post(f"/checks/{made['id']}/reviews", json=said | {"reason": "một\n\thai"}).status_code == 201


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("check", PARCEL, "--procedure", "land_use_change", "--dossier", " "), "dossier"),
        (("check", PARCEL, "--procedure", "land_use_change", "--purpose", "a\u202eb"), "purpose"),
        (("dossier", "register", "D\u202e1", "--parcel", PARCEL), "id"),
        (("layer", "export", "parcel", "--out", "parcels.csv", "--purpose", "\x1b[2J"), "purpose"),
        (("layer", "rollback", "parcel", "1", "--note", " "), "note"),
        (("layer", "publish", "new.csv", "--layer", "parcel", "--note", "a\u202eb", "--yes"), "note"),
        (("layer", "suspend", "parcel", "--reason", "a\x07b"), "reason"),
        (("policy", "agree", "AGR-1", "active", "--note", "a\u2066b"), "note"),
        (("policy", "agree", " ", "active"), "agreement"),
    ],
)
def test_the_command_line_refuses_them_too(
    service: tuple[httpx.Client, str], tmp_path: Path, arguments: tuple[str, ...], field: str
) -> None:
    arguments = tuple(str(tmp_path / each) if each.endswith(".csv") else each for each in arguments)
    ran = lienthong(*arguments, "--json", url=service[1], data=tmp_path)
    assert ran.code == 1, (ran.out, ran.err)
    assert [error["field"] for error in ran.json["error"]["errors"]] == [field]
