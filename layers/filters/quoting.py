"""What CQL2 text allows and the parser does not know: escapes in texts, numbers that begin with a dot, empty arrays.

Behind a backslash stand a quotation mark or the letter of a control character. A run of backslashes before one of these
counts by pairs; elsewhere it is left as it is, so that patterns of LIKE keep theirs.
"""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.|'')*')|(?P<name>"(?:[^"]|"")*")
    |(?P<reference>:[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)
    |(?P<word>[^\W\d]\w*)|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<symbol>[^\s\w])|(?P<rest>['"])""",
    re.VERBOSE | re.DOTALL,
)
#: stands for the empty array, which the parser does not read
EMPTY_ARRAY = "\ue000"
#: stands before a whole number that the parser would round to the nearest double
_WHOLE_NUMBER = "\ue001"
_MARKED = re.compile(f"{_WHOLE_NUMBER}([0-9]{{16,400}})")
_MAX_EXACT = 2**53

_CONTROLS = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_LETTERS = {control: letter for letter, control in _CONTROLS.items()}
_RUN = re.compile(r"(\\+)([abtnvfr'\0])")
_BEFORE = re.compile(r"(\\*)([abtnvfr'\a\b\t\n\v\f\r])")
_ODD_END = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")


def for_parser(text: str) -> str:
    """The same filter as the parser reads it."""
    parts: list[str] = []
    end, before = 0, ""
    tokens = list(TOKEN.finditer(text))
    for number, token in enumerate(tokens):
        follows = tokens[number + 1].group() if number + 1 < len(tokens) else ""
        parts += [text[end : token.start()], _written(token, text, before, follows)]
        end, before = token.end(), token.group()
    return "".join([*parts, text[end:]])


def _written(token: re.Match[str], text: str, before: str, follows: str) -> str:
    found = token.group()
    if token.lastgroup == "string":
        return "'" + decoded(found).replace("'", "''") + "'"
    if found == "(" and follows == ")" and before in ("(", ","):
        return f"('{EMPTY_ARRAY}'"
    is_bare = token.start() == 0 or not (text[token.start() - 1].isalnum() or text[token.start() - 1] in '_."')
    if token.lastgroup == "number" and found.startswith(".") and is_bare:
        return f"0{found}"
    if token.lastgroup == "number" and is_bare and _is_rounded(found):
        return f"'{_WHOLE_NUMBER}{found}'"
    return found


def _is_rounded(number: str) -> bool:
    return number.isascii() and number.isdigit() and 16 <= len(number) <= 400 and int(number) >= _MAX_EXACT


def whole_number_in(value: str) -> int | None:
    """The number that `for_parser` marked."""
    found = _MARKED.fullmatch(value)
    return int(found.group(1)) if found else None


def decoded(quoted: str) -> str:
    """The value of a text with its quotation marks."""

    def plain(found: re.Match[str]) -> str:
        run, behind = found.groups()
        kept = "\\" * (len(run) // 2)
        return kept + (_CONTROLS.get(behind, behind) if len(run) % 2 else behind)

    return _RUN.sub(plain, quoted[1:-1].replace("''", "\0")).replace("\0", "'")


def encoded(value: str) -> str:
    """A text of CQL2 with quotation marks, which `decoded` reads back. ValueError where a backslash at its end would
    take the quotation mark."""
    if _ODD_END.search(value):
        raise ValueError(value)

    def escaped(found: re.Match[str]) -> str:
        run, behind = found.groups()
        written = f"\\{_LETTERS[behind]}" if behind in _LETTERS else "''" if behind == "'" else behind
        return "\\" * (2 * len(run)) + written

    return "'" + _BEFORE.sub(escaped, value) + "'"
