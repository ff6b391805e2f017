"""Plot rules on the ground: the commune comes from where the plot lies, the access from the roads beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from layers.checking.batch import BatchRequest, batch
from tests.support.checked import OPERATOR, Place, codes
from tests.support.server import Server
from tests.support.town import COMMUNE, SHEET, fill

INPUTS: Mapping[str, object] = {"kind": "SPLIT", "land_use": "ODT"}
MakeTemplate = Callable[[str, Callable[[str], None]], str]


@pytest.fixture(scope="module")
def town(make_template: MakeTemplate, server: Server) -> Iterator[Place]:
    with server.copied(make_template("town", fill)) as url:
        yield Place.at(url)


def checked(town: Place, number: int) -> dict[str, Any]:
    answer = town.check(f"{COMMUNE}@2025/{SHEET}/{number}", "parcel_split_merge", inputs=INPUTS)
    return {finding["check"]: finding for finding in answer.content["findings"]} | {"id": answer.id}


def test_the_row_of_the_commune_the_plot_lies_in_is_applied_and_named(town: Place) -> None:
    found = checked(town, 1)["minimum_area"]
    assert found["outcome"] == "clear" and found["verdict"] == "refer" and not found["verified"]
    assert codes(found) == ["plot_rule", "unverified_rule"]
    assert "Thủ Dầu Một (25747)" in found["reasons"][0]["message"]["vi"]
    assert "60,0 m²" in found["reasons"][0]["message"]["vi"]
    (commune,) = found["members"]
    assert commune["layer"] == "commune" and commune["outcome"] == "clear"


def test_access_is_shown_along_a_road_and_never_failed_without_one(town: Place) -> None:
    found = [checked(town, number)["access"] for number in range(1, 8)]
    assert {one["verdict"] for one in found} <= {"pass", "refer"}
    assert {one["members"][0]["layer"] for one in found} == {"road"}
    for one in found:
        is_short = one["outcome"] == "affected"
        assert is_short == ("private_path" in codes(one))


def test_a_check_of_plots_replays_byte_for_byte(town: Place) -> None:
    replayed = town.replay(checked(town, 3)["id"])
    assert replayed.is_identical, replayed.differences


def test_a_batch_says_of_plots_what_the_single_check_says(town: Place, tmp_path: Path) -> None:
    request = BatchRequest(procedure="parcel_split_merge", out=tmp_path, layer="parcel", inputs=INPUTS, workers=1)
    town.ask(lambda database, catalogue: batch(database, catalogue, request, OPERATOR))
    rows = pq.read_table(tmp_path / "findings.parquet").to_pylist()
    told = {(row["subject_key"], row["check"]): row for row in rows}
    for number in (1, 2, 5, 9):
        single = checked(town, number)
        for check in ("minimum_area", "access"):
            row = told[f"{COMMUNE}.{SHEET}.{number}", check]
            assert (row["outcome"], row["verdict"]) == (single[check]["outcome"], single[check]["verdict"])
            assert (row["reason"] or "").split(";") == (list(dict.fromkeys(codes(single[check]))) or [""])
            assert row["length_m"] == pytest.approx(single[check]["measure"]["length_m"], nan_ok=True)
