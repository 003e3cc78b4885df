"""The properties that conditions may be about, a line each: their name in the API, their title, and where their values are.

Source: the enumeration of property names of SecurityInsights' automationRules, and Microsoft Sentinel's table of the entity
properties that automation rules support, with the identifier of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vedette.detect.rule import Severity
from vedette.incidents.logrows import PROVIDER, product_name
from vedette.incidents.vocabulary import Status
from vedette.respond.automation.facts import Facts, Source

Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Property:
    """One property: `get` gives its values, several where the incident has several; `known` are all that it can have."""

    name: str
    title: str
    get: Callable[[Facts], Values]
    known: Values = ()
    update_only: bool = False
    """Whether only an update has it."""
    ours: bool = False
    """Whether Microsoft Sentinel has no such property."""
    rules: bool = False
    """Whether its values are analytics rules."""

    def wanted(self, value: str) -> str:
        """A value of a condition as it is compared: of a resource's id, its last part where that names a rule."""
        if self.rules and "/alertrules/" in value.casefold():
            return value.rstrip("/").rpartition("/")[2]
        return value


def _one(text: str | None) -> Values:
    return () if text is None else (text,)


def _rules(facts: Facts) -> Values:
    """Ids and names: a rule is known here by either."""
    return (*facts.incident.rule_ids, *facts.incident.rule_names)


def _products(facts: Facts) -> Values:
    names = facts.incident.product_names
    return tuple(dict.fromkeys([*names, *map(product_name, names)]))


def _detail_values(facts: Facts) -> Values:
    return tuple(value for values in facts.custom_details.values() for value in values)


def _identifier(entity: str, name: str) -> Callable[[Facts], Values]:
    return lambda facts: facts.identifiers(entity, name)


_INCIDENT: Final = (
    Property("IncidentTitle", "Title", lambda facts: (facts.incident.title,)),
    Property("IncidentDescription", "Description", lambda facts: (facts.incident.description,)),
    Property("IncidentSeverity", "Severity", lambda facts: (facts.incident.severity,), tuple(Severity)),
    Property("IncidentStatus", "Status", lambda facts: (facts.incident.status,), tuple(Status)),
    Property("IncidentOwner", "Owner", lambda facts: facts.now.owner, ours=True),
    Property("IncidentLabel", "Tag", lambda facts: tuple(facts.incident.labels)),
    Property("IncidentTactics", "Tactics", lambda facts: tuple(facts.incident.tactics)),
    Property("IncidentProviderName", "Incident provider", lambda facts: (PROVIDER,)),
    Property("IncidentRelatedAnalyticRuleIds", "Analytics rule", _rules, rules=True),
    Property("IncidentCustomDetailsKey", "Custom details key", lambda facts: tuple(facts.custom_details)),
    Property("IncidentCustomDetailsValue", "Custom details value", _detail_values),
    Property(
        "IncidentUpdatedBySource", "Updated by", lambda facts: _one(facts.source), tuple(Source), update_only=True
    ),
    Property("AlertProductNames", "Alert product names", _products),
    Property("AlertAnalyticRuleIds", "Analytics rule of an alert", _rules, rules=True),
)

_ENTITIES: Final = """
AccountAadTenantId           Account           AadTenantId            Account tenant ID
AccountAadUserId             Account           AadUserId              Account Entra user ID
AccountName                  Account           Name                   Account name
AccountNTDomain              Account           NTDomain               Account NT domain
AccountPUID                  Account           PUID                   Account PUID
AccountSid                   Account           Sid                    Account SID
AccountObjectGuid            Account           ObjectGuid             Account object ID
AccountUPNSuffix             Account           UPNSuffix              Account UPN suffix
AzureResourceResourceId      AzureResource     ResourceId             Azure resource ID
AzureResourceSubscriptionId  AzureResource     SubscriptionId         Azure resource subscription ID
CloudApplicationAppId        CloudApplication  AppId                  Cloud application ID
CloudApplicationAppName      CloudApplication  Name                   Cloud application name
DNSDomainName                DNS               DomainName             DNS domain name
FileDirectory                File              Directory              File directory
FileName                     File              Name                   File name
FileHashValue                FileHash          Value                  File hash
HostAzureID                  Host              AzureID                Host Azure ID
HostName                     Host              HostName               Host name
HostNetBiosName              Host              NetBiosName            Host NetBIOS name
HostNTDomain                 Host              NTDomain               Host NT domain
HostOSVersion                Host              OSVersion              Host operating system
IoTDeviceId                  IoTDevice         DeviceId               IoT device ID
IoTDeviceName                IoTDevice         DeviceName             IoT device name
IoTDeviceType                IoTDevice         DeviceType             IoT device type
IoTDeviceVendor              IoTDevice         Manufacturer           IoT device vendor
IoTDeviceModel               IoTDevice         Model                  IoT device model
IoTDeviceOperatingSystem     IoTDevice         OperatingSystem        IoT device operating system
IPAddress                    IP                Address                IP address
MailboxDisplayName           Mailbox           DisplayName            Mailbox display name
MailboxPrimaryAddress        Mailbox           MailboxPrimaryAddress  Mailbox primary address
MailboxUPN                   Mailbox           Upn                    Mailbox UPN
MailMessageDeliveryAction    MailMessage       DeliveryAction         Mail message delivery action
MailMessageDeliveryLocation  MailMessage       DeliveryLocation       Mail message delivery location
MailMessageRecipient         MailMessage       Recipient              Mail message recipient
MailMessageSenderIP          MailMessage       SenderIP               Mail message sender IP
MailMessageSubject           MailMessage       Subject                Mail message subject
MailMessageP1Sender          MailMessage       P1Sender               Mail message P1 sender
MailMessageP2Sender          MailMessage       P2Sender               Mail message P2 sender
MalwareCategory              Malware           Category               Malware category
MalwareName                  Malware           Name                   Malware name
ProcessCommandLine           Process           CommandLine            Process command line
ProcessId                    Process           ProcessId              Process ID
RegistryKey                  RegistryKey       Key                    Registry key
RegistryValueData            RegistryValue     Value                  Registry value
Url                          URL               Url                    URL
"""


def _entities() -> tuple[Property, ...]:
    rows = (line.split(maxsplit=3) for line in _ENTITIES.strip().splitlines())
    return tuple(Property(name, title, _identifier(entity, identifier)) for name, entity, identifier, title in rows)


PROPERTIES: Final[dict[str, Property]] = {one.name: one for one in (*_INCIDENT, *_entities())}
