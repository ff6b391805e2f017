"""What a proposal would change on the current data: counted on relations, per caller, layer and action."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from layers.access.grammar import Grant
from layers.profile.grants import unplaced
from layers.sharing.known import known_matrix
from layers.sharing.proposal import difference_of
from layers.sharing.wording import lines
from layers.store.catalogue import load_catalogue
from layers.store.connection import Database, rows
from tests.support import policies
from tests.support.policies import OPERATOR, OWNERS_GRANT, REVIEWERS, altered, put, with_fields
from tests.support.shared_layers import COMMUNES, PARCELS_A_COMMUNE

pytestmark = pytest.mark.anyio
GRANTS = policies.first_grants()
COUNTED = "SELECT principal, layer, grants FROM access.event WHERE action = 'policy' AND reason = 'diff' ORDER BY id"


async def _effects(
    database: Database, grants: tuple[Grant, ...], **more: Any
) -> dict[tuple[str, str, str], dict[str, Any]]:
    found = await difference_of(database, more.pop("principal", OPERATOR), unplaced(grants))
    return {(effect.subject.name, effect.layer, effect.action): effect.as_dict() for effect in found.effects}


async def test_an_unchanged_policy_changes_nothing(database: Database) -> None:
    found = await difference_of(database, OPERATOR, unplaced(GRANTS))
    assert found.is_empty and found.effects == () and found.base == found.digest


async def test_a_wider_row_rule_gains_the_rows_beyond_the_old_one(database: Database) -> None:
    rule = f"ma_xa IN ('{COMMUNES[0]}', '{COMMUNES[2]}')"
    found = await _effects(database, altered(GRANTS, REVIEWERS, with_fields(rows=rule)))
    assert found.keys() == {("reviewer", "parcel", "items"), ("reviewer", "parcel", "tile")}
    rows = found["reviewer", "parcel", "items"]["rows"]
    assert rows == {"gained": PARCELS_A_COMMUNE, "lost": PARCELS_A_COMMUNE}


async def test_a_column_more_is_named_with_its_cells_and_no_row_is_gained(database: Database) -> None:
    found = await _effects(database, altered(GRANTS, REVIEWERS, with_fields(columns={"tags": ["public", "personal"]})))
    effect = found["reviewer", "parcel", "items"]
    assert effect["rows"] == {"gained": 0, "lost": 0}
    assert effect["columns"] == {"gained": {"ten_chu": 2 * PARCELS_A_COMMUNE}, "lost": {}}


async def test_a_column_for_part_of_the_rows_counts_these_rows(database: Database) -> None:
    """A second grant adds the owner's name in one commune only: cells, not rows, are gained."""
    names = Grant.model_validate(
        {"id": "names", "to": {"role": "construction.reviewer"}, "layer": "parcel", "actions": ["items"],
         "rows": f"ma_xa = '{COMMUNES[0]}'", "columns": {"names": ["ten_chu"]}, "geometry": "none"}
    )  # fmt: skip
    effect = (await _effects(database, (*GRANTS, names)))["reviewer", "parcel", "items"]
    assert effect["rows"] == {"gained": 0, "lost": 0}
    assert effect["columns"]["gained"] == {"ten_chu": PARCELS_A_COMMUNE}
    assert (effect["geometry"]["finer"], effect["geometry"]["coarser"]) == (0, 0)


async def test_a_coarser_shape_is_told_with_the_rows_it_touches(database: Database) -> None:
    found = await _effects(database, altered(GRANTS, REVIEWERS, with_fields(geometry="centroid")))
    geometry = found["reviewer", "parcel", "items"]["geometry"]
    assert geometry["before"] == [{"level": "full", "precision_m": None}]
    assert geometry["after"] == [{"level": "centroid", "precision_m": None}]
    assert (geometry["finer"], geometry["coarser"]) == (0, 2 * PARCELS_A_COMMUNE)


async def test_a_grant_that_goes_takes_rows_and_columns_with_it(database: Database) -> None:
    found = await _effects(database, tuple(grant for grant in GRANTS if grant.id != REVIEWERS))
    effect = found["reviewer", "parcel", "items"]
    assert (effect["before"], effect["after"]) == ("allow", "deny")
    assert effect["rows"] == {"gained": 0, "lost": 2 * PARCELS_A_COMMUNE}
    assert "ma_xa" in effect["columns"]["lost"] and effect["columns"]["gained"] == {}


