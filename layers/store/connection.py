"""One pool of PostGIS connections a process, and the few ways a statement is run on it.

Statements of varying shape are SQLAlchemy Core; they are compiled to psycopg's text and bound values and run on the
same raw connection as named blocks, so that there is one driver, one pool, one transaction.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, LiteralString, TypeVar, cast

import anyio
import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, sql
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

from layers.access.classes import RoleClass
from layers.errors import InvalidRequestError, StoreError, UnavailableError

from . import waiting
from .raster_files import RasterFolder

T = TypeVar("T")
Connection = AsyncConnection[DictRow]
Statement = LiteralString | ClauseElement
Values = Mapping[str, object]

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
#: set on every connection: a check session must not pay for the JIT (parcel-check-engines 3), a tile or a page not for
#: starting a parallel worker (5-10 ms, more than the work itself); times are UTC
_SETTINGS = (
    "-c jit=off -c max_parallel_workers_per_gather=0 -c timezone=UTC -c statement_timeout={timeout_ms} "
    "-c idle_in_transaction_session_timeout=600000"
)

#: how long a connection may take to open, and how long one that is opening is waited for at the end
_CONNECTING_S, _CLOSING_S = 15, 30.0


def sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy, with our driver named."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1)


def compiled(statement: Statement, values: Values | None = None) -> tuple[LiteralString, dict[str, object]]:
    """psycopg's text and parameters of a block or a Core statement."""
    if isinstance(statement, str):
        return statement, dict(values or {})
    made = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    parameters = dict(made.construct_params(cast("Any", dict(values or {}))) or {})  # DDL has none
    return made.string, parameters


@lru_cache(maxsize=4096)
def text_array(texts: tuple[str, ...]) -> str:
    """How PostgreSQL writes text[], for a value that is the same for many statements and stands before `::text[]`:
    psycopg would write it down anew each time."""
    return "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts) + "}"


async def rows(connection: Connection, statement: Statement, values: Values | None = None) -> list[DictRow]:
    """All rows as dictionaries."""
    text, parameters = compiled(statement, values)
    cursor = await connection.execute(text, parameters or None)
    return await cursor.fetchall()


async def row(connection: Connection, statement: Statement, values: Values | None = None) -> DictRow | None:
    """The first row, or None."""
    found = await rows(connection, statement, values)
    return found[0] if found else None


async def execute(connection: Connection, statement: Statement, values: Values | None = None) -> int:
    """Run a statement for its effect; the number of rows it touched."""
    text, parameters = compiled(statement, values)
    cursor = await connection.execute(text, parameters or None)
    return cursor.rowcount


async def raw_column(
    connection: Connection, statement: Statement, values: Values | None = None, *, is_planned_anew: bool = False
) -> Sequence[bytes]:
    """The first column of every row as the bytes the server sent: nothing is decoded (prototypes 1, variant f).

    `is_planned_anew` keeps the server from re-using one plan for all values: which index serves best depends on how
    much a box or a zoom leaves.
    """
    return (await raw(connection, statement, values, is_planned_anew=is_planned_anew)).column(0)


@dataclass(frozen=True, slots=True)
class Raw:
    """What the server sent, nothing decoded; NULL is empty."""

    result: psycopg.pq.abc.PGresult | None

    def column(self, number: int) -> Sequence[bytes]:
        if self.result is None:
            return ()
        value = self.result.get_value
        return [value(row, number) or b"" for row in range(self.result.ntuples)]

    def first(self, number: int) -> bytes | None:
        """Of the first row; None where there is none."""
        return None if self.result is None or not self.result.ntuples else self.result.get_value(0, number)


async def raw(
    connection: Connection,
    statement: Statement,
    values: Values | None,
    *,
    is_planned_anew: bool = False,
    is_binary: bool = False,
) -> Raw:
    """`is_binary`: columns as the server has them; bytes then travel as they are, not as twice as many letters."""
    text, parameters = compiled(statement, values)
    numbered, names = _numbered(text)
    async with AsyncRawCursor(connection) as cursor:
        await cursor.execute(
            numbered,
            [parameters[name] for name in names] or None,
            prepare=False if is_planned_anew else None,
            binary=is_binary,
        )
        return Raw(cursor.pgresult)


_PLACE = re.compile(r"%\((\w+)\)s|%%")


