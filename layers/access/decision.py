"""The answer to "may this caller do that with this layer?", with what it allows and why not otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gis.errors import Message
from layers.errors import ForbiddenError, NotFoundError

from .box import Box, relation_digest
from .grammar import Action

Reason = Literal["granted", "no_grant", "expired", "purpose", "suspended", "claim", "broken"]
#: what is told when several grants fail for several reasons: the one a caller can do most about comes first
TOLD_FIRST: tuple[Reason, ...] = ("purpose", "claim", "suspended", "expired", "broken", "no_grant")

WORDS: dict[Reason, Message] = {
    "granted": Message("được phép", "granted"),
    "no_grant": Message("chưa được chia sẻ cho thao tác này; hãy liên hệ cơ quan quản lý lớp dữ liệu",
                        "no grant for this action; please ask the sector that answers for the layer"),
    "expired": Message("quyền đã hết hạn hoặc chưa có hiệu lực", "the grant has expired or is not in force yet"),
    "purpose": Message("cần nêu đúng mục đích sử dụng", "the purpose of use is missing or another one"),
    "suspended": Message("thỏa thuận chia sẻ chưa có hiệu lực hoặc đã tạm dừng", "the agreement is not active"),
    "claim": Message("tài khoản thiếu thông tin phạm vi (ví dụ mã xã)",
                     "the account lacks a claim such as its communes"),
    "broken": Message("quy tắc chia sẻ bị lỗi; hãy báo quản trị",
                      "the sharing rule is broken; please tell the operator"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one (principal, layer, action, purpose, day).

    `boxes` is empty when nothing is allowed. `refusals` names each grant for the caller that did not hold, and why.
    """

    layer: str
    action: Action
    is_allowed: bool
    is_visible: bool
    reason: Reason
    boxes: tuple[Box, ...] = ()
    grants: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()  #: every column that some row may show, in the order of the definition
    has_geometry: bool = False
    is_public: bool = False  #: every box is everybody's: shared caches may keep the answer
    uses_claims: bool = False  #: bound to what the caller is: private, never kept
    refusals: tuple[tuple[str, Reason], ...] = ()
    hides_activity: bool = False  #: when the layer was revised is not told to this caller
    rates: tuple[tuple[str, str], ...] = ()  #: (grant, limit) where every matching grant has one; () is no limit

    @property
    def relation_digest(self) -> str:
        """One text for one relation: equal relations share cached bytes, different ones never."""
        return relation_digest(self.layer, self.boxes)

    def require(self) -> Decision:
        """Itself. Raises NotFoundError for a layer that is not visible, ForbiddenError for an action not granted."""
        if self.is_allowed:
            return self
        if not self.is_visible:
            raise NotFoundError
        words = WORDS[self.reason]
        raise ForbiddenError(
            f"Bạn không có quyền '{self.action}' với lớp '{self.layer}': {words.vi}.",
            f"You may not '{self.action}' the layer '{self.layer}': {words.en}.",
            reason=self.reason, layer=self.layer, action=self.action,
        )  # fmt: skip
