"""What a paper is worth today: all of it to whoever may read its check, to a stranger what tells nothing of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.integration.extracts.conftest import Desk, desk_at
from tests.support.checked import Place, fill
from tests.support.published import box
from tests.support.server import Server

PLAN = [{"ma": "P1", "loai_dat": "ODT", "geom": box(-1000, -1000, 2000, 2000)}]


@pytest.fixture(scope="module")
def desk(
    make_template: Callable[[str, Callable[[str], None]], str], server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """A service on the clock of the wall: its checks and later publications follow each other."""
    with server.copied(make_template("checked", fill)) as url:
        yield from desk_at(Place.at(url), tmp_path_factory.mktemp("desk"), lambda: datetime.now(UTC))


def code_of_paper(desk: Desk, check: str) -> str:
    with desk.client() as client:
        sha256 = hashlib.sha256(client.get(f"/checks/{check}.pdf").content).hexdigest()
    with psycopg.connect(desk.place.url) as connection:
        found = connection.execute("SELECT code FROM checks.extract WHERE sha256 = %s", (sha256,)).fetchone()
    assert found is not None
    return str(found[0])


def paper(desk: Desk, **asked: Any) -> str:
    """The code of the paper of a check that was made just now."""
    return code_of_paper(desk, desk.checked(**asked))


def house(desk: Desk, is_house: bool = True) -> str:
    return paper(desk, procedure="house_or_road", inputs={"is_house": is_house})


def told(desk: Desk, code: str, identity: str | None = None) -> dict[str, Any]:
    with desk.client(identity) as client:
        found: dict[str, Any] = client.get(f"/verify/{code}").json()
    return found


def page(desk: Desk, code: str, language: str) -> str:
    with desk.client(None) as client:
        return client.get(f"/verify/{code}", params={"lang": language}, headers={"Accept": "text/html"}).text


def newer(found: dict[str, Any]) -> list[str]:
    return [layer["layer"] for layer in found["layers"] if layer["superseded"]]


def test_a_layer_that_was_asked_for_these_inputs_only_makes_a_paper_old(desk: Desk) -> None:
    code = house(desk)
    assert told(desk, code)["superseded"] is False
    desk.place.publish("land_use_plan", PLAN)
    for identity in (None, "officer"):
        found = told(desk, code, identity)
        assert found["superseded"] is True and newer(found) == ["land_use_plan"]


def test_what_a_stranger_is_told_does_not_hang_on_the_inputs(desk: Desk) -> None:
    codes = [house(desk, is_house) for is_house in (True, False)]
    desk.place.publish("land_use_plan", PLAN)
    ours, theirs = (told(desk, code) for code in codes)
    assert ours["layers"] == theirs["layers"] and ours["superseded"] is theirs["superseded"] is True
    asked, not_asked = (told(desk, code, "officer") for code in codes)
    assert asked["superseded"] is True and not_asked["superseded"] is False
    assert "land_use_plan" not in {layer["layer"] for layer in not_asked["layers"]}


def test_nor_on_the_day_the_law_was_asked_for_or_on_what_was_drawn(desk: Desk) -> None:
    today, then = paper(desk), paper(desk, on_date="2025-08-01")
    assert told(desk, today)["layers"] == told(desk, then)["layers"]


def test_the_ground_itself_is_among_the_layers(desk: Desk) -> None:
    """A parcel that was measured anew makes the paper old as a rule's layer does."""
    code = paper(desk, procedure="corridor_only", inputs={})
    assert {layer["layer"] for layer in told(desk, code)["layers"]} == {"parcel", "water_corridor"}


def test_whoever_may_read_the_check_is_told_of_its_whole_cut(desk: Desk) -> None:
    check = desk.checked()
    code = code_of_paper(desk, check)
    with desk.client() as client:
        cut = client.get(f"/checks/{check}").json()["evidence"]["cut"]
    found = told(desk, code, "officer")
    assert {layer["layer"]: layer["revision"] for layer in found["layers"]} == cut and "waste_site" in cut
    assert found["superseded"] is False
    desk.place.publish("waste_site", [])
    assert newer(told(desk, code, "officer")) == ["waste_site"]


def test_a_stranger_is_never_told_that_all_is_as_it_was_where_not_all_is_told(desk: Desk) -> None:
    """Whether what is left untold has changed makes no difference."""
    code = paper(desk)
    before = told(desk, code)
    desk.place.publish("military_zone", [])
    desk.place.publish("waste_site", [])
    assert told(desk, code) == before and before["superseded"] is None
    assert not {"military_zone", "waste_site"} & {layer["layer"] for layer in before["layers"]}
    assert "không thể nói hết" in page(desk, code, "vi") and "not of every layer" in page(desk, code, "en")


def test_the_page_says_whether_data_have_changed(desk: Desk) -> None:
    code = house(desk)
    assert "chưa thay đổi" in page(desk, code, "vi") and "have not changed" in page(desk, code, "en")
    desk.place.publish("land_use_plan", PLAN)
    assert "đã thay đổi" in page(desk, code, "vi") and "Data have changed" in page(desk, code, "en")
