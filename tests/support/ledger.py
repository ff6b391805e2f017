"""Events written, sealed, tampered with and verified: a database of them, and the file of its witness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import psycopg

from layers.sharing.verification import Verification, verify
from layers.sharing.witness import Witness, witness_file
from layers.store import audit
from layers.store.audit import Event
from layers.store.connection import Database
from layers.store.seals import Head, Sealing

T = TypeVar("T")


@dataclass(frozen=True)
class Ledger:
    """One database's events."""

    url: str
    data: Path

    def add(self, number: int, **more: Any) -> None:
        """So many reads, each its own transaction."""

        async def write(database: Database) -> None:
            async with database.connection() as connection:
                for count in range(number):
                    event = Event("anna", "items", "allow", layer="site", features=count, **more)
                    await audit.record(connection, event, is_read=True)

        self._run(write)

    def seal(self) -> Head:
        """Seal what is new and have the head witnessed."""

        async def run(database: Database) -> Head:
            head = await Sealing(database).seal()
            Witness(self.data).write(head)
            return head

        return self._run(run)

    def verify(self, *, witness: Path | None = None) -> Verification:
        """Against this ledger's witness, where it has one."""
        own = witness_file(self.data, self.rows("SELECT current_database()")[0][0])
        file = witness or (own if own.exists() else None)
        return self._run(lambda database: verify(database, file))

    def named(self) -> set[tuple[str, int | None]]:
        """What a verification finds: (kind, event or, where none is meant, seal)."""
        found = self.verify().findings
        return {(each.kind, each.event if each.event is not None else each.seal) for each in found}

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload,no-any-return]

    def tamper(self, *statements: str) -> None:
        """As a superuser who has switched off whatever is in the way."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is done inside is undone at the end."""
        self.tamper("CREATE TABLE public.kept_event AS TABLE access.event",
                    "CREATE TABLE public.kept_seal AS TABLE access.seal")  # fmt: skip
        try:
            yield
        finally:
            self.tamper(
                "TRUNCATE access.event, access.seal",
                "INSERT INTO access.event OVERRIDING SYSTEM VALUE SELECT * FROM public.kept_event",
                "INSERT INTO access.seal SELECT * FROM public.kept_seal",
                "DROP TABLE public.kept_event, public.kept_seal",
            )

    def _run(self, body: Callable[[Database], Any]) -> Any:
        async def run() -> Any:
            async with Database.open(self.url, size=2) as database:
                return await body(database)

        return anyio.run(run)
