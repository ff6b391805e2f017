"""Columns of a file matched to the attributes of a layer and converted, with a report of the rows that fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.errors import Message
from layers.errors import InvalidRequestError
from layers.profile.grammar import Attribute, CodeList, LayerDefinition

from .defects import DefectList, DefectRow
from .legacy_text import WINDOWS, Encoding, tell_encoding
from .reader import GEOMETRY
from .source import Source
from .values import converter_of

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(), "code": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
    "date": pa.date32(), "datetime": pa.timestamp("us", tz="UTC"), "list": pa.string(),
}  # fmt: skip
#: a .dbf cuts column names at ten characters
_DBF_NAME = 10
#: texts looked at to tell an encoding
_SAMPLE_ROWS = 20_000
_SHOWN_VALUES = 5


@dataclass(frozen=True, slots=True)
class Columns:
    """`table` has the attributes of the definition in its order; `refused` marks rows that lack a required value."""

    table: pa.Table
    refused: NDArray[np.bool_]
    encoding: str


def match_columns(definition: LayerDefinition, source: Source, chosen: Mapping[str, str]) -> dict[str, str]:
    """Attribute → column of the file: as chosen, by its name, by a name in `from`; case is ignored.

    Raises InvalidRequestError for a choice that names nothing.
    """
    names = {name.casefold(): name for name in source.table.column_names if name != GEOMETRY}
    _refuse_wrong_choice(definition, names, chosen)
    is_dbf = source.driver == "ESRI Shapefile"
    matched: dict[str, str] = {}
    for attribute in definition.attributes:
        wanted = [chosen[attribute.name]] if attribute.name in chosen else [attribute.name, *attribute.from_]
        found = next((names[name.casefold()] for name in wanted if name.casefold() in names), None)
        if found is None and is_dbf:
            found = next((names[n.casefold()[:_DBF_NAME]] for n in wanted if n.casefold()[:_DBF_NAME] in names), None)
        if found is not None:
            matched[attribute.name] = found
    return matched


def _refuse_wrong_choice(definition: LayerDefinition, names: Mapping[str, str], chosen: Mapping[str, str]) -> None:
    for name, column in chosen.items():
        if definition.attribute(name) is None:
            listed = ", ".join(attribute.name for attribute in definition.attributes)
            raise InvalidRequestError(
                f"--map: lớp '{definition.id}' không có cột '{name}'. Các cột: {listed}.",
                f"--map: the layer '{definition.id}' has no column '{name}'. It has: {listed}.",
            )
        if column.casefold() not in names:
            raise InvalidRequestError(
                f"--map: tệp không có cột '{column}'. Các cột: {', '.join(names.values())}.",
                f"--map: the file has no column '{column}'. It has: {', '.join(names.values())}.",
            )


def convert(
    definition: LayerDefinition, source: Source, codes: Mapping[str, CodeList], chosen: Mapping[str, str],
    defects: DefectList,
) -> Columns:  # fmt: skip
    """Every attribute as a column of its type. A value that does not fit is emptied and listed."""
    matched = match_columns(definition, source, chosen)
    encoding, texts = _decoded(source, list(matched.values()), defects)
    count = source.table.num_rows
    refused = np.zeros(count, dtype=np.bool_)
    made: dict[str, pa.Array] = {}
    for attribute in definition.attributes:
        name = matched.get(attribute.name)
        if name is None:
            made[attribute.name] = pa.nulls(count, ARROW_TYPES[attribute.type])
            if attribute.required:
                _block_missing(definition, attribute, source, defects)
            continue
        column = texts.get(name) or source.table[name].combine_chunks()
        if attribute.type == "datetime" and source.driver == "GPKG":
            column = _in_utc(column)
        made[attribute.name], failed = _converted(attribute, column, codes)
        _list_failures(attribute, column, failed, defects)
        if attribute.required:
            refused |= _list_empty(attribute, made[attribute.name], failed, defects)
    return Columns(pa.table(made) if made else _no_columns(count), refused, encoding)


def _in_utc(column: pa.Array) -> pa.Array:
    """Times of a GeoPackage are UTC by its standard, whether they say so or not; of other files they are local."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    return pc.replace_substring_regex(column, pattern=r"([T ]\d\d:\d\d:\d\d(\.\d+)?)$", replacement=r"\1Z")


def _no_columns(count: int) -> pa.Table:
    """A table of so many rows without columns does not exist in Arrow: one column of nothing stands for it."""
    return pa.table({"_": pa.nulls(count)})


# ── text ─────────────────────────────────────────────────────────────────────────────────────────
def _decoded(source: Source, names: Sequence[str], defects: DefectList) -> tuple[str, dict[str, pa.Array]]:
    """The encoding of the file's text, and the columns it changes."""
    text_columns = [name for name in names if pa.types.is_string(source.table.schema.field(name).type)]
    sample = [
        value
        for name in text_columns
        for value in pc.unique(source.table[name].slice(0, _SAMPLE_ROWS)).to_pylist()
        if value is not None
    ]
    encoding = tell_encoding(sample, is_raw=source.text_is_raw)
    if encoding is None:
        return source.encoding, {}
    changed = {name: _mapped(source.table[name].combine_chunks(), _safely(encoding)) for name in text_columns}
    if encoding.name not in ("UTF-8", WINDOWS.name):
        _tell_of_encoding(encoding, source, changed, defects)
    return encoding.name, changed


def _safely(encoding: Encoding) -> Callable[[str], str | None]:
    def decode(text: str) -> str:
        try:
            return text if text.isascii() else encoding.decode(text)
        except UnicodeError:
            return text

    return decode


