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

#: edge pairs worked on at once: their columns stay within some ten megabytes
_EDGE_PAIRS_AT_ONCE = 400_000


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges of k polygons that are not vertical, each written from left to right; those of polygon i stand at
    `start[i]:start[i + 1]`. `sign` is +1 where the polygon lies below the edge, −1 where it lies above it."""

    left_x: Floats
    left_y: Floats
    right_x: Floats
    right_y: Floats
    top: Floats  #: the higher end
    sign: Floats
    start: Integers  #: (k + 1,)
    bounds: Floats  #: (k, 4) of the polygons

    @classmethod
    def of(cls, polygons: Geometries) -> Edges:
        """Edges of polygons and multipolygons, holes included."""
        parts, part_owner = shapely.get_parts(polygons, return_index=True)
        rings, ring_part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        points, point_ring = shapely.get_coordinates(rings, return_index=True)
        x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
        begins = np.flatnonzero((point_ring[1:] == point_ring[:-1]) & (x[1:] != x[:-1]))
        owner = part_owner[ring_part[point_ring[begins]]]
        goes_right = x[begins] < x[begins + 1]
        left, right = np.where(goes_right, begins, begins + 1), np.where(goes_right, begins + 1, begins)
        return cls(
            left_x=x[left],
            left_y=y[left],
            right_x=x[right],
            right_y=y[right],
            top=np.maximum(y[left], y[right]),
            sign=np.where(goes_right, -1.0, 1.0),  # shells run anticlockwise: the lower side runs to the right
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
    pair, p_edge, q_edge = _over_one_another(p_edges, p, q_edges, q)
    floor = p_edges.bounds[p, 1].take(pair)  # near the numbers, for the last digits of their areas
    below_both = _integral_of_minimum(_side(p_edges, p_edge, floor), _side(q_edges, q_edge, floor))
    return sums(pair, below_both * p_edges.sign.take(p_edge) * q_edges.sign.take(q_edge), len(p))


def _over_one_another(p_edges: Edges, p: Integers, q_edges: Edges, q: Integers) -> tuple[Integers, Integers, Integers]:
    """Pairs of edges that share some x, but for those that cancel: the position in `p`, the edge of P, that of Q.

    An edge of Q wholly below P is the minimum against every edge of P, and their signs cancel.
    """
    count = q_edges.count(q)
    pair, q_edge = _expanded(q_edges.start[q], count)
    west, south, east = (np.repeat(p_edges.bounds[p, side], count) for side in range(3))
    keep = np.flatnonzero(
        (q_edges.right_x.take(q_edge) > west) & (q_edges.left_x.take(q_edge) < east)
        & (q_edges.top.take(q_edge) >= south)
    )  # fmt: skip
    pair, q_edge = pair.take(keep), q_edge.take(keep)
    of_p = p.take(pair)
    count = p_edges.count(of_p)
    taken, p_edge = _expanded(p_edges.start.take(of_p), count)
    begins, ends = np.repeat(q_edges.left_x.take(q_edge), count), np.repeat(q_edges.right_x.take(q_edge), count)
    share = np.flatnonzero((ends > p_edges.left_x.take(p_edge)) & (begins < p_edges.right_x.take(p_edge)))
    taken = taken.take(share)
    return pair.take(taken), p_edge.take(share), q_edge.take(taken)


@dataclass(frozen=True, slots=True)
class _Side:
    """Some edges, one a pair of edges, with heights above a floor."""

    left_x: Floats
    left_y: Floats
    right_x: Floats
    right_y: Floats

    def height(self, x: Floats) -> Floats:
        """y of the edge at x, which it spans; by share and not by slope: an edge may be as good as vertical."""
        share = (x - self.left_x) / (self.right_x - self.left_x)
        return np.asarray(self.left_y + share * (self.right_y - self.left_y))


def _side(edges: Edges, chosen: Integers, floor: Floats) -> _Side:
    return _Side(
        edges.left_x.take(chosen), edges.left_y.take(chosen) - floor,
        edges.right_x.take(chosen), edges.right_y.take(chosen) - floor,
    )  # fmt: skip


def _integral_of_minimum(p: _Side, q: _Side) -> Floats:
    """∫ min(y_p, y_q) dx over the x both edges span; min(a, b) = (a + b − |a − b|) / 2."""
    x_from, x_to = np.maximum(p.left_x, q.left_x), np.minimum(p.right_x, q.right_x)
    p_from, p_to, q_from, q_to = p.height(x_from), p.height(x_to), q.height(x_from), q.height(x_to)
    apart = _mean_of_absolute(p_from - q_from, p_to - q_to)
    return np.asarray(((p_from + p_to + q_from + q_to) / 2 - apart) / 2 * (x_to - x_from))


def _mean_of_absolute(first: Floats, last: Floats) -> Floats:
    """Mean of |d| where d runs straight from `first` to `last`: two triangles where the sign changes."""
    sum_of_ends = np.abs(first) + np.abs(last)
    crosses = (first >= 0) != (last >= 0)
    squares = first * first + last * last
    return np.asarray(np.where(crosses, squares / np.where(sum_of_ends == 0, 1.0, sum_of_ends), sum_of_ends) / 2)
