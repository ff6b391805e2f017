"""The plan of a batch: everything a partition needs besides its own subjects, and the files it lies in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.crs import Projection
from gis.procedure import Procedure
from layers.profile.profile import Profile

from .evaluate import Standing
from .share import Share
from .zones import names_communes, projection_of

Objects = NDArray[np.object_]
Integers = NDArray[np.int64]

OUTSIDE_ZONES = -1
#: of what partitions leave in the folder: those of another number are worked out again
FORMAT = 2
#: subjects of one partition; small batches are cut finer, so that all workers have some
MOST_SUBJECTS = 8_192
_LEAST_SUBJECTS = 512
_PARTITIONS_WANTED = 16


def partition_size(subjects: int) -> int:
    """Subjects a partition; by their number alone, so that a resumed batch is cut the same way."""
    return min(max(-(-subjects // _PARTITIONS_WANTED), _LEAST_SUBJECTS), MOST_SUBJECTS)


@dataclass(frozen=True, slots=True)
class Plan:
    """One batch. It is sent to every worker; the data lies in `folder`."""

    folder: Path
    profile: Profile
    procedure: Procedure
    standings: Mapping[str, Standing]
    accuracy_m: Mapping[str, float]  #: of each layer, the largest of any feature
    failed: Mapping[str, str]  #: layers that could not be read, with the reason
    clock: datetime
    subjects: int
    are_parcels: bool  #: rows of the parcel layer: registers are keyed to them
    commune_areas: Mapping[str, bytes]  #: WKB in the storage CRS, where zones name communes and subjects do not
    share: Share | None = None  #: what its owner may be shown; None: everything

    @property
    def size(self) -> int:
        return partition_size(self.subjects)

    @property
    def partitions(self) -> int:
        return -(-self.subjects // self.size)

    @property
    def revisions(self) -> Mapping[str, int]:
        return {layer: standing.revision for layer, standing in self.standings.items()}

    def is_read(self, layer: str) -> bool:
        """What is taken back, was never published, or is not shown to the batch's owner, is not looked at."""
        return not self.hides(layer) and self.standings[layer].revision > 0 and self.standings[layer].state == "served"

    def hides(self, layer: str) -> bool:
        return self.share is not None and self.share.hides(layer)

    @property
    def projection(self) -> Projection:
        return projection_of(self.profile.header.crs)

    def pieces_file(self, layer: str) -> Path:
        return self.folder / f"{layer}-{self.standings[layer].revision}-pieces.parquet"

    def facts_file(self, layer: str) -> Path:
        return self.folder / f"{layer}-{self.standings[layer].revision}-facts.parquet"

    def entries_file(self, layer: str) -> Path:
        return self.folder / f"{layer}-{self.standings[layer].revision}-entries.parquet"

    def mapped_file(self, layer: str) -> Path:
        return self.folder / f"{layer}-{self.standings[layer].revision}-mapped.parquet"

    def raster_file(self, layer: str) -> Path:
        """Names the file of the raster, and says how its cells lie."""
        return self.folder / f"{layer}-{self.standings[layer].revision}-raster.json"

    def subjects_file(self, number: int) -> Path:
        return self.folder / f"subjects-{number:05d}.parquet"

    def findings_file(self, number: int) -> Path:
        """Its presence says that the partition is done: it is written last, under another name first."""
        return self.folder / f"findings-{number:05d}.arrow"

    def features_file(self, number: int) -> Path:
        return self.folder / f"features-{number:05d}.arrow"

    def left(self) -> tuple[list[Path], list[Path]]:
        """What partitions left here in whatever format: files of findings, one a partition, and of features."""
        return sorted(self.folder.glob("findings-*")), sorted(self.folder.glob("features-*"))

    def zones_of(self, stored: Objects, communes: Objects) -> Integers:
        """The measuring zone of each subject: the one that holds its label point; OUTSIDE_ZONES where none does.

        `communes` has the code each subject carries, or None.
        """
        zones = self.profile.header.crs.zones
        if len(zones) == 1:
            return np.zeros(len(stored), dtype=np.int64)
        points = np.asarray(shapely.point_on_surface(stored), dtype=object)
        codes = self._communes_at(points, communes) if any(map(names_communes, zones)) else communes
        degrees = self.projection.to_wgs84(points)
        found = np.full(len(stored), OUTSIDE_ZONES, dtype=np.int64)
        for number, zone in reversed(list(enumerate(zones))):
            if names_communes(zone):
                inside = np.isin(codes.astype(str), np.array(zone.area, dtype=str))
            else:
                inside = np.asarray(shapely.intersects(_zone_area(zone.area), degrees), dtype=bool)
            found[inside] = number
        return found

    def _communes_at(self, points: Objects, communes: Objects) -> Objects:
        codes = communes.copy()
        for code, wkb in self.commune_areas.items():
            area = shapely.from_wkb(wkb)
            shapely.prepare(area)
            unknown = np.array([known is None for known in codes], dtype=bool)
            codes[unknown & shapely.intersects(area, points)] = code
        return codes


