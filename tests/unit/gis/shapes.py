"""Shapes for the tests of the kernel: parcels, features, candidate rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from gis.candidates import Pieces, Subjects
from gis.pieces import subdivide
from gis.procedure import Relation, Rule


def shapes(*given: shapely.Geometry | str) -> np.ndarray:
    """An object array of shapes or WKT."""
    made = np.empty(len(given), dtype=object)
    made[:] = [shapely.from_wkt(one) if isinstance(one, str) else one for one in given]
    return made


def subjects(*given: shapely.Geometry | str, accuracy_m: float = 0.0) -> Subjects:
    return Subjects.of(shapes(*given), np.full(len(given), accuracy_m))


def near(
    found: Subjects,
    features: Sequence[shapely.Geometry | str],
    *,
    accuracy_m: float = 0.0,
    within_m: float = 5.0,
    max_vertices: int = 64,
    excluded: Sequence[str] | None = None,
) -> Pieces:
    """Candidate rows as the search finds them: pieces whose box meets the subject's box, grown."""
    pieces, owner = subdivide(shapes(*features), max_vertices)
    boxes = shapely.box(*(shapely.bounds(found.geometry) + np.array([-1, -1, 1, 1]) * within_m).T)
    subject, piece = shapely.STRtree(pieces).query(boxes)
    return Pieces(
        subject=subject.astype(np.int64),
        feature=owner[piece],
        geometry=pieces[piece],
        accuracy_m=np.full(len(features), accuracy_m),
        excluded=None if excluded is None else np.array(excluded, dtype=object),
        piece=piece.astype(np.int64),
    )


def rule(relation: Relation, **parameters: float) -> Rule:
    return Rule(id="r", layer="l", relation=relation, **parameters)


def blob(seed: int, x: float, y: float, size: float, vertices: int = 12) -> shapely.Polygon:
    """A valid star-shaped polygon, often with a hole."""
    random = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False) + random.uniform(0, 1 / vertices, vertices)
    radius = size * random.uniform(0.4, 1.0, vertices)
    shell = np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])
    holes = [shapely.box(x - size / 9, y - size / 9, x + size / 9, y + size / 9).exterior] if seed % 2 else []
    return shapely.Polygon(shell, holes)
