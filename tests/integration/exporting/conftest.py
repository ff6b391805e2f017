"""The service over the layer with every type of column."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.exported import fill
from tests.support.server import Server
from tests.support.shared_layers import Service, service

MakeTemplate = Callable[[str, Callable[[str], None]], str]


@pytest.fixture(scope="session")
def exported_template(make_template: MakeTemplate) -> str:
    return make_template("exported", fill)


@pytest.fixture(scope="session")
def exported(exported_template: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Read only."""
    with server.copied(exported_template) as url, service(url, tmp_path_factory.mktemp("exported")) as running:
        yield running
