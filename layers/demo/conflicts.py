"""Conflicts planted on purpose, each with the parcel, the feature, the check that must see it, and why.

What is listed was measured on the finished shapes; a kind that a small province does not offer is left out.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from shapely import STRtree

from .cadastre import Parcels
from .conflict_kinds import FOUND, KINDS, Kind
from .files import SYNTHETIC, write_json
from .local import Place
from .site import Case, Site

PER_KIND = 3


@dataclass(frozen=True, slots=True)
class Conflict:
    """One planted case. `hit` says whether the feature must count; `outcomes` are those the check may have."""

    id: str
    kind: str
    parcel: str
    commune: str
    sheet: str
    number: str
    layer: str | None
    feature: str | None
    procedure: str | None
    check: str | None
    inputs: Mapping[str, object]
    hit: bool | None
    outcomes: tuple[str, ...]
    measured: Mapping[str, float]
    why_vi: str
    why_en: str


def plant(place: Place, before: Sequence[Conflict]) -> list[Conflict]:
    """The conflicts of one commune; kinds take turns so that they are spread over the province."""
    site = Site(place, STRtree(place.parcels.shapes), place.random("conflicts"))
    counts = {kind.id: sum(1 for conflict in before if conflict.kind == kind.id) for kind in KINDS}
    made: list[Conflict] = []
    for number, kind in enumerate(KINDS):
        is_turn = kind.id in FOUND or (place.town + number) % 4 == 0
        if counts[kind.id] >= PER_KIND or not is_turn:
            continue
        case = kind.make(site)
        if case is not None:
            site.used.add(case.row)
            made.append(_conflict(site.parcels, kind, case, len(before) + len(made) + 1))
    return made


def _conflict(parcels: Parcels, kind: Kind, case: Case, number: int) -> Conflict:
    row = case.row
    return Conflict(
        f"VM{number:03d}", kind.id, parcels.key(row), parcels.commune.code, str(parcels.sheets[row]),
        str(parcels.numbers[row]), kind.layer, case.feature, kind.procedure, kind.check, case.inputs, kind.hit,
        kind.outcomes, {name: round(float(value), 3) for name, value in case.measured.items()}, kind.why_vi,
        kind.why_en,
    )  # fmt: skip


def write_conflicts(out: Path, conflicts: Sequence[Conflict]) -> None:
    """`conflicts.json` for programs, `conflicts.csv` for people."""
    rows = [asdict(conflict) for conflict in conflicts]
    write_json(out / "conflicts.json", {"synthetic": SYNTHETIC, "conflicts": rows})
    with (out / "conflicts.csv").open("w", encoding="utf-8-sig", newline="") as file:
        file.write(f"# {SYNTHETIC}\n")
        writer = csv.DictWriter(file, [name for name in Conflict.__dataclass_fields__])
        writer.writeheader()
        writer.writerows(rows)
