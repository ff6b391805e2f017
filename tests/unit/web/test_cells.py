"""Far away a coverage is drawn in the colours of its codes, with a legend that says what is not verified."""

from __future__ import annotations

from datetime import date

from layers.access.decide import decide
from layers.access.principal import operator
from layers.profile.load import load_profile
from layers.store.tile_columns import tile_columns
from ogc.settings import Settings
from ogc.web.drawing import cells_layer, legend_entries


def test_parcels_far_away_take_the_colours_of_their_land_types() -> None:
    profile = load_profile(Settings().profile_folder)
    parcel, codes = profile.parcel_layer, {each.id: each for each in profile.codes}
    decided = decide(operator("t"), parcel, "tile", (), purpose=None, day=date(2026, 1, 1))
    columns = tile_columns(parcel, decided)
    color = cells_layer(parcel, columns, codes)["paint"]["fill-color"]
    assert color[:2] == ["match", ["get", "ma_loai_dat"]]
    legend = legend_entries(parcel, columns, codes, "vi")
    known = {entry["value"]: entry for entry in legend}
    assert known["LUC"]["color"] == color[color.index("LUC") + 1] and known["LUC"]["verified"] is False
    hidden = tuple(name for name in columns if name != "ma_loai_dat")
    assert isinstance(cells_layer(parcel, hidden, codes)["paint"]["fill-color"], str)
    assert [set(entry) for entry in legend_entries(parcel, hidden, codes, "vi")] == [{"title", "color"}]
