"""Bring a database to a profile: plan what would happen, or do it, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from layers.errors import RefusedError
from layers.store.catalogue import expecting_schema, load_catalogue
from layers.store.connection import Connection, Database
from layers.store.profile_store import carry_out, lock, read_standing, table_shape, wanting_reference_systems
from layers.store.tables import srid
from layers.store.wall import enforce

from .plan import Plan, plan_of
from .profile import Profile


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done; an empty plan is a profile that stood already."""

    plan: Plan

    @property
    def has_changed(self) -> bool:
        return not self.plan.is_empty

    def as_dict(self) -> dict[str, object]:
        return {**self.plan.as_dict(), "applied": self.has_changed}


async def plan(connection: Connection, profile: Profile) -> Plan:
    """What `apply` would do now."""
    storage_srid = srid(profile.header.crs.storage)
    shapes = {layer.id: table_shape(layer, storage_srid) for layer in profile.layers}
    with expecting_schema():
        wanting = await wanting_reference_systems(connection, profile.header.crs)
        return plan_of(profile, await read_standing(connection), shapes, wanting)


async def apply(database: Database, profile: Profile, os_user: str) -> Applied:
    """All or nothing. Raises RefusedError naming every change that is not possible in place."""
    async with database.transaction() as connection:
        with expecting_schema():
            await lock(connection)
        made = await plan(connection, profile)
        if made.refusals:
            raise _refused(made)
        if not made.is_empty:
            await carry_out(connection, profile, made, os_user)
        policy = (await load_catalogue(connection)).grants  # the profile only seeded them
        await enforce(connection, policy, profile.layers, profile.identities)
    return Applied(made)


def _refused(plan: Plan) -> RefusedError:
    messages = [refusal.message for refusal in plan.refusals]
    vi, en = ("\n".join(getattr(message, language) for message in messages) for language in ("vi", "en"))
    return RefusedError(f"Không áp dụng được hồ sơ:\n{vi}", f"The profile cannot be applied:\n{en}")
