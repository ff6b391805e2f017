"""A recorded check, run again: on the same cut and texts, at another instant, or today; and the difference named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from anyio import to_thread

from layers.access.principal import Principal
from layers.canonical import canonical
from layers.errors import NotFoundError, UnavailableError
from layers.profile.bind import bind_procedure
from layers.profile.profile import Profile, digest
from layers.store import audit
from layers.store.catalogue import Catalogue
from layers.store.checks import record, stored_profile
from layers.store.connection import Connection, Database
from layers.store.parcels import ParcelRow
from layers.store.revisions import Made, revisions_between

from .comparison import Change, LibraryChange, Result, changes, differences, libraries, result_of
from .division_parts import PART, subject_of_record
from .evidence import opened
from .given import given_again
from .nothing_near import NothingNear
from .reading import Case, Choose, Cut, LayerStanding, drawn, parcel_subject, parcels, read, several
from .request import LOCAL_TIME, ByFid, instant_of
from .run import bound_case, examine
from .subject import Subject, ways_of
from .threads import limiter_of_loop

#: of the record's content: who asked and when; a replay takes them over
_HEAD = ("id", "created", "principal", "dossier", "purpose")


@dataclass(frozen=True, slots=True)
class Moment:
    """What a check is asked again on: its own cut; what was known at an instant (`as_of`); or all of today."""

    mode: Literal["record", "as_of", "today"] = "record"
    as_of: date | datetime | None = None


RECORDED, TODAY = Moment(), Moment("today")


@dataclass(frozen=True, slots=True)
class Replay:
    """The outcome of a replay; `digest` is the stored record's. On its own cut `differences` name every place of the
    record, on another moment what was found; `made` tells of the revisions since."""

    id: str
    digest: str | None
    replayed: str | None
    differences: tuple[str, ...]
    result: Result = "identical"
    moment: Moment = RECORDED
    libraries: tuple[LibraryChange, ...] = ()
    changes: tuple[Change, ...] = ()
    made: tuple[Made, ...] = ()
    subject: tuple[str, ...] = ()  #: places in which the subject itself is another one
    verdicts: tuple[str, str] = ("", "")
    are_rules_others: bool = False

    @property
    def is_identical(self) -> bool:
        return self.result == "identical"

    def as_dict(self) -> dict[str, object]:
        return {
            "id": self.id, "mode": self.moment.mode, "result": self.result, "identical": self.is_identical,
            "record": self.digest, "replayed": self.replayed, "differences": list(self.differences),
            "libraries": [{"name": each.name, "then": each.then, "now": each.now} for each in self.libraries],
            "verdict": {"then": self.verdicts[0], "now": self.verdicts[1]}, "subject": list(self.subject),
            "rules_changed": self.are_rules_others,
            "changes": [{**change.as_dict(), "because": self.because(change)} for change in self.changes],
        }  # fmt: skip

    def because(self, change: Change) -> list[dict[str, object]]:
        """The revisions of its layer between the two answers, where the layer moved."""
        low, high = change.span
        return [
            {"layer": each.layer, "revision": each.revision, "kind": each.kind, "release": each.release,
             "created": each.created.isoformat(), "note": each.note}
            for each in self.made
            if each.layer == change.layer and low < each.revision <= high
        ]  # fmt: skip


async def replay(
    database: Database, record_id: str, moment: Moment = RECORDED, *,
    catalogue: Catalogue | None = None, now: datetime | None = None, principal: Principal | None = None,
) -> Replay:  # fmt: skip
    """With all rights. `principal`: whose access is recorded. Raises NotFoundError for an unknown record,
    TamperedRecordError for an altered one, UnavailableError when a text or a revision it stands on is gone."""
    async with database.connection() as connection:
        stored = await record(connection, record_id)
    if stored is None:
        raise NotFoundError(f"Không có bản ghi kiểm tra '{record_id}'.", f"No record '{record_id}'.")
    content = opened(stored)
    if principal is not None:
        async with database.connection() as connection:
            await audit.record(connection, event_of(principal, content, catalogue))
    again = await asked_again(database, content, moment, catalogue=catalogue, now=now)
    found = compared(content, again, moment)
    made = await made_between(database, found)
    return replace(found, digest=stored.digest, replayed=digest(canonical(again)), made=made)


def event_of(principal: Principal, content: Mapping[str, Any], catalogue: Catalogue | None) -> audit.Event:
    """A replay measures what the check measured."""
    layer = content["subject"]["layer"]
    return audit.Event.of(
        principal, "replay", "allow", layer=layer, dossier=content["dossier"], purpose=content["purpose"],
        used=tuple(name for name in content["cut"] if name != layer),
        policy=catalogue.policy_digest if catalogue else None,
    )  # fmt: skip


async def asked_again(
    database: Database, content: Mapping[str, Any], moment: Moment, *,
    catalogue: Catalogue | None = None, now: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The content of the check made again. On its own cut and at an instant by the texts of the record; today by the
    applied ones. Raises UnavailableError, InvalidInputsError where it could not be asked today, InvalidRequestError."""
    instant = now or datetime.now(UTC)
    if moment.mode == "today":
        if catalogue is None:
            raise ValueError("what applies today is in the catalogue")
        today = instant.astimezone(LOCAL_TIME).date()
        procedure = content["procedure"]["id"]
        case = bound_case(catalogue, procedure, content["inputs"], today, as_of=None, clock=instant)
    else:
        case = _case(await _profile_of(database, content), content)
    if moment.mode == "as_of":
        as_of = instant_of(moment.as_of, instant)
        case = replace(case, as_of=as_of, clock=as_of or instant, revisions=None, states=None)
    reading = await read(database, case, chooser_of_record(case.profile, content["subject"]))
    head = {name: content[name] for name in _HEAD}
    afresh = NothingNear()  # measured again, never told again
    return await to_thread.run_sync(examine, case, reading, head, afresh, limiter=limiter_of_loop())


