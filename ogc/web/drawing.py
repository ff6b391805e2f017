"""How layers are drawn: MapLibre layers and legends from `definition.style`, quiet defaults for what it leaves open.

A definition's style is MapLibre paint, by layer type: `{fill: {fill-color: …}, line: {line-width: …}}`; flat properties
(`fill-color: …`) are sorted by their first word. The text "@<codes> <column>" stands for the colours of a code list.
`visible: false` keeps a layer off until it is asked for; `backdrop: true` shows it on every small map;
`symbol: false` leaves its labels out. `coverage: true` says that the areas lie side by side; `cells:` is the paint of
the squares they are drawn as from far away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gis.zoom import LAST_CELL_ZOOM
from layers.profile.grammar import CodeList, LayerDefinition
from layers.store.tile_columns import is_coverage
from layers.store.tile_sql import IS_CELL

PAINT_TYPES = ("fill", "line", "circle")
#: quiet colours for layers that state none, by sector and then in turn
_SECTOR_COLORS: Mapping[str, Sequence[str]] = {
    "land": ("#6f7f3a", "#9a8a45", "#58702f"),
    "environment": ("#2a6f97", "#3d8b7d", "#4f7cac"),
    "construction": ("#9c4f3c", "#7d5a8c", "#b0743a"),
    "industry_trade": ("#6b4e71", "#a06a2c", "#4b5d78"),
}
_OTHER_COLORS = ("#4a6670", "#7a5c3e", "#5b6f4a")
#: drawing order: areas, then lines, then points
_RANK = {"polygon": 0, "line": 1, "point": 2, "none": 3}
SHAPES = {
    "Point": "point", "MultiPoint": "point", "LineString": "line", "MultiLineString": "line",
    "Polygon": "polygon", "MultiPolygon": "polygon", "Geometry": "polygon",
}  # fmt: skip
REGULAR, ITALIC, STRONG = ["NotoSans-Regular"], ["NotoSans-Italic"], ["NotoSans-SemiBold"]
#: a parcel's number fits into it
_NUMBER_FROM = 16.5
#: from here on a tile of a coverage holds shapes alone
SHAPES_FROM = LAST_CELL_ZOOM + 1
HALO = "#ffffff"
INK = "#16252a"
_GROWING = frozenset({"line-width", "circle-radius", "circle-stroke-width"})
#: of a coverage far away, where a row stands for a cell of the tile (`gis.zoom`)
CELLS = "cells"
LABELS = ":labels"  #: ends the name of the source that labels are read from


@dataclass(frozen=True, slots=True)
class Legend:
    """What the swatch of a layer shows."""

    fill: str
    stroke: str
    opacity: float
    width: float
    dash: str


def shape_of(definition: LayerDefinition) -> str:
    """polygon, line, point or none."""
    return SHAPES.get(definition.geometry, "none")


def paint_of(definition: LayerDefinition) -> dict[str, dict[str, Any]]:
    """Paint by MapLibre layer type, defaults filled in."""
    given = _given(definition)
    color = _default_color(definition)
    shape = shape_of(definition)
    if shape == "polygon":
        fill = {"fill-color": color, "fill-opacity": 0.22, **given["fill"]}
        return {
            "fill": fill,
            "line": {"line-color": _plain(fill["fill-color"], color), "line-width": 1, **given["line"]},
        }
    if shape == "line":
        return {"line": {"line-color": color, "line-width": 1.6, **given["line"]}}
    if shape == "point":
        circle = {"circle-color": color, "circle-radius": 5, "circle-stroke-color": HALO, "circle-stroke-width": 1.4}
        return {"circle": {**circle, **given["circle"]}}
    return {}


def legend_of(definition: LayerDefinition) -> Legend:
    """The swatch: plain colours only; where the paint is an expression, its last plain colour."""
    color = _default_color(definition)
    paint = paint_of(definition)
    fill, line, circle = paint.get("fill", {}), paint.get("line", {}), paint.get("circle", {})
    dash = line.get("line-dasharray", [])
    width = line.get("line-width", 1)
    return Legend(
        fill=_plain(fill.get("fill-color", circle.get("circle-color", color)), color),
        stroke=_plain(line.get("line-color", circle.get("circle-stroke-color", color)), color),
        opacity=float(_number(fill.get("fill-opacity", 1), 0.3)),
        width=min(3.0, max(1.0, float(_number(width, 1.5)))),
        dash=" ".join(str(part * 1.5) for part in dash) if all(isinstance(part, int | float) for part in dash) else "",
    )


def style_layers(
    definition: LayerDefinition,
    columns: Sequence[str],
    codes: Mapping[str, CodeList],
    *,
    is_parcel: bool,
    is_commune: bool,
) -> list[dict[str, Any]]:
    """The MapLibre layers of one layer, ids `<layer>:<type>`; `columns` are those a tile may show."""
    paint = {
        kind: _growing(_with_codes(properties, definition, columns, codes))
        for kind, properties in paint_of(definition).items()
    }
    if is_commune:
        paint.pop("fill", None)
    common: dict[str, Any] = {"source": definition.id, "source-layer": definition.id}
    made: list[dict[str, Any]] = [
        {"id": f"{definition.id}:{kind}", "type": kind, **common, "paint": paint[kind]}
        for kind in PAINT_TYPES
        if kind in paint
    ]
    if label := _label(definition, columns, is_parcel=is_parcel, is_commune=is_commune):
        common["source"] = f"{definition.id}{LABELS}"
        made.append({"id": f"{definition.id}:label", "type": "symbol", **common, **label})
    if is_coverage(definition):
        made = [{**cells_layer(definition, columns, codes), "maxzoom": SHAPES_FROM}, *map(_without_cells, made)]
    return made


def _without_cells(layer: dict[str, Any]) -> dict[str, Any]:
    """Squares have no outline and no name."""
    return {**layer, "filter": ["!", ["has", IS_CELL]]}


def cells_layer(definition: LayerDefinition, columns: Sequence[str], codes: Mapping[str, CodeList]) -> dict[str, Any]:
    """The MapLibre layer of the cells of a coverage, by the style's `cells`; else in the colour of its areas."""
    fill = paint_of(definition)["fill"]
    given = definition.style.get(CELLS)
    paint = given if isinstance(given, Mapping) else {"fill-color": fill["fill-color"], "fill-opacity": 0.6}
    return {
        "id": f"{definition.id}:{CELLS}", "type": "fill", "source": definition.id, "source-layer": definition.id,
        "filter": ["has", IS_CELL], "paint": _with_codes(paint, definition, columns, codes),
    }  # fmt: skip


