"""The content of the default profile: what issue and domain reference ask of it."""

from __future__ import annotations

from datetime import date

import pytest

from gis.procedure import Outcome, Verdict
from layers.profile.bind import bind_procedure
from layers.profile.grammar import LayerDefinition
from layers.profile.load import load_profile
from layers.profile.procedures import SubjectCheck, relations_of
from layers.profile.profile import Profile
from ogc.settings import Settings

INPUTS: dict[str, dict[str, object]] = {
    "land_use_change": {"target_use": "ODT", "target_area_m2": 150},
    "parcel_split_merge": {"kind": "SPLIT", "land_use": "ODT"},
    "first_certificate": {"claimed_use": "ODT"},
    "construction_permit": {"building_use": "NHA_O", "storeys": 3},
    "petrol_station_siting": {"station_level": 3},
}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile(Settings().profile_folder)


def test_four_sectors_share_at_least_eighteen_layers(profile: Profile) -> None:
    assert set(profile.header.sectors) == {"land", "environment", "construction", "industry_trade"}
    assert {layer.sector for layer in profile.layers} == set(profile.header.sectors)
    assert len(profile.layers) >= 18


def test_communes_are_the_36_of_2025_with_the_units_they_came_from(profile: Profile) -> None:
    now = {commune.code: commune for commune in profile.communes if commune.generation == 2025}
    before = [commune for commune in profile.communes if commune.generation == 2004]
    assert len(now) == 36
    assert sum(commune.kind == "phường" for commune in now.values()) == 24
    assert now["25747"].name == "Thủ Dầu Một"
    assert {code for commune in before for code in commune.successors} == set(now)
    assert all(commune.successors for commune in before)
    assert sum(len(commune.successors) > 1 for commune in before) == 16  # split between several (domain 8)
    assert set(now) <= {commune.code for commune in before}  # every new code re-uses an old one


def test_every_column_has_a_title_and_a_tag_and_names_of_persons_are_personal(profile: Profile) -> None:
    for layer in profile.layers:
        for attribute in layer.attributes:
            assert attribute.tag, f"{layer.id}.{attribute.name}"
            assert attribute.title, f"{layer.id}.{attribute.name}"
    tags = {f"{layer.id}.{a.name}": a.tag for layer in profile.layers for a in layer.attributes}
    assert tags["parcel.ten_chu"] == tags["parcel.so_phat_hanh_gcn"] == tags["building_permit.chu_dau_tu"] == "personal"
    assert tags["industrial_park.doanh_thu_ty_dong"] == tags["petrol_station.san_luong_m3_nam"] == "commercial"


def test_every_layer_states_its_accuracy_age_custodian_and_basis(profile: Profile) -> None:
    for layer in profile.layers:
        assert layer.custodian, layer.id
        assert layer.max_age_days, layer.id
        assert layer.legal_basis, layer.id
        colours = all(one.color for one in layer.classes) if layer.is_raster else layer.style
        assert layer.geometry == "none" or colours, layer.id
        assert layer.geometry == "none" or layer.accuracy_m is not None or layer.scale is not None, layer.id


def test_a_parcel_has_several_land_types_and_the_area_on_the_certificate(profile: Profile) -> None:
    parcel = profile.parcel_layer
    uses = parcel.attribute("muc_dich_su_dung")
    area = parcel.by_role("registered_area")
    assert uses is not None
    assert [item.name for item in uses.items][:2] == ["ma_loai_dat", "dien_tich"]
    assert area is not None
    assert area.name == "dien_tich_phap_ly"
    assert parcel.key_columns == ("ma_xa", "so_to", "so_thua")


def test_parcel_blocks_are_entries_without_a_shape(profile: Profile) -> None:
    block = profile.layer("parcel_block")
    assert isinstance(block, LayerDefinition)
    assert not block.has_geometry


