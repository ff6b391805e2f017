"""Definitions of rasters, and rules that name their classes: each error has its file, line and field."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from layers.errors import ProfileError
from layers.profile.load import load_profile
from layers.profile.profile import canonical_text

from .conftest import PROFILES

DEPTH, FLOOD = "environment/depth.yaml", "procedures/flood.yaml"

SPOILED = {
    "no classes": (DEPTH, None, "needs 'classes'"),
    "class twice": (DEPTH, ("{class: 2, from: 0.5", "{class: 1, from: 0.5"), "classes[2].class"),
    "values of two classes": (DEPTH, ("from: 0.5, to: 5", "from: 0.4, to: 5"), "classes[2]"),
    "value within a span": (DEPTH, ("from: 0.5, to: 5", "value: 0.2"), "classes[2]"),
    "empty span": (DEPTH, ("from: 0.1, to: 0.5", "from: 0.5, to: 0.5"), "classes[1]"),
    "value and span": (DEPTH, ("from: 0.5, to: 5", "value: 1, to: 5"), "classes[2]"),
    "neither": (DEPTH, ("from: 0.5, to: 5,", ""), "classes[2]"),
    "another column": (DEPTH, ("name: share", "name: area"), "attributes[2].name"),
    "another key": (DEPTH, ("key: class", "key: title"), "key"),
    "a label": (DEPTH, ("unit: m", 'unit: m\nlabel: "Lớp {class}"'), "label"),
    "colour": (DEPTH, ('"#9ecae1"', '"blue"'), "classes[1].color"),
    "unknown class in a rule": (FLOOD, ("classes: [2]", "classes: [2, 5]"), "checks[1].classes[1]"),
    "condition on a raster": (FLOOD, ("classes: [2]", 'when: "class = 2"'), "checks[1].when"),
    "area of a raster": (FLOOD, ("raster_class, classes: [2]", "overlaps_area"), "checks[1].relation"),
    "classes of parcels": ("land/parcel.yaml", ("sharing: open", "sharing: open\nunit: m"), "rasters only"),
}


@pytest.mark.parametrize(("file", "edit", "says"), SPOILED.values(), ids=SPOILED.keys())
def test_every_error_names_its_place(tmp_path: Path, file: str, edit: tuple[str, str] | None, says: str) -> None:
    folder = Path(shutil.copytree(PROFILES / "rasters", tmp_path / "rasters"))
    path = folder / file
    text = path.read_text(encoding="utf-8")
    if edit is None:
        text = text[: text.index("classes:")]
    else:
        assert edit[0] in text
        text = text.replace(*edit, 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as raised:
        load_profile(folder)
    told = [f"{error.where} {error.field} {error.message.en}" for error in raised.value.errors]
    assert any(says in each and file in each for each in told), told


def test_without_classes_a_rule_asks_for_all_but_the_one_that_says_nothing_is_there() -> None:
    depth = load_profile(PROFILES / "rasters").layer("depth")
    assert depth is not None
    assert (depth.asked_classes(()), depth.asked_classes((0, 2))) == (frozenset({1, 2}), frozenset({0, 2}))


def test_the_canonical_text_of_other_layers_has_no_trace_of_rasters() -> None:
    profile = load_profile(PROFILES / "minimal")
    assert all('"classes"' not in canonical_text(layer) for layer in profile.layers)
