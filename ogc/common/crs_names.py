"""Names of coordinate systems at the outer edge: URI, CURIE or URN to SRID and axis order (Features 2, filter-crs).

What is not among a profile's systems is no name: a caller can neither ask for nor send what PostGIS or the named
operation would have to guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from gis.crs import crs_named, sisters_of
from layers.profile.profile import Profile

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
WGS84_SRID = 4326

_URI = re.compile(r"https?://www\.opengis\.net/def/crs/(?P<authority>OGC|EPSG)/(?P<version>[^/]*)/(?P<code>\w+)")
_CURIE = re.compile(r"\[?(?P<authority>OGC|EPSG):(?P<code>\w+)\]?")
_URN = re.compile(r"urn:ogc:def:crs:(?P<authority>OGC|EPSG):(?P<version>[\d.]*):(?P<code>\w+)")


@dataclass(frozen=True, slots=True)
class Crs:
    """A coordinate system as it is told outside; inside coordinates are always x, y."""

    srid: int
    uri: str
    is_latitude_first: bool

    @property
    def name(self) -> str:
        """For PROJ: 'EPSG:9210'."""
        return f"EPSG:{self.srid}"


def epsg_uri(srid: int) -> str:
    return f"http://www.opengis.net/def/crs/EPSG/0/{srid}"


def known(profile: Profile) -> Mapping[str, Crs]:
    """URI → system, as they are told: CRS84 first, then WGS 84, Web Mercator, storage, zones and their family."""
    crs = profile.header.crs
    return _known(crs.storage, tuple(zone.crs for zone in crs.zones))


def storage(profile: Profile) -> Crs:
    """The system the layers are stored in."""
    return known(profile)[epsg_uri(_number(profile.header.crs.storage))]


def named(text: str, profile: Profile) -> Crs:
    """The system of a URI, a (safe) CURIE or a URN. ValueError(vi, en) for what this service does not have."""
    systems = known(profile)
    uri = _uri_of(text)
    if uri is None or uri not in systems:
        listed = ", ".join(["OGC:CRS84", *(crs.name for crs in systems.values() if crs.uri != CRS84)])
        raise ValueError(f"hệ tọa độ không có ở đây; dùng được: {listed}", f"not a system of this service: {listed}")
    return systems[uri]


def _uri_of(text: str) -> str | None:
    for form in (_URI, _CURIE, _URN):
        if found := form.fullmatch(text.strip()):
            if found["authority"] == "OGC":
                return CRS84 if found["code"] == "CRS84" else None
            return epsg_uri(int(found["code"])) if re.fullmatch(r"[1-9][0-9]{0,8}", found["code"]) else None
    return None


@lru_cache(maxsize=16)
def _known(stored: str, zones: tuple[str, ...]) -> Mapping[str, Crs]:
    names = dict.fromkeys(("EPSG:4326", "EPSG:3857", stored, *zones, *sisters_of(stored)))
    found = [Crs(WGS84_SRID, CRS84, is_latitude_first=False), *map(_of, names)]
    return MappingProxyType({crs.uri: crs for crs in found})


def _of(name: str) -> Crs:
    first = crs_named(name).axis_info[0].direction
    return Crs(_number(name), epsg_uri(_number(name)), is_latitude_first=first in ("north", "south"))


def _number(name: str) -> int:
    return int(name.removeprefix("EPSG:"))
