"""The service over the layer with every type of column."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.exported import fill, fill_much
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


@pytest.fixture(scope="session")
def much(make_template: MakeTemplate, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A layer of 45,001 points; readers that take nothing for two seconds lose their export."""
    with (
        server.copied(make_template("much", fill_much)) as url,
        service(url, tmp_path_factory.mktemp("much"), export_stall_s=2.0) as running,
    ):
        yield running
