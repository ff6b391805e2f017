"""The library's reader of PDF, without its habit of reading the whole list of an object stream for each object in it:
a tagged paper has a thousand, and an examination of a signed one took eight seconds instead of a third of one."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import PdfFileReader

#: a list of numbers and nothing else; any other is left to the library, which says what is wrong with it
_LIST = re.compile(rb"[0-9 \t\r\n]+")


class Reader(PdfFileReader):  # type: ignore[misc]
    """Strict, within the library's limits for files from outside."""

    def __init__(self, pdf: bytes) -> None:
        self._lists: dict[int, tuple[bytes, list[tuple[int, int]]]] = {}
        super().__init__(BytesIO(pdf), strict=True)

    def _get_object_from_stream(self, idnum: int, stmnum: int, idx: int) -> Any:
        data, entries = self._lists.get(stmnum) or self._listed(stmnum)
        if not 0 <= idx < len(entries) or entries[idx][0] != idnum:
            return super()._get_object_from_stream(idnum, stmnum, idx)
        text = BytesIO(data)
        text.seek(entries[idx][1])
        found = generic.read_object(text, generic.Reference(idnum, 0, self))
        if isinstance(found, generic.StreamObject | generic.IndirectObject):
            return super()._get_object_from_stream(idnum, stmnum, idx)
        return found

    def _listed(self, stmnum: int) -> tuple[bytes, list[tuple[int, int]]]:
        """The decoded stream, and of each object in it the number and the place."""
        stream = generic.Reference(stmnum, 0, self).get_object()
        if not isinstance(stream, generic.StreamObject) or stream["/Type"] != "/ObjStm":
            return b"", []
        data, first = bytes(stream.read_data(DecodePurpose.OBJECT_STREAM)), int(stream["/First"])
        if not _LIST.fullmatch(data[:first]):
            return b"", []
        numbers = [int(number) for number in data[:first].split()]
        entries = [(number, first + offset) for number, offset in zip(numbers[::2], numbers[1::2], strict=False)]
        self._lists[stmnum] = data, entries[: int(stream["/N"])]
        return self._lists[stmnum]
