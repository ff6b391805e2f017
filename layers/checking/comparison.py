"""Two contents of one check held against each other: equal, equal but for last digits, or different and in what."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gis.errors import Message
from gis.procedure import Verdict

from .shown import flat
from .wording import VERDICTS, label_of, number

Json = Mapping[str, Any]
Result = Literal["identical", "same", "different"]

#: what last digits may be worth: 1 mm² of an area, 1 mm of a length or a distance
AREA_M2, LENGTH_M, SHARE = 1e-6, 1e-3, 1e-6
#: figures of a record are rounded to this; after a change of library one that moved by less than 1 mm² may show as one
#: step of it
STEP_M2 = 1e-4
_ENGINE = re.compile(r"^engine\.")
#: digests of coordinates: they change with the last digit
_OF_COORDINATES = frozenset({"subject.shape"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two contents differ."""

    path: str
    old: object
    new: object

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.old)} ≠ {_short(self.new)}"

    @property
    def is_of_engine(self) -> bool:
        return bool(_ENGINE.match(self.path))

    def is_small(self, *, is_other_library: bool) -> bool:
        """Whether it is worth less than 1 mm² or 1 mm. After a change of library, digests of coordinates and one step
        of rounding say no more than that."""
        if self.path in _OF_COORDINATES or self.path.endswith(".shape"):
            return is_other_library
        if not (_is_figure(self.old) and _is_figure(self.new)):
            return False
        return abs(float(str(self.old)) - float(str(self.new))) <= self._worth(is_other_library)

    def _worth(self, is_other_library: bool) -> float:
        name = self.path.rpartition(".")[2]
        if name.endswith("_m2"):
            is_step = is_other_library and _is_rounded(self.old) and _is_rounded(self.new)
            return STEP_M2 * 1.01 if is_step else AREA_M2
        if name.endswith("_m"):
            return LENGTH_M
        return SHARE if name.endswith("share") else 0.0


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_rounded(value: object) -> bool:
    steps = float(str(value)) / STEP_M2
    return math.isclose(steps, round(steps), abs_tol=1e-4)


