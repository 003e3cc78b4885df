"""Public rules of Microsoft Sentinel over the rows that indicators make: found while in force, and not afterwards."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.intel.conftest import Held, indicator
from tests.plugins.state import NOON
from vedette.core.roles import SYSTEM
from vedette.detect.alerts.moments import wire_datetime

IP, DOMAIN, URL = "203.0.113.45", "evil-c2.example.com", "https://evil-c2.example.com/drop"
MAIL, HASH = f"mallory@{DOMAIN}", "a" * 64
PATTERNS = (
    f"[ipv4-addr:value = '{IP}']", f"[domain-name:value = '{DOMAIN}']", f"[url:value = '{URL}']", f"[email-addr:value = '{MAIL}']",
    f"[file:hashes.'SHA-256' = '{HASH}']",
)  # fmt: skip
LOGS: dict[str, list[dict[str, Any]]] = {
    "AADNonInteractiveUserSignInLogs": [
        {"IPAddress": IP, "UserPrincipalName": "pat@contoso.example", "ResultType": "0"}
    ],
    "AzureDiagnostics": [
        {"ResourceType": "VAULTS", "CallerIPAddress": IP},
        {"ResourceProvider": "MICROSOFT.SQL", "Category": "SQLSecurityAuditEvents", "client_ip_s": IP},
    ],
    "CommonSecurityLog": [{"DestinationIP": IP, "SourceIP": "10.0.0.8", "DeviceAction": "allow"}],
    "OfficeActivity": [{"ClientIP": IP, "UserId": MAIL, "OfficeWorkload": "SharePoint"}],
    "SecurityAlert": [
        {
            "Entities": json.dumps(
                [{"Type": "account", "Name": "mallory", "UPNSuffix": DOMAIN}, {"Type": "url", "Url": URL}]
            )
        }
    ],
    "SecurityEvent": [{"EventID": 8002, "FileHash": HASH.upper()}, {"EventID": 4625, "TargetUserName": MAIL}],
    "Syslog": [{"SyslogMessage": f"GET {URL} from {IP}"}],
}
RULES = (
    "TI map Email entity to OfficeActivity", "TI map Email entity to SecurityAlert", "TI map Email entity to SecurityEvent",
    "TI map File Hash to Security Event", "TI map IP entity to Azure Key Vault logs", "TI map IP entity to Azure SQL Security Audit Events",
    "TI map IP entity to OfficeActivity", "TI map URL entity to SecurityAlert data", "TI map URL entity to Syslog data",
    "Non-Interactive Sign-In from Threat Intelligence IP",
)  # fmt: skip
"""Rules by their names."""
ANY_ROW = "Non-Interactive Sign-In from Threat Intelligence IP"
"""This one goes by any row of its look-back, whatever a later one says; the others by the newest of each indicator."""


def finding(held: Held, queries: dict[str, str]) -> set[str]:
    """The names of the rules that find something ten minutes from now, after events five minutes from now."""
    now = held.clock.now()
    for table, rows in LOGS.items():
        held.logs.append(table, [{"TimeGenerated": wire_datetime(now + timedelta(minutes=5)), **row} for row in rows])
    assert held.intake.flush()
    at = now + timedelta(minutes=10)
    span = (at - timedelta(days=14), at)
    return {name for name, query in queries.items() if held.logs.query(query, now=at, timespan=span).rows}


@pytest.mark.req("P-075", "P-076", "P-077", "P-078", "P-080")
@pytest.mark.parametrize("state", ["sqlite"], indirect=True)
def test_public_rules_find_what_is_in_force(held: Held, shared: Path) -> None:
    with gzip.open(shared / "corpus" / "core_rules.jsonl.gz", "rt") as lines:
        found = {rule["name"]: rule["query"] for rule in map(json.loads, lines)}
    queries = {name: found[name] for name in RULES}
    assert held.clock.now() == NOON
    given = [
        indicator(number, pattern=pattern, valid_until="2026-06-01T00:00:00Z", confidence=90)
        for number, pattern in enumerate(PATTERNS, 1)
    ]
    held.indicators.take(given, "CERT", "TAXII")
    assert finding(held, queries) == set(RULES)
    held.clock.advance(timedelta(hours=2))
    for one in given:
        held.indicators.withdraw(one["id"], SYSTEM)
    assert finding(held, queries) == {ANY_ROW}
