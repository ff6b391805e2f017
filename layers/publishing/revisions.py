"""What happens to a layer after it was published: look back, compare, go back, stop serving, take back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layers.access.principal import Principal
from layers.errors import InvalidRequestError, RefusedError
from layers.plain_text import require_note
from layers.store import audit, publication, rasters
from layers.store.catalogue import Catalogue
from layers.store.connection import Connection, Database
from layers.store.raster_files import require_folder
from layers.store.staging import unlimited
from layers.store.standing import (
    Standing,
    Target,
    box_of_rows,
    latest_release,
    read_content,
    read_history,
    read_keys,
    read_standing,
)

from .content import Content
from .difference import Difference, difference
from .known_revision import require_revision
from .publication import OnStep, no_step, require_right, target_of
from .raster_difference import RasterDifference, compare_rasters

#: keys shown of each kind of change
SHOWN_KEYS = 1_000


async def history(database: Database, catalogue: Catalogue, layer_id: str) -> list[dict[str, Any]]:
    """All revisions, newest first. Raises NotFoundError."""
    target_of(catalogue, layer_id)
    async with database.connection() as connection:
        return await read_history(connection, layer_id)


@dataclass(frozen=True, slots=True)
class RevisionDifference:
    """What changed from one revision to another; keys where the layer has them, else fids."""

    layer: str
    first: int
    second: int
    changes: Difference
    keys: dict[str, list[str]]

    def as_dict(self) -> dict[str, object]:
        counts = self.changes.as_dict()
        counts.pop("conflicts")
        return {"layer": self.layer, "from": self.first, "to": self.second, "diff": counts, "keys": self.keys}


async def compare(
    database: Database, catalogue: Catalogue, layer_id: str, first: int, second: int
) -> RevisionDifference | RasterDifference:
    """Revision against revision. Raises NotFoundError, InvalidRequestError."""
    target = target_of(catalogue, layer_id)
    async with database.transaction(snapshot=True) as connection:
        standing = await read_standing(connection, layer_id)
        for revision in (first, second):
            require_revision(standing, revision)
        if target.definition.is_raster:
            return await compare_rasters(connection, require_folder(database.raster_folder), layer_id, first, second)
        old = await _content(connection, target, first)
        new = await _content(connection, target, second)
        changes = difference(new, old)
        keys = {
            "added": await _names(connection, target, new.fid[changes.added], second),
            "changed": await _names(connection, target, new.fid[changes.changed], second),
            "removed": await _names(connection, target, changes.removed, first),
        }
    return RevisionDifference(layer_id, first, second, changes, keys)


async def _content(connection: Connection, target: Target, revision: int | None) -> Content:
    return Content(*await read_content(connection, target, revision))


async def _names(connection: Connection, target: Target, fids: NDArray[np.int64], revision: int) -> list[str]:
    shown = fids[:SHOWN_KEYS].tolist()
    keys = await read_keys(connection, target, shown, revision)
    return [keys.get(fid, str(fid)) for fid in shown]


# ── going back ───────────────────────────────────────────────────────────────────────────────────
async def rollback(
    database: Database, catalogue: Catalogue, layer_id: str, revision: int, *, principal: Principal, note: str = "",
    on_step: OnStep = no_step,
) -> dict[str, Any]:  # fmt: skip
    """A new revision whose content equals an old one's. Raises NotFoundError, InvalidRequestError, RefusedError."""
    require_note(note, "note")
    target = target_of(catalogue, layer_id)
    require_right(catalogue, target, principal)
    async with database.dedicated() as connection, connection.transaction():
        await unlimited(connection)
        standing = await read_standing(connection, layer_id, lock=True)
        require_revision(standing, revision)
        release = await latest_release(connection, layer_id, revision)
        if release is None:
            raise RefusedError(
                f"Phiên bản {revision} của '{layer_id}' chưa có nội dung để khôi phục.",
                f"Revision {revision} of '{layer_id}' holds no content to go back to.",
            )
        old, current = await _content(connection, target, revision), await _content(connection, target, None)
        if len(old) == 0 and await rasters.raster_at(connection, layer_id, revision) is None:
            raise _withdrawn(layer_id, revision)
        changes = difference(old, current)
        made = await _restore(connection, target, standing, revision, old, changes)
        on_step("restored")
        report = await _record_rollback(
            connection, catalogue, target, standing, made, old, changes, release, revision, principal, note
        )
        on_step("recorded")
    return report


def _withdrawn(layer_id: str, revision: int) -> RefusedError:
    return RefusedError(
        f"Phiên bản {revision} của '{layer_id}' không còn đối tượng nào (đã thu hồi). Chọn phiên bản khác.",
        f"Revision {revision} of '{layer_id}' has no features (it was withdrawn). Choose another one.",
    )


async def _restore(
    connection: Connection, target: Target, standing: Standing, old_revision: int, old: Content, changes: Difference
) -> int:
    made = standing.revision + 1
    await publication.record_aliases(connection, target, made, changes.removed.tolist())
    await publication.close_rows(connection, target, made, changes.closed.tolist())
    await publication.restore_rows(connection, target, made, old_revision, old.fid[changes.inserted].tolist())
    await publication.restore_mapped(connection, target, made, old_revision)
    if target.definition.is_raster:
        await rasters.restore(connection, target.definition.id, made, old_revision)
    return made


