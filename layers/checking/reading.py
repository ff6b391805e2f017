"""What a check reads: one cut, one subject, the candidates of every rule. At most three statements."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np
import shapely
import structlog
from anyio import to_thread
from shapely.geometry.base import BaseGeometry

from gis.procedure import Relation, Rule, rules_in
from layers.access.principal import Principal
from layers.errors import ForbiddenError, UnavailableError
from layers.profile.bind import BoundProcedure
from layers.profile.procedures import ProcedureDefinition
from layers.profile.profile import Profile
from layers.store.catalogue import Catalogue
from layers.store.checks import (
    CandidateRow,
    CandidatesError,
    CutLayer,
    Reach,
    read_candidates,
    read_candidates_apart,
    read_cut,
)  # fmt: skip
from layers.store.connection import Connection, Database
from layers.store.parcels import ParcelRow, Way, find_parcels
from layers.store.raster_files import RasterFolder
from layers.store.tables import srid

from .given import Given, given_of, is_outside, require_ground
from .limits import beyond_limits
from .request import ByCoordinates, ByGeometry, ByParcels, ByUpload, ParcelQuery, SubjectQuery
from .several import united
from .sight import Sight
from .subject import (
    Candidate,
    Subject,
    candidate_of,
    subject_of_parcel,
    the_one,
    ways_of,
)  # fmt: skip
from .telling import shows_shape, told
from .threads import limiter_of_loop
from .view import sight_of_parcels
from .zones import is_pieced_around, many, names_communes, one, projection_of, zone_of

log = structlog.get_logger("lienthong")

#: for each statement of a check; a layer that needs longer is `not_checked`
TIMEOUT_MS = 5_000
#: candidates of one look-up
MOST_SHOWN = 50

Cut = Mapping[str, CutLayer]
Choose = Callable[[Connection, Cut], Awaitable[Subject]]


_TAKEN_BACK = ("suspended", "withdrawn")


@dataclass(frozen=True, slots=True)
class LayerStanding:
    """The state of a layer and, where it was taken back, why."""

    state: str
    reason: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return {"state": self.state, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Case:
    """All that decides an answer besides the data. A replay fills it from the record."""

    profile: Profile
    profile_digest: str
    definition: ProcedureDefinition
    bound: BoundProcedure
    on_date: date
    as_of: datetime | None  #: None: the newest revisions
    clock: datetime  #: what the age of data is measured against
    revisions: Mapping[str, int] | None = None  #: a cut that is given, not chosen
    states: Mapping[str, LayerStanding] | None = None  #: of a replay: layers as they stood then
    #: every rule against a layer, members of groups included; its position is its number
    rules: tuple[Rule, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = tuple(rule for check in self.bound.procedure.checks for rule in rules_in(check))
        object.__setattr__(self, "rules", rules)  # asked for again and again while one parcel is checked

    def standing(self, layer: CutLayer) -> LayerStanding:
        """A layer's state for this answer. What is suspended or withdrawn now is so for every earlier instant too."""
        if self.states is not None and layer.id in self.states:
            return self.states[layer.id]
        state = layer.state if layer.state in _TAKEN_BACK or layer.state_now not in _TAKEN_BACK else layer.state_now
        return LayerStanding(state, layer.reason if state in _TAKEN_BACK else None)

    def is_early(self, layer: CutLayer) -> bool:
        """A layer that had nothing yet at the instant asked for, as against one that never had."""
        return self.as_of is not None and layer.first_created is not None and layer.first_created > self.as_of

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of the cut: those of the rules, the parcels, and the communes where zones name them."""
        commune = self.profile.header.reference_layers.commune
        zoned = [commune] if commune and has_commune_zones(self.profile) else []
        return tuple(dict.fromkeys([*(rule.layer for rule in self.rules), self.profile.parcel_layer.id, *zoned]))


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. `candidates` has every rule that was asked; a rule left out had nothing to ask."""

    cut: Cut
    subject: Subject
    candidates: Mapping[int, Sequence[CandidateRow] | CandidatesError]
    rasters: RasterFolder | None = None  #: where the files of rasters lie; None: not known here


