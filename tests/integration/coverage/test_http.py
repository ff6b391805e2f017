"""`/coverage`, `/checks/{id}/reviews`, `/tasks` and `/checks/{id}/replay` over HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

import httpx
import pytest

from ogc.app import create_app
from ogc.auth import make_token
from ogc.common import accesses
from ogc.settings import Settings
from tests.support.published import box
from tests.support.server import Server
from tests.support.serving import serve

from .conftest import fill
from .land import INPUTS, Land

Clients = Callable[[str], httpx.Client]
PARCEL = "25747@2025/1/8"


@pytest.fixture(scope="module")
def clients(
    make_template: Callable[[str, Callable[[str], None]], str], server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clients]:
    """One service for the module; opinions add up, nothing else changes."""
    with server.copied(make_template("coverage", fill)) as url:
        Land.at(url).publisher.publish("quiet", [{"ma": "Q1", "loai": "hồ", "geom": box(0, 0, 600, 600)}])
        settings = Settings(data=tmp_path_factory.mktemp("coverage"), database_url=url)
        with serve(create_app(settings, demo=True)) as base:
            opened: dict[str, httpx.Client] = {}

            def client(who: str) -> httpx.Client:
                if who not in opened:
                    token = {"Authorization": f"Bearer {make_token(settings.secrets_folder, who)}"}
                    opened[who] = httpx.Client(base_url=base, timeout=60, headers=token if who != "public" else {})
                return opened[who]

            yield client
            for each in opened.values():
                each.close()


@pytest.fixture(scope="module")
def record(clients: Clients) -> str:
    body = {"procedure": "land_use_change", "subject": {"parcel": PARCEL}, "inputs": INPUTS, "dossier": "HS-9"}
    asked = clients("officer").post("/checks", json=body)
    assert asked.status_code == 201, asked.text
    return str(asked.json()["id"])


def test_one_place_asks_for_so_many_matrices_and_files_in_a_minute(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accesses, "MATRICES", "1/min")
    monkeypatch.setattr(accesses, "FILES", "1/min")
    file = {"subject": {"file": {"name": "x.kml", "content": "eA=="}}}
    asked = [clients("public").get("/coverage") for _ in range(2)]
    asked += [clients("public").post("/subjects", json=file) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [200, 429, 422, 429]
    assert int(asked[3].headers["retry-after"]) > 0


def test_the_matrix_in_its_three_forms(clients: Clients) -> None:
    document = clients("public").get("/coverage").json()
    cells = {(cell["layer"], cell["commune"]): cell for cell in document["cells"]}
    assert len(cells) == len(document["layers"]) * len(document["communes"]) == len(document["cells"])
    assert cells["quiet", "25747"] == {
        "layer": "quiet", "commune": "25747", "state": "mapped", "share": 1.0, "refused": None,
    }  # fmt: skip
    page = clients("public").get("/coverage", headers={"accept": "text/html"})
    assert page.status_code == 200 and "Thủ Dầu Một" in page.text and "Nơi giữ kín" not in page.text
    file = clients("warden").get("/coverage", params={"f": "csv", "layer": "quiet", "lang": "en"})
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["State"] for row in rows] == ["Mapped in full", *["In full, and nothing is there"] * 2]
    assert file.headers["content-disposition"] == 'attachment; filename="coverage.csv"'


def test_a_field_of_the_form_that_is_left_empty_asks_for_all(clients: Clients) -> None:
    empty = dict.fromkeys(("sector", "layer", "commune", "procedure"), "")
    asked = [clients("public").get("/coverage", params=params).json()["layers"] for params in (empty, {})]
    assert asked[0] == asked[1]


def test_what_is_not_there_and_what_is_hidden_are_one_404(clients: Clients) -> None:
    hidden, missing = (clients("public").get("/coverage", params={"layer": layer}) for layer in ("hidden_place", "x"))
    assert hidden.status_code == missing.status_code == 404 and hidden.content == missing.content
    assert clients("public").get("/coverage", params={"colour": "red"}).status_code == 400


def test_an_opinion_is_created_listed_and_answered(clients: Clients, record: str) -> None:
    said = {"check": "quiet", "kind": "dispute", "reason": "Vùng này đã bỏ.", "feature": "Q1"}
    made = clients("officer").post(f"/checks/{record}/reviews", json=said)
    assert made.status_code == 201 and made.json() == {
        "id": made.json()["id"], "record": record, "check": "quiet", "kind": "dispute",
    }  # fmt: skip
    assert made.headers["location"].endswith(f"/checks/{record}/reviews")
    (listed,) = clients("officer").get(f"/checks/{record}/reviews").json()["reviews"]
    assert (listed["text"], listed["feature"]["key"], listed["by"]["is_own"]) == ("Vùng này đã bỏ.", "Q1", True)
    task = made.json()["id"]
    assert [one["id"] for one in clients("warden").get("/tasks", params={"state": "open"}).json()["tasks"]] == [task]
    given = {"decision": "rejected", "text": "Dữ liệu đúng."}
    refused = [clients(who).post(f"/tasks/{task}/answer", json=given) for who in ("officer", "public")]
    assert [each.status_code for each in refused] == [404, 404]
    assert clients("warden").post(f"/tasks/{task}/answer", json=given).status_code == 201
    assert clients("warden").post(f"/tasks/{task}/answer", json=given).status_code == 409
    assert clients("officer").get("/tasks").json()["own"][0]["answer"]["decision"] == "rejected"
    assert clients("public").get("/tasks").json() == {"tasks": [], "own": []}


def test_what_cannot_be_said_is_refused_by_its_status(clients: Clients, record: str) -> None:
    def post(who: str, **body: object) -> int:
        return clients(who).post(f"/checks/{record}/reviews", json=body).status_code

    assert post("public", check="quiet", kind="confirm") == 403
    assert post("officer", check="hidden_place", kind="confirm") == 422
    assert post("officer", check="line", kind="confirm") == 403, "withheld from an officer of land"
    assert post("officer", check="quiet", kind="maybe") == post("officer", check="quiet", kind="dispute") == 422
    assert post("officer", check="quiet", kind="confirm", colour="red") == 422
    hidden = clients("reviewer").post("/checks/khong_co/reviews", json={"check": "quiet", "kind": "confirm"})
    assert hidden.status_code == 404
    other = clients("officer").post(f"/checks/{record}/reviews", json={"check": "quiet", "kind": "confirm"},
                                    headers={"origin": "https://elsewhere.example"})  # fmt: skip
    assert other.status_code == 403


def test_the_page_sends_the_same_as_a_form(clients: Clients, record: str) -> None:
    form = {"check": "quiet", "kind": "confirm", "reason": "", "feature": ""}
    sent = clients("officer").post(f"/checks/{record}/reviews", data=form, follow_redirects=False)
    assert sent.status_code == 303 and sent.headers["location"].endswith(f"/checks/{record}?f=html")
    page = clients("officer").get(sent.headers["location"])
    assert page.status_code == 200 and "Xác nhận" in page.text
    assert "<form" not in clients("public").get("/tasks", headers={"accept": "text/html"}).text.split("<main")[1]


def test_a_replay_says_what_came_out(clients: Clients, record: str) -> None:
    def post(who: str, **body: object) -> httpx.Response:
        return clients(who).post(f"/checks/{record}/replay", json=body)

    own = post("officer").json()
    assert (own["mode"], own["result"], own["changes"]) == ("record", "identical", [])
    assert post("officer", today=True).json()["mode"] == "today"
    assert post("officer", as_of="2020-01-01").status_code == 503, "no parcel was published by then"
    assert post("officer", as_of="2020-01-01", today=True).status_code == 422
    assert post("officer", as_of="3020-01-01").status_code == 400
    assert post("public").status_code == 404


def test_the_description_names_them(clients: Clients) -> None:
    described = clients("public").get("/api").json()["paths"]
    assert {"/coverage", "/tasks", "/tasks/{task_id}/answer", "/checks/{record_id}/reviews",
            "/checks/{record_id}/replay"} <= described.keys()  # fmt: skip
