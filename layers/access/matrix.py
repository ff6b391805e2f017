"""The policy as people sign it: sector × layer × action, for everybody, each identity, each role or office.

A cell says no, yes, or yes within limits, and which. A rule is written as in its grant, claims unbound.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from gis.errors import Message
from layers.profile.grammar import Identity, LayerDefinition, Title

from .box import Box
from .grammar import Action, Grant
from .matching import Circumstances, box_of, columns_of, geometry_of, own_grants, purposes_of
from .principal import PUBLIC, Principal, known_as
from .words import ACTIONS, TAGS, level_words, period_words, together

ALL_ACTIONS: tuple[Action, ...] = get_args(Action)
Limit = Literal["rows", "columns", "precision", "purpose", "period", "agreement", "rate"]
#: a spreadsheet takes a cell that begins so for a formula (threat 16)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

NO, YES = Message("không", "no"), Message("có", "yes")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a line is about. A role or an office has no claims of its own: rules that need some stand as written."""

    kind: Literal["anyone", "identity", "role", "office"]
    name: str
    title: Message
    principal: Principal

    @property
    def has_claims(self) -> bool:
        return self.kind in ("anyone", "identity")


@dataclass(frozen=True, slots=True)
class Cell:
    """One action: `limits` are those that every grant which allows it has one of, in the words of `text`."""

    action: Action
    level: Literal["no", "yes", "limited"]
    text: Message
    limits: tuple[Limit, ...] = ()
    grants: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        return {
            "action": self.action, "level": self.level, "limits": list(self.limits), "text": self.text.as_dict(),
            "grants": list(self.grants),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One layer for one subject: a cell for each action."""

    sector: str
    sector_title: Message
    layer: str
    layer_title: Message
    subject: Subject
    cells: tuple[Cell, ...]

    @property
    def is_empty(self) -> bool:
        return all(cell.level == "no" for cell in self.cells)

    def as_dict(self) -> dict[str, object]:
        return {
            "sector": self.sector, "sector_title": self.sector_title.as_dict(),
            "layer": self.layer, "layer_title": self.layer_title.as_dict(),
            "subject": {"kind": self.subject.kind, "name": self.subject.name, "title": self.subject.title.as_dict()},
            "cells": [cell.as_dict() for cell in self.cells],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole, ordered by sector, layer and subject as the profile lists them."""

    day: date
    rows: tuple[MatrixRow, ...]
    actions: tuple[Action, ...] = ALL_ACTIONS

    def as_dict(self) -> dict[str, object]:
        return {
            "day": self.day.isoformat(), "actions": list(self.actions), "rows": [row.as_dict() for row in self.rows],
        }  # fmt: skip

    def as_csv(self, language: str = "vi") -> str:
        """Comma-separated, CRLF; no cell of it is a formula to a spreadsheet."""
        written = io.StringIO()
        writer = csv.writer(written)
        for line in _lines(self, language):
            writer.writerow([_formula_safe(cell) for cell in line])
        return written.getvalue()


def matrix(
    grants: Sequence[Grant],
    definitions: Iterable[LayerDefinition],
    subjects: Iterable[Subject],
    *,
    day: date,
    active_agreements: frozenset[str] = frozenset(),
    sectors: Mapping[str, Title] | None = None,
) -> Matrix:
    """What each subject may do with each layer on a day, whichever purpose they state."""
    whole, listed, titles = tuple(grants), tuple(subjects), sectors or {}
    when = Circumstances(day, None, active_agreements)
    order = list(titles)
    layers = sorted(definitions, key=lambda each: order.index(each.sector) if each.sector in order else len(order))
    return Matrix(
        day,
        tuple(
            _row(definition, _sector(definition, titles), subject, whole, when)
            for definition in layers
            for subject in listed
        ),
    )


def subjects_of(grants: Iterable[Grant], identities: Iterable[Identity]) -> tuple[Subject, ...]:
    """Everybody, every known identity, and every role, office or account of the policy that none of them has."""
    listed, known = tuple(grants), [each for each in identities if each.id != PUBLIC.id]
    found = [Subject("anyone", PUBLIC.id, Message("Mọi người", "Everybody"), PUBLIC)]
    found += [Subject("identity", each.id, each.title.message(), known_as(each)) for each in known]
    taken = {role for each in known for role in each.roles}
    roles = sorted({grant.to.role for grant in listed if grant.to.role} - taken)
    found += [Subject("role", role, Message(f"vai trò {role}", f"role {role}"), _with_role(role)) for role in roles]
    offices = sorted({grant.to.office for grant in listed if grant.to.office} - {each.office for each in known})
    found += [Subject("office", name, Message(f"cơ quan {name}", f"office {name}"), _at(name)) for name in offices]
    people = sorted({grant.to.identity for grant in listed if grant.to.identity} - {each.id for each in known})
    found += [
        Subject("identity", name, Message(f"tài khoản {name}", f"account {name}"), Principal(name)) for name in people
    ]
    return tuple(found)


def _with_role(role: str) -> Principal:
    return Principal(f"role:{role}", frozenset({role}))


def _at(office: str) -> Principal:
    return Principal(f"office:{office}", office=office)


def _sector(definition: LayerDefinition, titles: Mapping[str, Title]) -> Message:
    title = titles.get(definition.sector)
    return title.message() if title else Message(definition.sector, definition.sector)


def _row(
    definition: LayerDefinition, sector: Message, subject: Subject, grants: tuple[Grant, ...], when: Circumstances
) -> MatrixRow:
    own = [
        grant for grant in own_grants(subject.principal, definition, grants) if _holds(grant, subject, definition, when)
    ]
    cells = tuple(
        _cell(action, [grant for grant in own if action in grant.actions], definition) for action in ALL_ACTIONS
    )
    return MatrixRow(definition.sector, sector, definition.id, definition.title.message(), subject, cells)


def _holds(grant: Grant, subject: Subject, definition: LayerDefinition, when: Circumstances) -> bool:
    """In force on the day, whole, and not for want of a claim that the subject could never have."""
    purposes = purposes_of(grant)
    stated = Circumstances(when.day, purposes[0] if purposes else None, when.active_agreements)
    found = box_of(grant, subject.principal, definition, stated)
    return isinstance(found, Box) or (found == "claim" and not subject.has_claims)


# ── one cell ─────────────────────────────────────────────────────────────────────────────────────
def _cell(action: Action, grants: Sequence[Grant], definition: LayerDefinition) -> Cell:
    if not grants:
        return Cell(action, "no", NO)
    limited = [dict(_limits(grant, definition)) for grant in grants]
    names = tuple(grant.id for grant in grants)
    if not all(limited):
        return Cell(action, "yes", YES, (), names)
    limits = tuple(dict.fromkeys(limit for each in limited for limit in each))
    worded = dict.fromkeys(together(each.values()) for each in limited if not _is_beside(each, limited))
    joined = together(worded, " | ")
    return Cell(action, "limited", Message(f"{YES.vi}: {joined.vi}", f"{YES.en}: {joined.en}"), limits, names)


def _is_beside(limits: dict[Limit, Message], others: Sequence[dict[Limit, Message]]) -> bool:
    """Whether another grant holds back less and nothing else: this one adds nothing to it."""
    return any(other.items() < limits.items() for other in others)


def _limits(grant: Grant, definition: LayerDefinition) -> Iterator[tuple[Limit, Message]]:
    """What a grant holds back of a layer, in words."""
    if grant.rows is not None:
        edge = Message("", "") if grant.edge == "intersect" else Message(" (nằm trọn)", " (wholly within)")
        yield "rows", Message(f"hàng {grant.rows}{edge.vi}", f"rows {grant.rows}{edge.en}")
    if len(columns_of(grant, definition)) < len(definition.attributes):
        columns = together([*(TAGS[tag] for tag in grant.columns.tags), *_names(grant)], ", ")
        yield "columns", Message(f"cột {columns.vi}", f"columns {columns.en}")
    level = geometry_of(grant, definition)
    if definition.has_geometry and level.kind != "full":
        words = level_words(level)
        yield "precision", Message(f"hình học {words.vi}", f"geometry {words.en}")
    if "any" not in purposes_of(grant):
        listed = ", ".join(purposes_of(grant))
        yield "purpose", Message(f"mục đích {listed}", f"purpose {listed}")
    period = period_words(grant.valid)
    if period is not None:
        yield "period", period
    if grant.agreement is not None:
        yield "agreement", Message(f"thỏa thuận {grant.agreement}", f"agreement {grant.agreement}")
    if grant.rate is not None:
        yield "rate", Message(f"tối đa {grant.rate}", f"at most {grant.rate}")


def _names(grant: Grant) -> Iterator[Message]:
    return (Message(name, name) for name in grant.columns.names)


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────
_HEADER = (Message("Ngành", "Sector"), Message("Lớp", "Layer"), Message("Tên lớp", "Title"), Message("Ai", "Who"))


def _lines(whole: Matrix, language: str) -> Iterator[list[str]]:
    yield [text.in_language(language) for text in (*_HEADER, *(ACTIONS[action] for action in whole.actions))]
    for row in whole.rows:
        texts = (row.sector_title, Message(row.layer, row.layer), row.layer_title, row.subject.title)
        yield [text.in_language(language) for text in (*texts, *(cell.text for cell in row.cells))]


def _formula_safe(cell: str) -> str:
    return f"'{cell}" if cell.lstrip("\"' \n").startswith(_FORMULA) or cell.startswith(_FORMULA) else cell
