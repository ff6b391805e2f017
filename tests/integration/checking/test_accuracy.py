"""An accuracy below 0, stored before such were refused, takes no doubt away: no check is clear for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from layers.checking.batch import BatchReport, BatchRequest, batch
from tests.support.checked import INPUTS, OPERATOR, PARCEL, Place, corridor
from tests.support.published import box


def _parcels_of(place: Place, accuracy_m: float) -> None:
    """As an edit of the parcels' own rows left it; a strip of 40 m² of the first one lies in a corridor."""
    place.publish("water_corridor", [corridor("SG-03", box(-50, -50, 51.3, 200))])
    with psycopg.connect(place.url) as connection:
        connection.execute(
            "UPDATE checks.fact SET accuracy_m = %s FROM catalogue.layer"
            " WHERE layer.id = 'parcel' AND fact.layer = layer.number",
            [accuracy_m],
        )


def _sites_of(place: Place, accuracy_m: float) -> None:
    """302 m from the first parcel, where 300 m are asked for."""
    place.publish("waste_site", [{"ma": "W2", "sai_so_m": accuracy_m, "geom": box(322, 0, 10, 10)}])


_CASES = [(_parcels_of, "water_corridor"), (_sites_of, "waste_distance")]


def _batch(place: Place, out: Path) -> dict[str, Any]:
    asked = BatchRequest(out=out, procedure="land_use_change", inputs=INPUTS, workers=1, layer="parcel")
    report: BatchReport = place.ask(lambda database, catalogue: batch(database, catalogue, asked, OPERATOR))
    found = pd.read_parquet(report.findings)
    of_first = found[found["subject_key"] == "25747.45.123"]
    return dict(zip(of_first["check"], of_first["outcome"], strict=True))


@pytest.mark.parametrize(("change", "check_id"), _CASES)
def test_an_accuracy_below_zero_counts_as_it_would_above(
    place: Place, tmp_path: Path, change: Any, check_id: str
) -> None:
    change(place, -3.0)  # first: the largest a layer ever had is looked for
    answer = place.check(PARCEL)
    found = next(one for one in answer.content["findings"] if one["check"] == check_id)
    assert found["outcome"] == "borderline"
    assert answer.content["verdict"] != "pass"
    assert _batch(place, tmp_path / "out")[check_id] == "borderline"
    change(place, 3.0)
    assert place.finding(check_id)["outcome"] == "borderline"


def test_an_absurd_accuracy_leaves_everything_in_doubt(place: Place, tmp_path: Path) -> None:
    for accuracy_m in (1e9, -1e9):
        _sites_of(place, accuracy_m)
        assert place.finding("waste_distance")["outcome"] == "borderline"
        assert _batch(place, tmp_path / str(accuracy_m))["waste_distance"] == "borderline"
