"""Errors in the words of the standard: `type` names its exception, the rest is our problem+json."""

from __future__ import annotations

from layers.errors import InvalidInputsError, InvalidRequestError, NotFoundError

_TYPES = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


class NoSuchProcessError(NotFoundError):
    code = "no_such_process"

    def __init__(self) -> None:
        super().__init__("Không có tiến trình này.", "There is no such process.")
        self.details["type"] = f"{_TYPES}no-such-process"


class NoSuchJobError(NotFoundError):
    """Not there, not the caller's, or over for good: told alike."""

    code = "no_such_job"

    def __init__(self) -> None:
        super().__init__()
        self.details["type"] = f"{_TYPES}no-such-job"


class ResultNotReadyError(NotFoundError):
    code = "result_not_ready"

    def __init__(self) -> None:
        super().__init__("Công việc chưa xong nên chưa có kết quả.", "The job is not done, so there is no result yet.")
        self.details["type"] = f"{_TYPES}result-not-ready"


class JobFailedError(InvalidRequestError):
    """The results of a job that failed are why it failed."""

    code = "job_failed"


class InvalidExecutionError(InvalidRequestError):
    """Inputs of a process that cannot be used: 400 here, where a check of our own says 422."""

    code = "invalid_inputs"

    @classmethod
    def of(cls, error: InvalidInputsError) -> InvalidExecutionError:
        return cls(error.message.vi, error.message.en, error.fields)
