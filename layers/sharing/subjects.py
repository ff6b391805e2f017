"""For whom a change of policy is shown: everybody, each known identity, and each role or office nobody known has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gis.errors import Message
from layers.access.grammar import Grant
from layers.access.principal import PUBLIC, Principal, known_as
from layers.profile.grammar import Identity
from layers.profile.profile import Profile

EVERYBODY = Message("Mọi người", "Everybody")


@dataclass(frozen=True, slots=True)
class Subject:
    """One caller as a policy sees them; `purposes` are those they may name, None among them."""

    kind: str  #: anyone, identity, role, office
    name: str
    title: Message
    principal: Principal
    purposes: tuple[str | None, ...]

    def as_dict(self) -> dict[str, object]:
        return {"kind": self.kind, "name": self.name, "title": self.title.as_dict()}


def subjects(profile: Profile, grants: Iterable[Grant]) -> tuple[Subject, ...]:
    """Everybody first. A role without a known identity has no claims: rules that need some show it nothing."""
    listed = tuple(grants)
    named = tuple(_purposes(listed))
    everybody = Subject("anyone", PUBLIC.id, EVERYBODY, PUBLIC, (None,))
    identities = [_of_identity(one) for one in profile.identities if one.id != PUBLIC.id]
    return everybody, *identities, *_unknown(profile.identities, listed, named)


def _of_identity(identity: Identity) -> Subject:
    title = identity.title.message()
    return Subject("identity", identity.id, title, known_as(identity), (None, *identity.purposes))


def _purposes(grants: Iterable[Grant]) -> Iterator[str]:
    """Every purpose that some grant names."""
    asked = {
        name for grant in grants for name in ((grant.purpose,) if isinstance(grant.purpose, str) else grant.purpose)
    }
    return iter(sorted(asked - {"any"}))


def _unknown(identities: Iterable[Identity], grants: Iterable[Grant], purposes: tuple[str, ...]) -> Iterator[Subject]:
    known = tuple(identities)
    roles = {grant.to.role for grant in grants if grant.to.role} - {role for one in known for role in one.roles}
    offices = {grant.to.office for grant in grants if grant.to.office} - {one.office for one in known}
    people = {grant.to.identity for grant in grants if grant.to.identity} - {one.id for one in known}
    asked = (None, *purposes)
    for role in sorted(roles):
        title = Message(f"vai trò {role}", f"role {role}")
        yield Subject("role", role, title, Principal(f"role:{role}", frozenset({role})), asked)
    for office in sorted(offices):
        title = Message(f"cơ quan {office}", f"office {office}")
        yield Subject("office", office, title, Principal(f"office:{office}", office=office), asked)
    for person in sorted(people):
        title = Message(f"tài khoản {person}", f"account {person}")
        yield Subject("identity", person, title, Principal(person), asked)
