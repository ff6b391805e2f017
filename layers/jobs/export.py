"""An export as a job: the rows of one revision for its owner as they are today, given out while that stays so.

Taken up again it is written anew: the revision is fixed and nothing in a file says when it was made, so the bytes are
the same.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from anyio import to_thread

from layers.access.decide import Decision, decide
from layers.access.principal import PUBLIC
from layers.checking.request import LOCAL_TIME
from layers.errors import ForbiddenError, NotFoundError
from layers.exporting.formats import Format
from layers.exporting.making import make_file
from layers.publishing.source import digest_of
from layers.store import audit
from layers.store.catalogue import Catalogue, LiveCatalogue
from layers.store.exporting import Extract, batches, count_up_to

from .job import Job
from .owner import Owner, owner_today
from .run import Result, Work

#: partitions of a job whose rows were not counted: more than are counted, so that it never looks done
_UNCOUNTED = 1_000_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a job asks, read and decided anew."""

    extract: Extract
    kind: Format
    file_name: str


async def run_export(work: Work, prepare: Callable[[Work], Prepared]) -> Result:
    """Raises ForbiddenError, NotFoundError for what the owner may not export any more."""
    prepared = prepare(work)
    out = work.folder.results(work.job.token)
    await to_thread.run_sync(lambda: out.mkdir(mode=0o700, exist_ok=True))
    number = await count_up_to(work.database, prepared.extract)
    most = number or _UNCOUNTED

    def tell(features: int) -> None:
        work.tell(max(most, features + 1), features)

    made, ended = None, None
    async with LiveCatalogue(work.database) as live:
        held = _held(work, prepared, live)
        try:
            made = await make_file(
                held, prepared.extract.layout, prepared.kind, out / prepared.file_name,
                tell=tell, most_bytes=work.limits.result_bytes,
            )  # fmt: skip
        except Exception as error:  # told outside of the listener, whose tasks would wrap it
            ended = error
    if made is None:
        assert ended is not None
        if isinstance(ended, ForbiddenError | NotFoundError):
            await _record_end(work, prepared, ended)
        raise ended
    return {
        "folder": out.name, "files": [await to_thread.run_sync(_file, made.path)], "features": made.features,
        "relation": prepared.extract.decision.relation_digest,
    }  # fmt: skip


async def _held(work: Work, prepared: Prepared, live: LiveCatalogue) -> AsyncGenerator[pa.RecordBatch]:
    """The batches for as long as their owner may have them: asked before any is read, and before each is given on."""
    async with aclosing(batches(work.database, prepared.extract)) as source:
        _require_still(work.job, prepared, await live.current())
        async for batch in source:
            _require_still(work.job, prepared, await live.current())
            yield batch
    _require_still(work.job, prepared, await live.current())


def _require_still(job: Job, prepared: Prepared, catalogue: Catalogue) -> None:
    """Raises ForbiddenError, NotFoundError where the owner may export something else by now, or nothing."""
    decision = decision_today(job, catalogue, owner_today(job, catalogue), datetime.now(UTC))
    state = catalogue.layer(job.inputs["layer"]).state
    if state in ("suspended", "withdrawn") or decision.relation_digest != prepared.extract.decision.relation_digest:
        raise ForbiddenError(
            "Quyền của bạn hoặc lớp dữ liệu đã thay đổi trong khi đang xuất nên bản xuất đã dừng; hãy gửi lại yêu cầu.",
            "Your rights or the layer have changed while it was exported, so the export has ended; please ask again.",
            reason=state if state in ("suspended", "withdrawn") else "policy",
        )


async def _record_end(work: Work, prepared: Prepared, error: ForbiddenError | NotFoundError) -> None:
    decided = prepared.extract.decision
    event = audit.Event.of(
        work.owner.principal, "export", "deny", layer=decided.layer, purpose=work.job.inputs.get("purpose"),
        reason=str(error.details.get("reason") or "policy"), policy=work.catalogue.policy_digest,
    )  # fmt: skip
    async with work.database.connection() as connection:
        await audit.record(connection, event)


def _file(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest_of(path)}


def decision_today(job: Job, catalogue: Catalogue, owner: Owner, now: Any) -> Decision:
    """What the owner may export of the layer by the policy in force. Raises NotFoundError, ForbiddenError."""
    purpose = job.inputs.get("purpose")
    owner.require(purpose)
    return decide(
        owner.principal, catalogue.layer(job.inputs["layer"]).definition, "export", catalogue.grants, purpose=purpose,
        day=now.astimezone(LOCAL_TIME).date(), active_agreements=catalogue.active_agreements,
    ).require()  # fmt: skip


def require_same_relation(job: Job, catalogue: Catalogue, owner: Owner, now: Any) -> Decision:
    """Raises ForbiddenError where the owner may export something else today than what the file holds."""
    decision = decision_today(job, catalogue, owner, now)
    if decision.relation_digest != (job.result or {}).get("relation"):
        raise ForbiddenError(
            "Quyền của bạn đã thay đổi kể từ khi có tệp này nên không tải được nữa; hãy gửi lại yêu cầu.",
            "Your rights have changed since this file was made, so it is given out no more; please ask again.",
            reason="policy",
        )
    return decision


def require_somebody(owner: Owner) -> None:
    """Jobs have an owner; everybody without a name would be one. Raises ForbiddenError."""
    if owner.principal.id == PUBLIC.id and not owner.principal.is_operator:
        raise ForbiddenError(
            "Tệp lớn được làm thành công việc và cần tài khoản. Hãy đăng nhập, lọc bớt, hoặc dùng f=csv, f=jsonseq.",
            "Large files are made as a job, which needs an account. Please sign in, filter, or use f=csv or f=jsonseq.",
            reason="no_grant",
        )
