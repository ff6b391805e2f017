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
from .registered import (
    add_registered,
    hides_certificate,
    remainder_shown,
    speaks_of_certificate,
    without_certificate,
)
from .several import label_of_several
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
    subject = subject_shown(content["subject"], view)
    hides = hides_certificate(content["subject"], view)
    findings = [
        without_certificate(finding) if hides and speaks_of_certificate(finding) else shower.finding(finding)
        for finding in content["findings"]
    ]
    for finding in flat(findings):
        add_registered(finding, subject)
    counted = [Verdict(finding["verdict"]) for finding in findings if finding["required"]]
    shown: Json = {
        "id": content["id"],
        "created": content["created"],
        "as_of": content["as_of"],
        "on_date": content["on_date"],
        "subject": subject,
        "procedure": content["procedure"],
        "inputs": content["inputs"],
        "dossier": content["dossier"],
        "purpose": content["purpose"],
        "verdict": worst(counted).value,
        "findings": findings,
        "remainder": remainder_shown(content.get("remainder"), findings, subject),
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
    """What names the parcel and the certificate's area are columns like any other; of several parcels each one's."""
    shown = {name: subject[name] for name in ("kind", "layer", "fid", "key", "label", "area_m2", "registered_area_m2")}
    if subject["layer"] is not None and not subject.get("parts"):
        shown |= _named(subject, subject, view)
    parts = [_part(part, subject, view) for part in subject.get("parts", ())]
    if parts:
        areas = [part["registered_area_m2"] for part in parts]
        shown["label"] = label_of_several([part["label"] for part in parts])
        shown["registered_area_m2"] = None if None in areas else subject["registered_area_m2"]
    return {**shown, "parts": parts, "coordinates": _coordinates(subject), "reasons": subject.get("reasons", [])}


def _part(part: Mapping[str, Any], subject: Mapping[str, Any], view: View) -> Json:
    shown = {name: part[name] for name in ("fid", "key", "label", "area_m2", "registered_area_m2")}
    return shown | _named(part, subject, view)


def _named(parcel: Mapping[str, Any], subject: Mapping[str, Any], view: View) -> Json:
    """What the caller may not see of a parcel's names and of its certificate."""
    columns = view.sight(subject["layer"]).columns(parcel["attributes"]) or frozenset()
    key, label = view.naming_columns()
    hidden: Json = {} if key <= columns else {"key": None}
    if not label <= columns:
        hidden["label"] = hidden.get("key", parcel["key"]) or f"fid:{parcel['fid']}"
    if subject["registered_area_column"] not in {None, *columns}:
        hidden["registered_area_m2"] = None
    return hidden


def _coordinates(subject: Mapping[str, Any]) -> Json | None:
    """How a table of vertices was read; its points stay in the record."""
    kept = subject.get("coordinates")
    return {"crs": kept["crs"], "axes": kept["axes"], "points": len(kept["numbers"])} if kept else None
