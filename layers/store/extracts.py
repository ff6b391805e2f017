"""Sealed extracts and what came back signed: rows that are added and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from .connection import Connection, execute, row, rows
from .statements import blocks

_SQL = "extracts"


@dataclass(frozen=True, slots=True)
class ExtractKey:
    """What decides the file: the record as one reader is shown it, in one language and edition."""

    record: str
    principal: str
    language: str
    form: str
    answer_digest: str
    view_digest: str

    def values(self) -> dict[str, object]:
        return {one.name: getattr(self, one.name) for one in fields(ExtractKey)}


@dataclass(frozen=True, slots=True)
class ExtractRow:
    """A sealed extract without its file. `certificate` and `sha256` are in hexadecimal."""

    code: str
    record: str
    record_digest: str
    answer_digest: str
    view_digest: str
    language: str
    form: str
    principal: str
    created: datetime
    certificate: str
    certificate_name: str
    is_demo: bool
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class SignedRow:
    """One version that came back signed, without its file."""

    code: str
    number: int
    received: datetime
    principal: str
    signers: tuple[str, ...]
    is_trusted: bool  #: whether every signer led to a root certificate of offices
    sha256: str
    bytes: int


async def kept(connection: Connection, key: ExtractKey) -> ExtractRow | None:
    found = await row(connection, blocks(_SQL)["kept"], key.values())
    return ExtractRow(**found) if found else None


async def extract(connection: Connection, code: str) -> ExtractRow | None:
    found = await row(connection, blocks(_SQL)["extract"], {"code": code})
    return ExtractRow(**found) if found else None


async def extracts_of(connection: Connection, record: str) -> list[ExtractRow]:
    """The newest first."""
    return [ExtractRow(**found) for found in await rows(connection, blocks(_SQL)["of_record"], {"record": record})]


async def pdf_of_extract(connection: Connection, code: str) -> bytes:
    found = await row(connection, blocks(_SQL)["pdf"], {"code": code})
    assert found is not None
    return bytes(found["pdf"])


async def insert_extract(connection: Connection, made: ExtractRow, pdf: bytes) -> bool:
    """Whether it was the first of its key. Raises psycopg errors: nothing is then given out."""
    values = {one.name: getattr(made, one.name) for one in fields(ExtractRow)} | {"pdf": pdf}
    return await execute(connection, blocks(_SQL)["insert"], values) == 1


async def signed_of(connection: Connection, codes: Sequence[str]) -> list[SignedRow]:
    """The signed versions of these extracts, the newest last."""
    found = await rows(connection, blocks(_SQL)["signed"], {"codes": list(codes)})
    return [SignedRow(**{**each, "signers": tuple(each["signers"])}) for each in found]


async def signed_pdf(connection: Connection, code: str, number: int) -> bytes:
    found = await row(connection, blocks(_SQL)["signed_pdf"], {"code": code, "number": number})
    assert found is not None
    return bytes(found["pdf"])


async def hold_signed(connection: Connection, code: str) -> None:
    """Until the transaction ends nobody else adds a version."""
    await execute(connection, blocks(_SQL)["hold"], {"code": code})


async def insert_signed(connection: Connection, made: SignedRow, pdf: bytes) -> None:
    values = {one.name: getattr(made, one.name) for one in fields(SignedRow)}
    await execute(connection, blocks(_SQL)["insert_signed"], {**values, "signers": list(made.signers), "pdf": pdf})