async def test_a_role_that_nobody_known_has_is_shown_as_a_role(database: Database) -> None:
    planners = Grant.model_validate(
        {"id": "planners", "to": {"role": "planner"}, "layer": "register", "actions": ["items"], "purpose": "planning"}
    )
    found = await _effects(database, (*GRANTS, planners))
    assert found.keys() == {("planner", "register", "items")}
    assert found["planner", "register", "items"]["rows"]["gained"] == 2


async def test_what_is_for_everybody_is_told_of_everybody(database: Database) -> None:
    everybody = Grant.model_validate({"id": "all", "to": {"anyone": True}, "layer": "secret", "actions": ["items"]})
    found = await _effects(database, (*GRANTS, everybody))
    assert ("public", "secret", "items") in found and ("reviewer", "secret", "items") in found
    assert ("officer", "secret", "items") not in found, "the officer saw it before"


async def test_an_owner_learns_counts_of_rows_they_may_see_themselves_only(database: Database) -> None:
    reads = OWNERS_GRANT.model_copy(
        update={"id": "owner_reads", "actions": ("items",), "rows": f"ma_xa = '{COMMUNES[0]}'"}
    )
    limited = (*altered(GRANTS, OWNERS_GRANT.id, with_fields(actions=["publish"])), reads)
    await put(database, limited)
    own = tuple(grant for grant in limited if grant.layer == "parcel")
    without = tuple(grant for grant in own if grant.id != REVIEWERS)
    found = await _effects(database, without, principal=policies.owner())
    assert found["reviewer", "parcel", "items"]["rows"]["lost"] == PARCELS_A_COMMUNE


async def test_an_owner_is_told_of_nobody_whom_only_grants_of_others_name(database: Database) -> None:
    everybody = Grant.model_validate({"id": "all", "to": {"anyone": True}, "layer": "parcel", "actions": ["map"]})
    planners = Grant.model_validate({"id": "p", "to": {"role": "planner"}, "layer": "register", "actions": ["items"]})
    await put(database, (*GRANTS, planners))
    own = tuple(grant for grant in GRANTS if grant.layer == "parcel")
    hers = await _effects(database, (*own, everybody), principal=policies.owner())
    assert {name for name, _layer, _action in hers} == {"public", "reviewer", "officer", "owner"}
    whole = await _effects(database, (*GRANTS, planners, everybody))
    assert "planner" in {name for name, _layer, _action in whole}
    async with database.connection() as connection:
        catalogue = await load_catalogue(connection)
    seen = known_matrix(catalogue, policies.owner(), date(2026, 1, 15))
    assert "planner" not in {row.subject.name for row in seen.rows}


async def test_a_layer_nobody_could_publish_any_more_is_named(database: Database) -> None:
    found = await difference_of(database, OPERATOR, unplaced(tuple(g for g in GRANTS if g.id != OWNERS_GRANT.id)))
    assert found.orphans == ("parcel",)


async def test_the_difference_reads_as_a_sentence_in_both_languages(database: Database) -> None:
    grants = altered(GRANTS, REVIEWERS, with_fields(rows=None, columns={"tags": ["public", "personal"]}))
    found = await difference_of(database, OPERATOR, unplaced(grants))
    (line,) = lines(policies.profile(), found.effects)
    assert line.in_language("vi") == ("Thẩm định xây dựng: Lớp parcel (xem bảng, xem bản đồ): +60 thửa, +cột ten_chu")
    assert line.in_language("en") == (
        "Construction reviewer: Layer parcel (table, map tiles): +60 parcels, +columns ten_chu"
    )


async def test_counting_rows_leaves_its_event_also_when_nothing_is_applied(database: Database) -> None:
    async with database.connection() as connection:
        before = await rows(connection, COUNTED)
    await difference_of(database, OPERATOR, unplaced(altered(GRANTS, REVIEWERS, with_fields(rows=None))))
    await difference_of(database, OPERATOR, unplaced(GRANTS))
    async with database.connection() as connection:
        found = await rows(connection, COUNTED)
    (event,) = found[len(before) :]
    assert (event["principal"], event["layer"], event["grants"]) == ("operator", "parcel", [REVIEWERS])
