"""The area on the certificate against the area that was computed: `kind: subject` about the difference."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from .bounds import strip_limit_m2
from .candidates import Booleans, Floats, Subjects
from .procedure import Outcome, SubjectRule

DIFFERENCE_M2 = "registered_difference_m2"
DIFFERENCE_SHARE = "registered_difference_share"  #: of the area on the certificate
MEASURES = (DIFFERENCE_M2, DIFFERENCE_SHARE)


def judge_certificate(rule: SubjectRule, subjects: Subjects) -> tuple[NDArray[np.object_], Floats, Floats]:
    """Outcomes, and the computed area at the least and at the most, in m²; NaN where the accuracy changes nothing.

    What has no certificate, or cannot be measured, is not checked.
    """
    low, high = np.full((2, len(subjects)), np.nan)
    registered, area = subjects.registered_m2, subjects.area_m2
    known = subjects.is_valid & (registered > 0)
    met = _met(rule, area, area, registered, most=True)
    strip = strip_limit_m2(subjects.perimeter_m, subjects.vertices.astype(np.float64), subjects.accuracy_m)
    sure = _met(rule, area - strip, area + strip, registered, most=True)
    possible = _met(rule, area - strip, area + strip, registered, most=False)
    asked = (known & (subjects.accuracy_m > 0) & ((met & ~sure) | (~met & possible))).nonzero()[0]
    outcome = np.empty(len(subjects), dtype=object)
    outcome[:] = Outcome.AFFECTED
    outcome[met] = Outcome.CLEAR
    if len(asked):  # of one subject mostly nobody
        shapes, error = subjects.geometry[asked], subjects.accuracy_m[asked]
        low[asked], high[asked] = shapely.area(shapely.buffer(shapes, np.array([-error, error])))
        within = (low[asked], high[asked], registered[asked])
        doubtful = met[asked] & ~_met(rule, *within, most=True) | ~met[asked] & _met(rule, *within, most=False)
        outcome[asked[doubtful]] = Outcome.BORDERLINE
    outcome[~known] = Outcome.NOT_CHECKED
    return outcome, low, high


def _met(rule: SubjectRule, low: Floats, high: Floats, registered: Floats, *, most: bool) -> Booleans:
    """Does the rule hold of the largest, or of the least, difference that areas from low to high can have?"""
    ends = np.abs(low - registered), np.abs(high - registered)
    between = (low <= registered) & (registered <= high)
    difference = np.maximum(*ends) if most else np.where(between, 0.0, np.minimum(*ends))
    if rule.measure == DIFFERENCE_SHARE:
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = difference / registered
    return np.asarray(difference <= (np.inf if rule.at_most is None else rule.at_most), dtype=bool)
