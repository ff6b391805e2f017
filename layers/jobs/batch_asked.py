"""What a batch job asks, as it lies in the job table: checked when it is sent, and again when it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gis.errors import Message
from layers.access.decide import decide, queryables
from layers.access.grammar import Action
from layers.access.principal import PUBLIC
from layers.canonical import plain
from layers.checking.batch_rights import share_of, subjects_decision
from layers.checking.batch_subjects import shapes_of
from layers.checking.export import require_areas
from layers.checking.request import LOCAL_TIME, instant_of, parse_as_of
from layers.checking.run import bound_case
from layers.errors import FieldError, ForbiddenError, InvalidInputsError
from layers.filters import Comparison, Expression, Property, check, parse_text, require_cheap
from layers.filters.tree import And
from layers.filters.tree import Literal as Constant
from layers.store.catalogue import Catalogue

from .job import LIMITS
from .owner import Owner

#: keys, and shapes, of one request
MOST_KEYS, MOST_FEATURES = 100_000, 10_000
#: what a batch does with a layer
_USED: tuple[Action, ...] = ("items", "check")


@dataclass(frozen=True, slots=True)
class BatchAsked:
    """The subjects are `features` (GeoJSON in CRS84), or rows of the parcel layer: of a commune, those for which a CQL2
    `filter` holds, those named by `keys`; all conditions count together, and none means all rows."""

    procedure: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    commune: str | None = None
    filter: str | None = None
    keys: Sequence[str] | None = None
    features: Sequence[Mapping[str, Any]] | None = None
    purpose: str | None = None
    as_of: str | None = None
    on_date: str | None = None

    @classmethod
    def read(cls, inputs: Mapping[str, Any]) -> BatchAsked:
        """From the job table."""
        return cls(**inputs)

    def as_inputs(self, now: datetime) -> dict[str, Any]:
        """For the job table. The instant is fixed when the job is sent: a resumed job meets the same data."""
        made: dict[str, Any] = plain({name: getattr(self, name) for name in self.__slots__})
        return made | {"as_of": (self.instant(now) or now).isoformat()}

    def instant(self, now: datetime) -> datetime | None:
        return instant_of(parse_as_of(self.as_of), now)

    def day(self, now: datetime) -> date:
        if self.on_date is None:
            return (self.instant(now) or now).astimezone(LOCAL_TIME).date()
        try:
            return date.fromisoformat(self.on_date)
        except ValueError:
            raise _wrong("on_date", "phải là ngày YYYY-MM-DD", "must be a day as YYYY-MM-DD") from None

    def purpose_of(self, catalogue: Catalogue) -> str | None:
        definition = catalogue.profile.procedure(self.procedure)
        return self.purpose or (definition.purpose if definition else None)

    def wanted(self, catalogue: Catalogue) -> Expression | None:
        """The rows asked for, as one condition that is still to be checked. Raises InvalidRequestError."""
        parts: list[Expression] = [parse_text(self.filter)] if self.filter else []
        if self.commune is not None:
            role = catalogue.profile.parcel_layer.by_role("commune")
            if role is None:
                raise _wrong("commune", "lớp thửa đất không có cột xã", "parcels have no column for the commune")
            parts.append(Comparison("=", Property(role.name), Constant(self.commune)))
        return None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))


def require_sound(asked: BatchAsked, catalogue: Catalogue, owner: Owner, now: datetime) -> None:
    """All that can be known before it begins. Raises InvalidInputsError, InvalidRequestError, NotFoundError,
    ForbiddenError for what the owner may not have checked."""
    require_known(owner)
    bound_case(catalogue, asked.procedure, asked.inputs, asked.day(now), as_of=None, clock=now)
    owner.require(asked.purpose)
    _require_unlimited(asked, catalogue, owner, now)
    if asked.features is not None:
        _require_features(asked)
        return
    if asked.keys is not None and len(asked.keys) > MOST_KEYS:
        raise _wrong("keys", f"có hơn {MOST_KEYS} mã", f"are more than {MOST_KEYS}")
    layer = catalogue.profile.parcel_layer
    require_areas(layer)
    wanted = asked.wanted(catalogue)
    if owner.principal.is_operator:
        return
    day = now.astimezone(LOCAL_TIME).date()
    purpose = asked.purpose_of(catalogue)
    decision = subjects_decision(catalogue, owner.principal, layer.id, purpose=purpose, day=day)
    if wanted is not None:
        require_cheap(check(wanted, queryables(layer, decision)))
    if asked.keys is not None and not _names_rows(asked, catalogue, owner, now):
        raise _wrong("keys", "không được xem mã thửa; hãy dùng fid:…", "keys are not shown to you; use fid:…")


def require_known(owner: Owner) -> None:
    """Everybody without a name is one owner: one of them could shut all others out. Raises ForbiddenError."""
    if owner.principal.id == PUBLIC.id and not owner.principal.is_operator:
        raise ForbiddenError(
            "Kiểm tra hàng loạt cần tài khoản; hãy đăng nhập, hoặc kiểm tra từng thửa.",
            "A batch needs an account; please sign in, or check one parcel at a time.", reason="no_grant",
        )  # fmt: skip


def _require_unlimited(asked: BatchAsked, catalogue: Catalogue, owner: Owner, now: datetime) -> None:
    subjects = catalogue.profile.parcel_layer.id if asked.features is None else None
    require_unlimited(catalogue, owner, asked.procedure, subjects, purpose=asked.purpose_of(catalogue), now=now)


def require_unlimited(
    catalogue: Catalogue, owner: Owner, procedure: str, subjects: str | None, *, purpose: str | None, now: datetime
) -> None:
    """A grant that may be used so often only is not used for thousands of subjects at once. Raises ForbiddenError."""
    definition = catalogue.profile.procedure(procedure)
    names = {*(definition.layers() if definition else ())} & catalogue.layers.keys()
    if subjects is not None:
        names.add(subjects)
    day = now.astimezone(LOCAL_TIME).date()
    for name in sorted(names) if not owner.principal.is_operator else ():
        for action in _USED:
            decision = decide(
                owner.principal, catalogue.layers[name].definition, action, catalogue.grants, purpose=purpose, day=day,
                active_agreements=catalogue.active_agreements,
            )  # fmt: skip
            if decision.rates:
                raise ForbiddenError(
                    "Quyền của bạn có giới hạn số lượt nên không dùng cho kiểm tra hàng loạt; hãy kiểm tra từng thửa.",
                    "Your grant limits how often it is used, so no batch may use it; please check parcels one by one.",
                    reason="rate",
                )


def _names_rows(asked: BatchAsked, catalogue: Catalogue, owner: Owner, now: datetime) -> bool:
    if all(key.startswith("fid:") for key in asked.keys or ()):
        return True
    day, purpose = now.astimezone(LOCAL_TIME).date(), asked.purpose_of(catalogue)
    layer = catalogue.profile.parcel_layer.id
    decision = subjects_decision(catalogue, owner.principal, layer, purpose=purpose, day=day)
    share = share_of(catalogue, owner.principal, (), purpose=purpose, day=day, subjects=decision)
    return share is None or share.names_subjects


def _require_features(asked: BatchAsked) -> None:
    assert asked.features is not None  # asked for by the caller
    if asked.commune or asked.filter or asked.keys is not None:
        raise _wrong("features", "không đi cùng commune, filter, keys", "cannot go with commune, filter or keys")
    if not 0 < len(asked.features) <= min(MOST_FEATURES, LIMITS.subjects):
        raise _wrong("features", f"cần từ 1 đến {MOST_FEATURES} vùng", f"must be between 1 and {MOST_FEATURES} areas")
    shapes_of(asked.features)


def _wrong(field_name: str, vi: str, en: str) -> InvalidInputsError:
    message = Message(f"'{field_name}' {vi}.", f"'{field_name}' {en}.")
    return InvalidInputsError(message.vi, message.en, [FieldError(field_name, message)])
