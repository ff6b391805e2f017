"""What a file is by its content, before any driver touches it: names lie, and drivers explain badly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gis.errors import Message
from layers.errors import SourceError

_SQLITE = b"SQLite format 3\x00"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_RAR = Message(
    "Tệp '{name}' là tệp nén RAR, không đọc được. Hãy giải nén rồi nén lại thành ZIP chứa đúng một bộ dữ liệu.",
    "'{name}' is a RAR archive, which cannot be read. Unpack it and pack one data set as a ZIP.",
)
_ARCHIVE = Message(
    "Tệp '{name}' là tệp nén {kind}, không đọc được. Hãy giải nén rồi nén lại thành ZIP chứa đúng một bộ dữ liệu.",
    "'{name}' is a {kind} archive, which cannot be read. Unpack it and pack one data set as a ZIP.",
)
_DGN_V8 = Message(
    "Tệp '{name}' là DGN V8 (MicroStation V8), không có trình đọc mở. Hãy lưu lại thành DGN V7, DXF hoặc SHP.",
    "'{name}' is a DGN V8 (MicroStation V8) file, for which there is no open reader. Save it as DGN V7, DXF or SHP.",
)
_OLE_OTHER = Message(
    "Tệp '{name}' là tài liệu Office cũ hoặc DGN V8, không phải dữ liệu bản đồ. Hãy lưu lại thành DXF, SHP hoặc GPKG.",
    "'{name}' is an old Office document or DGN V8, not map data. Save it as DXF, SHP or GPKG.",
)
_DWG = Message(
    "Tệp '{name}' là bản vẽ DWG, không đọc được. Hãy lưu lại thành DXF hoặc SHP.",
    "'{name}' is a DWG drawing, which cannot be read. Save it as DXF or SHP.",
)
_PDF = Message(
    "Tệp '{name}' là PDF, không phải dữ liệu bản đồ. Hãy công bố tệp gốc (SHP, GPKG, DGN V7, DXF…).",
    "'{name}' is a PDF, not map data. Publish the original file (SHP, GPKG, DGN V7, DXF…).",
)
_TRUNCATED = Message(
    "Tệp '{name}' bị cắt cụt ({found} trong {expected} byte). Hãy chép hoặc xuất lại tệp rồi thử lại.",
    "'{name}' is truncated ({found} of {expected} bytes). Copy or export the file again, then retry.",
)
_MISSING = Message(
    "Không tìm thấy tệp '{name}'. Kiểm tra lại đường dẫn.",
    "There is no file '{name}'. Check the path.",
)
_EMPTY = Message(
    "Tệp '{name}' rỗng (0 byte). Hãy chép hoặc xuất lại tệp.",
    "'{name}' is empty (0 bytes). Copy or export the file again.",
)


@dataclass(frozen=True, slots=True)
class _Signature:
    offset: int
    magic: bytes
    message: Message
    kind: str = ""


_SIGNATURES = (
    _Signature(0, b"Rar!\x1a\x07", _RAR),
    _Signature(0, b"7z\xbc\xaf\x27\x1c", _ARCHIVE, "7z"),
    _Signature(0, b"\x1f\x8b", _ARCHIVE, "GZIP"),
    _Signature(0, b"BZh", _ARCHIVE, "BZIP2"),
    _Signature(0, b"\xfd7zXZ\x00", _ARCHIVE, "XZ"),
    _Signature(257, b"ustar", _ARCHIVE, "TAR"),
    _Signature(0, b"AC10", _DWG),
    _Signature(0, b"%PDF", _PDF),
)


def refuse_unreadable(path: Path) -> None:
    """Raise SourceError for what no allowed driver reads. A folder may be a File Geodatabase and passes."""
    if not path.exists():
        raise _refusal(_MISSING, path)
    if path.is_dir():
        return
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise _refusal(_EMPTY, path)
    for signature in _SIGNATURES:
        if head[signature.offset :].startswith(signature.magic):
            raise _refusal(signature.message, path, kind=signature.kind)
    if head.startswith(_OLE):
        raise _refusal(_DGN_V8 if path.suffix.lower() == ".dgn" else _OLE_OTHER, path)
    if head.startswith(_SQLITE):
        _refuse_truncated_sqlite(path, head)


def is_zip(path: Path) -> bool:
    """By content: a ZIP under any name."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _refuse_truncated_sqlite(path: Path, head: bytes) -> None:
    """The header of a SQLite file says how many pages there are (file format 1.3.8); trusted when it is current."""
    page_size = int.from_bytes(head[16:18], "big")
    page_size = 65536 if page_size == 1 else page_size
    pages = int.from_bytes(head[28:32], "big")
    is_current = head[24:28] == head[92:96]
    found, expected = path.stat().st_size, page_size * pages
    if is_current and found < expected:
        raise _refusal(_TRUNCATED, path, found=found, expected=expected)


def _refusal(message: Message, path: Path, **values: object) -> SourceError:
    named = {"name": path.name, **values}
    return SourceError(message.vi.format(**named), message.en.format(**named))
