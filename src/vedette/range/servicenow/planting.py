"""What a seed says of the instance: users, OAuth clients, records."""

from __future__ import annotations

from typing import Any

from vedette.core.errors import InvalidInput
from vedette.range.servicenow import records
from vedette.range.state import FakeTenant


def plant(tenant: FakeTenant, document: dict[str, Any]) -> None:
    """Add users, clients and records; records are kept as they are, and get what the instance gives a new one besides."""
    users = {user["name"].lower() for user in document["users"]}
    for user in document["users"]:
        tenant.documents.of("servicenow", "users").put(user["name"], user)
    known = {str(_value(row.get("user_name"))).lower() for row in document["tables"].get("sys_user", [])}
    for name in [user["name"] for user in document["users"] if user["name"].lower() not in known]:
        record = records.defaults(tenant, "sys_user", {"user_name": name, "name": name, "active": "true"}, "system")
        tenant.documents.of("servicenow", "table", "sys_user").put(record["sys_id"], record)
    for client in document["clients"]:
        if client["user"].lower() not in users:
            raise InvalidInput(
                f"The ServiceNow client {client['client_id']} acts for '{client['user']}', who is not in the seed."
            )
        tenant.documents.of("servicenow", "clients").put(client["client_id"], client)
    for table, rows in document["tables"].items():
        for row in rows:
            given = {name: _value(value) for name, value in row.items()}
            made = records.defaults(tenant, table, given, "system")
            tenant.documents.of("servicenow", "table", table).put(made["sys_id"], made)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("value", ""))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
