"""Tiles drawn ahead: of every layer whose tiles may be kept, over what its relation shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date

import anyio
from anyio.to_thread import run_sync

from layers.access.classes import class_of
from layers.access.decide import Decision, decide
from layers.access.principal import Principal
from layers.plain_text import require_line
from layers.store import audit, features, tiles
from layers.store.catalogue import Catalogue, LayerState
from layers.store.connection import Connection, Database
from layers.store.revisions import standing

from .cache import Kept, TileCache
from .keeping import kept, key_of, may_be_kept

#: from here on a tile is empty only where nothing lies (`gis.zoom`), and so are the tiles in it
_COMPLETE_FROM = 14
_EDGE = 85.0511287798
Place = tuple[int, int, int]
#: told after each tile: layer, tiles done, tiles there are, how many bytes are kept
OnTile = Callable[[str, int, int, int], None]


@dataclass(frozen=True, slots=True)
class Seeding:
    """What is to be drawn, for whom."""

    principal: Principal
    zooms: range
    layers: tuple[str, ...] = ()  #: none: all that may be kept
    purpose: str | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        """Raises InvalidInputsError for what no event may hold."""
        require_line(self.purpose, "purpose")


@dataclass(slots=True)
class Seeded:
    """What became of it. `is_full`: the limit was reached and the rest left out."""

    drawn: int = 0
    found: int = 0  #: kept before: of an earlier run, or asked for
    empty: int = 0
    bytes: int = 0
    is_full: bool = False
    skipped: dict[str, str] = field(default_factory=dict)  #: layer → why

    def as_dict(self) -> dict[str, object]:
        return {
            "drawn": self.drawn, "found": self.found, "empty": self.empty, "bytes": self.bytes,
            "full": self.is_full, "skipped": self.skipped,
        }  # fmt: skip


async def seed(
    database: Database, catalogue: Catalogue, cache: TileCache, asked: Seeding, *, today: date, on_tile: OnTile
) -> Seeded:
    """Draw what is not kept yet. Run again, it goes on where it was stopped. Raises NotFoundError for a layer."""
    report = Seeded(bytes=await run_sync(cache.size_bytes))
    for name in asked.layers or tuple(catalogue.layers):
        state = catalogue.layer(name)
        decision = decide(
            asked.principal, state.definition, "tile", catalogue.grants, purpose=asked.purpose, day=today,
            active_agreements=catalogue.active_agreements,
        )  # fmt: skip
        reason = _why_not(state, decision)
        if reason is not None:
            report.skipped[name] = reason
        elif not report.is_full:
            await _Layer(database, catalogue, cache, asked, state, decision, report, on_tile).seed()
    return report


def _why_not(state: LayerState, decision: Decision) -> str | None:
    if not decision.is_allowed:
        return decision.reason
    if not decision.has_geometry or state.definition.is_raster:
        return "no_tiles"
    if state.state != "served":
        return state.state
    return None if may_be_kept(state, decision) else "not_kept"


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer under way."""

    database: Database
    catalogue: Catalogue
    cache: TileCache
    asked: Seeding
    state: LayerState
    decision: Decision
    report: Seeded
    on_tile: OnTile

    async def seed(self) -> None:
        event = audit.Event.of_decision(
            self.asked.principal, self.decision, purpose=self.asked.purpose, policy=self.catalogue.policy_digest,
            revision=self.state.revision,
        )  # fmt: skip
        async with audit.opened(self.database, event, is_read=True) as access:
            read = await self._zooms()
            async with self.database.connection() as connection:
                await audit.record(connection, access.closing(features=read), is_read=True)

    async def _zooms(self) -> int:
        """Zoom by zoom, so that what is empty spares the tiles in it; how many features were read."""
        bounds = await self._bounds()
        if bounds is None:
            return 0
        read, empty = 0, frozenset[Place]()
        for zoom in self.asked.zooms:
            places = [place for place in places_of(bounds, zoom) if parent_of(place) not in empty]
            counts = await self._all(places)
            read += sum(counts.values())
            without = {place for place, count in counts.items() if not count}
            spared = {place for place in places_of(bounds, zoom) if parent_of(place) in empty}
            empty = frozenset(without | spared) if zoom >= _COMPLETE_FROM else frozenset()
        return read

    async def _bounds(self) -> features.BBox | None:
        async with self._reading() as connection:
            return await features.extent(connection, self.state, self.catalogue.storage_srid, self.decision)

    async def _all(self, places: Sequence[Place]) -> dict[Place, int]:
        """Features in each tile, drawn by as many connections as there are workers."""
        counts: dict[Place, int] = {}
        left = iter(places)
        async with anyio.create_task_group() as tasks:
            for _ in range(self.asked.workers):
                tasks.start_soon(self._work, left, counts, len(places))
        return counts

    async def _work(self, left: Iterator[Place], counts: dict[Place, int], total: int) -> None:
        for place in left:
            if self.report.is_full:
                return
            counts[place] = await self._one(place)
            self.on_tile(self.state.definition.id, len(counts), total, self.report.bytes)

    async def _one(self, place: Place) -> int:
        key = key_of(self.state, self.decision, *place)
        known = self.cache.get(key)
        if known is not None:
            self.report.found += 1
            return known.features
        async with self._reading() as connection:
            storage_srid = self.catalogue.storage_srid
            drawn = await tiles.drawn(connection, self.state, storage_srid, self.decision, *place)
            is_standing = (await standing(connection, self.state)).revision == self.state.revision
        made = await run_sync(kept, drawn)
        self._count(made)
        if is_standing and not self.report.is_full:
            await run_sync(self.cache.put, key, made)
        return drawn.features

    def _count(self, made: Kept) -> None:
        size = len(made.body) + len(made.packed)
        if self.report.bytes + size > self.cache.limit_bytes:
            self.report.is_full = True
            return
        self.report.bytes += size
        self.report.drawn += 1
        self.report.empty += not made.body

    def _reading(self) -> AbstractAsyncContextManager[Connection]:
        return self.database.reading(class_of(self.asked.principal, self.catalogue.grants))


def places_of(bounds: features.BBox, zoom: int) -> Iterable[Place]:
    """The tiles that meet a box in CRS84, row by row."""
    west, south, east, north = bounds
    columns = range(_column(west, zoom), _column(east, zoom) + 1)
    rows = range(_row(north, zoom), _row(south, zoom) + 1)
    return ((zoom, column, row) for row in rows for column in columns)


def parent_of(place: Place) -> Place:
    zoom, column, row = place
    return zoom - 1, column // 2, row // 2


def _column(longitude: float, zoom: int) -> int:
    return _within((longitude + 180) / 360, zoom)


def _row(latitude: float, zoom: int) -> int:
    kept_latitude = math.radians(max(-_EDGE, min(_EDGE, latitude)))
    return _within((1 - math.asinh(math.tan(kept_latitude)) / math.pi) / 2, zoom)


def _within(share: float, zoom: int) -> int:
    across: int = 1 << zoom
    return max(0, min(across - 1, int(share * across)))
