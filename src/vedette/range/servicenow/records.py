"""Records of tables: what the instance fills in, how incidents behave, how values are shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from vedette.range.documents import Document
from vedette.range.state import FakeTenant

TABLES: Final = {
    "incident": "INC",
    "problem": "PRB",
    "change_request": "CHG",
    "task": "TASK",
    "sn_si_incident": "SIR",
    "sys_user": "",
    "sys_user_group": "",
    "sys_journal_field": "",
    "sys_attachment": "",
    "cmdb_ci": "",
}
"""Tables that every instance has, with the letters of their numbers."""
TASKS: Final = frozenset({"incident", "problem", "change_request", "task", "sn_si_incident"})
JOURNALS: Final = ("work_notes", "comments")
REFERENCES: Final = {
    "assigned_to": "sys_user",
    "caller_id": "sys_user",
    "opened_by": "sys_user",
    "closed_by": "sys_user",
    "resolved_by": "sys_user",
    "assignment_group": "sys_user_group",
    "cmdb_ci": "cmdb_ci",
    "problem_id": "problem",
    "parent_incident": "incident",
}
_LABELS: Final = {
    "state": {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
    "impact": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "urgency": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "priority": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"},
}
_TASK_FIELDS: Final = (
    "active assigned_to assignment_group business_duration calendar_duration caller_id category close_code close_notes "
    "closed_at closed_by cmdb_ci comments contact_type correlation_display correlation_id description due_date "
    "escalation hold_reason impact incident_state knowledge location made_sla notify number opened_at opened_by "
    "parent_incident priority problem_id reassignment_count reopen_count resolved_at resolved_by severity "
    "short_description state subcategory sys_class_name sys_created_by sys_created_on sys_domain sys_id sys_mod_count "
    "sys_tags sys_updated_by sys_updated_on upon_approval upon_reject urgency user_input watch_list work_notes"
).split()
_FIELDS: Final = {"incident": frozenset(_TASK_FIELDS)}
_READ_ONLY: Final = frozenset(
    {
        "sys_id",
        "sys_created_on",
        "sys_created_by",
        "sys_updated_on",
        "sys_updated_by",
        "sys_mod_count",
        "priority",
        "sys_class_name",
    }
)
_SYS_ID: Final = re.compile(r"[0-9a-f]{32}")


class RecordRefused(Exception):
    """A record that a data policy does not let be written."""


def moment(tenant: FakeTenant) -> str:
    """The time as the instance writes it: UTC, without a zone."""
    return clock_text(tenant.clock.at("servicenow"))


def clock_text(now: datetime) -> str:
    """A moment as the instance writes it."""
    return f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def has_field(table: str, name: str) -> bool:
    """Whether a table has a field. Of tables whose fields are not known, every name is one (`u_…` always)."""
    first, dot, rest = name.partition(".")
    if dot:
        return first in REFERENCES and has_field(table, first) and has_field(REFERENCES[first], rest)
    known = _FIELDS.get(table)
    return known is None or name in known or name.startswith("u_")


def defaults(tenant: FakeTenant, table: str, given: dict[str, str], user: str) -> Document:
    """A new record: what was given, and what the instance adds."""
    now = moment(tenant)
    record: Document = {}
    if table in TASKS:
        record = dict.fromkeys(_TASK_FIELDS, "")
        record |= {
            "number": _number(tenant, table),
            "state": "1",
            "active": "true",
            "impact": "3",
            "urgency": "3",
            "opened_at": now,
            "opened_by": user_record(tenant, user),
            "category": "inquiry",
            "reassignment_count": "0",
            "reopen_count": "0",
            "made_sla": "true",
        }
    record |= {
        "sys_id": tenant.ids().replace("-", ""),
        "sys_class_name": table,
        "sys_created_on": now,
        "sys_created_by": user,
        "sys_updated_on": now,
        "sys_updated_by": user,
        "sys_mod_count": "0",
    }
    record |= given
    if table in TASKS:
        _derive(tenant, record, {}, user)
    return record


def create(tenant: FakeTenant, table: str, given: dict[str, Any], user: str) -> Document:
    """Insert a record. Raises `RecordRefused`."""
    values = _writable(table, given)
    chosen = given.get("sys_id")
    if isinstance(chosen, str) and _SYS_ID.fullmatch(chosen):
        values["sys_id"] = chosen
    notes = {name: values.pop(name) for name in JOURNALS if values.get(name)}
    record = defaults(tenant, table, values, user)
    if table in TASKS:
        _check(record)
        record["incident_state"] = record["state"]
    tenant.documents.of("servicenow", "table", table).put(record["sys_id"], record)
    _journal(tenant, table, record, notes, user)
    return record


def change(tenant: FakeTenant, table: str, record: Document, given: dict[str, Any], user: str) -> Document:
    """Update a record. Raises `RecordRefused`."""
    values = _writable(table, given)
    notes = {name: values.pop(name) for name in JOURNALS if values.get(name)}
    for name in JOURNALS:
        values.pop(name, None)
    changed = {**record, **values}
    if table in TASKS:
        _check(changed)
        _derive(tenant, changed, record, user)
    changed["sys_updated_on"], changed["sys_updated_by"] = moment(tenant), user
    changed["sys_mod_count"] = str(int(record.get("sys_mod_count") or 0) + 1)
    tenant.documents.of("servicenow", "table", table).put(changed["sys_id"], changed)
    _journal(tenant, table, changed, notes, user)
    return changed


def display(tenant: FakeTenant, table: str, record: Document, name: str) -> str:
    """A field's value as people read it."""
    if "." in name:
        return value_of(tenant, table, record, name)
    value = str(record.get(name, ""))
    if name in JOURNALS and table in TASKS:
        return journal(tenant, record, name)
    if table in TASKS and value in _LABELS.get(name, {}):
        return _LABELS[name][value]
    if name in REFERENCES and value:
        other = tenant.documents.of("servicenow", "table", REFERENCES[name]).get(value)
        if other is not None:
            return str(other.get("name") or other.get("user_name") or other.get("number") or value)
    return value


