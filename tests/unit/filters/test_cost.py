"""How much work a filter may be a row."""

from __future__ import annotations

import pytest

from layers.errors import InvalidRequestError
from layers.filters import check, parse_text, require_cheap
from layers.filters.cost import MOST, Cost, cost_of
from layers.filters.tree import And, Search

PROPERTIES = {"so": "integer", "dien_tich": "number", "ten": "string", "chu": "string", "geometry": "geometry"}


def _cost(text: str) -> Cost:
    return cost_of(check(parse_text(text), PROPERTIES))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("CASEI(CASEI(ten)) = 'a'", "CASEI(ten) = 'a'"),
        ("CASEI(ACCENTI(CASEI(ACCENTI(CASEI(ten))))) = 'a'", "ACCENTI(CASEI(ten)) = 'a'"),
        ("ACCENTI(CASEI(ACCENTI(ten))) LIKE CASEI(CASEI('A%'))", "CASEI(ACCENTI(ten)) LIKE 'a%'"),
    ],
)
def test_a_text_is_folded_once_in_each_way(text: str, same: str) -> None:
    assert check(parse_text(text), PROPERTIES) == check(parse_text(same), PROPERTIES)


def test_what_is_worked_out_for_each_row_is_counted_as_often_as_it_is() -> None:
    assert _cost("CASEI(ten) = CASEI('A') AND NOT (ten IS NULL OR ACCENTI(chu) LIKE 'a%')") == Cost(folds=2)
    assert _cost("CASEI(ten) IN ('a', 'b', 'c')") == Cost(folds=1)
    assert _cost("CASEI(ten) IN (chu, 'b', CASEI(chu))") == Cost(folds=4)
    assert _cost("so + 1 BETWEEN 2 AND dien_tich * 2") == Cost(calculations=3)
    assert cost_of(And((Search(("ten", "chu"), (" a ", " b ")), parse_text("ten IS NULL")))) == Cost(folds=2)
    assert _cost("1 + 2 * 3 < so OR S_WITHIN(geometry, geometry)") == Cost(pairs=1)


@pytest.mark.parametrize("part", ["CASEI(ten) = 'a'", "so + 1 = 2", "S_TOUCHES(geometry, geometry)"])
def test_a_filter_of_too_much_work_is_refused_in_both_languages(part: str) -> None:
    def checked(number: int) -> None:
        require_cheap(check(parse_text(" OR ".join([part] * number)), PROPERTIES))

    checked(MOST)
    with pytest.raises(InvalidRequestError) as caught:
        checked(MOST + 1)
    assert str(MOST) in caught.value.message.vi and str(MOST) in caught.value.message.en


def test_eight_kilobytes_of_nested_folds_are_refused() -> None:
    nested = "CASEI(ACCENTI(CASEI(ACCENTI(ten)))) = 'a'"
    text = " OR ".join([nested] * (8_000 // (len(nested) + 4)))
    with pytest.raises(InvalidRequestError):
        require_cheap(check(parse_text(text), PROPERTIES))
