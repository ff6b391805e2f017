"""Extracts over HTTP: sealed once and given again; verified by their code; taken back with signatures only."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pikepdf
import psycopg
import pytest

from layers.checking.extracts import code_in, grouped
from ogc.app import create_app
from ogc.client import Client
from ogc.extract.verify import examine
from ogc.settings import Settings
from tests.integration.extracts.conftest import KNOWN_OFFICE, NOW, Desk
from tests.support import signing
from tests.support.checked import INPUTS, geojson
from tests.support.published import box
from tests.support.serving import serve

HTML = {"Accept": "text/html"}
PDF = {"Content-Type": "application/pdf"}
#: what a stranger must not read on any page about an extract
CANARIES = ("Thửa đất số", "tờ bản đồ số", "45/123", "HS-KIN", "620,0", "620.0", "SG-03", "w3gy6ytmny8f", "Nguyễn")
DRAWN = {"procedure": "land_use_change", "subject": {"geometry": geojson(box(0, 0, 20, 31))}, "inputs": dict(INPUTS)}


def rows(desk: Desk, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(desk.place.url) as connection:
        return connection.execute(statement, values).fetchall()  # type: ignore[arg-type]


def code_of(desk: Desk, pdf: bytes) -> str:
    ((code,),) = rows(desk, "SELECT code FROM checks.extract WHERE sha256 = %s", hashlib.sha256(pdf).hexdigest())
    return str(code)


def verified(desk: Desk, code: str, identity: str | None = None) -> dict[str, Any]:
    with desk.client(identity) as client:
        found: dict[str, Any] = client.get(f"/verify/{code}").json()
    return found


@pytest.fixture(scope="module")
def office() -> bytes:
    return signing.pkcs12_of()


@pytest.fixture(scope="module")
def drawn(desk: Desk) -> str:
    """A check of a shape, which is nobody's but the officer's who drew it."""
    with desk.client() as client:
        return str(client.post("/checks", json=DRAWN).json()["id"])


# ── made, kept, given again ──────────────────────────────────────────────────────────────────────


def test_the_extract_is_pdf_a_sealed_and_holds_the_answer_that_was_given(desk: Desk, check: str, sealed: bytes) -> None:
    with desk.client() as client:
        answer = client.get(f"/checks/{check}").json()
    found = examine(sealed)
    assert found.is_good and found.pdfa == "PDF/A-3U" and found.answer == answer
    assert found.seal and found.seal.is_demo
    with pikepdf.open(io.BytesIO(sealed)) as pdf:
        assert pdf.open_metadata().pdfa_status == "3U"


def test_the_same_reader_gets_the_same_bytes_and_one_event_tells_that_they_were_made(
    desk: Desk, check: str, sealed: bytes
) -> None:
    with desk.client() as client:
        again = client.get(f"/checks/{check}.pdf")
    assert again.content == sealed and again.headers["content-type"] == "application/pdf"
    made = rows(desk, "SELECT outcome, bytes FROM access.event WHERE action = 'extract'")
    assert made == [(f"sha256:{hashlib.sha256(sealed).hexdigest()}", len(sealed))]
    ((readings,),) = rows(desk, "SELECT count(*) FROM access.event WHERE action = 'check' AND phase = 'whole'")
    assert readings >= 2


def test_two_at_the_same_moment_get_one_file(desk: Desk, check: str) -> None:
    def english(_: int) -> bytes:
        with desk.client() as client:
            return client.get(f"/checks/{check}.pdf?lang=en").content

    with ThreadPoolExecutor(3) as threads:
        files = set(threads.map(english, range(3)))
    assert len(files) == 1
    ((count,),) = rows(desk, "SELECT count(*) FROM checks.extract WHERE record = %s AND language = 'en'", check)
    assert count == 1 and examine(files.pop()).is_good


def test_the_other_forms_carry_the_code_of_the_sealed_one(desk: Desk, check: str, sealed: bytes) -> None:
    code = grouped(code_of(desk, sealed))
    with desk.client() as client:
        text, document = client.get(f"/checks/{check}.txt"), client.get(f"/checks/{check}.docx")
        assert client.get(f"/checks/{check}.docx").content == document.content
    assert code in text.text and text.headers["content-type"] == "text/plain; charset=utf-8"
    with zipfile.ZipFile(io.BytesIO(document.content)) as held:
        assert code in held.read("word/document.xml").decode()


@pytest.mark.parametrize("ending", [".pdf", ".docx", ".txt", "/signed"])
def test_whoever_may_not_read_the_check_finds_no_extract(desk: Desk, drawn: str, ending: str) -> None:
    with desk.client(None) as client:
        hidden, missing = (client.get(f"/checks/{name}{ending}") for name in (drawn, "nothing"))
    assert (hidden.status_code, missing.status_code) == (404, 404) and hidden.content == missing.content


def test_the_client_writes_the_file(desk: Desk, tmp_path: Path) -> None:
    with desk.client() as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
    with Client(desk.base, token=token) as own:
        answer = own.check("25747/45/123", "land_use_change", target_use="ODT", target_area_m2=150)
        file = answer.pdf(tmp_path / "phieu.pdf")
        assert own.verify(grouped(code_of(desk, file.read_bytes())))["unchanged"] is True
    found = examine(file.read_bytes())
    assert found.is_good and found.answer and found.answer["id"] == answer.id


def test_without_a_certificate_no_pdf_is_given_out(desk: Desk, check: str, tmp_path: Path) -> None:
    """Outside the demo nobody but the maker may sign in; the operator's own database shows what is asked for."""
    with serve(create_app(Settings(data=tmp_path, database_url=desk.place.url), clock=lambda: NOW)) as base:
        made = httpx.post(f"{base}/checks", json=DRAWN, timeout=60)
        assert made.status_code == 201, made.text
        refused = httpx.get(f"{base}/checks/{made.json()['id']}.pdf", timeout=60)
    assert refused.status_code == 503 and refused.json()["code"] == "no_seal"
    assert "LIENTHONG_SEAL_P12" in refused.json()["detail_en"] and not refused.content.startswith(b"%PDF")


