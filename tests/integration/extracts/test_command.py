"""The command line: `check --pdf` seals as the service does, `verify` needs nothing but the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ogc.cli.main import build
from ogc.extract.verify import examine
from tests.integration.extracts.conftest import Desk
from tests.support import signing
from tests.support.checked import PARCEL

CHECK = ("check", PARCEL, "--procedure", "land_use_change", "--set", "target_use=ODT", "--set", "target_area_m2=150")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(str(arguments[0])), [str(each) for each in arguments])


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without database, data folder or service."""
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    return tmp_path


def told(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_sealed_file_is_verified_offline(sealed: bytes, nowhere: Path) -> None:
    file = nowhere / "phieu.pdf"
    file.write_bytes(sealed)
    spoken, found = run("verify", file), run("verify", file, "--json")
    assert (spoken.exit_code, found.exit_code) == (0, 0) and not (nowhere / "none").exists()
    assert "dữ liệu đã thay đổi hay chưa" in spoken.stdout and "whether data have changed" in spoken.stdout
    assert "không có giá trị pháp lý" in spoken.stdout and "--trust" in spoken.stdout
    assert told(found)["good"] and told(found)["signatures"][0]["demo"]


def test_whoever_signed_is_told_as_not_checked_without_roots(sealed: bytes, nowhere: Path) -> None:
    file, roots, office = nowhere / "phieu.pdf", nowhere / "roots.pem", signing.pkcs12_of()
    file.write_bytes(signing.signed_by(sealed, office))
    roots.write_bytes(signing.pem_of(office))
    assert "chưa xác minh được người ký" in run("verify", file).stdout
    assert "chưa xác minh được người ký" not in run("verify", file, "--offices", roots).stdout


def test_a_changed_file_and_another_certificate_exit_1(sealed: bytes, nowhere: Path) -> None:
    changed, file, other = nowhere / "changed.pdf", nowhere / "phieu.pdf", nowhere / "other.pem"
    middle = len(sealed) // 2
    changed.write_bytes(sealed[:middle] + bytes([sealed[middle] ^ 1]) + sealed[middle + 1 :])
    file.write_bytes(sealed)
    other.write_bytes(signing.pem_of(signing.pkcs12_of()))
    assert run("verify", changed).exit_code == 1
    untrusted = run("verify", file, "--trust", other, "--json")
    assert untrusted.exit_code == 1 and [one["code"] for one in told(untrusted)["problems"]] == ["untrusted"]
    assert run("verify", nowhere / "none.pdf").exit_code == 1 and run("verify", file, "--trust", file).exit_code == 1


def test_check_writes_the_sealed_file(
    desk: Desk, sealed: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIENTHONG_DATA", str(desk.settings.data))
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", desk.place.url)
    file = tmp_path / "extract.pdf"
    made = run(*CHECK, "--pdf", file, "--lang", "en", "--json")
    assert made.exit_code == 0, made.output
    found = examine(file.read_bytes())
    assert found.is_good and found.seal and found.seal.is_demo and found.answer == told(made)
    assert list(tmp_path.iterdir()) == [file]


def test_without_a_certificate_nothing_is_checked(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIENTHONG_DATA", str(tmp_path))
    monkeypatch.setenv("LIENTHONG_DATABASE_URL", desk.place.url)
    refused = run(*CHECK, "--pdf", tmp_path / "extract.pdf", "--json")
    assert refused.exit_code == 1 and told(refused)["error"]["code"] == "no_seal"
    assert "LIENTHONG_SEAL_P12" in told(refused)["error"]["message"]["en"] and not list(tmp_path.glob("*.pdf"))
