"""The grammar of plot rules: how large a plot must be, how wide along the road, how deep, with which access.

`plot_rules/*.yaml`: rows by communes or their kind, and by land types. What a row says of one commune goes before what
it says of a kind, and that before what it says of all.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from .grammar import BasisRef, Commune, Frozen, Identifier, Text, Title
from .procedures import Validity

CommuneKind = Literal["ward", "township", "commune", "special_zone"]
#: how `communes.csv` may write the kinds
_WRITTEN = {"phường": "ward", "thị trấn": "township", "xã": "commune", "đặc khu": "special_zone"}
#: what of a row each measure is held against
THRESHOLDS = {
    "area_m2": "min_area_m2", "net_area_m2": "min_area_m2", "frontage_m": "min_frontage_m", "depth_m": "min_depth_m",
}  # fmt: skip


class PlotRow(Frozen):
    """The least a plot must be, in some communes, for some land types. What is not given is not asked."""

    id: Identifier
    title: Title | None = None
    communes: tuple[Text, ...] = Field(default=(), description="commune codes; none: by kind, or everywhere")
    commune_kinds: tuple[CommuneKind, ...] = ()
    land_uses: tuple[Text, ...] = Field(min_length=1, description="codes of the land type of the plot")
    min_area_m2: float | None = Field(default=None, gt=0)
    min_frontage_m: float | None = Field(default=None, gt=0)
    min_depth_m: float | None = Field(default=None, gt=0)
    excludes: tuple[Identifier, ...] = Field(
        default=(), description="layers whose overlap does not count towards the area"
    )
    access: Literal["required", "not_asked"] = "not_asked"
    basis: tuple[Text, ...] = Field(min_length=1, description="numbers of the table's legal basis")
    verified: bool = True
    valid: Validity = Validity()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.communes and self.commune_kinds:
            raise ValueError("dùng communes hoặc commune_kinds / use communes or commune_kinds, not both")
        asked = (self.min_area_m2, self.min_frontage_m, self.min_depth_m)
        if all(value is None for value in asked) and self.access == "not_asked":
            raise ValueError("dòng không quy định gì / the row asks for nothing")
        return self

    @property
    def rank(self) -> int:
        """Rows about named communes go before those about kinds, and those before the others."""
        return 0 if self.communes else 1 if self.commune_kinds else 2

    def is_for(self, commune: Commune) -> bool:
        if self.communes:
            return commune.code in self.communes
        return not self.commune_kinds or kind_of(commune) in self.commune_kinds

    def asks(self, measure: str) -> bool:
        return self.access == "required" if measure == "access" else self.threshold(measure) is not None

    def threshold(self, measure: str) -> float | None:
        value: float | None = getattr(self, THRESHOLDS[measure]) if measure in THRESHOLDS else None
        return value


class PlotRules(Frozen):
    """One table. A draft is carried to be read, and applied to nobody."""

    id: Identifier
    title: Title
    status: Literal["in_force", "draft"] = "in_force"
    legal_basis: tuple[BasisRef, ...] = Field(min_length=1)
    rows: tuple[PlotRow, ...] = Field(min_length=1)

    def asked(self, measure: str, land_use: str, on_date: date) -> tuple[PlotRow, ...]:
        """The rows in force on a day that say something of this measure for this land type."""
        if self.status == "draft":
            return ()
        return tuple(
            row for row in self.rows
            if land_use in row.land_uses and row.asks(measure) and row.valid.holds_on(on_date)
        )  # fmt: skip


def kind_of(commune: Commune) -> str:
    """The kind of a commune as rows name it."""
    word = commune.kind.strip().lower()
    return _WRITTEN.get(word, word)


def row_for(rows: tuple[PlotRow, ...], commune: Commune) -> PlotRow | None:
    """The most particular row for a commune; None where none speaks of it."""
    return min((row for row in rows if row.is_for(commune)), key=lambda row: row.rank, default=None)
