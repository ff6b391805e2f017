"""One finding as one caller is shown it: whole, reduced to its outcome, withheld, or without even its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gis.errors import Message
from gis.procedure import Outcome, Verdict

from .reasons import reason
from .sight import Sight
from .view import View

Json = dict[str, Any]

NO_MEASURE: Mapping[str, None] = dict.fromkeys(
    (
        "area_m2",
        "area_low_m2",
        "area_high_m2",
        "share",
        "length_m",
        "count",
        "nearest_m",
        "remainder_m2",
        "registered_area_m2",
    )
)
NO_COVERAGE: Mapping[str, None] = dict.fromkeys(("mapped_share", "published", "max_age_days"))
#: reasons that name a day on which the layer was revised
_OF_ACTIVITY = frozenset({"stale", "before_first_revision"})
RESTRICTED = Message("Nội dung kiểm tra hạn chế", "Restricted check")
#: of a finding that is told as an outcome and nothing else
REDUCED = "reduced"
LONGEST_OUTCOME = max(len(outcome.value) for outcome in Outcome)
LONGEST_VERDICT = max(len(verdict.value) for verdict in Verdict)


class Shower:
    """Shows the findings of one record in their order; what must not be named is numbered."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._restricted = 0

    def finding(self, finding: Mapping[str, Any]) -> Json:
        if finding["kind"] == "group" or finding.get("members"):
            return self._group(finding)
        if finding["kind"] == "subject":
            return public(finding)
        return self._of_layer(finding)

    def skipped(self, skipped: Mapping[str, Any], procedure: str) -> Json:
        """A check that was not asked, by its name where that may be told."""
        if not self.view.is_secret_check(procedure, skipped["check"]):
            return dict(skipped)
        return {"check": self._number(), "title": RESTRICTED.as_dict(), "reason": reason("not_asked_here")}

    def _of_layer(self, finding: Mapping[str, Any]) -> Json:
        sight = self.view.sight(finding["layer"])
        if sight.is_secret:
            return self._nameless(finding)
        if not sight.is_allowed or (sight.is_reserved and not sight.may_check):
            return withheld(finding, "no_right")
        if sight.is_reserved:
            return withheld(finding, self.view.untold) if self.view.untold else reduced(finding)
        met = (*finding["features"], *finding["dropped"])
        # only for owners: whoever else is bound to rows is told outcomes alone
        if any(sight.columns(each["attributes"]) is None for each in met):
            return withheld(finding, "no_right")
        return self._whole(finding, sight)

    def _whole(self, finding: Mapping[str, Any], sight: Sight) -> Json:
        shown = dict(finding)
        shown["features"] = [_feature(hit, sight) for hit in shown["features"]]
        shown["dropped"] = [_drop(drop, sight) for drop in shown["dropped"]]
        column = self.view.basis_column(finding["layer"])
        if any(column not in feature["attributes"] for feature in shown["features"]):
            shown["basis"] = [basis for basis in shown["basis"] if basis["source"] != "feature"]
        if finding["layer"] in self.view.withdrawn and (shown["features"] or shown["dropped"]):
            _take_back(shown)
        if sight.hides_activity:
            _hide_activity(shown)
        return public(shown)

    def _nameless(self, finding: Mapping[str, Any]) -> Json:
        """That there is such a layer is not told: fixed words, and whether the check counts."""
        shown = withheld({**finding, "office": {}}, "restricted")
        return {**shown, **self._no_name()}

    def _no_name(self) -> Json:
        """What stands for a check of such a layer, and for a group that one belongs to, asked or not asked."""
        return {"check": self._number(), "title": RESTRICTED.as_dict(), "layer": None, "relation": None, "basis": [],
                "office": {}, "verified": True}  # fmt: skip

    def _number(self) -> str:
        self._restricted += 1
        return f"restricted_{self._restricted}"

    def _group(self, finding: Mapping[str, Any]) -> Json:
        """A group is as good as what is shown of it: one withheld member withholds the whole."""
        members = [self._of_layer(member) for member in finding["members"]]
        shown = {name: value for name, value in finding.items() if name != "members"}
        is_withheld = any(member["outcome"] == Outcome.WITHHELD for member in members)
        if is_withheld:
            shown |= {"outcome": Outcome.WITHHELD.value, "verdict": Verdict.REFER.value}
        if is_withheld or any(is_reduced(member) for member in members):
            shown["measure"] = dict(NO_MEASURE)
            shown["reasons"] = [reason("member_withheld" if is_withheld else REDUCED)]
            shown["basis"] = [basis for basis in shown["basis"] if basis["source"] == "check"]
        if any(self.view.sight(member["layer"]).is_secret for member in finding["members"]):
            shown |= self._no_name()
        return public(shown) | {"members": members}


