"""What applying a profile would do: DDL and effects, in order, and what cannot be done in place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gis.errors import Message

from .facts import fact_columns
from .grammar import LayerDefinition
from .profile import Profile
from .texts import texts_of

StepKind = Literal[
    "reference_system",
    "table",
    "column",
    "index",
    "wall",
    "facts",
    "ranks",
    "layer",
    "unserved",
    "republish",
    "grants",
    "profile",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One effect. `sql` is what it runs on tables; the bookkeeping of the catalogue is not shown."""

    kind: StepKind
    message: Message
    layer: str | None = None
    sql: tuple[str, ...] = ()
    touches_rows: bool = False  #: DDL on a table that already has rows: the one thing that is asked for

    def as_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind, "layer": self.layer, "message": self.message.as_dict(), "sql": list(self.sql),
            "touches_rows": self.touches_rows,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that is not possible in place."""

    layer: str | None
    message: Message

    def as_dict(self) -> dict[str, object]:
        return {"layer": self.layer, "message": self.message.as_dict()}


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps from what stands to what the profile says; no steps: nothing to do."""

    profile_id: str
    profile_digest: str
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.steps and not self.refusals

    @property
    def asks(self) -> bool:
        """Whether a person must agree before it is applied."""
        return any(step.touches_rows for step in self.steps)

    def as_dict(self) -> dict[str, object]:
        return {
            "profile": self.profile_id, "digest": self.profile_digest, "asks": self.asks,
            "steps": [step.as_dict() for step in self.steps],
            "refusals": [refusal.as_dict() for refusal in self.refusals],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer as it stands in the database."""

    definition: LayerDefinition
    digest: str
    revision: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database holds before the profile is applied."""

    profile: Profile | None = None
    profile_digest: str | None = None
    layers: Mapping[str, StoredLayer] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: layer → column → SQL type
    indexes: frozenset[str] = frozenset()
    has_policy: bool = False
    walls: Mapping[str, str] = field(default_factory=dict)  #: layer → digest of the statements behind its wall
    rank_rules: Mapping[str, str] = field(default_factory=dict)  #: layer → rule by which its rows are ranked for tiles


@dataclass(frozen=True, slots=True)
class TableShape:
    """The table a definition asks for, as SQL texts."""

    create: tuple[str, ...]
    columns: Mapping[str, str]  #: column → SQL type
    add_column: Mapping[str, str]
    indexes: Mapping[str, str]  #: name → statement
    wall: tuple[str, ...] = ()  #: row-level security; part of `create` where the table is new
    wall_digest: str | None = None
    rank: tuple[str, str] | None = None  #: the rule of rows with a shape, and the statement that marks it


def plan_of(
    profile: Profile, standing: Standing, shapes: Mapping[str, TableShape], reference_systems: Iterable[str]
) -> Plan:
    """The plan; `reference_systems` are those whose row is missing or different."""
    texts = texts_of(profile)
    refusals = [*_crs_refusals(profile, standing)]
    steps: list[Step] = [_reference_system(name) for name in reference_systems]
    for layer in profile.layers:
        stored = standing.layers.get(layer.id)
        found = list(_layer_refusals(layer, stored, standing, shapes[layer.id]))
        refusals += found
        if not found:
            steps += _layer_steps(profile, layer, standing, shapes[layer.id], texts.layers[layer.id].digest)
    steps += _closing_steps(profile, standing, texts.whole.digest)
    return Plan(profile.header.id, texts.whole.digest, tuple(steps), tuple(refusals))


# ── what is not possible in place ────────────────────────────────────────────────────────────────
def _crs_refusals(profile: Profile, standing: Standing) -> Iterator[Refusal]:
    """Stored shapes and pieces are cut in these systems by this operation."""
    if standing.profile is None:
        return
    before, after = standing.profile.header.crs, profile.header.crs
    is_filled = any(layer.revision for layer in standing.layers.values())
    if before.storage != after.storage or (is_filled and before != after):
        vi = "crs đã thay đổi: dữ liệu đã lưu theo hệ cũ. Hãy tạo cơ sở dữ liệu mới và công bố lại."
        en = "crs has changed: what is stored follows the old one. Make a new database and publish again."
        yield Refusal(None, Message(vi, en))


def _layer_refusals(
    layer: LayerDefinition, stored: StoredLayer | None, standing: Standing, shape: TableShape
) -> Iterator[Refusal]:
    if stored is None:
        return
    if stored.definition.key_columns != layer.key_columns:
        yield _refused(layer, "khóa (key)", "the key")
    if (stored.definition.has_geometry, stored.definition.geometry == "raster") != (
        layer.has_geometry,
        layer.geometry == "raster",
    ):
        yield _refused(layer, "loại hình học (geometry)", "the geometry")
        return
    columns = standing.columns.get(layer.id, {})
    for name, wanted in shape.columns.items():
        if name in columns and columns[name].lower() != wanted.lower():
            what = "geometry" if name.startswith("geom") else name
            yield _refused(layer, f"kiểu của '{what}'", f"the type of '{what}'", f"{columns[name]} → {wanted}")
            if what == "geometry":
                return


def _refused(layer: LayerDefinition, vi: str, en: str, change: str = "") -> Refusal:
    shown = f" ({change})" if change else ""
    return Refusal(
        layer.id,
        Message(
            f"{layer.id}: không đổi được {vi} của lớp đã có{shown}. Hãy đặt mã lớp mới (a new layer id).",
            f"{layer.id}: {en} of an existing layer cannot change{shown}. Use a new layer id.",
        ),
    )


# ── what is done ─────────────────────────────────────────────────────────────────────────────────
def _reference_system(name: str) -> Step:
    return Step("reference_system", Message(f"ghi hệ tọa độ {name} vào PostGIS", f"write {name} for PostGIS"))


def _layer_steps(
    profile: Profile, layer: LayerDefinition, standing: Standing, shape: TableShape, digest: str
) -> Iterator[Step]:
    stored = standing.layers.get(layer.id)
    if layer.id not in standing.columns:
        vi, en = f"tạo lớp {layer.id}", f"create the layer {layer.id}"
        yield Step("table", Message(vi, en), layer.id, shape.create)
        return
    is_filled = bool(stored and stored.revision)
    yield from _column_steps(layer, standing.columns[layer.id], shape, is_filled)
    for name, statement in shape.indexes.items():
        if name not in standing.indexes:
            message = Message(f"{layer.id}: tạo chỉ mục {name}", f"{layer.id}: create the index {name}")
            yield Step("index", message, layer.id, (statement,), is_filled)
    if standing.walls.get(layer.id) != shape.wall_digest:
        message = Message(f"{layer.id}: dựng bảo mật theo hàng", f"{layer.id}: put up row-level security")
        yield Step("wall", message, layer.id, shape.wall)
    yield from _rank_steps(layer, standing, shape, is_filled)
    if is_filled and standing.profile is not None:
        yield from _fact_steps(profile, standing.profile, layer)
    if stored is None or stored.digest != digest:
        yield from _definition_steps(layer, stored)


def _column_steps(
    layer: LayerDefinition, columns: Mapping[str, str], shape: TableShape, is_filled: bool
) -> Iterator[Step]:
    for name in shape.columns:
        if name not in columns:
            message = Message(f"{layer.id}: thêm cột {name}", f"{layer.id}: add the column {name}")
            yield Step("column", message, layer.id, (shape.add_column[name],), is_filled)
    for name in columns:
        if name not in shape.columns and name not in shape.add_column:
            vi = f"{layer.id}: cột {name} không còn trong định nghĩa; giữ trong bảng, không phục vụ"
            en = f"{layer.id}: the column {name} left the definition; it stays in the table and is not served"
            yield Step("unserved", Message(vi, en), layer.id)


def _rank_steps(layer: LayerDefinition, standing: Standing, shape: TableShape, is_filled: bool) -> Iterator[Step]:
    """Rows keep the rank they were written with; a tile would choose between two kinds of them."""
    if shape.rank is None or standing.rank_rules.get(layer.id, "size") == shape.rank[0]:
        return
    vi = f"{layer.id}: xếp lại hạng hiển thị trên ô bản đồ cho các hàng đã lưu"
    en = f"{layer.id}: rank stored rows anew for tiles"
    yield Step("ranks", Message(vi, en), layer.id, (shape.rank[1],), is_filled)


def _fact_steps(profile: Profile, before: Profile, layer: LayerDefinition) -> Iterator[Step]:
    """A column a rule reads for the first time must be in the facts, or its condition would hold for nothing."""
    old = before.layer(layer.id)
    added = set(fact_columns(profile, layer)) - set(fact_columns(before, old) if old else ())
    if added:
        listed = ", ".join(sorted(added))
        message = Message(f"{layer.id}: đưa {listed} vào dữ liệu kiểm tra", f"{layer.id}: copy {listed} to the facts")
        yield Step("facts", message, layer.id, touches_rows=True)


def _definition_steps(layer: LayerDefinition, stored: StoredLayer | None) -> Iterator[Step]:
    yield Step("layer", Message(f"{layer.id}: định nghĩa mới", f"{layer.id}: new definition"), layer.id)
    if stored and stored.revision and _measured_otherwise(stored.definition, layer):
        vi = f"{layer.id}: sai số hoặc vai trò của cột có hiệu lực từ lần công bố sau"
        en = f"{layer.id}: accuracy or roles of columns take effect with the next publication"
        yield Step("republish", Message(vi, en), layer.id)


def _measured_otherwise(before: LayerDefinition, after: LayerDefinition) -> bool:
    def measured(layer: LayerDefinition) -> tuple[object, ...]:
        return layer.accuracy_m, layer.scale, tuple((a.name, a.role) for a in layer.attributes if a.role)

    return measured(before) != measured(after)


def _closing_steps(profile: Profile, standing: Standing, digest: str) -> Iterator[Step]:
    before = standing.profile.layers if standing.profile else ()
    for layer in before:
        if profile.layer(layer.id) is None:
            vi = f"lớp {layer.id} không còn trong hồ sơ: ngừng phục vụ, dữ liệu được giữ"
            en = f"the layer {layer.id} left the profile: it is no longer served, its data stay"
            yield Step("unserved", Message(vi, en), layer.id)
    if not standing.has_policy and profile.grants:
        vi, en = f"nạp {len(profile.grants)} quyền ban đầu", f"seed {len(profile.grants)} grants"
        yield Step("grants", Message(vi, en))
    if standing.profile_digest != digest:
        yield Step("profile", Message("chuyển sang hồ sơ này", "switch to this profile"))
