"""`vedette rules` and `vedette incidents`, without a server and with one up."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tests.api.conftest import AT, RULE, RULE_ID
from tests.cli.conftest import Command

NAME = "Sign-in from a country that nobody works in"


@pytest.mark.req("P-060")
def test_a_rule_runs_and_its_alert_becomes_an_incident(vedette: Command, filled: Path, tmp_path: Path) -> None:
    vips = tmp_path / "vips.csv"
    vips.write_text("User Principal Name,Tier\nalex@contoso.example,0\n", encoding="utf-8")
    key = ("--search-key", "User Principal Name")
    assert vedette("watchlists", "import", "VIPUsers", vips, *key, "--data", filled).code == 0
    done = vedette("rules", "run", "--data", filled, "--rule", RULE_ID, "--at", AT, "--format", "json")
    assert done.code == 0
    (line,) = done.out.splitlines()
    alert = json.loads(line)
    assert list(alert) == ["rule_id", "rule", "severity", "start", "end", "rows", "entities", "sample"]
    assert (alert["rule_id"], alert["rule"], alert["severity"], alert["rows"]) == (RULE_ID, NAME, "High", 1)
    assert "2026-02-28T12:00:00" <= alert["start"] <= alert["end"] <= AT
    assert [entity["type"] for entity in alert["entities"]] == ["Account", "IP"]
    assert alert["entities"][1]["Address"] == "203.0.113.7"
    assert [row["UserPrincipalName"] for row in alert["sample"]] == ["alex@contoso.example"]

    page = vedette("incidents", "list", "--data", filled, "--format", "json").json()
    (incident,) = page["value"]
    assert (incident["number"], incident["severity"], incident["title"]) == (1, "High", NAME)
    table = vedette("incidents", "list", "--data", filled)
    assert NAME in table.out
    assert "203.0.113.7" in table.out
    whole = vedette("incidents", "show", 1, "--data", filled, "--format", "json").json()
    assert whole["alerts"][0]["ruleName"] == NAME
    shown = vedette("incidents", "show", incident["id"], "--data", filled)
    assert shown.code == 0
    for words in (NAME, "203.0.113.7", "alex", "High", "New"):
        assert words in shown.out
    assert vedette("incidents", "list", "--data", filled, "--severity", "Low", "--format", "json").json()["value"] == []
    assert vedette("query", "SecurityAlert | count", "--data", filled, "--format", "csv").out == "Count\n1\n"

    todo = vedette("incidents", "take-action", 1, "--data", filled, "--format", "json").json()
    assert (todo["mitigate"], todo["prevent"]["hosts"]) == ([], [])
    assert "names no resource" in vedette("incidents", "take-action", 1, "--data", filled).out

    # What is known of its entities is looked up by itself: by the server, or by the command where there is none.
    deadline = time.monotonic() + 60
    while (told := whole["enrichment"])["state"] == "Waiting":
        assert time.monotonic() < deadline
        whole = vedette("incidents", "show", 1, "--data", filled, "--format", "json").json()
    known = {one["id"]: one["facts"] for one in told["value"]}
    assert [fact["properties"]["Tier"] for fact in known["watchlists"]] == ["0"]
    assert "On the watchlist VIPUsers" in vedette("incidents", "show", 1, "--data", filled).out

    to = ("--to", "Investigations", "--findings", "Nobody is in KP.", "--severity", "Medium")
    handed = vedette("incidents", "escalate", 1, *to, "--data", filled)
    assert handed.out == "Incident 1 is with Investigations, as a true positive.\n"
    again = vedette("incidents", "escalate", 1, *to, "--data", filled)
    assert (again.code, "is with Investigations already" in again.err) == (1, True)
    whole = vedette("incidents", "show", 1, "--data", filled, "--format", "json").json()
    assert (whole["owner"]["name"], whole["classification"]) == ("Investigations", "TruePositive")
    assert (whole["severity"], whole["comments"][0]["message"]) == ("Medium", "Nobody is in KP.")
    assert "Escalated to Investigations" in vedette("incidents", "show", 1, "--data", filled).out

    # the same window again doubles nothing
    again = vedette("rules", "run", "--data", filled, "--at", AT, "--format", "json")
    assert (again.code, again.lines()) == (0, [alert])
    assert vedette("incidents", "list", "--data", filled, "--format", "json").json()["count"] == 1
    assert vedette("query", "SecurityAlert | count", "--data", filled, "--format", "csv").out == "Count\n1\n"


def test_a_rule_that_ships_is_added(vedette: Command, filled: Path) -> None:
    name = "Unusual sign-ins of an application"
    listed = {one["name"]: one for one in vedette("rules", "templates", "--data", filled, "--json").json()}
    assert (listed[name]["inUse"], listed[name]["missingTables"]) == (False, ["AADServicePrincipalSignInLogs"])
    assert vedette("rules", "add", name.lower(), "--data", filled).out == f"added {name}\n"
    assert vedette("rules", "add", listed[name]["id"], "--data", filled).out == f"unchanged {name}\n"
    assert name in vedette("rules", "list", "--data", filled).out
    assert "yes" in next(
        line for line in vedette("rules", "templates", "--data", filled).out.splitlines() if "Unusual" in line
    )
    unknown = vedette("rules", "add", "Unusual sign-ins of an aplication", "--data", filled)
    assert (unknown.code, name in unknown.err) == (1, True)


def test_the_time_and_the_period_decide(vedette: Command, filled: Path) -> None:
    late = ("rules", "run", "--data", filled, "--rule", NAME, "--at", "2026-03-10T00:00:00Z")
    assert vedette(*late, "--format", "json").out == ""
    assert len(vedette(*late, "--period", "14d", "--format", "json").lines()) == 1
    table = vedette(*late, "--period", "14d")
    assert (table.code, NAME in table.out, table.err) == (0, True, "1 alert from 1 rule\n")
    now = ("rules", "run", "--data", filled, "--rule", NAME)
    assert vedette(*now).err == "0 alerts from 1 rule\n"
    assert NAME in vedette(*now, "--period", "36500d").out


def test_importing_again_changes_nothing(vedette: Command, filled: Path, files: tuple[Path, Path]) -> None:
    assert vedette("rules", "import", files[1], "--data", filled).out == "0 added, 0 updated, 1 unchanged, 0 derived\n"
    listed = vedette("rules", "list", "--data", filled)
    assert RULE_ID in listed.out
    assert NAME in listed.out


def test_the_same_id_with_other_content_is_kept_and_reported(vedette: Command, filled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(RULE.replace(NAME, "Something else").replace('"KP"', '"AQ"'))
    done = vedette("rules", "import", other, "--data", filled, "--json")
    assert done.code == 0
    (derived,) = done.json()["derived"]
    assert derived["given_id"] == RULE_ID
    assert derived["id"] != RULE_ID
    assert vedette("rules", "list", "--data", filled).out.count("Something else") == 1
    assert NAME in vedette("rules", "list", "--data", filled).out


def test_an_edited_rule_replaces_itself(vedette: Command, filled: Path, files: tuple[Path, Path]) -> None:
    at = ("--data", filled)
    before = vedette("rules", "list", "--json", *at).json()
    path = files[1]
    text = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"(?m)^(\s*\"?severity\"?): \"?\w+\"?", r"\1: Informational", text, count=1), encoding="utf-8"
    )
    kept = vedette("rules", "import", path, "--replace", "--json", *at).json()
    assert (kept["added"], kept["derived"], len(kept["updated"])) == ([], [], 1)
    after = vedette("rules", "list", "--json", *at).json()
    assert len(after) == len(before)
    assert [one["severity"] for one in after if one["id"] in kept["updated"]] == ["Informational"]


def test_rules_are_switched_and_deleted(vedette: Command, filled: Path, files: tuple[Path, Path]) -> None:
    at = ("--data", filled)
    refused = vedette("rules", "disable", RULE_ID, NAME.replace("works", "wroks"), *at)
    assert (refused.code, f"Did you mean '{NAME}'?" in refused.err) == (1, True)
    for word, enabled in (("disable", False), ("enable", True)):
        assert vedette("rules", word, NAME, RULE_ID, *at).out == f"{word}d {NAME}\n", "each rule once"
        assert [one["enabled"] for one in vedette("rules", "list", "--json", *at).json()] == [enabled]
    assert vedette("rules", "delete", NAME, *at).out == f"deleted {NAME}\n"
    assert vedette("rules", "list", "--json", *at).json() == []
    assert vedette("rules", "import", files[1], *at).out.startswith("1 added")


def test_a_template_of_the_portal_is_imported(vedette: Command, data: Path, tmp_path: Path) -> None:
    identity = "0b4fd8a2-9a0c-4d5b-8c52-0a4f0f1b2c3d"
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"workspace": {"type": "String"}},
        "resources": [
            {
                "id": f"[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), 'Microsoft.SecurityInsights'),'/alertRules/{identity}')]",
                "name": f"[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{identity}')]",
                "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                "kind": "Scheduled",
                "apiVersion": "2023-12-01-preview",
                "properties": {
                    "displayName": "From the portal", "description": "", "severity": "Low", "enabled": True,
                    "query": "SigninLogs | where Location == 'KP'", "queryFrequency": "PT1H", "queryPeriod": "P1D",
                    "triggerOperator": "GreaterThan", "triggerThreshold": 0, "suppressionDuration": "PT5H",
                    "suppressionEnabled": False, "tactics": ["InitialAccess"],
                },
            }
        ],
    }  # fmt: skip
    file = tmp_path / "portal.json"
    file.write_text(json.dumps(template))
    assert vedette("rules", "import", file, "--data", data).out.startswith("1 added")
    assert "From the portal" in vedette("rules", "list", "--data", data).out


# -- bad input


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("severity: High", "severity: [High"), 6, ""),
        (("severity: High", "severity: Hihg"), 5, "High"),
        (("queryFrequency:", "queryFreqency:"), 7, "queryFrequency"),
        (("triggerOperator: gt", "triggerOperator: above"), 9, "above"),
        (("queryPeriod: 1d", "queryPeriod: soon"), 8, "soon"),
        (("entityType: IP", "entityType: IPs"), 22, "IP"),
    ],
)
def test_a_malformed_rule_is_named_with_its_line(
    vedette: Command, data: Path, tmp_path: Path, change: tuple[str, str], line: int, said: str
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "bad.yaml").write_text(RULE.replace(*change))
    (folder / "good.yaml").write_text(
        RULE.replace(RULE_ID, RULE_ID.replace("6d2f", "7d2f")).replace(NAME, "A good one")
    )
    done = vedette("rules", "import", folder, "--data", data)
    assert done.code == 1
    errors = [one for one in done.err.splitlines() if one.startswith("error")]
    assert errors
    assert f"{folder / 'bad.yaml'}:" in errors[0]
    assert abs(int(errors[0].split("bad.yaml:")[1].split(":")[0]) - line) <= 1, errors[0]
    assert said in done.err
    assert done.out.startswith("1 added")
    listed = vedette("rules", "list", "--data", data).out
    assert "A good one" in listed
    assert NAME not in listed


def test_a_rule_of_an_unknown_table_says_so_when_it_runs(vedette: Command, filled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(
        RULE.replace(RULE_ID, RULE_ID.replace("6d2f", "7d2f")).replace("SigninLogs", "SigninLog").replace(NAME, "Bad")
    )
    imported = vedette("rules", "import", other, "--data", filled)
    done = vedette("rules", "run", "--data", filled, "--at", AT)
    assert done.code == 1
    assert "'Bad', line 1, column 1 of its query: KS204" in imported.err
    assert imported.out.strip().endswith("1 broken")
    assert "error Bad: line 1, column 1 of its query: KS204 The name 'SigninLog'" in done.err
    assert "SigninLog" in done.err
    assert NAME in done.out  # the other rule ran all the same
    assert imported.code in (0, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["rules", "run", "--at", "noon"], 2, ["'noon' after --at is not a time", "2021-08-02T13:30:00Z"]),
        (["rules", "run", "--at", AT, "--period", "two weeks"], 2, ["'two weeks' after --period", "14d"]),
        (["rules", "run", "--at", AT, "--period", "-1d"], 2, ["'-1d' after --period"]),
        (["rules", "run", "--at", AT, "--rule", "Sign-in from a country nobody works in"], 1, [NAME]),
        (["rules", "import", "nowhere.yaml"], 1, ["nowhere.yaml", "no such file"]),
        (["incidents", "show", "77"], 1, ["77"]),
        (["incidents", "show", "seventy"], 1, ["seventy"]),
        (["incidents", "list", "--status", "Nwe"], 2, ["Nwe", "New"]),
        (["incidents", "list", "--severity", "Hihg"], 2, ["Hihg", "High"]),
        (["incidents", "list", "--top", "0"], 2, ["--top"]),
        (["rules", "list", "--workspace", "defalt"], 1, ["defalt", "default"]),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_refusals(vedette: Command, filled: Path, arguments: list[str], code: int, said: list[str]) -> None:
    done = vedette(*arguments, "--data", filled)
    assert done.code == code, done.err
    for words in said:
        assert words in done.err, done.err
