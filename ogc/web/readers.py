"""The page of who read a layer: sums by caller, purpose and day, and the accesses one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from layers.store.catalogue import Catalogue
from ogc.common.language import language_of

from .pages import render, say

#: columns of the file, and what they are called
COLUMNS = {
    "at": "readers.at", "principal": "readers.principal", "office": "readers.office",
    "roles": "readers.roles", "action": "readers.action", "as": "readers.as",
    "purpose": "readers.purpose", "dossier": "readers.dossier", "features": "readers.features",
    "bytes": "readers.bytes", "accesses": "readers.accesses", "decision": "readers.decision",
    "reason": "readers.reason",
    "grants": "readers.grants", "state": "readers.state",
}  # fmt: skip


def readers_page(request: Request, catalogue: Catalogue, document: Mapping[str, Any]) -> HTMLResponse:
    """`document` is the JSON answer; titles of callers and purposes come from the profile where it has any."""
    language, profile = language_of(request), catalogue.profile
    callers = {identity.id: say(language, identity.title) for identity in profile.identities}
    purposes = {one.purpose or one.id: say(language, one.title) for one in profile.procedures}
    actions = sorted({each["action"] for each in document["sums"]})
    return render(
        request, "readers.html", catalogue=catalogue, here="access", document=document,
        definition=catalogue.layer(document["layer"]).definition, actions=actions,
        reader=lambda name: callers.get(name, name), purpose_title=lambda name: purposes.get(name, name),
    )  # fmt: skip
