"""Long bodies are read a piece at a time, and say what they would say read at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter

from layers.errors import InvalidInputsError
from ogc.common.long_json import LONG, outline_of
from ogc.service.bodies import Closed, PointBody, validated
from ogc.service.checks import CheckBody, _sent, check_body
from ogc.service.divisions import DivisionBody
from ogc.service.divisions import _read as division_body
from ogc.service.inside import InsideBody
from ogc.service.inside import _read as inside_body
from ogc.service.long_points import points_apart
from ogc.service.subjects import PreviewBody
from ogc.service.subjects import _read as preview_body

RING = [[106 + n / 100_000, 11 + n / 99_999] for n in range(6_000)]
SHORT = {"type": "Polygon", "coordinates": [RING[:4]]}
SHAPE = {"type": "Polygon", "coordinates": [RING]}
COLLECTION = {"type": "GeometryCollection", "geometries": [SHAPE]}
SPLIT = {"kind": "split", "procedure": "land_split", "parent": "1/2/3"}
POINTS = [{"number": str(n), "x": 1213000 + n / 1000, "y": 598000 - n / 999, "ring": 0} for n in range(6_000)]
BARE = [{"y": n, "x": f"{n}.5", "number": n} for n in range(6_000)]
TABLE = {"coordinates": {"points": POINTS, "crs": "EPSG:9210"}}
Read = Callable[[bytes], Closed]


@pytest.mark.parametrize(
    ("model", "read", "sent"),
    [
        (CheckBody, check_body, {"procedure": "p", "subject": {"geometry": SHAPE}}),
        (CheckBody, check_body, {"procedure": "p", "subject": {"geometry": COLLECTION}}),
        (PreviewBody, preview_body, {"subject": {"geometry": SHAPE}}),
        (InsideBody, inside_body, {"geometry": SHAPE}),
        (DivisionBody, division_body, SPLIT | {"cut": SHAPE}),
        (DivisionBody, division_body, SPLIT | {"children": [{"geometry": SHORT}, {"geometry": SHAPE}]}),
        (DivisionBody, division_body, SPLIT | {"children": [{"geometry": SHAPE}, {"geometry": SHAPE}], "cut": SHAPE}),
    ],
)
def test_a_body_read_by_pieces_is_the_body(model: type[Closed], read: Read, sent: dict[str, Any]) -> None:
    raw = json.dumps(sent).encode()
    outline = outline_of(raw)
    assert outline is not None and len(outline.text) < LONG, "the list is not read with the rest"
    assert read(raw) == validated(model, raw)


@pytest.mark.parametrize(
    ("model", "read", "sent"),
    [
        (CheckBody, check_body, {"procedure": "p", "subject": TABLE}),
        (PreviewBody, preview_body, {"subject": {"coordinates": {"points": BARE}}}),
        (InsideBody, inside_body, TABLE),
        (DivisionBody, division_body, SPLIT | {"children": [TABLE, {"geometry": SHAPE}, TABLE]}),
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (" ,\n ", " :\t")])
def test_a_table_read_by_pieces_is_the_table(
    model: type[Closed], read: Read, sent: dict[str, Any], separators: tuple[str, str]
) -> None:
    raw = json.dumps(sent, separators=separators).encode()
    apart = points_apart(raw, TypeAdapter(list[PointBody]))
    assert apart is not None
    outline = outline_of(apart.text)
    assert len(outline.text if outline else apart.text) < LONG, "the list is not read with the rest"
    assert read(raw) == validated(model, raw)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(b"},{", b"}{", 1), lambda text: text.replace(b"},{", b"},,{", 1),
        lambda text: text.replace(b"}]", b"},]"), lambda text: text.replace(b'"x":1213003', b'"x":"a', 1),
        lambda text: text.replace(b'"number":"5000"', b'"number":"\\u0000"'),
        lambda text: text.replace(b'"number":"5000"', b'"nummer":"5000"'),
        lambda text: text.replace(b'"number":"5000"', b'"number":"},{"'),
        lambda text: text.replace(b'"number":"5000"', b'"number":"}]"'),
        lambda text: text.replace(b'"points"', b'"point"'),
        lambda text: text.replace(b'"crs"', b'"points":[],"crs"'),
        lambda text: text[:-9],
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_told_in_the_same_words(spoil: Callable[[bytes], bytes]) -> None:
    raw = spoil(json.dumps({"procedure": "p", "subject": TABLE}, separators=(",", ":")).encode())
    assert told(lambda: check_body(raw)) == told(lambda: validated(CheckBody, raw))


def told(read: Callable[[], Closed]) -> object:
    try:
        return read()
    except InvalidInputsError as error:
        return error.message.vi, [(field.field, field.message.vi) for field in error.fields]


def test_of_a_table_without_any_point_the_first_wrong_ones_are_told() -> None:
    """Four hundred thousand wrong ones are not looked at one by one to say that they are wrong."""
    raw = json.dumps({"procedure": "p", "subject": {"coordinates": {"points": [{"a": 1}] * 400_000}}}).encode()
    with pytest.raises(InvalidInputsError) as caught:
        check_body(raw)
    assert caught.value.fields[0].field == "subject.coordinates.points.x"
    rest = re.fullmatch(r"and (\d+) more", caught.value.fields[-1].message.en)
    assert rest is not None and int(rest[1]) < 50_000


@pytest.mark.parametrize("subject", [TABLE, {"geometry": SHAPE | {"id": None}}, {"fid": 3}])
def test_a_job_keeps_the_body_as_it_was_sent(subject: dict[str, Any]) -> None:
    body = check_body(json.dumps({"procedure": "p", "inputs": {"a": None}, "subject": subject}).encode())
    assert _sent(body) == body.model_dump(mode="json", exclude_none=True)


def test_points_that_stand_elsewhere_are_left_there() -> None:
    sent = {"procedure": "p", "inputs": {"points": POINTS}, "subject": TABLE}
    raw = json.dumps(sent).encode()
    assert check_body(raw) == validated(CheckBody, raw)


@pytest.mark.parametrize(
    ("read", "sent"),
    [
        (preview_body, {"subject": {"coordinates": RING}}),
        (inside_body, {"geometry": {"coordinates": RING}, "nothing": 1}),
        (division_body, SPLIT | {"children": [{"coordinates": RING}]}),
    ],
)
def test_what_is_wrong_is_wrong_by_pieces_too(read: Read, sent: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputsError):
        read(json.dumps(sent).encode())
