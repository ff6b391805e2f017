"""Three wards of 600 m with a few layers, cloned for each test that publishes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.security.worlds.content import WARDS, revisions
from tests.support import checked
from tests.support.checked import Place
from tests.support.published import Publisher, apply_profile, box

from .land import Land, land_profile


def fill(url: str) -> None:
    profile = land_profile()
    apply_profile(url, profile)
    publisher, rows = Publisher(url, profile), revisions()
    wards = [{"ma_xa": ward, "ten": f"Phường {ward}", "geom": box(west, 0, 600, 600)} for ward, west in WARDS.items()]
    publisher.publish("commune", wards)
    publisher.publish("parcel", rows["parcel"][-1])
    for layer in ("line", "plan", "well", "inspection", "hidden_place"):
        publisher.publish(layer, rows[layer][-1])


@pytest.fixture
def land(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> Land:
    return Land.at(clone(make_template("coverage", fill)))


@pytest.fixture
def place(make_template: Callable[[str, Callable[[str], None]], str], clone: Callable[[str], str]) -> Place:
    return Place.at(clone(make_template("checked", checked.fill)))
