"""What is claimed is proven here, and nothing is claimed that is not."""

from __future__ import annotations

from tests.support.shared_layers import Service

from . import test_common_and_features, test_filter_and_schemas, test_processes, test_tiles
from .claims import PROVEN

MODULES = (test_common_and_features, test_filter_and_schemas, test_processes, test_tiles)


def test_every_class_that_is_claimed_has_a_test(reading: Service) -> None:
    assert len(MODULES) == 4
    assert set(reading.public.json("/conformance")["conformsTo"]) == set(PROVEN)


def test_the_classes_that_qgis_needs_to_push_filters_are_claimed(reading: Service) -> None:
    claimed = reading.public.json("/conformance")["conformsTo"]
    needed = ("ogcapi-features-3/1.0/conf/filter", "ogcapi-features-3/1.0/conf/features-filter",
              "cql2/1.0/conf/cql2-text", "cql2/1.0/conf/basic-cql2")  # fmt: skip
    assert {f"http://www.opengis.net/spec/{name}" for name in needed} <= set(claimed)
