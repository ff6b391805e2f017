"""What of a file is otherwise than when it was sealed, in words for whoever handed it in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader


def changes_since(reader: PdfFileReader, revision: int) -> Iterator[str]:
    """The kinds of change between a revision and the file as it is: codes of `verify.PROBLEMS`. It names what it knows;
    whether anything changed at all is for the difference analysis to say."""
    before, now = reader.get_historical_resolver(revision).root, reader.root
    old, new = list(pages_of(before["/Pages"])), list(pages_of(now["/Pages"]))
    if len(old) != len(new) or any(_drawn(one) != _drawn(other) for one, other in zip(old, new, strict=False)):
        yield "changed_page"
    if set(_notes(new)) - set(_notes(old)):
        yield "added_note"
    if _attached(before) != _attached(now):
        yield "changed_attachment"
    if set(_fields(now)) - set(_fields(before)):
        yield "added_field"


def value_of(dictionary: Any, name: str, otherwise: Any) -> Any:
    """The value itself: `get` of the library gives references."""
    return dictionary[name] if name in dictionary else otherwise  # noqa: SIM401


def pages_of(node: Any) -> Iterator[Any]:
    """The pages under a node of the tree of pages, in their order."""
    for kid in node["/Kids"]:
        page = kid.get_object()
        if "/Kids" in page:
            yield from pages_of(page)
        else:
            yield page


def _drawn(page: Any) -> tuple[bytes, ...]:
    """What is drawn on a page itself."""
    if "/Contents" not in page:
        return ()
    found = page["/Contents"]
    parts = [part.get_object() for part in found] if isinstance(found, list) else [found]
    return tuple(bytes(part.data) for part in parts)


def _notes(pages: list[Any]) -> Iterator[str]:
    """Everything that lies on a page and is not the look of a signature."""
    for number, page in enumerate(pages):
        for entry in value_of(page, "/Annots", ()):
            held = entry.get_object()
            if held["/Subtype"] != "/Widget":
                yield f"{number} {held['/Subtype']} {list(held['/Rect'])}"


def _attached(root: Any) -> list[str]:
    entries = list(value_of(root, "/AF", ()))
    names = value_of(root, "/Names", {})
    return [repr(entry) for entry in entries] + [repr(names[name]) for name in names]


def _fields(root: Any) -> Iterator[str]:
    """Fields that are no signatures, with what they hold."""
    form = value_of(root, "/AcroForm", {})
    for entry in value_of(form, "/Fields", ()):
        field = entry.get_object()
        if value_of(field, "/FT", None) != "/Sig":
            yield f"{value_of(field, '/T', '')} {value_of(field, '/V', '')}"
