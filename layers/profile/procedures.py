"""The grammar of procedures (contracts 1). `bind` makes plain values of `gis.procedure` of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from gis.procedure import NEVER_FAIL, Origin, Outcome, Relation, Verdict

from .grammar import BasisRef, Frozen, Identifier, Text, Title

#: a threshold is a number or a reference to an input
Quantity = Annotated[float | Annotated[str, Field(pattern=r"^:input\.[a-z][a-z0-9_]*$")], Field()]


class DistanceByColumn(Frozen):
    """The distance that is stored on each feature, such as an approved width."""

    column: Identifier
    otherwise_m: float = Field(gt=0, description="of a feature that has none: within it the check can at most refer")
    at_most_m: float = Field(gt=0, description="the largest there is: candidates are looked for so far")


class DistanceByClass(Frozen):
    """The distance by what a feature is. Values of several columns are joined by '/'; later ones may be left out."""

    by: Identifier | tuple[Identifier, ...]
    metres: dict[str, Annotated[float, Field(ge=0)]] = Field(min_length=1)
    otherwise_m: float | None = Field(default=None, gt=0, description="of an unknown class; else the largest of all")

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by


def _kind_of_distance(value: object) -> str:
    if isinstance(value, DistanceByClass) or (isinstance(value, dict) and "by" in value):
        return "distance: by class"
    return "distance: column" if isinstance(value, DistanceByColumn | dict) else "distance: number"


Distance = Annotated[
    Annotated[Quantity, Tag("distance: number")]
    | Annotated[DistanceByColumn, Tag("distance: column")]
    | Annotated[DistanceByClass, Tag("distance: by class")],
    Discriminator(_kind_of_distance),
]


InputName = Annotated[str, Field(pattern=r"^:input\.[a-z][a-z0-9_]*$")]


class Validity(Frozen):
    """Both ends belong to the period; an open end is open."""

    from_: date | None = Field(default=None, alias="from")
    to: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.from_ is None or self.from_ <= day) and (self.to is None or day <= self.to)


class InputDefinition(Frozen):
    """One question a procedure asks the applicant."""

    name: Identifier
    type: Literal["string", "integer", "number", "boolean", "date", "code"]
    title: Title | None = None
    codes: Identifier | None = None
    unit: str | None = None
    required: bool = False
    min: float | None = None
    max: float | None = None


class CheckBase(Frozen):
    """What every kind of check has."""

    id: Identifier
    title: Title | None = None
    applies_when: str | None = None
    verdict: dict[Outcome, Verdict] = Field(default_factory=dict)
    required: bool = True
    verified: bool = True
    basis: tuple[Text, ...] = Field(default=(), description="numbers of the profile's or the layer's legal basis")
    office: Title | None = None
    valid: Validity | None = None

    @model_validator(mode="after")
    def _only_clear_may_pass(self) -> Self:
        passing = [o.value for o, v in self.verdict.items() if v is Verdict.PASS and o is not Outcome.CLEAR]
        if passing:
            raise ValueError(f"chỉ 'clear' được 'pass' / only 'clear' may map to 'pass': {', '.join(passing)}")
        return self


class RelationCheck(Frozen):
    """A relation to a layer with its parameters: a check of its own, or a member of a group."""

    layer: Identifier
    relation: Relation
    when: str | None = None
    min_area_m2: Quantity = 0.0
    at_least_m2: Quantity | None = None
    min_length_m: Quantity = 0.0
    distance_m: Distance = 0.0
    measured_from: Origin | None = Field(default=None, description="what the distance is legally measured from")
    origin_margin_m: float | None = Field(
        default=None, gt=0, description="how far that may lie from what the layer shows, where it is not known"
    )
    classes: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _has_its_parameter(self) -> Self:
        if self.relation is Relation.COVERS_AREA and self.at_least_m2 is None:
            raise ValueError("'covers_area' cần 'at_least_m2' / needs 'at_least_m2'")
        if self.relation is Relation.WITHIN_DISTANCE and not self.distance_m:
            raise ValueError("'within_distance' cần 'distance_m' / needs 'distance_m'")
        return self

    @model_validator(mode="after")
    def _measures_what_it_says(self) -> Self:
        if self.relation is Relation.WITHIN_DISTANCE:
            return self
        given = [name for name in ("measured_from", "origin_margin_m") if getattr(self, name) is not None]
        given += [] if isinstance(self.distance_m, float | str) else ["distance_m"]
        if given:
            listed = ", ".join(given)
            raise ValueError(f"chỉ dùng với 'within_distance' / only with 'within_distance': {listed}")
        return self


class LayerCheck(CheckBase, RelationCheck):
    """One relation to one layer."""

    kind: Literal["layer"] = "layer"


class GroupMember(RelationCheck):
    """A ground of a group; it has a name of its own only in reports."""

    id: Identifier | None = None


class GroupCheck(CheckBase):
    """`any_of`: one sufficient ground is enough."""

    kind: Literal["group"] = "group"
    any_of: tuple[GroupMember, ...] = Field(min_length=2)
    on_conflict: Verdict = Verdict.REFER
    none: Verdict = Verdict.FAIL
    nothing_mapped: Verdict = Verdict.REFER

    @model_validator(mode="after")
    def _only_a_ground_may_pass(self) -> Self:
        passing = [name for name in ("none", "nothing_mapped") if getattr(self, name) is Verdict.PASS]
        if passing:
            raise ValueError(f"chỉ 'clear' được 'pass' / only 'clear' may map to 'pass': {', '.join(passing)}")
        return self


#: how the sources of a measure lie to the subject; the others have none
_SOURCES = {
    "net_area_m2": Relation.OVERLAPS_AREA, "frontage_m": Relation.WITHIN_DISTANCE,
    "depth_m": Relation.WITHIN_DISTANCE, "access": Relation.WITHIN_DISTANCE,
}  # fmt: skip


class SubjectCheck(CheckBase):
    """A question about the subject itself. With `plot_rules` the bound is that of the commune and the land type."""

    kind: Literal["subject"]
    measure: Literal[
        "area_m2", "registered_difference_m2", "registered_difference_share", "net_area_m2", "frontage_m", "depth_m",
        "access",
    ]  # fmt: skip
    at_least: Quantity | None = None
    at_most: Quantity | None = None
    plot_rules: Identifier | None = Field(default=None, description="the table whose rows say the bound")
    land_use: InputName | None = Field(default=None, description="the input that says the land type of the plot")
    sources: tuple[RelationCheck, ...] = Field(
        default=(), description="the layers it is measured with: road land (within_distance), excluded ground"
    )

    @model_validator(mode="after")
    def _can_be_measured(self) -> Self:
        if (self.plot_rules is None) != (self.land_use is None):
            raise ValueError("plot_rules đi cùng land_use / plot_rules goes with land_use")
        wanted = _SOURCES.get(self.measure)
        if any(source.relation is not wanted for source in self.sources):
            raise ValueError(f"'{self.measure}' cần nguồn '{wanted or '-'}' / takes sources of '{wanted or '-'}' only")
        if not self.sources and wanted is not None:
            raise ValueError(f"'{self.measure}' cần 'sources' / needs 'sources'")
        if self.measure in NEVER_FAIL and Verdict.FAIL in self.verdict.values():
            vi, en = "lối đi riêng có thể đủ: không kết luận 'fail'", "a private path may do: it can at worst refer"
            raise ValueError(f"{vi} / {en}")
        return self

    @model_validator(mode="after")
    def _bounds_a_difference_above(self) -> Self:
        if self.measure.startswith("registered_") and (self.at_most is None or self.at_least is not None):
            raise ValueError(f"'{self.measure}' chỉ dùng 'at_most' / takes 'at_most' and nothing else")
        return self


def _kind_of(value: object) -> str:
    """Which check is meant, so that an error speaks about one kind only."""
    if not isinstance(value, dict):
        return f"kind: {getattr(value, 'kind', 'layer')}"
    return f"kind: {value.get('kind') or ('group' if 'any_of' in value else 'layer')}"


#: the tags are no keys of the grammar: `load` passes over them when it looks for the line of an error
AnyCheck = Annotated[
    Annotated[LayerCheck, Tag("kind: layer")]
    | Annotated[GroupCheck, Tag("kind: group")]
    | Annotated[SubjectCheck, Tag("kind: subject")],
    Discriminator(_kind_of),
]


def relations_of(check: LayerCheck | GroupCheck | SubjectCheck) -> tuple[RelationCheck, ...]:
    """The relations to layers that a check is made of: one, its members', its sources."""
    if isinstance(check, GroupCheck):
        return check.any_of
    return (check,) if isinstance(check, LayerCheck) else check.sources


class ProcedureDefinition(Frozen):
    """`procedures/*.yaml`: a coded administrative procedure naming its checks."""

    id: Identifier
    national_code: Text | None = None
    title: Title
    valid: Validity = Validity()
    deadline_working_days: int | None = None
    purpose: Identifier | None = None
    inputs: tuple[InputDefinition, ...] = ()
    legal_basis: tuple[BasisRef, ...] = ()
    checks: tuple[AnyCheck, ...] = Field(min_length=1)

    def layers(self) -> frozenset[str]:
        """Every layer any check reads."""
        return frozenset(relation.layer for check in self.checks for relation in relations_of(check))
