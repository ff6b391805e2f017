"""Accepted rows as PostGIS copies them in: typed columns, three shapes a row, pieces in every zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gis.crs import Projection, to_web_mercator
from gis.geometry import hilbert_order
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from layers.store import copy_format
from layers.store.clearance import CLEARANCE, clearances_m
from layers.store.plain_cells import PLAIN, are_plain
from layers.store.ranks import ranks
from layers.store.tables import WEB_MERCATOR_SRID, WGS84_SRID

from .content import Content
from .inspection import Rows
from .placing import projection_of
from .zones import ewkb, pieces_by_zone

Geometries = NDArray[np.object_]
CHUNK_ROWS = 32_768
PIECE_COLUMNS = ("zone", "fid", "geom")
PIECE_KINDS = {"zone": copy_format.SMALLINT}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows in spatial order with all that is stored of them."""

    definition: LayerDefinition
    profile: Profile
    storage_srid: int
    rows: Rows
    content: Content

    @property
    def columns(self) -> list[str]:
        """In the order they are written."""
        shapes = ["geom", "geom_4326", "geom_3857"] if self.definition.has_geometry else []
        names = [attribute.name for attribute in self.definition.attributes]
        of_shapes = ["min_zoom", CLEARANCE] if self.definition.has_geometry else []
        return ["fid", "key", "row_hash", *names, PLAIN, *shapes, *of_shapes, "accuracy_m", "parcel_refs"]

    @property
    def kinds(self) -> dict[str, str]:
        """Columns whose form in the database their Arrow type does not say."""
        lists = {each.name: copy_format.JSONB for each in self.definition.attributes if each.type == "list"}
        return {**lists, "min_zoom": copy_format.SMALLINT, "parcel_refs": copy_format.TEXT_ARRAY}

    def row_chunks(self, tell: Callable[[int], None]) -> Iterator[pa.Table]:
        for start in range(0, len(self.rows), CHUNK_ROWS):
            yield self._chunk(start, start + CHUNK_ROWS)
            tell(min(start + CHUNK_ROWS, len(self.rows)))

    def piece_chunks(self) -> Iterator[pa.Table]:
        """zone, fid, geom; in the spatial order of the rows, so that the one index of all layers grows in place."""
        if not self.definition.has_geometry:
            return
        for start in range(0, len(self.rows), CHUNK_ROWS):
            shapes, fids = self.rows.geometry[start : start + CHUNK_ROWS], self.content.fid[start : start + CHUNK_ROWS]
            for pieces in pieces_by_zone(shapes, self.profile, self.definition.id):
                zone = pa.array(np.full(len(pieces.owner), pieces.zone, dtype=np.int16))
                columns = [zone, pa.array(fids[pieces.owner]), ewkb(pieces.geometry, 0)]
                yield pa.table(columns, list(PIECE_COLUMNS))

    def boxes(self, most: int = 64) -> NDArray[np.float64]:
        """Boxes in CRS84 around runs of neighbouring rows, at most so many."""
        if not len(self.rows) or not self.definition.has_geometry:
            return np.zeros((0, 4))
        bounds = shapely.bounds(self.rows.geometry)
        groups = [group for group in np.array_split(bounds, most) if len(group)]
        boxes = [shapely.box(*group[:, :2].min(axis=0), *group[:, 2:].max(axis=0)) for group in groups]
        return np.asarray(shapely.bounds(_projection(self.profile).to_wgs84(np.array(boxes, dtype=object))))

    def _chunk(self, start: int, stop: int) -> pa.Table:
        part = self.rows.take(np.arange(start, min(stop, len(self.rows))))
        columns: dict[str, pa.Array] = {
            "fid": pa.array(self.content.fid[start:stop]),
            "key": part.key,
            "row_hash": _bytes(self.content.row_hash[start:stop]),
        }
        columns |= {each.name: part.columns[each.name].combine_chunks() for each in self.definition.attributes}
        columns[PLAIN] = are_plain(self.definition, part.columns)
        if self.definition.has_geometry:
            columns |= self._shapes(part.geometry)
        columns["accuracy_m"] = accuracy_of(self.definition, self.profile, part.columns)
        columns["parcel_refs"] = parcel_refs_of(self.definition, part.columns)
        return pa.table(columns).select(self.columns)

    def _shapes(self, stored: Geometries) -> Mapping[str, pa.Array]:
        """The stored shape, its CRS84 form wound as RFC 7946 wants, its Web Mercator form wound as MVT wants."""
        degrees = _projection(self.profile).to_wgs84(stored)
        mercator = to_web_mercator(degrees)
        return {
            "geom": ewkb(stored, self.storage_srid),
            "geom_4326": ewkb(shapely.orient_polygons(degrees, exterior_cw=False), WGS84_SRID),
            "geom_3857": ewkb(shapely.orient_polygons(mercator, exterior_cw=True), WEB_MERCATOR_SRID),
            "min_zoom": pa.array(ranks(self.definition, mercator)),
            CLEARANCE: pa.array(clearances_m(mercator)),
        }