def is_reduced(shown: Mapping[str, Any]) -> bool:
    """Whether a shown finding holds its outcome only; of a group, whether it follows from such a one."""
    return bool(shown["reasons"]) and shown["reasons"][0]["code"] == REDUCED


def flat(findings: list[Json]) -> Iterator[Json]:
    """Findings with the members of groups after their group."""
    for finding in findings:
        yield finding
        yield from finding.get("members", ())


def slack(findings: list[Json], verdict: str) -> int:
    """How many bytes longer the answer would be with other outcomes of what is told as outcomes only."""
    told = [finding for finding in flat(findings) if is_reduced(finding)]
    missing = [LONGEST_OUTCOME - len(each["outcome"]) + LONGEST_VERDICT - len(each["verdict"]) for each in told]
    return sum(missing) + (LONGEST_VERDICT - len(verdict) if told else 0)


def levelled(content: Mapping[str, Any]) -> Json:
    """The answer with one and the same outcome wherever only outcomes are told: what it looks like to anybody who
    does not read those, whatever the hidden data."""
    level = {"outcome": Outcome.PARTLY_MAPPED.value, "verdict": Verdict.REFER.value}

    def of(finding: Json) -> Json:
        members = {"members": [of(member) for member in finding["members"]]} if "members" in finding else {}
        return {**finding, **members, **(level if is_reduced(finding) else {})}

    return {**content, "findings": [of(finding) for finding in content["findings"]], "verdict": Verdict.REFER.value}


def withheld(finding: Mapping[str, Any], why: str = "no_right") -> Json:
    """No measure, no features; the office is named so that the caller knows whom to ask."""
    untold = {"outcome": Outcome.WITHHELD.value, "verdict": Verdict.REFER.value, "reasons": [_reason(finding, why)]}
    return public({**_bare(finding), **untold})


def reduced(finding: Mapping[str, Any]) -> Json:
    """The engine's outcome with the rule and the office, and nothing of what it was found from."""
    return public({**_bare(finding), "reasons": [_reason(finding, REDUCED)]})


def _bare(finding: Mapping[str, Any]) -> Json:
    """What follows from the rule and the layer's definition alone."""
    return {
        **finding,
        "revision": None,
        "release": None,
        "measure": dict(NO_MEASURE),
        "coverage": dict(NO_COVERAGE),
        "accuracy_m": None,
        "features": [],
        "dropped": [],
        "basis": [basis for basis in finding["basis"] if basis["source"] in ("check", "layer")],
    }


def _reason(finding: Mapping[str, Any], code: str) -> dict[str, object]:
    office = finding["office"]
    return reason(code, **({"office": Message(office["vi"], office["en"])} if office else {}))


def _feature(hit: Json, sight: Sight) -> Json:
    columns = sight.columns(hit["attributes"]) or frozenset()
    return {
        "fid": hit["fid"],
        "key": hit["key"] if set(hit["key_columns"]) <= columns else None,
        "relation": hit["relation"],
        "reason": hit["reason"],
        "area_m2": hit["area_m2"],
        "area_low_m2": hit.get("area_low_m2"),
        "area_high_m2": hit["area_high_m2"],
        "length_m": hit["length_m"],
        "nearest_m": hit["nearest_m"],
        "distance_m": hit.get("distance_m"),
        "origin": hit.get("origin"),
        "attributes": {name: value for name, value in hit["attributes"].items() if name in columns},
    }


def _drop(drop: Json, sight: Sight) -> Json:
    columns = sight.columns(drop["attributes"]) or frozenset()
    names = ("fid", "key", "relation", "area_m2", "area_high_m2", "length_m", "nearest_m", "reason")
    shown = {name: drop[name] for name in names}
    shown |= {name: drop.get(name) for name in ("area_low_m2", "distance_m", "origin")}
    shown["key"] = drop["key"] if set(drop["key_columns"]) <= columns else None
    return shown


def _take_back(shown: Json) -> None:
    """A layer withdrawn since: the outcome stays, its features are no longer given out."""
    shown["features"], shown["dropped"] = [], []
    shown["basis"] = [basis for basis in shown["basis"] if basis["source"] != "feature"]
    shown["reasons"] = [*shown["reasons"], reason("withdrawn_since")]


def _hide_activity(shown: Json) -> None:
    """Not that, nor when, the layer was revised."""
    shown["revision"] = shown["release"] = None
    shown["coverage"] = {**shown["coverage"], "published": None}
    shown["basis"] = [basis for basis in shown["basis"] if basis["source"] != "release"]
    shown["reasons"] = [
        _reason(shown, told["code"]) if told["code"] in _OF_ACTIVITY else told for told in shown["reasons"]
    ]


def public(finding: Mapping[str, Any]) -> Json:
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
