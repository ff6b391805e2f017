"""Layers as files on this machine: streamed to disk, put in place whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ogc.client.batches import Job
from ogc.client.errors import raise_for_problem

if TYPE_CHECKING:
    import httpx

    from ogc.client.client import Client

#: how a file's name ends → the word of `f`
FORMATS = {
    ".gpkg": "gpkg", ".parquet": "parquet", ".fgb": "fgb", ".zip": "shp", ".dxf": "dxf", ".xlsx": "xlsx",
    ".csv": "csv", ".geojsonl": "jsonseq",
}  # fmt: skip


def download(
    client: Client, address: str, parameters: Mapping[str, str], path: Path, *, as_job: bool, timeout_s: float | None
) -> Path:
    """The file, from the answer itself or from the job it became. Raises LienthongClientError, TimeoutError."""
    wished = {"Prefer": "respond-async"} if as_job else {}
    with client.stream(address, params=dict(parameters), headers={"Accept": "*/*", **wished}) as response:
        if response.status_code != 202:
            return _kept(response, path)
        where = response.headers["Location"]
    document = Job(where, client).wait(timeout_s)
    with client.stream(document["file"]["href"], headers={"Accept": "*/*"}) as response:
        return _kept(response, path)


def _kept(response: httpx.Response, path: Path) -> Path:
    if response.status_code >= 400:
        response.read()
    raise_for_problem(response)
    draft = path.with_name(f".draft-{path.name}")
    try:
        with draft.open("wb") as file:
            for piece in response.iter_bytes():
                file.write(piece)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
