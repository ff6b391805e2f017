"""Why somebody may or may not: in terms of their own grants, with what to do next and which office to ask.

Nothing of others' grants is told, no name of a hidden column, and of a layer that does not exist for the caller not
even that it does. Who answers for a layer may ask for anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from gis.errors import Message
from layers.errors import ForbiddenError, NotFoundError
from layers.filters import GEOMETRY, Expression, property_names, to_text
from layers.profile.grammar import LayerDefinition, Title

from .box import Box, GeometryLevel
from .decide import decide
from .decision import WORDS, Decision, Reason
from .grammar import Action, Grant
from .matching import CLAIM, Circumstances, box_of, missing_claims, own_grants, purposes_of
from .ownership import is_owner
from .principal import Principal
from .words import ACTIONS, day_words, level_words, period_words, together

#: why one grant does not allow the action: as a decision's reason, or that it is about other actions
Standing = Reason | Literal["other_actions"]

HIDDEN_RULE = Message(
    "chỉ các hàng theo quy tắc của cơ quan quản lý (quy tắc dùng cột không được chia sẻ)",
    "only rows chosen by a rule of the sector (it reads columns that are not shared)",
)


@dataclass(frozen=True, slots=True)
class GrantAccount:
    """What one of the caller's grants does for the action; what it shows is told only where it holds."""

    grant: str
    standing: Standing
    why: Message
    next_step: Message | None
    actions: tuple[Action, ...]
    purposes: tuple[str, ...]
    valid_from: date | None
    valid_until: date | None
    agreement: str | None
    rate: str | None
    rows: Message | None = None  #: None is every row
    columns: tuple[str, ...] = ()
    geometry: GeometryLevel | None = None

    @property
    def holds(self) -> bool:
        return self.standing == "granted"

    def as_dict(self) -> dict[str, object]:
        return {
            "grant": self.grant, "holds": self.holds, "reason": self.standing, "why": self.why.as_dict(),
            "next_step": _plain(self.next_step), "actions": list(self.actions), "purposes": list(self.purposes),
            "valid": {"from": _iso(self.valid_from), "until": _iso(self.valid_until)}, "agreement": self.agreement,
            "rate": self.rate, "rows": _plain(self.rows), "columns": list(self.columns),
            "geometry": None if self.geometry is None else level_words(self.geometry).as_dict(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one caller, layer, action, purpose and day."""

    layer: str
    title: Message
    action: Action
    about: str
    purpose: str | None
    day: date
    is_allowed: bool
    reason: Reason
    summary: Message
    columns: tuple[str, ...]
    geometry: GeometryLevel | None
    until: date | None  #: the last day on which it is still allowed; None: no end, or not allowed
    office: Message  #: whom to ask
    grants: tuple[GrantAccount, ...]

    def as_dict(self) -> dict[str, object]:
        return {
            "layer": self.layer, "title": self.title.as_dict(), "action": self.action, "as": self.about,
            "purpose": self.purpose, "day": self.day.isoformat(), "is_allowed": self.is_allowed, "reason": self.reason,
            "summary": self.summary.as_dict(), "columns": list(self.columns),
            "geometry": None if self.geometry is None else level_words(self.geometry).as_dict(),
            "until": _iso(self.until), "office": self.office.as_dict(),
            "grants": [account.as_dict() for account in self.grants],
        }  # fmt: skip


def explain(
    principal: Principal,
    definition: LayerDefinition,
    action: Action,
    grants: Sequence[Grant],
    *,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
    about: Principal | None = None,
    sectors: Mapping[str, Title] | None = None,
) -> Explanation:
    """Why `about` (the caller) may or may not. Raises NotFoundError where the layer does not exist for the caller,
    ForbiddenError for somebody else's rights on a layer the caller does not answer for.
    """
    whole = tuple(grants)
    subject = principal if about is None else about
    owns = is_owner(principal, definition, whole, day=day, active_agreements=active_agreements)
    if not owns:
        _require_own(principal, definition, whole, subject, day, active_agreements)
    decision = decide(subject, definition, action, whole, purpose=purpose, day=day, active_agreements=active_agreements)
    when = Circumstances(day, purpose, active_agreements)
    office = office_of(definition, sectors or {})
    shown = None if owns else _shown(subject, definition, whole, when)
    accounts = tuple(
        _account(grant, subject, definition, action, when, office, shown)
        for grant in (() if subject.is_operator else own_grants(subject, definition, whole))
    )
    return _explanation(definition, subject, decision, when, office, accounts)


def require_owner(
    principal: Principal,
    definition: LayerDefinition,
    grants: Sequence[Grant],
    *,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> None:
    """For questions about others. Raises NotFoundError where the layer does not exist for the caller, else
    ForbiddenError for everybody who does not answer for it: to be asked before an identity is looked up.
    """
    if not is_owner(principal, definition, grants, day=day, active_agreements=active_agreements):
        _require_own(principal, definition, tuple(grants), None, day, active_agreements)


def _require_own(
    principal: Principal,
    definition: LayerDefinition,
    grants: tuple[Grant, ...],
    subject: Principal | None,
    day: date,
    active_agreements: frozenset[str],
) -> None:
    seen = decide(principal, definition, "items", grants, purpose=None, day=day, active_agreements=active_agreements)
    if not seen.is_visible:
        raise NotFoundError
    if subject != principal:
        raise ForbiddenError(
            f"Chỉ cơ quan quản lý lớp '{definition.id}' được hỏi về quyền của người khác.",
            f"Only those who answer for the layer '{definition.id}' may ask about others' rights.",
            reason="not_owner", layer=definition.id,
        )  # fmt: skip


def office_of(definition: LayerDefinition, sectors: Mapping[str, Title]) -> Message:
    """Whom to ask about a layer: its custodian, else its sector."""
    if definition.custodian is not None:
        return definition.custodian.message()
    sector = sectors.get(definition.sector)
    return sector.message() if sector else Message(definition.sector, definition.sector)


def _shown(
    subject: Principal, definition: LayerDefinition, grants: tuple[Grant, ...], when: Circumstances
) -> frozenset[str]:
    """The columns, and the geometry, that the subject is shown by some action: only those may be named."""
    found: set[str] = set()
    for action in get_args(Action):
        decision = decide(
            subject, definition, action, grants,
            purpose=when.purpose, day=when.day, active_agreements=when.active_agreements,
        )  # fmt: skip
        found |= {*decision.columns, *((GEOMETRY,) if decision.has_geometry else ())}
    return frozenset(found)


# ── one grant ────────────────────────────────────────────────────────────────────────────────────
def _account(
    grant: Grant,
    subject: Principal,
    definition: LayerDefinition,
    action: Action,
    when: Circumstances,
    office: Message,
    shown: frozenset[str] | None,
) -> GrantAccount:
    """`shown` None: the asker answers for the layer and may read every rule."""
    found = box_of(grant, subject, definition, when)
    box = found if isinstance(found, Box) and action in grant.actions else None
    standing: Standing = "other_actions" if action not in grant.actions else "granted"
    if not isinstance(found, Box) and standing == "granted":
        standing = found
    return GrantAccount(
        grant.id, standing, _why(grant, standing), _next_step(grant, subject, standing, when.day, action, office),
        grant.actions, purposes_of(grant), grant.valid.from_, grant.valid.until, grant.agreement, grant.rate,
        rows=None if box is None or box.rows is None else _rule(box.rows, shown),
        columns=() if box is None else box.columns,
        geometry=None if box is None or not definition.has_geometry else box.geometry,
    )  # fmt: skip


def _rule(rule: Expression, shown: frozenset[str] | None) -> Message:
    if shown is not None and not property_names(rule) <= shown:
        return HIDDEN_RULE
    text = to_text(rule)
    return Message(f"chỉ các hàng có {text}", f"only rows where {text}")


def _why(grant: Grant, standing: Standing) -> Message:
    if standing == "other_actions":
        listed = together((ACTIONS[action] for action in grant.actions), ", ")
        return Message(f"quyền này chỉ cho: {listed.vi}", f"this grant is about other actions: {listed.en}")
    if standing == "granted":
        until = period_words(grant.valid)
        return WORDS["granted"] if until is None else together((WORDS["granted"], until), ", ")
    return WORDS[standing]


def _next_step(
    grant: Grant, subject: Principal, standing: Standing, day: date, action: Action, office: Message
) -> Message | None:
    """What to do so that this grant holds; None where it does."""
    match standing:
        case "expired" if grant.valid.from_ is not None and day < grant.valid.from_:
            first = day_words(grant.valid.from_)
            return Message(f"chờ đến ngày {first.vi}", f"wait until {first.en}")
        case "expired":
            return Message(f"đề nghị {office.vi} gia hạn", f"ask for an extension: {office.en}")
        case "suspended":
            vi = f"đề nghị {office.vi} kích hoạt thỏa thuận '{grant.agreement}'"
            return Message(vi, f"ask for the agreement '{grant.agreement}' to be activated: {office.en}")
        case "purpose":
            listed = ", ".join(purposes_of(grant))
            return Message(f"nêu một trong các mục đích: {listed}", f"state one of the purposes: {listed}")
        case "claim":
            listed = ", ".join(name.removeprefix(CLAIM) for name in missing_claims(grant, subject))
            vi = f"đề nghị người quản lý tài khoản bổ sung: {listed}"
            return Message(vi, f"ask whoever keeps your account to add: {listed}")
        case "broken":
            return Message("báo quản trị hệ thống", "tell the operator")
        case "other_actions":
            wanted = ACTIONS[action]
            vi, en = f"đề nghị {office.vi} cho phép '{wanted.vi}'", f"ask for '{wanted.en}': {office.en}"
            return Message(vi, en)
    return None


# ── the whole ────────────────────────────────────────────────────────────────────────────────────
def _explanation(
    definition: LayerDefinition,
    subject: Principal,
    decision: Decision,
    when: Circumstances,
    office: Message,
    accounts: tuple[GrantAccount, ...],
) -> Explanation:
    levels = sorted((box.geometry for box in decision.boxes), key=lambda level: level.rank)
    has_shape = bool(levels) and definition.has_geometry
    return Explanation(
        definition.id, definition.title.message(), decision.action, subject.id, when.purpose, when.day,
        decision.is_allowed, decision.reason, _summary(definition, decision, accounts, office),
        decision.columns, levels[0] if has_shape else None, _until(accounts), office, accounts,
    )  # fmt: skip


def _until(accounts: Sequence[GrantAccount]) -> date | None:
    """The last day of the grant that lasts longest."""
    ends = [account.valid_until for account in accounts if account.holds]
    return None if None in ends or not ends else max(end for end in ends if end is not None)


def _summary(
    definition: LayerDefinition, decision: Decision, accounts: Sequence[GrantAccount], office: Message
) -> Message:
    action, title = ACTIONS[decision.action], definition.title
    if not decision.is_allowed:
        words = WORDS[decision.reason]
        vi = f"Không được '{action.vi}' lớp {title.vi}: {words.vi}. Cơ quan quản lý: {office.vi}."
        return Message(vi, f"'{action.en}' of {title.en} is denied: {words.en}. Ask: {office.en}.")
    holding = ", ".join(account.grant for account in accounts if account.holds)
    if not holding:
        return Message(
            f"Người vận hành được '{action.vi}' lớp {title.vi}.", f"The operator may '{action.en}' {title.en}."
        )
    until = _until(accounts)
    end = (
        Message("", "")
        if until is None
        else Message(f", đến hết {day_words(until).vi}", f", until {until.isoformat()}")
    )
    vi = f"Được '{action.vi}' lớp {title.vi} theo quyền {holding}{end.vi}."
    return Message(vi, f"'{action.en}' of {title.en} is allowed by {holding}{end.en}.")


def _plain(message: Message | None) -> dict[str, str] | None:
    return None if message is None else message.as_dict()


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
