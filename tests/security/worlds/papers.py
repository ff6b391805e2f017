"""Extracts in two worlds: codes in a row, and papers that come back as they were, signed, or with something else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from layers.checking.extracts import grouped
from tests.support import signing

from .asking import Asked, code_number

if TYPE_CHECKING:
    from .drawing import Drawing

PDF = "application/pdf"


def code(drawing: Drawing) -> str:
    """One that may have been given, or none at all."""
    found = code_number(drawing.texts.any_of((1, 1, 2, 3, 5, 1_000)))
    return str(drawing.texts.any_of((found, found, grouped(found), "khong_co")))


def paper(drawing: Drawing) -> tuple[str, bytes]:
    """An extract that was given to somebody under test, or no paper of ours."""
    known = [held for _, _, held in drawing.memory.papers]
    if known and drawing.texts.happens(0.8):
        return PDF, drawing.texts.any_of(known)
    return PDF, drawing.texts.any_of((b"%PDF-1.7", b""))


def handed_back(drawing: Drawing) -> Asked:
    """A paper back to the check it is of: signed by an office, with a note besides, or by somebody else."""
    texts = drawing.texts
    identity, record, held = texts.any_of(drawing.memory.papers)
    if texts.happens(0.2):
        identity = texts.any_of(drawing.identities)
    changed = signing.with_note(held) if texts.happens(0.2) else held
    signed = signing.signed_by(changed, _office()) if texts.happens(0.8) else changed
    route = "/checks/{record_id}/signed"
    return Asked(route, f"/checks/{record}/signed", identity, "PUT", (), {"content-type": PDF}, signed)


@cache
def _office() -> bytes:
    return signing.pkcs12_of()
