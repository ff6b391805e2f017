"""Glyphs of the map's labels: signed distance fields in the ranges MapLibre asks for, from the fonts of the pages.

Run at build time by `make assets`. The file format is the one MapLibre reads (protocol buffers, written by hand here):
glyphs {1: stack}, stack {1: name, 2: range, 3: glyph…}, glyph {1: code point, 2: field, 3: width, 4: height,
5: left, 6: top, 7: advance}. A field has 3 pixels around the glyph at 24 pixels an em; 192 is the outline.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
#: stack as styles name it → stem of the fonts
STACKS = {
    "NotoSans-Regular": "noto-sans-{subset}-400-normal",
    "NotoSans-Italic": "noto-sans-{subset}-400-italic",
    "NotoSans-SemiBold": "noto-sans-{subset}-600-normal",
}
SUBSETS = ("latin", "vietnamese", "latin-ext")
#: Latin, its supplements, combining marks, Vietnamese, punctuation, superscripts and the dong sign
RANGES = (0, 256, 512, 768, 7680, 7936, 8192, 8448)

EM = 24
BORDER = 3
RADIUS = 8.0
INSIDE = 0.25  #: share of the scale kept for distances inside the outline
ASCENT = 26  #: `top` counts from here down; MapLibre's shaping expects it
FINE = 6  #: fine pixels an output pixel; even, so that a pixel's centre lies on a fine corner


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character; `field` is empty for a blank."""

    code: int
    field: bytes
    width: int
    height: int
    left: int
    top: int
    advance: int


def write_all(vendor: Path = VENDOR) -> int:
    """Write every stack and range; returns the number of glyphs. Needs the fonts that `build.mjs` copied."""
    written = 0
    for stack, stem in STACKS.items():
        faces = [_face(vendor / "fonts" / f"{stem.format(subset=subset)}.woff2") for subset in SUBSETS]
        folder = vendor / "glyphs" / stack
        folder.mkdir(parents=True, exist_ok=True)
        for start in RANGES:
            glyphs = list(_range(faces, start))
            written += len(glyphs)
            (folder / f"{start}-{start + 255}.pbf").write_bytes(encode(stack, start, glyphs))
    return written


def _face(path: Path) -> tuple[frozenset[int], ImageFont.FreeTypeFont]:
    font = TTFont(path)
    codes = frozenset(font.getBestCmap())
    font.flavor = None
    plain = io.BytesIO()
    font.save(plain)
    plain.seek(0)
    return codes, ImageFont.truetype(plain, EM * FINE, layout_engine=ImageFont.Layout.BASIC)


def _range(faces: list[tuple[frozenset[int], ImageFont.FreeTypeFont]], start: int) -> Iterator[Glyph]:
    for code in range(start, start + 256):
        font = next((font for codes, font in faces if code in codes), None)
        if font is not None:
            yield glyph(font, code)


def glyph(font: ImageFont.FreeTypeFont, code: int) -> Glyph:
    """The distance field and metrics of one character of a font opened at EM * FINE pixels."""
    character = chr(code)
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    advance = round(font.getlength(character) / FINE)
    if right <= left or bottom <= top:
        return Glyph(code, b"", 0, 0, 0, -ASCENT, advance)
    x, y = int(left // FINE), int(top // FINE)
    width, height = int(-(-right // FINE)) - x, int(-(-bottom // FINE)) - y
    size = ((width + 2 * BORDER) * FINE, (height + 2 * BORDER) * FINE)
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).text(((BORDER - x) * FINE, (BORDER - y) * FINE), character, fill=255, font=font, anchor="ls")
    field = distance_field(np.asarray(image) >= 128)
    return Glyph(code, field.tobytes(), width, height, x, -y - ASCENT, advance)


def distance_field(ink: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bytes [h, w] of a fine bitmap [h * FINE, w * FINE]: 255 deep inside, 192 on the outline, 0 far outside."""
    outside = _distance(ink, reach=int(RADIUS * (1 - INSIDE) * FINE) + 1)
    inside = _distance(~ink, reach=int(RADIUS * INSIDE * FINE) + 1)
    signed = np.where(ink, 0.5 - inside, outside - 0.5) / FINE
    middle = FINE // 2
    corners = [signed[middle - 1 + i :: FINE, middle - 1 + j :: FINE] for i in (0, 1) for j in (0, 1)]
    values = 255 - 255 * (sum(corners) / 4 / RADIUS + INSIDE)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _distance(target: NDArray[np.bool_], reach: int) -> NDArray[np.float64]:
    """Distance of every pixel to the nearest True one, exact up to `reach`, at least that beyond it."""
    far = float((2 * reach) ** 2)
    squared = np.where(target, 0.0, far)
    for axis in (0, 1):
        best = squared.copy()
        for shift in range(1, reach + 1):
            best = np.minimum(best, _shifted(squared, shift, axis, far) + shift * shift)
            best = np.minimum(best, _shifted(squared, -shift, axis, far) + shift * shift)
        squared = best
    return np.sqrt(squared)


def _shifted(values: NDArray[np.float64], shift: int, axis: int, fill: float) -> NDArray[np.float64]:
    moved = np.full_like(values, fill)
    length = values.shape[axis]
    if abs(shift) < length:
        to, from_ = slice(max(shift, 0), length + min(shift, 0)), slice(max(-shift, 0), length - max(shift, 0))
        moved[(to, slice(None)) if axis == 0 else (slice(None), to)] = values[
            (from_, slice(None)) if axis == 0 else (slice(None), from_)
        ]
    return moved


def encode(stack: str, start: int, glyphs: list[Glyph]) -> bytes:
    """One file: a single stack with its glyphs."""
    body = _text(1, stack) + _text(2, f"{start}-{start + 255}") + b"".join(_block(3, _glyph(item)) for item in glyphs)
    return _block(1, body)


def _glyph(item: Glyph) -> bytes:
    field = _block(2, item.field) if item.field else b""
    sizes = _number(3, item.width) + _number(4, item.height)
    places = _number(5, _zigzag(item.left)) + _number(6, _zigzag(item.top))
    return _number(1, item.code) + field + sizes + places + _number(7, item.advance)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> int:
    return (value << 1) ^ (value >> 63)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _block(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _block(field, text.encode())


if __name__ == "__main__":
    from ogc.extract import fonts  # the printed document is set in the same fonts

    write_all()
    fonts.write_all()
