"""Everything that can be said about a file before anything is public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gis.errors import Message
from layers.profile.grammar import CodeList, LayerDefinition
from layers.profile.profile import Profile

from .defects import Defect, DefectList, DefectRow, OverlapPair
from .options import ReadOptions
from .placing import CrsUse, Extent, check_place, crs_of_file, projection_of
from .reader import GEOMETRY
from .schema import convert
from .shapes import Shapes, overlaps, parse, place, repeated_shapes, unplaced
from .source import Progress, Source, no_progress, read_source
from .values import MOST_ACCURACY_M
from .without_communes import Missing, without_communes

Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Communes:
    """Polygons of the reference layer in the storage CRS, by code."""

    codes: tuple[str, ...]
    geometry: Geometries

    def polygon_of(self, code: str | None) -> shapely.Geometry | None:
        return self.geometry[self.codes.index(code)] if code in self.codes else None


@dataclass(frozen=True, slots=True)
class Rows:
    """Accepted rows. `columns` has the attributes of the definition; all have one entry a row."""

    number: NDArray[np.int64]  #: in the file, from 1
    columns: pa.Table
    key: pa.Array
    geometry: Geometries  #: as stored; None for a layer without geometry

    def __len__(self) -> int:
        return len(self.number)

    def take(self, places: NDArray[np.int64]) -> Rows:
        taken = pa.array(places)
        return Rows(self.number[places], self.columns.take(taken), self.key.take(taken), self.geometry[places])


@dataclass(frozen=True, slots=True)
class RefusedGround:
    """One refused row: its ground, None where the place is unknown, and its commune if that is known."""

    row: int
    commune: str | None
    geometry: shapely.Geometry | None
    reason: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """A file against a definition."""

    source: Source
    definition: LayerDefinition
    crs: CrsUse
    encoding: str
    rows: Rows
    refused: tuple[RefusedGround, ...]
    repaired: int
    defects: tuple[Defect, ...]
    commune: pa.Array | None = None  #: of each accepted row: its column, else the commune its label point lies in
    notices: tuple[Message, ...] = ()  #: what could not be looked at

    @property
    def blocking(self) -> tuple[Defect, ...]:
        return tuple(defect for defect in self.defects if defect.is_blocking)

    def as_dict(self) -> dict[str, object]:
        return {
            "layer": self.definition.id,
            "source": self.source.name,
            "source_layer": self.source.layer,
            "source_digest": self.source.digest,
            "driver": self.source.driver,
            "crs": self.crs.as_dict(),
            "encoding": self.encoding,
            "rows": {
                "read": self.source.table.num_rows,
                "accepted": len(self.rows),
                "repaired": self.repaired,
                "refused": len(self.refused),
            },
            "diff": None,
            "defects": [defect.as_dict() for defect in self.defects],
            "notices": [notice.as_dict() for notice in self.notices],
            "revision": None,
            "release": None,
        }


def inspect(
    path: Path, definition: LayerDefinition, profile: Profile, options: ReadOptions | None = None, *,
    communes: Communes | None = None, extent: Extent | None = None, progress: Progress = no_progress,
) -> Inspection:  # fmt: skip
    """Read a file and look for every kind of defect. Raises SourceError for a file that cannot be read.

    `communes`: the published reference layer, without it commune match is off. `extent`: CRS84, where shapes should
    lie; default: the profile's.
    """
    source = read_source(path, (options or ReadOptions()).source_layer, definition.id, progress)
    return inspect_source(source, definition, profile, options, communes=communes, extent=extent, progress=progress)


def inspect_source(
    source: Source, definition: LayerDefinition, profile: Profile, options: ReadOptions | None = None, *,
    communes: Communes | None = None, extent: Extent | None = None, progress: Progress = no_progress,
    missing: Missing = "unpublished",
) -> Inspection:  # fmt: skip
    """As `inspect`, for a file already read."""
    options = options or ReadOptions()
    defects = DefectList()
    count = source.table.num_rows
    columns = convert(definition, source, _codes(profile), options.column_map, defects)
    progress("inspect", count // 4, count)
    use, shapes = _shapes(source, definition, profile, options, extent, defects)
    progress("inspect", count // 2, count)
    key, unnamed = _keys(definition, columns.table)
    refused = columns.refused | shapes.refused | unnamed
    refused |= _list_implausible(definition, columns.table, defects)
    refused |= _list_repeated_keys(definition, key, defects)
    _list_unnamed(unnamed & ~columns.refused, defects)
    if definition.has_geometry:
        names = _names(key, count)
        _list_repeated_shapes(shapes.stored, names, defects)
        _list_overlaps(shapes.stored, names, defects)
    progress("inspect", 3 * count // 4, count)
    commune = _commune_column(definition, columns.table)
    if communes is not None and commune is not None and definition.has_geometry:
        _list_commune_mismatches(commune, shapes.stored, communes, key, defects)
    rows = _accepted(columns.table, key, shapes, refused)
    progress("inspect", count, count)
    return Inspection(
        source, definition, use, columns.encoding, rows, _refused_ground(refused, commune, shapes),
        _repaired_count(defects, refused), tuple(_with_keys(defects.found, key)),
        None if commune is None else commune.take(pa.array(rows.number - 1)),
        without_communes(definition, profile, missing) if communes is None else (),
    )  # fmt: skip


def _codes(profile: Profile) -> Mapping[str, CodeList]:
    return {codes.id: codes for codes in profile.codes}


def _shapes(
    source: Source, definition: LayerDefinition, profile: Profile, options: ReadOptions, extent: Extent | None,
    defects: DefectList,
) -> tuple[CrsUse, Shapes]:  # fmt: skip
    count = source.table.num_rows
    if not definition.has_geometry:
        nothing = np.full(count, None, dtype=object)
        return CrsUse(None, None, "not_needed"), Shapes(nothing, nothing, np.zeros(count, dtype=np.bool_))
    projection = projection_of(profile.header)
    column = source.table[GEOMETRY].combine_chunks() if GEOMETRY in source.table.column_names else None
    if column is None:
        _block_no_geometry(definition, source, defects)
    geoms = parse(column, count, swap_axes=options.swap_axes)
    lost = unplaced(geoms, column, defects)
    use = crs_of_file(source.crs, options.crs, projection)
    placed = geoms.copy()
    placed[lost] = None
    check_place(use, placed, profile.header, extent, defects)
    return use, place(geoms, lost, use.used or projection.storage, projection, definition, defects)


def _block_no_geometry(definition: LayerDefinition, source: Source, defects: DefectList) -> None:
    message = Message(
        f"'{source.name}' chỉ là bảng, không có hình học; lớp '{definition.id}' cần {definition.geometry}. "
        "Công bố tệp có hình (cùng tệp .shp hoặc .map đi kèm).",
        f"'{source.name}' is a table without shapes; the layer '{definition.id}' needs {definition.geometry}. "
        "Publish the file with its shapes (with its .shp or .map beside it).",
    )
    defects.block("null_geometry", message)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────
def _keys(definition: LayerDefinition, columns: pa.Table) -> tuple[pa.Array, NDArray[np.bool_]]:
    """The key as text, null where a part is missing, and which rows lack a key that the layer demands."""
    count = columns.num_rows
    if not definition.key_columns:
        return pa.nulls(count, pa.string()), np.zeros(count, dtype=np.bool_)
    parts = [columns[name].combine_chunks().cast(pa.string()) for name in definition.key_columns]
    key = pc.binary_join_element_wise(*parts, ".")
    return key, np.asarray(key.is_null())


def _list_unnamed(unnamed: NDArray[np.bool_], defects: DefectList) -> None:
    message = Message("Dòng không có khóa.", "The row has no key.")
    rows = [DefectRow(int(n) + 1, None, "refused", message) for n in np.flatnonzero(unnamed)]
    defects.add_rows("schema", "error", message, rows)


def _list_implausible(definition: LayerDefinition, columns: pa.Table, defects: DefectList) -> NDArray[np.bool_]:
    """Rows whose own accuracy cannot be one: within it nothing could be told of their ground."""
    attribute = definition.by_role("accuracy")
    found = np.zeros(columns.num_rows, dtype=np.bool_)
    if attribute is None:
        return found
    values = columns[attribute.name].cast(pa.float64()).to_numpy()
    found |= (values < 0) | (values > MOST_ACCURACY_M)  # neither where there is none
    most = f"{MOST_ACCURACY_M:,.0f}"
    message = Message(
        f"Sai số vị trí phải từ 0 đến {most.replace(',', '.')} m. Sửa trong tệp nguồn, hoặc để trống: lấy theo lớp.",
        f"A positional accuracy lies between 0 and {most} m. "
        "Correct it in the file, or leave it empty: the layer's counts.",
    )
    rows = [DefectRow(int(n) + 1, None, "refused", message) for n in np.flatnonzero(found)]
    defects.add_rows("schema", "error", message, rows)
    return found


def _list_repeated_keys(definition: LayerDefinition, key: pa.Array, defects: DefectList) -> NDArray[np.bool_]:
    """Rows that share a key: all are refused, or kept where the definition says so."""
    codes = np.asarray(key.dictionary_encode().indices.fill_null(-1))
    counts = np.bincount(codes[codes >= 0], minlength=1)
    repeated = np.zeros(len(codes), dtype=np.bool_)
    repeated[codes >= 0] = counts[codes[codes >= 0]] > 1
    keeps = definition.duplicates == "keep"
    message = Message(
        f"{int((counts > 1).sum())} khóa bị lặp ở {int(repeated.sum())} dòng. "
        + ("Giữ lại theo định nghĩa lớp; khóa không còn duy nhất." if keeps else "Sửa khóa trong tệp nguồn."),
        f"{int((counts > 1).sum())} keys are repeated, in {int(repeated.sum())} rows. "
        + ("Kept, as the definition says; the key is ambiguous." if keeps else "Correct the keys in the file."),
    )
    rows = [
        DefectRow(
            int(n) + 1, key[int(n)].as_py(), "kept" if keeps else "refused",
            Message(f"Khóa '{key[int(n)]}' lặp {counts[codes[n]]} lần.",
                    f"The key '{key[int(n)]}' is repeated {counts[codes[n]]} times."),
        )
        for n in np.flatnonzero(repeated)
    ]  # fmt: skip
    defects.add_rows("duplicate_key", "warning" if keeps else "error", message, rows)
    return np.zeros(len(codes), dtype=np.bool_) if keeps else repeated


def _names(key: pa.Array, count: int) -> list[str]:
    """How a report calls each row: its key, else '#row'."""
    return [text or f"#{n + 1}" for n, text in enumerate(key.to_pylist())] if count else []


# ── between rows ─────────────────────────────────────────────────────────────────────────────────
def _list_repeated_shapes(geoms: Geometries, names: Sequence[str], defects: DefectList) -> None:
    first = repeated_shapes(geoms)
    again = np.flatnonzero(first != np.arange(len(first)))
    rows = [
        DefectRow(
            int(n) + 1, None, "kept",
            Message(f"Hình trùng với dòng {first[n] + 1} ({names[first[n]]}).",
                    f"The same shape as row {first[n] + 1} ({names[first[n]]})."),
        )
        for n in again
    ]  # fmt: skip
    message = Message(
        f"{len(rows)} hình trùng hoàn toàn với hình khác. Kiểm tra xem có phải số hóa hai lần.",
        f"{len(rows)} shapes are equal to another. Check whether they were digitised twice.",
    )
    defects.add_rows("duplicate_shape", "warning", message, rows)


def _list_overlaps(geoms: Geometries, names: Sequence[str], defects: DefectList) -> None:
    first, second, area = overlaps(geoms)
    if not len(first):
        return
    pairs = tuple(OverlapPair(names[a], names[b], float(m2)) for a, b, m2 in zip(first, second, area, strict=True))
    above = int((area > 1).sum())
    message = Message(
        f"{len(pairs)} cặp chồng lấn nhau, {above} cặp trên 1 m². Vẫn được công bố; nên sửa trong tệp nguồn.",
        f"{len(pairs)} pairs overlap, {above} by more than 1 m². They are published; better correct them in the file.",
    )
    places = sorted({*first.tolist(), *second.tolist()})
    listed = Message("Chồng lấn với hình khác trong lớp.", "Overlaps another shape of the layer.")
    rows = tuple(DefectRow(n + 1, None, "kept", listed) for n in places)
    defects.found.append(Defect("overlap", "warning", message, len(pairs), rows, pairs))


def _commune_column(definition: LayerDefinition, columns: pa.Table) -> pa.Array | None:
    attribute = definition.by_role("commune")
    return None if attribute is None else columns[attribute.name].combine_chunks().cast(pa.string())


def _list_commune_mismatches(
    commune: pa.Array, geoms: Geometries, communes: Communes, key: pa.Array, defects: DefectList
) -> None:
    """Rows whose label point lies in another commune than their code says."""
    inside = communes_of(geoms, communes)
    said = commune.to_pylist()
    rows = [
        DefectRow(
            n + 1, None, "kept",
            Message(f"Ghi mã xã {code} nhưng nằm trong xã {where or 'không xác định'}.",
                    f"Says commune {code} but lies in commune {where or 'unknown'}."),
        )
        for n, (code, where) in enumerate(zip(said, inside, strict=True))
        if geoms[n] is not None and code is not None and code != where
    ]  # fmt: skip
    message = Message(
        f"{len(rows)} dòng có mã xã không khớp với ranh giới xã. Kiểm tra mã xã cũ/mới.",
        f"{len(rows)} rows have a commune code that does not fit the commune boundaries. Check old and new codes.",
    )
    defects.add_rows("commune_mismatch", "warning", message, rows)


def communes_of(geoms: Geometries, communes: Communes) -> list[str | None]:
    """The commune that holds each shape's label point; None outside all or without a shape."""
    present = np.flatnonzero(~np.asarray(shapely.is_missing(geoms)))
    found: list[str | None] = [None] * len(geoms)
    points = shapely.point_on_surface(geoms[present])
    tree = shapely.STRtree(communes.geometry)
    which, commune = tree.query(points, predicate="intersects")
    for n, c in zip(which[::-1], commune[::-1], strict=True):
        found[int(present[n])] = communes.codes[int(c)]
    return found


