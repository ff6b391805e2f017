"""What may be checked but not seen is told for a dossier's own ground only, so often, and counted before it leaves.

With free shapes, eighteen questions find a hidden site to within ten metres (access-policy 3.3): so the subject must be
one of the dossier's parcels, a shape inside one of them, or one from a survey file the dossier names, and both the
dossier and the person have only so many answers. Rights follow the dossier: at whichever desk, in whichever commune.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import shapely
from anyio import to_thread

from layers.access.principal import Principal
from layers.profile.grammar import CheckOnly, CrsDefinition
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow, read_cut
from layers.store.connection import Connection
from layers.store.dossiers import Binding, Disclosure, Dossier, Used, disclose, disclosures, dossier, locked, used
from layers.store.parcels import ParcelRow
from layers.store.tables import srid

from .reading import TIMEOUT_MS, parcels
from .request import ByFid, SubjectQuery
from .subject import Subject, ways_of
from .threads import limiter_of_loop
from .zones import many, one, projection_of


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, for what, under which dossier. `purpose` is the stated one: a procedure's own states nothing."""

    catalogue: Catalogue
    principal: Principal
    procedure: str
    dossier: str | None
    purpose: str | None
    day: date

    @property
    def limits(self) -> CheckOnly:
        return self.catalogue.profile.header.check_only


@dataclass(frozen=True, slots=True)
class Right:
    """The right of one check to be told what is reserved; `untold` says why there is none."""

    untold: str | None
    bound_by: Binding | None = None


# ── a new check ──────────────────────────────────────────────────────────────────────────────────


async def right_to(connection: Connection, asking: Asking, subject: Subject, query: SubjectQuery) -> Right:
    """The right of a check that is about to be recorded. The dossier and the person's day stay held until the
    transaction ends: `count` belongs into the same one."""
    if asking.dossier is None:
        return Right("needs_dossier")
    if asking.purpose is None:
        return Right("needs_purpose")
    # shapes are compared before anything is held: others wait for the dossier and the day
    inside = await _inside(connection, asking, subject) if not subject.rows else None
    found = await locked(connection, asking.dossier, asking.principal.id, asking.day)
    bound_by = _binding(asking, found, subject, query, inside) if found else None
    if bound_by is None:
        return Right("not_bound")
    gone = await used(connection, asking.dossier, asking.principal.id, asking.day)
    return Right(_exhausted(gone, asking.limits), bound_by)


async def count(connection: Connection, asking: Asking, record_id: str, right: Right) -> None:
    """One answer more under the dossier and for the person; after the record, before the answer."""
    if right.untold is None and right.bound_by is not None and asking.dossier is not None:
        made = Disclosure(record_id, asking.principal.id, asking.dossier, right.bound_by, is_first=True)
        await disclose(connection, made, asking.day)


def _exhausted(gone: Used, limits: CheckOnly) -> str | None:
    if gone.of_dossier >= limits.per_dossier:
        return "quota_dossier"
    return "quota_day" if gone.of_day >= limits.per_user_day else None


def _binding(
    asking: Asking, found: Dossier, subject: Subject, query: SubjectQuery, inside: tuple[int, ...] | None
) -> Binding | None:
    """How the subject belongs to the dossier; None where it does not, whatever is wrong with it. `inside` are the
    parcels it was found inside of: those of the dossier, unless it was changed meanwhile."""
    is_open = found.closed is None and found.procedure in (None, asking.procedure)
    if not is_open or not is_with(found, asking.principal):
        return None
    if subject.rows:  # one parcel, or several: every one of them must be the dossier's
        fids: list[int | None] = [part.fid for part in subject.parts] or [subject.fid]
        is_own = subject.layer == asking.catalogue.profile.parcel_layer.id and all(fid in found.parcels for fid in fids)
        return "parcel" if is_own else None
    if getattr(query, "survey", None) in found.surveys:
        return "survey"
    return "inside" if inside is not None and inside == found.parcels else None


