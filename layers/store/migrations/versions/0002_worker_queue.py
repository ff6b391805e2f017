"""The queue that wakes workers: procrastinate's own schema, applied by our migration."""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # psycopg reads % as a placeholder only where parameters are given; there are none
    op.get_bind().exec_driver_sql(SchemaManager.get_schema(), execution_options={"no_parameters": True})


def downgrade() -> None:
    raise RuntimeError("restore a backup instead")
