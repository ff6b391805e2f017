"""How each layer's mapped ground lies in each commune, measured as the engine measures it for a subject.

Measured once a revision and remembered by the process, whoever asks; what of it a caller may know is for `coverage`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import numpy as np
import shapely
from anyio import to_thread
from numpy.typing import NDArray

from gis.candidates import Subjects
from gis.coverage import Ground, clear_share, mapped_share
from gis.pieces import subdivide
from gis.procedure import Relation, Rule
from layers.errors import InvalidRequestError
from layers.profile.distances import largest_reach_m
from layers.profile.grammar import LayerDefinition
from layers.profile.procedures import relations_of
from layers.profile.profile import Profile
from layers.store.checks import CutLayer
from layers.store.connection import Connection
from layers.store.coverage import (
    CommunePiece,
    MappedPiece,
    PlacePart,
    communes_of_entries,
    count_unplaced,
    parcels_by_commune,
    places_holding,
    read_communes,
    read_mapped,
)
from layers.store.raster_files import RasterFolder

from .raster_cells import RasterError
from .raster_sheet import file_of
from .rasters import Ruler
from .reading import Cut
from .subject import current_generation
from .threads import limiter_of_loop
from .zones import many, names_communes, one, projection_of, zone_of

Geometries = NDArray[np.object_]
#: a feature of a neighbour that only shares the boundary does not lie in a commune
INSIDE_M = 1.0
#: the whole area, of a profile without communes
WHOLE = "*"
#: around a commune, besides the reach of rules: accuracies fit in here
_MARGIN_M = 100.0


@dataclass(frozen=True, slots=True)
class Place:
    """A column of the matrix: a commune with its shape in the zone it is measured in, where that is known."""

    code: str
    name: str
    kind: str
    zone: int = 0
    shape: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class LayerGround:
    """One layer at one revision, by commune. NaN: not known."""

    declared: Mapping[str, float]  #: share inside what was declared, refused rows left aside
    mapped: Mapping[str, float]  #: share that the engine takes for mapped
    clear: Mapping[tuple[str, float], float]  #: by commune and reach: where a check can be clear
    refused_count: Mapping[str, int]  #: refused grounds there; one of more than 64 vertices counts in its pieces
    refused_m2: Mapping[str, float]
    holds: Mapping[str, bool | None]  #: whether a feature lies there; None: not known
    unplaced: int  #: refused rows of unknown place


@dataclass(frozen=True, slots=True)
class Grounds:
    """All layers of one cut."""

    places: tuple[Place, ...]
    layers: Mapping[str, LayerGround]
    parcels: Mapping[str, int]


class KnownGrounds:
    """What was measured, of one process and one database: a publication costs its own layer only. `lock`: one measures,
    the others wait for it."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._known: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self.lock = anyio.Lock()

    def get(self, key: tuple[object, ...]) -> Any:
        return self._known.get(key)

    def put(self, key: tuple[object, ...], value: Any) -> None:
        self._known[key] = value
        while len(self._known) > self._size:
            self._known.popitem(last=False)


async def grounds_of(
    connection: Connection, profile: Profile, profile_digest: str, cut: Cut, known: KnownGrounds,
    rasters: RasterFolder | None = None,
) -> Grounds:  # fmt: skip
    """Every layer of the cut; to be called in one snapshot with the reading of the cut. `rasters`: where files lie."""
    reader = _Reader(connection, profile, profile_digest, cut, known, rasters)
    places = await reader.places()
    measured = {name: await reader.layer(layer, places) for name, layer in cut.items() if layer.revision}
    return Grounds(places, measured, await reader.parcels())


def accuracy_m(profile: Profile, definition: LayerDefinition) -> float:
    """As the engine takes it for the edge of a mapped area."""
    if definition.accuracy_m is not None:
        return definition.accuracy_m
    of_scale = profile.header.accuracy_of_scale_m(definition.scale) if definition.scale is not None else None
    return of_scale or 0.0


def reaches_m(profile: Profile, layer: str) -> tuple[float, ...]:
    """Every reach with which some rule asks the layer. One that comes from an input is not known, and taken for 0."""
    definition = profile.layer(layer)
    asked = (
        largest_reach_m(relation, definition) or 0.0
        for procedure in profile.procedures for check in procedure.checks for relation in relations_of(check)
        if relation.layer == layer
    )  # fmt: skip
    return tuple(sorted({0.0, *asked}))


