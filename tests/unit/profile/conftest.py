from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
Edit = Callable[[str, str, str], Path]


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    """A copy of the minimal profile that a test may spoil."""
    return Path(shutil.copytree(PROFILES / "minimal", tmp_path / "minimal"))


@pytest.fixture
def edit(minimal: Path) -> Edit:
    """`edit(file, old, new)` replaces a text that must be there, once; gives the folder."""

    def replace(file: str, old: str, new: str) -> Path:
        path = minimal / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return minimal

    return replace
