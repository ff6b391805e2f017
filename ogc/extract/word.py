"""The document as DOCX in office wording: blocks and tables to paste into an appraisal note.

The same document gives the same bytes. A guarded answer's file is stored uncompressed and filled to a length that only
its level twin decides.
"""

from __future__ import annotations

import io
import math
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from .corners import blocks_of
from .document import Document
from .parts import Fact, FindingPart, Row

FONT = "Times New Roman"  #: of official documents (Decree 30/2020), and on every office machine
ROOM, FINDING_ROOM = 16_384, 4_096
_PADDING = "docProps/padding.xml"
#: the earliest moment a zip file can name: what it holds has no moment of its own
_EPOCH = (1980, 1, 1, 0, 0, 0)


def docx_of(document: Document) -> bytes:
    """The file for a word processor; it carries no seal and says so by the code to verify."""
    parts = _parts(document)
    if document.pad_bytes is None or document.level is None:
        return _zipped(parts)
    longest = len(_zipped(_parts(document.level), is_stored=True)) + ROOM + FINDING_ROOM * document.told
    length = math.ceil(longest / document.pad_bytes) * document.pad_bytes
    missing = length - len(_zipped({**parts, _PADDING: _padding(0)}, is_stored=True))
    if missing < 0:
        raise RuntimeError("a guarded document differs more with its outcomes than there is room for")
    return _zipped({**parts, _PADDING: _padding(missing)}, is_stored=True)


def _padding(length: int) -> bytes:
    return b"<padding>" + b" " * length + b"</padding>"


def _parts(document: Document) -> dict[str, bytes]:
    out = io.BytesIO()
    _Writer(document).write().save(out)
    with zipfile.ZipFile(out) as made:
        return {name: made.read(name) for name in sorted(made.namelist(), key=_in_order)}


def _in_order(name: str) -> tuple[bool, str]:
    """The list of contents comes first, as the format asks."""
    return name != "[Content_Types].xml", name


