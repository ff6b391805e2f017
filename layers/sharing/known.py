"""What one caller may know of the policy: the grants that are for them, and all grants on layers they answer for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from gis.errors import Message
from layers.access.decide import visible_layers
from layers.access.explain import HIDDEN_RULE
from layers.access.grammar import Grant
from layers.access.matching import Circumstances, columns_of, is_about, is_for
from layers.access.matrix import Matrix, MatrixRow, Subject, matrix, subjects_of
from layers.access.principal import PUBLIC, Principal
from layers.errors import InvalidRequestError
from layers.filters import bind_claims, parse_bound, property_names
from layers.profile.grammar import Identity, LayerDefinition
from layers.store.catalogue import Catalogue

from .changes import Grants, managed, owned_layers
from .subjects import known_subjects

State = Literal["in_force", "not_yet", "expired", "suspended"]


@dataclass(frozen=True, slots=True)
class OwnGrant:
    """A grant as the one it is for may read it: without its tests, and its row rule only as far as it names columns
    that the grant shows."""

    grant: Grant
    state: State
    shows_rule: bool
    names: tuple[str, ...]  #: of single columns, those that are shown

    def as_dict(self) -> dict[str, Any]:
        plain = plain_grant(self.grant)
        plain.pop("expect")
        plain["columns"] = {**plain["columns"], "names": list(self.names)}
        rule = self.grant.rows if self.shows_rule else None
        return {**plain, "rows": rule, "is_row_limited": self.grant.rows is not None, "state": self.state}

    def told(self) -> Grant:
        """As a grant again, for a table of grants; a rule that is not shown is '…'."""
        rows = self.grant.rows if self.shows_rule or self.grant.rows is None else "…"
        columns = self.grant.columns.model_copy(update={"names": self.names})
        return self.grant.model_copy(update={"rows": rows, "columns": columns, "expect": ()})


def plain_grant(grant: Grant) -> dict[str, Any]:
    """Every key of the grammar, as JSON has it."""
    return grant.model_dump(mode="json", by_alias=True)


def own_grants(catalogue: Catalogue, principal: Principal, day: date) -> tuple[OwnGrant, ...]:
    """The caller's grants, in force or not, in the order of their ids."""
    when = Circumstances(day, None, catalogue.active_agreements)
    found = (grant for grant in catalogue.grants if is_for(grant, principal))
    return tuple(
        OwnGrant(grant, state_of(grant, when), _shows_rule(catalogue, grant), _names(catalogue, grant))
        for grant in sorted(found, key=lambda grant: grant.id)
    )


def managed_grants(catalogue: Catalogue, principal: Principal, day: date, grants: Grants | None = None) -> Grants:
    """All grants on the layers the caller answers for, of the policy in force or of another one."""
    listed = catalogue.grants if grants is None else grants
    found = managed(listed, owned_layers(catalogue, principal, day))
    return tuple(sorted(found, key=lambda grant: (str(grant.layer), grant.id)))


def state_of(grant: Grant, when: Circumstances) -> State:
    if grant.valid.from_ is not None and when.day < grant.valid.from_:
        return "not_yet"
    if not grant.valid.holds_on(when.day):
        return "expired"
    return "in_force" if when.hold(grant) else "suspended"


def _shows_rule(catalogue: Catalogue, grant: Grant) -> bool:
    if grant.rows is None:
        return True
    try:
        read = property_names(parse_bound(bind_claims(grant.rows, {})))
    except InvalidRequestError:
        return False
    return all(read <= shown for shown in _shown(catalogue, grant))


def _names(catalogue: Catalogue, grant: Grant) -> tuple[str, ...]:
    shown = frozenset[str]().union(*_shown(catalogue, grant))
    return tuple(name for name in grant.columns.names if name in shown)


def _shown(catalogue: Catalogue, grant: Grant) -> Iterator[frozenset[str]]:
    return (
        frozenset(columns_of(grant, definition))
        for definition in catalogue.profile.layers
        if is_about(grant, definition)
    )


# ── the table of all of it ───────────────────────────────────────────────────────────────────────
def known_matrix(catalogue: Catalogue, principal: Principal, day: date) -> Matrix:
    """Everybody's rights on the layers the caller answers for; of other layers the caller's own, as far as they know
    of them."""
    owned = owned_layers(catalogue, principal, day)
    visible = visible_layers(
        principal, catalogue.profile.layers, catalogue.grants, day=day, active_agreements=catalogue.active_agreements
    )
    others = [definition for definition in visible if definition not in owned]
    identities = catalogue.profile.identities
    everybody = _matrix(catalogue, owned, known_subjects(principal, catalogue.profile, catalogue.grants, owned), day)
    own = _matrix(catalogue, others, (_subject(principal, identities),), day)
    told = frozenset(known.grant.id for known in own_grants(catalogue, principal, day) if _tells_all(known))
    rows = (*everybody.rows, *(_masked(row, told) for row in own.rows))
    sectors = list(catalogue.profile.header.sectors)
    order = {layer.id: number for number, layer in enumerate(catalogue.profile.layers)}
    return Matrix(day, tuple(sorted(rows, key=lambda row: (_place(row.sector, sectors), order[row.layer]))))


def _place(sector: str, sectors: Sequence[str]) -> int:
    return sectors.index(sector) if sector in sectors else len(sectors)


def _matrix(catalogue: Catalogue, layers: Iterable[LayerDefinition], subjects: Iterable[Subject], day: date) -> Matrix:
    return matrix(
        catalogue.grants, layers, subjects, day=day, active_agreements=catalogue.active_agreements,
        sectors=catalogue.profile.header.sectors,
    )  # fmt: skip


def _subject(principal: Principal, identities: Iterable[Identity]) -> Subject:
    if principal.id == PUBLIC.id:
        return subjects_of((), ())[0]
    known = next((one for one in identities if one.id == principal.id), None)
    title = known.title.message() if known else Message(principal.id, principal.id)
    return Subject("identity", principal.id, title, principal)


def _tells_all(known: OwnGrant) -> bool:
    return known.shows_rule and known.names == known.grant.columns.names


def _masked(row: MatrixRow, told: frozenset[str]) -> MatrixRow:
    """A cell under a grant whose words would name a hidden column says only that there are limits."""
    cells = (cell if told.issuperset(cell.grants) else replace(cell, text=HIDDEN_RULE) for cell in row.cells)
    return replace(row, cells=tuple(cells))
