"""Records are packed while somebody waits for them: quickly. One text a subject, in the order of their names."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = Path(__file__)
    for text in sorted(here.parent.glob(f"{here.stem}_*.sql")):
        op.get_bind().exec_driver_sql(text.read_text(encoding="utf-8"), execution_options={"no_parameters": True})


def downgrade() -> None:
    op.execute("ALTER TABLE checks.record ALTER COLUMN body SET COMPRESSION default")
    op.execute("ALTER TABLE checks.division ALTER COLUMN body SET COMPRESSION default")
