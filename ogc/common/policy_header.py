"""`Lienthong-Policy`: the digest of the policy an answer stands on, refusals too."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Scope

from layers.store.catalogue import Catalogue

HEADER = "Lienthong-Policy"
_NAME = HEADER.lower().encode()
_SCOPE_KEY = "lienthong.policy"


async def catalogue_of(request: Request) -> Catalogue:
    """The catalogue that an answer is decided by; from here on the answer names its policy."""
    found: Catalogue = await request.app.state.catalogue.current()
    request.scope[_SCOPE_KEY] = found.policy_digest
    return found


def decided_anew(request: Request, digest: str) -> None:
    """The request itself has put another policy in force."""
    request.scope[_SCOPE_KEY] = digest


def named_policy(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The header for whatever answer leaves, an error as well; none where no policy has been asked."""
    digest = scope.get(_SCOPE_KEY)
    return [(_NAME, digest.encode())] if digest else []
