"""What plot rules say of communes, layers and legal documents: every name must lead somewhere, and to one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from layers.errors import FieldError

from .grammar import LayerDefinition
from .placed import Placed
from .plot_rules import PlotRow, PlotRules


def plot_rule_errors(
    table: Placed[PlotRules], layers: Mapping[str, LayerDefinition], unread: frozenset[str], communes: frozenset[str]
) -> Iterator[FieldError]:
    """Names that lead nowhere, ids used twice, and rows of one rank that speak of the same plot."""
    numbers = {basis.number for basis in table.value.legal_basis}
    seen: set[str] = set()
    for number, row in enumerate(table.value.rows):
        if row.id in seen:
            yield table.error(("rows", number, "id"), f"'{row.id}' lặp lại", f"'{row.id}' is repeated")
        seen.add(row.id)
        for place, code in enumerate(row.communes):
            if communes and code not in communes:
                vi, en = f"không có xã mã '{code}' trong communes.csv", f"communes.csv has no commune '{code}'"
                yield table.error(("rows", number, "communes", place), vi, en)
        for place, layer in enumerate(row.excludes):
            if layer not in layers and layer not in unread:
                vi, en = f"không có lớp '{layer}'", f"there is no layer '{layer}'"
                yield table.error(("rows", number, "excludes", place), vi, en)
        for place, name in enumerate(row.basis):
            if name not in numbers:
                vi, en = f"văn bản '{name}' không có trong legal_basis", f"'{name}' is not in the legal_basis"
                yield table.error(("rows", number, "basis", place), vi, en)
    for (_, one), (number, other) in combinations(enumerate(table.value.rows), 2):
        if _same_plot(one, other):
            vi = f"'{one.id}' đã quy định cùng loại đất, cùng nơi, cùng thời gian"
            en = f"'{one.id}' speaks of the same land types, places and days"
            yield table.error(("rows", number), vi, en)


def _same_plot(one: PlotRow, other: PlotRow) -> bool:
    if one.rank != other.rank or not set(one.land_uses) & set(other.land_uses) or not _same_days(one, other):
        return False
    named = set(one.communes) & set(other.communes) or set(one.commune_kinds) & set(other.commune_kinds)
    return bool(named) or one.rank == 2


def _same_days(one: PlotRow, other: PlotRow) -> bool:
    begins = [row.valid.from_ for row in (one, other) if row.valid.from_ is not None]
    ends = [row.valid.to for row in (one, other) if row.valid.to is not None]
    return not begins or not ends or max(begins) <= min(ends)
