"""The register side of parcels: sheets, numbers, land types, areas, codes, invented people. Columns over all lots."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from gis.crs import Projection
from layers.profile.grammar import Commune

from .chance import Ints, Waves, stream
from .files import Column
from .ground import Ground, on_millimetre
from .settlement import Density, Lots

SHEET_M = 500.0
SCALES = np.array([500, 1000, 2000, 2000])  # by density
FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương")
MIDDLES = ("Văn", "Thị", "Hữu", "Ngọc", "Minh", "Thanh")
BASE32 = np.frombuffer(b"0123456789bcdefghjkmnpqrstuvwxyz", dtype=np.uint8)
RESIDENTIAL_M2 = 160.0  #: beyond this a dwelling's land is garden land
FAR_OFF = 0.004  #: share of certificates whose area is far from the map


@dataclass(frozen=True, slots=True)
class Parcels:
    """The parcels of one commune, ready to be written and to be looked up by those who plant conflicts."""

    commune: Commune
    shapes: np.ndarray
    blocks: Ints
    densities: Ints
    sheets: Ints
    numbers: Ints
    old_sheets: npt.NDArray[np.object_]
    old_numbers: npt.NDArray[np.object_]
    codes: npt.NDArray[np.object_]  #: national code
    areas_m2: npt.NDArray[np.float64]  #: one decimal
    certificate_m2: npt.NDArray[np.float64]  #: NaN: no certificate
    land: npt.NDArray[np.object_]  #: main land type

    def key(self, row: int) -> str:
        return f"{self.commune.code}.{self.sheets[row]}.{self.numbers[row]}"


@lru_cache(maxsize=4)
def soil(seed: int) -> Waves:
    """Where rice, orchards and ponds are: one field of levels for parcels, status and plan."""
    return Waves.of(seed, "soil", (1.0, 5200), (0.6, 1300))


def register(ground: Ground, town: int, lots: Lots, commune: Commune, projection: Projection) -> Parcels:
    """Sheets, numbers and measures of the lots, in the order of sheet and number."""
    random = stream(ground.seed, "register", town)
    shapes, blocks, densities = _with_hollows(lots, random)
    sheets, order = _sheets(shapes, blocks)
    shapes, blocks, densities, sheets = shapes[order], blocks[order], densities[order], sheets[order]
    firsts = np.flatnonzero(np.concatenate([[True], np.diff(sheets) > 0]))
    within = np.arange(len(sheets)) - np.repeat(firsts, np.diff(np.append(firsts, len(sheets))))
    areas = np.round(shapely.area(shapes), 1)
    old_sheets, old_numbers = _old_numbers(sheets, within, firsts, random)
    return Parcels(
        commune, shapes, blocks, densities, sheets, within + 1, old_sheets, old_numbers,
        national_codes(shapes, projection), areas, _certificates(areas, random),
        _main_land(ground, shapes, blocks, densities, areas, commune, random),
    )  # fmt: skip


def _with_hollows(lots: Lots, random: np.random.Generator) -> tuple[np.ndarray, Ints, Ints]:
    """A few fields with a grave plot or a pump house inside: a hole, and the small parcel that fills it.

    The plot takes the place of the last lot, so that their number stays.
    """
    shapes, blocks, densities = lots.shapes.copy(), lots.blocks.copy(), lots.densities.copy()
    large = np.flatnonzero((densities == Density.RURAL) & (shapely.area(shapes) > 1200))
    chosen = large[random.random(len(large)) < 0.02]
    spare = np.flatnonzero(densities == Density.RURAL)[::-1]
    spare = spare[~np.isin(spare, chosen)][: len(chosen)]
    middles = shapely.get_coordinates(shapely.centroid(shapes[chosen[: len(spare)]]))
    half = 2.5 + 2.5 * random.random(len(middles))
    plots = on_millimetre(shapely.box(*(middles - half[:, None]).T, *(middles + half[:, None]).T), "pointwise")
    fits = shapely.contains_properly(shapes[chosen[: len(spare)]], plots)
    hosts, guests, plots = chosen[: len(spare)][fits], spare[fits], plots[fits]
    shapes[hosts] = shapely.difference(shapes[hosts], plots)
    shapes[guests], blocks[guests] = plots, blocks[hosts]
    return shapes, blocks, densities


def _sheets(shapes: np.ndarray, blocks: Ints) -> tuple[Ints, Ints]:
    """Sheet of each lot (running numbers from the north-west) and the order of numbering: west to east in bands."""
    middles = shapely.get_coordinates(shapely.centroid(shapes))
    _, place, counts = np.unique(blocks, return_inverse=True, return_counts=True)
    east = np.bincount(place, middles[:, 0]) / counts
    north = np.bincount(place, middles[:, 1]) / counts
    column, row = np.floor(np.round(east, 3) / SHEET_M), np.floor(-np.round(north, 3) / SHEET_M)
    cells = np.stack([row, column], axis=1)[place]
    _, sheets = np.unique(cells, axis=0, return_inverse=True)
    band = np.floor(-middles[:, 1] / 40.0)
    return sheets.ravel() + 1, np.lexsort((np.round(middles[:, 0], 2), band, sheets.ravel()))


def _old_numbers(
    sheets: Ints, within: Ints, firsts: Ints, random: np.random.Generator
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """Numbers before the merge of 2025: another sheet, another order; a third of the parcels is new since."""
    counts = np.diff(np.append(firsts, len(sheets)))
    size = np.repeat(counts, counts)
    shift = int(random.integers(3, 40))
    old_sheet = (sheets + shift).astype(str).astype(object)
    old_number = ((size - within) + 2).astype(str).astype(object)
    is_new = random.random(len(sheets)) < 0.33
    old_sheet[is_new], old_number[is_new] = None, None
    return old_sheet, old_number


def national_codes(shapes: np.ndarray, projection: Projection) -> npt.NDArray[np.object_]:
    """Twelve characters from a point inside (domain reference 3.2). Demo input: the service never recomputes codes."""
    places = shapely.get_coordinates(projection.to_wgs84(shapely.point_on_surface(shapes)))
    return geohash(places[:, 0], places[:, 1])


def geohash(longitude: npt.NDArray[np.float64], latitude: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """Twelve base-32 characters: 30 bits of each coordinate, longitude first, in turn."""
    east = np.floor((longitude + 180) / 360 * 2**30).astype(np.int64)
    north = np.floor((latitude + 90) / 180 * 2**30).astype(np.int64)
    bits = np.zeros(len(longitude), dtype=np.int64)
    for position in range(29, -1, -1):
        bits = (bits << 2) | (((east >> position) & 1) << 1) | ((north >> position) & 1)
    letters = np.stack([BASE32[(bits >> (5 * place)) & 31] for place in range(11, -1, -1)], axis=1)
    texts: npt.NDArray[np.object_] = np.ascontiguousarray(letters).view("S12").ravel().astype(str).astype(object)
    return texts


def _certificates(areas: npt.NDArray[np.float64], random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Mostly the area of the map; some off a little, few far, some without a certificate."""
    made = areas.copy()
    little = random.random(len(areas)) < 0.06
    made[little] = np.round(areas[little] * (1 + (random.random(int(little.sum())) - 0.5) * 0.06), 1)
    far = random.random(len(areas)) < FAR_OFF
    made[far] = np.round(areas[far] * (1 + np.where(random.random(int(far.sum())) < 0.5, -0.28, 0.33)), 1)
    made[random.random(len(areas)) < 0.09] = np.nan
    return made


