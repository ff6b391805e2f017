"""Many subjects at once: one snapshot exported, partitions judged by processes, two Parquet files (contracts 2).

The same `evaluate` as the single check runs on each partition. A partition that is done stays done: `resume` goes on
where a batch was stopped, over the same cut.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from anyio import to_thread

from gis.crs import CrsName
from gis.errors import LienthongError
from layers.access.principal import Principal
from layers.canonical import digest_of as digest_of_value
from layers.canonical import plain
from layers.errors import InvalidRequestError, NotFoundError, SourceError
from layers.publishing.source import Progress, digest_of, no_progress, read_source
from layers.store import audit, check_export
from layers.store.catalogue import Catalogue
from layers.store.checks import CandidatesError, CutLayer, read_cut
from layers.store.connection import Connection, Database
from layers.store.tables import srid

from .evaluate import Standing
from .export import export_layer, layer_exports, require_areas, with_subject_keys, write_subjects
from .outcome import Summary, write_results
from .partition import run
from .plan import Plan, Started
from .reading import Case, require_served
from .request import LOCAL_TIME, instant_of
from .rule_finding import accuracy_of
from .run import bound_case
from .zones import names_communes, projection_of

WORK = ".batch"
_NUMBERING = pa.schema([(role, pa.string()) for role in check_export.NAMING_ROLES])


class BatchStoppedError(LienthongError):
    """A worker process ended before its partition did."""

    code = "batch_stopped"


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What is asked: subjects of a layer, or of a file; `as_of` and `on_date` as in a single check."""

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
    """Check every subject; `findings.parquet` and `features.parquet` appear in `out` when all is done.

    Raises InvalidInputsError, InvalidRequestError, NotFoundError, UnavailableError, SourceError, BatchStoppedError.
    """
    clock = datetime.now(UTC)
    folder = _work_folder(request)
    event = audit.Event.of(principal, "check", "allow", layer=request.layer, policy=catalogue.policy_digest)
    async with audit.opened(database, event) as access:
        started = Started.read(folder) if request.resume else None
        if started is None:
            plan, started = await _begin(database, catalogue, request, now or clock, folder, progress)
        else:
            plan = _resumed(catalogue, request, started, folder)
        done = [number for number in range(plan.partitions) if plan.findings_file(number).is_file()]
        await to_thread.run_sync(compute, plan, request.workers, progress)
        summary = await to_thread.run_sync(write_results, plan, request.out, progress, catalogue.policy_digest)
        async with database.connection() as connection:
            await audit.record(connection, _closing(access, request, plan, started))
    await to_thread.run_sync(shutil.rmtree, folder)
    return BatchReport(
        procedure=request.procedure, subjects=plan.subjects, checks=len(plan.procedure.checks),
        partitions=plan.partitions, resumed=len(done), on_date=started.on_date, as_of=started.as_of,
        cut={layer: standing.revision for layer, standing in plan.standings.items()}, summary=summary,
        findings=request.out / "findings.parquet", features=request.out / "features.parquet",
        seconds=(datetime.now(UTC) - clock).total_seconds(),
    )  # fmt: skip


def _work_folder(request: BatchRequest) -> Path:
    if (request.layer is None) == (request.file is None):
        raise InvalidRequestError("Cần đúng một trong TỆP và --layer.", "Exactly one of FILE and --layer is needed.")
    if request.out.exists() and not request.out.is_dir():
        raise InvalidRequestError(
            f"'{request.out}' là một tệp; --out cần một thư mục.", f"'{request.out}' is a file; --out needs a folder."
        )
    return request.out / WORK


# ── beginning ────────────────────────────────────────────────────────────────────────────────────


async def _begin(
    database: Database, catalogue: Catalogue, request: BatchRequest, now: datetime, folder: Path, progress: Progress
) -> tuple[Plan, Started]:
    """Everything out of the database in one snapshot; the plan is written when all lies there."""
    as_of = instant_of(request.as_of, now)
    on_date = request.on_date or (as_of or now).astimezone(LOCAL_TIME).date()
    case = bound_case(catalogue, request.procedure, request.inputs, on_date, as_of=as_of, clock=as_of or now)
    asked = await to_thread.run_sync(_identity, request)
    await to_thread.run_sync(_make_anew, folder)
    async with database.transaction(snapshot=True) as connection:
        plan = await _exported(connection, catalogue, request, case, folder, progress)
    started = Started(
        request=asked, as_of=as_of, on_date=on_date, clock=case.clock, subjects=plan.subjects,
        are_parcels=plan.are_parcels, standings=plan.standings, accuracy_m=plan.accuracy_m, failed=plan.failed,
        rules=_rules_digest(case), commune_areas=plan.commune_areas,
    )  # fmt: skip
    started.write(folder)
    return plan, started


