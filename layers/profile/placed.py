"""A value and the place of a file it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from layers.errors import FieldError

from .source import Location, Source

T = TypeVar("T")


@dataclass(frozen=True)
class Placed(Generic[T]):
    """`at` leads from the root of the file to the value."""

    source: Source
    at: Location
    value: T

    def error(self, location: Location, vi: str, en: str) -> FieldError:
        """An error at a place within the value."""
        return self.source.error((*self.at, *location), vi, en)
