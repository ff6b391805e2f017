"""The server's processes: one application each, over one database and one socket."""

from __future__ import annotations

import gc
import socket
from functools import partial

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from layers.errors import RefusedError
from ogc import turns
from ogc.app import create_app
from ogc.settings import Settings

#: a connection that asks nothing for so long is closed
KEEP_ALIVE_S = 30
#: a process that does not answer its parent for so long is replaced; starting on a busy machine takes a while
START_S = 60
#: containers made before the youngest are looked through; times before the older and the oldest are
COLLECTED_AFTER = (50_000, 20, 50)


def serve(settings: Settings, database_url: str, host: str, port: int, *, demo: bool, processes: int = 1) -> None:
    """Serve until told to end. Rates and metrics are counted by each process for itself.

    Raises RefusedError where the port cannot be opened.
    """
    made = partial(_settled, settings, demo=demo, database_url=database_url)
    config = uvicorn.Config(
        made, factory=True, host=host, port=port, workers=processes, log_level="warning", server_header=False,
        access_log=False,  # uvicorn would make its lines and then not write them
        proxy_headers=False,  # whom to believe is `Place`'s to say
        loop="ogc.turns:loop", timeout_keep_alive=KEEP_ALIVE_S, timeout_worker_healthcheck=START_S,
    )  # fmt: skip
    with _bound(host, port) as bound:
        if processes == 1:
            uvicorn.Server(config).run(sockets=[bound])
        else:
            with turns.counting(processes):
                Multiprocess(config, sockets=[bound]).run()


def _settled(settings: Settings, *, demo: bool, database_url: str) -> FastAPI:
    app = create_app(settings, demo=demo, database_url=database_url)
    settle()
    return app


def settle() -> None:
    """What was loaded stays for good and is not looked through again: a full collection takes a tenth of a second, in
    which nobody is answered, and a large subject makes it run. What comes later is looked through less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def _bound(host: str, port: int) -> socket.socket:
    """The one socket that all processes accept on."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise RefusedError(
            f"Không mở được cổng {port} trên {host}. Chọn cổng khác: --port, hoặc make demo PORT=…",
            f"Port {port} of {host} cannot be opened. Choose another: --port, or make demo PORT=…",
        ) from error
    bound.set_inheritable(True)
    return bound
