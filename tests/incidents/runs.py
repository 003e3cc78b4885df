"""Runs with alerts, as the runner makes them of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.detect.logs import ScriptedLogs, table
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.roles import EVERYWHERE, Principal, Role
from vedette.detect.alerts.alert import RuleRun, RunType
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.rule import (
    AnalyticsRule,
    EntityMapping,
    EventGrouping,
    FieldMapping,
    GroupingConfiguration,
    IncidentConfiguration,
    MatchingMethod,
)
from vedette.detect.running.runner import RuleRunner


def person(name: str, role: Role = Role.RESPONDER) -> Principal:
    """Somebody with a role everywhere."""
    return Principal(
        id=f"id-{name}",
        kind="user",
        name=name,
        display_name=name.capitalize(),
        roles_by_workspace={EVERYWHERE: frozenset({role})},
    )


ANN, BOB = person("ann"), person("bob")

MAPPINGS = (
    EntityMapping("Account", (FieldMapping("FullName", "User"),)),
    EntityMapping("IP", (FieldMapping("Address", "Ip"),)),
)


def rule(
    number: int = 1, grouping: GroupingConfiguration | None = None, *, create: bool = True, **more: Any
) -> AnalyticsRule:
    """A rule that maps the columns User and Ip, and raises an alert for each result."""
    fields: dict[str, Any] = {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "name": f"Rule {number}",
        "query": "T",
        "query_frequency": timedelta(hours=1),
        "query_period": timedelta(hours=1),
        "entity_mappings": MAPPINGS,
        "event_grouping": EventGrouping.ALERT_PER_RESULT,
        "incident": IncidentConfiguration(create, grouping or GroupingConfiguration()),
        "tactics": ("InitialAccess",),
        "techniques": ("T1078",),
    }
    return AnalyticsRule(**(fields | more))


def grouped(method: MatchingMethod = MatchingMethod.ALL_ENTITIES, **more: Any) -> GroupingConfiguration:
    """A grouping that is on."""
    return GroupingConfiguration(**({"enabled": True, "matching_method": method} | more))


def run(of: AnalyticsRule, rows: Sequence[Mapping[str, Any]], at: datetime = NOON) -> RuleRun:
    """A scheduled run of the rule that found these rows; a row without TimeGenerated is of a minute before."""
    stamped = [{"TimeGenerated": wire_datetime(at - timedelta(minutes=1)), **row} for row in rows]
    logs = ScriptedLogs(lambda *_: table(stamped, {"TimeGenerated": "datetime"}))
    return RuleRunner(logs, VirtualClock(at)).run(of, at, run_type=RunType.SCHEDULED)
