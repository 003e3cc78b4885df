"""Incidents of other products beside those of rules of one's own: told apart, led back, investigated, hunted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.conftest import AT, RULE_ID, prepare, serving

WS = "/workspaces/default"
LINK = "https://portal.azure.com/#blade/Microsoft_Azure_Security/AlertBlade/alertId/2518770965529163669"
PRODUCT = "Azure Security Center"
ALERT = {
    "TimeGenerated": "2026-03-01T11:58:00Z", "ProductName": PRODUCT, "ProviderName": PRODUCT, "VendorName": "Microsoft",
    "DisplayName": "Suspicious PowerShell on db1", "Description": "An encoded command.", "AlertSeverity": "High",
    "SystemAlertId": "2518770965529163669", "AlertLink": LINK, "Tactics": "Execution",
    "StartTime": "2026-03-01T11:57:00Z", "EndTime": "2026-03-01T11:57:00Z",
    "Entities": json.dumps([
        {"$id": "1", "Type": "host", "HostName": "db1"},
        {"$id": "2", "Type": "account", "Name": "alex", "UPNSuffix": "contoso.example"},
    ]),
}  # fmt: skip
CREATION = """
id: 8a1d1c1e-2222-4333-8444-555566667777
kind: MicrosoftSecurityIncidentCreation
name: Incidents of Defender for Cloud
productFilter: Azure Security Center
"""


@pytest.mark.req("D-079", "D-080", "D-081", "T-028", "T-029", "T-034")
def test_an_incident_of_another_product(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as held:
        prepare(held, tmp_path / "files")
        alerts = tmp_path / "more" / "SecurityAlert" / "a.jsonl"
        alerts.parent.mkdir(parents=True)
        alerts.write_text(json.dumps(ALERT) + "\n", encoding="utf-8")
        with held.client() as client:
            assert client.post(f"{WS}/local/load", json={"paths": [str(alerts)]}).status_code == 200
            files = [{"name": "creation.yaml", "content": CREATION}]
            [imported] = client.post(f"{WS}/rules/import", json={"files": files}).json()["imported"]
            run = client.post(f"{WS}/rules/run", json={"ruleId": imported["id"], "at": AT}).json()
            [number] = run["incidents"]

            listed = client.get(f"{WS}/incidents").json()["value"]
            assert {one["title"] for one in listed} == {
                "Sign-in from a country that nobody works in", "Suspicious PowerShell on db1",
            }  # fmt: skip
            assert {one["number"]: one["alertProductNames"] for one in listed}[number] == [PRODUCT]
            chosen = client.get(f"{WS}/incidents", params={"q": PRODUCT}).json()
            assert ([one["number"] for one in chosen["value"]], chosen["count"]) == ([number], 1)

            incident = client.get(f"{WS}/incidents/{number}").json()
            [alert] = incident["alerts"]
            assert alert["properties"]["AlertLink"] == LINK
            assert alert["productName"] == PRODUCT
            names = {entity["name"] for entity in incident["entities"]}
            assert names == {"db1", "alex@contoso.example"}

            # The same tools: its graph, what it has in common with the other incident, and each entity's page.
            graph = client.get(f"{WS}/incidents/{number}/graph").json()
            assert "incident" in {node["kind"] for node in graph["nodes"] if node["name"] != incident["title"]}
            who = {"type": "Account", "identifier": "FullName=alex@contoso.example"}
            span = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
            page = client.get(f"{WS}/entities", params=who | span).json()
            assert {one["number"] for one in page["incidents"]} == {1, number}
            assert {one["status"] for one in page["incidents"]} == {"New"}

            # Hunting over the same data, and keeping what was found.
            query = f"""SecurityAlert | where ProviderName == "{PRODUCT}" | mv-expand Entity = parse_json(Entities)
                | where tostring(Entity.Type) == "account"
                | extend User = strcat(Entity.Name, "@", Entity.UPNSuffix)
                | join kind=inner SigninLogs on $left.User == $right.UserPrincipalName
                | project TimeGenerated = TimeGenerated1, User, IPAddress, Location"""
            answer = client.post(f"{WS}/query", json={"query": query})
            assert answer.status_code == 200, answer.text
            [row] = answer.json()["rows"]
            assert row[1:] == ["alex@contoso.example", "203.0.113.7", "KP"]
            kept = client.post(
                f"{WS}/bookmarks",
                json={
                    "set": {
                        "displayName": "The sign-in", "query": query, "incidentNumber": number,
                        "queryResult": {"TimeGenerated": row[0], "User": row[1], "IPAddress": row[2]},
                    }
                },
            )  # fmt: skip
            assert kept.status_code == 201, kept.text
            assert [one["displayName"] for one in client.get(f"{WS}/incidents/{number}").json()["bookmarks"]] == [
                "The sign-in"
            ]
            assert RULE_ID in client.get(f"{WS}/incidents/1").json()["ruleIds"]
