"""What differs between two policies grant by grant, and whose business each difference is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from layers.access.grammar import Grant
from layers.access.ownership import may_manage
from layers.access.principal import Principal
from layers.errors import ConflictError, ForbiddenError
from layers.profile.grammar import LayerDefinition
from layers.store.catalogue import Catalogue

Grants = tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One grant before and after; None where it does not exist."""

    id: str
    before: Grant | None
    after: Grant | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    @property
    def fields(self) -> tuple[str, ...]:
        """The keys that differ, as the grammar writes them."""
        before, after = (_plain(grant) if grant else {} for grant in (self.before, self.after))
        return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))

    @property
    def subjects(self) -> tuple[Grant, ...]:
        return tuple(grant for grant in (self.before, self.after) if grant is not None)

    def as_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind, "id": self.id, "fields": list(self.fields),
            "before": _plain(self.before) if self.before else None,
            "after": _plain(self.after) if self.after else None,
        }  # fmt: skip


def _plain(grant: Grant) -> dict[str, object]:
    return grant.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def changes(before: Iterable[Grant], after: Iterable[Grant]) -> tuple[Change, ...]:
    """Every grant that was added, removed or changed, by id."""
    old, new = ({grant.id: grant for grant in grants} for grants in (before, after))
    return tuple(
        Change(name, old.get(name), new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name)
    )


def rebased(base: Grants, proposed: Grants, current: Grants) -> Grants:
    """The changes of a proposal made anew on another policy. Raises ConflictError where both changed one grant."""
    ours, theirs = changes(base, proposed), {change.id: change for change in changes(base, current)}
    disputed = sorted(change.id for change in ours if theirs.get(change.id, change).after != change.after)
    if disputed:
        listed = ", ".join(disputed)
        raise ConflictError(
            f"Các quyền này cũng vừa được thay đổi: {listed}. Xem lại từng quyền rồi đề xuất lại.",
            f"These grants were changed meanwhile: {listed}. Look at each of them and propose again.",
            grants=disputed,
        )
    kept = {grant.id: grant for grant in current}
    for change in ours:
        kept.pop(change.id, None)
        if change.after is not None:
            kept[change.id] = change.after
    return tuple(kept.values())


# ── whose business ───────────────────────────────────────────────────────────────────────────────
def owned_layers(catalogue: Catalogue, principal: Principal, day: date) -> tuple[LayerDefinition, ...]:
    """The layers whose grants this principal manages, in the order of the profile."""
    purposes = next((one.purposes for one in catalogue.profile.identities if one.id == principal.id), ())
    return tuple(
        definition
        for definition in catalogue.profile.layers
        if may_manage(
            principal,
            definition,
            catalogue.grants,
            day=day,
            purposes=purposes,
            active_agreements=catalogue.active_agreements,
        )
    )


def managed(grants: Iterable[Grant], layers: Sequence[LayerDefinition]) -> Grants:
    """The grants that name one of the layers; a grant on a whole sharing level is the operator's alone."""
    own = {layer.id for layer in layers}
    return tuple(grant for grant in grants if grant.layer in own)


def require_manager(catalogue: Catalogue, principal: Principal, day: date) -> tuple[LayerDefinition, ...]:
    """The layers whose grants are the principal's to manage. Raises ForbiddenError for whoever manages none."""
    layers = owned_layers(catalogue, principal, day)
    if not layers and not principal.is_operator:
        raise ForbiddenError(
            "Bạn không quản lý lớp dữ liệu nào, nên không có quyền nào để sửa.",
            "You answer for no layer, so there is no grant for you to change.",
            reason="not_owner",
        )
    return layers


def require_own(
    catalogue: Catalogue, principal: Principal, found: Iterable[Change], day: date, asked: Iterable[Grant] = ()
) -> None:
    """Raises ForbiddenError for a change, or a grant asked for, that is not the principal's to make.

    A layer that is not there and one of somebody else are told in the same words.
    """
    if principal.is_operator:
        return
    own = {layer.id for layer in owned_layers(catalogue, principal, day)}
    made = tuple(found)
    subjects = (*asked, *(grant for change in made for grant in change.subjects))
    foreign = sorted(
        {grant.id for grant in subjects if grant.layer not in own}
        | {change.id for change in made if not _expected_of(change) <= own}
    )
    if foreign:
        listed = ", ".join(foreign)
        raise ForbiddenError(
            f"Bạn chỉ đề xuất được quyền trên lớp do mình quản lý; không phải: {listed}.",
            f"You may only propose grants on layers you answer for; not: {listed}.",
            reason="not_owner", grants=foreign,
        )  # fmt: skip
    require_none_to_publish(grant for change in made for grant in change.subjects)


def _expected_of(change: Change) -> set[str]:
    """The layers that the tests a change brings are about: their answers would tell what others may do there."""
    known = change.before.expect if change.before else ()
    given = change.after.expect if change.after else ()
    return {expected.layer for expected in given if expected.layer is not None and expected not in known}


def require_none_to_publish(grants: Iterable[Grant]) -> None:
    """Raises ForbiddenError: whoever could give the right to publish could prolong, widen and hand on their own."""
    named = sorted({grant.id for grant in grants if "publish" in grant.actions})
    if named:
        listed = ", ".join(named)
        raise ForbiddenError(
            f"Chỉ người vận hành thêm, sửa, bỏ được quyền 'publish': {listed}. Để nguyên các quyền này.",
            f"Only the operator adds, changes or removes grants to 'publish': {listed}. Leave them as they are.",
            reason="operator", grants=named,
        )  # fmt: skip


def orphans(before: Iterable[Grant], after: Iterable[Grant]) -> tuple[str, ...]:
    """Layers that somebody may publish now and nobody could afterwards: only the operator would be left."""
    return tuple(sorted(set(_published(before)) - set(_published(after))))


def _published(grants: Iterable[Grant]) -> Iterator[str]:
    return (grant.layer for grant in grants if "publish" in grant.actions and isinstance(grant.layer, str))