def test_a_file_that_cannot_be_kept_does_not_leave(desk: Desk) -> None:
    """The event is refused: neither row nor file nor answer is half there."""
    check = desk.checked()
    with psycopg.connect(desk.place.url, autocommit=True) as connection, desk.client() as client:
        connection.execute("ALTER TABLE access.event ADD CONSTRAINT broken CHECK (action <> 'extract') NOT VALID")
        try:
            assert client.get(f"/checks/{check}.pdf").status_code == 500
        finally:
            connection.execute("ALTER TABLE access.event DROP CONSTRAINT broken")
        assert rows(desk, "SELECT count(*) FROM checks.extract WHERE record = %s", check) == [(0,)]
        assert client.get(f"/checks/{check}.pdf").status_code == 200


def test_nobody_changes_or_removes_an_extract(desk: Desk, sealed: bytes) -> None:
    changes = ("UPDATE checks.extract SET pdf = ''", "DELETE FROM checks.extract", "TRUNCATE checks.extract CASCADE")
    for statement in changes:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(desk.place.url) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


# ── verified by its code ─────────────────────────────────────────────────────────────────────────


def test_a_stranger_learns_that_it_is_authentic_and_nothing_of_the_parcel(desk: Desk, sealed: bytes) -> None:
    code = code_of(desk, sealed)
    found = verified(desk, code)
    assert found["known"] and found["unchanged"] is True and found["check"] is None
    assert found["certificate"]["demo"] and found["sha256"] == hashlib.sha256(sealed).hexdigest()
    assert found["procedure"]["title"]["vi"] == "Chuyển mục đích sử dụng đất"
    with desk.client(None) as client:
        told = client.get(f"/verify/{code}").text + client.get(f"/verify/{code}", headers=HTML).text
    assert [word for word in CANARIES if word in told] == [] and desk.checks_in(told) == []


def test_a_code_is_read_however_it_is_typed(desk: Desk, sealed: bytes) -> None:
    code = code_of(desk, sealed)
    assert code_in(f" {grouped(code).lower()} ") == code and code_in("khong co") is None
    with desk.client(None) as client:
        assert client.get("/verify", params={"code": grouped(code)}).headers["location"] == f"/verify/{code}"
        assert "Mã chưa đúng" in client.get("/verify?code=x", headers=HTML).text