async def read(database: Database, case: Case, choose: Choose) -> Reading:
    """Everything in one snapshot. When the one statement for all rules fails, a second transaction over the same cut
    reads rule by rule, so that one failure costs one rule: rows of a revision never change."""
    revisions = case.revisions or {}
    asked = {layer: revisions.get(layer) for layer in case.layers}
    found: tuple[Cut, Subject, list[Reach]] | None = None
    try:
        async with database.transaction(snapshot=True) as connection:
            cut = await read_cut(connection, asked, instant=case.as_of, timeout_ms=TIMEOUT_MS)
            subject = await choose(connection, cut)
            found = (cut, subject, reaches := _reaches(case, cut, subject))
            rows = await _candidates(connection, subject, reaches)
    except CandidatesError as error:
        assert found is not None  # nothing before the candidates raises it
        log.warning("candidates_read_apart", reason=error.reason, cause=type(error.__cause__).__name__)
        reading = Reading(found[0], found[1], await _read_apart(database, *found), database.raster_folder)
    else:
        reading = Reading(cut, subject, _by_rule(rows, reaches), database.raster_folder)
    far: dict[int, CandidatesError] = await beyond_limits(database, case.rules, reading.cut, reading.candidates)
    far |= _beyond_zone(case, reading)
    return replace(reading, candidates={**reading.candidates, **far}) if far else reading


async def read_around(connection: Connection, case: Case, cut: Cut, subject: Subject) -> Reading:
    """What lies around a subject that is known already, in one statement. Raises CandidatesError."""
    reaches = _reaches(case, cut, subject)
    return Reading(cut, subject, _by_rule(await _candidates(connection, subject, reaches), reaches))


def _beyond_zone(case: Case, reading: Reading) -> dict[int, CandidatesError]:
    """Rules that reach farther from the subject than its zone is pieced; entries have no place and are always there."""
    crs, subject = case.profile.header.crs, reading.subject
    if len(crs.zones) == 1:
        return {}
    shape = many(subject.geometry)
    return {
        number: CandidatesError("outside_zones")
        for number, rule in enumerate(case.rules)
        if number in reading.candidates and not is_pieced_around(crs, subject.zone, shape, rule.reach_m)[0]
    }


async def _candidates(connection: Connection, subject: Subject, reaches: Sequence[Reach]) -> list[CandidateRow]:
    wkb = shapely.to_wkb(subject.geometry)
    return await read_candidates(connection, wkb, subject.zone, subject.refs, reaches) if reaches else []


async def _read_apart(
    database: Database, cut: Cut, subject: Subject, reaches: Sequence[Reach]
) -> Mapping[int, Sequence[CandidateRow] | CandidatesError]:
    revisions: dict[str, int | None] = {layer: found.revision for layer, found in cut.items()}
    wkb = shapely.to_wkb(subject.geometry)
    async with database.transaction(snapshot=True) as connection:
        await read_cut(connection, revisions, instant=None, timeout_ms=TIMEOUT_MS)  # sets the time-out
        found = await read_candidates_apart(connection, wkb, subject.zone, subject.refs, reaches)
    return {
        number: rows if isinstance(rows, CandidatesError) else sorted(rows, key=_in_order)
        for number, rows in found.items()
    }


def _by_rule(rows: Sequence[CandidateRow], reaches: Sequence[Reach]) -> dict[int, Sequence[CandidateRow]]:
    found: dict[int, list[CandidateRow]] = {reach.number: [] for reach in reaches}
    for row in rows:
        found[row.number].append(row)
    return {number: sorted(of_rule, key=_in_order) for number, of_rule in found.items()}


def _in_order(row: CandidateRow) -> tuple[str, int, bytes]:
    """The same order in every run: sums of floats depend on it."""
    return row.kind, row.fid or 0, row.geometry or b""


