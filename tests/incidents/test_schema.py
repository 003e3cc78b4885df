"""The tables that migrations make are the tables that the models describe."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import vedette.core.models
import vedette.detect.models
import vedette.incidents.models  # noqa: F401  (its tables are registered by the import)
from vedette.core.database import Base, State


def test_migrations_and_models_agree(state: State) -> None:
    with state.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        ours = ("alerts", "incident", "log_outbox", "analytics_rule", "rule_")
        differences = [
            entry for entry in compare_metadata(context, Base.metadata) if any(name in str(entry) for name in ours)
        ]
    assert differences == []
