"""The row of SentinelHealth that tells of one run of an automation rule.

Source: Microsoft Sentinel's reference of the health tables, and its page about the health of automation rules and playbooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from vedette.detect.alerts.moments import wire_datetime
from vedette.incidents.logrows import HEALTH
from vedette.respond.automation.conditions.contract import When
from vedette.respond.automation.rule import AutomationRule

OPERATION: Final = "Automation rule run"
_PROVIDER: Final = "/workspaces/{}/providers/Microsoft.SecurityInsights/{}/{}"


@dataclass(frozen=True, slots=True)
class Issue:
    """An action that was not done: a code, and why as a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class AutomationRun:
    """One run of a rule: what triggered it, on which incident, and what could not be done. `done` counts the actions that were."""

    id: str
    rule: AutomationRule
    when: When
    incident_id: str
    incident_number: int
    done: int
    issues: Sequence[Issue]

    @property
    def status(self) -> str:
        """`Success`; `Partial success` where some actions were not done; `Failure` where none was."""
        if not self.issues:
            return "Success"
        return "Partial success" if self.done else "Failure"


def health_row(run: AutomationRun, workspace_id: str, now: datetime) -> dict[str, Any]:
    """The run as a row of SentinelHealth."""
    details: dict[str, Any] = {
        "TriggeredOn": "Incident", "TriggeredWhen": run.when.value, "TriggeredPlaybooks": [],
        "IncidentName": _PROVIDER.format(workspace_id, "Incidents", run.incident_id),
        "IncidentNumber": str(run.incident_number), "TotalActions": len(run.rule.actions),
        "ActionsTriggeredSuccessfully": run.done,
    }  # fmt: skip
    if run.issues:
        details["Issues"] = [{"Code": one.code, "Description": one.message} for one in run.issues]
    return {
        "TenantId": workspace_id, "TimeGenerated": wire_datetime(now), "OperationName": OPERATION, "Status": run.status,
        "Description": " ".join(one.message for one in run.issues) or "Rule executed successfully, triggering all actions.",
        "Reason": run.issues[0].code if run.issues else "", "WorkspaceId": workspace_id, "RecordId": run.id,
        "SentinelResourceId": _PROVIDER.format(workspace_id, "AutomationRules", run.rule.id),
        "SentinelResourceName": run.rule.name, "SentinelResourceType": "Automation rule", "SentinelResourceKind": "",
        "SourceSystem": "Vedette", "ExtendedProperties": details, "Type": HEALTH,
    }  # fmt: skip