def _main_land(
    ground: Ground, shapes: np.ndarray, blocks: Ints, densities: Ints, areas: npt.NDArray[np.float64],
    commune: Commune, random: np.random.Generator,
) -> npt.NDArray[np.object_]:  # fmt: skip
    """Dwellings in towns and along roads, fields by block behind them, works in parks."""
    home = "ODT" if commune.kind == "phường" else "ONT"
    land = np.full(len(shapes), home, dtype=object)
    chance = random.random(len(shapes))
    dense = densities <= Density.SUBURBAN
    land[dense & (chance < 0.035)] = "TMD"
    land[dense & (chance > 0.985)] = "CLN"
    field = (densities == Density.RURAL) & (blocks % 100_000 >= 1000)
    field |= (densities == Density.RURAL) & (areas > 900)
    middles = shapely.get_coordinates(shapely.centroid(shapes))
    _, place, counts = np.unique(blocks, return_inverse=True, return_counts=True)
    spots = np.column_stack([np.bincount(place, middles[:, axis]) / counts for axis in (0, 1)])
    level = soil(ground.seed).level(spots)[place]
    land[field] = np.select([level > 1.15, level > 0.42, level < -0.75], ["NTS", "LUC", "HNK"], "CLN")[field]
    land[(densities == Density.RURAL) & ~field & (chance < 0.3)] = "CLN"
    land[(densities == Density.RURAL) & (areas < 110) & (blocks % 100_000 >= 1000)] = "NTD"
    land[densities == Density.INDUSTRIAL] = "SKK"
    return land


