"""Who the service takes the caller for; in the demo, becoming somebody else."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gis.errors import Message
from layers.access.principal import PUBLIC
from layers.errors import ForbiddenError, InvalidRequestError
from layers.profile.profile import Profile
from ogc.auth import LIFETIME_S, DemoIdentities, caller_of, is_loopback

from .links import JSON, root_of
from .operations import Operation
from .origin import host_of
from .parameters import Parameters
from .responses import json_response


async def whoami(request: Request, parameters: Parameters) -> Response:
    """The caller as the service sees it; in the demo also whom one can become."""
    caller = caller_of(request)
    principal = caller.principal
    answer: dict[str, Any] = {
        "id": principal.id,
        "roles": sorted(principal.roles),
        "office": principal.office,
        "sector": principal.sector,
        "claims": {name: list(values) for name, values in principal.claims.items()},
        "purposes": list(caller.purposes),
        "demo": request.app.state.demo,
        "identities": [],
    }
    if request.app.state.demo and is_loopback(request.scope):
        catalogue = await request.app.state.catalogue.current()
        answer["identities"] = identities_of(catalogue.profile)
    return json_response(answer)


def identities_of(profile: Profile) -> list[dict[str, Any]]:
    """Whom the switcher offers, nobody in particular first."""
    public = {"id": PUBLIC.id, "title": {"vi": "Công chúng", "en": "Public"}}
    named = [{"id": known.id, "title": known.title.message().as_dict()} for known in profile.identities]
    return [public, *(identity for identity in named if identity["id"] != PUBLIC.id)]


def switcher(demo: DemoIdentities) -> Route:
    """`POST /demo/identity` with `identity` (a form) and `next` (a path): sets the cookie and goes there."""

    async def switch_identity(request: Request) -> Response:
        _refuse_foreign(request)
        async with request.form(max_files=0, max_fields=4) as form:
            identity, target = str(form.get("identity", "")), str(form.get("next", ""))
        catalogue = await request.app.state.catalogue.current()
        if identity not in {known["id"] for known in identities_of(catalogue.profile)}:
            raise InvalidRequestError("Không có danh tính này.", "There is no such identity.")
        root = root_of(request)
        target = root + _own_path(target.removeprefix(root))
        response = RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})
        if identity == PUBLIC.id:
            response.delete_cookie(demo.cookie, path=root or "/", httponly=True, samesite="strict")
        else:
            response.set_cookie(
                demo.cookie, demo.token(identity), max_age=LIFETIME_S, path=root or "/", httponly=True,
                secure=request.url.scheme == "https", samesite="strict",
            )  # fmt: skip
        return response

    return Route("/demo/identity", switch_identity, methods=["POST"], include_in_schema=False)


def _refuse_foreign(request: Request) -> None:
    """Only this machine, and only a page of ours: another page must not change who the browser is."""
    origin = request.headers.get("origin")
    is_ours = origin is None or host_of(origin) == request.headers.get("host")
    if not (is_loopback(request.scope) and is_ours):
        raise ForbiddenError(
            "Chỉ đổi danh tính thử nghiệm được trên máy này.", "Demo identities can be switched on this machine only."
        )


def _own_path(target: str) -> str:
    """A path of this service; anything that a browser could read as another host becomes the landing page."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    is_own = is_path and host_of(target) == "" and target.isprintable()
    return target if is_own else "/"


OPERATIONS = (Operation("/whoami", whoami, Message("Tôi là ai", "Who the caller is"), "service", (), {JSON: "object"}),)
