"""What makes the second world another one: rows, cells, shapes, histories, records, events that nobody of the audience
may see are redrawn, moved, added and removed. Everything is drawn from the pair's own seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from layers.canonical import canonical
from layers.profile.grammar import Attribute, LayerDefinition
from layers.profile.profile import digest

from . import rasters
from .content import REVISED, worlds_profile
from .executing import OTHERS_JOB
from .sight import Audience, Level

#: attributes a rule or the profile's roles look at: their values decide who sees the row, so they stay
_DECIDING = frozenset({"ma_xa", "sau"})
_VALUES: dict[str, str] = {
    "string": "'khác ' || (random() * 1e6)::int::text",
    "code": "(ARRAY['ODT', 'CLN', 'CQP'])[1 + (random() * 2)::int]",
    "number": "CASE WHEN random() < 0.1 THEN 0 ELSE (random() * 1e6)::int END",
    "integer": "CASE WHEN random() < 0.1 THEN 0 ELSE (random() * 1000)::int END",
    "date": "DATE '2020-01-01' + (random() * 2000)::int",
    "list": "jsonb_build_array(jsonb_build_object('loai', 'CQP', 'dien_tich', (random() * 1000)::int))",
}
#: how far a shape may move so that its corners stay on the grid it is shown on: rows lie up to 10 m beside it already
_WITHIN_GRID_M = 12


@dataclass
class Differences:
    """One second world in the making."""

    connection: psycopg.Connection[Any]
    audience: Audience
    seed: int

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.run("SELECT setseed({})", self.random.uniform(-1, 1))
        found = self.connection.execute("SELECT id, number, revision FROM catalogue.layer").fetchall()
        self.numbers = {layer: number for layer, number, _ in found}
        self.revisions = {layer: revision for layer, _, revision in found}

    def make(self) -> None:
        """Every kind of difference, in an order of its own."""
        kinds: list[Callable[[LayerDefinition], None]] = [
            self.remove_rows, self.add_rows, self.redraw_cells, self.redraw_shapes, self.move_within_grid,
            self.stretch_around_centroid, self.rerank, self.rewrite_history,
        ]  # fmt: skip
        for layer in worlds_profile().layers:
            if self.revisions[layer.id] == 0:
                continue
            self.random.shuffle(kinds)
            for change in kinds:
                if self.random.random() < 0.8:
                    change(layer)
            self._refresh_keys(layer)
            self._live_on(layer)
            if layer.is_raster and self.audience.hidden_rows(layer.id) == "true":
                rasters.exchange(self.connection, (3, self.random.choice((4, 5))))
        self._other_peoples_events()
        self._other_peoples_records()
        self._other_peoples_jobs()
        if "clerk" not in self.audience.identities:  # who registers dossiers sees them all
            self._other_peoples_dossiers()

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────
    def remove_rows(self, layer: LayerDefinition) -> None:
        gone = self._versions(layer, f"({self.audience.hidden_rows(layer.id)}) AND random() < 0.4")
        self._delete(layer, gone)

    def _delete(self, layer: LayerDefinition, versions: list[tuple[int, int]]) -> None:
        fids, sinces = [fid for fid, _ in versions], [since for _, since in versions]
        self.run("DELETE FROM {table} WHERE (fid, since) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))",
                 (fids, sinces), layer)  # fmt: skip
        for table in ("checks.fact", "checks.piece"):
            self.run(f"DELETE FROM {table} WHERE layer = %s AND (fid, since) IN"
                     " (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))",
                     (self.numbers[layer.id], fids, sinces))  # fmt: skip

    def add_rows(self, layer: LayerDefinition) -> None:
        """Copies of hidden rows under new fids, somewhere else, with a history of their own."""
        models = self._versions(layer, f"({self.audience.hidden_rows(layer.id)}) AND random() < 0.3")
        for fid, since in models:
            self._copy(layer, fid, since, self.random.getrandbits(53))

    def _copy(self, layer: LayerDefinition, fid: int, since: int, new_fid: int) -> None:
        begin = self.random.randint(1, self.revisions[layer.id])
        end = self.random.choice([None, None, *range(begin + 1, self.revisions[layer.id] + 1)])
        columns = ["key", "row_hash", *(attribute.name for attribute in layer.attributes)]
        columns += ["geom", "geom_4326", "geom_3857", "min_zoom"] if layer.has_geometry else []
        named = sql.SQL(", ").join(map(sql.Identifier, columns))
        self.connection.execute(
            sql.SQL("INSERT INTO {table} (fid, since, until, {columns}) SELECT %s, %s, %s, {columns} FROM {table}"
                    " WHERE fid = %s AND since = %s").format(table=_table(layer), columns=named),
            (new_fid, begin, end, fid, since),
        )  # fmt: skip
        number = self.numbers[layer.id]
        self.run("INSERT INTO checks.fact (layer, fid, since, until, key, accuracy_m, attributes, parcel_refs)"
                 " SELECT layer, %s, %s, %s, key, accuracy_m, attributes, parcel_refs FROM checks.fact"
                 " WHERE layer = %s AND fid = %s AND since = %s",
                 (new_fid, begin, end, number, fid, since))  # fmt: skip
        self.run("INSERT INTO checks.piece (layer, zone, fid, since, until, geom) SELECT layer, zone, %s, %s, %s, geom"
                 " FROM checks.piece WHERE layer = %s AND fid = %s AND since = %s",
                 (new_fid, begin, end, number, fid, since))  # fmt: skip
        if layer.has_geometry:
            self._move(layer, [(new_fid, begin)], self._anywhere)

    def rewrite_history(self, layer: LayerDefinition) -> None:
        """Hidden rows were edited, ended or begun at other revisions."""
        for fid, since in self._versions(layer, f"({self.audience.hidden_rows(layer.id)}) AND random() < 0.3"):
            last = self.revisions[layer.id]
            end = self.random.choice([None, *range(since + 1, last + 1)])
            known = self.run("SELECT count(*) FROM {table} WHERE fid = %s", (fid,), layer).fetchone()
            if known and known[0] > 1:
                continue  # versions of one fid must not overlap
            self.run("UPDATE {table} SET until = %s WHERE fid = %s AND since = %s", (end, fid, since), layer)
            for table in ("checks.fact", "checks.piece"):
                self.run(f"UPDATE {table} SET until = %s WHERE layer = %s AND fid = %s AND since = %s",
                         (end, self.numbers[layer.id], fid, since))  # fmt: skip

    # ── cells ────────────────────────────────────────────────────────────────────────────────────
    def redraw_cells(self, layer: LayerDefinition) -> None:
        for attribute in layer.attributes:
            if attribute.name not in _DECIDING and self.random.random() < 0.8:
                self._redraw(layer, attribute)

    def _redraw(self, layer: LayerDefinition, attribute: Attribute) -> None:
        hidden = self.audience.hidden_cells(layer.id, attribute.name)
        drawn = "NULL" if not attribute.required and self.random.random() < 0.15 else _VALUES[attribute.type]
        if attribute.enum:
            drawn = "(ARRAY['mot', 'hai', 'ba'])[1 + (random() * 2)::int]"
        column = sql.Identifier(attribute.name)
        self.connection.execute(
            sql.SQL("UPDATE {table} SET {column} = {drawn}, row_hash = decode(md5(random()::text), 'hex')"
                    " WHERE ({hidden}) AND random() < 0.7")
            .format(table=_table(layer), column=column, drawn=sql.SQL(drawn), hidden=sql.SQL(hidden))  # type: ignore[arg-type]
        )  # fmt: skip
        self.connection.execute(
            sql.SQL("UPDATE checks.fact SET attributes = jsonb_set(attributes, ARRAY[%s], to_jsonb(row.{column}))"
                    " FROM {table} AS row WHERE fact.layer = %s AND fact.fid = row.fid AND fact.since = row.since"
                    " AND attributes ? %s AND row.{column} IS NOT NULL").format(table=_table(layer), column=column),
            (attribute.name, self.numbers[layer.id], attribute.name),
        )  # fmt: skip

    def _refresh_keys(self, layer: LayerDefinition) -> None:
        """A key is what its columns say."""
        if not layer.key_columns:
            return
        key = sql.SQL(" || '.' || ").join(map(sql.Identifier, layer.key_columns))
        self.connection.execute(sql.SQL("UPDATE {} SET key = {}").format(_table(layer), key))
        self.run("UPDATE checks.fact SET key = row.key FROM {table} AS row"
                 " WHERE fact.layer = %s AND fact.fid = row.fid AND fact.since = row.since",
                 (self.numbers[layer.id],), layer)  # fmt: skip

    # ── shapes ───────────────────────────────────────────────────────────────────────────────────
    def redraw_shapes(self, layer: LayerDefinition) -> None:
        self._move(layer, self._shown_at(layer, "none"), self._anywhere)

    def move_within_grid(self, layer: LayerDefinition) -> None:
        """A little larger or smaller, and a little beside: every corner stays in its cell of the grid."""
        versions = self._shown_at(layer, "grid")
        if not versions:
            return
        self._swell(layer, versions, self.random.uniform(0.96, 1.04))
        self._move(layer, versions, self._a_little)

    def _swell(self, layer: LayerDefinition, versions: list[tuple[int, int]], factor: float) -> None:
        given = [[fid for fid, _ in versions], [since for _, since in versions]]
        around = "ST_SetSRID(ST_Centroid(row.geom), 0)"
        self.run("UPDATE checks.piece SET geom = ST_Scale(piece.geom, ST_MakePoint(%s, %s), " + around + ")"
                 " FROM {table} AS row, unnest(%s::bigint[], %s::bigint[]) AS moved (f, s)"
                 " WHERE layer = %s AND piece.fid = f AND piece.since = s AND row.fid = f AND row.since = s",
                 [factor, factor, *given, self.numbers[layer.id]], layer)  # fmt: skip
        self.run("UPDATE {table} SET geom = ST_Scale(geom, ST_SetSRID(ST_MakePoint(%s, %s), ST_SRID(geom)),"
                 " ST_Centroid(geom)) FROM unnest(%s::bigint[], %s::bigint[]) AS moved (f, s)"
                 " WHERE fid = f AND since = s",
                 [factor, factor, *given], layer)  # fmt: skip

    def _shown_at(self, layer: LayerDefinition, level: Level) -> list[tuple[int, int]]:
        if not layer.has_geometry:
            return []
        return self._versions(layer, f"({self.audience.shapes(layer.id, level)}) AND random() < 0.7")

    def _anywhere(self) -> tuple[float, float]:
        return self.random.uniform(-900, 900), self.random.uniform(-400, 400)

    def _a_little(self) -> tuple[float, float]:
        return self.random.uniform(-_WITHIN_GRID_M, _WITHIN_GRID_M), self.random.uniform(-_WITHIN_GRID_M, 12)

    def _move(
        self, layer: LayerDefinition, versions: list[tuple[int, int]], by: Callable[[], tuple[float, float]]
    ) -> None:
        if not versions:
            return
        moved = [(fid, since, *by()) for fid, since in versions]
        given = [list(column) for column in zip(*moved, strict=True)]
        self.run("UPDATE {table} SET geom = ST_Translate(geom, dx, dy)"
                 " FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::float8[]) AS moved (f, s, dx, dy)"
                 " WHERE fid = f AND since = s", given, layer)  # fmt: skip
        self.run("UPDATE {table} SET geom_4326 = ST_ForcePolygonCCW(ST_Transform(geom, 4326)),"
                 " geom_3857 = ST_ForcePolygonCW(ST_Transform(geom, 3857))"
                 " FROM unnest(%s::bigint[], %s::bigint[]) AS moved (f, s) WHERE fid = f AND since = s",
                 given[:2], layer)  # fmt: skip
        self.run("UPDATE checks.piece SET geom = ST_Translate(geom, dx, dy)"
                 " FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::float8[]) AS moved (f, s, dx, dy)"
                 " WHERE layer = %s AND fid = f AND since = s", [*given, self.numbers[layer.id]])  # fmt: skip

    def stretch_around_centroid(self, layer: LayerDefinition) -> None:
        """In each CRS around that CRS's own centroid, so that it stays where it is to the last digit shown."""
        versions = self._shown_at(layer, "centroid")
        if not versions:
            return
        given = [[fid for fid, _ in versions], [since for _, since in versions]]
        factor = self.random.uniform(0.3, 0.95)
        for column in ("geom", "geom_4326", "geom_3857"):
            self.run(f"UPDATE {{table}} SET {column} = ST_Scale({column},"
                     f" ST_SetSRID(ST_Point(%s, %s), ST_SRID({column})), ST_Centroid({column}))"
                     " FROM unnest(%s::bigint[], %s::bigint[]) AS moved (f, s) WHERE fid = f AND since = s",
                     [factor, factor, *given], layer)  # fmt: skip

    def rerank(self, layer: LayerDefinition) -> None:
        """How large a shape is decides from which zoom on it is drawn; the size of one shown coarsely is hidden."""
        if layer.has_geometry:
            for level in ("none", "grid", "centroid"):
                hidden = self.audience.shapes(layer.id, level)  # type: ignore[arg-type]
                self.run(f"UPDATE {{table}} SET min_zoom = (random() * 14)::int WHERE ({hidden}) AND random() < 0.7",
                         (), layer)  # fmt: skip

    # ── layers, events, records ──────────────────────────────────────────────────────────────────
    def _live_on(self, layer: LayerDefinition) -> None:
        """What a layer went through where its activity is told to nobody of the audience."""
        if self.audience.may_know_activity(layer.id):
            return
        is_known = self.audience.may_know(layer.id)
        for _ in range(self.random.randint(1, 4)):
            self._one_more_revision(layer, "served" if is_known else self.random.choice(["served", "suspended"]))
        if not is_known and self.random.random() < 0.3:
            self.run("UPDATE catalogue.layer SET state = 'withdrawn' WHERE id = %s", (layer.id,))

    def _one_more_revision(self, layer: LayerDefinition, state: str) -> None:
        """Every row is closed and stands again, so that only the numbers tell of it."""
        self.revisions[layer.id] += 1
        revision = self.revisions[layer.id]
        created = REVISED[-1].replace(day=self.random.randint(4, 28), hour=self.random.randint(0, 23))
        self.run("UPDATE catalogue.layer SET revision = %s, state = %s, changed = %s WHERE id = %s",
                 (revision, state, created, layer.id))  # fmt: skip
        self.run("INSERT INTO catalogue.revision (layer, revision, kind, created, definition, state, principal, added)"
                 " SELECT id, %s, 'edit', %s, definition, %s, 'khác', 5 FROM catalogue.layer WHERE id = %s",
                 (revision, created, state, layer.id))  # fmt: skip
        self.run("INSERT INTO catalogue.release (layer, release, revision, note, source_name, source_digest,"
                 " content_digest, declaration, report)"
                 " VALUES (%s, %s, %s, 'ghi chú khác', 'khac.gpkg', '', '', '{{}}', '{{}}')",
                 (layer.id, 100 + revision, revision))  # fmt: skip
        self._stand_again(layer, revision)

    def _stand_again(self, layer: LayerDefinition, revision: int) -> None:
        names = ["fid", "key", "row_hash", *(attribute.name for attribute in layer.attributes)]
        names += ["geom", "geom_4326", "geom_3857", "min_zoom"] if layer.has_geometry else []
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        closed = sql.SQL("WITH closed AS (UPDATE {table} SET until = %s WHERE until IS NULL RETURNING *)"
                         " INSERT INTO {table} (since, {columns}) SELECT %s, {columns} FROM closed")  # fmt: skip
        self.connection.execute(closed.format(table=_table(layer), columns=columns), (revision, revision))
        for table, kept in (
            ("checks.fact", "layer, fid, key, accuracy_m, attributes, parcel_refs"),
            ("checks.piece", "layer, zone, fid, geom"),
            ("checks.mapped", "layer, kind, zone, commune, reason, geom"),
        ):
            self.run(f"WITH closed AS (UPDATE {table} SET until = %s WHERE until IS NULL AND layer = %s RETURNING *)"
                     f" INSERT INTO {table} (since, {kept}) SELECT %s, {kept} FROM closed",
                     (revision, self.numbers[layer.id], revision))  # fmt: skip

    def _other_peoples_events(self) -> None:
        """Others read and asked more, of layers that nobody of the audience answers for."""
        layers = [layer for layer in self.numbers if not self.audience.owns(layer)]
        for _ in range(self.random.randint(3, 30)):
            self.run("INSERT INTO access.event (principal, action, layer, decision, reason, features, dossier)"
                     " VALUES ('người khác', %s, %s, 'allow', 'granted', %s, 'HS-KHAC')",
                     (self.random.choice(["items", "check", "tile"]), self.random.choice(layers),
                      self.random.randint(0, 900)))  # fmt: skip

    def _other_peoples_records(self) -> None:
        """Checks by others of what nobody of the audience sees as it is measured: gone, or with other findings."""
        records = self.run("SELECT id, principal, body, EXISTS (SELECT FROM access.disclosure WHERE record = id),"
                           " ARRAY(SELECT layer FROM checks.review WHERE record = one.id)"
                           " FROM checks.record AS one").fetchall()  # fmt: skip
        self.run("ALTER TABLE checks.record DISABLE TRIGGER append_only")
        for record, principal, body, is_counted, disputed in records:
            content = json.loads(body)
            ward = content["subject"]["attributes"].get("ma_xa")
            if principal in self.audience.identities or self.audience.may_read_checks_of(ward):
                continue
            if any(self.audience.owns(layer) for layer in disputed):  # a task of theirs shows the finding
                continue
            if not is_counted and not disputed and self.random.random() < 0.5:  # a dossier's quota is told, and stays
                self.run("DELETE FROM checks.record WHERE id = %s", (record,))
            else:
                content["subject"] |= {"area_m2": self.random.uniform(50, 900), "label": "Thửa khác"}
                content["dossier"], content["verdict"] = "HS-1", self.random.choice(["pass", "fail"])
                made = canonical(content)
                self.run("UPDATE checks.record SET body = %s, digest = %s, dossier = 'HS-1' WHERE id = %s",
                         (made, digest(made), record))  # fmt: skip
                self._one_more_opinion(record)

    def _other_peoples_jobs(self) -> None:
        """A job of somebody who is nobody's caller here; its owner has others, and its turn came."""
        for job, state in ((OTHERS_JOB, "successful"), (OTHERS_JOB[:-1] + "f", "running")):
            self.run(
                "INSERT INTO checks.job (id, owner, kind, inputs, inputs_digest, state, created, updated, result)"
                " VALUES (%s, 'khong_ai', 'batch-check', '{{}}', 'x', %s, %s, %s, '{{}}')",
                (job, state, REVISED[-1], REVISED[-1]),
            )

    def _one_more_opinion(self, record: str) -> None:
        """Somebody disputed something of a layer that nobody of the audience answers for."""
        layer = self.random.choice([layer for layer in self.numbers if not self.audience.owns(layer)])
        number = self.run("SELECT count(*) + 1 FROM checks.review WHERE record = %s", (record,)).fetchone()
        body, name = json.dumps({"text": "khác"}), f"khac-{self.random.getrandbits(60)}"
        self.run("INSERT INTO checks.review"
                 " (id, record, number, created, kind, layer, principal, previous, digest, body)"
                 " VALUES (%s, %s, %s, now(), 'dispute', %s, 'người khác', 'x', %s, %s)",
                 (name, record, number[0] if number else 1, layer, digest(name), body))  # fmt: skip

    def _other_peoples_dossiers(self) -> None:
        columns = "id, procedure, offices, parcels, surveys, opened_by, changed_by"
        values = ("HS-AN", "land_use_change", ["co_quan_khac"], [17], [], "khác", "khác")
        self.run(f"INSERT INTO access.dossier ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s)", values)

    # ── how a statement is run ───────────────────────────────────────────────────────────────────
    def _versions(self, layer: LayerDefinition, condition: str) -> list[tuple[int, int]]:
        """(fid, since) of the rows that meet a condition of our own."""
        found = self.run(f"SELECT fid, since FROM {{table}} WHERE {condition} ORDER BY fid, since", (), layer)
        return [(int(fid), int(since)) for fid, since in found.fetchall()]

    def run(self, statement: str, values: Any = (), layer: LayerDefinition | None = None) -> psycopg.Cursor[Any]:
        """A statement of the tests, with `{table}` for the layer's own."""
        if isinstance(values, float):
            return self.connection.execute(statement.format(values))  # type: ignore[call-overload, no-any-return]
        named = {"table": _table(layer)} if layer else {}
        return self.connection.execute(sql.SQL(statement).format(**named), values or None)  # type: ignore[arg-type]


def _table(layer: LayerDefinition) -> sql.Identifier:
    return sql.Identifier("data", layer.id)
