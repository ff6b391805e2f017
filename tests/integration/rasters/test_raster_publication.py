"""Publishing rasters: what is refused, what is kept, and how it is taken back."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import psycopg
import pytest

from layers.access.principal import Principal
from layers.errors import ConflictError, ForbiddenError, InvalidRequestError, RefusedError
from layers.publishing.options import ReadOptions
from layers.publishing.raster_publication import STEPS
from layers.publishing.raster_sweep import sweep_files
from tests.support.killed_raster import start
from tests.support.rasters import OPERATOR, Cells, RasterPlace, depths

DEEP: Cells = np.full((10, 10), 2.0, dtype=np.float32)


def state(place: RasterPlace) -> dict[str, object]:
    """All a reader or a check could see of the layer."""
    with psycopg.connect(place.url) as connection:
        found = connection.execute(
            """SELECT layer.revision, layer.state,
                      (SELECT max(revision) FROM catalogue.revision WHERE revision.layer = layer.id),
                      (SELECT max(revision) FROM catalogue.release WHERE release.layer = layer.id),
                      (SELECT sha256 FROM catalogue.raster WHERE raster.layer = layer.id AND until IS NULL),
                      (SELECT count(*) FROM catalogue.raster WHERE raster.layer = layer.id),
                      (SELECT count(*) FROM checks.mapped WHERE mapped.layer = layer.number AND until IS NULL)
               FROM catalogue.layer WHERE id = 'depth'"""
        ).fetchone()
    assert found is not None
    names = ("revision", "state", "revisions", "releases", "sha256", "rasters", "mapped")
    return dict(zip(names, found, strict=True))


def test_a_raster_becomes_a_revision_with_its_file_named_by_its_hash(place: RasterPlace) -> None:
    report = place.publish_cells(depths(), note="lần đầu")
    assert (report.revision, report.release) == (1, 1)
    (path,) = place.files_of()
    assert state(place) == {
        "revision": 1, "state": "served", "revisions": 1, "releases": 1, "sha256": path.stem, "rasters": 1, "mapped": 1,
    }  # fmt: skip
    (first,) = place.change("history", "depth")
    assert (first["kind"], first["added"], first["content_digest"]) == ("publish", 100, f"sha256:{path.stem}")


def test_equal_cells_give_equal_bytes_and_no_second_file(place: RasterPlace) -> None:
    place.publish_cells(depths())
    again = place.publish_cells(depths())
    assert again.revision == 2
    assert len(place.files_of()) == 1
    assert again.as_dict()["diff"]["changed_share"] == 0.0


def test_the_difference_tells_cells_and_ground_of_each_class(place: RasterPlace) -> None:
    place.publish_cells(depths())
    place.publish_cells(DEEP)
    found = place.change("compare", "depth", 1, 2).as_dict()
    assert (found["diff"]["changed"], found["diff"]["unchanged"], found["diff"]["changed_share"]) == (100, 0, 1.0)
    assert found["diff"]["classes"][2] == {"class": 2, "before_m2": 2000.0, "after_m2": 10000.0}
    coarser = np.full((5, 5), 2.0, dtype=np.float32)
    place.publish(place.write("coarse", coarser, cell=20.0))
    assert place.change("compare", "depth", 2, 3).as_dict()["diff"]["changed_share"] is None


def test_going_back_serves_the_old_file_again_and_withdrawing_serves_none(place: RasterPlace) -> None:
    place.publish_cells(depths())
    first = state(place)["sha256"]
    place.publish_cells(DEEP)
    report = place.change("rollback", "depth", 1, principal=OPERATOR)
    assert (report["revision"], state(place)["sha256"]) == (3, first)
    assert place.finding(1)["outcome"] == "clear"
    place.change("withdraw", "depth", principal=OPERATOR, reason="sai")
    assert (state(place)["state"], state(place)["sha256"], state(place)["mapped"]) == ("withdrawn", None, 0)
    assert place.finding(1)["outcome"] == "not_checked"
    with pytest.raises(RefusedError, match="withdrawn"):
        place.change("rollback", "depth", 4, principal=OPERATOR)
    place.change("rollback", "depth", 2, principal=OPERATOR)
    assert place.finding(1)["outcome"] == "affected"


def test_a_dry_run_and_a_refused_confirmation_write_nothing(place: RasterPlace) -> None:
    assert place.publish_cells(depths(), dry_run=True).revision is None
    with pytest.raises(RefusedError, match="not confirmed"):
        place.publish_cells(depths(), confirm=lambda report: False)
    assert (state(place)["revision"], place.files_of()) == (0, [])


def test_a_base_that_moved_is_a_conflict(place: RasterPlace) -> None:
    place.publish_cells(depths())
    with pytest.raises(ConflictError):
        place.publish_cells(DEEP, base=0)
    with pytest.raises(InvalidRequestError, match="--base 99"):
        place.publish_cells(DEEP, base=99)


def test_taking_the_data_from_more_than_a_twentieth_must_be_said(place: RasterPlace) -> None:
    place.publish_cells(depths())
    holes = depths()
    holes[0] = np.nan
    with pytest.raises(RefusedError, match="--allow-removals"):
        place.publish_cells(holes)
    assert place.publish_cells(holes, allow_removals=True).revision == 2


def test_who_may_not_publish_the_layer_publishes_no_raster(place: RasterPlace) -> None:
    with pytest.raises(ForbiddenError):
        place.publish_cells(depths(), principal=Principal("officer", roles=frozenset({"land_officer"})))
    keeper = Principal("keeper", roles=frozenset({"keeper"}), sector="environment")
    assert place.publish_cells(depths(), principal=keeper).revision == 1


def test_options_that_rasters_do_not_have_are_told(place: RasterPlace) -> None:
    for options in ({"scope": "commune=25747"}, {"take": "file"}, {"read": ReadOptions(swap_axes=True)}):
        with pytest.raises(InvalidRequestError):
            place.publish_cells(depths(), **options)


def test_a_wrong_meridian_is_refused_with_the_one_that_fits(place: RasterPlace) -> None:
    path = place.write("wrong", depths(), crs="EPSG:5899")
    with pytest.raises(RefusedError, match="--crs EPSG:9210"):
        place.publish(path)
    assert place.publish(path, read=ReadOptions(crs="EPSG:9210")).revision == 1


# ── killed ───────────────────────────────────────────────────────────────────────────────────────
OFTEN = ("placed", "row")


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=() if step in OFTEN else pytest.mark.long) for step in STEPS]
)
def test_killed_at_a_named_step_the_old_revision_stands_and_the_next_publication_works(
    step: str, place: RasterPlace
) -> None:
    place.publish_cells(depths())
    before, second = state(place), place.write("second", DEEP)
    assert start(place, second, step).wait(timeout=120) == -signal.SIGKILL
    _wait_for_sessions(place.url)
    after = state(place)
    if step == "committed":
        assert (after["revision"], after["revisions"], after["releases"]) == (2, 2, 2)
    else:
        assert after == before
        assert place.finding(1)["outcome"] == "clear"
    assert place.publish(second).revision == (3 if step == "committed" else 2)
    assert place.finding(1)["outcome"] == "affected"


def _wait_for_sessions(url: str) -> None:
    deadline = time.monotonic() + 30
    others = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND backend_type = 'client backend'"""
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(others).fetchone() != (0,):
            assert time.monotonic() < deadline, "a session of a killed process is still there"


