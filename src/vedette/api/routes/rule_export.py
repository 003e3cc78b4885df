"""Analytics rules written out (YAML, ARM JSON, Bicep), those that cannot work, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from vedette.api.security import Services, requires
from vedette.core.roles import Permission
from vedette.detect.export.arm import to_bicep, to_resource, to_template
from vedette.detect.export.yaml_text import to_yaml
from vedette.detect.rule import RuleKind

router = APIRouter(tags=["analytics"], prefix="/workspaces/{ws}")


@router.get("/rule-export", dependencies=[Depends(requires(Permission.RULES_READ))])
def export(
    services: Services,
    format_: Annotated[Literal["yaml", "arm", "bicep"], Query(alias="format")] = "arm",
    rule: Annotated[list[str] | None, Query()] = None,
) -> dict[str, Any]:
    """Rules by id or name (all without one): `content` (an ARM template, or text) and `notes` on what it cannot say."""
    stored = [services.rules.get(one) for one in rule] if rule else services.rules.list()
    if format_ == "yaml":
        return {"format": format_, "content": to_yaml(one.rule for one in stored), "notes": []}
    hunting = [one for one in stored if one.rule.kind.value == "Hunting"]
    without = [one for one in stored if one.rule.unmapped is not None or one.rule.unreadable is not None]
    anomalies = [one for one in stored if one.rule.kind is RuleKind.ANOMALY and one.rule.has_query]
    resources = [one for one in stored if one not in hunting and one not in without and one not in anomalies]
    notes = [f"'{one.rule.name}' is a hunting query, which is no alert rule; it was left out." for one in hunting]
    notes += [
        f"'{one.rule.name}' is an anomaly rule with a query, which Microsoft Sentinel does not have; it was left out."
        for one in anomalies
    ]
    notes += [f"'{one.rule.name}' was left out: {one.rule.not_runnable}." for one in without]
    if format_ == "bicep":
        text, said = to_bicep([one.rule for one in resources])
        return {"format": format_, "content": text, "notes": notes + said}
    if not rule:  # those that came out of a template as they stood in it
        resources.sort(key=lambda one: _place(one.source))
    written = [
        to_resource(one.rule, services.rules.original(one.rule.id) if one.source.get("format") == "arm" else None)
        for one in resources
    ]
    notes += [note for one in written for note in one.notes]
    return {"format": format_, "content": to_template([one.resource for one in written]), "notes": notes}


@router.get("/broken-rules", dependencies=[Depends(requires(Permission.RULES_READ))])
def broken(services: Services) -> dict[str, Any]:
    """The rules whose query does not bind now: `code`, `message`, its place, and the `missing` tables and columns."""
    found = services.rule_changes.broken()
    return {"value": found, "count": len(found)}


def _place(source: dict[str, Any]) -> tuple[bool, str, int]:
    return (False, source["file"], source["line"] or 0) if source.get("format") == "arm" else (True, "", 0)


@router.get("/rule-costs", dependencies=[Depends(requires(Permission.RULES_READ))])
def costs(services: Services, days: Annotated[float, Query(gt=0, le=366)] = 1) -> list[dict[str, Any]]:
    """What the runs of each rule took in the last days, the dearest first."""
    names = {stored.rule.id: stored.rule.name for stored in services.rules.list()}
    found = services.ledger.costs(services.application.clock.now() - timedelta(days=days))
    total = sum(cost.seconds for cost in found) or 1.0
    return [
        {
            "ruleId": cost.rule_id, "ruleName": names.get(cost.rule_id), "runs": cost.runs, "failed": cost.failed,
            "seconds": round(cost.seconds, 3), "share": round(cost.seconds / total, 4),
            "longestSeconds": round(cost.longest, 3), "latestSeconds": round(cost.latest, 1), "rows": cost.rows,
            "alerts": cost.alerts,
        }
        for cost in found
    ]  # fmt: skip
