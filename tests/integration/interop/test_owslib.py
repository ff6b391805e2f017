"""OWSLib, as planners' scripts use it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from tests.support.shared_layers import Caller, Service

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from owslib.ogcapi import REQUEST_HEADERS
    from owslib.ogcapi.features import Features

VISIBLE = {"public": {"zone", "empty"}, "reviewer": {"parcel", "zone", "empty"},
           "officer": {"parcel", "zone", "line", "register", "secret", "empty"}}  # fmt: skip


def _opened(caller: Caller, base: str) -> Any:
    REQUEST_HEADERS.pop("Authorization", None)  # its clients share one set of headers: the last one's token stays
    headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
    return Features(base, headers=headers)


@pytest.mark.parametrize("identity", VISIBLE)
def test_owslib_lists_and_reads_what_the_caller_may_see(reading: Service, identity: str) -> None:
    opened = _opened(reading.callers[identity], f"{reading.base}/")
    listed = set(opened.feature_collections())
    readable = {name for name in listed if reading.callers[identity].get(f"/collections/{name}/items").is_success}
    assert readable == VISIBLE[identity]
    for name in readable:
        page = opened.collection_items(name, limit=1000)
        assert page["numberMatched"] == len(page["features"])


def test_owslib_reads_the_description_and_the_classes(reading: Service) -> None:
    opened = _opened(reading.public, f"{reading.base}/")
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in opened.conformance()["conformsTo"]
    assert "/collections/{collectionId}/items" in opened.api()["paths"]


def test_owslib_filters_and_reads_one_feature(reading: Service) -> None:
    opened = _opened(reading.public, f"{reading.base}/")
    assert set(opened.collection_queryables("zone")["properties"]) >= {"ma", "cap"}
    page = opened.collection_items("zone", filter="cap = 2")
    assert [feature["properties"]["ma"] for feature in page["features"]] == ["V2"]
    assert opened.collection_item("zone", "1")["properties"]["ma"] == "V1"
