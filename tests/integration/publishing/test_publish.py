"""Publications on a real PostGIS: what is written, what is left alone, what stops."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import shapely.affinity

from layers.access.principal import PUBLIC
from layers.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError, RefusedError
from tests.support.files import (
    OFFICER,
    change,
    defects,
    one,
    parcel,
    parcels,
    publish_file,
    query,
    square,
    write,
    write_table,
)  # fmt: skip


def test_a_first_publication_writes_rows_pieces_facts_release_and_event(url: str, tmp_path: Path) -> None:
    report = publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 30)), "parcel", note="đợt 1")

    assert (report.revision, report.release) == (1, 1)
    assert one(url, "SELECT count(*) FROM data.parcel WHERE until IS NULL AND since = 1") == 30
    assert one(url, "SELECT count(*) FROM checks.piece WHERE until IS NULL") == 30
    fact = query(url, "SELECT * FROM checks.fact WHERE key = '25747.1.7'")[0]
    assert fact["accuracy_m"] == 0.1
    assert fact["attributes"] == {"ma_xa": "25747", "so_to": "1", "so_thua": "7", "dien_tich_phap_ly": 400}
    assert one(url, "SELECT kind FROM checks.mapped") == "everywhere"
    release = query(url, "SELECT * FROM catalogue.release")[0]
    assert (release["note"], release["source_name"]) == ("đợt 1", "a.gpkg")
    assert release["declaration"] == {"complete_for": "all", "origin": "definition", "unplaced": []}
    assert release["report"]["revision"] == 1
    event = query(url, "SELECT * FROM access.event")[0]
    assert (event["action"], event["os_user"], event["features"], event["revision"]) == ("publish", "officer", 30, 1)
    assert one(url, "SELECT state FROM catalogue.layer WHERE id = 'parcel'") == "served"
    assert one(url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'staging'::regnamespace") == 0


def test_the_three_stored_shapes_agree_and_are_wound_for_their_readers(url: str, tmp_path: Path) -> None:
    publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 5)), "parcel")

    row = query(
        url,
        """SELECT bool_and(ST_IsPolygonCCW(geom_4326)) AS rfc7946, bool_and(ST_IsPolygonCW(geom_3857)) AS mvt,
                  max(ST_HausdorffDistance(geom_4326, ST_Transform(geom, 4326))) AS degrees,
                  max(ST_HausdorffDistance(geom_3857, ST_Transform(geom_4326, 3857))) AS metres FROM data.parcel""",
    )[0]
    assert row["rfc7946"] and row["mvt"]
    assert row["degrees"] < 1e-9 * 10
    assert row["metres"] < 1e-6


def test_the_same_file_again_changes_nothing_but_is_a_new_release(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", parcels("25747", 10))
    publish_file(url, path, "parcel")
    again = publish_file(url, path, "parcel")

    assert again.as_dict()["diff"] == {"added": 0, "changed": 0, "removed": 0, "unchanged": 10, "conflicts": 0}
    assert (again.revision, again.release) == (2, 2)
    assert one(url, "SELECT count(*) FROM data.parcel") == 10
    assert one(url, "SELECT count(DISTINCT content_digest) FROM catalogue.release") == 1


def test_polygons_whose_rings_are_written_otherwise_are_no_change(url: str, tmp_path: Path) -> None:
    """As a Shapefile does: exported and published again, nothing of the layer is other than before."""
    rows = parcels("25747", 10)
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")
    stored = "SELECT ST_AsText(geom) AS geom FROM data.parcel WHERE until IS NULL ORDER BY fid"
    before = query(url, stored)
    turned = [{**row, "geometry": shapely.Polygon(np.roll(row["geometry"].exterior.coords[:-1][::-1], 2, 0))}
              for row in rows]  # fmt: skip
    turned[3]["DTPL"] = 5.0
    turned[4]["geometry"] = square(4, 0, 19.0)
    report = publish_file(url, write(tmp_path / "b.gpkg", turned), "parcel")

    assert report.as_dict()["diff"] == {"added": 0, "changed": 2, "removed": 0, "unchanged": 8, "conflicts": 0}
    after = query(url, stored)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert one(url, "SELECT count(*) FROM checks.piece WHERE until IS NULL") == 10
    again = publish_file(url, write(tmp_path / "c.gpkg", turned), "parcel")
    assert again.difference is not None and again.difference.unchanged == 10


def test_unchanged_rows_keep_their_fid_whatever_their_order_in_the_file(url: str, tmp_path: Path) -> None:
    rows = parcels("25747", 10)
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")
    report = publish_file(url, write(tmp_path / "b.gpkg", reversed(rows)), "parcel")

    assert report.difference is not None and report.difference.unchanged == 10


def test_only_what_changed_is_written_and_old_rows_stay_for_as_of(url: str, tmp_path: Path) -> None:
    rows = parcels("25747", 40)
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")
    rows[3] = {**rows[3], "DTPL": 401.0}
    rows[4] = {**rows[4], "geometry": square(4, 0, 19.0)}
    report = publish_file(url, write(tmp_path / "b.gpkg", [*rows[1:], parcel("25747", 99)]), "parcel")

    assert report.as_dict()["diff"] == {"added": 1, "changed": 2, "removed": 1, "unchanged": 37, "conflicts": 0}
    closed = query(url, "SELECT key, until FROM data.parcel WHERE until IS NOT NULL ORDER BY key")
    assert [(row["key"], row["until"]) for row in closed] == [(f"25747.1.{n}", 2) for n in (0, 3, 4)]
    for table in ("checks.piece", "checks.fact"):
        assert one(url, f"SELECT count(*) FROM {table} WHERE until = 2") == 3
        assert one(url, f"SELECT count(*) FROM {table} WHERE until IS NULL") == 40
    assert one(url, "SELECT count(*) FROM data.parcel WHERE since <= 1 AND (until IS NULL OR until > 1)") == 40
    assert one(url, "SELECT dien_tich_phap_ly FROM data.parcel WHERE key = '25747.1.3' AND until IS NULL") == 401
    alias = query(url, "SELECT key, since, until FROM catalogue.alias")
    assert alias == [{"key": "25747.1.0", "since": 1, "until": 2}]
    assert one(url, "SELECT bool_and(ST_Area(geom) > 0) FROM catalogue.change_box WHERE revision = 2")


def test_a_scoped_publication_touches_nothing_outside_its_commune(url: str, tmp_path: Path) -> None:
    publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 20) + parcels("25750", 20, 20)), "parcel")
    own = [{**row, "DTPL": 1.0} for row in parcels("25750", 19, 20)]
    report = publish_file(
        url, write(tmp_path / "b.gpkg", own + parcels("25747", 2)), "parcel", scope="commune=25750", allow_removals=True
    )

    assert report.as_dict()["diff"] == {"added": 0, "changed": 19, "removed": 1, "unchanged": 0, "conflicts": 0}
    assert report.outside_scope == 2
    assert one(url, "SELECT count(*) FROM data.parcel WHERE ma_xa = '25747' AND until IS NULL AND since = 1") == 20


def test_a_scope_may_be_a_condition(url: str, tmp_path: Path) -> None:
    publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 20)), "parcel")
    some = [{**row, "DTPL": 5.0} for row in parcels("25747", 10)]
    report = publish_file(url, write(tmp_path / "b.gpkg", some), "parcel", scope="so_thua IN ('3', '4')")

    assert report.as_dict()["diff"] == {"added": 0, "changed": 2, "removed": 0, "unchanged": 0, "conflicts": 0}


def test_a_scope_that_names_no_column_says_which_there_are(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", parcels("25747", 2))
    with pytest.raises(InvalidRequestError):
        publish_file(url, path, "parcel", scope="khong_co = 1")


def test_a_one_commune_file_without_a_scope_is_stopped_and_the_scope_proposed(url: str, tmp_path: Path) -> None:
    publish_file(url, write(tmp_path / "a.gpkg", parcels("25747", 20) + parcels("25750", 20, 20)), "parcel")
    one_commune = write(tmp_path / "b.gpkg", parcels("25750", 20, 20))

    with pytest.raises(RefusedError) as refused:
        publish_file(url, one_commune, "parcel")
    assert "--scope commune=25750" in refused.value.message.vi
    assert "--scope commune=25750" in refused.value.message.en
    assert one(url, "SELECT count(*) FROM data.parcel WHERE until IS NULL") == 40
    assert publish_file(url, one_commune, "parcel", allow_removals=True).revision == 2


def test_a_dry_run_and_a_declined_confirmation_write_nothing(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", parcels("25747", 5))
    assert publish_file(url, path, "parcel", dry_run=True).revision is None
    with pytest.raises(RefusedError, match="--yes"):
        publish_file(url, path, "parcel", confirm=lambda report: False)
    assert one(url, "SELECT count(*) FROM data.parcel") == 0
    assert one(url, "SELECT state FROM catalogue.layer WHERE id = 'parcel'") == "empty"


def test_rows_edited_since_the_base_are_conflicts_until_one_side_is_taken(url: str, tmp_path: Path) -> None:
    rows = parcels("25747", 30)
    original = write(tmp_path / "a.gpkg", rows)
    publish_file(url, original, "parcel")
    edited = [{**row, "DTPL": 999.0} if n == 5 else row for n, row in enumerate(rows)]
    publish_file(url, write(tmp_path / "b.gpkg", edited), "parcel")
    from_base = [{**row, "DTPL": 111.0} if n == 6 else row for n, row in enumerate(rows)]
    third = write(tmp_path / "c.gpkg", from_base)

    with pytest.raises(ConflictError, match="--take"):
        publish_file(url, third, "parcel", base=1)
    kept = publish_file(url, third, "parcel", base=1, take="current")
    assert kept.difference is not None and len(kept.difference.conflicts) == 1
    value = "SELECT dien_tich_phap_ly FROM data.parcel WHERE key = '25747.1.{}' AND until IS NULL"
    assert (one(url, value.format(5)), one(url, value.format(6))) == (999, 111)
    publish_file(url, third, "parcel", base=1, take="file")
    assert one(url, value.format(5)) == 400


def test_a_layer_that_moves_while_the_officer_confirms_is_compared_again(url: str, tmp_path: Path) -> None:
    rows = parcels("25747", 30)
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")
    other = write(tmp_path / "b.gpkg", [*rows, parcel("25747", 77)])
    mine = write(tmp_path / "c.gpkg", [{**rows[0], "DTPL": 2.0}, *rows[1:]])
    asked: list[int] = []

    def confirm(report: object) -> bool:
        asked.append(len(asked))
        if len(asked) == 1:
            import threading

            thread = threading.Thread(target=publish_file, args=(url, other, "parcel"))
            thread.start()
            thread.join()
        return True

    with pytest.raises(ConflictError):  # the other officer's new row would be removed again
        publish_file(url, mine, "parcel", confirm=confirm)
    asked.clear()
    assert one(url, "SELECT count(*) FROM data.parcel WHERE until IS NULL") == 31


def test_rollback_is_a_new_revision_with_the_old_content(url: str, tmp_path: Path) -> None:
    rows = parcels("25747", 30)
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")
    changed = [{**rows[0], "DTPL": 7.0}, *rows[2:], parcel("25747", 88)]
    publish_file(url, write(tmp_path / "b.gpkg", changed), "parcel")
    report = change(url, "rollback", "parcel", 1, principal=OFFICER)

    assert report["diff"] == {"added": 1, "changed": 1, "removed": 1, "unchanged": 28, "conflicts": 0}
    at = "SELECT fid, row_hash FROM data.parcel WHERE since <= %s AND (until IS NULL OR until > %s) ORDER BY fid"
    assert query(url, at, 1, 1) == query(url, at, 3, 3)
    pieces = """SELECT fid, ST_AsEWKB(geom) AS shape FROM checks.piece
                WHERE since <= %s AND (until IS NULL OR until > %s) ORDER BY fid, shape"""
    assert query(url, pieces, 1, 1) == query(url, pieces, 3, 3)
    digests = {
        r["release"]: r["content_digest"] for r in query(url, "SELECT release, content_digest FROM catalogue.release")
    }
    assert digests[1] == digests[3] != digests[2]
    assert change(url, "compare", "parcel", 1, 3).as_dict()["diff"]["unchanged"] == 30


def test_history_and_diff_name_what_changed(url: str, tmp_path: Path) -> None:
    rows = parcels("25747", 30)
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")
    publish_file(url, write(tmp_path / "b.gpkg", [*rows[1:], parcel("25747", 88)]), "parcel", note="hai")

    found = change(url, "history", "parcel")
    assert [(each["revision"], each["kind"], each["added"], each["removed"]) for each in found] == [
        (2, "publish", 1, 1), (1, "publish", 30, 0),
    ]  # fmt: skip
    keys = change(url, "compare", "parcel", 1, 2).as_dict()["keys"]
    assert keys == {"added": ["25747.1.88"], "changed": [], "removed": ["25747.1.0"]}
    with pytest.raises(InvalidRequestError):
        change(url, "compare", "parcel", 1, 9)


def test_a_suspended_layer_keeps_its_content_and_stays_suspended_through_a_publication(
    url: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.gpkg", parcels("25747", 5))
    publish_file(url, path, "parcel")
    change(url, "suspend", "parcel", principal=OFFICER, reason="nghi sai ranh")
    state = "SELECT state, state_reason FROM catalogue.layer WHERE id = 'parcel'"
    assert query(url, state) == [{"state": "suspended", "state_reason": "nghi sai ranh"}]
    report = publish_file(url, path, "parcel")
    assert query(url, state) == [{"state": "suspended", "state_reason": "nghi sai ranh"}]
    assert any("resume" in notice.en for notice in report.notices)
    change(url, "resume", "parcel", principal=OFFICER)
    assert query(url, state) == [{"state": "served", "state_reason": None}]
    with pytest.raises(RefusedError):
        change(url, "resume", "parcel", principal=OFFICER)


def test_a_withdrawn_layer_has_no_features_but_its_history(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", parcels("25747", 5))
    publish_file(url, path, "parcel")
    change(url, "withdraw", "parcel", principal=OFFICER, reason="lộ tên chủ sử dụng")

    for table in ("data.parcel", "checks.piece", "checks.fact", "checks.mapped"):
        assert one(url, f"SELECT count(*) FROM {table} WHERE until IS NULL") == 0
    assert one(url, "SELECT count(*) FROM data.parcel WHERE since <= 1 AND until > 1") == 5
    assert one(url, "SELECT state FROM catalogue.layer WHERE id = 'parcel'") == "withdrawn"
    assert [each["kind"] for each in change(url, "history", "parcel")] == ["withdraw", "publish"]
    with pytest.raises(RefusedError):
        change(url, "rollback", "parcel", 2, principal=OFFICER)
    assert change(url, "rollback", "parcel", 1, principal=OFFICER)["revision"] == 3
    assert one(url, "SELECT state FROM catalogue.layer WHERE id = 'parcel'") == "served"
    assert one(url, "SELECT count(*) FROM checks.mapped WHERE until IS NULL") == 1


def test_refused_rows_are_listed_and_their_ground_is_cut_from_the_mapped_area(url: str, tmp_path: Path) -> None:
    broken = shapely.Polygon([(0, 0), (30, 0), (0, 30), (30, 30)])
    broken = shapely.affinity.translate(broken, 603_100.0, 1_215_100.0)
    rows = [*parcels("25747", 5), parcel("25747", 50, broken), parcel("25747", 60), parcel("25747", 60, square(3, 8))]
    report = publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")

    assert report.as_dict()["rows"] == {"read": 8, "accepted": 5, "repaired": 0, "refused": 3, "outside_scope": 0}
    assert [row["row"] for row in defects(report, "invalid_ring")[0]["rows"]] == [6]
    assert [row["key"] for row in defects(report, "duplicate_key")[0]["rows"]] == ["25747.1.60"] * 2
    cut = query(url, "SELECT kind, commune, ST_Area(geom) AS area FROM checks.mapped ORDER BY kind, area")
    assert [row["kind"] for row in cut] == ["everywhere", "refused", "refused", "refused"]
    assert {row["commune"] for row in cut[1:]} == {"25747"}
    assert cut[2]["area"] == pytest.approx(400)

    mended = publish_file(url, write(tmp_path / "b.gpkg", parcels("25747", 5)), "parcel")
    assert mended.revision == 2
    assert [row["kind"] for row in query(url, "SELECT kind FROM checks.mapped WHERE until IS NULL")] == ["everywhere"]


def test_a_row_whose_accuracy_cannot_be_one_is_refused_and_its_ground_is_not_mapped(url: str, tmp_path: Path) -> None:
    told = {0: 0.0, 1: -3.0, 2: 1e9, 3: 1000.0, 4: None}
    rows = [parcel("25747", number, sai_so=accuracy_m) for number, accuracy_m in told.items()]
    report = publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")

    found = defects(report, "schema")
    assert [(row["key"], row["action"]) for row in found[0]["rows"]] == [
        ("25747.1.1", "refused"), ("25747.1.2", "refused")]  # fmt: skip
    assert "1.000 m" in found[0]["message"]["vi"]
    stored = query(url, "SELECT accuracy_m FROM checks.fact ORDER BY key")
    assert [row["accuracy_m"] for row in stored] == [0.0, 1000.0, 0.1]
    assert one(url, "SELECT count(*) FROM checks.mapped WHERE kind = 'refused'") == 2


def test_a_refused_row_of_unknown_place_leaves_nothing_mapped_and_says_so(url: str, tmp_path: Path) -> None:
    nowhere = shapely.Point(float("nan"), float("nan"))
    path = write(
        tmp_path / "a.gpkg",
        [{"ten": "a", "geometry": shapely.Point(603_000, 1_215_000)}, {"ten": "b", "geometry": nowhere}],
    )
    report = publish_file(url, path, "spot")

    assert report.as_dict()["rows"]["refused"] == 1  # type: ignore[index]
    assert one(url, "SELECT count(*) FROM checks.mapped") == 0
    assert any("nothing of the layer counts as mapped" in notice.en for notice in report.notices)


def _communes(tmp_path: Path) -> Path:
    west, east = (
        shapely.box(603_000, 1_215_000, 603_100, 1_216_000),
        shapely.box(603_100, 1_215_000, 604_000, 1_216_000),
    )
    rows = [
        {"ma": "25747", "ten": "Thủ Dầu Một", "geometry": west},
        {"ma": "25750", "ten": "Phú Lợi", "geometry": east},
    ]
    return write(tmp_path / "commune.gpkg", rows)


def test_a_row_without_shape_hides_only_its_commune_once_communes_are_published(url: str, tmp_path: Path) -> None:
    publish_file(url, _communes(tmp_path), "commune")
    rows = [*parcels("25747", 5), {**parcel("25750", 70), "geometry": None}]
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")

    cut = query(
        url, """SELECT kind, commune, ST_Area(geom) AS area FROM checks.mapped
                JOIN catalogue.layer ON number = layer WHERE id = 'parcel' ORDER BY kind"""
    )  # fmt: skip
    assert [(row["kind"], row["commune"]) for row in cut] == [("everywhere", None), ("refused", "25750")]
    assert cut[1]["area"] == pytest.approx(900_000)


def test_rows_whose_commune_code_does_not_fit_their_place_are_named(url: str, tmp_path: Path) -> None:
    publish_file(url, _communes(tmp_path), "commune")
    rows = [parcel("25747", 1), parcel("25747", 8), parcel("25750", 9)]
    report = publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")

    (found,) = defects(report, "commune_mismatch")
    assert [row["key"] for row in found["rows"]] == ["25747.1.8"]
    assert "25750" in found["rows"][0]["message"]["vi"]


def test_the_mapped_area_is_what_the_officer_declares(url: str, tmp_path: Path) -> None:
    publish_file(url, _communes(tmp_path), "commune")
    zones = write(tmp_path / "z.gpkg", [{"ma": "Z1", "geometry": square(0, 0)}])
    area = """SELECT kind, sum(ST_Area(geom)) AS area FROM checks.mapped JOIN catalogue.layer ON number = layer
              WHERE id = 'zone' AND until IS NULL GROUP BY kind"""

    undeclared = publish_file(url, zones, "zone")
    assert query(url, area) == [] and any("--complete-for" in notice.en for notice in undeclared.notices)
    publish_file(url, zones, "zone", complete_for="25750")
    assert query(url, area) == [{"kind": "area", "area": pytest.approx(900_000)}]
    carried = publish_file(url, zones, "zone")
    assert ["25750" in notice.en for notice in carried.notices] == [True], "nothing of the file lies there"
    assert carried.declaration == {"complete_for": ["25750"], "origin": "carried", "unplaced": []}
    outline = write(tmp_path / "outline.gpkg", [{"geometry": square(0, 0, 50.0)}])
    publish_file(url, zones, "zone", complete_for=str(outline))
    assert query(url, area) == [{"kind": "area", "area": pytest.approx(2_500)}]
    everywhere = publish_file(url, zones, "zone", complete_for="all")
    (notice,) = everywhere.notices
    assert "25750" in notice.vi and "25747" not in notice.vi
    assert query(url, area) == [{"kind": "everywhere", "area": None}]
    with pytest.raises(InvalidRequestError, match="99999"):
        publish_file(url, zones, "zone", complete_for="99999")


def test_cut_outs_of_communes_outside_the_scope_stay(url: str, tmp_path: Path) -> None:
    twice = [parcel("25750", 60), parcel("25750", 60)]
    publish_file(url, write(tmp_path / "a.gpkg", [*parcels("25747", 20), *twice]), "parcel")
    publish_file(url, write(tmp_path / "b.gpkg", parcels("25747", 20)), "parcel", scope="commune=25747")

    kept = query(url, "SELECT kind, commune FROM checks.mapped WHERE until IS NULL ORDER BY kind, commune")
    assert [(row["kind"], row["commune"]) for row in kept] == [
        ("everywhere", None),
        ("refused", "25750"),
        ("refused", "25750"),
    ]


def test_entries_without_shape_are_keyed_to_their_parcel(url: str, tmp_path: Path) -> None:
    rows = [
        {"maXa": "25747", "soTo": "1", "soThua": "5", "ly_do": "kê biên", "ma_dd": "w3gy6ytmny8f"},
        {"maXa": "25747", "soTo": "1", "soThua": "5", "ly_do": "tranh chấp", "ma_dd": None},
    ]
    report = publish_file(url, write_table(tmp_path / "blocks.gpkg", rows), "block")

    assert defects(report, "duplicate_key")[0]["rows"][0]["action"] == "kept"
    facts = query(url, "SELECT parcel_refs FROM checks.fact ORDER BY cardinality(parcel_refs)")
    assert [row["parcel_refs"] for row in facts] == [["25747/1/5"], ["25747/1/5", "code:w3gy6ytmny8f"]]
    assert one(url, "SELECT count(DISTINCT fid) FROM data.block") == 2


def test_values_are_converted_and_what_does_not_fit_is_listed(url: str, tmp_path: Path) -> None:
    rows = [
        {"MA": "A", "loai": "LNC", "tu_ngay": "31/12/2025", "cap": "3", "rong": "1.234,5", "da_duyet": "có"},
        {"MA": "B", "loai": "XXX", "tu_ngay": "32/12/2025", "cap": "3.5", "rong": "rộng", "da_duyet": "chưa rõ"},
        {"MA": " ", "loai": "", "tu_ngay": None, "cap": None, "rong": None, "da_duyet": None},
    ]
    shaped = [{**row, "geometry": square(n, 0)} for n, row in enumerate(rows)]
    report = publish_file(url, write(tmp_path / "z.gpkg", shaped), "zone")

    stored = query(url, "SELECT ma, loai, tu_ngay::text, cap, rong, da_duyet FROM data.zone ORDER BY ma")
    assert stored == [
        {"ma": "A", "loai": "CLN", "tu_ngay": "2025-12-31", "cap": 3, "rong": 1234.5, "da_duyet": True},
        {"ma": "B", "loai": None, "tu_ngay": None, "cap": None, "rong": None, "da_duyet": None},
    ]
    listed = [row for defect in defects(report, "schema") for row in defect["rows"]]
    assert [row["action"] for row in listed if row["row"] == 2] == ["emptied"] * 5
    assert {row["action"] for row in listed if row["row"] == 3} == {"refused"}


def test_several_land_types_of_a_parcel_are_kept_and_old_codes_mapped(url: str, tmp_path: Path) -> None:
    row = parcel("25747", 1, loai_dat='[{"ma": "ODT", "dt": "100,5"}, {"MA": "LNQ", "dt": 299.5}]')
    publish_file(url, write(tmp_path / "a.gpkg", [row]), "parcel")

    assert one(url, "SELECT loai_dat FROM data.parcel") == [{"ma": "ODT", "dt": 100.5}, {"ma": "CLN", "dt": 299.5}]


def test_a_missing_required_column_is_named_with_the_option_that_mends_it(url: str, tmp_path: Path) -> None:
    from layers.publishing.options import ReadOptions

    row = {key: value for key, value in parcel("25747", 1).items() if key != "soTo"} | {"to_bd": "1"}
    path = write(tmp_path / "a.gpkg", [row])
    with pytest.raises(RefusedError, match="--map so_to="):
        publish_file(url, path, "parcel")
    mapped = publish_file(url, path, "parcel", read=ReadOptions(column_map={"so_to": "TO_BD"}))
    assert mapped.revision == 1
    with pytest.raises(InvalidRequestError, match="khong_co"):
        publish_file(url, path, "parcel", read=ReadOptions(column_map={"so_to": "khong_co"}))


def test_text_is_stored_composed_and_an_empty_text_is_nothing(url: str, tmp_path: Path) -> None:
    rows = [
        parcel("25747", 1, chu="Nguye\u0302\u0303n"),
        parcel("25747", 2, chu="  "),
        parcel("25747", 3, chu='a "b", c\\d'),
    ]
    publish_file(url, write(tmp_path / "a.gpkg", rows), "parcel")

    names = [row["chu"] for row in query(url, "SELECT chu FROM data.parcel ORDER BY so_thua")]
    assert names == ["Nguy\u1ec5n", None, 'a "b", c\\d']


def test_single_shapes_are_promoted_and_other_types_refused(url: str, tmp_path: Path) -> None:
    path = tmp_path / "roads.geojson"
    lines = [
        {"ten": "a", "geometry": shapely.LineString([(106.6, 11), (106.61, 11)])},
        {"ten": "b", "geometry": shapely.Point(106.6, 11)},
    ]
    report = publish_file(url, write(path, lines, crs="EPSG:4326"), "road")

    assert one(url, "SELECT GeometryType(geom) FROM data.road") == "MULTILINESTRING"
    assert defects(report, "schema")[0]["rows"][0]["action"] == "refused"


def test_features_without_a_key_are_matched_by_their_content(url: str, tmp_path: Path) -> None:
    rows = [{"ten": f"điểm {n % 2}", "geometry": shapely.Point(603_000 + n // 2, 1_215_000)} for n in range(60)]
    rows.append(dict(rows[0]))  # the very same once more
    publish_file(url, write(tmp_path / "a.gpkg", rows), "spot")
    moved = [{**rows[0], "geometry": shapely.Point(603_500, 1_215_000)}, *rows[1:]]
    report = publish_file(url, write(tmp_path / "b.gpkg", moved), "spot")

    assert report.as_dict()["diff"] == {"added": 1, "changed": 0, "removed": 1, "unchanged": 60, "conflicts": 0}


def test_who_has_no_grant_may_not_publish_and_an_unknown_layer_is_named(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", parcels("25747", 1))
    with pytest.raises(ForbiddenError):
        publish_file(url, path, "parcel", principal=PUBLIC)
    with pytest.raises(NotFoundError, match="commune"):
        publish_file(url, path, "thua_dat_moi")


def test_degrees_are_stored_by_the_named_operation(url: str, tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({"ten": ["a"]}, geometry=[shapely.Point(106.7, 11.0)], crs="EPSG:4326")
    frame.to_file(tmp_path / "p.gpkg")
    publish_file(url, tmp_path / "p.gpkg", "spot")

    row = query(url, "SELECT ST_X(ST_GeometryN(geom, 1)) AS x, ST_Y(ST_GeometryN(geom, 1)) AS y FROM data.spot")[0]
    assert (row["x"], row["y"]) == (pytest.approx(603_621.515, abs=2e-3), pytest.approx(1_216_620.639, abs=2e-3))


def test_a_file_without_rows_is_a_layer_with_nothing_in_it(url: str, tmp_path: Path) -> None:
    empty = geopandas.GeoDataFrame({"ma": [], "loai": []}, geometry=[], crs="EPSG:9210")
    empty.to_file(tmp_path / "z.gpkg", geometry_type="MultiPolygon")
    report = publish_file(url, tmp_path / "z.gpkg", "zone", complete_for="all")

    assert report.as_dict()["rows"]["read"] == 0  # type: ignore[index]
    assert one(url, "SELECT state FROM catalogue.layer WHERE id = 'zone'") == "served"
    assert one(url, "SELECT kind FROM checks.mapped") == "everywhere"


def test_a_profile_applied_meanwhile_stops_the_publication(url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", parcels("25747", 3))

    def confirm(report: object) -> bool:
        query_text = """INSERT INTO catalogue.text (digest, kind, body)
                        VALUES ('sha256:' || repeat('0', 64), 'layer', '{}') RETURNING digest"""
        with_new = query(url, query_text)
        query(url, "UPDATE catalogue.layer SET definition = %s WHERE id = 'parcel' RETURNING id", with_new[0]["digest"])
        return True

    with pytest.raises(ConflictError):
        publish_file(url, path, "parcel", confirm=confirm)
    assert one(url, "SELECT count(*) FROM data.parcel") == 0


def test_refused_rows_outside_the_scope_cut_nothing(url: str, tmp_path: Path) -> None:
    twice = [parcel("25750", 60), parcel("25750", 60)]
    publish_file(url, write(tmp_path / "a.gpkg", [*parcels("25747", 9), *twice]), "parcel", scope="commune=25747")
    assert [row["kind"] for row in query(url, "SELECT kind FROM checks.mapped")] == ["everywhere"]
