"""The MapLibre style of the caller's layers: own ground, own tiles, own glyphs; no address of another host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from layers.profile.profile import Profile

from .cards import Card
from .drawing import LABELS, SHAPES_FROM, rank, shape_of, style_layers

GROUND = "#eef1ea"
MOST_DETAIL = 16
LABEL_DETAIL = 14
COMMUNE_LABEL_DETAIL = 9
_FROM_ZOOM = 6  #: a province is a few pixels
#: WGS 84 box of the map when the profile declares none
_NOWHERE = (106.3, 10.85, 107.05, 11.5)


def map_style(cards: Iterable[Card], profile: Profile, base_url: str) -> dict[str, Any]:
    """A complete style document. `metadata` holds what the layer panel needs, in drawing order from top to bottom."""
    header = profile.header
    parcel, commune = header.reference_layers.parcel, header.reference_layers.commune
    drawn = sorted(
        (card for card in cards if card.is_drawn),
        key=lambda card: rank(card.definition, is_parcel=card.id == parcel, is_commune=card.id == commune),
    )
    west, south, east, north = header.extent or _NOWHERE
    layers = [layer for card in drawn for layer in _layers(card, profile, parcel, commune)]
    return {
        "version": 8,
        "name": header.id,
        "center": [(west + east) / 2, (south + north) / 2],
        "zoom": 10,
        "glyphs": f"{base_url}/static/vendor/glyphs/{{fontstack}}/{{range}}.pbf",
        "sources": dict(_sources(drawn, base_url, commune)),
        "layers": [
            {"id": "ground", "type": "background", "paint": {"background-color": GROUND}},
            *(layer for layer in layers if layer["type"] != "symbol"),
            *(layer for layer in layers if layer["type"] == "symbol"),
        ],
        "metadata": {
            "bounds": [west, south, east, north],
            "parcel": parcel,
            "parcels_from": SHAPES_FROM,
            "commune": commune,
            "backdrop": [card.id for card in drawn if is_backdrop(card, parcel, commune)],
        },
    }


def _sources(drawn: Iterable[Card], base_url: str, commune: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """One a layer. Labels have their own, of fewer and larger tiles: a shape cut by a tile's edge is labelled twice."""
    for card in drawn:
        tiles = f"{base_url}/collections/{card.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"
        common = {"type": "vector", "tiles": [tiles], "minzoom": _FROM_ZOOM}
        yield card.id, {**common, "maxzoom": MOST_DETAIL}
        yield f"{card.id}{LABELS}", {**common, "maxzoom": COMMUNE_LABEL_DETAIL if card.id == commune else LABEL_DETAIL}


def _layers(card: Card, profile: Profile, parcel: str, commune: str | None) -> list[dict[str, Any]]:
    made = style_layers(
        card.definition,
        card.columns,
        {codes.id: codes for codes in profile.codes},
        is_parcel=card.id == parcel,
        is_commune=card.id == commune,
    )
    if is_shown_at_first(card, parcel, commune):
        return made
    return [{**layer, "layout": {**layer.get("layout", {}), "visibility": "none"}} for layer in made]


def is_backdrop(card: Card, parcel: str, commune: str | None) -> bool:
    """What small maps show for orientation: parcels, communes, and what the profile calls a backdrop."""
    return card.id in (parcel, commune) or bool(card.definition.style.get("backdrop"))


def is_shown_at_first(card: Card, parcel: str, commune: str | None) -> bool:
    """What the definition says; else all but whole-province plans, which would hide each other."""
    stated = card.definition.style.get("visible")
    if isinstance(stated, bool):
        return stated
    if card.id in (parcel, commune) or shape_of(card.definition) != "polygon":
        return True
    return not any(word in card.id for word in ("plan", "status"))
