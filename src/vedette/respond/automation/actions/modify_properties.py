"""`ModifyProperties`: sets severity, status with its classification, and owner of the incident; adds labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vedette.core.errors import InvalidInput
from vedette.detect.reading.fields import FieldReader
from vedette.incidents.fields import FIELDS
from vedette.incidents.vocabulary import REASONS, Classification, ClassificationReason, Status
from vedette.respond.automation.actions.contract import Action, ActionContext

_SET: Final = ("severity", "status", "classification", "classificationReason", "classificationComment")
_OWNER: Final = ("objectId", "userPrincipalName", "email", "assignedTo")
"""The names of an owner, the surest first."""


@dataclass(frozen=True, slots=True)
class ModifyProperties:
    """What is set, and which labels are added. `owner` are the names of a person; empty, nobody owns the incident then."""

    changes: Mapping[str, Any]
    labels: tuple[str, ...]
    owner: tuple[str, ...] | None
    shown_owner: str = ""

    @property
    def said(self) -> str:
        """Every change."""
        parts = [f"{FIELDS[name].title} {value}" for name, value in self.changes.items()]
        if self.owner is not None:
            parts.append(f"owner {self.shown_owner or 'nobody'}")
        if self.labels:
            parts.append(f"labels {', '.join(self.labels)}")
        return ", ".join(parts)

    @property
    def not_runnable(self) -> None:
        """It always is."""
        return None

    @property
    def foreign(self) -> None:
        """It is one of Microsoft Sentinel's."""
        return None

    def run(self, context: ActionContext) -> None:
        """Set everything at once; what is so already stays, and is no change."""
        changes = dict(self.changes)
        if self.owner is not None:
            given = {"id": self.owner[0], "name": self.shown_owner} if self.owner else None
            changes["owner"] = (context.person_of(self.owner) or given) if self.owner else None
        if self.labels:
            there = context.incidents.summary(context.number)["labels"]
            folded = {label.casefold() for label in there}
            changes["labels"] = [*there, *(label for label in self.labels if label.casefold() not in folded)]
        context.incidents.update(context.number, changes, context.principal)


class ModifyPropertiesKind:
    """Reads it."""

    type = "ModifyProperties"

    def read(self, fields: FieldReader) -> Action | None:
        """The action; one that changes nothing is refused, and a closing without a classification."""
        fields.expect((*_SET, "owner", "labels"), "this action")
        changes: dict[str, Any] = {}
        for name in _SET:
            if not fields.has(name):
                continue
            try:
                changes[name] = FIELDS[name].read(fields.text(name))
            except InvalidInput as error:
                fields.wrong(name, error.message.rstrip("."), hint=error.hint)
        changes = {name: value for name, value in changes.items() if value is not None}
        owner, shown = _owner(fields)
        labels = _labels(fields)
        if fields.failed:
            return None
        _check(fields, changes)
        if not changes and owner is None and not labels:
            fields.wrong(
                "actionConfiguration", "the action changes nothing", hint="Give a status, severity, owner or labels."
            )
        return None if fields.failed else ModifyProperties(changes, labels, owner, shown)


def _check(fields: FieldReader, changes: Mapping[str, Any]) -> None:
    classification, reason = changes.get("classification"), changes.get("classificationReason")
    if changes.get("status") == Status.CLOSED.value and classification is None:
        fields.wrong(
            "status", "an incident is closed with a classification",
            hint=f"Give 'classification': one of {', '.join(word.value for word in Classification)}.",
        )  # fmt: skip
    if reason is not None:
        allowed = REASONS[Classification(classification)] if classification else ()
        if ClassificationReason(reason) not in allowed:
            names = ", ".join(word.value for word in allowed) or "none"
            fields.wrong(
                "classificationReason",
                f"the reason '{reason}' does not go with the classification '{classification or 'none'}'",
                hint=f"Reasons that do: {names}.",
            )


def _owner(fields: FieldReader) -> tuple[tuple[str, ...] | None, str]:
    part = fields.part("owner")
    if part is None:
        return None, ""
    part.expect((*_OWNER, "ownerType"), "an owner")
    names = {name: text for name in _OWNER if (text := part.text(name))}
    shown = names.get("assignedTo") or names.get("userPrincipalName") or names.get("email") or names.get("objectId", "")
    return tuple(dict.fromkeys(names.values())), shown


def _labels(fields: FieldReader) -> tuple[str, ...]:
    names = []
    for part in fields.parts("labels"):
        part.expect(("labelName", "labelType"), "a label")
        part.missing("labelName")
        names.append(part.text("labelName") or "")
    found = [name for name in names if name]
    try:
        FIELDS["labels"].read(found)
    except InvalidInput as error:
        fields.wrong("labels", error.message.rstrip("."))
    return tuple(dict.fromkeys(found))