def legend_entries(
    definition: LayerDefinition, columns: Sequence[str], codes: Mapping[str, CodeList], language: str
) -> list[dict[str, Any]]:
    """What the colours mean: the codes that one stands for, else the layer itself. `verified` is false where nobody
    has held the colours against an official table."""
    cells = definition.style.get(CELLS)
    for properties in (*paint_of(definition).values(), cells if isinstance(cells, Mapping) else {}):
        for value in properties.values():
            listed, _, column = value.removeprefix("@").partition(" ") if _is_code_reference(value) else ("", "", "")
            if listed in codes and column in columns:
                return _code_entries(codes[listed], language)
    swatch = legend_of(definition)
    title = definition.title.message().in_language(language)
    return [{"title": title, "color": swatch.fill if shape_of(definition) != "line" else swatch.stroke}]


def _code_entries(listed: CodeList, language: str) -> list[dict[str, Any]]:
    is_verified = bool(listed.basis and listed.basis.verified)
    return [
        {"value": each.code, "title": each.title.message().in_language(language), "color": each.color,
         "verified": is_verified}
        for each in listed.entries if each.color
    ]  # fmt: skip


def rank(definition: LayerDefinition, *, is_parcel: bool, is_commune: bool) -> tuple[int, int]:
    """Lower is drawn first: plans, water, parcels, other areas, communes' borders; then lines, then points."""
    area = 4 if is_commune else 2 if is_parcel else 3
    if any(word in definition.id for word in ("plan", "status")):
        area = 0
    if definition.style.get("backdrop"):
        area = min(area, 1)
    return (_RANK[shape_of(definition)], area)


