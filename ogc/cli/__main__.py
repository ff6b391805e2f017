"""`python -m ogc.cli`."""

from ogc.cli.main import run

run()
