"""The tests that travel with grants: every `expect:` must hold for the whole policy before it may be applied.

They say what the rules mean, not what was signed until today: every agreement that the policy names counts as active.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

import shapely

from gis.errors import Message
from layers.errors import InvalidRequestError
from layers.filters import GEOMETRY
from layers.profile.grammar import Identity, LayerDefinition

from .box import NONE, GeometryLevel
from .decide import decide
from .decision import Decision
from .evaluate import shown_row
from .grammar import Expectation, Grant, Precision
from .principal import known_as, with_public

Shape = Literal["full", "centroid", "none"]
#: the reason that is no decision's: the action is allowed, this row is not among its rows
OUTSIDE_ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation that does not hold: the `number`-th of a grant."""

    grant: str
    number: int
    message: Message

    @property
    def at(self) -> tuple[str | int, ...]:
        return ("expect", self.number)


@dataclass(frozen=True, slots=True)
class Told:
    """What the policy says where an expectation asks; `reason` None where it allows."""

    reason: str | None
    columns: frozenset[str] = frozenset()
    geometry: GeometryLevel = NONE


def unmet(
    grants: Sequence[Grant],
    identities: Iterable[Identity],
    layers: Iterable[LayerDefinition],
    *,
    day: date,
    active_agreements: frozenset[str] | None = None,
    about: frozenset[str] | None = None,
) -> tuple[Unmet, ...]:
    """Every expectation that does not hold, in the order of the policy. `day` is meant where none is stated; those
    about other layers than `about` are not looked at."""
    who = {identity.id: identity for identity in with_public(identities)}
    what = {layer.id: layer for layer in layers}
    agreements = active_agreements
    if agreements is None:
        agreements = frozenset(grant.agreement for grant in grants if grant.agreement is not None)
    whole = tuple(grants)
    return tuple(
        Unmet(grant.id, number, message)
        for grant in whole
        for number, expected in enumerate(grant.expect)
        if about is None or layer_of(grant, expected) in about
        if (message := _found_wrong(grant, expected, whole, who, what, day, agreements)) is not None
    )


def _found_wrong(
    grant: Grant,
    expected: Expectation,
    grants: tuple[Grant, ...],
    identities: Mapping[str, Identity],
    layers: Mapping[str, LayerDefinition],
    day: date,
    agreements: frozenset[str],
) -> Message | None:
    """What is wrong with one expectation; None when it holds."""
    identity, layer_id = identities.get(expected.as_), layer_of(grant, expected)
    if identity is None:
        return Message(f"không có danh tính '{expected.as_}'", f"there is no identity '{expected.as_}'")
    definition = layers.get(layer_id or "")
    if definition is None:
        vi, en = "cần 'layer' là một lớp có trong hồ sơ", "'layer' must name a layer of the profile"
        return Message(vi, en)
    purpose = expected.purpose or (identity.purposes[0] if identity.purposes else None)
    decision = decide(
        known_as(identity), definition, expected.action, grants,
        purpose=purpose, day=expected.on or _nearest(grant, day), active_agreements=agreements,
    )  # fmt: skip
    try:
        told = _told(decision, expected, definition)
    except InvalidRequestError as error:
        return error.message
    return _difference(expected, told, definition)


def layer_of(grant: Grant, expected: Expectation) -> str | None:
    """The layer an expectation is about; None where neither it nor its grant names one."""
    return expected.layer or (grant.layer if isinstance(grant.layer, str) else None)


def _nearest(grant: Grant, day: date) -> date:
    """The day, or the nearest one on which the grant is valid: a test must not fail because a grant has run out."""
    first, last = grant.valid.from_ or day, grant.valid.until or day
    return first if day < first else min(day, last)


def _told(decision: Decision, expected: Expectation, definition: LayerDefinition) -> Told:
    if not decision.is_allowed:
        return Told(decision.reason)
    if expected.row is None:
        most_exact = min((box.geometry for box in decision.boxes), key=lambda level: level.rank)
        return Told(None, frozenset(decision.columns), most_exact)
    shown = shown_row(decision, sample(expected.row, definition))
    return Told(OUTSIDE_ROWS) if shown is None else Told(None, frozenset(shown.columns), shown.geometry)


def _difference(expected: Expectation, told: Told, definition: LayerDefinition) -> Message | None:
    """The first thing that is not as expected."""
    found, who = "allow" if told.reason is None else "deny", f"{expected.as_} {expected.action} {definition.id}"
    because = f" ({told.reason})" if told.reason else ""
    if found != expected.is_ or (expected.because is not None and expected.because != told.reason):
        wanted = expected.is_ + (f" ({expected.because})" if expected.because else "")
        vi, en = f"mong đợi {wanted}, chính sách cho {found}{because}", f"expected {wanted}, is {found}{because}"
        return Message(f"{who}: {vi}", f"{who}: {en}")
    if expected.columns is not None and frozenset(expected.columns) != told.columns:
        more, less = sorted(told.columns - set(expected.columns)), sorted(set(expected.columns) - told.columns)
        vi = f"cột thừa: {', '.join(more) or '–'}; cột thiếu: {', '.join(less) or '–'}"
        en = f"columns too many: {', '.join(more) or '–'}; too few: {', '.join(less) or '–'}"
        return Message(f"{who}: {vi}", f"{who}: {en}")
    if expected.geometry is not None and level_of(expected.geometry) != told.geometry:
        wanted, is_now = _level_text(level_of(expected.geometry)), _level_text(told.geometry)
        return Message(f"{who}: mong đợi hình học {wanted}, là {is_now}", f"{who}: expected {wanted}, is {is_now}")
    return None


def level_of(geometry: Shape | Precision) -> GeometryLevel:
    if isinstance(geometry, Precision):
        return GeometryLevel("grid", geometry.precision_m)
    return GeometryLevel(geometry)


def _level_text(level: GeometryLevel) -> str:
    return f"{level.precision_m:g} m" if level.kind == "grid" else level.kind


# ── sample rows ──────────────────────────────────────────────────────────────────────────────────

_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,), "code": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "date": (str,), "datetime": (str,),
}  # fmt: skip


def sample(row: Mapping[str, object], definition: LayerDefinition) -> dict[str, object]:
    """A sample row in the types of its columns. Raises InvalidRequestError for what no row of the layer can be."""
    return {name: _cell(name, value, definition) for name, value in row.items()}


def _cell(name: str, value: object, definition: LayerDefinition) -> object:
    attribute = definition.attribute(name)
    if name == GEOMETRY and definition.has_geometry and isinstance(value, str):
        return _shape(value)
    if attribute is None:
        raise InvalidRequestError(
            f"lớp {definition.id} không có cột '{name}'", f"the layer {definition.id} has no column '{name}'"
        )
    if value is None:
        return None
    is_fit = isinstance(value, _PYTHON.get(attribute.type, ())) and isinstance(value, bool) == (
        attribute.type == "boolean"
    )
    if not is_fit:
        raise _misfit(name, attribute.type)
    try:
        return _instant(value, attribute.type)
    except ValueError:
        raise _misfit(name, attribute.type) from None


def _instant(value: object, of: str) -> object:
    if of == "date":
        return date.fromisoformat(str(value))
    if of != "datetime":
        return value
    found = datetime.fromisoformat(str(value))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _shape(text: str) -> shapely.Geometry:
    try:
        return shapely.from_wkt(text)
    except shapely.errors.GEOSException:
        raise _misfit(GEOMETRY, "WKT") from None


def _misfit(name: str, of: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"hàng mẫu: '{name}' phải thuộc kiểu '{of}'", f"the sample row: '{name}' must be of type '{of}'"
    )
