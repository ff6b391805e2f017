"""`/verify/{code}`: what the QR code on an extract leads to, for anybody who holds the paper.

A stranger is told whether the extract is known, when and with which certificate it was sealed, for which procedure, and
whether data have changed since (`superseded` null: not that is known, and not of every layer it may be told); nothing
of the parcel, the dossier or anybody. A code that was never given is answered in the same shape, length and time. A
file that is sent along is compared by its digest and never opened.
"""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, RedirectResponse

from gis.errors import Message
from layers.checking.extracts import code_in, grouped
from layers.checking.standing import Standing, standing_of
from layers.errors import FieldError, InvalidInputsError
from layers.store.catalogue import Catalogue
from ogc.auth import caller_of
from ogc.common.clock import now_of
from ogc.common.links import Addresses, root_of
from ogc.common.negotiation import prefers_html
from ogc.common.pace import Made, paced
from ogc.common.policy_header import catalogue_of
from ogc.common.responses import json_response
from ogc.web.pages import render

router = APIRouter(tags=["checks"])

PDF = "application/pdf"
#: bytes that an answer always has room for, and each layer's share of them
ROOM, LAYER_ROOM, PAGE_ROOM = 3_072, 512, 24_576


@router.get(
    "/verify", response_class=HTMLResponse, responses={303: {"description": "To the place of the code that was given"}}
)
async def get_verify(request: Request, code: str | None = None) -> Response:
    """Nhập mã xác thực in trên phiếu · where the code of an extract is typed."""
    found = code_in(code) if code else None
    if found:
        return RedirectResponse(f"{root_of(request)}/verify/{found}", status_code=303)
    catalogue = await catalogue_of(request)
    return render(request, "verify_code.html", catalogue=catalogue, typed=code or "")


@router.get("/verify/{code}")
async def get_standing(request: Request, code: str) -> Response:
    """Phiếu có thật không, còn đúng với dữ liệu hiện nay không · what an extract is worth today."""
    return await _answer(request, code, None)


@router.post(
    "/verify/{code}",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                PDF: {"schema": {"type": "string", "contentEncoding": "binary"}},
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "contentEncoding": "binary"}},
                    }
                },
            },
        }
    },
)
async def post_file(request: Request, code: str) -> Response:
    """So tệp với phiếu đã phát hành · whether a file is the extract that was given out under this code."""
    return await _answer(request, code, await _file(request))


async def _file(request: Request) -> bytes:
    """The file as it was sent, by a program or by the form of the page."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form(max_files=1, max_fields=1) as form:
        sent = form.get("file")
        if isinstance(sent, UploadFile):
            return await sent.read()
    message = Message("Cần chọn một tệp PDF.", "A PDF file is needed.")
    raise InvalidInputsError(message.vi, message.en, [FieldError("file", message)])


async def _answer(request: Request, code: str, file: bytes | None) -> Response:
    request.app.state.accesses.limit_verification(request)

    async def make() -> Made:
        state, caller = request.app.state, caller_of(request)
        catalogue = await catalogue_of(request)
        found = await standing_of(
            state.database, catalogue, code_in(code), caller.principal, purposes=caller.purposes, now=now_of(request)
        )
        document = _document(request, code, found, file)
        if prefers_html(request):
            page = render(request, "verify.html", catalogue=catalogue, document=document)
            return Made(page, is_guarded=True, slack_bytes=_slack(page, PAGE_ROOM, catalogue))
        response = json_response(document)
        return Made(response, is_guarded=True, slack_bytes=_slack(response, ROOM, catalogue))

    return await paced(request, make)


def _slack(response: Response, room: int, catalogue: Catalogue) -> int:
    """Every answer is filled up to the same length, whether the code is known or not."""
    return max(0, room + LAYER_ROOM * len(catalogue.profile.layers) - len(response.body))


def _document(request: Request, code: str, found: Standing | None, file: bytes | None) -> dict[str, Any]:
    """Every field is there for every code."""
    asked = code_in(code)
    made = found.extract if found else None
    return {
        "code": grouped(asked) if asked else None,
        "known": found is not None,
        "sealed": made.created.isoformat() if made else None,
        "language": made.language if made else None,
        "sha256": made.sha256 if made else None,
        "certificate": _certificate(found),
        "procedure": {"id": found.procedure, "title": dict(found.title)} if found else None,
        "unchanged": found.is_unchanged if found else None,
        "superseded": found.is_superseded if found else None,
        "layers": [layer.as_dict() for layer in found.layers] if found else [],
        "signed": _signed(found) if found else None,
        "file": _compared(found, file) if file is not None else None,
        "check": Addresses(request).to("checks", found.check) if found and found.check else None,
    }


def _certificate(found: Standing | None) -> dict[str, Any] | None:
    if found is None:
        return None
    made = found.extract
    return {"name": made.certificate_name, "fingerprint": made.certificate, "demo": made.is_demo}


def _signed(found: Standing) -> dict[str, Any]:
    """Only copies whose every signer led to a root of offices count as signed; the others are `unchecked`."""
    own = [one for one in found.signed if one.is_trusted]
    last = own[-1].received.date().isoformat() if own else None
    return {"copies": len(own), "received": last, "unchecked": len(found.signed) - len(own)}


def _compared(found: Standing | None, file: bytes) -> dict[str, Any]:
    """`is`: sealed (the very file), signed (a copy that came back from an office), unchecked (one that came back
    with a signer nobody vouches for), extended (the file with something behind it, to be
    looked at by `lienthong verify`), other."""
    digest = hashlib.sha256(file).hexdigest()
    return {"sha256": digest, "bytes": len(file), "is": _kind(found, file, digest) if found else "other"}


def _kind(found: Standing, file: bytes, digest: str) -> str:
    made = found.extract
    if digest == made.sha256:
        return "sealed"
    same = next((one for one in found.signed if digest == one.sha256), None)
    if same:
        return "signed" if same.is_trusted else "unchecked"
    begins = hashlib.sha256(file[: made.bytes]).hexdigest() == made.sha256
    return "extended" if begins else "other"
