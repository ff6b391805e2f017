"""Set-up is part of the product: what is missing is named, the client stands on the base dependencies alone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNPRIVILEGED = "nobody"


def _run_as_unprivileged(*arguments: str) -> subprocess.CompletedProcess[str]:
    if os.geteuid() != 0:
        pytest.skip("only root can become an unprivileged user")
    script = (ROOT / "docker" / "install-debian.sh").read_text()
    packages = (ROOT / "docker" / "debian-packages.txt").read_text()
    folder = Path("/tmp") / f"lt-setup-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "install-debian.sh").write_text(script)
        (folder / "debian-packages.txt").write_text(packages)
        folder.chmod(0o755)
        user = pwd.getpwnam(UNPRIVILEGED)
        return subprocess.run(
            ["bash", str(folder / "install-debian.sh"), *arguments],
            capture_output=True, text=True, check=False, user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/",
            env={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    finally:
        shutil.rmtree(folder)


def test_without_root_the_missing_package_is_named_in_both_languages() -> None:
    done = _run_as_unprivileged("some-package:/nowhere/at/all")
    assert done.returncode == 1
    assert "Thiếu gói Debian" in done.stderr
    assert "Debian packages are missing" in done.stderr
    assert "some-package" in done.stderr
    assert "apt-get install" in done.stderr


def test_the_client_imports_with_only_the_base_dependencies(tmp_path: Path) -> None:
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "venv")}
    environment.pop("VIRTUAL_ENV", None)
    subprocess.run(
        [uv, "sync", "--quiet", "--locked", "--no-default-groups", "--no-editable"],
        check=True, cwd=ROOT, env=environment, timeout=500,
    )  # fmt: skip
    program = """
import importlib.util
from lienthong import Client
assert importlib.util.find_spec("fastapi") is None and importlib.util.find_spec("psycopg") is None
print(Client("http://127.0.0.1:1").layer("parcel"))
"""
    done = subprocess.run(
        [str(tmp_path / "venv" / "bin" / "python"), "-c", program],
        check=False, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "<LayerHandle parcel of http://127.0.0.1:1>"