async def _profile_of(database: Database, content: Mapping[str, Any]) -> Profile:
    async with database.connection() as connection:
        profile = await stored_profile(connection, content["profile"])
    if profile is None:
        raise UnavailableError(
            f"Không còn văn bản cấu hình {content['profile']} của lần kiểm tra này.",
            f"The text {content['profile']} that this check used is gone.",
        )
    return profile


def compared(old: Mapping[str, Any], new: Mapping[str, Any], moment: Moment) -> Replay:
    """On its own cut every word and figure counts; on another moment what was found of the subject."""
    if moment.mode == "record":
        found = list(differences(old, new))
    else:
        found = [each for name in ("subject", "findings", "verdict", "engine")
                 for each in differences(old.get(name), new.get(name), name)]  # fmt: skip
    told = tuple(each for each in found if not each.is_of_engine)
    return Replay(
        old["id"], None, None, tuple(map(str, found)), result_of(found), moment, libraries(found),
        changes(old, new), subject=tuple(str(each) for each in told if each.path.startswith("subject.")),
        verdicts=(old["verdict"], new["verdict"]), are_rules_others=old.get("rules") != new.get("rules"),
    )  # fmt: skip


async def made_between(database: Database, found: Replay) -> tuple[Made, ...]:
    """The revisions of the layers whose findings are others."""
    spans: dict[str, tuple[int, int]] = {}
    for change in found.changes:
        if change.layer is not None:
            low, high = spans.get(change.layer, change.span)
            spans[change.layer] = min(low, change.span[0]), max(high, change.span[1])
    if found.moment.mode == "record" or not spans:
        return ()
    async with database.connection() as connection:
        return tuple(await revisions_between(connection, spans))


def _case(profile: Profile, content: Mapping[str, Any]) -> Case:
    """The case as it was; inputs are bound again, so that the rules come from the stored text."""
    on_date = date.fromisoformat(content["on_date"])
    bound = bind_procedure(profile, content["procedure"]["id"], content["inputs"], on_date)
    definition = profile.procedure(content["procedure"]["id"])
    assert definition is not None  # bind refuses an unknown procedure
    as_of = datetime.fromisoformat(content["as_of"]) if content["as_of"] else None
    clock = datetime.fromisoformat(content["clock"])
    made = Case(profile, content["profile"], definition, bound, on_date, as_of, clock)
    states = {layer: LayerStanding(**standing) for layer, standing in content["states"].items()}
    return replace(made, revisions=content["cut"], states=states)


def chooser_of_record(profile: Profile, subject: Mapping[str, Any]) -> Choose:
    """The same subject: parcels by their fids, a drawn or pasted shape as it was given."""

    async def choose(connection: Connection, cut: Cut) -> Subject:
        if subject["kind"] in ("geometry", "coordinates"):
            given = await to_thread.run_sync(given_again, subject, profile, limiter=limiter_of_loop())
            return await drawn(connection, cut, given, profile)
        if subject["kind"] == PART:
            return subject_of_record(subject, profile)
        if subject["kind"] == "parcels":
            rows = [await _row(connection, cut, profile, part["fid"]) for part in subject["parts"]]
            return await several(rows, profile)
        return parcel_subject(await _row(connection, cut, profile, subject["fid"]), profile)

    return choose


async def _row(connection: Connection, cut: Cut, profile: Profile, fid: str) -> ParcelRow:
    layer = cut[profile.parcel_layer.id]
    found = await parcels(connection, profile, layer, ways_of(ByFid(int(fid)), profile))
    if not found:
        raise UnavailableError(
            f"Không còn thửa đất fid:{fid} ở phiên bản {layer.revision}.",
            f"The parcel fid:{fid} is no longer in revision {layer.revision}.",
        )
    return found[0]
