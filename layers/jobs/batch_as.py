"""A batch of the command line for somebody who is named: nothing more than a job of theirs would show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from layers.access.classes import class_of
from layers.access.decide import Decision
from layers.checking.batch import WORK, BatchReport, BatchRequest, batch
from layers.checking.batch_rights import share_of, subjects_decision
from layers.checking.batch_subjects import OfLayer
from layers.checking.export import require_areas
from layers.checking.plan import Started
from layers.checking.reading import TIMEOUT_MS
from layers.checking.request import LOCAL_TIME, instant_of
from layers.publishing.source import Progress, no_progress
from layers.store.catalogue import Catalogue
from layers.store.checks import read_cut
from layers.store.connection import Database
from layers.store.reached import reached_fids

from .batch_asked import require_known, require_unlimited
from .owner import Owner


async def batch_as(
    database: Database,
    catalogue: Catalogue,
    request: BatchRequest,
    owner: Owner,
    *,
    now: datetime | None = None,
    progress: Progress = no_progress,
) -> BatchReport:
    """Raises NotFoundError and ForbiddenError for what the owner may not have checked, and whatever `batch` raises."""
    principal, clock = owner.principal, now or datetime.now(UTC)
    if not principal.is_operator:
        require_known(owner)
        owner.require(request.purpose)
        request = await _within_rights(database, catalogue, _with_purpose(request, catalogue), owner, clock)
    return await batch(database, catalogue, request, principal, now=clock, progress=progress)


def _with_purpose(request: BatchRequest, catalogue: Catalogue) -> BatchRequest:
    definition = catalogue.profile.procedure(request.procedure)
    return replace(request, purpose=request.purpose or (definition.purpose if definition else None))


async def _within_rights(
    database: Database, catalogue: Catalogue, request: BatchRequest, owner: Owner, now: datetime
) -> BatchRequest:
    """The same question with the owner's share, and of a layer with the rows they may have checked."""
    day, purpose, decision = now.astimezone(LOCAL_TIME).date(), request.purpose, None
    if request.layer is not None:
        decision = subjects_decision(catalogue, owner.principal, request.layer, purpose=purpose, day=day)
    require_unlimited(catalogue, owner, request.procedure, request.layer, purpose=purpose, now=now)
    definition = catalogue.profile.procedure(request.procedure)
    layers = sorted(definition.layers()) if definition else []
    share = share_of(catalogue, owner.principal, layers, purpose=purpose, day=day, subjects=decision)
    request = replace(request, share=share)
    goes_on = request.resume and Started.read(request.work or request.out / WORK) is not None
    if decision is None or goes_on:  # what was begun under the same rights has its rows
        return request
    is_named = share is None or share.names_subjects
    return replace(
        request, layer=None, source=await _rows(database, catalogue, request, owner, decision, is_named, now)
    )


async def _rows(
    database: Database, catalogue: Catalogue, request: BatchRequest, owner: Owner, decision: Decision, is_named: bool,
    now: datetime,
) -> OfLayer:  # fmt: skip
    """Chosen behind the wall of the owner's class."""
    layer = catalogue.layer(decision.layer).definition
    require_areas(layer)
    async with database.transaction() as connection:
        instant = instant_of(request.as_of, now)
        cut = (await read_cut(connection, {layer.id: None}, instant=instant, timeout_ms=TIMEOUT_MS))[layer.id]
    async with database.reading(class_of(owner.principal, catalogue.grants)) as connection:
        fids = await reached_fids(connection, layer, catalogue.storage_srid, decision, cut.revision, None)
    return OfLayer(layer.id, fids, has_keys=is_named, revision=cut.revision)
