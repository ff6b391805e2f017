"""A procedure with its inputs bound: out come plain values of `gis.procedure`, with no open question left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gis.errors import Message
from gis.procedure import Check, Group, LegalBasis, PlotBound, Procedure, Relation, Rule, SubjectRule
from layers.errors import FieldError, InvalidInputsError
from layers.filters import bind, evaluate, parse_bound
from layers.filters.text import Bindable

from .conditions import INPUT, inputs_in
from .distances import largest_distance_m, terms_of
from .grammar import BasisRef, LayerDefinition
from .inputs import Value, typed_inputs
from .plot_rules import PlotRow, row_for
from .procedures import (
    AnyCheck,
    GroupCheck,
    LayerCheck,
    ProcedureDefinition,
    RelationCheck,
    SubjectCheck,
    relations_of,
)  # fmt: skip
from .profile import Profile, canonical_text, digest


@dataclass(frozen=True, slots=True)
class SkippedCheck:
    """A check that is not asked this time, and why."""

    id: str
    reason: Message


@dataclass(frozen=True, slots=True)
class BoundProcedure:
    """`inputs` are JSON values by name; None is an optional input that was not given."""

    procedure: Procedure
    inputs: Mapping[str, Value]
    skipped: tuple[SkippedCheck, ...] = ()


def bind_procedure(profile: Profile, procedure_id: str, inputs: Mapping[str, object], on_date: date) -> BoundProcedure:
    """The checks to make on a day. Raises InvalidInputsError naming every field, and a procedure not in force."""
    definition = _in_profile(profile, procedure_id)
    values, errors = typed_inputs(profile, definition.inputs, inputs)
    errors += _not_in_force(definition, on_date)
    if errors:
        raise _invalid(errors)
    binding = _Binding(profile, definition, values, on_date)
    asked, skipped = binding.chosen(on_date)
    errors = binding.missing_inputs(asked)
    if errors:
        raise _invalid(errors)
    version = digest(canonical_text(definition))
    return BoundProcedure(Procedure(definition.id, version, tuple(map(binding.check, asked))), values, tuple(skipped))


def _in_profile(profile: Profile, procedure_id: str) -> ProcedureDefinition:
    found = profile.procedure(procedure_id)
    if found is None:
        listed = ", ".join(procedure.id for procedure in profile.procedures) or "–"
        vi, en = f"không có thủ tục này; có: {listed}", f"no such procedure; there are: {listed}"
        raise _invalid([FieldError("procedure", Message(vi, en))])
    return found


def _not_in_force(definition: ProcedureDefinition, on_date: date) -> list[FieldError]:
    if definition.valid.holds_on(on_date):
        return []
    start, end = definition.valid.from_, definition.valid.to
    vi = f"không có hiệu lực vào ngày {on_date:%d/%m/%Y} (từ {_shown(start)} đến {_shown(end)}); đổi on_date"
    en = f"not in force on {on_date} (from {start or '…'} to {end or '…'}); choose another on_date"
    return [FieldError("procedure", Message(vi, en))]


def _shown(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "…"


def _invalid(errors: list[FieldError]) -> InvalidInputsError:
    vi = "; ".join(f"{error.field}: {error.message.vi}" for error in errors)
    en = "; ".join(f"{error.field}: {error.message.en}" for error in errors)
    return InvalidInputsError(f"Đầu vào chưa dùng được – {vi}.", f"The inputs do not hold – {en}.", errors)


@dataclass(frozen=True)
class _Binding:
    """One procedure with one set of values."""

    profile: Profile
    definition: ProcedureDefinition
    values: Mapping[str, Value]
    on_date: date

    # ── which checks are asked ───────────────────────────────────────────────────────────────────
    def chosen(self, on_date: date) -> tuple[list[AnyCheck], list[SkippedCheck]]:
        """The checks to make, and those left out."""
        asked, skipped = list[AnyCheck](), list[SkippedCheck]()
        for check in self.definition.checks:
            reason = self._left_out(check, on_date)
            if reason:
                skipped.append(SkippedCheck(check.id, reason))
            else:
                asked.append(check)
        return asked, skipped

    def _left_out(self, check: AnyCheck, on_date: date) -> Message | None:
        if check.valid and not check.valid.holds_on(on_date):
            start, end = check.valid.from_, check.valid.to
            return Message(
                f"không có hiệu lực vào ngày {on_date:%d/%m/%Y} (từ {_shown(start)} đến {_shown(end)})",
                f"not in force on {on_date} (from {start or '…'} to {end or '…'})",
            )
        # unknown (an input it reads was not given) asks the check: leaving it out must be shown to be right
        if check.applies_when and evaluate(parse_bound(self._bound(check.applies_when)), {}) is False:
            return Message("không áp dụng cho các đầu vào này", "does not apply to these inputs")
        return None

    def missing_inputs(self, asked: Iterable[AnyCheck]) -> list[FieldError]:
        """Optional inputs that a check to be made cannot do without: a condition on NULL would hold for nothing."""
        needed: dict[str, str] = {}
        for check in asked:
            for text in _texts(check):
                for name in inputs_in(text):
                    if self.values[name] is None:
                        needed.setdefault(name, check.id)
        return [
            FieldError(f"inputs.{name}", Message(f"cần cho kiểm tra '{check}'", f"needed by the check '{check}'"))
            for name, check in needed.items()
        ]

    # ── plain values ─────────────────────────────────────────────────────────────────────────────
    def check(self, check: AnyCheck) -> Check:
        if isinstance(check, LayerCheck):
            return self._rule(check, check, check.id)
        return self._group(check) if isinstance(check, GroupCheck) else self._subject_rule(check)

    def _rule(self, check: LayerCheck | GroupCheck | SubjectCheck, relation: RelationCheck, name: str) -> Rule:
        layer = self.profile.layer(relation.layer)
        largest = largest_distance_m(relation)
        distance = self._quantity(str(relation.distance_m)) if largest is None else largest
        return Rule(
            id=name,
            layer=relation.layer,
            relation=relation.relation,
            min_area_m2=self._quantity(relation.min_area_m2),
            at_least_m2=self._optional(relation.at_least_m2),
            min_length_m=self._quantity(relation.min_length_m),
            distance_m=distance,
            classes=relation.classes,
            terms=terms_of(relation, layer, distance) if layer else None,
            when=self._bound(relation.when) if relation.when else None,
            applies_when=self._applies_when(check),
            verdicts=dict(check.verdict),
            required=check.required,
            verified=self._is_verified(check),
            basis=self._basis(check),
            office=check.office.message() if check.office else None,
            valid_from=check.valid.from_ if check.valid else None,
            valid_to=check.valid.to if check.valid else None,
        )

    def _group(self, check: GroupCheck) -> Group:
        members = tuple(
            self._rule(check, member, member.id or f"{check.id}_{number}")
            for number, member in enumerate(check.any_of, start=1)
        )
        return Group(
            id=check.id,
            members=members,
            on_conflict=check.on_conflict,
            none=check.none,
            nothing_mapped=check.nothing_mapped,
            required=check.required,
            verified=self._is_verified(check),
            applies_when=self._applies_when(check),
            basis=self._basis(check),
            office=check.office.message() if check.office else None,
            valid_from=check.valid.from_ if check.valid else None,
            valid_to=check.valid.to if check.valid else None,
        )

    def _subject_rule(self, check: SubjectCheck) -> SubjectRule:
        plots = tuple(self._plots(check)) if check.plot_rules else ()
        commune = self.profile.commune_layer
        needs_commune = check.plot_rules is not None and commune is not None
        return SubjectRule(
            id=check.id,
            measure=check.measure,
            at_least=self._optional(check.at_least),
            at_most=self._optional(check.at_most),
            sources=tuple(
                self._rule(check, source, f"{check.id}_{number}")
                for number, source in enumerate(check.sources, start=1)
            ),
            plots=plots,
            is_by_plots=check.plot_rules is not None,
            ground=self._ground(check, commune) if needs_commune and commune else None,
            applies_when=self._applies_when(check),
            verdicts=dict(check.verdict),
            required=check.required,
            verified=self._is_verified(check),
            basis=self._basis(check),
            office=check.office.message() if check.office else None,
            valid_from=check.valid.from_ if check.valid else None,
            valid_to=check.valid.to if check.valid else None,
        )

    def _ground(self, check: SubjectCheck, commune: LayerDefinition) -> Rule:
        """The layer of communes, read around the subject: the plot's commune comes from the ground."""
        return Rule(id=f"{check.id}_commune", layer=commune.id, relation=Relation.OVERLAPS_AREA)

    def _plots(self, check: SubjectCheck) -> Iterable[PlotBound]:
        """What each row asks, with the communes it is for: of several rows the most particular one counts."""
        table = self.profile.plots(check.plot_rules or "")
        rows = self.plot_rows(check)
        generation = max((commune.generation for commune in self.profile.communes), default=0)
        current = [commune for commune in self.profile.communes if commune.generation == generation]
        chosen = {commune.code: row_for(rows, commune) for commune in current}
        known = {basis.number: basis for basis in table.legal_basis} if table else {}
        for row in rows:
            bound = self._optional(check.at_least) if check.measure == "access" else row.threshold(check.measure)
            yield PlotBound(
                row=row.id,
                title=row.title.message() if row.title else None,
                communes=frozenset(code for code, found in chosen.items() if found is row),
                at_least=bound or 0.0,
                excludes=row.excludes,
                verified=row.verified,
                basis=tuple(LegalBasis(**known[number].model_dump()) for number in row.basis),
            )

    def plot_rows(self, check: SubjectCheck) -> tuple[PlotRow, ...]:
        """The rows of a check's table that speak of its measure, for the land type that was given."""
        table = self.profile.plots(check.plot_rules or "")
        land_use = self.values.get((check.land_use or "").removeprefix(INPUT))
        return table.asked(check.measure, str(land_use), self.on_date) if table and land_use is not None else ()

    def _applies_when(self, check: AnyCheck) -> str | None:
        return self._bound(check.applies_when) if check.applies_when else None

    def _bound(self, text: str) -> str:
        types = {given.name: given.type for given in self.definition.inputs}
        literals: dict[str, Bindable] = {
            f"{INPUT}{name}": date.fromisoformat(str(value)) if value is not None and types[name] == "date" else value
            for name, value in self.values.items()
        }
        return bind(text, literals)

    def _optional(self, quantity: float | str | None) -> float | None:
        return None if quantity is None else self._quantity(quantity)

    def _quantity(self, quantity: float | str) -> float:
        if isinstance(quantity, str):
            return float(str(self.values[quantity.removeprefix(INPUT)]))
        return float(quantity)

    def _is_verified(self, check: AnyCheck) -> bool:
        """Not where nobody compared any of the documents it cites with its text."""
        basis = self._basis(check)
        return check.verified and (not basis or any(document.verified for document in basis))

    def _basis(self, check: AnyCheck) -> tuple[LegalBasis, ...]:
        """The documents a check names: the procedure's own wording of one goes before the layer's."""
        known: dict[str, BasisRef] = {}
        for relation in relations_of(check):
            layer = self.profile.layer(relation.layer)
            known |= {basis.number: basis for basis in (layer.legal_basis if layer else ())}
        known |= {basis.number: basis for basis in self.definition.legal_basis}
        return tuple(LegalBasis(**known[number].model_dump()) for number in check.basis)


def _texts(check: AnyCheck) -> list[str | float | None]:
    """Every text of a check that may refer to an input, `applies_when` left aside."""
    found: list[str | float | None] = []
    if isinstance(check, SubjectCheck):
        found = [check.at_least, check.at_most, check.land_use]
    for relation in relations_of(check):
        found += [relation.when, relation.min_area_m2, relation.at_least_m2, relation.min_length_m]
        found += [relation.distance_m] if isinstance(relation.distance_m, str) else []
    return found
