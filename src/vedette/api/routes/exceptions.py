"""Exceptions from rules: tried, made, ended, and proposed by verdicts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from vedette.api.security import Caller, Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import Page, Utc, Wire
from vedette.core.errors import InvalidInput, NotFound, nearest
from vedette.core.roles import Permission
from vedette.detect.rule import AnalyticsRule
from vedette.detect.tuning.conditions import Condition, read_conditions
from vedette.detect.tuning.exceptions import Hidden, RuleException
from vedette.kql import ticks

router = APIRouter(tags=["analytics"], prefix="/workspaces/{ws}/rule-exceptions")
Reads = Depends(requires(Permission.RULES_READ))
Writes = Annotated[Caller, Depends(requires(Permission.RULES_WRITE))]


class ConditionBody(Wire):
    """A test of a result column: `equals`, `startsWith`, `endsWith`, `contains`, or `inNetwork`; any of the values."""

    column: str
    test: str = "equals"
    values: list[str]


class ExceptionTrial(Wire):
    """An exception to try on the alerts of the last days."""

    rule_id: str
    conditions: list[ConditionBody]
    days: float = Field(30, gt=0, le=3660)


class ExceptionRequest(Wire):
    """An exception to make. It ends after `days`, or at `expires`."""

    rule_id: str
    conditions: list[ConditionBody]
    owner: str
    reason: str
    days: float | None = None
    expires: str | None = None


class ExceptionBody(Wire):
    """An exception, and what it has hidden: result rows, in how many windows, and how many of them raised nothing then."""

    id: str
    rule_id: str
    rule_name: str | None
    conditions: list[ConditionBody]
    owner: str
    reason: str
    state: str
    starts_at: Utc
    expires_at: Utc
    created_by: str
    removed_at: Utc | None
    removed_by: str | None
    hidden_rows: int
    hidden_windows: int
    silenced_windows: int
    last_hidden_at: Utc | None


@router.get("", dependencies=[Reads])
def list_(
    services: Services, rule: str | None = None, all_: Annotated[bool, Query(alias="all")] = False
) -> Page[ExceptionBody]:
    """The exceptions in force, of one rule or of all; with `all` those that have ended, too."""
    rule_id = None if rule is None else services.rules.get(rule).rule.id
    hidden = services.exceptions.hidden(rule_id)
    names = {stored.rule.id: stored.rule.name for stored in services.rules.list()}
    found = [
        _body(services, one, hidden.get(one.id, Hidden()), names.get(one.rule_id))
        for one in services.exceptions.list(rule_id, all_=all_)
    ]
    return Page(value=found, count=len(found))


@router.post("/preview", dependencies=[Reads])
def preview(services: Services, body: ExceptionTrial) -> dict[str, Any]:
    """What an exception would have hidden of the rule's alerts, and how many of them were true positives."""
    rule = services.rules.get(body.rule_id).rule
    return services.tuning.preview(rule.id, _conditions(services, rule, body.conditions), body.days)


@router.get("/proposals", dependencies=[Reads, Depends(requires(Permission.INCIDENTS_READ))])
def proposals(services: Services, incident: int) -> list[dict[str, Any]]:
    """The exceptions that the verdict on an incident proposes, each with its preview; none for a true positive."""

    def rule_of(rule_id: str) -> AnalyticsRule | None:
        try:
            return services.rules.get(rule_id).rule
        except NotFound:
            return None

    return services.tuning.proposals(incident, rule_of)


@router.post("", status_code=201)
def add(services: Services, body: ExceptionRequest, caller: Writes) -> ExceptionBody:
    """Makes an exception; it counts for windows that end from now on."""
    rule = services.rules.get(body.rule_id).rule
    _conditions(services, rule, body.conditions)
    end = None
    if body.expires is not None:
        moment = ticks.parse_datetime(body.expires)
        if moment is None:
            raise InvalidInput(f"'{body.expires}' is not a time.", target="expires")
        end = ticks.to_datetime(moment)
    given = [one.model_dump() for one in body.conditions]
    made = services.exceptions.add(
        rule.id, given, owner=body.owner, reason=body.reason, by=caller, days=body.days, expires_at=end
    )
    return _body(services, made, Hidden(), rule.name)


@router.delete("/{exception_id}")
def remove(services: Services, exception_id: str, caller: Writes) -> ExceptionBody:
    """Ends an exception now."""
    ended = services.exceptions.remove(exception_id, caller)
    return _body(services, ended, services.exceptions.hidden(ended.rule_id).get(ended.id, Hidden()), None)


def _conditions(services: WorkspaceServices, rule: AnalyticsRule, given: list[ConditionBody]) -> tuple[Condition, ...]:
    """The conditions; one on a column that the rule's result does not have would never hide anything."""
    read = read_conditions([one.model_dump() for one in given])
    check = services.logs.check(rule.query) if rule.has_query else None
    if (
        check is not None
        and check.columns is not None
        and not any(one.severity == "Error" for one in check.diagnostics)
    ):
        names = [column.name for column in check.columns]
        for one in read:
            if names and one.column not in names:
                near = nearest(one.column, names)
                raise InvalidInput(
                    f"The result of '{rule.name}' has no column '{one.column}'.", target="conditions",
                    hint=f"Did you mean {near}?" if near else f"It has {', '.join(names[:20])}.",
                )  # fmt: skip
    return read


def _body(services: WorkspaceServices, one: RuleException, hidden: Hidden, name: str | None) -> ExceptionBody:
    return ExceptionBody(
        id=one.id, rule_id=one.rule_id, rule_name=name,
        conditions=[ConditionBody(column=c.column, test=c.test.value, values=list(c.values)) for c in one.conditions],
        owner=one.owner, reason=one.reason, state=one.state(services.application.clock.now()), starts_at=one.starts_at,
        expires_at=one.expires_at, created_by=one.created_by, removed_at=one.removed_at, removed_by=one.removed_by,
        hidden_rows=hidden.rows, hidden_windows=hidden.windows, silenced_windows=hidden.silenced,
        last_hidden_at=hidden.last,
    )  # fmt: skip
