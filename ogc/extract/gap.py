"""What stands in the gap of a signature: the bytes of a file that the signature does not cover.

Of the seal everything in it follows from the file: it must be what `seal` writes. Somebody else's signature is one
value of DER; which certificates and stamps they put beside it is theirs.
"""

from __future__ import annotations

import re
from typing import Any

from asn1crypto import cms, core, parser, x509  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import load_der_x509_certificate

_HEX, _HEX_OF_SEAL = re.compile(rb"<(?:[0-9a-f]+|[0-9A-F]+)>"), re.compile(rb"<[0-9A-F]+>")
_SIGNED_WITH = {"rsa": "sha256_rsa", "ec": "sha256_ecdsa"}
_STAMP = "signature_time_stamp_token"


def is_clean(gap: bytes, *, is_seal: bool) -> bool:
    """Whether it is the signature in hexadecimal, in one way of writing, zeros, and nothing else."""
    if not (_HEX_OF_SEAL if is_seal else _HEX).fullmatch(gap):
        return False
    held = bytes.fromhex(gap[1:-1].decode("ascii"))
    try:
        size = len(b"".join(parser.parse(held)[3:]))
        value = held[:size]
        return not held[size:].strip(b"\0") and _is_der(value) and (not is_seal or _as_sealed(value) == value)
    except (ValueError, TypeError, InvalidSignature):
        return False


def _is_der(data: bytes) -> bool:
    """Whether each length is told in the one shortest way, at every depth."""
    while data:
        kind, method, tag, header, content, trailer = parser.parse(data)
        whole = header + content + trailer
        if parser.emit(kind, method, tag, content) != whole or (method and not _is_der(content)):
            return False
        data = data[len(whole) :]
    return True


def _as_sealed(value: bytes) -> bytes:
    """The same signature as the seal writes it. Raises ValueError for what it never holds, InvalidSignature for a
    certificate that is none of its chain."""
    signed = cms.ContentInfo.load(value)["content"]
    (one,) = signed["signer_infos"]
    chain = _chain([choice.chosen for choice in signed["certificates"]], one["sid"].chosen)
    digest = {"algorithm": "sha256", "parameters": core.Null()}
    written = {
        "version": "v1",
        "sid": one["sid"],
        "digest_algorithm": digest,
        "signed_attrs": one["signed_attrs"],
        "signature_algorithm": _algorithm(chain[0], one),
        "signature": one["signature"],
    }
    if isinstance(one["unsigned_attrs"], cms.CMSAttributes):
        written["unsigned_attrs"] = _stamp_alone(one["unsigned_attrs"])
    again = {
        "version": "v1",
        "digest_algorithms": [digest],
        "encap_content_info": {"content_type": "data"},
        "certificates": [cms.CertificateChoices("certificate", each) for each in chain],
        "signer_infos": [cms.SignerInfo(written)],
    }
    made: bytes = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(again)}).dump()
    return made


def _chain(found: list[Any], named: Any) -> list[Any]:
    """The signer's certificate and its issuers, which must be all there are."""
    (last,) = (one for one in found if (one.issuer, one.serial_number) == (named["issuer"], _number(named)))
    chain, rest = [last], [one for one in found if one is not last]
    while rest:
        issuer = next((one for one in rest if one.subject == last.issuer), None)
        if issuer is None:
            raise ValueError("a certificate that signs nothing")
        _loaded(last).verify_directly_issued_by(_loaded(issuer))
        chain, rest, last = [*chain, issuer], [one for one in rest if one is not issuer], issuer
    return chain


def _number(named: Any) -> int:
    return int(named["serial_number"].native)


def _loaded(one: x509.Certificate) -> Any:
    return load_der_x509_certificate(one.dump())


def _algorithm(signer: x509.Certificate, one: cms.SignerInfo) -> Any:
    """As it is told for the kind of the key; another kind than the usual ones tells it as it does."""
    name = _SIGNED_WITH.get(signer.public_key.algorithm)
    if name is None:
        return one["signature_algorithm"]
    return {"algorithm": name, "parameters": core.Null()} if name == "sha256_rsa" else {"algorithm": name}


def _stamp_alone(attributes: cms.CMSAttributes) -> cms.CMSAttributes:
    (attribute,) = attributes
    (_,) = attribute["values"]
    if attribute["type"].native != _STAMP:
        raise ValueError("something unsigned that is no time stamp")
    return attributes
