"""A parcel is found by what people call it: number, old number, name, code, key, place. Nothing is guessed."""

from __future__ import annotations

import psycopg
import pytest

from layers.errors import AmbiguousError, InvalidInputsError, NotFoundError, UnavailableError
from tests.support.checked import OFFICER, PARCEL, PUBLIC, Place, geojson
from tests.support.published import box

FIRST, SECOND = "25747.45.123", "25750.45.123"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("25747@2025/45/123", [(FIRST, True)]),
        ("25747/45/123", [(FIRST, True)]),
        ("25747/045/0123", [(FIRST, True)]),
        ("Thủ Dầu Một/45/123", [(FIRST, True)]),
        ("phường thu dau mot/45/123", [(FIRST, True)]),
        ("Hòa Lợi/1/1", [("25813.1.1", True), ("25813.1.1", True)]),
        ("25741@2024/4/12", [(FIRST, False)]),  # an old commune that went into two new ones
        ("Hiệp Thành/7/9", [(SECOND, False)]),
        ("Phú Cường/4/12", [(FIRST, False)]),
        ("25747@2024/4/12", [(FIRST, False)]),  # the same code, the older generation
        ("25747@2025/4/12", []),  # and the newer: nobody has that number today
        ("25747/4/12", [(FIRST, False)]),  # a bare code means both
        ("Phú Lợi/8/1", [("25750.8.1", True)]),  # never renumbered: old and new name alike
        ("25744@2024/8/1", [("25750.8.1", False)]),
        ("code:w3gy6ytmny8f", [(FIRST, True)]),
        (f"key:{FIRST}", [(FIRST, True)]),
        (FIRST, [(FIRST, True)]),
        ("25747/45/999", []),
        ("99999/1/1", []),
        ("xã Không Có/1/1", []),
        ("fid:1", []),
    ],
)
def test_what_a_look_up_means(shared_place: Place, text: str, found: list[tuple[str, bool]]) -> None:
    assert [(candidate.key, candidate.current) for candidate in shared_place.look_up(text)] == found


def test_a_point_of_crs84_finds_the_parcel_it_lies_in(shared_place: Place) -> None:
    longitude, latitude = geojson(box(9, 9, 1, 1))["coordinates"][0][0][0]
    assert [candidate.key for candidate in shared_place.look_up(f"point:{longitude},{latitude}")] == [FIRST]


def test_a_candidate_says_how_the_parcel_is_called(shared_place: Place) -> None:
    (candidate,) = shared_place.look_up(PARCEL)
    assert candidate.as_dict() == {
        "fid": str(shared_place.publisher.fid("parcel", FIRST)), "key": FIRST,
        "label": "Thửa đất số 123, tờ bản đồ số 45, phường Thủ Dầu Một",
        "commune": "25747", "sheet": "45", "parcel": "123", "current": True,
    }  # fmt: skip


def test_a_former_key_finds_the_parcel_through_its_alias(place: Place) -> None:
    fid = place.publisher.fid("parcel", FIRST)
    with psycopg.connect(place.url) as connection:
        connection.execute("INSERT INTO catalogue.alias VALUES ('parcel', '25741.2.7', %s, 1, NULL)", (fid,))
    assert [(c.key, c.current) for c in place.look_up("key:25741.2.7")] == [(FIRST, False)]
    assert [(c.key, c.current) for c in place.look_up("25741@2024/2/7")] == [(FIRST, False)]


def test_a_check_on_a_parcel_nobody_knows_says_what_to_do_next(shared_place: Place) -> None:
    with pytest.raises(NotFoundError) as caught:
        shared_place.check("25747/45/999")
    assert "45/999" in caught.value.message.vi and "point:" in caught.value.message.en


def test_a_check_on_an_unknown_commune_names_the_field(shared_place: Place) -> None:
    with pytest.raises(InvalidInputsError) as caught:
        shared_place.check("xã Không Có/1/1")
    assert [field.field for field in caught.value.fields] == ["subject.parcel.commune"]


def test_a_check_on_an_ambiguous_parcel_lists_the_candidates(shared_place: Place) -> None:
    with pytest.raises(AmbiguousError) as caught:
        shared_place.check("25813/1/1")
    twins = {str(shared_place.publisher.fid("parcel", name)) for name in ("twin-a", "twin-b")}
    assert {candidate["fid"] for candidate in caught.value.candidates} == twins  # type: ignore[index]


def test_a_parcel_can_be_chosen_among_twins(shared_place: Place) -> None:
    fid = shared_place.publisher.fid("parcel", "twin-b")
    assert shared_place.check(f"fid:{fid}").content["subject"]["fid"] == str(fid)


def test_parcels_outside_the_callers_rights_are_not_there(place: Place) -> None:
    with psycopg.connect(place.url) as connection:
        connection.execute(
            "UPDATE access.policy SET digest = (SELECT digest FROM catalogue.text WHERE kind = 'policy')"
        )
        connection.execute("DELETE FROM access.policy")
    assert place.look_up(PARCEL, PUBLIC) == []
    with pytest.raises(NotFoundError):
        place.check(principal=OFFICER)


def test_a_suspended_parcel_layer_says_so(place: Place) -> None:
    place.publisher.set_state("parcel", "suspended", "lộ tên chủ")
    with pytest.raises(UnavailableError) as caught:
        place.check()
    assert "tạm dừng" in caught.value.message.vi