def differences(first: object, second: object, path: str = "") -> Iterator[Difference]:
    """Every place where two plain values differ."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in sorted(first.keys() | second.keys()):
            yield from differences(first.get(name), second.get(name), f"{path}.{name}" if path else name)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from differences(one, other, f"{path}.{place}")
    elif not _are_equal(first, second):
        yield Difference(path, first, second)


def _are_equal(first: object, second: object) -> bool:
    if _is_figure(first) and _is_figure(second):
        return first == second
    return type(first) is type(second) and first == second


def result_of(found: Sequence[Difference]) -> Result:
    """`same`: all words equal, and every figure to 1 mm² or 1 mm; other versions of the libraries are named apart."""
    if not found:
        return "identical"
    is_other = any(each.is_of_engine for each in found)
    is_same = all(each.is_of_engine or each.is_small(is_other_library=is_other) for each in found)
    return "same" if is_same else "different"


@dataclass(frozen=True, slots=True)
class LibraryChange:
    """A part of what measured, then and now; None: it was not named."""

    name: str
    then: str | None
    now: str | None


def libraries(found: Sequence[Difference]) -> tuple[LibraryChange, ...]:
    return tuple(
        LibraryChange(each.path.partition(".")[2], _text(each.old), _text(each.new))
        for each in found
        if each.is_of_engine
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


# ── in words ─────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Change:
    """What a reviewer is told of one finding that is another one; `what` is one sentence each."""

    check: str
    title: Mapping[str, str]
    layer: str | None
    what: tuple[Message, ...]
    revisions: tuple[int | None, int | None]

    @property
    def span(self) -> tuple[int, int]:
        """The revisions between which its layer moved; 0: none."""
        first, last = self.revisions[0] or 0, self.revisions[1] or 0
        return min(first, last), max(first, last)

    def as_dict(self) -> dict[str, Any]:
        return {"check": self.check, "title": dict(self.title), "layer": self.layer,
                "what": [one.as_dict() for one in self.what]}  # fmt: skip


_FIGURES: Mapping[str, tuple[Message, str, int]] = {
    "area_m2": (Message("diện tích", "area"), " m²", 4),
    "length_m": (Message("chiều dài", "length"), " m", 4),
    "nearest_m": (Message("khoảng cách gần nhất", "nearest"), " m", 4),
    "count": (Message("số đối tượng", "features"), "", 0),
}


def changes(old: Json, new: Json) -> tuple[Change, ...]:
    """The findings that are others now, check by check; those that are asked in one of the two only, too."""
    before, after = ({one["check"]: one for one in flat(each["findings"])} for each in (old, new))
    found = []
    for check in dict.fromkeys([*before, *after]):
        one, other = before.get(check), after.get(check)
        what = tuple(_words(one, other))
        if what:
            told = other or one or {}
            revisions = (one["revision"] if one else None, other["revision"] if other else None)
            found.append(Change(check, told["title"] or {}, told["layer"], what, revisions))
    return tuple(found)


def _words(old: Json | None, new: Json | None) -> Iterator[Message]:
    if old is None or new is None:
        yield (
            Message("trước không hỏi, nay có", "asked now, not before")
            if old is None
            else Message("trước có hỏi, nay không", "asked before, not now")
        )
        return
    yield from _outcomes(old, new)
    for name, (word, unit, digits) in _FIGURES.items():
        one, other = old["measure"].get(name), new["measure"].get(name)
        if not _are_equal(one, other):
            yield Message(*(f"{word.in_language(language)}: {_figure(one, unit, digits, language)} ≠ "
                            f"{_figure(other, unit, digits, language)}" for language in ("vi", "en")))  # fmt: skip
    yield from _features(old, new)
    codes = [[reason["code"] for reason in each["reasons"]] for each in (old, new)]
    if codes[0] != codes[1]:
        vi, en = (" ≠ ".join(_reasons(each, language) for each in (old, new)) for language in ("vi", "en"))
        yield Message(f"lý do: {vi}", f"reasons: {en}")


def _outcomes(old: Json, new: Json) -> Iterator[Message]:
    if old["outcome"] != new["outcome"]:
        one, other = (label_of(each) for each in (old, new))
        yield Message(f"kết quả: {one.vi} ≠ {other.vi}", f"outcome: {one.en} ≠ {other.en}")
    if old["verdict"] != new["verdict"]:
        one, other = (VERDICTS[Verdict(each["verdict"])] for each in (old, new))
        yield Message(f"kết luận: {one.vi} ≠ {other.vi}", f"verdict: {one.en} ≠ {other.en}")


def _features(old: Json, new: Json) -> Iterator[Message]:
    """Features that count now and did not, or the other way round, and those that say something else of themselves."""
    before, after = ({hit["fid"]: hit for hit in each["features"]} for each in (old, new))
    for fids, vi, en in (
        (after.keys() - before.keys(), "thêm đối tượng", "new feature"),
        (before.keys() - after.keys(), "không còn đối tượng", "feature gone"),
    ):
        for fid in sorted(fids, key=int):
            name = (after.get(fid) or before[fid])["key"] or fid
            yield Message(f"{vi} {name}", f"{en} {name}")
    for fid in sorted(before.keys() & after.keys(), key=int):
        found = list(differences(before[fid], after[fid]))
        if found:
            told = "; ".join(str(each) for each in found[:3])
            name = after[fid]["key"] or fid
            yield Message(f"đối tượng {name}: {told}", f"feature {name}: {told}")


def _reasons(finding: Json, language: str) -> str:
    return " / ".join(str(reason["message"][language]) for reason in finding["reasons"]) or "–"


def _figure(value: float | None, unit: str, digits: int, language: str) -> str:
    return "–" if value is None else f"{number(value, digits, language)}{unit}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "…"
