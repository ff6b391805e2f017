"""Whatever the policy, an explanation is a function of one's own grants and names nothing that is hidden from one."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.access.decide import decide
from layers.access.explain import explain
from layers.access.grammar import Action, Grant
from layers.access.matching import is_for
from layers.access.principal import Principal
from layers.errors import NotFoundError
from tests.support.layers import definition, grant

DAY = date(2026, 1, 15)
#: names that are no part of each other and of no word an explanation is written in
COLUMNS = {"kqxa": "public", "kqso": "internal", "kqchu": "personal", "kqgia": "commercial", "kqmoi": None}
SITE = definition("site", [{"name": name, "tag": tag} for name, tag in COLUMNS.items()], precisions_m=(50,))
ANNA = Principal("anna", frozenset({"reviewer"}), claims={"xa": ("1",)})
RULES = [None, "kqxa = '1'", "kqxa IN :claims.xa", "kqchu = 'x' OR kqso = 'y'", "kqgia LIKE '%z%'", "kqmoi = 'x'", "("]
GRANTS = st.lists(
    st.fixed_dictionaries(
        {
            "to": st.sampled_from([{"anyone": True}, {"role": "reviewer"}, {"role": "officer"}, {"identity": "eva"}]),
            "layer": st.sampled_from(["site", {"sharing": "shared"}, {"sharing": "open"}, "other"]),
            "actions": st.lists(st.sampled_from(get_args(Action)), unique=True, min_size=1, max_size=3),
            "purpose": st.sampled_from(["any", "permit"]),
            "rows": st.sampled_from(RULES),
            "columns": st.builds(
                lambda tags, names: {"tags": tags, "names": names},
                st.lists(st.sampled_from(["public", "internal", "personal"]), unique=True, max_size=2),
                st.lists(st.sampled_from(list(COLUMNS)), unique=True, max_size=2),
            ),
            "geometry": st.sampled_from(["full", "none", {"precision_m": 50}, {"precision_m": 1}]),
            "valid": st.sampled_from([{}, {"until": "2026-01-15"}, {"until": "2026-01-14"}]),
            "agreement": st.sampled_from([None, "AGR-1"]),
        }
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@given(GRANTS, st.sampled_from(get_args(Action)), st.sampled_from([None, "permit"]))
def test_only_own_grants_and_shown_columns_are_named(
    plain: list[dict[str, Any]], action: Action, purpose: str | None
) -> None:
    grants = [grant(f"zz{number}", **each) for number, each in enumerate(plain)]
    own = [each for each in grants if is_for(each, ANNA)]
    told, alone = explained(grants, action, purpose), explained(own, action, purpose)
    assert told == alone
    if told is None:
        return
    for each in grants:
        assert each in own or each.id not in told
    shown = {
        column
        for each in get_args(Action)
        for column in decide(ANNA, SITE, each, grants, purpose=purpose, day=DAY).columns
    }
    for column in COLUMNS:
        assert column in shown or column not in told, column


def explained(grants: list[Grant], action: Action, purpose: str | None) -> str | None:
    """As JSON; None where the layer does not exist for the caller."""
    try:
        found = explain(ANNA, SITE, action, grants, purpose=purpose, day=DAY)
    except NotFoundError as error:
        assert str(error) == str(NotFoundError())
        return None
    return json.dumps(found.as_dict(), ensure_ascii=False)


@pytest.mark.parametrize("column", ["kqchu", "kqmoi"])
def test_the_names_would_be_noticed(column: str) -> None:
    policy = [grant("zz0", "site", columns={"names": ["kqchu"]}, rows="kqchu = 'x'")]
    told = explained(policy, "items", None)
    assert told is not None and (column in told) == (column == "kqchu")
