"""What the service answered when it did not answer the question."""

from __future__ import annotations

from typing import Any

import httpx


class LienthongClientError(Exception):
    """A problem the service reported: `status`, `code`, both languages, and its details (fields, candidates)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or f"HTTP {status}")
        self.status = status
        self.code = problem.get("code", "")
        self.problem = problem

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """The parcels to choose from, where a look-up was ambiguous."""
        return list(self.problem.get("candidates", []))

    @property
    def proposals(self) -> list[dict[str, Any]]:
        """What was probably meant by coordinates that were refused: each with its reason, ready to be checked."""
        return list(self.problem.get("proposals", []))


def raise_for_problem(response: httpx.Response) -> None:
    """Raise LienthongClientError for any status of 400 and above."""
    if response.status_code < 400:
        return
    try:
        problem = response.json()
    except ValueError:
        problem = {"title": response.reason_phrase}
    raise LienthongClientError(response.status_code, problem)
