"""The entity types that rules may map, as data: identifiers, which of them prove identity, and their names on the wire.

Source: Microsoft Sentinel's entity types reference (learn.microsoft.com/azure/sentinel/entities-reference) and the
SecurityInsights entity models. A type is added by one entry here.
"""

from __future__ import annotations

from dataclasses import dataclass, field


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
    renamed: dict[str, str] = field(default_factory=dict)
    """Identifier → its other name in SecurityAlert's Entities, where that differs."""

    def identifier(self, name: str) -> str | None:
        """The proper spelling of an identifier of this type, or None."""
        folded = name.strip().casefold()
        return next((identifier for identifier in self.identifiers if identifier.casefold() == folded), None)


def _strong(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(names.split("+")) for names in sets)


ENTITY_TYPES: tuple[EntityType, ...] = (
    EntityType(
        "Account",
        (
            "FullName", "Name", "UPNSuffix", "NTDomain", "DnsDomain", "Sid", "AadUserId", "AadTenantId", "PUID",
            "IsDomainJoined", "DisplayName", "ObjectGuid", "CloudAppAccountId",
        ),
        _strong("AadUserId", "Sid", "PUID", "ObjectGuid", "Name+UPNSuffix", "Name+NTDomain", "Name+DnsDomain"),
        "account", "Account", ("FullName", "Name", "DisplayName", "AadUserId", "Sid", "ObjectGuid", "PUID"),
    ),
    EntityType(
        "Host",
        (
            "FullName", "HostName", "DnsDomain", "NTDomain", "NetBiosName", "AzureID", "OMSAgentID", "OSFamily",
            "OSVersion", "IsDomainJoined", "MdatpDeviceId", "AadDeviceId",
        ),
        _strong(
            "AzureID", "OMSAgentID", "MdatpDeviceId", "AadDeviceId", "HostName+NTDomain", "HostName+DnsDomain",
            "NetBiosName+NTDomain", "NetBiosName+DnsDomain",
        ),
        "host", "Host", ("FullName", "HostName", "NetBiosName", "AzureID", "OMSAgentID", "MdatpDeviceId", "AadDeviceId"),
    ),
    EntityType("IP", ("Address", "AddressScope"), _strong("Address"), "ip", "Ip", ("Address",), ("ipaddress",)),
    EntityType("URL", ("Url",), _strong("Url"), "url", "Url", ("Url",)),
    EntityType(
        "File", ("Directory", "Name"), _strong("Directory+Name"), "file", "File", ("Name", "Directory"),
    ),
    EntityType("FileHash", ("Algorithm", "Value"), _strong("Algorithm+Value"), "filehash", "FileHash", ("Value",)),
    EntityType(
        "Process", ("ProcessId", "CommandLine", "ElevationToken", "CreationTimeUtc"),
        _strong("ProcessId+CreationTimeUtc+CommandLine"), "process", "Process", ("CommandLine", "ProcessId"),
    ),
    EntityType(
        "CloudApplication", ("AppId", "Name", "InstanceName", "InstanceId", "SaasId"),
        _strong("AppId+InstanceName", "Name+InstanceName", "AppId", "SaasId", "Name"), "cloud-application",
        "CloudApplication", ("Name", "AppId", "SaasId"), ("cloudapplication",),
    ),
    EntityType("DNS", ("DomainName", "IpAddress"), _strong("DomainName"), "dns", "DnsResolution", ("DomainName",), ("dnsresolution",)),
    EntityType(
        "AzureResource", ("ResourceId", "SubscriptionId", "ResourceType", "ResourceName"), _strong("ResourceId"),
        "azure-resource", "AzureResource", ("ResourceId", "ResourceName"), ("azureresource",),
    ),
    EntityType("Malware", ("Name", "Category"), _strong("Name+Category"), "malware", "Malware", ("Name",)),
    EntityType(
        "RegistryKey", ("Hive", "Key"), _strong("Hive+Key"), "registry-key", "RegistryKey", ("Key",), ("registrykey",),
    ),
    EntityType(
        "RegistryValue", ("Name", "Value", "ValueType", "Key"), _strong("Key+Name"), "registry-value", "RegistryValue", ("Name",),
        ("registryvalue",),
    ),
    EntityType(
        "SecurityGroup", ("DistinguishedName", "SID", "ObjectGuid"), _strong("DistinguishedName", "SID", "ObjectGuid"),
        "security-group", "SecurityGroup", ("DistinguishedName", "SID", "ObjectGuid"), ("securitygroup",),
    ),
    EntityType(
        "Mailbox", ("MailboxPrimaryAddress", "DisplayName", "Upn", "ExternalDirectoryObjectId", "RiskLevel", "AadId"),
        _strong("MailboxPrimaryAddress"), "mailbox", "Mailbox", ("MailboxPrimaryAddress", "Upn", "DisplayName"),
    ),
    EntityType(
        "MailCluster",
        (
            "NetworkMessageIds", "CountByDeliveryStatus", "CountByThreatType", "CountByProtectionStatus",
            "CountByDeliveryLocation", "Threats", "Query", "QueryTime", "MailCount", "IsVolumeAnomaly", "Source",
            "ClusterSourceIdentifier", "ClusterSourceType", "ClusterQueryStartTime", "ClusterQueryEndTime", "ClusterGroup",
        ),
        _strong("Query+Source"), "mail-cluster", "MailCluster", ("Query",), ("mailcluster",),
    ),
    EntityType(
        "MailMessage",
        (
            "Recipient", "Urls", "Threats", "Sender", "P1Sender", "P1SenderDisplayName", "P1SenderDomain", "SenderIP",
            "P2Sender", "P2SenderDisplayName", "P2SenderDomain", "ReceivedDate", "NetworkMessageId", "InternetMessageId",
            "Subject", "BodyFingerprintBin1", "BodyFingerprintBin2", "BodyFingerprintBin3", "BodyFingerprintBin4",
            "BodyFingerprintBin5", "AntispamDirection", "DeliveryAction", "DeliveryLocation", "Language",
            "ThreatDetectionMethods",
        ),
        _strong("NetworkMessageId+Recipient"), "mailMessage", "MailMessage", ("Subject", "NetworkMessageId", "Recipient"),
        ("mail-message", "mailmessage"),
    ),
    EntityType(
        "SubmissionMail",
        (
            "NetworkMessageId", "Timestamp", "Recipient", "Sender", "SenderIp", "Subject", "ReportType", "SubmissionId",
            "SubmissionDate", "Submitter",
        ),
        _strong("SubmissionId+NetworkMessageId+Recipient+Submitter"), "SubmissionMail", "SubmissionMail",
        ("Subject", "SubmissionId"), ("submission-mail",),
    ),
    EntityType(
        "IoTDevice",
        ("DeviceId", "DeviceName", "DeviceType", "Source", "Manufacturer", "Model", "OperatingSystem", "MacAddress", "SerialNumber"),
        _strong("DeviceId"), "iotdevice", "IoTDevice", ("DeviceName", "DeviceId"),
    ),
)

_BY_NAME = {
    spelling: entity_type
    for entity_type in ENTITY_TYPES
    for spelling in (entity_type.name.casefold(), entity_type.wire.casefold(), entity_type.kind.casefold(), *entity_type.aliases)
}


def entity_type(name: str) -> EntityType | None:
    """The type that `name` spells (of a rule, of SecurityAlert's Entities or of ARM, case ignored), or None."""
    return _BY_NAME.get(name.strip().casefold())


GENERIC_ACCOUNTS = frozenset(
    {
        "admin", "administrator", "system", "root", "anonymous", "authenticated user", "network", "null", "local system",
        "localsystem", "network service",
    }
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
