"""One check: read in one snapshot, measure and judge in a thread, seal the record, answer what the caller may see."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import shapely
from anyio import CapacityLimiter, to_thread

from layers.access.principal import Principal
from layers.canonical import digest_of, plain
from layers.errors import InvalidInputsError
from layers.profile.bind import SkippedCheck
from layers.profile.profile import Profile, digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, insert_record
from layers.store.connection import Database

from .answer import Answer, Json, View, layers_of, project, view_of
from .asked import bound_procedure
from .division_parts import PART
from .evidence import engine, seal
from .findings import NOTHING_NEAR, findings_of, verdict_of_findings
from .nothing_near import NothingNear
from .reading import Case, Choose, Reading, Seeker, prepared, read
from .request import LOCAL_TIME, ByCoordinates, ByGeometry, ByUpload, CheckRequest, Drawn, instant_of
from .reserved import Asking, Right, count, right_to
from .subject import Subject
from .threads import limiter_of_loop
from .upload import shape_of_upload


async def check(
    database: Database,
    catalogue: Catalogue,
    request: CheckRequest,
    principal: Principal,
    *,
    now: datetime | None = None,
    new_id: Callable[[], str] | None = None,
    limiter: CapacityLimiter | None = None,
) -> Answer:
    """The answer to a request; its record and its event are stored before it leaves.

    Raises InvalidInputsError naming every missing or invalid input, InvalidRequestError for a subject or a date that
    cannot be used, NotFoundError and AmbiguousError for a parcel, UnavailableError while parcels cannot be looked up.
    """
    instant = now or datetime.now(UTC)
    case = case_of(catalogue, request, instant)
    purpose = request.purpose or case.definition.purpose
    today = instant.astimezone(LOCAL_TIME).date()
    seeker = Seeker(catalogue, principal, purpose, today)
    event = _event(principal, catalogue, request, purpose, case)
    async with audit.opened(database, event, is_read=True, is_beside=True) as access:
        request = await opened_upload(request, catalogue.profile)
        reading = await read(database, case, await _choose(seeker, request, catalogue.profile))
        await access.stands()
        head = {"id": new_id() if new_id else str(uuid.uuid4()), "created": instant.isoformat(),
                "principal": principal.id, "dossier": request.dossier, "purpose": purpose}  # fmt: skip

        def seal_and_project() -> _Sealed:
            content = examine(case, reading, head)
            record = seal(content, principal=principal.id)
            layers = {*reading.cut, *case.definition.layers()}  # a check that is not asked this time has a name too
            view = view_of(catalogue, principal, purpose=purpose, day=today, layers=layers)
            return _Sealed(content, record, view, project(content, record.digest, view))

        threads = limiter or limiter_of_loop()
        sealed = await to_thread.run_sync(seal_and_project, limiter=threads)
        closing = _closing(access, reading, sealed.view, sealed.record)
        if not sealed.view.reserves(layers_of(sealed.content)):
            async with database.connection() as connection:
                await insert_record(connection, sealed.record, closing)
            return sealed.answer
        asking = Asking(catalogue, principal, case.definition.id, request.dossier, request.purpose, today)
        async with database.transaction() as connection:
            right = await right_to(connection, asking, reading.subject, request.subject)
            await insert_record(connection, sealed.record, closing)
            await count(connection, asking, sealed.record.id, right)
        return await to_thread.run_sync(sealed.told, right, limiter=threads)


async def _choose(seeker: Seeker, request: CheckRequest, profile: Profile) -> Choose:
    """How the subject is come by; what needs no database is done before a connection is taken."""
    if isinstance(request.subject, ByGeometry | ByCoordinates):
        return seeker.chooser(await prepared(request.subject, profile))
    return seeker.chooser(request.subject)


async def opened_upload(request: CheckRequest, profile: Profile) -> CheckRequest:
    """The request with the shape of a file in place of the file."""
    if not isinstance(request.subject, ByUpload):
        return request
    return replace(request, subject=await shape_of_upload(request.subject, profile))


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A record that is ready to be stored, and what its maker is shown of it while nothing reserved is told."""

    content: Json
    record: RecordRow
    view: View
    answer: Answer

    def told(self, right: Right) -> Answer:
        """What its maker is shown once it is known how much may be told."""
        return project(self.content, self.record.digest, replace(self.view, untold=right.untold))


def case_of(catalogue: Catalogue, request: CheckRequest, now: datetime) -> Case:
    """Everything but the data that decides the answer. Raises InvalidInputsError, InvalidRequestError."""
    as_of = instant_of(request.as_of, now)
    on_date = request.on_date or (as_of or now).astimezone(LOCAL_TIME).date()
    return bound_case(catalogue, request.procedure, request.inputs, on_date, as_of=as_of, clock=as_of or now)


