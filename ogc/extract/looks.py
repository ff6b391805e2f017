"""What later signatures put onto the pages: a picture of a whole page would be another page.

Measured is what every page lists, whoever it belongs to: a field may have several widgets, a page several signatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .changes import pages_of, value_of

#: of a page, what all signatures together may cover at most
LARGEST_SHARE = 0.2


def looks_in(root: Any, sealed: Any) -> Iterator[str]:
    """The problems of what lies on the pages now and did not when the file was sealed: codes of `verify.PROBLEMS`."""
    if any(len(value_of(field, "/Kids", ())) > 1 for field in _fields(root)):
        yield "many_looks"
    known = {name for page in pages_of(sealed["/Pages"]) for name, held in _entries(page) if _is_link(held)}
    if any(_share(page, known) > LARGEST_SHARE for page in pages_of(root["/Pages"])):
        yield "large_look"


def page_of(root: Any, field: Any) -> tuple[int | None, bool]:
    """The first page that a signature shows on, from 1, and whether its look lies on some page if it has one."""
    kids = value_of(field, "/Kids", ())
    widget = kids[0].get_object() if len(kids) else field
    if not _area(value_of(widget, "/Rect", (0, 0, 0, 0))):
        return None, True
    for number, page in enumerate(pages_of(root["/Pages"]), start=1):
        if any(held is widget for _, held in _entries(page)):
            return number, True
    return None, False


def _fields(root: Any) -> Iterator[Any]:
    """Only fields at the root of the form can be new signatures."""
    form = value_of(root, "/AcroForm", {})
    yield from (entry.get_object() for entry in value_of(form, "/Fields", ()))


def _share(page: Any, known: set[str]) -> float:
    """How much of a page is covered by what the sealed file did not link there."""
    covered = sum(_area(value_of(held, "/Rect", (0, 0, 0, 0))) for name, held in _entries(page) if name not in known)
    return covered / _area(_box(page)) if covered else 0.0


def _entries(page: Any) -> Iterator[tuple[str, Any]]:
    for entry in value_of(page, "/Annots", ()):
        yield repr(entry), entry.get_object()


def _is_link(held: Any) -> bool:
    return bool(value_of(held, "/Subtype", None) == "/Link")


def _area(box: Any) -> float:
    left, bottom, right, top = (float(number) for number in box)
    return abs(right - left) * abs(top - bottom)


def _box(page: Any) -> Any:
    while "/MediaBox" not in page:
        page = page["/Parent"]
    return page["/MediaBox"]