def _label(
    definition: LayerDefinition, columns: Sequence[str], *, is_parcel: bool, is_commune: bool
) -> dict[str, Any] | None:
    text = _text(definition, columns, is_parcel=is_parcel)
    if text is None or definition.style.get("symbol") is False:
        return None
    shape = shape_of(definition)
    is_water = definition.sector == "environment" and shape != "point"
    layout: dict[str, Any] = {
        "text-field": text,
        "text-font": STRONG if is_commune else ITALIC if is_water else REGULAR,
        "text-size": 13 if is_commune else 10.5 if is_parcel else 11.5,
        "text-max-width": 9,
        "text-padding": 6,
    }
    if shape == "line":
        layout |= {"symbol-placement": "line", "text-max-angle": 35}
    if shape == "point":
        layout |= {
            "text-variable-anchor": ["left", "right", "top", "bottom"],
            "text-radial-offset": 0.8,
            "text-justify": "auto",
        }
    color = "#0a3d40" if is_commune else "#39484b" if is_parcel else _darker(legend_of(definition).stroke)
    if shape == "point":
        color = _darker(legend_of(definition).fill)
    paint = {"text-color": color, "text-halo-color": HALO, "text-halo-width": 1.4}
    given = definition.style.get("symbol")
    from_zoom = 9 if is_commune else _NUMBER_FROM if is_parcel else 13
    made: dict[str, Any] = {"layout": layout, "paint": paint, "minzoom": from_zoom}
    if isinstance(given, Mapping):
        layout.update(
            {
                k: v
                for k, v in given.items()
                if k.startswith(("text-", "symbol-")) and k not in paint and "color" not in k and "halo" not in k
            }
        )
        paint.update({k: v for k, v in given.items() if "color" in k or "halo" in k})
    return made


def _text(definition: LayerDefinition, columns: Sequence[str], *, is_parcel: bool) -> object:
    """The expression of a label: parcels by their number, others by the first column their label names."""
    if is_parcel:
        number = definition.by_role("parcel_number")
        return ["to-string", ["get", number.name]] if number and number.name in columns else None
    named = [a.name for a in definition.attributes if f"{{{a.name}}}" in (definition.label or "") and a.name in columns]
    if not named:
        named = [a.name for a in definition.attributes if a.name.startswith("ten") and a.name in columns]
    return ["coalesce", ["to-string", ["get", named[0]]], ""] if named else None


def _with_codes(
    properties: Mapping[str, Any], definition: LayerDefinition, columns: Sequence[str], codes: Mapping[str, CodeList]
) -> dict[str, Any]:
    """Paint with every "@<codes> <column>" replaced by the colours of the list, as on a printed land-use map."""
    return {
        name: _colors_of(value, definition, columns, codes) if _is_code_reference(value) else value
        for name, value in properties.items()
    }


def _colors_of(
    reference: str, definition: LayerDefinition, columns: Sequence[str], codes: Mapping[str, CodeList]
) -> object:
    """A `match` over the codes; the default colour where the list has none or the caller may not see the column."""
    listed, _, column = reference.removeprefix("@").partition(" ")
    default = _default_color(definition)
    entries = codes[listed].entries if listed in codes and column in columns else ()
    colored = [(entry.code, entry.color) for entry in entries if entry.color]
    if not colored:
        return default
    return ["match", ["get", column], *(part for pair in colored for part in pair), default]


def _growing(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Widths and radii hold from zoom 14 on; a province at a glance gets thin lines and small points."""
    return {name: _zoomed(value) if name in _GROWING else value for name, value in properties.items()}


def _zoomed(value: object) -> object:
    if _reads_zoom(value):
        return value
    return ["interpolate", ["linear"], ["zoom"], 9, ["*", 0.35, value], 14, value]


def _reads_zoom(value: object) -> bool:
    return isinstance(value, list | tuple) and (list(value) == ["zoom"] or any(map(_reads_zoom, value)))


def _darker(color: str) -> str:
    """A colour that can be read as text: half of it, half ink. Other notations than #rrggbb become ink."""
    if len(color) != 7 or not color.startswith("#"):
        return INK
    parts = zip(*(bytes.fromhex(one[1:]) for one in (color, INK)), strict=True)
    return "#" + "".join(f"{(one + ink) // 2:02x}" for one, ink in parts)


def _is_code_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith("@")


def _given(definition: LayerDefinition) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {kind: {} for kind in PAINT_TYPES}
    for name, value in definition.style.items():
        if name in found and isinstance(value, Mapping):
            found[name].update(value)
        elif (kind := name.split("-")[0]) in found and "-" in name:
            found[kind][name] = value
    return found


def _default_color(definition: LayerDefinition) -> str:
    colors = _SECTOR_COLORS.get(definition.sector, _OTHER_COLORS)
    return colors[sum(definition.id.encode()) % len(colors)]


def _plain(value: object, default: str) -> str:
    """A colour that is no expression; of an expression the last colour in it."""
    if isinstance(value, str):
        return default if _is_code_reference(value) else value
    if isinstance(value, Sequence):
        found = [part for part in value if isinstance(part, str) and part.startswith("#")]
        return found[-1] if found else default
    return default


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default
