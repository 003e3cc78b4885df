"""A run of a rule: what it found, and what the same query over the same time gives now. The replay link of an incident leads here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from vedette.api.routes.rules import RunBody, run_body
from vedette.api.security import Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import ErrorBody, Wire
from vedette.core.errors import NotFound
from vedette.core.roles import Permission
from vedette.detect.alerts.alert import Outcome
from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.rule import AnalyticsRule
from vedette.detect.running.windows import LedgerEntry
from vedette.incidents.as_found import Found, difference, find_again, found_by_run

router = APIRouter(tags=["analytics"], prefix="/workspaces/{ws}/rule-runs")


class ColumnBody(Wire):
    """A column and its KQL type."""

    name: str
    type: str


class FoundBody(Wire):
    """Rows of a run. `count` is how many there are, of which `rows` may be the first."""

    columns: list[ColumnBody]
    rows: list[list[Any]]
    count: int
    complete: bool


class RunDetail(Wire):
    """A run with what it found."""

    run: RunBody
    rule_name: str
    query: str
    rule_exists: bool
    """Whether the rule is still there, with which the query can be asked again."""
    changed: bool
    """Whether the rule's query is another one today."""
    as_found: FoundBody


class ReplayBody(Wire):
    """The same query over the same time now, beside what was found. Places are those of rows, from 0."""

    now: FoundBody
    gone: list[int]
    new: list[int]
    same: bool | None
    """Whether nothing is different; null where too few rows were kept to tell."""
    meets_threshold: bool
    error: ErrorBody | None = None


def _rows(found: Found) -> FoundBody:
    names = [name for name, _ in found.columns]
    return FoundBody(
        columns=[ColumnBody(name=name, type=kind) for name, kind in found.columns],
        rows=[[row.get(name) for name in names] for row in found.rows], count=found.count, complete=found.complete,
    )  # fmt: skip


def _entry(services: WorkspaceServices, run_id: str) -> LedgerEntry:
    found = services.ledger.runs(run_id=run_id, limit=1)
    if not found:
        raise NotFound(f"There is no run '{run_id}' in this workspace.", target=run_id)
    return found[0]


def _rule_then(services: WorkspaceServices, entry: LedgerEntry) -> AnalyticsRule | None:
    """The rule as it was when it ran; None if it was deleted since."""
    try:
        revisions = services.rules.revisions(entry.rule_id)
    except NotFound:
        return None
    return next((one.rule for one in revisions if one.revision == entry.revision), revisions[-1].rule)


@router.get("/{run_id}", dependencies=[Depends(requires(Permission.RULES_READ)), Depends(requires(Permission.QUERY))])
def get(services: Services, run_id: str) -> RunDetail:
    """A run: its query, its time, and the rows that were kept with its alerts."""
    entry = _entry(services, run_id)
    kept, query = found_by_run(services.application.state, services.workspace.id, run_id)
    rule = _rule_then(services, entry)
    today = services.rules.get(entry.rule_id).rule if rule is not None else None
    asked = query or (rule.query if rule is not None else "")
    return RunDetail(
        run=run_body(entry, services.incidents_of_run(run_id)), rule_name=today.name if today is not None else entry.rule_id,
        query=asked, rule_exists=rule is not None, changed=today is not None and today.query != asked, as_found=_rows(kept),
    )  # fmt: skip


@router.post(
    "/{run_id}/replay", dependencies=[Depends(requires(Permission.RULES_READ)), Depends(requires(Permission.QUERY))]
)
def replay(services: Services, run_id: str) -> ReplayBody:
    """Asks the query of a run again, over the same time; no alert is raised and nothing is kept."""
    entry = _entry(services, run_id)
    rule = _rule_then(services, entry)
    if rule is None:
        raise NotFound(
            "The rule of this run was deleted.", target=entry.rule_id, hint="Its query can be opened in the logs."
        )
    kept, _ = found_by_run(services.application.state, services.workspace.id, run_id)
    limits = AlertLimits(**services.application.settings.alert_limits())
    now, run = find_again(
        services.logs, services.application.clock, rule, entry.query_from or entry.window.start, entry.window.end, limits,
        services.exceptions.of,
    )  # fmt: skip
    if run.outcome is Outcome.ERROR and run.error is not None:
        failed = ErrorBody(code=run.error.code, message=run.error.message)
        return ReplayBody(now=_rows(now), gone=[], new=[], same=None, meets_threshold=False, error=failed)
    changed = difference(kept, now)
    return ReplayBody(
        now=_rows(now), gone=list(changed.gone), new=list(changed.new), same=changed.same,
        meets_threshold=rule.trigger.met(run.rows),
    )  # fmt: skip
