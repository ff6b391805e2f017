"""Features as tables and small maps show them, and the lists of the forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from layers.profile.grammar import Attribute, CodeEntry, Commune, LayerDefinition
from layers.store.catalogue import Catalogue

from . import formats

_YES_NO = {"vi": ("Không", "Có"), "en": ("No", "Yes")}
#: more shapes than this on one small map say nothing
MOST_DRAWN = 500


def label_of(definition: LayerDefinition, feature: Mapping[str, Any]) -> str | None:
    """The definition's label filled in; None where a column of it is hidden or empty."""
    properties = feature.get("properties") or {}
    known = {name: value for name, value in properties.items() if value is not None}
    if definition.label:
        try:
            return definition.label.format_map(known)
        except (KeyError, IndexError, ValueError):
            pass
    key = [known.get(name) for name in definition.key_columns]
    return ".".join(map(str, key)) if key and None not in key else None


def shown_columns(document: Mapping[str, Any]) -> frozenset[str]:
    """The columns that at least one feature of a page shows."""
    return frozenset(name for feature in document["features"] for name in feature["properties"])


def small_features(document: Mapping[str, Any]) -> dict[str, Any]:
    """Only ids and shapes, for the small map beside a table; the table has the rest."""
    features = document["features"] if document.get("type") == "FeatureCollection" else [document]
    drawn = [feature for feature in features if feature.get("geometry")][:MOST_DRAWN]
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": feature["id"], "properties": {}, "geometry": feature["geometry"]}
            for feature in drawn
        ],
    }


def bounds_of(collection: Mapping[str, Any]) -> list[float] | None:
    """The box of a collection in CRS84, where it has one."""
    boxes = collection.get("extent", {}).get("spatial", {}).get("bbox") or [None]
    return list(boxes[0]) if boxes[0] else None


def code_title(catalogue: Catalogue, column: Attribute, code: str) -> str | Any:
    """'ODT · Đất ở tại đô thị' as a bilingual title; the bare code where the list does not know it."""
    entry = next((entry for entry in code_entries(catalogue, column.codes, every=True) if entry.code == code), None)
    if entry is None:
        return code
    return {"vi": f"{code} · {entry.title.vi}", "en": f"{code} · {entry.title.en}"}


def code_entries(catalogue: Catalogue, codes: str | None, *, every: bool = False) -> Sequence[CodeEntry]:
    """The codes of a list that are valid on a single feature; totals only with `every`."""
    found = catalogue.profile.code_list(codes) if codes else None
    return [entry for entry in found.entries if every or not entry.total] if found else []


def communes_by_generation(communes: Iterable[Commune]) -> list[tuple[int, list[Commune]]]:
    """The newest generation first, names in alphabetical order of their letters."""
    listed = list(communes)
    generations = sorted({commune.generation for commune in listed}, reverse=True)
    return [(year, sorted((c for c in listed if c.generation == year), key=_sortable)) for year in generations]


def _sortable(commune: Commune) -> tuple[list[int], str]:
    return [_ALPHABET.find(letter) for letter in commune.name.lower()], commune.code


#: the Vietnamese alphabet with each vowel's marks in dictionary order
_ALPHABET = " aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệfghiìỉĩíịjklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvwxyỳỷỹýỵz0123456789"


def told(catalogue: Catalogue, column: Attribute, value: object, language: str) -> str:
    """A value of a column in words: codes with their titles, numbers with their unit, entries of a list one by one."""
    if value is None:
        return formats.NONE
    if isinstance(value, bool):
        return _YES_NO[language][value]
    if isinstance(value, list):
        return " · ".join(_entry_told(catalogue, column, entry, language) for entry in value) or formats.NONE
    if isinstance(value, int | float) and column.type in ("number", "integer"):
        unit = {"m2": "m²", "m3": "m³"}.get(column.unit or "", column.unit or "")
        digits = 0 if column.type == "integer" else 3
        plain = str(value) if column.type == "integer" and not unit else formats.number(value, language, digits)
        return f"{plain}{formats.NO_BREAK}{unit}" if unit else plain
    return _text_told(catalogue, column, str(value), language)


def _text_told(catalogue: Catalogue, column: Attribute, value: str, language: str) -> str:
    if column.codes:
        title = code_title(catalogue, column, value)
        return str(title[language]) if isinstance(title, dict) else str(title)
    if column.type == "date":
        return formats.day(value)
    return formats.moment(value) if column.type == "datetime" else value


def _entry_told(catalogue: Catalogue, column: Attribute, entry: object, language: str) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    parts = {part.name: part for part in column.items}
    said = [
        f"{(part.title and getattr(part.title, language)) or name}: {told(catalogue, part, entry[name], language)}"
        for name, part in parts.items()
        if entry.get(name) is not None
    ]
    return "; ".join(said)