async def _record_rollback(  # noqa: PLR0913, PLR0917 - one value each
    connection: Connection, catalogue: Catalogue, target: Target, standing: Standing, made: int, old: Content,
    changes: Difference, before: dict[str, Any], revision: int, principal: Principal, note: str,
) -> dict[str, Any]:  # fmt: skip
    layer = standing.layer
    state = "suspended" if standing.state == "suspended" else "served"
    reason = standing.reason if state == "suspended" else None
    counts = (len(changes.added), len(changes.changed), len(changes.removed))
    revised = publication.Revision(
        layer, made, "rollback", standing.definition, state, principal.id, principal.os_user,
        note or f"→ {revision}", *counts,
    )  # fmt: skip
    await publication.record_revision(connection, revised, state_reason=reason)
    await _record_box(connection, target, made, np.concatenate([old.fid[changes.inserted], changes.removed]))
    release = await publication.next_release(connection, layer)
    diff = changes.as_dict()
    report = {"layer": layer, "rolled_back_to": revision, "diff": diff, "revision": made, "release": release}
    await publication.record_release(connection, {
        **before, "layer": layer, "release": release, "revision": made, "note": note or f"→ {revision}",
        "content_digest": old.digest(), "report": report,
    }, content_of=revision)  # fmt: skip
    await _tell(connection, catalogue, principal, "rollback", layer, made, sum(counts))
    return report


async def _record_box(connection: Connection, target: Target, revision: int, fids: NDArray[np.int64]) -> None:
    if target.definition.has_geometry and len(fids):
        box = await box_of_rows(connection, target, fids.tolist())
        if box is not None:
            await publication.record_change_boxes(connection, target.definition.id, revision, np.array([box]))


# ── states ───────────────────────────────────────────────────────────────────────────────────────
async def suspend(
    database: Database, catalogue: Catalogue, layer_id: str, *, principal: Principal, reason: str
) -> dict[str, Any]:
    """Stop serving at once; the content stays. Raises RefusedError where nothing is served."""
    return await _change_state(database, catalogue, layer_id, principal, "suspend", reason, ("served",), "suspended")


async def resume(database: Database, catalogue: Catalogue, layer_id: str, *, principal: Principal) -> dict[str, Any]:
    """Serve a suspended layer again."""
    return await _change_state(database, catalogue, layer_id, principal, "resume", None, ("suspended",), "served")


async def withdraw(
    database: Database, catalogue: Catalogue, layer_id: str, *, principal: Principal, reason: str
) -> dict[str, Any]:
    """Take the layer back: no feature stands from this revision on; the history stays."""
    states = ("served", "suspended")
    return await _change_state(database, catalogue, layer_id, principal, "withdraw", reason, states, "withdrawn")


async def _change_state(
    database: Database, catalogue: Catalogue, layer_id: str, principal: Principal, kind: str, reason: str | None,
    allowed: tuple[str, ...], state: str,
) -> dict[str, Any]:  # fmt: skip
    target = target_of(catalogue, layer_id)
    require_right(catalogue, target, principal)
    if reason is not None and not reason.strip():
        raise InvalidRequestError("Cần nêu lý do: --reason '…'.", "A reason is needed: --reason '…'.")
    require_note(reason, "reason")
    async with database.dedicated() as connection, connection.transaction():
        await unlimited(connection)
        standing = await read_standing(connection, layer_id, lock=True)
        if standing.state not in allowed:
            raise _wrong_state(standing, kind)
        made, removed = standing.revision + 1, 0
        if kind == "withdraw":
            removed = await publication.close_all(connection, target, made)
            removed += await rasters.close(connection, layer_id, made)
        revised = publication.Revision(
            layer_id, made, kind, standing.definition, state, principal.id, principal.os_user, reason, removed=removed
        )
        await publication.record_revision(connection, revised, state_reason=reason)
        await _tell(connection, catalogue, principal, kind, layer_id, made, removed)
    return {"layer": layer_id, "state": state, "reason": reason, "revision": made, "removed": removed}


def _wrong_state(standing: Standing, kind: str) -> RefusedError:
    return RefusedError(
        f"Không thể '{kind}': lớp '{standing.layer}' đang ở trạng thái '{standing.state}'. "
        f"Xem 'lienthong layer show {standing.layer}'.",
        f"Cannot '{kind}': the layer '{standing.layer}' is '{standing.state}'. "
        f"See 'lienthong layer show {standing.layer}'.",
    )


async def _tell(
    connection: Connection, catalogue: Catalogue, principal: Principal, action: str, layer: str, revision: int,
    features: int,
) -> None:  # fmt: skip
    event = audit.Event.of(
        principal, action, "allow", layer=layer, revision=revision, features=features, policy=catalogue.policy_digest
    )
    await audit.record(connection, event)
    await publication.notify(connection)
