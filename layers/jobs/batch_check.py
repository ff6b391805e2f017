"""A batch as a job: its owner's rights are asked anew at the start, what was begun is gone on with, and results are
given out only while those rights are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from anyio import to_thread

from layers.access.classes import class_of
from layers.checking.batch import BatchRequest, batch
from layers.checking.batch_rights import share_of, subjects_decision
from layers.checking.batch_subjects import OfFeatures, OfLayer, Source
from layers.checking.outcome import RESULTS, SUMMARY
from layers.checking.plan import Started
from layers.checking.reading import TIMEOUT_MS
from layers.checking.request import LOCAL_TIME
from layers.checking.share import Share
from layers.errors import ForbiddenError, InvalidRequestError
from layers.publishing.source import digest_of
from layers.store.catalogue import Catalogue
from layers.store.checks import read_cut
from layers.store.reached import reached_fids

from .batch_asked import BatchAsked, require_sound
from .job import Job
from .owner import Owner
from .run import Result, Work

_FILES = (*RESULTS, SUMMARY)


async def run_batch(work: Work, *, processes: int | None = None) -> Result:
    """Begin, or go on with what was begun under the same rights; the result names its files with their digests."""
    job, catalogue = work.job, work.catalogue
    asked = BatchAsked.read(job.inputs)
    instant = datetime.fromisoformat(str(asked.as_of))
    now = max(job.created, instant)
    require_sound(asked, catalogue, work.owner, now)
    share = share_today(asked, catalogue, work.owner, job.created.astimezone(LOCAL_TIME).date())
    folder = work.folder.path / (job.work or "")
    started = Started.read(folder) if job.work else None
    goes_on = started is not None and started.share == (share.digest if share else None)
    if not goes_on:
        folder = work.folder.work(job.token)
        await work.begun(folder)
    source: Source = OfFeatures(asked.features or ())
    if asked.features is None:
        source = OfLayer(catalogue.profile.parcel_layer.id, keys=_keys(asked))
        if not goes_on and not (work.owner.principal.is_operator and asked.wanted(catalogue) is None):
            source = await _rows(work, asked, instant)
    out = work.folder.results(job.token)
    request = BatchRequest(
        procedure=asked.procedure, out=out, inputs=asked.inputs, as_of=instant, on_date=asked.day(now),
        source=source, asked=job.inputs_digest, share=share, purpose=asked.purpose_of(catalogue), work=folder,
        most_subjects=work.limits.subjects, resume=goes_on, workers=processes, keeps_work=True,
    )  # fmt: skip
    report = await batch(work.database, catalogue, request, work.owner.principal, now=now, progress=_Telling(work).tell)
    files = [await to_thread.run_sync(_file, out / name) for name in _FILES]
    if sum(each["bytes"] for each in files) > work.limits.result_bytes:
        raise InvalidRequestError(
            "Kết quả quá lớn; hãy chia nhỏ theo xã.", "The result is too large; divide it by commune."
        )
    return {
        "folder": out.name, "files": files, "subjects": report.subjects,
        "share": share.digest if share else None,
    }  # fmt: skip


def share_today(asked: BatchAsked, catalogue: Catalogue, owner: Owner, day: date) -> Share | None:
    """What the owner may be shown of it by the policy in force. Raises NotFoundError, ForbiddenError."""
    definition = catalogue.profile.procedure(asked.procedure)
    layers = sorted(definition.layers()) if definition else []
    purpose, parcels = asked.purpose_of(catalogue), catalogue.profile.parcel_layer.id
    decision = None
    if asked.features is None and not owner.principal.is_operator:
        decision = subjects_decision(catalogue, owner.principal, parcels, purpose=purpose, day=day)
    return share_of(catalogue, owner.principal, layers, purpose=purpose, day=day, subjects=decision)


def require_same_rights(job: Job, catalogue: Catalogue, owner: Owner, day: date) -> None:
    """Raises ForbiddenError where the owner may not see today what the result was made for."""
    asked = BatchAsked.read(job.inputs)
    owner.require(asked.purpose)
    share = share_today(asked, catalogue, owner, day)
    if (share.digest if share else None) != (job.result or {}).get("share"):
        raise ForbiddenError(
            "Quyền của bạn đã thay đổi kể từ khi có kết quả này nên không tải được nữa; hãy gửi lại yêu cầu.",
            "Your rights have changed since this result was made, so it is given out no more; please send it again.",
            reason="policy",
        )


async def _rows(work: Work, asked: BatchAsked, instant: datetime) -> OfLayer:
    """The rows the owner may have checked, chosen behind the wall of their class."""
    catalogue, principal = work.catalogue, work.owner.principal
    layer, wanted = catalogue.profile.parcel_layer, asked.wanted(work.catalogue)
    async with work.database.transaction() as connection:
        cut = (await read_cut(connection, {layer.id: None}, instant=instant, timeout_ms=TIMEOUT_MS))[layer.id]
    day = work.job.created.astimezone(LOCAL_TIME).date()
    purpose = asked.purpose_of(catalogue)
    decision = subjects_decision(catalogue, principal, layer.id, purpose=purpose, day=day)
    async with work.database.reading(class_of(principal, catalogue.grants)) as connection:
        fids = await reached_fids(connection, layer, catalogue.storage_srid, decision, cut.revision, wanted)
    named = share_of(catalogue, principal, (), purpose=purpose, day=day, subjects=decision)
    return OfLayer(layer.id, fids, _keys(asked), named is None or named.names_subjects, cut.revision)


def _keys(asked: BatchAsked) -> frozenset[str] | None:
    return frozenset(asked.keys) if asked.keys is not None else None


def _file(path: Any) -> Mapping[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest_of(path)}


@dataclass
class _Telling:
    """Progress of the batch's steps as partitions of the job: computing is nine tenths of it."""

    work: Work

    def tell(self, step: str, done: int, of: int) -> None:
        weights = {"subjects": (0, 20), "partition": (20, 30), "layers": (50, 50), "check": (100, 800),
                   "write": (900, 100), "read": (0, 20)}  # fmt: skip
        first, share = weights.get(step, (0, 0))
        self.work.tell(1_000, first + (share * done // of if of else share))
