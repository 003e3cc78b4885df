"""Entities that are one become one, in whatever order they come; two different accounts never do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.detect.entities.entity import Entity, resolved
from vedette.detect.entities.types import ENTITY_TYPES
from vedette.incidents.merging import EntityMerger, MergedEntity

Seen = list[tuple[Entity, str]]


def merged(seen: Seen) -> list[MergedEntity]:
    merger = EntityMerger("incident")
    for entity, alert_id in seen:
        merger.add(entity, alert_id)
    return merger.entities


def one_by_one(seen: Seen) -> list[MergedEntity]:
    """Each in a merger of its own that begins with what the last one came to: as alerts come in over days."""
    present: list[MergedEntity] = []
    for entity, alert_id in seen:
        merger = EntityMerger("incident", present)
        merger.add(entity, alert_id)
        present = merger.entities
    return present


def shape(entities: list[MergedEntity]) -> set[tuple[object, ...]]:
    """All of it but ids and places."""
    return {
        (
            entity.type,
            frozenset(entity.identifiers.items()),
            frozenset(entity.keys),
            frozenset(entity.alert_ids),
            frozenset((record.text, frozenset(record.alert_ids)) for record in entity.records),
        )
        for entity in entities
    }


def account(**identifiers: str) -> Entity:
    return Entity.of("Account", identifiers)


@dataclass(frozen=True)
class Person:
    """An account as it really is; logs tell parts of it."""

    number: int

    @property
    def identifiers(self) -> dict[str, str]:
        n = self.number
        return {
            "AadUserId": f"00000000-0000-4000-8000-{n:012}",
            "Sid": f"S-1-5-21-1-2-3-{1000 + n}",
            "FullName": f"user{n}@contoso.com",
        }

    def by_nt_name(self) -> dict[str, str]:
        return {"FullName": f"CONTOSO\\u{self.number}", "Sid": self.identifiers["Sid"]}


@st.composite
def observations(draw: st.DrawFn) -> list[tuple[int, Entity, str]]:
    """Parts of some people's identifiers, each with at least one that is theirs alone."""
    seen = []
    for number in range(draw(st.integers(1, 12))):
        person = Person(draw(st.integers(0, 3)))
        whole = person.by_nt_name() if draw(st.booleans()) else person.identifiers
        names = draw(st.sets(st.sampled_from(sorted(whole)), min_size=1))
        seen.append((person.number, account(**{name: whole[name] for name in names}), f"alert-{number}"))
    return seen


@settings(deadline=None)
@given(observations(), st.randoms(use_true_random=False))
def test_order_changes_nothing_and_people_stay_apart(
    observed: list[tuple[int, Entity, str]], random: st.DataObject
) -> None:
    seen = [(entity, alert_id) for _, entity, alert_id in observed]
    whose = {alert_id: number for number, _, alert_id in observed}
    found = merged(seen)
    for entity in found:
        assert len({whose[alert_id] for alert_id in entity.alert_ids}) == 1
    assert sorted(alert for entity in found for alert in entity.alert_ids) == sorted(whose)
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert shape(merged(shuffled)) == shape(found)
    assert shape(one_by_one(shuffled)) == shape(found)


ANYTHING = st.sampled_from(["a", "b", "A@x.com", "b@x.com", "D\\a", "S-1-5-21-1-2-3-7", "S-1-5-21-1-2-3-8", "S-1-5-18"])


@st.composite
def anything(draw: st.DrawFn) -> Seen:
    """Entities of every type with few values, so that they collide, contradict one another, and form chains."""
    seen = []
    for number in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from(ENTITY_TYPES[:6] + ENTITY_TYPES[-2:]))
        names = draw(st.sets(st.sampled_from(kind.identifiers), min_size=1, max_size=4))
        seen.append((Entity.of(kind.name, {name: draw(ANYTHING) for name in names}), f"alert-{number}"))
    return seen