def _reaches(case: Case, cut: Cut, subject: Subject) -> list[Reach]:
    """What to read for each rule, of rasters the mapped area; nothing of a layer that is not there."""
    found = []
    for number, rule in enumerate(case.rules):
        layer = cut[rule.layer]
        is_served = case.standing(layer).state == "served"  # what was taken back is not looked at
        if layer.revision == 0 or not is_served:
            continue
        reach_m = rule.reach_m + abs(subject.accuracy_m) + _accuracy_of_raster_m(case, rule)
        found.append(Reach(number, layer.number, layer.revision, reach_m, rule.relation is Relation.SAME_PARCEL))
    return found


def _accuracy_of_raster_m(case: Case, rule: Rule) -> float:
    """The statement adds the accuracy of features; a raster has none, and its mapped area is looked at as far."""
    definition = case.profile.layer(rule.layer)
    return (definition.accuracy_m or 0.0) if definition is not None and definition.is_raster else 0.0


# ── the subject ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Seeker:
    """Finds parcels for one caller: only those within their rights (`items` or `check`) exist for them."""

    catalogue: Catalogue
    principal: Principal
    purpose: str | None
    day: date

    async def found(self, connection: Connection, cut: Cut, query: ParcelQuery) -> list[tuple[ParcelRow, Candidate]]:
        """The parcels a look-up means, with what the caller may see of each. Raises UnavailableError."""
        profile = self.catalogue.profile
        layer = cut[profile.parcel_layer.id]
        rows = await parcels(connection, profile, require_served(layer, standing_now(layer)), ways_of(query, profile))
        sight = self.sight()
        shown = [found for row in rows if (found := told(row, profile.parcel_layer, sight)) is not None][:MOST_SHOWN]
        return [(row, candidate_of(row, profile, sight.columns(row.attributes) or frozenset())) for row in shown]

    def sight(self) -> Sight:
        """What the caller may see of the parcel layer."""
        return sight_of_parcels(self.catalogue, self.principal, purpose=self.purpose, day=self.day)

    def chooser(self, query: SubjectQuery | Given) -> Choose:
        """How `read` comes by its subject. Raises NotFoundError, AmbiguousError, UnavailableError while reading."""
        profile = self.catalogue.profile

        async def choose(connection: Connection, cut: Cut) -> Subject:
            if isinstance(query, Given | ByGeometry | ByCoordinates):
                return await drawn(connection, cut, query, profile)
            if isinstance(query, ByParcels):
                rows = [await self._row(connection, cut, one_of) for one_of in query.parcels]
                return await several(rows, profile)
            assert not isinstance(query, ByUpload)  # a file is read before anything is asked of the database
            return parcel_subject(await self._row(connection, cut, query), profile)

        return choose

    async def _row(self, connection: Connection, cut: Cut, query: ParcelQuery) -> ParcelRow:
        """The one parcel, which the caller may see as exactly as it is measured."""
        found = await self.found(connection, cut, query)
        the_one(query, [candidate for _, candidate in found])
        if not shows_shape(self.sight(), found[0][0].attributes):
            raise _too_exact()
        return found[0][0]


def _too_exact() -> ForbiddenError:
    """Areas and distances of a check are those of the stored shape."""
    return ForbiddenError(
        "Bạn không được xem ranh giới chính xác của thửa đất này nên không kiểm tra được; hãy liên hệ cơ quan quản lý.",
        "You may not see the exact boundary of this parcel, so it cannot be checked for you; please ask its office.",
        reason="precision",
    )


def require_served(layer: CutLayer, standing: LayerStanding) -> CutLayer:
    """The parcel layer, when it can be looked into. Raises UnavailableError with the next step."""
    if layer.revision > 0 and standing.state == "served":
        return layer
    words = {
        "suspended": ("đang tạm dừng", "is suspended"),
        "withdrawn": ("đã bị thu hồi", "was withdrawn"),
    }.get(standing.state, ("chưa được công bố tại thời điểm này", "has not been published at that instant"))
    raise UnavailableError(
        f"Lớp thửa đất '{layer.id}' {words[0]} nên không tra được thửa. Công bố hoặc mở lại lớp, hoặc dùng hình vẽ.",
        f"The parcel layer '{layer.id}' {words[1]}, so no parcel can be found. Publish or resume it, or use a shape.",
    )


