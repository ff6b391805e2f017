"""Bodies that leave in handfuls are the bytes they would have been at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ogc.common.pieces import HANDFUL, Pieces

LONG = HANDFUL // 3


@pytest.mark.parametrize(
    "parts",
    [[], [b""], [b"a"], [b"a", b"b"], [b"a" * LONG] * 3, [b"a" * LONG] * 4, [b"a" * LONG] * 7, [b"b" * HANDFUL] * 3,
     [b"c"] * 5000, [b"d" * HANDFUL * 2, b"e"], [b"e", b"d" * HANDFUL * 2]],
)  # fmt: skip
def test_handfuls_together_are_the_body(parts: Sequence[bytes]) -> None:
    pieces = Pieces(b"[", parts, b"]", separator=b",")
    handfuls = list(pieces.handfuls())
    assert b"".join(handfuls) == bytes(pieces) == b"[" + b",".join(parts) + b"]"
    assert len(pieces) == len(bytes(pieces))


def test_a_long_body_leaves_in_several_handfuls() -> None:
    handfuls = list(Pieces(b"", [b"a" * 1000] * 10_000, b"").handfuls())
    assert len(handfuls) >= 10_000_000 // HANDFUL
    assert max(map(len, handfuls)) <= HANDFUL + 1000