def prepare(definition: LayerDefinition, profile: Profile, storage_srid: int, rows: Rows, content: Content) -> Prepared:
    """Rows along a Hilbert curve: neighbours on the map are neighbours on disk."""
    order = hilbert_order(rows.geometry) if definition.has_geometry else np.argsort(content.fid)
    return Prepared(definition, profile, storage_srid, rows.take(order), content.take(order))


def accuracy_of(definition: LayerDefinition, profile: Profile, columns: pa.Table) -> pa.Array:
    """Metres: the row's own, else that of its scale, else the layer's, else that of the layer's scale, else 0."""
    header = profile.header
    of_scale = header.accuracy_of_scale_m(definition.scale) if definition.scale is not None else None
    layer = definition.accuracy_m if definition.accuracy_m is not None else (of_scale or 0.0)
    found = pa.nulls(columns.num_rows, pa.float64())
    if own := definition.by_role("accuracy"):
        found = columns[own.name].combine_chunks().cast(pa.float64())
    if scale := definition.by_role("scale"):
        values = [None if v is None else header.accuracy_of_scale_m(v) for v in columns[scale.name].to_pylist()]
        found = pc.coalesce(found, pa.array(values, pa.float64()))
    return pc.abs(pc.fill_null(found, float(layer)))  # a row of before negative ones were refused: never less doubt


def parcel_refs_of(definition: LayerDefinition, columns: pa.Table) -> pa.Array:
    """For register entries the parcels they are keyed to: 'commune/sheet/parcel', 'code:…'."""
    kind = pa.list_(pa.string())
    if definition.geometry != "none":
        return pa.array([[]] * columns.num_rows, kind)
    named = [_role_column(definition, columns, role) for role in ("commune", "sheet", "parcel_number")]
    number = pc.binary_join_element_wise(*named, "/")
    code = pc.binary_join_element_wise("code:", _role_column(definition, columns, "national_code"), "")
    pairs = zip(number.to_pylist(), code.to_pylist(), strict=True)
    return pa.array([[ref for ref in pair if ref is not None] for pair in pairs], kind)


def _role_column(definition: LayerDefinition, columns: pa.Table, role: str) -> pa.Array:
    attribute = definition.by_role(role)  # type: ignore[arg-type]  # one of the grammar's roles
    if attribute is None:
        return pa.nulls(columns.num_rows, pa.string())
    return columns[attribute.name].combine_chunks().cast(pa.string())


def _bytes(hashes: NDArray[np.uint64]) -> pa.Array:
    raw = pa.py_buffer(np.ascontiguousarray(hashes))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(hashes), [None, raw]).cast(pa.binary())


def _projection(profile: Profile) -> Projection:
    return projection_of(profile.header)
