"""How much of a run's look-back was put together of what earlier runs kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_kept_bins"
down_revision = "0019_source_changes"


def upgrade() -> None:
    op.add_column("rule_runs", sa.Column("bins_kept", sa.Integer, nullable=True))
    op.add_column("rule_runs", sa.Column("bins_made", sa.Integer, nullable=True))
