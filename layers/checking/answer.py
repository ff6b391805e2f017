"""The answer: what one caller is shown of a sealed record, with the verdict of what is shown."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gis.errors import Message
from gis.procedure import Outcome, Verdict, worst
from layers.access.principal import Principal
from layers.canonical import digest_of
from layers.profile.profile import digest
from layers.store.catalogue import Catalogue
from layers.store.checks import RecordRow

from .evidence import opened
from .reasons import reason
from .sight import Sight, sight_of

Json = dict[str, Any]

NO_MEASURE: Mapping[str, None] = dict.fromkeys(
    ("area_m2", "area_low_m2", "area_high_m2", "share", "length_m", "count", "nearest_m")
)
NO_COVERAGE: Mapping[str, None] = dict.fromkeys(("mapped_share", "published", "max_age_days"))
_HIDDEN = Sight((), (), False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of contracts 2, for one caller."""

    id: str
    content: Json

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.content["verdict"])


@dataclass(frozen=True, slots=True)
class View:
    """What the caller may see: the sight of each layer, and the layers taken back since."""

    sights: Mapping[str, Sight]
    withdrawn: frozenset[str]
    policy: str

    def sight(self, layer: str) -> Sight:
        return self.sights.get(layer, _HIDDEN)


def view_of(
    catalogue: Catalogue, principal: Principal, *, purpose: str | None, day: date, layers: Container[str] | None = None
) -> View:
    """The caller's sight of every layer, or of these. A layer the profile no longer has is seen by nobody but the
    operator."""
    sights = {
        name: sight_of(
            principal,
            state.definition,
            catalogue.grants,
            purpose=purpose,
            day=day,
            active_agreements=catalogue.active_agreements,
        )
        for name, state in catalogue.layers.items()
        if layers is None or name in layers
    }
    withdrawn = frozenset(name for name, state in catalogue.layers.items() if state.state == "withdrawn")
    return View(sights, withdrawn, catalogue.policy_digest)


def answer_of(record: RecordRow, view: View) -> Answer:
    """The projection of a stored record. Raises TamperedRecordError."""
    return project(opened(record), digest(record.body), view)


def project(content: Mapping[str, Any], record_digest: str, view: View) -> Answer:
    """What `content` shows to one caller: outcomes, measures and features of layers within their rights."""
    findings = [_shown(finding, view) for finding in content["findings"]]
    hidden = {finding["layer"] for finding in _flat(findings) if finding["outcome"] == Outcome.WITHHELD}
    counted = [Verdict(finding["verdict"]) for finding in findings if finding["required"]]
    shown: Json = {
        "id": content["id"],
        "created": content["created"],
        "as_of": content["as_of"],
        "on_date": content["on_date"],
        "subject": _subject(content["subject"], view),
        "procedure": content["procedure"],
        "inputs": content["inputs"],
        "dossier": content["dossier"],
        "purpose": content["purpose"],
        "verdict": worst(counted).value,
        "findings": findings,
        "skipped": content["skipped"],
        "evidence": {
            "cut": {layer: revision for layer, revision in content["cut"].items() if layer not in hidden},
            "policy": view.policy,
            "rules": content["rules"],
            "engine": content["engine"],
            "record": record_digest,
        },
    }
    shown["evidence"]["digest"] = digest_of(shown)
    return Answer(content["id"], shown)


def _flat(findings: list[Json]) -> list[Json]:
    return [part for finding in findings for part in (finding, *finding.get("members", ()))]


def _subject(subject: Mapping[str, Any], view: View) -> Json:
    """The certificate's area is a column like any other; the rest names what the caller asked for."""
    shown = {name: subject[name] for name in ("kind", "layer", "fid", "key", "label", "area_m2", "registered_area_m2")}
    column = subject["registered_area_column"]
    if column is not None and column not in (view.sight(subject["layer"]).columns(subject["attributes"]) or ()):
        shown["registered_area_m2"] = None
    return shown


# ── one finding ──────────────────────────────────────────────────────────────────────────────────


