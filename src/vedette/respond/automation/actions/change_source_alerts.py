"""`ChangeSourceAlerts`: has the incident's alerts dismissed, or moved to another state, in Defender for Cloud.

Vedette's own kind of action: in Microsoft Sentinel a playbook does it.
"""

from __future__ import annotations

from dataclasses import dataclass

from vedette.clients.defender_for_cloud import VERBS
from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.actions.contract import Action, ActionContext


@dataclass(frozen=True, slots=True)
class ChangeSourceAlerts:
    """What is done with them there: one of `VERBS`."""

    action: str

    @property
    def said(self) -> str:
        """What becomes of them."""
        return f"alerts at their source: {self.action}"

    @property
    def not_runnable(self) -> None:
        """It always is. An incident without such alerts has nothing to be done with."""
        return None

    @property
    def foreign(self) -> str:
        """Sentinel has a playbook for it."""
        return "Microsoft Sentinel has no action 'ChangeSourceAlerts'; there, a playbook does what it does."

    def run(self, context: ActionContext) -> None:
        """Keep the wish; it is followed when the incident's change is kept."""
        context.at_source(context.number, self.action, context.principal)


class ChangeSourceAlertsKind:
    """Reads it."""

    type = "ChangeSourceAlerts"

    def read(self, fields: FieldReader) -> Action | None:
        """The action."""
        fields.expect(("action",), "this action")
        fields.missing("action")
        found = fields.choice("action", {verb.casefold(): verb for verb in VERBS}, "")
        return ChangeSourceAlerts(found) if found and not fields.failed else None
