"""What is wrong with a policy before anybody asks: names that lead nowhere, rules that cannot hold, missing tests.

An error keeps a policy from being applied; a warning is for the officer to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gis.errors import Message
from layers.errors import InvalidRequestError
from layers.filters import GEOMETRY, bind_claims, check, parse_bound, property_names, references
from layers.profile.grammar import Identity, LayerDefinition

from .expect import layer_of, unmet
from .grammar import Grant, SharingRef
from .matching import CLAIM, all_properties, columns_of, geometry_of, is_about
from .principal import PUBLIC

Kind = Literal[
    "repeated_id", "unknown_layer", "unknown_column", "unknown_identity", "unknown_agreement", "rule", "precision",
    "period", "unmet", "secret", "unused_tag", "untagged_column", "hidden_rule", "untested_allow", "untested_deny",
]  # fmt: skip
WARNINGS: frozenset[Kind] = frozenset(
    {"secret", "unused_tag", "untagged_column", "hidden_rule", "untested_allow", "untested_deny"}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """`grant` and `at` (from the grant's own root) say where; a problem of the whole policy has neither."""

    kind: Kind
    message: Message
    grant: str | None = None
    at: tuple[str | int, ...] = ()

    @property
    def is_error(self) -> bool:
        return self.kind not in WARNINGS

    def as_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind, "is_error": self.is_error, "grant": self.grant, "at": list(self.at),
            "message": self.message.as_dict(),
        }  # fmt: skip


def validate(
    grants: Sequence[Grant],
    definitions: Iterable[LayerDefinition],
    identities: Iterable[Identity],
    agreements: frozenset[str] | None = None,
    *,
    day: date,
) -> tuple[Problem, ...]:
    """Every problem of a policy. `agreements` are the known ones, whatever their state; None: not looked at."""
    layers, known = {each.id: each for each in definitions}, tuple(identities)
    names = frozenset(identity.id for identity in known)
    found = [*_repeated(grants), *(each for grant in grants for each in grant_problems(grant, layers, names))]
    found += _agreement_problems(grants, agreements)
    if not found:
        failed = unmet(grants, known, layers.values(), day=day)
        found += [Problem("unmet", each.message, each.grant, each.at) for each in failed]
    found += [each for grant in grants for each in _grant_warnings(grant, layers)]
    return (*found, *_untested_layers(grants, layers))


def grant_problems(
    grant: Grant,
    layers: Mapping[str, LayerDefinition],
    identities: frozenset[str],
    unread: frozenset[str] = frozenset(),
) -> Iterator[Problem]:
    """The errors of one grant by itself. Naming an `unread` layer, whose own file does not hold, is no second one."""
    first, last = grant.valid.from_, grant.valid.until
    if first is not None and last is not None and last < first:
        yield _problem(
            grant, "period", ("valid", "until"), f"trước ngày bắt đầu {first}", f"before the first day {first}"
        )
    yield from _expectation_problems(grant, layers, identities, unread)
    if isinstance(grant.layer, SharingRef):
        yield from _level_problems(grant, layers)
    elif definition := layers.get(grant.layer):
        yield from _layer_problems(grant, definition)
    elif grant.layer not in unread:
        yield _no_layer(grant, ("layer",), grant.layer)


def _expectation_problems(
    grant: Grant, layers: Mapping[str, LayerDefinition], identities: frozenset[str], unread: frozenset[str]
) -> Iterator[Problem]:
    for number, expected in enumerate(grant.expect):
        if expected.as_ not in {PUBLIC.id, *identities}:
            vi, en = f"không có danh tính '{expected.as_}'", f"there is no identity '{expected.as_}'"
            yield _problem(grant, "unknown_identity", ("expect", number, "as"), vi, en)
        if expected.layer and expected.layer not in layers and expected.layer not in unread:
            yield _no_layer(grant, ("expect", number, "layer"), expected.layer)
        if layer_of(grant, expected) is None:
            vi, en = "cần 'layer': quyền theo mức chia sẻ có nhiều lớp", "'layer' is needed: the grant is about many"
            yield _problem(grant, "unknown_layer", ("expect", number), vi, en)


def _level_problems(grant: Grant, layers: Mapping[str, LayerDefinition]) -> Iterator[Problem]:
    """A rule over many layers must hold on each of them, and so must a grid; a column must be in one at least."""
    about = [definition for definition in layers.values() if is_about(grant, definition)]
    for number, name in enumerate(grant.columns.names):
        if about and not any(definition.attribute(name) for definition in about):
            vi, en = f"không lớp nào có cột '{name}'", f"none of the layers has a column '{name}'"
            yield _problem(grant, "unknown_column", ("columns", "names", number), vi, en)
    for definition in about:
        found = [*_rule_problems(grant, definition), *_precision_problems(grant, definition)]
        if found:
            lead = Message(f"lớp {definition.id}", f"layer {definition.id}")
            yield from (
                _problem(grant, one.kind, one.at, f"{lead.vi}: {one.message.vi}", f"{lead.en}: {one.message.en}")
                for one in found
            )
            return


def _layer_problems(grant: Grant, definition: LayerDefinition) -> Iterator[Problem]:
    for number, name in enumerate(grant.columns.names):
        if definition.attribute(name) is None:
            vi, en = f"lớp {definition.id} không có cột '{name}'", f"the layer {definition.id} has no column '{name}'"
            yield _problem(grant, "unknown_column", ("columns", "names", number), vi, en)
    yield from _precision_problems(grant, definition)
    yield from _rule_problems(grant, definition)


def _precision_problems(grant: Grant, definition: LayerDefinition) -> Iterator[Problem]:
    try:
        geometry_of(grant, definition)
    except InvalidRequestError as error:
        yield Problem("precision", error.message, grant.id, ("geometry", "precision_m"))


