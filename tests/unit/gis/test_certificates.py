"""The area on the certificate against the computed one: 20 × 31 m, 620 m²."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.candidates import Subjects
from gis.certificates import DIFFERENCE_M2, DIFFERENCE_SHARE, judge_certificate
from gis.procedure import Outcome, SubjectRule


def judged(registered_m2: float, at_most: float, *, accuracy_m: float = 0.0, measure: str = DIFFERENCE_M2) -> Outcome:
    subjects = Subjects.of(
        np.array([shapely.box(0, 0, 20, 31)], dtype=object), np.array([accuracy_m]), np.array([registered_m2])
    )
    found: Outcome = judge_certificate(SubjectRule("c", measure, at_most=at_most), subjects)[0][0]
    return found


@pytest.mark.parametrize(
    ("registered_m2", "expected"),
    [(620.0, Outcome.CLEAR), (630.0, Outcome.CLEAR), (610.0, Outcome.CLEAR), (630.1, Outcome.AFFECTED),
     (609.9, Outcome.AFFECTED), (float("nan"), Outcome.NOT_CHECKED), (0.0, Outcome.NOT_CHECKED)],
)  # fmt: skip
def test_a_difference_is_the_same_in_both_directions(registered_m2: float, expected: Outcome) -> None:
    assert judged(registered_m2, 10.0) is expected


def test_a_share_is_taken_of_the_certificate() -> None:
    assert judged(652.0, 0.05, measure=DIFFERENCE_SHARE) is Outcome.CLEAR  # 32 of 652
    assert judged(655.0, 0.05, measure=DIFFERENCE_SHARE) is Outcome.AFFECTED


def test_the_accuracy_of_the_map_makes_it_doubtful() -> None:
    """A boundary that may move 5 cm moves the area by some 5 m²."""
    assert judged(633.0, 10.0, accuracy_m=0.05) is Outcome.BORDERLINE
    assert judged(627.0, 10.0, accuracy_m=0.05) is Outcome.BORDERLINE
    assert judged(621.0, 10.0, accuracy_m=0.05) is Outcome.CLEAR
    assert judged(645.0, 10.0, accuracy_m=0.05) is Outcome.AFFECTED
