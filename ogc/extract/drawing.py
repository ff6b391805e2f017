"""The small map as SVG, in millimetres on paper: everything is drawn here from shapes, nothing is loaded.

Layers are told apart by their official colour and by the direction of a hatching, so that a black and white print
still reads. Hatching is made of lines cut by shapely: it needs no pattern of the renderer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely
from markupsafe import Markup, escape
from shapely.geometry.base import BaseGeometry

from layers.checking.map_content import HEIGHT_MM, WIDTH_MM, Frame, MapShape, Role
from layers.profile.profile import Profile
from ogc.web.drawing import Legend, legend_of

from .parts import Corner, Ring
from .words import Words

if TYPE_CHECKING:
    from .document import Document

Printed = Callable[[object], object]
#: around the frame, for the coordinates along it
EDGE_MM, TOP_MM = 5.5, 1.0
INK, QUIET = "#16252a", "#6d7a7d"
SANS = "Phieu Sans"
#: angle and distance of hatching lines, by the place of a layer in the legend; the last one is a grid
HATCHES = ((45, 2.2), (135, 2.2), (90, 2.0), (0, 2.0), (60, 3.2), (120, 3.2), (30, 1.4), (150, 1.4))
_LABEL_MM, _CLEAR_MM = 2.3, 3.4
#: labels of neighbours, and corners that are numbered; corners that have a dot each
MOST_LABELS, MOST_DOTS = 160, 400


@dataclass(frozen=True, slots=True)
class _Paper:
    """From ground to paper: x to the right, y down, millimetres."""

    frame: Frame

    def place(self, east: float, north: float) -> tuple[float, float]:
        mm = 1000 / self.frame.scale
        return EDGE_MM + (east - self.frame.west) * mm, TOP_MM + (self.frame.north - north) * mm

    def path(self, shape: BaseGeometry) -> str:
        return "".join(self._line(part) for part in _lines(shape))

    def outline(self, shape: BaseGeometry) -> str:
        """Its lines inside the frame; where it was cut at the frame it has none."""
        lines = shape.boundary if shapely.get_dimensions(shape) == 2 else shape
        frame, by = self.frame, self.frame.paper_m
        return self.path(
            shapely.clip_by_rect(lines, frame.west + by, frame.south + by, frame.east - by, frame.north - by)
        )

    def _line(self, line: BaseGeometry) -> str:
        places = [self.place(x, y) for x, y in shapely.get_coordinates(line)]
        is_ring = line.geom_type == "LinearRing" or (len(places) > 2 and places[0] == places[-1])
        told = "L".join(f"{x:.2f} {y:.2f}" for x, y in (places[:-1] if is_ring else places))
        return f"M{told}{'Z' if is_ring else ''}"


def drawing_of(document: Document, printed: Printed) -> str:
    """The map of a document that has one."""
    content = document.map
    assert content is not None
    paper, words = _Paper(content.frame), document.words
    styles = styles_of(document)
    subject = paper.path(shapely.simplify(content.subject, content.frame.paper_m / 2))
    shapes = [shape for shape in map(_Clipped(content.frame), content.shapes) if shape is not None]
    return _svg(
        _frame_ground(),
        _neighbours(shapes, paper),
        _path(subject, fill="#fff8dc", stroke="none"),
        *(_drawn(shape, styles, paper) for role in (Role.DROP, Role.HIT) for shape in shapes if shape.role is role),
        _path(subject, fill="none", stroke=INK, stroke_width=0.7, stroke_linejoin="round"),
        _neighbour_names(shapes, paper, printed),
        _hit_names(shapes, paper, printed),
        _points(document.rings, paper),
        _ticks(content.frame, paper, words),
        _north(words),
        _bar(content.frame, words),
    )


@dataclass(frozen=True, slots=True)
class Style:
    """How a layer is drawn: the colours of its legend and its hatching."""

    legend: Legend
    angle: int
    distance_mm: float


def styles_of(document: Document) -> dict[str, Style]:
    """The style of each layer in the legend."""
    return {
        entry.layer: Style(legend, *HATCHES[place % len(HATCHES)])
        for place, entry in enumerate(document.legend)
        if (legend := _legend(document.profile, entry.layer)) is not None
    }


def _legend(profile: Profile, layer: str) -> Legend | None:
    definition = profile.layer(layer)
    return legend_of(definition) if definition else None


def swatch_of(document: Document, name: str) -> str:
    """The box of a legend entry; `subject`, `neighbour` and `drop` are drawn as on the map."""
    box = shapely.box(0.4, 0.4, 9.6, 5.6)
    outline = "M.4 .4H9.6V5.6H.4Z"
    if name in ("subject", "neighbour", "drop"):
        drawn = {
            "subject": _path(outline, fill="#fff8dc", stroke=INK, stroke_width=0.7),
            "neighbour": _path(outline, fill="none", stroke=QUIET, stroke_width=0.15),
            "drop": _path(outline, fill="none", stroke=INK, stroke_width=0.2, stroke_dasharray="0.8 0.6"),
        }[name]
        return _svg(drawn, width=10, height=6)
    style = styles_of(document)[name]
    lines = "".join(f"M{a:.2f} {b:.2f}L{c:.2f} {d:.2f}" for a, b, c, d in _hatching(box, style, to_mm=1))
    colour = style.legend
    return _svg(
        _path(outline, fill=colour.fill, fill_opacity=0.28, stroke=colour.stroke, stroke_width=0.45),
        _path(lines, fill="none", stroke=colour.stroke, stroke_width=0.18),
        width=10,
        height=6,
    )


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


class _Clipped:
    """Cuts shapes at the frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def __call__(self, shape: MapShape) -> MapShape | None:
        west, south, east, north = self.frame.west, self.frame.south, self.frame.east, self.frame.north
        cut = shapely.clip_by_rect(shape.geometry, west, south, east, north)
        return None if cut.is_empty else MapShape(shape.layer, shape.fid, shape.role, cut, shape.name)


