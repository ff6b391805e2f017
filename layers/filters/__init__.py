"""CQL2: text and JSON to a checked tree, evaluated here or compiled to SQL by the store. Pure."""

from .check import check, typed
from .evaluate import evaluate
from .parse import parse_json
from .text import bind, bind_claims, load_json, parse_bound, parse_text, references
from .tree import GEOMETRY, Comparison, Expression, Property, conjuncts, property_names
from .write import to_text

__all__ = [
    "GEOMETRY", "Comparison", "Expression", "Property", "bind", "bind_claims", "check", "conjuncts", "evaluate",
    "load_json", "parse_bound", "parse_json", "parse_text", "property_names", "references", "to_text", "typed",
]  # fmt: skip
