"""One value for each operation of the standards: its route, its parameters and what the OpenAPI document says of it.

The parameters named here are the ones the route accepts: what is documented and what is enforced cannot differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gis.errors import Message

from .links import HTML, JSON
from .parameters import Parameters

Endpoint = Callable[[Request, Parameters], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """GET (and HEAD) on one path. Plain routes: FastAPI's cost 2.5 times as much (prototypes 3)."""

    path: str
    endpoint: Endpoint
    summary: Message
    tag: str
    parameters: tuple[str, ...] = ()  #: names in the document's components
    answers: Mapping[str, str] = field(default_factory=lambda: {JSON: "object", HTML: "html"})
    statuses: tuple[int, ...] = ()  #: besides 200, 400, 401 and 500
    allow_others: bool = False  #: the route itself judges names that only its layer knows

    @property
    def id(self) -> str:
        return self.endpoint.__name__

    def route(self) -> Route:
        endpoint, known, allow_others = self.endpoint, frozenset(self.parameters), self.allow_others

        async def run(request: Request) -> Response:
            return await endpoint(request, Parameters(request, known, allow_others=allow_others))

        run.__name__ = self.id
        return Route(self.path, run, methods=["GET"], name=self.id)
