"""What is attached to incidents by itself: what each enrichment tells of entities, its limits, and that none is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.test_places import PLACE, database
from tests.incidents.conftest import Fresh
from tests.incidents.runs import ANN, BOB, grouped, person, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Forbidden, InvalidInput
from vedette.core.ids import seeded_ids
from vedette.core.roles import Permission, Role
from vedette.core.workspaces import Workspaces
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.entities.entity import Entity
from vedette.detect.rule import GroupingConfiguration, MatchingMethod
from vedette.detect.running.runner import QueryResult
from vedette.engine import places
from vedette.engine.query import QueryFailed
from vedette.incidents.enrichment.contract import Enrichment, Fact, Found, Subject, Workbench
from vedette.incidents.enrichment.registry import enrichments, queries
from vedette.incidents.enrichment.service import ATTEMPTS, Enricher
from vedette.incidents.service import IncidentService
from vedette.incidents.vocabulary import Classification, ClassificationReason, Status
from vedette.store.logstore import LogStore
from vedette.store.overview import TableInfo
from vedette.store.watchlists.lists import Watchlists, WatchlistSettings

ROOT = Path(__file__).parents[2]
VM = "/subscriptions/3F0D3C52-6d1a-4a7e-8f53-9d6c1c2b7e10/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
SQLITE = pytest.mark.parametrize("state", ["sqlite"], indirect=True)


WRITER = person("writer", Role.CONTRIBUTOR)


def at(hours: float) -> str:
    """A moment so many hours before noon."""
    return wire_datetime(NOON - timedelta(hours=hours))


ANN_ACCOUNT = Entity.of("Account", {"FullName": "Ann@contoso.com", "AadUserId": "0a1b"})
ADDRESS = Entity.of("IP", {"Address": "203.0.113.7"})
PRIVATE = Entity.of("IP", {"Address": "10.0.0.7"})
WEB = Entity.of("Host", {"FullName": "web-01"})
WEB_IN_DOMAIN = Entity.of("Host", {"FullName": "web-01.contoso.com"})
MACHINE = Entity.of("AzureResource", {"ResourceId": VM})
LINK = Entity.of("URL", {"Url": "http://bad.example/Login"})

RECOMMENDED = {
    "TimeGenerated": at(2), "AssessedResourceId": VM, "RecommendationId": "r", "RecommendationName": "44d1",
    "RecommendationDisplayName": "Management ports are closed", "RecommendationState": "Unhealthy", "RecommendationSeverity": "High",
}  # fmt: skip
FAILED = {
    "TimeGenerated": at(1), "RegulatoryComplianceSubscriptionId": "3f0d3c52-6d1a-4a7e-8f53-9d6c1c2b7e10",
    "RecommendationId": "44D1", "ComplianceStandard": "PCI-DSS-4", "ComplianceControl": "1.2.5", "State": "Failed",
}  # fmt: skip
INDICATOR = {
    "TimeGenerated": at(5), "Id": "i1", "ObservableValue": "203.0.113.7", "Confidence": 80, "SourceSystem": "Feed",
    "Pattern": "[ipv4-addr:value = '203.0.113.7']", "IsActive": True, "ValidFrom": at(99), "ValidUntil": at(-99),
}  # fmt: skip
WEAK = {"DeviceName": "WEB-01.contoso.com", "DeviceId": "d1", "TimeGenerated": at(3), "SoftwareName": "openssl"}
PERSON = {
    "TimeGenerated": at(9), "AccountUPN": "ann@contoso.com", "AccountObjectId": "0A1B", "AccountDisplayName": "Ann", "JobTitle": "CFO",
    "Department": "Finance", "IsAccountEnabled": True,
}  # fmt: skip
DEVICE = {
    "TimeGenerated": at(4), "DeviceName": "web-01.contoso.com", "DeviceId": "d1", "OSPlatform": "Linux", "OSVersion": "6.1",
    "AssetValue": "High", "ExposureLevel": "Medium",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Rows of tables, entities, and the facts that an enrichment tells of them: entity (its place), title, some properties."""

    enrichment: str
    what: str
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    entities: Sequence[Entity]
    told: Sequence[tuple[int | None, str, Mapping[str, Any]]] = ()
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.enrichment}: {self.what}"