def _mapped(column: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    """The column with every different text changed once."""
    coded = column.dictionary_encode()
    values = pa.array([None if text is None else change(text) for text in coded.dictionary.to_pylist()], pa.string())
    return values.take(coded.indices)


def _tell_of_encoding(encoding: Encoding, source: Source, changed: Mapping[str, pa.Array], defects: DefectList) -> None:
    for name, column in changed.items():
        before = source.table[name].combine_chunks()
        places = np.flatnonzero(np.asarray(pc.fill_null(pc.not_equal(before, column), False)))
        if not len(places):
            continue
        samples = "; ".join(f"{before[int(p)].as_py()} → {column[int(p)].as_py()}" for p in places[:_SHOWN_VALUES])
        message = Message(
            f"Cột '{name}' viết bằng mã {encoding.name}, đã chuyển sang Unicode. Kiểm tra vài dòng: {samples}",
            f"Column '{name}' is written in {encoding.name}; it was converted to Unicode. Check some rows: {samples}",
        )
        rows = [DefectRow(int(place) + 1, None, "repaired", message) for place in places]
        defects.add_rows("encoding", "warning", message, rows)


# ── values ───────────────────────────────────────────────────────────────────────────────────────
def _converted(
    attribute: Attribute, column: pa.Array, codes: Mapping[str, CodeList]
) -> tuple[pa.Array, NDArray[np.int64]]:
    """The column in the attribute's type, and the places that did not fit (empty there)."""
    wanted = ARROW_TYPES[attribute.type]
    nothing = np.zeros(0, dtype=np.int64)
    if attribute.type == "string" and not attribute.enum and pa.types.is_string(column.type):
        return _clean_text(column), nothing
    if attribute.type == "string" and not attribute.enum and pa.types.is_integer(column.type):
        return column.cast(pa.string()), nothing
    if attribute.type in ("integer", "number") and pa.types.is_integer(column.type):
        return column.cast(wanted), nothing
    if attribute.type == "boolean" and pa.types.is_boolean(column.type):
        return column, nothing
    return _converted_by_value(attribute, column, codes)


def _clean_text(column: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(pc.utf8_normalize(column, form="NFC"))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _converted_by_value(
    attribute: Attribute, column: pa.Array, codes: Mapping[str, CodeList]
) -> tuple[pa.Array, NDArray[np.int64]]:
    """Each different value is converted once."""
    change = converter_of(attribute, codes)
    wanted = ARROW_TYPES[attribute.type]
    try:
        coded = column.dictionary_encode()
        different, indices = coded.dictionary.to_pylist(), coded.indices
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # nested values have no dictionary
        different, indices = column.to_pylist(), pa.array(np.arange(len(column)))
    made: list[object] = []
    misfits: list[int] = []
    for place, value in enumerate(different):
        try:
            made.append(None if value is None else change(value))
        except (ValueError, TypeError, OverflowError):
            made.append(None)
            misfits.append(place)
    taken = pa.array(made, wanted).take(indices)
    if not misfits:
        return taken, np.zeros(0, dtype=np.int64)
    is_misfit = np.isin(np.asarray(indices.fill_null(-1)), misfits)
    return taken, np.flatnonzero(is_misfit).astype(np.int64)


def _list_failures(attribute: Attribute, column: pa.Array, failed: NDArray[np.int64], defects: DefectList) -> None:
    if not len(failed):
        return
    rows = [
        DefectRow(
            int(place) + 1, None, "emptied",
            Message(
                f"Cột '{attribute.name}': giá trị '{_shown(column, place)}' không hợp kiểu {attribute.type}; để trống.",
                f"Column '{attribute.name}': '{_shown(column, place)}' is not a {attribute.type}; left empty.",
            ),
        )
        for place in failed
    ]  # fmt: skip
    values = ", ".join(sorted({_shown(column, place) for place in failed})[:_SHOWN_VALUES])
    message = Message(
        f"Cột '{attribute.name}' có {len(failed)} giá trị không hợp lệ ({values}). Sửa tệp nguồn hoặc danh mục mã.",
        f"Column '{attribute.name}' has {len(failed)} values that do not fit ({values}). "
        "Correct the file or the code list.",
    )
    defects.add_rows("schema", "warning", message, rows)


def _shown(column: pa.Array, place: np.int64) -> str:
    return str(column[int(place)].as_py())[:40]


def _list_empty(
    attribute: Attribute, column: pa.Array, failed: NDArray[np.int64], defects: DefectList
) -> NDArray[np.bool_]:
    """Rows without a required value are refused."""
    empty = np.asarray(column.is_null())
    message = Message(
        f"Thiếu giá trị bắt buộc ở cột '{attribute.name}'. Điền giá trị trong tệp nguồn.",
        f"The required value of column '{attribute.name}' is missing. Fill it in the file.",
    )
    rows = [DefectRow(int(place) + 1, None, "refused", message) for place in np.flatnonzero(empty)]
    defects.add_rows("schema", "error", message, rows)
    return empty


def _block_missing(definition: LayerDefinition, attribute: Attribute, source: Source, defects: DefectList) -> None:
    columns = ", ".join(name for name in source.table.column_names if name != GEOMETRY)
    defects.block(
        "schema",
        Message(
            f"Tệp không có cột bắt buộc '{attribute.name}' của lớp '{definition.id}' (các cột: {columns}). "
            f"Chỉ ra cột bằng --map {attribute.name}=TÊN_CỘT.",
            f"The file lacks the required column '{attribute.name}' of '{definition.id}' (it has: {columns}). "
            f"Name it with --map {attribute.name}=COLUMN.",
        ),
    )