class _Reader:
    """Reads and measures what is not known yet. Layers are named by number, revision and profile, and so are places:
    what this takes depends on nothing else."""

    def __init__(
        self, connection: Connection, profile: Profile, profile_digest: str, cut: Cut, known: KnownGrounds,
        rasters: RasterFolder | None,
    ) -> None:  # fmt: skip
        self.connection, self.profile, self.cut, self.known = connection, profile, cut, known
        self.rasters = rasters
        commune = profile.header.reference_layers.commune
        self.commune = cut.get(commune) if commune else None
        self.of_places = (profile_digest, self.commune.revision if self.commune else 0)

    async def places(self) -> tuple[Place, ...]:
        key = ("places", *self.of_places)
        found: tuple[Place, ...] | None = self.known.get(key)
        if found is None:
            pieces = await self._commune_pieces()
            found = await to_thread.run_sync(places_of, self.profile, pieces, limiter=limiter_of_loop())
            self.known.put(key, found)
        return found

    async def _commune_pieces(self) -> Sequence[CommunePiece]:
        if self.commune is None or not self.commune.revision:
            return ()
        definition = self.profile.layer(self.commune.id)
        role = definition.by_role("commune") if definition else None
        return await read_communes(
            self.connection, self.commune.number, self.commune.revision, role.name if role else None
        )

    async def layer(self, layer: CutLayer, places: tuple[Place, ...]) -> LayerGround:
        key = ("layer", layer.id, layer.revision, *self.of_places)
        found: LayerGround | None = self.known.get(key)
        if found is None:
            found = await self._measured(layer, places)
            self.known.put(key, found)
        return found

    async def _measured(self, layer: CutLayer, places: tuple[Place, ...]) -> LayerGround:
        definition = self.profile.layer(layer.id)
        assert definition is not None  # the cut is over the profile's layers
        parts = await read_mapped(self.connection, layer.number, layer.revision)
        holds = await self._holds(definition, layer, places)
        unplaced = await count_unplaced(self.connection, layer.id, layer.revision)
        asked = AskedLayer(self.profile, definition, places, holds, unplaced, layer, self.rasters)
        return await to_thread.run_sync(ground_of, asked, parts, limiter=limiter_of_loop())

    async def _holds(
        self, definition: LayerDefinition, layer: CutLayer, places: tuple[Place, ...]
    ) -> dict[str, bool | None]:
        if not definition.has_geometry:
            named = await communes_of_entries(self.connection, layer.number, layer.revision)
            is_known = None not in named and definition.geometry == "none"
            return {place.code: place.code in named if is_known else None for place in places}
        shaped = [place for place in places if place.shape is not None]
        parts = await to_thread.run_sync(_inner_parts, shaped, limiter=limiter_of_loop())
        met = await places_holding(self.connection, layer.number, layer.revision, parts) if parts else frozenset()
        found: dict[str, bool | None] = dict.fromkeys((place.code for place in places), None)
        return found | {place.code: number in met for number, place in enumerate(shaped)}

    async def parcels(self) -> Mapping[str, int]:
        definition = self.profile.parcel_layer
        layer, role = self.cut.get(definition.id), definition.by_role("commune")
        if layer is None or not layer.revision or role is None:
            return {}
        key = ("parcels", layer.id, layer.revision, *self.of_places)
        found: Mapping[str, int] | None = self.known.get(key)
        if found is None:
            found = await parcels_by_commune(self.connection, layer.number, layer.revision, role.name)
            self.known.put(key, found)
        return found


def _inner_parts(places: Sequence[Place]) -> list[PlacePart]:
    """The insides of communes in small parts, for an index."""
    inner = np.array([None, *(shapely.buffer(place.shape, -INSIDE_M) for place in places)], dtype=object)[1:]
    pieces, owner = subdivide(inner)
    zones = [places[number].zone for number in owner]
    wkb = shapely.to_wkb(pieces)
    return [PlacePart(int(n), zone, bytes(w)) for n, zone, w in zip(owner, zones, wkb, strict=True)]


