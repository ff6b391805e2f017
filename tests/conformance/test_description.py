"""schemathesis over the whole OpenAPI document: no 5xx, no undocumented status or type, no schema violation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.shared_layers import Service

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
          "response_headers_conformance")  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 500


@pytest.fixture
def attacked(own_service: Callable[..., AbstractContextManager[Service]]) -> Iterator[Service]:
    """A service of its own: features are created and deleted, checks recorded, jobs sent."""
    with own_service() as running:
        yield running


def _run(service: Service, identity: str, folder: Path, *options: str) -> str:
    token = service.callers[identity].token
    headers = ("--header", f"Authorization: Bearer {token}") if token else ()
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{service.base}/api?f=json", "--url", service.base,
        "--checks", ",".join(CHECKS), "--mode", "all", "--continue-on-failure", "--no-shrink", "--no-color",
        "--generation-database", "none", "--warnings", "off", *headers, *options,
    ]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.conformance.serializers", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"as {identity}: {done.stdout[-6000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize("identity", ["public", "officer"])
def test_every_operation_answers_as_it_is_described(attacked: Service, tmp_path: Path, identity: str) -> None:
    told = _run(attacked, identity, tmp_path, "--phases", "fuzzing", "--max-examples", "2", "--seed", "7")
    assert "Errored" not in told


@pytest.mark.long
@pytest.mark.parametrize("identity", ["public", "reviewer", "officer"])
@pytest.mark.parametrize("phase", ["coverage", "fuzzing"])
def test_edges_of_every_parameter_and_many_bodies(attacked: Service, tmp_path: Path, identity: str, phase: str) -> None:
    _run(attacked, identity, tmp_path, "--phases", phase, "--max-examples", "25", "--seed", "11")
