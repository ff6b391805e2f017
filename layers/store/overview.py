"""The state of every layer at a glance: its release and where it is declared to be complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .connection import Connection, rows
from .statements import blocks


@dataclass(frozen=True, slots=True)
class Overview:
    """One layer. `mapped`: everywhere, area (with the communes, where they were named) or nowhere."""

    release: int | None = None
    note: str = ""
    published: datetime | None = None
    content_date: datetime | None = None  #: its oldest content was published then
    mapped: str = "nowhere"
    communes: tuple[str, ...] = ()
    has_refused: bool = False


NOTHING = Overview()


async def overviews(connection: Connection) -> Mapping[str, Overview]:
    """By layer id; a layer that was never published is not in it."""
    areas = {each["layer"]: each for each in await rows(connection, blocks("overview")["mapped"])}
    found: dict[str, Overview] = {}
    for each in await rows(connection, blocks("overview")["releases"]):
        area = areas.get(each["layer"])
        found[each["layer"]] = Overview(
            release=each["release"],
            note=each["note"],
            published=each["created"],
            content_date=each["content_date"],
            mapped="nowhere" if area is None else "everywhere" if area["everywhere"] else "area",
            communes=tuple(area["communes"]) if area else (),
            has_refused=bool(area and area["refused"]),
        )
    return found
