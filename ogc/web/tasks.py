"""The page of disputes: those about one's own layers, to be answered, and those one has raised."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from layers.checking.wording import label_of
from layers.store.catalogue import Catalogue
from ogc.common.language import language_of

from .opinions import who
from .pages import render, say

STATES = ("open", "answered")


def tasks_page(request: Request, catalogue: Catalogue, document: Mapping[str, Any], state: str | None) -> HTMLResponse:
    language = language_of(request)

    def layer_title(layer: str) -> str:
        known = catalogue.layers.get(layer)
        return say(language, known.definition.title) if known else layer

    def procedure_title(procedure: str) -> str:
        known = catalogue.profile.procedure(procedure)
        return say(language, known.title) if known else procedure

    return render(
        request, "tasks.html", catalogue=catalogue, here="tasks", document=document, state=state, states=STATES,
        who=partial(who, language=language), layer_title=layer_title, procedure_title=procedure_title,
        word=lambda finding: say(language, label_of(finding)),
    )  # fmt: skip