def bound_case(
    catalogue: Catalogue,
    procedure: str,
    inputs: Mapping[str, object],
    on_date: date,
    *,
    as_of: datetime | None,
    clock: datetime,
) -> Case:
    """The case of a procedure with its inputs bound."""
    profile = catalogue.profile
    bound = bound_procedure(profile, catalogue.profile_digest, procedure, inputs, on_date)
    definition = profile.procedure(procedure)
    if definition is None:  # bind has refused it already
        raise InvalidInputsError(f"Không có thủ tục '{procedure}'.", f"No procedure '{procedure}'.")
    return Case(profile, catalogue.profile_digest, definition, bound, on_date, as_of, clock)


def examine(case: Case, reading: Reading, head: Mapping[str, Any], known: NothingNear = NOTHING_NEAR) -> dict[str, Any]:
    """The content of the record: what the engine found, whoever asks. Pure: the same case and reading give the same,
    whatever is `known` of earlier ones."""
    findings, remainder = findings_of(case, reading, known)
    content = {
        **head,
        "as_of": case.as_of,
        "clock": case.clock,
        "on_date": case.on_date,
        "subject": _subject(case, reading.subject),
        "procedure": {
            "id": case.definition.id,
            "version": case.bound.procedure.version,
            "title": case.definition.title.message().as_dict(),
        },
        "inputs": case.bound.inputs,
        "profile": case.profile_digest,
        "rules": _rules(case),
        "cut": {layer: found.revision for layer, found in reading.cut.items()},
        "states": {layer: case.standing(found).as_dict() for layer, found in reading.cut.items()},
        "engine": engine(case.profile.header.crs.to_wgs84),
        "verdict": verdict_of_findings(findings),
        "remainder": remainder,
        "skipped": [_skipped(case, skipped) for skipped in case.bound.skipped],
    }
    return {**plain(content), "findings": findings}


def _skipped(case: Case, skipped: SkippedCheck) -> dict[str, object]:
    """A check that was not asked this time: shown, so that nobody takes it for passed."""
    title = next((check.title for check in case.definition.checks if check.id == skipped.id), None)
    reason = {"code": "not_asked", "message": skipped.reason.as_dict()}
    return {"check": skipped.id, "title": title.message().as_dict() if title else None, "reason": reason}


def _rules(case: Case) -> str:
    """The rules as they were asked: they follow from the texts, the inputs and the day, and from nothing else."""
    asked = {"profile": case.profile_digest, "procedure": case.bound.procedure.version, "inputs": case.bound.inputs,
             "on_date": case.on_date}  # fmt: skip
    return digest_of(plain(asked))


def _subject(case: Case, subject: Subject) -> dict[str, object]:
    role = case.profile.parcel_layer.by_role("registered_area")
    crs = case.profile.header.crs.zones[subject.zone].crs
    return {
        "kind": subject.kind,
        "layer": subject.layer,
        "fid": str(subject.fid) if subject.fid is not None else None,
        "key": subject.key,
        "label": subject.label,
        "area_m2": round(float(subject.geometry.area), 4),
        "registered_area_m2": subject.registered_area_m2,
        "registered_area_column": role.name if role and subject.rows else None,
        "accuracy_m": subject.accuracy_m,
        "zone": subject.zone,
        "crs": crs,
        "refs": list(subject.refs),
        "shape": digest(shapely.to_wkb(subject.geometry).hex().upper()),
        "geojson": subject.geojson,
        "attributes": subject.attributes or {},
        **_of_kind(subject),
    }


def _of_kind(subject: Subject) -> dict[str, object]:
    """What only some kinds of subjects have. Records of the others are as they always were."""
    if subject.kind == "coordinates":
        return {"coordinates": subject.coordinates, "reasons": list(subject.reasons)}
    if subject.kind == "parcels":
        parts = [{**asdict(part), "fid": str(part.fid)} for part in subject.parts]
        return {"parts": parts, "reasons": list(subject.reasons)}
    if subject.kind == PART:
        return {"is_named": subject.is_named, "cut_from": [str(fid) for fid in subject.cut_from]}
    return {}


def _event(
    principal: Principal, catalogue: Catalogue, request: CheckRequest, purpose: str | None, case: Case
) -> audit.Event:
    """What a check begins with: who asks, for what, and which layers will be measured."""
    parcels = case.profile.parcel_layer.id
    layer = None if isinstance(request.subject, Drawn) else parcels
    return audit.Event.of(
        principal, "check", "allow", layer=layer, purpose=purpose, dossier=request.dossier,
        used=tuple(name for name in case.layers if name != layer), policy=catalogue.policy_digest,
    )  # fmt: skip


def _closing(access: audit.Access, reading: Reading, view: View, record: RecordRow) -> audit.Event:
    """What it ends with; `outcome` is the record's digest, which names all of it and shows nothing."""
    layer = reading.subject.layer
    return access.closing(
        layer=layer, revision=reading.cut[layer].revision if layer else None, outcome=record.digest, features=1,
        grants=tuple(sorted({grant for name in reading.cut for grant in view.sight(name).grants})),
    )  # fmt: skip
