"""What is wrong with a file: kinds, rows, and what is done about each (contracts 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gis.errors import Message

Kind = Literal[
    "invalid_ring", "duplicate_key", "duplicate_shape", "overlap", "null_geometry", "nan", "wrong_crs",
    "swapped_axes", "encoding", "commune_mismatch", "schema",
]  # fmt: skip
#: error: the row is refused, or (when blocking) the publication; warning: published, and listed
Severity = Literal["error", "warning"]
Action = Literal["refused", "repaired", "kept", "emptied"]


@dataclass(frozen=True, slots=True)
class DefectRow:
    """One row of the file, counted from 1."""

    row: int
    key: str | None
    action: Action
    message: Message
    area_before_m2: float | None = None
    area_after_m2: float | None = None

    def as_dict(self) -> dict[str, object]:
        return {
            "row": self.row,
            "key": self.key,
            "action": self.action,
            "message": self.message.as_dict(),
            "area_before_m2": self.area_before_m2,
            "area_after_m2": self.area_after_m2,
        }


@dataclass(frozen=True, slots=True)
class OverlapPair:
    """Two rows of a layer that share area; each is named by its key, else by its row number."""

    a: str
    b: str
    area_m2: float

    def as_dict(self) -> dict[str, object]:
        return {"a": self.a, "b": self.b, "area_m2": round(self.area_m2, 4)}


@dataclass(frozen=True, slots=True)
class Defect:
    """All rows with one and the same defect. `message` says what it is and the next step."""

    kind: Kind
    severity: Severity
    message: Message
    count: int
    rows: tuple[DefectRow, ...] = ()
    pairs: tuple[OverlapPair, ...] = ()
    is_blocking: bool = False

    def as_dict(self) -> dict[str, object]:
        found: dict[str, object] = {
            "kind": self.kind,
            "severity": self.severity,
            "count": self.count,
            "message": self.message.as_dict(),
            "rows": [row.as_dict() for row in self.rows],
        }
        if self.kind == "overlap":
            found["pairs"] = [pair.as_dict() for pair in self.pairs]
        return found


@dataclass(slots=True)
class DefectList:
    """Collects defects while a file is inspected; what has no rows is not added."""

    found: list[Defect] = field(default_factory=list)

    def add_rows(self, kind: Kind, severity: Severity, message: Message, rows: Sequence[DefectRow]) -> None:
        if rows:
            self.found.append(Defect(kind, severity, message, len(rows), tuple(rows)))

    def block(self, kind: Kind, message: Message, count: int = 1) -> None:
        """A defect of the whole file: nothing can be published as it is."""
        self.found.append(Defect(kind, "error", message, count, is_blocking=True))

    @property
    def blocking(self) -> tuple[Defect, ...]:
        return tuple(defect for defect in self.found if defect.is_blocking)
