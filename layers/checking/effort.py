"""How long a check will take, before it is begun: corners of the subject times rules. Work beyond a limit is a job."""

from __future__ import annotations

from collections.abc import Mapping

from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError
from layers.profile.profile import Profile

from .division_request import DivisionRequest
from .request import ByCoordinates, ByGeometry, ByParcels, ByUpload, CheckRequest, SubjectQuery

#: above this an answer is not waited for
NEEDS_JOB_S = 10.0
#: a split or a merge is waited for: there are no jobs of these. Beyond this it is refused
LONGEST_DIVISION_S = 60.0
#: measured on 2 busy cores: what a check costs at all, each rule, each corner once, each corner for each rule
_BASE_S, _PER_RULE_S, _PER_VERTEX_S, _PER_VERTEX_AND_RULE_S = 0.004, 0.001, 2e-5, 6e-6
#: how new parcels lie to each other and to the old one, each of their corners
_PER_VERTEX_OF_DIVISION_S = 1e-4
#: characters of a point in a table, bytes of one in a file
_CHARACTERS, _BYTES = 28, 16
#: corners of a parcel of the layer
_OF_A_PARCEL = 12


def estimate(request: CheckRequest, profile: Profile) -> float:
    """Seconds that the check will take, from what is asked alone."""
    definition = profile.procedure(request.procedure)
    rules = sum(1 for _ in definition.layers()) if definition else 1
    return seconds(vertices_of(request.subject), rules)


def estimate_division(request: DivisionRequest, profile: Profile) -> float:
    """Seconds that a split or a merge will take: every part is a check, and what is left has all drawn corners."""
    definition = profile.procedure(request.procedure)
    rules = sum(1 for _ in definition.layers()) if definition else 1
    drawn = [vertices_of(child.shape) for child in request.children]
    known = [_OF_A_PARCEL] * (request.parts - len(drawn) - request.with_remainder)
    parts = [*known, *drawn, *([sum(drawn)] if request.with_remainder else [])]
    return sum(seconds(vertices, rules) for vertices in parts) + sum(drawn) * _PER_VERTEX_OF_DIVISION_S


def require_waited(request: DivisionRequest, profile: Profile) -> DivisionRequest:
    """The same. Raises InvalidInputsError where nobody would wait for the answer."""
    if estimate_division(request, profile) <= LONGEST_DIVISION_S:
        return request
    corners = sum(vertices_of(child.shape) for child in request.children)
    message = Message(
        f"Các thửa mới có {corners} đỉnh, quá nhiều cho một lần tách với thủ tục này. Bước tiếp theo: bỏ bớt đỉnh thừa "
        "trên ranh, hoặc tách từng bước với ít thửa mới hơn.",
        f"The new parcels have {corners} vertices, too many for one split under this procedure. Next step: leave out "
        "vertices the boundaries do not need, or divide in several steps with fewer new parcels each.",
    )
    raise InvalidInputsError(message.vi, message.en, [FieldError("children", message)])


def seconds(vertices: int, rules: int) -> float:
    """The estimate by its two measures."""
    return _BASE_S + rules * _PER_RULE_S + vertices * (_PER_VERTEX_S + rules * _PER_VERTEX_AND_RULE_S)


def vertices_of(subject: SubjectQuery) -> int:
    """Corners of what is asked about, counted or from its length."""
    match subject:
        case ByGeometry():
            return _positions(subject.geojson)
        case ByCoordinates():
            return len(subject.points) or len(subject.text or "") // _CHARACTERS
        case ByUpload():
            return len(subject.content) // _BYTES
        case ByParcels():
            return _OF_A_PARCEL * len(subject.parcels)
    return _OF_A_PARCEL


def _positions(geojson: Mapping[str, object]) -> int:
    """Positions of a polygon or multipolygon; of what is none, nothing is measured."""
    inner = geojson.get("geometry", geojson)
    parts = inner.get("coordinates") if isinstance(inner, Mapping) else None
    rings = parts if isinstance(inner, Mapping) and inner.get("type") == "Polygon" else None
    if rings is None:
        rings = [ring for part in parts if isinstance(part, list) for ring in part] if isinstance(parts, list) else []
    return sum(len(ring) for ring in rings if isinstance(ring, list)) if isinstance(rings, list) else 0
