"""Executions drawn at random: a check at once or later, a batch over shown and hidden parcels or over shapes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .drawing import Drawing

PROCESSES = ("parcel-check", "batch-check", "batch-check", "export", "export", "khong_co")
#: of somebody else, in one world only
OTHERS_JOB = "00000000-0000-4000-8000-0000000abcde"
FILTERS = ("so_to = '1'", "ten_chu = 'x'", "ma_xa = '25750' AND so_thua <> '1'", "khong_co = 1", "so_to =")


def execution(drawing: Drawing) -> tuple[str, bytes]:
    """What one of the processes takes, with something wrong now and then."""
    draws = (_batch, _export, lambda each: json.loads(each.check()[1]))
    inputs = drawing.texts.any_of(draws)(drawing)
    body: dict[str, Any] = {"inputs": inputs}
    if drawing.texts.happens(0.4):
        body["response"] = drawing.texts.any_of(("raw", "document", "x"))
    return "application/json", json.dumps(body).encode()


def _export(drawing: Drawing) -> dict[str, Any]:
    texts = drawing.texts
    parameters = texts.any_of((
        {}, {"limit": "3"}, {"filter": texts.any_of(FILTERS)}, {"properties": "so_to,ten_chu"},
        {"skipGeometry": "true"}, {"crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}, {"as-of": "2026-01-01"},
        {"khong_co": "1"},
    ))  # fmt: skip
    formats = ("csv", "gpkg", "parquet", "fgb", "shp", "dxf", "xlsx", "jsonseq", "doc")
    return {"layer": drawing.layer.definition.id, "format": texts.any_of(formats), "parameters": parameters}


def _batch(drawing: Drawing) -> dict[str, Any]:
    texts, parcels = drawing.texts, drawing.words.parcels
    place = texts.any_of(parcels.places)
    made: dict[str, Any] = {
        "procedure": texts.any_of(("land_use_change", "construction_permit", "khong_co")),
        "inputs": {"target_use": "ODT", "target_area_m2": 50},
    }
    if made["procedure"] != "land_use_change":
        made["inputs"] = {}
    made |= texts.any_of((
        {}, {"commune": drawing.parcel_value("ma_xa")}, {"filter": texts.any_of(FILTERS)},
        {"keys": [f"fid:{drawing.fid(parcels)}", "25747.1.1"]},
        {"features": {"type": "FeatureCollection",
                      "features": [{"type": "Feature", "properties": {}, "geometry": texts.shape(place)}]}},
    ))  # fmt: skip
    if texts.happens(0.4):
        made["purpose"] = texts.any_of(("land_use_change", "planning", "khong_co"))
    return made


def job(drawing: Drawing) -> str:
    """One's own, one of somebody else, none at all."""
    known = (*drawing.memory.jobs, OTHERS_JOB, "00000000-0000-4000-8000-000000000999", "x")
    return str(drawing.texts.any_of(known))
