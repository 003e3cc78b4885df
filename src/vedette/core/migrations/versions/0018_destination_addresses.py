"""Whether destinations may be in private networks. Those that are there stay where they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_destination_addresses"
down_revision = "0017_automation_rules"


def upgrade() -> None:
    op.add_column("destinations", sa.Column("inside", sa.Boolean, nullable=False, server_default=sa.true()))
