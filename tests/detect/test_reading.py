"""Rule files: every field of the layout, ARM exports, custom detections, and what a wrong file says."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from vedette.detect.export.layout import content_hash, to_layout
from vedette.detect.reading.document import Document
from vedette.detect.reading.files import ReadRule, read_rule_text, read_rules
from vedette.detect.reading.layout import read_layout
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import (
    AnalyticsRule,
    Eagerness,
    EventGrouping,
    FieldMapping,
    MatchingMethod,
    Operator,
    RuleKind,
    Severity,
)

FULL = """\
id: 11111111-2222-4333-8444-555555555555
name: Sign-ins from a rare country
description: |
  'Accounts that sign in from a country that is rare for them.'
severity: High
status: Available
requiredDataConnectors:
  - connectorId: AzureActiveDirectory
    dataTypes:
      - SigninLogs
queryFrequency: 1h
queryPeriod: 14d
triggerOperator: gt
triggerThreshold: 2
tactics:
  - InitialAccess
  - Credential Access
relevantTechniques:
  - T1078
  - t1078.004
tags:
  - Schema: ASIM
  - Rare
query: |
  SigninLogs
  | where Location == "XX"
entityMappings:
  - entityType: account
    fieldMappings:
      - identifier: FullName
        columnName: UserPrincipalName
      - identifier: aaduserid
        columnName: UserId
sentinelEntitiesMappings:
  - columnName: Entities
customDetails:
  Country: Location
alertDetailsOverride:
  alertDisplayNameFormat: "{{UserPrincipalName}} signed in from {{Location}}"
  alertDescriptionFormat: See {{IPAddress}}
  alertSeverityColumnName: Grade
  alertTacticsColumnName: Stage
  alertDynamicProperties:
    - alertProperty: AlertLink
      value: Link
eventGroupingSettings:
  aggregationKind: AlertPerResult
incidentConfiguration:
  createIncident: true
  groupingConfiguration:
    enabled: true
    reopenClosedIncident: true
    lookbackDuration: PT5H
    matchingMethod: Selected
    groupByEntities: [Account]
    groupByAlertDetails: [Severity]
    groupByCustomDetails: [Country]
suppressionEnabled: true
suppressionDuration: 2h
version: 1.10
kind: Scheduled
metadata:
  source:
    kind: Community
