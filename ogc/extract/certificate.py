"""The certificate of the system's seal: a PKCS#12 file of the operator's, or one that the demo makes for itself."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12
from cryptography.x509.oid import NameOID

from gis.errors import LienthongError
from layers.errors import RefusedError, UnavailableError
from ogc.secrets_folder import kept, refuse_open
from ogc.settings import Settings

#: what the demo's certificate calls itself: whoever opens the file reads that it proves nothing
DEMO_NAME = "Lienthong demo – không có giá trị pháp lý"
DEMO_FILE = "seal_demo.p12"
#: the password of a PKCS#12 file lies beside the keys unless a file is named
PASSWORD_FILE = "seal.password"
DEMO_VALID_DAYS = 3_650
#: RSA signs alike what is alike, so that one extract has one file
DEMO_KEY_BITS = 3_072
SOON = timedelta(days=30)


class SealUnavailableError(UnavailableError):
    """Nothing can be sealed with what this machine has; a PDF without its seal is never given out instead."""

    code = "no_seal"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, as PKCS#12. `fingerprint` is the SHA-256 of the certificate, in hexadecimal."""

    name: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    is_demo: bool
    pkcs12: bytes = field(repr=False)
    password: bytes | None = field(repr=False, default=None)

    def as_dict(self) -> dict[str, Any]:
        """What may be told to anybody."""
        return {
            "name": self.name, "fingerprint": self.fingerprint, "demo": self.is_demo,
            "not_before": self.not_before.isoformat(), "not_after": self.not_after.isoformat(),
        }  # fmt: skip

    def require_valid(self, now: datetime) -> Certificate:
        """Itself. Raises SealUnavailableError outside of its time: what it sealed would be worth nothing."""
        if now < self.not_before:
            raise SealUnavailableError(
                f"Chứng thư đóng dấu '{self.name}' chỉ có hiệu lực từ {self.not_before:%d/%m/%Y}. Kiểm tra đồng hồ máy "
                "hoặc đặt chứng thư khác (LIENTHONG_SEAL_P12).",
                f"The seal's certificate '{self.name}' is valid from {self.not_before:%Y-%m-%d} only. Check the clock "
                "or set another one (LIENTHONG_SEAL_P12).",
            )
        if now > self.not_after:
            raise SealUnavailableError(
                f"Chứng thư đóng dấu '{self.name}' đã hết hạn ngày {self.not_after:%d/%m/%Y}. Đặt chứng thư mới "
                "(LIENTHONG_SEAL_P12) rồi khởi động lại.",
                f"The seal's certificate '{self.name}' expired on {self.not_after:%Y-%m-%d}. Set a new one "
                "(LIENTHONG_SEAL_P12) and start again.",
            )
        return self

    def expires_soon(self, now: datetime) -> bool:
        return now <= self.not_after < now + SOON


def certificate_of(settings: Settings, *, demo: bool, now: datetime) -> Certificate:
    """The certificate of this machine. Raises SealUnavailableError where there is none, or none that opens."""
    if settings.seal_p12 is not None:
        return _of_file(settings, settings.seal_p12.expanduser().absolute())
    if not demo:
        raise SealUnavailableError(
            "Chưa có chứng thư đóng dấu nên không phát hành được PDF. Đặt LIENTHONG_SEAL_P12 là tệp PKCS#12 và để mật "
            f"khẩu trong {settings.secrets_folder / PASSWORD_FILE} (0600).",
            "There is no certificate for the seal, so no PDF is given out. Set LIENTHONG_SEAL_P12 to a PKCS#12 file "
            f"and put its password into {PASSWORD_FILE} in the secrets folder (0600).",
        )
    text = kept(settings.secrets_folder / DEMO_FILE, lambda: base64.b64encode(_made(now)).decode())
    return _opened(base64.b64decode(text), None)


def _of_file(settings: Settings, file: Path) -> Certificate:
    named = settings.seal_password_file
    password = (named or settings.secrets_folder / PASSWORD_FILE).expanduser().absolute()
    try:
        for path in (file, password) if named or password.exists() else (file,):
            refuse_open(path)
        word = password.read_bytes().rstrip(b"\r\n") if password.exists() or named else None
        return _opened(file.read_bytes(), word)
    except OSError as error:
        raise _unreadable(file, type(error).__name__) from None
    except ValueError:  # of cryptography: a wrong password, or no PKCS#12 at all
        raise _unreadable(file, "PKCS#12?") from None
    except RefusedError as error:
        raise SealUnavailableError(error.message.vi, error.message.en) from None


def _unreadable(file: Path, why: str) -> LienthongError:
    return SealUnavailableError(
        f"Không mở được chứng thư đóng dấu '{file.name}' ({why}). Kiểm tra tệp và mật khẩu trong thư mục bí mật.",
        f"The seal's certificate '{file.name}' cannot be opened ({why}). Check the file and its password.",
    )


def _opened(data: bytes, password: bytes | None) -> Certificate:
    """Raises ValueError when it is no PKCS#12, the password is wrong, or the key is missing."""
    key, found, _ = pkcs12.load_key_and_certificates(data, password)
    if key is None or found is None:
        raise ValueError("no key or no certificate in the file")
    return Certificate(
        name=name_of(found),
        fingerprint=hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest(),
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        is_demo=is_demo(found),
        pkcs12=data,
        password=password,
    )


def name_of(certificate: x509.Certificate) -> str:
    """The common name, else the whole subject."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else certificate.subject.rfc4514_string()


def is_demo(certificate: x509.Certificate) -> bool:
    """Whether a demo made it: it says so itself, and vouches for itself only."""
    return name_of(certificate) == DEMO_NAME and certificate.issuer == certificate.subject


def _made(now: datetime) -> bytes:
    """A certificate that vouches for itself, with a new key, as PKCS#12 without a password: the folder guards it."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=DEMO_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DEMO_NAME)])
    begin = (now.astimezone(UTC) - timedelta(days=1)).replace(microsecond=0)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(secrets.token_bytes(16)) >> 1 | 1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=DEMO_VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(SIGNS_ONLY, critical=True)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(b"lienthong-demo", key, made, None, NoEncryption())


SIGNS_ONLY = x509.KeyUsage(
    digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
)  # fmt: skip
