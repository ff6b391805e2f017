"""JSON Schemas of a profile's files, for editors that complete and check YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from layers.access.grammar import Grant

from .grammar import CodeList, Holidays, Identity, LayerDefinition, ProfileHeader
from .plot_rules import PlotRules
from .procedures import ProcedureDefinition

#: file name of the schema → the grammar of which files it describes
GRAMMARS: Mapping[str, TypeAdapter[object]] = {
    "profile": TypeAdapter(ProfileHeader),
    "layer": TypeAdapter(LayerDefinition),
    "procedure": TypeAdapter(ProcedureDefinition),
    "codes": TypeAdapter(CodeList),
    "grants": TypeAdapter(tuple[Grant, ...]),
    "identities": TypeAdapter(tuple[Identity, ...]),
    "holidays": TypeAdapter(Holidays),
    "plot_rules": TypeAdapter(PlotRules),
}


def schemas() -> dict[str, dict[str, object]]:
    """JSON Schema 2020-12 by file name without its suffix."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: {**dialect, **grammar.json_schema(by_alias=True)} for name, grammar in GRAMMARS.items()}


def export(folder: Path) -> tuple[Path, ...]:
    """Write `<name>.schema.json` for every kind of file; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas().items():
        path = folder / f"{name}.schema.json"
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        written.append(path)
    return tuple(written)
