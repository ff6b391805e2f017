"""The grammar of a profile: layers, code lists, identities. Procedures and grants have files of their own.

Everything is frozen and closed: an unknown key is an error. `load` adds file and line to what pydantic says.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from gis.errors import Message
from gis.procedure import Origin
from gis.rasters import ValueClass

from . import sortable

IDENTIFIER = r"^[a-z][a-z0-9_]{0,47}$"
#: columns of every data table; an attribute must not take their names
RESERVED_COLUMNS = frozenset(
    {
        *("fid", "key", "since", "until", "row_hash", "is_plain"),
        *("geom", "geom_4326", "geom_3857", "min_zoom", "clearance_m"),
    }
)
#: what a check tells of a class of a raster: columns like any others, with tags of their own
RASTER_COLUMNS = {"class": "integer", "title": "string", "share": "number"}
#: the class that says "nothing here": without `classes:` a rule asks for every other one
NO_CLASS = 0
#: metres for a map scale denominator (domain reference 2.4); a profile may override them
SCALE_ACCURACY_M = {200: 0.05, 500: 0.07, 1000: 0.15, 2000: 0.30, 5000: 1.5, 10000: 3.0}

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
Tag = Literal["public", "internal", "personal", "commercial"]
Sharing = Literal["open", "shared", "restricted"]
ValueType = Literal["string", "integer", "number", "boolean", "date", "datetime", "code", "list"]
GeometryType = Literal[
    "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "Geometry", "none", "raster"
]
Role = Literal[
    "effective_from", "effective_to", "registered_area", "commune", "accuracy", "scale", "quality",
    "sheet", "parcel_number", "previous_sheet", "previous_parcel", "national_code",
]  # fmt: skip


class Frozen(BaseModel):
    """A value of the grammar: closed, immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Title(Frozen):
    """A text in both languages."""

    vi: str
    en: str

    def message(self) -> Message:
        return Message(self.vi, self.en)


class BasisRef(Frozen):
    """A legal document. What the domain reference marks as recalled is `verified: false`."""

    number: Text
    title: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    verified: bool = True


class BasisFrom(Frozen):
    """The columns that name the decision behind each feature."""

    number: Identifier
    date: Identifier | None = None


class Attribute(Frozen):
    """One column of a layer. A column without a tag is hidden from everybody until it is tagged."""

    name: Identifier
    type: ValueType = "string"
    title: Title | None = None
    required: bool = False
    from_: tuple[str, ...] = Field(default=(), alias="from", description="names in source files, case ignored")
    tag: Tag | None = None
    role: Role | None = None
    unit: str | None = None
    codes: Identifier | None = None
    items: tuple[Attribute, ...] = Field(default=(), description="columns of one entry of a list")
    indexed: bool = False
    sortable: bool = False
    searchable: bool = Field(default=False, description="its words have an index for the parameter q")
    enum: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.name in RESERVED_COLUMNS:
            raise ValueError(f"'{self.name}' là tên dành riêng / is a reserved column name")
        if self.type == "code" and not self.codes:
            raise ValueError("kiểu 'code' cần 'codes' / type 'code' needs 'codes'")
        if self.searchable and self.type != "string":
            raise ValueError("'searchable' chỉ dùng với kiểu 'string' / 'searchable' goes with type 'string'")
        if (self.type == "list") != bool(self.items):
            raise ValueError("'items' đi cùng kiểu 'list' / 'items' goes with type 'list'")
        return self

    @property
    def is_scalar(self) -> bool:
        return self.type != "list"


class RasterClass(Frozen):
    """What some values of a raster's cells mean: one value, or all from `from` up to, but not, `to`."""

    number: int = Field(alias="class", ge=0, le=250)
    value: float | None = Field(default=None, allow_inf_nan=False)
    from_: float | None = Field(default=None, alias="from", allow_inf_nan=False)
    to: float | None = Field(default=None, allow_inf_nan=False)
    title: Title
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        is_span = self.from_ is not None or self.to is not None
        if (self.value is not None) == is_span:
            raise ValueError("cần 'value', hoặc 'from' và/hoặc 'to' / needs 'value', or 'from' and/or 'to'")
        if self.low >= self.high and self.value is None:
            raise ValueError("'from' phải nhỏ hơn 'to' / 'from' must be less than 'to'")
        return self

    @property
    def low(self) -> float:
        return self.value if self.value is not None else float("-inf") if self.from_ is None else self.from_

    @property
    def high(self) -> float:
        return self.value if self.value is not None else float("inf") if self.to is None else self.to

    def meets(self, other: RasterClass) -> bool:
        """Whether some value belongs to both."""
        if self.value is not None and other.value is not None:
            return self.value == other.value
        if self.value is not None:
            return other.low <= self.value < other.high
        if other.value is not None:
            return other.meets(self)
        return self.low < other.high and other.low < self.high


