"""The part of a layer a publication may touch: communes, a CQL2 condition, or everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import Message
from layers.access.decide import all_properties
from layers.errors import InvalidRequestError
from layers.filters import Expression, check, evaluate, parse_text, property_names
from layers.profile.grammar import LayerDefinition
from layers.store.connection import Connection
from layers.store.standing import Target, read_attributes, read_content

from .content import Content
from .inspection import Communes, Rows, communes_of

_COMMUNE = "commune="


@dataclass(frozen=True, slots=True)
class Scope:
    """`communes` by the commune column, or (without one) by where the label point lies; `condition` over attributes."""

    communes: tuple[str, ...] | None = None
    condition: Expression | None = None

    @property
    def is_everything(self) -> bool:
        return self.communes is None and self.condition is None

    def may_hold(self, commune: str | None) -> bool:
        """Whether a row of which only the commune is known could lie inside: in doubt, yes."""
        return self.communes is None or commune is None or commune in self.communes

    def holds(self, definition: LayerDefinition, rows: Rows, reference: Communes | None) -> NDArray[np.bool_]:
        """Which rows of a file lie inside."""
        if self.communes is not None:
            attribute = definition.by_role("commune")
            if attribute is not None:
                codes: Iterable[object] = rows.columns[attribute.name].to_pylist()
            else:
                codes = communes_of(rows.geometry, _needed(reference))
            return np.fromiter((code in self.communes for code in codes), dtype=np.bool_, count=len(rows))
        if self.condition is None:
            return np.ones(len(rows), dtype=np.bool_)
        names = sorted(property_names(self.condition) - {"geom", "geometry"})
        listed = rows.columns.select(names).to_pylist() if names else [{}] * len(rows)
        return _all_true(self.condition, listed)

    async def content(
        self, connection: Connection, target: Target, revision: int | None, reference: Communes | None
    ) -> Content:
        """fid and hash of the rows inside that stand at a revision (None: now)."""
        attribute = target.definition.by_role("commune")
        if self.communes is not None and attribute is not None:
            return Content(*await read_content(connection, target, revision, attribute.name, self.communes))
        whole = Content(*await read_content(connection, target, revision))
        if self.is_everything:
            return whole
        inside = await self._fids_inside(connection, target, revision, reference)
        return whole.take(np.isin(whole.fid, inside))

    async def _fids_inside(
        self, connection: Connection, target: Target, revision: int | None, reference: Communes | None
    ) -> NDArray[np.int64]:
        if self.communes is not None:
            listed = await read_attributes(connection, target, (), revision, with_geometry=True)
            shapes = np.array([shapely.from_wkb(bytes(each["geom"])) for each in listed] + [None], dtype=object)[:-1]
            inside = np.array(
                [code in self.communes for code in communes_of(shapes, _needed(reference))], dtype=np.bool_
            )
        else:
            assert self.condition is not None
            names = sorted(property_names(self.condition))
            listed = await read_attributes(connection, target, names, revision)
            inside = _all_true(self.condition, listed)
        return np.array([each["fid"] for each in listed], dtype=np.int64)[inside]


def scope_of(
    text: str | None, definition: LayerDefinition, reference: Communes | None, listed: Collection[str] = ()
) -> Scope:
    """'commune=25747,25750' or CQL2 over the layer's attributes. `listed`: codes of the profile, of every generation.

    Raises InvalidRequestError, also for a commune that neither the profile nor the commune layer has.
    """
    if text is None or not text.strip():
        return Scope()
    if not text.startswith(_COMMUNE):
        expression = check(parse_text(text), all_properties(definition))
        return Scope(condition=expression)
    codes = tuple(code.strip() for code in text.removeprefix(_COMMUNE).split(",") if code.strip())
    if not codes:
        raise InvalidRequestError(
            "--scope commune=: thiếu mã xã, ví dụ --scope commune=25747.",
            "--scope commune= lacks a code, for instance --scope commune=25747.",
        )
    if definition.by_role("commune") is None:
        _needed(reference)
    _require_known(codes, {*listed, *(reference.codes if reference is not None else ())})
    return Scope(communes=codes)


def _require_known(codes: Sequence[str], known: Collection[str]) -> None:
    """Where nobody has said which communes there are, any may be one."""
    missing = [code for code in codes if code not in known] if known else []
    if missing:
        raise InvalidRequestError(
            f"--scope: không có xã {', '.join(missing)}. Kiểm tra lại mã xã, hoặc công bố lớp xã có mã này trước.",
            f"--scope: there is no commune {', '.join(missing)}. Check the code, or publish the commune layer with it "
            "first.",
        )


def outside_scope(rows: int, scope: str | None) -> Message:
    """No row of the file lies inside: whatever was meant, it was not this."""
    return Message(
        f"Cả {rows} dòng của tệp nằm ngoài phạm vi --scope {scope} nên không có gì để công bố. "
        "Kiểm tra lại phạm vi hoặc tệp.",
        f"All {rows} rows of the file lie outside of --scope {scope}, so there is nothing to publish. "
        "Check the scope, or the file.",
    )


def _needed(reference: Communes | None) -> Communes:
    if reference is None:
        raise InvalidRequestError(
            "Chưa giới hạn được theo xã: lớp không có cột mã xã và lớp xã chưa công bố. Dùng --scope với CQL2.",
            "Communes cannot limit this: the layer has no commune column and no commune layer is published. "
            "Use --scope with CQL2.",
        )
    return reference


def _all_true(condition: Expression, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.bool_]:
    """Unknown is outside: what is not shown to be inside is not touched."""
    return np.fromiter((evaluate(condition, row) is True for row in rows), dtype=np.bool_, count=len(rows))
