"""The content of the extract "Phiếu kết quả kiểm tra không gian": an answer in words, ready to be set.

Pure: a projected answer and definitions in, a frozen value out; no database, no clock, no caller. What is not in the
answer or in the map's content, which both hold only what the caller may see, cannot come onto the paper. It poses as no
official letter: no national motto, no names of legal acts, and the fields of an office stay empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from layers.canonical import canonical
from layers.checking.map_content import MapContent
from layers.checking.shown import flat, is_reduced, levelled
from layers.checking.wording import appraisal_text
from layers.profile.grammar import Attribute
from layers.profile.procedures import InputDefinition
from layers.profile.profile import Profile

from .corners import crs_name, rings_of
from .findings import FindingTeller, every, groups_of, verdict_badge
from .parts import Badge, Fact, FindingPart, GroupPart, LegendEntry, Ring
from .words import Words, tidy

Json = Mapping[str, Any]
#: roles of the parcel's columns that its own table has lines for already
_TOLD_ELSEWHERE = frozenset({"commune", "sheet", "parcel_number", "registered_area", "scale", "quality", "accuracy"})


@dataclass(frozen=True, slots=True)
class Issue:
    """One copy handed out: its code, where that is verified, and when and by which service it was made."""

    issued: datetime
    code: str
    verify_url: str
    maker: str = ""  #: empty: the service in the words of the profile
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that is on the paper, in one language. The same document gives the same bytes."""

    language: str
    issue: Issue
    title: str
    subject_label: str
    subject: tuple[Fact, ...]
    request: tuple[Fact, ...]
    verdict: Badge
    remainder: tuple[Fact, ...]
    groups: tuple[GroupPart, ...]
    skipped: tuple[Fact, ...]
    crs: str
    rings: tuple[Ring, ...]
    map: MapContent | None
    legend: tuple[LegendEntry, ...]
    undrawn: tuple[str, ...]  #: layers of cells that findings stand on: there is no shape of them to draw
    evidence: tuple[Fact, ...]
    text: str  #: to copy into an appraisal note
    canonical: str  #: the answer, RFC 8785
    profile: Profile = field(repr=False)
    pad_bytes: int | None = None  #: of a guarded answer: every file has a multiple of it
    level: Document | None = field(default=None, repr=False)  #: what it looks like whatever the hidden outcomes
    told: int = 0  #: findings that are told as outcomes only

    @property
    def words(self) -> Words:
        return Words(self.language)

    @property
    def findings(self) -> tuple[FindingPart, ...]:
        """All of them in the procedure's order."""
        found = [part for group in self.groups for part in group.findings]
        return tuple(sorted(found, key=lambda part: int(part.number)))


def document_of(
    answer: Json,
    profile: Profile,
    language: str = "vi",
    *,
    content: MapContent | None,
    issue: Issue,
    pad_bytes: int | None = None,
) -> Document:
    """The document of a projected answer (contracts 2).

    `content` is the map of `layers.checking.illustration`, None where the boundary is not the caller's to see;
    `pad_bytes` is given for guarded answers and only then.
    """
    words = Words("en" if language == "en" else "vi")
    issue = replace(issue, maker=tidy(issue.maker or _maker(profile, words)))
    made = _document(answer, profile, words, content, issue, pad_bytes)
    if pad_bytes is None:
        return made
    level = _document(levelled(answer), profile, words, content, issue, None)
    told = sum(is_reduced(finding) for finding in flat(list(answer["findings"])))
    return replace(made, level=level, told=told)