# ── the result ───────────────────────────────────────────────────────────────────────────────────
def _accepted(columns: pa.Table, key: pa.Array, shapes: Shapes, refused: NDArray[np.bool_]) -> Rows:
    kept = np.flatnonzero(~refused)
    taken = pa.array(kept)
    return Rows(kept + 1, columns.take(taken), key.take(taken), shapes.stored[kept])


def _refused_ground(refused: NDArray[np.bool_], commune: pa.Array | None, shapes: Shapes) -> tuple[RefusedGround, ...]:
    return tuple(
        RefusedGround(
            int(n) + 1,
            commune[int(n)].as_py() if commune is not None else None,
            shapes.measurable[n],
            "refused",
        )
        for n in np.flatnonzero(refused)
    )


def _repaired_count(defects: DefectList, refused: NDArray[np.bool_]) -> int:
    return sum(
        row.action == "repaired" and not refused[row.row - 1]
        for defect in defects.found if defect.kind == "invalid_ring" for row in defect.rows
    )  # fmt: skip


def _with_keys(found: Sequence[Defect], key: pa.Array) -> list[Defect]:
    """Rows named by their key where they have one."""
    return [
        replace(d, rows=tuple(replace(row, key=row.key or key[row.row - 1].as_py()) for row in d.rows)) for d in found
    ]
