"""What people write for a parcel, a commune and a date is understood, or refused with the next step."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pydantic import BaseModel

from layers.checking.names import communes_named, folded
from layers.checking.request import (
    ByCode,
    ByFid,
    ByKey,
    ByNumber,
    ByPoint,
    CommuneName,
    instant_of,
    parse_as_of,
    parse_parcel,
)
from layers.errors import InvalidRequestError
from layers.profile.grammar import Commune
from ogc.processes.bodies import BatchBody
from ogc.service.checks import CheckBody
from ogc.service.divisions import DivisionBody
from ogc.service.replays import ReplayBody

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("25747/45/123", ByNumber(CommuneName("25747"), "45", "123")),
        ("25747@2025/45/123", ByNumber(CommuneName("25747", 2025), "45", "123")),
        ("phường Thủ Dầu Một / 45 / 123a", ByNumber(CommuneName("phường Thủ Dầu Một"), "45", "123a")),
        ("fid:42", ByFid(42)),
        ("key:a/b/c", ByKey("a/b/c")),
        ("25747.45.123", ByKey("25747.45.123")),
        ("code:w3gy6ytmny8f", ByCode("w3gy6ytmny8f")),
        ("point:106.65,10.98", ByPoint(106.65, 10.98)),
    ],
)
def test_every_form_of_a_parcel_is_read(text: str, query: object) -> None:
    assert parse_parcel(text) == query


@pytest.mark.parametrize("text", ["", "fid:x", "fid:9007199254740992", "key:", "point:1", "point:200,10", "point:nan,1",
                                  "/45/1", "25747@new/45/1"])  # fmt: skip
def test_what_cannot_be_read_is_refused_in_both_languages(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_parcel(text)
    assert caught.value.message.vi and caught.value.message.en


@pytest.mark.parametrize("written", ["Hòa Lợi", "Hoà Lợi", "xã Hoà  Lợi", "HÒA LỢI", "Xã Ho\u0300a Lơ\u0323i"])
def test_a_commune_is_found_however_its_tone_marks_are_placed(written: str) -> None:
    listed = [Commune(code="1", name="Hòa Lợi", kind="xã", generation=2025)]
    assert [commune.code for commune in communes_named(written, listed)] == ["1"]


def test_names_that_differ_in_a_tone_stay_apart() -> None:
    assert folded("Hòa Lợi") != folded("Hóa Lợi")
    listed = [Commune(code="1", name="Hòa Lợi", kind="xã", generation=2025),
              Commune(code="2", name="Hóa Lợi", kind="xã", generation=2025)]  # fmt: skip
    assert [commune.code for commune in communes_named("Hóa Lợi", listed)] == ["2"]
    assert {commune.code for commune in communes_named("hoa loi", listed)} == {"1", "2"}


def test_quy_keeps_its_letters_under_the_tone_rule() -> None:
    assert folded("Quý Đức") == folded("Qúy Đức")


def test_a_date_means_its_end_in_vietnam() -> None:
    assert instant_of(date(2026, 11, 20), NOW) == datetime(2026, 11, 20, 16, 59, 59, 999999, tzinfo=UTC)


def test_today_is_now() -> None:
    assert instant_of(date(2026, 11, 21), NOW) is None


def test_the_future_is_not_known() -> None:
    with pytest.raises(InvalidRequestError):
        instant_of(date(2026, 11, 22), NOW)


def test_an_instant_without_zone_is_vietnamese() -> None:
    found = instant_of(parse_as_of("2026-11-21T08:00:00"), NOW)
    assert found == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def test_a_wrong_instant_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        parse_as_of("yesterday")


@pytest.mark.parametrize("text", ["25747@²/1/2", "25747@٢٠٢٥/1/2", "25747@20255/1/2", "fid:²", "fid:١"])
def test_digits_of_other_scripts_are_no_numbers(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_parcel(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:01+14:00", "0001-01-01", "1899-12-31"])
def test_an_instant_before_1900_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="1900"):
        instant_of(parse_as_of(text), NOW)


@pytest.mark.parametrize("model", [CheckBody, DivisionBody, ReplayBody, BatchBody])
@pytest.mark.parametrize(("text", "kind"), [("2026-11-20T00:00:00Z", datetime), ("2026-11-20", date)])
def test_midnight_is_an_instant_in_every_body_and_a_date_a_date(
    model: type[BaseModel], text: str, kind: type[date]
) -> None:
    given = {"procedure": "p", "kind": "split", "subject": {"parcel": "fid:1"}, "parent": "fid:1"}
    asked = {name: value for name, value in given.items() if name in model.model_fields}
    assert type(model.model_validate({**asked, "as_of": text}).as_of) is kind  # type: ignore[attr-defined]
