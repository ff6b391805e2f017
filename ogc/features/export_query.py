"""The query of `items` as an export reads it: the same conditions, the system of the format, no pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from layers.exporting.formats import FORMATS, Format
from layers.exporting.layout import layout_of
from layers.store.connection import Database
from layers.store.exporting import Extract
from layers.store.revisions import revision_known
from ogc.common.crs_names import CRS84, WGS84_SRID, Crs, storage
from ogc.common.negotiation import NotAcceptableError
from ogc.common.parameters import Parameters, invalid_value, unknown
from ogc.common.relation import Relation

from .query import Query, read_query

#: of pages: an export is whole
_OF_PAGES = ("after", "before")


@dataclass(frozen=True, slots=True)
class Asked:
    """One checked request; `crs` is what the shapes will be in."""

    kind: Format
    relation: Relation
    query: Query
    crs: Crs
    is_limited: bool

    @property
    def has_shapes(self) -> bool:
        return self.relation.decision.has_geometry and not self.query.skip_geometry

    @property
    def lacks_some_shapes(self) -> bool:
        """By the policy: some rows may be shown without a shape."""
        return any(box.geometry.kind == "none" for box in self.relation.decision.boxes)

    @property
    def file_name(self) -> str:
        """The layer, its revision where that may be told."""
        state = self.relation.state
        mark = f"-r{state.revision}" if self.relation.tells_activity and self.query.as_of is None else ""
        return f"{state.definition.id}{mark}.{self.kind.suffix}"

    def extract(self, revision: int, language: str) -> Extract:
        catalogue, decision = self.relation.catalogue, self.relation.decision
        layout = layout_of(
            self.relation.state.definition, decision, catalogue.profile, language,
            crs="OGC:CRS84" if self.crs.uri == CRS84 else self.crs.name, properties=self.query.properties,
            has_geometry=self.has_shapes, has_points_only=self.kind.has_points_only,
        )  # fmt: skip
        return Extract(
            self.relation.state, catalogue.storage_srid, decision, self.relation.role_class,
            self.query.asked(revision), revision, layout, self.crs.srid, self.is_limited, self.kind.is_along_curve,
        )  # fmt: skip


def asked_of(kind: Format, parameters: Parameters, relation: Relation) -> Asked:
    """Raises InvalidRequestError naming whatever cannot be used."""
    for name in _OF_PAGES:
        if name in parameters:
            raise unknown(name)
    profile, definition = relation.catalogue.profile, relation.state.definition
    usual = CRS84 if kind.crs == "CRS84" else storage(profile).uri
    query = read_query(parameters.with_default("crs", usual), definition, relation.decision, profile)
    made = Asked(kind, relation, query, query.shapes.crs, "limit" in parameters)
    if kind.needs_metres and made.has_shapes and made.crs.srid == WGS84_SRID:
        raise invalid_value("crs", "bản vẽ cần hệ tọa độ theo mét", "a drawing needs a system in metres")
    return made


async def revision_of(database: Database, asked: Asked, now: datetime) -> int:
    """The one revision that is exported."""
    relation = asked.relation
    if asked.query.as_of is None:
        return relation.state.revision
    async with database.reading(relation.role_class) as connection:
        found = await revision_known(connection, relation.layer, asked.query.as_of, now)
    return relation.state.revision if found is None else found


def require_shapes(asked: Asked, *, is_named: bool) -> None:
    """400 where the format was named, 406 where it was found by Accept."""
    kind = asked.kind
    lacks_some = kind.needs_every_shape and asked.lacks_some_shapes
    if not lacks_some and (asked.has_shapes or not kind.needs_shapes):
        return
    if not is_named:
        raise NotAcceptableError({each.name: each.media_type for each in FORMATS.values() if not each.needs_shapes})
    if lacks_some:
        raise invalid_value(
            "f", f"{kind.title} cần hình của mọi đối tượng, mà có hình không được xem; hãy dùng gpkg",
            f"{kind.title} needs the shape of every feature, and not all are shown to you; use gpkg",
        )  # fmt: skip
    raise invalid_value(
        "f", f"{kind.title} cần hình học, mà ở đây không có", f"{kind.title} needs shapes, which there are none of here"
    )