@pytest.mark.parametrize("headers", [{}, HTML], ids=["json", "page"])
def test_an_unknown_code_is_answered_in_the_same_shape_and_length(
    desk: Desk, sealed: bytes, headers: dict[str, str]
) -> None:
    with desk.client(None) as client:
        names = (code_of(desk, sealed), "A" * 26, "B" * 26, "x")
        answers = [client.get(f"/verify/{name}", headers=headers) for name in names]
    assert {one.status_code for one in answers} == {200}
    assert len({len(one.content) for one in answers}) == 1
    if not headers:
        assert len({tuple(one.json()) for one in answers}) == 1
        assert [one.json()["known"] for one in answers] == [True, False, False, False]


def test_whoever_may_read_the_check_is_led_to_it(desk: Desk, check: str, sealed: bytes) -> None:
    assert verified(desk, code_of(desk, sealed), "officer")["check"] == f"{desk.base}/checks/{check}"


@pytest.fixture(scope="module")
def other(desk: Desk) -> tuple[str, bytes]:
    """Another check with its extract."""
    check = desk.checked()
    with desk.client() as client:
        return check, client.get(f"/checks/{check}.pdf").content


def test_newer_data_are_told_by_layer_where_its_activity_may_be_told(desk: Desk, other: tuple[str, bytes]) -> None:
    code = code_of(desk, other[1])
    assert verified(desk, code)["superseded"] is None, "of some layers a stranger is told nothing"
    assert verified(desk, code, "officer")["superseded"] is False
    desk.place.publish("land_use_plan", [])
    found = verified(desk, code)
    newer = [layer for layer in found["layers"] if layer["superseded"]]
    assert found["superseded"] is True and [layer["layer"] for layer in newer] == ["land_use_plan"]
    assert newer[0]["newest_revision"] == newer[0]["revision"] + 1 and newer[0]["published"]
    told = {layer["layer"] for layer in found["layers"]}
    assert not told & {"military_zone", "parcel_block", "power_line"}, "a stranger may not see these"


def test_a_record_that_was_tampered_with_is_told(desk: Desk, other: tuple[str, bytes]) -> None:
    check, code = other[0], code_of(desk, other[1])
    with psycopg.connect(desk.place.url) as connection:
        connection.execute("ALTER TABLE checks.record DISABLE TRIGGER append_only")
        connection.execute("UPDATE checks.record SET body = replace(body, 'fail', 'pass') WHERE id = %s", (check,))
    found = verified(desk, code)
    assert found["known"] and found["unchanged"] is False
    with desk.client(None) as client:
        assert "đã bị sửa" in client.get(f"/verify/{code}", headers=HTML).text


def test_a_file_is_compared_and_never_kept(desk: Desk, sealed: bytes, office: bytes) -> None:
    code = code_of(desk, sealed)

    def compared(file: bytes) -> str:
        with desk.client(None) as client:
            sent = client.post(f"/verify/{code}", content=file, headers=PDF).json()["file"]
            form = client.post(f"/verify/{code}", files={"file": ("x.pdf", file)}).json()["file"]
        assert sent == form and sent["sha256"] == hashlib.sha256(file).hexdigest()
        return str(sent["is"])

    assert compared(sealed) == "sealed" and compared(sealed[:-1]) == "other" and compared(b"%PDF") == "other"
    assert compared(signing.signed_by(sealed, office)) == "extended"


