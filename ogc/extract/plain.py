"""The document as plain text to copy into an appraisal note."""

from __future__ import annotations

import unicodedata

from .document import Document

_KEPT = frozenset("\n")


def text_of(document: Document) -> str:
    """'Sao chép nội dung vào phiếu thẩm định', with the code under which the sheet is verified."""
    lines = [document.text.rstrip("\n"), f"{document.words('code')}: {document.issue.code}", document.issue.verify_url]
    return _shown("\n".join(lines)) + "\n"


def _shown(text: str) -> str:
    """Without control characters and marks of direction, which a copied text would carry on."""
    plain = unicodedata.normalize("NFC", text)
    return "".join(letter for letter in plain if letter in _KEPT or unicodedata.category(letter)[0] != "C")
