from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from gis.procedure import Group, Outcome, Relation, Rule, SubjectRule, Verdict
from layers.errors import InvalidInputsError
from layers.profile.bind import BoundProcedure, bind_procedure
from layers.profile.load import load_profile
from layers.profile.profile import Profile, canonical_text, digest

TODAY = date(2026, 11, 21)
PROCEDURE = """
id: change
title: {vi: Chuyển mục đích, en: Change}
valid: {from: 2025-07-01, to: 2027-03-01}
inputs:
  - {name: use, type: code, codes: zone_kind, required: true}
  - {name: area, type: number, min: 1, max: 5000, required: true}
  - {name: storeys, type: integer}
  - {name: is_new, type: boolean}
  - {name: since, type: date}
legal_basis:
  - {number: 01/2025/QĐ-THU, title: Theo thủ tục, verified: false}
checks:
  - id: ground
    any_of:
      - {id: plan, layer: zone, relation: covers_area, when: "loai = :input.use", at_least_m2: ":input.area"}
      - {layer: zone, relation: inside}
    basis: [01/2025/QĐ-THU]
  - id: zone
    layer: zone
    relation: overlaps_area
    min_area_m2: 2
    basis: [01/2025/QĐ-THU]
    office: {vi: Phòng, en: Office}
  - id: tall
    layer: zone
    relation: overlaps_area
    when: "so_qd = 'x' AND :input.storeys > 3"
    applies_when: ":input.is_new = TRUE"
  - {id: old_rule, layer: line, relation: crosses_line, valid: {from: 2020-01-01, to: 2025-12-31}}
  - id: dated
    layer: zone
    relation: overlaps_area
    when: "hieu_luc_tu > :input.since"
    applies_when: ":input.since > DATE('2026-01-01')"
  - id: size
    kind: subject
    measure: area_m2
    at_least: ":input.area"
    verified: false
    required: false
    verdict: {affected: fail}
"""


@pytest.fixture
def profile(minimal: Path) -> Profile:
    (minimal / "procedures" / "change.yaml").write_text(PROCEDURE, encoding="utf-8")
    return load_profile(minimal)


def bound(profile: Profile, day: date = TODAY, **inputs: Any) -> BoundProcedure:
    given = {"use": "CAM", "area": 150, "is_new": False, "since": "2025-01-01", **inputs}
    return bind_procedure(profile, "change", given, day)


def refused(profile: Profile, procedure: str, inputs: dict[str, object], day: date = TODAY) -> dict[str, str]:
    with pytest.raises(InvalidInputsError) as raised:
        bind_procedure(profile, procedure, inputs, day)
    return {error.field: error.message.en for error in raised.value.fields}


def checks_of(found: BoundProcedure) -> dict[str, Any]:
    return {check.id: check for check in found.procedure.checks}


def test_inputs_become_literals_in_conditions_and_quantities(profile: Profile) -> None:
    group = checks_of(bound(profile))["ground"]
    assert isinstance(group, Group)
    plan, second = group.members
    assert (plan.id, plan.when, plan.at_least_m2) == ("plan", "loai = 'CAM'", 150.0)
    assert (second.id, second.relation, second.at_least_m2) == ("ground_2", Relation.INSIDE, None)


def test_a_text_input_cannot_leave_its_quotes(profile: Profile) -> None:
    with pytest.raises(InvalidInputsError):
        bound(profile, use="CAM' OR '1'='1")


def test_a_check_keeps_its_parameters_office_and_flags(profile: Profile) -> None:
    found = checks_of(bound(profile))
    zone, size = found["zone"], found["size"]
    assert isinstance(zone, Rule)
    assert (zone.min_area_m2, zone.required, zone.verified) == (2.0, True, False)  # its only document is not verified
    assert zone.office is not None
    assert zone.office.vi == "Phòng"
    assert isinstance(size, SubjectRule)
    assert (size.at_least, size.required, size.verified) == (150.0, False, False)
    assert size.verdicts == {Outcome.AFFECTED: Verdict.FAIL}


