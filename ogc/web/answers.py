"""The page of a check: the answer's JSON in the words of an office."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from gis.procedure import Verdict
from layers.checking.reviews import Reviewed
from layers.checking.wording import RELATIONS, VERDICTS, appraisal_text, label_of
from layers.profile.grammar import Attribute
from layers.profile.procedures import InputDefinition
from layers.store.catalogue import Catalogue
from ogc.common.language import language_of

from . import formats
from .features import code_entries, code_title
from .opinions import opinions_of, who
from .pages import principal_of_page, render, say, text

Json = Mapping[str, Any]
GROUPS = ("affected", "look", "clear")


def answer_page(
    request: Request, catalogue: Catalogue, answer: Json, reviewed: Reviewed | None = None, ground: Json | None = None
) -> HTMLResponse:
    """`answer` is the JSON of contracts 2, already what the caller may see; `ground` what they brought along, as
    GeoJSON."""
    language = language_of(request)
    return render(
        request,
        "answer.html",
        catalogue=catalogue,
        here="check",
        answer=answer,
        groups=[
            {"id": name, "findings": [finding for finding in answer["findings"] if group_of(finding) == name]}
            for name in GROUPS
        ],
        verdict_word=VERDICTS[Verdict(answer["verdict"])],
        word=label_of,
        tone=_tone,
        relation_words=RELATIONS,
        inputs=list(_inputs(catalogue, answer, language)),
        attributes_of=lambda layer, attributes: _attributes(catalogue, layer, attributes, language),
        layer_title=lambda layer: say(language, _title(catalogue, layer)),
        appraisal=appraisal_text(answer, language),
        places=_places(answer) | {"ground": ground},
        opinions=opinions_of(answer, reviewed, principal_of_page(request)),
        who=lambda by: who(by, language),
    )


def group_of(finding: Json) -> str:
    """What is clear by a rule that may not say so (unverified) is to be looked at."""
    if finding["outcome"] == "affected":
        return "affected"
    return "clear" if finding["outcome"] == "clear" and finding["verdict"] == "pass" else "look"


def _tone(finding: Json) -> str:
    """The colour of the mark: an affected finding that only refers is no failure."""
    if group_of(finding) == "clear":
        return "pass"
    return "fail" if finding["outcome"] == "affected" and finding["verdict"] == "fail" else "refer"


def _inputs(catalogue: Catalogue, answer: Json, language: str) -> Iterator[tuple[str, str]]:
    """What was applied for, with the titles of the procedure's questions."""
    procedure = catalogue.profile.procedure(answer["procedure"]["id"])
    asked = {question.name: question for question in procedure.inputs} if procedure else {}
    for name, value in answer["inputs"].items():
        if value is None:  # an optional question left open
            continue
        question = asked.get(name)
        title = say(language, question.title) if question and question.title else name
        yield title, _input(catalogue, question, value, language)


def _input(catalogue: Catalogue, question: InputDefinition | None, value: object, language: str) -> str:
    if isinstance(value, bool):
        return text(language, "yes" if value else "no")
    if isinstance(value, int | float):
        unit = {"m2": " m²", "m": " m"}.get(question.unit or "", "") if question else ""
        return formats.number(value, language, 2) + unit
    entries = code_entries(catalogue, question.codes if question else None)
    title = next((say(language, entry.title) for entry in entries if entry.code == value), None)
    return f"{value} ({title})" if title else str(value)


def _attributes(catalogue: Catalogue, layer: str | None, attributes: Json, language: str) -> str:
    """'Tên nguồn nước: Rạch Trảng; Cấp: I' with the titles of the definition."""
    state = catalogue.layers.get(layer) if layer else None
    told = []
    for name, value in attributes.items():
        column = state.definition.attribute(name) if state else None
        is_text = isinstance(value, dict) and value.keys() == {"vi", "en"}
        if value is None or (isinstance(value, list | dict) and not is_text):
            continue
        title = say(language, column.title) if column and column.title else name
        told.append(f"{title}: {_value(catalogue, column, value, language)}")
    return "; ".join(told)


def _value(catalogue: Catalogue, column: Attribute | None, value: object, language: str) -> str:
    if isinstance(value, bool):
        return text(language, "yes" if value else "no")
    if isinstance(value, dict):
        return say(language, value)
    if isinstance(value, float):
        return formats.number(value, language, 2)
    if column and column.type == "date":
        return formats.day(str(value))
    return say(language, code_title(catalogue, column, str(value))) if column and column.codes else str(value)


def _title(catalogue: Catalogue, layer: str) -> object:
    state = catalogue.layers.get(layer)
    return state.definition.title if state else layer


def _places(answer: Json) -> dict[str, Any]:
    """What the map of the page marks: the subject, and the features that count, by layer."""
    hits: dict[str, list[str]] = {}
    for finding in _flat(answer["findings"]):
        if finding["layer"] and finding["outcome"] in ("affected", "borderline"):
            hits.setdefault(finding["layer"], []).extend(feature["fid"] for feature in finding["features"])
    subject = answer["subject"]
    fids = [part["fid"] for part in subject["parts"]] or [subject["fid"]]
    return {"subject": {"layer": subject["layer"], "fids": [fid for fid in fids if fid is not None]}, "hits": hits}


def _flat(findings: Iterator[Json] | list[Json]) -> list[Json]:
    return [part for finding in findings for part in (finding, *finding.get("members", ()))]
