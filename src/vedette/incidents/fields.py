"""The fields of an incident that people change: how each is read, where it is kept, and when a change is a conflict."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vedette.core.errors import Conflict, InvalidInput, VedetteError, nearest
from vedette.detect.rule import JsonValue, Severity
from vedette.incidents.models import IncidentRow
from vedette.incidents.vocabulary import REASONS, Classification, ClassificationReason, Status

MAX_TITLE: Final = 256
MAX_DESCRIPTION: Final = 5000
MAX_COMMENT: Final = 30_000
MAX_LABELS: Final = 100
MAX_LABEL: Final = 256
MAX_OWNER: Final = 256


@dataclass(frozen=True, slots=True)
class IncidentField:
    """One field: its name in the API, how a given value is read, and how it is got from and put into the row."""

    name: str
    read: Callable[[JsonValue], JsonValue]
    get: Callable[[IncidentRow], JsonValue]
    put: Callable[[IncidentRow, Any], None]
    title: str
    """The field's name in a sentence."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A field that somebody else has changed meanwhile, to another value."""

    field: str
    current: JsonValue
    wanted: JsonValue
    revision: int
    changed_by: Mapping[str, str] | None
    changed_at: datetime | None


class FieldConflict(Conflict):
    """Somebody else has changed the same field to another value; both values are in `contradictions` and the details."""

    def __init__(self, message: str, contradictions: list[Contradiction]) -> None:
        super().__init__(message, code="FieldConflict", hint="Look at the value that is there now and decide again.")
        self.contradictions = contradictions

    @property
    def details(self) -> dict[str, Any]:
        """What the API gives as the error's details."""
        return {
            "conflicts": [
                {
                    "field": one.field,
                    "current": one.current,
                    "wanted": one.wanted,
                    "revision": one.revision,
                    "changedBy": None if one.changed_by is None else dict(one.changed_by),
                    "changedTimeUtc": None if one.changed_at is None else iso(one.changed_at),
                }
                for one in self.contradictions
            ]
        }

    def to_dict(self) -> dict[str, object]:
        """The error as JSON, with its details."""
        return {**super().to_dict(), "details": self.details}


class PreconditionFailed(VedetteError):
    """The incident is not the one that the caller has seen: its etag has changed."""

    default_code = "PreconditionFailed"
    default_status = 412


def etag_of(row: IncidentRow) -> str:
    """Another whenever a person or a rule changes the incident; its priority, which is computed, does not count."""
    state = [row.id, sorted(row.revisions.items()), row.alert_count, row.comment_count, iso(row.modified_at)]
    return hashlib.sha256(repr([*state, row.merged_into]).encode()).hexdigest()[:16]


def check_etag(row: IncidentRow, etag: str | None) -> None:
    """`PreconditionFailed` unless `etag` is None, ``*``, or (as HTTP quotes them) among those given."""
    if etag is None:
        return
    given = {one.strip().removeprefix("W/").strip('"') for one in etag.split(",")}
    if "*" not in given and etag_of(row) not in given:
        raise PreconditionFailed(
            f"Incident {row.number} has changed since it was read: {row.modified_by} changed it at {iso(row.modified_at)}.",
            target=str(row.number),
            hint="Read it again, and decide again.",
        )


def iso(moment: datetime) -> str:
    """``2026-03-01T12:00:00.123456Z``."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def text_reader(name: str, most: int, *, empty: bool) -> Callable[[JsonValue], JsonValue]:
    """A reader of texts that are not longer than `most` and, unless `empty`, not empty; `InvalidInput` for others."""

    def read(value: JsonValue) -> JsonValue:
        if value is None and empty:
            return ""
        if not isinstance(value, str):
            raise InvalidInput(f"'{name}' is a text.", target=name)
        text = value.strip()
        if not text and not empty:
            raise InvalidInput(f"'{name}' is not empty.", target=name)
        if len(text) > most:
            raise InvalidInput(f"'{name}' has at most {most:,} characters, not {len(text):,}.", target=name)
        return text

    return read


def _word(name: str, words: type[StrEnum], *, optional: bool) -> Callable[[JsonValue], JsonValue]:
    known = {word.value.casefold(): word.value for word in words}

    def read(value: JsonValue) -> JsonValue:
        if optional and value in (None, ""):
            return None
        found = known.get(value.casefold()) if isinstance(value, str) else None
        if found is None:
            near = nearest(value, known.values()) if isinstance(value, str) else None
            hint = f"Did you mean '{near}'?" if near else f"Known are {', '.join(known.values())}."
            raise InvalidInput(f"'{value}' is not a value of '{name}'.", target=name, hint=hint)
        return found

    return read


def _labels(value: JsonValue) -> JsonValue:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise InvalidInput("'labels' is a list of texts.", target="labels")
    labels = list(dict.fromkeys(label.strip() for label in value if label.strip()))
    if len(labels) > MAX_LABELS or any(len(label) > MAX_LABEL for label in labels):
        message = f"An incident has at most {MAX_LABELS} labels of at most {MAX_LABEL} characters."
        raise InvalidInput(message, target="labels")
    return labels


def _owner(value: JsonValue) -> JsonValue:
    """A person as ``{"id", "name"}``; a plain text is both."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = {"id": value}
    if isinstance(value, Mapping) and isinstance(value.get("id"), str) and value["id"].strip():
        identity, name = value["id"].strip(), value.get("name")
        shown = name if isinstance(name, str) and name else identity
        if max(len(identity), len(shown)) > MAX_OWNER:
            raise InvalidInput(f"'owner' has at most {MAX_OWNER} characters.", target="owner")
        return {"id": identity, "name": shown}
    raise InvalidInput("'owner' is a person with an 'id', or null.", target="owner")


