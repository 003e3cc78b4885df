"""Entities: identity, resolution of full names, and mapping from rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detect.alerts.limits import AlertLimits
from vedette.detect.entities.entity import Entity, identity, is_generic_account, resolved, strong_keys
from vedette.detect.entities.mapping import EntityMapper, embedded_entities
from vedette.detect.entities.types import ENTITY_TYPES, EntityType, entity_type
from vedette.detect.rule import AnalyticsRule, EntityMapping, FieldMapping


def mapping(entity: str, **fields: str) -> EntityMapping:
    return EntityMapping(entity, tuple(FieldMapping(identifier, column) for identifier, column in fields.items()))


def entities_of(rule_mappings: list[EntityMapping], rows: list[dict[str, Any]], **more: Any) -> list[dict[str, str]]:
    rule = AnalyticsRule(id="r", name="R", entity_mappings=tuple(rule_mappings), **more)
    mapper = EntityMapper(rule, list(dict.fromkeys(name for row in rows for name in row)), AlertLimits())
    return [entity.to_dict() for entity in mapper.entities(rows)[0]]


def test_the_table_of_types_is_consistent() -> None:
    for known in ENTITY_TYPES:
        assert set(known.title) <= set(known.identifiers)
        for names in known.strong:
            assert names <= set(known.identifiers), known.name
        for spelling in (known.name, known.wire, known.kind, *known.aliases):
            assert entity_type(spelling.upper()) is known
        for identifier in known.identifiers:
            assert known.identifier(identifier.lower()) == identifier


@pytest.mark.parametrize(
    "given_, expected",
    [
        ({"type": "Account", "FullName": "ann@contoso.com"}, {"Name": "ann", "UPNSuffix": "contoso.com"}),
        ({"type": "Account", "FullName": "CONTOSO\\ann"}, {"Name": "ann", "NTDomain": "CONTOSO"}),
        ({"type": "Account", "FullName": "ann"}, {"Name": "ann"}),
        ({"type": "Account", "FullName": "a@b@contoso.com"}, {"Name": "a@b", "UPNSuffix": "contoso.com"}),
        ({"type": "Account", "Name": "ann@contoso.com"}, {"Name": "ann", "UPNSuffix": "contoso.com"}),
        ({"type": "Host", "FullName": "pc1.contoso.com"}, {"HostName": "pc1", "DnsDomain": "contoso.com"}),
        ({"type": "Host", "FullName": "CONTOSO\\pc1"}, {"HostName": "pc1", "NTDomain": "CONTOSO"}),
        ({"type": "Account", "FullName": "Ann Smith", "Name": "ann"}, {"Name": "ann"}),
        (
            {"type": "Account", "Name": "ann@contoso.com", "UPNSuffix": "Contoso.com"},
            {"Name": "ann", "UPNSuffix": "Contoso.com"},
        ),
        ({"type": "Account", "Name": "ann@contoso.com", "UPNSuffix": "fabrikam.com"}, {"Name": "ann@contoso.com"}),
        ({"type": "Account", "Name": "CONTOSO\\ann", "NTDomain": "CONTOSO"}, {"Name": "ann", "NTDomain": "CONTOSO"}),
        ({"type": "Account", "FullName": "ann@"}, {"Name": "ann@"}),
        (
            {"type": "Host", "FullName": "CONTOSO\\pc1.contoso.com"},
            {"HostName": "pc1", "NTDomain": "CONTOSO", "DnsDomain": "contoso.com"},
        ),
        ({"type": "Host", "FullName": "10.0.0.1"}, {"HostName": "10.0.0.1"}),
        ({"type": "IP", "Address": " [2001:DB8:0::1] "}, {"Address": "2001:db8::1"}),
        ({"type": "IP", "Address": "not an address"}, {"Address": "not an address"}),
        ({"type": "IP", "Address": "::ffff:203.0.113.9"}, {"Address": "203.0.113.9"}),
        ({"type": "IP", "Address": "203.0.113.9:44312"}, {"Address": "203.0.113.9"}),
        ({"type": "IP", "Address": "[2001:DB8::1]:443"}, {"Address": "2001:db8::1"}),
        ({"type": "IP", "Address": "203.0.113.999:1"}, {"Address": "203.0.113.999:1"}),
        ({"type": "Host", "FullName": "pc1.contoso.com."}, {"HostName": "pc1", "DnsDomain": "contoso.com"}),
        ({"type": "DNS", "DomainName": "evil.example."}, {"DomainName": "evil.example"}),
        ({"type": "DNS", "DomainName": "."}, {"DomainName": "."}),
        ({"type": "AzureResource", "ResourceId": "subscriptions/s1/x/y/"}, {"ResourceId": "/subscriptions/s1/x/y"}),
        ({"type": "FileHash", "Value": "a" * 64}, {"Algorithm": "SHA256"}),
        ({"type": "FileHash", "Value": "a" * 64, "Algorithm": "sha-1"}, {"Algorithm": "SHA1"}),
        ({"type": "URL", "Url": "HTTPS://User@Evil.Example:443"}, {"Url": "https://User@evil.example/"}),
        ({"type": "URL", "Url": "http://Evil.Example:8080/A?B=C#d"}, {"Url": "http://evil.example:8080/A?B=C#d"}),
        ({"type": "URL", "Url": "http://evil.example?q"}, {"Url": "http://evil.example/?q"}),
        ({"type": "URL", "Url": "Evil.Example/A"}, {"Url": "Evil.Example/A"}),
        ({"type": "File", "Name": "C:\\Temp\\a.exe"}, {"Directory": "C:\\Temp", "Name": "a.exe"}),
        ({"type": "File", "Name": "/usr/bin/nc"}, {"Directory": "/usr/bin", "Name": "nc"}),
        ({"type": "File", "Name": "a.exe", "Directory": "C:\\Temp\\A.EXE"}, {"Directory": "C:\\Temp", "Name": "a.exe"}),
        ({"type": "File", "Name": "a.exe", "Directory": "C:\\"}, {"Directory": "C:\\", "Name": "a.exe"}),
        ({"type": "File", "Name": "nc", "Directory": "/opt/NC"}, {"Directory": "/opt/NC", "Name": "nc"}),
        ({"type": "File", "Name": "nc", "Directory": "/opt/func"}, {"Directory": "/opt/func", "Name": "nc"}),
        ({"type": "File", "Name": "nc", "Directory": "/"}, {"Directory": "/", "Name": "nc"}),
        (
            {"type": "RegistryKey", "Key": "HKLM\\SOFTWARE\\Run\\"},
            {"Hive": "HKEY_LOCAL_MACHINE", "Key": "SOFTWARE\\Run"},
        ),
        (
            {"type": "RegistryKey", "Key": "\\REGISTRY\\USER\\S-1-5-21-1\\Run"},
            {"Hive": "HKEY_USERS", "Key": "S-1-5-21-1\\Run"},
        ),
        ({"type": "RegistryKey", "Hive": "hklm", "Key": "SOFTWARE"}, {"Hive": "HKEY_LOCAL_MACHINE", "Key": "SOFTWARE"}),
        ({"type": "RegistryKey", "Hive": "HKEY_A", "Key": "HKLMX\\Y"}, {"Hive": "HKEY_A", "Key": "HKLMX\\Y"}),
        ({"type": "RegistryValue", "Key": "HKCU\\Run", "Name": "x"}, {"Key": "HKEY_CURRENT_USER\\Run", "Name": "x"}),
        ({"type": "Process", "ProcessId": "0x1A4"}, {"ProcessId": "420"}),
        ({"type": "Process", "ProcessId": "420"}, {"ProcessId": "420"}),
        (
            {"type": "AzureResource", "ResourceId": "/subscriptions/s1/resourceGroups/g/providers/p/vm1"},
            {"SubscriptionId": "s1", "ResourceName": "vm1"},
        ),
    ],
)
def test_identifiers_that_follow(given_: dict[str, str], expected: dict[str, str]) -> None:
    found = resolved(Entity.from_dict(given_))
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "one, other, same",
    [
        (
            {"type": "Account", "FullName": "Ann@Contoso.com"},
            {"type": "Account", "Name": "ann", "UPNSuffix": "contoso.com"},
            True,
        ),
        ({"type": "Account", "AadUserId": "AB-1"}, {"type": "Account", "AadUserId": "ab-1"}, True),
        (
            {"type": "IoTDevice", "DeviceId": "7", "IoTHub": "a"},
            {"type": "IoTDevice", "DeviceId": "7", "IoTHub": "b"},
            False,
        ),
        ({"type": "IoTDevice", "DeviceId": "7"}, {"type": "IoTDevice", "DeviceId": "7", "Model": "m"}, True),
        ({"type": "Account", "Name": "ann"}, {"type": "Account", "Name": "ann", "UPNSuffix": "contoso.com"}, False),
        (
            {"type": "Host", "FullName": "PC1.contoso.com"},
            {"type": "Host", "HostName": "pc1", "DnsDomain": "contoso.com"},
            True,
        ),
        ({"type": "IP", "Address": "::FFFF"}, {"type": "IP", "Address": "::ffff"}, True),
        ({"type": "URL", "Url": "http://x/A"}, {"type": "URL", "Url": "http://x/a"}, False),
        ({"type": "URL", "Url": "http://X.example:80"}, {"type": "URL", "Url": "http://x.example/"}, True),
        ({"type": "URL", "Url": "http://x.example:443/"}, {"type": "URL", "Url": "http://x.example/"}, False),
        (
            {"type": "File", "Name": "CMD.exe", "Directory": "c:\\windows\\system32\\"},
            {"type": "File", "Name": "cmd.exe", "Directory": "C:\\Windows\\System32"},
            True,
        ),
        (
            {"type": "File", "Name": "nc", "Directory": "/opt"},
            {"type": "File", "Name": "NC", "Directory": "/opt"},
            False,
        ),
        (
            {"type": "RegistryKey", "Key": "HKLM\\Software\\Run"},
            {"type": "RegistryKey", "Hive": "HKEY_LOCAL_MACHINE", "Key": "SOFTWARE\\Run"},
            True,
        ),
        (
            {"type": "CloudApplication", "Name": "Box", "InstanceName": "a"},
            {"type": "CloudApplication", "Name": "Box", "InstanceName": "b"},
            False,
        ),
        ({"type": "CloudApplication", "AppId": "1"}, {"type": "CloudApplication", "AppId": "1", "Name": "Box"}, True),
        ({"type": "IP", "Address": "1.1.1.1"}, {"type": "DNS", "DomainName": "1.1.1.1"}, False),
    ],
)
def test_identity(one: dict[str, str], other: dict[str, str], same: bool) -> None:
    assert (identity(Entity.from_dict(one)) == identity(Entity.from_dict(other))) is same


@pytest.mark.parametrize(
    "entity",
    [
        {"type": "Account", "FullName": "NT AUTHORITY\\SYSTEM"},
        {"type": "Account", "Sid": "S-1-5-18"},
        {"type": "Account", "Name": "ann"},
        {"type": "IP", "Address": "127.0.0.1"},
        {"type": "Process", "CommandLine": "cmd.exe"},
        {"type": "URL", "Url": "/login.php?a=b.c"},
    ],
)
def test_what_does_not_prove_identity(entity: dict[str, str]) -> None:
    assert strong_keys(Entity.from_dict(entity)) == ()


def test_what_windows_does_not_tell_is_no_entity() -> None:
    """It writes a hyphen where there is no address and no account."""
    rows = [
        {"Ip": "-", "Who": "-\\-", "Sid": "-"},
        {"Ip": " - ", "Who": "-", "Sid": "S-1-5-21-1-2-3-4"},
        {"Ip": "::1", "Who": "\\"},
    ]
    found = entities_of([mapping("IP", Address="Ip"), mapping("Account", FullName="Who", Sid="Sid")], rows)
    assert found == [{"type": "IP", "Address": "::1"}, {"type": "Account", "Sid": "S-1-5-21-1-2-3-4"}]


def test_generic_accounts_are_dropped_unless_somebody_owns_them() -> None:
    assert is_generic_account(Entity.of("Account", {"FullName": "Administrator"}))
    assert not is_generic_account(Entity.of("Account", {"FullName": "CONTOSO\\Administrator"}))
    assert not is_generic_account(Entity.of("Account", {"Name": "root", "Sid": "S-1-5-21-1"}))
    rows = [{"A": "SYSTEM"}, {"A": "ann"}]
    assert entities_of([mapping("Account", FullName="A")], rows) == [{"type": "Account", "FullName": "ann"}]


def test_mapping_is_distinct_and_in_order() -> None:
    rows = [
        {"U": "ann@x.com", "Ip": "1.1.1.1", "N": None, "S": "x.com"},
        {"U": "ANN@x.com", "Ip": "1.1.1.2", "N": "bob", "S": ""},
        {"U": "", "Ip": None, "N": "bob", "S": None},
    ]
    found = entities_of(
        [mapping("Account", FullName="U"), mapping("IP", Address="Ip"), mapping("Account", Name="N", UPNSuffix="S")],
        rows,
    )
    assert found == [
        {"type": "Account", "FullName": "ann@x.com"},
        {"type": "IP", "Address": "1.1.1.1"},
        {"type": "IP", "Address": "1.1.1.2"},
        {"type": "Account", "UPNSuffix": "x.com"},
        {"type": "Account", "Name": "bob"},
    ]


def test_lists_spread_and_other_values_become_text() -> None:
    rows = [{"Ips": ["1.1.1.1", "2.2.2.2", "1.1.1.1"], "Pid": 42, "Cmd": ["a"], "Bag": {"a": 1}, "Flag": True}]
    assert entities_of([mapping("IP", Address="Ips")], rows) == [
        {"type": "IP", "Address": "1.1.1.1"},
        {"type": "IP", "Address": "2.2.2.2"},
    ]
    assert entities_of([mapping("Process", ProcessId="Pid", CommandLine="Cmd")], rows) == [
        {"type": "Process", "ProcessId": "42", "CommandLine": "a"}
    ]
    assert entities_of([mapping("Process", ProcessId="Ips", CommandLine="Cmd")], rows) == [
        {"type": "Process", "ProcessId": '["1.1.1.1","2.2.2.2","1.1.1.1"]', "CommandLine": '["a"]'}
    ]
    assert entities_of([mapping("Malware", Name="Bag", Category="Flag")], rows) == [
        {"type": "Malware", "Name": '{"a":1}', "Category": "True"}
    ]


def test_columns_of_older_rules() -> None:
    rows = [
        {
            "AccountCustomEntity": "ann@x.com",
            "HostCustomEntity": "pc1",
            "IPCustomEntity": "1.1.1.1",
            "URLCustomEntity": "http://x",
            "FileHashCustomEntity": "f" * 32,
            "AlgorithmCustomEntity": "MD5",
        }
    ]
    assert entities_of([], rows) == [
        {"type": "Account", "FullName": "ann@x.com"},
        {"type": "Host", "FullName": "pc1"},
        {"type": "IP", "Address": "1.1.1.1"},
        {"type": "URL", "Url": "http://x"},
        {"type": "FileHash", "Algorithm": "MD5", "Value": "f" * 32},
    ]
    mapped = entities_of([mapping("Account", FullName="HostCustomEntity")], rows)
    assert mapped == [{"type": "Account", "FullName": "pc1"}]  # a rule's own mappings count in place of all of them


def test_missing_columns_are_said() -> None:
    rule = AnalyticsRule(
        id="r",
        name="R",
        entity_mappings=(mapping("Account", FullName="UserPrincpalName", Sid="Sid"),),
        sentinel_entities_columns=("Entities",),
    )
    mapper = EntityMapper(rule, ["UserPrincipalName", "Sid"], AlertLimits())
    assert mapper.notes == [
        "Account.FullName was not mapped: the result has no column 'UserPrincpalName' (nearest: 'UserPrincipalName').",
        "The entities in column 'Entities' were not read: the result has no such column.",
    ]
    assert [entity.to_dict() for entity in mapper.entities([{"Sid": "S-1-5-21-9"}])[0]] == [
        {"type": "Account", "Sid": "S-1-5-21-9"}
    ]


def test_entities_inside_alerts(shared: Any) -> None:
    contract = json.loads((shared / "contracts" / "la_securityalert_rows.json").read_text())["scheduled_rule_row"]
    found = [entity.to_dict() for entity in embedded_entities(contract["Entities"])]
    assert found[0]["type"] == "Account"
    assert (found[0]["Name"], found[0]["UPNSuffix"]) == ("dana.cruz", "contoso.example")
    assert [entity["type"] for entity in found] == [
        "Account",
        "IP",
        "URL",
        "Host",
        "File",
        "AzureResource",
        "Mailbox",
        "MailMessage",
    ]
    rule_rows = [{"Entities": contract["Entities"]}]
    assert entities_of([], rule_rows, sentinel_entities_columns=("Entities",)) == found


@pytest.mark.parametrize(
    "value", [None, "", "not json", "{}", '[1, null, {"Type": 3}, {"Type": "novelty"}]', [{"$ref": "7"}], "[" * 100000]
)
def test_what_is_no_list_of_entities_yields_nothing(value: Any) -> None:
    assert list(embedded_entities(value)) == []


def test_limits_of_entities() -> None:
    rows = [{"Ip": f"10.0.{number // 256}.{number % 256}", "Url": f"http://x/{number}"} for number in range(600)]
    rule = AnalyticsRule(id="r", name="R", entity_mappings=(mapping("IP", Address="Ip"), mapping("URL", Url="Url")))
    mapper = EntityMapper(rule, ["Ip", "Url"], AlertLimits())
    entities, notes = mapper.entities(rows)
    assert len(entities) == 500
    assert sum(entity.type == "IP" for entity in entities) == 250
    assert notes == ["An alert holds 250 entities of one mapping; further ones were left out."] * 2
    wide = [{"Ip": "x" * 9000, "Url": f"http://{number}/" + "y" * 5000} for number in range(50)]
    entities, notes = mapper.entities(wide)
    assert sum(len(json.dumps(entity.to_dict())) for entity in entities) <= 64 * 1024
    assert notes == [
        "An alert holds 64 KB of entities; further ones were left out.",
        "Identifiers of entities are cut to 8,192 characters.",
    ]


identifiers = st.dictionaries(
    st.sampled_from(["FullName", "Name", "UPNSuffix", "NTDomain", "Sid", "AadUserId"]),
    st.text("abAB@\\.", min_size=1, max_size=8),
    min_size=1,
)


@given(identifiers)
def test_identity_ignores_case_and_survives_json(found: dict[str, str]) -> None:
    entity = Entity.of("Account", found)
    assert Entity.from_dict(entity.to_dict()) == entity
    shouted = Entity.of("Account", {name: value.upper() for name, value in found.items()})
    assert identity(shouted) == identity(entity)
    assert entity.title


PIECES = st.lists(
    st.sampled_from(
        ["a", "B.exe", "a.b", "\\", "/", ":", "C:", "HKLM", "hkey_users", "REGISTRY", "MACHINE", "http", "://", "X.example", ":80",
         "@", "0x1F", "::ffff:1.2.3.4", "[", "]", " ", "?", ".", "$"]
    ),
    max_size=7,
).map("".join)  # fmt: skip


@given(data=st.data(), known=st.sampled_from(ENTITY_TYPES))
def test_what_is_in_its_one_form_stays_so(data: st.DataObject, known: EntityType) -> None:
    names = data.draw(st.lists(st.sampled_from(known.identifiers), unique=True, max_size=4))
    once = resolved(Entity.of(known.name, {name: data.draw(PIECES) for name in names}))
    again = Entity.of(known.name, once)
    assert resolved(again) == once
    assert all(once.values())
