"""`If-Match`: of which state a change is one."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread

import httpx

from tests.support import edited
from tests.support.edited import Service
from tests.support.files import one

_REVISION = "SELECT revision FROM catalogue.layer WHERE id = 'plot'"
_COUNT = "SELECT count(*) FROM data.plot WHERE until IS NULL"


def test_a_change_must_name_the_state_it_is_a_change_of(standing: Service) -> None:
    fid = standing.officer.items()["25747.5"]["id"]
    feature, _ = standing.officer.read(fid)
    for method, body in (("PUT", feature), ("PATCH", {"properties": {"tang": 3}}), ("DELETE", None)):
        assert standing.officer.send(method, fid, body).status_code == 428


def test_of_two_changes_of_one_state_the_second_is_told_so(standing: Service) -> None:
    fid = standing.officer.items()["25747.5"]["id"]
    _, etag = standing.officer.read(fid)
    assert standing.officer.send("PATCH", fid, {"properties": {"tang": 3}}, etag).status_code == 204
    assert standing.officer.send("PATCH", fid, {"properties": {"tang": 4}}, etag).status_code == 412
    assert standing.officer.send("DELETE", fid, etag=etag).status_code == 412
    assert standing.officer.send("DELETE", fid, etag='"x", "y"').status_code == 412
    assert standing.officer.send("PATCH", fid, {"properties": {"tang": 5}}, "*").status_code == 204


def test_the_etag_of_any_form_of_a_feature_names_its_state(standing: Service) -> None:
    fid = standing.officer.items()["25747.5"]["id"]
    forms = [{}, {"f": "json"}, {"crs": "http://www.opengis.net/def/crs/EPSG/0/9210"}, {"properties": "so"}]
    etags = [standing.officer.read(fid, **form)[1] for form in forms]
    assert len(set(etags)) == len(forms)
    for number, form in enumerate(forms):
        _, etag = standing.officer.read(fid, **form)
        assert standing.officer.send("PATCH", fid, {"properties": {"tang": 10 + number}}, etag).status_code == 204


def test_a_feature_that_is_not_there_is_404_or_412_where_a_state_of_it_is_named(standing: Service) -> None:
    body: dict[str, object] = {"type": "Feature", "geometry": None, "properties": {}}
    assert standing.officer.send("PUT", 5, body).status_code == 404
    assert standing.officer.send("PUT", 5, body, '"x.y"').status_code == 412  # put-rid-exception B
    assert standing.officer.send("PATCH", 5, {"properties": {}}, '"x.y"').status_code == 404


def test_a_service_may_let_desktops_change_without_a_condition(standing: Service, tmp_path: Path) -> None:
    with edited.service(standing.url, tmp_path, edits_without_if_match=True) as lenient:
        fid = lenient.officer.items()["25747.5"]["id"]
        _, etag = lenient.officer.read(fid)
        assert lenient.officer.send("PATCH", fid, {"properties": {"tang": 33}}).status_code == 204
        assert lenient.officer.send("PATCH", fid, {"properties": {"tang": 34}}, etag).status_code == 412


def test_editors_of_different_features_never_collide_and_of_the_same_one_one_is_told(standing: Service) -> None:
    items = standing.officer.items()
    chosen = [items["25747.5"]["id"], items["25747.6"]["id"], items["25747.7"]["id"], items["25747.7"]["id"]]
    etags = [standing.officer.read(fid)[1] for fid in chosen]
    before, features = one(standing.url, _REVISION), one(standing.url, _COUNT)
    start, answers = Barrier(len(chosen)), [0] * len(chosen)
    headers = dict(standing.officer.http.headers)

    def run(number: int) -> None:
        told = {**headers, "If-Match": etags[number], "Content-Type": "application/merge-patch+json"}
        with httpx.Client(base_url=standing.base, headers=told, timeout=30) as http:
            start.wait()
            sent = http.patch(f"/collections/plot/items/{chosen[number]}", json={"properties": {"tang": 20 + number}})
            answers[number] = sent.status_code

    threads = [Thread(target=run, args=(number,)) for number in range(len(chosen))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[:2] == [204, 204] and sorted(answers[2:]) == [204, 412]
    assert one(standing.url, _REVISION) == before + 3
    assert one(standing.url, _COUNT) == features
