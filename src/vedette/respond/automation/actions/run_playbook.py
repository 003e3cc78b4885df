"""`RunPlaybook`: a Logic App of Microsoft's. Rules that have one are kept whole; the playbook itself is not run here."""

from __future__ import annotations

from dataclasses import dataclass

from vedette.core.errors import InvalidInput
from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.actions.contract import Action, ActionContext


@dataclass(frozen=True, slots=True)
class RunPlaybook:
    """A playbook, by the id of its resource."""

    resource_id: str

    @property
    def name(self) -> str:
        """The last part of its id."""
        return self.resource_id.rstrip("/").rpartition("/")[2]

    @property
    def said(self) -> str:
        """Its name."""
        return f"playbook '{self.name}'"

    @property
    def not_runnable(self) -> str:
        """There are no playbooks here."""
        return f"The playbook '{self.name}' is not run: there are no playbooks in Vedette."

    @property
    def foreign(self) -> None:
        """It is one of Microsoft Sentinel's."""
        return None

    def run(self, context: ActionContext) -> None:
        """Refuse it."""
        raise InvalidInput(self.not_runnable, target=self.resource_id)


class RunPlaybookKind:
    """Reads it."""

    type = "RunPlaybook"

    def read(self, fields: FieldReader) -> Action | None:
        """The action."""
        fields.expect(("logicAppResourceId", "tenantId"), "this action")
        fields.missing("logicAppResourceId")
        found = fields.text("logicAppResourceId")
        return RunPlaybook(found) if found and not fields.failed else None
