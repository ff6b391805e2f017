"""request → principal → decide → one authorised relation: the only way from a route to a layer's rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

from starlette.requests import Request

from layers.access.classes import RoleClass, class_of
from layers.access.decide import Decision, decide
from layers.access.grammar import Action
from layers.access.principal import Principal
from layers.errors import NotFoundError, UnavailableError
from layers.store import audit
from layers.store.catalogue import Catalogue, LayerState
from ogc.auth import principal_of, purpose_of

from .caching import NO_STORE, REVALIDATE, SHARED
from .clock import Clock, utc_now
from .policy_header import catalogue_of

#: of one relation that are remembered
_MOST_ETAGS = 512
LOCAL_TIME = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True)
class Relation:
    """What one caller may read of one layer, decided; `features` and `tiles` of the store take it from here.

    One value for as long as catalogue, caller and day stay what they are: what follows from it is worked out once.
    """

    catalogue: Catalogue
    state: LayerState
    principal: Principal
    purpose: str | None
    decision: Decision

    @property
    def layer(self) -> str:
        return self.state.definition.id

    @cached_property
    def role_class(self) -> RoleClass:
        """In whose name the database reads (second wall)."""
        return class_of(self.principal, self.catalogue.grants)

    @cached_property
    def cache_control(self) -> str:
        if not self.is_cacheable:
            return NO_STORE
        return SHARED if self.decision.is_public else REVALIDATE

    @cached_property
    def is_cacheable(self) -> bool:
        """Relations bound to what a caller is are never kept, and have no ETag (design 4)."""
        return not self.decision.uses_claims

    @property
    def tells_activity(self) -> bool:
        """False: that and when the layer was revised must show nowhere (`hide_activity`), so nothing is named by it."""
        return not self.decision.hides_activity

    @cached_property
    def event(self) -> audit.Event:
        """The event of one use of it, but for what is asked and what leaves."""
        policy, revision = self.catalogue.policy_digest, self.state.revision
        return audit.Event.of_decision(
            self.principal, self.decision, purpose=self.purpose, policy=policy, revision=revision
        )

    @cached_property
    def _etags(self) -> dict[object, str]:
        return {}

    def etag_of(self, what: object, name: Callable[[], str]) -> str:
        """The ETag of a list (by its address) or a tile (by its place), worked out once for what is asked for again and
        again: it names the version of this relation, and the service that this relation belongs to."""
        found = self._etags.get(what)
        if found is None:
            found = name()
            if len(self._etags) >= _MOST_ETAGS:
                self._etags.clear()
            self._etags[what] = found
        return found

    @cached_property
    def version(self) -> tuple[object, ...]:
        """All that the bytes of a list or tile depend on besides the request (design 4)."""
        return (self.layer, self.state.revision, self.state.definition_digest, self.decision.relation_digest)


@dataclass(frozen=True, slots=True)
class _Day:
    """A day where the service lies, and the instants between which it is that day."""

    date: date
    begins: datetime
    ends: datetime

    @classmethod
    def at(cls, instant: datetime) -> Self:
        begins = instant.astimezone(LOCAL_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(begins.date(), begins, begins + timedelta(days=1))


class Decisions:
    """Decisions of one process; a change of policy, profile or day has other keys."""

    def __init__(self, clock: Clock = utc_now, size: int = 4096) -> None:
        self._clock = clock
        self._size = size
        self._known: OrderedDict[tuple[object, ...], Decision] = OrderedDict()
        self._callers: OrderedDict[int, tuple[Principal, tuple[object, ...]]] = OrderedDict()
        self._today: _Day | None = None
        #: of that very catalogue, on that day
        self._catalogue: Catalogue | None = None
        self._decided_on: _Day | None = None
        self._relations: dict[tuple[object, ...], tuple[Principal, Relation]] = {}

    def of(
        self, catalogue: Catalogue, state: LayerState, principal: Principal, action: Action, purpose: str | None
    ) -> Decision:
        day = self._day().date
        key = (
            self._caller(principal),
            catalogue.active_agreements,
            *(state.definition.id, state.definition_digest, action, purpose, day, catalogue.policy_digest),
        )
        found = self._known.get(key)
        if found is None:
            found = decide(
                principal, state.definition, action, catalogue.grants, purpose=purpose, day=day,
                active_agreements=catalogue.active_agreements,
            )  # fmt: skip
            self._known[key] = found
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return found

    def relation(
        self, catalogue: Catalogue, state: LayerState, principal: Principal, action: Action, purpose: str | None
    ) -> Relation:
        """Known by the very objects it was decided from, which are held: another catalogue begins anew, and so does
        another day."""
        today = self._day()
        if catalogue is not self._catalogue or today is not self._decided_on or len(self._relations) > self._size:
            self._catalogue, self._decided_on, self._relations = catalogue, today, {}
        key = (id(principal), id(state), action, purpose)
        found = self._relations.get(key)
        if found is None:
            decision = self.of(catalogue, state, principal, action, purpose)
            found = principal, Relation(catalogue, state, principal, purpose, decision)
            self._relations[key] = found
        return found[1]

    def _day(self) -> _Day:
        """Where the service lies; told apart by two comparisons, since every request asks."""
        now = self._clock()
        if self._today is None or not self._today.begins <= now < self._today.ends:
            self._today = _Day.at(now)
        return self._today

    def _caller(self, principal: Principal) -> tuple[object, ...]:
        """What of a caller decides. By the very object, which is held, so that its number is nobody else's."""
        held = self._callers.get(id(principal))
        if held is not None:
            return held[1]
        decides = (principal.id, principal.roles, principal.office, principal.sector, principal.is_operator)
        made = (*decides, tuple(sorted(principal.claims.items())))
        self._callers[id(principal)] = principal, made
        if len(self._callers) > self._size:
            self._callers.popitem(last=False)
        return made


