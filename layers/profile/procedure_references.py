"""What a procedure says about layers, codes, columns, inputs and legal documents: every name must lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gis.procedure import Relation
from layers.errors import FieldError

from .conditions import condition_error, inputs_in, properties_of
from .distances import distance_errors
from .grammar import LayerDefinition
from .placed import Placed
from .plot_rules import PlotRules
from .procedures import (
    AnyCheck,
    GroupCheck,
    InputDefinition,
    ProcedureDefinition,
    RelationCheck,
    SubjectCheck,
    relations_of,
)
from .source import Location

QUANTITIES = ("min_area_m2", "at_least_m2", "min_length_m", "distance_m")
_NUMERIC = ("number", "integer")
#: what a relation can be asked of; polygons and mixed geometry have an area
_SHAPES = {
    Relation.OVERLAPS_AREA: ("Polygon", "MultiPolygon", "Geometry"),
    Relation.COVERS_AREA: ("Polygon", "MultiPolygon", "Geometry"),
    Relation.INSIDE: ("Polygon", "MultiPolygon", "Geometry"),
    Relation.CROSSES_LINE: ("LineString", "MultiLineString", "Geometry"),
    Relation.CONTAINS_POINT: ("Point", "MultiPoint", "Geometry"),
    Relation.SAME_PARCEL: ("none",),
    Relation.RASTER_CLASS: ("raster",),
}
Placement = Placed[ProcedureDefinition]


@dataclass(frozen=True, slots=True)
class Known:
    """What names may lead to. `unread` are layers whose own file does not hold."""

    layers: Mapping[str, LayerDefinition]
    code_lists: frozenset[str]
    unread: frozenset[str]
    plot_rules: Mapping[str, PlotRules] = field(default_factory=dict)
    commune: LayerDefinition | None = None  #: the layer that says which commune a plot lies in


def procedure_errors(known: Known, procedure: Placement) -> Iterator[FieldError]:
    """Every name of a procedure that leads nowhere."""
    yield from _input_errors(known, procedure)
    ids: set[str] = set()
    for number, check in enumerate(procedure.value.checks):
        if check.id in ids:
            yield procedure.error(("checks", number, "id"), f"'{check.id}' lặp lại", f"'{check.id}' is repeated")
        ids.add(check.id)
        yield from _check_errors(known, procedure, ("checks", number), check)


def _input_errors(known: Known, procedure: Placement) -> Iterator[FieldError]:
    names: set[str] = set()
    for number, given in enumerate(procedure.value.inputs):
        at: Location = ("inputs", number)
        if given.name in names:
            yield procedure.error((*at, "name"), f"'{given.name}' lặp lại", f"'{given.name}' is repeated")
        names.add(given.name)
        if given.type == "code" and given.codes is None:
            yield procedure.error((*at, "codes"), "kiểu 'code' cần 'codes'", "the type 'code' needs 'codes'")
        if given.codes and given.codes not in known.code_lists:
            vi, en = f"không có danh mục mã '{given.codes}'", f"there is no code list '{given.codes}'"
            yield procedure.error((*at, "codes"), vi, en)


def _check_errors(known: Known, procedure: Placement, at: Location, check: AnyCheck) -> Iterator[FieldError]:
    yield from _basis_errors(known, procedure, at, check)
    if check.applies_when:
        found = condition_error(check.applies_when, {}, procedure.value.inputs)
        if found:
            yield procedure.error((*at, "applies_when"), found.vi, found.en)
    if isinstance(check, GroupCheck):
        for number, member in enumerate(check.any_of):
            yield from _relation_errors(known, procedure, (*at, "any_of", number), member)
    elif isinstance(check, SubjectCheck):
        yield from _subject_errors(procedure, at, check)
        for number, source in enumerate(check.sources):
            yield from _relation_errors(known, procedure, (*at, "sources", number), source)
        yield from _plot_errors(known, procedure, at, check)
    else:
        yield from _relation_errors(known, procedure, at, check)


def _subject_errors(procedure: Placement, at: Location, check: SubjectCheck) -> Iterator[FieldError]:
    for name in ("at_least", "at_most"):
        yield from _quantity_errors(procedure, (*at, name), getattr(check, name))
    if check.at_least is None and check.at_most is None and (check.plot_rules is None or check.measure == "access"):
        yield procedure.error(at, "cần 'at_least' hoặc 'at_most'", "'at_least' or 'at_most' is needed")


def _plot_errors(known: Known, procedure: Placement, at: Location, check: SubjectCheck) -> Iterator[FieldError]:
    """The table, the input that names the land type, the layers its rows leave out, and the layer of communes."""
    if check.plot_rules is None:
        return
    table, inputs = known.plot_rules.get(check.plot_rules), {given.name for given in procedure.value.inputs}
    if table is None:
        vi, en = f"không có bảng '{check.plot_rules}' trong plot_rules/", f"there is no table '{check.plot_rules}'"
        yield procedure.error((*at, "plot_rules"), vi, en)
        return
    for name in inputs_in(check.land_use):
        if name not in inputs:
            yield procedure.error((*at, "land_use"), f"không có đầu vào '{name}'", f"there is no input '{name}'")
    read = {source.layer for source in check.sources}
    left_out = {layer for row in table.rows for layer in row.excludes} if check.measure == "net_area_m2" else set()
    if table.status == "in_force" and left_out - read:
        listed = ", ".join(sorted(left_out - read))
        vi, en = f"thiếu nguồn cho lớp bị trừ: {listed}", f"sources lack layers that rows exclude: {listed}"
        yield procedure.error((*at, "sources"), vi, en)
    if known.commune is None or len(known.commune.key_columns) != 1:
        vi = "cần reference_layers.commune với khóa là mã xã để biết thửa đất thuộc xã nào"
        en = "reference_layers.commune, keyed by the commune code, is needed to tell a plot's commune"
        yield procedure.error((*at, "plot_rules"), vi, en)


def _relation_errors(known: Known, procedure: Placement, at: Location, check: RelationCheck) -> Iterator[FieldError]:
    for name in QUANTITIES:
        yield from _quantity_errors(procedure, (*at, name), getattr(check, name))
    definition = known.layers.get(check.layer)
    if definition is None:
        if check.layer not in known.unread:
            vi, en = f"không có lớp '{check.layer}'", f"there is no layer '{check.layer}'"
            yield procedure.error((*at, "layer"), vi, en)
        return
    fits = _SHAPES.get(check.relation, ())
    is_distance = check.relation is Relation.WITHIN_DISTANCE
    if definition.geometry not in fits and not (is_distance and definition.has_geometry):
        vi = f"'{check.relation}' không dùng được với lớp {definition.id} (hình học: {definition.geometry})"
        en = f"'{check.relation}' cannot be asked of the layer {definition.id} (geometry: {definition.geometry})"
        yield procedure.error((*at, "relation"), vi, en)
    yield from _class_errors(procedure, at, check, definition)
    for place, message in distance_errors(check, definition):
        yield procedure.error((*at, *place), message.vi, message.en)
    if check.when:
        found = condition_error(check.when, properties_of(definition), procedure.value.inputs)
        if found:
            yield procedure.error((*at, "when"), found.vi, found.en)


def _class_errors(
    procedure: Placement, at: Location, check: RelationCheck, definition: LayerDefinition
) -> Iterator[FieldError]:
    """Classes a rule names and the raster does not have; `when` has no row to read there."""
    known = {one.number for one in definition.classes}
    for number, asked in enumerate(check.classes):
        if asked not in known:
            listed = ", ".join(map(str, sorted(known))) or "–"
            vi = f"lớp '{definition.id}' không có lớp giá trị {asked}; có: {listed}"
            en = f"the layer '{definition.id}' has no class {asked}; it has: {listed}"
            yield procedure.error((*at, "classes", number), vi, en)
    if definition.is_raster and check.when:
        vi, en = "raster dùng 'classes', không dùng 'when'", "a raster is asked by 'classes', not by 'when'"
        yield procedure.error((*at, "when"), vi, en)


def _quantity_errors(procedure: Placement, at: Location, quantity: object) -> Iterator[FieldError]:
    inputs: dict[str, InputDefinition] = {given.name: given for given in procedure.value.inputs}
    for name in inputs_in(quantity if isinstance(quantity, str) else None):
        if name not in inputs:
            yield procedure.error(at, f"không có đầu vào '{name}'", f"there is no input '{name}'")
        elif inputs[name].type not in _NUMERIC:
            yield procedure.error(at, f"đầu vào '{name}' không phải là số", f"the input '{name}' is not a number")


def _basis_errors(known: Known, procedure: Placement, at: Location, check: AnyCheck) -> Iterator[FieldError]:
    numbers = {basis.number for basis in procedure.value.legal_basis}
    layers = {relation.layer for relation in relations_of(check)}
    if layers & known.unread:
        return
    for layer in layers & known.layers.keys():
        numbers |= {basis.number for basis in known.layers[layer].legal_basis}
    for number, name in enumerate(check.basis):
        if name not in numbers:
            vi = f"văn bản '{name}' không có trong legal_basis của thủ tục hoặc của lớp"
            en = f"'{name}' is not in the legal_basis of the procedure or of the layer"
            yield procedure.error((*at, "basis", number), vi, en)