@pytest.mark.parametrize("procedure_id", INPUTS)
def test_a_procedure_binds_and_covers_the_sectors(profile: Profile, procedure_id: str) -> None:
    bound = bind_procedure(profile, procedure_id, INPUTS[procedure_id], date(2026, 11, 21))
    definition = profile.procedure(procedure_id)
    assert definition is not None
    assert len(bound.procedure.checks) >= 5
    assert definition.legal_basis
    sectors = {layer.sector for layer in profile.layers if layer.id in definition.layers()}
    assert len(sectors) >= 3


def test_only_clear_may_pass(profile: Profile) -> None:
    for procedure in profile.procedures:
        for check in procedure.checks:
            passing = {outcome for outcome, verdict in check.verdict.items() if verdict is Verdict.PASS}
            assert passing <= {Outcome.CLEAR}, f"{procedure.id}.{check.id}"


def test_thresholds_that_were_recalled_are_not_verified(profile: Profile) -> None:
    """Minimum plots and the numbers of several laws are [R] in the domain reference (1.3, 4.2, 5.1)."""
    for procedure in profile.procedures:
        for check in procedure.checks:
            says_it_itself = isinstance(check, SubjectCheck) and check.plot_rules is None
            assert not (says_it_itself and check.verified), f"{procedure.id}.{check.id}"
    assert not any(row.verified for table in profile.plot_rules for row in table.rows)
    recalled = {"45/2024/QH15", "47/2024/QH15", "54/2024/QH15", "20/2008/QH12", "32/2024/NĐ-CP", "165/2024/NĐ-CP"}
    bases = [basis for layer in profile.layers for basis in layer.legal_basis]
    assert recalled <= {basis.number for basis in bases}
    assert not any(basis.verified for basis in bases if basis.number in recalled)


def test_what_rests_on_a_text_that_was_not_seen_does_not_fail_a_dossier(profile: Profile) -> None:
    for procedure in profile.procedures:
        for check in bind_procedure(profile, procedure.id, INPUTS[procedure.id], date(2026, 11, 21)).procedure.checks:
            rests_on_unseen = check.basis and not any(basis.verified for basis in check.basis)
            fails = getattr(check, "verdicts", {}).get(Outcome.AFFECTED) is Verdict.FAIL
            assert not (rests_on_unseen and fails and check.verified), f"{procedure.id}.{check.id}"


def test_old_land_type_codes_lead_to_todays(profile: Profile) -> None:
    codes = profile.code_list("land_use_2024")
    assert codes is not None
    led = {old: codes.current(old) for old in ("LUN", "BHK", "NHK", "LNQ", "TSN", "SKT", "DDT", "DSH", "KĐD", "ZZZ")}
    assert led == {
        "LUN": "LUK", "BHK": "HNK", "NHK": "HNK", "LNQ": "CLN", "TSN": "NTS", "SKT": "SKK", "DDT": "DDD", "DSH": "DKV",
        "KĐD": "KĐD", "ZZZ": None,
    }  # fmt: skip
    every = [code for entry in codes.entries for code in (entry.code, *entry.replaces)]
    assert len(every) == len(set(every))


def test_demo_identities_see_different_things_by_their_grants(profile: Profile) -> None:
    assert {identity.id for identity in profile.identities} >= {"public", "construction_reviewer", "land_officer"}
    reviewer = next(identity for identity in profile.identities if identity.id == "construction_reviewer")
    assert reviewer.claims["communes"] == ("25747", "25750")
    assert all(grant.expect for grant in profile.grants)


def test_a_verified_check_cites_a_document_that_was_compared(profile: Profile) -> None:
    for definition in profile.procedures:
        for check in definition.checks:
            known = {basis.number: basis for basis in definition.legal_basis}
            for relation in relations_of(check):
                layer = profile.layer(relation.layer)
                known = {basis.number: basis for basis in (layer.legal_basis if layer else ())} | known
            by_rows = isinstance(check, SubjectCheck) and check.plot_rules
            cited = any(known[number].verified for number in check.basis)
            assert cited or by_rows or not check.verified, f"{definition.id}.{check.id}"
