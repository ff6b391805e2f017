"""How much a body may hold: no more than files of an export do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.edited import Service


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"muc_dich": [{"ma": "ODT"}] * 201}, "muc_dich"), ({"muc_dich": [{"ma": "x" * 10_001}]}, "muc_dich"),
        ({"muc_dich": [{"ma": "ODT", "dt": 1e300}]}, "muc_dich"), ({"dien_tich": -1e21}, "dien_tich"),
        ({"dien_tich": 10**30}, "dien_tich"),
    ],
)  # fmt: skip
def test_no_list_and_no_number_is_larger_than_files_hold(
    standing: Service, properties: dict[str, Any], field: str
) -> None:
    fid = standing.officer.items()["25747.7"]["id"]
    refused = standing.officer.patch(fid, properties)
    assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (422, [field])


def test_a_list_as_long_as_lists_may_be_is_stored(standing: Service) -> None:
    fid = standing.officer.items()["25747.7"]["id"]
    assert standing.officer.patch(fid, {"muc_dich": [{"ma": "ODT", "dt": 1e20}] * 200}).status_code == 204
