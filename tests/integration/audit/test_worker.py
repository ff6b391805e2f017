"""The worker seals too, as long as it runs and once more when it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.commands import ROOT
from tests.support.ledger import Ledger

TRIES = 5_000


def test_a_worker_seals_and_witnesses(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add(2)
    environment = {**os.environ, "LIENTHONG_DATABASE_URL": ledger.url, "LIENTHONG_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "ogc.cli", "worker"]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        seals = "SELECT count(*) FROM access.seal"
        assert any(ledger.rows(seals) == [(1,)] or worker.poll() is not None for _ in range(TRIES))
        ledger.add(1)
    finally:
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(30)
    found = ledger.verify()
    assert (code, found.sealed, found.unsealed, found.is_sound) == (0, 3, 0, True)
    assert found.witnessed >= 1