# ── communes ─────────────────────────────────────────────────────────────────────────────────────
def places_of(profile: Profile, pieces: Sequence[CommunePiece]) -> tuple[Place, ...]:
    """The communes of today, in the profile's order; where it lists none, those of the layer; else the whole area."""
    shapes = _shapes_by_zone(pieces)
    generation = current_generation(profile)
    named = [(unit.code, unit.name, unit.kind) for unit in profile.communes if unit.generation == generation]
    named = named or [(code, code, "") for code in sorted({code for code, _ in shapes})] or [(WHOLE, WHOLE, "")]
    return tuple(_place(profile, unit, shapes) for unit in named)


def _shapes_by_zone(pieces: Sequence[CommunePiece]) -> dict[tuple[str, int], Any]:
    by_place: dict[tuple[str, int], list[bytes]] = {}
    for piece in pieces:
        by_place.setdefault((piece.code, piece.zone), []).append(piece.wkb)
    return {place: shapely.union_all(shapely.from_wkb(wkb)) for place, wkb in by_place.items()}


def _place(profile: Profile, unit: tuple[str, str, str], shapes: Mapping[tuple[str, int], Any]) -> Place:
    code, name, kind = unit
    zones = [zone for known, zone in shapes if known == code]
    if not zones:
        return Place(code, name, kind)
    zone = _zone_of(profile, code, zones[0], shapes[code, zones[0]])
    return Place(code, name, kind, zone, shapes.get((code, zone)))


def _zone_of(profile: Profile, code: str, known: int, shape: Any) -> int:
    """The zone that holds the commune's label point, as for a subject; what lies in none is measured in none."""
    crs = profile.header.crs
    if len(crs.zones) == 1 or all(names_communes(zone) for zone in crs.zones):
        label = shapely.point_on_surface(shape)  # nobody asks where it lies
    else:
        projection = projection_of(crs)
        stored = projection.to_crs(many(shapely.point_on_surface(shape)), crs.zones[known].crs, crs.storage)
        label = one(projection.to_wgs84(stored))
    try:
        return zone_of(crs, label, lambda: code)
    except InvalidRequestError:
        return -1


# ── one layer ────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class AskedLayer:
    """One layer at the revision of `cut`, and the communes it is measured in."""

    profile: Profile
    definition: LayerDefinition
    places: tuple[Place, ...]
    holds: Mapping[str, bool | None]
    unplaced: int
    cut: CutLayer
    rasters: RasterFolder | None


def ground_of(asked: AskedLayer, parts: Sequence[MappedPiece]) -> LayerGround:
    """Shares of each commune by the engine's own measure."""
    everywhere = any(part.kind == "everywhere" for part in parts)
    known = [place for place in asked.places if place.shape is not None]
    shapes = np.array([None, *(place.shape for place in known)], dtype=object)[1:]
    reaches = reaches_m(asked.profile, asked.definition.id)
    around_m = 2 * max(reaches) + _MARGIN_M
    areas, refused = (_near(known, shapes, parts, kind, around_m) for kind in ("area", "refused"))
    accuracy = accuracy_m(asked.profile, asked.definition)

    def share(cut: Ground) -> dict[str, float]:
        found = _shares(shapes, accuracy, everywhere=everywhere, areas=areas, refused=cut)
        return _by_code(asked.places, known, found, without_shape=_unmeasured(parts, everywhere=everywhere))

    mapped = share(refused)
    if asked.definition.is_raster:
        mapped = _with_values(asked, known, shapes, mapped)
    clear = {(code, 0.0): value for code, value in mapped.items()}
    for reach_m in reaches[1:]:
        found = clear_share(shapes, reach_m, everywhere=everywhere, areas=areas, refused=refused)
        told = _by_code(asked.places, known, found, without_shape=_unmeasured(parts, everywhere=everywhere))
        clear |= {(code, reach_m): value for code, value in told.items()}
    counts, cut_m2 = _refused(known, shapes, refused)
    return LayerGround(share(Ground.none()), mapped, clear, counts, cut_m2, asked.holds, asked.unplaced)