ourOwnField: kept
"""


def read(text: str, name: str = "rule.yaml") -> tuple[list[ReadRule], list[RuleProblem]]:
    return read_rule_text(text, name)


def only(text: str, name: str = "rule.yaml") -> AnalyticsRule:
    rules, problems = read(text, name)
    assert [str(problem) for problem in problems] == []
    assert len(rules) == 1
    return rules[0].rule


def test_every_field_of_the_layout() -> None:
    rule = only(FULL)
    assert (rule.id, rule.name, rule.kind) == (
        "11111111-2222-4333-8444-555555555555",
        "Sign-ins from a rare country",
        RuleKind.SCHEDULED,
    )
    assert rule.description == "Accounts that sign in from a country that is rare for them."
    assert (rule.severity, rule.status, rule.enabled) == (Severity.HIGH, "Available", True)
    assert [(c.connector_id, c.data_types) for c in rule.required_data_connectors] == [
        ("AzureActiveDirectory", ("SigninLogs",))
    ]
    assert (rule.query_frequency, rule.query_period) == (timedelta(hours=1), timedelta(days=14))
    assert (rule.trigger.operator, rule.trigger.value, rule.trigger.eagerness) == (Operator.GT, 2, Eagerness.EXHAUSTIVE)
    assert rule.tactics == ("InitialAccess", "CredentialAccess")
    assert rule.techniques == ("T1078", "T1078.004")
    assert rule.tags == ({"Schema": "ASIM"}, "Rare")
    assert rule.query == 'SigninLogs\n| where Location == "XX"\n'
    assert [mapping.entity_type for mapping in rule.entity_mappings] == ["Account"]
    assert rule.entity_mappings[0].fields == (
        FieldMapping("FullName", "UserPrincipalName"),
        FieldMapping("AadUserId", "UserId"),
    )
    assert rule.sentinel_entities_columns == ("Entities",)
    assert rule.custom_details == {"Country": "Location"}
    override = rule.alert_details_override
    assert override.display_name_format == "{{UserPrincipalName}} signed in from {{Location}}"
    assert (override.description_format, override.severity_column, override.tactics_column) == (
        "See {{IPAddress}}",
        "Grade",
        "Stage",
    )
    assert [(p.alert_property, p.column) for p in override.dynamic_properties] == [("AlertLink", "Link")]
    assert rule.event_grouping is EventGrouping.ALERT_PER_RESULT
    grouping = rule.incident.grouping
    assert rule.incident.create_incident
    assert (grouping.enabled, grouping.reopen_closed_incident, grouping.lookback) == (True, True, timedelta(hours=5))
    assert grouping.matching_method is MatchingMethod.SELECTED
    assert grouping.group_by_entities == ("Account",)
    assert grouping.group_by_alert_details == ("Severity",)
    assert grouping.group_by_custom_details == ("Country",)
    assert (rule.suppression.enabled, rule.suppression.duration) == (True, timedelta(hours=2))
    assert rule.version == "1.10"
    assert rule.metadata == {"source": {"kind": "Community"}}
    assert rule.extra == {"ourOwnField": "kept"}


def test_a_rule_survives_its_own_layout() -> None:
    rule = only(FULL)
    problems: list[RuleProblem] = []
    assert read_layout(Document(to_layout(rule), "x", lambda _: 1), problems) == rule
    assert problems == []


ARM_PROPERTIES: dict[str, Any] = {
    "displayName": "From the portal",
    "description": "",
    "severity": "Low",
    "enabled": False,
    "query": "SigninLogs | take 1",
    "queryFrequency": "PT5M",
    "queryPeriod": "P1D",
    "triggerOperator": "GreaterThan",
    "triggerThreshold": 0,
    "suppressionDuration": "PT5H",
    "suppressionEnabled": False,
    "tactics": ["Impact"],
    "techniques": ["T1566"],
    "customDetails": None,
    "entityMappings": None,
    "alertDetailsOverride": None,
    "incidentConfiguration": {
        "createIncident": True,
        "groupingConfiguration": {"enabled": False, "lookbackDuration": "PT5H"},
    },
    "alertRuleTemplateName": "aaaaaaaa-0000-4000-8000-000000000000",
    "templateVersion": "1.0.2",
}


def template(*resources: Any, **more: Any) -> str:
    document = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"workspace": {"type": "String"}},
        "resources": list(resources),
    }
    return json.dumps(document | more, indent=2)


def resource(properties: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "[concat(resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), 'Microsoft.SecurityInsights'),'/alertRules/1c7f2e4a-0000-4000-8000-000000000001')]",
        "name": "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/1c7f2e4a-0000-4000-8000-000000000001')]",
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
        "kind": "Scheduled",
        "apiVersion": "2023-12-01-preview",
        "properties": ARM_PROPERTIES if properties is None else properties,
    } | more


def test_a_portal_export() -> None:
    rule = only(template(resource()), "export.json")
    assert (rule.id, rule.name) == ("1c7f2e4a-0000-4000-8000-000000000001", "From the portal")
    assert (rule.enabled, rule.severity, rule.techniques) == (False, Severity.LOW, ("T1566",))
    assert rule.query_frequency == timedelta(minutes=5)
    assert (rule.template_name, rule.template_version) == ("aaaaaaaa-0000-4000-8000-000000000000", "1.0.2")


@pytest.mark.parametrize(
    "query, meaning",
    [
        ("[[1] | take 1", "[1] | take 1"),
        ("[concat('Sign', 'inLogs', ' | where Name == ''x''')]", "SigninLogs | where Name == 'x'"),
        ("[parameters('query')]", "T | take 5"),
        ("[format('{0} | take {1}', variables('table'), 3)]", "Fallback | take 3"),
        ("[variables('names').first[0]]", "Inner"),
        ("[toLower(replace('A-B','-','_'))]", "a_b"),
        ("[if(equals(1, 1), 'yes', 'no')]", "yes"),
        ("not [an expression]", "not [an expression]"),
        ("[if(empty(variables('none')), 'nothing', variables('none')[0])]", "nothing"),
        ("[string(createArray(1, 'b', true()))]", '[1,"b",true]'),
        (
            "[concat(string(json('[1, 2]')), string(json('{\"a\": [true]}').a[0]), string(bool('False')))]",
            "[1,2]TrueFalse",
        ),
        ("[join(union(createArray('a', 'b'), createArray('b', 'c')), ' and ')]", "a and b and c"),
        ("[base64ToString(base64('T | take 1'))]", "T | take 1"),
        ("[concat('T | take ', string(add(mul(2, 3), mod(div(-7, 2), 4))))]", "T | take 3"),
        ("[if(and(contains('SigninLogs', 'Logs'), startsWith('Sign', 'SI')), 'yes', 'no')]", "yes"),
        ("[if(or(equals(1, true()), greater(2, 3), contains(createArray(1), '1')), 'yes', 'no')]", "no"),
        (
            "[concat(padLeft(7, 3, '0'), substring('abcdef', 2, 3), last(split('a/b;c', createArray('/', ';'))))]",
            "007cdec",
        ),
        ("[if(not(equals('a', 'A')), string(length(createObject('a', 1))), toUpper('x'))]", "1"),
        ("[or(equals(1, 1), parameters('workspace'))]", "True"),
        ("[last(split(resourceId('Microsoft.X/y', 'name'), '/'))]", "name"),
    ],
)
def test_template_expressions(query: str, meaning: str) -> None:
    text = template(
        resource(ARM_PROPERTIES | {"query": query}),
        parameters={"workspace": {"type": "string"}, "query": {"type": "string", "defaultValue": "T | take 5"}},
        variables={"table": "[coalesce(null(), 'Fallback')]", "names": {"first": ["Inner"]}, "none": []},
    )
    assert only(text, "export.json").query == meaning


@pytest.mark.parametrize(
    "query, words",
    [
        ("[parameters('workspace')]", "'query' is only known when the template is deployed"),
        ("[parameters('nothing')]", "no parameter 'nothing'"),
        ("[variables('loop')]", "is defined by itself"),
        ("[frobnicate('x')]", "frobnicate() is not supported"),
        ("[concat('a'", None),
        ("[concat('a']", "lacks"),
        ("[substring()]", "do not fit"),
        (
            "[if(equals(parameters('workspace'), 'prod'), 'T', 'U')]",
            "'query' is only known when the template is deployed",
        ),
        ("[if(empty(parameters('workspace')), 'T', 'U')]", "'query' is only known when the template is deployed"),
        ("[if(not(startsWith(parameters('workspace'), 'dev')), 'T', 'U')]", "'query' is only known when"),
        ("[substring(concat('T | take 5 //', parameters('workspace')), 0, 10)]", "'query' is only known when"),
        ("[split(concat(parameters('workspace'), '/T'), '/')[1]]", "'query' is only known when"),
        ("[if('yes', 'T', 'U')]", "'yes' is not true or false"),
        ("[json('{')]", "is not JSON"),
        ("[variables('looped')[0]]", "the variable 'looped' is made by a copy loop, which is not supported"),
        ("[contoso.table('x')]", "contoso.table(), a function of the template's own, is not supported"),
        ("[div(1, 0)]", "do not fit"),
    ],
)
def test_template_expressions_that_say_nothing(query: str, words: str | None) -> None:
    text = template(
        resource(ARM_PROPERTIES | {"query": query}),
        variables={"loop": "[variables('loop')]", "copy": [{"name": "looped", "count": 1, "input": "T"}]},
    )
    rules, problems = read(text, "export.json")
    if words is None:
        assert rules[0].rule.query == query  # it does not end with a bracket, so it is a plain text
        return
    assert rules == []
    assert words in problems[0].message
    assert problems[0].line is not None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"customDetails": {"App": "[parameters('workspace')]"}}, "customDetails.App"),
        ({"tactics": ["Impact", "[parameters('workspace')]"]}, "tactics"),
        (
            {
                "incidentConfiguration": {
                    "groupingConfiguration": {"lookbackDuration": "[concat('P', parameters('workspace'))]"}
                }
            },
            "incidentConfiguration.groupingConfiguration.lookbackDuration",
        ),
    ],
)
def test_what_a_template_leaves_open_is_named_wherever_it_stands(change: dict[str, Any], named: str) -> None:
    text = template(resource(ARM_PROPERTIES | change))
    rules, [problem] = read(text, "export.json")
    assert rules == []
    assert problem.message.startswith(f"'{named}' is only known when the template is deployed")
    assert "[" in text.split("\n")[(problem.line or 0) - 1]


@pytest.mark.parametrize(
    ("condition", "severity", "words"),
    [
        (True, None, ""),
        ("[equals(parameters('stage'), 'prod')]", None, ""),
        (False, ProblemSeverity.WARNING, "its 'condition' is false"),
        ("[not(equals(parameters('stage'), 'prod'))]", ProblemSeverity.WARNING, "its 'condition' is false"),
        ("[equals(parameters('workspace'), 'prod')]", ProblemSeverity.ERROR, "has no default value"),
        ("[parameters('stage')]", ProblemSeverity.ERROR, "'prod' is not true or false"),
    ],
)
def test_a_resource_that_the_template_does_not_deploy(
    condition: str | bool, severity: ProblemSeverity | None, words: str
) -> None:
    parameters = {"workspace": {"type": "string"}, "stage": {"type": "string", "defaultValue": "prod"}}
    nested = {
        "type": "Microsoft.Resources/deployments",
        "name": "y",
        "condition": condition,
        "properties": {"template": {"resources": [resource()]}},
    }
    for one in (resource(condition=condition), nested):
        rules, problems = read(template(one, parameters=parameters), "export.json")
        assert len(rules) == (severity is None)
        assert [problem.severity for problem in problems] == ([] if severity is None else [severity])
        assert all(words in problem.message for problem in problems)


@pytest.mark.parametrize("where", ["resource", "properties"])
def test_copy_loops_are_refused_by_name(where: str) -> None:
    loop = {"copy": [{"name": "tactics", "count": 2, "input": "Impact"}]}
    one = resource(**loop) if where == "resource" else resource(ARM_PROPERTIES | loop)
    text = template(one)
    rules, [problem] = read(text, "export.json")
    assert (rules, problem.message) == ([], "copy loops of ARM templates are not supported.")
    assert '"copy"' in text.split("\n")[(problem.line or 0) - 1]


def test_objects_and_lists_of_the_rest_api(shared: Path) -> None:
    rules, problems = read_rules([shared / "contracts" / "arm_alert_rule_scheduled.json"])
    assert problems == []
    rule = rules[0].rule
    assert (rule.id, rule.name) == (
        "fab3d2d4-747f-46a7-8ef0-9c0be8112bf7",
        "Phish click followed by unfamiliar sign-in",
    )
    assert rule.query_period == timedelta(hours=5)
    assert rule.incident.grouping.group_by_entities == ("Account",)
    listed = json.dumps({"value": [rules[0].source.original]})
    assert [read.rule for read in read_rule_text(listed, "list.json")[0]] == [rule]


def test_a_solution_package_and_a_nested_deployment() -> None:
    inner = resource(name="[variables('object')._id]", type="Microsoft.SecurityInsights/AlertRuleTemplates")
    package = {
        "type": "Microsoft.OperationalInsights/workspaces/providers/contentTemplates",
        "name": "x",
        "properties": {"mainTemplate": {"resources": [inner]}},
    }
    nested = {
        "type": "Microsoft.Resources/deployments",
        "name": "y",
        "properties": {
            "expressionEvaluationOptions": {"scope": "inner"},
            "parameters": {"title": {"value": "[concat('Given', ' title')]"}},
            "template": {
                "parameters": {"title": {"type": "string"}, "workspace": {"type": "string"}},
                "resources": [resource(ARM_PROPERTIES | {"displayName": "[parameters('title')]"})],
            },
        },
    }
    text = template(package, nested, variables={"object": {"_id": "from-a-variable"}})
    rules, problems = read(text, "mainTemplate.json")
    assert problems == []
    assert [(read.rule.id, read.rule.name) for read in rules] == [
        ("from-a-variable", "From the portal"),
        ("1c7f2e4a-0000-4000-8000-000000000001", "Given title"),
    ]


def hunt(category: str = "Hunting Queries", **more: Any) -> dict[str, Any]:
    """A hunting query as solutions deploy it: a saved search, described by its tags."""
    tags = [("description", "Who looks."), ("tactics", "Discovery,Impact"), ("techniques", "T1087, T1490"), ("x", None)]
    return {
        "type": "Microsoft.OperationalInsights/savedSearches",
        "name": "Solution_Hunting_Query_1",
        "properties": {
            "displayName": "Looking around",
            "category": category,
            "query": "SigninLogs | take 1",
            "version": 2,
            "tags": [{"name": name, "value": value} for name, value in tags],
        },
    } | more


@pytest.mark.parametrize(
    "place",
    [
        lambda one: [one],
        lambda one: [
            one
            | {"type": "Microsoft.OperationalInsights/workspaces/savedSearches", "name": "w/Solution_Hunting_Query_1"}
        ],
        lambda one: [
            {"type": "Microsoft.OperationalInsights/workspaces", "resources": [one | {"type": "savedSearches"}]}
        ],
        lambda one: [
            {"type": "Microsoft.Resources/templateSpecs/versions", "properties": {"mainTemplate": {"resources": [one]}}}
        ],
    ],
)
def test_hunting_queries_of_a_solution(place: Any) -> None:
    rule = only(template(*place(hunt())), "mainTemplate.json")
    assert (rule.id, rule.name, rule.kind) == ("Solution_Hunting_Query_1", "Looking around", RuleKind.HUNTING)
    assert (rule.description, rule.query) == ("Who looks.", "SigninLogs | take 1")
    assert (rule.tactics, rule.techniques) == (("Discovery", "Impact"), ("T1087", "T1490"))
    assert [one.rule.name for one in read(template(*place(hunt("Functions")), resource()), "mainTemplate.json")[0]] == [
        "From the portal"
    ]


@pytest.mark.parametrize("name", ["mainTemplate", "packagedContent"])
@pytest.mark.parametrize("listed", [True, False])
def test_what_the_content_hub_gives(name: str, listed: bool) -> None:
    """Content templates and packages of the REST API: objects that hold a template, which has its own variables."""
    inner = json.loads(
        template(resource(ARM_PROPERTIES | {"displayName": "[variables('title')]"}), variables={"title": "Of the hub"})
    )
    given = {
        "id": "x",
        "type": "Microsoft.SecurityInsights/contentPackages",
        "properties": {"version": "1.0.0", name: inner},
    }
    text = json.dumps({"value": [given]} if listed else given)
    assert only(text, "answer.json").name == "Of the hub"


def defender(**more: Any) -> str:
    """A custom detection of the form of 2024, with these parts of its action and alert template."""
    template = {"title": "T", "severity": "low"} | more.pop("template", {})
    return json.dumps(
        {
            "displayName": "Rule", "isEnabled": True, "queryCondition": {"queryText": "DeviceProcessEvents | take 1"},
            "schedule": more.pop("schedule", {"period": "24H"}), "detectionAction": {"alertTemplate": template, **more},
        }
    )  # fmt: skip


# What Graph lists: deviceAssetIdentifier, userAssetIdentifier and mailboxAssetIdentifier, and what each is of the entity.
ASSETS = {
    ("Device", "Host"): "deviceId=MdatpDeviceId deviceName=FullName remoteDeviceName=FullName targetDeviceName=FullName"
    " destinationDeviceName=FullName",
    (
        "User",
        "Account",
    ): "accountObjectId=AadUserId accountSid=Sid accountUpn=FullName accountName=Name accountDomain=NTDomain"
    " accountId=CloudAppAccountId requestAccountSid=Sid requestAccountName=Name requestAccountDomain=NTDomain"
    " recipientObjectId=AadUserId processAccountObjectId=AadUserId initiatingAccountSid=Sid"
    " initiatingProcessAccountUpn=FullName initiatingAccountName=Name initiatingAccountDomain=NTDomain"
    " servicePrincipalId=AadUserId servicePrincipalName=Name targetAccountUpn=FullName",
    (
        "Mailbox",
        "Mailbox",
    ): "accountUpn=Upn fileOwnerUpn=Upn initiatingProcessAccountUpn=Upn lastModifyingAccountUpn=Upn"
    " targetAccountUpn=Upn senderFromAddress=MailboxPrimaryAddress senderDisplayName=DisplayName"
    " recipientEmailAddress=MailboxPrimaryAddress senderMailFromAddress=MailboxPrimaryAddress",
}


@pytest.mark.req("P-088")
@pytest.mark.parametrize("kinds", ASSETS, ids=lambda kinds: kinds[0])
def test_every_impacted_asset_of_defender(kinds: tuple[str, str]) -> None:
    for pair in ASSETS[kinds].split():
        name, identifier = pair.split("=")
        asset = {"@odata.type": f"#microsoft.graph.security.impacted{kinds[0]}Asset", "identifier": name}
        [read], problems = read_rule_text(defender(template={"impactedAssets": [asset]}), "d.json")
        [mapped] = read.rule.entity_mappings
        column = name[0].upper() + name[1:]
        assert (mapped.entity_type, [(f.identifier, f.column) for f in mapped.fields]) == (
            kinds[1], [(identifier, column)],
        )  # fmt: skip
        assert problems == []


def test_a_custom_detection_describes_its_alert_by_columns() -> None:
    override = only(defender(template={"description": "{{DeviceName}} ran it"}), "d.json").alert_details_override
    assert (override.display_name_format, override.description_format) == ("T", "{{DeviceName}} ran it")
    assert (
        only(defender(template={"description": "It ran"}), "d.json").alert_details_override.description_format is None
    )


def test_what_defender_does_beside_the_alert_is_said() -> None:
    user = "#microsoft.graph.security.impactedUserAsset"
    names = ("accountName", "accountDomain", "nobody")
    text = defender(
        template={"impactedAssets": [{"@odata.type": user, "identifier": name} for name in names]},
        responseActions=[{"@odata.type": "#microsoft.graph.security.isolateDeviceResponseAction"}],
        organizationalScope={"scopeType": "deviceGroup", "scopeNames": ["Servers"]},
        schedule={"period": "0"},
    )
    [read], problems = read_rule_text(text, "d.json")
    assert (read.rule.kind, read.rule.event_grouping) == (RuleKind.NRT, EventGrouping.ALERT_PER_RESULT)
    [account] = read.rule.entity_mappings  # a name and its domain are one account
    assert {f.identifier: f.column for f in account.fields} == {"Name": "AccountName", "NTDomain": "AccountDomain"}
    assert {one.severity for one in problems} == {ProblemSeverity.WARNING}
    said = " ".join(one.message for one in problems)
    assert all(words in said for words in ("isolateDevice", "(Servers)", "'nobody'"))


def test_a_custom_detection_of_defender() -> None:
    [read], problems = read_rule_text(
        yaml.safe_dump(
            {
                "displayName": "Dumping",
                "isEnabled": True,
                "queryCondition": {"queryText": "DeviceProcessEvents | take 1"},
                "schedule": {"period": "1H"},
                "detectionAction": {
                    "alertTemplate": {
                        "title": "Dumping on {{DeviceName}}",
                        "severity": "high",
                        "category": "CredentialAccess",
                        "mitreTechniques": ["T1003.001"],
                        "impactedAssets": [
                            {"@odata.type": "#microsoft.graph.security.impactedDeviceAsset", "identifier": "deviceId"},
                            {"@odata.type": "#microsoft.graph.security.impactedUserAsset", "identifier": "accountUpn"},
                        ],
                    },
                    "responseActions": [{"isolationType": "full"}],
                },
            }
        ),
        "rule.yaml",
    )
    rule = read.rule
    assert [one.severity for one in problems] == [ProblemSeverity.WARNING]  # of the response action
    assert (rule.severity, rule.kind, rule.query_frequency, rule.query_period) == (
        Severity.HIGH,
        RuleKind.SCHEDULED,
        timedelta(hours=1),
        timedelta(hours=4),
    )
    assert [(m.entity_type, m.fields[0].identifier, m.fields[0].column) for m in rule.entity_mappings] == [
        ("Host", "MdatpDeviceId", "DeviceId"),
        ("Account", "FullName", "AccountUpn"),
    ]
    assert rule.tactics == ("CredentialAccess",)
    assert rule.extra["defender"]["detectionAction"]["responseActions"] == [{"isolationType": "full"}]


NEWER: dict[str, Any] = {
    "@odata.type": "#microsoft.graph.security.detectionRule",
    "id": "encoded-powershell",
    "displayName": "Encoded PowerShell",
    "description": "What the rule is for.",
    "status": "enabled",
    "queryCondition": {"queryText": "DeviceProcessEvents | where ProcessCommandLine has '-enc'"},
    "schedule": {"frequency": "PT3H"},
    "detectionAction": {
        "alertTemplate": {
            "title": "Encoded PowerShell",
            "description": "What the alert says.",
            "severity": "high",
            "recommendedActions": "Look at the parent.",
            "tactics": [
                {"tactic": "Execution", "techniques": [{"technique": "T1059", "subTechniques": ["T1059.001"]}]},
                {"tactic": "DefenseEvasion", "techniques": [{"technique": "T1027"}]},
            ],
            "entityMappings": {
                "accounts": [
                    {"nameColumn": "AccountName", "ntDomainColumn": "AccountDomain", "sidColumn": "AccountSid"}
                ],
                "hosts": [{"deviceIdColumn": "DeviceId", "nameColumn": "DeviceName"}],
                "files": [{"nameColumn": "FileName", "sha1Column": "SHA1", "oddColumn": "X"}],
                "ips": [],
            },
            "customDetails": {
                "@odata.type": "#microsoft.graph.security.alertCustomDetails",
                "Line": "ProcessCommandLine",
            },
            "eventGroupingKind": "singleAlert",
        },
        "automatedActions": {"isolateDevice": {}},
    },
}


@pytest.mark.req("P-088")
def test_a_custom_detection_of_defender_in_its_newer_form() -> None:
    read, problems = read_rule_text(json.dumps({"@odata.context": "x", "value": [NEWER]}), "detections.json")
    (one,) = read
    rule = one.rule
    assert (rule.id, rule.name, rule.description, rule.severity) == (
        "encoded-powershell", "Encoded PowerShell", "What the alert says.", Severity.HIGH,
    )  # fmt: skip
    assert (rule.kind, rule.query_frequency, rule.query_period) == (
        RuleKind.SCHEDULED,
        timedelta(hours=3),
        timedelta(hours=12),
    )
    assert (rule.tactics, rule.techniques, rule.sub_techniques) == (
        ("Execution", "DefenseEvasion"), ("T1059", "T1027"), ("T1059.001",),
    )  # fmt: skip
    assert [(m.entity_type, [(f.identifier, f.column) for f in m.fields]) for m in rule.entity_mappings] == [
        ("Account", [("Name", "AccountName"), ("NTDomain", "AccountDomain"), ("Sid", "AccountSid")]),
        ("Host", [("MdatpDeviceId", "DeviceId"), ("HostName", "DeviceName")]),
        ("File", [("Name", "FileName")]),
        ("FileHash", [("Value", "SHA1")]),
    ]
    assert rule.custom_details == {"Line": "ProcessCommandLine"}
    assert rule.event_grouping is EventGrouping.SINGLE_ALERT
    assert rule.extra["defender"]["detectionAction"]["automatedActions"] == {"isolateDevice": {}}
    assert [(problem.severity, problem.message) for problem in problems] == [
        (ProblemSeverity.WARNING, "its response actions are kept and not carried out here: isolateDevice."),
        (ProblemSeverity.WARNING, "'oddColumn' of 'files' is not an entity's identifier that is known here."),
    ]


def detection_file(**more: Any) -> dict[str, Any]:
    """A file of a solution's `XDR Detections`: the newer form in an envelope."""
    return {
        "schemaVersion": "1.0.0",
        "kind": "CustomDetection",
        "resourceType": "Microsoft.Security/detectionRules",
        "apiVersion": "2026-06-01-preview",
        "contentProvenance": {"source": {"kind": "AnalyticsRule", "schedule": {"queryPeriod": "14d"}}},
        "properties": NEWER | {"status": "disabled"} | more,
    }


