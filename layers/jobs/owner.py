"""Who a job is for: named in its row, looked up anew whenever rights are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from layers.access.principal import PUBLIC, Principal, known_as, operator
from layers.errors import ForbiddenError, NotFoundError
from layers.store.catalogue import Catalogue

from .job import MESSAGES, Job


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner as they are today, with the purposes they are given; None: the operator needs none."""

    principal: Principal
    purposes: tuple[str, ...] | None

    def require(self, purpose: str | None) -> None:
        """Raises ForbiddenError for a purpose that is not the owner's any more."""
        if purpose is not None and self.purposes is not None and purpose not in self.purposes:
            raise ForbiddenError(
                "Mục đích sử dụng của yêu cầu này không còn được giao cho bạn.",
                "The purpose of this request is no longer given to you.", reason="purpose",
            )  # fmt: skip


def owner_today(job: Job, catalogue: Catalogue) -> Owner:
    """The roles, office and claims of today, never those of the day the job was sent. Raises NotFoundError."""
    if job.is_operator:
        return Owner(operator(job.os_user or ""), None)
    if job.owner == PUBLIC.id:
        return Owner(PUBLIC, ())
    identity = next((one for one in catalogue.profile.identities if one.id == job.owner), None)
    if identity is None:
        raise NotFoundError(MESSAGES["unknown_owner"].vi, MESSAGES["unknown_owner"].en)
    return Owner(known_as(identity), identity.purposes)


def owns(principal: Principal, job: Job) -> bool:
    """Jobs are their owner's; those from the command line of this machine, and all there, the operator's."""
    return principal.is_operator or (not job.is_operator and job.owner == principal.id)