def _zone_area(area: object) -> Any:
    """A bbox or a GeoJSON geometry as a shape in CRS84."""
    return shapely.box(*area) if isinstance(area, tuple | list) else shapely.from_geojson(json.dumps(area))


# ── the part that survives a stop ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Started:
    """A batch as it was begun: written when all is exported, read by `--resume`."""

    request: str  #: digest of procedure, inputs and source: a resumed batch must ask the same
    as_of: datetime | None
    on_date: date
    clock: datetime
    subjects: int
    are_parcels: bool
    standings: Mapping[str, Standing]
    accuracy_m: Mapping[str, float]
    failed: Mapping[str, str]
    rules: str  #: digest of the bound rules: a profile applied meanwhile must not change them
    policy: str  #: the one it was begun under, and is given out under
    share: str | None  #: digest of what its owner may be shown: other rights begin anew
    commune_areas: Mapping[str, bytes]
    format: int = FORMAT  #: that its partitions were left in

    def write(self, folder: Path) -> None:
        told = {
            "format": self.format, "request": self.request, "rules": self.rules, "policy": self.policy,
            "share": self.share,
            "as_of": _text(self.as_of),
            "on_date": self.on_date.isoformat(), "clock": self.clock.isoformat(), "subjects": self.subjects,
            "are_parcels": self.are_parcels, "accuracy_m": dict(self.accuracy_m), "failed": dict(self.failed),
            "commune_areas": {code: wkb.hex() for code, wkb in self.commune_areas.items()},
            "standings": {name: _told(standing) for name, standing in self.standings.items()},
        }  # fmt: skip
        draft = folder / "plan.json.tmp"
        draft.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(folder / "plan.json")

    @classmethod
    def read(cls, folder: Path) -> Started | None:
        """None where no batch was begun, or its export did not end."""
        path = folder / "plan.json"
        if not path.is_file():
            return None
        told = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            request=told["request"],
            policy=told["policy"],
            share=told["share"],
            as_of=datetime.fromisoformat(told["as_of"]) if told["as_of"] else None,
            on_date=date.fromisoformat(told["on_date"]),
            clock=datetime.fromisoformat(told["clock"]),
            subjects=told["subjects"],
            are_parcels=told["are_parcels"],
            standings={name: _standing(standing) for name, standing in told["standings"].items()},
            accuracy_m=told["accuracy_m"],
            failed=told["failed"],
            rules=told["rules"],
            commune_areas={code: bytes.fromhex(wkb) for code, wkb in told["commune_areas"].items()},
            format=told.get("format", 1),
        )


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _told(standing: Standing) -> dict[str, Any]:
    return {
        "revision": standing.revision, "state": standing.state, "published": _text(standing.published),
        "max_age_days": standing.max_age_days, "accuracy_m": standing.accuracy_m,
        "is_early": standing.is_early,
    }  # fmt: skip


def _standing(told: Mapping[str, Any]) -> Standing:
    published = datetime.fromisoformat(told["published"]) if told["published"] else None
    return Standing(
        told["revision"],
        told["state"],
        published,
        told["max_age_days"],
        told["accuracy_m"],
        told.get("is_early", False),
    )
