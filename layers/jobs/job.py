"""A job and its limits: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from gis.errors import LienthongError, Message
from layers.errors import TooManyError

State = Literal["accepted", "running", "successful", "failed", "dismissed"]
STATES: tuple[State, ...] = ("accepted", "running", "successful", "failed", "dismissed")

#: the kinds of work there are; each has its lane in a worker, so that a short one never waits for a long one
PARCEL_CHECK, BATCH_CHECK, EXPORT = "parcel-check", "batch-check", "export"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one owner may have, and how long it is kept."""

    waiting: int = 20  #: jobs of a kind that wait or run
    running: int = 1  #: at once, in one lane
    attempts: int = 5  #: workers that may end over one job
    result_bytes: int = 2_000_000_000
    subjects: int = 2_000_000
    kept_s: float = 7 * 86_400.0
    kept: int = 200  #: jobs that are over
    kept_bytes: int = 10_000_000_000  #: of all their results
    lease_s: float = 30.0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the job table. `owner` is only a name: what they may is asked anew at the start and at each download."""

    id: str
    owner: str
    is_operator: bool
    os_user: str | None
    kind: str
    inputs: Mapping[str, Any]
    inputs_digest: str
    state: State
    partitions: int
    done: int
    message: Message
    worker: str | None
    token: int
    lease_until: datetime | None
    attempts: int
    work: str | None
    result: Mapping[str, Any] | None
    created: datetime
    started: datetime | None
    finished: datetime | None
    updated: datetime
    expires: datetime | None

    @property
    def is_over(self) -> bool:
        return self.state in ("successful", "failed", "dismissed")

    @property
    def progress(self) -> int:
        """Percent; a hundred only when it is over."""
        if self.is_over:
            return 100
        return min(99, 100 * self.done // self.partitions) if self.partitions else 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A job that is about to be taken in; `inputs` are JSON text."""

    id: str
    owner: str
    kind: str
    inputs: str
    inputs_digest: str
    is_operator: bool = False
    os_user: str | None = None


@dataclass
class Progress:
    """How far a job has come, written by its work and read by its heartbeat."""

    partitions: int = 0
    done: int = 0
    message: Message = field(default_factory=lambda: MESSAGES["running"])


class LostError(LienthongError):
    """The job is another worker's now, or was dismissed: whoever still works at it must stop and touch nothing."""

    code = "job_lost"

    def __init__(self) -> None:
        super().__init__("Công việc này không còn thuộc tiến trình này.", "The job is not this worker's any more.")


class TooManyJobsError(TooManyError):
    """The owner has as many jobs as they may."""

    code = "too_many_jobs"

    def __init__(self, most: int) -> None:
        super().__init__(60.0)
        self.message = Message(
            f"Bạn đang có {most} công việc chưa xong. Chờ hoặc hủy bớt rồi gửi lại.",
            f"You have {most} jobs that are not finished. Wait, or dismiss some, and send it again.",
        )


MESSAGES: Mapping[str, Message] = {
    "accepted": Message("Đã tiếp nhận, đang chờ thực hiện.", "Accepted; waiting for a worker."),
    "running": Message("Đang thực hiện.", "Running."),
    "successful": Message("Đã xong.", "Done."),
    "dismissed": Message("Đã hủy.", "Dismissed."),
    "given_up": Message(
        "Đã dừng sau nhiều lần tiến trình bị ngắt; hãy chia nhỏ yêu cầu hoặc báo quản trị.",
        "Stopped after several workers ended over it; please ask for less at once, or tell the administrator.",
    ),
    "error": Message(
        "Hệ thống gặp lỗi khi thực hiện; hãy gửi lại hoặc báo quản trị.",
        "Something went wrong while it ran; please send it again or tell the administrator.",
    ),
    "unknown_owner": Message(
        "Tài khoản đã gửi yêu cầu không còn.", "The account that sent it is no longer known."
    ),
}  # fmt: skip
