"""The document as PDF/A-3u: tagged, fonts and data embedded, nothing loaded from anywhere but this package.

The same document gives the same bytes. A guarded answer's file has a length that only its level twin decides: the rest
is filled with a comment before the end, so that nobody on the way reads an outcome from the length.
"""

from __future__ import annotations

import io
import json
import math
import threading
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from layers.checking.map_content import Role
from ogc.web import formats

from . import fonts
from .corners import blocks_of
from .document import Document
from .drawing import drawing_of, swatch_of
from .words import drawable

VARIANT = "pdf/a-3u"
ANSWER_FILE, CORNERS_FILE = "ket-qua-kiem-tra.json", "bang-ke-toa-do.csv"
#: bytes by which a guarded file may differ from its level twin: a page more, and each finding's words
ROOM, FINDING_ROOM = 16_384, 2_048
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_SCHEME, _FONT = "document:", "font:"
#: layout is one piece of work with shared caches of fonts: one at a time in a process
_LOCK = threading.Lock()


def pdf_of(document: Document) -> bytes:
    """The file, not yet sealed. Takes up to a second of one CPU: call it in a thread."""
    made = _rendered(document)
    if document.pad_bytes is None or document.level is None:
        return made
    longest = len(_rendered(document.level)) + ROOM + FINDING_ROOM * document.told
    length = math.ceil(longest / document.pad_bytes) * document.pad_bytes
    return filled(made, length)


def filled(pdf: bytes, length: int) -> bytes:
    """The file with comments before its last `startxref`, which moves nothing that is pointed at."""
    missing = length - len(pdf)
    if missing == 0:
        return pdf
    if missing < 2:
        raise RuntimeError("a guarded document differs more with its outcomes than there is room for")
    place = pdf.rindex(b"startxref")
    return pdf[:place] + _comments(missing) + pdf[place:]


def _comments(length: int) -> bytes:
    """Lines of at most 250 bytes, as PDF asks of what is not in a stream."""
    lines, rest = divmod(length, 250)
    sizes = [250] * lines + [rest]
    if rest == 1:
        sizes = [250] * (lines - 1) + [249, 2]
    return b"".join(b"%" + b"." * (size - 2) + b"\n" for size in sizes if size)


def _rendered(document: Document) -> bytes:
    with _LOCK:
        style, config = _style()
        page = HTML(string=_html(document), base_url=_SCHEME, url_fetcher=OwnFiles(document))
        laid_out = page.render(stylesheets=[style], font_config=config)
        made: bytes = laid_out.write_pdf(
            pdf_variant=VARIANT, pdf_tags=True, attachments=_attachments(document), finisher=_each_file_once
        )
    return made


def _each_file_once(_laid_out: object, pdf: Any) -> None:
    """The list of associated files names every file, and WeasyPrint names each twice."""
    files = pdf.catalog["AF"]
    files[:] = list(dict.fromkeys(files))


def _html(document: Document) -> str:
    blocks, more_corners = blocks_of(document.rings)
    return (
        _environment()
        .get_template("sheet.html")
        .render(
            d=document,
            t=document.words,
            blocks=blocks,
            more_corners=more_corners,
            all_corners=sum(len(ring.corners) for ring in document.rings),
            created=_stamp(document),
            digest=json.loads(document.canonical)["evidence"]["digest"],  # verified against the attached answer
            qr=f"{_SCHEME}qr.svg",
            map=f"{_SCHEME}map.svg",
            swatch=lambda layer: f"{_SCHEME}swatch-{layer}.svg",
            number=document.words.number,
            moment=formats.moment,
            has_drops=_has(document, Role.DROP),
            has_neighbours=_has(document, Role.NEIGHBOUR),
            answer_file=ANSWER_FILE,
            corners_file=CORNERS_FILE,
        )
    )


def _has(document: Document, role: Role) -> bool:
    return document.map is not None and any(shape.role is role for shape in document.map.shapes)


def _stamp(document: Document) -> str:
    return document.issue.issued.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _attachments(document: Document) -> list[Any]:
    """The answer as it was, byte for byte; and the corners where the table does not print all of them."""
    issued = document.issue.issued.astimezone(UTC)
    t = document.words
    files = [(ANSWER_FILE, document.canonical.encode(), t("attached_answer"))]
    if document.rings:
        files.append((CORNERS_FILE, corners_csv(document), t("attached_corners")))
    return [
        Attachment(
            file_obj=io.BytesIO(content), name=name, description=description, relationship="Data",
            created=issued, modified=issued,
        )
        for name, content, description in files
    ]  # fmt: skip


def corners_csv(document: Document) -> bytes:
    """Every corner, for programs: full stops for decimals, X north, Y east."""
    lines = ["ring,hole,point,x_north_m,y_east_m,edge_m"]
    for place, ring in enumerate(document.rings, 1):
        for corner in ring.corners:
            figures = f"{corner.x_m:.4f},{corner.y_m:.4f},{corner.edge_m:.4f}"
            lines.append(f"{place},{int(ring.is_hole)},{corner.number},{figures}")
    return ("\r\n".join(lines) + "\r\n").encode()


@lru_cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=drawable(fonts.covered),
    )  # fmt: skip


@lru_cache
def _style() -> tuple[CSS, FontConfiguration]:
    """Fonts are read once a process: that takes as long as a page."""
    config = FontConfiguration()
    text = fonts.style_sheet() + (_TEMPLATES / "sheet.css").read_text(encoding="utf-8")
    return CSS(string=text, font_config=config, url_fetcher=OwnFiles(None)), config


class RefusedAddressError(FatalURLFetchingError):  # type: ignore[misc]
    """An address that is not ours: the rendering stops."""


class OwnFiles(URLFetcher):  # type: ignore[misc]
    """Gives out our fonts and the drawings of this document, and nothing else on this machine or any other."""

    def __init__(self, document: Document | None) -> None:
        super().__init__()
        self._document = document

    def fetch(self, url: str, headers: object = None) -> Any:
        if url.startswith(_FONT):
            return URLFetcherResponse(url, fonts.face(url.removeprefix(_FONT)), {"Content-Type": "font/ttf"})
        if self._document is not None and url.startswith(_SCHEME):
            drawn = self._drawn(self._document, url.removeprefix(_SCHEME))
            return URLFetcherResponse(url, drawn.encode(), {"Content-Type": "image/svg+xml"})
        raise RefusedAddressError(f"refused: {url[:80]}")

    def _drawn(self, document: Document, name: str) -> str:
        if name == "qr.svg":
            return qr_of(document.issue.verify_url)
        if name == "map.svg" and document.map is not None:
            return drawing_of(document, drawable(fonts.covered))
        if name.startswith("swatch-") and name.endswith(".svg"):
            return swatch_of(document, name.removeprefix("swatch-").removesuffix(".svg"))
        raise RefusedAddressError(f"refused: {name[:80]}")


def qr_of(address: str) -> str:
    """The code as vectors, one path, with the quiet zone that readers need."""
    code = segno.make(address, error="m", micro=False)
    out = io.BytesIO()
    code.save(out, kind="svg", border=4, xmldecl=False, svgclass=None, lineclass=None, omitsize=True)
    return out.getvalue().decode()
