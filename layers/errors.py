"""Errors of the domain. HTTP statuses and exit codes are mapped at the edge, in one table each.

LienthongError (gis.errors)
├── ProfileError          a profile that does not hold: file, line, field
├── NotFoundError         outside the caller's relation or not there: one and the same answer
├── ForbiddenError        a visible layer, an action that no grant allows
├── UnauthenticatedError  a token that does not hold
├── InvalidRequestError   a parameter, a filter or an input that cannot be used
│   └── GrantsError       grants that do not hold: where, field
├── AmbiguousError        several candidates; the caller must choose
├── ConflictError         the base has moved, or rows were edited since
├── PreconditionFailedError    the feature has changed since it was read
├── PreconditionRequiredError  a change that does not say of which state
├── RefusedError          a publication that must not go on as it is
├── SourceError           a file that cannot be read as vector data
├── TooManyError          a grant's limit of uses is reached for now
├── UnavailableError      suspended, withdrawn or not applied yet
└── StoreError            the database is not there or not as expected
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gis.errors import LienthongError, Message


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that does not hold; `where` is a JSON field or `file:line`."""

    field: str
    message: Message
    where: str = ""

    def as_dict(self) -> dict[str, object]:
        return {"field": self.field, "where": self.where, "message": self.message.as_dict()}


#: fields told one by one; whoever sends thousands of wrong ones gets a count of the rest
MOST_ERRORS = 100


def more(number: int) -> FieldError:
    """The line that stands for errors that are not told."""
    return FieldError("…", Message(f"và {number} lỗi khác", f"and {number} more"))


def _first(errors: Sequence[FieldError]) -> tuple[FieldError, ...]:
    rest = len(errors) - MOST_ERRORS
    return (*errors[:MOST_ERRORS], more(rest)) if rest > 0 else tuple(errors)


def _listed(errors: Sequence[FieldError], language: str) -> str:
    return "\n".join(f"{error.where}: {error.field}: {error.message.in_language(language)}" for error in errors)


class ProfileError(LienthongError):
    """A profile that does not hold. Every error names file, line and field."""

    code = "profile"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        vi, en = (_listed(errors, language) for language in ("vi", "en"))
        super().__init__(f"Hồ sơ cấu hình không hợp lệ:\n{vi}", f"The profile does not hold:\n{en}")
        self.details["errors"] = [error.as_dict() for error in errors]
        self.errors = tuple(errors)


class NotFoundError(LienthongError):
    """Not there, or not for the caller: the two are told in the same words."""

    code = "not_found"

    def __init__(
        self,
        vi: str = "Nội dung không tồn tại hoặc bạn không có quyền xem.",
        en: str = "Not found or not permitted.",
    ) -> None:
        super().__init__(vi, en)


class ForbiddenError(LienthongError):
    """The layer is visible to the caller; the action is not granted."""

    code = "forbidden"


class UnauthenticatedError(LienthongError):
    """The token does not hold; the same words for every defect."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__(
            "Mã truy cập không hợp lệ hoặc đã hết hạn. Vui lòng đăng nhập lại.",
            "The token is invalid or expired. Please sign in again.",
        )


class InvalidRequestError(LienthongError):
    """A parameter, filter or input that cannot be used; `fields` names each."""

    code = "invalid_request"

    def __init__(self, vi: str, en: str, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(vi, en)
        self.fields = _first(fields)


class InvalidInputsError(InvalidRequestError):
    """Inputs of a procedure that are missing or invalid, or a procedure that is not in force."""

    code = "invalid_inputs"


class GrantsError(InvalidInputsError):
    """Grants that do not hold: every error names file and line, or the grant, and the field."""

    code = "grants"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        told = _first(errors)
        vi, en = (_listed(told, language) for language in ("vi", "en"))
        super().__init__(f"Quy tắc chia sẻ không hợp lệ:\n{vi}", f"The grants do not hold:\n{en}", told)
        self.details["errors"] = [error.as_dict() for error in told]


class AmbiguousError(LienthongError):
    """Several parcels answer to one look-up; `candidates` are listed for the caller to choose."""

    code = "ambiguous"

    def __init__(self, vi: str, en: str, candidates: Sequence[object]) -> None:
        super().__init__(vi, en, candidates=list(candidates))
        self.candidates = tuple(candidates)


class ConflictError(LienthongError):
    """The base revision has moved, or rows were edited since and would be reverted."""

    code = "conflict"


class PreconditionFailedError(LienthongError):
    """The feature is another one than the caller last saw."""

    code = "precondition_failed"

    def __init__(self) -> None:
        super().__init__(
            "Đối tượng đã thay đổi từ lần bạn đọc. Đọc lại, xem thay đổi rồi gửi lại với ETag mới.",
            "The feature has changed since you read it. Read it again, look at the change, and send with its new ETag.",
        )


class PreconditionRequiredError(LienthongError):
    """A change must say of which state of the feature it is one."""

    code = "precondition_required"

    def __init__(self) -> None:
        super().__init__(
            "Cần tiêu đề If-Match với ETag của đối tượng: đọc đối tượng trước, rồi gửi lại.",
            "The header If-Match with the feature's ETag is needed: read the feature first, then send again.",
        )


class RefusedError(LienthongError):
    """A publication that must not go on as it is; the report says why."""

    code = "refused"


class SourceError(LienthongError):
    """A file that cannot be read as vector data."""

    code = "source"


class UnavailableError(LienthongError):
    """Suspended, withdrawn or not applied yet."""

    code = "unavailable"


class TooManyError(LienthongError):
    """A grant's limit of uses is reached for now."""

    code = "rate"

    def __init__(self, wait_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(min(wait_s, 86_400.0)))
        super().__init__(
            f"Bạn đã hỏi quá nhiều lần trong thời gian ngắn. Vui lòng thử lại sau {self.retry_after_s} giây.",
            f"Too many requests in a short time. Please try again in {self.retry_after_s} seconds.",
            retry_after_s=self.retry_after_s,
        )


class StoreError(LienthongError):
    """The database is not there or not as expected."""

    code = "store"