async def _inside(connection: Connection, asking: Asking, subject: Subject) -> tuple[int, ...] | None:
    """The dossier's parcels where a drawn shape lies inside them, each grown by its own accuracy, as they are now."""
    found = await dossier(connection, asking.dossier) if asking.dossier else None
    if found is None:
        return None
    profile = asking.catalogue.profile
    cut = await read_cut(connection, {profile.parcel_layer.id: None}, instant=None, timeout_ms=TIMEOUT_MS)
    layer = cut[profile.parcel_layer.id]
    ways = [way for fid in found.parcels for way in ways_of(ByFid(fid), profile)]
    rows = await parcels(connection, profile, layer, ways) if layer.revision else []
    is_inside = await to_thread.run_sync(_lies_inside, profile.header.crs, rows, subject, limiter=limiter_of_loop())
    return found.parcels if is_inside else None


def _lies_inside(crs: CrsDefinition, rows: Sequence[ParcelRow], subject: Subject) -> bool:
    grown = [shapely.from_wkb(row.geometry).buffer(row.accuracy_m) for row in rows]
    drawn = projection_of(crs).to_crs(many(subject.geometry), crs.zones[subject.zone].crs, f"EPSG:{srid(crs.storage)}")
    return bool(grown) and bool(shapely.covers(shapely.union_all(grown), one(drawn)))


def is_with(found: Dossier, principal: Principal) -> bool:
    """Whether the dossier lies at the caller's desk; without offices it lies at every one."""
    return not found.offices or principal.office in found.offices


def registers(principal: Principal, limits: CheckOnly) -> bool:
    """Whether the caller may register dossiers."""
    return principal.is_operator or not principal.roles.isdisjoint(limits.registrars)


# ── a record read again ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads records again; `purposes` None is a caller who need not state one (the command line)."""

    catalogue: Catalogue
    principal: Principal
    purposes: Collection[str] | None
    day: date

    async def may_read(self, connection: Connection, stored: RecordRow) -> bool:
        """A check made under a registered dossier is for the offices that handle it, its maker and its registrars."""
        if stored.principal == self.principal.id or stored.dossier is None:
            return True
        found = await dossier(connection, stored.dossier)
        limits = self.catalogue.profile.header.check_only
        return found is None or is_with(found, self.principal) or registers(self.principal, limits)

    def purpose_for(self, stored: RecordRow) -> str | None:
        """The purpose a record is shown for: the one it was made for, unless the reader was never given it."""
        is_given = self.purposes is None or stored.purpose in self.purposes or stored.principal == self.principal.id
        return stored.purpose if is_given else None

    async def right_to(self, connection: Connection, stored: RecordRow) -> Right:
        """The right to the reserved part of one record. `bound_by` is set where a new reader has just been counted."""
        told = (await disclosures(connection, [stored.id])).get(stored.id, ())
        why = self._untold(told, stored)
        if why != "open_apart":
            return Right(why)
        first = next(each for each in told if each.is_first)
        await locked(connection, first.dossier, self.principal.id, self.day)
        gone = await used(connection, first.dossier, self.principal.id, self.day)
        if gone.of_day >= self.catalogue.profile.header.check_only.per_user_day:
            return Right("quota_day")
        made = Disclosure(stored.id, self.principal.id, first.dossier, first.bound_by, is_first=False)
        await disclose(connection, made, self.day)
        return Right(None, first.bound_by)

    async def rights_in_list(self, connection: Connection, found: Sequence[RecordRow]) -> dict[str, Right]:
        """The same for a list, which tells nobody anything new and counts nothing."""
        told = await disclosures(connection, [stored.id for stored in found])
        return {stored.id: Right(self._untold(told.get(stored.id, ()), stored)) for stored in found}

    def _untold(self, told: Sequence[Disclosure], stored: RecordRow) -> str | None:
        """'open_apart': somebody was told, and this reader may be; None: this reader was."""
        if any(each.principal == self.principal.id for each in told):
            return None
        if not told:
            return "not_disclosed" if stored.dossier else "needs_dossier"
        return "needs_purpose" if self.purpose_for(stored) is None else "open_apart"
