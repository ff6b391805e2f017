"""What the publication of a raster says of itself (contracts 3): rows are cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gis.errors import Message
from layers.errors import ConflictError, RefusedError
from layers.store.rasters import RasterFigures

from .raster_inspection import RasterInspection

#: of the ground that had a value; more is lost only when an officer says so
_MOST_LOST = 0.05


@dataclass(frozen=True, slots=True)
class RasterChange:
    """One raster beside the one before it. `changed_share` is null where the two have no grid in common."""

    before: RasterFigures | None
    after: RasterFigures
    changed: int | None
    changed_share: float | None

    @property
    def lost_share(self) -> float:
        """How much less ground has a value, of what had one."""
        had = sum(self.before.areas_m2.values()) if self.before else 0.0
        return max(had - sum(self.after.areas_m2.values()), 0.0) / had if had else 0.0

    @property
    def loses_too_much(self) -> bool:
        return self.lost_share > _MOST_LOST

    def as_dict(self) -> dict[str, Any]:
        before = self.before.areas_m2 if self.before else {}
        numbers = sorted({*before, *self.after.areas_m2})
        share = self.changed_share
        return {
            "cells_changed": self.changed,
            "changed_share": None if share is None else round(share, 6),
            "classes": [
                {"class": number, "before_m2": before.get(number), "after_m2": self.after.areas_m2.get(number)}
                for number in numbers
            ],
        }


@dataclass(frozen=True, slots=True)
class RasterReport:
    """An inspection, what it changes, and what it became. `revision` is null until it is committed."""

    inspection: RasterInspection
    change: RasterChange | None = None
    declaration: dict[str, object] | None = None
    notices: tuple[Message, ...] = ()
    revision: int | None = None
    release: int | None = None

    @property
    def cell_counts(self) -> tuple[int, int, int]:
        """Cells added, changed, removed; where there was another grid, all of it goes and all of it comes."""
        valid = self.inspection.counts.valid if self.inspection.counts else 0
        if self.change is None or self.change.before is None:
            return valid, 0, 0
        return (0, self.change.changed, 0) if self.change.changed is not None else (valid, 0, 0)

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.inspection.as_dict(),
            "diff": None if self.change is None else self._diff(self.change),
            "declaration": self.declaration,
            "notices": [notice.as_dict() for notice in self.notices],
            "revision": self.revision,
            "release": self.release,
        }

    def _diff(self, change: RasterChange) -> dict[str, Any]:
        added, changed, removed = self.cell_counts
        total = self.inspection.source.width * self.inspection.source.height
        counts = {"added": added, "changed": changed, "removed": removed, "unchanged": total - added - changed}
        return {**counts, "conflicts": 0, **change.as_dict()}


def raster_refusal(message: Message, report: RasterReport) -> RefusedError:
    """An error that carries the report, for `--json` and for pages."""
    return RefusedError(message.vi, message.en, report=report.as_dict())


def raster_conflict(revision: int, report: RasterReport) -> ConflictError:
    return ConflictError(
        f"Lớp đã có phiên bản {revision} trong lúc này. Xem lại thay đổi rồi công bố lại.",
        f"The layer has come to revision {revision} meanwhile. Look at the changes and publish again.",
        report=report.as_dict(),
    )


def too_much_lost(change: RasterChange) -> Message:
    percent = f"{100 * change.lost_share:.1f} %"
    return Message(
        f"Ảnh mới làm mất dữ liệu trên {percent} diện tích đã có (trên 5 %). Nếu đúng vậy, thêm --allow-removals.",
        f"The raster takes the data from {percent} of the ground that had some (more than 5 %). "
        "If that is meant, add --allow-removals.",
    )
