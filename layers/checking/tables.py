"""Findings and features as Arrow tables, with exactly the columns of contracts 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.procedure import Group, Outcome, Rule, SubjectRule, Verdict

from .codes import column_of
from .evaluate import CheckFindings, RuleFindings

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_WORD = pa.dictionary(pa.int32(), pa.string())
FINDINGS = pa.schema(
    [
        ("subject_key", _WORD), ("check", _WORD), ("layer", _WORD), ("outcome", _WORD), ("verdict", _WORD),
        ("area_m2", pa.float64()), ("area_low_m2", pa.float64()), ("area_high_m2", pa.float64()),
        ("length_m", pa.float64()), ("count", pa.int64()), ("nearest_m", pa.float64()), ("share", pa.float64()),
        ("revision", pa.int64()), ("reason", _WORD),
    ]
)  # fmt: skip
FEATURES = pa.schema(
    [
        ("subject_key", _WORD), ("check", _WORD), ("layer", _WORD), ("feature_key", _WORD), ("relation", _WORD),
        ("hit", pa.bool_()), ("reason", _WORD), ("area_m2", pa.float64()), ("length_m", pa.float64()),
        ("nearest_m", pa.float64()),
    ]
)  # fmt: skip

#: a tenth of a millimetre is beyond every accuracy there is; the single check rounds alike
_DIGITS = 4
_SHARE_DIGITS = 6


def findings_table(
    keys: pa.Array,
    position: Integers,
    found: Sequence[CheckFindings],
    revisions: Mapping[str, int],
    subjects: Subjects,
) -> pa.Table:
    """One row a subject and check, subject by subject; `subject` is the position in the partition."""
    size, checks = len(keys), len(found)
    columns = [_Columns(check, subjects, revisions) for check in found]
    numbers = {
        name: pa.array(_spread([column.numbers[name] for column in columns]), from_pandas=True)
        for name in ("area_m2", "area_low_m2", "area_high_m2", "length_m", "nearest_m", "share")
    }
    made = {
        "subject": pa.array(np.repeat(position, checks)),
        "subject_key": _dictionary(np.repeat(np.arange(size), checks), keys),
        "check": _repeated([check.check.id for check in found], size),
        "layer": _repeated([column.layer for column in columns], size),
        "outcome": _members(Outcome, [check.outcome for check in found]),
        "verdict": _members(Verdict, [check.verdict for check in found]),
        **numbers,
        "count": _counts(_spread([column.count for column in columns])),
        "revision": _counts(np.tile([column.revision for column in columns], size)),
        "reason": _words(_spread([column.reason for column in columns])),
    }
    return pa.table(made).select(["subject", *FINDINGS.names])


class _Columns:
    """The columns of one check."""

    def __init__(self, found: CheckFindings, subjects: Subjects, revisions: Mapping[str, int]) -> None:
        unknown = np.full(len(subjects), np.nan)
        self.numbers: dict[str, Floats] = dict.fromkeys(
            ("area_m2", "area_low_m2", "area_high_m2", "length_m", "nearest_m", "share"), unknown
        )
        self.count = unknown
        self.layer: str | None = None
        self.revision = np.nan
        self.reason = column_of(found, subjects)
        if isinstance(found.check, Rule):
            self._take_rule(found.rules[0])
            self.layer, self.revision = found.check.layer, float(revisions[found.check.layer] or np.nan)
        elif isinstance(found.check, SubjectRule) and found.area_m2 is not None:
            bounds = {"area_low_m2": found.area_low_m2, "area_high_m2": found.area_high_m2}
            known = {"area_m2": found.area_m2, **{name: area for name, area in bounds.items() if area is not None}}
            self.numbers |= {name: np.round(area, _DIGITS) for name, area in known.items()}
        elif isinstance(found.check, SubjectRule) and found.length_m is not None:
            self.numbers["length_m"] = np.round(found.length_m, _DIGITS)
        else:
            assert isinstance(found.check, Group)

    def _take_rule(self, found: RuleFindings) -> None:
        theme = found.measures.theme
        measured = {
            "area_m2": theme.area_m2, "area_low_m2": theme.area_low_m2, "area_high_m2": theme.area_high_m2,
            "length_m": theme.length_m, "nearest_m": theme.nearest_m,
        }  # fmt: skip
        rounded = {name: np.round(values, _DIGITS) for name, values in measured.items()}
        rounded["share"] = np.round(found.measures.share, _SHARE_DIGITS)
        count = found.hit_count.astype(np.float64)
        if found.sheet.failed is not None:
            is_read = found.sheet.failed == ""
            rounded = {name: np.where(is_read, values, np.nan) for name, values in rounded.items()}
            count = np.where(is_read, count, np.nan)
        self.numbers |= {name: values + 0.0 for name, values in rounded.items()}  # no negative zero
        self.count = count


def features_table(
    keys: pa.Array, position: Integers, found: Sequence[CheckFindings], feature_keys: Callable[[str], pa.Array]
) -> pa.Table:
    """One row a hit or drop, ordered by subject, check, member, feature; members of a group carry the group's id."""
    parts = [
        _rule_features(check.check.id, rule, keys, position, feature_keys)
        for check in found
        for rule in check.rules
        if len(rule.measures.subject)
    ]
    if not parts:
        return pa.schema([pa.field("subject", pa.int64()), *FEATURES]).empty_table()
    whole = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    order = np.argsort(whole["subject"].to_numpy(), kind="stable")
    return whole.take(pa.array(order))


