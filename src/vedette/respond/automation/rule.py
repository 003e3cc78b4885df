"""The automation rule, typed, and how it is read out of the properties that SecurityInsights' automationRules have.

Source: the API's definition of automationRules, and Microsoft Sentinel's documentation of automation rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vedette.core.errors import InvalidInput
from vedette.detect.reading.document import Document
from vedette.detect.reading.fields import FieldReader
from vedette.detect.reading.problems import RuleProblem
from vedette.detect.rule import JsonValue
from vedette.kql import ticks
from vedette.respond.automation.actions.contract import Action
from vedette.respond.automation.actions.registry import read_actions
from vedette.respond.automation.conditions.contract import Condition, When
from vedette.respond.automation.conditions.registry import read_conditions

MAX_NAME: Final = 500
MAX_ORDER: Final = 1000
KEPT: Final = ("displayName", "order", "triggeringLogic", "actions")
"""The properties that say the rule; the others are of the service that wrote them."""


class On(StrEnum):
    """What a rule is triggered by."""

    INCIDENTS = "Incidents"
    ALERTS = "Alerts"


@dataclass(frozen=True, slots=True)
class AutomationRule:
    """A rule as it is applied. `properties` are those of its resource, as they were given."""

    id: str
    name: str
    order: int
    enabled: bool
    expires_at: datetime | None
    on: On
    when: When
    conditions: tuple[Condition, ...]
    actions: tuple[Action, ...]
    properties: Mapping[str, JsonValue] = field(compare=False)
    unreadable: str | None = None
    """Why what is kept of it cannot be read; such a rule is applied to nothing."""

    @property
    def not_runnable(self) -> tuple[str, ...]:
        """What of it is not done here, a sentence each."""
        if self.unreadable is not None:
            return (f"What is kept of it cannot be read: {self.unreadable}",)
        alerts = "It is triggered by alerts; here, rules are triggered by incidents alone."
        first = (alerts,) if self.on is On.ALERTS else ()
        return (*first, *(action.not_runnable for action in self.actions if action.not_runnable is not None))

    def in_force(self, now: datetime) -> bool:
        """Whether it is applied at this time."""
        applied = self.enabled and self.on is On.INCIDENTS and self.unreadable is None
        return applied and (self.expires_at is None or now < self.expires_at)


def read_rule(document: Document, problems: list[RuleProblem], rule_id: str) -> AutomationRule | None:
    """The rule that the properties of a resource describe; None, with its findings, if they are wrong."""
    fields = FieldReader(document, problems)
    fields.expect(KEPT, "an automation rule")
    name = fields.text("displayName")
    fields.label = name
    fields.missing("displayName")
    fields.missing("order")
    if name is not None and len(name) > MAX_NAME:
        fields.wrong("displayName", f"'displayName' has at most {MAX_NAME} characters, not {len(name)}")
    order = fields.integer("order", minimum=1)
    if order is not None and order > MAX_ORDER:
        fields.wrong("order", f"'order' is a number from 1 to {MAX_ORDER:,}, not {order}")
    fields.missing("triggeringLogic")
    logic = fields.part("triggeringLogic")
    actions = read_actions(fields)
    if logic is None:
        return None
    logic.expect(("isEnabled", "expirationTimeUtc", "triggersOn", "triggersWhen", "conditions"), "a trigger")
    for needed in ("isEnabled", "triggersOn", "triggersWhen"):
        logic.missing(needed)
    enabled = logic.boolean("isEnabled", False)
    on = logic.choice("triggersOn", {word.value.casefold(): word for word in On}, On.INCIDENTS)
    when = logic.choice("triggersWhen", {word.value.casefold(): word for word in When}, When.CREATED)
    if on is On.ALERTS and when is When.UPDATED:
        logic.wrong("triggersWhen", "a rule on alerts is triggered when they are created")
    expires_at = _moment(logic, "expirationTimeUtc")
    conditions = read_conditions(logic, when)
    if fields.failed or name is None or order is None:
        return None
    given = {key.casefold(): value for key, value in document.value.items()}
    properties = {key: given[key.casefold()] for key in KEPT}
    return AutomationRule(rule_id, name, order, enabled, expires_at, on, when, conditions, actions, properties)


def _moment(fields: FieldReader, name: str) -> datetime | None:
    text = fields.text(name)
    if text is None:
        return None
    moment = ticks.parse_datetime(text)
    if moment is None:
        fields.wrong(name, f"'{text}' is not a time", hint="Write it like 2026-03-01T12:00:00Z.")
        return None
    return ticks.to_datetime(moment)


def rule_of(properties: Mapping[str, Any], rule_id: str) -> AutomationRule:
    """The rule of properties that were given by themselves. `InvalidInput` says the first thing that is wrong with them."""
    problems: list[RuleProblem] = []
    rule = read_rule(Document(dict(properties), "", lambda _: None), problems, rule_id)
    if rule is None:
        first = problems[0]
        message = first.message[0].upper() + first.message[1:]
        raise InvalidInput(message, hint=first.hint, target=first.rule)
    return rule
