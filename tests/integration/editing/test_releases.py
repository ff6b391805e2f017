"""Releases and what changed between them, as far as the caller may see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from layers.store import differences
from tests.support import edited
from tests.support.edited import Editor, Service, plot, plots
from tests.support.files import publish_file, square, write, write_table
from tests.support.server import Server


@pytest.fixture(scope="module")
def revised(edited_template: str, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A second release: one plot gone, one added, one changed for all, one in a column of the office's own, one moved
    by less than the grid of the clerk; and an edit since."""
    folder = tmp_path_factory.mktemp("revised")
    rows = [row for row in plots() if row["so"] != "19"]
    rows[1] |= {"loai": "CLN", "chu": "Chủ mới"}
    rows[2] |= {"chu": "Chủ mới"}
    rows[3] |= {"geometry": square(3, 0, 19.5)}
    rows.append(plot("25747", 50, square(50, 0)))
    with server.copied(edited_template) as url:
        path = write(folder / "second.gpkg", rows)
        publish_file(url, path, "plot", note="đợt hai", allow_removals=True)
        entries = write_table(folder / "entry.gpkg", [{"ma": f"E{n}", "ly_do": "thử"} for n in range(1002)])
        publish_file(url, entries, "entry")
        with edited.service(url, folder / "served") as running:
            yield running


def _changes(editor: Editor, release: str = "2", **query: Any) -> dict[str, dict[str, Any]]:
    found = editor.http.get(f"/collections/plot/releases/{release}/changes", params=query)
    assert found.status_code == 200, found.text
    return {feature["properties"]["so"]: feature for feature in found.json()["features"]}


def test_each_release_tells_what_the_caller_sees_of_its_changes(revised: Service) -> None:
    told = [
        [tuple(who.http.get(f"/collections/plot/releases/{n}").json()["counts"].values()) for n in (2, 1)]
        for who in (revised.officer, revised.ward, revised.public, revised.clerk)
    ]
    officer, ward, public, clerk = told
    assert officer == [(1, 3, 1), (20, 0, 0)]
    assert ward == public == [(1, 2, 1), (20, 0, 0)]
    assert clerk in ([(1, 1, 1), (20, 0, 0)], public)  # a coarse corner may cross a line of the grid


def test_the_list_compares_no_revisions_and_tells_counts_only_to_who_sees_all(revised: Service) -> None:
    for who in (revised.officer, revised.ward, revised.public, revised.clerk):
        found = who.http.get("/collections/plot/releases").json()["releases"]
        assert [(one["release"], one["revision"], one["note"]) for one in found] == [(2, 2, "đợt hai"), (1, 1, "")]
        counts = [None if one["counts"] is None else tuple(one["counts"].values()) for one in found]
        assert counts == ([(1, 3, 1), (20, 0, 0)] if who is revised.officer else [None, None])


def test_a_page_holds_a_thousand_changes_at_most(revised: Service) -> None:
    page = revised.officer.http.get("/collections/entry/releases/1/changes?limit=10000").json()
    assert page["numberReturned"] == 1000
    (more,) = [link["href"] for link in page["links"] if link["rel"] == "next"]
    assert revised.officer.http.get(more).json()["numberReturned"] == 2


def test_numbers_of_releases_beyond_all_are_no_error(revised: Service) -> None:
    page = revised.public.http.get("/collections/plot/releases?after=9999999999")
    assert page.status_code == 200 and len(page.json()["releases"]) == 2
    assert revised.public.http.get("/collections/plot/releases/2/changes?base=9999999999").status_code == 400


def test_changes_name_what_is_other_and_nothing_that_is_hidden(revised: Service) -> None:
    whole, seen = _changes(revised.officer), _changes(revised.public)
    assert {so: change["change"] for so, change in whole.items()} == {
        "19": "removed", "50": "added", "1": "changed", "2": "changed", "3": "changed",
    }  # fmt: skip
    assert whole["2"]["before"] == {"properties": {"chu": "Chủ 2"}} and "2" not in seen
    assert whole["1"]["before"]["properties"] == {"loai": "ODT", "chu": "Chủ 1"}
    assert seen["1"]["before"] == {"properties": {"loai": "ODT"}} and "chu" not in seen["1"]["properties"]
    assert seen["3"]["before"]["geometry"]["type"] == "MultiPolygon" and seen["3"]["before"]["properties"] == {}
    assert seen["19"]["properties"]["so"] == "19" and "before" not in seen["19"]


def test_changes_are_told_page_by_page(revised: Service) -> None:
    address: str | None = "/collections/plot/releases/2/changes?limit=2"
    found: list[int] = []
    while address is not None:
        page = revised.officer.http.get(address).json()
        found += [feature["id"] for feature in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert len(found) == 5 and found == sorted(found)


@pytest.mark.parametrize("query", [{}, {"base": 0}])
@pytest.mark.parametrize("fewest", [1, 2, 3])
def test_pages_that_look_at_few_rows_at_a_time_are_those_of_one_look(
    revised: Service, monkeypatch: pytest.MonkeyPatch, fewest: int, query: dict[str, Any]
) -> None:
    path = "/collections/plot/releases/2/changes"
    for who in (revised.officer, revised.public, revised.clerk):
        whole = who.http.get(path, params=query).json()["features"]
        monkeypatch.setattr(differences, "FEWEST_ROWS", fewest)
        found, page = [], who.http.get(path, params={**query, "limit": 1}).json()
        while True:
            found += page["features"]
            follows = [each["href"] for each in page["links"] if each["rel"] == "next"]
            if not follows:
                break
            page = who.http.get(follows[0]).json()
        assert found == whole
        assert who.http.get(path, params=query).json()["features"] == whole, "many looks for one page"
        monkeypatch.undo()


def test_any_two_releases_are_compared_and_edits_are_since_the_latest(revised: Service) -> None:
    assert _changes(revised.officer, base=0).keys() == {*(str(n) for n in range(19)), "50"}
    assert _changes(revised.officer, base=2) == {}
    assert _changes(revised.officer, "latest") == {}
    fid = revised.officer.items()["25747.4"]["id"]
    assert revised.officer.patch(fid, {"tang": 77}).status_code == 204
    assert _changes(revised.officer, "latest")["4"]["before"] == {"properties": {"tang": 2}}
    assert _changes(revised.public, "latest") == {}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("releases/9", 404), ("releases/0", 404), ("releases/x", 404), ("releases/9/changes", 404),
        ("releases/1/changes?base=2", 400), ("releases/1/changes?base=x", 400), ("releases/1/changes?limit=0", 400),
        ("releases/1/changes?after=-1", 400), ("releases?limit=x", 400), ("releases/latest", 404),
    ],
)  # fmt: skip
def test_what_is_no_release_is_not_there(revised: Service, address: str, status: int) -> None:
    assert revised.officer.http.get(f"/collections/plot/{address}").status_code == status


def test_a_layer_that_hides_its_activity_has_no_releases_but_for_its_owner(revised: Service) -> None:
    for address in ("releases", "releases/1", "releases/1/changes", "releases/latest/changes"):
        assert revised.public.http.get(f"/collections/quiet/{address}").status_code == 404
        assert revised.officer.http.get(f"/collections/quiet/{address}").status_code == 200


def test_releases_are_a_page_for_a_person(revised: Service) -> None:
    for address in ("/collections/plot/releases", "/collections/plot/releases/2"):
        page = revised.public.http.get(address, headers={"Accept": "text/html"})
        assert page.status_code == 200 and "đợt hai" in page.text and "Bản phát hành" in page.text
        assert ("Xem số lượng thay đổi" in page.text) == address.endswith("releases")
