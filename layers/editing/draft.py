"""The row after a change: what was sent laid over what stands, within the caller's right. No input, no output.

Violations name columns the caller may write, or sees and may not; of the others nothing is said but that there is no
such property.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shapely.geometry.base import BaseGeometry

from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError
from layers.filters import GEOMETRY
from layers.profile.grammar import Attribute, CodeList, LayerDefinition
from layers.profile.profile import Profile

from .rights import Right
from .sent import Sent, Unsent
from .shapes import stored_shape
from .values import MisfitError, missing, require_accuracy, value_of


@dataclass(frozen=True, slots=True)
class Before:
    """What stands: nothing where a feature is made. `values` by column; `geometry` in the storage CRS."""

    values: Mapping[str, object]
    geometry: BaseGeometry | None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class After:
    values: Mapping[str, object]
    geometry: BaseGeometry | None
    written: frozenset[str]  #: columns that are other than before, with `geometry`


@dataclass(frozen=True, slots=True)
class Terms:
    """How a body is to be understood."""

    crs: str
    is_whole: bool  #: what is not sent is emptied; else it stays
    may_repair: bool = False


def merged(
    profile: Profile, definition: LayerDefinition, shown: tuple[str, ...], right: Right, before: Before, sent: Sent,
    terms: Terms,
) -> After:  # fmt: skip
    """`shown`: the columns the caller knows of; any other name is no property, be it there or not.

    Raises InvalidInputsError naming all that does not hold.
    """
    errors = _unknown(sent, shown)
    sent = replace(sent, properties={name: value for name, value in sent.properties.items() if name in shown})
    codes = {each.id: each for each in profile.codes}
    values: dict[str, object] = {}
    for attribute in definition.attributes:
        try:
            values[attribute.name] = _value(attribute, definition, right, before, sent, terms, codes)
        except MisfitError as misfit:
            values[attribute.name] = before.values.get(attribute.name)
            errors.append(misfit.error)
    geometry = before.geometry
    try:
        geometry = _geometry(profile, definition, right, before, sent, terms)
    except MisfitError as misfit:
        errors.append(misfit.error)
    errors += _missing(definition, right, values, {error.field for error in errors})
    if errors:
        raise violations(errors)
    return After(values, geometry, _written(before, values, geometry))


def violations(errors: list[FieldError]) -> InvalidInputsError:
    listed = [error for error in errors[:5]]
    vi, en = ("; ".join(f"{e.field}: {e.message.in_language(language)}" for e in listed) for language in ("vi", "en"))
    return InvalidInputsError(f"Đối tượng không hợp lệ: {vi}.", f"The feature does not hold: {en}.", errors)


def _unknown(sent: Sent, shown: tuple[str, ...]) -> list[FieldError]:
    message = Message("không có thuộc tính này", "there is no such property")
    return [FieldError(name[:64], message) for name in sent.properties if name not in shown]


def _value(
    attribute: Attribute, definition: LayerDefinition, right: Right, before: Before, sent: Sent, terms: Terms,
    codes: Mapping[str, CodeList],
) -> object:  # fmt: skip
    name, standing = attribute.name, before.values.get(attribute.name)
    is_key = name in definition.key_columns and not before.is_new
    if name not in sent.properties:
        is_emptied = terms.is_whole and name in right.columns and not is_key
        return None if is_emptied else standing
    if name in right.columns:
        value = value_of(attribute, sent.properties[name], codes)
        require_accuracy(attribute, value)
        if is_key and value != standing:
            raise MisfitError(name, "là khóa của đối tượng, không sửa được", "names the feature and cannot be changed")
        return value
    may_be_compared = name in right.shown and not before.is_new
    return _left_alone(attribute, standing, sent.properties[name], codes, may_be_compared=may_be_compared)


def _left_alone(
    attribute: Attribute, standing: object, value: object, codes: Mapping[str, CodeList], *, may_be_compared: bool
) -> object:
    """What is shown may come back as it was; a cell that is masked comes back as null, and is never compared."""
    if value is None or (may_be_compared and _is_same(attribute, standing, value, codes)):
        return standing
    raise MisfitError(attribute.name, "bạn không được sửa thuộc tính này", "you may not write this property")


def _is_same(attribute: Attribute, standing: object, value: object, codes: Mapping[str, CodeList]) -> bool:
    try:
        return value_of(attribute, value, codes) == standing
    except MisfitError:
        return False


def _geometry(
    profile: Profile, definition: LayerDefinition, right: Right, before: Before, sent: Sent, terms: Terms
) -> BaseGeometry | None:
    given = sent.geometry
    if isinstance(given, Unsent):
        return before.geometry
    if not definition.has_geometry:
        if given is not None:
            raise MisfitError(GEOMETRY, "lớp này không có hình học", "the layer has no geometry")
        return None
    if not right.has_geometry:
        if given is None or (terms.is_whole and not before.is_new):
            return before.geometry  # what comes back with a whole feature is the coarse shape that was shown
        raise MisfitError(GEOMETRY, "bạn không được sửa hình học", "you may not write the geometry")
    if given is None:
        raise MisfitError(GEOMETRY, "thiếu hình học", "a geometry is required")
    standing = before.geometry
    return stored_shape(given, terms.crs, definition, profile.header, standing, may_repair=terms.may_repair)


def _missing(
    definition: LayerDefinition, right: Right, values: Mapping[str, object], told: set[str]
) -> list[FieldError]:
    """Only columns the caller may write are theirs to fill."""
    needed = {each.name for each in definition.attributes if each.required} | set(definition.key_columns)
    own = [each.name for each in definition.attributes if each.name in needed and each.name in right.columns]
    return [missing(name) for name in own if values.get(name) is None and name not in told]


def _written(before: Before, values: Mapping[str, object], geometry: BaseGeometry | None) -> frozenset[str]:
    changed = {name for name, value in values.items() if value != before.values.get(name)}
    return frozenset(changed | ({GEOMETRY} if geometry is not before.geometry else set()))
