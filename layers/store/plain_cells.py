"""Rows whose cells are JSON as they stand: no text needs an escape, every number is finite.

PostgreSQL's `row_to_json` looks up the type of every cell and goes through every letter: two thirds of the work on a
page of parcels. What a row's cells are is known when it is written, and stands in its column `is_plain`; all that is
not known to be plain is left to `row_to_json`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from layers.profile.grammar import LayerDefinition

PLAIN = "is_plain"
TEXTS = frozenset({"string", "code"})
#: what RFC 8259 section 7 wants escaped in a string
_ESCAPED = r'["\\\x00-\x1f]'


def are_plain(definition: LayerDefinition, columns: pa.Table) -> pa.Array:
    """bool[n] of the attributes' columns as they are stored; migration 0008 says the same in SQL."""
    plain = pa.repeat(pa.scalar(True), columns.num_rows)
    for attribute in definition.attributes:
        cells = columns[attribute.name].combine_chunks()
        if attribute.type in TEXTS:
            fits = pc.invert(pc.match_substring_regex(cells, _ESCAPED))
        elif attribute.type == "number":
            fits = pc.is_finite(cells)
        else:
            continue
        plain = pc.and_(plain, pc.fill_null(fits, fill_value=True))
    return plain
