"""What an officer may say about a file and a publication (contracts 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file."""

    source_layer: str | None = None
    crs: str | None = None
    swap_axes: bool = False
    column_map: Mapping[str, str] = field(default_factory=dict)  #: attribute → column of the file


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How to publish what was read."""

    read: ReadOptions = ReadOptions()
    scope: str | None = None  #: 'commune=25747,…' or CQL2
    base: int | None = None  #: the revision the file was made from; None: the current, but for edited rows
    allow_removals: bool = False
    take: Literal["file", "current"] | None = None
    complete_for: str | None = None  #: all, codes joined by commas, or a file of polygons
    note: str = ""
    dry_run: bool = False