def _make_anew(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _identity(request: BatchRequest) -> str:
    """What makes two batches the same question, but for the data and the dates."""
    source = request.layer if request.file is None else _digest_of_file(request.file)
    told = {"procedure": request.procedure, "inputs": dict(request.inputs), "source": source}
    return digest_of_value(plain(told | {"source_layer": request.source_layer}))


def _digest_of_file(path: Path) -> str:
    if not path.exists():
        raise SourceError(f"Không có tệp '{path}'.", f"There is no file '{path}'.")
    return digest_of(path)


def _rules_digest(case: Case) -> str:
    return digest_of_value(plain([asdict(check) for check in case.bound.procedure.checks]))


async def _exported(
    connection: Connection, catalogue: Catalogue, request: BatchRequest, case: Case, folder: Path, progress: Progress
) -> Plan:
    layers = list(dict.fromkeys([*(rule.layer for rule in case.rules), *_subject_layers(request, catalogue)]))
    cut = await read_cut(connection, dict.fromkeys(layers), instant=case.as_of, timeout_ms=0)
    subjects = await _subjects(connection, catalogue, request, case, cut, progress)
    plan = Plan(
        folder=folder, profile=case.profile, procedure=case.bound.procedure,
        standings={rule.layer: _standing(case, cut[rule.layer]) for rule in case.rules},
        accuracy_m={}, failed={}, clock=case.clock, subjects=subjects.num_rows,
        are_parcels=request.layer == case.profile.parcel_layer.id,
        commune_areas=await _commune_areas(connection, case, cut),
    )  # fmt: skip
    await to_thread.run_sync(write_subjects, plan, subjects, progress)
    return await _with_layers(connection, plan, case, cut, progress)


def _subject_layers(request: BatchRequest, catalogue: Catalogue) -> list[str]:
    """The layer of the subjects, and that of the communes where zones name some."""
    header = catalogue.profile.header
    communes = header.reference_layers.commune if any(map(names_communes, header.crs.zones)) else None
    return [layer for layer in (request.layer, communes) if layer is not None and layer in catalogue.layers]


def _standing(case: Case, layer: CutLayer) -> Standing:
    definition = case.profile.layer(layer.id)
    assert definition is not None  # bind refuses rules on unknown layers
    return Standing(
        revision=layer.revision,
        state=case.standing(layer).state,
        published=layer.published,
        max_age_days=definition.max_age_days,
        accuracy_m=accuracy_of(definition, case),
    )


async def _with_layers(
    connection: Connection, plan: Plan, case: Case, cut: Mapping[str, CutLayer], progress: Progress
) -> Plan:
    """Each layer behind a savepoint: one that cannot be read costs its own checks and no other."""
    accuracy: dict[str, float] = {}
    failed: dict[str, str] = {}
    exports = layer_exports(case, cut)
    for number, export in enumerate(exports):
        name = export.definition.id
        try:
            async with connection.transaction():
                accuracy[name] = await check_export.largest_accuracy_m(connection, export.cut.number)
                await export_layer(connection, plan, export, case)
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


# ── subjects ─────────────────────────────────────────────────────────────────────────────────────


async def _subjects(
    connection: Connection, catalogue: Catalogue, request: BatchRequest, case: Case, cut: Mapping[str, CutLayer],
    progress: Progress,
) -> pa.Table:  # fmt: skip
    """The subjects in the storage CRS, with their keys, accuracies and numbers."""
    if request.file is not None:
        return await to_thread.run_sync(_subjects_of_file, request, case, progress)
    definition = case.profile.layer(request.layer or "")
    if definition is None or request.layer not in cut:
        listed = ", ".join(sorted(catalogue.layers))
        raise NotFoundError(
            f"Không có lớp '{request.layer}'. Các lớp: {listed}.", f"No layer '{request.layer}'. Layers: {listed}."
        )
    require_areas(definition)
    layer = cut[definition.id]
    require_served(layer, case.standing(layer))
    rows = await check_export.subjects(
        connection, definition, catalogue.storage_srid, layer.number, layer.revision,
        lambda done: progress("subjects", done, done),
    )  # fmt: skip
    return with_subject_keys(rows)


def _subjects_of_file(request: BatchRequest, case: Case, progress: Progress) -> pa.Table:
    assert request.file is not None  # asked for by the caller
    source = read_source(request.file, request.source_layer, None, progress)
    if source.crs is None:
        raise SourceError(
            f"Tệp '{source.name}' không ghi hệ tọa độ. Ghi hệ tọa độ vào tệp (ví dụ .prj, hoặc GPKG) rồi chạy lại.",
            f"'{source.name}' names no coordinate system. Write it into the file (.prj, or GPKG) and run again.",
        )
    shapes = _stored(source.table["geometry"], source.crs, case)
    rows = source.table.num_rows
    keys = pa.array([str(number) for number in range(1, rows + 1)])
    if "key" in source.table.column_names:
        keys = pa.compute.coalesce(source.table["key"].combine_chunks().cast(pa.string()), keys)
    columns = {
        "fid": pa.nulls(rows, pa.int64()),
        "accuracy_m": pa.array(np.zeros(rows)),
        "geometry": pa.array(shapely.to_wkb(shapes), pa.binary()),
        **{field.name: pa.nulls(rows, field.type) for field in _NUMBERING},
        "subject_key": keys,
    }
    return pa.table(columns)


def _stored(geometry: pa.ChunkedArray, crs: CrsName, case: Case) -> np.typing.NDArray[np.object_]:
    """Shapes of the file in the storage CRS; what cannot be read as a shape is none."""
    shapes = np.asarray(shapely.from_wkb(geometry.to_numpy(), on_invalid="ignore"), dtype=object)
    stored = projection_of(case.profile.header.crs).to_crs(
        np.asarray(shapely.force_2d(shapes), dtype=object), crs, case.profile.header.crs.storage
    )
    coordinates, owner = shapely.get_coordinates(stored, return_index=True)
    stored = stored.copy()
    stored[np.unique(owner[~np.isfinite(coordinates).all(axis=1)])] = None
    return stored


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
        are_parcels=started.are_parcels, commune_areas=started.commune_areas,
    )  # fmt: skip


