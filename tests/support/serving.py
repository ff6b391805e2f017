"""A real server on a free port, in a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from ogc.common.pace import PACE, Pace

START_S = 60


async def _at_once(_when: float) -> None:
    """When answers leave is asked where it matters (tests/security/test_check_only_answers.py); here nobody waits."""


AT_ONCE = Pace(clock=lambda: 0.0, sleep_until=_at_once)


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
def serve(app: Any, *, is_paced: bool = False) -> Iterator[str]:
    """The base address of `app`, served until the block ends. RuntimeError when it does not start. Guarded answers
    leave at once where the app was given no pace of its own, unless `is_paced`.
    """
    if not is_paced and getattr(getattr(app, "state", None), "pace", None) is PACE:
        app.state.pace = AT_ONCE
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
