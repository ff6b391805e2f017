"""What a caller may do with a layer: the matching grants as boxes of rows × columns × geometry, and why not otherwise.

Allow-only, deny by default, union per cell. A grant that cannot be read grants nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from layers.errors import ForbiddenError, InvalidRequestError, NotFoundError
from layers.filters import (
    GEOMETRY,
    Expression,
    bind_claims,
    check,
    parse_bound,
    references,
    to_text,
)  # fmt: skip
from layers.filters.tree import within_edges
from layers.profile.grammar import LayerDefinition

from .grammar import Action, Grant, Precision, SharingRef
from .principal import Principal

Reason = Literal["granted", "no_grant", "expired", "purpose", "suspended", "claim", "broken"]
#: what is told when several grants fail for several reasons: the one a caller can do most about comes first
_TOLD_FIRST: tuple[Reason, ...] = ("purpose", "claim", "suspended", "expired", "broken", "no_grant")


@dataclass(frozen=True, slots=True)
class GeometryLevel:
    """How exactly a shape is shown: as stored, snapped to a grid of so many metres, one point, or not at all."""

    kind: Literal["full", "grid", "centroid", "none"]
    precision_m: float = 0.0

    @property
    def rank(self) -> tuple[int, float]:
        """Smaller is more exact."""
        return ("full", "grid", "centroid", "none").index(self.kind), self.precision_m


FULL, NONE = GeometryLevel("full"), GeometryLevel("none")


@dataclass(frozen=True, slots=True)
class Box:
    """Rows × columns × geometry; `rows` None is every row."""

    columns: tuple[str, ...]
    geometry: GeometryLevel
    rows: Expression | None = None

    def covers(self, other: Box) -> bool:
        """Whether nothing is left of `other` beside this one."""
        return (
            self.rows is None and set(other.columns) <= set(self.columns) and self.geometry.rank <= other.geometry.rank
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one (principal, layer, action, purpose, day).

    `boxes` is empty when nothing is allowed. `refusals` names each grant for the caller that did not hold, and why.
    """

    layer: str
    action: Action
    is_allowed: bool
    is_visible: bool
    reason: Reason
    boxes: tuple[Box, ...] = ()
    grants: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()  #: every column that some row may show, in the order of the definition
    has_geometry: bool = False
    is_public: bool = False  #: every box is everybody's: shared caches may keep the answer
    uses_claims: bool = False  #: bound to what the caller is: private, never kept
    refusals: tuple[tuple[str, Reason], ...] = ()

    @property
    def relation_digest(self) -> str:
        """One text for one relation: equal relations share cached bytes, different ones never."""
        return _relation_digest(self.layer, self.boxes)

    def require(self) -> Decision:
        """Itself. Raises NotFoundError for a layer that is not visible, ForbiddenError for an action not granted."""
        if self.is_allowed:
            return self
        if not self.is_visible:
            raise NotFoundError
        vi, en = _WORDS[self.reason]
        raise ForbiddenError(
            f"Bạn không có quyền '{self.action}' với lớp '{self.layer}': {vi}.",
            f"You may not '{self.action}' the layer '{self.layer}': {en}.",
            reason=self.reason, layer=self.layer, action=self.action,
        )  # fmt: skip


_WORDS: dict[Reason, tuple[str, str]] = {
    "granted": ("được phép", "granted"),
    "no_grant": ("chưa được chia sẻ cho thao tác này; hãy liên hệ cơ quan quản lý lớp dữ liệu",
                 "no grant for this action; please ask the sector that answers for the layer"),
    "expired": ("quyền đã hết hạn hoặc chưa có hiệu lực", "the grant has expired or is not in force yet"),
    "purpose": ("cần nêu đúng mục đích sử dụng", "the purpose of use is missing or another one"),
    "suspended": ("thỏa thuận chia sẻ chưa có hiệu lực hoặc đã tạm dừng", "the agreement is not active"),
    "claim": ("tài khoản thiếu thông tin phạm vi (ví dụ mã xã)", "the account lacks a claim such as its communes"),
    "broken": ("quy tắc chia sẻ bị lỗi; hãy báo quản trị", "the sharing rule is broken; please tell the operator"),
}  # fmt: skip


