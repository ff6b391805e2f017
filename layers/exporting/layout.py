"""What a file has: its columns, its shapes, its coordinate system. Made of definition and decision, never of rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from layers.access.decision import Decision
from layers.profile.grammar import Attribute, CodeList, LayerDefinition
from layers.profile.profile import Profile

FID = "fid"
Batches = Iterator[pa.RecordBatch]

_ARROW: Mapping[str, pa.DataType] = {
    "string": pa.string(), "code": pa.string(), "list": pa.string(), "integer": pa.int64(), "number": pa.float64(),
    "boolean": pa.bool_(), "date": pa.date32(), "datetime": pa.timestamp("us", tz="UTC"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute as a column of a file; a list is JSON text."""

    name: str
    type: str  #: of the definition's words
    title: str = ""

    @property
    def arrow(self) -> pa.DataType:
        return _ARROW[self.type]


@dataclass(frozen=True, slots=True)
class Layout:
    """`geometry` is the type every shape has, 'Geometry' where they may differ, None without shapes."""

    layer: str
    columns: tuple[Column, ...]
    geometry: str | None
    crs: str  #: for PROJ, axes always x, y: 'EPSG:9210', 'OGC:CRS84'
    has_missing_shapes: bool = False  #: some rows may come without one
    label: str | None = None  #: template, all of whose columns are here
    sorting_code: str | None = None  #: the column whose code sorts a drawing into layers
    codes: tuple[tuple[str, str | None], ...] = ()  #: its codes with their colours, '#rrggbb'
    has_points_only: bool = False  #: of a table: a point on each shape instead of the shape

    @property
    def shape_column(self) -> str:
        """The name of the column with the shapes."""
        return _free("geometry", [column.name for column in self.columns])

    @property
    def box_column(self) -> str:
        return _free("bbox", [column.name for column in self.columns])

    @property
    def schema(self) -> pa.Schema:
        """Of every batch: fid, the columns, the shape as WKB."""
        fields = [pa.field(FID, pa.int64(), nullable=False), *(pa.field(c.name, c.arrow) for c in self.columns)]
        return pa.schema(fields + ([pa.field(self.shape_column, pa.binary())] if self.geometry else []))


def layout_of(
    definition: LayerDefinition, decision: Decision, profile: Profile, language: str, *, crs: str,
    properties: Collection[str] | None = None, has_geometry: bool = True, has_points_only: bool = False,
) -> Layout:  # fmt: skip
    """The columns the decision may show, or those of `properties`."""
    shown = [
        attribute for attribute in definition.attributes
        if attribute.name in decision.columns and (properties is None or attribute.name in properties)
    ]  # fmt: skip
    names = {attribute.name for attribute in shown}
    has_label = bool(definition.label_columns) and names.issuperset(definition.label_columns)
    sorting = next((each for each in shown if each.type == "code"), None)
    kinds = {box.geometry.kind for box in decision.boxes}
    return Layout(
        layer=definition.id,
        columns=tuple(Column(each.name, each.type, _title(each, language)) for each in shown),
        geometry=_geometry(definition, kinds) if has_geometry and decision.has_geometry else None,
        crs=crs,
        has_missing_shapes="none" in kinds,
        label=definition.label if has_label else None,
        sorting_code=sorting.name if sorting else None,
        codes=_codes(sorting, profile.codes) if sorting else (),
        has_points_only=has_points_only,
    )


def _geometry(definition: LayerDefinition, kinds: Collection[str]) -> str:
    """Shapes that are shown coarsely may be points."""
    return definition.stored_geometry if {"full", "none"}.issuperset(kinds) else "Geometry"


def _title(attribute: Attribute, language: str) -> str:
    return attribute.title.message().in_language(language) if attribute.title else ""


def _codes(attribute: Attribute, lists: Iterable[CodeList]) -> tuple[tuple[str, str | None], ...]:
    found = next((each for each in lists if each.id == attribute.codes), None)
    return () if found is None else tuple((entry.code, entry.color) for entry in found.entries)


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or the first one with a number behind it that no column has."""
    candidates = (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in candidates if each not in taken)
