"""What one file of a profile says about another: every name must lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from layers.access.expect import unmet
from layers.access.grammar import Grant
from layers.access.validate import grant_problems
from layers.errors import FieldError

from .distances import layer_origin_errors
from .grammar import RASTER_COLUMNS, Attribute, CodeList, Commune, Holidays, Identity, LayerDefinition, ProfileHeader
from .placed import Placed
from .plot_references import plot_rule_errors
from .plot_rules import PlotRules
from .procedure_references import Known, procedure_errors
from .procedures import ProcedureDefinition
from .source import Location

#: the type a role's column must have, where only some make sense
ROLE_TYPES = {
    "effective_from": ("date", "datetime"), "effective_to": ("date", "datetime"),
    "registered_area": ("number", "integer"), "accuracy": ("number",), "scale": ("integer",),
}  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """All files of a profile, read one by one."""

    header: Placed[ProfileHeader]
    layers: Sequence[Placed[LayerDefinition]]
    procedures: Sequence[Placed[ProcedureDefinition]]
    codes: Sequence[Placed[CodeList]]
    communes: tuple[Commune, ...]
    holidays: Holidays
    grants: Sequence[Placed[Grant]]
    identities: Sequence[Placed[Identity]]
    unread: frozenset[str]  #: layers whose own file does not hold: naming them is no second error
    plot_rules: Sequence[Placed[PlotRules]] = ()

    @cached_property
    def layer(self) -> dict[str, LayerDefinition]:
        return {placed.value.id: placed.value for placed in self.layers}

    @cached_property
    def code_lists(self) -> frozenset[str]:
        return frozenset(placed.value.id for placed in self.codes)

    @cached_property
    def commune_codes(self) -> frozenset[str]:
        return frozenset(commune.code for commune in self.communes)


def reference_errors(parts: Parts) -> Iterator[FieldError]:
    """Every name that leads nowhere, and every id that is used twice."""
    yield from _header_errors(parts)
    for layer in parts.layers:
        yield from _layer_errors(parts, layer)
    tables = {placed.value.id: placed.value for placed in parts.plot_rules}
    commune = parts.header.value.reference_layers.commune
    known = Known(parts.layer, parts.code_lists, parts.unread, tables, parts.layer.get(commune or ""))
    for rules in parts.plot_rules:
        yield from plot_rule_errors(rules, parts.layer, parts.unread, parts.commune_codes)
    for procedure in parts.procedures:
        yield from procedure_errors(known, procedure)
    for grant in parts.grants:
        yield from grant_errors(parts, grant)
    for group in (parts.layers, parts.procedures, parts.codes, parts.grants, parts.identities, parts.plot_rules):
        yield from repeated(group)


Identified = (
    Placed[LayerDefinition]
    | Placed[ProcedureDefinition]
    | Placed[CodeList]
    | Placed[Grant]
    | Placed[Identity]
    | Placed[PlotRules]
)


def repeated(group: Sequence[Identified]) -> Iterator[FieldError]:
    """Every id that is used twice."""
    first: dict[str, str] = {}
    for placed in group:
        name = placed.value.id
        if name in first:
            yield placed.error(("id",), f"mã '{name}' đã dùng ở {first[name]}", f"'{name}' is taken by {first[name]}")
        first.setdefault(name, placed.source.path)


# ── profile.yaml ─────────────────────────────────────────────────────────────────────────────────
def _header_errors(parts: Parts) -> Iterator[FieldError]:
    header = parts.header
    for name, layer in header.value.reference_layers.model_dump().items():
        if layer and layer not in parts.layer and layer not in parts.unread:
            yield _no_layer(header, ("reference_layers", name), layer)
    for number, zone in enumerate(header.value.crs.zones):
        if isinstance(zone.area, tuple) and isinstance(zone.area[0], str):
            yield from _commune_errors(parts, header, ("crs", "zones", number, "area"), zone.area)


def _no_layer(placed: Placed[ProfileHeader], at: Location, layer: str) -> FieldError:
    return placed.error(at, f"không có lớp '{layer}'", f"there is no layer '{layer}'")


def _commune_errors(
    parts: Parts,
    placed: Placed[ProfileHeader] | Placed[LayerDefinition],
    at: Location,
    codes: tuple[object, ...],
) -> Iterator[FieldError]:
    for number, code in enumerate(codes):
        if parts.communes and str(code) not in parts.commune_codes:
            vi, en = f"không có xã mã '{code}' trong communes.csv", f"communes.csv has no commune '{code}'"
            yield placed.error((*at, number), vi, en)


# ── layers ───────────────────────────────────────────────────────────────────────────────────────
def _layer_errors(parts: Parts, layer: Placed[LayerDefinition]) -> Iterator[FieldError]:
    definition, header = layer.value, parts.header.value
    if header.sectors and definition.sector not in header.sectors:
        listed = ", ".join(header.sectors)
        yield layer.error(("sector",), f"chưa có trong sectors: {listed}", f"not one of the sectors: {listed}")
    if definition.scale is not None and header.accuracy_of_scale_m(definition.scale) is None:
        vi = f"không biết sai số của tỷ lệ 1:{definition.scale}; thêm vào scale_accuracy_m trong profile.yaml"
        en = f"the accuracy of 1:{definition.scale} is not known; add it to scale_accuracy_m in profile.yaml"
        yield layer.error(("scale",), vi, en)
    if isinstance(definition.complete_for, tuple):
        yield from _commune_errors(parts, layer, ("complete_for",), definition.complete_for)
    for number, attribute in enumerate(definition.attributes):
        yield from _attribute_errors(parts, layer, ("attributes", number), attribute)
    yield from _column_errors(layer)
    yield from _role_errors(layer)
    for at, message in layer_origin_errors(definition):
        yield layer.error(at, message.vi, message.en)
    if layer.value.is_raster:
        yield from _class_errors(layer)
        yield from _raster_errors(layer)


def _raster_errors(layer: Placed[LayerDefinition]) -> Iterator[FieldError]:
    """A raster has no rows: its columns are what a check tells of a class, and it is keyed by the class."""
    listed = ", ".join(f"{name} ({kind})" for name, kind in RASTER_COLUMNS.items())
    for number, attribute in enumerate(layer.value.attributes):
        if RASTER_COLUMNS.get(attribute.name) != attribute.type or attribute.role:
            vi, en = f"raster chỉ có các cột {listed}", f"a raster has no other columns than {listed}"
            yield layer.error(("attributes", number, "name"), vi, en)
    if layer.value.key_columns not in ((), ("class",)):
        yield layer.error(("key",), "khóa của raster là 'class'", "the key of a raster is 'class'")
    for name in ("basis_from", "label"):
        if getattr(layer.value, name) is not None:
            yield layer.error((name,), f"raster không có '{name}'", f"a raster has no '{name}'")


def _class_errors(layer: Placed[LayerDefinition]) -> Iterator[FieldError]:
    """Classes of a raster named twice, and values that would belong to two of them."""
    classes = layer.value.classes
    for number, one in enumerate(classes):
        for earlier in classes[:number]:
            if earlier.number == one.number:
                vi, en = f"lớp giá trị {one.number} lặp lại", f"the class {one.number} is repeated"
                yield layer.error(("classes", number, "class"), vi, en)
            elif earlier.meets(one):
                vi = f"giá trị trùng với lớp {earlier.number}: mỗi giá trị chỉ thuộc một lớp"
                en = f"shares values with the class {earlier.number}: a value belongs to one class"
                yield layer.error(("classes", number), vi, en)


def _column_errors(layer: Placed[LayerDefinition]) -> Iterator[FieldError]:
    """Columns named twice, and columns of the key, the label and the basis that are not there."""
    definition, names = layer.value, set[str]()
    for number, attribute in enumerate(definition.attributes):
        if attribute.name in names:
            vi, en = f"cột '{attribute.name}' lặp lại", f"the column '{attribute.name}' is repeated"
            yield layer.error(("attributes", number, "name"), vi, en)
        names.add(attribute.name)
    referred: list[tuple[Location, str | None]] = [(("label",), name) for name in definition.label_columns]
    referred += [(("key", number), name) for number, name in enumerate(definition.key_columns)]
    if definition.basis_from:
        referred += [(("basis_from", part), name) for part, name in definition.basis_from.model_dump().items()]
    for at, name in referred:
        if name and name not in names:
            yield layer.error(at, f"không có cột '{name}'", f"there is no column '{name}'")


def _attribute_errors(
    parts: Parts, layer: Placed[LayerDefinition], at: Location, attribute: Attribute
) -> Iterator[FieldError]:
    if attribute.codes and attribute.codes not in parts.code_lists:
        name = attribute.codes
        yield layer.error((*at, "codes"), f"không có danh mục mã '{name}'", f"there is no code list '{name}'")
    for number, item in enumerate(attribute.items):
        yield from _attribute_errors(parts, layer, (*at, "items", number), item)


def _role_errors(layer: Placed[LayerDefinition]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, attribute in enumerate(layer.value.attributes):
        role, at = attribute.role, ("attributes", number, "role")
        if role is None:
            continue
        if role in seen:
            yield layer.error(at, f"vai trò '{role}' đã có ở cột khác", f"another column has the role '{role}'")
        if attribute.type not in ROLE_TYPES.get(role, (attribute.type,)):
            wanted = ", ".join(ROLE_TYPES[role])
            yield layer.error(at, f"vai trò '{role}' cần kiểu {wanted}", f"the role '{role}' needs the type {wanted}")
        seen.add(role)
    if layer.value.geometry == "none" and not (
        "national_code" in seen or {"commune", "sheet", "parcel_number"} <= seen
    ):
        vi = "lớp không hình học cần vai trò commune, sheet, parcel_number, hoặc national_code"
        en = "a layer without geometry needs the roles commune, sheet, parcel_number, or national_code"
        yield layer.error(("geometry",), vi, en)


# ── grants ───────────────────────────────────────────────────────────────────────────────────────
def grant_errors(parts: Parts, grant: Placed[Grant]) -> Iterator[FieldError]:
    """Layers, columns, levels, claims and identities that a grant names and the profile does not have."""
    identities = frozenset(placed.value.id for placed in parts.identities)
    for problem in grant_problems(grant.value, parts.layer, identities, parts.unread):
        yield grant.error(problem.at, problem.message.vi, problem.message.en)


def expectation_errors(parts: Parts, day: date) -> Iterator[FieldError]:
    """Every `expect:` that the grants together do not meet; only for parts without any other error."""
    identities = [placed.value for placed in parts.identities]
    placed = {grant.value.id: grant for grant in parts.grants}
    for failed in unmet([grant.value for grant in parts.grants], identities, parts.layer.values(), day=day):
        yield placed[failed.grant].error(failed.at, failed.message.vi, failed.message.en)