def test_tactics_of_a_custom_detection_may_be_names() -> None:
    rule = only(defender(template={"tactics": ["Execution", {"tactic": "Impact", "techniques": ["T1486"]}]}), "d.json")
    assert (rule.tactics, rule.techniques) == (("Execution", "Impact"), ("T1486",))


@pytest.mark.req("P-088")
def test_a_custom_detection_in_an_envelope() -> None:
    text = yaml.safe_dump(detection_file(), sort_keys=False)
    [read], problems = read_rule_text(text, "rule.yaml")
    assert (read.rule.id, read.rule.enabled, read.rule.query_period) == (
        "encoded-powershell",
        False,
        timedelta(hours=12),
    )
    assert read.source.format == "defender"
    assert len(problems) == 2  # as of the same rule without an envelope
    lines = text.splitlines()
    for field, said in (("query", "queryText"), ("tactics", "tactics:"), ("entityMappings", "entityMappings:")):
        assert said in lines[(read.source.line_of((field,)) or 0) - 1]
    [wrong] = read_rule_text(yaml.safe_dump(detection_file(schedule={"frequency": "soon"})), "rule.yaml")[1]
    assert (wrong.message, wrong.line) == ("'soon' is not a length of time.", 49)


@pytest.mark.req("P-088")
@pytest.mark.parametrize("deployed", [True, False])
def test_a_custom_detection_in_a_solution_package(deployed: bool) -> None:
    """As Bicep compiles it: the version behind the type, resources by name, in a nested deployment that is left out unless asked for."""
    properties = NEWER | {"id": "[if(true(), 'xdr-one', 'xdr-two')]", "displayName": "[[a] title"}
    detection = {
        "import": "MicrosoftSecurity",
        "type": "Microsoft.Security/detectionRules@2026-06-01-preview",
        "properties": properties,
    }
    nested = {"languageVersion": "2.0", "resources": {"detectionRule": detection}}
    text = template(
        {
            "type": "Microsoft.Resources/deployments",
            "condition": "[parameters('DeployCustomDetection')]",
            "properties": {"mode": "Incremental", "template": nested},
        },
        parameters={"DeployCustomDetection": {"type": "bool", "defaultValue": deployed}},
    )
    read, problems = read_rule_text(text, "mainTemplate.json")
    assert [(one.rule.id, one.rule.name) for one in read] == [("xdr-one", "[a] title")] * deployed
    assert any("its 'condition' is false" in one.message for one in problems) is not deployed


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ({"frequency": "PT0S"}, (RuleKind.NRT, None, None)),
        ({"period": "0"}, (RuleKind.NRT, None, None)),
        ({"frequency": "PT15M"}, (RuleKind.SCHEDULED, timedelta(minutes=15), timedelta(hours=4))),
        ({"frequency": "P1D"}, (RuleKind.SCHEDULED, timedelta(days=1), timedelta(days=30))),
        ({"frequency": "PT1H", "lookback": "P2D"}, (RuleKind.SCHEDULED, timedelta(hours=1), timedelta(days=2))),
        ({"period": "12H"}, (RuleKind.SCHEDULED, timedelta(hours=12), timedelta(days=2))),
        ({"frequency": "soon"}, None),
        ({"period": "7H"}, None),
        ({"frequency": "PT1H", "lookback": "x"}, None),
    ],
)
def test_schedules_of_custom_detections(schedule: dict[str, str], expected: tuple[Any, ...] | None) -> None:
    read, problems = read_rule_text(json.dumps({**NEWER, "status": "disabled", "schedule": schedule}), "rule.json")
    found = [(one.rule.kind, one.rule.query_frequency, one.rule.query_period) for one in read]
    assert found == ([] if expected is None else [expected])
    assert [one.rule.enabled for one in read] == [False] * len(found)
    assert any(problem.severity is ProblemSeverity.ERROR for problem in problems) is (expected is None)


