"""Named SQL: a query with a fixed text is a block in `sql/*.sql`, found by file and name.

A block begins with a line `-- name --`; the comment lines under it say what it does. Parameters are `%(name)s`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import LiteralString, cast

_HEADER = re.compile(r"^-- ([a-z_0-9]+) --\s*$", re.MULTILINE)


@cache
def blocks(file: str) -> Mapping[str, LiteralString]:
    """The blocks of `sql/<file>.sql` by name."""
    text = (Path(__file__).parent / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)
    found = dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
    # the text comes from our own file, never from a request
    return MappingProxyType(cast("dict[str, LiteralString]", found))