def _get_owner(row: IncidentRow) -> JsonValue:
    return None if row.owner_id is None else {"id": row.owner_id, "name": row.owner_name or row.owner_id}


def _put_owner(row: IncidentRow, value: Any) -> None:
    row.owner_id, row.owner_name = (value["id"], value["name"]) if value else (None, None)


def _put_severity(row: IncidentRow, value: Any) -> None:
    row.severity, row.severity_rank = value, Severity(value).rank


def _get(column: str) -> Callable[[IncidentRow], JsonValue]:
    return lambda row: getattr(row, column)


def _put(column: str) -> Callable[[IncidentRow, Any], None]:
    return lambda row, value: setattr(row, column, value)


def _field(
    name: str, column: str, read: Callable[[JsonValue], JsonValue], title: str, *, put: Any = None, get: Any = None
) -> IncidentField:
    return IncidentField(name, read, get or _get(column), put or _put(column), title)


FIELDS: Final[dict[str, IncidentField]] = {
    field.name: field
    for field in (
        _field("title", "title", text_reader("title", MAX_TITLE, empty=False), "title"),
        _field("description", "description", text_reader("description", MAX_DESCRIPTION, empty=True), "description"),
        _field("severity", "severity", _word("severity", Severity, optional=False), "severity", put=_put_severity),
        _field("status", "status", _word("status", Status, optional=False), "status"),
        _field("owner", "owner_id", _owner, "owner", put=_put_owner, get=_get_owner),
        _field(
            "classification",
            "classification",
            _word("classification", Classification, optional=True),
            "classification",
        ),
        _field(
            "classificationReason",
            "classification_reason",
            _word("classificationReason", ClassificationReason, optional=True),
            "classification reason",
        ),
        _field(
            "classificationComment",
            "classification_comment",
            lambda value: text_reader("classificationComment", MAX_COMMENT, empty=True)(value) or None,
            "classification comment",
        ),
        _field("labels", "labels", _labels, "labels"),
    )
}

_CLASSIFYING: Final = ("classification", "classificationReason", "classificationComment")


def read_changes(changes: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The changes with their values read. `InvalidInput` names the field that is unknown or has a wrong value."""
    read = {}
    for name, value in changes.items():
        field = FIELDS.get(name)
        if field is None:
            near = nearest(name, FIELDS)
            hint = f"Did you mean '{near}'?" if near else f"Fields are {', '.join(FIELDS)}."
            raise InvalidInput(f"An incident has no field '{name}' that can be changed.", target=name, hint=hint)
        read[name] = field.read(value)
    return read


def complete(row: IncidentRow, changes: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The changes with what follows from them, checked as a whole.

    Closing needs a classification; a reason must go with it; reopening clears all three classification fields.
    """
    wanted = dict(changes)
    status = wanted.get("status", row.status)
    if status != Status.CLOSED.value and row.status == Status.CLOSED.value:
        for name in _CLASSIFYING:
            wanted.setdefault(name, None)
    classification = wanted.get("classification", row.classification)
    if status == Status.CLOSED.value and classification is None:
        known = ", ".join(word.value for word in Classification)
        raise InvalidInput(
            "An incident is closed with a classification.", target="classification", hint=f"Give one of {known}."
        )
    if "classification" in wanted and wanted["classification"] != row.classification:
        # The old reason belongs to the old classification.
        wanted.setdefault("classificationReason", None)
    reason = wanted.get("classificationReason", row.classification_reason)
    if reason is not None:
        allowed = REASONS[Classification(classification)] if classification else ()
        if ClassificationReason(reason) not in allowed:
            names = ", ".join(word.value for word in allowed) or "none"
            raise InvalidInput(
                f"The reason '{reason}' does not go with the classification '{classification or 'none'}'.",
                target="classificationReason",
                hint=f"Reasons that do: {names}.",
            )
    return wanted