MINIMAL = {
    "name": "R",
    "severity": "Low",
    "queryFrequency": "1h",
    "queryPeriod": "1h",
    "triggerOperator": "gt",
    "triggerThreshold": 0,
    "query": "T",
}


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"serverity": "High", "severity": None},
            "rule.yaml:{serverity}: 'serverity' is not a field of an analytics rule. Did you mean 'severity'?",
        ),
        (
            {"qeury": "T", "query": None},
            "rule.yaml:{qeury}: 'qeury' is not a field of an analytics rule. Did you mean 'query'?",
        ),
        (
            {"entityMapings": []},
            "rule.yaml:{entityMapings}: 'entityMapings' is not a field of an analytics rule. Did you mean 'entityMappings'?",
        ),
        ({"query": None}, "rule.yaml:1: the rule 'R' has no 'query'."),
        ({"query": "  "}, "rule.yaml:{query}: 'query' is empty."),
        ({"name": None}, "rule.yaml:1: the rule has no 'name'."),
        ({"name": " "}, "rule.yaml:1: the rule has no 'name'."),
        ({"entityMappings": [{"entityType": "", "fieldMappings": []}]}, "'entityMappings' has no 'entityType'."),
        (
            {"entityMappings": [{"entityType": "IP", "fieldMappings": [{"identifier": "Address", "columnName": ""}]}]},
            "'fieldMappings' has no 'columnName'.",
        ),
        ({"severity": "Hight"}, "rule.yaml:{severity}: 'Hight' is not a value of 'severity'. Did you mean 'High'?"),
        (
            {"triggerThreshold": "many"},
            "rule.yaml:{triggerThreshold}: 'triggerThreshold' is a whole number, not 'many'.",
        ),
        ({"triggerThreshold": -1}, "rule.yaml:{triggerThreshold}: 'triggerThreshold' is 0 or more, not -1."),
        ({"triggerOperator": "greater"}, "Did you mean 'GreaterThan'?"),
        ({"triggerOperator": ">"}, "Known are gt, ge, lt,"),
        ({"queryFrequency": "1 hour"}, "'queryFrequency' is a length of time, not '1 hour'. Write it as 1h."),
        ({"queryFrequency": "1d", "queryPeriod": "1h"}, "the rule looks back 1h every 1d: what happens"),
        (
            {"queryPeriod": "1y"},
            "rule.yaml:{queryPeriod}: 'queryPeriod' is a length of time, not '1y'. Write it as 5m, 1h, 14d or PT5H.",
        ),
        ({"queryPeriod": "5m"}, "what happens between two runs would never be read"),
        ({"queryFrequency": "10s"}, "a rule runs every minute at most"),
        ({"kind": "Schedulde"}, "'Schedulde' is not a kind of rule. Did you mean 'Scheduled'?"),
        ({"query": ["T"]}, "rule.yaml:{query}: 'query' is a text, not a list."),
        ({"enabled": "perhaps"}, "'enabled' is true or false, not 'perhaps'."),
        ({"tactics": [{"a": 1}]}, "'tactics' is a list of texts, and has a mapping in it."),
        ({"entityMappings": {"a": 1}}, "'entityMappings' is a list, not a mapping."),
        ({"entityMappings": ["x"]}, "'entityMappings' is a list of mappings, and has a text in it."),
        (
            {"entityMappings": [{"entityType": "Acount", "fieldMappings": []}]},
            "'Acount' is not an entity type. Did you mean 'Account'?",
        ),
        (
            {"entityMappings": [{"entityType": "IP", "fieldMappings": [{"identifier": "Adress", "columnName": "x"}]}]},
            "'Adress' is not an identifier of IP. Did you mean 'Address'?",
        ),
        (
            {"entityMappings": [{"entityType": "IP", "fieldMappings": [{"identifier": "Address", "column": "x"}]}]},
            "has no 'columnName'",
        ),
        ({"entityMappings": [{"entityType": "IP"}]}, "'entityMappings' has no 'fieldMappings'."),
        ({"customDetails": ["x"]}, "'customDetails' is a mapping of names to columns, not a list."),
        ({"customDetails": {"x": 1}}, "'customDetails.x' names a column and is a text, not '1'."),
        ({"eventGroupingSettings": {"aggregationKind": "PerRow"}}, "'PerRow' is not a value of 'aggregationKind'."),
        ({"alertDetailsOverride": {"alertDisplayNameFromat": "x"}}, "Did you mean 'alertDisplayNameFormat'?"),
        (
            {"incidentConfiguration": {"groupingConfiguration": {"enabled": True, "matchingMethod": "Selected"}}},
            "the method Selected needs entities",
        ),
        (
            {"incidentConfiguration": {"groupingConfiguration": {"groupByCustomDetails": ["Nope"]}}},
            "the rule has no custom detail 'Nope'.",
        ),
    ],
)
def test_a_wrong_field_is_one_sentence_with_its_line(change: dict[str, Any], message: str) -> None:
    layout = {name: value for name, value in (MINIMAL | change).items() if value is not None}
    text = yaml.safe_dump(layout, sort_keys=False)
    lines = {line.partition(":")[0]: str(number) for number, line in enumerate(text.split("\n"), 1)}
    for name, number in lines.items():
        message = message.replace("{" + name + "}", number)
    rules, found = read(text)
    problems = [problem for problem in found if problem.severity is ProblemSeverity.ERROR]
    assert rules == []
    assert len(problems) == 1, [str(problem) for problem in problems]
    assert message in str(problems[0])
    assert problems[0].severity is ProblemSeverity.ERROR
    assert problems[0].line is not None


