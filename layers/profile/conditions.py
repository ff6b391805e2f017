"""CQL2 texts of a profile: what they read, and whether they hold, before any row or input is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from gis.errors import Message
from layers.errors import InvalidRequestError
from layers.filters import bind, check, parse_bound, property_names, references
from layers.filters.text import Bindable

from .grammar import LayerDefinition
from .procedures import InputDefinition

INPUT = ":input."
_SAMPLES: dict[str, Bindable] = {
    "string": "a", "code": "a", "integer": 1, "number": 1.5, "boolean": True, "date": date(2026, 1, 1),
}  # fmt: skip


def inputs_in(text: str | float | None) -> tuple[str, ...]:
    """The names of the inputs a condition or a quantity refers to."""
    if not isinstance(text, str):
        return ()
    return tuple(name.removeprefix(INPUT) for name in references(text) if name.startswith(INPUT))


def columns_in(text: str | None, inputs: Iterable[InputDefinition]) -> frozenset[str]:
    """The columns a `when` reads; the text has been checked."""
    return property_names(parse_bound(_with_samples(text, inputs))) if text else frozenset()


def properties_of(definition: LayerDefinition) -> dict[str, str]:
    """The columns of a layer that a rule may read, by type."""
    return {attribute.name: attribute.type for attribute in definition.attributes}


def condition_error(text: str, properties: Mapping[str, str], inputs: Iterable[InputDefinition]) -> Message | None:
    """What is wrong with a `when` or `applies_when`; None when it holds."""
    try:
        check(parse_bound(_with_samples(text, inputs)), properties)
    except InvalidRequestError as error:
        return error.message
    return None


def _with_samples(text: str, inputs: Iterable[InputDefinition]) -> str:
    """Each input as a value of its type: only the shape of the condition is looked at."""
    return bind(text, {f"{INPUT}{given.name}": _SAMPLES[given.type] for given in inputs})
