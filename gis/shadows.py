"""Candidates that are too far away to matter, told from their shadows: most of many only share a box with the subject.

The shadow of a shape is what it covers of a line when the light falls at right angles to that line. Two shapes are at
least as far apart as their shadows on any line, so that nothing is left out that a distance would have kept.
"""

from __future__ import annotations

import numpy as np

from .bounds import COINCIDENCE_M
from .candidates import Booleans, Candidates, Floats, shadows_of

#: from so many rows on, shadows cost less than the measures they save
_MANY_ROWS = 64
#: the last digits of coordinates never decide
_ROUNDING_M = 1e-6


def only_near(found: Candidates, reach_m: Floats) -> Candidates:
    """The pairs that may lie within their reach (one a pair) plus the accuracy; where there are few, all of them."""
    if len(found.geometry) < _MANY_ROWS:
        return found
    limit = reach_m + np.maximum(found.error_m, COINCIDENCE_M) + _ROUNDING_M
    apart = found.min_by_pair(_apart_m(found))
    is_near: Booleans = apart <= limit
    return found.only(is_near)


def _apart_m(found: Candidates) -> Floats:
    """How far the shadows of each row's two sides are apart on the line where they are farthest."""
    _, first, piece = np.unique(found.piece, return_index=True, return_inverse=True)
    low, high = shadows_of(found.geometry[first])
    own_low, own_high = found.subjects.shadows
    subject = found.row_subject
    gaps = np.maximum(own_low[subject] - high[piece], low[piece] - own_high[subject])
    return np.asarray(gaps.max(axis=1))