@lru_cache(maxsize=1024)
def _numbered(text: LiteralString) -> tuple[LiteralString, tuple[str, ...]]:
    """The statement as PostgreSQL reads it, and the names of its parameters in their order: psycopg would look for them
    anew each time, in a text as long as those of pages are."""
    names: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return "%" if found[1] is None else f"${names.setdefault(found[1], len(names) + 1)}"

    return _PLACE.sub(numbered, text), tuple(names)


#: connections for exports, beside the pool of requests: whoever waits for one waits here and holds up nobody else
EXPORTS, EXPORT_WAIT_S, EXPORT_TIMEOUT_MS = 3, 20.0, 300_000

#: as what the web service acts when it logs in as `lt_server`, which owns nothing and inherits nothing
SERVING, GOVERNING = "lt_api", "lt_publish"


class _Pooled(AsyncConnection[DictRow]):
    """A connection that knows as which role it acts: a switch that was broken off leaves it unknown, never assumed."""

    role: str | None = None  #: None: as the pool was opened
    is_role_known = True

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109 its own
        """See `waiting`. What has a time limit of its own is psycopg's."""
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        try:
            return await waiting.whole(gen, self.pgconn.socket)
        except (asyncio.CancelledError, KeyboardInterrupt) as error:
            return await super().wait(cast("PQGen[T]", waiting.Interrupted(gen, error)), interval)


async def _act_as(connection: Connection, role: str | None) -> None:
    """Switch only where it differs: a run of requests of one class pays once. Raises psycopg errors."""
    assert isinstance(connection, _Pooled)
    if connection.is_role_known and connection.role == role:
        return
    connection.is_role_known = False
    statement = sql.SQL("RESET ROLE") if role is None else sql.SQL("SET ROLE {}").format(sql.Identifier(role))
    await connection.execute(statement, prepare=False)
    connection.role, connection.is_role_known = role, True


