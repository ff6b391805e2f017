"""The text of a coordinate table as rows of a number, two ordinates and an edge length, however it was typed or copied.

Vietnamese documents write X for north and Y for east, a comma before decimals and points or blanks between thousands;
columns come apart as tabs, semicolons, bars, commas or blanks; headings, titles and empty lines stand between.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from .coordinate_system import System, stated_in
from .errors import LienthongError

#: lines of one table; more is no parcel
MOST_LINES = 400_000
_LONGEST_LINE = 400
#: lines by which the way to read all is chosen
_SAMPLE = 300
#: a column of ordinates in metres lies beyond this, whatever is left out in front
_LARGE = 1_000.0
_BLANKS = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff]")
_DMS = re.compile(
    r"(?P<degrees>[+-]?\d{1,3})\s*[°º]\s*(?P<minutes>\d{1,2}(?:[.,]\d+)?)\s*['′’]"
    r"(?:\s*(?P<seconds>\d{1,2}(?:[.,]\d+)?)\s*(?:[\"″”]|''|′′|’’))?\s*(?P<side>[NSEWBĐTD](?![A-Za-zĐđ]))?"
)
_DEGREES = re.compile(r"(?P<degrees>[+-]?\d{1,3}(?:[.,]\d+)?)\s*[°º]\s*(?P<side>[NSEWBĐTD](?![A-Za-zĐđ]))?")
#: degrees, minutes and seconds that were made one number, so that nothing later takes them apart
_MARK = "~"
_POINT_STYLE = re.compile(r"[+-]?(?:\d{1,3}(?:(?:,\d{3})+|(?:[ ']\d{3})+)|\d+)(?:\.\d+)?")
_COMMA_STYLE = re.compile(r"[+-]?(?:\d{1,3}(?:(?:\.\d{3})+|(?:[ ']\d{3})+)|\d+)(?:,\d+)?")
#: as many digits as only an ordinate has
_ORDINATE = re.compile(r"\d{6}|\d[ .]\d{3}[ .]\d{3}")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d+)?(?=\s|$)|\S+")
_HEADING = re.compile(
    r"(?P<number>so hieu|so thu tu|\bstt\b|\btt\b|\bdiem\b|\bdinh\b|\bmoc\b|\bpoints?\b|\bvertex\b|\bno\b|\bid\b)"
    r"|(?P<north>\bx\b|\bbac\b|\bnorthing\b|\bnorth\b|\bn\b|\bvi do\b|\blat(?:itude)?\b)"
    r"|(?P<east>\by\b|\bdong\b|\beasting\b|\beast\b|\be\b|\bkinh do\b|\blon(?:gitude)?\b|\blng\b)"
    r"|(?P<edge>\bcanh\b|\bs\b|\bchieu dai\b|\bkhoang cach\b|\bdo dai\b|\bedge\b|\blength\b|\bkc\b|\bd\b)"
)
_EXPLICIT = re.compile(r"\b(?:bac|dong|northing|north|easting|east|vi do|kinh do|lat(?:itude)?|lon(?:gitude)?|lng)\b")


class CoordinatesError(LienthongError):
    """A table that gives no ground; `kind` is stable, the message names the row or the edge and the next step."""

    code = "coordinates"

    def __init__(self, kind: str, vi: str, en: str) -> None:
        super().__init__(vi, en)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Row:
    """One point as written. `group` counts the blocks between empty lines, `line` the lines of the text from 1."""

    line: int
    group: int
    number: str
    first: float  #: X: north on Vietnamese documents
    second: float  #: Y: east
    edge_m: float | None = None  #: the length beside the point
    edge_below_m: float | None = None  #: the length on a line of its own between this point and the next


@dataclass(frozen=True, slots=True)
class Rows:
    """The points of a text, with what its headings say of them."""

    rows: tuple[Row, ...]
    has_degrees: bool
    names_axes: bool  #: the headings say north and east, not only X and Y
    system: System  #: what lines of words say of it
    passed_over: tuple[int, ...] = ()  #: lines among the points that are none


def rows_of(text: str) -> Rows:
    """The points of a pasted text. Raises CoordinatesError naming the line that cannot be read."""
    lines = _lines(text)
    written = [line for line in lines if any(map(str.isdigit, line.text)) and not _words(line.text)]
    first = next((place for place, line in enumerate(written) if sum(map(str.isdigit, line.text)) >= 4), None)
    if first is None:
        raise CoordinatesError(
            "no_points", "Không thấy dòng tọa độ nào. Dán bảng có cột số hiệu điểm, X (m), Y (m).",
            "No line with coordinates. Paste a table with columns point number, X (m), Y (m).",
        )  # fmt: skip
    data = written[first:]
    for way in sorted(_ways(lines, data[:_SAMPLE]), key=lambda found: found.badness):
        found = way.read(data)
        if found is not None:
            _refuse_gaps(found.rows, data)
            return found.rows
    raise _unreadable(data[0])


def _refuse_gaps(found: Rows, data: Sequence[_Line]) -> None:
    """A line between points that is none would be a corner left out. Below the last point stand areas and the like."""
    last, passed = found.rows[-1].line, set(found.passed_over)
    for line in data:
        if line.number in passed and (line.number < last or _ORDINATE.search(line.text)):
            raise _unreadable(line)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    group: int
    text: str


@dataclass(frozen=True, slots=True)
class _Heading:
    """The order of columns as the headings name them; empty where they do not."""

    roles: tuple[str, ...]
    names_axes: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    """Rows, and how unlikely they are: digits in the wrong column throw points across the country."""

    rows: Rows
    badness: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to take lines apart and to read their numbers; `badness` is that of a sample."""

    split: Callable[[str], list[str]]
    style: re.Pattern[str]
    heading: _Heading
    system: System
    badness: tuple[float, ...] = ()

    def read(self, data: Sequence[_Line]) -> _Reading | None:
        cells = [self.split(line.text) for line in data]
        return _reading(data, cells, self.style, self.heading, self.system)


