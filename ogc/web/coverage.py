"""The page of coverage: a wide table to be read across, what each procedure can reach, and what to close next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from layers.checking.coverage import STATES, Asked, Coverage, rounded_down
from layers.store.catalogue import Catalogue
from ogc.common.language import language_of

from .formats import share
from .pages import render, say, text, with_query

Json = Mapping[str, Any]
#: what stands in a cell besides its colour and its pattern
MARKS = {"mapped": "●", "empty": "○", "partly": "◐", "stale": "!", "none": "–", "suspended": "‖", "withdrawn": "×",
         "withheld": "?"}  # fmt: skip
BEST = {"pass": "✓", "refer": "?", "fail": "×"}
#: columns of the file, with their titles
COLUMNS = (
    "coverage.column.layer", "coverage.column.title", "coverage.column.sector", "coverage.column.commune",
    "coverage.column.name", "coverage.column.state", "coverage.column.share", "coverage.column.refused",
    "coverage.column.refused_m2",
)  # fmt: skip
#: lines of what to close next
MOST_GAPS = 40


@dataclass(frozen=True, slots=True)
class HeldAll:
    """A check that holds a procedure down, with the number of communes."""

    title: str
    why: str
    communes: int
    is_conditional: bool


def coverage_page(request: Request, catalogue: Catalogue, document: Json, asked: Asked) -> HTMLResponse:
    language = language_of(request)
    cells = {(cell["layer"], cell["commune"]): cell for cell in document["cells"]}
    named = catalogue.profile.header.sectors
    sectors: dict[str, list[Json]] = {}
    for layer in document["layers"]:
        sectors.setdefault(layer["sector"], []).append(layer)
    names = {place["code"]: place["name"] for place in document["communes"]}
    return render(
        request, "coverage.html", catalogue=catalogue, here="coverage", document=document, asked_for=asked,
        rows_by_sector=[(say(language, named[name]) if name in named else name, rows)
                        for name, rows in sectors.items()],
        cell=lambda layer, commune: cells[layer, commune],
        told=lambda cell: _told(cell, language),
        marks=MARKS, best_marks=BEST, states=STATES, gaps=document["close_next"][:MOST_GAPS],
        more_gaps=max(0, len(document["close_next"]) - MOST_GAPS),
        held=lambda procedure: list(_held(procedure, language)),
        places=lambda codes: _places(codes, names, language),
        procedure_title=lambda name: next(say(language, p["title"]) for p in document["procedures"] if p["id"] == name),
        as_file=with_query(request, f="csv"),
    )  # fmt: skip


def _told(cell: Json, language: str) -> str:
    """The words of a cell: 'phủ một phần, 62 %; 3 đối tượng bị loại'."""
    words = text(language, f"coverage.state.{cell['state']}")
    if cell["state"] in ("partly", "stale") and cell["share"] is not None:
        words += f", {share(cell['share'], language)}"
    if cell["refused"] and cell["refused"]["count"]:
        words += "; " + text(language, "coverage.refused", n=cell["refused"]["count"])
    return words


def _held(procedure: Json, language: str) -> Iterator[HeldAll]:
    """What holds a procedure down anywhere, the most communes first."""
    counted: dict[tuple[str, str, bool], int] = {}
    for cell in procedure["communes"]:
        for one in cell["held_by"]:
            key = (say(language, one["title"]), one["why"], one["conditional"])
            counted[key] = counted.get(key, 0) + 1
    for (title, why, is_conditional), communes in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        yield HeldAll(title, text(language, f"coverage.why.{why}"), communes, is_conditional)


def _places(codes: list[str], names: Mapping[str, str], language: str) -> str:
    """All, a few by name, or their number."""
    if len(codes) == len(names) > 1:
        return text(language, "coverage.everywhere")
    listed = ", ".join(names.get(code, code) for code in codes[:4])
    return listed if len(codes) <= 4 else text(language, "coverage.and_more", names=listed, n=len(codes) - 4)


def table_of(found: Coverage, language: str) -> Iterator[list[object]]:
    """One row a cell, for a spreadsheet."""
    yield [text(language, name) for name in COLUMNS]
    for row in found.rows:
        definition = row.definition
        for place in found.places:
            cell = found.cells[definition.id, place.code]
            yield [definition.id, say(language, definition.title), definition.sector, place.code, place.name,
                   text(language, f"coverage.state.{cell.state}"), rounded_down(cell.share),
                   cell.refused_count, cell.refused_m2]  # fmt: skip
