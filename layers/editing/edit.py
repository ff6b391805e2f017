"""One change of one feature: checked and written in one transaction under the layer's lock, as one revision.

Killed anywhere, nothing of it stands. What is written is written by the statements of a publication, from rows made by
its functions: a row that was edited cannot be told from one that came in a file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

import anyio.to_thread
import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.access.decision import Decision
from layers.access.principal import Principal
from layers.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionRequiredError,
    UnavailableError,
)
from layers.filters import GEOMETRY
from layers.profile.facts import fact_columns
from layers.publishing.content import Content, content_of, fid_of, identity_of
from layers.publishing.inspection import Rows
from layers.publishing.placing import projection_of
from layers.publishing.schema import ARROW_TYPES
from layers.publishing.staging import Prepared, prepare
from layers.store import audit, editing, features, publication
from layers.store.catalogue import Catalogue, LayerState
from layers.store.connection import Connection, Database
from layers.store.standing import Standing, Target, box_of_rows, read_standing

from .draft import After, Before, Terms, merged
from .rights import Right, may_create, may_remove, receivables, receives_geometry, right_on
from .sent import Sent

#: whether the caller's condition names this state of the feature
Condition = Callable[[features.Item], bool]
#: told the name of each step; tests stop the process there
OnStep = Callable[[str], None]
STEPS = ("locked", "checked", "closed", "written", "recorded", "committed")


def no_step(_name: str) -> None:
    """For callers that watch none."""


@dataclass(frozen=True, slots=True)
class Work:
    """Who changes what, decided before the transaction and held to in it."""

    catalogue: Catalogue
    state: LayerState
    principal: Principal
    purpose: str | None
    items: Decision
    edit: Decision
    now: datetime
    on_step: OnStep = no_step

    @property
    def target(self) -> Target:
        return Target(self.state.definition, self.catalogue.storage_srid, self.state.number)


@dataclass(frozen=True, slots=True)
class Done:
    """`item`: what the caller sees of it now; None where it is gone. `revision` None: nothing was to be changed."""

    fid: int
    item: features.Item | None
    revision: int | None


async def create(database: Database, work: Work, sent: Sent, terms: Terms) -> Done:
    """A new feature. Raises ForbiddenError, InvalidInputsError, ConflictError, UnavailableError."""
    if not may_create(work.state.definition, work.items, work.edit):
        raise _may_not_create()
    async with _changing(database, work) as (connection, standing):
        nothing = Before({}, None, is_new=True)
        widest = _widest(work)
        after = await anyio.to_thread.run_sync(_merged, work, widest, nothing, sent, terms)
        right = right_on(work.items, work.edit, _row(work, after.values, after.geometry))
        _require(work, right, after)
        rows = _rows(work, after)
        key = rows.key[0].as_py()
        is_unique = key is not None and work.state.definition.duplicates == "refuse"
        if is_unique and await editing.is_key_taken(connection, work.target, key):
            raise key_taken()
        fid_key = await publication.fid_key(connection)
        content = content_of(work.state.definition, rows, fid_key)
        fid = await _free_fid(connection, work, fid_key, key, content)
        work.on_step("checked")
        return await _write(connection, work, standing, rows, replace(content, fid=np.array([fid])), is_new=True)


async def change(
    database: Database, work: Work, fid: int, sent: Sent, terms: Terms, condition: Condition | None, *,
    needs_condition: bool = True,
) -> Done:  # fmt: skip
    """Replace or merge. Raises NotFoundError, ForbiddenError, PreconditionRequiredError, PreconditionFailedError,
    InvalidInputsError, ConflictError, UnavailableError."""
    async with _changing(database, work) as (connection, standing):
        item, stored, right = await _standing(connection, work, standing, fid, condition, needs_condition)
        before = Before(stored.values, stored.geometry)
        after = await anyio.to_thread.run_sync(_merged, work, right, before, sent, terms)
        if not after.written:
            await _leave_event(connection, work, standing.revision)
            return Done(fid, item, None)
        there = right_on(work.items, work.edit, _row(work, after.values, after.geometry))
        _require(work, there and there.within(right), after)
        rows = _rows(work, after)
        content = content_of(work.state.definition, rows, b"")
        work.on_step("checked")
        return await _write(connection, work, standing, rows, replace(content, fid=np.array([fid])), is_new=False)


async def delete(
    database: Database, work: Work, fid: int, condition: Condition | None, *, needs_condition: bool = True
) -> Done:
    """Raises as `change`. Who could not have made the feature, since a column it must have or its shape is not theirs
    to write in this row, may not remove it either."""
    if not may_create(work.state.definition, work.items, work.edit):
        raise _may_not_create()
    async with _changing(database, work) as (connection, standing):
        _, _, right = await _standing(connection, work, standing, fid, condition, needs_condition)
        if not may_remove(work.state.definition, right):
            raise row_refused()
        work.on_step("checked")
        made = standing.revision + 1
        boxes = await _boxes(connection, work, [fid])
        await publication.record_aliases(connection, work.target, made, [fid])
        await publication.close_rows(connection, work.target, made, [fid])
        work.on_step("closed")
        await _record(connection, work, standing, made, boxes, removed=1)
    return Done(fid, None, made)


# ── the transaction ──────────────────────────────────────────────────────────────────────────────
@asynccontextmanager
async def _changing(database: Database, work: Work) -> AsyncIterator[tuple[Connection, Standing]]:
    """The transaction in which the layer stands still, as it was decided on."""
    try:
        async with database.governing() as connection:
            await editing.wait_briefly(connection)
            standing = await read_standing(connection, work.state.definition.id, lock=True)
            work.on_step("locked")
            await _require_unmoved(connection, work, standing)
            yield connection, standing
    except psycopg.errors.LockNotAvailable as error:
        raise _busy(work) from error
    work.on_step("committed")


async def _require_unmoved(connection: Connection, work: Work, standing: Standing) -> None:
    if standing.state != "served":
        features.require_served(replace(work.state, state=standing.state))
        raise ConflictError(
            "Lớp chưa được công bố lần nào: công bố một tệp trước khi sửa từng đối tượng.",
            "The layer was never published: publish a file before editing single features.",
            reason="unpublished",
        )
    is_same = standing.definition == work.state.definition_digest
    if not is_same or await editing.policy_digest(connection) != work.catalogue.policy_digest:
        raise UnavailableError(
            "Hồ sơ cấu hình hoặc chính sách chia sẻ vừa thay đổi. Vui lòng thử lại.",
            "The profile or the sharing policy has just changed. Please try again.",
        )


async def _standing(
    connection: Connection, work: Work, standing: Standing, fid: int, condition: Condition | None, needs: bool
) -> tuple[features.Item, editing.StoredRow, Right]:
    """What stands, in the order in which a caller may learn of it: there, theirs to edit, unchanged."""
    state = replace(work.state, revision=standing.revision)
    srid = work.catalogue.storage_srid
    item = await features.item(connection, state, srid, work.items, fid)
    stored = None if item is None else await editing.read_row(connection, work.target, fid)
    if item is None or stored is None:
        raise NotFoundError
    right = right_on(work.items, work.edit, _shown(stored))
    if right is None or await features.item(connection, state, srid, work.edit, fid) is None:
        raise row_refused()
    if condition is None and needs:
        raise PreconditionRequiredError
    if condition is not None and not condition(item):
        raise PreconditionFailedError
    return item, stored, right


async def _write(
    connection: Connection, work: Work, standing: Standing, rows: Rows, content: Content, *, is_new: bool
) -> Done:
    made, fid, target = standing.revision + 1, int(content.fid[0]), work.target
    prepared = await anyio.to_thread.run_sync(_prepared, work, rows, content)
    staged = await anyio.to_thread.run_sync(_staged, work, prepared)
    boxes = prepared.boxes()
    if not is_new:
        boxes = np.vstack([boxes, await _boxes(connection, work, [fid])])
        await publication.close_rows(connection, target, made, [fid])
    work.on_step("closed")
    await editing.write(connection, target, staged, made)
    work.on_step("written")
    counts = {"added": 1} if is_new else {"changed": 1}
    await _record(connection, work, standing, made, boxes, **counts)
    return Done(fid, await _seen_after(connection, work, made, fid), made)


async def _seen_after(connection: Connection, work: Work, revision: int, fid: int) -> features.Item:
    """The relation itself says it: the row is still seen, and still the caller's to edit."""
    state, srid = replace(work.state, revision=revision), work.catalogue.storage_srid
    seen = await features.item(connection, state, srid, work.items, fid)
    if seen is None or await features.item(connection, state, srid, work.edit, fid) is None:
        raise row_refused()
    return seen