CUSTOM_DETECTION = """\
displayName: D
queryCondition:
  queryText: DeviceProcessEvents
schedule:
  period: 1H
detectionAction:
  alertTemplate:
    title: T
    severity: high
    category: LateralMovement
    impactedAssets:
      - '@odata.type': '#microsoft.graph.security.impactedDeviceAsset'
        identifier: deviceId
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("severity: high", "severity: hihg", "'hihg' is not a value of 'severity'. Did you mean 'High'?"),
        (
            "category: LateralMovement",
            "category: Lateral",
            "is not a tactic, and alerts of the rule have none. Did you",
        ),
        ("category: LateralMovement", "category: Malware", None),
        ("queryText: DeviceProcessEvents", "queryText: ''", "'query' is empty."),
    ],
)
def test_what_is_wrong_with_a_custom_detection_has_its_line(old: str, new: str, said: str | None) -> None:
    text = CUSTOM_DETECTION.replace(old, new)
    _, problems = read(text)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if new in one)
    assert [(problem.line, said in str(problem)) for problem in problems if said] == ([(line, True)] if said else [])
    assert bool(problems) is (said is not None)


def test_a_template_without_rules_says_what_it_has() -> None:
    _, (problem,) = read(
        template(resource(ARM_PROPERTIES) | {"type": "Microsoft.SecurityInsights/alertRule"}), "t.json"
    )
    assert problem.hint is not None
    assert "Microsoft.SecurityInsights/alertRule; rules are of Microsoft.SecurityInsights/alertRules" in problem.hint


def test_the_line_in_an_arm_template() -> None:
    text = template(resource(ARM_PROPERTIES | {"severity": "Enormous"}))
    _, problems = read(text, "export.json")
    assert len(problems) == 1
    assert text.split("\n")[problems[0].line - 1].strip().startswith('"severity": "Enormous"')  # type: ignore[operator]


def test_a_schedule_that_is_left_out_is_said() -> None:
    rules, problems = read("kind: Scheduled\nname: R\nquery: T\n")
    assert rules[0].rule.query_frequency == rules[0].rule.query_period == timedelta(hours=5)
    assert [problem.severity for problem in problems] == [ProblemSeverity.WARNING]
    assert "runs every 5h over the last 5h" in problems[0].message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"queryPeriod": "15d"}, ["'queryPeriod' is 15d; Microsoft Sentinel takes 5m to 14d."]),
        ({"queryFrequency": "1m"}, ["'queryFrequency' is 1m; Microsoft Sentinel takes 5m to 14d."]),
        ({"queryFrequency": "30m", "queryPeriod": "2d"}, ["takes 1h or more where 'queryPeriod' is 2d or more."]),
        ({"queryFrequency": "1h", "queryPeriod": "2d"}, []),
        ({"triggerThreshold": 10_001}, ["'triggerThreshold' is 10,001; Microsoft Sentinel takes 0 to 10,000."]),
        ({"customDetails": {f"D{n}": "x" for n in range(21)}}, ["the rule has 21 custom details; an alert takes 20."]),
        ({"tactics": ["InitalAccess"]}, ["Did you mean 'InitialAccess'?"]),
        ({"queryFrequency": None, "queryPeriod": "1h"}, ["it runs every 1h over the last 1h"]),
        ({"startTimeUtc": "2027-01-01T00:00:00Z"}, ["'startTimeUtc' is kept and does nothing here"]),
        ({"startTimeUtc": None}, []),
    ],
)
def test_what_sentinel_would_not_take_is_a_warning(change: dict[str, Any], expected: list[str]) -> None:
    layout = {name: value for name, value in (MINIMAL | change).items() if value is not None}
    rules, problems = read(yaml.safe_dump(layout, sort_keys=False))
    assert len(rules) == 1
    assert {problem.severity for problem in problems} <= {ProblemSeverity.WARNING}
    assert len(problems) == len(expected)
    assert all(said in str(problem) for said, problem in zip(expected, problems)), problems


def test_parts_that_mean_nothing_do_not_keep_a_rule_out() -> None:
    """A mapping that maps nothing, and a property of alerts that rules cannot set: the rest of the rule stands."""
    more = {
        "entityMappings": [
            {"customDetails": {"Who": "UserPrincipalName"}},
            {"entityType": "Account", "fieldMappings": [{"identifier": "FullName", "columnName": "UserPrincipalName"}]},
        ],
        "alertDetailsOverride": {
            "alertDynamicProperties": [
                {"alertProperty": "Severity", "value": "Severity"},
                {"alertProperty": "Alertlink", "value": "Link"},
            ]
        },
    }
    text = yaml.safe_dump(MINIMAL | more)
    read, problems = read_rule_text(text, "rule.yaml")
    [rule] = [one.rule for one in read]
    assert [one.entity_type for one in rule.entity_mappings] == ["Account"]
    assert [(one.alert_property, one.column) for one in rule.alert_details_override.dynamic_properties] == [
        ("AlertLink", "Link")
    ]
    assert {one.severity for one in problems} == {ProblemSeverity.WARNING}
    assert problems[1].line == problems[0].line
    assert [one.message for one in problems] == [
        "'customDetails' is not a field of an entity mapping, and does nothing here.",
        "an entity mapping has 'entityType' and 'fieldMappings'; this one was left out.",
        "'Severity' is not a property that a rule may set, and was left out.",
    ]


def test_kinds_without_a_query_are_kept_and_say_why_they_do_not_run() -> None:
    rule = only("kind: MLBehaviorAnalytics\nname: Anomalous SSH logins\nseverity: High\n")
    assert rule.kind is RuleKind.ML_BEHAVIOR_ANALYTICS
    assert rule.not_runnable is not None
    assert "MLBehaviorAnalytics" in rule.not_runnable
    creation = only("kind: MicrosoftSecurityIncidentCreation\nname: M\n")
    assert creation.not_runnable is not None
    assert not creation.scheduled


def test_a_length_of_nothing_is_not_the_usual_one() -> None:
    """Five hours of silence are no answer to a suppression of none."""
    grouping = {"enabled": True, "matchingMethod": "AnyAlert", "lookbackDuration": "PT0S"}
    given = {
        "suppressionEnabled": True,
        "suppressionDuration": "0m",
        "incidentConfiguration": {"groupingConfiguration": grouping},
    }
    one = only(yaml.safe_dump(MINIMAL | given))
    assert (one.suppression.duration, one.incident.grouping.lookback) == (timedelta(0), timedelta(0))


def test_hunting_queries_and_near_real_time_rules() -> None:
    hunting = only("name: H\nquery: T\n")
    assert (hunting.kind, hunting.scheduled, hunting.not_runnable) == (RuleKind.HUNTING, False, None)
    nrt = only(
        "kind: NRT\nname: N\nquery: T\nseverity: Low\nqueryFrequency: 1d\ntriggerOperator: lt\ntriggerThreshold: 5\n"
    )
    assert (nrt.frequency, nrt.period, nrt.scheduled) == (timedelta(minutes=1), timedelta(minutes=1), True)
    assert nrt.trigger.met(1)
    assert not nrt.trigger.met(0)


def test_a_summary_rule_is_told_from_a_hunting_query() -> None:
    given = {"displayName": "Hourly", "destinationTable": "Hourly_CL", "binSize": 60, "query": "SigninLogs | count"}
    [read], [problem] = read_rule_text(yaml.safe_dump(given, sort_keys=False), "summary.yaml")
    assert read.rule.kind is RuleKind.HUNTING
    assert (problem.severity, problem.line) == (ProblemSeverity.WARNING, 2)
    assert "summary rule" in problem.message
    assert "'Hourly_CL'" in problem.message


def test_a_missing_id_is_derived_from_name_and_query() -> None:
    first = only("name: H\nquery: T\n", "a.yaml")
    assert first.id == only("name: H\nquery: T\ndescription: other\n", "elsewhere/b.yaml").id
    assert first.id != only("name: H\nquery: T2\n").id
    assert first.id != only("name: H2\nquery: T\n").id


def test_text_that_no_database_takes_is_refused() -> None:
    for text in ("a\x00b", "half \ud800"):
        rules, problems = read(json.dumps(MINIMAL | {"name": text, "tags": [text]}), "rule.json")
        assert rules == []
        assert "'name' has a character in it that is no text" in problems[0].message
    kept, problems = read(json.dumps(MINIMAL | {"tags": ["half \ud800"]}), "rule.json")
    assert (len(kept), problems) == (1, [])
    assert len(content_hash(kept[0].rule)) == 64


def test_fields_are_found_whatever_their_case() -> None:
    rule = only("Id: x-1\nDisplayName: H\nQUERY: T\nTactics: [Impact]\n")
    assert (rule.id, rule.name, rule.query, rule.tactics) == ("x-1", "H", "T", ("Impact",))


def test_files_that_are_wrong_do_not_stop_the_others(tmp_path: Path) -> None:
    good = yaml.safe_dump(MINIMAL)
    (tmp_path / "a-good.yaml").write_text(good)
    (tmp_path / "b-broken.yaml").write_text("name: [unclosed\n")
    (tmp_path / "c-binary.yaml").write_bytes(b"name: ok\nquery: \xff\xfe\n")
    (tmp_path / "d-empty.yml").write_text("")
    (tmp_path / "e-broken.json").write_text('{"resources": [}')
    (tmp_path / "f-workbook.json").write_text('{"version": "Notebook/1.0", "items": []}')
    (tmp_path / "g-two.yaml").write_text(good + "---\n" + good.replace("name: R", "name: R2"))
    (tmp_path / "h-utf16.yaml").write_bytes(good.replace("name: R", "name: R3").encode("utf-16"))
    (tmp_path / "i-bom.yaml").write_bytes(b"\xef\xbb\xbf" + good.replace("name: R", "name: R4").encode())
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "j.yaml").write_text(good.replace("name: R", "name: R5"))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "k.yaml").write_text("broken: [")
    (tmp_path / "notes.txt").write_text("no rule")
    rules, problems = read_rules([tmp_path])
    assert [read.rule.name for read in rules] == ["R", "R", "R2", "R3", "R4", "R5"]
    shown = [str(problem).replace(str(tmp_path), "") for problem in problems]
    assert len(shown) == 5, shown
    assert shown[0].startswith("/b-broken.yaml:2: not valid YAML: ")
    assert shown[1] == "/c-binary.yaml:2: the file is not text in UTF-8: byte 16 cannot be read."
    assert shown[2] == "/d-empty.yml:1: the file is empty."
    assert shown[3].startswith("/e-broken.json:1: not valid JSON: ")
    assert shown[4].startswith("/f-workbook.json:1: this is not an analytics rule")
    severities = [problem.severity for problem in problems]
    assert severities == [ProblemSeverity.ERROR] * 4 + [ProblemSeverity.WARNING]


def test_a_file_that_is_named_must_be_a_rule(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"version": 1}')
    (tmp_path / "rule.yaml").write_text(yaml.safe_dump(MINIMAL))
    _, problems = read_rules([tmp_path / "notes.json", tmp_path / "rulé.yaml", tmp_path])
    assert [problem.severity for problem in problems[:2]] == [ProblemSeverity.ERROR] * 2
    assert problems[1].message == "there is no such file or directory."
    assert problems[1].hint == f"Did you mean '{tmp_path / 'rule.yaml'}'?"


def test_an_empty_directory_says_what_rule_files_are(tmp_path: Path) -> None:
    rules, problems = read_rules([tmp_path])
    assert rules == []
    assert "no rule file" in problems[0].message


def test_every_core_rule_imports(shared: Path, tmp_path: Path) -> None:
    with gzip.open(shared / "corpus" / "core_rules.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    for number, row in enumerate(rows):
        raw = row["raw"]
        if "properties" in raw:
            query = row["query"]
            raw["properties"]["query"] = "[" + query if query.startswith("[") else query
            text = json.dumps({"parameters": {"workspace": {"type": "String"}}, "resources": [raw]}, indent=2)
            (tmp_path / f"{number:04}.json").write_text(text)
            continue
        if "detectionAction" in raw:
            raw["queryCondition"]["queryText"] = row["query"]
        else:
            raw["query"] = row["query"]
        (tmp_path / f"{number:04}.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    rules, problems = read_rules([tmp_path])
    assert [str(problem) for problem in problems if problem.severity is ProblemSeverity.ERROR] == []
    assert len(rules) == len(rows) == 522
    for row, read_rule in zip(rows, rules):
        rule = read_rule.rule
        assert rule.query == row["query"]
        assert rule.name == row["name"].strip()
        if row.get("rule_id"):
            assert rule.id == row["rule_id"]
        mapped = {
            (m["entityType"], f["identifier"], f["columnName"])
            for m in row.get("entityMappings") or []
            for f in m.get("fieldMappings", ())
        }
        assert {(m.entity_type, f.identifier, f.column) for m in rule.entity_mappings for f in m.fields} >= mapped
        found: list[RuleProblem] = []
        assert read_layout(Document(to_layout(rule), "x", lambda _: 1), found) == rule