def _drawn(shape: MapShape, styles: dict[str, Style], paper: _Paper) -> Markup:
    style = styles.get(shape.layer)
    if style is None:
        return Markup("")
    colour, dimension = style.legend, shapely.get_dimensions(shape.geometry)
    if dimension == 0:
        return _markers(shape, colour, paper)
    outline = paper.outline(shape.geometry)
    if shape.role is Role.DROP:
        return _path(outline, fill="none", stroke=colour.stroke, stroke_width=0.22, stroke_dasharray="0.9 0.7")
    if dimension == 1:
        return _path(outline, fill="none", stroke=colour.stroke, stroke_width=0.8)
    return (
        _path(paper.path(shape.geometry), fill=colour.fill, fill_opacity=0.28, stroke="none", fill_rule="evenodd")
        + _path(_hatched(shape.geometry, style, paper), fill="none", stroke=colour.stroke, stroke_width=0.16)
        + _path(outline, fill="none", stroke=colour.stroke, stroke_width=0.45)
    )


def _markers(shape: MapShape, colour: Legend, paper: _Paper) -> Markup:
    size = 0.7 if shape.role is Role.DROP else 1.1
    places = (paper.place(x, y) for x, y in shapely.get_coordinates(shape.geometry)[:200])
    return Markup("").join(
        Markup('<circle cx="{}" cy="{}" r="{}" fill="{}" stroke="{}" stroke-width="0.3"/>').format(
            f"{x:.2f}", f"{y:.2f}", size, colour.fill, INK
        )
        for x, y in places
    )


def _hatched(shape: BaseGeometry, style: Style, paper: _Paper) -> str:
    mm = 1000 / paper.frame.scale
    lines = ((*paper.place(x1, y1), *paper.place(x2, y2)) for x1, y1, x2, y2 in _hatching(shape, style, to_mm=mm))
    return "".join(f"M{x1:.2f} {y1:.2f}L{x2:.2f} {y2:.2f}" for x1, y1, x2, y2 in lines)


def _hatching(shape: BaseGeometry, style: Style, *, to_mm: float) -> Iterator[tuple[float, float, float, float]]:
    """Straight lines inside a shape, in its own coordinates, from one grid for the whole layer."""
    angle, step = math.radians(style.angle), style.distance_mm / to_mm
    west, south, east, north = shape.bounds
    normal = (-math.sin(angle), math.cos(angle))
    reach = math.hypot(east - west, north - south)
    middle = ((west + east) / 2, (south + north) / 2)
    offset = normal[0] * middle[0] + normal[1] * middle[1]
    first, last = math.ceil((offset - reach / 2) / step), math.floor((offset + reach / 2) / step)
    along = math.cos(angle), math.sin(angle)
    lines = []
    for number in range(first, min(last, first + 400) + 1):
        by = number * step - offset
        x, y = middle[0] + normal[0] * by, middle[1] + normal[1] * by
        lines.append([(x - along[0] * reach, y - along[1] * reach), (x + along[0] * reach, y + along[1] * reach)])
    if not lines or not shape.is_valid:
        return
    cut = shapely.intersection(shapely.MultiLineString(lines), shape)
    for part in shapely.get_parts(shapely.get_parts(cut)):
        if part.geom_type == "LineString" and len(part.coords) > 1:
            (x1, y1), (x2, y2) = part.coords[0], part.coords[-1]
            yield x1, y1, x2, y2


def _neighbours(shapes: Sequence[MapShape], paper: _Paper) -> Markup:
    lines = "".join(paper.outline(shape.geometry) for shape in shapes if shape.role is Role.NEIGHBOUR)
    return _path(lines, fill="none", stroke=QUIET, stroke_width=0.15)


