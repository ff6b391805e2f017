"""What is served: the applied profile, the policy and the state of every layer, kept fresh through LISTEN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

import anyio
import psycopg
import structlog
from anyio.abc import TaskGroup

from layers.access.grammar import Grant
from layers.errors import NotFoundError, StoreError, UnavailableError
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from layers.profile.texts import grants_from, policy_text, profile_from

from .connection import Connection, Database, execute, row
from .statements import blocks
from .tables import srid

RECONNECT_SECONDS = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LayerState:
    """A layer of the applied profile and where it stands."""

    definition: LayerDefinition
    definition_digest: str
    number: int  #: names the layer in checks.*
    state: str  #: empty, served, suspended, withdrawn
    state_reason: str | None
    revision: int
    changed: datetime


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One consistent view; a request takes one and keeps it."""

    profile: Profile
    profile_digest: str
    grants: tuple[Grant, ...]
    policy_digest: str
    layers: Mapping[str, LayerState]
    active_agreements: frozenset[str] = frozenset()  #: whose latest version is active; a grant under another holds not

    @property
    def storage_srid(self) -> int:
        return srid(self.profile.header.crs.storage)

    def layer(self, layer_id: str) -> LayerState:
        """Raises NotFoundError for a layer the applied profile does not have."""
        if layer_id not in self.layers:
            raise NotFoundError()
        return self.layers[layer_id]


@contextmanager
def expecting_schema() -> Iterator[None]:
    """A database that was never migrated is told as such."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.InsufficientPrivilege):
        raise StoreError(
            "Cơ sở dữ liệu chưa có lược đồ. Chạy 'lienthong db migrate'.",
            "The database has no schema yet. Run 'lienthong db migrate'.",
        ) from None


async def load_catalogue(connection: Connection) -> Catalogue:
    """Read what was applied, in one statement. Raises UnavailableError when nothing was; StoreError: no schema."""
    with expecting_schema():
        found = await row(connection, blocks("catalogue")["applied"])
    if found is None:
        raise UnavailableError(
            "Chưa áp dụng hồ sơ cấu hình. Chạy 'lienthong profile apply'.",
            "No profile has been applied. Run 'lienthong profile apply'.",
        )
    profile = profile_from(found["body"], found["parts"])
    policy = policy_text(()) if found["policy"] is None else None
    return Catalogue(
        profile=profile,
        profile_digest=found["profile"],
        grants=() if policy else grants_from(found["policy_body"]),
        policy_digest=policy.digest if policy else found["policy"],
        layers=_states(profile, found["layers"]),
        active_agreements=frozenset(found["active_agreements"]),
    )


def _states(profile: Profile, stored: Mapping[str, Mapping[str, object]]) -> dict[str, LayerState]:
    return {layer.id: _state(layer, stored[layer.id]) for layer in profile.layers}


def _state(definition: LayerDefinition, stored: Mapping[str, object]) -> LayerState:
    reason = stored["state_reason"]
    return LayerState(
        definition=definition,
        definition_digest=str(stored["definition"]),
        number=int(str(stored["number"])),
        state=str(stored["state"]),
        state_reason=None if reason is None else str(reason),
        revision=int(str(stored["revision"])),
        changed=datetime.fromisoformat(str(stored["changed"])),
    )


class LiveCatalogue:
    """The catalogue of a process. While its listener is connected it re-reads only after a notification; without a
    listener it re-reads on every call, since nothing would tell it of a change.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks: TaskGroup | None = None
        self._is_listening = False
        self._changes = 0  #: notifications and connections so far
        self._read_at = -1
        self._catalogue: Catalogue | None = None
        self._lock = anyio.Lock()

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._listen_forever)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    @property
    def is_listening(self) -> bool:
        return self._is_listening

    async def current(self) -> Catalogue:
        """Raises UnavailableError when nothing was applied."""
        if self._is_fresh and self._catalogue is not None:
            return self._catalogue
        async with self._lock:
            if self._is_fresh and self._catalogue is not None:
                return self._catalogue
            changes = self._changes
            async with self._database.connection() as connection:
                self._catalogue = await load_catalogue(connection)
            self._read_at = changes
            return self._catalogue

    def forget(self) -> None:
        """Read again on the next call: for a process that has just changed something itself."""
        self._changes += 1

    @property
    def _is_fresh(self) -> bool:
        return self._is_listening and self._read_at == self._changes

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                log.warning("catalogue.listener_lost", error=type(error).__name__)
            finally:
                self._is_listening = False
            await anyio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        async with self._database.dedicated() as connection:
            await execute(connection, blocks("catalogue")["listen"])
            self._changes += 1  # what was missed before counts as one change
            self._is_listening = True
            async for _ in connection.notifies():
                self._changes += 1