class OriginByColumn(Frozen):
    """The column that says of each feature what its shape shows."""

    column: Identifier
    kinds: dict[str, Origin] = Field(min_length=1)
    otherwise: Origin


class HalfWidthDefinition(Frozen):
    """The column that leads from the middle of a feature to its outer side."""

    column: Identifier
    whole: bool = Field(default=False, description="the column holds the whole width: half of it counts")
    to: Origin = Field(description="what the half width leads to")
    at_most_m: float = Field(gt=0, description="the largest half there is: candidates are looked for so far")


class LayerDefinition(Frozen):
    """A theme a sector answers for."""

    model_config = ConfigDict(json_schema_extra=sortable.in_schema)

    id: Identifier
    sector: Identifier
    title: Title
    description: Title | None = None
    geometry: GeometryType
    key: Identifier | tuple[Identifier, ...] | None = Field(
        default=None,
        description="the column that names a feature, or several, joined by '.' in this order; none: by fingerprint",
    )
    scale: int | None = None
    accuracy_m: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_age_days: int | None = Field(default=None, gt=0)
    sharing: Sharing = "shared"
    discoverable: bool = False
    existence: Literal["visible", "secret"] = "visible"
    hide_activity: bool = False
    duplicates: Literal["refuse", "keep"] = "refuse"
    complete_for: Literal["all"] | tuple[str, ...] | None = None
    precisions_m: tuple[float, ...] = ()
    label: str | None = Field(default=None, description="a template such as 'Thửa {so_thua}, tờ {so_to}'")
    style: dict[str, object] = Field(default_factory=dict, description="MapLibre paint, by layer type")
    custodian: Title | None = None
    attributes: tuple[Attribute, ...] = ()
    classes: tuple[RasterClass, ...] = Field(default=(), description="of a raster: what its values mean")
    unit: str | None = Field(default=None, description="of a raster: the unit of its values")
    legal_basis: tuple[BasisRef, ...] = ()
    basis_from: BasisFrom | None = None
    origin: Origin | OriginByColumn | None = Field(
        default=None, description="what the shapes show; a rule says what a distance is measured from"
    )
    half_width: HalfWidthDefinition | None = None

    @model_validator(mode="before")
    @classmethod
    def _sortable_is_said_of_columns(cls, value: object) -> object:
        return sortable.said_of_columns(value)

    @field_validator("key", mode="before")
    @classmethod
    def _none_is_no_key(cls, value: object) -> object:
        return None if value in ("none", None, [], ()) else value

    @model_validator(mode="after")
    def _is_a_raster_or_not(self) -> Self:
        if not self.is_raster:
            if self.classes or self.unit:
                raise ValueError("'classes', 'unit' chỉ dùng với raster / are for rasters only")
            return self
        if not self.classes:
            raise ValueError("raster cần 'classes' / a raster needs 'classes'")
        return self

    def __hash__(self) -> int:
        return hash(self.id)  # equality stays that of the whole value

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns of the key in order: `key` in the tables is their texts joined by '.'; () is no key."""
        if self.key is None:
            return ()
        return (self.key,) if isinstance(self.key, str) else self.key

    def attribute(self, name: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def by_role(self, role: Role) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.role == role), None)

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns the label's template names."""
        return tuple(re.findall(r"{(\w+)}", self.label or ""))

    @property
    def is_raster(self) -> bool:
        return self.geometry == "raster"

    @property
    def has_geometry(self) -> bool:
        return self.geometry not in ("none", "raster")

    @property
    def value_classes(self) -> tuple[ValueClass, ...]:
        """The classes of a raster as the kernel takes them."""
        return tuple(ValueClass(one.number, one.low, one.high, one.value is not None) for one in self.classes)

    def asked_classes(self, classes: tuple[int, ...]) -> frozenset[int]:
        """The classes a rule asks for: those it names, else all but the one that says "nothing here"."""
        return frozenset(classes or (one.number for one in self.classes if one.number != NO_CLASS))

    @property
    def stored_geometry(self) -> str:
        """The type in the table: single shapes are promoted to multi."""
        return self.geometry if self.geometry.startswith(("Multi", "Geometry")) else f"Multi{self.geometry}"


