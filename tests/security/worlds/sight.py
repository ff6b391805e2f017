"""Who sees what of the test profile, written by hand from the grants and apart from the product: this, not the code
under test, says what two worlds may differ in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["full", "grid", "centroid", "none"]
EVERY_ROW = "true"
WARD_A, WARD_B = "ma_xa = '25747'", "ma_xa = '25750'"
IDENTITIES = ("public", "reviewer", "warden", "officer", "clerk")


@dataclass(frozen=True, slots=True)
class Sees:
    """Rows (SQL over the layer's table) × columns × how exact the shape is. A right to have something checked counts
    like one to see the shape: the outcome of a check is told."""

    rows: str
    columns: frozenset[str]
    shape: Level = "full"


def _sees(rows: str, columns: str, shape: Level = "full") -> Sees:
    return Sees(rows, frozenset(columns.split()), shape)


_PARCEL_PUBLIC = "ma_xa so_to so_thua dien_tich loai_dat muc_dich ngay_cap"
_PARCEL_INTERNAL = f"{_PARCEL_PUBLIC} ma_dinh_danh dien_tich_phap_ly"

#: what everybody sees
_ANYONE: Mapping[str, tuple[Sees, ...]] = {
    "commune": (_sees(EVERY_ROW, "ma_xa ten"),),
    "parcel": (_sees(WARD_A, "ma_xa so_to so_thua", "grid"),),
    "site": (_sees(WARD_A, "ma ma_xa ten hang", "grid"),),
    "well": (_sees("sau < 50", "ma", "grid"),),
    "quiet": (_sees(EVERY_ROW, "ma loai"),),
    "line": (_sees(EVERY_ROW, "ma cap_kv"),),
    "plan": (_sees(EVERY_ROW, "ma loai_dat tang_cao hieu_luc_tu hieu_luc_den"),),
    "draft": (),
    "empty": (),
}
#: what they see besides; a layer that is in neither is not there for them
_OWN: Mapping[str, Mapping[str, tuple[Sees, ...]]] = {
    "public": {},
    "reviewer": {
        "parcel": (_sees(WARD_A, _PARCEL_INTERNAL), _sees(WARD_B, "ma_xa gia", "none")),
        "register": (_sees(WARD_A, "ma_xa so_to so_thua"),),
        "well": (_sees(EVERY_ROW, "ma sau", "none"),),
        "inspection": (),
        "wet": (),
        "plan": (_sees(EVERY_ROW, "ghi_chu"),),  # under an agreement that is in force
    },
    "warden": {
        "parcel": (_sees(WARD_B, _PARCEL_PUBLIC, "centroid"),),
        "site": (_sees(EVERY_ROW, "ma ma_xa ten hang cong_suat"),),
        "well": (_sees(EVERY_ROW, "ma sau"),),
        "inspection": (_sees(EVERY_ROW, "ma"),),
        "quiet": (_sees(EVERY_ROW, "ma loai ghi_chu"),),
        "hidden_place": (_sees(EVERY_ROW, "ma noi_dung"),),
        "wet": (_sees(EVERY_ROW, "class title"),),
    },
    "officer": {
        "parcel": (_sees(EVERY_ROW, f"{_PARCEL_INTERNAL} ten_chu"),),
        "register": (_sees(EVERY_ROW, "so_vb ma_xa so_to so_thua ly_do"),),
    },
    "clerk": {
        "parcel": (_sees(EVERY_ROW, "ma_xa so_to so_thua"),),
        "inspection": (_sees(EVERY_ROW, "ma"),),
    },
}
#: whose sector a layer is of, with a right to publish it: its activity and its readers are told to them
OWNED: Mapping[str, frozenset[str]] = {
    "warden": frozenset({"site", "well", "inspection", "quiet", "hidden_place", "wet"}),
    "officer": frozenset({"parcel", "register"}),
}
#: the wards whose parcels somebody sees, or may have checked, in their exact shape
EXACT_PARCELS: Mapping[str, frozenset[str]] = {
    "reviewer": frozenset({"25747"}),
    "officer": frozenset({"25747", "25750", "25753"}),
    "clerk": frozenset({"25747", "25750", "25753"}),
}
#: `hide_activity: true`
QUIET = frozenset({"quiet"})


@dataclass(frozen=True, slots=True)
class Audience:
    """Those under test in one pair of worlds; a pair differs in what none of them may see."""

    identities: tuple[str, ...]

    def may_know(self, layer: str) -> bool:
        return any(layer in _ANYONE or layer in _OWN[identity] for identity in self.identities)

    def owns(self, layer: str) -> bool:
        return any(layer in OWNED.get(identity, ()) for identity in self.identities)

    def may_know_activity(self, layer: str) -> bool:
        return self.may_know(layer) and (layer not in QUIET or self.owns(layer))

    def hidden_rows(self, layer: str) -> str:
        """SQL: the rows that none of them sees anything of."""
        return _none_of(self._sees(layer))

    def hidden_cells(self, layer: str, column: str) -> str:
        """SQL: the rows where none of them sees the column."""
        return _none_of(sees for sees in self._sees(layer) if column in sees.columns)

    def shapes(self, layer: str, level: Level) -> str:
        """SQL: the rows whose shape they see at this level and no other."""
        sees = self._sees(layer)
        others = _none_of(each for each in sees if each.shape not in (level, "none"))
        own = [f"({each.rows})" for each in sees if each.shape == level]
        if level == "none":
            return others
        return f"({' OR '.join(own)}) AND {others}" if own else "false"

    def may_read_checks_of(self, ward: str | None) -> bool:
        """Others' recorded checks: whoever sees the exact shape of the parcel; of a drawn shape nobody."""
        return ward is not None and any(ward in EXACT_PARCELS.get(identity, ()) for identity in self.identities)

    def _sees(self, layer: str) -> list[Sees]:
        found = list(_ANYONE.get(layer, ()))
        for identity in self.identities:
            found += _OWN[identity].get(layer, ())
        return found


def _none_of(sees: Iterable[Sees]) -> str:
    rows = [f"({each.rows})" for each in sees]
    return f"({' OR '.join(rows)}) IS NOT TRUE" if rows else "true"
