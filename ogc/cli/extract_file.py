"""`check --pdf`: the sealed extract of an answer, in a file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from layers.access.principal import Principal
from layers.checking.answer import Answer
from layers.checking.illustration import illustration_of
from layers.errors import RefusedError
from layers.store.catalogue import Catalogue
from layers.store.connection import Database
from ogc.common.clock import random_code
from ogc.extract.certificate import DEMO_FILE, certificate_of
from ogc.extract.issue import LOCAL, Issuer, public_address
from ogc.settings import Settings

from .context import console, marked


def is_demo(settings: Settings) -> bool:
    """Whether a demo of this machine has made its certificate: the command line then seals with it, and says so."""
    return (settings.secrets_folder / DEMO_FILE).exists()


def require_seal(settings: Settings) -> None:
    """Before anything is checked and recorded. Raises SealUnavailableError."""
    now = datetime.now(UTC)
    certificate_of(settings, demo=is_demo(settings), now=now).require_valid(now)


async def save_extract(
    database: Database,
    catalogue: Catalogue,
    answer: Answer,
    principal: Principal,
    *,
    settings: Settings,
    file: Path,
    language: str,
) -> None:
    """Write the file whole or not at all. Raises SealUnavailableError, RefusedError where it cannot be written."""
    now = datetime.now(UTC)
    issuer = Issuer(database, settings, is_demo(settings), random_code)
    content = await illustration_of(database, catalogue, answer, principal, now=now)
    sealed = await issuer.sealed(
        catalogue, answer, content, principal, language=language, address=public_address(settings, LOCAL), now=now
    )
    _written(file, sealed.pdf)
    told = " (dấu chạy thử, không có giá trị pháp lý / demo seal)" if sealed.row.is_demo else ""
    console.print(marked("[green]✓[/green] {}[yellow]{}[/yellow]", file, told), soft_wrap=True)


def _written(file: Path, content: bytes) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RefusedError(
            f"Không ghi được '{file}' ({type(error).__name__}).",
            f"'{file}' cannot be written ({type(error).__name__}).",
        ) from None