CASES = (
    Case("location", "a public address", {}, [PRIVATE, ADDRESS],
         [(1, "Lisbon, Lisbon District, Portugal", {"Country": "Portugal", "City": "Lisbon", "Latitude": 38.7})]),
    Case("location", "no address", {}, [WEB], reason="Too little is known of its entities."),
    Case("network", "a public address", {}, [ADDRESS, PRIVATE],
         [(0, "AS64500 Example Net", {"Number": 64500, "Organization": "Example Net"})]),
    Case("indicators", "an address", {"ThreatIntelIndicators": [INDICATOR]}, [PRIVATE, ADDRESS],
         [(1, "Indicator of Feed: [ipv4-addr:value = '203.0.113.7']", {"Confidence": 80, "Id": "i1"})]),
    Case("indicators", "a link, whatever its case",
         {"ThreatIntelIndicators": [{**INDICATOR, "ObservableValue": "HTTP://bad.example/login", "Data": {"name": "Phish"}}]}, [LINK],
         [(0, "Indicator of Feed: Phish", {})]),
    Case("indicators", "revoked since, without a value", {"ThreatIntelIndicators": [
        INDICATOR, {"TimeGenerated": at(1), "Id": "i1", "Revoked": True, "SourceSystem": "Feed"}]}, [ADDRESS]),
    Case("indicators", "of another value since", {"ThreatIntelIndicators": [
        {**INDICATOR, "Modified": at(5)},
        {**INDICATOR, "TimeGenerated": at(1), "Modified": at(1), "ObservableValue": "203.0.113.8"}]}, [ADDRESS]),
    Case("indicators", "of several values", {"ThreatIntelIndicators": [
        {**INDICATOR, "Modified": at(5)},
        {**INDICATOR, "TimeGenerated": at(4), "Modified": at(5), "ObservableValue": "203.0.113.8"}]}, [ADDRESS],
        [(0, "Indicator of Feed: [ipv4-addr:value = '203.0.113.7']", {})]),
    Case("indicators", "of networks that hold an address", {"ThreatIntelIndicators": [
        {**INDICATOR, "Id": "a", "ObservableValue": "203.0.113.0/24"}, {**INDICATOR, "Id": "b", "ObservableValue": "203.0.112.0/24"},
        {**INDICATOR, "Id": "c", "ObservableValue": "2001:DB8::/32", "Confidence": 20}]},
        [ADDRESS, Entity.of("IP", {"Address": "2001:db8::7"})],
        [(0, "Indicator of Feed: [ipv4-addr:value = '203.0.113.7']", {"Id": "a"}),
         (1, "Indicator of Feed: [ipv4-addr:value = '203.0.113.7']", {"Id": "c"})]),
    Case("indicators-earlier", "of a network that holds an address", {"ThreatIntelligenceIndicator": [
        {"TimeGenerated": at(4), "IndicatorId": "i1", "NetworkCidrBlock": "203.0.112.0/23", "Description": "Net", "SourceSystem": "F"},
        {"TimeGenerated": at(4), "IndicatorId": "i2", "NetworkCidrBlock": "198.51.100.0/24"}]}, [ADDRESS],
        [(0, "Indicator of F: Net", {"Id": "i1"})]),
    Case("indicators-earlier", "told by the newer table", {
        "ThreatIntelIndicators": [{**INDICATOR, "Id": "f--indicator--7"}],
        "ThreatIntelligenceIndicator": [{"TimeGenerated": at(4), "IndicatorId": "i1", "NetworkIP": "203.0.113.7",
                                         "ExternalIndicatorId": "indicator--7"}]}, [ADDRESS]),
    Case("indicators", "not in force", {"ThreatIntelIndicators": [
        {**INDICATOR, "Id": "a", "ValidUntil": at(1)}, {**INDICATOR, "Id": "b", "IsDeleted": True},
        {**INDICATOR, "Id": "c", "IsActive": False}, {**INDICATOR, "Id": "d", "ValidFrom": at(-1)}]}, [ADDRESS]),
    Case("indicators", "no rows", {}, [ADDRESS], reason="The workspace has no rows in ThreatIntelIndicators."),
    Case("indicators-earlier", "an address and a domain", {"ThreatIntelligenceIndicator": [
        {"TimeGenerated": at(4), "IndicatorId": "i1", "NetworkIP": "203.0.113.7", "NetworkSourceIP": "203.0.113.7", "Active": True,
         "Description": "C2", "ConfidenceScore": 90.0, "SourceSystem": "TAXII", "ThreatType": "C2"},
        {"TimeGenerated": at(3), "IndicatorId": "i2", "NetworkDestinationIP": "203.0.113.7", "ExpirationDateTime": at(1)},
        {"TimeGenerated": at(3), "IndicatorId": "i3", "NetworkIP": "203.0.113.7", "Active": False}]}, [ADDRESS],
        [(0, "Indicator of TAXII: C2", {"Confidence": 90.0, "Id": "i1"})]),
    Case("identity", "the newest of what is known of an account", {"IdentityInfo": [
        {**PERSON, "TimeGenerated": at(30), "JobTitle": "Clerk"}, PERSON, {**PERSON, "AccountUPN": "bob@contoso.com", "AccountObjectId": "9"}]},
        [ADDRESS, ANN_ACCOUNT], [(1, "Ann, CFO", {"Department": "Finance", "Enabled": True})]),
    Case("risky-users", "still at risk", {"AADRiskyUsers": [
        {"TimeGenerated": at(9), "Id": "0a1b", "UserPrincipalName": "ann@contoso.com", "RiskState": "atRisk", "RiskLevel": "high"}]},
        [ANN_ACCOUNT], [(0, "Risk high: atRisk", {})]),
    Case("risky-users", "remediated since", {"AADRiskyUsers": [
        {"TimeGenerated": at(9), "Id": "0a1b", "UserPrincipalName": "ann@contoso.com", "RiskState": "atRisk", "RiskLevel": "high"},
        {"TimeGenerated": at(8), "Id": "0a1b", "UserPrincipalName": "ann@contoso.com", "RiskState": "remediated"}]}, [ANN_ACCOUNT]),
    Case("devices", "a host of which no domain is known", {"DeviceInfo": [DEVICE]}, [WEB],
         [(0, "web-01.contoso.com: Linux 6.1", {"AssetValue": "High", "ExposureLevel": "Medium"})]),
    Case("devices", "a host in this domain", {"DeviceInfo": [{**DEVICE, "DeviceName": "WEB-01.Contoso.com"}]}, [WEB_IN_DOMAIN],
         [(0, "WEB-01.Contoso.com: Linux 6.1", {})]),
    Case("devices", "a host in another domain", {"DeviceInfo": [{**DEVICE, "DeviceName": "web-01.fabrikam.com"}]}, [WEB_IN_DOMAIN]),
    Case("devices", "a device without a domain", {"DeviceInfo": [{**DEVICE, "DeviceName": "web-01"}]}, [WEB_IN_DOMAIN],
         [(0, "web-01: Linux 6.1", {})]),
    Case("vulnerabilities", "by severity, each once", {"DeviceTvmSoftwareVulnerabilities": [
        {**WEAK, "CveId": "CVE-1", "VulnerabilitySeverityLevel": "Medium"}, {**WEAK, "CveId": "CVE-2", "VulnerabilitySeverityLevel": "Critical"},
        {**WEAK, "CveId": "CVE-3", "VulnerabilitySeverityLevel": "Critical"},
        {**WEAK, "CveId": "CVE-3", "VulnerabilitySeverityLevel": "Critical", "TimeGenerated": at(27)}]}, [WEB],
        [(0, "2 of severity Critical", {"Cves": ["CVE-2", "CVE-3"], "Software": ["openssl"]}), (0, "1 of severity Medium", {"Cves": ["CVE-1"]})]),
    Case("findings", "of a machine", {"SecurityNestedRecommendation": [
        {"TimeGenerated": at(3), "AssessedResourceId": VM.upper(), "NestedRecommendationId": "n1", "RecommendationState": "Unhealthy",
         "RecommendationSeverity": "High", "RecommendationName": "openssl", "VulnerabilityId": "1"},
        {"TimeGenerated": at(2), "AssessedResourceId": VM, "NestedRecommendationId": "n2", "RecommendationState": "Healthy"}]}, [MACHINE],
        [(0, "1 of severity High", {"Findings": ["openssl"], "Ids": ["1"]})]),
    Case("compliance", "controls that fail because of a resource", {"SecurityRecommendation": [RECOMMENDED], "SecurityRegulatoryCompliance": [
        FAILED, {**FAILED, "RegulatoryComplianceSubscriptionId": "other", "State": "Passed", "TimeGenerated": at(0.5)},
        {**FAILED, "RegulatoryComplianceSubscriptionId": "other", "ComplianceControl": "7"},
        {**FAILED, "ComplianceControl": "1.2.6", "State": "Passed"}, {**FAILED, "ComplianceControl": "9", "RecommendationId": "other"}]},
        [MACHINE], [(0, "PCI-DSS-4 1.2.5", {"Standard": "PCI-DSS-4", "Recommendations": ["Management ports are closed"]})]),
    Case("compliance", "a control that passes since", {"SecurityRecommendation": [RECOMMENDED], "SecurityRegulatoryCompliance": [
        FAILED, {**FAILED, "TimeGenerated": at(0.5), "State": "Passed"}]}, [MACHINE]),
    Case("tickets", "of a host, in the newest state of each", {"ServiceNowIncident_CL": [
        {"TimeGenerated": at(3), "sys_id": "1", "number": "INC1", "short_description": "Disk is full", "cmdb_ci_name": "WEB-01.contoso.com",
         "active": "true", "state": "1"},
        {"TimeGenerated": at(3), "sys_id": "2", "number": "INC2", "short_description": "Slow", "cmdb_ci_name": "web-01", "active": "true"},
        {"TimeGenerated": at(2), "sys_id": "2", "number": "INC2", "short_description": "Slow", "cmdb_ci_name": "web-01", "active": "false"},
        {"TimeGenerated": at(1), "sys_id": "3", "number": "INC3", "short_description": "Reboot WEB-01", "active": "true"},
        {"TimeGenerated": at(1), "sys_id": "4", "number": "INC4", "short_description": "Reboot web-011", "active": "true"}]}, [ADDRESS, WEB],
        [(1, "INC3: Reboot WEB-01", {"Relation": "Mentions it"}), (1, "INC1: Disk is full", {"Relation": "Names it"})]),
    Case("tickets", "of a table with few columns", {"ServiceNowIncident_CL": [
        {"TimeGenerated": at(3), "sys_id": "1", "description": "What is 203.0.113.7?"}]}, [ADDRESS], [(0, "1", {})]),
    Case("recommendations", "of a resource", {"SecurityRecommendation": [RECOMMENDED]}, [ADDRESS, MACHINE],
         [(1, "Management ports are closed", {"Severity": "High", "Concerns": "Resource", "Resource": "vm1"})]),
    Case("recommendations", "of a machine that is named like a host", {"SecurityRecommendation": [RECOMMENDED]},
         [Entity.of("Host", {"HostName": "VM1"})], [(0, "Management ports are closed", {"Concerns": "SameName"})]),
)  # fmt: skip


