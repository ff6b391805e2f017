"""What a publication says of itself (contracts 3)."""

from __future__ import annotations

from dataclasses import dataclass

from gis.errors import Message
from layers.errors import ConflictError, RefusedError

from .difference import Difference
from .inspection import Inspection


@dataclass(frozen=True, slots=True)
class PublishReport:
    """An inspection, what it changes, and what it became. `revision` is null until it is committed."""

    inspection: Inspection
    difference: Difference | None = None
    outside_scope: int = 0
    declaration: dict[str, object] | None = None
    notices: tuple[Message, ...] = ()
    revision: int | None = None
    release: int | None = None

    @property
    def written(self) -> int:
        """Rows inserted and closed."""
        return 0 if self.difference is None else len(self.difference.inserted) + len(self.difference.closed)

    def as_dict(self) -> dict[str, object]:
        found = self.inspection.as_dict()
        rows = {**self._rows(), "outside_scope": self.outside_scope}
        return {
            **found,
            "rows": rows,
            "diff": None if self.difference is None else self.difference.as_dict(),
            "declaration": self.declaration,
            "notices": [notice.as_dict() for notice in (*self.inspection.notices, *self.notices)],
            "revision": self.revision,
            "release": self.release,
        }

    def _rows(self) -> dict[str, int]:
        read, refused = self.inspection.source.table.num_rows, len(self.inspection.refused)
        return {
            "read": read,
            "accepted": read - refused,
            "repaired": self.inspection.repaired,
            "refused": refused,
        }


def refusal(message: Message, report: PublishReport) -> RefusedError:
    """An error that carries the report, for `--json` and for pages."""
    return RefusedError(message.vi, message.en, report=report.as_dict())


def conflict(message: Message, report: PublishReport) -> ConflictError:
    return ConflictError(message.vi, message.en, report=report.as_dict())
