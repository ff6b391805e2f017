"""`Lienthong-Policy`: the digest of the policy an answer stands on, refusals too."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class NamePolicy:
    """Pure ASGI: adds the header to whatever answer leaves, an error as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def name(message: Message) -> None:
            if message["type"] == "http.response.start" and (digest := scope.get(_SCOPE_KEY)):
                message["headers"] = [*message["headers"], (_NAME, digest.encode())]
            await send(message)

        await self.app(scope, receive, name if scope["type"] == "http" else send)
