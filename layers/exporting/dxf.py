"""DXF for any CAD program (release 12, text): outlines as polylines, points, labels as texts.

A drawing layer is the collection, or one of its land types (the first column with codes). The number of a feature goes
along as extended data of the application LIENTHONG; other columns have no place in a drawing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import shapely

from .cells import places_of, rows_of, shapes_of
from .layout import Layout

_APPLICATION = "LIENTHONG"
_NAME = re.compile(r"[^A-Za-z0-9_$-]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
#: metres: 2 mm on a map 1:1000
_TEXT_HEIGHT_M = 2.0
_WHITE = 7
#: colours of the standard palette that are told apart at once: number → red, green, blue
_PALETTE = {
    1: (255, 0, 0), 2: (255, 255, 0), 3: (0, 255, 0), 4: (0, 255, 255), 5: (0, 0, 255), 6: (255, 0, 255),
    7: (255, 255, 255), 8: (128, 128, 128), 30: (255, 127, 0), 40: (255, 191, 0), 50: (191, 255, 0), 94: (0, 127, 0),
    140: (0, 191, 255), 200: (191, 0, 255), 31: (255, 191, 127), 51: (255, 255, 127), 91: (127, 255, 127),
    221: (255, 127, 223),
}  # fmt: skip


def dxf_head(layout: Layout) -> bytes:
    layers = [(drawing_layer(layout, None), _WHITE)]
    if layout.sorting_code:
        layers += [(drawing_layer(layout, code), _nearest(color)) for code, color in layout.codes]
    named = dict(layers)
    made = ["0", "SECTION", "2", "HEADER", "9", "$ACADVER", "1", "AC1009", "9", "$DWGCODEPAGE", "3", "ANSI_1252",
            "0", "ENDSEC", "0", "SECTION", "2", "TABLES",
            "0", "TABLE", "2", "LTYPE", "70", "1", "0", "LTYPE", "2", "CONTINUOUS", "70", "0", "3", "Solid line",
            "72", "65", "73", "0", "40", "0.0", "0", "ENDTAB",
            "0", "TABLE", "2", "LAYER", "70", str(len(named))]  # fmt: skip
    for name, color in named.items():
        made += ["0", "LAYER", "2", name, "70", "0", "62", str(color), "6", "CONTINUOUS"]
    made += ["0", "ENDTAB", "0", "TABLE", "2", "APPID", "70", "1", "0", "APPID", "2", _APPLICATION, "70", "0",
             "0", "ENDTAB", "0", "ENDSEC", "0", "SECTION", "2", "ENTITIES"]  # fmt: skip
    return _joined(made)


def dxf_part(batch: pa.RecordBatch, layout: Layout) -> bytes:
    shapes = shapes_of(batch, layout)
    names = [column.name for column in layout.columns]
    made: list[str] = []
    for row, shape, place in zip(rows_of(batch, layout), shapes, places_of(shapes, 4), strict=True):
        values = dict(zip(names, row[1:], strict=True))
        layer = drawing_layer(layout, values.get(layout.sorting_code or ""))
        for entity in _entities(shape, layer, str(row[0])):
            made += entity
        if layout.label and place[0] is not None:
            made += _label(_text_of(layout.label, values), place, layer, str(row[0]))
    return _joined(made)


def dxf_tail(layout: Layout) -> bytes:
    return _joined(["0", "ENDSEC", "0", "EOF"])


def drawing_layer(layout: Layout, code: object) -> str:
    """At most 31 plain characters."""
    name = layout.layer if code is None or not layout.sorting_code else f"{layout.layer[:20]}_{code}"
    return _NAME.sub("_", name)[:31].upper()


def _entities(shape: Any, layer: str, fid: str) -> Iterator[list[str]]:
    for part in shapely.get_parts(shape) if shape is not None else ():
        if part.geom_type == "Point":
            yield ["0", "POINT", "8", layer, *_at(part.coords[0]), *_belongs(fid)]
        elif part.geom_type == "Polygon":
            for ring in (part.exterior, *part.interiors):
                yield _polyline(ring.coords[:-1], layer, fid, is_closed=True)
        elif part.geom_type == "LineString":
            yield _polyline(part.coords, layer, fid, is_closed=False)
        else:  # a collection within a collection
            yield from _entities(part, layer, fid)


def _polyline(places: Sequence[Any], layer: str, fid: str, *, is_closed: bool) -> list[str]:
    made = ["0", "POLYLINE", "8", layer, "66", "1", *_at((0.0, 0.0)), "70", "1" if is_closed else "0", *_belongs(fid)]
    for place in places:
        made += ["0", "VERTEX", "8", layer, *_at(place)]
    return [*made, "0", "SEQEND", "8", layer]


def _label(text: str, place: Any, layer: str, fid: str) -> list[str]:
    return ["0", "TEXT", "8", layer, *_at(place), "40", str(_TEXT_HEIGHT_M), "1", text, *_belongs(fid)]


def _at(place: Any) -> list[str]:
    return ["10", f"{place[0]:.4f}", "20", f"{place[1]:.4f}", "30", "0.0"]


def _belongs(fid: str) -> list[str]:
    return ["1001", _APPLICATION, "1000", f"fid={fid}"]


def _text_of(label: str, values: dict[str, Any]) -> str:
    """One line; letters beyond ASCII in the escapes that every release reads."""
    text = re.sub(r"{(\w+)}", lambda found: str(values[found[1]] if values[found[1]] is not None else ""), label)
    plain = _UNPRINTABLE.sub(" ", text)[:200].replace("^", "^ ")
    return "".join(each if each.isascii() else _escaped(each) for each in plain) or " "


def _escaped(letter: str) -> str:
    return f"\\U+{ord(letter):04X}" if ord(letter) < 0x10000 else "?"


def _nearest(color: str | None) -> int:
    if color is None:
        return _WHITE
    wanted = tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))
    return min(_PALETTE, key=lambda each: sum((a - b) ** 2 for a, b in zip(_PALETTE[each], wanted, strict=True)))


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")
