"""Revisions that are named must be there: what is compared with nothing is guarded by nothing."""

from __future__ import annotations

from layers.errors import InvalidRequestError
from layers.store.standing import Standing


def require_revision(standing: Standing, revision: int) -> None:
    """Raises InvalidRequestError naming the newest one."""
    if not 0 <= revision <= standing.revision:
        raise InvalidRequestError(
            f"Lớp '{standing.layer}' không có phiên bản {revision}; mới nhất là {standing.revision}. "
            f"Xem 'lienthong layer history {standing.layer}'.",
            f"The layer '{standing.layer}' has no revision {revision}; the newest is {standing.revision}. "
            f"See 'lienthong layer history {standing.layer}'.",
        )


def require_base(standing: Standing, base: int | None) -> None:
    """What a file says it was made from; None where it says nothing. Raises InvalidRequestError with the next step."""
    if base is not None and not 0 <= base <= standing.revision:
        raise InvalidRequestError(
            f"--base {base}: lớp '{standing.layer}' không có phiên bản này; mới nhất là {standing.revision}. Xem "
            f"'lienthong layer history {standing.layer}' để biết tệp được làm từ phiên bản nào, hoặc bỏ --base.",
            f"--base {base}: the layer '{standing.layer}' has no such revision; the newest is {standing.revision}. See "
            f"'lienthong layer history {standing.layer}' for the one the file was made from, or leave --base out.",
        )