class CodeEntry(Frozen):
    """One code; `replaces` maps codes of older generations onto it."""

    code: str
    title: Title
    group: str | None = None
    replaces: tuple[str, ...] = ()
    color: str | None = None
    total: bool = Field(default=False, description="a total of others: not valid on a single feature")


class CodeList(Frozen):
    """A code list of a profile (land types, voltage levels)."""

    id: Identifier
    title: Title
    basis: BasisRef | None = None
    entries: tuple[CodeEntry, ...]

    def current(self, code: str) -> str | None:
        """The code of this generation for a code of this or an older one; None when unknown."""
        for entry in self.entries:
            if entry.code == code or code in entry.replaces:
                return entry.code
        return None


#: layers are pieced in a zone so far beyond its area, besides their largest reach: what a subject may stick out of its
#: zone, later and longer reaches, accuracies and the scale of a projection far from its meridian have to fit in here
ZONE_MARGIN_M = 10_000.0


class ZoneDefinition(Frozen):
    """A measuring zone: the CRS in which areas and distances are taken, and where it holds."""

    crs: str = Field(pattern=r"^EPSG:\d+$")
    area: str | tuple[str, ...] | tuple[float, float, float, float] | dict[str, object] | None = Field(
        default=None,
        description="commune codes, a bbox in CRS84, or a GeoJSON file, which `load` replaces by the geometry in it; "
        "one zone needs none",
    )


class CrsDefinition(Frozen):
    """Storage CRS, the named operation to WGS 84, and the measuring zones."""

    storage: str = Field(pattern=r"^EPSG:\d+$")
    to_wgs84: str = Field(pattern=r"^EPSG:\d+$", description="the operation, never PROJ's choice (design 8)")
    zones: tuple[ZoneDefinition, ...] = ()

    @model_validator(mode="after")
    def _has_a_zone(self) -> Self:
        if not self.zones:
            object.__setattr__(self, "zones", (ZoneDefinition(crs=self.storage),))
        if len(self.zones) > 1 and any(zone.area is None for zone in self.zones):
            raise ValueError("nhiều múi chiếu thì mỗi múi cần 'area' / several zones: each needs an 'area'")
        return self


class ReferenceLayers(Frozen):
    """The layers other rules refer to. Without `commune`, commune match and commune scope are off."""

    commune: Identifier | None = None
    parcel: Identifier


class CheckOnly(Frozen):
    """How much is told of layers that may be checked but not seen, and who registers dossiers."""

    registrars: tuple[str, ...] = Field(default=(), description="roles that may register dossiers")
    per_dossier: int = Field(default=3, ge=1, le=1000, description="answers under one dossier, ever")
    per_user_day: int = Field(default=100, ge=1, le=100_000, description="answers for one person on one day")
    tick_ms: int = Field(default=500, ge=10, le=10_000, description="answers leave after whole ticks only")
    pad_bytes: int = Field(default=4096, ge=256, le=1_048_576, description="answers have a multiple of this length")


class ProfileHeader(Frozen):
    """`profile.yaml`."""

    id: Identifier
    title: Title | None = None
    languages: tuple[Literal["vi", "en"], ...] = ("vi", "en")
    crs: CrsDefinition
    reference_layers: ReferenceLayers
    calendar: str | None = None
    province: Title | None = None
    sectors: dict[Identifier, Title] = Field(default_factory=dict)
    scale_accuracy_m: dict[int, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    check_only: CheckOnly = CheckOnly()
    extent: tuple[float, float, float, float] | None = Field(default=None, description="declared, CRS84")

    def accuracy_of_scale_m(self, scale: int) -> float | None:
        return {**SCALE_ACCURACY_M, **self.scale_accuracy_m}.get(scale)


class Commune(Frozen):
    """One row of `communes.csv`: a unit with its generation, and the units it came from."""

    code: str
    name: str
    kind: str
    generation: int
    successors: tuple[str, ...] = ()  #: codes of the 2025 generation an old unit went into


class Holidays(Frozen):
    """`holidays.yaml`: days that are not working days, besides weekends; and weekend days that are."""

    days: tuple[date, ...] = ()
    working: tuple[date, ...] = ()


class Identity(Frozen):
    """A demo identity. Real identities come from the province's sign-on, never from a profile."""

    id: Identifier
    title: Title
    roles: tuple[str, ...] = ()
    office: str | None = None
    sector: str | None = None
    claims: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    purposes: tuple[str, ...] = ()
