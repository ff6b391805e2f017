"""Dossiers: the one-stop system says which ground a dossier is about, so that checks under it may be told more."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gis.errors import Message
from layers.access.principal import Principal
from layers.errors import FieldError, ForbiddenError, InvalidInputsError, NotFoundError
from layers.plain_text import is_line
from layers.store import audit, dossiers
from layers.store.catalogue import Catalogue
from layers.store.checks import read_cut
from layers.store.connection import Connection, Database
from layers.store.dossiers import Dossier, Used

from .reading import TIMEOUT_MS, Cut, Seeker
from .request import LOCAL_TIME, ParcelQuery
from .reserved import is_with, registers
from .subject import the_one

#: parcels of one dossier: more is a project, which is checked as a batch
MOST_PARCELS = 20
_ID = re.compile(r"[^\s/\\?#%\x00-\x1f]{1,100}")
_NO_CODE = Message(
    "Mã hồ sơ không hợp lệ: tối đa 100 ký tự, không có khoảng trắng, ký tự điều khiển hay / \\ ? # %.",
    "This is no dossier code: at most 100 characters, no blanks, no control characters and none of / \\ ? # %.",
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DossierDraft:
    """What is registered. `surveys` are SHA-256 digests in hexadecimal; no office means every desk."""

    id: str
    procedure: str | None = None
    parcels: Sequence[ParcelQuery] = ()
    surveys: Sequence[str] = ()
    offices: Sequence[str] = ()
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class KnownDossier:
    """A dossier with what was told under it so far."""

    dossier: Dossier
    used: int
    limit: int

    def as_dict(self) -> dict[str, object]:
        found = self.dossier
        return {
            "id": found.id,
            "procedure": found.procedure,
            "offices": list(found.offices),
            "parcels": [str(fid) for fid in found.parcels],
            "surveys": list(found.surveys),
            "opened": found.opened.isoformat(),
            "opened_by": found.opened_by,
            "closed": found.closed.isoformat() if found.closed else None,
            "answers": {"used": self.used, "limit": self.limit},
        }


async def register(
    database: Database,
    catalogue: Catalogue,
    draft: DossierDraft,
    principal: Principal,
    *,
    purpose: str | None = None,
    now: datetime | None = None,
) -> tuple[KnownDossier, bool]:
    """The dossier as it stands now, and whether it is new. Answers told before stay counted.

    Raises ForbiddenError for who may not register, InvalidInputsError naming what is wrong, NotFoundError and
    AmbiguousError for a parcel.
    """
    _require_registrar(principal, catalogue)
    _require_sound(draft, catalogue)
    now = now or datetime.now(UTC)
    day = now.astimezone(LOCAL_TIME).date()
    async with database.transaction() as connection:
        before = await dossiers.locked(connection, draft.id, principal.id, day)
        made = await dossiers.put_dossier(
            connection, draft.id, procedure=draft.procedure, offices=sorted(set(draft.offices)),
            parcels=await _fids(connection, Seeker(catalogue, principal, purpose, day), draft.parcels),
            surveys=sorted(set(draft.surveys)), is_closed=draft.is_closed, by=principal.id, now=now,
        )  # fmt: skip
        used = await dossiers.used(connection, draft.id, principal.id, day)
        await audit.record(connection, _event(principal, catalogue, draft.id, is_allowed=True))
    return _known(made, used, catalogue), before is None


async def find_dossier(
    database: Database, catalogue: Catalogue, dossier_id: str, principal: Principal, *, now: datetime | None = None
) -> KnownDossier:
    """A dossier for its registrars and the offices that handle it. Raises NotFoundError, the same for all others."""
    day: date = (now or datetime.now(UTC)).astimezone(LOCAL_TIME).date()
    async with database.transaction() as connection:
        found = await dossiers.dossier(connection, dossier_id)
        is_allowed = found is not None and _may_read(found, principal, catalogue)
        used = await dossiers.used(connection, dossier_id, principal.id, day)
        event = _event(principal, catalogue, dossier_id[:100], is_allowed=is_allowed)
        await audit.record(connection, event, is_read=True)
    if found is None or not is_allowed:
        raise NotFoundError
    return _known(found, used, catalogue)


def _may_read(found: Dossier, principal: Principal, catalogue: Catalogue) -> bool:
    """Dossiers name people's ground: a desk reads those that are expressly with it."""
    if registers(principal, catalogue.profile.header.check_only):
        return True
    return bool(found.offices) and is_with(found, principal)


def _known(found: Dossier, used: Used, catalogue: Catalogue) -> KnownDossier:
    return KnownDossier(found, used.of_dossier, catalogue.profile.header.check_only.per_dossier)


def _require_registrar(principal: Principal, catalogue: Catalogue) -> None:
    if not registers(principal, catalogue.profile.header.check_only):
        raise ForbiddenError(
            "Bạn không được đăng ký hồ sơ. Bộ phận một cửa đăng ký hồ sơ; hãy liên hệ quản trị nếu cần quyền này.",
            "You may not register dossiers. The one-stop desk does; ask the administrator if you need this right.",
            reason="no_grant",
        )


def _require_sound(draft: DossierDraft, catalogue: Catalogue) -> None:
    """Raises InvalidInputsError naming every field that does not hold."""
    wrong = {name: message for name, message in _defects(draft, catalogue).items() if message is not None}
    if wrong:
        names = ", ".join(wrong)
        raise InvalidInputsError(
            f"Hồ sơ thiếu hoặc sai: {names}.", f"The dossier lacks or has wrong: {names}.",
            [FieldError(name, message) for name, message in wrong.items()],
        )  # fmt: skip


def _defects(draft: DossierDraft, catalogue: Catalogue) -> Mapping[str, Message | None]:
    is_known = draft.procedure is None or catalogue.profile.procedure(draft.procedure) is not None
    is_named = _ID.fullmatch(draft.id) is not None and is_line(draft.id)
    is_grounded = draft.is_closed or len(draft.parcels) + len(draft.surveys) > 0
    are_digests = all(_SHA256.fullmatch(survey) for survey in draft.surveys)
    return {
        "id": None if is_named else _NO_CODE,
        "procedure": None if is_known else Message(f"Không có thủ tục '{draft.procedure}'.", "No such procedure."),
        "parcels": None if is_grounded and len(draft.parcels) <= MOST_PARCELS else Message(
            f"Cần từ 1 đến {MOST_PARCELS} thửa đất, hoặc tệp đo vẽ.",
            f"Between 1 and {MOST_PARCELS} parcels are needed, or a survey file."),
        "surveys": None if are_digests else Message(
            "Mỗi tệp đo vẽ cần mã băm SHA-256 (64 chữ số hệ 16, chữ thường).",
            "Each survey file needs its SHA-256 (64 hexadecimal digits in lower case)."),
    }  # fmt: skip


async def _fids(connection: Connection, seeker: Seeker, queries: Sequence[ParcelQuery]) -> list[int]:
    layer = seeker.catalogue.profile.parcel_layer.id
    cut: Cut = await read_cut(connection, {layer: None}, instant=None, timeout_ms=TIMEOUT_MS)
    found: list[int] = []
    for query in queries:
        candidates = [candidate for _, candidate in await seeker.found(connection, cut, query)]
        found.append(the_one(query, candidates).fid)
    return sorted(set(found))


def _event(principal: Principal, catalogue: Catalogue, dossier_id: str, *, is_allowed: bool) -> audit.Event:
    return audit.Event.of(
        principal, "dossier", "allow" if is_allowed else "deny", dossier=dossier_id,
        reason=None if is_allowed else "not_found", policy=catalogue.policy_digest,
    )  # fmt: skip
