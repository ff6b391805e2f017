"""Do the walls stand as they were built? Asked when a server starts, and by `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from gis.errors import Message
from layers.errors import StoreError, UnavailableError

from .catalogue import Catalogue, expecting_schema, load_catalogue
from .connection import Connection, Database, row, rows
from .statements import blocks
from .wall import compile_wall, standing_walls, wall_digest, wall_statements

_SQL = "drift"
log = structlog.get_logger()
#: named in one message; the number is told
MOST_NAMED = 5
#: blocks that name what must not be, and how it is told
_FAULTS: Mapping[str, tuple[str, str]] = {
    "open_tables": ("bảng chưa bật bảo mật theo hàng", "tables without row-level security"),
    "other_relations": ("khung nhìn hoặc bảng ngoài trong lược đồ data", "views or foreign tables in the schema data"),
    "granted_tables": ("quyền trên cả bảng", "grants on whole tables"),
    "views": ("khung nhìn đọc được bao quanh bảng dữ liệu", "readable views around the tables"),
    "readable": ("quyền thừa của các nhóm đọc", "rights of the classes beyond the layers"),
    "leakproof": ("hàm leakproof ngoài dự kiến", "functions that must not be leakproof"),
    "owners": ("vai trò đọc đang sở hữu đối tượng", "roles that own something"),
    "attributes": ("vai trò có đặc quyền", "roles with powers"),
    "memberships": ("vai trò thừa hưởng chéo", "roles that inherit crosswise"),
    "outsiders": ("nhóm đọc chưa có vai trò", "classes without their role"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Walls:
    """How many of the two walls stand. The first is the relation, in this program; it always does."""

    is_possible: bool  #: the second one, with this login
    faults: tuple[Message, ...] = ()
    remarks: tuple[Message, ...] = ()  #: it stands, but something is to be done

    @property
    def standing(self) -> int:
        return 2 if self.is_possible and not self.faults else 1

    def as_dict(self) -> dict[str, object]:
        told = [message.as_dict() for message in (*self.faults, *self.remarks)]
        return {"standing": self.standing, "of": 2, "messages": told}

    def require(self) -> Walls:
        """Itself. Raises StoreError when the second wall should stand and does not: then nothing is served."""
        if not self.faults:
            return self
        vi, en = ("\n".join(getattr(fault, language) for fault in self.faults) for language in ("vi", "en"))
        raise StoreError(
            f"Tường bảo mật thứ hai trong cơ sở dữ liệu không đúng. Chạy 'lienthong profile apply'.\n{vi}",
            f"The second wall, in the database, is not as it was built. Run 'lienthong profile apply'.\n{en}",
        )


async def examine(connection: Connection, catalogue: Catalogue) -> Walls:
    """Compare what stands with the applied profile and policy, within the caller's transaction."""
    sql = blocks(_SQL)
    possible = await row(connection, sql["possible"])
    if not (possible and possible["found"]):
        return Walls(False, remarks=(_IMPOSSIBLE,))
    faults = [*await _policy_faults(connection, catalogue), *await _table_faults(connection, catalogue)]
    for name, words in _FAULTS.items():
        faults += _told(words, (found["name"] for found in await rows(connection, sql[name])))
    slow = await rows(connection, sql["slow"])
    return Walls(True, tuple(faults), (_SLOW,) if slow else ())


async def _policy_faults(connection: Connection, catalogue: Catalogue) -> list[Message]:
    """Scopes and GRANTs against the policy in force."""
    made, sql = compile_wall(catalogue.grants, catalogue.profile.layers, catalogue.profile.identities), blocks(_SQL)
    classes = {found["database_role"] for found in await rows(connection, sql["classes"])}
    reached = {tuple(found.values()) for found in await rows(connection, sql["rows"])}
    columns = {tuple(found.values()) for found in await rows(connection, sql["columns"])}
    granted = {tuple(found.values()) for found in await rows(connection, sql["granted"])}
    wanted = {(*column, "SELECT") for column in made.columns}
    return [
        *_differing("nhóm đọc", "classes", {(one.database_role,) for one in made.classes}, {(one,) for one in classes}),
        *_differing("phạm vi hàng", "rows in scope", made.rows, reached),
        *_differing("phạm vi cột", "columns in scope", made.columns, columns),
        *_differing("quyền trên cột", "granted columns", wanted, granted),
    ]


async def _table_faults(connection: Connection, catalogue: Catalogue) -> list[Message]:
    """Policies on the tables against the ones they were given."""
    standing = await standing_walls(connection)
    wanted = {layer.id: wall_digest(wall_statements(layer)) for layer in catalogue.profile.layers}
    changed = (layer for layer, digest in wanted.items() if standing.get(layer) != digest)
    return _told(("chính sách hàng đã bị sửa", "policies on tables that were changed"), changed)


def _differing(
    vi: str, en: str, wanted: Iterable[tuple[object, ...]], found: Iterable[tuple[object, ...]]
) -> list[Message]:
    missing, extra = set(wanted) - set(found), set(found) - set(wanted)
    return [
        *_told((f"{vi} bị thiếu", f"{en} missing"), (" ".join(map(str, each)) for each in missing)),
        *_told((f"{vi} bị thừa", f"{en} too many"), (" ".join(map(str, each)) for each in extra)),
    ]


def _told(words: tuple[str, str], names: Iterable[str]) -> list[Message]:
    found = sorted(names)
    if not found:
        return []
    listed = ", ".join(found[:MOST_NAMED]) + (", …" if len(found) > MOST_NAMED else "")
    vi, en = words
    return [Message(f"{vi} ({len(found)}): {listed}", f"{en} ({len(found)}): {listed}")]


_IMPOSSIBLE = Message(
    "Chỉ có 1 trên 2 tường bảo mật: tài khoản cơ sở dữ liệu không được tạo vai trò. Cấp CREATEROLE rồi chạy "
    "'lienthong profile apply'.",
    "1 of 2 walls: the database login may not make roles. Give it CREATEROLE, then run 'lienthong profile apply'.",
)
_SLOW = Message(
    "Có hàm chỉ mục chưa LEAKPROOF nên bản đồ, bbox và tìm kiếm chậm. Nhờ quản trị chạy: SELECT access.harden();",
    "Functions behind indexes are not leakproof: boxes are slow. Let a superuser run: SELECT access.harden();",
)


async def guard(database: Database) -> Walls | None:
    """For a process that is about to serve: where the second wall should stand, it stands, or StoreError.

    None while no profile has been applied: then there is nothing to serve.
    """
    with expecting_schema():
        async with database.transaction(snapshot=True) as connection:
            try:
                catalogue = await load_catalogue(connection)
            except UnavailableError:
                return None
            walls = await examine(connection, catalogue)
    database.has_second_wall = walls.is_possible
    for message in (*walls.faults, *walls.remarks):
        log.warning("walls", standing=walls.standing, message=message.en)
    return walls.require()
