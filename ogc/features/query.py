"""The query of `items` and `item`: text in, one checked value out. What cannot be used is 400 and named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from layers.access.decide import Decision, queryables, sortables
from layers.filters import Comparison, Expression, Property, load_json, parse_json, parse_text, typed
from layers.filters.tree import And
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from layers.store.features import ItemsQuery
from layers.store.sorting import Sort, not_sortable
from ogc.common.crs_names import CRS84, known, named
from ogc.common.parameters import Parameters, boolean, one_of, whole_number

from . import boxes, paging, shapes, times
from .boxes import Area
from .paging import DEFAULT_LIMIT, MAX_LIMIT, Edge
from .shapes import Shapes

OF_ITEM = (*shapes.PARAMETERS, "properties", "skipGeometry", times.AS_OF)
PARAMETERS = (
    *paging.PARAMETERS, "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs", *OF_ITEM,
)  # fmt: skip
CRS84_NAMES = ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "[OGC:CRS84]")


@dataclass(frozen=True, slots=True)
class Query:
    """A checked request. `filter` holds all conditions, but for a box in CRS84."""

    limit: int
    area: Area
    filter: Expression | None
    properties: tuple[str, ...] | None
    skip_geometry: bool
    shapes: Shapes
    as_of: datetime | None
    edge: Edge | None = None
    sort: Sort | None = None

    def asked(self, revision: int | None) -> ItemsQuery:
        """The question for the store."""
        return ItemsQuery(
            bbox=self.area.box,
            filter=self.filter,
            limit=self.limit,
            after=self.edge.cursor.fid if self.edge else None,
            is_backward=self.edge is not None and self.edge.parameter == "before",
            properties=self.properties,
            revision=revision,
            has_geometry=not self.skip_geometry,
            sort=self.sort,
            after_value=self.edge.value if self.edge else None,
            form=self.shapes.form,
            tolerance=self.shapes.tolerance,
        )

    def for_page(self, limit: int, profile: Profile) -> Query:
        """The same for a page of a person: its map is in CRS84."""
        return replace(self, limit=min(self.limit, limit), shapes=shapes.default_shapes(profile))


def read_query(parameters: Parameters, definition: LayerDefinition, decision: Decision, profile: Profile) -> Query:
    """Raises InvalidRequestError naming whatever cannot be used."""
    names = queryables(definition, decision)
    area = _area(parameters, profile)
    is_boxed = decision.has_geometry  # without shapes all match (fc-bbox-response C)
    conditions = [
        *_equalities(parameters, names),
        *_filter(parameters),
        *times.in_force(parameters, definition, names),
        *([area.condition] if area.condition is not None and is_boxed else []),
    ]
    sort = parameters.parsed("sortby", paging.order)
    if sort is not None and sort.name not in sortables(definition, decision):
        raise not_sortable(sort.name)
    return replace(
        read_item_query(parameters, decision, profile),
        limit=min(parameters.parsed("limit", whole_number(1)) or DEFAULT_LIMIT, MAX_LIMIT),
        area=area if is_boxed else Area(),
        filter=_all(conditions),
        edge=paging.edge(parameters, sort, decision, names),
        sort=sort,
    )


def read_item_query(parameters: Parameters, decision: Decision, profile: Profile) -> Query:
    """What may be asked of one feature, and of many."""
    return Query(
        limit=1,
        area=Area(),
        filter=None,
        properties=parameters.parsed("properties", _names),
        skip_geometry=parameters.parsed("skipGeometry", boolean) or False,
        shapes=shapes.shapes(parameters, profile),
        as_of=times.as_of(parameters, decision),
    )


def _area(parameters: Parameters, profile: Profile) -> Area:
    crs = parameters.parsed("bbox-crs", lambda text: named(text, profile)) or known(profile)[CRS84]
    corners = parameters.parsed("bbox", boxes.numbers)
    return Area() if corners is None else boxes.area(corners, crs, profile)


def _all(conditions: list[Expression]) -> Expression | None:
    if len(conditions) > 1:
        return And(tuple(conditions))
    return conditions[0] if conditions else None


def _equalities(parameters: Parameters, names: dict[str, str]) -> list[Expression]:
    """`?attribute=value` (Features 3, queryables as query parameters)."""
    simple = {name for name, of in names.items() if of != "geometry"}
    given = parameters.others(simple)
    return [Comparison("=", Property(name), typed(value, name, names)) for name, value in given.items()]


def _filter(parameters: Parameters) -> list[Expression]:
    """The filter as it was written; names and types are checked where it is compiled."""
    language = parameters.parsed("filter-lang", one_of("cql2-text", "cql2-json")) or "cql2-text"
    parameters.parsed("filter-crs", one_of(*CRS84_NAMES))
    text = parameters.get("filter")
    if text is None:
        return []
    return [parse_json(load_json(text)) if language == "cql2-json" else parse_text(text)]


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise ValueError("cần tên cột, cách nhau bằng dấu phẩy", "names of columns, separated by commas")
    return names
