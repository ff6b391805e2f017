"""Landing, conformance, collections, schema, queryables: what a caller may know of, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.shared_layers import Service

PAGES = ("/", "/conformance", "/api", "/collections", "/collections/zone", "/collections/zone/items",
         "/collections/zone/items/1", "/collections/zone/schema", "/collections/zone/queryables",
         "/collections/zone/tiles", "/tileMatrixSets")  # fmt: skip


def _links(document: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


def test_three_identities_see_three_different_lists_of_layers(reading: Service) -> None:
    seen = {
        name: {each["id"] for each in caller.json("/collections")["collections"]}
        for name, caller in reading.callers.items()
    }
    assert seen["public"] == {"zone", "line", "empty"}
    assert seen["reviewer"] == {"parcel", "zone", "line", "empty"}
    assert seen["officer"] == {"parcel", "zone", "line", "register", "secret", "empty"}


def test_every_link_of_the_landing_page_answers(reading: Service) -> None:
    landing = reading.public.json("/")
    for link in landing["links"]:
        assert reading.public.get(link["href"]).status_code == 200, link
    assert {"self", "alternate", "service-desc", "conformance", "data"} <= set(_links(landing))


def test_a_collection_reads_the_same_alone_and_in_the_list(reading: Service) -> None:
    """In the list the systems of shapes stand once, above it (Features 2, 6.2.1)."""
    whole = reading.officer.json("/collections")
    for listed in whole["collections"]:
        systems = whole["crs"] if listed["crs"] == ["#/crs"] else listed["crs"]
        assert reading.officer.json(f"/collections/{listed['id']}") == {**listed, "crs": systems}


def test_every_link_of_a_collection_answers(reading: Service) -> None:
    for listed in reading.officer.json("/collections")["collections"]:
        for link in listed["links"]:
            if not link.get("templated"):
                assert reading.officer.get(link["href"]).status_code == 200, link


def test_an_extent_encloses_only_what_the_caller_sees(reading: Service) -> None:
    everything = reading.officer.json("/collections/parcel")["extent"]["spatial"]["bbox"][0]
    own = reading.reviewer.json("/collections/parcel")["extent"]["spatial"]["bbox"][0]
    assert own[3] < everything[3] and own[1] == pytest.approx(everything[1])


def test_a_layer_with_nothing_to_show_has_no_extent_rather_than_an_empty_one(reading: Service) -> None:
    assert "extent" not in reading.public.json("/collections/empty")
    assert "extent" not in reading.officer.json("/collections/register")


def test_schema_and_queryables_list_only_columns_the_caller_may_see(reading: Service) -> None:
    for name in ("schema", "queryables"):
        own = reading.reviewer.json(f"/collections/parcel/{name}")["properties"]
        full = reading.officer.json(f"/collections/parcel/{name}")["properties"]
        assert "ten_chu" not in own and "ten_chu" in full
        assert full["geometry"] == {**full["geometry"], "format": "geometry-multipolygon"}
        assert "type" not in full["geometry"]


def test_a_schema_names_itself_without_parameters(reading: Service) -> None:
    address = f"{reading.base}/collections/zone/schema"
    schema = reading.public.json("/collections/zone/schema?f=json")
    assert schema["$id"] == address and schema["$schema"].endswith("2020-12/schema")
    assert schema["properties"]["fid"]["x-ogc-role"] == "id"
    assert schema["properties"]["hieu_luc_tu"]["format"] == "date"


def test_titles_come_in_the_language_asked_for(reading: Service) -> None:
    assert reading.public.json("/collections/zone")["title"] == "Lớp zone"
    assert reading.public.json("/collections/zone?lang=en")["title"] == "Layer zone"
    assert reading.public.json("/collections/zone", headers={"Accept-Language": "en"})["title"] == "Layer zone"


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_gets_a_page_where_a_program_gets_json(reading: Service, path: str) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = reading.public.get(path, headers={"Accept": accept})
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html"), page.text
    assert reading.public.get(path, params={"f": "html"}).headers["content-type"].startswith("text/html")
    assert "json" in reading.public.get(path, headers={"Accept": accept}, params={"f": "json"}).headers["content-type"]
    assert "json" in reading.public.get(path).headers["content-type"]


def test_the_tile_matrix_set_doubles_with_every_level(reading: Service) -> None:
    matrices = reading.public.json("/tileMatrixSets/WebMercatorQuad")["tileMatrices"]
    assert matrices[0]["scaleDenominator"] == pytest.approx(559082264.028717)
    assert [matrix["matrixWidth"] for matrix in matrices[:4]] == [1, 2, 4, 8]
    assert reading.public.get("/tileMatrixSets/Other").status_code == 404
