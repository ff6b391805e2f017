"""A difference in the words of an office: 'Thẩm định xây dựng: Thửa đất (xem bảng): +1.204 thửa, +cột chu_su_dung'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gis.errors import Message
from layers.access.box import GeometryLevel
from layers.access.words import ACTIONS, level_words, together
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile

from .effects import Effect

Tone = Literal["gained", "lost", "neutral"]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing gained or lost."""

    tone: Tone
    message: Message


@dataclass(frozen=True, slots=True)
class Line:
    """What one caller gains and loses of one layer by some actions."""

    who: Message
    layer: Message
    actions: tuple[Message, ...]
    parts: tuple[Part, ...]

    def in_language(self, language: str) -> str:
        actions = ", ".join(action.in_language(language) for action in self.actions)
        parts = ", ".join(part.message.in_language(language) for part in self.parts)
        return f"{self.who.in_language(language)}: {self.layer.in_language(language)} ({actions}): {parts}"


def lines(profile: Profile, effects: Iterable[Effect]) -> tuple[Line, ...]:
    """One line a caller, layer and set of actions with the same effect."""
    grouped: dict[tuple[object, ...], list[Effect]] = {}
    for effect in effects:
        same = replace(effect, action="items").as_dict()
        grouped.setdefault((repr(same),), []).append(effect)
    return tuple(_line(profile, group) for group in grouped.values())


def _line(profile: Profile, group: Sequence[Effect]) -> Line:
    effect, definition = group[0], profile.layer(group[0].layer)
    title = definition.title.message() if definition else Message(effect.layer, effect.layer)
    actions = tuple(ACTIONS[one.action] for one in group)
    is_parcel = effect.layer == profile.header.reference_layers.parcel
    parts = tuple(_parts(effect, is_parcel, definition)) or (Part("neutral", _OTHERWISE),)
    return Line(effect.subject.title, title, actions, parts)


_OTHERWISE = Message("quy tắc khác, dữ liệu hiện tại không đổi", "other rules, the same on the current data")


def _parts(effect: Effect, is_parcel: bool, definition: LayerDefinition | None) -> Iterator[Part]:
    if effect.is_allowed and not effect.was_allowed:
        yield Part("gained", Message("được phép", "now allowed"))
    if effect.was_allowed and not effect.is_allowed:
        yield Part("lost", Message("không còn được phép", "no longer allowed"))
    if effect.rows_gained:
        yield Part("gained", _count("+", effect.rows_gained, is_parcel))
    if effect.rows_lost:
        yield Part("lost", _count("−", effect.rows_lost, is_parcel))
    yield from _columns("gained", "+", effect.columns_gained)
    yield from _columns("lost", "−", effect.columns_lost)
    if definition is not None and definition.has_geometry:
        yield from _geometry(effect, is_parcel)


def _count(sign: str, number: int, is_parcel: bool) -> Message:
    vi, en = ("thửa", "parcels") if is_parcel else ("đối tượng", "features")
    return Message(f"{sign}{number:,} {vi}".replace(",", "."), f"{sign}{number:,} {en}")


def _columns(tone: Tone, sign: str, names: Iterable[str]) -> Iterator[Part]:
    listed = ", ".join(names)
    if listed:
        yield Part(tone, Message(f"{sign}cột {listed}", f"{sign}columns {listed}"))


def _geometry(effect: Effect, is_parcel: bool) -> Iterator[Part]:
    before, after = (_listed(levels) for levels in (effect.levels_before, effect.levels_after))
    if effect.was_allowed and effect.is_allowed and effect.levels_before != effect.levels_after:
        tone: Tone = "gained" if effect.rows_finer else "lost" if effect.rows_coarser else "neutral"
        vi, en = f"hình học {before.vi} → {after.vi}", f"geometry {before.en} → {after.en}"
        yield Part(tone, Message(vi, en))
    if effect.rows_finer:
        shown = _count("", effect.rows_finer, is_parcel)
        yield Part("gained", Message(f"{shown.vi} rõ hơn", f"{shown.en} more exact"))
    if effect.rows_coarser:
        shown = _count("", effect.rows_coarser, is_parcel)
        yield Part("lost", Message(f"{shown.vi} kém rõ hơn", f"{shown.en} less exact"))


def _listed(levels: Sequence[GeometryLevel]) -> Message:
    return together(map(level_words, levels), " / ") if levels else Message("–", "–")
