"""What diagnostic settings write into a storage account, for the tests that read it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

VAULT = "/SUBSCRIPTIONS/1B7F/RESOURCEGROUPS/RG-APP/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/SAFE"
TENANT = "tenantId=72f988bf-0000-4000-8000-2d7cd011db47"


def hour_name(hour: datetime, of: str = f"resourceId={VAULT}") -> str:
    """The blob of an hour."""
    return f"{of}/y={hour:%Y}/m={hour:%m}/d={hour:%d}/h={hour:%H}/m=00/PT1H.json"


def audit_event(at: datetime, number: int, **more: Any) -> dict[str, Any]:
    """A record of a key vault, for AzureDiagnostics."""
    return {
        "time": f"{at:%Y-%m-%dT%H:%M:%S}.1234567Z", "category": "AuditEvent", "resourceId": VAULT, "operationName": "SecretGet",
        "resultType": "Success", "correlationId": f"c{number}", "callerIpAddress": "192.0.2.7",
        "properties": {"number": number, "id": f"https://safe.vault.example/secrets/s{number}"}, **more,
    }  # fmt: skip


def sign_in(at: datetime, number: int) -> dict[str, Any]:
    """A record of Microsoft Entra, for SigninLogs."""
    return {
        "time": f"{at:%Y-%m-%dT%H:%M:%S}Z", "category": "SignInLogs", "operationName": "Sign-in activity",
        "tenantId": "72f988bf-0000-4000-8000-2d7cd011db47", "resourceId": "/tenants/72f988bf/providers/Microsoft.aadiam",
        "properties": {"id": f"s{number}", "userPrincipalName": "ada@contoso.example", "ipAddress": "192.0.2.1"},
    }  # fmt: skip


def lines(*records: dict[str, Any]) -> str:
    """The records as Azure appends them."""
    return "".join(json.dumps(one) + "\n" for one in records)