def _neighbour_names(shapes: Sequence[MapShape], paper: _Paper, printed: Printed) -> Markup:
    named = [shape for shape in shapes if shape.role is Role.NEIGHBOUR and shape.name][:MOST_LABELS]
    room = paper.frame.scale / 1000
    told = Markup("")
    for shape in named:
        if shape.geometry.area < 40 * room * room:  # square millimetres on paper that a number needs
            continue
        x, y = paper.place(*shapely.get_coordinates(shape.geometry.representative_point())[0])
        told += _text(x, y + 0.7, str(printed(shape.name)), size=2.0, fill=QUIET)
    return told


def _hit_names(shapes: Sequence[MapShape], paper: _Paper, printed: Printed) -> Markup:
    """What counts is called by its key, in the middle of what is seen of it."""
    told, taken = Markup(""), list[tuple[float, float]]()
    for shape in shapes:
        if shape.role is not Role.HIT or not shape.name or len(taken) >= MOST_LABELS:
            continue
        x, y = paper.place(*shapely.get_coordinates(shapely.point_on_surface(shape.geometry))[0])
        if all(math.dist((x, y), other) >= 2 * _CLEAR_MM for other in taken):
            taken.append((x, y))
            told += _text(x, y, str(printed(shape.name))[:30], size=2.4, fill=INK, halo=True)
    return told


# ── corners ──────────────────────────────────────────────────────────────────────────────────────


