"""Analytics rules: the library, their runs, and running one now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from vedette.api.security import Caller, Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import ErrorBody, Page, Span, Utc, Wire
from vedette.core.errors import InvalidInput
from vedette.core.roles import Permission
from vedette.detect.library import StoredRule
from vedette.detect.reading.files import read_rule_texts
from vedette.detect.running.windows import LedgerEntry, WindowOutcome
from vedette.kql import ticks

router = APIRouter(tags=["analytics"], prefix="/workspaces/{ws}/rules")
MAX_IMPORT = 2_000
MAX_TEXT = 1_000_000
_OUTCOMES = {
    WindowOutcome.MATCHED: "matched", WindowOutcome.NOT_MATCHED: "silent", WindowOutcome.SUPPRESSED: "skipped",
    WindowOutcome.DISABLED: "skipped", WindowOutcome.SET_BACK: "skipped",
}  # fmt: skip


class RunBody(Wire):
    """One run of a rule."""

    id: str
    rule_id: str
    trigger: str
    window_start_utc: Utc
    window_end_utc: Utc
    started_time_utc: Utc
    duration_ms: float
    outcome: str
    rows: int
    alerts: int
    incidents: list[int]
    error: ErrorBody | None = None
    note: str | None = None
    """How the run came to its outcome, where that was not by the rule's own query."""


class RuleSummary(Wire):
    """A rule in a list."""

    id: str
    name: str
    kind: str
    severity: str
    enabled: bool
    tactics: list[str]
    techniques: list[str]
    last_run: RunBody | None
    next_run_time_utc: Utc | None


class FieldMappingBody(Wire):
    """A column that gives an identifier of an entity."""

    identifier: str
    column_name: str


class EntityMappingBody(Wire):
    """How an entity is read from a result row."""

    entity_type: str
    field_mappings: list[FieldMappingBody]


class RuleBody(RuleSummary):
    """A rule, whole."""

    description: str
    query: str
    query_frequency: Span | None
    query_period: Span | None
    trigger_operator: str | None
    trigger_threshold: int | None
    suppression_enabled: bool
    suppression_duration: Span | None
    entity_mappings: list[EntityMappingBody]
    custom_details: dict[str, str]
    version: str | None
    source: str | None


class RuleChange(Wire):
    """What can be changed of a rule."""

    enabled: bool


class RuleText(Wire):
    """What a rule is to be: a file with one rule, as `GET /rule-export?format=yaml` gives it."""

    content: str = Field(max_length=MAX_TEXT)


class RunRequest(Wire):
    """A run by hand, as of a time (now by default) and over a period (the rule's own by default)."""

    rule_id: str
    at: str | None = None
    period: str | None = None


class ImportFile(Wire):
    """A file of rules."""

    name: str
    content: str


class ImportRequest(Wire):
    """Files of rules: YAML in the public layout, ARM JSON, custom detections of Defender XDR, or Sigma.

    With `replace`, a rule whose id is there becomes the next revision of that rule.
    """

    files: list[ImportFile]
    replace: bool = False


def run_body(entry: LedgerEntry, incidents: list[int]) -> RunBody:
    """A run as the API shows it."""
    error = entry.error
    shown = None
    told = entry.spared or _OUTCOMES.get(entry.outcome) == "skipped"
    if error is not None:
        shown = ErrorBody(code=str(error.get("code", "VDT0000")), message=str(error.get("message", "")))
    elif entry.reason and not told:
        shown = ErrorBody(code="VDT0417", message=entry.reason)
    return RunBody(
        id=entry.run_id or str(entry.id), rule_id=entry.rule_id, trigger=entry.run_type.value.lower(),
        window_start_utc=entry.query_from or entry.window.start, window_end_utc=entry.window.end,
        started_time_utc=entry.recorded_at - timedelta(seconds=entry.duration), duration_ms=round(entry.duration * 1000, 1),
        outcome=_OUTCOMES.get(entry.outcome, "failed"), rows=entry.rows, alerts=entry.alerts, incidents=incidents, error=shown,
        note=entry.reason if told else None,
    )  # fmt: skip


def _summary(services: WorkspaceServices, stored: StoredRule) -> dict[str, Any]:
    rule = stored.rule
    last = services.ledger.runs(rule.id, limit=1)
    due = services.ledger.next_due(rule.id) if stored.scheduled else None
    return {
        "id": rule.id, "name": rule.name, "kind": rule.kind.value, "severity": rule.severity.value, "enabled": rule.enabled,
        "tactics": list(rule.tactics), "techniques": list(rule.techniques),
        "last_run": run_body(last[0], services.incidents_of_run(last[0].run_id)) if last else None,
        "next_run_time_utc": due,
    }  # fmt: skip


