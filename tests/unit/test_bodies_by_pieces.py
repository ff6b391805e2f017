"""Long bodies are read a piece at a time, and say what they would say read at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from layers.errors import InvalidInputsError
from ogc.common.long_json import LONG, outline_of
from ogc.service.bodies import Closed, validated
from ogc.service.checks import CheckBody, check_body
from ogc.service.divisions import DivisionBody
from ogc.service.divisions import _read as division_body
from ogc.service.inside import InsideBody
from ogc.service.inside import _read as inside_body
from ogc.service.subjects import PreviewBody
from ogc.service.subjects import _read as preview_body

RING = [[106 + n / 100_000, 11 + n / 99_999] for n in range(6_000)]
SHORT = {"type": "Polygon", "coordinates": [RING[:4]]}
SHAPE = {"type": "Polygon", "coordinates": [RING]}
COLLECTION = {"type": "GeometryCollection", "geometries": [SHAPE]}
SPLIT = {"kind": "split", "procedure": "land_split", "parent": "1/2/3"}
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
