"""The second wall: row-level security on every layer's table, and columns granted to role classes.

The relation (`relation_sql`) decides what a caller is shown; the wall holds the SQL that is run in the caller's name to
the most their class may reach. A change of policy writes rows and calls `access.enforce()`, never DDL on a table.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from psycopg import sql

from layers.access.classes import RoleClass, class_of, classes_of
from layers.access.grammar import Grant
from layers.access.principal import Principal
from layers.access.scope import Scope, scope_of
from layers.profile.grammar import Identity, LayerDefinition

from .connection import Connection, execute, row, rows
from .statements import blocks

_SQL = "wall"
log = structlog.get_logger()


# ── the wall of one table ────────────────────────────────────────────────────────────────────────
def wall_statements(definition: LayerDefinition) -> tuple[str, ...]:
    """The statements that put up the wall of a layer's table, or put it up anew. No policy changes them."""
    parts, layer = blocks(_SQL), sql.Literal(definition.id)
    reached = sql.SQL(parts["every_row"]).format(layer=layer)
    commune = definition.by_role("commune")
    if commune is not None:
        by_code = sql.SQL(parts["rows_of_communes"])
        reached = by_code.format(every_row=reached, layer=layer, commune=_as_text(commune.name, commune.type))
    made = sql.SQL(_uncommented(parts["table"])).format(table=sql.Identifier("data", definition.id), reached=reached)
    return tuple(part.strip() for part in made.as_string(None).split(";\n"))


def _uncommented(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def _as_text(name: str, kind: str) -> sql.Composable:
    column = sql.Identifier(name)
    return column if kind in ("string", "code") else sql.SQL("{}::text").format(column)


def wall_digest(statements: Iterable[str]) -> str:
    return hashlib.sha256(";\n".join(statements).encode()).hexdigest()


async def standing_walls(connection: Connection) -> dict[str, str]:
    """Layers whose table has its wall, with the digest of the statements that put it up."""
    return {found["layer"]: found["statements"] for found in await rows(connection, blocks(_SQL)["standing"])}


async def record_wall(connection: Connection, layer: str, statements: Iterable[str]) -> None:
    """After the statements were run: keep what they made, so that a later change is seen."""
    await execute(connection, blocks(_SQL)["record"], {"layer": layer, "statements": wall_digest(statements)})


# ── what the classes reach ───────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class CompiledWall:
    """Everything the wall lets through: the known classes, and what each reaches of each layer."""

    classes: tuple[RoleClass, ...]
    scopes: tuple[tuple[RoleClass, str, Scope], ...]

    @property
    def rows(self) -> frozenset[tuple[str, str, str]]:
        """access.row_scope: role, layer, code."""
        return frozenset((one.database_role, layer, code) for one, layer, scope in self.scopes for code in scope.codes)

    @property
    def columns(self) -> frozenset[tuple[str, str, str]]:
        """access.column_scope: role, layer, column."""
        return frozenset(
            (one.database_role, layer, name) for one, layer, scope in self.scopes for name in scope.columns
        )


def compile_wall(
    grants: Sequence[Grant], definitions: Iterable[LayerDefinition], identities: Iterable[Identity]
) -> CompiledWall:
    """The wall of a policy. Callers whose claims are not known reach nothing by a rule that needs them."""
    principals = [_principal(identity) for identity in identities]
    callers: dict[RoleClass, list[Principal]] = {one: [] for one in classes_of(grants, principals)}
    for principal in principals:
        callers[class_of(principal, grants)].append(principal)
    scopes = (
        (role_class, layer.id, scope)
        for layer in definitions
        for role_class, known in callers.items()
        if (scope := scope_of(role_class, layer, grants, known)) is not None
    )
    return CompiledWall(tuple(callers), tuple(scopes))


def _principal(identity: Identity) -> Principal:
    return Principal(identity.id, frozenset(identity.roles), identity.office, identity.sector, dict(identity.claims))


async def enforce(
    connection: Connection,
    grants: Sequence[Grant],
    definitions: Iterable[LayerDefinition],
    identities: Iterable[Identity],
) -> bool:
    """Make rows and GRANTs equal to the policy, within the caller's transaction.

    False where the login may not make roles: then the first wall stands alone, and `doctor` says so.
    """
    made, sql_ = compile_wall(grants, definitions, identities), blocks(_SQL)
    await execute(connection, sql_["lock"])
    for name in ("forget_scopes", "forget_rows", "forget_classes"):
        await execute(connection, sql_[name])
    classes = [{"database_role": one.database_role, "grantees": one.grantees} for one in made.classes]
    await execute(connection, sql_["store_classes"], {"classes": json.dumps(classes)})
    for name, third, found in (("store_rows", "codes", made.rows), ("store_columns", "columns", made.columns)):
        roles, layers, values = [list(part) for part in zip(*sorted(found), strict=True)] if found else ([], [], [])
        await execute(connection, sql_[name], {"roles": roles, "layers": layers, third: values})
    await execute(connection, sql_["store_checked"])
    done = await row(connection, sql_["enforce"])
    stands = bool(done and done["stands"])
    if not stands:
        log.warning("second_wall_not_possible")
    return stands