@pytest.fixture
def supplied(tmp_path: Path) -> Iterator[None]:
    """Databases of where addresses are, and whose."""
    places.supply(places.CITY, database(tmp_path / "city.mmdb", {"203.0.113.0/24": PLACE}))
    owner = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}
    places.supply(places.ASN, database(tmp_path / "asn.mmdb", {"203.0.113.0/24": owner}))
    yield
    places.supply(places.CITY, None)
    places.supply(places.ASN, None)


def by_entity(kind: str) -> GroupingConfiguration:
    """Alerts with the same entities of a type come together."""
    return grouped(MatchingMethod.SELECTED, group_by_entities=(kind,))


def unit(name: str) -> Enrichment:
    """An enrichment by its id."""
    return next(one for one in enrichments() if one.id == name)


def bench(state: State, clock: VirtualClock, logs: LogStore) -> Workbench:
    return Workbench(state, clock, logs, frozenset(one.name for one in logs.tables()), 30.0)


@SQLITE
@pytest.mark.req("P-060", "P-068")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_an_enrichment_tells(
    case: Case, state: State, workspace: str, clock: VirtualClock, logs: LogStore, supplied: None
) -> None:
    for table, rows in case.tables.items():
        logs.append(table, rows)
    subject = Subject(workspace, 1, {str(number): one for number, one in enumerate(case.entities)}, ())
    found = unit(case.enrichment).look_up(subject, bench(state, clock, logs))
    told = [(None if one.entity_id is None else int(one.entity_id), one.title) for one in found.facts]
    assert told == [(entity, title) for entity, title, _ in case.told]
    for fact, (_, _, properties) in zip(found.facts, case.told, strict=True):
        assert {name: fact.properties.get(name) for name in properties} == properties
    assert (found.reason, found.more) == (case.reason, False)


