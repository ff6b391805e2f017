"""What commands and workers of a batch bring along when they start."""

from __future__ import annotations

import subprocess
import sys

#: they take longer to import than a small partition to be measured, and no worker asks a database
_OF_THE_DATABASE = ("sqlalchemy", "psycopg", "geoalchemy2", "layers.store.connection", "ogc")


def test_a_worker_starts_without_the_libraries_of_the_database() -> None:
    told = f"import sys, layers.checking.compute; print([name for name in {_OF_THE_DATABASE!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_check_on_the_command_line_starts_without_the_libraries_of_a_server() -> None:
    told = "import sys, ogc.cli.check, ogc.cli.batch; print(sorted({'fastapi', 'joserfc'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