@settings(deadline=None)
@given(anything(), st.randoms(use_true_random=False))
def test_whatever_comes_the_order_changes_nothing(seen: Seen, random: st.DataObject) -> None:
    found = merged(seen)
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert shape(merged(shuffled)) == shape(found)
    assert shape(one_by_one(shuffled)) == shape(found)
    assert len({entity.id for entity in found}) == len(found)
    for entity in found:
        for name in ("AadUserId", "ObjectGuid", "PUID") if entity.type == "Account" else ():
            values = {record.identifiers[name].casefold() for record in entity.records if name in record.identifiers}
            assert len(values) <= 1, "two accounts fell together"


OID_A, OID_B = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"


def together(*entities: Entity) -> list[list[int]]:
    """Which of the entities are one, the same in every order."""
    answers = set()
    for order in permutations(range(len(entities))):
        found = merged([(entities[index], str(index)) for index in order])
        answers.add(tuple(sorted(tuple(sorted(int(one) for one in entity.alert_ids)) for entity in found)))
    assert len(answers) == 1
    return [list(one) for one in answers.pop()]


CASES = {
    "a name in any case": ((account(FullName="ann@x.com"), account(Name="ANN", UPNSuffix="X.com")), [[0, 1]]),
    "object id and name, joined by who has both": (
        (account(AadUserId=OID_A), account(FullName="ann@x.com"), account(AadUserId=OID_A, FullName="ann@x.com")),
        [[0, 1, 2]],
    ),
    "SID and NT name": ((account(FullName="D\\ann", Sid="S-1-5-21-1-2-3-7"), account(Sid="s-1-5-21-1-2-3-7")), [[0, 1]]),
    "a name that two have had names neither": (
        (account(AadUserId=OID_A, FullName="ann@x.com"), account(AadUserId=OID_B, FullName="ann@x.com"),
         account(FullName="ann@x.com")),
        [[0], [1], [2]],
    ),
    "a renamed account": (
        (account(AadUserId=OID_A, FullName="ann@x.com"), account(AadUserId=OID_A, FullName="ann.b@x.com")), [[0, 1]],
    ),
    "the SID of the directory and the SID of the cloud": (
        (account(AadUserId=OID_A, Sid="S-1-5-21-1-2-3-7"), account(AadUserId=OID_A, Sid="S-1-12-1-1-2-3-4")), [[0, 1]],
    ),
    "a built-in SID names nobody": ((account(Sid="S-1-5-18", Name="a"), account(Sid="S-1-5-18", Name="b")), [[0], [1]]),
    "the same name in two domains": ((account(FullName="A\\ann"), account(FullName="B\\ann")), [[0], [1]]),
    "a host by its full name and by its device": (
        (Entity.of("Host", {"FullName": "pc1.x.com"}), Entity.of("Host", {"MdatpDeviceId": "d1", "FullName": "PC1.x.com"}),
         Entity.of("Host", {"MdatpDeviceId": "D1"})),
        [[0, 1, 2]],
    ),
    "a private address in two networks": (
        (Entity.of("IP", {"Address": "10.0.0.5", "AddressScope": "a"}),
         Entity.of("IP", {"Address": "10.0.0.5", "AddressScope": "b"})),
        [[0], [1]],
    ),
    "one address in two forms": (
        (Entity.of("IP", {"Address": "2001:DB8::1"}), Entity.of("IP", {"Address": "2001:db8:0::0:1"})), [[0, 1]],
    ),
    "a hash whose algorithm its length tells": (
        (Entity.of("FileHash", {"Value": "A" * 64}), Entity.of("FileHash", {"Value": "a" * 64, "Algorithm": "SHA-256"})),
        [[0, 1]],
    ),
    "registry values of two keys": (
        (Entity.of("RegistryValue", {"Key": "Run", "Name": "x"}), Entity.of("RegistryValue", {"Key": "RunOnce", "Name": "x"})),
        [[0], [1]],
    ),
    "what is built in is the same on every machine": (
        (account(Sid="S-1-5-32-544", Name="a"), account(Sid="S-1-5-32-544", Name="b"),
         account(Sid="S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", Name="c"),
         account(Sid="S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", Name="d"),
         Entity.of("SecurityGroup", {"SID": "S-1-5-32-544", "DistinguishedName": "CN=Administrators,DC=a"}),
         Entity.of("SecurityGroup", {"SID": "S-1-5-32-544", "DistinguishedName": "CN=Administrators,DC=b"})),
        [[0], [1], [2], [3], [4], [5]],
    ),
    "an account of this machine, whichever that is": (
        (account(FullName=".\\admin2", DisplayName="a"), account(FullName=".\\admin2", DisplayName="b"),
         account(FullName="localhost\\admin2")),
        [[0], [1], [2]],
    ),
    "a name that is not told": (
        (account(FullName="D\\-", PUID="a"), account(FullName="D\\-", PUID="b"), account(Name="-", NTDomain="D")), [[0], [1], [2]],
    ),
    "a group of a domain": (
        (Entity.of("SecurityGroup", {"SID": "S-1-5-21-1-2-3-512"}),
         Entity.of("SecurityGroup", {"SID": "s-1-5-21-1-2-3-512", "DistinguishedName": "CN=Admins,DC=a"})),
        [[0, 1]],
    ),
    "one name in two tenants": (
        (account(FullName="D\\ann", AadTenantId="T1"), account(FullName="D\\ann", AadTenantId="T2"),
         account(FullName="d\\ANN", AadTenantId="t1"), account(FullName="D\\ann")),
        [[0, 2], [1], [3]],
    ),
    "a name that one tenant is known of": (
        (account(FullName="ann@x.com", AadTenantId="T1"), account(FullName="ann@x.com")), [[0, 1]],
    ),
    "an object id that was seen from two tenants": (
        (account(AadUserId=OID_A, AadTenantId="T1"), account(AadUserId=OID_A, AadTenantId="T2", FullName="ann@x.com"),
         account(FullName="ann@x.com", AadTenantId="T1")),
        [[0, 1, 2]],
    ),
    "a host by its name of NetBIOS": (
        (Entity.of("Host", {"NetBiosName": "PC1", "NTDomain": "D"}), Entity.of("Host", {"FullName": "d\\pc1"}),
         Entity.of("Host", {"NetBiosName": "PC1", "DnsDomain": "x.com"}), Entity.of("Host", {"FullName": "pc1.x.com"})),
        [[0, 1], [2, 3]],
    ),
    "a name of NetBIOS that may be cut": (
        (Entity.of("Host", {"NetBiosName": "ABCDEFGHIJKLMNO", "NTDomain": "D"}),
         Entity.of("Host", {"HostName": "abcdefghijklmno", "NTDomain": "D"})),
        [[0], [1]],
    ),
    "a link-local address on two links": (
        (Entity.of("IP", {"Address": "fe80::1%eth0"}), Entity.of("IP", {"Address": "fe80::1%eth1"}),
         Entity.of("IP", {"Address": "2001:db8::1%3"}), Entity.of("IP", {"Address": "2001:db8::1"})),
        [[0], [1], [2, 3]],
    ),
    "a process that began at one time, written in two ways": (
        tuple(Entity.of("Process", {"ProcessId": pid, "CommandLine": "x", "CreationTimeUtc": at})
              for pid, at in (("500", "2026-01-01T00:00:00Z"), ("0x1f4", "2026-01-01T00:00:00.0000000Z"),
                              ("500", "2026-01-01T00:00:01Z"))),
        [[0, 1], [2]],
    ),
    "an account and a host of one name": ((account(Name="ann"), Entity.of("Host", {"HostName": "ann"})), [[0], [1]]),
}  # fmt: skip


