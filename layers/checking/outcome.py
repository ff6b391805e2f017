"""Partitions put together: the two files of a batch, and a count of what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gis.procedure import Outcome, Verdict
from layers.canonical import plain
from layers.publishing.source import Progress, digest_of

from .partition import left_in
from .plan import Plan
from .share import shown_features, shown_findings, told_names
from .tables import FEATURES, FINDINGS

#: key of the policy's digest in a file's metadata
POLICY = "lienthong.policy"
_VERDICTS = [verdict.value for verdict in Verdict]
_OUTCOMES = [outcome.value for outcome in Outcome]


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over all subjects."""

    verdicts: Mapping[str, int]  #: of subjects, over the required checks
    outcomes: Mapping[str, Mapping[str, int]]  #: by check
    refer_by_accuracy: int  #: subjects that are referred for nothing but the accuracy
    hits: int
    drops: int


def write_results(plan: Plan, out: Path, progress: Progress, policy: str, about: Mapping[str, object]) -> Summary:
    """`findings.parquet` and `features.parquet`, partition by partition in order, then `summary.json` with the counts,
    what it is `about` and the files' digests; each appears whole or not at all.

    The metadata of the files name the policy (digest) they were given out under.
    """
    out.mkdir(parents=True, exist_ok=True)
    tally = _Tally(plan)
    drafts = {name: out / f"{name}.parquet.tmp" for name in ("findings", "features")}
    with (
        _writer(drafts["findings"], FINDINGS) as findings,
        _writer(drafts["features"], FEATURES) as features,
        ThreadPoolExecutor(1) as beside,  # packing takes longest, and one file knows nothing of the other
    ):
        for number in range(plan.partitions):
            found = left_in(plan.findings_file(number))
            met = left_in(plan.features_file(number))
            if plan.share is not None:
                found = shown_findings(found, plan.procedure, plan.share)
                met = shown_features(met, plan.procedure, plan.share)
            writing = beside.submit(features.write_table, met)
            findings.write_table(found)
            tally.add(found, met)
            writing.result()
            progress("write", number + 1, plan.partitions)
        for written in (findings, features):
            written.add_key_value_metadata({POLICY: policy})
    for name, draft in drafts.items():
        draft.replace(out / f"{name}.parquet")
    summary = tally.summary()
    required = [name for name, counts in zip(tally.checks, tally.required.tolist(), strict=True) if counts]
    _write_summary(out, summary, {**about, "policy": policy, "required": required})
    return summary


RESULTS = ("findings.parquet", "features.parquet")
SUMMARY = "summary.json"


def _write_summary(out: Path, summary: Summary, about: Mapping[str, object]) -> None:
    """The same bytes for the same batch: nothing in it depends on when or how it was run."""
    files = [{"name": name, "sha256": digest_of(out / name), "bytes": (out / name).stat().st_size} for name in RESULTS]
    told = plain({**about, **asdict(summary), "shares": _shares(summary.verdicts), "files": files})
    draft = out / f"{SUMMARY}.tmp"
    draft.write_text(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(out / SUMMARY)


def _shares(verdicts: Mapping[str, int]) -> dict[str, float]:
    whole = sum(verdicts.values())
    return {name: round(count / whole, 6) if whole else 0.0 for name, count in verdicts.items()}


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # without Arrow's own schema the words come back as plain texts in every reader
    return pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)


class _Tally:
    """Counts that grow partition by partition."""

    def __init__(self, plan: Plan) -> None:
        self.checks = told_names(plan.procedure, plan.share)
        self.required = np.array([check.required for check in plan.procedure.checks], dtype=bool)
        self.outcomes = np.zeros((len(self.checks), len(_OUTCOMES)), dtype=np.int64)
        self.verdicts = np.zeros(len(_VERDICTS), dtype=np.int64)
        self.by_accuracy = self.hits = self.drops = 0

    def add(self, findings: pa.Table, features: pa.Table) -> None:
        shape = (-1, len(self.checks))
        outcome = _codes(findings["outcome"], _OUTCOMES).reshape(shape)
        verdict = _codes(findings["verdict"], _VERDICTS).reshape(shape)
        for number in range(len(self.checks)):
            self.outcomes[number] += np.bincount(outcome[:, number], minlength=len(_OUTCOMES))
        overall = np.full(len(verdict), _VERDICTS.index("refer"))
        if self.required.any():
            overall = verdict[:, self.required].max(axis=1)
        self.verdicts += np.bincount(overall, minlength=len(_VERDICTS))
        self.by_accuracy += self._referred_by_accuracy(outcome, verdict, overall)
        hits = int(np.count_nonzero(features["hit"].to_numpy()))
        self.hits, self.drops = self.hits + hits, self.drops + features.num_rows - hits

    def _referred_by_accuracy(
        self, outcome: NDArray[np.int64], verdict: NDArray[np.int64], overall: NDArray[np.int64]
    ) -> int:
        refer = _VERDICTS.index("refer")
        otherwise = (verdict == refer) & (outcome != _OUTCOMES.index("borderline")) & self.required
        return int(np.count_nonzero((overall == refer) & ~otherwise.any(axis=1) & self.required.any()))

    def summary(self) -> Summary:
        named = {
            check: {name: int(count) for name, count in zip(_OUTCOMES, counts, strict=True) if count}
            for check, counts in zip(self.checks, self.outcomes, strict=True)
        }
        verdicts = {name: int(count) for name, count in zip(_VERDICTS, self.verdicts, strict=True)}
        return Summary(verdicts, named, self.by_accuracy, self.hits, self.drops)


def _codes(column: pa.ChunkedArray, words: list[str]) -> NDArray[np.int64]:
    """The position of each word; the column is dictionary-encoded."""
    made = []
    for chunk in column.chunks:
        place = np.array([words.index(word) for word in chunk.dictionary.to_pylist()], dtype=np.int64)
        made.append(place[chunk.indices.to_numpy()])
    return np.concatenate(made) if made else np.zeros(0, dtype=np.int64)
