"""What a worker of a batch brings along when it starts."""

from __future__ import annotations

import subprocess
import sys

#: they take longer to import than a small partition to be measured, and no worker asks a database
_OF_THE_DATABASE = ("sqlalchemy", "psycopg", "geoalchemy2", "layers.store.connection", "ogc")


def test_a_worker_starts_without_the_libraries_of_the_database() -> None:
    told = f"import sys, layers.checking.compute; print([name for name in {_OF_THE_DATABASE!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