SPELT: dict[str, tuple[str, list[str], list[str]]] = {
    "URL of a host": ("Url", ["http://b\u00fccher.example/", "HTTP://B\u00dcCHER.example:80", "http://xn--bcher-kva.example.",
                        "http://b\u00fccher\uff0eexample"],
                ["http://bucher.example/", "https://xn--bcher-kva.example/"]),
    "URL escaped": ("Url", ["http://a.com/%7Ex%2fy", "http://a.com/~x%2Fy", "http://a.com/%7ex%2Fy"], ["http://a.com/~x/y"]),
    "URL with a stray percent": ("Url", ["http://a.com/100%/%7E"], ["http://a.com/100%/~"]),
    "DNS": ("DomainName", ["b\u00fccher.example", "xn--bcher-kva.example.", "B\u00dcCHER\uff0eexample"], ["bucher.example"]),
    "RegistryValue": ("Key", ["HKLM\\A\\B", "HKEY_LOCAL_MACHINE\\\\A\\B", "Computer\\HKEY_LOCAL_MACHINE\\A\\B",
                              "Registry::HKEY_LOCAL_MACHINE\\A\\B\\", "HKLM:\\A\\B"], ["HKCU\\A\\B", "A\\B"]),
    "File": ("Directory", ["C:\\Users\\x", "c:/users/x/", "C:\\Users\\x\\n"], ["/users/x"]),
    "FileHash": ("Algorithm", ["SHA256", "sha-256", "Unknown", ""], ["SHA256AC"]),
}  # fmt: skip
"""Of a type of entity, one identifier: what is the same, and what is another."""


