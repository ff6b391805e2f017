"""What the routes of the standards hand to `ogc.web.pages.render(request, template, **context)`.

`document` is always the very dictionary that the JSON answer holds (links included), so that a page can never say more
than the interface does. Layers and columns in it are already those of the caller.

`render` adds the principal, language and texts itself. Every template below is asked for by a route and must exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from layers.profile.grammar import LayerDefinition
from layers.store.catalogue import Catalogue


class PageContext(TypedDict):
    """landing.html (/), conformance.html (/conformance), collections.html (/collections),
    tile_matrix_sets.html (/tileMatrixSets), api.html (/api; `document` is the OpenAPI document)."""

    document: Mapping[str, Any]
    catalogue: Catalogue  #: titles of sectors, code lists


class CollectionContext(PageContext):
    """collection.html (/collections/{id}), schema.html (…/schema and …/queryables), tilesets.html (…/tiles),
    items.html (…/items, `document` is the FeatureCollection), item.html (…/items/{fid}, `document` is the Feature)."""

    definition: LayerDefinition


class ProblemContext(TypedDict):
    """problem.html: an error shown to a person. `document` is the problem+json body (status, title, code, detail,
    detail_vi, detail_en, errors…); render takes `status_code=` besides. It must not need a catalogue."""

    document: Mapping[str, Any]
