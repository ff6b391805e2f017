"""A procedure that was bound once is given out again for the same question only."""

from __future__ import annotations

from datetime import date

import pytest

from layers.checking.asked import bound_procedure
from layers.errors import InvalidInputsError
from layers.profile.bind import BoundProcedure, bind_procedure
from layers.profile.load import load_profile
from layers.profile.profile import Profile
from ogc.settings import Settings

TODAY = date(2026, 11, 21)
INPUTS = {"target_use": "ODT", "target_area_m2": 150}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile(Settings().profile_folder)


def bound(profile: Profile, day: date = TODAY, **inputs: object) -> BoundProcedure:
    return bound_procedure(profile, "sha256:test", "land_use_change", {**INPUTS, **inputs}, day)


def test_the_same_question_is_bound_once(profile: Profile) -> None:
    assert bound(profile) is bound(profile)
    assert bound(profile) == bind_procedure(profile, "land_use_change", INPUTS, TODAY)


@pytest.mark.parametrize("other", [{"target_area_m2": 151}, {"target_area_m2": "150"}, {"target_use": "CLN"}])
def test_other_inputs_are_bound_by_themselves(profile: Profile, other: dict[str, object]) -> None:
    assert bound(profile, **other) is not bound(profile)
    assert bound(profile, **other) == bind_procedure(profile, "land_use_change", {**INPUTS, **other}, TODAY)


def test_the_day_and_the_profile_belong_to_the_question(profile: Profile) -> None:
    first = bound(profile)
    assert bound(profile, date(2026, 11, 22)) is not first
    assert bound_procedure(profile, "sha256:other", "land_use_change", INPUTS, TODAY) is not first


@pytest.mark.parametrize("wrong", [{"target_area_m2": -1}, {"target_area_m2": True}, {"colour": "red"}])
def test_what_cannot_be_bound_is_refused_each_time(profile: Profile, wrong: dict[str, object]) -> None:
    for _ in range(2):
        with pytest.raises(InvalidInputsError):
            bound(profile, **wrong)


@pytest.mark.parametrize("odd", [{"target_use": date(2026, 1, 1)}, {"target_use": "O" * 5000}, {"target_use": {1, 2}}])
def test_inputs_that_cannot_be_kept_are_refused_as_ever(profile: Profile, odd: dict[str, object]) -> None:
    with pytest.raises(InvalidInputsError):
        bound(profile, **odd)
