"""Whose a feature is to edit: before and after the change, row by row and column by column."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.support import edited
from tests.support.edited import STORAGE, Service, in_metres
from tests.support.files import one, query, square


def _revision(standing: Service) -> Any:
    return one(standing.url, "SELECT revision FROM catalogue.layer WHERE id = 'plot'")


def test_nobody_edits_without_a_grant_for_it(standing: Service) -> None:
    before = _revision(standing)
    fid = standing.public.items()["25747.1"]["id"]
    _, etag = standing.public.read(fid)
    answers = [
        standing.public.send("POST", body={"type": "Feature", "properties": {}, "geometry": None}),
        standing.public.send("PUT", fid, {"type": "Feature", "properties": {}, "geometry": None}, etag),
        standing.public.send("PATCH", fid, {"properties": {"loai": "CLN"}}, etag),
        standing.public.send("DELETE", fid, etag=etag),
    ]
    assert {(answer.status_code, answer.json()["reason"]) for answer in answers} == {(403, "no_grant")}
    assert _revision(standing) == before


def test_a_row_of_somebody_else_is_refused_and_one_that_is_not_seen_is_not_there(standing: Service) -> None:
    there = standing.public.items()["25750.17"]["id"]
    quiet = standing.officer.items("quiet")["Q0"]["id"]
    refused = standing.ward.patch(there, {"loai": "CLN"})
    assert (refused.status_code, refused.json()["reason"]) == (403, "rows")
    assert standing.ward.send("PATCH", quiet, {"properties": {}}, '"x"').status_code == 404
    assert standing.ward.send("PATCH", 12345, {"properties": {}}).status_code == 404
    assert standing.ward.send("DELETE", 12345, etag="*").status_code == 404
    assert standing.ward.send("PATCH", quiet, {"properties": {}}, layer="quiet").status_code == 403
    events = query(
        standing.url,
        "SELECT reason FROM access.event WHERE principal = 'ward' AND action = 'edit' ORDER BY id DESC LIMIT 5",
    )
    assert [event["reason"] for event in events] == ["no_grant", "not_found", "not_found", "not_found", "rows"]


def test_a_row_cannot_be_moved_out_of_ones_rights_nor_made_outside_them(standing: Service) -> None:
    before, east = _revision(standing), standing.east.items()
    inside = next(
        feature["id"] for feature in east.values() if standing.east.patch(feature["id"], {}).status_code == 204
    )
    away = in_metres(square(0, 0))
    answers = [
        standing.east.patch(inside, {}, geometry=away),
        standing.east.send("POST", body={"type": "Feature", "geometry": away,
                                        "properties": {"ma_xa": "25747", "so": "88"}}),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [422, 422]  # metres in CRS84 lie nowhere
    for method, fid in (("PATCH", inside), ("POST", None)):
        etag = standing.east.read(inside)[1]
        body: dict[str, Any] = {"properties": {"ma_xa": "25747", "so": "88"} if fid is None else {}, "geometry": away}
        body |= {"type": "Feature"} if fid is None else {}
        sent = standing.east.send(method, fid, body, etag, content_crs=STORAGE)
        assert (sent.status_code, sent.json()["reason"]) == (403, "rows"), sent.text
    assert _revision(standing) == before


def test_a_shape_that_only_meets_the_edge_is_not_within(standing: Service) -> None:
    everyone = standing.public.items()
    refused = [key for key, feature in everyone.items() if standing.east.patch(feature["id"], {}).status_code == 403]
    assert 0 < len(refused) < len(everyone)


def test_hidden_columns_stay_as_they_are_and_are_no_properties(standing: Service) -> None:
    fid = standing.ward.items()["25747.2"]["id"]
    feature, etag = standing.ward.read(fid)
    assert "chu" not in feature["properties"] and "sai_so" not in feature["properties"]
    named = standing.ward.send("PATCH", fid, {"properties": {"chu": "Ai đó"}}, etag)
    unknown = standing.ward.send("PATCH", fid, {"properties": {"khong_co": "Ai đó"}}, etag)
    assert named.status_code == unknown.status_code == 422
    assert [error["message"] for error in named.json()["errors"]] == [
        error["message"] for error in unknown.json()["errors"]
    ]
    feature["properties"] = {"ma_xa": "25747", "so": "2", "loai": "CLN"}
    assert standing.ward.send("PUT", fid, feature, etag).status_code == 204
    whole, _ = standing.officer.read(fid)
    assert (whole["properties"]["chu"], whole["properties"]["sai_so"]) == ("Chủ 2", 0.05)
    assert (whole["properties"]["loai"], whole["properties"]["tang"]) == ("CLN", None)


def test_an_edit_of_what_one_does_not_see_leaves_the_etag_and_is_not_lost(standing: Service) -> None:
    fid = standing.ward.items()["25747.3"]["id"]
    _, etag = standing.ward.read(fid)
    assert standing.officer.patch(fid, {"chu": "Chủ mới"}).status_code == 204
    assert standing.ward.read(fid)[1] == etag
    assert standing.ward.send("PATCH", fid, {"properties": {"loai": "CLN"}}, etag).status_code == 204
    whole, _ = standing.officer.read(fid)
    assert (whole["properties"]["chu"], whole["properties"]["loai"]) == ("Chủ mới", "CLN")


def test_who_sees_a_shape_coarsely_does_not_write_it(standing: Service) -> None:
    fid = standing.clerk.items()["25747.1"]["id"]
    before = one(standing.url, "SELECT ST_AsEWKB(geom)::text FROM data.plot WHERE fid = %s", fid)
    feature, etag = standing.clerk.read(fid)
    feature["properties"]["loai"] = "CLN"
    assert standing.clerk.send("PUT", fid, feature, etag).status_code == 204
    etag = standing.clerk.read(fid)[1]
    moved = standing.clerk.send("PATCH", fid, {"geometry": in_metres(square(2, 2))}, etag, content_crs=STORAGE)
    assert moved.status_code == 422 and moved.json()["errors"][0]["field"] == "geometry"
    after = one(standing.url, "SELECT ST_AsEWKB(geom)::text FROM data.plot WHERE fid = %s AND until IS NULL", fid)
    assert after == before
    assert standing.clerk.send("DELETE", fid, etag=etag).status_code == 403
    assert standing.clerk.send("POST", body=feature).status_code == 403


def test_who_may_not_write_all_of_a_row_does_not_remove_it_whatever_they_may_elsewhere(standing: Service) -> None:
    far = standing.officer.items()["25750.16"]["id"]
    _, etag = standing.split.read(far)
    refused = standing.split.send("DELETE", far, etag=etag)
    assert (refused.status_code, refused.json().get("reason")) == (403, "rows")
    assert standing.officer.read(far)[0]["properties"]["so"] == "16"
    body = {"type": "Feature", "geometry": in_metres(square(60, 0)), "properties": {"ma_xa": "25747", "so": "60"}}
    near = int(standing.split.send("POST", body=body, content_crs=STORAGE).json()["id"])
    assert standing.split.send("DELETE", near, etag=standing.split.read(near)[1]).status_code == 204


def test_that_somebody_is_at_work_is_told_of_no_layer_that_hides_it(standing: Service) -> None:
    fid = standing.officer.items("quiet")["Q1"]["id"]
    with psycopg.connect(standing.url) as other:
        other.execute("SELECT 1 FROM catalogue.layer WHERE id = 'quiet' FOR UPDATE")
        refused = standing.split.patch(fid, {"ma": "Q1"}, "quiet")
    assert refused.status_code == 503
    assert "công bố" not in refused.text and "sửa" not in refused.text and "edited" not in refused.text


@pytest.mark.parametrize(
    ("who", "items", "item"),
    [
        ("officer", "GET, HEAD, OPTIONS, POST", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("ward", "GET, HEAD, OPTIONS, POST", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("clerk", "GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS, PATCH, PUT"),
        ("public", "GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_tell_what_the_caller_may_do_here(standing: Service, who: str, items: str, item: str) -> None:
    editor: edited.Editor = getattr(standing, who)
    answers = [editor.http.options(f"/collections/plot/items{fid}") for fid in ("", "/1", "/unknown_id")]
    assert [(each.status_code, each.headers["allow"]) for each in answers] == [(200, items), (200, item), (200, item)]


def test_a_taken_key_is_a_conflict_in_the_same_words_whether_its_row_is_seen_or_not(standing: Service) -> None:
    """Unavoidable: a key is unique. The refusal names nobody's row, and leaves an event with the owner."""
    body = {"type": "Feature", "geometry": in_metres(square(40, 0)), "properties": {"ma_xa": "25747", "so": "1"}}
    first = standing.ward.send("POST", body=body, content_crs=STORAGE)
    again = standing.officer.send("POST", body=body, content_crs=STORAGE)
    assert first.status_code == again.status_code == 409
    assert first.json()["detail"] == again.json()["detail"] and "25747" not in first.json()["detail"]
    assert one(standing.url, "SELECT count(*) FROM access.event WHERE reason = 'key' AND decision = 'deny'") == 2


def test_a_layer_that_hides_its_activity_is_edited_and_tells_no_revision(standing: Service) -> None:
    fid = standing.officer.items("quiet")["Q0"]["id"]
    before = standing.public.read(fid, "quiet")
    changed = standing.officer.patch(fid, {"ghi_chu": "khác"}, "quiet")
    assert changed.status_code == 204
    assert standing.public.read(fid, "quiet") == before


@pytest.mark.parametrize(
    ("who", "read_only"),
    [
        ("officer", {"fid"}),
        ("ward", {"fid"}),
        ("clerk", {"fid", "geometry"}),
        ("public", {"fid", "ma_xa", "so", "loai", "geometry"}),
    ],
)
def test_the_schema_says_what_the_caller_may_write(standing: Service, who: str, read_only: set[str]) -> None:
    editor: edited.Editor = getattr(standing, who)
    told = editor.http.get("/collections/plot/schema").json()["properties"]
    assert {name for name, schema in told.items() if schema.get("readOnly")} == read_only
