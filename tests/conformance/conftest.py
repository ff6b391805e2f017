"""The service over a small filled database, for every test here."""

from tests.support.service_fixtures import filled_template, own_service, reading

__all__ = ["filled_template", "own_service", "reading"]
