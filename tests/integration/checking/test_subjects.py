"""What a check may be about besides one parcel: pasted tables, several parcels, files; replayed, and for whom."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import psycopg
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from layers.access.principal import Principal
from layers.checking import upload as upload_module
from layers.checking.answer import Answer
from layers.checking.effort import NEEDS_JOB_S, estimate
from layers.checking.given import CoordinatesRefusedError
from layers.checking.history import checks_of, find_answer
from layers.checking.request import (
    ByCoordinates,
    ByGeometry,
    ByParcels,
    ByUpload,
    CheckRequest,
    SubjectQuery,
    parse_parcel,
)
from layers.checking.upload import shape_of_upload
from layers.errors import AmbiguousError, InvalidInputsError, NotFoundError, UnavailableError
from tests.support.checked import (
    OFFICER,
    OPERATOR,
    PARCELS,
    PUBLIC,
    REVIEWER,
    Place,
    codes,
    corridor,
    finding,
    geojson,
    parcel,
)
from tests.support.published import box

NEIGHBOUR = "25747@2025/45/124"
FIRST = "25747@2025/45/123"
FAR = "25750@2025/45/123"


def table(shape: BaseGeometry) -> str:
    """As an office prints it: X north, decimal comma, the first point once more."""
    corners = shapely.get_coordinates(shape).tolist()
    rows = [f"{n}\t{y:.3f}\t{x:.3f}".replace(".", ",") for n, (x, y) in enumerate(corners[:-1], 1)]
    return "\n".join(["Số hiệu điểm\tX (m)\tY (m)", *rows, rows[0]])


def several(*texts: str) -> ByParcels:
    return ByParcels(tuple(parse_parcel(text) for text in texts))


def listed(place: Place, text: str) -> list[Answer]:
    query = parse_parcel(text)
    found: list[Answer] = place.ask(
        lambda database, catalogue: checks_of(database, catalogue, OFFICER, dossier=None, parcel=query)
    )
    return found


def read_again(place: Place, answer: Answer, principal: Principal) -> Answer:
    found: Answer = place.ask(lambda database, catalogue: find_answer(database, catalogue, answer.id, principal))
    return found


def stored(place: Place, answer: Answer) -> dict[str, Any]:
    with psycopg.connect(place.url) as connection:
        found = connection.execute("SELECT body FROM checks.record WHERE id = %s", (answer.id,)).fetchone()
    assert found is not None
    record: dict[str, Any] = json.loads(found[0])
    return record


@pytest.fixture
def town(place: Place) -> Place:
    """The small place with a neighbour of the first parcel, 2 m² over it."""
    beside = parcel("25747", "45", "124", box(19.9, 0, 20, 20), dien_tich_phap_ly=400.0, ten_chu="Trần Thị B")
    place.publish("parcel", [*PARCELS, beside])
    return place


# ── a pasted table ───────────────────────────────────────────────────────────────────────────────


def test_a_pasted_table_is_measured_like_the_parcel_it_describes(place: Place) -> None:
    place.publish("water_corridor", [corridor("SG-03", box(0, 0, 5, 31))])
    pasted = place.check(ByCoordinates(text=table(box(0, 0, 20, 31))))
    assert pasted.content["subject"]["area_m2"] == 620.0
    assert pasted.content["subject"]["coordinates"] == {"crs": "EPSG:9210", "axes": "north_east", "points": 4}
    measured = finding(pasted, "water_corridor")["measure"]["area_m2"]
    assert measured == finding(place.check(), "water_corridor")["measure"]["area_m2"] == pytest.approx(155.0)
    assert stored(place, pasted)["subject"]["coordinates"]["numbers"] == ["1", "2", "3", "4"]


def test_a_register_entry_needs_a_parcel_and_says_so(shared_place: Place) -> None:
    found = finding(shared_place.check(ByCoordinates(text=table(box(0, 0, 20, 31)))), "blocks")
    assert (found["outcome"], codes(found)) == ("not_checked", ["needs_parcel"])


def test_swapped_axes_are_refused_with_a_proposal_that_passes_when_it_is_asked(shared_place: Place) -> None:
    shape = box(0, 0, 20, 31)
    with pytest.raises(CoordinatesRefusedError) as refused:
        shared_place.check(ByCoordinates(text=table(shapely.transform(shape, lambda xy: xy[:, ::-1]))))
    details: dict[str, Any] = refused.value.details
    (proposal,) = details["proposals"]
    assert proposal["area_m2"] == 620.0 and proposal["crs"] == "EPSG:9210"
    assert proposal["geojson"]["type"] == "Polygon" and set(proposal["reason"]) == {"vi", "en"}
    given = proposal["coordinates"]
    again = shared_place.check(ByCoordinates(points=tuple(given["points"]), crs=given["crs"], axes=given["axes"]))
    assert again.content["subject"]["area_m2"] == 620.0 and again.content["subject"]["reasons"] == []


def test_an_edge_that_does_not_fit_is_told_with_the_subject(shared_place: Place) -> None:
    rows = table(box(0, 0, 20, 31)).split("\n")[1:-1]
    text = "\n".join(f"{row}\t{length}" for row, length in zip(rows, ("31,00", "20,00", "31,00", "21,00"), strict=True))
    reasons = shared_place.check(ByCoordinates(text=text)).content["subject"]["reasons"]
    assert "edge_length" in [reason["code"] for reason in reasons]


# ── several parcels ──────────────────────────────────────────────────────────────────────────────


def test_several_parcels_are_one_subject_of_which_the_union_is_measured(town: Place) -> None:
    town.publish("water_corridor", [corridor("SG-03", box(15, 0, 10, 10))])
    subject = (answer := town.check(several(FIRST, NEIGHBOUR))).content["subject"]
    assert (subject["kind"], subject["layer"], subject["fid"]) == ("parcels", "parcel", None)
    assert subject["area_m2"] == pytest.approx(620 + 400 - 2, abs=1e-3)
    assert subject["registered_area_m2"] == 1020.0
    assert [part["area_m2"] for part in subject["parts"]] == [620.0, 400.0]
    assert [reason["code"] for reason in subject["reasons"]] == ["parts_overlap"]
    assert finding(answer, "water_corridor")["measure"]["area_m2"] == pytest.approx(100.0, abs=1e-3)


def test_parcels_apart_are_measured_and_told_to_be(town: Place) -> None:
    subject = town.check(several(FIRST, FAR)).content["subject"]
    assert [reason["code"] for reason in subject["reasons"]] == ["not_contiguous"]
    assert subject["registered_area_m2"] is None  # one of them has none
    assert subject["label"].startswith("2 thửa đất: ")


def test_register_entries_of_each_of_several_parcels_count(town: Place) -> None:
    town.publish("parcel_block", [{"so_vb": "NC-77", "ma_xa": "25747", "so_to": "45", "so_thua": "124"}])
    found = finding(town.check(several(FIRST, NEIGHBOUR)), "blocks")
    assert (found["outcome"], found["features"][0]["key"]) == ("affected", "NC-77")


def test_of_several_parcels_one_without_a_number_leaves_the_register_open_but_hides_no_entry(town: Place) -> None:
    nameless = {**parcel("25747", "45", "125", box(40, 0, 20, 20)), "so_to": None, "so_thua": None, "fid": "nameless"}
    town.publish("parcel", [*PARCELS, nameless])
    both = several(FIRST, f"fid:{town.publisher.fid('parcel', 'nameless')}")
    assert finding(town.check(several(FIRST)), "blocks")["outcome"] == "clear"  # and is told again from memory
    found = finding(town.check(both), "blocks")
    assert (found["outcome"], found["verdict"], codes(found)) == ("not_checked", "refer", ["no_numbers"])
    town.publish("parcel_block", [{"so_vb": "NC-77", "ma_xa": "25747", "so_to": "45", "so_thua": "123"}])
    found = finding(town.check(both), "blocks")
    assert (found["outcome"], found["features"][0]["key"]) == ("affected", "NC-77")


def test_an_ambiguous_or_repeated_parcel_is_refused(town: Place) -> None:
    with pytest.raises(AmbiguousError):
        town.check(several(FIRST, "25813/1/1"))
    with pytest.raises(InvalidInputsError):
        town.check(several(FIRST, FIRST))
    with pytest.raises(NotFoundError):
        town.check(several(FIRST, "25747@2025/45/999"))


# ── replay ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("subject", [
    ByCoordinates(text=table(box(0, 0, 20, 31))),
    ByCoordinates(text=table(box(0, 0, 20, 31)) + "\n\n" + "\n".join(table(box(3, 3, 4, 4)).split("\n")[1:])),
    ByCoordinates(text="Kinh tuyến trục 105°45'\n" + table(box(0.0001, 0.0003, 20, 31))),
    several(FIRST, NEIGHBOUR),
    several(NEIGHBOUR, FIRST, FAR),
])  # fmt: skip
def test_every_kind_of_subject_replays_byte_for_byte_after_the_data_moved_on(
    town: Place, subject: SubjectQuery
) -> None:
    town.publish("water_corridor", [corridor("SG-03", box(-5, -5, 12, 9))])
    first = town.check(subject, dossier="D-1")
    town.publish("water_corridor", [])
    town.publish("parcel", [])
    again = town.replay(first.id)
    assert again.is_identical and again.differences == ()


# ── for whom ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("subject", [
    ByCoordinates(text=table(box(0, 0, 20, 31))),
    ByUpload("khu.geojson", json.dumps(geojson(box(0, 0, 20, 31))).encode()),
])  # fmt: skip
def test_a_pasted_or_uploaded_shape_is_read_again_by_whoever_brought_it_and_nobody_else(
    place: Place, subject: SubjectQuery
) -> None:
    answer = place.check(subject, principal=REVIEWER)
    assert read_again(place, answer, REVIEWER).id == read_again(place, answer, OPERATOR).id == answer.id
    with pytest.raises(NotFoundError):
        read_again(place, answer, OFFICER)


def test_several_parcels_are_for_whoever_may_see_every_one_of_them(town: Place) -> None:
    """The reviewer sees the exact shapes of parcels of 25747 alone; the officer those of all."""
    within = town.check(several(FIRST, NEIGHBOUR), principal=OFFICER)
    beyond = town.check(several(FIRST, FAR), principal=OFFICER)
    assert read_again(town, within, REVIEWER).id == within.id
    seen = town.look_up(FAR, REVIEWER)
    if not seen:
        with pytest.raises(NotFoundError):
            read_again(town, beyond, REVIEWER)
        with pytest.raises(NotFoundError):
            town.check(several(FIRST, FAR), principal=REVIEWER)


def test_what_names_a_part_is_a_column_like_any_other(town: Place) -> None:
    answer = town.check(several(FIRST, NEIGHBOUR), principal=PUBLIC)
    assert answer.content["subject"]["registered_area_m2"] is None
    assert {part["registered_area_m2"] for part in answer.content["subject"]["parts"]} == {None}
    assert "Trần Thị B" not in json.dumps(answer.content, ensure_ascii=False)
    assert all("attributes" not in part for part in answer.content["subject"]["parts"])


def test_several_parcels_are_a_dossiers_ground_only_if_every_one_of_them_is(town: Place) -> None:
    town.register("D-77", FIRST)
    town.register("D-78", FIRST, NEIGHBOUR)
    asked: dict[str, Any] = {"principal": REVIEWER, "purpose": "land_use_change"}
    partly = finding(town.check(several(FIRST, NEIGHBOUR), dossier="D-77", **asked), "blocks")
    assert (partly["outcome"], codes(partly)) == ("withheld", ["not_bound"])
    wholly = finding(town.check(several(FIRST, NEIGHBOUR), dossier="D-78", **asked), "blocks")
    assert (wholly["outcome"], codes(wholly)) == ("clear", ["reduced"])


def test_a_pasted_table_is_a_dossiers_ground_inside_its_parcel_or_where_its_text_is_named(place: Place) -> None:
    inside, beyond = table(box(1, 1, 5, 5)), table(box(1, 1, 500, 5))
    place.register("D-77", FIRST)
    asked: dict[str, Any] = {"principal": REVIEWER, "purpose": "land_use_change"}

    def told(text: str, dossier: str, **how: Any) -> list[str]:
        return codes(finding(place.check(ByCoordinates(text=text, **how), dossier=dossier, **asked), "blocks"))

    assert told(inside, "D-77") == ["reduced"]
    assert told(beyond, "D-77") == ["not_bound"]
    place.register("D-79", surveys=(hashlib.sha256(beyond.encode()).hexdigest(),))
    assert told(beyond, "D-79") == ["reduced"]
    assert told(beyond, "D-79", crs="EPSG:9210") == ["not_bound"]  # who chooses the system chooses the ground


def test_checks_of_several_parcels_are_listed_under_each_of_them(town: Place) -> None:
    answer = town.check(several(FIRST, NEIGHBOUR), principal=OFFICER)
    for text in (FIRST, NEIGHBOUR):
        found = listed(town, text)
        assert [each.id for each in found] == [answer.id]


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def opened(place: Place, upload: ByUpload) -> ByGeometry:
    found: ByGeometry = place.ask(lambda _, catalogue: shape_of_upload(upload, catalogue.profile))
    return found


def test_a_file_too_many_is_sent_away_instead_of_waiting(shared_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_module, "MOST_WAITING", 0)
    with pytest.raises(UnavailableError, match="too many files"):
        opened(shared_place, ByUpload("khu.kml", b"x"))


def file_of(path: Path, shapes: list[BaseGeometry], crs: str | None, **columns: list[Any]) -> ByUpload:
    """A file in the format of its ending; shapefiles come zipped."""
    frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs=crs)
    if path.suffix != ".zip":
        frame.to_file(path)
        return ByUpload(path.name, path.read_bytes())
    frame.to_file(path.with_suffix(".shp"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in path.parent.glob(f"{path.stem}.*"):
            archive.write(part, part.name)
    return ByUpload(path.name, packed.getvalue())


@pytest.mark.parametrize("name", ["khu.gpkg", "khu.zip", "khu.dxf"])
def test_a_file_of_one_polygon_is_its_ground(shared_place: Place, tmp_path: Path, name: str) -> None:
    shape = box(0, 0, 20, 31)
    columns = {} if name.endswith("dxf") else {"ten": ["Khu A"]}
    given = shape.boundary if name.endswith("dxf") else shape
    upload = file_of(tmp_path / name, [given], "EPSG:9210", **columns)
    if name.endswith("dxf"):  # drawings name no system: it is asked for
        with pytest.raises(InvalidInputsError) as refused:
            opened(shared_place, upload)
        assert refused.value.fields[0].field == "subject.file.crs"
        upload = ByUpload(upload.name, upload.content, crs="EPSG:9210")
    found = opened(shared_place, upload)
    assert found.survey == (None if upload.crs else hashlib.sha256(upload.content).hexdigest())
    assert shared_place.check(found).content["subject"]["area_m2"] == pytest.approx(620.0, abs=1e-3)


def test_of_several_polygons_one_is_chosen(shared_place: Place, tmp_path: Path) -> None:
    upload = file_of(tmp_path / "khu.gpkg", [box(0, 0, 20, 31), box(50, 0, 2, 2)], "EPSG:9210", ten=["A", "B"])
    with pytest.raises(InvalidInputsError) as refused:
        opened(shared_place, upload)
    assert [choice["key"] for choice in refused.value.details["choices"]] == ["#1", "#2"]  # type: ignore[attr-defined]
    for key in ("B", "#2"):
        chosen = ByUpload(upload.name, upload.content, key=key)
        assert shared_place.check(chosen).content["subject"]["area_m2"] == pytest.approx(4.0, abs=1e-3)
    with pytest.raises(InvalidInputsError):
        opened(shared_place, ByUpload(upload.name, upload.content, key="C"))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04broken", b"\x00" * 100])
def test_what_is_no_map_data_is_refused_in_words(shared_place: Place, content: bytes) -> None:
    with pytest.raises(InvalidInputsError):
        opened(shared_place, ByUpload("../../khu.gpkg", content))


# ── effort ───────────────────────────────────────────────────────────────────────────────────────


def test_a_large_shape_is_a_job_and_a_parcel_is_not(shared_place: Place) -> None:
    ring = [[106.6, 10.9]] * 2_000_000

    def seconds(subject: SubjectQuery) -> float:
        request = CheckRequest("land_use_change", subject)
        found: float = shared_place.ask(lambda _, catalogue: _async(estimate(request, catalogue.profile)))
        return found

    assert seconds(parse_parcel(FIRST)) < 0.1
    assert seconds(ByGeometry({"type": "Polygon", "coordinates": [ring]})) > NEEDS_JOB_S


async def _async(value: float) -> float:
    return value
