"""The functions that parsers of ASIM are written with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vedette.core.clock import SystemClock
from vedette.store import asim_helpers, builtin
from vedette.store.content import WorkspaceContent
from vedette.store.logstore import LogStore


@pytest.fixture(scope="module")
def logs() -> Iterator[LogStore]:
    with LogStore(None, SystemClock(), content=WorkspaceContent()) as store:
        yield store


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("GetUsernameType('ann@x.example')", "UPN"),
        (r"GetUsernameType(@'CORP\ann')", "Windows"),
        ("GetUsernameType('CN=Ann,OU=Staff')", "DN"),
        ("GetUsernameType('ann')", "Simple"),
        ("GetUsernameType('')", ""),
        ("GetUserType('ann', 'S-1-5-21-1-2-3-1001')", "Regular"),
        ("GetUserType('PC$', 'S-1-5-21-1-2-3-1001')", "Machine"),
        ("GetWindowsUserType('x', 'S-1-5-21-1-2-3-500')", "Admin"),
        ("GetWindowsUserType('helpadmin', 'S-1-5-21-1-2-3-1500')", "Admin"),
        ("GetWindowsUserType('x', 'S-1-5-18')", "System"),
        ("GetWindowsUserType('x', 'S-1-5-80-1')", "Service"),
        ("GetWindowsUserType('', '')", ""),
        ("GetWindowsUserType('x', '')", "Other"),
        ("LookupDnsQueryType(16)", "TXT"),
        ("LookupDnsQueryType(28)", "AAAA"),
        ("LookupDnsQueryType(54)", "Unassigned"),
        ("LookupDnsQueryType(257)", "CAA"),
        ("LookupDnsQueryType(65300)", "Reserved for Private Use"),
        ("LookupDnsQueryType(65535)", "Reserved"),
        ("LookupDnsResponseCode(3)", "NXDOMAIN"),
        ("LookupDnsResponseCode(23)", "BADCOOKIE"),
        ("LookupDnsResponseCode(4000)", "Reserved for Private Use"),
        ("LookupDnsResponseCode(12)", "Unassigned"),
        ("LookupICMPType(8)", "Echo"),
        ("LookupICMPType(11)", "Time Exceeded"),
        ("LookupICMPType(43)", "Extended Echo Reply"),
        ("LookupICMPType(255)", "Reserved"),
        ("LookupNetworkProtocol(6)", "TCP"),
        ("LookupNetworkProtocol(17)", "UDP"),
        ("LookupNetworkProtocol(58)", "IPv6-ICMP"),
        ("LookupNetworkProtocol(89)", "OSPFIGP"),
        ("LookupNetworkProtocol(115)", "L2TP"),
        ("LookupNetworkProtocol(132)", "SCTP"),
        ("LookupNetworkProtocol(143)", "Ethernet"),
        ("LookupNetworkProtocol(200)", "Unassigned"),
        ("LookupNetworkProtocol(int(null))", "Unassigned"),
    ],
)
def test_what_a_value_is_called(logs: LogStore, call: str, said: str) -> None:
    assert logs.query(f"print _ASIM_{call}").rows == [[said]]


@pytest.mark.parametrize(
    ("role", "named"),
    [("", ["ExtractedHostname", "Domain", "FQDN", "DomainType"])]
    + [
        (role, [f"{role}{name}" for name in ("Hostname", "Domain", "FQDN", "DomainType")])
        for role in ("Src", "Dst", "Dvc")
    ],
)
def test_a_host_is_taken_apart(logs: LogStore, role: str, named: list[str]) -> None:
    hosts = "datatable(n: long, host: string)[1, 'pc.corp.example', 2, 'pc', 3, '']"
    found = logs.query(f"{hosts} | invoke _ASIM_Resolve{role}FQDN('host') | sort by n asc")
    assert [column.name for column in found.columns] == ["n", "host", *named]
    assert [tuple(row[2:]) for row in found.rows] == [
        ("pc", "corp.example", "pc.corp.example", "FQDN"),
        ("pc", "", "", ""),
        ("", "", "", ""),
    ]
    missing = logs.query(f"{hosts} | invoke _ASIM_Resolve{role}FQDN('nothing') | take 1")
    assert missing.rows[0][2:] == [""] * 4


@pytest.mark.parametrize(
    ("name", "number", "column", "of_six"),
    [
        ("DnsQueryType", "DnsQueryType", "DnsQueryTypeName", "SOA"),
        ("DnsResponseCode", "DnsResponseCode", "DnsResponseCodeName", "YXDOMAIN"),
        ("ICMPType", "NetworkIcmpCode", "NetworkIcmpType", "Alternate Host Address (Deprecated)"),
        ("NetworkProtocol", "NetworkProtocolNumber", "NetworkProtocol", "TCP"),
    ],
)
def test_a_number_is_named(logs: LogStore, name: str, number: str, column: str, of_six: str) -> None:
    found = logs.query(f"datatable(code: string)['6', 'tcp'] | invoke _ASIM_Resolve{name}('code') | sort by code asc")
    assert [(one.name, one.type.value) for one in found.columns] == [
        ("code", "string"), (number, "int"), (column, "string"),
    ]  # fmt: skip
    assert found.rows == [["6", 6, of_six], ["tcp", None, "Unassigned"]]


def test_every_one_of_them_is_a_function(logs: LogStore) -> None:
    there = set(WorkspaceContent().function_names())
    for name in asim_helpers.FUNCTIONS:
        assert name in there
        assert builtin.function(name) is not None
