"""Long lists of coordinates are read as everything else is, only piece by piece."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ogc.common.long_json import LONG, outline_of


def ring(corners: int, seed: int = 0) -> list[list[float]]:
    found: list[list[float]] = np.random.default_rng(seed).uniform(-180, 90, (corners, 2)).tolist()
    return found


POLYGON = [ring(8_000), ring(5), ring(9_000, 1)]
SHAPES: list[Any] = [
    POLYGON,
    [ring(20_000)],
    [POLYGON, [ring(4)], POLYGON],
    [[[106, 11, 5], *ring(9_000)], [], [[]]],
    [[[1e-7, -2.5e22], [123456789012345678901234567890, 0], *ring(6_000)]],
    [1.5, *range(60_000)],
]


def put_together(raw: bytes) -> Any:
    outline = outline_of(raw)
    assert outline is not None
    assert len(outline.text) < LONG
    whole = json.loads(outline.text)
    assert outline.put_back(whole)
    return whole


@pytest.mark.parametrize("number", range(len(SHAPES)))
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n ", " :\t")])
def test_what_is_put_together_is_what_was_sent(number: int, separators: tuple[str, str]) -> None:
    sent = {"a": 'say "coordinates": [1]', "geometry": {"type": "x", "coordinates": SHAPES[number], "z": [1, {"b": 2}]}}
    assert put_together(json.dumps(sent, separators=separators).encode()) == sent


def test_a_body_with_nothing_long_is_left_as_it_is() -> None:
    assert outline_of(json.dumps({"coordinates": ring(20), "text": "1.5, " * LONG}).encode()) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-3],
        lambda text: text + b"]",
        lambda text: text.replace(b"],[", b"][", 1),
        lambda text: text[:-1] + b"],[1",
        lambda text: text.replace(b".", b"..", 1),
        lambda text: text[:-2] + b",]]",
    ],
    ids=["open", "closed twice", "no comma", "two lists", "no number", "comma at the end"],
)
def test_what_is_no_list_is_left_to_who_reads_the_whole(spoil: Any) -> None:
    text = spoil(json.dumps([ring(6_000)], separators=(",", ":")).encode())
    raw = b'{"geometry":{"coordinates":' + text + b"}}"
    outline = outline_of(raw)
    for left in (raw, raw if outline is None else outline.text):
        with pytest.raises(json.JSONDecodeError):
            json.loads(left)


def test_a_list_that_comes_twice_has_no_place() -> None:
    text = json.dumps([ring(6_000)]).encode()
    outline = outline_of(b'{"coordinates":' + text + b',"coordinates":[]}')
    assert outline is not None
    assert not outline.put_back(json.loads(outline.text))