def test_files_no_revision_stands_on_are_swept_after_a_day_and_others_stay(place: RasterPlace) -> None:
    place.publish_cells(depths())
    (kept,) = place.files_of()
    orphan, draft = kept.with_name("0" * 64 + ".tif"), kept.with_name(".draft-1.tif")
    for path in (orphan, draft):
        path.write_bytes(b"left")

    def swept(later_s: float) -> int:
        async def body(database: object, _: object) -> int:
            async with database.connection() as connection:  # type: ignore[attr-defined]
                folder = database.raster_folder  # type: ignore[attr-defined]
                return await sweep_files(connection, folder, now=time.time() + later_s)

        found: int = place.ask(body)
        return found

    assert swept(3_600) == 0
    assert swept(25 * 3_600) == 2
    assert [kept] == [path for path in (kept, orphan, draft) if path.exists()]


def test_a_database_that_names_no_raster_sweeps_nothing(place: RasterPlace, tmp_path: Path) -> None:
    other = place.folder / "depth" / ("1" * 64 + ".tif")
    other.parent.mkdir(parents=True)
    other.write_bytes(b"of another database")

    async def body(database: object, _: object) -> int:
        async with database.connection() as connection:  # type: ignore[attr-defined]
            return await sweep_files(connection, database.raster_folder, now=time.time() + 1e6)  # type: ignore[attr-defined]

    assert place.ask(body) == 0
    assert other.exists()