def _document(
    answer: Json, profile: Profile, words: Words, content: MapContent | None, issue: Issue, pad_bytes: int | None
) -> Document:
    crs = crs_name(content.crs, words) if content else ""
    return Document(
        language=words.language,
        issue=issue,
        title=words("title"),
        subject_label=_label(answer["subject"], words),
        subject=tuple(_subject(answer["subject"], content, crs, profile, words)),
        request=tuple(_request(answer, profile, words)),
        verdict=verdict_badge(answer["verdict"], words),
        remainder=tuple(_remainder(answer, words)),
        groups=groups_of(answer, profile, words),
        skipped=tuple(_skipped(answer, words)),
        crs=crs,
        rings=rings_of(content.subject) if content else (),
        map=content,
        legend=tuple(_legend(content, profile, words)),
        undrawn=tuple(_undrawn(answer, profile, words)),
        evidence=tuple(_evidence(answer, profile, words)),
        text=appraisal_text(answer, words.language),
        canonical=canonical(answer),
        profile=profile,
        pad_bytes=pad_bytes,
    )


def _maker(profile: Profile, words: Words) -> str:
    title = words.of(profile.header.title) if profile.header.title else ""
    return f"{words('maker')} – {title}" if title else words("maker")


# ── the subject ──────────────────────────────────────────────────────────────────────────────────


def _label(subject: Json, words: Words) -> str:
    """Labels of drawn shapes are words of the service, in Vietnamese."""
    if words.language == "en" and subject["kind"] == "geometry":
        return words("drawn")
    return tidy(subject["label"])


def _subject(subject: Json, content: MapContent | None, crs: str, profile: Profile, words: Words) -> Iterator[Fact]:
    yield Fact(words("parcels" if subject["kind"] == "parcels" else "parcel"), _label(subject, words))
    if subject["key"]:
        yield Fact(words("key"), tidy(subject["key"]))
    if content is not None:
        yield from _columns(content.attributes, profile, words)
    registered, computed = subject["registered_area_m2"], subject["area_m2"]
    if registered is not None:
        yield Fact(words("registered_area"), words.area(registered))
    yield Fact(words("area"), words.area(computed))
    if registered:
        share = words.share(abs(computed - registered) / registered)
        yield Fact(words("difference"), f"{words.difference(computed - registered)} ({share})")
    if crs:
        yield Fact(words("crs"), crs)
    for part in subject.get("parts") or ():
        yield Fact(tidy(part["label"]), words.area(part["area_m2"]))
    yield from _as_pasted(subject, words)
    for reason in subject.get("reasons") or ():
        yield Fact(words("note"), words.of(reason["message"]))


def _as_pasted(subject: Json, words: Words) -> Iterator[Fact]:
    """How a pasted table was read: which system, and which column is north."""
    read = subject.get("coordinates")
    if read:
        known = {"north_east": words("axes_north_east"), "east_north": words("axes_east_north")}
        axes = known.get(read["axes"], tidy(str(read["axes"])))
        crs = crs_name(read["crs"], words)
        yield Fact(words("coordinates"), words("coordinates_text", n=read["points"], crs=crs, axes=axes))


def _columns(values: Json, profile: Profile, words: Words) -> Iterator[Fact]:
    """What else names the parcel and what its land is used for, with the titles of the definition."""
    teller = FindingTeller(profile, words, datetime.min.date())
    for column in profile.parcel_layer.attributes:
        value = values.get(column.name)
        is_shown = column.codes or column.type == "list" or column.role in _NAMING
        if value is None or not is_shown or column.role in _TOLD_ELSEWHERE:
            continue
        title = words.of(column.title) if column.title else column.name
        told = _list(teller, column, value) if isinstance(value, list) else teller.value(column, value)
        if told:
            yield Fact(title, told)


_NAMING = frozenset({"national_code", "previous_sheet", "previous_parcel"})


def _list(teller: FindingTeller, column: Attribute, entries: list[Any]) -> str:
    """A parcel's several land types, each with its area."""
    told = []
    for entry in entries[:20]:
        if not isinstance(entry, Mapping):
            continue
        cells = [teller.value(item, entry[item.name]) for item in column.items if entry.get(item.name) is not None]
        told.append(", ".join(cells))
    return "; ".join(told)


# ── what was asked ───────────────────────────────────────────────────────────────────────────────


