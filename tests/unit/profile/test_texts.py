from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from layers.profile.facts import fact_columns
from layers.profile.load import load_profile
from layers.profile.schema import export, schemas
from layers.profile.texts import grants_from, policy_text, profile_from, texts_of
from ogc.settings import Settings

from .conftest import PROFILES

Edit = Callable[[str, str, str], Path]
FOLDERS = [PROFILES / "minimal", PROFILES / "schaffhausen", PROFILES / "duy_nghia", Settings().profile_folder]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_profile_comes_back_from_its_texts_alone(folder: Path) -> None:
    profile = load_profile(folder)
    texts = texts_of(profile)
    parts = {text.digest: text.body for text in (*texts.layers.values(), *texts.procedures.values())}
    back = profile_from(texts.whole.body, parts)
    assert back == profile
    assert texts_of(back) == texts
    assert set(grants_from(policy_text(profile.grants).body)) == set(profile.grants)


def test_the_digest_follows_the_meaning_not_the_writing(edit: Edit) -> None:
    before = texts_of(load_profile(PROFILES / "minimal"))
    folder = edit("land/line.yaml", "accuracy_m: 0.5", "accuracy_m: 0.50  # the same")
    assert texts_of(load_profile(folder)) == before


def test_a_change_of_one_layer_changes_its_text_and_the_whole(edit: Edit) -> None:
    before = texts_of(load_profile(PROFILES / "minimal"))
    after = texts_of(load_profile(edit("land/line.yaml", "accuracy_m: 0.5", "accuracy_m: 0.6")))
    assert before.whole.digest != after.whole.digest
    assert {name for name in after.layers if before.layers[name] != after.layers[name]} == {"line"}
    assert before.procedures == after.procedures


def test_the_engine_sees_only_columns_that_a_rule_a_role_a_label_or_an_index_names() -> None:
    profile = load_profile(PROFILES / "minimal")
    parcel, zone = profile.layer("parcel"), profile.layer("zone")
    assert parcel is not None
    assert zone is not None
    assert fact_columns(profile, parcel) == ("ma_xa", "so_to", "so_thua", "ma_dinh_danh", "dien_tich_phap_ly")
    assert fact_columns(profile, zone) == ("loai", "hieu_luc_tu", "hieu_luc_den", "so_qd")


def test_a_key_of_several_columns_is_read_in_order() -> None:
    parcel = load_profile(PROFILES / "duy_nghia").parcel_layer
    assert parcel.key_columns == ("xaid", "shbando", "shthua")


def test_json_schemas_cover_every_kind_of_file(tmp_path: Path) -> None:
    written = export(tmp_path / "schemas")
    assert sorted(path.name.split(".")[0] for path in written) == sorted(schemas())
    layer = schemas()["layer"]
    assert isinstance(layer["properties"], dict)
    assert {"id", "geometry", "attributes"} <= set(layer["properties"])
    assert layer["additionalProperties"] is False
