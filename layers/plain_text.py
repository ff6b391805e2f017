"""Free text that goes into records: one line (a dossier's code, a purpose, a label) or a note of several.

A blank line would be kept as if somebody had said something; a control character or a mark that turns the direction of
writing would have people read another text than the one that is stored and sealed.
"""

from __future__ import annotations

import re
import unicodedata

from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError

#: as regular expressions of Python, of JSON Schema and of pydantic write it: C0, C1, separators of lines, direction
_OF_LINES = r"\u0009\u000A\u000D"
_STRANGE = r"\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF"
#: one line that says something
LINE = rf"^[^{_STRANGE}{_OF_LINES}]*[^{_STRANGE}{_OF_LINES}\s][^{_STRANGE}{_OF_LINES}]*$"
#: one line, or nothing at all
LINE_OR_NOTHING = rf"^([^{_STRANGE}{_OF_LINES}]*[^{_STRANGE}{_OF_LINES}\s][^{_STRANGE}{_OF_LINES}]*)?$"

_LINE, _IN_A_NOTE, _IN_A_LINE = re.compile(LINE), re.compile(f"[{_STRANGE}]"), re.compile(f"[{_STRANGE}{_OF_LINES}]")
_SURROGATES = "Cs"

NO_LINE = Message(
    "Cần một dòng chữ, không để trống, không có ký tự điều khiển hay ký tự đổi chiều viết; hãy gõ lại, hoặc bỏ hẳn mục "
    "này nếu không bắt buộc.",
    "One line of text is needed, not blank, without control characters or marks of direction; type it again, or leave "
    "the field out where it is optional.",
)
NO_NOTE = Message(
    "Ghi chú không được chỉ gồm khoảng trắng hay có ký tự điều khiển, ký tự đổi chiều viết (được xuống dòng và tab); "
    "hãy gõ lại, hoặc bỏ hẳn mục này nếu không bắt buộc.",
    "A note must not be blank or hold control characters or marks of direction (new lines and tabs are allowed); type "
    "it again, or leave the field out where it is optional.",
)


def is_line(text: str) -> bool:
    """One line that says something."""
    return _LINE.search(text) is not None and not _IN_A_LINE.search(text) and not _has_surrogates(text)


def is_plain(text: str) -> bool:
    """Nothing strange; lines and tabs are none."""
    return not _IN_A_NOTE.search(text) and not _has_surrogates(text)


def require_line(text: str | None, field: str) -> None:
    """Raises InvalidInputsError where there is a text and it is no line; None is none."""
    if text is not None and not is_line(text):
        raise InvalidInputsError(*_named(field, NO_LINE), [FieldError(field, NO_LINE)])


def require_note(text: str | None, field: str) -> None:
    """Raises InvalidInputsError where there is a text and it is no note; None and nothing are none."""
    if text and (not text.strip() or not is_plain(text)):
        raise InvalidInputsError(*_named(field, NO_NOTE), [FieldError(field, NO_NOTE)])


def _named(field: str, message: Message) -> tuple[str, str]:
    return f"{field}: {message.vi}", f"{field}: {message.en}"


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any(unicodedata.category(letter) == _SURROGATES for letter in text)
