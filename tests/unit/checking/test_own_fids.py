"""What a subject is itself, among the rows of a layer."""

from __future__ import annotations

import shapely

from gis.procedure import Relation, Rule
from layers.checking.around import own_fids
from layers.checking.subject import Subject


def subject(**more: object) -> Subject:
    given = {"kind": "part", "layer": None, "fid": None, "key": None, "label": "x", "zone": 0, "accuracy_m": 0.1}
    return Subject(geometry=shapely.box(0, 0, 1, 1), **{**given, **more})  # type: ignore[arg-type]


def own(of: Subject, layer: str) -> frozenset[int]:
    return own_fids(of, Rule("r", layer, Relation.OVERLAPS_AREA), "parcel")


def test_a_new_part_does_not_lie_across_the_parcels_it_is_cut_from() -> None:
    assert own(subject(cut_from=(3, 4)), "parcel") == {3, 4}
    assert own(subject(cut_from=(3, 4)), "zone") == frozenset()


def test_a_parcel_is_itself_and_a_drawn_shape_is_none() -> None:
    assert own(subject(kind="parcel", layer="parcel", fid=7), "parcel") == {7}
    assert own(subject(kind="geometry"), "parcel") == frozenset()