def _lines(text: str) -> list[_Line]:
    found: list[_Line] = []
    group, is_empty = 0, False
    plain = _UNSEEN.sub("", _BLANKS.sub(" ", unicodedata.normalize("NFC", text)))
    for number, raw in enumerate(plain.splitlines()[: MOST_LINES + 1], start=1):
        line = raw.strip(" ")
        if not line.strip():
            is_empty = bool(found)
            continue
        if len(line) > _LONGEST_LINE:
            raise _unreadable(_Line(number, group, line[:60]))
        group, is_empty = group + is_empty, False
        found.append(_Line(number, group, _without_dms(line)))
    if len(found) > MOST_LINES:
        raise CoordinatesError("too_long", f"Bảng dài hơn {MOST_LINES} dòng.", f"More than {MOST_LINES} lines.")
    return found


def _without_dms(line: str) -> str:
    """Degrees, minutes, seconds as one marked number of degrees; a meridian in words stays as it is."""
    if not any(sign in line for sign in "°º") or _words(line):
        return line
    return _DEGREES.sub(_marked, _DMS.sub(_marked, line))


def _marked(found: re.Match[str]) -> str:
    parts = found.groupdict()
    whole = float(parts["degrees"].replace(",", "."))
    part = float((parts.get("minutes") or "0").replace(",", ".")) / 60
    part += float((parts.get("seconds") or "0").replace(",", ".")) / 3600
    side = parts["side"]
    value = whole - part if parts["degrees"].startswith("-") else whole + part
    side = {"B": "N", "Đ": "E", "D": "E", "T": "W"}.get(side or "", side or "")
    return f" {_MARK}{side}{-value if side in ('S', 'W') else value:.12f} "


def _words(line: str) -> bool:
    """Whether a line is written in words: three letters in a row are no number of a point."""
    return re.search(r"[^\W\d_]{3,}", line) is not None


def _plain_letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


# ── headings ─────────────────────────────────────────────────────────────────────────────────────


def _heading_of(headings: Sequence[_Line]) -> _Heading:
    """The roles named nearest above the points, in their order; each once."""
    text = ""
    for line in reversed(headings[-8:]):
        text = f"{_plain_letters(line.text)} {text}"
        found = [match.lastgroup or "" for match in _HEADING.finditer(text)]
        roles = tuple(dict.fromkeys(found))
        if {"north", "east"} <= set(roles):
            return _Heading(roles, _EXPLICIT.search(text) is not None)
    return _Heading((), names_axes=False)


