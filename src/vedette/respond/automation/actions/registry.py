"""The kinds of actions, by name. A new kind is one file and one line here."""

from __future__ import annotations

from typing import Final

from vedette.detect.reading.fields import FieldReader
from vedette.respond.automation.actions.add_incident_task import AddIncidentTaskKind
from vedette.respond.automation.actions.change_source_alerts import ChangeSourceAlertsKind
from vedette.respond.automation.actions.contract import Action, ActionKind
from vedette.respond.automation.actions.modify_properties import ModifyPropertiesKind
from vedette.respond.automation.actions.run_playbook import RunPlaybookKind

MAX_ACTIONS: Final = 20
_KINDS: Final[tuple[ActionKind, ...]] = (
    ModifyPropertiesKind(),
    AddIncidentTaskKind(),
    RunPlaybookKind(),
    ChangeSourceAlertsKind(),
)
ACTIONS: Final[dict[str, ActionKind]] = {kind.type: kind for kind in _KINDS}


def read_actions(fields: FieldReader) -> tuple[Action, ...]:
    """The `actions` of a rule in the order in which they are done; findings go where the reader's go."""
    fields.missing("actions")
    given = fields.values("actions")
    if fields.has("actions") and not given:
        fields.wrong("actions", "a rule has an action at least")
    if len(given) > MAX_ACTIONS:
        fields.wrong("actions", f"a rule has at most {MAX_ACTIONS} actions, not {len(given)}")
        return ()
    found = [(order, action) for part in fields.parts("actions") if (action := _read(part)) for order in [_order(part)]]
    return tuple(action for _, action in sorted(found, key=lambda pair: pair[0]))


def _order(fields: FieldReader) -> int:
    return fields.integer("order") or 0


def _read(fields: FieldReader) -> Action | None:
    fields.expect(("order", "actionType", "actionConfiguration"), "an action")
    for name in ("order", "actionType", "actionConfiguration"):
        fields.missing(name)
    given, inner = fields.text("actionType"), fields.part("actionConfiguration")
    if given is None or inner is None:
        return None
    kind = next((one for one in _KINDS if one.type.casefold() == given.casefold()), None)
    if kind is None:
        fields.wrong("actionType", f"there is no kind of action '{given}'", ACTIONS, given)
        return None
    return kind.read(inner)
