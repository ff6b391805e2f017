"""Is the process there, can it serve, what has it done."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response

from gis.errors import Message
from layers.errors import NotFoundError
from layers.store.status import readiness
from ogc.auth import is_loopback

from .links import JSON
from .metrics import MEDIA_TYPE
from .operations import Operation
from .parameters import Parameters
from .responses import json_response

log = structlog.get_logger("lienthong")


async def healthz(request: Request, parameters: Parameters) -> Response:
    """The process answers; nothing else is claimed."""
    return json_response({"status": "ok"})


async def readyz(request: Request, parameters: Parameters) -> Response:
    """503 unless the database answers, its schema is the one of this code, and a profile is applied."""
    state = request.app.state
    try:
        found = await readiness(state.database)
        found["catalogue"] = bool((await state.catalogue.current()).layers)
    except Exception:
        log.exception("not_ready")
        found = {"database": False}
    is_ready = bool(found) and all(found.values())
    return json_response({"ready": is_ready, **found}, status=200 if is_ready else 503)


async def metrics(request: Request, parameters: Parameters) -> Response:
    """For the operator: how busy the others are is nobody else's. Another machine of theirs needs a setting."""
    if not (request.app.state.settings.metrics_open or is_loopback(request.scope)):
        raise NotFoundError
    return Response(request.app.state.metrics.text(), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


_ANSWER = {JSON: "object"}
OPERATIONS = (
    Operation("/healthz", healthz, Message("Tiến trình hoạt động", "The process answers"), "service", answers=_ANSWER),
    Operation("/readyz", readyz, Message("Sẵn sàng phục vụ", "Ready to serve"), "service", (), _ANSWER, (503,)),
    Operation(
        "/metrics", metrics, Message("Số đo", "Figures for Prometheus"), "service", (), {"text/plain": "text"}, (404,)
    ),
)
