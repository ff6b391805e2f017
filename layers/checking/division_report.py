"""What a division adds up to, as the record holds it: areas, gaps, overlaps, ground outside, shared edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.crs import Projection
from gis.division import Division, Flaw, Merger, SharedEdge
from gis.errors import Message
from gis.procedure import Outcome, Verdict

from .rule_finding import rounded
from .zones import many, one

Json = dict[str, Any]

#: nothing but what adds up may pass; what is in doubt is for a person
VERDICTS = {Outcome.CLEAR: Verdict.PASS, Outcome.AFFECTED: Verdict.FAIL}
_WORDS = {
    Outcome.CLEAR: Message(
        "Diện tích khớp: không có phần hở, chồng lấn hay vượt ranh ngoài phạm vi sai số.",
        "The areas add up: no gap, overlap or ground outside beyond the accuracy.",
    ),
    Outcome.BORDERLINE: Message(
        "Có dải hẹp trong phạm vi sai số dọc ranh mới. Bước tiếp theo: chỉnh ranh các thửa cho trùng, hoặc đo lại.",
        "There are strips within the accuracy along a new line. Next step: make the lines of the parcels the same, or "
        "survey again.",
    ),
    Outcome.AFFECTED: Message(
        "Diện tích không khớp: xem các phần hở, chồng lấn, vượt ranh. Bước tiếp theo: sửa bản vẽ rồi kiểm tra lại.",
        "The areas do not add up: see gaps, overlaps, ground outside. Next step: correct the drawing and check again.",
    ),
    Outcome.NOT_CHECKED: Message(
        "Kết quả đo không nhất quán nên không được dùng. Bước tiếp theo: báo quản trị.",
        "The measures contradict each other and are not used. Next step: tell the administrator.",
    ),
}
_APART = Message(
    "Các thửa không liền nhau theo cạnh nên không hợp được thành một thửa. Bước tiếp theo: chọn các thửa giáp cạnh.",
    "The parcels have no common edge and cannot become one. Next step: choose parcels that share an edge.",
)


def verdict_of(outcome: Outcome) -> Verdict:
    return VERDICTS.get(outcome, Verdict.REFER)


def of_split(found: Division, projection: Projection, crs: str, accuracy_m: float) -> Json:
    """The conservation report of a split; places are longitude and latitude."""
    return {
        **_told(found.outcome, [_WORDS[found.outcome]]),
        "accuracy_m": rounded(accuracy_m, 3),
        "parent_area_m2": rounded(found.parent_area_m2, 4),
        "parts_area_m2": rounded(float(found.area_m2.sum()) + found.remainder_m2, 4),
        "difference_m2": rounded(found.difference_m2, 4),
        "allowance_m2": rounded(found.allowance_m2, 4),
        "rounding_m2": rounded(found.rounding_m2, 4),
        **_pieces(found.flaws, found.shared, projection, crs),
        "apart": [],
    }


def of_merge(found: Merger, areas_m2: Sequence[float], projection: Projection, crs: str, accuracy_m: float) -> Json:
    """The conservation report of a merge."""
    words = [_WORDS[found.outcome]]
    if found.joined is Outcome.AFFECTED:
        words = [_APART]
    return {
        **_told(found.outcome, words),
        "accuracy_m": rounded(accuracy_m, 3),
        "parent_area_m2": rounded(float(sum(areas_m2)), 4),
        "parts_area_m2": rounded(found.area_m2, 4),
        "difference_m2": rounded(found.difference_m2, 4),
        "allowance_m2": None,
        "rounding_m2": None,
        **_pieces(found.flaws, found.shared, projection, crs),
        "apart": list(found.apart),
    }


def _told(outcome: Outcome, words: Sequence[Message]) -> Json:
    return {
        "outcome": outcome.value,
        "verdict": verdict_of(outcome).value,
        "reasons": [{"code": f"division_{outcome.value}", "message": word.as_dict()} for word in words],
    }


def _pieces(flaws: Sequence[Flaw], shared: Sequence[SharedEdge], projection: Projection, crs: str) -> Json:
    return {
        "flaws": [_flaw(flaw, projection, crs) for flaw in flaws],
        "shared_edges": [
            {"parts": list(edge.parts), "length_m": rounded(edge.length_m, 3), "near_m": rounded(edge.near_m, 3)}
            for edge in shared
        ],
    }


def _flaw(flaw: Flaw, projection: Projection, crs: str) -> Json:
    place = one(projection.to_crs(many(flaw.place), crs, "EPSG:4326"))
    longitude, latitude = (round(float(value), 8) for value in (shapely.get_x(place), shapely.get_y(place)))
    return {
        "kind": flaw.kind.value,
        "parts": list(flaw.parts),
        "area_m2": rounded(flaw.area_m2, 4),
        "width_m": rounded(flaw.width_m, 3),
        "outcome": flaw.outcome.value,
        "place": [longitude, latitude],
    }


def as_shapes(shapes: Sequence[BaseGeometry]) -> np.typing.NDArray[np.object_]:
    """An array of shapes, multi-shapes kept whole."""
    made = np.empty(len(shapes), dtype=object)
    made[:] = list(shapes)
    return made
