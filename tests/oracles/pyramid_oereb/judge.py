"""Judge restrictions with pyramid_oereb's own rule code, as a library: run by the interpreter of its environment.

Reads `{"min_area": m2, "min_length": m, "parcels": [wkb], "restrictions": [[wkb of a part, …]]}` and writes
`[[parcel, restriction, area_m2 | null, length_m | null, points | null], …]` for the pairs that pass, unrounded.
"""

import json
import sys
import warnings
from datetime import date
from types import SimpleNamespace

warnings.simplefilter("ignore")

from pyramid_oereb.core.records.geometry import GeometryRecord  # noqa: E402
from pyramid_oereb.core.records.law_status import LawStatusRecord  # noqa: E402
from pyramid_oereb.core.records.plr import PlrRecord  # noqa: E402
from pyramid_oereb.core.records.real_estate import RealEstateRecord  # noqa: E402
from pyramid_oereb.core.records.theme import ThemeRecord  # noqa: E402
from shapely import from_wkb  # noqa: E402

IN_FORCE = LawStatusRecord("inForce", {"de": "in Kraft"})
THEME = ThemeRecord("ch.Test", {"de": "Test"}, 1)
LEGEND = SimpleNamespace(legend_text={"de": "Test"})
LONG_AGO = date(2000, 1, 1)
GEOMETRY_TYPES = {
    "point": {"types": ["Point", "MultiPoint"]},
    "line": {"types": ["LineString", "LinearRing", "MultiLineString"]},
    "polygon": {"types": ["Polygon", "MultiPolygon"]},
}


def real_estate(limit):
    """A parcel. Areas are compared as they are measured: the register's area does not scale them."""
    record = RealEstateRecord("RealEstate", "SH", "Test", 2900, max(limit.area, 1), limit)
    record.areas_ratio = 1.0
    return record


def restriction(parts, min_area, min_length):
    geometries = [GeometryRecord(IN_FORCE, LONG_AGO, None, part) for part in parts]
    return PlrRecord(THEME, LEGEND, IN_FORCE, LONG_AGO, None, None, None, None, geometries,
                     min_area=min_area, min_length=min_length)  # fmt: skip


def total(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def judge(question):
    parcels = [real_estate(from_wkb(bytes.fromhex(wkb))) for wkb in question["parcels"]]
    shapes = [[from_wkb(bytes.fromhex(part)) for part in parts] for parts in question["restrictions"]]
    for place, parcel in enumerate(parcels):
        for number, parts in enumerate(shapes):
            if not any(part.intersects(parcel.limit) for part in parts):
                continue  # what its sources select before any rule is asked
            record = restriction(parts, question["min_area"], question["min_length"])
            if record.calculate(parcel, GEOMETRY_TYPES):
                found = record.geometries
                yield [place, number, total(g.area_share for g in found), total(g.length_share for g in found),
                       record.nr_of_points]  # fmt: skip


if __name__ == "__main__":
    json.dump(list(judge(json.load(sys.stdin))), sys.stdout)