def _request(answer: Json, profile: Profile, words: Words) -> Iterator[Fact]:
    procedure = profile.procedure(answer["procedure"]["id"])
    title = words.of(answer["procedure"].get("title")) or answer["procedure"]["id"]
    national = procedure.national_code if procedure else None
    code = f" ({words('procedure_code', code=national)})" if national else ""
    yield Fact(words("procedure"), f"{title}{code}")
    if answer["dossier"]:
        yield Fact(words("dossier"), tidy(answer["dossier"]))
    asked = {question.name: question for question in procedure.inputs} if procedure else {}
    for name, value in answer["inputs"].items():
        if value is not None:
            question = asked.get(name)
            told = words.of(question.title) if question and question.title else tidy(name)
            yield Fact(told, _input(question, value, profile, words))
    yield Fact(words("created"), words.moment(answer["created"]))
    if answer["as_of"]:
        yield Fact(words("as_of"), words.moment(answer["as_of"]))
    yield Fact(words("on_date"), words.day(answer["on_date"]))


def _input(question: InputDefinition | None, value: object, profile: Profile, words: Words) -> str:
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, int | float):
        unit = {"m2": "\u00a0m²", "m": "\u00a0m"}.get(question.unit or "", "") if question else ""
        return words.number(value, 0 if float(value).is_integer() else 2) + unit
    teller = FindingTeller(profile, words, datetime.min.date())
    return teller.code(question.codes if question else None, str(value))


def _remainder(answer: Json, words: Words) -> Iterator[Fact]:
    """What no restriction touches, where all of them are shown."""
    left = answer.get("remainder")
    if not left or left["area_m2"] is None:
        return
    area, registered = words.area(left["area_m2"]), left.get("registered_area_m2")
    told = words("remainder_registered", area=area, registered=words.area(registered)) if registered else area
    yield Fact(words("remainder"), told)


def _skipped(answer: Json, words: Words) -> Iterator[Fact]:
    for skipped in answer["skipped"]:
        title = words.of(skipped["title"]) if skipped.get("title") else tidy(skipped["check"])
        yield Fact(title, words.of(skipped["reason"]["message"]) if skipped.get("reason") else "")


# ── what it stands on ────────────────────────────────────────────────────────────────────────────


def _evidence(answer: Json, profile: Profile, words: Words) -> Iterator[Fact]:
    evidence = answer["evidence"]
    yield Fact(words("record"), answer["id"])
    if evidence["record"]:
        yield Fact(words("sealed"), evidence["record"])
    yield Fact(words("digest"), evidence["digest"])
    yield Fact(words("rules"), evidence["rules"])
    yield Fact(words("policy"), evidence["policy"])
    yield Fact(words("procedure_version"), answer["procedure"]["version"])
    engine = {name: value for name, value in evidence["engine"].items() if name != "crs_operation"}
    yield Fact(words("engine"), ", ".join(f"{name} {value}" for name, value in engine.items()))
    yield Fact(words("operation"), str(evidence["engine"].get("crs_operation", "")))
    cut = [f"{_layer(name, profile, words)}: {words('revision', n=n)}" for name, n in sorted(evidence["cut"].items())]
    if cut:
        yield Fact(words("cut"), "; ".join(cut))


def _layer(name: str, profile: Profile, words: Words) -> str:
    definition = profile.layer(name)
    return words.of(definition.title) if definition else name


def _legend(content: MapContent | None, profile: Profile, words: Words) -> Iterator[LegendEntry]:
    """The layers of hits and drops, in the order of the profile."""
    drawn = {shape.layer for shape in content.shapes if shape.role != "neighbour"} if content else set()
    for definition in profile.layers:
        if definition.id in drawn:
            yield LegendEntry(definition.id, words.of(definition.title))


def _undrawn(answer: Json, profile: Profile, words: Words) -> Iterator[str]:
    met = {finding["layer"] for finding in flat(list(answer["findings"])) if finding["features"]}
    for definition in profile.layers:
        if definition.is_raster and definition.id in met:
            yield words.of(definition.title)


def objects_of(document: Document) -> int:
    """Findings with members of groups: what the length of the paper hangs on."""
    return sum(1 for _ in every(document.findings))