def _differs(request: BatchRequest, started: Started, case: Case) -> bool:
    asked = _identity(request)
    other_day = request.on_date not in (None, started.on_date)
    as_of = instant_of(request.as_of, datetime.now(UTC)) if request.as_of else None
    other_instant = as_of is not None and as_of != started.as_of
    return asked != started.request or _rules_digest(case) != started.rules or other_day or other_instant


# ── computing ────────────────────────────────────────────────────────────────────────────────────


def compute(plan: Plan, workers: int | None, progress: Progress = no_progress) -> None:
    """Run every partition that is not done. Raises BatchStoppedError; what was done stays done."""
    waiting = [number for number in range(plan.partitions) if not plan.findings_file(number).is_file()]
    done = plan.subjects - sum(_subjects_in(plan, number) for number in waiting)
    progress("check", done, plan.subjects)
    count = min(workers or os.cpu_count() or 1, len(waiting))
    if count <= 1:
        for number in waiting:
            done += run(plan, number)
            progress("check", done, plan.subjects)
        return
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(run, plan, number) for number in waiting]
        try:
            for future in as_completed(futures):
                done += future.result()
                progress("check", done, plan.subjects)
        except BrokenProcessPool as error:
            raise BatchStoppedError(
                "Một tiến trình kiểm tra bị dừng (hết bộ nhớ?). Chạy lại với --resume, có thể với ít --workers hơn.",
                "A worker process was stopped (out of memory?). Run again with --resume, maybe with fewer --workers.",
            ) from error
        finally:
            _cancel(futures)


def _cancel(futures: Sequence[Future[int]]) -> None:
    for future in futures:
        future.cancel()


def _subjects_in(plan: Plan, number: int) -> int:
    return min(plan.size, plan.subjects - number * plan.size)


def _closing(access: audit.Access, request: BatchRequest, plan: Plan, started: Started) -> audit.Event:
    """What a batch ends with; `request` is the digest of what was asked."""
    used = tuple(layer for layer in plan.standings if layer != request.layer)
    return access.closing(used=used, request=started.request, features=plan.subjects)
