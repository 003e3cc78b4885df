"""Automation rules: made, imported and exported in the shape of Microsoft.SecurityInsights/automationRules."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from vedette.api.routes.rules import MAX_IMPORT, ImportRequest
from vedette.api.security import Caller, Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import Page, Utc, Wire
from vedette.core.errors import InvalidInput
from vedette.core.roles import Permission
from vedette.detect.rule import Severity
from vedette.incidents.vocabulary import REASONS, Status
from vedette.incidents.work.tasks import MAX_DESCRIPTION, MAX_TITLE
from vedette.respond.automation.actions.registry import ACTIONS, MAX_ACTIONS
from vedette.respond.automation.conditions.contract import MAX_CONDITIONS, MAX_INNER
from vedette.respond.automation.conditions.operators import OPERATORS
from vedette.respond.automation.conditions.property_array import ARRAYS
from vedette.respond.automation.conditions.property_array_changed import CHANGED_ARRAYS
from vedette.respond.automation.conditions.property_changed import CHANGED_PROPERTIES, CHANGES
from vedette.respond.automation.conditions.registry import CONDITIONS
from vedette.respond.automation.exporting import export
from vedette.respond.automation.library import StoredRule
from vedette.respond.automation.properties import PROPERTIES
from vedette.respond.automation.reading import read_texts
from vedette.respond.automation.rule import MAX_NAME, MAX_ORDER

router = APIRouter(tags=["automation"], prefix="/workspaces/{ws}/automation-rules")
Reads: Final = Depends(requires(Permission.RULES_READ))
Writes = Annotated[Caller, Depends(requires(Permission.RULES_WRITE))]


class AutomationRuleWrite(Wire):
    """A rule to make, or what a rule is to be: the properties of its resource.

    `id` may be given for a new one. Without an `order` a new rule comes after all others of its trigger.
    """

    id: str | None = None
    display_name: str
    order: int | None = None
    triggering_logic: dict[str, Any]
    actions: list[Any]

    def properties(self) -> dict[str, Any]:
        """The properties as the resource has them."""
        return self.model_dump(by_alias=True, exclude={"id"})


class AutomationRuleChange(Wire):
    """What can be changed of a rule by itself."""

    enabled: bool


class AutomationRuleBody(Wire):
    """A rule, and what has come of it. `notRunnable` says what of it is not done here; `does` says its actions in words."""

    id: str
    display_name: str
    order: int
    enabled: bool
    state: str
    triggers_on: str
    triggers_when: str
    expiration_time_utc: Utc | None
    triggering_logic: dict[str, Any]
    actions: list[dict[str, Any]]
    does: list[str]
    not_runnable: list[str]
    times_applied: int
    last_applied_time_utc: Utc | None
    errors: int
    last_error_time_utc: Utc | None
    last_error: str | None
    created_time_utc: Utc
    created_by: str
    last_modified_time_utc: Utc
    last_modified_by: str


class PropertyBody(Wire):
    """A property that conditions may be about; `known` are all values that it can have, where they are few."""

    name: str
    title: str
    known: list[str]
    update_only: bool


class VocabularyBody(Wire):
    """What a rule can be made of, and how much of it."""

    properties: list[PropertyBody]
    operators: list[str]
    condition_types: list[str]
    arrays: list[str]
    changed_properties: list[str]
    changes: list[str]
    changed_arrays: list[str]
    action_types: list[str]
    severities: list[str]
    statuses: list[str]
    classifications: dict[str, list[str]]
    limits: dict[str, int]


@router.get("", dependencies=[Reads])
def list_(services: Services) -> Page[AutomationRuleBody]:
    """Every rule: those of new incidents, those of updates, those of alerts, each in the order in which they are applied."""
    found = [_body(services, stored) for stored in services.automation_rules.list()]
    return Page(value=found, count=len(found))


@router.post("", status_code=201)
def create(services: Services, body: AutomationRuleWrite, caller: Writes) -> AutomationRuleBody:
    """Makes a rule. One that would run a playbook is refused: there are none here."""
    return _body(services, services.automation_rules.create(body.properties(), caller, body.id))


@router.post("/import")
def import_(services: Services, body: ImportRequest, caller: Writes) -> dict[str, Any]:
    """Takes rules in: ARM templates, or resources of the REST API. A rule that is there becomes what the file says."""
    if len(body.files) > MAX_IMPORT:
        raise InvalidInput(f"More than {MAX_IMPORT} files in one import.")
    read, problems = read_texts((file.name, file.content) for file in body.files)
    return services.automation_rules.import_(read, problems, caller).to_dict()


class ExportBody(Wire):
    """An ARM template, and what of its rules Microsoft Sentinel would not understand."""

    content: dict[str, Any]
    notes: list[str] = Field(default_factory=list)


@router.get("/export", dependencies=[Reads])
def export_(services: Services, rule: Annotated[list[str] | None, Query()] = None) -> ExportBody:
    """Rules by id or name (all without one) as the template that Microsoft Sentinel's portal exports."""
    stored = [services.automation_rules.get(one) for one in rule] if rule else services.automation_rules.list()
    content, notes = export([one.rule for one in stored])
    return ExportBody(content=content, notes=notes)


