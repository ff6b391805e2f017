"""One value for each operation of the standards: its route, its parameters and what the OpenAPI document says of it.

The parameters named here are the ones the route accepts, and the answers the forms it negotiates: what is documented
and what is enforced cannot differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gis.errors import Message
from layers.access.grammar import Action

from .links import HTML, JSON
from .negotiation import negotiate
from .parameters import Parameters

Endpoint = Callable[[Request, Parameters], Awaitable[Response]]
#: queries that are remembered as they were read, of each operation, and the bytes of the longest of them
_KEPT, _SHORT = 256, 1024
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: media type → the name of its schema in the document's components."""

    content: Mapping[str, str]
    about: Message
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path; GET answers HEAD too. Plain routes: FastAPI's cost 2.5 times as much (prototypes 3)."""

    path: str
    endpoint: Endpoint
    summary: Message
    tag: str
    parameters: tuple[str, ...] = ()  #: names in the document's components
    answers: Mapping[str, str] = field(default_factory=lambda: {JSON: "object", HTML: "html"})
    statuses: tuple[int, ...] = ()  #: besides `success`, 400, 401, 406 and 500
    allow_others: bool = False  #: the route itself judges names that only its layer knows
    method: Method = "GET"
    success: int = 200  #: the status that `answers` come with; without answers its body is empty
    body: Body | None = None
    headers: tuple[str, ...] = ()  #: request headers it heeds, by their names in the document's components
    action: Action | None = None  #: where the caller may do this with no layer, it is not in their document
    forms: Mapping[str, str] = field(default_factory=dict)  #: words of `f` → media type, besides json and html

    @property
    def id(self) -> str:
        return self.endpoint.__name__

    @property
    def known_forms(self) -> dict[str, str]:
        """Words of `f`, the usual form first."""
        usual: dict[str, str] = {}
        for media_type in self.answers:
            usual.setdefault(_word(media_type), media_type)
        named = {word: media_type for word, media_type in self.forms.items() if media_type in self.answers}
        return {**{word: usual[word] for word in ("json", "html") if word in usual}, **named}

    def route(self) -> Route:
        endpoint, known, allow_others = self.endpoint, frozenset(self.parameters), self.allow_others
        forms = self.known_forms

        @lru_cache(maxsize=_KEPT)
        def read(query: bytes) -> Parameters:
            """They depend on nothing else and change no more, and a map asks the same a thousand times."""
            return Parameters.written(query, known, allow_others=allow_others, forms=forms)

        async def run(request: Request) -> Response:
            query = request.scope["query_string"]
            parameters = read(query) if len(query) <= _SHORT else read.__wrapped__(query)
            if forms:
                negotiate(request, forms, parameters.get("f"))
            return await endpoint(request, parameters)

        run.__name__ = self.id
        return Route(self.path, run, methods=[self.method], name=self.id)


def _word(media_type: str) -> str:
    """The word of `f` for what every caller knows."""
    name = media_type.partition(";")[0]
    return "html" if name == HTML else "json" if name.endswith(("/json", "+json")) else ""