def _shown(finding: Mapping[str, Any], view: View) -> Json:
    if finding["kind"] == "group":
        return _shown_group(finding, view)
    if finding["kind"] == "subject":
        return _public(dict(finding))
    sight = view.sight(finding["layer"])
    met = (*finding["features"], *finding["dropped"])
    # a measure would tell of rows outside the caller's rights, dropped ones included
    if not sight.is_allowed or any(sight.columns(each["attributes"]) is None for each in met):
        return withheld(finding)
    shown = dict(finding)
    shown["features"] = [_feature(hit, sight) for hit in shown["features"]]
    shown["dropped"] = [_drop(drop, sight) for drop in shown["dropped"]]
    if finding["layer"] in view.withdrawn and met:
        _take_back(shown)
    return _public(shown)


def _feature(hit: Json, sight: Sight) -> Json:
    columns = sight.columns(hit["attributes"]) or frozenset()
    return {
        "fid": hit["fid"],
        "key": hit["key"] if set(hit["key_columns"]) <= columns else None,
        "relation": hit["relation"],
        "reason": hit["reason"],
        "area_m2": hit["area_m2"],
        "length_m": hit["length_m"],
        "nearest_m": hit["nearest_m"],
        "attributes": {name: value for name, value in hit["attributes"].items() if name in columns},
    }


def _drop(drop: Json, sight: Sight) -> Json:
    columns = sight.columns(drop["attributes"]) or frozenset()
    names = ("fid", "key", "relation", "area_m2", "area_high_m2", "length_m", "nearest_m", "reason")
    shown = {name: drop[name] for name in names}
    shown["key"] = drop["key"] if set(drop["key_columns"]) <= columns else None
    return shown


def _take_back(shown: Json) -> None:
    """A layer withdrawn since: the outcome stays, its features are no longer given out."""
    shown["features"], shown["dropped"] = [], []
    shown["basis"] = [basis for basis in shown["basis"] if basis["source"] != "feature"]
    shown["reasons"] = [*shown["reasons"], reason("withdrawn_since")]


def withheld(finding: Mapping[str, Any]) -> Json:
    """No measure, no features; the office is named so that the caller knows whom to ask."""
    office = finding["office"]
    shown = dict(finding) | {
        "outcome": Outcome.WITHHELD.value,
        "verdict": Verdict.REFER.value,
        "revision": None,
        "release": None,
        "measure": dict(NO_MEASURE),
        "coverage": dict(NO_COVERAGE),
        "accuracy_m": None,
        "features": [],
        "dropped": [],
        "basis": [basis for basis in finding["basis"] if basis["source"] in ("check", "layer")],
        "reasons": [reason("no_right", **({"office": Message(office["vi"], office["en"])} if office else {}))],
    }
    return _public(shown)


def _shown_group(finding: Mapping[str, Any], view: View) -> Json:
    """A group is as good as what is shown of it: one withheld member withholds the whole."""
    members = [_shown(member, view) for member in finding["members"]]
    shown = {name: value for name, value in finding.items() if name != "members"}
    if any(member["outcome"] == Outcome.WITHHELD for member in members):
        shown |= {"outcome": Outcome.WITHHELD.value, "verdict": Verdict.REFER.value, "measure": dict(NO_MEASURE)}
        shown["reasons"] = [reason("member_withheld")]
        shown["basis"] = [basis for basis in shown["basis"] if basis["source"] == "check"]
    return _public(shown) | {"members": members}


def _public(finding: Json) -> Json:
    """The fields of an answer in the order of the contract; what only the engine needs is left out."""
    return {
        "check": finding["check"],
        "title": finding["title"],
        "layer": finding["layer"],
        "revision": finding["revision"],
        "release": finding["release"],
        "relation": finding["relation"],
        "outcome": finding["outcome"],
        "verdict": finding["verdict"],
        "required": finding["required"],
        "verified": finding["verified"],
        "measure": finding["measure"],
        "coverage": finding["coverage"],
        "accuracy_m": finding["accuracy_m"],
        "features": finding["features"],
        "dropped": finding["dropped"],
        "basis": finding["basis"],
        "office": finding["office"],
        "reasons": finding["reasons"],
    }
