"""Entities: who and what an alert is about, in the identifiers that were found, and what makes two of them the same."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import whitespace
from typing import Final

from vedette.detect.entities.forms import (
    address_form,
    dns_form,
    file_form,
    is_absolute,
    is_windows_path,
    moment_form,
    process_id_form,
    registry_form,
    registry_path,
    url_form,
)
from vedette.detect.entities.types import CASE_SENSITIVE, GENERIC_ACCOUNTS, EntityType, entity_type

_BUILTIN_DOMAINS: Final = frozenset(
    {
        "nt authority",
        "nt service",
        "builtin",
        "workgroup",
        "window manager",
        "font driver host",
        "iis apppool",
        "nt virtual machine",
        ".",
        "-",
        "localhost",
    }
)
_SID: Final = re.compile(r"s-1-\d+(-|$)")
_SID_OF_ONE: Final = re.compile(r"s-1-(5-21-(?!0-0-0-)|12-)")
"""Of a domain, of a machine or of Entra. All others (SYSTEM, services, groups that are built in) are the same everywhere.

Source: learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers.
"""
_HASH_LENGTHS: Final = {32: "MD5", 40: "SHA1", 64: "SHA256"}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: its type and the identifiers that were found, by name, in the order of the type."""

    type: str
    identifiers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, type_name: str, identifiers: Mapping[str, str]) -> Entity:
        """An entity of a known type; identifiers are put in the type's order, unknown ones last."""
        known = entity_type(type_name)
        order = {name: index for index, name in enumerate(known.identifiers)} if known else {}
        pairs = sorted(identifiers.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0]))
        return cls(known.name if known else type_name, tuple(pairs))

    @classmethod
    def from_dict(cls, value: Mapping[str, str]) -> Entity:
        """The entity that `to_dict` wrote."""
        return cls.of(value["type"], {name: text for name, text in value.items() if name != "type"})

    def to_dict(self) -> dict[str, str]:
        """``{"type": "Account", "FullName": …}``."""
        return {"type": self.type, **dict(self.identifiers)}

    @property
    def title(self) -> str:
        """What people call it: its most telling identifier."""
        found = dict(self.identifiers)
        known = entity_type(self.type)
        if self.type == "Account" and "Name" in found and "FullName" not in found:
            if "UPNSuffix" in found:
                return f"{found['Name']}@{found['UPNSuffix']}"
            if "NTDomain" in found:
                return f"{found['NTDomain']}\\{found['Name']}"
        if self.type == "Host" and "HostName" in found and "FullName" not in found and "DnsDomain" in found:
            return f"{found['HostName']}.{found['DnsDomain']}"
        for name in known.title if known else ():
            if found.get(name):
                return found[name]
        return next(iter(found.values()), self.type)

    @property
    def key(self) -> str:
        """Equal for entities that are the same within one alert: the type and every identifier, case ignored."""
        return f"{self.type}:{json.dumps(_folded(self.type, dict(self.identifiers)), sort_keys=True)}"


def _folded(type_name: str, identifiers: Mapping[str, str]) -> dict[str, str]:
    windows = type_name == "File" and any(is_windows_path(value) for value in identifiers.values())
    if type_name in CASE_SENSITIVE and not windows:
        return dict(identifiers)
    return {name: value.casefold() for name, value in identifiers.items()}


def resolved(entity: Entity) -> dict[str, str]:
    """The identifiers with those that follow from them.

    A full name is taken apart (``user@suffix``, ``DOMAIN\\user``, ``host.domain``), addresses, URLs, paths and registry keys are
    written in their one form (`forms.py`), a name of DNS without the dot of the root, a hash's algorithm is told by its length, a
    resource's subscription and name by its id.
    """
    found = {name: value.strip() for name, value in entity.identifiers if is_told(value)}
    for name in _DNS_NAMES.get(entity.type, ()):
        if found.get(name, "").rstrip("."):
            found[name] = dns_form(found[name])
    if entity.type == "Account":
        _resolve_account(found)
    elif entity.type == "Host":
        _resolve_host(found)
    elif entity.type == "IP" and "Address" in found:
        found["Address"] = address_form(found["Address"])
    elif entity.type == "URL" and "Url" in found:
        found["Url"] = url_form(found["Url"])
    elif entity.type == "File":
        file_form(found)
    elif entity.type == "RegistryKey":
        registry_form(found)
    elif entity.type == "RegistryValue" and "Key" in found:
        found["Key"] = registry_path(found["Key"])
    elif entity.type == "Process":
        for name, form in (("ProcessId", process_id_form), ("CreationTimeUtc", moment_form)):
            if name in found:
                found[name] = form(found[name])
    elif entity.type == "FileHash" and "Value" in found:
        algorithm = found.get("Algorithm", "").upper().replace("-", "")
        if algorithm in ("", "UNKNOWN"):
            algorithm = _HASH_LENGTHS.get(len(found["Value"]), algorithm)
        if algorithm:
            found["Algorithm"] = algorithm
    elif entity.type == "AzureResource" and "ResourceId" in found:
        parts = found["ResourceId"].strip("/" + whitespace).split("/")
        if parts[0].casefold() == "subscriptions":
            found["ResourceId"] = "/" + "/".join(parts)
        found.setdefault("ResourceName", parts[-1])
        if len(parts) > 1 and parts[0].casefold() == "subscriptions":
            found.setdefault("SubscriptionId", parts[1])
    return {name: value for name, value in found.items() if is_told(value)}


