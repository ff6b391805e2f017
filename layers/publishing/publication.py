"""From a file to a revision: read, inspect, compare, confirm, stage, and one transaction (design, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import Message
from layers.access.decide import decide
from layers.access.principal import Principal
from layers.errors import ForbiddenError, InvalidRequestError, NotFoundError
from layers.plain_text import require_note
from layers.profile.facts import fact_columns
from layers.store import audit, publication
from layers.store.catalogue import Catalogue
from layers.store.connection import Connection, Database
from layers.store.staging import Run, close_run, copy_in, open_run, sweep
from layers.store.standing import Target, box_of_rows, latest_release, read_edited, read_shapes_by_key, read_standing

from .content import Content, content_of, joined
from .declaration import Declaration, Mapped, declare, mapped_parts
from .difference import Difference, difference
from .empty_communes import empty_communes, empty_notice
from .inspection import Communes, Inspection, Rows, inspect
from .known_revision import require_base
from .options import PublishOptions
from .report import PublishReport, conflict, refusal
from .same_shapes import with_stored_shapes
from .scope import Scope, outside_scope, scope_of
from .source import Progress, no_progress
from .staging import PIECE_COLUMNS, PIECE_KINDS, Prepared, prepare

#: asked once, with the difference and the declaration in the report
Confirm = Callable[[PublishReport], bool]
#: told the name of each step as it begins or is done; tests stop the process there
OnStep = Callable[[str], None]
STEPS = (
    "inspected", "compared", "confirmed", "staging", "staged", "locked", "closed", "rows", "pieces", "facts", "mapped",
    "revision", "release", "committed",
)  # fmt: skip
#: more communes than this are no proposal for a scope
_PROPOSED_COMMUNES = 6
#: fewer rows do not change what the planner knows
_ROWS_TO_ANALYSE = 500


def yes(_report: PublishReport) -> bool:
    """Confirms everything."""
    return True


def no_step(_name: str) -> None:
    """For callers that watch none."""


async def publish(
    database: Database, catalogue: Catalogue, path: Path, layer_id: str, options: PublishOptions | None = None, *,
    principal: Principal, confirm: Confirm = yes, progress: Progress = no_progress, on_step: OnStep = no_step,
) -> PublishReport:  # fmt: skip
    """Publish a file as the next revision of a layer.

    Raises NotFoundError, ForbiddenError, SourceError, InvalidRequestError, ConflictError, RefusedError; whatever is
    raised, and wherever the process is killed, the old revision is served and nothing is half-written.
    """
    given = options or PublishOptions()
    require_note(given.note, "note")
    async with database.dedicated() as connection:
        work = await _begin(connection, catalogue, layer_id, given, principal, progress, on_step)
        inspection = await anyio.to_thread.run_sync(work.inspected, path)
        on_step("inspected")
        report = await _compare_and_commit(work, inspection, confirm)
        on_step("committed")
        if report.revision is not None and report.written >= _ROWS_TO_ANALYSE:
            await publication.analyse(connection, work.target)
        return report


@dataclass(frozen=True, slots=True)
class Work:
    """What one publication needs throughout."""

    connection: Connection
    catalogue: Catalogue
    target: Target
    options: PublishOptions
    principal: Principal
    communes: Communes | None
    progress: Progress
    on_step: OnStep

    @property
    def layer_id(self) -> str:
        return self.target.definition.id

    @property
    def is_commune_layer(self) -> bool:
        return self.layer_id == self.catalogue.profile.header.reference_layers.commune

    def inspected(self, path: Path) -> Inspection:
        profile, options = self.catalogue.profile, self.options.read
        communes = None if self.is_commune_layer else self.communes
        return inspect(path, self.target.definition, profile, options, communes=communes, progress=self.progress)

    def reference(self, inspection: Inspection) -> Communes | None:
        """The communes; those of the file itself where it is the commune layer."""
        if not self.is_commune_layer:
            return self.communes
        return Communes(tuple(inspection.rows.key.to_pylist()), inspection.rows.geometry)


async def _begin(
    connection: Connection, catalogue: Catalogue, layer_id: str, options: PublishOptions, principal: Principal,
    progress: Progress, on_step: OnStep,
) -> Work:  # fmt: skip
    target = target_of(catalogue, layer_id)
    if target.definition.is_raster:
        raise InvalidRequestError(
            f"Lớp '{layer_id}' là ảnh: công bố một tệp GeoTIFF (.tif).",
            f"The layer '{layer_id}' is a raster: publish a GeoTIFF (.tif).",
        )
    require_right(catalogue, target, principal)
    await sweep(connection)
    communes = await read_communes(connection, catalogue)
    return Work(connection, catalogue, target, options, principal, communes, progress, on_step)


def target_of(catalogue: Catalogue, layer_id: str) -> Target:
    """Raises NotFoundError naming the layers there are."""
    if layer_id not in catalogue.layers:
        listed = ", ".join(sorted(catalogue.layers))
        raise NotFoundError(
            f"Không có lớp '{layer_id}' trong hồ sơ cấu hình. Các lớp: {listed}.",
            f"There is no layer '{layer_id}' in the profile. Its layers: {listed}.",
        )
    state = catalogue.layers[layer_id]
    return Target(state.definition, catalogue.storage_srid, state.number)


def require_right(catalogue: Catalogue, target: Target, principal: Principal) -> None:
    """Raises ForbiddenError when no grant lets the caller publish the layer."""
    decision = decide(
        principal, target.definition, "publish", catalogue.grants, purpose=None, day=date.today(),
        active_agreements=catalogue.active_agreements,
    )  # fmt: skip
    if not decision.is_allowed:
        raise ForbiddenError(
            f"'{principal.id}' không có quyền công bố lớp '{target.definition.id}'. Liên hệ cơ quan chủ quản lớp.",
            f"'{principal.id}' may not publish the layer '{target.definition.id}'. Ask the office that answers for it.",
        )


async def read_communes(connection: Connection, catalogue: Catalogue) -> Communes | None:
    """The published commune layer; None while the profile or the database has none."""
    name = catalogue.profile.header.reference_layers.commune
    if name is None or name not in catalogue.layers:
        return None
    found = await read_shapes_by_key(connection, target_of(catalogue, name))
    if not found:
        return None
    shapes = np.array([*(shapely.from_wkb(shape) for _key, shape in found), None], dtype=object)[:-1]
    return Communes(tuple(key for key, _shape in found), shapes)


# ── comparing ────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Comparison:
    """The file inside its scope against one revision of the layer."""

    revision: int  #: compared with; the commit holds only on top of it
    state: str
    scope: Scope
    rows: Rows  #: all of the file, with the stored shape where theirs is the same ground
    file: Content
    places: NDArray[np.int64]  #: of the file's rows inside the scope
    whole: Content  #: all that stands now, inside the scope and outside
    inside: Content
    difference: Difference
    declaration: Declaration
    unplaced: tuple[str | None, ...]  #: communes of refused rows of unknown place, from outside the scope


async def _compare_and_commit(work: Work, inspection: Inspection, confirm: Confirm) -> PublishReport:
    """Compare, confirm, stage, commit; when the layer moved meanwhile, once more against what stands then."""
    if inspection.blocking:
        raise refusal(inspection.blocking[0].message, PublishReport(inspection))
    fid_key = await publication.fid_key(work.connection)
    file = await anyio.to_thread.run_sync(content_of, work.target.definition, inspection.rows, fid_key)
    base: int | None = work.options.base
    confirmed: dict[str, object] | None = None
    while True:
        found = await _compare(work, inspection, file, base)
        report = await anyio.to_thread.run_sync(_report, work, inspection, found)
        work.on_step("compared")
        _guard(work, inspection, found, report)
        if work.options.dry_run:
            return report
        if confirmed != report.as_dict() and not confirm(report):
            raise refusal(NOT_CONFIRMED, report)
        confirmed = report.as_dict()
        work.on_step("confirmed")
        made = await _stage_and_commit(work, inspection, found, report)
        if made is not None:
            return made
        base = found.revision if base is None else base


NOT_CONFIRMED = Message(
    "Chưa công bố vì chưa được xác nhận. Xem lại thay đổi rồi chạy lại với --yes.",
    "Not published, since it was not confirmed. Look at the changes and run again with --yes.",
)


async def _compare(work: Work, inspection: Inspection, file: Content, base: int | None) -> Comparison:
    definition, reference = work.target.definition, work.reference(inspection)
    listed = [commune.code for commune in work.catalogue.profile.communes]
    scope = scope_of(work.options.scope, definition, reference, listed)
    places = np.flatnonzero(scope.holds(definition, inspection.rows, reference))
    connection = work.connection
    async with connection.transaction():
        await publication.freeze(connection)
        standing = await read_standing(connection, definition.id)
        require_base(standing, base)
        before = await latest_release(connection, definition.id)
        whole = await Scope().content(connection, work.target, None, None)
        inside = whole if scope.is_everything else await scope.content(connection, work.target, None, reference)
        is_old = base is not None and base != standing.revision
        then = await scope.content(connection, work.target, base, reference) if is_old else None
        # who names no base may hold a file of before any edit, or of before edits outside an earlier scope
        edited = await read_edited(connection, work.target) if work.options.base is None else None
        rows, file = await with_stored_shapes(connection, work.target, inspection.rows, file, whole)
    told = (before or {}).get("declaration") or {}
    declaration = declare(work.options.complete_for, told, definition, work.catalogue.profile, reference)
    keep = work.options.take == "current"
    changes = difference(file.take(places), inside, then, edited=edited, keep_current=keep)
    unplaced = () if scope.is_everything else _unplaced_outside(told, scope)
    return Comparison(
        standing.revision, standing.state, scope, rows, file.take(places), places, whole, inside, changes, declaration,
        unplaced,
    )  # fmt: skip


def _unplaced_outside(told: dict[str, Any], scope: Scope) -> tuple[str | None, ...]:
    """Refused rows of unknown place stay so until a publication that covers their commune."""
    communes = scope.communes or ()
    return tuple(code for code in told.get("unplaced", ()) if code not in communes)


def _report(work: Work, inspection: Inspection, found: Comparison) -> PublishReport:
    outside = len(inspection.rows) - len(found.places)
    declaration = found.declaration.as_dict(found.unplaced)
    empty = empty_communes(found.declaration, inspection, work.reference(inspection), found.scope)
    notices = (*_notices(found), *((empty_notice(empty),) if empty else ()))
    return PublishReport(inspection, found.difference, outside, declaration, notices)


def _notices(found: Comparison) -> tuple[Message, ...]:
    return declaration_notices(found.declaration, found.state)


def declaration_notices(declaration: Declaration, state: str) -> tuple[Message, ...]:
    """What an officer should know about what a publication will and will not do."""
    notices = []
    if declaration.origin == "none":
        notices.append(_NOTHING_DECLARED)
    if state == "suspended":
        notices.append(_STAYS_SUSPENDED)
    return tuple(notices)


_NOTHING_DECLARED = Message(
    "Chưa khai báo phạm vi dữ liệu đầy đủ, nên kiểm tra thửa đất sẽ báo 'chưa có dữ liệu'. "
    "Khai báo bằng --complete-for all|MÃ_XÃ,…|TỆP.",
    "No complete area is declared, so checks will say 'not mapped'. Declare it with --complete-for all|CODES|FILE.",
)
_STAYS_SUSPENDED = Message(
    "Lớp đang tạm dừng: dữ liệu mới chỉ được phục vụ sau 'lienthong layer resume'.",
    "The layer is suspended: the new data is served only after 'lienthong layer resume'.",
)


def _guard(work: Work, inspection: Inspection, found: Comparison, report: PublishReport) -> None:
    """Stop before anything that an officer must say expressly, and where the file says nothing of its scope."""
    if len(inspection.rows) and not len(found.places):
        raise refusal(outside_scope(len(inspection.rows), work.options.scope), report)
    if len(found.difference.conflicts) and work.options.take is None:
        raise conflict(_conflict_message(found), report)
    if found.difference.removes_too_much(len(found.inside)) and not work.options.allow_removals:
        raise refusal(_removal_message(inspection, found), report)


def _conflict_message(found: Comparison) -> Message:
    count = len(found.difference.conflicts)
    return Message(
        f"{count} dòng đã được sửa sau phiên bản gốc của tệp và sẽ bị tệp ghi đè. "
        "Chọn --take file (lấy theo tệp) hoặc --take current (giữ bản hiện hành), hoặc nêu phiên bản gốc: --base.",
        f"{count} rows were edited since the base of the file and would be reverted by it. "
        "Choose --take file or --take current, or name the revision the file was made from: --base.",
    )


def _removal_message(inspection: Inspection, found: Comparison) -> Message:
    removed, standing = len(found.difference.removed), len(found.inside)
    codes = sorted({code for code in inspection.commune.to_pylist() if code}) if inspection.commune is not None else []
    vi, en = "", ""
    if found.scope.is_everything and 0 < len(codes) <= _PROPOSED_COMMUNES:
        listed = ",".join(codes)
        vi = f"Tệp chỉ có xã {listed}: nếu chỉ cập nhật các xã này, thêm --scope commune={listed}. "
        en = f"The file holds commune {listed} only: to update just that, add --scope commune={listed}. "
    return Message(
        f"Tệp sẽ xóa {removed} trong {standing} dòng (trên 5 %). {vi}Nếu đúng là phải xóa, thêm --allow-removals.",
        f"The file would remove {removed} of {standing} rows (more than 5 %). {en}"
        "If they must go, add --allow-removals.",
    )


PROFILE_MOVED = Message(
    "Hồ sơ cấu hình vừa được áp dụng lại trong lúc công bố. Chạy lại lệnh công bố.",
    "The profile was applied anew during the publication. Publish again.",
)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────
async def _stage_and_commit(
    work: Work, inspection: Inspection, found: Comparison, report: PublishReport
) -> PublishReport | None:
    """None when the layer moved meanwhile: nothing was written then."""
    prepared = await anyio.to_thread.run_sync(_prepared, work, found)
    run = await open_run(work.connection, work.target)
    try:
        work.on_step("staging")
        await _stage(work, run, prepared)
        work.on_step("staged")
        mapped = await anyio.to_thread.run_sync(_mapped, work, inspection, found)
        async with work.connection.transaction():
            return await _commit(work, run, prepared, found, mapped, report)
    finally:
        await close_run(work.connection, run)


def _prepared(work: Work, found: Comparison) -> Prepared:
    inserted = found.difference.inserted
    rows = found.rows.take(found.places[inserted])
    target = work.target
    profile = work.catalogue.profile
    return prepare(target.definition, profile, target.storage_srid, rows, found.file.take(inserted))


def _mapped(work: Work, inspection: Inspection, found: Comparison) -> Mapped:
    profile, reference = work.catalogue.profile, work.reference(inspection)
    declaration, definition = found.declaration, work.target.definition
    refused = [one for one in inspection.refused if found.scope.may_hold(one.commune)]
    return mapped_parts(declaration, refused, found.unplaced, profile, definition, reference)


async def _stage(work: Work, run: Run, prepared: Prepared) -> None:
    count = len(prepared.rows)
    chunks = prepared.row_chunks(lambda done: work.progress("stage", done, 2 * count))
    await copy_in(work.connection, run.rows, prepared.columns, chunks, prepared.kinds)
    work.progress("stage", count, 2 * count)
    await copy_in(work.connection, run.pieces, PIECE_COLUMNS, prepared.piece_chunks(), PIECE_KINDS)
    work.progress("stage", 2 * count, 2 * count)


async def _commit(
    work: Work, run: Run, prepared: Prepared, found: Comparison, mapped: Mapped, report: PublishReport
) -> PublishReport | None:
    """Everything of one revision, in one transaction."""
    connection, target = work.connection, work.target
    standing = await read_standing(connection, work.layer_id, lock=True)
    if standing.revision != found.revision:
        return None
    if standing.definition != work.catalogue.layers[work.layer_id].definition_digest:
        raise conflict(PROFILE_MOVED, report)
    work.on_step("locked")
    await publication.prepare_transaction(connection)
    revision = standing.revision + 1
    boxes = await _change_boxes(work, prepared, found)
    await publication.record_aliases(connection, target, revision, found.difference.removed.tolist())
    await publication.close_rows(connection, target, revision, found.difference.closed.tolist())
    work.on_step("closed")
    await publication.insert_rows(connection, run, revision)
    work.on_step("rows")
    await publication.insert_pieces(connection, run, revision)
    work.on_step("pieces")
    facts = fact_columns(work.catalogue.profile, target.definition)
    await publication.insert_facts(connection, run, revision, facts)
    work.on_step("facts")
    communes = None if found.scope.is_everything else list(found.scope.communes or ())
    await publication.replace_mapped(connection, target, revision, mapped.parts, communes)
    work.on_step("mapped")
    return await _record(work, found, mapped, report, revision, boxes, standing.definition)


async def _change_boxes(work: Work, prepared: Prepared, found: Comparison) -> NDArray[np.float64]:
    boxes = prepared.boxes()
    if not work.target.definition.has_geometry or not len(found.difference.closed):
        return boxes
    closed = await box_of_rows(work.connection, work.target, found.difference.closed.tolist())
    return boxes if closed is None else np.vstack([boxes, closed])


async def _record(
    work: Work, found: Comparison, mapped: Mapped, report: PublishReport, revision: int, boxes: NDArray[np.float64],
    definition: str,
) -> PublishReport:  # fmt: skip
    connection, layer, changes = work.connection, work.layer_id, found.difference
    state = "suspended" if found.state == "suspended" else "served"
    reason = work.catalogue.layers[layer].state_reason if state == "suspended" else None
    who = work.principal
    made = publication.Revision(
        layer, revision, "publish", definition, state, who.id, who.os_user, work.options.note or None,
        len(changes.added), len(changes.changed), len(changes.removed),
    )  # fmt: skip
    await publication.record_revision(connection, made, state_reason=reason)
    await publication.record_change_boxes(connection, layer, revision, boxes)
    work.on_step("revision")
    release = await publication.next_release(connection, layer)
    notices = (*report.notices, mapped.message) if mapped.message else report.notices
    declaration = found.declaration.as_dict(mapped.unplaced)
    final = replace(report, revision=revision, release=release, declaration=declaration, notices=notices)
    source = report.inspection.source
    await publication.record_release(connection, {
        "layer": layer, "release": release, "revision": revision, "note": work.options.note,
        "source_name": source.name, "source_layer": source.layer, "source_digest": source.digest,
        "content_digest": _content_after(found).digest(), "declaration": declaration, "report": final.as_dict(),
    }, content_of=None if found.scope.is_everything else found.revision)  # fmt: skip
    written = len(changes.inserted) + len(changes.closed)
    event = audit.Event.of(
        work.principal, "publish", "allow", layer=layer, revision=revision, features=written,
        policy=work.catalogue.policy_digest,
    )  # fmt: skip
    await audit.record(connection, event)
    await publication.notify(connection)
    work.on_step("release")
    return final


def _content_after(found: Comparison) -> Content:
    """What stands once the changes are made."""
    stays = ~np.isin(found.whole.fid, found.difference.closed)
    return joined(found.whole.take(stays), found.file.take(found.difference.inserted))
