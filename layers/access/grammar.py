"""The grammar of grants: allow-only, deny by default, union per cell (contracts 1)."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
Action = Literal["items", "tile", "map", "export", "check", "edit", "publish"]

Name = Annotated[str, Field(pattern=r"^[\w.@:-]{1,100}$")]


class Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _require_storable(value: object) -> object:
    """No text with U+0000 or half a character, at any depth: no database takes it."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, str) and _UNSTORABLE.search(each):
            raise ValueError("chứa ký tự không dùng được / holds a character that no text has")
        rest += each.values() if isinstance(each, dict) else each if isinstance(each, list | tuple) else ()
    return value


class Grantee(Closed):
    """Whom a grant is for: exactly one of the four."""

    role: Name | None = None
    identity: Name | None = None
    office: Name | None = None
    anyone: bool = False

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(map(bool, (self.role, self.identity, self.office, self.anyone))) != 1:
            raise ValueError("cần đúng một trong role, identity, office, anyone / exactly one of them is needed")
        if self.identity == "public":
            raise ValueError("dùng 'anyone: true' cho công chúng / for the public write 'anyone: true'")
        return self


class SharingRef(Closed):
    """All layers of one sharing level."""

    sharing: Literal["open", "shared", "restricted"]


class Columns(Closed):
    """Columns by tag, by name, or both; a column that neither names is not granted."""

    tags: tuple[Literal["public", "internal", "personal", "commercial"], ...] = ()
    names: tuple[str, ...] = ()


class Precision(Closed):
    """Geometry snapped to a grid of this many metres, one of the definition's `precisions_m`."""

    precision_m: float = Field(gt=0)


class Period(Closed):
    """Both days belong to it."""

    from_: date | None = Field(default=None, alias="from")
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return (self.from_ is None or self.from_ <= day) and (self.until is None or day <= self.until)


def _as_json_has_it(value: object) -> object:
    """Dates as ISO texts, so that a policy read from YAML equals the same policy read back from the database."""
    return value.isoformat() if isinstance(value, date) else value


Cell = Annotated[bool | int | float | str | None, BeforeValidator(_as_json_has_it)]


class Expectation(Closed):
    """A test that travels with the grant; checked before any apply.

    With `row` it is about one sample row, else about the action at all. What is not stated is not looked at.
    """

    as_: str = Field(alias="as")
    action: Action
    is_: Literal["allow", "deny"] = Field(alias="is")
    layer: str | None = Field(default=None, description="needed where the grant is about a sharing level")
    because: str | None = Field(default=None, description="the reason of a refusal; `rows`: the sample row is outside")
    purpose: str | None = Field(default=None, description="the purpose stated; absent: the identity's first")
    on: date | None = Field(default=None, description="the day; absent: today, or the nearest day the grant is valid")
    row: dict[str, Cell] | None = Field(
        default=None, description="a sample row: columns that are not named are NULL; `geometry` is WKT in CRS84"
    )
    columns: tuple[str, ...] | None = Field(default=None, description="exactly the columns shown (of the row)")
    geometry: Literal["full", "centroid", "none"] | Precision | None = Field(
        default=None, description="exactly how the shape (of the row) is shown"
    )

    @model_validator(mode="after")
    def _is_of_one_piece(self) -> Self:
        if self.is_ == "deny" and (self.columns is not None or self.geometry is not None):
            raise ValueError("columns, geometry đi với 'is: allow' / columns and geometry go with 'is: allow'")
        if self.is_ == "allow" and self.because is not None:
            raise ValueError("because đi với 'is: deny' / because goes with 'is: deny'")
        return self

    def __hash__(self) -> int:
        return hash((self.as_, self.action, self.is_, self.layer))  # equality stays that of the whole value


class Grant(Closed):
    """One allowed box of rows × columns × geometry."""

    _is_storable = model_validator(mode="before")(_require_storable)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    to: Grantee
    layer: str | SharingRef
    actions: tuple[Action, ...] = Field(min_length=1)
    purpose: str | tuple[str, ...] = "any"
    rows: str | None = Field(default=None, description="CQL2 text; `:claims.x` is the caller's claim")
    edge: Literal["intersect", "within"] = "intersect"
    columns: Columns = Columns(tags=("public",))
    geometry: Literal["full", "centroid", "none"] | Precision = "full"
    valid: Period = Period()
    agreement: str | None = None
    rate: str | None = Field(default=None, pattern=r"^[1-9][0-9]{0,5}/(s|min|h|d)$")
    expect: tuple[Expectation, ...] = Field(default=(), max_length=100)
