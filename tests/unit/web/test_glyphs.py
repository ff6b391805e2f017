"""Distance fields and their file format."""

from __future__ import annotations

import numpy as np
from PIL import ImageFont

from ogc.web import glyphs


def test_the_outline_of_a_square_is_192_and_the_field_falls_outwards() -> None:
    ink = np.zeros((20 * glyphs.FINE, 20 * glyphs.FINE), dtype=bool)
    ink[5 * glyphs.FINE : 15 * glyphs.FINE, 5 * glyphs.FINE : 15 * glyphs.FINE] = True
    field = glyphs.distance_field(ink).astype(int)
    row = field[10]
    assert (row[4] + row[5]) / 2 == 191.25 or abs((row[4] + row[5]) / 2 - 191.25) <= 1
    assert row[5] - row[4] in (31, 32, 33)  # one pixel is 255 / 8
    assert row[10] == 255
    assert field[0, 0] < row[0] < row[4]


def test_metrics_follow_the_baseline() -> None:
    font = ImageFont.load_default(glyphs.EM * glyphs.FINE)
    assert isinstance(font, ImageFont.FreeTypeFont)
    letter, descender, blank = (glyphs.glyph(font, ord(character)) for character in "xg ")
    assert letter.top == descender.top or abs(letter.top - descender.top) <= 1
    assert descender.height > letter.height
    assert blank.field == b"" and blank.advance > 0
    assert len(letter.field) == (letter.width + 6) * (letter.height + 6)


def test_a_file_reads_back_as_it_was_written() -> None:
    made = glyphs.Glyph(code=0x1EBF, field=bytes(range(64)), width=2, height=2, left=-1, top=-9, advance=300)
    stacks = dict(_fields(glyphs.encode("NotoSans-Regular", 7680, [made])))
    inner = list(_fields(stacks[1]))
    assert inner[0] == (1, b"NotoSans-Regular")
    assert inner[1] == (2, b"7680-7935")
    read = dict(_fields(inner[2][1]))
    assert read[1] == 0x1EBF
    assert read[2] == made.field
    assert (read[3], read[4], _signed(read[5]), _signed(read[6]), read[7]) == (2, 2, -1, -9, 300)


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """A reader of its own for protocol buffers: varints and blocks."""
    found: list[tuple[int, int | bytes]] = []
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        tag = varint()
        if tag & 7 == 0:
            found.append((tag >> 3, varint()))
        else:
            length = varint()
            found.append((tag >> 3, data[place : place + length]))
            place += length
    return found
