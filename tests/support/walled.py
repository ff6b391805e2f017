"""Raw SQL in the name of a role class, and what that class may see, said once more without the wall's own code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from layers.access.classes import RoleClass, class_of
from layers.access.decide import decide
from layers.access.grammar import Grant
from layers.access.principal import PUBLIC, Principal
from layers.filters import evaluate
from layers.profile.grammar import Identity, LayerDefinition
from tests.support.layers import DAY
from tests.support.shared_layers import profile

PROFILE = profile()
GRANTS = PROFILE.grants
LAYERS = {layer.id: layer for layer in PROFILE.layers}
PARCEL = LAYERS["parcel"]
#: actions that show rows of a layer's own table
SHOWING = ("items", "tile", "map", "export", "edit")


def principal_of(identity: Identity) -> Principal:
    if identity.id == PUBLIC.id:
        return PUBLIC
    return Principal(identity.id, frozenset(identity.roles), identity.office, identity.sector, identity.claims)


PRINCIPALS = [principal_of(identity) for identity in PROFILE.identities]
REVIEWER, OFFICER = PRINCIPALS[1], PRINCIPALS[2]
CLASSES = {principal.id: class_of(principal, GRANTS) for principal in PRINCIPALS}


@contextmanager
def acting_as(url: str, role_class: RoleClass) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose every statement runs as the class."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role_class.database_role)))
        yield connection


@dataclass(frozen=True)
class Union:
    """What the callers of one class may see of one layer, put together."""

    fids: frozenset[int]
    columns: frozenset[str]
    has_shape: bool


def union_of(
    role_class: RoleClass,
    definition: LayerDefinition,
    grants: Sequence[Grant],
    principals: Sequence[Principal],
    rows: Sequence[Mapping[str, Any]],
    purposes: Sequence[str | None] = (None,),
) -> Union:
    """By decisions and the Python evaluator only."""
    boxes = [
        box
        for principal in principals
        if class_of(principal, grants) == role_class
        for action in SHOWING
        for purpose in purposes
        for box in decide(principal, definition, action, grants, purpose=purpose, day=DAY).boxes  # type: ignore[arg-type]
    ]
    return Union(
        frozenset(row["fid"] for row in rows for box in boxes if box.rows is None or evaluate(box.rows, row) is True),
        frozenset(column for box in boxes for column in box.columns),
        any(box.geometry.kind != "none" for box in boxes),
    )


async def current_role(connection: Any) -> str:
    cursor = await connection.execute("SELECT current_user AS name")
    return str((await cursor.fetchone())["name"])


async def login(connection: Any) -> str:
    cursor = await connection.execute("SELECT session_user AS name")
    return str((await cursor.fetchone())["name"])
