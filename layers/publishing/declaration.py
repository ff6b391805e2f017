"""The mapped area an officer declares, and the ground of refused rows that is cut out of it (design, section 6).

It is never derived from the features: a layer without a feature somewhere may say "nothing there" only where somebody
declared it complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import Message
from layers.errors import InvalidRequestError
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from layers.store.publication import MappedPart

from .inspection import Communes, RefusedGround
from .placing import crs_of_file, projection_of
from .reader import GEOMETRY
from .shapes import parse
from .source import digest_of, read_source
from .zones import pieces_by_zone

Geometries = NDArray[np.object_]
#: around a refused line or point, metres: something lies there, and where exactly is not known
GROUND_MARGIN_M = 1.0


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a file is complete for: everywhere, some polygons in the storage CRS, or nothing at all."""

    is_everywhere: bool
    area: Geometries
    complete_for: object  #: "all", codes, {"file", "digest"} or None
    origin: str  #: option, carried, definition, none

    def as_dict(self, unplaced: Sequence[str | None]) -> dict[str, object]:
        return {"complete_for": self.complete_for, "origin": self.origin, "unplaced": list(unplaced)}


def declare(
    option: str | None, before: Mapping[str, Any] | None, definition: LayerDefinition, profile: Profile,
    communes: Communes | None,
) -> Declaration:  # fmt: skip
    """The officer's word, else what was declared for the release before, else the definition's default.

    Raises InvalidRequestError for codes or files that lead nowhere. What is carried forward stands in the report that
    the officer confirms.
    """
    if option is not None:
        path = Path(option)
        if option != "all" and path.exists():
            return _of_file(path, profile)
        return _of(option if option == "all" else _codes(option), "option", communes)
    carried = (before or {}).get("complete_for")
    if isinstance(carried, dict):
        raise InvalidRequestError(
            f"Lần trước phạm vi đầy đủ lấy từ tệp '{carried.get('file')}'. Chỉ lại bằng --complete-for TỆP hoặc all.",
            f"Last time the complete area came from '{carried.get('file')}'. Give --complete-for FILE again, or all.",
        )
    if carried is not None:
        return _of(carried if carried == "all" else tuple(carried), "carried", communes)
    default = definition.complete_for
    return _of(default, "definition" if default is not None else "none", communes)


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code.strip() for code in text.split(",") if code.strip())


def _of(complete_for: str | tuple[str, ...] | None, origin: str, communes: Communes | None) -> Declaration:
    nothing = np.zeros(0, dtype=object)
    if complete_for is None:
        return Declaration(False, nothing, None, origin)
    if complete_for == "all":
        return Declaration(True, nothing, "all", origin)
    polygons = [None if communes is None else communes.polygon_of(code) for code in complete_for]
    missing = [code for code, polygon in zip(complete_for, polygons, strict=True) if polygon is None]
    if missing:
        raise InvalidRequestError(
            f"--complete-for: không có ranh giới xã {', '.join(missing)}. Công bố lớp xã trước, hoặc dùng tệp vùng.",
            f"--complete-for: no boundary of commune {', '.join(missing)}. Publish the commune layer first, or give a "
            "file of polygons.",
        )
    return Declaration(False, np.array(polygons, dtype=object), list(complete_for), origin)


def _of_file(path: Path, profile: Profile) -> Declaration:
    source = read_source(path, None, None)
    projection = projection_of(profile.header)
    use = crs_of_file(source.crs, None, projection)
    if use.used is None or GEOMETRY not in source.table.column_names:
        raise InvalidRequestError(
            f"--complete-for: '{path.name}' không có hình hoặc không ghi hệ tọa độ. Dùng GPKG có hệ tọa độ.",
            f"--complete-for: '{path.name}' has no shapes or names no coordinate system. Use a GPKG that names it.",
        )
    geoms = parse(source.table[GEOMETRY].combine_chunks(), source.table.num_rows, swap_axes=False)
    stored = shapely.make_valid(projection.to_crs(geoms, use.used, projection.storage))
    area = np.array([geom for geom in stored if geom is not None and geom.area > 0], dtype=object)
    return Declaration(False, area, {"file": path.name, "digest": digest_of(path)}, "option")


# ── from a declaration to rows ───────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Mapped:
    """Rows of `checks.mapped`; with `unplaced` refused rows nothing counts as mapped, and the message says so."""

    parts: tuple[MappedPart, ...]
    unplaced: tuple[str | None, ...]  #: the communes (None: unknown) of rows whose ground is not known
    message: Message | None


def mapped_parts(
    declaration: Declaration, refused: Sequence[RefusedGround], carried_unplaced: Sequence[str | None],
    profile: Profile, definition: LayerDefinition, communes: Communes | None,
) -> Mapped:  # fmt: skip
    """The declared area and the refused ground, pieced in every zone they meet."""
    of_scale = profile.header.accuracy_of_scale_m(definition.scale) if definition.scale is not None else None
    accuracy_m = definition.accuracy_m if definition.accuracy_m is not None else (of_scale or 0.0)
    grounds = [(one, _ground(one, accuracy_m, communes)) for one in refused]
    unplaced = (*carried_unplaced, *(one.commune for one, ground in grounds if ground is None))
    cut = [(one, ground) for one, ground in grounds if ground is not None]
    shapes = np.array([ground for _one, ground in cut] + [None], dtype=object)[:-1]
    parts = [
        MappedPart("refused", pieces.zone, cut[owner][0].commune, cut[owner][0].reason, _hex(shape))
        for pieces in pieces_by_zone(shapes, profile, None)
        for owner, shape in zip(pieces.owner, pieces.geometry, strict=True)
    ]
    if unplaced:
        return Mapped(tuple(parts), unplaced, _nothing_mapped(len(unplaced)))
    if declaration.is_everywhere:
        parts.append(MappedPart("everywhere"))
    for pieces in pieces_by_zone(declaration.area, profile, None):
        parts += [MappedPart("area", pieces.zone, None, None, _hex(shape)) for shape in pieces.geometry]
    return Mapped(tuple(parts), (), None)


def _ground(one: RefusedGround, accuracy_m: float, communes: Communes | None) -> shapely.Geometry | None:
    """The ground of a refused row: its own, grown where it is a line or a point; else its whole commune."""
    if one.geometry is None:
        return None if communes is None else communes.polygon_of(one.commune)
    if shapely.get_dimensions(one.geometry) == 2:
        return one.geometry
    grown: shapely.Geometry = shapely.buffer(one.geometry, GROUND_MARGIN_M + accuracy_m, quad_segs=4)
    return grown


def _hex(shape: shapely.Geometry) -> str:
    return str(shapely.to_wkb(shape, hex=True))


def _nothing_mapped(count: int) -> Message:
    return Message(
        f"{count} dòng bị từ chối không rõ vị trí, nên chưa nơi nào của lớp được coi là đã có dữ liệu đầy đủ. "
        "Sửa các dòng đó rồi công bố lại.",
        f"{count} refused rows lie at unknown places, so nothing of the layer counts as mapped. "
        "Correct those rows and publish again.",
    )
