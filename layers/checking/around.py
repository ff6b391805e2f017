"""What lies around one subject, rule by rule: candidates as columns. All shapes are read in one call, and how far away
they are is taken in one: numpy's set-up for each rule would cost more than the measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely
import structlog
from numpy.typing import NDArray

from gis.candidates import COUNTS, SUBJECT_ITSELF, Subjects
from gis.coverage import Ground
from gis.errors import LienthongError
from gis.measure import are_out_of_reach
from gis.procedure import Relation, Rule
from layers.profile.grammar import LayerDefinition
from layers.store.checks import MOST_CANDIDATES, CandidateRow, CandidatesError, CutLayer

from .distances import distances_of
from .evaluate import Sheet, exclusions
from .extent import OUTSIDE_EXTENT
from .raster_cells import RasterError
from .raster_sheet import single_sheet
from .reading import Case, Reading
from .rule_finding import KEY
from .subject import Subject

log = structlog.get_logger()

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Attributes = Sequence[Mapping[str, object]]

#: a failure of a library on one rule's data: told as not_checked, never as an answer
MEASURING_FAILURES = (shapely.GEOSException, LienthongError, ArithmeticError, ValueError, TypeError, LookupError)
#: of a subject with more corners, distances are taken where they are needed
_FEW_CORNERS = 500
#: of a layer that is mapped everywhere and has nothing near
_NOTHING = replace(Sheet.empty(), everywhere=True)


class Around:
    """The sheets of one subject."""

    def __init__(self, case: Case, reading: Reading, subjects: Subjects) -> None:
        self.case, self.reading, self.subjects = case, reading, subjects
        self.parcels = case.profile.parcel_layer.id
        self.shapes: dict[int, Objects] = {}
        self.distances_m: dict[int, Floats] = {}
        #: rules with nothing within reach where all is mapped, each with the worst accuracy of what lies farther away
        #: (None: nothing was read); a rule that is not here may have nothing near all the same
        self.far: dict[int, float | None] = {}
        #: rules with something within reach: what is measured anyway, without another look
        self.near: set[int] = set()
        try:
            self._read_all()
        except MEASURING_FAILURES:  # one layer's: each rule then reads its own
            self.shapes, self.distances_m, self.far, self.near = {}, {}, {}, set()

    def _read_all(self) -> None:
        """Shapes and distances of the features of every rule."""
        met = {
            number: [row for row in rows if row.fid is not None]
            for number, rows in self.reading.candidates.items()
            if not isinstance(rows, CandidatesError) and len(rows) <= MOST_CANDIDATES
        }
        shapes = shapes_of([row.geometry for of_rule in met.values() for row in of_rule])
        distances = None
        if int(self.subjects.vertices[0]) <= _FEW_CORNERS:
            distances = np.asarray(shapely.distance(self.subjects.geometry[0], shapes), dtype=np.float64)
        begin = 0
        for number, of_rule in met.items():
            part = slice(begin, begin := begin + len(of_rule))
            self.shapes[number] = shapes[part]
            if distances is not None:
                self.distances_m[number] = distances[part]
        if distances is not None:
            self._tell_far(met, shapes, distances)

    def _tell_far(self, met: Mapping[int, Sequence[CandidateRow]], shapes: Objects, distances: Floats) -> None:
        """`is_nothing_near` of all rules in one go."""
        rules = [(self.case.rules[number], len(of_rule)) for number, of_rule in met.items()]
        accuracy_m = [row.accuracy_m or 0.0 for of_rule in met.values() for row in of_rule]
        is_far = are_out_of_reach(rules, self.subjects, shapes, np.array(accuracy_m), distances).tolist()
        begin = 0
        for number, of_rule in met.items():
            part = slice(begin, begin := begin + len(of_rule))
            if not all(is_far[part]):
                self.near.add(number)
            elif self._is_mapped_everywhere(number):
                self.far[number] = max(accuracy_m[part], default=None)

    def _is_mapped_everywhere(self, number: int) -> bool:
        """And every row of it can be told; a raster is looked at wherever it is."""
        rows = self.reading.candidates[number]
        rule = self.case.rules[number]
        assert not isinstance(rows, CandidatesError)  # `met` has none of these
        kinds = {row.kind for row in rows}
        if "everywhere" not in kinds or not kinds.isdisjoint(("refused", "damaged")):
            return False
        if rule.relation is Relation.RASTER_CLASS or self._unreadable(rule):
            return False
        if rule.relation is Relation.SAME_PARCEL and not self.reading.subject.is_named:  # by all of its names
            return False
        return all([row.attributes is not None for row in rows if row.fid is not None])

    def sheet(self, number: int, rule: Rule, layer: LayerDefinition, cut: CutLayer) -> tuple[Sheet, Attributes]:
        """The sheet of a rule with the attributes of its features, in the order of the sheet."""
        why = self._unreadable(rule)
        if why:
            return Sheet.unread(1, why), []
        sheet, attributes = self._read_sheet(number, rule, layer, cut)
        if rule.relation is Relation.SAME_PARCEL and not self.reading.subject.is_named and sheet.failed is None:
            sheet = without_names(sheet)
        return sheet, attributes

    def _read_sheet(self, number: int, rule: Rule, layer: LayerDefinition, cut: CutLayer) -> tuple[Sheet, Attributes]:
        rows = self.reading.candidates.get(number, ())
        if isinstance(rows, CandidatesError):
            return Sheet.unread(1, rows.reason), []
        kinds = {row.kind for row in rows}
        if "damaged" in kinds:
            log.error("check.layer_damaged", layer=rule.layer, revision=cut.revision)
            return Sheet.unread(1, "damaged"), []
        if len(rows) > MOST_CANDIDATES:
            return Sheet.unread(1, "too_many_candidates"), []
        if any(row.fid is not None and row.attributes is None for row in rows):
            log.error("check.piece_without_fact", layer=rule.layer, revision=cut.revision)
            return Sheet.unread(1, "error"), []
        if kinds == {"everywhere"} and rule.relation is not Relation.RASTER_CLASS:
            return _NOTHING, []
        try:
            return self._made_sheet(number, rule, layer, cut, rows)
        except RasterError as error:
            log.warning("check.raster_unread", rule=rule.id, layer=rule.layer, reason=error.reason)
            return Sheet.unread(1, error.reason), []
        except MEASURING_FAILURES as error:
            log.warning("check.rule_failed", rule=rule.id, layer=rule.layer, error=type(error).__name__)
            return Sheet.unread(1, "error"), []

    def _made_sheet(
        self, number: int, rule: Rule, layer: LayerDefinition, cut: CutLayer, rows: Sequence[CandidateRow]
    ) -> tuple[Sheet, Attributes]:
        if rule.relation is not Relation.RASTER_CLASS:
            return self._of_features(number, rule, layer, rows)
        mapped = replace(
            _NOTHING, everywhere=any(row.kind == "everywhere" for row in rows), areas=_ground(rows, "area"),
            refused=_ground(rows, "refused"),
        )  # fmt: skip
        zone = self.reading.subject.zone
        return single_sheet(rule, layer, cut, self.case, self.subjects, zone, self.reading.rasters, mapped)

    def _of_features(
        self, number: int, rule: Rule, layer: LayerDefinition, rows: Sequence[CandidateRow]
    ) -> tuple[Sheet, Attributes]:
        """Candidates as columns; features in the order of their fids."""
        met = [row for row in rows if row.fid is not None]
        first = {row.fid: row for row in reversed(met)}
        fids = sorted(fid for fid in first if fid is not None)
        place = {fid: position for position, fid in enumerate(fids)}
        attributes: list[Mapping[str, object]] = [first[fid].attributes or {} for fid in fids]
        excluded = exclusions(rule, layer, attributes, self.case.on_date)
        for fid in self._own(rule) & place.keys():
            excluded[place[fid]] = SUBJECT_ITSELF
        shapes = self.shapes.get(number)
        sheet = Sheet(
            fid=np.array(fids, dtype=np.int64),
            accuracy_m=np.array([first[fid].accuracy_m or 0.0 for fid in fids], dtype=np.float64),
            excluded=excluded,
            subject=np.zeros(len(met), dtype=np.int64),
            feature=np.array([place[row.fid] for row in met if row.fid is not None], dtype=np.int64),
            geometry=shapes_of([row.geometry for row in met]) if shapes is None else shapes,
            distances=distances_of(rule, attributes),
            names=np.array([first[fid].key for fid in fids], dtype=object),
            everywhere=any(row.kind == "everywhere" for row in rows),
            areas=_ground(rows, "area"),
            refused=_ground(rows, "refused"),
            distance_m=self.distances_m.get(number),
        )
        return sheet, [{**values, KEY: first[fid].key} for fid, values in zip(fids, attributes, strict=True)]

    def _unreadable(self, rule: Rule) -> str | None:
        if self.reading.subject.is_outside:
            return OUTSIDE_EXTENT
        if rule.relation is Relation.SAME_PARCEL and not self.reading.subject.refs:
            is_parcel = self.reading.subject.rows or self.reading.subject.cut_from
            return "no_numbers" if is_parcel else "needs_parcel"
        return None

    def _own(self, rule: Rule) -> frozenset[int]:
        return own_fids(self.reading.subject, rule, self.parcels)


def without_names(sheet: Sheet) -> Sheet:
    """Of several parcels of which one has no number: an entry that was found stands, that there is none does not."""
    if len(sheet.subject) and (sheet.excluded[sheet.feature] == COUNTS).any():
        return sheet
    return replace(sheet, failed=np.full(1, "no_numbers", dtype=object))


def own_fids(subject: Subject, rule: Rule, parcels: str) -> frozenset[int]:
    """The rows of the rule's layer that are the subject itself, or that it is cut out of: a parcel does not lie across
    itself."""
    if subject.cut_from and rule.layer == parcels:
        return frozenset(subject.cut_from)
    if subject.layer != rule.layer:
        return frozenset()
    parts = frozenset(part.fid for part in subject.parts)
    return parts if subject.fid is None else parts | {subject.fid}


def _ground(rows: Sequence[CandidateRow], kind: str) -> Ground:
    wkb = [row.geometry for row in rows if row.kind == kind and row.geometry is not None]
    return Ground(np.zeros(len(wkb), dtype=np.int64), shapes_of(wkb)) if wkb else _NO_GROUND


_NO_GROUND = Ground.none()


def shapes_of(wkb: Sequence[bytes | None]) -> Objects:
    """All in one call; None stays None."""
    given = np.empty(len(wkb), dtype=object)
    given[:] = wkb
    return np.asarray(shapely.from_wkb(given), dtype=object)