def decide(
    principal: Principal,
    definition: LayerDefinition,
    action: Action,
    grants: Sequence[Grant],
    *,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> Decision:
    """The decision on one day. A grant under an agreement that is not among the active ones does not hold."""
    if principal.is_operator:
        return _everything(definition, action)
    own = [grant for grant in grants if _is_for(grant, principal) and _is_about(grant, definition)]
    matching: list[tuple[Grant, Box]] = []
    refusals: list[tuple[str, Reason]] = []
    for grant in own:
        if action not in grant.actions:
            continue
        found = _box(grant, principal, definition, purpose, day, active_agreements)
        if isinstance(found, Box):
            matching.append((grant, found))
        else:
            refusals.append((grant.id, found))
    is_visible = definition.discoverable or any(_holds(grant, day, active_agreements) for grant in own)
    return _decision(definition, action, matching, tuple(refusals), is_visible)


def visible_layers(
    principal: Principal,
    definitions: Iterable[LayerDefinition],
    grants: Sequence[Grant],
    *,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
) -> tuple[LayerDefinition, ...]:
    """The layers a caller may know of: any grant on any action, or discoverable. The others do not exist for them."""
    return tuple(
        definition
        for definition in definitions
        if decide(
            principal, definition, "items", grants, purpose=None, day=day, active_agreements=active_agreements
        ).is_visible
    )


def queryables(definition: LayerDefinition, decision: Decision) -> dict[str, str]:
    """What a caller may filter by: name → type. A hidden column is not in it."""
    found = {
        attribute.name: attribute.type
        for attribute in definition.attributes
        if attribute.is_scalar and attribute.name in decision.columns
    }
    return found | ({GEOMETRY: "geometry"} if decision.has_geometry else {})


def all_properties(definition: LayerDefinition) -> dict[str, str]:
    """What a row rule of ours may read: every scalar column and the geometry, shown or not."""
    found = {attribute.name: attribute.type for attribute in definition.attributes if attribute.is_scalar}
    return found | ({GEOMETRY: "geometry"} if definition.has_geometry else {})


def _is_for(grant: Grant, principal: Principal) -> bool:
    to = grant.to
    return (
        to.anyone
        or (to.role is not None and to.role in principal.roles)
        or (to.identity is not None and to.identity == principal.id)
        or (to.office is not None and to.office == principal.office)
    )


def _is_about(grant: Grant, definition: LayerDefinition) -> bool:
    if isinstance(grant.layer, SharingRef):
        return grant.layer.sharing == definition.sharing
    return grant.layer == definition.id


def _holds(grant: Grant, day: date, active_agreements: frozenset[str]) -> bool:
    return grant.valid.holds_on(day) and (grant.agreement is None or grant.agreement in active_agreements)


def _is_for_purpose(grant: Grant, purpose: str | None) -> bool:
    allowed = (grant.purpose,) if isinstance(grant.purpose, str) else grant.purpose
    return "any" in allowed or purpose in allowed


def _box(
    grant: Grant,
    principal: Principal,
    definition: LayerDefinition,
    purpose: str | None,
    day: date,
    active_agreements: frozenset[str],
) -> Box | Reason:
    """What a grant for this caller and action allows, or why it does not hold."""
    if not grant.valid.holds_on(day):
        return "expired"
    if not _holds(grant, day, active_agreements):
        return "suspended"
    if not _is_for_purpose(grant, purpose):
        return "purpose"
    if grant.rows is not None and any(not _has_claim(principal, name) for name in references(grant.rows)):
        return "claim"
    try:
        rows = _rows(grant, principal, definition)
    except InvalidRequestError:
        return "broken"
    return Box(_columns(grant, definition), _geometry(grant, definition), rows)


def _has_claim(principal: Principal, reference: str) -> bool:
    """A rule may refer to claims only; anything else counts as absent, so that the grant allows nothing."""
    return bool(reference.startswith(":claims.") and principal.claims.get(reference.removeprefix(":claims.")))


def _rows(grant: Grant, principal: Principal, definition: LayerDefinition) -> Expression | None:
    if grant.rows is None:
        return None
    return _rule(bind_claims(grant.rows, principal.claims), grant.edge, definition)


@lru_cache(maxsize=4096)
def _rule(text: str, edge: str, definition: LayerDefinition) -> Expression:
    """A bound row rule, checked against the definition; the same text is parsed once."""
    rule = check(parse_bound(text), all_properties(definition))
    return within_edges(rule) if edge == "within" else rule


def _columns(grant: Grant, definition: LayerDefinition) -> tuple[str, ...]:
    """A column without a tag is nobody's, however it is named."""
    return tuple(
        attribute.name
        for attribute in definition.attributes
        if attribute.tag is not None and (attribute.tag in grant.columns.tags or attribute.name in grant.columns.names)
    )


def _geometry(grant: Grant, definition: LayerDefinition) -> GeometryLevel:
    if not definition.has_geometry:
        return NONE
    if isinstance(grant.geometry, Precision):
        return GeometryLevel("grid", grant.geometry.precision_m)
    return GeometryLevel(grant.geometry)


def _everything(definition: LayerDefinition, action: Action) -> Decision:
    """The operator's relation: all rows, all columns, tagged or not."""
    columns = tuple(attribute.name for attribute in definition.attributes)
    box = Box(columns, FULL if definition.has_geometry else NONE)
    return Decision(
        definition.id, action, True, True, "granted", (box,), ("operator",), columns, definition.has_geometry
    )


def _decision(
    definition: LayerDefinition,
    action: Action,
    matching: list[tuple[Grant, Box]],
    refusals: tuple[tuple[str, Reason], ...],
    is_visible: bool,
) -> Decision:
    if not matching:
        reasons = {reason for _, reason in refusals}
        told: Reason = next((reason for reason in _TOLD_FIRST if reason in reasons), "no_grant")
        return Decision(definition.id, action, False, is_visible, told, refusals=refusals)
    boxes = _normal_form([box for _, box in matching])
    shown = {column for box in boxes for column in box.columns}
    return Decision(
        definition.id, action, True, True, "granted", boxes,
        grants=tuple(grant.id for grant, _ in matching),
        columns=tuple(attribute.name for attribute in definition.attributes if attribute.name in shown),
        has_geometry=any(box.geometry.kind != "none" for box in boxes),
        is_public=all(grant.to.anyone for grant, _ in matching),
        uses_claims=any(references(grant.rows or "") for grant, _ in matching),
        refusals=refusals,
    )  # fmt: skip


def _normal_form(boxes: list[Box]) -> tuple[Box, ...]:
    """Without doubles and without what another box covers: equal relations look equal."""
    unique = sorted(dict.fromkeys(boxes), key=_canonical)
    return tuple(box for box in unique if not any(other.covers(box) for other in unique if other != box))


def _canonical(box: Box) -> str:
    rows = None if box.rows is None else to_text(box.rows)
    return json.dumps([sorted(box.columns), box.geometry.kind, box.geometry.precision_m, rows], ensure_ascii=False)


@lru_cache(maxsize=4096)
def _relation_digest(layer: str, boxes: tuple[Box, ...]) -> str:
    text = "\n".join((layer, *map(_canonical, boxes)))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
