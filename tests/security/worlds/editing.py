"""Features as editors send them: whole ones and parts, fitting and not, on top of what was read or of nothing."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from layers.profile.grammar import Attribute

if TYPE_CHECKING:
    from .drawing import Drawing

ITEMS, ITEM = "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId}"
#: who may edit what; all other layers are the warden's
_EDITORS = {"parcel": ("officer", "reviewer"), "register": ("officer",)}
_SYSTEMS = ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/EPSG/0/3857", "x")


def feature(drawing: Drawing) -> tuple[str, bytes]:
    """Most of its columns; the shape is of the layer's kind, mostly."""
    made: dict[str, Any] = {"type": "Feature", "properties": _properties(drawing, 0.7), "geometry": _geometry(drawing)}
    if drawing.texts.happens(0.03):
        made.pop(drawing.texts.any_of(tuple(made)))
    return "application/geo+json" if drawing.texts.happens(0.95) else "text/plain", json.dumps(made).encode()


def parts(drawing: Drawing) -> tuple[str, bytes]:
    """One or two properties, now and then the shape."""
    made: dict[str, Any] = {"properties": _properties(drawing, 0.25)}
    if drawing.texts.happens(0.3):
        made["geometry"] = _geometry(drawing)
    return "application/merge-patch+json", json.dumps(made).encode()


def headers(drawing: Drawing, method: str) -> dict[str, str]:
    """The state that is meant: of a feature that was read, of any, or none; the system of the coordinates."""
    made = {}
    if method != "POST" and drawing.texts.happens(0.93):
        known = drawing.memory.etags[-6:] if drawing.texts.happens(0.3) else []
        made["if-match"] = drawing.texts.any_of((*known, "*", "*", '"x.y"') if known else ("*",))
    if drawing.texts.happens(0.05):
        made["content-crs"] = f"<{drawing.texts.any_of(_SYSTEMS)}>"
    if drawing.texts.happens(0.3):
        made["prefer"] = drawing.texts.any_of(("return=representation", "handling=lenient", "return=minimal"))
    return made


def editor(drawing: Drawing, identity: str) -> str:
    """Mostly somebody who may, where there is one among the audience."""
    able = [name for name in _EDITORS.get(drawing.layer.definition.id, ("warden",)) if name in drawing.identities]
    return str(drawing.texts.any_of(able)) if able and drawing.texts.happens(0.7) else identity


def _properties(drawing: Drawing, share: float) -> dict[str, Any]:
    texts, definition = drawing.texts, drawing.layer.definition
    likely = {"public": share, "internal": share / 2}  # of the others few know
    made = {
        each.name: _value(drawing, each)
        for each in definition.attributes
        if texts.happens(likely.get(each.tag or "", 0.03))
    }
    for name in definition.key_columns:
        made.pop(name, None)
        if share > 0.5 and texts.happens(0.95):
            known = drawing.layer.values.get(name) or ("x",)
            made[name] = str(texts.any_of(known)) if texts.happens(0.4) else f"M{texts.any_of(range(1000))}"
    if texts.happens(0.04):
        made[texts.any_of(("khong_co", "moi", "ghi_chu", "fid", "row_hash"))] = "x"
    return made


def _value(drawing: Drawing, attribute: Attribute) -> Any:
    if drawing.texts.happens(0.03):
        return drawing.texts.any_of((None, 0, "x", True, [], {}))
    if attribute.type == "list":
        return [{"loai": "ODT", "dien_tich": 5}]
    value = drawing.texts.any_of(drawing.layer.values.get(attribute.name) or ("x",))
    return value.isoformat() if isinstance(value, date | datetime) else value


def _geometry(drawing: Drawing) -> Any:
    texts, kind = drawing.texts, drawing.layer.definition.geometry
    longitude, latitude = texts.near(drawing.place(), 0.0008)
    if texts.happens(0.04):
        return texts.any_of((None, {}, {"type": "Point", "coordinates": ["x"]}))
    if kind == "none":
        return None
    if "Point" in kind:
        return {"type": "Point", "coordinates": [longitude, latitude]}
    if "Line" in kind:
        return {"type": "LineString", "coordinates": [[longitude, latitude], [longitude + 0.001, latitude]]}
    return texts.shape((longitude, latitude))
