"""GDAL in a process of its own: it holds the interpreter's lock while it waits, and our server is a thread here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import pyogrio

TIMEOUT_S = 120


class Gdal:
    """GDAL as one caller of one service."""

    def __init__(self, pool: ProcessPoolExecutor, base: str, token: str | None) -> None:
        self._pool = pool
        self._base = base
        self._token = token

    def layers(self) -> set[str]:
        found: set[str] = self._run(_layers, self._base)
        return found

    def frame(self, layer: str, **options: Any) -> Any:
        return self._run(_frame, self._base, layer, options)

    def file(self, path: str, form: str, *, inside: str = "/vsicurl/") -> Any:
        """An export as GDAL opens it where it lies, without fetching it first."""
        return self._run(_file, f"{self._base}{path}?f={form}", inside)

    def _run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return self._pool.submit(_with_token, self._token, work, arguments).result(TIMEOUT_S)


@contextmanager
def gdal_process() -> Iterator[Callable[[str, str | None], Gdal]]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda base, token: Gdal(pool, base, token)


def _with_token(token: str | None, work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    scheme = "BEARER" if token else None
    pyogrio.set_gdal_config_options({"GDAL_HTTP_AUTH": scheme, "GDAL_HTTP_BEARER": token, "GDAL_HTTP_TIMEOUT": "30"})
    return work(*arguments)


def _layers(base: str) -> set[str]:
    return {str(name) for name, _ in pyogrio.list_layers(f"OAPIF:{base}")}


def _frame(base: str, layer: str, options: dict[str, Any]) -> Any:
    return pyogrio.read_dataframe(f"OAPIF:{base}", layer=layer, **options)


def _file(address: str, inside: str) -> Any:
    start, _, end = inside.partition("|")
    return pyogrio.read_dataframe(f"{start}{address}{end}")