def test_every_query_is_asked_in_a_case_and_without_its_database_says_what_to_do(
    state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    assert {one.id for one in queries()} <= {case.enrichment for case in CASES}
    enricher = Enricher(state, workspace, clock, logs, [unit("location")])
    number = incident(IncidentService(state, workspace, clock, new_id=seeded_ids(1)))
    assert enricher.work() == 1
    [told] = enricher.of(number, ANN)["value"]
    assert "set VEDETTE_GEOIP_CITY" in told["reason"]


# -- those that are no queries


def incident(service: IncidentService, number: int = 1, **row: Any) -> int:
    """An incident of one alert."""
    values = {"User": "ann@contoso.com", "Ip": "203.0.113.7", **row}
    return service.ingest(run(rule(number), [values], NOON + timedelta(minutes=number))).incidents[0]


@SQLITE
@pytest.mark.req("P-060")
def test_items_of_watchlists(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    held = Watchlists(state, workspace, clock)
    key = WatchlistSettings(search_key="User Principal Name")
    held.put(
        "VIPUsers",
        key,
        [{"User Principal Name": "Ann@Contoso.com", "Tier": "0"}, {"User Principal Name": "b@x"}],
        WRITER,
    )
    held.put("own list", WatchlistSettings(search_key="who"), [{"who": "ann@contoso.com", "note": "on leave"}], WRITER)
    # of a list of one's own only the search key names anything; of a template's each of its columns does
    held.put("other", WatchlistSettings(search_key="note"), [{"who": "ann@contoso.com", "note": "x"}], WRITER)
    networks = [
        {"Asset Id": "vpn", "IP Address": "203.0.113.0/24"},
        {"Asset Id": "lab", "IP Address": "198.51.100.0/24"},
    ]
    held.put("HighValueAssets", WatchlistSettings(search_key="Asset Id"), networks, WRITER)
    enricher = Enricher(state, workspace, clock, logs, [unit("watchlists")])
    number = incident(service)
    enricher.work()
    [told] = enricher.of(number, ANN)["value"]
    names = {one["id"]: one["name"] for one in service.get(number)["entities"]}
    assert [(names[one["entityId"]], one["title"], one["properties"]) for one in told["facts"]] == [
        ("203.0.113.7", "On the watchlist HighValueAssets", networks[0]),
        ("ann@contoso.com", "On the watchlist own list", {"who": "ann@contoso.com", "note": "on leave"}),
        ("ann@contoso.com", "On the watchlist VIPUsers", {"User Principal Name": "Ann@Contoso.com", "Tier": "0"}),
    ]
    # A list that has changed counts as it is when the incident is looked up again.
    held.put("own list", WatchlistSettings(search_key="who"), [{"who": "bob", "note": "x"}], WRITER)
    [told] = enricher.refresh(number, ANN)["value"]
    assert [one["title"] for one in told["facts"]] == ["On the watchlist HighValueAssets", "On the watchlist VIPUsers"]


@SQLITE
@pytest.mark.req("P-060")
def test_earlier_incidents_with_their_verdicts(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    numbers = [incident(service, number, Ip=f"198.51.100.{number}") for number in range(1, 9)]
    closing = {
        "status": Status.CLOSED.value, "classification": Classification.FALSE_POSITIVE.value,
        "classificationReason": ClassificationReason.INACCURATE_DATA.value, "classificationComment": "A test.",
    }  # fmt: skip
    service.update(numbers[6], closing, ANN)
    enricher = Enricher(state, workspace, clock, logs, [unit("earlier-incidents")])
    assert enricher.work() == 8
    [told] = enricher.of(numbers[7], ANN)["value"]
    facts = told["facts"]
    assert len(facts) == 6
    assert facts[0]["title"] == f"Incident {numbers[6]}, closed as FalsePositive: Rule 7"
    assert {"Verdict": "FalsePositive", "Comment": "A test."}.items() <= facts[0]["properties"].items()
    assert facts[1]["title"] == f"Incident {numbers[5]}, new: Rule 6"
    assert (facts[5]["title"], facts[5]["properties"]) == (
        "2 more earlier incidents", {"Verdicts": {"FalsePositive": 1, "New": 6}}
    )  # fmt: skip
    # The first has none before it.
    assert enricher.of(numbers[0], ANN)["value"][0]["facts"] == []


# -- when, and within what bounds


@dataclass
class Double:
    """An enrichment that tells what it is told to, and counts."""

    id: str = "double"
    title: str = "Double"
    kinds: frozenset[str] = frozenset({"Account", "IP"})
    right: Permission = Permission.QUERY
    rows: int = 50
    bytes: int = 4096
    found: Found = field(default_factory=Found)
    fails: Exception | None = None
    asked: list[Subject] = field(default_factory=list)
    meanwhile: Any = None

    def look_up(self, subject: Subject, bench: Workbench) -> Found:
        self.asked.append(subject)
        if self.meanwhile is not None:
            self.meanwhile, then = None, self.meanwhile
            then(bench)
        if self.fails is not None:
            raise self.fails
        return self.found


@pytest.mark.req("P-060")
def test_once_for_each_change_of_the_entities(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    double = Double(found=Found([Fact(None, "Known")]))
    enricher = Enricher(state, workspace, clock, logs, [double])
    of = rule(1, by_entity("Account"))
    row = {"User": "ann@contoso.com", "Ip": "203.0.113.7"}
    [number] = service.ingest(run(of, [row])).incidents
    assert enricher.of(number, ANN) == {"state": "Waiting", "enrichedTimeUtc": None, "value": []}
    etag = service.get(number)["etag"]
    assert (enricher.work(), enricher.work()) == (1, 0)
    told = enricher.of(number, ANN)
    assert (told["state"], told["enrichedTimeUtc"]) == ("Current", "2026-03-01T12:00:00.000000Z")
    assert told["value"] == [
        {"id": "double", "title": "Double", "facts": [{"entityId": None, "title": "Known", "properties": {}}], "more": False, "reason": None}
    ]  # fmt: skip
    # It is no change of the incident, and nobody else's change is one of its entities.
    assert service.get(number)["etag"] == etag
    service.comment(number, "Looked at it.", ANN)
    service.ingest(run(of, [row], NOON + timedelta(minutes=5)))
    assert enricher.work() == 0
    # A further address comes in with an alert.
    service.ingest(run(of, [{**row, "Ip": "203.0.113.8"}], NOON + timedelta(minutes=10)))
    assert service.get(number)["alertCount"] == 3
    assert enricher.of(number, ANN)["state"] == "Waiting"
    assert enricher.of(number, ANN)["value"] == told["value"]  # shown until it was looked up again
    assert enricher.work() == 1
    assert [len(subject.entities) for subject in double.asked] == [2, 3]


def test_what_changes_meanwhile_is_looked_up_again(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    of, row = rule(1, by_entity("Account")), {"User": "ann@contoso.com", "Ip": "203.0.113.7"}
    [number] = service.ingest(run(of, [row])).incidents
    later = run(of, [{**row, "Ip": "203.0.113.8"}], NOON + timedelta(minutes=10))
    double = Double(meanwhile=lambda bench: service.ingest(later))
    enricher = Enricher(state, workspace, clock, logs, [double])
    assert enricher.work() == 2
    assert [len(subject.entities) for subject in double.asked] == [2, 3]
    assert enricher.of(number, ANN)["state"] == "Current"


@SQLITE
def test_a_failure_is_told_and_tried_again_and_spares_the_rest(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    fails = [QueryFailed("VDT2001", "The query took too long."), ValueError("a mistake")]
    bad, good = Double(id="bad", fails=fails[0]), Double(id="good", found=Found([Fact(None, "Known")]))
    enricher = Enricher(state, workspace, clock, logs, [bad, good])
    number = incident(service)
    assert enricher.work() == 1
    first, second = enricher.of(number, ANN)["value"]
    assert (first["reason"], first["facts"]) == ("The query took too long.", [])
    assert second["facts"]
    assert enricher.of(number, ANN)["state"] == "Waiting"
    assert enricher.work() == 0
    clock.advance(timedelta(minutes=1))
    bad.fails = fails[1]
    assert enricher.work() == 1
    assert enricher.of(number, ANN)["value"][0]["reason"] == "The enrichment failed; the log has the details."
    for _ in range(ATTEMPTS):
        clock.advance(timedelta(hours=1))
        enricher.work()
    assert len(bad.asked) == ATTEMPTS
    assert enricher.of(number, ANN)["state"] == "Current"
    bad.fails = None
    assert enricher.refresh(number, ANN)["value"][0]["reason"] is None


@SQLITE
def test_limits_of_rows_bytes_text_entities_and_time(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    many = Double(id="many", rows=3, found=Found([Fact(None, str(number)) for number in range(9)]))
    large = Double(id="large", found=Found([Fact(None, "x" * 5000, {"a": "y" * 5000, "b": ["z" * 5000]})] * 9))
    slow = Double(id="slow", meanwhile=lambda bench: clock.advance(bench.seconds))
    late = Double(id="late")
    enricher = Enricher(state, workspace, clock, logs, [many, large, slow, late])
    rows = [{"User": f"user{number}@contoso.com", "Ip": "203.0.113.7"} for number in range(70)]
    [number] = service.ingest(run(rule(1, by_entity("IP")), rows)).incidents
    enricher.work()
    told = {one["id"]: one for one in enricher.of(number, ANN)["value"]}
    assert ([fact["title"] for fact in told["many"]["facts"]], told["many"]["more"]) == (["0", "1", "2"], True)
    assert (len(told["large"]["facts"]), told["large"]["more"]) == (1, True)
    assert len(told["large"]["facts"][0]["properties"]["b"]) == 1001
    assert len(many.asked[0].entities) == 60
    assert told["many"]["reason"] == "11 further entities were not asked about."
    assert (late.asked, told["late"]["reason"]) == ([], "The time for this incident was over.")
    assert enricher.of(number, ANN)["state"] == "Waiting"


@SQLITE
def test_what_one_may_not_see_elsewhere_is_not_told_here(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    enricher = Enricher(state, workspace, clock, logs, [Double(found=Found([Fact(None, "From the logs")]))])
    number = incident(service)
    enricher.work()
    limited = replace(BOB, scope_permissions=frozenset({Permission.INCIDENTS_READ}))
    [told] = enricher.of(number, limited)["value"]
    assert (told["facts"], told["reason"]) == ([], "It needs the permission query/run.")
    with pytest.raises(Forbidden):
        enricher.refresh(number, limited)
    nobody = replace(BOB, scope_permissions=frozenset())
    with pytest.raises(Forbidden):
        enricher.of(number, nobody)


@pytest.mark.req("P-060")
def test_single_enrichments_are_switched_off_by_name() -> None:
    every = [one.id for one in enrichments([""])]
    assert len(set(every)) == len(every)
    assert [one.id for one in enrichments([" Location", "network"])] == [
        name for name in every if name not in ("location", "network")
    ]
    assert enrichments(["all"]) == ()
    with pytest.raises(InvalidInput, match="no enrichment 'locations'") as told:
        enrichments(["locations"])
    assert told.value.hint == "Did you mean 'location'?"


def test_text_that_no_database_takes_and_one_that_cannot_be_kept(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    logs.append("IdentityInfo", [PERSON])
    odd = Fact(None, "a\x00b\ud800", {"\x00": "\ud800", "number": float("nan"), "list": [float("inf")]})
    enricher = Enricher(state, workspace, clock, logs, [*enrichments(), Double(found=Found([odd]))])
    good = incident(service)
    bad = incident(service, 2, User="ann\x00\ud800\"'@contoso.com", Ip="\x00")
    assert enricher.work() == 2
    for number in (good, bad):
        told = {one["id"]: one for one in enricher.of(number, ANN)["value"]}
        assert told["double"]["facts"] == [
            {
                "entityId": None,
                "title": "a\ufffdb\ufffd",
                "properties": {"\ufffd": "\ufffd", "number": "nan", "list": "[inf]"},
            }
        ]
        assert [one["reason"] for one in told.values() if one["reason"] and "failed" in one["reason"]] == []
    # What cannot be read is put off: it is the newest, and the other one comes all the same.
    read = Enricher._task

    def task(self: Enricher, number: int) -> Any:
        if number == bad:
            raise ValueError("a row that cannot be read")
        return read(self, number)

    monkeypatch.setattr(Enricher, "_task", task)
    for number in (good, bad):
        enricher.refresh(number, ANN)
    assert enricher.of(bad, ANN)["state"] == "Waiting"
    assert enricher.of(good, ANN)["state"] == "Current"
    assert enricher.work() == 0


@SQLITE
def test_merged_incidents_keep_what_is_theirs(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock, logs: LogStore
) -> None:
    double = Double()
    enricher = Enricher(state, workspace, clock, logs, [double])
    one, other = incident(service, 1), incident(service, 2, Ip="198.51.100.2")
    assert enricher.work() == 2
    service.regrouping.merge(one, [other], ANN)
    assert enricher.work() == 2
    assert len(double.asked[-1].entities) == 3
    assert enricher.of(other, ANN) == {**enricher.of(one, ANN), "value": []}


class NoLogs:
    """A log store without tables."""

    def tables(self) -> list[TableInfo]:
        return []

    def query(self, text: str, **_: Any) -> QueryResult:
        raise AssertionError(text)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_nothing_is_left_out_whatever_the_order(fresh: Fresh, data: st.DataObject) -> None:
    """Alerts, looks and ends in the middle in any order: in the end each incident was looked up for the entities that it has."""
    service = fresh()
    state, workspace, clock = service._state, service.workspace_id, VirtualClock(NOON)
    seen: dict[int, set[str]] = {}
    double = Double()

    enricher = Enricher(state, workspace, clock, NoLogs(), [double])
    for number in range(data.draw(st.integers(1, 6))):
        user, ip = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 3))
        later = run(
            rule(1, by_entity("Account")), [{"User": f"u{user}@x.com", "Ip": f"203.0.113.{ip}"}],
            NOON + timedelta(minutes=number),
        )  # fmt: skip
        what = data.draw(st.sampled_from(["before", "during", "end"]))
        if what == "before":
            service.ingest(later)
        elif what == "during":
            double.meanwhile = lambda bench, later=later: service.ingest(later)
        else:
            service.ingest(later)
            double.meanwhile = _end
        for _ in range(2):
            try:
                enricher.work()
            except KeyboardInterrupt:
                enricher = Enricher(state, workspace, clock, NoLogs(), [double])
        if double.meanwhile is not None:  # nothing was to be looked up
            double.meanwhile = None
            service.ingest(later)
    enricher.work()
    for subject in double.asked:
        seen[subject.number] = set(subject.entities)
    for line in service.list().value:
        has = {one["id"] for one in service.get(line["number"])["entities"]}
        assert seen[line["number"]] == has
        assert enricher.of(line["number"], ANN)["state"] == "Current"


def _end(bench: Workbench) -> None:
    raise KeyboardInterrupt


@pytest.mark.req("P-060")
def test_killed_in_the_middle_of_a_look(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-m", "tests.incidents.enriching", str(path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "looking\n"
        process.kill()
    state, clock = State.in_file(path), VirtualClock(NOON)
    workspace = Workspaces(state).default().id
    with LogStore(None, clock) as logs:
        enricher = Enricher(state, workspace, clock, logs, [Double(found=Found([Fact(None, "Known")]))])
        numbers = [line["number"] for line in IncidentService(state, workspace, clock).list().value]
        states = [enricher.of(number, ANN)["state"] for number in numbers]
        assert sorted(states) == ["Current", "Waiting", "Waiting"]
        assert enricher.work() == 2
        for number in numbers:
            told = enricher.of(number, ANN)
            assert (told["state"], [one["facts"][0]["title"] for one in told["value"]]) == ("Current", ["Known"])
    state.dispose()