def value_of(tenant: FakeTenant, table: str, record: Document, name: str) -> str:
    """A field's value; `caller_id.user_name` is that of the record which the reference leads to."""
    first, dot, rest = name.partition(".")
    value = str(record.get(first, ""))
    if not dot:
        return value
    other = tenant.documents.of("servicenow", "table", REFERENCES.get(first, "")).get(value) if value else None
    return "" if other is None else value_of(tenant, REFERENCES[first], other, rest)


def from_display(tenant: FakeTenant, table: str, given: dict[str, Any]) -> dict[str, Any]:
    """Values for what was given as people read it: `1 - High` is 1, `Ann Lee` the user of that name."""
    found = dict(given)
    for name, value in given.items():
        text = str(value).strip().lower()
        labels = _LABELS.get(name, {}) if table in TASKS else {}
        found[name] = next((key for key, label in labels.items() if label.lower() == text), value)
        if name in REFERENCES and text:
            for other in tenant.documents.of("servicenow", "table", REFERENCES[name]):
                if text in (str(other.get(each, "")).lower() for each in ("name", "user_name", "number")):
                    found[name] = other["sys_id"]
                    break
    return found


def user_record(tenant: FakeTenant, user: str) -> str:
    """The sys_id of a user's record, or the name of one who has none."""
    users = tenant.documents.of("servicenow", "table", "sys_user")
    return next((str(one["sys_id"]) for one in users if one.get("user_name") == user), user)


def journal(tenant: FakeTenant, record: Document, name: str) -> str:
    """Every entry of a journal field, newest first."""
    entries = [
        entry
        for entry in tenant.documents.of("servicenow", "table", "sys_journal_field")
        if entry["element_id"] == record["sys_id"] and entry["element"] == name
    ]
    label = {"work_notes": "Work notes", "comments": "Additional comments"}[name]
    return "".join(
        f"{entry['sys_created_on']} - {entry['sys_created_by']} ({label})\n{entry['value']}\n\n"
        for entry in reversed(entries)
    )


def _writable(table: str, given: dict[str, Any]) -> dict[str, str]:
    values = {}
    for name, value in given.items():
        # A field that a table does not have is passed over, as the instance does.
        if name in _READ_ONLY or not has_field(table, name):
            continue
        if isinstance(value, dict):
            value = value.get("value", "")
        if isinstance(value, bool):
            value = "true" if value else "false"
        values[name] = "" if value is None else str(value)
    return values


def _check(record: Document) -> None:
    if record["state"] in ("6", "7") and record["sys_class_name"] in ("incident", "sn_si_incident"):
        missing = [
            label
            for name, label in (("close_code", "Resolution code"), ("close_notes", "Resolution notes"))
            if not record.get(name)
        ]
        if missing:
            raise RecordRefused(f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}")


def _derive(tenant: FakeTenant, record: Document, before: Document, user: str) -> None:
    levels = [int(record[name]) if record.get(name) in ("1", "2", "3") else 3 for name in ("impact", "urgency")]
    record["priority"] = str(sum(levels) - 1)
    record["active"] = "false" if record["state"] in ("7", "8") else "true"
    record["incident_state"] = record["state"]
    if record["state"] in ("6", "7") and before.get("state") not in ("6", "7"):
        record["resolved_at"] = record.get("resolved_at") or moment(tenant)
        record["resolved_by"] = record.get("resolved_by") or user_record(tenant, user)
    if record["state"] in ("7", "8") and before.get("state") not in ("7", "8"):
        record["closed_at"] = record.get("closed_at") or moment(tenant)
        record["closed_by"] = record.get("closed_by") or user_record(tenant, user)
    if before.get("state") in ("6", "7") and record["state"] not in ("6", "7", "8"):
        record["reopen_count"] = str(int(record.get("reopen_count") or 0) + 1)
        record |= {"resolved_at": "", "resolved_by": "", "closed_at": ""}


def _journal(tenant: FakeTenant, table: str, record: Document, notes: dict[str, str], user: str) -> None:
    entries = tenant.documents.of("servicenow", "table", "sys_journal_field")
    for name, text in notes.items():
        entry = {
            "sys_id": tenant.ids().replace("-", ""),
            "element_id": record["sys_id"],
            "element": name,
            "name": table,
            "value": text,
            "sys_created_on": moment(tenant),
            "sys_created_by": user,
        }
        entries.put(entry["sys_id"], entry)


def _number(tenant: FakeTenant, table: str) -> str:
    letters = TABLES.get(table, "TASK")
    numbers = [
        int(match[1])
        for record in tenant.documents.of("servicenow", "table", table)
        if (match := re.fullmatch(rf"{letters}(\d+)", str(record.get("number", ""))))
    ]
    return f"{letters}{max([10_000, *numbers]) + 1:07d}"
