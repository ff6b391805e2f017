"""Whose signature counts as an office's: that of a certificate which leads to one of the operator's named roots."""

from __future__ import annotations

from pathlib import Path

from asn1crypto import x509  # type: ignore[import-untyped]

from layers.errors import SourceError, UnavailableError

from .verify import certificates_in


def roots_of(place: Path | None) -> tuple[x509.Certificate, ...]:
    """The roots in a PEM file, or in each `*.pem` of a folder; none where no place was named.

    Raises UnavailableError where a place was named and holds none: nobody is then taken for a stranger by mistake.
    """
    if place is None:
        return ()
    place = place.expanduser().absolute()
    try:
        files = sorted(place.glob("*.pem")) if place.is_dir() else [place]
        found = tuple(root for file in files for root in certificates_in(file.read_bytes()))
    except (OSError, SourceError):
        found = ()
    if found:
        return found
    raise UnavailableError(
        f"Không đọc được chứng thư gốc của các cơ quan ở '{place.name}'. Kiểm tra LIENTHONG_OFFICE_ROOTS.",
        f"The root certificates of offices in '{place.name}' cannot be read. Check LIENTHONG_OFFICE_ROOTS.",
    )