def _with_values(
    asked: AskedLayer, known: Sequence[Place], shapes: Geometries, declared: Mapping[str, float]
) -> dict[str, float]:
    """Of a raster only cells with a value are mapped, as the engine takes them; a file that cannot be read maps
    nothing."""
    found, crs = {code: share and float("nan") for code, share in declared.items()}, asked.profile.header.crs
    rule = Rule("", asked.definition.id, Relation.RASTER_CLASS)
    for zone in sorted({place.zone for place in known}):
        here = np.array([number for number, place in enumerate(known) if place.zone == zone], dtype=np.int64)
        subjects = Subjects.of(shapes[here], np.zeros(len(here)))
        try:
            file = file_of(asked.rasters, asked.cut)
            ruler = Ruler(file, asked.definition, projection_of(crs), crs.zones[zone].crs, 0.0)
            ground = ruler.ground(rule, subjects).areas
            valued = np.where(ground.broken, 0.0, ground.mapped_share)
        except RasterError:
            valued = np.zeros(len(here))
        for number, share in zip(here.tolist(), valued.tolist(), strict=True):
            code = known[number].code
            found[code] = min(max(declared[code] + share - 1.0, 0.0), 1.0)
    return found


def _shares(
    shapes: Geometries, accuracy_m: float, *, everywhere: bool, areas: Ground, refused: Ground
) -> NDArray[np.float64]:
    """What is mapped of each commune. Whole where the engine takes it for whole, slivers within the accuracy left
    aside; nothing where no subject could ever lie on mapped ground, slivers of a neighbour's left aside; else exact."""
    none, error = np.zeros(len(shapes)), np.full(len(shapes), accuracy_m)
    found = mapped_share(shapes, 0.0, none, everywhere=everywhere, areas=areas, refused=refused)
    if everywhere and not len(refused.subject):
        return found
    grown = mapped_share(shapes, 0.0, error, everywhere=everywhere, areas=areas, refused=refused)
    inner = clear_share(shapes, accuracy_m, everywhere=everywhere, areas=areas, refused=refused)
    found[inner <= 0] = 0.0
    found[grown >= 1] = 1.0
    found[np.isnan(grown) | np.isnan(inner)] = np.nan
    return found


def _unmeasured(parts: Sequence[MappedPiece], *, everywhere: bool) -> float:
    """Of a commune whose shape is not known: all or nothing where that follows without it."""
    if not parts:
        return 0.0
    return 1.0 if everywhere and len(parts) == 1 else float("nan")


def _by_code(
    places: Sequence[Place], known: Sequence[Place], found: NDArray[np.float64], *, without_shape: float
) -> dict[str, float]:
    told = dict.fromkeys((place.code for place in places), without_shape)
    return told | {place.code: float(value) for place, value in zip(known, found, strict=True)}


def _near(
    known: Sequence[Place], shapes: Geometries, parts: Sequence[MappedPiece], kind: str, around_m: float
) -> Ground:
    """The parts of one kind around each commune, in its own zone."""
    subjects, grounds = [], []
    for zone in sorted({place.zone for place in known}):
        wkb = [part.wkb for part in parts if part.kind == kind and part.zone == zone and part.wkb is not None]
        if not wkb:
            continue
        tree = shapely.STRtree(shapely.from_wkb(wkb))
        here = np.array([number for number, place in enumerate(known) if place.zone == zone], dtype=np.int64)
        boxes = shapely.buffer(shapely.envelope(shapes[here]), around_m)
        place, part = tree.query(boxes)
        subjects.append(here[place])
        grounds.append(tree.geometries[part])
    if not subjects:
        return Ground.none()
    return Ground(np.concatenate(subjects), np.concatenate(grounds))


def _refused(known: Sequence[Place], shapes: Geometries, refused: Ground) -> tuple[dict[str, int], dict[str, float]]:
    counts, areas = dict[str, int](), dict[str, float]()
    for number, place in enumerate(known):
        cut = refused.geometry[refused.subject == number]
        met = cut[shapely.intersects(cut, shapes[number])] if len(cut) else cut
        if len(met):
            counts[place.code] = len(met)
            areas[place.code] = float(shapely.area(shapely.intersection(shapely.union_all(met), shapes[number])))
    return counts, areas
