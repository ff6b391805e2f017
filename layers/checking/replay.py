"""A recorded check, run again: same cut, same texts, and the same canonical JSON or the difference named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from anyio import to_thread

from layers.canonical import canonical
from layers.errors import NotFoundError, UnavailableError
from layers.profile.bind import bind_procedure
from layers.profile.profile import Profile, digest
from layers.store.checks import record, stored_profile
from layers.store.connection import Connection, Database
from layers.store.parcels import ParcelRow

from .division_parts import PART, subject_of_record
from .evidence import difference, opened
from .given import given_again
from .nothing_near import NothingNear
from .reading import Case, Choose, Cut, LayerStanding, drawn, parcel_subject, parcels, read, several
from .request import ByFid
from .run import examine
from .subject import Subject, ways_of
from .threads import limiter_of_loop

#: of the record's content: who asked and when; a replay takes them over
_HEAD = ("id", "created", "principal", "dossier", "purpose")


@dataclass(frozen=True, slots=True)
class Replay:
    """The outcome of a replay; `digest` is the stored record's."""

    id: str
    digest: str
    replayed: str
    differences: tuple[str, ...]

    @property
    def is_identical(self) -> bool:
        return self.digest == self.replayed

    def as_dict(self) -> dict[str, object]:
        return {"id": self.id, "identical": self.is_identical, "record": self.digest, "replayed": self.replayed,
                "differences": list(self.differences)}  # fmt: skip


async def replay(database: Database, record_id: str) -> Replay:
    """Raises NotFoundError for an unknown record, TamperedRecordError for an altered one, UnavailableError when a text
    or a revision it stands on is gone."""
    async with database.connection() as connection:
        stored = await record(connection, record_id)
        if stored is None:
            raise NotFoundError(f"Không có bản ghi kiểm tra '{record_id}'.", f"No record '{record_id}'.")
        content = opened(stored)
        profile = await stored_profile(connection, content["profile"])
    if profile is None:
        raise UnavailableError(
            f"Không còn văn bản cấu hình {content['profile']} của lần kiểm tra này.",
            f"The text {content['profile']} that this check used is gone.",
        )
    case = _case(profile, content)
    reading = await read(database, case, chooser_of_record(profile, content["subject"]))
    head = {name: content[name] for name in _HEAD}
    afresh = NothingNear()  # measured again, never told again
    again = await to_thread.run_sync(examine, case, reading, head, afresh, limiter=limiter_of_loop())
    return Replay(stored.id, stored.digest, digest(canonical(again)), tuple(difference(content, again)))


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
