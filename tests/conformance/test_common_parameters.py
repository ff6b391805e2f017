"""OGC API Common 1, Core: how names and values of query parameters are read."""

from __future__ import annotations

import pytest

from .claims import of, proves
from .visitor import Visitor, box_of, of_box

core = of("ogcapi-common-1/1.0/conf/core")
ITEMS = "/collections/zone/items"
#: a value that every parameter of `items` accepts
SAMPLES = {
    "limit": "3", "bbox": "106,11,107,12", "datetime": "2025-08-01T00:00:00Z", "filter": "cap>0",
    "filter-lang": "cql2-text", "sortby": "cap", "properties": "ma,cap", "skipGeometry": "true", "f": "json",
    "lang": "en", "as-of": "2999-01-01",
}  # fmt: skip


@proves(*core("query-param-name-known", "query-param-capitalization"))
@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "as-of"])
def test_a_name_is_known_in_its_own_letters_only(public: Visitor, name: str) -> None:
    assert public.status(ITEMS, params={name: SAMPLES[name]}) == 200
    other = name.swapcase()
    assert other != name
    assert public.status(ITEMS, params={other: SAMPLES[name]}) == 400


@proves(*core("query-param-name-invalid"))
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "f=xml", "lang=fr", "filter-lang=sql", "skipGeometry=yes", "bbox=200,0,201,1",
              "as-of=2999-01-01", "limit=1&limit=2"]
)  # fmt: skip
def test_a_value_outside_its_constraints_is_400(visitor: Visitor, query: str) -> None:
    assert visitor.status(f"{ITEMS}?{query}") == 400


@proves(*core("query-param-value-boolean"))
def test_true_and_false_are_the_two_booleans(visitor: Visitor) -> None:
    for collection in visitor.spatial:
        path = f"/collections/{collection['id']}/items"
        without = visitor.json(path, params={"skipGeometry": "true"})["features"]
        plain = visitor.json(path, params={"skipGeometry": "false"})["features"]
        assert [feature["id"] for feature in without] == [feature["id"] for feature in plain]
        assert all(feature["geometry"] is None for feature in without)
        assert all(feature["geometry"] is not None for feature in plain)
    for other in ("TRUE", "1", "0", "", "t"):
        assert visitor.status(ITEMS, params={"skipGeometry": other}) == 400


@proves(*core("query-param-value-integer"))
def test_whole_numbers_are_read_as_such(visitor: Visitor) -> None:
    for text, value in (("1", 1), ("002", 2), ("3", 3)):
        assert len(visitor.features("zone", limit=text)) == value
    for text in ("-1", "+", "1e3", "0x1", "1.0", "1_000", "٣"):
        assert visitor.status(ITEMS, params={"limit": text}) == 400
    assert visitor.ids("zone", cap="1") == visitor.ids("zone", cap="01") == {1}
    assert visitor.ids("zone", cap="-1") == set()


@proves(*core("query-param-value-decimal", "query-param-value-double"))
def test_decimals_and_doubles_are_read_as_numbers(visitor: Visitor) -> None:
    box = box_of(next(each for each in visitor.spatial if each["id"] == "zone"))
    everything = visitor.ids("zone", bbox=of_box(box))
    padded = ",".join(f"0{number:.9f}00" for number in (box[0] - 1e-6, box[1] - 1e-6, box[2], box[3]))
    exponents = ",".join(f"{number:.12e}" for number in (box[0] - 1e-6, box[1] - 1e-6, box[2], box[3]))
    assert visitor.ids("zone", bbox=padded) == visitor.ids("zone", bbox=exponents) == everything
    assert visitor.ids("zone", bbox="-179.50,-89.50,0179,089") == everything
    assert visitor.ids("zone", bbox="-10.2500,-10.2500,-1,-1") == set()


@proves(*core("query-param-value-special"))
@pytest.mark.parametrize("word", ["inf", "-inf", "nan"])
def test_infinite_and_undefined_numbers_are_understood_and_refused(visitor: Visitor, word: str) -> None:
    assert visitor.status(ITEMS, params={"bbox": f"{word},10,107,12"}) == 400
    assert visitor.status(ITEMS, params={"limit": word}) == 400


@proves(*core("query-param-list-delimiter", "query-param-list-escape"))
def test_a_list_is_parted_by_commas(visitor: Visitor) -> None:
    both = visitor.features("zone", properties="ma,cap")
    assert all(set(feature["properties"]) == {"ma", "cap"} for feature in both)
    escaped = visitor.json(f"{ITEMS}?properties=ma%2Ccap")["features"]
    assert [feature["properties"] for feature in escaped] == [feature["properties"] for feature in both]
    for text in ("ma;cap", "ma|cap", "ma cap"):
        assert visitor.status(ITEMS, params={"properties": text}) == 400
    assert visitor.status(ITEMS, params={"bbox": "106;11;107;12"}) == 400


@proves(*core("query-param-list-empty"))
def test_an_empty_list_is_an_empty_list(visitor: Visitor) -> None:
    """Of `properties`: none of them. A box of no numbers is no box."""
    found = visitor.features("zone", properties="")
    assert found and all(feature["properties"] in ({}, None) for feature in found)
    assert visitor.status(ITEMS, params={"bbox": ""}) == 400
