"""Splits, merges and projects drawn at random: over shown and hidden parcels, some with something wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .drawing import Drawing


def division(drawing: Drawing) -> tuple[str, bytes]:
    """Children around a place, a line across it, or several parcels as one."""
    texts, parcels = drawing.texts, drawing.words.parcels
    is_split = texts.happens(0.7)
    body: dict[str, Any] = {
        "kind": "split" if is_split else "merge",
        "procedure": texts.any_of(("land_use_change", "land_use_change", "construction_permit", "khong_co")),
        "parent": _parent(drawing) if is_split else [_parent(drawing) for _ in range(texts.any_of((2, 2, 3, 1)))],
    }
    if body["procedure"] == "land_use_change":
        body["inputs"] = {"target_use": texts.any_of(("ODT", "X")), "target_area_m2": 50}
    if is_split:
        longitude, latitude = texts.near(texts.any_of(parcels.places), 0.0002)
        body |= texts.any_of((
            {"children": [{"label": "A", "geometry": texts.shape((longitude, latitude))}], "remainder": True},
            {"cut": {"type": "LineString",
                     "coordinates": [[longitude - 0.01, latitude], [longitude + 0.01, latitude + 0.0001]]}},
        ))  # fmt: skip
    for name, options in (("dossier", ("HS-1", "HS-2")), ("purpose", ("land_use_change", "planning"))):
        if texts.happens(0.5):
            body[name] = texts.any_of(options)
    if texts.happens(0.2):
        body["preview"] = True
    return "application/json", json.dumps(body).encode()


def _parent(drawing: Drawing) -> str:
    longitude, latitude = drawing.texts.near(drawing.texts.any_of(drawing.words.parcels.places), 0.0001)
    return str(
        drawing.texts.any_of((f"fid:{drawing.fid(drawing.words.parcels)}", f"point:{longitude},{latitude}", "key:x"))
    )


def inside(drawing: Drawing) -> tuple[str, bytes]:
    """A shape around some parcels, large or small, now and then none."""
    texts = drawing.texts
    place = texts.near(texts.any_of((*drawing.words.parcels.places, *drawing.words.places)), 0.0006)
    longitude, latitude = place
    reach = texts.any_of((0.0002, 0.001, 0.01))
    ring = [[longitude - reach, latitude - reach], [longitude + reach, latitude - reach],
            [longitude + reach, latitude + reach], [longitude - reach, latitude - reach]]  # fmt: skip
    body = texts.any_of((
        {"geometry": {"type": "Polygon", "coordinates": [ring]}},
        {"geometry": {"type": "Polygon", "coordinates": [ring]}},
        {"geometry": texts.shape(place)},
        {},
    ))  # fmt: skip
    return "application/json", json.dumps(body).encode()
