"""The tables that migrations make are the tables that the models describe."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import vedette.core.models
import vedette.detect.models
import vedette.incidents.models
import vedette.incidents.work.models
import vedette.respond.at_source.models
import vedette.respond.automation.models  # noqa: F401
from vedette.core.database import Base, State

OURS = (
    "automation_rules alerts analytics_rule_revisions analytics_rules bookmark_entity_keys bookmarks incident_activities incident_comments incident_counters"
    " incident_entities incident_entity_keys incident_moves incident_rules incident_tasks incidents log_outbox rule_runs rule_schedules source_changes"
).split()


def test_migrations_and_models_agree(state: State) -> None:
    def ours(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        return kind != "table" or name in OURS

    assert set(OURS) <= set(Base.metadata.tables)
    with state.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_object": ours})
        assert compare_metadata(context, Base.metadata) == []
