"""A real server on a free port, in a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

START_S = 60


class _Server(uvicorn.Server):
    """Tells when it listens, so that nobody has to ask again and again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_settled = threading.Event()
        self.failure: BaseException | None = None

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.is_settled.set()

    def run_in_thread(self) -> None:
        try:
            self.run()
        except BaseException as error:  # told to the test that waits
            self.failure = error
        finally:
            self.is_settled.set()


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """The base address of `app`, served until the block ends. RuntimeError when it does not start."""
    server = _Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_level="error",
            ws="none",
            server_header=False,
            lifespan="on",
            proxy_headers=False,
        )
    )
    thread = threading.Thread(target=server.run_in_thread, daemon=True)
    thread.start()
    if not server.is_settled.wait(START_S) or not server.started:
        raise RuntimeError("the server did not start") from server.failure
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_S)
