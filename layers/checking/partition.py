"""One partition of a batch: subjects in, two tables out. Pure but for the files of its plan, so that any process, on
any machine that sees the folder, may run it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.errors import LienthongError
from gis.procedure import Procedure, Relation, Rule
from layers.profile.grammar import Role

from . import batch_rasters
from .evaluate import Sheet, evaluate, rules_of, without_subjects
from .extent import OUTSIDE_EXTENT, outside
from .plan import OUTSIDE_ZONES, Plan
from .sheets import entries_in, facts_in, mapped_in, pieces_in
from .tables import features_table, findings_table
from .zones import is_pieced_around

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: a failure of a library on some subject's data: told as not_checked for that subject, never as an answer
_MEASURING_FAILURES = (shapely.GEOSException, LienthongError, ArithmeticError, ValueError, TypeError, LookupError)
#: of subjects that are no rows of a layer
OUTSIDE_COLUMN = "outside"
_EMPTY = shapely.from_wkt("POLYGON EMPTY")


def run(plan: Plan, number: int) -> int:
    """Judge a partition and leave its two files; the findings come last and say that it is done. The subjects."""
    table = pq.read_table(plan.subjects_file(number))
    findings, features = judged(plan, table)
    _write(features, plan.features_file(number))
    _write(findings, plan.findings_file(number))
    return int(table.num_rows)


def _write(table: pa.Table, path: Path) -> None:
    """Arrow's own format: it is read once more and then gone, and Parquet would take ten times as long for that."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with pa.ipc.new_file(draft, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as file:
        file.write_table(table)
    draft.replace(path)


