"""Subjects that a caller brings: tables of vertices, files, several parcels as one; over shown and hidden ground."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.crs import Projection

if TYPE_CHECKING:
    from .drawing import Drawing

_VN = Projection("EPSG:9210", "EPSG:6960")


def table(drawing: Drawing) -> dict[str, Any]:
    """A table around a place as an office prints it, its axes exchanged now and then; or its points."""
    drawn = drawing.texts.shape(drawing.texts.any_of((*drawing.words.parcels.places, *drawing.words.places)))
    metres = _VN.from_wgs84(np.array([shapely.Polygon(drawn["coordinates"][0])]))[0]
    order = (0, 1) if drawing.texts.happens(0.2) else (1, 0)
    rows = [[float(place[side]) for side in order] for place in shapely.get_coordinates(metres)[:-1]]
    text = "\n".join(f"{n}\t{first:.3f}\t{second:.3f}" for n, (first, second) in enumerate(rows, 1))
    points = [{"number": n, "x": first, "y": second} for n, (first, second) in enumerate(rows, 1)]
    return dict(drawing.texts.any_of((
        {"coordinates": text}, {"coordinates": text}, {"coordinates": {"text": text, "crs": "EPSG:9209"}},
        {"coordinates": {"points": points, "crs": "EPSG:9210", "axes": "north_east"}}, {"coordinates": {}},
    )))  # fmt: skip


def file(drawing: Drawing) -> dict[str, Any]:
    """A file with a polygon, or with nothing that can be read."""
    drawn = drawing.texts.shape(drawing.texts.any_of(drawing.words.parcels.places))
    content = drawing.texts.any_of((json.dumps(drawn).encode(), json.dumps(drawn).encode(), b"x"))
    return {"file": {"name": "khu.geojson", "content": base64.b64encode(content).decode()}}


def parcels(drawing: Drawing) -> dict[str, Any]:
    """Two or three parcels, shown and hidden ones, by what they are called or by their place."""
    texts = drawing.texts

    def one() -> str:
        longitude, latitude = texts.near(texts.any_of(drawing.words.parcels.places), 0.0001)
        fid = f"fid:{drawing.fid(drawing.words.parcels)}"
        return str(texts.any_of((fid, fid, f"point:{longitude},{latitude}")))

    return {"parcels": [one() for _ in range(texts.any_of((2, 2, 3, 1)))]}


def preview(drawing: Drawing) -> tuple[str, bytes]:
    """What is shown back before anything is checked."""
    subject = file(drawing) if drawing.texts.happens(0.05) else table(drawing)
    return "application/json", json.dumps({"subject": subject}).encode()
