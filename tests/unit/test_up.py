"""Development identities never leave the machine."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from ogc.cli.main import build

HOSTS = ("0.0.0.0", "192.0.2.1", "example.org", "::")


@pytest.mark.parametrize("host", HOSTS)
def test_a_demo_is_refused_on_every_host_but_loopback(host: str) -> None:
    """Two sentences and exit 1, before a database is touched."""

    app = build()
    done = CliRunner().invoke(app, ["up", "--demo", "--host", host])
    assert done.exit_code == 1
    assert "loopback" in done.output