def test_the_basis_is_the_procedures_wording_before_the_layers(profile: Profile) -> None:
    (basis,) = checks_of(bound(profile))["zone"].basis
    assert (basis.title, basis.verified) == ("Theo thủ tục", False)


def test_checks_out_of_force_or_not_applying_are_left_out_and_listed(profile: Profile) -> None:
    found = bound(profile)
    assert [check.id for check in found.procedure.checks] == ["ground", "zone", "size"]
    assert [skipped.id for skipped in found.skipped] == ["tall", "old_rule", "dated"]
    assert all(skipped.reason.vi and skipped.reason.en for skipped in found.skipped)


def test_a_rule_holds_on_both_ends_of_its_period(profile: Profile) -> None:
    assert "old_rule" in checks_of(bound(profile, date(2025, 12, 31)))
    assert "old_rule" not in checks_of(bound(profile, date(2026, 1, 1)))


def test_a_date_is_bound_as_a_date(profile: Profile) -> None:
    assert checks_of(bound(profile, since=date(2026, 5, 1)))["dated"].when == "hieu_luc_tu > DATE('2026-05-01')"


def test_a_check_that_may_apply_needs_the_inputs_it_reads(profile: Profile) -> None:
    assert refused(profile, "change", {"use": "CAM", "area": 150, "since": "2025-01-01"}) == {
        "inputs.storeys": "needed by the check 'tall'"
    }


def test_every_missing_and_invalid_input_is_named_with_an_expired_procedure(profile: Profile) -> None:
    found = refused(
        profile, "change", {"area": 0, "storeys": 2.5, "is_new": "maybe", "since": "1/1/2026", "x": 1}, date(2027, 3, 2)
    )
    assert set(found) == {
        "inputs.use", "inputs.area", "inputs.storeys", "inputs.is_new", "inputs.since", "inputs.x", "procedure"
    }  # fmt: skip
    assert found["procedure"].startswith("not in force on 2027-03-02")


@pytest.mark.parametrize("value", [True, "abc", float("nan"), float("inf"), [], 5001])
def test_what_is_no_number_in_range_is_refused(profile: Profile, value: object) -> None:
    assert set(refused(profile, "change", {"use": "CAM", "area": value, "is_new": False, "since": "2025-01-01"})) == {
        "inputs.area"
    }


def test_an_unknown_procedure_is_told_with_those_there_are(profile: Profile) -> None:
    assert "small_check" in refused(profile, "nothing", {})["procedure"]


def test_texts_of_the_command_line_become_values_that_json_can_hold(profile: Profile) -> None:
    found = bound(profile, area="150.5", storeys="4", is_new="true", since="2026-02-01").inputs
    assert found == {"use": "CAM", "area": 150.5, "storeys": 4, "is_new": True, "since": "2026-02-01"}


def test_a_code_of_an_older_list_is_bound_as_todays(profile: Profile) -> None:
    found = bound(profile, use="HC")
    assert found.inputs["use"] == "HAN_CHE"
    assert checks_of(found)["ground"].members[0].when == "loai = 'HAN_CHE'"


def test_binding_again_from_the_bound_inputs_gives_the_same_checks(profile: Profile) -> None:
    first = bound(profile, since="2026-02-01")
    assert bind_procedure(profile, "change", first.inputs, TODAY) == first


def test_the_version_is_the_digest_of_the_canonical_text(profile: Profile) -> None:
    definition = profile.procedure("change")
    assert definition is not None
    assert bound(profile).procedure.version == digest(canonical_text(definition))


def test_the_order_of_keys_in_the_file_does_not_change_the_version(minimal: Path, profile: Profile) -> None:
    before = bound(profile).procedure.version
    turned = dict(reversed(yaml.safe_load(PROCEDURE).items()))
    text = yaml.safe_dump(turned, allow_unicode=True, sort_keys=False)
    (minimal / "procedures" / "change.yaml").write_text(text, encoding="utf-8")
    assert bound(load_profile(minimal)).procedure.version == before