@router.get("/vocabulary", dependencies=[Reads])
def vocabulary(_: Services) -> VocabularyBody:
    """What a rule can be made of: properties, operators, actions, and the limits."""
    return VocabularyBody(
        properties=[
            PropertyBody(name=one.name, title=one.title, known=list(one.known), update_only=one.update_only)
            for one in PROPERTIES.values()
        ],
        operators=list(OPERATORS), condition_types=list(CONDITIONS), arrays=list(ARRAYS),
        changed_properties=list(CHANGED_PROPERTIES), changes=list(CHANGES), changed_arrays=list(CHANGED_ARRAYS),
        action_types=list(ACTIONS), severities=[one.value for one in Severity], statuses=[one.value for one in Status],
        classifications={word.value: [reason.value for reason in reasons] for word, reasons in REASONS.items()},
        limits={
            "name": MAX_NAME, "order": MAX_ORDER, "conditions": MAX_CONDITIONS, "innerConditions": MAX_INNER,
            "actions": MAX_ACTIONS, "taskTitle": MAX_TITLE, "taskDescription": MAX_DESCRIPTION,
        },
    )  # fmt: skip


@router.get("/{rule}", dependencies=[Reads])
def get(services: Services, rule: str) -> AutomationRuleBody:
    """A rule by its id or name."""
    return _body(services, services.automation_rules.get(rule))


@router.put("/{rule}")
def put(services: Services, rule: str, body: AutomationRuleWrite, caller: Writes) -> AutomationRuleBody:
    """Replaces a rule's name, order, trigger and actions; what it did so far stays counted."""
    stored = services.automation_rules.get(rule)
    if body.id is not None and body.id.casefold() != stored.rule.id.casefold():
        raise InvalidInput("A rule keeps its id.", target="id")
    given = body.properties()
    if given["order"] is None:
        given["order"] = stored.rule.order
    return _body(services, services.automation_rules.put(stored.rule.id, given, caller))


@router.patch("/{rule}")
def change(services: Services, rule: str, body: AutomationRuleChange, caller: Writes) -> AutomationRuleBody:
    """Turns a rule on or off."""
    return _body(services, services.automation_rules.set_enabled(rule, body.enabled, caller))


@router.delete("/{rule}", status_code=204)
def delete(services: Services, rule: str, caller: Writes) -> None:
    """Removes a rule; what it did stays in the history of its incidents."""
    services.automation_rules.delete(rule, caller)


def _body(services: WorkspaceServices, stored: StoredRule) -> AutomationRuleBody:
    rule = stored.rule
    return AutomationRuleBody(
        id=rule.id, display_name=rule.name, order=rule.order, enabled=rule.enabled,
        state=stored.state(services.application.clock.now()), triggers_on=rule.on.value, triggers_when=rule.when.value,
        expiration_time_utc=rule.expires_at, triggering_logic=rule.properties["triggeringLogic"],
        actions=list(rule.properties["actions"]), does=[action.said for action in rule.actions],
        not_runnable=list(rule.not_runnable), times_applied=stored.applied, last_applied_time_utc=stored.applied_at,
        errors=stored.errors, last_error_time_utc=stored.error_at, last_error=stored.error,
        created_time_utc=stored.created_at, created_by=stored.created_by, last_modified_time_utc=stored.updated_at,
        last_modified_by=stored.updated_by,
    )  # fmt: skip
