"""The core room's tables: secrets that lie with other services, and rotations under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vedette.core.database import PlainText, UtcDateTime

revision = "0015_secrets"
down_revision = "0014_incident_work"


def upgrade() -> None:
    op.add_column("secrets", sa.Column("backend", sa.String(32), nullable=False, server_default="state"))
    op.add_column("secrets", sa.Column("locator", PlainText, nullable=True))
    op.add_column("secrets", sa.Column("warned_at", UtcDateTime, nullable=True))
    op.create_table(
        "secret_rotations",
        sa.Column("secret_id", sa.String(36), nullable=False),
        sa.Column("backend", sa.String(32), nullable=False),
        sa.Column("locator", PlainText, nullable=True),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary, nullable=False),
        sa.Column("staged_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.Column("tested_at", UtcDateTime, nullable=True),
        sa.Column("verified_at", UtcDateTime, nullable=True),
        sa.Column("problem", PlainText, nullable=True),
        sa.PrimaryKeyConstraint("secret_id", name="pk_secret_rotations"),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["secrets.id"], name="fk_secret_rotations_secret_id_secrets", ondelete="CASCADE"
        ),
    )