def _points(rings: Sequence[Ring], paper: _Paper) -> Markup:
    """A dot at every corner and a number wherever it has room; of very many corners the numbered ones only."""
    told, taken = Markup(""), list[tuple[float, float]]()
    has_dots = sum(len(ring.corners) for ring in rings) <= MOST_DOTS
    for ring in rings:
        step = max(1, len(ring.corners) // MOST_DOTS)
        for position in range(0, len(ring.corners), step):
            corner = ring.corners[position]
            x, y = paper.place(corner.y_m, corner.x_m)
            dx, dy = _outward(ring, position)
            at = (x + dx * _LABEL_MM, y - dy * _LABEL_MM)
            is_named = len(taken) < MOST_LABELS and all(math.dist(at, other) >= _CLEAR_MM for other in taken)
            if is_named or has_dots:
                told += Markup('<circle cx="{}" cy="{}" r="0.5" fill="{}"/>').format(f"{x:.2f}", f"{y:.2f}", INK)
            if is_named:
                taken.append(at)
                told += _text(at[0], at[1] + 0.8, str(corner.number), size=2.3, fill=INK, weight=600, halo=True)
    return told


def _outward(ring: Ring, position: int) -> tuple[float, float]:
    """Away from the ground of the subject: left of the way around a boundary, right of it around a hole."""
    before, at, behind = (ring.corners[(position + by) % len(ring.corners)] for by in (-1, 0, 1))
    first, second = _direction(before, at), _direction(at, behind)
    x, y = first[0] + second[0], first[1] + second[1]
    size = math.hypot(x, y) or 1.0
    sign = -1.0 if ring.is_hole else 1.0
    return sign * -y / size, sign * x / size


def _direction(one: Corner, other: Corner) -> tuple[float, float]:
    x, y = other.y_m - one.y_m, other.x_m - one.x_m
    size = math.hypot(x, y) or 1.0
    return x / size, y / size


# ── what stands around ───────────────────────────────────────────────────────────────────────────


def _frame_ground() -> Markup:
    outline = f"M{EDGE_MM} {TOP_MM}h{WIDTH_MM}v{HEIGHT_MM}h-{WIDTH_MM}Z"
    return _path(outline, fill="#ffffff", stroke=INK, stroke_width=0.3)


def _ticks(frame: Frame, paper: _Paper, words: Words) -> Markup:
    """Round coordinates along the frame: Y (east) below, X (north) on the left."""
    step = _round_step(0.03 * frame.scale)
    told, marks = Markup(""), ""
    for east in _multiples(frame.west, frame.east, step):
        x, _ = paper.place(east, 0)
        marks += f"M{x:.2f} {TOP_MM}v1.6M{x:.2f} {TOP_MM + HEIGHT_MM}v-1.6"
        told += _text(x, TOP_MM + HEIGHT_MM + 3.2, words.number(east, 0), size=2.1, fill=INK)
    for north in _multiples(frame.south, frame.north, step):
        _, y = paper.place(0, north)
        marks += f"M{EDGE_MM} {y:.2f}h1.6M{EDGE_MM + WIDTH_MM} {y:.2f}h-1.6"
        told += _text(EDGE_MM - 1.4, y, words.number(north, 0), size=2.1, fill=INK, turned=True)
    crosses = "".join(
        f"M{x - 0.8:.2f} {y:.2f}h1.6M{x:.2f} {y - 0.8:.2f}v1.6"
        for east in _multiples(frame.west, frame.east, step)
        for north in _multiples(frame.south, frame.north, step)
        for x, y in [paper.place(east, north)]
    )
    return told + _path(marks, fill="none", stroke=INK, stroke_width=0.2) + _path(
        crosses, fill="none", stroke=QUIET, stroke_width=0.1
    )  # fmt: skip


def _north(words: Words) -> Markup:
    x, y = EDGE_MM + WIDTH_MM - 7, TOP_MM + 5
    arrow = f"M{x} {y}l2.2 9l-2.2 -2l-2.2 2Z"
    half = f"M{x} {y}l2.2 9l-2.2 -2Z"
    ground = Markup('<rect x="{}" y="{}" width="9" height="15" fill="#ffffff" fill-opacity="0.85"/>').format(
        x - 4.5, y - 3.6
    )
    return (
        ground
        + _path(arrow, fill="#ffffff", stroke=INK, stroke_width=0.25)
        + _path(half, fill=INK, stroke=INK, stroke_width=0.25)
        + _text(x, y - 0.8, words("north"), size=3, fill=INK, weight=700)
    )


def _bar(frame: Frame, words: Words) -> Markup:
    """Four parts of a round length, about four centimetres long."""
    length_m = _round_step(0.042 * frame.scale)
    part = length_m / 4 * 1000 / frame.scale
    x, y = EDGE_MM + 5, TOP_MM + HEIGHT_MM - 6
    ground = Markup('<rect x="{}" y="{}" width="{}" height="8.2" fill="#ffffff" fill-opacity="0.85"/>').format(
        x - 3, y - 4, f"{4 * part + 14:.2f}"
    )
    boxes = Markup("").join(
        _path(f"M{x + n * part:.2f} {y}h{part:.2f}v1.2h-{part:.2f}Z", fill=INK if n % 2 == 0 else "#ffffff",
              stroke=INK, stroke_width=0.15)
        for n in range(4)
    )  # fmt: skip
    marks = Markup("").join(
        _text(x + n * part, y - 0.8, words.number(length_m * n / 4, 0 if length_m % 2 == 0 else 1), size=2.1, fill=INK)
        for n in (0, 2, 4)
    )
    unit = _text(x + 4 * part + 4.5, y + 1.3, "m", size=2.3, fill=INK)
    return ground + boxes + marks + unit


def _round_step(length: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(length))
    return float(min((power * factor for factor in (1, 2, 5, 10)), key=lambda step: abs(step - length)))


def _multiples(low: float, high: float, step: float) -> Iterator[float]:
    margin = 0.06 * (high - low)
    for number in range(math.ceil((low + margin) / step), math.floor((high - margin) / step) + 1):
        yield number * step


# ── SVG ──────────────────────────────────────────────────────────────────────────────────────────


def _svg(*parts: Markup, width: float = WIDTH_MM + 2 * EDGE_MM, height: float = TOP_MM + HEIGHT_MM + EDGE_MM) -> str:
    head = Markup('<svg xmlns="http://www.w3.org/2000/svg" width="{w}mm" height="{h}mm" viewBox="0 0 {w} {h}">')
    return str(head.format(w=width, h=height) + Markup("").join(parts) + Markup("</svg>"))


def _path(d: str, **attributes: object) -> Markup:
    if not d:
        return Markup("")
    told = Markup("").join(
        Markup(' {}="{}"').format(name.replace("_", "-"), value) for name, value in attributes.items()
    )
    return Markup('<path d="{}"{}/>').format(d, told)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    fill: str,
    weight: int = 400,
    turned: bool = False,
    halo: bool = False,
) -> Markup:
    turn = Markup(' transform="rotate(-90 {} {})"').format(f"{x:.2f}", f"{y:.2f}") if turned else Markup("")
    ground = Markup("")
    if halo:  # a rim of the letters themselves would be read twice by whoever reads the text
        wide = 0.62 * size * len(text) + 0.3
        ground = Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="#ffffff" fill-opacity="0.8"/>').format(
            f"{x - wide / 2:.2f}", f"{y - 0.82 * size:.2f}", f"{wide:.2f}", size
        )
    plain = Markup(
        '<text x="{}" y="{}" font-family="{}" font-size="{}" font-weight="{}" text-anchor="middle" '
        'fill="{}"{}>{}</text>'
    )
    return ground + plain.format(f"{x:.2f}", f"{y:.2f}", SANS, size, weight, fill, turn, escape(text))


def _lines(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    """The lines and rings of a shape."""
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            yield part.exterior
            yield from part.interiors
        elif part.geom_type == "LineString":
            yield part
        elif part.geom_type not in ("Point", "LinearRing"):
            yield from _lines(part)