def _zipped(parts: dict[str, bytes], *, is_stored: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
            made.writestr(entry, content)
    return out.getvalue()


class _Writer:
    """Writes one document from top to bottom."""

    def __init__(self, document: Document) -> None:
        self.document, self.t = document, document.words
        self.out: Any = _blank()

    def write(self) -> Any:
        self._properties()
        self._head()
        self._section(self.t("subject"), self.document.subject)
        self._section(self.t("request"), self.document.request)
        self._conclusion()
        self._corners()
        for group in self.document.groups:
            self._heading(f"{group.title} ({len(group.findings)})")
            self._line(group.text if group.findings else self.t("nothing"), italic=True)
            for finding in group.findings:
                self._finding(finding)
        if self.document.skipped:
            self._section(self.t("skipped"), self.document.skipped)
        self._foot()
        return self.out

    def _properties(self) -> None:
        properties, issue = self.out.core_properties, self.document.issue
        moment = issue.issued.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        properties.created = properties.modified = moment
        properties.title, properties.author = _plain(self.document.title), _plain(issue.maker)
        properties.last_modified_by, properties.comments, properties.revision = "", "", 1
        properties.language = self.document.language
        properties.subject = f"{self.t('code')} {issue.code}"

    def _head(self) -> None:
        issue, t = self.document.issue, self.t
        if issue.is_demo:
            self._line(t("demo"), bold=True, centred=True)
        self._table([[issue.maker, f"{t('code')}: {issue.code}"],
                     [f"{t('number')}: ………………………", t("date")]], is_plain=True)  # fmt: skip
        title = self._line(self.document.title.upper(), bold=True, centred=True)
        title.paragraph_format.space_before = Pt(10)
        title.runs[0].font.size = Pt(14)
        self._line(f"({t('nature')})", italic=True, centred=True)

    def _section(self, title: str, facts: Sequence[Fact]) -> None:
        self._heading(title)
        self._table([[fact.name, fact.value] for fact in facts], widths=(55, 115))

    def _conclusion(self) -> None:
        t = self.t
        self._heading(t("conclusion"))
        self._line(self.document.verdict.text, bold=True)
        self._line("; ".join(f"{group.title}: {len(group.findings)}" for group in self.document.groups) + ".")
        for fact in self.document.remainder:
            self._line(f"{fact.name}: {fact.value}.")
        self._line(t("person"), italic=True)
        rows = [[each.number, each.title, each.outcome.text, each.verdict.text] for each in self.document.findings]
        head = [t("number_sign"), t("check"), t("outcome"), t("verdict")]
        self._table([head, *rows], widths=(10, 65, 50, 45), has_head=True)

    def _corners(self) -> None:
        blocks, more = blocks_of(self.document.rings)
        if not blocks:
            return
        t = self.t
        self._heading(t("corners"))
        self._line(t("corners_axes", crs=self.document.crs))
        head = [t("point"), t("x"), t("y"), t("edge")]
        rows = [
            [str(c.number), t.number(c.x_m, 2), t.number(c.y_m, 2), t.number(c.edge_m, 2)]
            for ring in self.document.rings
            for c in ring.corners
        ]
        self._table([head, *rows[: len(rows) - more]], widths=(20, 50, 50, 50), has_head=True)
        if more:
            self._line(f"… (+{more})")

    def _finding(self, finding: FindingPart, indent_mm: int = 0) -> None:
        t = self.t
        optional = f" ({t('optional')})" if finding.is_optional else ""
        self._line(f"{finding.number}. {finding.title}{optional}", bold=True, indent_mm=indent_mm)
        self._line(f"{t('outcome')}: {finding.outcome.text}. {finding.verdict.text}.", indent_mm=indent_mm)
        told = [*finding.reasons, *(f"{fact.name}: {fact.value}." for fact in finding.facts)]
        told += self._objects(t("features"), finding.features, finding.more_features)
        told += self._objects(t("dropped"), finding.dropped, finding.more_dropped)
        basis = "; ".join(f"{basis.name} [{basis.standing}]" for basis in finding.basis) or t("no_basis")
        told.append(f"{t('basis')}: {basis}.")
        told += [f"{t('office')}: {finding.office}."] if finding.office else []
        told += [f"{t('data')}: {finding.source}."] if finding.source else []
        for line in told:
            self._line(line, indent_mm=indent_mm + 5)
        for member in finding.members:
            self._finding(member, indent_mm + 5)

    def _objects(self, title: str, rows: Sequence[Row], more: int) -> Iterable[str]:
        if not rows:
            return []
        told = [
            ", ".join(part for part in (row.name, row.relation, row.size, row.details) if part and part != "–")
            for row in rows
        ]
        return [f"{title}: {'; '.join(told)}{'; ' + self.t('more', n=more) if more else ''}."]

    def _foot(self) -> None:
        t, issue = self.t, self.document.issue
        self._heading(t("terms"))
        for key in ("term_decides", "term_date", "term_unverified", "term_rights"):
            self._line(f"– {t(key)}")
        self._line(f"{t('verify')}: {issue.verify_url} ({t('code')} {issue.code})")
        self._table(
            [[t("officer"), t("office_sign")], [f"({t('sign')})", f"({t('sign')}; {t('stamp')})"]], is_plain=True
        )
        self._line("")
        self._section(t("evidence"), self.document.evidence)

    # ── pieces ───────────────────────────────────────────────────────────────────────────────────
    def _heading(self, text: str) -> None:
        made = self.out.add_paragraph(style="Heading 2")
        made.add_run(_plain(text))

    def _line(
        self, text: str, *, bold: bool = False, italic: bool = False, centred: bool = False, indent_mm: int = 0
    ) -> Any:
        made = self.out.add_paragraph()
        run = made.add_run(_plain(text))
        run.bold, run.italic = bold, italic
        made.paragraph_format.left_indent = Mm(indent_mm)
        if centred:
            made.alignment = WD_ALIGN_PARAGRAPH.CENTER
        return made

    def _table(
        self,
        rows: Sequence[Sequence[str]],
        *,
        widths: Sequence[int] = (),
        has_head: bool = False,
        is_plain: bool = False,
    ) -> None:
        made = self.out.add_table(rows=len(rows), cols=len(rows[0]), style=None if is_plain else "Table Grid")
        # cells by their position in the file: asking the table for each is quadratic
        for line, (element, texts) in enumerate(zip(made._tbl.tr_lst, rows, strict=True)):
            for column, (cell, text) in enumerate(zip(element.tc_lst, texts, strict=True)):
                run = cell.p_lst[0].add_r()
                run.text = _plain(text)
                if widths:
                    cell.width = Mm(widths[column])
                if has_head and line == 0:
                    _bold(run)
        if has_head:
            _repeat(made._tbl.tr_lst[0])


def _bold(run: Any) -> None:
    run.get_or_add_rPr().append(OxmlElement("w:b"))


def _repeat(row: Any) -> None:
    """The head of a table stands on every page it goes over."""
    row.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _plain(text: str) -> str:
    """Without what XML forbids and what turns the direction of a line."""
    return "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")


@lru_cache
def _template() -> bytes:
    """The page and its letters: A4, margins of official documents."""
    made = docx.Document()
    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = Mm(20)
    section.left_margin, section.right_margin = Mm(25), Mm(15)
    for name, size in (("Normal", 11), ("Heading 2", 12)):
        style = made.styles[name]
        style.font.name, style.font.size = FONT, Pt(size)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONT)
        for kind in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            style.element.rPr.rFonts.attrib.pop(qn(kind), None)
        style.paragraph_format.space_after = Pt(3)
    made.styles["Heading 2"].font.color.rgb = None
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _blank() -> Any:
    return docx.Document(io.BytesIO(_template()))
