"""Arithmetic that always ends in a number or in NULL, the same here and in the database (`cql.calculate`).

In double precision. What has no result (a division by zero, a root of a negative number) is NULL, and so is whatever
could overflow: an operand that is neither 0 nor within 1e-100 … 1e100, a power beyond that.
"""

from __future__ import annotations

import math

from .tree import ArithmeticOperator

_LEAST, _LARGEST = 1e-100, 1e100
_LARGEST_LOGARITHM = 230.0


def calculate(operator: ArithmeticOperator, left: float, right: float) -> float | None:
    """The result, or None where there is none."""
    left, right = float(left), float(right)
    if not (_is_usable(left) and _is_usable(right)):
        return None
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "^":
            return _power(left, right)
    if right == 0.0:
        return None
    quotient = left / right
    if operator == "/":
        return quotient
    whole = float(math.trunc(quotient)) if abs(quotient) < _LARGEST else quotient
    return whole if operator == "div" else left - right * whole


def _is_usable(value: float) -> bool:
    return value == 0.0 or _LEAST <= abs(value) <= _LARGEST


def _power(base: float, exponent: float) -> float | None:
    if base == 0.0:
        return None if exponent < 0.0 else 1.0 if exponent == 0.0 else 0.0
    if base < 0.0 and exponent != math.floor(exponent):
        return None
    if abs(exponent * math.log(abs(base))) > _LARGEST_LOGARITHM:
        return None
    return math.pow(base, exponent)
