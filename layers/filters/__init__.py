"""CQL2: text and JSON to a checked tree, evaluated here or compiled to SQL by the store. Pure."""

from .check import check, typed
from .cost import require_cheap
from .evaluate import evaluate
from .parse import parse_json
from .shapes import CRS84, WrittenIn
from .text import bind, bind_claims, load_json, parse_bound, parse_text, references
from .tree import GEOMETRY, Comparison, Expression, Property, Search, conjuncts, property_names
from .write import to_text
from .write_json import to_json

__all__ = [
    "CRS84", "GEOMETRY", "Comparison", "Expression", "Property", "Search", "WrittenIn", "bind", "bind_claims", "check",
    "conjuncts", "evaluate", "load_json", "parse_bound", "parse_json", "parse_text", "property_names", "references",
    "require_cheap", "to_json", "to_text", "typed",
]  # fmt: skip
