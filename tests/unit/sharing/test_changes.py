"""Two policies beside each other: what changed, whose it is, and the same changes on another base."""

from __future__ import annotations

from typing import Any

import pytest

from layers.access.grammar import Grant
from layers.errors import ConflictError
from layers.sharing.changes import changes, orphans, rebased


def _grant(name: str, **more: Any) -> Grant:
    plain = {"id": name, "to": {"role": "r"}, "layer": "parcel", "actions": ["items"]}
    return Grant.model_validate(plain | more)


A, B, C = (_grant(name) for name in "abc")
A2, A3 = _grant("a", geometry="none"), _grant("a", geometry="centroid")


def test_the_order_of_grants_is_no_change() -> None:
    assert changes((A, B), (B, A)) == ()


def test_each_kind_of_change_is_told_with_the_fields_that_differ() -> None:
    found = changes((A, B), (A2, C))
    assert [(change.kind, change.id) for change in found] == [("changed", "a"), ("removed", "b"), ("added", "c")]
    assert found[0].fields == ("geometry",)
    assert found[1].as_dict()["after"] is None and found[2].as_dict()["before"] is None


def test_a_rebase_takes_the_changes_and_leaves_what_others_did() -> None:
    assert set(rebased((A, B), (A2, B), (A, B, C))) == {A2, B, C}
    assert set(rebased((A, B), (B,), (A, B, C))) == {B, C}
    assert set(rebased((A,), (A, C), (A2,))) == {A2, C}


def test_the_same_change_by_both_is_no_dispute() -> None:
    assert rebased((A,), (A2,), (A2,)) == (A2,)
    assert rebased((A, B), (B,), (B,)) == (B,)


@pytest.mark.parametrize(
    ("proposed", "current"),
    [((A2, B), (A3, B)), ((A2, B), (B,)), ((B,), (A2, B))],
    ids=["both changed", "changed and removed", "removed and changed"],
)
def test_two_changes_of_one_grant_are_a_dispute(proposed: tuple[Grant, ...], current: tuple[Grant, ...]) -> None:
    with pytest.raises(ConflictError) as told:
        rebased((A, B), proposed, current)
    assert told.value.details["grants"] == ["a"]


def test_two_new_grants_of_one_name_are_a_dispute() -> None:
    with pytest.raises(ConflictError):
        rebased((), (A2,), (A3,))


def test_a_layer_that_loses_its_last_publisher_is_an_orphan() -> None:
    publisher = _grant("p", actions=["publish"])
    other = _grant("q", actions=["publish"], to={"role": "s"})
    assert orphans((publisher, A), (A,)) == ("parcel",)
    assert orphans((publisher, other), (other,)) == ()
