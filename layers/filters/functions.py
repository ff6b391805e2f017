"""The operands of temporal and array functions against the properties of a relation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from .kinds import LIST, Properties, no_function, type_of, wrong
from .moments import FOR_INSTANTS, first_instant, last_instant
from .tree import (
    Array,
    ArrayOperand,
    Call,
    Interval,
    ListValues,
    Literal,
    Moment,
    Property,
    Temporal,
    TemporalRelation,
)  # fmt: skip


def checked_moments(relation: TemporalRelation, left: Moment, right: Moment, properties: Properties) -> Temporal:
    """Both sides as days if all bounds are days, else as times."""
    if relation not in FOR_INSTANTS and not (isinstance(left, Interval) and isinstance(right, Interval)):
        name = f"t_{relation}"
        raise wrong(name, "chỉ dùng với hai khoảng thời gian INTERVAL(…)", "goes with two intervals only: INTERVAL(…)")
    steps = _steps(left, properties) | _steps(right, properties)
    return Temporal(relation, left, right, "date" if steps <= {"date"} else "datetime")


def _steps(moment: Moment | None, properties: Properties) -> set[str]:
    """`date`, `datetime` or both: how finely its bounds are told."""
    match moment:
        case None | Literal(None):
            return set()
        case Property(name):
            of = type_of(name, properties)
            if of not in ("date", "datetime"):
                raise wrong(name, "không phải thời gian", "is no time")
            return {of}
        case Literal(value):
            return {"datetime" if isinstance(value, datetime) else "date"}
        case Interval(start, end):
            _require_forward(start, end)
            return _steps(start, properties) | _steps(end, properties)
        case Call(name):
            raise no_function(name)


def _require_forward(start: object, end: object) -> None:
    bounds = [bound.value for bound in (start, end) if isinstance(bound, Literal)]
    moments = [value for value in bounds if isinstance(value, date)]
    if len(moments) == 2 and _instant(moments[0], first_instant) > _instant(moments[1], last_instant):
        raise wrong("interval", "khoảng thời gian kết thúc trước khi bắt đầu", "it ends before it begins")


def _instant(value: date, of_day: Callable[[date], datetime]) -> datetime:
    return value if isinstance(value, datetime) else of_day(value)


def checked_array(side: ArrayOperand, properties: Properties) -> ArrayOperand:
    """`list.item` is the values of that name in the entries of the list."""
    match side:
        case Array() | ListValues():
            return side
        case Call(name):
            raise no_function(name)
        case Property(name):
            if not type_of(name, properties).startswith(LIST):
                raise wrong(name, "không phải danh sách", "is no list")
            column, _, item = name.partition(".")
            return ListValues(column, item)
