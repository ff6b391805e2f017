"""What publication notes of a row (`plain_cells`, `clearance`): one text a subject, in the order of their names."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    here = Path(__file__)
    for text in sorted(here.parent.glob(f"{here.stem}_*.sql")):
        op.get_bind().exec_driver_sql(text.read_text(encoding="utf-8"), execution_options={"no_parameters": True})


def downgrade() -> None:
    raise RuntimeError("rows would lose what was found when they were written; restore a backup instead")
