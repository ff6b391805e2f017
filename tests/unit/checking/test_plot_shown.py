"""A finding about a plot is, like a group, as good as what may be shown of the layers it stands on."""

from __future__ import annotations

from typing import Any

import pytest

from layers.checking.shown import NO_COVERAGE, NO_MEASURE, Shower
from layers.checking.sight import UNKNOWN, Sight
from layers.checking.view import View

OPEN = Sight((), (), is_visible=True)


def finding(check: str, layer: str | None, **more: Any) -> dict[str, Any]:
    return {
        "kind": "layer", "check": check, "title": {"vi": "x", "en": "x"}, "layer": layer, "revision": 3, "release": 1,
        "relation": None, "outcome": "clear", "verdict": "pass", "required": True, "verified": True,
        "measure": dict(NO_MEASURE), "coverage": dict(NO_COVERAGE), "accuracy_m": None, "features": [], "dropped": [],
        "basis": [], "office": {}, "reasons": [],
    } | more  # fmt: skip


def plot() -> dict[str, Any]:
    applied = {"code": "plot_rule", "message": {"vi": "đo được 12,0 m", "en": "measured 12.0 m"}}
    return finding(
        "frontage", None, kind="subject", measure={**NO_MEASURE, "length_m": 12.0}, reasons=[applied],
        members=[finding("frontage_1", "hidden_road")],
    )  # fmt: skip


@pytest.mark.parametrize("sight", [OPEN, UNKNOWN], ids=["no_right", "secret"])
def test_what_was_measured_along_a_layer_that_is_not_shown_is_withheld_with_it(sight: Sight) -> None:
    shown = Shower(View({"hidden_road": sight}, frozenset(), "policy")).finding(plot())
    assert (shown["outcome"], shown["verdict"]) == ("withheld", "refer")
    assert shown["measure"] == dict(NO_MEASURE)
    assert "12" not in str(shown["reasons"])


def test_a_secret_layer_leaves_no_name_of_the_check_either() -> None:
    shown = Shower(View({}, frozenset(), "policy")).finding(plot())
    assert "frontage" not in str(shown) and "hidden_road" not in str(shown)
