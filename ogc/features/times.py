"""Instants and intervals of RFC 3339: legal validity (`datetime`) and what was known when (`as-of`)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Literal

from layers.access.decide import Decision
from layers.filters import Comparison, Expression, Property, written
from layers.filters.tree import IsNull, Or
from layers.filters.tree import Literal as Constant
from layers.profile.grammar import LayerDefinition, Role
from ogc.common.parameters import Parameters, unknown
from ogc.common.relation import LOCAL_TIME

AS_OF = "as-of"
_DATE_LENGTH = len("2025-01-01")
#: what has a day both here and in UTC; ends of time that are written beyond (9999-12-31T23:59:59Z) are brought there
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=LOCAL_TIME)
Interval = tuple[datetime | None, datetime | None]


def instant(text: str) -> datetime:
    """An instant; a date is the end of that day here, a time without a zone is local."""
    try:
        if len(text) == _DATE_LENGTH:
            return _clamped(datetime.combine(written.day(text), time.max, LOCAL_TIME))
        found = written.time(text)
    except ValueError:
        raise ValueError("cần ngày hoặc thời điểm theo RFC 3339", "a date or a time of RFC 3339") from None
    return _clamped(found if found.tzinfo else found.replace(tzinfo=LOCAL_TIME))


def _clamped(found: datetime) -> datetime:
    return min(max(found, _EARLIEST), _LATEST)


def as_of(parameters: Parameters, decision: Decision) -> datetime | None:
    """Where revisions are not told none can be named: `as-of` is no parameter then."""
    if decision.hides_activity and AS_OF in parameters:
        raise unknown(AS_OF)
    return parameters.parsed(AS_OF, instant)


def interval(text: str) -> Interval:
    """Begin and end, None where open; an instant is both, a date its whole day (Features 1, 7.15.4)."""
    begin, slash, end = (part.removesuffix("T") for part in text.partition("/"))  # GDAL writes a date as `2025-01-01T`
    if not slash:
        return _begin(begin), instant(begin)
    made = (None if begin in ("", "..") else _begin(begin)), (None if end in ("", "..") else instant(end))
    if made == (None, None) or (made[0] and made[1] and made[0] > made[1]):
        raise ValueError("khoảng thời gian không hợp lệ", "an interval that is empty or open on both sides")
    return made


def in_force(parameters: Parameters, definition: LayerDefinition, names: dict[str, str]) -> list[Expression]:
    """Legal validity meets the interval. A layer without such columns matches as a whole (fc-time-response C)."""
    asked = parameters.parsed("datetime", interval)
    if asked is None:
        return []
    begin, end = asked
    bounds: tuple[tuple[Role, Literal["<=", ">="], datetime | None], ...] = (
        ("effective_from", "<=", end),
        ("effective_to", ">=", begin),
    )
    return [
        condition
        for role, operator, bound in bounds
        if bound is not None and (condition := _open_or(definition, names, role, operator, bound)) is not None
    ]


def _begin(text: str) -> datetime:
    found = instant(text)
    return _clamped(datetime.combine(found, time.min, LOCAL_TIME)) if len(text) == _DATE_LENGTH else found


def _open_or(
    definition: LayerDefinition, names: dict[str, str], role: Role, operator: Literal["<=", ">="], bound: datetime
) -> Expression | None:
    """The end is open (null) or on the right side of the bound."""
    attribute = definition.by_role(role)
    if attribute is None or attribute.name not in names:
        return None
    column = Property(attribute.name)
    value = bound.astimezone(LOCAL_TIME).date() if attribute.type == "date" else bound
    return Or((IsNull(column), Comparison(operator, column, Constant(value))))
