"""`lienthong layer list|show|history|diff`: where layers stand and what they were, for the operator or one identity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import typer

from layers.publishing import revisions
from layers.publishing.publication import target_of
from layers.publishing.raster_difference import RasterDifference
from layers.publishing.revisions import RevisionDifference
from layers.sharing.known_layers import KnownLayer, known_layer, known_layers, require_managed
from layers.sharing.proposal import day_of
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from layers.store.standing import count_rows, latest_release, read_layers

from .context import principal_named, print_json
from .layer_asked import AsJson, Identity, LayerOption, Words, on_database, words_of
from .layer_report import show_facts, show_table


def list_layers(identity: Identity = None, as_json: AsJson = False) -> None:
    """Các lớp và trạng thái · all layers and where they stand."""

    async def body(opened: Database, catalogue: Catalogue) -> list[dict[str, Any]]:
        known = known_layers(catalogue, principal_named(identity, catalogue), day_of(None))
        async with opened.connection() as connection:
            stored = {found["id"]: found for found in await read_layers(connection)}
        return [_listed(one, stored[name]) for name, one in known.items()]

    found = on_database(body, as_json=as_json)
    if as_json:
        print_json({"layers": found})
        return
    headings = ("Mã · id", "Tên · title", "Trạng thái · state", "Phiên bản · revision", "Công bố · release")
    lines = [(each["id"], each["title"]["vi"], each["state"], each["revision"], each["release"]) for each in found]
    show_table("Lớp dữ liệu · layers", headings, lines)


def _listed(known: KnownLayer, stored: Mapping[str, Any]) -> dict[str, Any]:
    definition, told = known.state.definition, known.listed(stored)
    return {
        "id": definition.id, "title": {"vi": definition.title.vi, "en": definition.title.en},
        "sector": definition.sector, "sharing": definition.sharing, "geometry": definition.geometry,
        "state": told["state"], "reason": told["state_reason"], "revision": told["revision"],
        "release": told["release"], "changed": told["changed"].isoformat() if told["changed"] else None,
    }  # fmt: skip


def show(words: Words = None, layer: LayerOption = None, identity: Identity = None, as_json: AsJson = False) -> None:
    """Một lớp: định nghĩa, trạng thái, bản công bố mới nhất · one layer."""
    (layer_id,) = words_of(words, layer, 0, "show LAYER")

    async def body(opened: Database, catalogue: Catalogue) -> dict[str, Any]:
        known = known_layer(catalogue, principal_named(identity, catalogue), layer_id, day_of(None))
        async with opened.connection() as connection:
            stored = {found["id"]: found for found in await read_layers(connection)}[layer_id]
            release = known.newest(await latest_release(connection, layer_id))
            count = await count_rows(connection, target_of(catalogue, layer_id)) if known.is_managed else None
        return {**_listed(known, stored), "features": count, "newest": release, "definition": known.definition()}

    found = on_database(body, as_json=as_json)
    if as_json:
        print_json(found)
        return
    newest = found.pop("newest") or {}
    found.pop("definition")
    show_facts(
        {**found, "title": found["title"]["vi"], "source": newest.get("source_name"), "note": newest.get("note")}
    )


def history(words: Words = None, layer: LayerOption = None, identity: Identity = None, as_json: AsJson = False) -> None:
    """Mọi phiên bản của một lớp, mới nhất trước · all revisions, newest first."""
    (layer_id,) = words_of(words, layer, 0, "history LAYER")

    async def body(opened: Database, catalogue: Catalogue) -> list[dict[str, Any]]:
        require_managed(catalogue, principal_named(identity, catalogue), layer_id, day_of(None))
        return await revisions.history(opened, catalogue, layer_id)

    found = on_database(body, as_json=as_json)
    if as_json:
        print_json({"layer": layer_id, "revisions": found})
        return
    headings = (
        "Phiên bản",
        "Loại · kind",
        "Lúc · at",
        "+",
        "~",
        "−",
        "Công bố · release",
        "Nguồn · source",
        "Lý do · reason",
    )
    lines = [
        (
            each["revision"], each["kind"], each["created"].strftime("%d/%m/%Y %H:%M"), each["added"], each["changed"],
            each["removed"], each["release"], each["source_name"], each["reason"] or each["note"],
        )
        for each in found
    ]  # fmt: skip
    show_table(layer_id, headings, lines)


def diff(words: Words = None, layer: LayerOption = None, identity: Identity = None, as_json: AsJson = False) -> None:
    """So sánh hai phiên bản: LAYER A..B · compare two revisions."""
    layer_id, span = words_of(words, layer, 1, "diff LAYER A..B")
    parsed = re.fullmatch(r"(\d+)\.\.(\d+)", span)
    if parsed is None:
        raise typer.BadParameter("A..B, ví dụ/for instance 3..5")
    first, second = int(parsed[1]), int(parsed[2])

    async def body(opened: Database, catalogue: Catalogue) -> RevisionDifference | RasterDifference:
        require_managed(catalogue, principal_named(identity, catalogue), layer_id, day_of(None))
        return await revisions.compare(opened, catalogue, layer_id, first, second)

    found = on_database(body, as_json=as_json).as_dict()
    if as_json:
        print_json(found)
        return
    counts, keys = cast("dict[str, Any]", found["diff"]), cast("dict[str, list[str]]", found["keys"])
    classes = counts.pop("classes", [])  # of rasters: m² before and after
    lines = [(name, counts[name], ", ".join(keys.get(name, ())[:20])) for name in counts]
    lines += [(f"class {one['class']} (m²)", f"{one['before_m2']} → {one['after_m2']}", "") for one in classes]
    show_table(f"{layer_id} {first}..{second}", ("", "Số · count", "Khóa · keys"), lines)
