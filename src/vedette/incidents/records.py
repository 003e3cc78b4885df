"""Alerts as they are kept: from a run into a row, and out of it again."""

from __future__ import annotations

from typing import Any, Final

from vedette.core.database import storable
from vedette.detect.alerts.alert import Alert, RuleRun
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.entities.entity import Entity
from vedette.detect.rule import JsonValue
from vedette.incidents.models import AlertRow

PRODUCT: Final = "Vedette"
"""The product that alerts of our own rules come from."""


def alert_body(run: RuleRun, alert: Alert) -> dict[str, Any]:
    """What is kept of an alert beside the columns of its row: all that its reader and a destination may want."""
    rule = run.rule
    campaign = {} if alert.campaign is None else {"campaign": dict(alert.campaign)}
    return campaign | {
        "rule": storable(alert.rule),
        "kind": rule.kind.value,
        "title": storable(alert.title),
        "description": storable(alert.description),
        "tactics": list(alert.tactics),
        "techniques": list(alert.techniques),
        "subTechniques": list(alert.sub_techniques),
        "rows": alert.rows,
        "rowsHash": alert.rows_hash,
        "columns": [list(column) for column in alert.columns],
        "sample": [dict(row) for row in alert.sample],
        "entities": [entity.to_dict() for entity in alert.entities],
        "customDetails": {name: list(values) for name, values in alert.custom_details.items()},
        "properties": dict(alert.properties),
        "notes": list(alert.notes),
        "product": alert.properties.get("ProductName", PRODUCT),
        "window": {"from": wire_datetime(run.start), "to": wire_datetime(run.end)},
        "query": rule.query,
        "queryHash": run.query_hash,
        "eventGrouping": rule.event_grouping.value,
        "trigger": {
            "operator": rule.trigger.operator.value,
            "value": rule.trigger.value,
            "eagerness": rule.trigger.eagerness.value,
        },
        "run": {
            "type": run.type.value,
            "outcome": run.outcome.value,
            "rows": run.rows,
            "exhaustiveness": run.exhaustiveness.value,
            "searchId": run.search_id,
            "traceId": run.trace_id,
        },
    }


def alert_row(workspace_id: str, run: RuleRun, alert: Alert) -> AlertRow:
    """The row of a new alert, not yet in an incident."""
    return AlertRow(
        workspace_id=workspace_id,
        id=alert.id,
        rule_id=alert.rule_id,
        run_id=run.id,
        incident_number=None,
        severity=alert.severity.value,
        generated_at=alert.generated,
        start=alert.start,
        end=alert.end,
        body=alert_body(run, alert),
    )


def entities_of(row: AlertRow) -> list[Entity]:
    """The entities of a kept alert."""
    return [Entity.from_dict(entity) for entity in row.body["entities"]]


def alert_view(row: AlertRow, entity_ids: dict[str, list[str]] | None = None) -> dict[str, JsonValue]:
    """An alert for programs and the console; `entity_ids` has the incident's entities by alert."""
    body = row.body
    names = [name for name, _ in body["columns"]]
    return {
        "id": row.id,
        "ruleId": row.rule_id,
        "ruleName": body["rule"],
        "runId": row.run_id,
        "title": body["title"],
        "description": body["description"],
        "severity": row.severity,
        "start": body["window"]["from"],
        "end": body["window"]["to"],
        "firstActivityTimeUtc": row.start,
        "lastActivityTimeUtc": row.end,
        "rows": body["rows"],
        "rowsHash": body["rowsHash"],
        "tactics": body["tactics"],
        "techniques": body["techniques"],
        "subTechniques": body["subTechniques"],
        "entities": (entity_ids or {}).get(row.id, []),
        "mappedEntities": body["entities"],
        "customDetails": body["customDetails"],
        "properties": body["properties"],
        "notes": body["notes"],
        "productName": body["product"],
        "query": body["query"],
        "trigger": body["trigger"],
        "run": body["run"],
        "incidentNumber": row.incident_number,
        "campaign": body.get("campaign"),
        "sample": {
            "columns": [{"name": name, "type": kind} for name, kind in body["columns"]],
            "rows": [[record.get(name) for name in names] for record in body["sample"]],
        },
    }
