"""OWSLib, as planners' scripts use it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import edited
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


def test_owslib_creates_replaces_and_deletes(
    make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str], tmp_path: Path
) -> None:
    template = make_template("interop_edited", lambda url: edited.fill(url, tmp_path))
    with edited.service(clone(template), tmp_path, edits_without_if_match=True) as running:
        token = running.officer.http.headers["Authorization"]
        REQUEST_HEADERS.clear()  # what an earlier client asked for stays in it
        opened = Features(f"{running.base}/", headers={"Authorization": token, "Content-Type": "application/geo+json"})
        spot = opened.collection_items("spot", limit=1)["features"][0]
        made = json.dumps({"type": "Feature", "geometry": spot["geometry"], "properties": {"ten": "Moi"}})
        assert opened.collection_item_create("spot", made)
        (new,) = opened.collection_items("spot", filter="ten = 'Moi'")["features"]
        fid = str(new["id"])
        assert opened.collection_item_update("spot", fid, made.replace("Moi", "Khac"))
        assert opened.collection_item("spot", fid)["properties"]["ten"] == "Khac"
        assert opened.collection_item_delete("spot", fid)
        assert opened.collection_items("spot", limit=10)["numberMatched"] == 3
