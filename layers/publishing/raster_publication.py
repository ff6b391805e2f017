"""From a raster to a revision: read, inspect, compare, confirm, a file in place, and one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio.from_thread
import anyio.to_thread
import numpy as np
import shapely

from gis.crs import WGS84
from layers.access.principal import Principal
from layers.errors import InvalidRequestError
from layers.plain_text import require_note
from layers.store import audit, publication, rasters
from layers.store.catalogue import Catalogue
from layers.store.connection import Connection, Database
from layers.store.raster_files import RasterFolder, require_folder
from layers.store.rasters import RasterFigures
from layers.store.staging import unlimited
from layers.store.standing import Standing, Target, latest_release, read_standing
from layers.store.stored_raster import StoredRaster

from .declaration import Declaration, Mapped, declare, mapped_parts
from .inspection import Communes
from .known_revision import require_base
from .options import PublishOptions
from .placing import projection_of
from .publication import (
    NOT_CONFIRMED,
    PROFILE_MOVED,
    OnStep,
    declaration_notices,
    no_step,
    read_communes,
    require_right,
    target_of,
)
from .raster_file import changed_cells, write_cog
from .raster_inspection import RasterInspection, inspected_raster
from .raster_report import RasterChange, RasterReport, raster_conflict, raster_refusal, too_much_lost
from .source import Progress, no_progress

#: asked once, with what changes and the declaration in the report
ConfirmRaster = Callable[[RasterReport], bool]
STEPS = ("inspected", "written", "compared", "confirmed", "placed", "locked", "row", "mapped", "revision", "release",
         "committed")  # fmt: skip


def yes(_report: RasterReport) -> bool:
    """Confirms everything."""
    return True


async def publish_raster(
    database: Database, catalogue: Catalogue, path: Path, layer_id: str, options: PublishOptions | None = None, *,
    principal: Principal, confirm: ConfirmRaster = yes, progress: Progress = no_progress, on_step: OnStep = no_step,
) -> RasterReport:  # fmt: skip
    """Publish a raster as the next revision of a layer.

    Raises NotFoundError, ForbiddenError, SourceError, InvalidRequestError, ConflictError, RefusedError; whatever is
    raised, and wherever the process is killed, the old revision is served; a file without a row is swept.
    """
    given = options or PublishOptions()
    _require_plain(given)
    target = target_of(catalogue, layer_id)
    require_right(catalogue, target, principal)
    folder = require_folder(database.raster_folder)
    async with database.dedicated() as connection:
        await unlimited(connection)
        communes = await read_communes(connection, catalogue)
        work = RasterWork(connection, catalogue, target, given, principal, folder, communes, on_step)

        def run() -> RasterReport:
            return _in_thread(work, path, confirm, progress)

        return await anyio.to_thread.run_sync(run)


def _require_plain(options: PublishOptions) -> None:
    require_note(options.note, "note")
    if options.scope is not None or options.take is not None:
        raise InvalidRequestError(
            "Ảnh được thay cả tệp: bỏ --scope, --take.",
            "A raster is replaced as a whole: leave out --scope and --take.",
        )


@dataclass(frozen=True, slots=True)
class RasterWork:
    """What one publication of a raster needs throughout."""

    connection: Connection
    catalogue: Catalogue
    target: Target
    options: PublishOptions
    principal: Principal
    folder: RasterFolder
    communes: Communes | None
    on_step: OnStep

    @property
    def layer_id(self) -> str:
        return self.target.definition.id


@dataclass(frozen=True, slots=True)
class Before:
    """What stands while the file is looked at."""

    standing: Standing
    raster: tuple[StoredRaster, RasterFigures] | None
    declaration: dict[str, Any]


def _in_thread(work: RasterWork, path: Path, confirm: ConfirmRaster, progress: Progress) -> RasterReport:
    """All of it but the statements, which go back to the event loop: cells are read while the reader's folder lasts."""
    definition, profile = work.target.definition, work.catalogue.profile
    reading = inspected_raster(path, definition, profile, work.options.read, communes=work.communes, progress=progress)
    with reading as inspection, work.folder.draft(work.layer_id) as draft:
        work.on_step("inspected")
        if inspection.blocking:
            raise raster_refusal(inspection.blocking[0].message, RasterReport(inspection))
        row = write_cog(inspection, draft)
        work.on_step("written")
        before = anyio.from_thread.run(_read_before, work)
        report, declaration = _compared(work, inspection, row, draft, before)
        work.on_step("compared")
        if work.options.dry_run:
            return report
        if not confirm(report):
            raise raster_refusal(NOT_CONFIRMED, report)
        work.on_step("confirmed")
        mapped = mapped_parts(declaration, (), (), profile, definition, work.communes)
        size = draft.stat().st_size
        row = replace(row, sha256=work.folder.put(draft, work.layer_id), size_bytes=size)
        work.on_step("placed")
        return anyio.from_thread.run(_commit, work, row, mapped, declaration, before, report)


