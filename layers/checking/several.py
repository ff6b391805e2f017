"""Several parcels checked as one: their union is measured, and what does not fit between them is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError
from layers.profile.profile import Profile
from layers.store.parcels import ParcelRow

from .subject import Part, Subject
from .zones import many, one, projection_of

#: of one subject; more is a project, which is checked as a batch
MOST_PARCELS = 100
#: of the union: the grid shapes are stored on, on which an overlay cannot fail in silence
_GRID_M = 1e-4
#: boundaries closer than this are one, and neighbours share at least so much of them
_COINCIDENT_M, _SHARED_M = 0.01, 0.1
_LEAST_OVERLAP_M2 = 0.01
#: parcels named in a label
_MOST_NAMED = 3


def united(singles: Sequence[Subject], rows: Sequence[ParcelRow], profile: Profile) -> Subject:
    """One subject of several parcels; `singles` are they, each by itself, `rows` as stored, in the same order.

    Raises InvalidInputsError for too many, for parcels of two measuring zones, and where the union is none.
    """
    _require_few(singles)
    if len({single.zone for single in singles}) > 1:
        raise _refused("nằm ở hai múi chiếu; hãy kiểm tra riêng từng múi",
                       "lie in two measuring zones; check each zone's by themselves")  # fmt: skip
    shapes = [shapely.from_wkb(row.geometry) for row in rows]
    union = _union(shapes)
    crs, zone = profile.header.crs, singles[0].zone
    registered = [single.registered_area_m2 for single in singles]
    parts = tuple(_part(single) for single in singles)
    return Subject(
        kind="parcels",
        layer=singles[0].layer,
        fid=None,
        key=None,
        label=label_of_several([part.label for part in parts]),
        geometry=one(projection_of(crs).to_crs(many(union), crs.storage, crs.zones[zone].crs)),
        zone=zone,
        accuracy_m=max(single.accuracy_m for single in singles),
        registered_area_m2=None if None in registered else round(sum(filter(None, registered)), 4),
        refs=tuple(sorted({ref for single in singles for ref in single.refs})),
        is_named=all(single.refs for single in singles),
        parts=parts,
        reasons=tuple(_reasons(shapes)),
        is_outside=any(single.is_outside for single in singles),
    )


def label_of_several(labels: Sequence[str]) -> str:
    """'2 thửa đất: …; …'."""
    named = "; ".join(labels[:_MOST_NAMED])
    more = f"; và {len(labels) - _MOST_NAMED} thửa khác" if len(labels) > _MOST_NAMED else ""
    return f"{len(labels)} thửa đất: {named}{more}"


def _part(single: Subject) -> Part:
    assert single.fid is not None
    area = round(float(single.geometry.area), 4)
    return Part(single.fid, single.key, single.label, area, single.registered_area_m2, single.attributes or {})


def _union(shapes: Sequence[BaseGeometry]) -> BaseGeometry:
    """On the grid of the store, like a shape that was drawn so: no later overlay meets an overlay's loose ends."""
    found = shapely.union_all(np.array(shapes, dtype=object), grid_size=_GRID_M)
    areas = [shape.area for shape in shapes]
    overlaps = sum(area for _, _, area in _overlaps(shapes))
    slack = 1e-3 * max(1.0, float(sum(shape.length for shape in shapes)))
    is_sound = found.is_valid and max(areas) - slack <= found.area <= sum(areas) + slack
    if not is_sound or found.area < sum(areas) - overlaps - slack:
        raise _refused("không hợp được thành một khu đất", "cannot be united into one ground")
    return found


def _reasons(shapes: Sequence[BaseGeometry]) -> list[dict[str, object]]:
    """What a reviewer must know of the parcels together; numbers only, no names."""
    found: list[dict[str, object]] = []
    groups = _groups(shapes)
    if groups > 1:
        found.append(_reason("not_contiguous", f"Các thửa đất không liền kề: {groups} khu tách rời.",
                             f"The parcels do not adjoin: {groups} separate grounds."))  # fmt: skip
    overlaps = [area for _, _, area in _overlaps(shapes) if area > _LEAST_OVERLAP_M2]
    if overlaps:
        total = sum(overlaps)
        words = f"{total:.2f}".replace(".", ",")
        vi = f"Các thửa đất chồng lên nhau {words} m² ({len(overlaps)} cặp)."
        en = f"The parcels overlap each other by {total:.2f} m² ({len(overlaps)} pair(s))."
        found.append(_reason("parts_overlap", vi, en))
    return found


def _reason(code: str, vi: str, en: str) -> dict[str, object]:
    return {"code": code, "message": Message(vi, en).as_dict()}


def _pairs(shapes: Sequence[BaseGeometry]) -> list[tuple[int, int]]:
    array = np.array(shapes, dtype=object)
    left, right = shapely.STRtree(array).query(array, predicate="dwithin", distance=_COINCIDENT_M)
    return [(int(a), int(b)) for a, b in zip(left, right, strict=True) if a < b]


def _overlaps(shapes: Sequence[BaseGeometry]) -> list[tuple[int, int, float]]:
    return [(a, b, float(shapely.intersection(shapes[a], shapes[b]).area)) for a, b in _pairs(shapes)]


def _groups(shapes: Sequence[BaseGeometry]) -> int:
    """Grounds that hang together by more than a corner."""
    group = list(range(len(shapes)))
    for a, b in _pairs(shapes):
        if _adjoin(shapes[a], shapes[b]):
            old, new = group[b], group[a]
            group = [new if name == old else name for name in group]
    return len(set(group))


def _adjoin(one_: BaseGeometry, other: BaseGeometry) -> bool:
    near = shapely.buffer(shapely.boundary(other), _COINCIDENT_M)
    shared = shapely.length(shapely.intersection(shapely.boundary(one_), near))
    return bool(shared >= _SHARED_M)


def _require_few(singles: Sequence[Subject]) -> None:
    if not 1 <= len(singles) <= MOST_PARCELS:
        raise _refused(f"phải từ 1 đến {MOST_PARCELS}; hãy dùng 'lienthong batch'",
                       f"must be between 1 and {MOST_PARCELS}; use 'lienthong batch'")  # fmt: skip
    if len({single.fid for single in singles}) != len(singles):
        raise _refused("có thửa ghi hai lần", "name one parcel twice")


def _refused(vi: str, en: str) -> InvalidInputsError:
    message = Message(f"Các thửa đất {vi}.", f"The parcels {en}.")
    return InvalidInputsError(message.vi, message.en, [FieldError("subject.parcels", message)])


__all__ = ["MOST_PARCELS", "label_of_several", "united"]
