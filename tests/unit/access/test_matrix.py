"""The matrix: no, yes, or yes within limits that are named; a CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest

from layers.access.grammar import Grant
from layers.access.matrix import Cell, Matrix, matrix, subjects_of
from layers.profile.grammar import Identity, Title
from tests.support.layers import definition, grant

DAY = date(2026, 1, 15)
SITE = definition(
    "site", [{"name": "xa", "tag": "public"}, {"name": "chu", "tag": "personal"}, {"name": "moi"}], precisions_m=(50,)
)
PLAN = definition("plan", [{"name": "ma", "tag": "public"}], sharing="open", sector="construction")
ANNA = Identity.model_validate(
    {"id": "anna", "title": {"vi": "Anna", "en": "Anna"}, "roles": ["reviewer"], "claims": {"xa": ["1"]}}
)
PUBLIC = Identity.model_validate({"id": "public", "title": {"vi": "Dân", "en": "Public"}})
SECTORS = {"construction": Title(vi="Xây dựng", en="Construction"), "land": Title(vi="Đất đai", en="Land")}


def made(*grants: Grant, **more: Any) -> Matrix:
    subjects = subjects_of(grants, [PUBLIC, ANNA])
    asked: dict[str, Any] = {"day": DAY, "sectors": SECTORS} | more
    return matrix(grants, [SITE, PLAN], subjects, **asked)


def cell(found: Matrix, layer: str, who: str, action: str = "items") -> Cell:
    (row,) = (row for row in found.rows if (row.layer, row.subject.name) == (layer, who))
    return next(cell for cell in row.cells if cell.action == action)


def test_sectors_layers_and_people_stand_in_the_order_of_the_profile() -> None:
    found = made(grant("a", "site", to={"role": "valuer"}), grant("b", "plan", to={"office": "so_1"}))
    assert [(row.sector, row.layer) for row in found.rows[::4]] == [("construction", "plan"), ("land", "site")]
    assert [(row.subject.kind, row.subject.name) for row in found.rows[:4]] == [
        ("anyone", "public"), ("identity", "anna"), ("role", "valuer"), ("office", "so_1"),
    ]  # fmt: skip


def test_a_cell_is_no_or_yes_or_names_what_is_held_back() -> None:
    found = made(grant("a", "plan", actions=["items", "check"]), grant("b", "site", geometry={"precision_m": 50}))
    assert cell(found, "plan", "public").level == cell(found, "plan", "anna", "check").level == "yes"
    assert cell(found, "plan", "public", "export") == Cell("export", "no", cell(found, "plan", "public", "export").text)
    held = cell(found, "site", "public")
    assert (held.level, held.limits, held.grants) == ("limited", ("columns", "precision"), ("b",))
    assert (held.text.vi, held.text.en) == (
        "có: cột công khai; hình học lưới 50 m", "yes: columns public; geometry grid of 50 m",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "limit", "words"),
    [
        ({"rows": "ma = 'x'"}, "rows", "rows ma = 'x'"),
        ({"rows": "S_INTERSECTS(geometry, BBOX(0,0,1,1))", "edge": "within"}, "rows", "(wholly within)"),
        ({"geometry": "centroid"}, "precision", "one point"),
        ({"purpose": ["permit", "plan"]}, "purpose", "purpose permit, plan"),
        ({"valid": {"until": "2026-12-31"}}, "period", "until 2026-12-31"),
        ({"valid": {"from": "2026-01-01"}}, "period", "from 2026-01-01"),
        ({"agreement": "AGR-1"}, "agreement", "agreement AGR-1"),
        ({"rate": "60/min"}, "rate", "at most 60/min"),
        ({"columns": {"names": []}}, "columns", "columns "),
    ],
)
def test_every_kind_of_limit_is_named(more: dict[str, Any], limit: str, words: str) -> None:
    held = cell(made(grant("a", "plan", **more), active_agreements=frozenset({"AGR-1"})), "plan", "public")
    assert (held.level, held.limits) == ("limited", (limit,))
    assert words in held.text.en and held.text.vi.startswith("có: ")


def test_an_unlimited_grant_beside_a_limited_one_is_a_plain_yes_and_alternatives_are_named_once() -> None:
    limited = grant("a", "plan", rows="ma = 'x'")
    assert cell(made(limited, grant("b", "plan", to={"role": "reviewer"})), "plan", "anna").level == "yes"
    tighter = grant("c", "plan", rows="ma = 'x'", purpose="permit")
    other = grant("d", "plan", geometry="none")
    assert cell(made(limited, tighter, other), "plan", "public").text.en == "yes: rows ma = 'x' | geometry no shape"


@pytest.mark.parametrize(
    "more",
    [{"valid": {"until": "2026-01-14"}}, {"agreement": "AGR-2"}, {"rows": "("}, {"geometry": {"precision_m": 1}},
     {"to": {"identity": "eva"}}],
)  # fmt: skip
def test_what_does_not_hold_on_the_day_is_no(more: dict[str, Any]) -> None:
    assert cell(made(grant("a", "plan", **more)), "plan", "anna").level == "no"


def test_a_role_without_a_person_keeps_the_rule_as_written_and_a_person_without_the_claim_has_nothing() -> None:
    by_claim = grant("a", "site", to={"role": "valuer"}, rows="xa IN :claims.xa")
    assert ":claims.xa" in cell(made(by_claim), "site", "valuer").text.vi
    assert cell(made(grant("a", "site", rows="xa IN :claims.xa")), "site", "public").level == "no"
    assert cell(made(grant("a", "site", rows="xa IN :claims.xa")), "site", "anna").level == "limited"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_cell_of_the_csv_is_a_formula(language: str) -> None:
    evil = {"vi": "=1+1", "en": "\t@SUM(A1)"}
    layers = [PLAN.model_copy(update={"title": Title.model_validate(evil)})]
    sectors = {"construction": Title(vi="'+1", en='"=1')}
    titled = [Identity.model_validate({"id": "eva", "title": {"vi": "-2", "en": "\r=2"}})]
    found = matrix([], layers, subjects_of([], titled), day=DAY, sectors=sectors)
    lines = list(csv.reader(io.StringIO(found.as_csv(language), newline="")))
    assert len(lines) == 3 and len({len(line) for line in lines}) == 1
    for text in (text for line in lines for text in line):
        assert not text.startswith(("=", "+", "-", "@", "\t", "\r")), text
        assert not text.lstrip("\"'").startswith(("=", "+", "-", "@")) or text.startswith("'"), text
    assert {"=1+1", "\t@SUM(A1)"} & {text.removeprefix("'") for text in lines[1]}


def test_the_matrix_is_json_with_both_languages() -> None:
    plain: Any = made(grant("a", "plan")).as_dict()
    assert plain["day"] == "2026-01-15" and plain["actions"][0] == "items"
    assert plain["rows"][0]["cells"][0] == {
        "action": "items", "level": "yes", "limits": [], "text": {"vi": "có", "en": "yes"}, "grants": ["a"],
    }  # fmt: skip
