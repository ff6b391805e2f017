"""What is asked of a split or a merge: the old parcels, the new ones, and the procedure each of them is checked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from gis.errors import Message
from layers.errors import FieldError, InvalidInputsError
from layers.plain_text import require_line
from layers.profile.profile import Profile

from .request import ByCoordinates, ByGeometry, CheckRequest, ParcelQuery

#: of one division: more is a re-adjustment of land, which is checked as a batch
MOST_PARENTS = 20
MOST_CHILDREN = 20
#: the inputs a procedure may have for what a division knows by itself
KIND, LAND_USE = "kind", "land_use"


@dataclass(frozen=True, slots=True)
class Child:
    """A new parcel as drawn or pasted; `land_use` where it is to be another than the procedure's input says."""

    label: str
    shape: ByGeometry | ByCoordinates
    land_use: str | None = None


@dataclass(frozen=True, slots=True)
class DivisionRequest:
    """`cut` are lines (GeoJSON, CRS84) that divide the parcel, in place of children."""

    kind: Literal["split", "merge"]
    procedure: str
    parents: tuple[ParcelQuery, ...]
    children: tuple[Child, ...] = ()
    cut: Mapping[str, object] | None = None
    with_remainder: bool = False
    inputs: Mapping[str, object] = field(default_factory=dict)
    dossier: str | None = None
    purpose: str | None = None
    as_of: date | datetime | None = None
    on_date: date | None = None

    def __post_init__(self) -> None:
        """Raises InvalidInputsError for what no record may hold."""
        require_line(self.dossier, "dossier")
        require_line(self.purpose, "purpose")
        for number, child in enumerate(self.children):
            require_line(child.label or None, f"children.{number}.label")

    @property
    def is_split(self) -> bool:
        return self.kind == "split"

    @property
    def parts(self) -> int:
        """How many checks it is; along a line at least so many, what it cuts being known once it is worked out."""
        return len(self.parents) + (max(len(self.children), 1) + self.with_remainder if self.is_split else 1)

    def check(self, profile: Profile, land_use: str | None = None) -> CheckRequest:
        """The check of one part."""
        return CheckRequest(
            self.procedure, self.parents[0], self._inputs(profile, land_use), self.dossier, self.purpose,
            self.as_of, self.on_date,
        )  # fmt: skip

    def _inputs(self, profile: Profile, land_use: str | None) -> Mapping[str, object]:
        definition = profile.procedure(self.procedure)
        asked = {one.name for one in definition.inputs} if definition else set()
        known = {KIND: self.kind.upper()} if KIND in asked else {}
        own = {LAND_USE: land_use} if LAND_USE in asked and land_use is not None else {}
        return {**known, **self.inputs, **own}


def sound(request: DivisionRequest, profile: Profile) -> DivisionRequest:
    """The request with its labels. Raises InvalidInputsError naming every field that does not hold."""
    wrong = {name: message for name, message in _defects(request, profile).items() if message is not None}
    if wrong:
        names = ", ".join(wrong)
        raise InvalidInputsError(
            f"Yêu cầu tách, hợp thửa thiếu hoặc sai: {names}.", f"The division lacks or has wrong: {names}.",
            [FieldError(name, message) for name, message in wrong.items()],
        )  # fmt: skip
    labelled = (
        replace(child, label=child.label.strip() or f"Thửa mới {number}")
        for number, child in enumerate(request.children, start=1)
    )
    return replace(request, children=tuple(labelled))


def _defects(request: DivisionRequest, profile: Profile) -> Mapping[str, Message | None]:
    definition = profile.procedure(request.procedure)
    asked = {one.name for one in definition.inputs} if definition else set()
    stated = request.inputs.get(KIND, request.kind.upper())
    contradicts = KIND in asked and stated != request.kind.upper()
    others = [number for number, child in enumerate(request.children) if child.land_use is not None]
    is_asked = not definition or LAND_USE in asked
    return {
        "parent": _parents(request),
        "children": _children(request),
        "remainder": None if request.is_split or not request.with_remainder else _ONLY_SPLIT,
        "inputs.kind": _CONTRADICTS if contradicts else None,
        **({} if is_asked else {f"children.{number}.land_use": _NO_LAND_USE for number in others}),
    }


def _parents(request: DivisionRequest) -> Message | None:
    least, most = (1, 1) if request.is_split else (2, MOST_PARENTS)
    if least <= len(request.parents) <= most:
        return None
    if request.is_split:
        return Message("Tách thửa cần đúng một thửa đất gốc.", "A split needs exactly one parent parcel.")
    return Message(f"Hợp thửa cần từ 2 đến {most} thửa đất.", f"A merge needs between 2 and {most} parcels.")


def _children(request: DivisionRequest) -> Message | None:
    if not request.is_split:
        return _ONLY_SPLIT if request.children or request.cut is not None else None
    if (request.cut is None) == (not request.children):
        return Message(
            "Cần các thửa đất sau tách (children) hoặc đường cắt (cut), một trong hai.",
            "Either the new parcels (children) or a dividing line (cut) is needed.",
        )
    if len(request.children) > MOST_CHILDREN:
        return Message(
            f"Nhiều nhất {MOST_CHILDREN} thửa sau tách; nhiều hơn, hãy dùng 'lienthong batch'.",
            f"At most {MOST_CHILDREN} new parcels; for more use 'lienthong batch'.",
        )
    return None


_ONLY_SPLIT = Message("Chỉ dùng khi tách thửa.", "For a split only.")
_CONTRADICTS = Message("Khác với 'kind' của yêu cầu.", "Not the 'kind' of the request.")
_NO_LAND_USE = Message(
    "Thủ tục này không hỏi loại đất của thửa mới.", "The procedure asks for no land type of the new parcel."
)
