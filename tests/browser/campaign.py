"""The campaign of the browser tests: sign-ins of the last hour, and one rule for each country that nobody works in.

Each test that changes an incident has a country, and so an incident, of its own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.api.conftest import ENTITIES, Running
from vedette.core.ids import derived_id

WS = "/workspaces/default"
COUNTRIES = {
    "KP": "High", "IR": "High", "SY": "Medium", "CU": "Medium", "BY": "Low", "MM": "Low", "SD": "Informational",
    "LY": "Medium", "SO": "Low",
}  # fmt: skip
BY_HAND = "VE"
"""The country of the rule that only the console runs."""
NEVER = "ZZ"
"""A country without a sign-in: its rule finds nothing."""
SIGN_INS = 3
"""Sign-ins from each country."""

RULE = (
    """
id: {id}
name: {name}
kind: Scheduled
severity: {severity}
description: Somebody signed in from {country}, where nobody works.
queryFrequency: 1h
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
tactics: [InitialAccess, Persistence]
relevantTechniques: [T1078]
query: |
  SigninLogs
  | where ResultType == 0 and Location == "{country}"
version: 1.0.0
"""
    + ENTITIES
)
"""A rule as text: its id, name, severity and country are to be filled in."""


def rule_id(country: str) -> str:
    """The id of a country's rule."""
    return derived_id("browser-tests", country)


def rule_name(country: str) -> str:
    """The name of a country's rule, which is the title of its incident."""
    return f"Sign-in from {country}"


def user(country: str) -> str:
    """Who signed in from there."""
    return f"alex.{country.lower()}@contoso.example"


def address(country: str) -> str:
    """From which address."""
    return f"203.0.113.{[*COUNTRIES, BY_HAND].index(country) + 1}"


def _rows(now: datetime) -> list[dict[str, object]]:
    return [
        {
            "TimeGenerated": (now - timedelta(minutes=30 + 7 * at)).isoformat().replace("+00:00", "Z"),
            "UserPrincipalName": user(country),
            "IPAddress": address(country),
            "Location": country,
            "ResultType": "0",
            "AppDisplayName": ["Azure Portal", "Exchange", "Teams"][at],
            "DeviceDetail": {"operatingSystem": "Windows", "isCompliant": False},
        }
        for country in [*COUNTRIES, BY_HAND]
        for at in range(SIGN_INS)
    ]


def raise_incidents(running: Running, folder: Path) -> dict[str, int]:
    """Loads the sign-ins and runs the rules by hand; the number of each country's incident.

    The rules are switched off before the rows come, so that the server's own scheduler raises nothing beside.
    """
    now = datetime.now(UTC)
    rules = folder / "rules"
    rules.mkdir(parents=True)
    for country in [*COUNTRIES, BY_HAND, NEVER]:
        severity = COUNTRIES.get(country, "Medium")
        text = RULE.format(id=rule_id(country), name=rule_name(country), country=country, severity=severity)
        (rules / f"{country}.yaml").write_text(text, encoding="utf-8")
    logs = folder / "SigninLogs" / "signins.jsonl"
    logs.parent.mkdir()
    logs.write_text("".join(json.dumps(row) + "\n" for row in _rows(now)), encoding="utf-8")
    numbers = {}
    with running.client() as client:
        imported = client.post(f"{WS}/local/rules", json={"paths": [str(rules)]})
        assert imported.status_code == 200, imported.text
        for country in [*COUNTRIES, BY_HAND, NEVER]:
            switched = client.patch(f"{WS}/rules/{rule_id(country)}", json={"enabled": False})
            assert switched.status_code == 200, switched.text
        loaded = client.post(f"{WS}/local/load", json={"paths": [str(logs)]})
        assert loaded.status_code == 200, loaded.text
        for country in COUNTRIES:
            run = client.post(f"{WS}/rules/run", json={"ruleId": rule_id(country)})
            assert run.status_code == 200, run.text
            numbers[country] = run.json()["incidents"][0]
    return numbers
