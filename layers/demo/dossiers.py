"""Two dossiers of the demo: a parcel with an entry in the register of blocks, and a site for a petrol station.

Both procedures ask a layer that the desk may check and not see: with the dossier the outcome is told, without it not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from layers.access.principal import operator
from layers.checking.dossiers import DossierDraft, register
from layers.checking.request import ByKey
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from layers.store.dossiers import dossier


@dataclass(frozen=True, slots=True)
class DemoDossier:
    """Which planted conflict a dossier is about: the first of these kinds or procedures."""

    id: str
    procedure: str
    office: str
    kind: str | None = None


DOSSIERS = (
    DemoDossier("H29-DEMO-0001", "construction_permit", "so_xay_dung", kind="blocked"),
    DemoDossier("H29-DEMO-0002", "petrol_station_siting", "van_phong_dang_ky_dat_dai"),
)


async def register_demo_dossiers(database: Database, folder: Path) -> tuple[DemoDossier, ...]:
    """Register what is not there yet; the dossiers there are. A profile without the procedures has none."""
    async with database.connection() as connection:
        catalogue = await load_catalogue(connection)
        known = {demo.id for demo in DOSSIERS if await dossier(connection, demo.id) is not None}
    conflicts = json.loads((folder / "conflicts.json").read_text(encoding="utf-8"))["conflicts"]
    found = []
    for demo in DOSSIERS:
        parcel = _parcel(demo, conflicts)
        if parcel is None or catalogue.profile.procedure(demo.procedure) is None:
            continue
        if demo.id not in known:
            await _register(database, catalogue, demo, parcel)
        found.append(demo)
    return tuple(found)


def _parcel(demo: DemoDossier, conflicts: list[dict[str, object]]) -> str | None:
    """The key of the parcel."""
    fitting = (one for one in conflicts if demo.kind in (None, one["kind"]))
    if demo.kind is None:
        fitting = (one for one in conflicts if one["procedure"] == demo.procedure)
    found = next(fitting, None)
    return str(found["parcel"]) if found else None


async def _register(database: Database, catalogue: Catalogue, demo: DemoDossier, parcel: str) -> None:
    draft = DossierDraft(demo.id, demo.procedure, (ByKey(parcel),), offices=(demo.office,))
    await register(database, catalogue, draft, operator("demo"))
