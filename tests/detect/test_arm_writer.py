"""Rules out, as resources of Microsoft Sentinel: what was imported comes out the same, and what is made reads back the same."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.detect.rules import rule
from tests.detect.test_reading import ARM_PROPERTIES, resource, template
from vedette.detect.attack import apart
from vedette.detect.export.arm import properties_of, to_bicep, to_resource, to_template
from vedette.detect.export.layout import to_layout
from vedette.detect.reading.files import read_rule_text
from vedette.detect.reading.problems import ProblemSeverity
from vedette.detect.rule import AnalyticsRule, Eagerness, Operator, RuleKind, Suppression, Threshold


def read_back(one: AnalyticsRule) -> AnalyticsRule:
    text = json.dumps(to_template([to_resource(one).resource]))
    [read], problems = read_rule_text(text, "export.json")
    assert [one for one in problems if one.severity is ProblemSeverity.ERROR] == []
    return read.rule


def test_a_portal_export_comes_out_as_it_came() -> None:
    text = template(resource(), resource({**ARM_PROPERTIES, "query": "[[1]", "displayName": "Other"}))
    read, _ = read_rule_text(text, "export.json")
    written = [to_resource(one.rule, one.source.original).resource for one in read]
    assert to_template(written) == json.loads(text)
    on = to_resource(replace(read[0].rule, enabled=True), read[0].source.original).resource
    assert on["properties"] == {**ARM_PROPERTIES, "enabled": True}


def test_a_resource_that_needs_its_template_is_made_anew() -> None:
    text = template(
        resource({**ARM_PROPERTIES, "query": "[parameters('query')]"}),
        parameters={"workspace": {"type": "String"}, "query": {"type": "String", "defaultValue": "T | take 5"}},
    )
    [read], _ = read_rule_text(text, "export.json")
    assert to_resource(read.rule, read.source.original).resource["properties"]["query"] == "T | take 5"


@pytest.mark.parametrize(
    "one",
    [
        rule(1, query="[1]\n| take 1", description="[not an expression]"),
        rule(
            1, trigger=Threshold(Operator.NE, 7), suppression=Suppression(True, timedelta(hours=2)), tactics=("Impact",)
        ),
        rule(1, techniques=("T1059",), sub_techniques=("T1059.001",), custom_details={"A": "B"}),
        rule(1, kind=RuleKind.NRT, query_frequency=None, query_period=None),
    ],
)
def test_what_is_made_reads_back(one: AnalyticsRule) -> None:
    assert read_back(one) == one


@pytest.mark.parametrize(("trigger", "written"), [("ge 3", ("GreaterThan", 2)), ("le 3", ("LessThan", 4))])
def test_operators_that_sentinel_does_not_have(trigger: str, written: tuple[str, int]) -> None:
    operator, value = trigger.split()
    properties, notes = properties_of(rule(1, trigger=Threshold(Operator[operator.upper()], int(value))))
    assert (properties["triggerOperator"], properties["triggerThreshold"]) == written
    assert notes == []


def test_sub_techniques_stand_apart() -> None:
    properties, _ = properties_of(rule(1, techniques=("T1078.004", "T1110"), sub_techniques=("T1110.003",)))
    assert properties["techniques"] == ["T1078", "T1110"]
    assert properties["subTechniques"] == ["T1078.004", "T1110.003"]
    properties, _ = properties_of(rule(1, techniques=("T1078.004, T1110",), sub_techniques=("?",)))
    assert (properties["techniques"], properties["subTechniques"]) == (["T1078.004, T1110"], ["?"])


def test_a_resource_that_waits_for_another_is_written_anew() -> None:
    [read], _ = read_rule_text(template(resource(dependsOn=["[resourceId('Microsoft.X/y', 'z')]"])), "export.json")
    assert "dependsOn" not in to_resource(read.rule, read.source.original).resource


def test_what_sentinel_has_no_field_for_is_told() -> None:
    _, notes = properties_of(rule(1, trigger=Threshold(eagerness=Eagerness.EAGER)))
    assert "eagerness" in notes[0]


def test_what_the_resource_has_no_property_for_is_left_out_and_told() -> None:
    extra = {"author": {"name": "x"}, "startTimeUtc": "2027-01-01T00:00:00Z", "tests": []}
    properties, [note] = properties_of(rule(1, extra=extra))
    assert properties["startTimeUtc"] == "2027-01-01T00:00:00Z"
    assert properties.keys() & {"author", "tests"} == set()
    assert "have no author; left out" in note


def test_rules_without_a_query_have_no_severity_of_their_own() -> None:
    for kind in (RuleKind.MICROSOFT_SECURITY_INCIDENT_CREATION, RuleKind.ML_BEHAVIOR_ANALYTICS):
        properties, _ = properties_of(
            rule(1, kind=kind, query="", query_frequency=None, extra={"productFilter": "Azure Sentinel"})
        )
        assert properties.keys() & {"severity", "query", "queryFrequency", "triggerThreshold"} == set()
        assert properties["productFilter"] == "Azure Sentinel"


ANOMALY: dict[str, Any] = {
    "displayName": "Odd", "description": "D", "enabled": True, "techniques": ["T1071"], "tactics": ["Exfiltration"],
    "requiredDataConnectors": [{"connectorId": "C", "dataTypes": ["T"]}], "settingsStatus": "Flighting",
    "isDefaultSettings": True, "anomalyVersion": "1.0.5", "frequency": "PT24H", "anomalySettingsVersion": 0,
    "settingsDefinitionId": "f209187f-0000-4000-8000-000000000001", "customizableObservations": {"thresholdObservations": None},
}  # fmt: skip


def test_settings_of_anomalies_are_resources_of_their_own_type() -> None:
    kind = "Microsoft.OperationalInsights/workspaces/providers/securityMLAnalyticsSettings"
    [read], _ = read_rule_text(template(resource(ANOMALY, kind="Anomaly", type=kind)), "export.json")
    written, notes = to_resource(read.rule).resource, to_resource(read.rule).notes
    assert (written["type"], written["kind"], written["properties"]) == (kind, "Anomaly", ANOMALY)
    assert "/securityMLAnalyticsSettings/" in written["id"]
    assert notes == ()
    assert read_back(read.rule) == read.rule
    assert "'Microsoft.SecurityInsights/securityMLAnalyticsSettings@" in to_bicep([read.rule])[0]


def test_an_anomaly_rule_with_a_query_is_no_resource_of_sentinel() -> None:
    text = "{name: Odd, kind: Anomaly, query: SigninLogs | summarize count() by UserPrincipalName, relevantTechniques: [T1078]}"
    [read], _ = read_rule_text(text, "rule.yaml")
    [note] = to_resource(read.rule).notes
    assert "it will not take this one" in note
    assert read_back(read.rule) == read.rule


def test_bicep() -> None:
    query = "T\n| where A == 'x${y}'\n| take 1"
    text, notes = to_bicep([rule(1, query=query, name="It's ${odd}\u0007", custom_details={"A-B": "C"})])
    assert notes == []
    assert "resource rule1 'Microsoft.SecurityInsights/alertRules@2023-12-01-preview' = {\n  scope: logs\n" in text
    assert f"    query: '''\n{query}'''\n" in text
    assert r"    displayName: 'It\'s \${odd}\u{7}'" in text
    assert "'A-B': 'C'" in text
    assert "    queryFrequency: 'PT1H'\n" in text


@pytest.mark.req("D-041")
def test_every_core_rule_reads_back(shared: Path) -> None:
    """But for what belongs to the template alone."""
    count = 0
    with gzip.open(shared / "corpus" / "core_rules.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row: Any = json.loads(line)
            raw = row["raw"]
            if "properties" in raw or "detectionAction" in raw:
                continue
            text = json.dumps(raw | {"query": row["query"]})
            read, _ = read_rule_text(text, "rule.json")
            for one in read:
                if one.rule.kind is RuleKind.HUNTING:
                    continue
                count += 1
                left = {"status", "requiredDataConnectors", "tags", "version", "metadata", *one.rule.extra}
                techniques, subs = apart(one.rule.techniques, one.rule.sub_techniques)  # as the resource has them
                made = replace(one.rule, techniques=techniques, sub_techniques=subs)
                before = {name: value for name, value in to_layout(made).items() if name not in left}
                again = {name: value for name, value in to_layout(read_back(one.rule)).items() if name not in left}
                for both in (before, again):  # ARM writes `ge 1` as `gt 0`
                    if both.get("triggerOperator") == "ge":
                        both |= {"triggerOperator": "gt", "triggerThreshold": both["triggerThreshold"] - 1}
                assert again == before
    assert count > 100
