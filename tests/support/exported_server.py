"""The service over a database of its own settings, in this process; its address is the first line it prints."""

from __future__ import annotations

import signal
import threading

from ogc.app import create_app
from ogc.settings import Settings
from tests.support.serving import serve


def main() -> None:
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with serve(create_app(Settings(), demo=True)) as base:
        print(base, flush=True)
        over.wait()


if __name__ == "__main__":
    main()
