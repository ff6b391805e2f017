"""Findings of an answer as parts of the document: grouped, in words, with figures as an office writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from gis.errors import Message
from gis.procedure import Origin, Verdict
from layers.checking.wording import (
    CONFLICTING,
    RELATIONS,
    REQUIREMENT_OUTCOMES,
    VERDICTS,
    is_conflict,
    label_of,
    outcome_label,
)
from layers.profile.grammar import Attribute, LayerDefinition
from layers.profile.profile import Profile

from .parts import GROUPS, Badge, Basis, Fact, FindingPart, GroupId, GroupPart, Row, Tone
from .words import Words, tidy

Json = Mapping[str, Any]
#: objects of one finding on paper, hits and drops each; the attached answer has all
MOST_ROWS = 30
#: smaller areas would be printed as 0,0
SHOWN_M2 = 0.05
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def groups_of(answer: Json, profile: Profile, words: Words) -> tuple[GroupPart, ...]:
    """Every group of outcomes, empty ones too: that nothing is affected is worth a line. Grounds that contradict each
    other are rare, and the paper speaks of them only where there are any."""
    teller = FindingTeller(profile, words, date.fromisoformat(answer["on_date"]))
    told = [
        (group_of(finding), teller.finding(finding, str(place))) for place, finding in enumerate(answer["findings"], 1)
    ]
    return tuple(
        GroupPart(
            name, _heading(name, words), words(f"{name}_text"), tuple(part for group, part in told if group == name)
        )
        for name in GROUPS
        if name != "conflict" or any(group == name for group, _ in told)
    )


def _heading(name: GroupId, words: Words) -> str:
    return words.of(CONFLICTING) if name == "conflict" else words(name)


def group_of(finding: Json) -> GroupId:
    outcome = finding["outcome"]
    if outcome in ("affected", "borderline"):
        return "affected" if outcome == "affected" else "borderline"
    if outcome != "clear":
        return "undecided"
    if is_conflict(finding):
        return "conflict"
    return "met" if outcome_label(outcome, finding["relation"]) in REQUIREMENT_OUTCOMES.values() else "clear"


def verdict_badge(verdict: str, words: Words) -> Badge:
    """'Đạt (không phát hiện vướng mắc)': never the bare word, a person decides."""
    tones: Mapping[str, Tone] = {"pass": "pass", "refer": "refer", "fail": "fail"}
    return Badge(words.of(VERDICTS[Verdict(verdict)]), tones[verdict])


class FindingTeller:
    """Tells the findings of one answer in one language."""

    def __init__(self, profile: Profile, words: Words, on_date: date) -> None:
        self.profile, self.words, self.on_date = profile, words, on_date

    def finding(self, finding: Json, number: str) -> FindingPart:
        words, layer = self.words, self.profile.layer(finding["layer"]) if finding["layer"] else None
        features, dropped = finding["features"], finding["dropped"]
        return FindingPart(
            number=number,
            title=words.of(finding["title"]) or tidy(finding["check"]),
            outcome=Badge(words.of(label_of(finding)), _tone(finding)),
            verdict=verdict_badge(finding["verdict"], words),
            is_optional=not finding["required"],
            reasons=tuple(words.of(reason["message"]) for reason in finding["reasons"]),
            facts=tuple(self._facts(finding)),
            features=tuple(self._feature(each, layer) for each in features[:MOST_ROWS]),
            more_features=max(0, len(features) - MOST_ROWS),
            dropped=tuple(self._drop(each) for each in dropped[:MOST_ROWS]),
            more_dropped=max(0, len(dropped) - MOST_ROWS),
            basis=tuple(self._basis(each) for each in finding["basis"] if each["source"] != "release"),
            office=words.of(finding["office"]) if finding["office"] else "",
            source=self._source(finding),
            members=tuple(
                self.finding(member, f"{number}{letter}")
                for letter, member in zip(_LETTERS, finding.get("members", ()), strict=False)
            ),
        )

    # ── measures ─────────────────────────────────────────────────────────────────────────────────
    def _facts(self, finding: Json) -> Iterator[Fact]:
        words, measure = self.words, finding["measure"]
        is_subject = finding["layer"] is None and not finding.get("members")
        if measure["area_m2"] and measure["area_m2"] >= SHOWN_M2:
            share = f", {words('share', share=words.share(measure['share']))}" if measure["share"] is not None else ""
            name = words("measure_subject" if is_subject else "measure_area")
            yield Fact(name, f"{words.area(measure['area_m2'])}{share}{self._interval(measure)}")
        yield from self._against_certificate(measure)
        remainder = measure.get("remainder_m2")
        is_hit = finding["outcome"] in ("affected", "borderline") and (measure["area_m2"] or 0) >= SHOWN_M2
        if remainder is not None and is_hit:
            yield Fact(words("measure_remainder"), words.area(remainder))
        if measure["length_m"]:
            yield Fact(words("measure_length"), words.length(measure["length_m"]))
        if measure["nearest_m"]:
            yield Fact(words("measure_nearest"), words.length(measure["nearest_m"]))
        mapped = finding["coverage"]["mapped_share"]
        if mapped is not None and mapped < 1:
            yield Fact(words("mapped"), words("mapped_text", share=words.share(mapped)))

    def _against_certificate(self, measure: Json) -> Iterator[Fact]:
        """What the certificate's area makes of a measure; of the area of the subject itself, the difference."""
        words, registered = self.words, measure.get("registered_area_m2")
        difference = measure.get("difference_m2")
        if difference is not None:
            yield Fact(words("measure_difference"), words.difference(difference))
        elif registered is not None and abs(registered - (measure["area_m2"] or 0)) >= SHOWN_M2:
            yield Fact(words("measure_registered"), words.area(registered))

    def _interval(self, measure: Json) -> str:
        low, high = measure["area_low_m2"], measure["area_high_m2"]
        if low is None or high is None or high - low < 0.1:
            return ""
        return "; " + self.words("interval", low=self.words.area(low), high=self.words.area(high))

    def _size(self, met: Json) -> str:
        words = self.words
        if met["area_m2"] and met["area_m2"] >= SHOWN_M2:
            return words.area(met["area_m2"])
        if met["length_m"]:
            return words.length(met["length_m"])
        if met["nearest_m"]:
            return words("distance", d=words.length(met["nearest_m"]))
        return "–"

    # ── objects ──────────────────────────────────────────────────────────────────────────────────
    def _feature(self, feature: Json, layer: LayerDefinition | None) -> Row:
        reason, values = self._relation(feature["relation"]), feature["attributes"]
        if layer and layer.is_raster and _is_text(values.get("title")):
            values = {name: value for name, value in values.items() if name != "title"}
            name = self.words.of(feature["attributes"]["title"])
        else:
            name = _name(feature)
        told = [self._origin(feature), self.attributes(values, layer)]
        return Row(name, reason, self._size(feature), "; ".join(part for part in told if part))

    def _origin(self, met: Json) -> str:
        """What a distance is counted from, where its rule says so."""
        origin = met.get("origin")
        return self.words("counted_from", origin=self.words(f"origin_{Origin(origin).value}")) if origin else ""

    def _drop(self, drop: Json) -> Row:
        high = drop["area_high_m2"]
        doubt = self.words("area_up_to", a=self.words.area(high)) if high and high >= SHOWN_M2 else ""
        told = "; ".join(part for part in (self._origin(drop), doubt) if part)
        return Row(_name(drop), self._relation(drop["reason"]), self._size(drop), told)

    def _relation(self, word: str) -> str:
        return self.words.of(RELATIONS.get(word, Message(word, word)))

    def attributes(self, values: Json, layer: LayerDefinition | None) -> str:
        """'Tên nguồn nước: Rạch Trảng; Cấp: I' with the titles of the definition."""
        columns = {column.name: column for column in layer.attributes} if layer else {}
        return "; ".join(
            f"{self.words.of(column.title) if column and column.title else tidy(name)}: {self.value(column, value)}"
            for name, value in values.items()
            if value is not None and (not isinstance(value, list | dict) or _is_text(value))
            for column in [columns.get(name)]
        )

    def value(self, column: Attribute | None, value: object) -> str:
        """One cell: numbers with their unit, dates, codes with their titles."""
        words = self.words
        if isinstance(value, dict):
            return words.of(Message(value["vi"], value["en"]))
        if isinstance(value, bool):
            return words("yes" if value else "no")
        if column and column.unit is None and column.name == "share" and isinstance(value, float):
            return words.share(value)
        if isinstance(value, int | float):
            unit = {"m2": "\u00a0m²"}.get(column.unit, f"\u00a0{column.unit}") if column and column.unit else ""
            return words.number(value, 0 if float(value).is_integer() else 2) + unit
        if column and column.type == "date":
            return words.day(str(value))
        return self.code(column.codes, str(value)) if column and column.codes else tidy(str(value))

    def code(self, codes: str | None, value: str) -> str:
        """'ODT (Đất ở tại đô thị)'."""
        listed = self.profile.code_list(codes) if codes else None
        title = next((entry.title for entry in listed.entries if entry.code == value), None) if listed else None
        return f"{tidy(value)} ({self.words.of(title)})" if title else tidy(value)

    # ── what it stands on ────────────────────────────────────────────────────────────────────────
    def _basis(self, basis: Json) -> Basis:
        title = f" – {tidy(basis['title'])}" if basis["title"] else ""
        standing, is_sure = self._standing(basis)
        told = [standing, *([] if basis["verified"] else [self.words("unverified")])]
        return Basis(f"{tidy(basis['number'])}{title}", "; ".join(told), not (is_sure and basis["verified"]))

    def _standing(self, basis: Json) -> tuple[str, bool]:
        """In force, not yet, or no longer on the day; `effective_to` is the last day on which it holds."""
        words, since, until = self.words, _date(basis["effective_from"]), _date(basis["effective_to"])
        if since is not None and self.on_date < since:
            return words("not_yet", day=words.day(since)), False
        if until is not None and self.on_date > until:
            return words("expired", day=words.day(until)), False
        if since is not None:
            return words("in_force_since", day=words.day(since)), True
        return (words("in_force"), True) if until is not None else (words("unknown_force"), True)

    def _source(self, finding: Json) -> str:
        words, coverage = self.words, finding["coverage"]
        if not coverage["published"]:
            return ""
        parts = [words("data_as_of", day=words.day(coverage["published"]))]
        if finding["release"] is not None:
            parts.append(words("release", n=finding["release"]))
        if finding["accuracy_m"]:
            parts.append(words("accuracy_of", m=words.number(finding["accuracy_m"], 2)))
        if coverage["max_age_days"]:
            parts.append(words("valid_days", n=words.number(coverage["max_age_days"], 0)))
        return "; ".join(parts)


def every(findings: Iterable[FindingPart]) -> Iterator[FindingPart]:
    """Findings with the members of groups after their group."""
    for finding in findings:
        yield finding
        yield from every(finding.members)


def _is_text(value: object) -> bool:
    """The name of a class of a raster, in both languages."""
    return isinstance(value, dict) and value.keys() == {"vi", "en"}


def _name(met: Json) -> str:
    return tidy(str(met["key"] or f"fid:{met['fid']}"), 80)


def _tone(finding: Json) -> Tone:
    """An affected finding that only refers is no failure."""
    if finding["outcome"] == "clear" and finding["verdict"] == "pass":
        return "pass"
    return "fail" if finding["outcome"] == "affected" and finding["verdict"] == "fail" else "refer"


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def rows_of(parts: Sequence[FindingPart]) -> int:
    """How many objects are on paper: what the work of a rendering hangs on."""
    return sum(len(part.features) + len(part.dropped) for part in every(parts))
