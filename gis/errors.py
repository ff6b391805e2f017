"""The root of all our errors, and the two languages every message has.

LienthongError
├── gis:     CrsError, GeometryError
└── layers:  see layers/errors.py
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence in both languages of the service; it says what is wrong and what to do next."""

    vi: str
    en: str

    def in_language(self, language: str) -> str:
        return self.vi if language == "vi" else self.en

    def as_dict(self) -> dict[str, str]:
        return {"vi": self.vi, "en": self.en}

    def __str__(self) -> str:
        return f"{self.vi} / {self.en}"


class LienthongError(Exception):
    """Something a person can act on. `code` is stable and in snake_case; the edge maps it to a status."""

    code = "error"

    def __init__(self, vi: str, en: str, **details: object) -> None:
        super().__init__(f"{vi} / {en}")
        self.message = Message(vi, en)
        self.details = details


class CrsError(LienthongError):
    """A coordinate system that is unknown, or two that do not fit together."""

    code = "crs"


class GeometryError(LienthongError):
    """A shape that cannot be measured as it stands."""

    code = "geometry"
