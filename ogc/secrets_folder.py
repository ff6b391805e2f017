"""Keys of this machine: a folder only its owner can enter (0700), files only its owner can read (0600)."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from joserfc.jwk import OKPKey

from layers.errors import RefusedError


def signing_key(folder: Path, name: str) -> OKPKey:
    """The Ed25519 key in `folder/name`, made on first use. Raises RefusedError when others could read it."""
    text = kept(folder / name, lambda: json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)))
    return OKPKey.import_key(json.loads(text))


def secret_key(folder: Path, name: str) -> bytes:
    """32 random bytes in `folder/name`, made on first use. Raises RefusedError when others could read them."""
    return bytes.fromhex(kept(folder / name, lambda: secrets.token_hex(32)))


def kept(file: Path, make: Callable[[], str]) -> str:
    """The text of a file, made on first use. Raises RefusedError when others could read it."""
    if not file.exists():
        _make(file, make())
    refuse_open(file.parent)
    refuse_open(file)
    return file.read_text()


def _make(file: Path, text: str) -> None:
    """Written beside and linked into place: of two processes that begin at once, both use the first one's key."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def refuse_open(path: Path) -> None:
    """Raises RefusedError when others than the owner may enter or read."""
    if path.stat().st_mode & 0o077:
        raise RefusedError(
            f"Người khác đọc được {path}. Chạy: chmod go-rwx '{path}'",
            f"Others can read {path}. Run: chmod go-rwx '{path}'",
        )
