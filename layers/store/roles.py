"""Roles belong to the cluster, not to a database: a backup names them and does not hold them."""

from __future__ import annotations

import re

import psycopg
from psycopg import sql

from .statements import blocks

_OURS = re.compile(r"\blt_(?:class_[0-9a-f]{16}|api|audit|check|publish|reader|server)\b")


def roles_named_in(dump: str) -> tuple[str, ...]:
    """Our roles that the text of a dump grants to."""
    return tuple(sorted(set(_OURS.findall(dump))))


def make_missing_roles(url: str, names: tuple[str, ...]) -> None:
    """Before a restore: without them its grants and policies would fail. None of them may log in."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = {name for (name,) in connection.execute(blocks("wall")["known_roles"])}
        for name in names:
            if name not in found:
                inherits = sql.SQL("NOINHERIT" if name == "lt_server" else "INHERIT")
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN {}").format(sql.Identifier(name), inherits))


def join_roles_again(url: str) -> None:
    """After a restore: memberships, and what only a superuser may set, are not part of a backup either."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(blocks("wall")["enforce_where_it_is"])
