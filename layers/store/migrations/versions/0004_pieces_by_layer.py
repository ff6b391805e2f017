"""Pieces by layer, then by place: a wide search in a sparse layer must not walk over every parcel around."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("CREATE INDEX piece_layer_geom ON checks.piece USING gist (layer, geom)")
    op.execute("DROP INDEX checks.piece_geom")


def downgrade() -> None:
    raise RuntimeError("restore a backup instead")
