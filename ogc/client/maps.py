"""folium maps whose scripts and styles come from the service: nothing is loaded from another host."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import folium
import geopandas as gpd
import pandas as pd

if TYPE_CHECKING:
    from ogc.client.client import Client

#: colours told apart by most colour-blind readers (after Okabe and Ito)
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#5f5f5f")
OTHER = "#9a9a9a"
MAX_FEATURES = 20_000
MAX_TOOLTIP_COLUMNS = 8
_ASSETS = "/static/vendor/folium"


def blank_map(client: Client, *, height: str | int = 520, **options: Any) -> folium.Map:
    """An empty map without background tiles, set up on the service's own copies of leaflet and its companions."""
    manifest = client.get(f"{_ASSETS}/manifest.json")
    made = folium.Map(tiles=None, height=height, prefer_canvas=True, **options)
    for name, _ in tuple(made.default_js):
        made.add_js_link(name, f"{client.url}{_ASSETS}/{manifest['js'][name]}")
    for name, _ in tuple(made.default_css):
        made.add_css_link(name, f"{client.url}{_ASSETS}/{manifest['css'][name]}")
    return made


def explore(
    client: Client, frame: gpd.GeoDataFrame, column: str | None = None, *, height: str | int = 520, **options: Any
) -> folium.Map:
    """The frame on a map, coloured by `column`, with a tooltip of its columns. Raises ValueError above 20,000 rows."""
    if len(frame) > MAX_FEATURES:
        raise ValueError(
            f"{len(frame)} đối tượng, tối đa {MAX_FEATURES}: hãy dùng bbox hoặc filter / "
            f"{len(frame)} features, at most {MAX_FEATURES}: use bbox or filter"
        )
    made = blank_map(client, height=height, **options)
    shown = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
    if shown.empty:
        return made
    colors = _colors(shown[column]) if column else {}
    folium.GeoJson(
        _plain(shown).to_json(drop_id=True), style_function=_style(column, colors), tooltip=_tooltip(shown)
    ).add_to(made)
    if colors:
        made.get_root().html.add_child(folium.Element(_legend(str(column), colors)))
    west, south, east, north = shown.total_bounds
    made.fit_bounds([[south, west], [north, east]])
    return made


def _colors(values: pd.Series) -> dict[str, str]:
    """A colour for each of the most frequent values; the rest share one grey."""
    frequent = values.dropna().astype(str).value_counts().index
    return dict(zip(frequent, PALETTE, strict=False))


def _style(column: str | None, colors: dict[str, str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def style(feature: dict[str, Any]) -> dict[str, Any]:
        color = colors.get(str(feature["properties"].get(column)), OTHER) if column else PALETTE[0]
        return {"color": color, "weight": 1, "fillColor": color, "fillOpacity": 0.45}

    return style


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Lists and dates as text, text made safe: a tooltip writes it into the page as it is."""
    plain = frame.copy()
    for name in plain.columns.drop(plain.geometry.name):
        if not pd.api.types.is_numeric_dtype(plain[name]):
            plain[name] = [None if _is_missing(value) else escape(str(value)) for value in plain[name]]
    return plain


def _is_missing(value: object) -> bool:
    return value is None or (not isinstance(value, list | dict) and bool(pd.isna(value)))  # type: ignore[call-overload]


def _tooltip(frame: gpd.GeoDataFrame) -> folium.GeoJsonTooltip | None:
    names = [str(name) for name in frame.columns if name != frame.geometry.name][:MAX_TOOLTIP_COLUMNS]
    return folium.GeoJsonTooltip(fields=names, sticky=True) if names else None


def _legend(title: str, colors: dict[str, str]) -> str:
    rows = "".join(_legend_row(value, color) for value, color in _with_rest(colors.items()))
    return (
        '<div style="position:fixed;bottom:24px;left:24px;z-index:9999;background:#fff;padding:8px 12px;'
        f'font:13px sans-serif;border:1px solid #bbb"><b>{escape(title)}</b>{rows}</div>'
    )


def _with_rest(colors: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    listed = list(colors)
    return [*listed, ("…", OTHER)] if len(listed) == len(PALETTE) else listed


def _legend_row(value: str, color: str) -> str:
    swatch = f'<span style="display:inline-block;width:12px;height:12px;background:{color}"></span>'
    return f"<div>{swatch} {escape(value)}</div>"