def left_in(path: Path) -> pa.Table:
    """What a partition left in one of its files."""
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def judged(plan: Plan, subjects: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Findings and features of the subjects of a partition, in their order."""
    stored = _shapes(subjects)
    zones = plan.zones_of(stored, _column(subjects, "commune"))
    beyond = _outside(plan, subjects, stored)
    made = []
    for zone, is_outside in sorted(set(zip(zones.tolist(), beyond.tolist(), strict=True))):
        rows = np.flatnonzero((zones == zone) & (beyond == is_outside))
        crs = plan.profile.header.crs
        shapes = stored[rows]
        if zone != OUTSIDE_ZONES:
            shapes = plan.projection.to_crs(shapes, crs.storage, crs.zones[zone].crs)
        made.append(_judged_or_halved(_Part(plan, subjects.take(pa.array(rows)), shapes, zone, rows, is_outside)))
    return _in_order([one for one, _ in made]), _in_order([other for _, other in made])


def _outside(plan: Plan, subjects: pa.Table, stored: Objects) -> NDArray[np.bool_]:
    """Which do not lie wholly in the profile's extent: shapes of a file by the corners they came with."""
    if OUTSIDE_COLUMN in subjects.column_names:
        return np.asarray(subjects[OUTSIDE_COLUMN].to_numpy(), dtype=bool)
    return outside(stored, plan.profile.header.crs.storage, plan.profile.header)


def _in_order(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of several zones as one, in the order of the subjects."""
    whole = pa.concat_tables(tables)
    if len(tables) > 1:
        order = np.argsort(whole["subject"].to_numpy(), kind="stable")
        whole = whole.combine_chunks().take(pa.array(order))
    return whole.drop_columns(["subject"])


def _shapes(subjects: pa.Table) -> Objects:
    shapes = np.asarray(shapely.from_wkb(subjects["geometry"].to_numpy(), on_invalid="ignore"), dtype=object)
    shapes[shapely.is_missing(shapes)] = _EMPTY  # not valid as a subject, so that nothing is concluded of it
    return shapes


def _column(table: pa.Table, name: str) -> Objects:
    return np.array(table[name].to_pylist(), dtype=object)


class _Part:
    """Subjects of one zone, all in the profile's extent or none, with the sheets of every rule."""

    def __init__(
        self, plan: Plan, table: pa.Table, shapes: Objects, zone: int, position: Integers, is_outside: bool
    ) -> None:
        self.plan, self.table, self.zone, self.position = plan, table, zone, position
        self.shapes, self.refused = shapes, OUTSIDE_EXTENT if is_outside else ""
        self.subjects = Subjects.of(shapes, table["accuracy_m"].to_numpy(), table["registered_m2"].to_numpy())

    def __len__(self) -> int:
        return len(self.subjects)

    def slice(self, begin: int, end: int) -> _Part:
        part = slice(begin, end)
        return _Part(
            self.plan, self.table.slice(begin, end - begin), self.shapes[part], self.zone, self.position[part],
            bool(self.refused),
        )  # fmt: skip

    def tables(self, read: Callable[[int, Rule], Sheet] | None = None) -> tuple[pa.Table, pa.Table]:
        plan = self.plan
        numbered = enumerate(rules_of(plan.procedure))
        sheets = [(read or self.sheet)(number, rule) for number, rule in numbered]
        found = evaluate(
            plan.procedure, self.subjects, sheets, plan.standings, plan.clock, area_route="edges", pair_bounds=False,
            refused=self.refused,
        )  # fmt: skip
        return findings_table(self.keys, self.position, found, plan.revisions, self.subjects), features_table(
            self.keys, self.position, found, self.feature_keys
        )

    @property
    def keys(self) -> pa.Array:
        return self.table["subject_key"].combine_chunks()

    def feature_keys(self, layer: str) -> pa.Array:
        definition = self.plan.profile.layer(layer)
        if definition is not None and definition.is_raster:
            return pa.array([str(one.number) for one in definition.classes])
        return facts_in(self.plan.facts_file(layer)).key

    # ── what each rule reads ─────────────────────────────────────────────────────────────────────
    def sheet(self, number: int, rule: Rule) -> Sheet:
        """Candidates of a rule for all subjects; nothing of those that its reach takes out of what is pieced."""
        sheet, crs = self._whole_sheet(number, rule), self.plan.profile.header.crs
        if len(crs.zones) == 1 or self.zone == OUTSIDE_ZONES or self.refused or not self.plan.is_read(rule.layer):
            return sheet
        inside = is_pieced_around(crs, self.zone, self.subjects.geometry, rule.reach_m)
        return sheet if inside.all() else without_subjects(sheet, ~inside, "outside_zones")

    def _whole_sheet(self, number: int, rule: Rule) -> Sheet:
        plan = self.plan
        if plan.hides(rule.layer):
            return Sheet.unread(len(self), "no_right")
        if self.zone == OUTSIDE_ZONES:
            return Sheet.unread(len(self), "outside_zones")
        if self.refused:
            return Sheet.unread(len(self), self.refused)
        if rule.layer in plan.failed:
            return Sheet.unread(len(self), plan.failed[rule.layer])
        if rule.relation is Relation.RASTER_CLASS:
            return batch_rasters.sheet(
                plan, rule, self.subjects, self.zone, self._boxes(rule, plan.standings[rule.layer].accuracy_m)
            )
        if not plan.is_read(rule.layer):
            return Sheet.empty()
        if rule.relation is Relation.SAME_PARCEL:
            return self._entries(number, rule)
        return self._near(number, rule)

    def _near(self, number: int, rule: Rule) -> Sheet:
        plan = self.plan
        boxes = self._boxes(rule, plan.accuracy_m[rule.layer])
        facts = facts_in(plan.facts_file(rule.layer))
        subject, piece, near = pieces_in(plan.pieces_file(rule.layer)).meeting(self.zone, boxes)
        mapped = mapped_in(plan.mapped_file(rule.layer), self.zone)
        areas, refused = mapped.around(boxes)
        return Sheet(
            fid=facts.fid, accuracy_m=facts.accuracy_m, excluded=facts.excluded[number],
            subject=subject, feature=near.feature[piece], geometry=near.geometry[piece],
            piece=piece, distances=facts.distances.get(number),
            is_subject=self._is_subject(rule, subject, facts.fid, near.feature[piece]),
            names=facts.key.to_numpy(zero_copy_only=False) if self._is_commune(rule) else None,
            everywhere=mapped.everywhere, areas=areas, refused=refused,
        )  # fmt: skip

    def _is_commune(self, rule: Rule) -> bool:
        return rule.layer == self.plan.profile.header.reference_layers.commune

    def _is_subject(self, rule: Rule, subject: Integers, fids: Integers, feature: Integers) -> NDArray[np.bool_] | None:
        """Rows whose feature is the subject; None where the rule does not read the subjects' own layer."""
        if not self.plan.are_parcels or rule.layer != self.plan.profile.parcel_layer.id:
            return None
        return np.asarray(self.table["fid"].to_numpy()[subject] == fids[feature], dtype=bool)

    def _entries(self, number: int, rule: Rule) -> Sheet:
        """Entries of a register keyed to the subjects; those that carry no number cannot be looked up."""
        plan = self.plan
        if not plan.are_parcels:
            return Sheet.unread(len(self), "needs_parcel")
        facts, entries = facts_in(plan.facts_file(rule.layer)), entries_in(plan.entries_file(rule.layer))
        pairs = [
            (place, feature)
            for place, refs in self._refs_among(entries)
            for feature in sorted({feature for ref in refs for feature in entries.get(ref, ())})
        ]
        subject, feature = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        boxes = self._boxes(rule, 0.0)
        mapped = mapped_in(plan.mapped_file(rule.layer), self.zone)
        areas, refused = mapped.around(boxes)
        return Sheet(
            fid=facts.fid, accuracy_m=facts.accuracy_m, excluded=facts.excluded[number],
            subject=subject, feature=feature, geometry=np.full(len(subject), None, dtype=object),
            everywhere=mapped.everywhere, areas=areas, refused=refused,
            failed=np.where(self._has_numbers(), "", "no_numbers").astype(object),
        )  # fmt: skip

    def _boxes(self, rule: Rule, accuracy_m: float) -> Floats:
        """Boxes of the subjects grown as the single check grows them; of empty ones, boxes that meet nothing."""
        accuracies = np.abs(self.subjects.accuracy_m) + abs(accuracy_m)
        grow = (rule.reach_m + accuracies)[:, None] * np.array([-1.0, -1.0, 1.0, 1.0])
        return np.asarray(shapely.bounds(self.subjects.geometry) + grow)

    # ── names of parcels ─────────────────────────────────────────────────────────────────────────
    def _has_numbers(self) -> NDArray[np.bool_]:
        has = {name: self.table[name].is_valid().to_numpy() for name in _NUMBERS}
        number = (has["sheet"] & has["parcel_number"]) | (has["previous_sheet"] & has["previous_parcel"])
        return np.asarray(has["national_code"] | (has["commune"] & number), dtype=bool)

    def _refs_among(self, entries: Mapping[str, Sequence[int]]) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Subjects that some entry may name, with all their names; those names are worked out for no other."""
        from .subject import refs_of  # brings the database's libraries along, which workers need for nothing else

        layer, profile = self.plan.profile.parcel_layer, self.plan.profile
        columns = {role: attribute.name for role in _NUMBERS if (attribute := layer.by_role(role))}
        for place in np.flatnonzero(self._may_be_named(entries)).tolist():
            attributes = {name: self.table[role][place].as_py() for role, name in columns.items()}
            yield place, refs_of(layer, profile, attributes)

    def _may_be_named(self, entries: Mapping[str, Sequence[int]]) -> NDArray[np.bool_]:
        """By sheet and number alone, present or former, or by the national code."""
        numbers = pa.array([ref.partition("/")[2] for ref in entries if not ref.startswith("code:")], pa.string())
        codes = pa.array([ref.removeprefix("code:") for ref in entries if ref.startswith("code:")], pa.string())
        table = self.table
        found = np.asarray(pc.is_in(table["national_code"], codes).to_numpy(), dtype=bool)
        for sheet, parcel in (("sheet", "parcel_number"), ("previous_sheet", "previous_parcel")):
            named = pc.binary_join_element_wise(table[sheet], table[parcel], "/")
            found |= np.asarray(pc.is_in(named, numbers).to_numpy(), dtype=bool)
        return found


_NUMBERS: tuple[Role, ...] = ("commune", "sheet", "parcel_number", "previous_sheet", "previous_parcel", "national_code")


def _judged_or_halved(part: _Part) -> tuple[pa.Table, pa.Table]:
    """All at once; where something fails, by halves, down to the subject and the rule that cannot be measured."""
    try:
        return part.tables()
    except _MEASURING_FAILURES:
        if len(part) == 1:
            return part.tables(_guarded(part))
    middle = len(part) // 2
    first, second = (_judged_or_halved(half) for half in (part.slice(0, middle), part.slice(middle, len(part))))
    return pa.concat_tables([first[0], second[0]]), pa.concat_tables([first[1], second[1]])


def _guarded(part: _Part) -> Callable[[int, Rule], Sheet]:
    """Sheets of one subject; a rule that fails on it is told as such and costs itself only."""

    def read(number: int, rule: Rule) -> Sheet:
        alone = Procedure(part.plan.procedure.id, "", (rule,))
        try:
            sheet = part.sheet(number, rule)
            evaluate(alone, part.subjects, [sheet], part.plan.standings, part.plan.clock, refused=part.refused)
        except _MEASURING_FAILURES:
            return Sheet.unread(1, "error")
        return sheet

    return read