# ── columns ──────────────────────────────────────────────────────────────────────────────────────


def _ways(lines: Sequence[_Line], sample: Sequence[_Line]) -> Iterator[_Way]:
    """The ways that read a sample of the points."""
    headings = [line for line in lines if line.number < sample[0].number]
    heading, system = (
        _heading_of(headings),
        stated_in([_plain_letters(line.text) for line in lines if _words(line.text)]),
    )
    for rank, split in enumerate(_splitters(sample)):
        for style in (_COMMA_STYLE, _POINT_STYLE):
            way = _Way(split, style, heading, system)
            found = way.read(sample)
            if found is not None:
                yield replace(way, badness=(*found.badness, rank))


def _splitters(data: Sequence[_Line]) -> list[Callable[[str], list[str]]]:
    """Ways to take a line apart that the text allows, the surest first."""
    some = [line.text for line in data]
    for sign in ("\t", ";", "|"):
        if sum(sign in line for line in some) > len(some) / 2:
            return [lambda line, sign=sign: [cell.strip() for cell in line.strip("|").split(sign)]]  # type: ignore[misc]
    ways: list[Callable[[str], list[str]]] = []
    if all(re.search(r",\s", line) for line in some):
        ways.append(lambda line: [cell.strip() for cell in re.split(r",\s+", line)])
    elif all("," in line and " " not in line.strip() for line in some):
        ways.append(lambda line: [cell.strip() for cell in line.split(",")])
    ways.append(lambda line: [cell.strip() for cell in re.split(r"[\t;|]+|\s{2,}", line) if cell.strip()])
    ways += [_GROUPED.findall, _numbered, str.split]
    return ways


def _numbered(line: str) -> list[str]:
    """The first word is a number of its own, whatever three digits follow."""
    first, _, rest = line.strip().partition(" ")
    return [first, *_GROUPED.findall(rest)]


