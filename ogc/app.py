"""The only place where the HTTP service is put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware

from layers.checking.effort import NEEDS_JOB_S
from layers.checking.ground import KnownGrounds
from layers.sharing.sealing import Sealer
from layers.store.catalogue import LiveCatalogue
from layers.store.cluster import Cluster
from layers.store.connection import Database
from layers.store.drift import guard
from layers.store.figures import Figures
from layers.tiling.cache import TileCache
from ogc.auth import Authentication, DemoIdentities
from ogc.common import health, identity
from ogc.common import routes as common
from ogc.common.accesses import Accesses
from ogc.common.clock import Clock, NewId, random_code, random_id, utc_now
from ogc.common.methods import Methods
from ogc.common.metrics import Metrics
from ogc.common.pace import PACE, Pace
from ogc.common.parameters import refuse_unknown
from ogc.common.prepared import PreparedDocuments
from ogc.common.proxies import Place, networks, prefix
from ogc.common.relation import Decisions
from ogc.common.rights import KnownRights
from ogc.errors import install
from ogc.features import routes as features
from ogc.features.formats import exports_below
from ogc.front import Front, Shortcut
from ogc.logs import configure
from ogc.processes import routes as processes
from ogc.secrets_folder import secret_key
from ogc.service import (
    access,
    access_forms,
    checks,
    coverage,
    divisions,
    dossiers,
    events,
    explain,
    extracts,
    inside,
    parcels,
    quick,
    replays,
    reviews,
    subjects,
    verify,
)
from ogc.settings import Settings
from ogc.tiles import routes as tiles
from ogc.tiles.keeping import Keeper
from ogc.web import routes as web

#: operations with GET that are looked for first
OFTEN = frozenset({"tile", "dataset_tile", "items", "item", "tilejson_of_layer", "tilejson_of_dataset"})
BLOCKS = (common, features, tiles, processes)
SHUTDOWN_S = 10
#: what the frame would tell others of each request is looked for in the environment, each time anew: nothing is told
UNTOLD: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip
EVENTS_KEY = "events.key"
ETAGS_KEY = "etags.key"


def create_app(
    settings: Settings,
    *,
    demo: bool = False,
    database_url: str | None = None,
    clock: Clock = utc_now,
    new_id: NewId = random_id,
    new_code: NewId = random_code,
    pace: Pace = PACE,
    needs_job_s: float = NEEDS_JOB_S,
) -> FastAPI:
    """The service over one database. `demo` adds development tokens and the identity switcher, on loopback only.
    `clock` (with its zone), `new_id` and `new_code` are the only things an answer has that neither request nor data
    decide; `pace` is when guarded answers leave."""
    configure()
    identities = DemoIdentities(settings.secrets_folder) if demo else None
    metrics = Metrics()
    app = FastAPI(
        title="Lienthong",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings, database_url),
        middleware=[_front(settings, metrics, identities)],
        dependencies=[Depends(refuse_unknown)],
        telemetry=UNTOLD,
    )
    app.state.settings, app.state.demo, app.state.metrics = settings, demo, metrics
    app.state.clock, app.state.new_id, app.state.pace = clock, new_id, pace
    app.state.new_code = new_code
    app.state.needs_job_s = needs_job_s
    app.state.rights, app.state.documents = KnownRights(), PreparedDocuments()
    app.state.conforms_to = tuple(uri for block in BLOCKS for uri in block.CONFORMS_TO)
    install(app)
    _add_routes(app, identities)
    return app


def _front(settings: Settings, metrics: Metrics, identities: DemoIdentities | None) -> Middleware:
    return Middleware(
        Front,
        place=Place(prefix(settings.root_path), networks(settings.trusted_proxies)),
        authentication=Authentication(identities),
        metrics=metrics,
        for_other_sites=settings.other_sites,
    )


def _add_routes(app: FastAPI, identities: DemoIdentities | None) -> None:
    operations = [*common.OPERATIONS, *features.OPERATIONS, *tiles.OPERATIONS]
    operations += [*identity.OPERATIONS, *health.OPERATIONS]
    app.state.operations = tuple(operations)
    # routes are tried in order: what is asked for most stands first, and is found without the router
    often = [each.route() for each in operations if each.id in OFTEN]
    app.state.shortcuts = (*map(Shortcut.to, often), Shortcut.sent("/checks", quick.post_check))
    app.router.routes.extend([*often, *(each.route() for each in operations if each.id not in OFTEN)])
    app.router.routes.extend(features.ROUTES)
    if identities is not None:
        app.router.routes.append(identity.switcher(identities))
    # extracts before checks: '/checks/{id}.pdf' is also a '/checks/{id}'
    rooms = (
        parcels,
        inside,
        extracts,
        checks,
        subjects,
        divisions,
        reviews,
        replays,
        coverage,
        verify,
        access,
        access_forms,
        explain,
        events,
        dossiers,
    )
    for room in (*rooms, processes, web):
        app.include_router(room.router)
    shared = (*common.OPERATIONS, *features.OPERATIONS, *tiles.OPERATIONS)
    app.state.methods = Methods(app.router.routes, {each.path for each in shared})


def _lifespan(settings: Settings, database_url: str | None) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Open what the service stands on; at the end write the accesses still counted, and seal."""
        url = database_url or settings.database_url or Cluster.at(settings.data_folder).ensure_started().server_url
        async with (
            Database.open(url, size=settings.pool_size, rasters=settings.rasters_folder) as database,
            LiveCatalogue(database) as catalogue,
            exports_below(settings.data_folder, settings.export_stall_s) as exports,
        ):
            await guard(database)
            app.state.exports = exports
            app.state.etags_key = secret_key(settings.secrets_folder, ETAGS_KEY)
            accesses = Accesses(database, secret_key(settings.secrets_folder, EVENTS_KEY), app.state.clock)
            sealer = Sealer(database, settings.data_folder)
            app.state.database, app.state.catalogue, app.state.accesses = database, catalogue, accesses
            app.state.figures, app.state.decisions = Figures(), Decisions(app.state.clock)
            app.state.grounds = KnownGrounds()
            kept = TileCache(settings.tiles_folder, settings.tile_cache_mb * 1_000_000)
            app.state.tile_keeper = keeper = Keeper(database, catalogue, kept)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(accesses.flush_forever)
                    tasks.start_soon(sealer.run_forever)
                    tasks.start_soon(keeper.watch_forever)
                    yield
                    tasks.cancel_scope.cancel()
            finally:  # however the service ends
                with anyio.move_on_after(SHUTDOWN_S, shield=True):
                    try:
                        await accesses.flush()
                    finally:
                        await sealer.finish()

    return lifespan