async def _record(
    connection: Connection, work: Work, standing: Standing, made: int, boxes: NDArray[np.float64], *, added: int = 0,
    changed: int = 0, removed: int = 0,
) -> None:  # fmt: skip
    layer, who = work.state.definition.id, work.principal
    revised = publication.Revision(
        layer, made, "edit", standing.definition, standing.state, who.id, who.os_user, None, added, changed, removed,
        work.now,
    )  # fmt: skip
    await publication.record_revision(connection, revised, state_reason=standing.reason)
    await publication.record_change_boxes(connection, layer, made, boxes)
    await _leave_event(connection, work, made)
    await publication.notify(connection)
    work.on_step("recorded")


async def _leave_event(connection: Connection, work: Work, revision: int) -> None:
    event = audit.Event.of_decision(
        work.principal, work.edit, purpose=work.purpose, policy=work.catalogue.policy_digest, revision=revision,
        features=1,
    )  # fmt: skip
    await audit.record(connection, event)


async def _boxes(connection: Connection, work: Work, fids: list[int]) -> NDArray[np.float64]:
    if not work.state.definition.has_geometry:
        return np.zeros((0, 4))
    found = await box_of_rows(connection, work.target, fids)
    return np.zeros((0, 4)) if found is None else np.array([found])


# ── the row ──────────────────────────────────────────────────────────────────────────────────────
def _merged(work: Work, right: Right, before: Before, sent: Sent, terms: Terms) -> After:
    return merged(work.catalogue.profile, work.state.definition, work.items.columns, right, before, sent, terms)