def _rule_problems(grant: Grant, definition: LayerDefinition) -> Iterator[Problem]:
    """An unreadable rule, an unknown column, a reference that is no claim: the grant would allow nothing."""
    for name in references(grant.rows or ""):
        if not name.startswith(CLAIM):
            yield _problem(
                grant, "rule", ("rows",), f"chỉ dùng được :claims.…, không phải {name}", f"only :claims.…, not {name}"
            )
            return
    try:
        _columns_read(grant, definition)
    except InvalidRequestError as error:
        yield Problem("rule", error.message, grant.id, ("rows",))


def _columns_read(grant: Grant, definition: LayerDefinition) -> frozenset[str]:
    """The columns a rule reads. Raises InvalidRequestError when the rule does not hold on the layer."""
    if grant.rows is None:
        return frozenset()
    return property_names(check(parse_bound(bind_claims(grant.rows, {})), all_properties(definition)))


def _repeated(grants: Sequence[Grant]) -> Iterator[Problem]:
    seen: set[str] = set()
    for grant in grants:
        if grant.id in seen:
            yield _problem(
                grant, "repeated_id", ("id",), f"mã '{grant.id}' lặp lại", f"the id '{grant.id}' is repeated"
            )
        seen.add(grant.id)


def _agreement_problems(grants: Sequence[Grant], agreements: frozenset[str] | None) -> Iterator[Problem]:
    for grant in grants:
        name = grant.agreement
        if name is not None and agreements is not None and name not in agreements:
            vi, en = f"không có thỏa thuận '{name}'", f"there is no agreement '{name}'"
            yield _problem(grant, "unknown_agreement", ("agreement",), vi, en)


# ── warnings ─────────────────────────────────────────────────────────────────────────────────────
def _grant_warnings(grant: Grant, layers: Mapping[str, LayerDefinition]) -> Iterator[Problem]:
    if not any(expected.is_ == "allow" for expected in grant.expect):
        vi, en = "chưa có 'expect' nào thử điều được phép", "no 'expect' tests what it allows"
        yield _problem(grant, "untested_allow", ("expect",), vi, en)
    yield from _secret_warnings(grant, layers)
    about = [definition for definition in layers.values() if is_about(grant, definition)]
    yield from _column_warnings(grant, about)
    yield from _hidden_rules(grant, about)


def _secret_warnings(grant: Grant, layers: Mapping[str, LayerDefinition]) -> Iterator[Problem]:
    if not isinstance(grant.layer, SharingRef):
        return
    level = grant.layer.sharing
    left_out = [each.id for each in layers.values() if each.sharing == level and each.existence == "secret"]
    if left_out:
        listed = ", ".join(left_out)
        vi = f"không áp dụng cho lớp bí mật {listed}; phải cấp quyền đích danh từng lớp"
        en = f"does not count for the secret {listed}; a grant must name such a layer"
        yield _problem(grant, "secret", ("layer",), vi, en)


def _column_warnings(grant: Grant, about: Sequence[LayerDefinition]) -> Iterator[Problem]:
    """A tag no column has yet would open the first column that gets it; a column without a tag is nobody's."""
    used = {attribute.tag for definition in about for attribute in definition.attributes}
    for number, tag in enumerate(grant.columns.tags):
        if about and tag not in used:
            vi, en = f"chưa có cột nào mang nhãn '{tag}'", f"no column has the tag '{tag}' yet"
            yield _problem(grant, "unused_tag", ("columns", "tags", number), vi, en)
    untagged = {attribute.name for definition in about for attribute in definition.attributes if attribute.tag is None}
    for number, name in enumerate(grant.columns.names):
        if name in untagged:
            vi, en = f"cột '{name}' chưa có nhãn nên không ai xem được", f"'{name}' has no tag, so nobody sees it"
            yield _problem(grant, "untagged_column", ("columns", "names", number), vi, en)


def _hidden_rules(grant: Grant, about: Sequence[LayerDefinition]) -> Iterator[Problem]:
    """That a row is shown tells what its rule read; a column that the grant does not show is told that way."""
    for definition in about:
        try:
            read = _columns_read(grant, definition)
        except InvalidRequestError:
            continue
        shown = {*columns_of(grant, definition), *((GEOMETRY,) if grant.geometry == "full" else ())}
        for name in sorted(read - shown):
            vi = (
                f"lớp {definition.id}: quy tắc đọc '{name}', mà quyền này không cho xem; hàng được xem sẽ lộ giá trị đó"
            )
            en = f"layer {definition.id}: the rule reads '{name}', which the grant does not show; a shown row tells it"
            yield _problem(grant, "hidden_rule", ("rows",), vi, en)


def _untested_layers(grants: Sequence[Grant], layers: Mapping[str, LayerDefinition]) -> Iterator[Problem]:
    """A layer that is not open and that somebody may see needs a test that somebody else may not."""
    tested = {layer_of(grant, each) for grant in grants for each in grant.expect if each.is_ == "deny"}
    for definition in layers.values():
        is_granted = any(is_about(grant, definition) for grant in grants)
        if definition.sharing != "open" and is_granted and definition.id not in tested:
            vi = f"lớp {definition.id}: chưa có 'expect' nào thử điều bị từ chối"
            en = f"layer {definition.id}: no 'expect' tests what is denied"
            yield Problem("untested_deny", Message(vi, en))


def _problem(grant: Grant, kind: Kind, at: tuple[str | int, ...], vi: str, en: str) -> Problem:
    return Problem(kind, Message(vi, en), grant.id, at)


def _no_layer(grant: Grant, at: tuple[str | int, ...], layer: str) -> Problem:
    return _problem(grant, "unknown_layer", at, f"không có lớp '{layer}'", f"there is no layer '{layer}'")
