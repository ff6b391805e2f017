"""From PostGIS to the files of a plan: one snapshot, one cut, every layer the rules read, and the subjects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from gis.candidates import Distances
from gis.geometry import order_of_places
from gis.procedure import Relation, Rule
from layers.errors import InvalidRequestError
from layers.profile.grammar import LayerDefinition
from layers.publishing.source import Progress
from layers.store import check_export
from layers.store.checks import CandidatesError, CutLayer
from layers.store.connection import Connection
from layers.store.raster_files import RasterFolder

from .distances import BEYOND_LIMIT, DistanceBeyondLimitError, distances_of
from .evaluate import exclusions
from .places import places_in, without_places
from .plan import Plan
from .raster_cells import RasterError
from .raster_sheet import file_of
from .reading import Case
from .share import Share
from .sheets import BOX, ROW_GROUP

_GEO = (
    b'{"version":"1.1.0","primary_column":"geometry","columns":{"geometry":'
    b'{"encoding":"WKB","geometry_types":[],"crs":null}}}'
)


@dataclass(frozen=True, slots=True)
class LayerExport:
    """One layer of the cut and the rules that read it, by number."""

    definition: LayerDefinition
    cut: CutLayer
    rules: Mapping[int, Rule]

    @property
    def has_pieces(self) -> bool:
        return any(rule.relation is not Relation.SAME_PARCEL for rule in self.rules.values())

    @property
    def is_raster(self) -> bool:
        return self.definition.is_raster


def layer_exports(case: Case, cut: Mapping[str, CutLayer], share: Share | None = None) -> list[LayerExport]:
    """The layers to read, each once; what is not served and what is not shown to the owner are not."""
    found: dict[str, dict[int, Rule]] = {}
    for number, rule in enumerate(case.rules):
        found.setdefault(rule.layer, {})[number] = rule
    made = []
    for layer, rules in found.items():
        definition = case.profile.layer(layer)
        is_served = cut[layer].revision > 0 and case.standing(cut[layer]).state == "served"
        is_shown = share is None or not share.hides(layer)
        if definition is not None and is_served and is_shown:
            made.append(LayerExport(definition, cut[layer], rules))
    return made


async def export_layer(
    connection: Connection, plan: Plan, export: LayerExport, case: Case, rasters: RasterFolder | None = None
) -> None:
    """The facts, pieces and mapped ground of a layer, of a raster which file it is. Raises CandidatesError,
    InvalidRequestError for a condition that does not fit the layer."""
    number, revision, layer = export.cut.number, export.cut.revision, export.definition.id
    if export.is_raster:
        _name_raster(plan.raster_file(layer), rasters, export.cut)
        pq.write_table(await check_export.mapped(connection, number, revision), plan.mapped_file(layer))
        return
    fids = await _export_facts(connection, plan, export, case)
    held = await check_export.held(connection, number, revision)
    _require_all(len(fids), held.facts)
    pieces = check_export.pieces(connection, number, revision) if export.has_pieces else _nothing()
    count = 0
    with pq.ParquetWriter(plan.pieces_file(layer), _PIECES, compression="zstd") as writer:
        async for chunk in pieces:
            writer.write_table(boxed(chunk, fids), row_group_size=ROW_GROUP)
            count += chunk.num_rows
    _require_all(count, held.pieces if export.has_pieces else None)
    pq.write_table(await check_export.mapped(connection, number, revision), plan.mapped_file(layer))


def _name_raster(path: Path, folder: RasterFolder | None, cut: CutLayer) -> None:
    """Write which file it is. Raises CandidatesError where none is known."""
    try:
        file = file_of(folder, cut)
    except RasterError as error:
        raise CandidatesError(error.reason) from error
    told = {"path": str(file.path.absolute()), "row": file.row.as_dict()}
    path.write_text(json.dumps(told), encoding="utf-8")


def _require_all(found: int, held: int | None) -> None:
    """What is read is all that was published, by the books. Raises CandidatesError."""
    if held is not None and found != held:
        raise CandidatesError("damaged")


async def _nothing() -> AsyncIterator[pa.Table]:
    return
    yield


_PIECES = pa.schema(
    [("zone", pa.int16()), ("feature", pa.int64()), *((name, pa.float64()) for name in BOX), ("geometry", pa.binary())],
    metadata={b"geo": _GEO},
)


def boxed(chunk: pa.Table, fids: NDArray[np.int64]) -> pa.Table:
    """Pieces with the position of their feature and their box."""
    fid = chunk["fid"].to_numpy()
    feature = np.searchsorted(fids, fid)
    if len(fids) == 0 or (fids[np.minimum(feature, len(fids) - 1)] != fid).any():
        raise CandidatesError("error")  # a piece without a fact: nothing may be concluded from the layer
    bounds = shapely.bounds(np.asarray(shapely.from_wkb(chunk["geometry"].to_numpy()), dtype=object))
    columns = [chunk["zone"], pa.array(feature), *(pa.array(side) for side in bounds.T), chunk["geometry"]]
    return pa.Table.from_arrays(columns, schema=_PIECES)


async def _export_facts(connection: Connection, plan: Plan, export: LayerExport, case: Case) -> NDArray[np.int64]:
    """Facts with what each rule leaves out, and the entries by the parcel they name. The fids, ascending."""
    names = [f"excluded_{number}" for number in export.rules]
    termed = {number: rule for number, rule in export.rules.items() if rule.terms is not None}
    schema = pa.schema(
        [("fid", pa.int64()), ("key", pa.string()), ("accuracy_m", pa.float64()), *((n, pa.string()) for n in names)]
        + [(f"terms_{number}", _TERMS) for number in termed]
    )
    fids: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    entries: list[tuple[str, int]] = []
    is_beyond = False
    with pq.ParquetWriter(plan.facts_file(export.definition.id), schema, compression="zstd") as writer:
        async for rows in check_export.facts(connection, export.cut.number, export.cut.revision):
            first = sum(map(len, fids))
            entries += [(ref, first + place) for place, row in enumerate(rows) for ref in row[4]]
            attributes = [row[3] for row in rows]
            left_out = [
                pa.array(exclusions(rule, export.definition, attributes, case.on_date).tolist(), pa.string())
                for rule in export.rules.values()
            ]
            fids.append(np.array([row[0] for row in rows], dtype=np.int64))
            plain = [pa.array(fids[-1]), pa.array([row[1] for row in rows], pa.string())]
            accuracy = pa.array([row[2] for row in rows], pa.float64())
            try:
                terms = [_terms(distances_of(rule, attributes)) for rule in termed.values()]
            except DistanceBeyondLimitError:
                is_beyond = True  # told when all is read: a cursor that is left open spoils the transaction
                continue
            writer.write_table(pa.Table.from_arrays([*plain, accuracy, *left_out, *terms], schema=schema))
    if is_beyond:
        raise CandidatesError(BEYOND_LIMIT)
    _write_entries(entries, plan.entries_file(export.definition.id))
    return np.concatenate(fids)


_TERMS = pa.struct(
    [("distance_m", pa.float64()), ("offset_m", pa.float64()), ("nearer_m", pa.float64()), ("farther_m", pa.float64()),
     ("is_told", pa.bool_()), ("origin", pa.string())]
)  # fmt: skip


def _terms(found: Distances | None) -> pa.StructArray:
    assert found is not None
    columns = [found.distance_m, found.offset_m, found.nearer_m, found.farther_m, found.is_told, found.origin]
    return pa.StructArray.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, _TERMS, strict=True)], fields=list(_TERMS)
    )


def _write_entries(entries: Sequence[tuple[str, int]], path: Path) -> None:
    refs, features = [ref for ref, _ in entries], [feature for _, feature in entries]
    pq.write_table(pa.table({"ref": pa.array(refs, pa.string()), "feature": pa.array(features, pa.int64())}), path)


# ── subjects ─────────────────────────────────────────────────────────────────────────────────────


def require_areas(definition: LayerDefinition) -> None:
    """Raises InvalidRequestError where rows of the layer cannot be subjects."""
    if definition.geometry not in ("Polygon", "MultiPolygon"):
        raise InvalidRequestError(
            f"Lớp '{definition.id}' không phải lớp vùng nên không thể làm đối tượng kiểm tra. Chọn lớp dạng vùng.",
            f"The layer '{definition.id}' does not hold areas, so its rows cannot be checked. Choose a polygon layer.",
        )


def write_subjects(plan: Plan, subjects: pa.Table, progress: Progress) -> None:
    """Subjects along a Hilbert curve, cut into partitions: neighbours share the pieces they read."""
    order = pa.array(order_of_places(places_in(subjects)))
    # once: taking from many chunks costs more than all the writing
    ordered = _whole(without_places(subjects)).take(order)
    for number in range(plan.partitions):
        part = ordered.slice(number * plan.size, plan.size)
        pq.write_table(part, plan.subjects_file(number), compression="zstd")
        progress("partition", min((number + 1) * plan.size, plan.subjects), plan.subjects)


def _whole(subjects: pa.Table) -> pa.Table:
    """One chunk a column; shapes may be more than the two gigabytes that plain binary can refer to."""
    place = subjects.schema.get_field_index("geometry")
    wide = subjects.set_column(place, "geometry", subjects["geometry"].cast(pa.large_binary()))
    return wide.combine_chunks()


def with_subject_keys(rows: pa.Table) -> pa.Table:
    """`subject_key`: the layer's key, else the fid (contracts 3)."""
    key = rows["key"].combine_chunks()
    named = pa.compute.coalesce(key, rows["fid"].combine_chunks().cast(pa.string()))
    return rows.drop_columns(["key"]).append_column("subject_key", named)
