"""What of a batch one caller may be shown: decided once, by policy alone, before anything is measured.

Layers that may not be shown are not measured for them at all: neither a file nor the time it takes can tell of them.
What a check tells for a dossier only is never told by a batch. The operator has no share: they see everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gis.certificates import MEASURES
from gis.procedure import Check, Group, Outcome, Procedure, Rule, SubjectRule, Verdict, rules_in
from layers.canonical import digest_of

RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class LayerShare:
    """One layer; `untold` is why nothing of it is shown, empty where it is."""

    untold: str
    names_features: bool = False
    tells_activity: bool = False
    columns: tuple[str, ...] = ()  #: what may be named of every row


_UNKNOWN = LayerShare(RESTRICTED)


@dataclass(frozen=True, slots=True)
class Share:
    """The caller's part of a batch: of each layer, and the rows of the subjects' layer they may have checked."""

    layers: Mapping[str, LayerShare]
    subjects: str = ""  #: digest of the relation whose rows are subjects
    names_subjects: bool = True

    def of(self, layer: str) -> LayerShare:
        return self.layers.get(layer, _UNKNOWN)

    def hides(self, layer: str) -> bool:
        return bool(self.of(layer).untold)

    @property
    def digest(self) -> str:
        layers = {name: [one.untold, one.names_features, one.tells_activity, list(one.columns)]
                  for name, one in self.layers.items()}  # fmt: skip
        return digest_of({"layers": layers, "subjects": self.subjects, "names": self.names_subjects})


# ── findings and features as they are shown ──────────────────────────────────────────────────────


def shown_findings(findings: pa.Table, procedure: Procedure, share: Share) -> pa.Table:
    """The rows of a partition with every check that may not be told as `withheld`."""
    told = _told(procedure.checks, share)
    times = findings.num_rows // max(len(told), 1)
    hidden = _repeated([one.reason is not None for one in told], times, pa.bool_())
    quiet = _repeated([one.hides_revision for one in told], times, pa.bool_())
    made = {name: findings[name] for name in findings.column_names}
    made["check"] = _repeated([one.name for one in told], times, pa.string())
    made["layer"] = _repeated([one.layer for one in told], times, pa.string())
    for name, value in (("outcome", Outcome.WITHHELD.value), ("verdict", Verdict.REFER.value)):
        made[name] = pc.if_else(hidden, value, _text(made[name]))
    made["reason"] = pc.if_else(hidden, _repeated([one.reason for one in told], times, pa.string()),
                                _text(made["reason"]))  # fmt: skip
    for name in ("area_m2", "area_low_m2", "area_high_m2", "length_m", "count", "nearest_m", "share"):
        if name in made:
            made[name] = pc.if_else(hidden, pa.scalar(None, made[name].type), made[name])
    made["revision"] = pc.if_else(quiet, pa.scalar(None, pa.int64()), made["revision"])
    return _like(made, findings)


def shown_features(features: pa.Table, procedure: Procedure, share: Share) -> pa.Table:
    """Hits and drops of layers that are shown, with keys where those are."""
    told = {check.id: one for check, one in zip(procedure.checks, _told(procedure.checks, share), strict=True)}
    names = {layer: one.names_features for layer, one in share.layers.items() if not one.untold}
    kept = features.filter(pc.is_in(_text(features["layer"]), pa.array(sorted(names), pa.string())))
    made = {name: kept[name] for name in kept.column_names}
    nameless = pa.array([layer for layer, is_named in names.items() if not is_named], pa.string())
    made["feature_key"] = pc.if_else(pc.is_in(_text(made["layer"]), nameless), pa.scalar(None, pa.string()),
                                     _text(made["feature_key"]))  # fmt: skip
    checks = {check: one.name for check, one in told.items()}
    made["check"] = pa.array([checks.get(check, check) for check in made["check"].to_pylist()], pa.string())
    return _like(made, features)


def told_names(procedure: Procedure, share: Share | None) -> list[str]:
    """What the checks are called in the results; that of a secret layer has no name."""
    if share is None:
        return [check.id for check in procedure.checks]
    return [one.name for one in _told(procedure.checks, share)]


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of one check; `reason` is why it is withheld, None where it is not."""

    name: str
    layer: str | None
    reason: str | None
    hides_revision: bool


def _told(checks: Sequence[Check], share: Share) -> list[_Told]:
    made: list[_Told] = []
    restricted = 0
    for check in checks:
        parts = [share.of(rule.layer) for rule in rules_in(check)]
        is_secret = any(part.untold == RESTRICTED for part in parts)
        restricted += is_secret
        name = f"{RESTRICTED}_{restricted}" if is_secret else check.id
        layer = check.layer if isinstance(check, Rule) and not is_secret else None
        made.append(_Told(name, layer, _reason(check, parts), not all(part.tells_activity for part in parts)))
    return made


def _reason(check: Check, parts: Sequence[LayerShare]) -> str | None:
    untold = [part.untold for part in parts if part.untold]
    if isinstance(check, SubjectRule) and check.measure in MEASURES:
        return "no_right"  # a share does not say whether the certificates are the caller's to see
    if not untold:
        return None
    return untold[0] if not isinstance(check, Group) or RESTRICTED in untold else "member_withheld"


def _repeated(values: Sequence[object], times: int, kind: pa.DataType) -> pa.Array:
    return pa.array(list(values) * times, kind)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _like(columns: Mapping[str, pa.Array], table: pa.Table) -> pa.Table:
    """The columns in the order and types of the table."""
    made = []
    for field in table.schema:
        column = columns[field.name]
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = pc.dictionary_encode(column)
        made.append(column.cast(field.type))
    return pa.table(made, schema=table.schema)
