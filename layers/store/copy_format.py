"""Arrow columns as PostgreSQL's binary COPY, without a loop over rows: every field is a length and its bytes, and Arrow
joins them row by row (PostgreSQL, COPY, "Binary Format")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_NULL_LENGTH = b"\xff\xff\xff\xff"
#: PostgreSQL counts from 2000-01-01
_EPOCH_DAYS = 10_957
_EPOCH_MICROSECONDS = _EPOCH_DAYS * 86_400_000_000
_TEXT_OID = 25
_JSONB_VERSION = b"\x01"

#: how the bytes of a column are written, where its Arrow type does not say it
TEXT_ARRAY, JSONB, SMALLINT = "text[]", "jsonb", "smallint"


def stream(tables: Iterator[pa.Table], kinds: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """The whole COPY stream of some tables with the same columns."""
    yield HEADER
    for table in tables:
        yield _rows(table, kinds)
    yield TRAILER


def _rows(table: pa.Table, kinds: Mapping[str, str]) -> memoryview:
    count = len(table.column_names).to_bytes(2, "big")
    fields = [_field(table[name].combine_chunks(), kinds.get(name, "")) for name in table.column_names]
    joined = pc.binary_join_element_wise(
        pa.scalar(count, pa.large_binary()), *fields, pa.scalar(b"", pa.large_binary())
    )
    return _bytes_of(joined)


def _field(column: pa.Array, kind: str) -> pa.Array:
    """Length and bytes of every value as one binary column; null is the length -1 and nothing."""
    plain = _WRITERS[kind](column) if kind else _by_type(column)
    lengths = np.asarray(pc.fill_null(pc.binary_length(plain), -1)).astype(">i4")
    prefix = _fixed(lengths)
    body = pc.fill_null(plain, b"").cast(pa.large_binary())
    return pc.binary_join_element_wise(prefix, body, pa.scalar(b"", pa.large_binary()))


def _by_type(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind):
        return column.cast(pa.binary())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return column
    if pa.types.is_boolean(kind):
        return _numbers(column.cast(pa.int8()), ">i1")
    if pa.types.is_date32(kind):
        return _numbers(pc.subtract(column.cast(pa.int32()), _EPOCH_DAYS), ">i4")
    if pa.types.is_timestamp(kind):
        return _numbers(pc.subtract(column.cast(pa.int64()), _EPOCH_MICROSECONDS), ">i8")
    if pa.types.is_integer(kind):
        return _numbers(column.cast(pa.int64()), ">i8")
    return _numbers(column.cast(pa.float64()), ">f8")


def _numbers(column: pa.Array, form: str) -> pa.Array:
    values = np.asarray(pc.fill_null(column, 0)).astype(form)
    return pc.if_else(column.is_valid(), _fixed(values), pa.scalar(None, pa.large_binary()))


def _fixed(values: NDArray[np.generic]) -> pa.Array:
    """Numbers in network order as binary values of one width."""
    width = values.dtype.itemsize
    raw = pa.py_buffer(np.ascontiguousarray(values))
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(values), [None, raw])
    return fixed.cast(pa.large_binary())


def _jsonb(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string()).cast(pa.large_binary())
    return pc.binary_join_element_wise(
        pa.scalar(_JSONB_VERSION, pa.large_binary()), text, pa.scalar(b"", pa.large_binary())
    )


def _smallint(column: pa.Array) -> pa.Array:
    return _numbers(column, ">i2")


def _text_array(column: pa.Array) -> pa.Array:
    """Lists of texts; most are empty, and all those are the same bytes."""
    counts = np.asarray(pc.list_value_length(column))
    if not counts.any():
        return pa.array([_array_of(())] * 1, pa.large_binary()).take(pa.array(np.zeros(len(column), dtype=np.int64)))
    return pa.array([_array_of(texts) for texts in column.to_pylist()], pa.large_binary())


def _array_of(texts: Sequence[str]) -> bytes:
    head = (0).to_bytes(4, "big") + _TEXT_OID.to_bytes(4, "big")
    if not texts:
        return (0).to_bytes(4, "big") + head
    dimension = len(texts).to_bytes(4, "big") + (1).to_bytes(4, "big")
    encoded = [text.encode() for text in texts]
    return (1).to_bytes(4, "big") + head + dimension + b"".join(len(e).to_bytes(4, "big") + e for e in encoded)


_WRITERS: dict[str, Callable[[pa.Array], pa.Array]] = {
    TEXT_ARRAY: _text_array, JSONB: _jsonb, SMALLINT: _smallint,
}  # fmt: skip


def _bytes_of(joined: pa.Array) -> memoryview:
    """The values of a binary column without nulls, one after the other."""
    if not len(joined):
        return memoryview(b"")
    offsets = np.frombuffer(joined.buffers()[1], dtype=np.int64)[joined.offset : joined.offset + len(joined) + 1]
    return memoryview(joined.buffers()[2])[int(offsets[0]) : int(offsets[-1])]