def _rule_features(
    check: str, found: RuleFindings, keys: pa.Array, position: Integers, feature_keys: Callable[[str], pa.Array]
) -> pa.Table:
    measures, judgement = found.measures, found.judgement
    size = len(measures.subject)
    reason = judgement.reason.copy()
    reason[reason == ""] = None
    features, place = np.unique(measures.feature, return_inverse=True)
    made = {
        "subject": pa.array(position[measures.subject]),
        "subject_key": _dictionary(measures.subject, keys),
        "check": _repeated([check], size),
        "layer": _repeated([found.rule.layer], size),
        "feature_key": _dictionary(place, feature_keys(found.rule.layer).take(pa.array(features))),
        "relation": _words(measures.relation),
        "hit": pa.array(judgement.hit),
        "reason": _words(reason),
        **{
            name: pa.array(np.round(getattr(measures, name), _DIGITS), from_pandas=True)
            for name in ("area_m2", "length_m", "nearest_m")
        },
    }
    return pa.table(made).select(["subject", *FEATURES.names])


def _spread(columns: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Columns of checks to one column, subject by subject."""
    return np.stack(columns, axis=1).ravel() if columns else np.zeros(0)


def _dictionary(index: Integers, words: pa.Array) -> pa.DictionaryArray:
    """Each word once, whatever is called alike: of a dictionary with the same word twice Parquet's writer takes the
    length of both, and what it leaves unwritten is whatever lay in memory."""
    return words.cast(pa.string()).dictionary_encode().take(pa.array(index))


def _repeated(words: Sequence[str | None], times: int) -> pa.DictionaryArray:
    """The words one after the other, again and again; None is null."""
    known = [word for word in dict.fromkeys(words) if word is not None]
    index = [None if word is None else known.index(word) for word in words]
    tiled = np.tile(np.array([-1 if place is None else place for place in index], dtype=np.int32), times)
    return pa.DictionaryArray.from_arrays(pa.array(tiled, mask=tiled < 0), pa.array(known, pa.string()))


def _words(words: NDArray[np.generic]) -> pa.DictionaryArray:
    """Words, None as null."""
    return pa.array(words.tolist(), pa.string()).dictionary_encode()


def _members(kind: type[Outcome] | type[Verdict], columns: Sequence[Objects]) -> pa.DictionaryArray:
    """Columns of members of an enumeration, subject by subject."""
    found = []
    for column in columns:
        codes = np.zeros(len(column), dtype=np.int32)
        for code, member in enumerate(kind):
            codes[column == member] = code
        found.append(codes)
    return pa.DictionaryArray.from_arrays(pa.array(_spread(found)), pa.array([member.value for member in kind]))


def _counts(values: NDArray[np.generic]) -> pa.Array:
    return pa.array(values, from_pandas=True).cast(pa.int64())
