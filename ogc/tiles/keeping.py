"""The tiles one process keeps on disk, and their taking back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio
import structlog
from anyio.to_thread import run_sync

from gis.errors import LienthongError
from layers.store.catalogue import Catalogue, LiveCatalogue
from layers.store.connection import Database
from layers.store.revisions import standing
from layers.store.tiles import Drawn
from layers.tiling.cache import Kept, Key, TileCache
from layers.tiling.keeping import kept, key_of, may_be_kept
from layers.tiling.memory import Memory
from ogc.common.relation import Relation

LOOKED_AT_EVERY_S = 2.0
IN_MEMORY_BYTES = 32_000_000
_MOST_KNOWN = 10_000
Place = tuple[int, int, int]
log = structlog.get_logger("lienthong")


class Keeper:
    """Reads on the event loop (a page cache read of 100 kB is shorter than a hand-over), writes in a thread."""

    def __init__(self, database: Database, catalogue: LiveCatalogue, cache: TileCache) -> None:
        self._database = database
        self._catalogue = catalogue
        self.cache = cache
        self._memory = Memory(min(IN_MEMORY_BYTES, cache.limit_bytes))
        self._writers = anyio.CapacityLimiter(1)
        self._kept: dict[tuple[str, str], bool] = {}  #: by definition and relation, both as digests

    def keeps(self, relation: Relation) -> bool:
        said = (relation.state.definition_digest, relation.decision.relation_digest)
        if said not in self._kept:
            if len(self._kept) > _MOST_KNOWN:
                self._kept.clear()
            self._kept[said] = may_be_kept(relation.state, relation.decision)
        return self.cache.limit_bytes > 0 and relation.is_cacheable and self._kept[said]

    def get(self, relation: Relation, place: Place) -> Kept | None:
        """None for a layer that is not served: whatever lies on the disk."""
        if not self.keeps(relation) or relation.state.state != "served":
            return None
        key = key_of(relation.state, relation.decision, *place)
        found = self._memory.get(key)
        if found is None and (found := self.cache.get(key)) is not None:
            self._memory.put(key, found)
        return found

    async def put(self, relations: Sequence[Relation], place: Place, drawn: Mapping[str, Drawn]) -> None:
        """Keep what was drawn, if the revision it is named by is the one that stood when it was read.

        Revisions only grow: if it still stands now, it stood then.
        """
        wanted = [relation for relation in relations if self.keeps(relation)]
        if not wanted or self._writers.borrowed_tokens:  # one at a time: what is not kept now is drawn again
            return
        async with self._writers:
            for relation in wanted:
                if await self._stands(relation):
                    key = key_of(relation.state, relation.decision, *place)
                    await run_sync(self._put, key, drawn[relation.layer])

    def _put(self, key: Key, one: Drawn) -> None:
        self.cache.put(key, kept(one))

    async def _stands(self, relation: Relation) -> bool:
        async with self._database.connection() as connection:
            now = await standing(connection, relation.state)
        return (now.revision, now.state) == (relation.state.revision, "served")

    async def watch_forever(self) -> None:
        """Remove what does not stand any more, soon after every change, and once more for what was on its way."""
        seen: Catalogue | None = None
        is_settled = False
        while True:
            try:
                current = await self._catalogue.current()
            except LienthongError:
                log.warning("tiles.no_catalogue")
            else:
                if current is not seen or not is_settled:
                    is_settled = current is seen
                    seen = current
                    self._memory.keep_only(standing_of(current))
                    await run_sync(self.cache.keep_only, standing_of(current))
            await anyio.sleep(LOOKED_AT_EVERY_S)


def standing_of(catalogue: Catalogue) -> dict[str, int]:
    """The revision of every layer that is served."""
    return {name: state.revision for name, state in catalogue.layers.items() if state.state == "served"}
