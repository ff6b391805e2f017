"""The answer: what one caller is shown of a sealed record, with the verdict of what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gis.procedure import Outcome, Verdict, worst
from layers.canonical import digest_of
from layers.profile.profile import digest
from layers.store.checks import RecordRow

from .evidence import opened
from .shown import NO_COVERAGE, NO_MEASURE, Json, Shower, flat, slack
from .view import View, view_of

__all__ = ["NO_COVERAGE", "NO_MEASURE", "Answer", "Json", "View", "answer_of", "project", "subject_shown", "view_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of contracts 2, for one caller.

    A guarded answer was worked out from what the caller may not see. It leaves in one length on a fixed tick:
    `slack_bytes` is how much longer it could be with other outcomes.
    """

    id: str
    content: Json
    is_guarded: bool = False
    slack_bytes: int = 0

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.content["verdict"])


def answer_of(record: RecordRow, view: View) -> Answer:
    """The projection of a stored record. Raises TamperedRecordError."""
    return project(opened(record), digest(record.body), view)


def layers_of(content: Mapping[str, Any]) -> frozenset[str]:
    """The layers that the findings of a record stand on."""
    return frozenset(finding["layer"] for finding in flat(content["findings"]) if finding["layer"] is not None)


def project(content: Mapping[str, Any], record_digest: str, view: View) -> Answer:
    """What `content` shows to one caller: outcomes, measures and features of layers within their rights."""
    shower = Shower(view)
    findings = [shower.finding(finding) for finding in content["findings"]]
    counted = [Verdict(finding["verdict"]) for finding in findings if finding["required"]]
    shown: Json = {
        "id": content["id"],
        "created": content["created"],
        "as_of": content["as_of"],
        "on_date": content["on_date"],
        "subject": subject_shown(content["subject"], view),
        "procedure": content["procedure"],
        "inputs": content["inputs"],
        "dossier": content["dossier"],
        "purpose": content["purpose"],
        "verdict": worst(counted).value,
        "findings": findings,
        "skipped": [shower.skipped(skipped, content["procedure"]["id"]) for skipped in content["skipped"]],
        "evidence": {
            "cut": _cut(content["cut"], findings, view),
            "policy": view.policy,
            "rules": content["rules"],
            "engine": content["engine"],
            "record": record_digest if view.sees_record(content) else None,
        },
    }
    shown["evidence"]["digest"] = digest_of(shown)
    return Answer(content["id"], shown, view.guards(layers_of(content)), slack(findings, shown["verdict"]))


def _cut(cut: Mapping[str, int], findings: list[Json], view: View) -> dict[str, int]:
    """The revisions of the layers that may be told of, less those whose finding is withheld."""
    withheld = {finding["layer"] for finding in flat(findings) if finding["outcome"] == Outcome.WITHHELD}
    return {
        layer: revision for layer, revision in cut.items() if layer not in withheld and view.sight(layer).tells_activity
    }


def subject_shown(subject: Mapping[str, Any], view: View) -> Json:
    """What names the parcel and the certificate's area are columns like any other."""
    shown = {name: subject[name] for name in ("kind", "layer", "fid", "key", "label", "area_m2", "registered_area_m2")}
    if subject["layer"] is None:
        return shown
    columns = view.sight(subject["layer"]).columns(subject["attributes"]) or frozenset()
    key, label = view.naming_columns()
    if not key <= columns:
        shown["key"] = None
    if not label <= columns:
        shown["label"] = shown["key"] or f"fid:{subject['fid']}"
    if subject["registered_area_column"] not in {None, *columns}:
        shown["registered_area_m2"] = None
    return shown