def _whole(services: WorkspaceServices, stored: StoredRule) -> RuleBody:
    rule = stored.rule
    mappings = [
        EntityMappingBody(
            entity_type=mapping.entity_type,
            field_mappings=[FieldMappingBody(identifier=f.identifier, column_name=f.column) for f in mapping.fields],
        )
        for mapping in rule.entity_mappings
    ]
    return RuleBody(
        **_summary(services, stored), description=rule.description, query=rule.query, query_frequency=rule.query_frequency,
        query_period=rule.query_period, trigger_operator=rule.trigger.operator.value, trigger_threshold=rule.trigger.value,
        suppression_enabled=rule.suppression.enabled, suppression_duration=rule.suppression.duration,
        entity_mappings=mappings, custom_details=dict(rule.custom_details), version=rule.version,
        source=str(stored.source.get("file")) if stored.source.get("file") else None,
    )  # fmt: skip


@router.get("", dependencies=[Depends(requires(Permission.RULES_READ))])
def list_(services: Services) -> Page[RuleSummary]:
    """Every rule, by name."""
    found = [RuleSummary(**_summary(services, stored)) for stored in services.rules.list()]
    found.sort(key=lambda item: item.name.lower())
    return Page(value=found, count=len(found))


@router.post("/import")
def import_(
    services: Services, body: ImportRequest, caller: Annotated[Caller, Depends(requires(Permission.RULES_WRITE))]
) -> dict[str, Any]:
    """Takes rules in; the answer is the report of `vedette rules import`."""
    if len(body.files) > MAX_IMPORT:
        raise InvalidInput(f"More than {MAX_IMPORT} files in one import.")
    read, problems = read_rule_texts((file.name, file.content) for file in body.files)
    report = services.rule_changes.import_(read, problems, caller, replacing=body.replace)
    names = {stored.rule.id: stored.rule.name for stored in services.rules.list()}
    imported = [
        {"id": rule_id, "name": names.get(rule_id, ""), "outcome": outcome}
        for outcome in ("added", "updated", "unchanged")
        for rule_id in report[outcome]
    ]
    imported += [{"id": one["id"], "name": one["name"], "outcome": "derived"} for one in report["derived"]]
    return {"imported": imported, **report}


@router.post("/run", dependencies=[Depends(requires(Permission.RULES_WRITE))])
def run(services: Services, body: RunRequest) -> RunBody:
    """Runs a rule now; its alerts become incidents before the answer."""
    at: datetime | None = None
    if body.at:
        moment = ticks.parse_datetime(body.at)
        if moment is None:
            raise InvalidInput(f"'{body.at}' is not a time.", target="at")
        at = ticks.to_datetime(moment)
    period = None
    if body.period:
        span = ticks.parse_timespan(body.period)
        if span is None or span <= 0:
            raise InvalidInput(
                f"'{body.period}' is not a span of time.", hint="Write it like 14d or 6h.", target="period"
            )
        period = ticks.to_timedelta(span)
    done = services.scheduler.run_now(body.rule_id, at, period)
    services.settle()
    services.wake()
    entry = next(entry for entry in services.ledger.runs(done.rule.id, limit=50) if entry.run_id == done.id)
    return run_body(entry, services.incidents_of_run(done.id))


@router.get("/{rule_id}", dependencies=[Depends(requires(Permission.RULES_READ))])
def get(services: Services, rule_id: str) -> RuleBody:
    """A rule by its id or name."""
    return _whole(services, services.rules.get(rule_id))


@router.patch("/{rule_id}")
def change(
    services: Services,
    rule_id: str,
    body: RuleChange,
    caller: Annotated[Caller, Depends(requires(Permission.RULES_WRITE))],
) -> RuleBody:
    """Turns a rule on or off."""
    return _whole(services, services.rule_changes.set_enabled(rule_id, body.enabled, caller))


@router.put("/{rule_id}")
def edit(
    services: Services,
    rule_id: str,
    body: RuleText,
    caller: Annotated[Caller, Depends(requires(Permission.RULES_WRITE))],
) -> dict[str, Any]:
    """Makes a rule what a text says, as its next revision; `broken` is why its query cannot work now, if it cannot, and `problems` are
    what an import would warn of."""
    held, problems = services.rule_changes.edit(rule_id, body.content, caller)
    broken = services.rule_changes.broken({held.rule.id})
    return {
        "id": held.rule.id, "name": held.rule.name, "revision": held.revision, "broken": broken[0] if broken else None,
        "problems": [problem.to_dict() for problem in problems],
    }  # fmt: skip


@router.delete("/{rule_id}", status_code=204)
def delete(
    services: Services, rule_id: str, caller: Annotated[Caller, Depends(requires(Permission.RULES_WRITE))]
) -> None:
    """Deletes a rule; its alerts and incidents stay."""
    services.rule_changes.delete(rule_id, caller)


@router.get("/{rule_id}/runs", dependencies=[Depends(requires(Permission.RULES_READ))])
def runs(services: Services, rule_id: str, top: Annotated[int, Query(ge=1, le=1000)] = 50) -> Page[RunBody]:
    """The runs of a rule, newest first."""
    rule = services.rules.get(rule_id).rule
    found = [
        run_body(entry, services.incidents_of_run(entry.run_id)) for entry in services.ledger.runs(rule.id, limit=top)
    ]
    return Page(value=found, count=len(found))
