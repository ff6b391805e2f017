"""What the page of a check shows of opinions beside each finding, and who is offered the form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gis.procedure import Outcome
from layers.access.principal import PUBLIC, Principal
from layers.checking.reviews import Reviewed

from .pages import text

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opinions:
    """Of one finding."""

    reviews: tuple[Json, ...]
    notes: tuple[Json, ...]
    may_say: bool
    may_dispute: bool
    features: tuple[Json, ...]


def opinions_of(answer: Json, reviewed: Reviewed | None, principal: Principal) -> Callable[[Json], Opinions]:
    """A look-up by finding; without `reviewed` (an answer that has just been made) nothing was said yet."""
    reviews = reviewed.reviews if reviewed else ()
    notes = reviewed.notes if reviewed else ()

    def of(finding: Json) -> Opinions:
        is_shown = finding["outcome"] != Outcome.WITHHELD
        stands_on_layer = finding["layer"] or (finding["relation"] is None and answer["subject"]["layer"])
        return Opinions(
            tuple(one for one in reviews if one["check"] == finding["check"]),
            tuple(one for one in notes if one["check"] == finding["check"]),
            may_say=is_shown and principal.id != PUBLIC.id,
            may_dispute=bool(stands_on_layer) and "members" not in finding,
            features=(*finding["features"], *finding["dropped"]),
        )

    return of


def who(by: Json, language: str) -> str:
    """'Bạn', an office, or a role."""
    if by["is_own"]:
        return text(language, "review.you")
    named = by["office"] or ", ".join(by["roles"]) or text(language, "review.somebody")
    return f"{named} ({by['principal']})" if by["principal"] else str(named)
