"""One grant as fields of a form and back: what the grammar says in keys, a person fills in by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import yaml
from starlette.datastructures import FormData

from layers.access.grammar import Action, Grant
from layers.errors import FieldError
from layers.profile.grammar import LayerDefinition, Tag
from layers.profile.source import read_text

ACTIONS: tuple[str, ...] = get_args(Action)
#: what an owner may give: the right to publish is the operator's to give
GIVEN = tuple(action for action in ACTIONS if action != "publish")
TAGS: tuple[str, ...] = get_args(Tag)
KINDS = ("role", "office", "identity", "anyone")
#: fields of the form, in the order in which errors are told
FIELDS = (
    "id", "to", "layer", "actions", "purpose", "rows", "edge", "columns", "geometry", "valid", "agreement", "rate",
    "expect",
)  # fmt: skip


def fields_of(grant: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields for a grant in the keys of the grammar."""
    to, geometry, purpose = grant.get("to") or {}, grant.get("geometry", "full"), grant.get("purpose", "any")
    kind = next((kind for kind in KINDS if to.get(kind)), "role")
    columns, valid = grant.get("columns") or {}, grant.get("valid") or {}
    return {
        "id": grant.get("id", ""), "kind": kind, "whom": "" if kind == "anyone" else to.get(kind, ""),
        "layer": grant.get("layer", ""), "actions": tuple(grant.get("actions", ())),
        "purpose": purpose if isinstance(purpose, str) else ", ".join(purpose),
        "rows": grant.get("rows") or "", "edge": grant.get("edge", "intersect"),
        "tags": tuple(columns.get("tags", ())), "names": tuple(columns.get("names", ())),
        "geometry": f"{geometry['precision_m']:g}" if isinstance(geometry, Mapping) else geometry,
        "from": valid.get("from") or "", "until": valid.get("until") or "",
        "agreement": grant.get("agreement") or "", "rate": grant.get("rate") or "",
        "expect": _yaml(grant["expect"]) if grant.get("expect") else "",
    }  # fmt: skip


def grant_of(form: FormData) -> dict[str, Any]:
    """A submitted form in the keys of the grammar; what it says is judged by the grammar, not here."""
    kind = _text(form, "kind")
    plain: dict[str, Any] = {
        "id": _text(form, "id"),
        "to": {"anyone": True} if kind == "anyone" else {kind or "role": _text(form, "whom")},
        "layer": _text(form, "layer"),
        "actions": [str(action) for action in form.getlist("actions")],
        "purpose": _purposes(_text(form, "purpose")),
        "rows": _text(form, "rows") or None,
        "edge": _text(form, "edge") or "intersect",
        "columns": {"tags": _texts(form, "tags"), "names": _texts(form, "names")},
        "geometry": _geometry(_text(form, "geometry")),
        "valid": {"from": _text(form, "from") or None, "until": _text(form, "until") or None},
        "agreement": _text(form, "agreement") or None,
        "rate": _text(form, "rate") or None,
    }
    expected = _text(form, "expect")
    return plain | ({"expect": _parsed(expected)} if expected else {})


def _text(form: FormData, name: str) -> str:
    return str(form.get(name) or "").strip()


def _texts(form: FormData, name: str) -> list[str]:
    return [str(value) for value in form.getlist(name)]


def _purposes(text: str) -> str | list[str]:
    found = [part.strip() for part in text.split(",") if part.strip()]
    return found[0] if len(found) == 1 else found or "any"


def _geometry(text: str) -> object:
    try:
        return {"precision_m": float(text)}
    except ValueError:
        return text or "full"


def _parsed(text: str) -> object:
    source = read_text("expect", text)
    return text if source.errors else source.value  # no list: the grammar says so beside the field


def as_yaml(grant: Grant | Mapping[str, Any]) -> str:
    """A grant as a file would have it, defaults left out."""
    plain = grant.model_dump(mode="json", by_alias=True, exclude_defaults=True) if isinstance(grant, Grant) else grant
    return _yaml([plain])


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100)


def levels(definition: LayerDefinition) -> tuple[str, ...]:
    """The levels of geometry a grant on this layer may choose."""
    if not definition.has_geometry:
        return ("none",)
    return ("full", *(f"{each:g}" for each in definition.precisions_m), "centroid", "none")


def errors_by_field(errors: Iterable[FieldError], language: str) -> dict[str, list[str]]:
    """Messages by field of the form; what belongs to none is under ''."""
    found: dict[str, list[str]] = {}
    for error in errors:
        named = error.field.split(".", 1)[-1].split(".")[0].split("[")[0]
        found.setdefault(named if named in FIELDS else "", []).append(error.message.in_language(language))
    return found