async def authorised(request: Request, layer_id: str, action: Action) -> Relation:
    """The caller's relation. A refusal leaves its event too.

    Raises NotFoundError, the same for a missing and a hidden layer; ForbiddenError for an action that is not granted;
    TooManyError for a grant that is used too often; UnavailableError for a suspended layer.
    """
    relation = await described(request, layer_id, action)
    if relation.state.definition.is_raster:  # it has no items and no tiles
        raise NotFoundError
    if not relation.decision.is_allowed:
        await request.app.state.accesses.refused(request, relation, layer_id, action)
        relation.decision.require()
    request.app.state.accesses.limit(relation)
    if relation.state.state == "suspended":
        raise UnavailableError(
            "Lớp dữ liệu đang tạm ngừng cung cấp. Vui lòng thử lại sau hoặc liên hệ cơ quan quản lý.",
            "The layer is suspended. Please try again later or ask the sector that answers for it.",
        )
    return relation


async def described(request: Request, layer_id: str, action: Action = "items") -> Relation:
    """The layer as far as the caller may know of it, whatever the action. Raises NotFoundError."""
    catalogue = await catalogue_of(request)
    relation = _visible(request, catalogue, layer_id, action)
    if relation is None:
        await request.app.state.accesses.refused(request, None, layer_id, action)
        raise NotFoundError
    return relation


def visible(request: Request, catalogue: Catalogue) -> list[Relation]:
    """Every layer the caller may know of, in the order of the profile."""
    found = (_visible(request, catalogue, layer_id, "items") for layer_id in catalogue.layers)
    return [relation for relation in found if relation is not None]


def with_action(request: Request, relation: Relation, action: Action) -> Decision:
    """The decision on another action for the same caller and layer."""
    decisions: Decisions = request.app.state.decisions
    return decisions.of(relation.catalogue, relation.state, relation.principal, action, relation.purpose)


def _visible(request: Request, catalogue: Catalogue, layer_id: str, action: Action) -> Relation | None:
    """None for a layer that is not there, was withdrawn, or is hidden from the caller."""
    state = catalogue.layers.get(layer_id)
    if state is None or state.state == "withdrawn":
        return None
    decisions: Decisions = request.app.state.decisions
    found = decisions.relation(catalogue, state, principal_of(request), action, purpose_of(request))
    return found if found.decision.is_visible else None