_DNS_NAMES: Final = {"Host": ("FullName", "HostName", "DnsDomain"), "DNS": ("DomainName",)}


def _resolve_account(found: dict[str, str]) -> None:
    """Take a full name apart; also one that stands in `Name`, as long as that goes with the domain or suffix beside it."""
    full = found.get("FullName") or found.get("Name", "")
    if not full:
        return
    found.setdefault("Name", full)
    for identifier, part in (("NTDomain", _DOMAIN_FIRST), ("UPNSuffix", _SUFFIX_LAST)):
        match = part.fullmatch(full)
        if match is None:
            continue
        said = found.get(identifier, "").casefold()
        if said and said != match["domain"].casefold() and "FullName" not in found:
            return
        found.setdefault(identifier, match["domain"])
        found["Name"] = match["user"]
        while "FullName" not in found and (further := part.fullmatch(found["Name"])) is not None:
            if further["domain"].casefold() != found[identifier].casefold():
                break
            found["Name"] = further["user"]
        return


_DOMAIN_FIRST: Final = re.compile(r"(?P<domain>.*\S)\s*\\\s*(?P<user>[^\\\s][^\\]*)", re.DOTALL)
_SUFFIX_LAST: Final = re.compile(r"(?P<user>.*\S)\s*@\s*(?P<domain>[^@\s][^@]*)", re.DOTALL)


def _resolve_host(found: dict[str, str]) -> None:
    full = found.get("FullName") or found.get("HostName", "")
    if not full:
        # a name of NetBIOS is the host's, unless it is as long as such a name may be: then it may be cut
        if 0 < len(found.get("NetBiosName", "")) < _NETBIOS_LENGTH:
            found["HostName"] = found["NetBiosName"]
        return
    found.setdefault("HostName", full)
    domain, host = (part.strip() for part in full.rpartition("\\")[::2])
    if domain and host:
        found.setdefault("NTDomain", domain)
        found["HostName"] = full = host
    host, domain = (part.strip() for part in full.partition(".")[::2])
    if host and domain and not _is_address(full):
        found.setdefault("DnsDomain", domain)
        found["HostName"] = host


_NETBIOS_LENGTH: Final = 15


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def strong_keys(entity: Entity) -> tuple[str, ...]:
    """Keys each of which names exactly this entity, wherever it is met; none where its identifiers are weak."""
    known = entity_type(entity.type)
    if known is None:
        return ()
    found = _folded(entity.type, resolved(entity))
    keys = []
    for names in known.strong:
        if all(found.get(name) for name in names) and _is_strong(known, names, found):
            keys.append(f"{known.name}:{json.dumps({name: found[name] for name in sorted(names)})}")
    return tuple(keys)


def _is_strong(known: EntityType, names: frozenset[str], found: Mapping[str, str]) -> bool:
    """The reference's conditions: built-in accounts and domains are the same on every machine and name nobody."""
    if known.name == "Account":
        if "Sid" in names:
            return _is_of_one(found["Sid"])
        if "NTDomain" in names:
            return found["NTDomain"] not in _BUILTIN_DOMAINS
    if known.name == "SecurityGroup" and "SID" in names:
        return _is_of_one(found["SID"])
    if known.name == "IoTDevice":
        return "IoTHub" in names or not found.get("IoTHub")  # a hub's devices are named within it
    if known.name == "CloudApplication":
        return "InstanceName" in names or not found.get("InstanceName")  # several of one kind are told apart by it
    if known.name == "URL":
        return is_absolute(found["Url"])
    if known.name == "IP":
        try:
            address = ipaddress.ip_address(found["Address"])
        except ValueError:
            return False
        if address.is_loopback or address.is_unspecified:
            return False
        return "AddressScope" in names or not found.get("AddressScope") or not _is_private(address)
    return True


def _is_of_one(sid: str) -> bool:
    """Whether no other machine and no other domain has a SID."""
    return _SID.match(sid) is None or _SID_OF_ONE.match(sid) is not None


_PRIVATE: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)


def _is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether many machines have this address, each in a network (`AddressScope`) of its own."""
    return any(address.version == network.version and address in network for network in _PRIVATE)


def identity(entity: Entity) -> str:
    """The key under which alerts are compared: the first strong key, or all identifiers where they are weak."""
    strong = strong_keys(entity)
    if strong:
        return strong[0]
    return f"{entity.type}:~{json.dumps(_folded(entity.type, resolved(entity)), sort_keys=True)}"


_UNKNOWN: Final = frozenset({"", "-", "-\\-", "\\"})


def is_told(text: str) -> bool:
    """Whether an identifier says anything: Windows writes ``-`` where there is nothing to tell."""
    return text.strip() not in _UNKNOWN


def is_generic_account(entity: Entity) -> bool:
    """Whether this is an account by a name that every machine has, with nothing that says whose."""
    if entity.type != "Account":
        return False
    found = resolved(Entity.of(entity.type, dict(entity.identifiers)))
    told = {name for name in found if name not in ("FullName", "Name", "DisplayName", "IsDomainJoined")}
    return not told and found.get("Name", "").casefold() in GENERIC_ACCOUNTS
