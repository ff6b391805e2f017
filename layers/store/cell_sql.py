"""Cells of a plain row (`plain_cells`) as JSON: byte for byte what `row_to_json` makes of them, put together only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, cast, func

from layers.profile.grammar import ValueType

from .plain_cells import TEXTS

Part = ColumnElement[Any] | str


def fixed(text: str) -> ColumnElement[str]:
    """A text of the statement itself, quoted by the dialect: no value that is sent and read with every run."""
    return bindparam(None, text, Text(), unique=True, literal_execute=True)


def in_string(text: str) -> str:
    """As it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def cell(kind: ValueType, key: str, value: ColumnElement[Any]) -> list[Part]:
    """A member of an object: its key with all that stands before the value, and the value."""
    if kind in TEXTS:
        there = fixed(key + '"').op("||")(value).op("||")(fixed('"'))
        return [func.coalesce(there, fixed(key + "null"), type_=Text())]
    is_time = kind in ("date", "datetime")  # how they are written as text is a setting of the session
    return [key, func.coalesce(cast(func.to_json(value) if is_time else value, Text), fixed("null"), type_=Text())]


def joined(parts: Sequence[Part]) -> ColumnElement[Any]:
    """One text; none of the parts may be NULL. Joined two by two: from the left, each step would copy all before it."""
    merged: list[ColumnElement[Any]] = []
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        merged += [fixed(text), part] if text else [part]
        text = ""
    merged.append(fixed(text))
    while len(merged) > 1:
        rest = merged[len(merged) // 2 * 2 :]
        pairs = zip(merged[::2], merged[1::2], strict=False)
        merged = [left.op("||", return_type=Text())(right) for left, right in pairs] + rest
    return merged[0]