def standing_now(layer: CutLayer) -> LayerStanding:
    """For a look-up outside any case."""
    return LayerStanding(layer.state if layer.state in _TAKEN_BACK else layer.state_now, layer.reason)


async def parcels(connection: Connection, profile: Profile, layer: CutLayer, ways: Sequence[Way]) -> list[ParcelRow]:
    """The rows of the parcel layer that answer, whoever asks."""
    if not ways:
        return []
    storage = srid(profile.header.crs.storage)
    return await find_parcels(
        connection, profile.parcel_layer, storage, ways, layer_number=layer.number, revision=layer.revision
    )


def parcel_subject(row: ParcelRow, profile: Profile) -> Subject:
    """The subject of a parcel in its measuring zone."""
    crs = profile.header.crs
    shape = shapely.from_wkb(row.geometry)
    role = profile.parcel_layer.by_role("commune")
    commune = row.attributes.get(role.name) if role else None
    zone = 0 if len(crs.zones) == 1 else zone_of(crs, _label_point(shape, profile), lambda: str(commune))
    moved = projection_of(crs).to_crs(many(shape), crs.storage, crs.zones[zone].crs)
    return subject_of_parcel(row, profile, one(moved), zone, is_outside=is_outside(shape, crs.storage, profile.header))


def _label_point(stored: BaseGeometry, profile: Profile) -> BaseGeometry:
    """A point inside the shape, in CRS84."""
    return one(projection_of(profile.header.crs).to_wgs84(np.asarray([shapely.point_on_surface(stored)], dtype=object)))


async def several(rows: Sequence[ParcelRow], profile: Profile) -> Subject:
    """Several parcels as one subject. Raises InvalidInputsError."""

    def make() -> Subject:
        return united([parcel_subject(row, profile) for row in rows], rows, profile)

    return await to_thread.run_sync(make, limiter=limiter_of_loop())


async def drawn(
    connection: Connection, cut: Cut, query: Given | ByGeometry | ByCoordinates, profile: Profile
) -> Subject:
    """The subject of a drawn or pasted shape in its measuring zone. Raises InvalidInputsError."""
    given = query if isinstance(query, Given) else await prepared(query, profile)
    crs, commune = profile.header.crs, None
    if has_commune_zones(profile):
        commune = await _commune_at(connection, cut, profile, given.label_point)
    zone = zone_of(crs, given.label_point, lambda: commune)
    return await to_thread.run_sync(given.subject, profile, zone, limiter=limiter_of_loop())


async def prepared(query: ByGeometry | ByCoordinates, profile: Profile) -> Given:
    """What was drawn or pasted, read in a thread: a hundred thousand corners take seconds. Raises InvalidInputsError
    for what is no ground of the profile."""
    return await to_thread.run_sync(
        lambda: require_ground(given_of(query, profile), profile), limiter=limiter_of_loop()
    )


def has_commune_zones(profile: Profile) -> bool:
    """A zone is where its communes are: the commune layer then belongs to the cut."""
    crs = profile.header.crs
    return len(crs.zones) > 1 and any(names_communes(zone) for zone in crs.zones)


async def _commune_at(connection: Connection, cut: Cut, profile: Profile, point: BaseGeometry) -> str | None:
    """The code of the commune that holds a point of CRS84, from the commune layer of the cut."""
    name = profile.header.reference_layers.commune
    layer = profile.layer(name) if name else None
    if layer is None or layer.id not in cut:
        return None
    stored = one(projection_of(profile.header.crs).from_wgs84(many(point)))
    place = Way("point", True, shapely.to_wkb(stored))
    storage = srid(profile.header.crs.storage)
    found = await find_parcels(
        connection, layer, storage, [place], layer_number=cut[layer.id].number, revision=cut[layer.id].revision
    )
    role = layer.by_role("commune")
    if not found:
        return None
    return str(found[0].attributes[role.name]) if role else found[0].key