def test_too_many_verifications_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ogc.common.accesses.VERIFICATIONS", "2/h")
    with desk.client("reviewer") as client:
        codes = [client.get(f"/verify/{'C' * 26}").status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_too_many_papers_are_refused(desk: Desk, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is made or looked at beyond the rate, whichever form it is asked in."""
    monkeypatch.setattr("ogc.common.accesses.PAPERS", "2/h")
    with desk.client("reviewer") as client:
        asked = [client.get(f"/checks/{check}.{form}") for form in ("txt", "txt", "docx", "pdf")]
        asked.append(client.put(f"/checks/{check}/signed", content=b"%PDF", headers=PDF))
    assert [one.status_code for one in asked] == [200, 200, 429, 429, 429]
    assert all(int(one.headers["retry-after"]) > 0 for one in asked[2:])


# ── back with signatures ─────────────────────────────────────────────────────────────────────────


def handed(desk: Desk, check: str, file: bytes, identity: str | None = "officer") -> httpx.Response:
    with desk.client(identity) as client:
        return client.put(f"/checks/{check}/signed", content=file, headers=PDF)


def test_a_copy_with_an_offices_signature_is_taken_kept_and_given_again(desk: Desk, office: bytes) -> None:
    check = desk.checked()
    with desk.client() as client:
        paper = client.get(f"/checks/{check}.pdf").content
        assert client.get(f"/checks/{check}/signed").status_code == 404
        signed = signing.signed_by(paper, office, box=(300, 100, 450, 180))
        made = handed(desk, check, signed)
        assert made.status_code == 201 and made.json()["version"] == 1
        assert [one["signer"] for one in made.json()["signers"]] == ["Văn phòng Đăng ký đất đai (thử)"]
        assert handed(desk, check, signed).status_code == 200, "the same again adds nothing"
        second = signing.signed_by(signed, signing.pkcs12_of("Lãnh đạo"), field="LanhDao")
        assert handed(desk, check, second).json()["version"] == 2
        assert client.get(f"/checks/{check}/signed").content == second
        assert client.get(f"/checks/{check}/signed?version=1").content == signed
    assert [kind for (kind,) in rows(desk, "SELECT action FROM access.event WHERE action = 'sign'")] == ["sign", "sign"]
    told = verified(desk, code_of(desk, paper))
    assert told["signed"] == {"copies": 0, "received": None, "unchecked": 2} and "Lãnh đạo" not in str(told)
    with desk.client("reviewer") as client:
        assert client.get(f"/checks/{check}/signed").status_code == 404, "they are shown something else"
        assert client.get(f"/checks/{check}.pdf").content != paper


def test_only_a_signer_whom_the_operator_knows_is_told_as_an_office(desk: Desk, office: bytes) -> None:
    check = desk.checked()
    with desk.client() as client:
        paper = client.get(f"/checks/{check}.pdf").content
        code, known = code_of(desk, paper), signing.signed_by(paper, KNOWN_OFFICE)
        strange = signing.signed_by(paper, office)
        assert [handed(desk, check, file).json()["trusted"] for file in (strange, known)] == [False, True]
        mixed = handed(desk, check, signing.signed_by(known, office, field="Them")).json()
        assert mixed["trusted"] is False and [one["trusted"] for one in mixed["signers"]] == [True, False]
    assert verified(desk, code)["signed"] == {"copies": 1, "received": "2026-06-01", "unchecked": 2}
    with desk.client(None) as client:
        kinds = [
            client.post(f"/verify/{code}", content=file, headers=PDF).json()["file"]["is"] for file in (strange, known)
        ]
        page = client.post(f"/verify/{code}", files={"file": ("x.pdf", strange)}, headers=HTML).text
    assert kinds == ["unchecked", "signed"]
    assert '<div class="note refer" role="status" id="file-result">' in page and "chưa xác minh được người ký" in page


#: each kind of change is tried in tests/unit/extract
REFUSED = {"note": signing.with_note, "attachment": signing.with_attachment}


@pytest.mark.parametrize("change", REFUSED)
def test_a_copy_with_more_than_signatures_is_refused_and_told_why(
    desk: Desk, check: str, sealed: bytes, office: bytes, change: str
) -> None:
    make: Callable[[bytes], bytes] = REFUSED[change]
    for file in (signing.signed_by(make(sealed), office), make(signing.signed_by(sealed, office))):
        refused = handed(desk, check, file)
        problem = refused.json()
        assert refused.status_code == 422 and problem["code"] == "not_only_signed"
        assert "not_only_signatures" in [one["code"] for one in problem["problems"]] and problem["changes"]
        assert "Không nhận tệp" in problem["detail_vi"] and "not taken" in problem["detail_en"]
    assert rows(desk, "SELECT count(*) FROM checks.signed_extract WHERE code = %s", code_of(desk, sealed)) == [(0,)]


def test_what_is_not_this_extract_with_a_signature_is_refused(
    desk: Desk, check: str, sealed: bytes, office: bytes
) -> None:
    signed = signing.signed_by(sealed, office)
    stripped = signing.signed_by(sealed[: sealed.index(b"%%EOF") + 6], office)
    changed = signed[:1] + b"x" + signed[2:]
    cases = [(check, sealed, "no_signature")]
    cases += [(check, file, "not_ours") for file in (stripped, changed, b"%PDF-1.7")]
    cases += [(desk.checked(), signed, "not_ours")]
    for name, file, code in cases:
        refused = handed(desk, name, file)
        assert refused.status_code == 422 and [one["code"] for one in refused.json()["problems"]] == [code]


def test_only_whoever_holds_the_check_hands_it_back(
    desk: Desk, check: str, drawn: str, sealed: bytes, office: bytes
) -> None:
    signed = signing.signed_by(sealed, office)
    assert handed(desk, drawn, signed, None).status_code == 404, "it is not theirs to read"
    assert handed(desk, check, signed, None).status_code == 403, "open ground, but not their check"
    assert handed(desk, check, signed, "reviewer").status_code == 403
    with desk.client() as client:
        wrong = client.put(f"/checks/{check}/signed", content=signed, headers={"Content-Type": "text/plain"})
        large = client.put(f"/checks/{check}/signed", content=bytes(3_100_000), headers=PDF)
        foreign = client.put(f"/checks/{check}/signed", content=signed, headers={**PDF, "Origin": "http://x.example"})
    assert (wrong.status_code, large.status_code, foreign.status_code) == (415, 413, 403)


def test_the_pages_of_a_check_lead_to_its_extracts(desk: Desk, check: str) -> None:
    with desk.client() as client:
        page = client.get(f"/checks/{check}", headers=HTML).text
    for address in (f"/checks/{check}.pdf?lang=vi", f"/checks/{check}.pdf?lang=en", f"/checks/{check}.docx", "/verify"):
        assert f'href="{address}' in page


def test_a_signed_copy_is_held_back_while_the_parcels_are_withdrawn(desk: Desk, office: bytes) -> None:
    """No finding tells of it: no rule asks the parcel layer, which lends the check its subject."""
    check = desk.checked()
    with desk.client() as client:
        paper = client.get(f"/checks/{check}.pdf").content
        assert handed(desk, check, signing.signed_by(paper, office)).status_code == 201
        desk.place.publisher.set_state("parcel", "withdrawn", "công bố nhầm")
        try:
            wait_for(client, "/collections/parcel", is_there=False)
            assert client.get(f"/checks/{check}").status_code == 200
            assert client.get(f"/checks/{check}/signed").status_code == 404
            assert client.get(f"/checks/{check}.pdf").content != paper
        finally:
            desk.place.publisher.set_state("parcel", "served", "đã soát")
        wait_for(client, "/collections/parcel", is_there=True)
        assert client.get(f"/checks/{check}/signed").status_code == 200


def wait_for(client: httpx.Client, path: str, *, is_there: bool) -> None:
    """Another process's change is soon heard."""
    end = time.monotonic() + 60
    while (client.get(path).status_code == 200) is not is_there:
        assert time.monotonic() < end, "the change was not heard"


def test_what_was_withdrawn_since_is_not_given_out_again_on_a_signed_copy(desk: Desk, office: bytes) -> None:
    """The last of these tests: the layer stays withdrawn."""
    check = desk.checked()
    with desk.client() as client:
        paper = client.get(f"/checks/{check}.pdf").content
        assert handed(desk, check, signing.signed_by(paper, office)).status_code == 201
        assert client.get(f"/checks/{check}/signed").status_code == 200
        assert client.get("/collections/water_corridor").status_code == 200
        desk.place.publisher.set_state("water_corridor", "withdrawn", "công bố nhầm")
        wait_for(client, "/collections/water_corridor", is_there=False)
        assert client.get(f"/checks/{check}/signed").status_code == 404
        assert client.get(f"/checks/{check}.pdf").content != paper
