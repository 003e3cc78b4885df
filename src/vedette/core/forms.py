"""Forms of what is configured: fields with their rules, from which the console's forms, the API's schema and docs come."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from vedette.core.errors import InvalidInput, nearest
from vedette.core.ids import is_uuid

UUID_PATTERN: Final = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"


class FieldType(StrEnum):
    """What a field holds."""

    TEXT = "string"
    UUID = "guid"
    CHOICE = "enum"
    DATE = "date"


class InvalidFields(InvalidInput):
    """Fields of a form that are not right. `fields` says of each what is wrong; the message is about the first."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        name, problem = next(iter(fields.items()))
        super().__init__(f"{name} {problem}{'' if problem.endswith('?') else '.'}", target=name)
        self.fields = dict(fields)

    def to_dict(self) -> dict[str, object]:
        return {**super().to_dict(), "fields": self.fields}


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. A secret one is kept in the secret store and never shown again; its value is in no message."""

    name: str
    label: str
    type: FieldType
    about: str
    """What it is and where it is found, for the form and the docs."""
    secret: bool = False
    required: bool = True
    example: str | None = None
    default: str | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    """A regular expression over the whole value."""
    rule: str | None = None
    """The pattern in words, to be read after "must"."""
    max_length: int = 256
    rotate_days: int | None = None
    """For a secret: after how many days it is due for rotation."""
    expiry_field: str | None = None
    """For a secret: the field with the date on which it expires."""
    address: bool = False
    """Whether it says which machine is connected to."""
    sent: bool = True
    """For a secret: whether it is sent to that machine itself, and no signature made with it."""
    when: tuple[str, str] | None = None
    """A field and its value: without that value, this field is not asked for."""

    def asked(self, values: Mapping[str, object]) -> bool:
        """Whether the field is asked for beside these values."""
        return self.when is None or values.get(self.when[0]) == self.when[1]

    def problem(self, value: str) -> str | None:
        """What is wrong with a value, to be read after the field's name, or None. Never repeats a secret."""
        shown = "" if self.secret else f", and '{value[:80]}' is not"
        if len(value) > self.max_length:
            return f"must have at most {self.max_length} characters"
        if not value.isprintable():
            return "must be one line of printable characters"
        if self.type is FieldType.UUID and not is_uuid(value):
            return f"must be a UUID such as {self.example}{shown}"
        if self.type is FieldType.DATE and not _is_date(value):
            return f"must be a date such as {self.example}{shown}"
        if self.type is FieldType.CHOICE and value not in self.choices:
            near = nearest(value, self.choices)
            return f"must be one of {', '.join(self.choices)}" + (f"; did you mean {near}?" if near else "")
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return f"must {self.rule}{shown}"
        return None

    def to_dict(self) -> dict[str, Any]:
        """The field as forms read it."""
        described: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": "secret" if self.secret else self.type.value,
            "required": self.required,
            "help": self.about,
            "placeholder": self.example,
            "default": self.default,
            "pattern": UUID_PATTERN if self.type is FieldType.UUID else self.pattern,
        }
        if self.choices:
            described["options"] = [{"value": choice, "label": choice} for choice in self.choices]
        if self.when is not None:
            described["when"] = {"field": self.when[0], "value": self.when[1]}
        return {name: value for name, value in described.items() if value is not None}

    def schema(self) -> dict[str, Any]:
        """The field as JSON Schema."""
        described: dict[str, Any] = {
            "type": "string",
            "title": self.label,
            "description": self.about,
            "maxLength": self.max_length,
        }
        if self.type is FieldType.UUID:
            described["format"] = "uuid"
        elif self.type is FieldType.DATE:
            described["format"] = "date"
        if self.choices:
            described["enum"] = list(self.choices)
        if self.pattern is not None:
            described["pattern"] = f"^(?:{self.pattern})$"
        if self.default is not None:
            described["default"] = self.default
        if self.secret:
            described["writeOnly"] = True
        return described


@dataclass(frozen=True, slots=True)
class Permission:
    """A right that the credentials need at the other side, and what for."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class TroubleshootingRow:
    """What is shown, why it happens, what to do."""

    error: str
    cause: str
    solution: str


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody fills in to connect something, and what they need to know for it."""

    title: str
    about: str
    fields: tuple[FormField, ...]
    permissions: tuple[Permission, ...]
    troubleshooting: tuple[TroubleshootingRow, ...]
    guide: str
    """The page of the docs with the set-up guide."""

    def field(self, name: str) -> FormField:
        """The field of that name (KeyError if there is none)."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def check(self, values: Mapping[str, object], *, kept: Collection[str] = ()) -> dict[str, str]:
        """The values, trimmed and with defaults; `InvalidFields` names every field that is not right.

        An empty value counts as none. Names that the kind does not have are refused too. Fields in `kept` may be left
        out: their values are kept elsewhere.
        """
        problems: dict[str, str] = {}
        known = [field.name for field in self.fields]
        for name in values:
            if name not in known:
                near = nearest(name, known)
                problems[name] = f"is not a field of {self.title}" + (f"; did you mean {near}?" if near else "")
        checked: dict[str, str] = {}
        chosen = {**{field.name: field.default for field in self.fields}, **{k: v for k, v in values.items() if v}}
        for field in self.fields:
            given = values.get(field.name)
            if given is not None and not isinstance(given, str):
                problems[field.name] = "must be text"
                continue
            text = (given or "").strip() or field.default or ""
            if not text:
                if field.required and field.name not in kept and field.asked(chosen):
                    problems[field.name] = "is required"
                continue
            problem = field.problem(text)
            if problem is not None:
                problems[field.name] = problem
            checked[field.name] = text
        if problems:
            raise InvalidFields(problems)
        return checked

    def to_dict(self) -> dict[str, Any]:
        """The form as the console reads it."""
        return {
            "displayName": self.title,
            "description": self.about,
            "permissions": [{"name": item.name, "reason": item.reason} for item in self.permissions],
            "fields": [field.to_dict() for field in self.fields],
            "troubleshooting": [
                {"error": row.error, "cause": row.cause, "solution": row.solution} for row in self.troubleshooting
            ],
            "guide": self.guide,
        }

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the values."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            "type": "object",
            "properties": {field.name: field.schema() for field in self.fields},
            "required": [field.name for field in self.fields if field.required and field.when is None],
            "additionalProperties": False,
        }

    def fields_table(self) -> str:
        """The fields as a Markdown table, for the docs."""
        rows = ["| field | required | secret | what it is |", "|---|---|---|---|"]
        for field in self.fields:
            default = f" Default: `{field.default}`." if field.default else ""
            example = f" Example: `{field.example}`." if field.example else ""
            rows.append(
                f"| `{field.name}` | {_required(field)} | {'yes' if field.secret else 'no'} "
                f"| {field.about}{example}{default} |"
            )
        return "\n".join(rows)

    def troubleshooting_table(self) -> str:
        """The troubleshooting rows as a Markdown table, for the docs."""
        rows = ["| error | cause | solution |", "|---|---|---|"]
        rows += [f"| {row.error} | {row.cause} | {row.solution} |" for row in self.troubleshooting]
        return "\n".join(rows)


def _required(field: FormField) -> str:
    if not field.required:
        return "no"
    return "yes" if field.when is None else f"with {field.when[1]}"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
