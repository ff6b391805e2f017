"""CQL2 as text: what must be known of it before the parser may see it, and the binding of inputs and claims.

The parser is native code that recurses: 1,600 nested parentheses, 4,000 chained `=` or as many minus signs end the
whole process. So a text is scanned first, and what could nest deeply never reaches it.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime

import cql2

from layers.errors import InvalidRequestError

from .parse import parse_json
from .quoting import TOKEN, encoded, for_parser
from .shapes import CRS84, WrittenIn
from .tree import Expression

#: bytes a caller may send
MAX_TEXT_BYTES = 8 * 1024
#: bytes of a rule of ours after its claims were bound (a province has 168 communes; 20,000 codes fit)
MAX_BOUND_BYTES = 256 * 1024
MAX_NESTING = 64
#: operators in one uninterrupted chain (`a = b = c`); each is one more level in the parser
MAX_CHAIN = 8

_SEPARATORS = frozenset({"AND", "OR", ","})
_CHAINED_WORDS = frozenset({"NOT", "LIKE", "IN", "BETWEEN", "IS", "DIV"})
_CHAINED_SYMBOLS = frozenset("=<>+-*/^%")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
#: what a text can say by an escape is no obstacle in a value
_UNWRITABLE = re.compile(r"[\x00-\x06\x0e-\x1f\x7f\ufffe\uffff]")

#: what `:input.x` and `:claims.x` may stand for
Bindable = str | int | float | bool | date | datetime | None


def parse_text(text: str, *, max_bytes: int = MAX_TEXT_BYTES, written_in: WrittenIn = CRS84) -> Expression:
    """The tree of a CQL2 text. Raises InvalidRequestError naming what is wrong; never ends the process."""
    text = unicodedata.normalize("NFC", text)
    _refuse_unsafe(text, max_bytes)
    text = for_parser(text)
    try:
        parsed = cql2.parse_text(text).to_json()
    except cql2.ParseError as error:
        raise _unreadable(text, str(error)) from None
    except (RecursionError, ValueError):
        raise _too_deep() from None
    return parse_json(parsed, max_nodes=max_bytes, written_in=written_in)


def parse_bound(text: str) -> Expression:
    """The tree of a rule of ours after `bind`: longer than a caller's filter may be."""
    return parse_text(text, max_bytes=MAX_BOUND_BYTES)


def bind(text: str, values: Mapping[str, Bindable | Iterable[Bindable]]) -> str:
    """`text` with every `:name` outside quotes replaced by a quoted literal.

    Keys are written with their colon (":input.target_use"). A collection becomes a list, an empty one `(NULL)`, which
    nothing is in. Raises InvalidRequestError for a reference without a value.
    """

    def replace(found: re.Match[str]) -> str:
        name = found.group("reference")
        if name is None:
            return found.group()
        if name not in values:
            raise InvalidRequestError(
                f"Biểu thức lọc dùng {name} nhưng không có giá trị.", f"The filter uses {name}, which has no value."
            )
        value = values[name]
        if isinstance(value, Iterable) and not isinstance(value, str):
            return f"({', '.join(map(literal, value)) or 'NULL'})"
        return literal(value)

    return TOKEN.sub(replace, text)


def bind_claims(text: str, claims: Mapping[str, tuple[str, ...]]) -> str:
    """`text` with `:claims.x` bound; a claim the caller does not have is the empty set."""
    absent: dict[str, tuple[str, ...]] = {name: () for name in references(text) if name.startswith(":claims.")}
    return bind(text, absent | {f":claims.{name}": tuple(values) for name, values in claims.items()})


def references(text: str) -> tuple[str, ...]:
    """Every `:name` outside quotes, in order, each once."""
    found = (match.group("reference") for match in TOKEN.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name))


def literal(value: Bindable) -> str:
    """A value as CQL2 text. Raises InvalidRequestError for what has no literal (NaN, control characters)."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case datetime():
            return f"TIMESTAMP('{value.isoformat()}')"
        case date():
            return f"DATE('{value.isoformat()}')"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value)
        case str() if not _UNWRITABLE.search(value):
            with suppress(ValueError):
                return encoded(unicodedata.normalize("NFC", value))
    raise InvalidRequestError(
        "Giá trị không dùng được trong biểu thức lọc.", "A value that cannot be used in a filter."
    )


def _refuse_unsafe(text: str, max_bytes: int) -> None:
    """What could nest deeply, is too long or holds control characters is refused before the parser sees it."""
    if len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        raise InvalidRequestError(
            f"Biểu thức lọc dài quá {max_bytes // 1024} kB. Hãy rút gọn.",
            f"The filter is longer than {max_bytes // 1024} kB. Please shorten it.",
        )
    if not text.strip() or _UNPRINTABLE.search(text) or any(0xD800 <= ord(character) < 0xE000 for character in text):
        raise _unreadable(text, "")
    chains = [0]
    for token in TOKEN.finditer(text):
        _step(token, chains)
        if len(chains) > MAX_NESTING or chains[-1] > MAX_CHAIN:
            raise _too_deep()


def _step(token: re.Match[str], chains: list[int]) -> None:
    """One token further: `chains` holds, for each open parenthesis, the operators since the last separator."""
    word = token.group().upper()
    if token.lastgroup in ("string", "name", "number", "reference"):
        return
    if word == "(":
        chains.append(0)
    elif word == ")":
        if len(chains) > 1:
            chains.pop()
    elif word in _SEPARATORS:
        chains[-1] = 0
    elif word in _CHAINED_WORDS or word in _CHAINED_SYMBOLS:
        chains[-1] += 1


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(
        f"Biểu thức lọc lồng quá sâu (tối đa {MAX_NESTING} cấp). Hãy viết đơn giản hơn.",
        f"The filter is nested too deeply (at most {MAX_NESTING} levels). Please write it more simply.",
    )


def _unreadable(text: str, report: str) -> InvalidRequestError:
    """The parser's report begins with `--> line:column`; the place is all that is taken from it."""
    place = re.search(r"--> \d+:(\d+)", report)
    near = text[int(place.group(1)) - 1 :][:20].strip() if place else ""
    vi, en = (f" tại '{near}'", f" at '{near}'") if near else ("", "")
    return InvalidRequestError(
        f"Không đọc được biểu thức lọc CQL2{vi}. Ví dụ đúng: loai_dat = 'ODT' AND dien_tich > 100",
        f"The CQL2 filter cannot be read{en}. A valid one: loai_dat = 'ODT' AND dien_tich > 100",
    )


def load_json(text: str) -> object:
    """The JSON of a `cql2-json` filter, capped before it is read. Raises InvalidRequestError."""
    depth = deepest = 0
    for character in re.sub(r'"(?:[^"\\]|\\.)*"', "", text[: MAX_TEXT_BYTES + 1]):
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES or deepest > 2 * MAX_NESTING:
        raise _too_deep()
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except ValueError:
        raise _unreadable("", "") from None
