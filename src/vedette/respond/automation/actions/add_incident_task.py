"""`AddIncidentTask`: adds a task to the incident."""

from __future__ import annotations

from dataclasses import dataclass

from vedette.detect.reading.fields import FieldReader
from vedette.incidents.work.tasks import MAX_DESCRIPTION, MAX_TITLE
from vedette.respond.automation.actions.contract import Action, ActionContext


@dataclass(frozen=True, slots=True)
class AddIncidentTask:
    """A task to be added."""

    title: str
    description: str

    @property
    def said(self) -> str:
        """Its title."""
        return f"task '{self.title}'"

    @property
    def not_runnable(self) -> None:
        """It always is."""
        return None

    @property
    def foreign(self) -> None:
        """It is one of Microsoft Sentinel's."""
        return None

    def run(self, context: ActionContext) -> None:
        """Add it at the end."""
        context.incidents.tasks.add(context.number, self.title, self.description, context.principal)


class AddIncidentTaskKind:
    """Reads it."""

    type = "AddIncidentTask"

    def read(self, fields: FieldReader) -> Action | None:
        """The action."""
        fields.expect(("title", "description"), "this action")
        fields.missing("title")
        title, description = fields.text("title") or "", fields.text("description") or ""
        for name, text, most in (("title", title, MAX_TITLE), ("description", description, MAX_DESCRIPTION)):
            if len(text) > most:
                fields.wrong(name, f"a task's {name} has at most {most:,} characters, not {len(text):,}")
        return AddIncidentTask(title, description) if title and not fields.failed else None
