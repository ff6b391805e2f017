"""Many subjects at once: one snapshot exported, partitions judged by processes, two Parquet files (contracts 2).

The same `evaluate` as the single check runs on each partition. A partition that is done stays done: `resume` goes on
where a batch was stopped, over the same cut, and ends with the same bytes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from anyio import to_thread

from layers.access.principal import Principal
from layers.canonical import digest_of as digest_of_value
from layers.canonical import plain
from layers.errors import InvalidRequestError, NotFoundError, SourceError
from layers.plain_text import require_line
from layers.publishing.source import Progress, digest_of, no_progress
from layers.store import audit, check_export
from layers.store.catalogue import Catalogue
from layers.store.checks import CandidatesError, CutLayer, read_cut
from layers.store.connection import Connection, Database
from layers.store.raster_files import RasterFolder
from layers.store.tables import srid

from .batch_folder import clear, make_anew
from .batch_subjects import OfFeatures, OfFile, OfLayer, Source, read_subjects
from .compute import BatchStoppedError, compute, get_ready
from .evaluate import Standing
from .export import export_layer, layer_exports, write_subjects
from .outcome import Summary, write_results
from .plan import FORMAT, Plan, Started
from .reading import Case
from .request import LOCAL_TIME, instant_of
from .rule_finding import accuracy_of
from .run import bound_case
from .share import Share
from .zones import names_communes

__all__ = ["BatchReport", "BatchRequest", "BatchStoppedError", "batch"]

WORK = ".batch"


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What is asked: subjects of a layer, of a file, or shapes; `as_of` and `on_date` as in a single check."""

    procedure: str
    out: Path
    layer: str | None = None
    file: Path | None = None
    source_layer: str | None = None
    inputs: Mapping[str, object] = field(default_factory=dict)
    as_of: date | datetime | None = None
    on_date: date | None = None
    workers: int | None = None  #: None: as many as there are processors
    resume: bool = False
    source: Source | None = None  #: instead of layer or file: with rows chosen, or shapes
    asked: str | None = None  #: what the source was chosen by, where it says more than the source
    share: Share | None = None  #: what its owner may be shown; None: everything
    purpose: str | None = None
    work: Path | None = None  #: where to work; None: below `out`
    most_subjects: int | None = None
    keeps_work: bool = False  #: whoever asked clears the work away, once it is sure that nobody else is at it

    def __post_init__(self) -> None:
        """Raises InvalidInputsError for what no event may hold."""
        require_line(self.purpose, "purpose")


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What came of it."""

    procedure: str
    subjects: int
    checks: int
    partitions: int
    resumed: int  #: partitions that were done before
    on_date: date
    as_of: datetime | None
    cut: Mapping[str, int]
    summary: Summary
    findings: Path
    features: Path
    seconds: float

    def as_dict(self) -> dict[str, object]:
        made: dict[str, object] = plain(
            {
                "procedure": self.procedure, "subjects": self.subjects, "checks": self.checks,
                "partitions": self.partitions, "resumed": self.resumed, "on_date": self.on_date, "as_of": self.as_of,
                "cut": self.cut, **asdict(self.summary), "findings": str(self.findings),
                "features": str(self.features), "seconds": round(self.seconds, 2),
            }
        )  # fmt: skip
        return made


async def batch(
    database: Database,
    catalogue: Catalogue,
    request: BatchRequest,
    principal: Principal,
    *,
    now: datetime | None = None,
    progress: Progress = no_progress,
) -> BatchReport:
    """Check every subject; `findings.parquet`, `features.parquet` and `summary.json` appear in `out` when all is done.

    Raises InvalidInputsError, InvalidRequestError, NotFoundError, UnavailableError, SourceError, BatchStoppedError.
    """
    clock = datetime.now(UTC)
    source, folder = _source_of(request), _work_folder(request)
    layer = source.layer if isinstance(source, OfLayer) else None
    event = audit.Event.of(
        principal, "check", "allow", layer=layer, purpose=request.purpose, policy=catalogue.policy_digest
    )
    async with audit.opened(database, event) as access:
        started = Started.read(folder) if request.resume else None
        if started is None:
            plan, started = await _begin(database, catalogue, request, now or clock, folder, progress)
        else:
            plan = _resumed(catalogue, request, started, folder)
            started = await to_thread.run_sync(_in_this_format, plan, started, progress)
        done = [number for number in range(plan.partitions) if plan.findings_file(number).is_file()]
        await to_thread.run_sync(compute, plan, request.workers, progress)
        about = _about(request, plan, started)
        summary = await to_thread.run_sync(write_results, plan, request.out, progress, started.policy, about)
        async with database.connection() as connection:
            await audit.record(connection, _closing(access, layer, plan, started))
    if not request.keeps_work:
        await to_thread.run_sync(clear, folder)
    return BatchReport(
        procedure=request.procedure, subjects=plan.subjects, checks=len(plan.procedure.checks),
        partitions=plan.partitions, resumed=len(done), on_date=started.on_date, as_of=started.as_of,
        cut=_told_cut(plan), summary=summary,
        findings=request.out / "findings.parquet", features=request.out / "features.parquet",
        seconds=(datetime.now(UTC) - clock).total_seconds(),
    )  # fmt: skip


def _source_of(request: BatchRequest) -> Source:
    if request.source is not None:
        return request.source
    if request.layer is not None and request.file is None:
        return OfLayer(request.layer)
    if request.file is not None and request.layer is None:
        return OfFile(request.file, request.source_layer)
    raise InvalidRequestError("Cần đúng một trong TỆP và --layer.", "Exactly one of FILE and --layer is needed.")


def _work_folder(request: BatchRequest) -> Path:
    if request.out.exists() and not request.out.is_dir():
        raise InvalidRequestError(
            f"'{request.out}' là một tệp; --out cần một thư mục.", f"'{request.out}' is a file; --out needs a folder."
        )
    return request.work or request.out / WORK


def _about(request: BatchRequest, plan: Plan, started: Started) -> dict[str, object]:
    """What the counts are counts of; nothing in it depends on how the batch was run."""
    return {
        "procedure": request.procedure, "inputs": dict(request.inputs), "subjects": plan.subjects,
        "checks": len(plan.procedure.checks), "on_date": started.on_date, "as_of": started.as_of,
        "cut": _told_cut(plan), "rules": started.rules, "purpose": request.purpose,
    }  # fmt: skip


def _told_cut(plan: Plan) -> dict[str, int]:
    share = plan.share
    return {layer: standing.revision for layer, standing in plan.standings.items()
            if share is None or (not share.hides(layer) and share.of(layer).tells_activity)}  # fmt: skip


# ── beginning ────────────────────────────────────────────────────────────────────────────────────


async def _begin(
    database: Database, catalogue: Catalogue, request: BatchRequest, now: datetime, folder: Path, progress: Progress
) -> tuple[Plan, Started]:
    """Everything out of the database in one snapshot; the plan is written when all lies there."""
    as_of = instant_of(request.as_of, now)
    on_date = request.on_date or (as_of or now).astimezone(LOCAL_TIME).date()
    case = bound_case(catalogue, request.procedure, request.inputs, on_date, as_of=as_of, clock=as_of or now)
    asked = await to_thread.run_sync(_identity, request)
    await to_thread.run_sync(make_anew, folder)
    async with database.transaction(snapshot=True) as connection:
        plan = await _exported(connection, catalogue, request, case, folder, progress, database.raster_folder)
    started = Started(
        request=asked, as_of=as_of, on_date=on_date, clock=case.clock, subjects=plan.subjects,
        are_parcels=plan.are_parcels, standings=plan.standings, accuracy_m=plan.accuracy_m, failed=plan.failed,
        rules=_rules_digest(case), commune_areas=plan.commune_areas, policy=catalogue.policy_digest,
        share=request.share.digest if request.share else None,
    )  # fmt: skip
    started.write(folder)
    return plan, started


def _identity(request: BatchRequest) -> str:
    """What makes two batches the same question, but for the data and the dates."""
    told = {"procedure": request.procedure, "inputs": dict(request.inputs), "source": _named(_source_of(request))}
    return digest_of_value(plain(told | {"source_layer": request.source_layer, "asked": request.asked}))


def _named(source: Source) -> object:
    """A text for a source; rows chosen by a condition are named by that (`asked`), features by what they are."""
    if isinstance(source, OfFile):
        return _digest_of_file(source.path)
    if isinstance(source, OfFeatures):
        return digest_of_value(plain(list(source.features)))
    return source.layer if source.keys is None else [source.layer, sorted(source.keys)]


def _digest_of_file(path: Path) -> str:
    if not path.exists():
        raise SourceError(f"Không có tệp '{path}'.", f"There is no file '{path}'.")
    return digest_of(path)


def _rules_digest(case: Case) -> str:
    return digest_of_value(plain([asdict(check) for check in case.bound.procedure.checks]))


async def _exported(
    connection: Connection,
    catalogue: Catalogue,
    request: BatchRequest,
    case: Case,
    folder: Path,
    progress: Progress,
    rasters: RasterFolder | None,
) -> Plan:
    layers = list(dict.fromkeys([*(rule.layer for rule in case.rules), *_subject_layers(request, catalogue)]))
    cut = await read_cut(connection, dict.fromkeys(layers), instant=case.as_of, timeout_ms=0)
    source = _source_of(request)
    subjects = await read_subjects(connection, source, case, cut, progress)
    _require_some(subjects.num_rows, request)
    plan = Plan(
        folder=folder, profile=case.profile, procedure=case.bound.procedure,
        standings={rule.layer: _standing(case, cut[rule.layer]) for rule in case.rules},
        accuracy_m={}, failed={}, clock=case.clock, subjects=subjects.num_rows,
        are_parcels=isinstance(source, OfLayer) and source.layer == case.profile.parcel_layer.id,
        commune_areas=await _commune_areas(connection, case, cut), share=request.share,
    )  # fmt: skip
    if min(request.workers or os.cpu_count() or 1, plan.partitions) > 1:
        get_ready()  # while the layers are read
    writing = asyncio.create_task(to_thread.run_sync(write_subjects, plan, subjects, progress))
    try:
        plan = await _with_layers(connection, plan, case, cut, progress, rasters)
    except BaseException:
        await asyncio.gather(writing, return_exceptions=True)  # nobody writes into the folder any more
        raise
    await writing
    return plan


def _require_some(found: int, request: BatchRequest) -> None:
    """Raises NotFoundError where nothing was chosen, InvalidRequestError where too much was."""
    if request.most_subjects is not None and found > request.most_subjects:
        raise InvalidRequestError(
            f"Có {found} đối tượng, nhiều hơn {request.most_subjects}. Chia nhỏ theo xã hoặc điều kiện lọc.",
            f"{found} subjects are more than {request.most_subjects}. Divide them by commune or by a filter.",
        )
    if request.source is not None and not found:
        raise NotFoundError("Không có đối tượng nào để kiểm tra.", "There is nothing to check.")


def _subject_layers(request: BatchRequest, catalogue: Catalogue) -> list[str]:
    """The layer of the subjects, and that of the communes where zones name some."""
    header = catalogue.profile.header
    communes = header.reference_layers.commune if any(map(names_communes, header.crs.zones)) else None
    source = _source_of(request)
    own = source.layer if isinstance(source, OfLayer) else None
    return [layer for layer in (own, communes) if layer is not None and layer in catalogue.layers]


def _standing(case: Case, layer: CutLayer) -> Standing:
    definition = case.profile.layer(layer.id)
    assert definition is not None  # bind refuses rules on unknown layers
    return Standing(
        revision=layer.revision,
        state=case.standing(layer).state,
        published=layer.content_date,
        max_age_days=definition.max_age_days,
        accuracy_m=accuracy_of(definition, case),
        is_early=case.is_early(layer),
    )


async def _with_layers(
    connection: Connection,
    plan: Plan,
    case: Case,
    cut: Mapping[str, CutLayer],
    progress: Progress,
    rasters: RasterFolder | None,
) -> Plan:
    """Each layer behind a savepoint: one that cannot be read costs its own checks and no other."""
    accuracy: dict[str, float] = {}
    failed: dict[str, str] = {}
    exports = layer_exports(case, cut, plan.share)
    for number, export in enumerate(exports):
        name = export.definition.id
        try:
            async with connection.transaction():
                accuracy[name] = await check_export.largest_accuracy_m(connection, export.cut.number)
                await export_layer(connection, plan, export, case, rasters)
        except CandidatesError as error:
            failed[name] = error.reason
        except InvalidRequestError:
            failed[name] = "error"
        progress("layers", number + 1, len(exports))
    return replace(plan, accuracy_m=accuracy, failed=failed)


async def _commune_areas(connection: Connection, case: Case, cut: Mapping[str, CutLayer]) -> dict[str, bytes]:
    """Shapes of the communes that zones name, by code."""
    name = case.profile.header.reference_layers.commune
    layer = case.profile.layer(name) if name else None
    if layer is None or name not in cut or cut[layer.id].revision == 0:
        return {}
    wanted = {code for zone in case.profile.header.crs.zones if names_communes(zone) for code in zone.area or ()}
    storage = srid(case.profile.header.crs.storage)
    found = await check_export.subjects(
        connection, layer, storage, cut[layer.id].number, cut[layer.id].revision, lambda _: None
    )
    codes = found["commune"] if layer.by_role("commune") else found["key"]
    shapes = zip(codes.to_pylist(), found["geometry"].to_pylist(), strict=True)
    return {code: bytes(wkb) for code, wkb in shapes if code in wanted}


# ── resuming ─────────────────────────────────────────────────────────────────────────────────────


def _resumed(catalogue: Catalogue, request: BatchRequest, started: Started, folder: Path) -> Plan:
    """The plan as it was begun. Raises InvalidRequestError where something else is asked now."""
    case = bound_case(
        catalogue, request.procedure, request.inputs, started.on_date, as_of=started.as_of, clock=started.clock
    )
    if _differs(request, started, case):
        raise InvalidRequestError(
            f"Đợt kiểm tra dở dang trong '{request.out}' hỏi điều khác (thủ tục, đầu vào, nguồn hoặc ngày). "
            "Chạy lại không có --resume, hoặc chọn thư mục --out khác.",
            f"The unfinished batch in '{request.out}' asks something else (procedure, inputs, source or date). "
            "Run again without --resume, or choose another --out.",
        )
    return Plan(
        folder=folder, profile=case.profile, procedure=case.bound.procedure, standings=started.standings,
        accuracy_m=started.accuracy_m, failed=started.failed, clock=started.clock, subjects=started.subjects,
        are_parcels=started.are_parcels, commune_areas=started.commune_areas, share=request.share,
    )  # fmt: skip


def _in_this_format(plan: Plan, started: Started, progress: Progress) -> Started:
    """What partitions left in another format is taken away, so that they are worked out again over the same cut; that
    is told as a step of its own, `outdated`."""
    if started.format == FORMAT:
        return started
    findings, features = plan.left()
    for path in (*findings, *features):
        path.unlink()
    if findings:
        progress("outdated", len(findings), plan.partitions)
    made = replace(started, format=FORMAT)
    made.write(plan.folder)
    return made


def _differs(request: BatchRequest, started: Started, case: Case) -> bool:
    asked = _identity(request)
    other_day = request.on_date not in (None, started.on_date)
    as_of = instant_of(request.as_of, datetime.now(UTC)) if request.as_of else None
    other_instant = as_of is not None and as_of != started.as_of
    other_rights = (request.share.digest if request.share else None) != started.share
    return (
        other_rights or asked != started.request or _rules_digest(case) != started.rules or other_day or other_instant
    )


def _closing(access: audit.Access, own: str | None, plan: Plan, started: Started) -> audit.Event:
    """What a batch ends with; `request` is the digest of what was asked."""
    used = tuple(layer for layer in plan.standings if layer != own and not plan.hides(layer))
    return access.closing(used=used, request=started.request, features=plan.subjects)