def _widest(work: Work) -> Right:
    """Of a row that is not there yet: what some row could have; the row that comes of it is judged for itself."""
    definition = work.state.definition
    columns = frozenset(receivables(definition, work.items, work.edit))
    return Right(columns, columns, receives_geometry(definition, work.items, work.edit))


def _shown(stored: editing.StoredRow) -> dict[str, object]:
    return {**stored.values, GEOMETRY: stored.degrees}


def _row(work: Work, values: Mapping[str, object], geometry: BaseGeometry | None) -> dict[str, object]:
    """As row rules read it: the shape in CRS84."""
    row = dict(values)
    if geometry is not None:
        shapes = np.array([geometry, None], dtype=object)[:1]
        row[GEOMETRY] = projection_of(work.catalogue.profile.header).to_wgs84(shapes)[0]
    return row


def _require(work: Work, right: Right | None, after: After) -> None:
    """The change lies within what the caller may write of the row as it would be."""
    if right is None:
        raise row_refused()
    own = right.columns | ({GEOMETRY} if right.has_geometry else set())
    if not after.written <= own:
        raise row_refused()


def _rows(work: Work, after: After) -> Rows:
    definition = work.state.definition
    columns = {each.name: pa.array([after.values[each.name]], ARROW_TYPES[each.type]) for each in definition.attributes}
    table = pa.table(columns) if columns else pa.table({"_": pa.nulls(1)})
    parts = [table[name].combine_chunks().cast(pa.string())[0].as_py() for name in definition.key_columns]
    key = ".".join(parts) if parts and None not in parts else None
    shapes = np.array([after.geometry, None], dtype=object)[:1]
    return Rows(np.ones(1, dtype=np.int64), table, pa.array([key], pa.string()), shapes)


def _prepared(work: Work, rows: Rows, content: Content) -> Prepared:
    return prepare(work.state.definition, work.catalogue.profile, work.catalogue.storage_srid, rows, content)


def _staged(work: Work, prepared: Prepared) -> editing.Staged:
    (rows,) = prepared.row_chunks(lambda _done: None)
    facts = fact_columns(work.catalogue.profile, work.state.definition)
    return editing.Staged(prepared.columns, prepared.kinds, rows, tuple(prepared.piece_chunks()), facts)


async def _free_fid(connection: Connection, work: Work, fid_key: bytes, key: str | None, content: Content) -> int:
    """As a publication makes it: of a name that stands already, the next occurrence."""
    name = content.row_hash[0].tobytes() if key is None else key.encode()
    for occurrence in count():
        fid = fid_of(identity_of(work.state.definition, fid_key, occurrence, name))
        if not await editing.is_fid_taken(connection, work.target, fid):
            return fid
    raise AssertionError  # the numbers do not end


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────
def _busy(work: Work) -> UnavailableError:
    """That somebody is at work on a layer is activity of it."""
    if work.items.hides_activity:
        return UnavailableError(
            "Máy chủ đang bận. Vui lòng thử lại sau ít phút.", "The server is busy. Please try again in a moment."
        )
    return UnavailableError(
        "Lớp đang được công bố hoặc sửa bởi người khác. Vui lòng thử lại sau ít phút.",
        "The layer is being published or edited by somebody else. Please try again in a moment.",
    )


def row_refused() -> ForbiddenError:
    return ForbiddenError(
        "Bạn không có quyền sửa đối tượng này, hoặc sau khi sửa nó sẽ nằm ngoài phạm vi của bạn.",
        "This feature is not yours to edit, or would lie outside what is yours after the change.",
        reason="rows",
    )


def _may_not_create() -> ForbiddenError:
    return ForbiddenError(
        "Quyền của bạn không đủ để thêm hay xóa đối tượng của lớp này. Liên hệ cơ quan chủ quản lớp.",
        "Your rights are not enough to add or remove features of this layer. Ask the office that answers for it.",
        reason="columns",
    )


def key_taken() -> ConflictError:
    return ConflictError(
        "Khóa này đã được dùng trong lớp. Kiểm tra số liệu, hoặc sửa đối tượng đang có.",
        "This key is in use in the layer. Check what was entered, or change the feature that has it.",
        reason="key",
    )
