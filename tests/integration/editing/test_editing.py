"""Creating, replacing, merging and deleting features over HTTP, and what stands in the database afterwards."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from gis.zoom import coverage_min_zoom
from layers.editing import edit
from layers.errors import ConflictError, InvalidRequestError
from layers.store import editing, publication
from tests.support import forking
from tests.support.edited import STORAGE, Service, in_metres, plot, plots
from tests.support.files import one, publish_file, query, square, write

_TABLES = ("data.plot", "checks.piece", "checks.fact")


def _feature(shape: shapely.Geometry | None, **properties: Any) -> dict[str, Any]:
    geometry = None if shape is None else in_metres(shape)
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _revision(standing: Service) -> Any:
    return one(standing.url, "SELECT revision FROM catalogue.layer WHERE id = 'plot'")


def test_a_feature_that_is_made_can_be_read_where_location_says(standing: Service) -> None:
    before = _revision(standing)
    body = _feature(square(20, 0), ma_xa="25747", so="90", loai="CLN", chu="Bà Tư")
    made = standing.officer.send("POST", body=body, content_crs=STORAGE)

    assert made.status_code == 201, made.text
    read = standing.officer.http.get(made.headers["location"])
    assert read.headers["etag"] == made.headers["etag"]
    told = read.json()["properties"]
    assert (told["so"], told["loai"], told["chu"], told["tang"]) == ("90", "CLN", "Bà Tư", None)
    assert standing.public.items()["25747.90"]["id"] == read.json()["id"]
    assert _revision(standing) == before + 1
    kind = query(standing.url, "SELECT kind, principal, added, changed, removed FROM catalogue.revision"
                               " WHERE layer = 'plot' AND revision = %s", before + 1)  # fmt: skip
    assert kind == [{"kind": "edit", "principal": "officer", "added": 1, "changed": 0, "removed": 0}]


def test_an_edited_row_is_ranked_for_tiles_as_a_published_one(standing: Service) -> None:
    wide = square(24, 0).buffer(400)
    bodies = [_feature(square(20 + 2 * number, 0), ma_xa="25747", so=f"8{number}", loai="CLN") for number in range(8)]
    bodies.append(_feature(wide, ma_xa="25747", so="89", loai="CLN"))
    for body in bodies:
        made = standing.officer.send("POST", body=body, content_crs=STORAGE)
        assert made.status_code == 201, made.text
    found = query(standing.url, "SELECT since, min_zoom, ST_AsBinary(geom_3857) AS shape FROM data.plot")
    ranked = coverage_min_zoom(np.array([shapely.from_wkb(row["shape"]) for row in found], dtype=object))
    assert [row["min_zoom"] for row in found] == ranked.tolist()
    assert len({row["min_zoom"] for row in found if row["since"] > 1}) > 1


def test_a_replaced_feature_keeps_its_fid_and_its_past(standing: Service) -> None:
    before = standing.officer.items()["25750.10"]
    feature, etag = standing.officer.read(before["id"])
    feature["properties"] |= {"loai": "CLN", "tang": 5, "chu": None}
    replaced = standing.officer.send("PUT", before["id"], feature, etag)

    assert replaced.status_code == 204, replaced.text
    after, new_etag = standing.officer.read(before["id"])
    assert new_etag == replaced.headers["etag"] != etag
    assert (after["properties"]["loai"], after["properties"]["tang"], after["properties"]["chu"]) == ("CLN", 5, None)
    versions = query(
        standing.url, "SELECT since, until, loai FROM data.plot WHERE fid = %s ORDER BY since", after["id"]
    )
    made = _revision(standing)
    assert versions == [{"since": 1, "until": made, "loai": "ODT"}, {"since": made, "until": None, "loai": "CLN"}]


def test_a_merge_changes_what_it_names_and_nothing_else(standing: Service) -> None:
    fid = standing.officer.items()["25750.11"]["id"]
    before, etag = standing.officer.read(fid)
    merged = standing.officer.send("PATCH", fid, {"properties": {"hang": "hai", "ngay": None}}, etag)

    assert merged.status_code == 204, merged.text
    after, _ = standing.officer.read(fid)
    assert after["properties"] == before["properties"] | {"hang": "hai", "ngay": None}
    assert after["geometry"] == before["geometry"]
    assert one(standing.url, "SELECT count(DISTINCT ST_AsEWKB(geom)) FROM data.plot WHERE fid = %s", fid) == 1


def test_a_deleted_feature_is_gone_from_now_on_and_stays_in_the_past(standing: Service) -> None:
    fid = standing.officer.items()["25750.12"]["id"]
    _, etag = standing.officer.read(fid)
    before = one(standing.url, "SELECT max(created)::text FROM catalogue.revision WHERE layer = 'plot'")
    assert standing.officer.send("DELETE", fid, etag=etag).status_code == 204

    assert standing.officer.http.get(f"/collections/plot/items/{fid}").status_code == 404
    past = standing.officer.http.get(
        f"/collections/plot/items/{fid}", params={"as-of": before.replace(" ", "T") + ":00"}
    )
    assert past.status_code == 200, past.text
    assert one(standing.url, "SELECT until FROM checks.fact WHERE fid = %s", fid) == _revision(standing)
    assert one(standing.url, "SELECT until FROM catalogue.alias WHERE key = '25750.12'") == _revision(standing)


def test_what_comes_back_as_it_was_read_changes_nothing(standing: Service) -> None:
    fid = standing.officer.items()["25750.13"]["id"]
    before = _revision(standing)
    feature, etag = standing.officer.read(fid)
    again = standing.officer.send("PUT", fid, feature, etag)

    assert (again.status_code, again.headers["etag"]) == (204, etag)
    event = "SELECT features FROM access.event WHERE action = 'edit' ORDER BY id DESC LIMIT 1"
    assert one(standing.url, event) == 1
    assert _revision(standing) == before


def test_a_corner_that_is_not_moved_stays_where_it_is_stored_to_the_last_bit(standing: Service) -> None:
    fid = standing.officer.items()["25750.14"]["id"]
    feature, etag = standing.officer.read(fid)
    ring = feature["geometry"]["coordinates"][0][0]
    ring[1] = [ring[1][0] + 1e-5, ring[1][1]]
    assert standing.officer.send("PUT", fid, feature, etag).status_code == 204

    rows = query(standing.url, "SELECT ST_AsBinary(geom) AS geom FROM data.plot WHERE fid = %s ORDER BY since", fid)
    shapes = [shapely.from_wkb(bytes(row["geom"])) for row in rows]
    old, new = ({tuple(xy) for xy in shapely.get_coordinates(shape)} for shape in shapes)
    assert len(old & new) == 3 and len(new) == 4


def contents(url: str) -> dict[str, list[str]]:
    """What stands now, shapes byte for byte, without the numbers of revisions."""
    found = {}
    for table in _TABLES:
        rows = query(url, f"SELECT * FROM {table} WHERE until IS NULL")
        found[table] = sorted(repr({name: row[name] for name in row if name != "since"}) for row in rows)
    return found


def test_edited_rows_cannot_be_told_from_published_ones(
    service: Service, tmp_path: Path, clone: Callable[[str], str], edited_template: str
) -> None:
    shape = shapely.difference(square(30, 3, 18.0), square(30, 3, 5.0))
    told: dict[str, Any] = {
        "loai": "LNC", "hang": "hai", "dien_tich": 401.25, "tang": 7, "da_duyet": False, "ngay": "2024-02-29",
        "luc": "2024-02-29T23:59:59+07:00", "chu": "  Đỗ Thị Ấu  ", "sai_so": 0.2,
    }  # fmt: skip
    uses = [{"dt": 12.5, "ma": "CLN"}]
    changed = plot("25747", 3, shape, muc_dich=json.dumps(uses), **told)
    added = plot("25747", 77, square(31, 3), muc_dich=json.dumps(uses), **told)
    other = clone(edited_template)
    kept = [row for row in plots() if row["so"] not in ("3", "5")]
    publish_file(other, write(tmp_path / "b.gpkg", [*kept, changed, added]), "plot", allow_removals=True)

    officer, items = service.officer, service.officer.items()
    fid, gone = items["25747.3"]["id"], items["25747.5"]["id"]
    own = {"ma_xa": "25747", "muc_dich": uses, **told}
    body = _feature(shape, so="3", **own)
    answers = [
        officer.send("PUT", fid, body, officer.read(fid)[1], content_crs=STORAGE),
        officer.send("POST", body=_feature(square(31, 3), so="77", **own), content_crs=STORAGE),
        officer.send("DELETE", gone, etag=officer.read(gone)[1]),
    ]
    assert [answer.status_code for answer in answers] == [204, 201, 204]
    assert contents(service.url) == contents(other)
    held = (
        "SELECT pieces, facts FROM checks.held JOIN catalogue.layer ON number = layer WHERE id = 'plot'"
        " AND held.revision = layer.revision"
    )
    assert query(service.url, held) == query(other, held)


def test_a_file_made_before_an_edit_conflicts_with_it(service: Service, tmp_path: Path) -> None:
    items = service.officer.items()
    assert service.officer.patch(items["25747.3"]["id"], {"tang": 9}).status_code == 204
    rows = [{**row, "tang": 4} if row["so"] == "4" else row for row in plots()]
    path = write(tmp_path / "old.gpkg", rows)
    with pytest.raises(ConflictError):
        publish_file(service.url, path, "plot", base=1)
    with pytest.raises(InvalidRequestError, match="--base 99"):  # no revision: nothing to guard the edit by
        publish_file(service.url, path, "plot", base=99)
    report = publish_file(service.url, path, "plot", base=1, take="current")
    assert report.as_dict()["diff"]["conflicts"] == 1  # type: ignore[index]
    told = {key: feature["properties"]["tang"] for key, feature in service.officer.items().items()}
    assert (told["25747.3"], told["25747.4"]) == (9, 4)
    publish_file(service.url, path, "plot", base=1, take="file")
    assert service.officer.items()["25747.3"]["properties"]["tang"] == 2


def test_edits_are_not_lost_to_a_file_that_names_no_base(service: Service, tmp_path: Path) -> None:
    """Changed, made and taken away by edits; the file of before all of them, whole or after one of a commune alone."""
    rows, officer = plots(), service.officer
    path = write(tmp_path / "old.gpkg", rows)
    items = officer.items()
    for key in ("25747.1", "25747.2", "25750.15"):
        assert officer.patch(items[key]["id"], {"tang": 9}).status_code == 204
    gone = items["25750.16"]["id"]
    assert officer.send("DELETE", gone, etag=officer.read(gone)[1]).status_code == 204
    body = _feature(square(20, 0), ma_xa="25747", so="90")
    assert officer.send("POST", body=body, content_crs=STORAGE).status_code == 201
    edited = {key: feature["properties"] for key, feature in officer.items().items()}

    with pytest.raises(ConflictError, match="5 rows"):
        publish_file(service.url, path, "plot")
    kept = publish_file(service.url, path, "plot", scope="commune=25747", take="current")
    assert kept.difference is not None and len(kept.difference.conflicts) == 3
    with pytest.raises(ConflictError, match="5 rows"):  # a release since is none of these edits'
        publish_file(service.url, path, "plot", dry_run=True)
    publish_file(service.url, path, "plot", take="current")
    assert {key: feature["properties"] for key, feature in officer.items().items()} == edited
    publish_file(service.url, path, "plot", take="file")
    assert {key: feature["id"] for key, feature in officer.items().items()} == {
        key: each["id"] for key, each in items.items()
    }
    assert officer.items()["25747.1"]["properties"]["tang"] == 2
    again = publish_file(service.url, path, "plot")
    assert again.as_dict()["diff"] == {"added": 0, "changed": 0, "removed": 0, "unchanged": 20, "conflicts": 0}


def test_a_file_made_from_the_edited_layer_is_published_over_it(service: Service, tmp_path: Path) -> None:
    fid = service.officer.items()["25747.3"]["id"]
    assert service.officer.patch(fid, {"tang": 9}).status_code == 204
    base = _revision(service)
    rows = [{**row, "tang": 10} if row["so"] == "3" else row for row in plots()]
    report = publish_file(service.url, write(tmp_path / "new.gpkg", rows), "plot", base=base)
    assert report.as_dict()["diff"]["conflicts"] == 0  # type: ignore[index]


def test_a_layer_without_a_key_and_one_without_shapes_are_edited_alike(standing: Service) -> None:
    spot = _feature(square(50, 5).centroid, ten="Mới")
    made = [standing.officer.send("POST", body=spot, layer="spot", content_crs=STORAGE) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].headers["location"] != made[1].headers["location"]
    fid = int(made[1].headers["location"].rpartition("/")[2])
    assert standing.officer.patch(fid, {"ten": "Sửa"}, "spot").status_code == 204
    assert standing.officer.read(fid, "spot")[0]["properties"] == {"ten": "Sửa"}


def test_a_layer_that_was_never_published_is_not_edited(standing: Service) -> None:
    sent = standing.officer.send("POST", body=_feature(None, ma="E1"), layer="entry")
    assert sent.status_code == 409


def test_a_feature_may_be_answered_as_it_is_now(standing: Service) -> None:
    fid = standing.officer.items()["25750.15"]["id"]
    _, etag = standing.officer.read(fid)
    wish = "handling=strict, return=representation"
    sent = standing.officer.send("PATCH", fid, {"properties": {"tang": 8}}, etag, prefer=wish)
    assert (sent.status_code, sent.json()["properties"]["tang"]) == (200, 8)
    assert sent.headers["preference-applied"] == "return=representation"
    assert sent.headers["etag"] == standing.officer.read(fid)[1]


def test_a_check_finds_what_was_edited_a_moment_ago(standing: Service) -> None:
    fid = standing.officer.items()["25750.19"]["id"]

    def outcome() -> str:
        asked = {"procedure": "quiet_check", "subject": {"fid": fid}, "inputs": {}}
        answer = standing.officer.http.post("/checks", json=asked)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["findings"][0]["outcome"])

    assert outcome() == "clear"
    over = _feature(square(9, 1, 10.0), ma="QX")
    made = standing.officer.send("POST", body=over, layer="quiet", content_crs=STORAGE)
    assert outcome() == "affected"
    quiet = made.json()["id"]
    standing.officer.send("DELETE", quiet, etag=made.headers["etag"], layer="quiet")
    assert outcome() == "clear"


def test_the_description_names_changes_to_those_who_may_make_them(standing: Service) -> None:
    def methods(editor: Any) -> set[str]:
        paths = editor.http.get("/api", headers={"Accept": "application/json"}).json()["paths"]
        return {method for path in paths if path.endswith(("/items", "/{featureId}")) for method in paths[path]}

    assert methods(standing.officer) == {"get", "post", "put", "patch", "delete"}
    assert methods(standing.public) == {"get"}


def test_the_path_of_one_layer_has_every_method_of_its_template(standing: Service) -> None:
    """It goes before the template (OpenAPI, Paths Object): a method that only the template had would be lost there."""
    found = {}
    for name in ("officer", "ward", "public"):
        paths = getattr(standing, name).http.get("/api", headers={"Accept": "application/json"}).json()["paths"]
        template = paths["/collections/{collectionId}/items"]
        for method, operation in template.items():
            chosen = next(each for each in operation["parameters"] if each.get("name") == "collectionId")
            for layer in chosen["schema"]["enum"]:
                assert method in paths[f"/collections/{layer}/items"], (name, method, layer)
        found[name] = {layer: paths[f"/collections/{layer}/items"].keys() for layer in ("plot", "quiet")}
    assert found == {
        "officer": {"plot": {"get", "post"}, "quiet": {"get", "post"}},
        "ward": {"plot": {"get", "post"}, "quiet": {"get"}},
        "public": {"plot": {"get"}, "quiet": {"get"}},
    }


def test_a_feature_is_made_at_the_path_of_its_layer_as_at_the_template(standing: Service) -> None:
    paths = standing.officer.http.get("/api", headers={"Accept": "application/json"}).json()["paths"]
    own, general = paths["/collections/plot/items"]["post"], paths["/collections/{collectionId}/items"]["post"]
    assert own["operationId"] == "create_item.plot"
    assert own["requestBody"] == general["requestBody"] and own["responses"] == general["responses"]
    assert own["parameters"] == [each for each in general["parameters"] if each.get("name") != "collectionId"]


def test_lists_and_tiles_of_before_the_edit_are_not_known_after_it(standing: Service) -> None:
    fid = standing.officer.items()["25750.16"]["id"]
    addresses = ("/collections/plot/items?limit=1000", "/collections/plot/tiles/WebMercatorQuad/15/15382/26086")
    before = [standing.public.http.get(address) for address in addresses]
    assert standing.officer.patch(fid, {"loai": "CLN"}).status_code == 204
    for address, answer in zip(addresses, before, strict=True):
        known = {"If-None-Match": answer.headers.get("etag", '"x"')}
        again = standing.public.http.get(address, headers=known)
        assert again.status_code == answer.status_code and again.headers.get("etag") != answer.headers.get("etag", "x")


_USUAL = ("written", "committed")
_STEPS = [step if step in _USUAL else pytest.param(step, marks=pytest.mark.long) for step in edit.STEPS]


@pytest.mark.parametrize("step", _STEPS)
def test_a_server_killed_anywhere_leaves_the_feature_whole(
    clone: Callable[[str], str], edited_template: str, step: str
) -> None:
    url = clone(edited_template)
    before = contents(url)
    assert forking.start("tests.support.killed_edit", url, step).wait() == -signal.SIGKILL
    is_done = step == "committed"
    assert one(url, "SELECT revision FROM catalogue.layer WHERE id = 'plot'") == (2 if is_done else 1)
    assert one(url, "SELECT count(*) FROM catalogue.revision WHERE layer = 'plot'") == (2 if is_done else 1)
    assert one(url, "SELECT count(*) FROM access.event WHERE action = 'edit'") == (1 if is_done else 0)
    assert (contents(url) == before) == (not is_done)


def test_the_statements_of_edits_are_made_once_for_a_layer(service: Service) -> None:
    made = (publication._rows_insert, publication._pieces_insert, publication._facts_insert, publication._closing,
            editing._current_row, editing._created)  # fmt: skip
    first, second = (int(feature["id"]) for feature in list(service.officer.items().values())[:2])
    assert service.officer.patch(first, {"tang": 7}).status_code == 204
    before = [each.cache_info().misses for each in made]
    assert service.officer.patch(second, {"tang": 8}).status_code == 204
    assert service.officer.patch(first, {"tang": 9}).status_code == 204
    assert [each.cache_info().misses for each in made] == before
    floors = {fid: service.officer.read(fid)[0]["properties"]["tang"] for fid in (first, second)}
    assert floors == {first: 9, second: 8}