async def _read_before(work: RasterWork) -> Before:
    async with work.connection.transaction():
        await publication.freeze(work.connection)
        standing = await read_standing(work.connection, work.layer_id)
        release = await latest_release(work.connection, work.layer_id)
        raster = await rasters.raster_at(work.connection, work.layer_id, None)
    return Before(standing, raster, (release or {}).get("declaration") or {})


def _compared(
    work: RasterWork, inspection: RasterInspection, row: StoredRaster, draft: Path, before: Before
) -> tuple[RasterReport, Declaration]:
    """The report before anything is written. Raises RefusedError, ConflictError."""
    definition, profile = work.target.definition, work.catalogue.profile
    declaration = declare(work.options.complete_for, before.declaration, definition, profile, work.communes)
    change = change_of(work.folder, work.layer_id, before.raster, (row, inspection.figures), draft)
    notices = declaration_notices(declaration, before.standing.state)
    report = RasterReport(inspection, change, declaration.as_dict(()), notices)
    require_base(before.standing, work.options.base)
    if work.options.base is not None and work.options.base != before.standing.revision:
        raise raster_conflict(before.standing.revision, report)
    if change.loses_too_much and not work.options.allow_removals:
        raise raster_refusal(too_much_lost(change), report)
    return report, declaration


def change_of(
    folder: RasterFolder, layer: str, before: tuple[StoredRaster, RasterFigures] | None,
    after: tuple[StoredRaster, RasterFigures], path: Path,
) -> RasterChange:  # fmt: skip
    """What one raster is to the one before it; `path` is the file of the later one."""
    if before is None:
        return RasterChange(None, after[1], None, None)
    first, cells = before[0], after[0].width * after[0].height
    old = folder.path(layer, first.sha256)
    changed = changed_cells(old, path, first, after[0]) if old.exists() else None
    return RasterChange(before[1], after[1], changed, None if changed is None else changed / cells)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────
async def _commit(
    work: RasterWork, row: StoredRaster, mapped: Mapped, declaration: Declaration, before: Before, report: RasterReport
) -> RasterReport:
    """Everything of one revision, in one transaction."""
    connection, layer = work.connection, work.layer_id
    async with connection.transaction():
        standing = await read_standing(connection, layer, lock=True)
        if standing.revision != before.standing.revision:
            raise raster_conflict(standing.revision, report)
        if standing.definition != work.catalogue.layers[layer].definition_digest:
            raise raster_refusal(PROFILE_MOVED, report)
        work.on_step("locked")
        revision = standing.revision + 1
        await rasters.replace(connection, layer, revision, row, report.inspection.figures)
        work.on_step("row")
        await publication.replace_mapped(connection, work.target, revision, mapped.parts, None)
        work.on_step("mapped")
        made = await _record(work, row, declaration, report, revision, standing)
    work.on_step("committed")
    return made


async def _record(
    work: RasterWork, row: StoredRaster, declaration: Declaration, report: RasterReport, revision: int,
    standing: Standing,
) -> RasterReport:  # fmt: skip
    connection, layer, who = work.connection, work.layer_id, work.principal
    state = "suspended" if standing.state == "suspended" else "served"
    reason = standing.reason if state == "suspended" else None
    counts = report.cell_counts
    made = publication.Revision(
        layer, revision, "publish", standing.definition, state, who.id, who.os_user, work.options.note or None, *counts
    )
    await publication.record_revision(connection, made, state_reason=reason)
    await publication.record_change_boxes(connection, layer, revision, box_of(row, work.catalogue))
    work.on_step("revision")
    release = await publication.next_release(connection, layer)
    final = replace(report, revision=revision, release=release)
    source = report.inspection.source
    await publication.record_release(connection, {
        "layer": layer, "release": release, "revision": revision, "note": work.options.note,
        "source_name": source.name, "source_layer": str(source.band), "source_digest": source.digest,
        "content_digest": f"sha256:{row.sha256}", "declaration": declaration.as_dict(()), "report": final.as_dict(),
    })  # fmt: skip
    event = audit.Event.of(
        who, "publish", "allow", layer=layer, revision=revision, features=sum(counts),
        policy=work.catalogue.policy_digest,
    )  # fmt: skip
    await audit.record(connection, event)
    await publication.notify(connection)
    work.on_step("release")
    return final


def box_of(row: StoredRaster, catalogue: Catalogue) -> np.typing.NDArray[np.float64]:
    """The raster's box in CRS84, one row; none where it has no place there."""
    projection = projection_of(catalogue.profile.header)
    corners = np.array([shapely.box(*row.grid.bounds)], dtype=object)
    bounds = shapely.bounds(projection.to_crs(corners, row.crs, WGS84))
    return np.asarray(bounds[np.isfinite(bounds).all(axis=1)], dtype=np.float64)