def _reading(
    data: Sequence[_Line], cells: Sequence[list[str]], style: re.Pattern[str], heading: _Heading,
    system: System,
) -> _Reading | None:  # fmt: skip
    """The rows where every line but the lengths between points gives a point; None where this is no way to read it."""
    width = max(map(len, cells))
    if width > 12:
        return None
    places = _places(cells, style, width, heading)
    if places is None:
        return None
    rows: list[Row] = []
    passed: list[int] = []
    for line, row in zip(data, cells, strict=True):
        point = _point(line, row, places, style)
        if point is not None:
            rows.append(point)
        elif rows and (length := _lone_length(row, style)) is not None:
            rows[-1] = _with_length(rows[-1], length)
        else:
            passed.append(line.number)
    if len(rows) < 3 or len(passed) > max(1, len(data) // 5):
        return None
    degrees = any(cell.startswith(_MARK) for cell in cells[0])
    made = Rows(tuple(rows), degrees or _look_like_degrees(rows), heading.names_axes, system, tuple(passed))
    return _Reading(made, (float(len(passed)), 0.0 if _is_large(rows) or degrees else 1.0, _spread(rows)))


@dataclass(frozen=True, slots=True)
class _Places:
    """Which cell holds what."""

    number: int | None
    first: int
    second: int
    edge: int | None


def _places(cells: Sequence[list[str]], style: re.Pattern[str], width: int, heading: _Heading) -> _Places | None:
    """By the headings where they name as many columns as there are, else by what the columns hold."""
    roles = heading.roles
    if {"north", "east"} <= set(roles) and len(roles) in (width, width - ("edge" in roles and not _is_full(cells))):
        place = {role: position for position, role in enumerate(roles)}
        return _Places(place.get("number"), place["north"], place["east"], place.get("edge"))
    found = _places_by_content(cells, style, width)
    if found is None or not roles or roles.index("east") > roles.index("north"):
        return found
    return _Places(found.number, found.second, found.first, found.edge)


def _is_full(cells: Sequence[list[str]]) -> bool:
    return len(set(map(len, cells))) == 1


def _places_by_content(cells: Sequence[list[str]], style: re.Pattern[str], width: int) -> _Places | None:
    sample = [row for row in cells[:400] if len(row) >= 2]
    columns = [[row[place] if place < len(row) else "" for row in sample] for place in range(width)]
    likely = [place for place, column in enumerate(columns) if _holds_ordinates(column, style)]
    if len(likely) < 2:
        likely = [place for place, column in enumerate(columns) if _holds_fractions(column, style)]
    if len(likely) < 2:
        numeric = [place for place, column in enumerate(columns) if _share(column, style) > 0.5]
        likely = numeric[1:] if len(numeric) > 2 else numeric
    if len(likely) < 2:
        return None
    first, second = likely[:2]
    after = [place for place in range(second + 1, width) if _share(columns[place], style) > 0]
    return _Places(_number_column(columns, first), first, second, after[0] if after else None)


def _number_column(columns: Sequence[Sequence[str]], first: int) -> int | None:
    """The column next to the ordinates: on tables with a running number too it is the point's own."""
    named = [place for place in range(first) if any(columns[place])]
    return named[-1] if named else None


def _holds_ordinates(column: Sequence[str], style: re.Pattern[str]) -> bool:
    values = [(cell, value) for cell in column if (value := _value(cell, style)) is not None]
    are_large = all(abs(value) >= _LARGE or cell.startswith(_MARK) for cell, value in values)
    return len(values) > len(column) * 0.4 and are_large


def _holds_fractions(column: Sequence[str], style: re.Pattern[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and all(
        _value(cell, style) is not None and (cell.startswith(_MARK) or re.search(r"[.,]\d+$", cell)) for cell in filled
    )


def _share(column: Sequence[str], style: re.Pattern[str]) -> float:
    return sum(_value(cell, style) is not None for cell in column) / max(1, len(column))


def _value(cell: str, style: re.Pattern[str]) -> float | None:
    """The number of a cell in one style of writing; None where it is none."""
    if cell.startswith(_MARK):
        return float(cell.lstrip(_MARK + "NSEW"))
    bare = re.sub(r"\s*m$", "", cell)
    if not style.fullmatch(bare):
        return None
    if style is _COMMA_STYLE:
        return float(re.sub(r"[. ']", "", bare).replace(",", "."))
    return float(re.sub(r"[, ']", "", bare))


def _point(line: _Line, row: Sequence[str], places: _Places, style: re.Pattern[str]) -> Row | None:
    if len(row) <= max(places.first, places.second):
        return None
    first, second = _value(row[places.first], style), _value(row[places.second], style)
    if first is None or second is None:
        return None
    if row[places.first][1:2] in ("E", "W") and row[places.first].startswith(_MARK):
        first, second = second, first  # the side of the world is written beside the number
    number = row[places.number] if places.number is not None else ""
    has_edge = places.edge is not None and places.edge < len(row)
    edge = _value(row[places.edge], style) if has_edge and places.edge is not None else None
    return Row(line.number, line.group, number, first, second, edge)


def _lone_length(row: Sequence[str], style: re.Pattern[str]) -> float | None:
    """The only number of a line between two points."""
    filled = [cell for cell in row if cell]
    return _value(filled[0], style) if len(filled) == 1 else None


def _with_length(row: Row, length_m: float) -> Row:
    return Row(row.line, row.group, row.number, row.first, row.second, row.edge_m, length_m)


def _look_like_degrees(rows: Sequence[Row]) -> bool:
    """Latitude and longitude of Viet Nam, in either order."""
    low = max(min(abs(row.first), abs(row.second)) for row in rows)
    high = [max(abs(row.first), abs(row.second)) for row in rows]
    return low <= 30 and min(high) >= 95 and max(high) <= 120


def _is_large(rows: Sequence[Row]) -> bool:
    return all(abs(row.first) >= _LARGE and abs(row.second) >= _LARGE for row in rows) or _look_like_degrees(rows)


def _spread(rows: Sequence[Row]) -> float:
    """How far the points lie apart: digits that went to the wrong column throw them across the country."""
    first, second = [row.first for row in rows], [row.second for row in rows]
    return float(max(first) - min(first) + max(second) - min(second))


def _unreadable(line: _Line) -> CoordinatesError:
    shown = line.text[:60]
    return CoordinatesError(
        "unreadable", f"Không đọc được dòng {line.number}: '{shown}'. Mỗi dòng cần số hiệu điểm, X (m), Y (m).",
        f"Line {line.number} cannot be read: '{shown}'. Each line needs a point number, X (m), Y (m).",
    )  # fmt: skip
