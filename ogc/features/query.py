"""The query of `items` and `item`: text in, one checked value out. What cannot be used is 400 and named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from layers.access.decide import Decision, queryables, sortables
from layers.filters import Expression
from layers.filters.tree import And
from layers.profile.grammar import LayerDefinition
from layers.profile.profile import Profile
from layers.store.features import ItemsQuery
from layers.store.sorting import Sort, not_sortable
from ogc.common.crs_names import CRS84, known, named
from ogc.common.parameters import Parameters, boolean, whole_number

from . import boxes, filtering, paging, shapes, times
from .boxes import Area
from .paging import DEFAULT_LIMIT, MAX_LIMIT, Edge
from .shapes import Shapes

OF_ITEM = (*shapes.PARAMETERS, "properties", "skipGeometry", times.AS_OF)
PARAMETERS = (
    *paging.PARAMETERS, "bbox", "bbox-crs", "datetime", *filtering.PARAMETERS, *OF_ITEM,
)  # fmt: skip


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
        *filtering.conditions(parameters, definition, decision, names, profile),
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


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text else ()  # an empty list is one (Common 1)
    if not all(names):
        raise ValueError("cần tên cột, cách nhau bằng dấu phẩy", "names of columns, separated by commas")
    return names