class Database:
    """A pool, opened once a process and passed in; never a global."""

    #: false where the login may make no roles: the relation then stands alone (`doctor` says so)
    has_second_wall = True

    def __init__(
        self,
        pool: AsyncConnectionPool[_Pooled],
        exports: AsyncConnectionPool[_Pooled],
        *,
        is_server: bool = False,
        rasters: Path | None = None,
    ) -> None:
        self._pool = pool
        self._exports = exports
        #: the largest of a column by (layer, revision, column): rows of a revision never change
        self.largest: dict[tuple[int, int, str], float] = {}
        self.raster_folder = None if rasters is None else RasterFolder(rasters)  #: None: this process was not told
        self._role = SERVING if is_server else None
        self._governing_role = GOVERNING if is_server else None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, size: int = 8, statement_timeout_ms: int = 60_000, rasters: Path | None = None
    ) -> AsyncIterator[Database]:
        """Open the pool and wait for its first connection. Raises StoreError when the database does not answer."""
        pool = _pool(url, size, statement_timeout_ms)
        exports = _pool(url, EXPORTS, max(statement_timeout_ms, EXPORT_TIMEOUT_MS), idle=0)
        try:
            await pool.open(wait=True, timeout=15)
            await exports.open()
        except (PoolTimeout, psycopg.OperationalError) as error:
            await pool.close()
            await exports.close()
            raise StoreError(
                "Không kết nối được cơ sở dữ liệu. Chạy 'lienthong db start' hoặc kiểm tra LIENTHONG_DATABASE_URL.",
                "The database does not answer. Run 'lienthong db start' or check LIENTHONG_DATABASE_URL.",
            ) from error
        try:
            async with pool.connection() as connection:
                found = await row(connection, "SELECT session_user = 'lt_server' AS is_server")
            yield cls(pool, exports, is_server=bool(found and found["is_server"]), rasters=rasters)
        finally:
            with anyio.CancelScope(
                shield=True
            ):  # whatever ends the service: no connection is left in the middle of opening
                await exports.close(_CLOSING_S)
                await pool.close(_CLOSING_S)

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[Connection]:
        """A connection of its own beside the pool, for LISTEN. Raises psycopg.OperationalError."""
        settings = {
            **cast("dict[str, Any]", self._pool.kwargs),
            "keepalives_idle": 30,
            "connect_timeout": _CONNECTING_S,
        }
        with anyio.CancelScope(shield=True):  # broken off on its last step, the connection would be nobody's to close
            connection = await AsyncConnection.connect(cast("str", self._pool.conninfo), **settings)
        async with connection:
            yield cast("Connection", connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit mode, for single statements. It never acts as a role class."""
        async with self._pool.connection() as connection:
            await _act_as(connection, self._role)
            yield connection

    @asynccontextmanager
    async def reading(self, role_class: RoleClass) -> AsyncIterator[Connection]:
        """A connection in autocommit mode that acts as a role class: every outlet of a layer's rows reads through it.

        Raises UnavailableError for a class that is not known, and for what the wall does not let through: a policy that
        changed between decision and read.
        """
        async with self._pool.connection() as connection, self._behind_the_wall(connection, role_class):
            yield connection

    @asynccontextmanager
    async def exporting(self, role_class: RoleClass) -> AsyncIterator[Connection]:
        """As `reading`, by one of the few connections for exports. Raises UnavailableError, also where none is free."""
        try:
            connection = await self._exports.getconn(timeout=EXPORT_WAIT_S)
        except PoolTimeout as error:
            raise too_many_exports() from error
        try:
            async with self._behind_the_wall(connection, role_class):
                yield connection
        finally:
            with anyio.CancelScope(shield=True):  # a cancelled export gives its connection back, too
                await self._exports.putconn(connection)

    @asynccontextmanager
    async def _behind_the_wall(self, connection: Connection, role_class: RoleClass) -> AsyncIterator[None]:
        if role_class.is_operator or not self.has_second_wall:
            await _act_as(connection, self._role)
            with _told():
                yield
            return
        try:
            await _act_as(connection, role_class.database_role)
        except psycopg.errors.InvalidParameterValue as error:  # no such role
            raise _stopped_by_the_wall() from error
        with _told():
            try:
                yield
            except psycopg.errors.InsufficientPrivilege as error:
                raise _stopped_by_the_wall() from error

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """One transaction; with `snapshot` every statement sees the same instant (REPEATABLE READ)."""
        if not snapshot:
            async with self.connection() as connection, connection.transaction():
                yield connection
            return
        async with self.connection() as connection:  # the pool ends what was begun, by commit or rollback
            # the level goes with BEGIN: a statement of its own would cost every check a round trip
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def governing(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """One transaction with the right to change the policy and to count what it would change."""
        async with self._pool.connection() as connection:
            await _act_as(connection, self._governing_role)
            async with connection.transaction():
                if snapshot:
                    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                yield connection


def _pool(url: str, size: int, timeout_ms: int, *, idle: int = 1) -> AsyncConnectionPool[_Pooled]:
    return AsyncConnectionPool(
        url,
        connection_class=_Pooled,
        kwargs={"autocommit": True, "row_factory": dict_row, "options": _SETTINGS.format(timeout_ms=timeout_ms)},
        min_size=idle,
        max_size=size,
        open=False,
        configure=_made_roomy,
    )


async def _made_roomy(connection: AsyncConnection[DictRow]) -> None:
    """libpq reads 16 kB at a time until one long value has made its buffer larger, and keeps it so: a page of a
    thousand features then wakes the event loop ten times, not fifty."""
    await connection.execute("SELECT repeat(' ', 262144)", prepare=False)


def too_many_exports() -> UnavailableError:
    return UnavailableError(
        "Đang có nhiều bản xuất dữ liệu cùng lúc. Vui lòng thử lại sau ít phút.",
        "Many exports are being made at the moment. Please try again in a few minutes.",
    )


@contextmanager
def _told() -> Iterator[None]:
    """What a question to the rows ends in besides an answer: a shape that cannot be compared, or too much work.

    The database's own words stay here: they quote shapes.
    """
    try:
        yield
    except (psycopg.errors.InternalError_, psycopg.errors.DataError) as error:
        raise InvalidRequestError(
            "Không tính được điều kiện này trên dữ liệu. Hãy đổi bộ lọc hoặc hình học.",
            "This condition cannot be worked out on the data. Please change the filter or its shapes.",
        ) from error
    except psycopg.errors.QueryCanceled as error:
        raise UnavailableError(
            "Yêu cầu cần quá nhiều thời gian. Hãy thu hẹp phạm vi hoặc bộ lọc.",
            "The request takes too long. Please narrow the box or the filter.",
        ) from error


def _stopped_by_the_wall() -> UnavailableError:
    return UnavailableError(
        "Chính sách chia sẻ vừa thay đổi. Vui lòng thử lại; nếu vẫn vậy, chạy 'lienthong doctor'.",
        "The sharing policy has just changed. Please try again; if it stays so, run 'lienthong doctor'.",
    )