@pytest.mark.parametrize("case", SPELT, ids=lambda case: case)
def test_what_is_spelt_in_several_ways(case: str) -> None:
    name, same, others = SPELT[case]
    rest = {"RegistryValue": {"Name": "n"}, "File": {"Name": "n"}, "FileHash": {"Value": "a" * 64}}.get(case, {})
    written = [Entity.of(case.split()[0], {**rest, name: text}) for text in [*same, *others]]
    expected = [list(range(len(same))), *([len(same) + index] for index in range(len(others)))]
    found = merged([(entity, str(index)) for index, entity in enumerate(written)])
    assert sorted(sorted(map(int, one.alert_ids)) for one in found) == expected


@settings(deadline=None)
@given(
    st.sampled_from(["URL", "DNS", "File", "RegistryValue"]),
    st.text(max_size=30),
    st.sampled_from(["", "http://", "C:/"]),
)
def test_the_one_form_is_its_own(type_name: str, text: str, start: str) -> None:
    name = {"URL": "Url", "DNS": "DomainName", "File": "Directory", "RegistryValue": "Key"}[type_name]
    once = resolved(Entity.of(type_name, {name: start + text}))
    assert resolved(Entity.of(type_name, once)) == once


@pytest.mark.parametrize("case", CASES, ids=lambda case: case)
def test_what_is_one(case: str) -> None:
    entities, expected = CASES[case]
    assert together(*entities) == expected


def test_an_entity_keeps_its_id_and_never_gets_a_name_that_nobody_has() -> None:
    first = EntityMerger("incident")
    first.add(account(FullName="ann@x.com", Sid="S-1-5-21-1-2-3-7"), "1")
    (before,) = first.entities
    then = EntityMerger("incident", first.entities)
    then.add(account(FullName="D\\a.smith", Sid="S-1-5-21-1-2-3-7"), "2")
    (after,) = then.entities
    assert after.id == before.id
    assert (after.identifiers["Name"], after.identifiers.get("UPNSuffix"), after.identifiers.get("NTDomain")) in {
        ("ann", "x.com", None),
        ("a.smith", None, "D"),
    }
    assert after.alert_ids == ["1", "2"] or sorted(after.alert_ids) == ["1", "2"]


def test_what_only_other_alerts_have_shown_goes() -> None:
    merger = EntityMerger("incident")
    merger.add(account(AadUserId=OID_A), "1")
    merger.add(account(AadUserId=OID_A, FullName="ann@x.com"), "2")
    merger.keep_only(["1"])
    (left,) = merger.entities
    assert (left.identifiers, left.alert_ids) == ({"AadUserId": OID_A}, ["1"])
