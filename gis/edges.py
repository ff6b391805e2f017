"""area(P ∩ Q) for many pairs of polygons at once, without overlay.

At each x, a valid polygon is the sum over its edges of s · [y below the edge], s = +1 for upper and −1 for lower edges.
The product of two polygons, integrated, is therefore a sum over pairs of edges, one of each:

    area(P ∩ Q) = Σ s_p s_q ∫ min(y_p(x), y_q(x)) dx      over the x both edges span

It is continuous in its input: nothing degenerates where edges coincide. Rings must be valid: an invalid ring gives a
wrong number in silence, so that callers check validity first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: edge pairs worked on at once: bounds the memory to some hundred megabytes
_EDGE_PAIRS_AT_ONCE = 1_500_000


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of k polygons that are not vertical, each written from left to right; those of polygon i stand at
    `start[i]:start[i + 1]`. `sign` is +1 where the polygon lies below the edge, −1 where it lies above it."""

    left: Floats  #: (edges, 2)
    right: Floats  #: (edges, 2)
    sign: Floats
    start: Integers  #: (k + 1,)
    bounds: Floats  #: (k, 4) of the polygons

    @classmethod
    def of(cls, polygons: Geometries) -> Edges:
        """Edges of polygons and multipolygons, holes included."""
        parts, part_owner = shapely.get_parts(polygons, return_index=True)
        rings, ring_part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        points, point_ring = shapely.get_coordinates(rings, return_index=True)
        begins = np.flatnonzero((point_ring[1:] == point_ring[:-1]) & (points[1:, 0] != points[:-1, 0]))
        first, second = points[begins], points[begins + 1]
        owner = part_owner[ring_part[point_ring[begins]]]
        goes_right = (first[:, 0] < second[:, 0])[:, None]
        return cls(
            left=np.where(goes_right, first, second),
            right=np.where(goes_right, second, first),
            sign=np.where(goes_right[:, 0], -1.0, 1.0),  # shells run anticlockwise: the lower side runs to the right
            start=np.searchsorted(owner, np.arange(len(polygons) + 1)),
            bounds=shapely.bounds(polygons),
        )

    def count(self, polygons: Integers) -> Integers:
        return self.start[polygons + 1] - self.start[polygons]


def pair_areas(p_edges: Edges, p: Integers, q_edges: Edges, q: Integers) -> Floats:
    """area(P[p[i]] ∩ Q[q[i]]) in square units of the coordinates, for each i."""
    areas = np.zeros(len(p))
    meets = np.flatnonzero(_boxes_overlap(p_edges.bounds[p], q_edges.bounds[q]))
    load = np.cumsum(p_edges.count(p[meets]) * q_edges.count(q[meets]))
    block_of = load // _EDGE_PAIRS_AT_ONCE
    for block in np.split(meets, np.flatnonzero(np.diff(block_of)) + 1):
        if len(block):
            areas[block] = _block_areas(p_edges, p[block], q_edges, q[block])
    return areas


def sums(index: Integers, values: NDArray[np.generic], size: int) -> Floats:
    """Sum of the values with each index from 0 to size − 1."""
    return np.asarray(np.bincount(index, values, minlength=size), dtype=np.float64)


def _boxes_overlap(a: Floats, b: Floats) -> NDArray[np.bool_]:
    overlap = (a[:, 0] < b[:, 2]) & (b[:, 0] < a[:, 2]) & (a[:, 1] < b[:, 3]) & (b[:, 1] < a[:, 3])
    return np.asarray(overlap, dtype=bool)


def _expanded(start: Integers, count: Integers) -> tuple[Integers, Integers]:
    """For runs start[i] … start[i] + count[i] − 1: the run each element is of, and the element."""
    run = np.repeat(np.arange(len(count)), count)
    offset = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
    return run, start[run] + offset


def _block_areas(p_edges: Edges, p: Integers, q_edges: Edges, q: Integers) -> Floats:
    """One block: take the edges of Q that matter, pair them with the edges of P over the same x, integrate."""
    pair, q_edge = _expanded(q_edges.start[q], q_edges.count(q))
    box = p_edges.bounds[p[pair]]
    left, right = q_edges.left[q_edge], q_edges.right[q_edge]
    in_columns = (right[:, 0] > box[:, 0]) & (left[:, 0] < box[:, 2])
    # wholly below P: y_q is the minimum against every edge of P, and their signs cancel
    is_below = np.maximum(left[:, 1], right[:, 1]) < box[:, 1]
    keep = in_columns & ~is_below
    pair, q_edge = pair[keep], q_edge[keep]
    taken, p_edge = _expanded(p_edges.start[p[pair]], p_edges.count(p[pair]))
    pair, q_edge = pair[taken], q_edge[taken]
    share_x = (q_edges.right[q_edge, 0] > p_edges.left[p_edge, 0]) & (
        q_edges.left[q_edge, 0] < p_edges.right[p_edge, 0]
    )
    pair, q_edge, p_edge = pair[share_x], q_edge[share_x], p_edge[share_x]
    floor = np.array([0.0, 1.0]) * p_edges.bounds[p[pair], 1:2]  # near the numbers, for the last digits of their areas
    below_both = _integral_of_minimum(
        p_edges.left[p_edge] - floor,
        p_edges.right[p_edge] - floor,
        q_edges.left[q_edge] - floor,
        q_edges.right[q_edge] - floor,
    )
    return sums(pair, below_both * p_edges.sign[p_edge] * q_edges.sign[q_edge], len(p))


def _integral_of_minimum(p_left: Floats, p_right: Floats, q_left: Floats, q_right: Floats) -> Floats:
    """∫ min(y_p, y_q) dx over the x both edges span; min(a, b) = (a + b − |a − b|) / 2."""
    x_from = np.maximum(p_left[:, 0], q_left[:, 0])
    x_to = np.minimum(p_right[:, 0], q_right[:, 0])
    p_from, p_to = _height(p_left, p_right, x_from), _height(p_left, p_right, x_to)
    q_from, q_to = _height(q_left, q_right, x_from), _height(q_left, q_right, x_to)
    apart = _mean_of_absolute(p_from - q_from, p_to - q_to)
    return np.asarray(((p_from + p_to + q_from + q_to) / 2 - apart) / 2 * (x_to - x_from))


def _height(left: Floats, right: Floats, x: Floats) -> Floats:
    """y of the edge at x, which it spans; by share and not by slope, since an edge may be as good as vertical."""
    share = (x - left[:, 0]) / (right[:, 0] - left[:, 0])
    return np.asarray(left[:, 1] + share * (right[:, 1] - left[:, 1]))


def _mean_of_absolute(first: Floats, last: Floats) -> Floats:
    """Mean of |d| where d runs straight from `first` to `last`: two triangles where the sign changes."""
    sum_of_ends = np.abs(first) + np.abs(last)
    crosses = (first >= 0) != (last >= 0)
    squares = first * first + last * last
    return np.asarray(np.where(crosses, squares / np.where(sum_of_ends == 0, 1.0, sum_of_ends), sum_of_ends) / 2)
