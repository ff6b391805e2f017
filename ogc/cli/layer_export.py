"""`lienthong layer export`: rows of a layer as a file of another program, put in place whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from layers.access.decide import decide
from layers.exporting.formats import FORMATS, Format, of_file
from layers.exporting.making import MadeFile, make_file
from layers.plain_text import require_line
from layers.publishing.source import digest_of
from layers.store import audit
from layers.store.catalogue import Catalogue, load_catalogue
from layers.store.connection import Database
from layers.store.exporting import batches, count_up_to
from ogc.common.relation import LOCAL_TIME, Relation

from .context import console, database, marked, output, principal_named, print_json, run


def export(  # noqa: PLR0913, PLR0917 - the options of contracts 2
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="mã lớp · layer id")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="tệp cần ghi · the file to write")],
    kind: Annotated[str | None, typer.Option("--format", help=", ".join(FORMATS))] = None,
    condition: Annotated[str | None, typer.Option("--filter", metavar="CQL2", help="điều kiện · condition")] = None,
    bbox: Annotated[str | None, typer.Option("--bbox", metavar="W,S,E,N", help="CRS84")] = None,
    when: Annotated[str | None, typer.Option("--datetime", help="hiệu lực · in force at or in")] = None,
    properties: Annotated[str | None, typer.Option("--properties", help="chỉ các cột này · only these")] = None,
    sortby: Annotated[str | None, typer.Option("--sortby", metavar="±COLUMN", help="thứ tự · order")] = None,
    crs: Annotated[str | None, typer.Option("--crs", metavar="EPSG:n", help="hệ tọa độ · system")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="dữ liệu đã biết đến · data known at")] = None,
    identity: Annotated[str | None, typer.Option("--as", help="đóng vai · act as this identity of the profile")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="mục đích sử dụng · purpose of use")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON trên stdout · JSON on stdout")] = False,
) -> None:
    """Xuất một lớp thành tệp · a layer as GeoPackage, GeoParquet, Shapefile, DXF, Excel, CSV, …"""
    chosen = FORMATS.get(kind) if kind else of_file(out.name)
    if chosen is None:
        raise typer.BadParameter(f"--format: {', '.join(FORMATS)}")
    if not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"--out: {out.absolute().parent}")
    given = {"filter": condition, "bbox": bbox, "datetime": when, "properties": properties, "sortby": sortby,
             "crs": crs, "as-of": as_of}  # fmt: skip
    parameters = {name: text for name, text in given.items() if text is not None}

    async def body() -> dict[str, Any]:
        async with database(size=2) as opened:
            async with opened.connection() as connection:
                catalogue = await load_catalogue(connection)
            relation = _relation(catalogue, layer, identity, purpose)
            return await _exported(opened, relation, chosen, parameters, out.absolute())

    found = run(body, as_json=as_json)
    if as_json:
        print_json(found)
        return
    told = (
        f"{found['features']} đối tượng/features · {found['layer']} "
        f"phiên bản/revision {found['revision']} → {found['file']} ({found['bytes']} byte)"
    )
    output.print(marked("[green]✓[/green] {}", told))


def _relation(catalogue: Catalogue, layer: str, identity: str | None, purpose: str | None) -> Relation:
    """Raises InvalidInputsError, NotFoundError, ForbiddenError."""
    require_line(purpose, "purpose")
    principal, state = principal_named(identity, catalogue), catalogue.layer(layer)
    decision = decide(
        principal, state.definition, "export", catalogue.grants, purpose=purpose,
        day=datetime.now(UTC).astimezone(LOCAL_TIME).date(), active_agreements=catalogue.active_agreements,
    ).require()  # fmt: skip
    return Relation(catalogue, state, principal, purpose, decision)


async def _exported(
    opened: Database, relation: Relation, kind: Format, parameters: Mapping[str, str], out: Path
) -> dict[str, Any]:
    from ogc.features.export_jobs import export_parameters
    from ogc.features.export_query import asked_of, require_shapes, revision_of

    asked = asked_of(kind, export_parameters(parameters), relation)
    require_shapes(asked, is_named=True)
    revision = await revision_of(opened, asked, datetime.now(UTC))
    extract = asked.extract(revision, "vi")
    event = audit.Event.of_decision(
        relation.principal, relation.decision, purpose=relation.purpose, policy=relation.catalogue.policy_digest,
        revision=revision,
    )  # fmt: skip
    with _bar(await count_up_to(opened, extract)) as tell:
        async with audit.opened(opened, event) as access:
            made = await make_file(batches(opened, extract), extract.layout, kind, out, tell=tell)
            async with opened.connection() as connection:
                await audit.record(connection, access.closing(features=made.features, bytes=made.size_bytes))
    return await anyio.to_thread.run_sync(_told, made, relation.layer, revision, kind)


def _told(made: MadeFile, layer: str, revision: int, kind: Format) -> dict[str, Any]:
    return {
        "layer": layer, "revision": revision, "format": kind.name, "file": str(made.path), "features": made.features,
        "bytes": made.size_bytes, "sha256": digest_of(made.path),
    }  # fmt: skip


@contextmanager
def _bar(most: int | None) -> Iterator[Callable[[int], None]]:
    """Features written; of how many where they were counted."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"), TaskProgressColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Ghi tệp · writing", total=most)

        def tell(features: int) -> None:
            progress.update(task, completed=features)

        yield tell