def land_types(parcels: Parcels) -> list[str]:
    """The land types of each parcel as a JSON list; their areas sum to the area of the map (in tenths of a metre)."""
    tenths = np.round(parcels.areas_m2 * 10).astype(np.int64)
    home = np.minimum(tenths, int(RESIDENTIAL_M2 * 10))
    texts = []
    for row, (land, total) in enumerate(zip(parcels.land.tolist(), tenths.tolist(), strict=True)):
        parts = [(land, total)]
        if land in ("ODT", "ONT") and total > home[row] + 300:
            garden = total - int(home[row])
            parts = [(land, int(home[row])), ("CLN", garden)]
            if row % 11 == 0 and garden > 2000:
                parts = [(land, int(home[row])), ("CLN", garden - garden // 4), ("NTS", garden // 4)]
        elif land == "CLN" and total > 20_000 and row % 7 == 0:
            parts = [("CLN", total - 3000), ("ONT", 3000)]
        texts.append("[" + ", ".join(map(_entry, parts)) + "]")
    return texts


def _entry(part: tuple[str, int]) -> str:
    land, tenths = part
    term = "Lâu dài" if land in ("ODT", "ONT", "NTD") else "50 năm"
    return f'{{"ma_loai_dat": "{land}", "dien_tich": {tenths // 10}.{tenths % 10}, "thoi_han": "{term}"}}'


def columns(parcels: Parcels, seed: int) -> dict[str, Column]:
    """All columns of the parcel layer."""
    count = len(parcels.shapes)
    random = stream(seed, "people", parcels.commune.code)
    family, middle = random.integers(0, len(FAMILIES), count), random.integers(0, len(MIDDLES), count)
    people = random.permutation(count) + 1
    names = [
        f"{FAMILIES[f]} {MIDDLES[m]} Mẫu {number:05d} (dữ liệu giả)"
        for f, m, number in zip(family.tolist(), middle.tolist(), people.tolist(), strict=True)
    ]
    place = f"{parcels.commune.kind} {parcels.commune.name}"
    quarter = (parcels.sheets % 9 + 1).tolist()
    serial = random.integers(100_000, 999_999, count).tolist()
    has_paper = (~np.isnan(parcels.certificate_m2)).tolist()
    is_company = parcels.densities == Density.INDUSTRIAL
    return {
        "ma_xa": [parcels.commune.code] * count, "so_to": parcels.sheets.astype(str),
        "so_thua": parcels.numbers.astype(str), "ma_dinh_danh": parcels.codes, "so_to_cu": parcels.old_sheets,
        "so_thua_cu": parcels.old_numbers, "dien_tich": parcels.areas_m2, "dien_tich_phap_ly": parcels.certificate_m2,
        "ma_loai_dat": parcels.land, "muc_dich_su_dung": land_types(parcels), "ty_le": SCALES[parcels.densities],
        "chat_luong": np.where(random.random(count) < 0.35, "dung_du_sach_song", "can_ra_soat"),
        "dia_chi": [f"Khu phố {number}, {place} (dữ liệu giả)" for number in quarter],
        "loai_doi_tuong": np.where(is_company, "TKT", "GDC"), "ten_chu": names,
        "so_phat_hanh_gcn": [f"GIA {s:06d}" if p else None for s, p in zip(serial, has_paper, strict=True)],
    }  # fmt: skip
