"""The entity types that rules may map, as data: identifiers, which of them prove identity, and their names on the wire.

Source: Microsoft Sentinel's entity types reference (learn.microsoft.com/azure/sentinel/entities-reference) and the
SecurityInsights entity models. A type is added by one entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class EntityType:
    """One type of entity.

    `strong` lists the sets of identifiers each of which names exactly one entity; `wire` is `Type` in SecurityAlert's
    Entities; `kind` is ARM's kind; `title` is the identifier that people know it by, tried in order.
    """

    name: str
    identifiers: tuple[str, ...]
    strong: tuple[frozenset[str], ...]
    wire: str
    kind: str
    title: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    """Other spellings seen in templates and in `Type` of alerts, folded."""

    def identifier(self, name: str) -> str | None:
        """The proper spelling of an identifier of this type, or None."""
        return _spelling(self.identifiers, name)


@lru_cache(maxsize=4096)
def _spelling(identifiers: tuple[str, ...], name: str) -> str | None:
    folded = name.strip().casefold()
    return next((identifier for identifier in identifiers if identifier.casefold() == folded), None)


def _type(name: str, identifiers: str, strong: str, wire: str, kind: str, title: str, aliases: str = "") -> EntityType:
    """A table row: names apart by spaces; in `strong`, those of one set joined by `+`."""
    sets = tuple(frozenset(names.split("+")) for names in strong.split())
    return EntityType(name, tuple(identifiers.split()), sets, wire, kind, tuple(title.split()), tuple(aliases.split()))


ENTITY_TYPES: tuple[EntityType, ...] = (
    _type(
        "Account",
        "FullName Name UPNSuffix NTDomain DnsDomain Sid AadUserId AadTenantId PUID IsDomainJoined DisplayName"
        " ObjectGuid CloudAppAccountId",
        "AadUserId Sid PUID ObjectGuid AadTenantId+Name+UPNSuffix AadTenantId+Name+NTDomain AadTenantId+Name+DnsDomain"
        " Name+UPNSuffix Name+NTDomain Name+DnsDomain",
        "account",
        "Account",
        "FullName Name DisplayName AadUserId Sid ObjectGuid PUID",
    ),
    _type(
        "Host",
        "FullName HostName DnsDomain NTDomain NetBiosName AzureID OMSAgentID OSFamily OSVersion IsDomainJoined"
        " MdatpDeviceId AadDeviceId",
        "AzureID OMSAgentID MdatpDeviceId AadDeviceId HostName+NTDomain HostName+DnsDomain NetBiosName+NTDomain"
        " NetBiosName+DnsDomain",
        "host",
        "Host",
        "FullName HostName NetBiosName AzureID OMSAgentID MdatpDeviceId AadDeviceId",
    ),
    _type("IP", "Address AddressScope", "Address Address+AddressScope", "ip", "Ip", "Address", "ipaddress"),
    _type("URL", "Url", "Url", "url", "Url", "Url"),
    _type("File", "Directory Name", "Directory+Name", "file", "File", "Name Directory"),
    _type("FileHash", "Algorithm Value", "Algorithm+Value", "filehash", "FileHash", "Value"),
    _type(
        "Process",
        "ProcessId CommandLine ElevationToken CreationTimeUtc",
        "ProcessId+CreationTimeUtc+CommandLine",
        "process",
        "Process",
        "CommandLine ProcessId",
    ),
    _type(
        "CloudApplication",
        "AppId Name InstanceName InstanceId SaasId",
        "AppId+InstanceName Name+InstanceName AppId SaasId Name",
        "cloud-application",
        "CloudApplication",
        "Name AppId SaasId",
    ),
    _type("DNS", "DomainName IpAddress", "DomainName", "dns", "DnsResolution", "DomainName"),
    _type(
        "AzureResource",
        "ResourceId SubscriptionId ResourceType ResourceName",
        "ResourceId",
        "azure-resource",
        "AzureResource",
        "ResourceId ResourceName",
    ),
    _type("Malware", "Name Category", "Name+Category", "malware", "Malware", "Name"),
    _type("RegistryKey", "Hive Key", "Hive+Key", "registry-key", "RegistryKey", "Key"),
    _type("RegistryValue", "Name Value ValueType Key", "Key+Name", "registry-value", "RegistryValue", "Name"),
    _type(
        "SecurityGroup",
        "DistinguishedName SID ObjectGuid",
        "DistinguishedName SID ObjectGuid",
        "security-group",
        "SecurityGroup",
        "DistinguishedName SID ObjectGuid",
    ),
    _type(
        "Mailbox",
        "MailboxPrimaryAddress DisplayName Upn ExternalDirectoryObjectId RiskLevel AadId",
        "MailboxPrimaryAddress",
        "mailbox",
        "Mailbox",
        "MailboxPrimaryAddress Upn DisplayName",
    ),
    _type(
        "MailCluster",
        "NetworkMessageIds CountByDeliveryStatus CountByThreatType CountByProtectionStatus CountByDeliveryLocation"
        " Threats Query QueryTime MailCount IsVolumeAnomaly Source ClusterSourceIdentifier ClusterSourceType"
        " ClusterQueryStartTime ClusterQueryEndTime ClusterGroup",
        "Query+Source",
        "mail-cluster",
        "MailCluster",
        "Query",
    ),
    _type(
        "MailMessage",
        "Recipient Urls Threats Sender P1Sender P1SenderDisplayName P1SenderDomain SenderIP P2Sender"
        " P2SenderDisplayName P2SenderDomain ReceivedDate NetworkMessageId InternetMessageId Subject"
        " BodyFingerprintBin1 BodyFingerprintBin2 BodyFingerprintBin3 BodyFingerprintBin4 BodyFingerprintBin5"
        " AntispamDirection DeliveryAction DeliveryLocation Language ThreatDetectionMethods",
        "NetworkMessageId+Recipient",
        "mailMessage",
        "MailMessage",
        "Subject NetworkMessageId Recipient",
        "mail-message",
    ),
    _type(
        "SubmissionMail",
        "NetworkMessageId Timestamp Recipient Sender SenderIp Subject ReportType SubmissionId SubmissionDate Submitter",
        "SubmissionId+NetworkMessageId+Recipient+Submitter",
        "SubmissionMail",
        "SubmissionMail",
        "Subject SubmissionId",
        "submission-mail",
    ),
    _type(
        "IoTDevice",
        "IoTHub DeviceId DeviceName IoTSecurityAgentId DeviceType Source SourceRef Manufacturer Model OperatingSystem"
        " IpAddress MacAddress Protocols SerialNumber",
        "IoTHub+DeviceId DeviceId",
        "iotdevice",
        "IoTDevice",
        "DeviceName DeviceId",
    ),
)

_BY_NAME = {
    spelling.casefold(): each for each in ENTITY_TYPES for spelling in (each.name, each.wire, each.kind, *each.aliases)
}


def entity_type(name: str) -> EntityType | None:
    """The type that `name` spells (of a rule, of SecurityAlert's Entities or of ARM, case ignored), or None."""
    return _BY_NAME.get(name.strip().casefold())


CASE_SENSITIVE = frozenset({"URL", "File", "Process"})
"""Types whose identifiers are compared as they are; all others, and files of Windows, are the same in any case."""

GENERIC_ACCOUNTS = frozenset(
    [
        "admin",
        "administrator",
        "system",
        "root",
        "anonymous",
        "authenticated user",
        "network",
        "null",
        "local system",
        "localsystem",
        "network service",
    ]
)
"""Account names so common that, without a domain, they name nobody: Sentinel drops such an entity from its alert."""

LEGACY_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("AccountCustomEntity", "Account", "FullName"),
    ("HostCustomEntity", "Host", "FullName"),
    ("IPCustomEntity", "IP", "Address"),
    ("URLCustomEntity", "URL", "Url"),
    ("FileHashCustomEntity", "FileHash", "Value"),
)
"""Columns by which rules named their entities before there were mappings: column, type, identifier."""

REQUIRED: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    name: tuple(frozenset(one.split("+")) for one in sets.split())
    for name, sets in {
        "Account": "FullName Sid Name AadUserId PUID ObjectGuid",
        "AzureResource": "ResourceId",
        "CloudApplication": "AppId Name",
        "DNS": "DomainName",
        "File": "Name",
        "FileHash": "Algorithm+Value",
        "Host": "FullName HostName NetBiosName AzureID OMSAgentID",
        "IoTDevice": "DeviceId",
        "IP": "Address",
        "MailCluster": "Query Source",
        "MailMessage": "NetworkMessageId Recipient",
        "Mailbox": "MailboxPrimaryAddress",
        "Malware": "Name",
        "Process": "CommandLine ProcessId",
        "RegistryKey": "Key Hive",
        "RegistryValue": "Name",
        "SecurityGroup": "DistinguishedName SID ObjectGuid",
        "SubmissionMail": "SubmissionId NetworkMessageId Recipient Submitter",
        "URL": "Url",
    }.items()
}
"""Identifiers of which Microsoft Sentinel wants one of its type in a mapping; those joined by ``+`` together."""
