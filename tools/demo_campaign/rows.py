"""Rows in the shape of the real tables: one function for each table, with all that every row of it has."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tools.demo_campaign.tenant import (
    DOMAIN,
    EXCHANGE,
    NETBIOS,
    SUBSCRIPTION,
    TENANT,
    WORKSPACE,
    App,
    Person,
    Place,
    Server,
    guid,
)

Row = dict[str, Any]

EDGE: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0"
)
ERRORS: Final = {
    0: "",
    50053: "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    50057: "The user account is disabled.",
    50074: "Strong Authentication is required.",
    50076: "Due to a configuration change made by your administrator, or because you moved to a new location, "
    "you must use multi-factor authentication to access the resource.",
    50126: "Error validating credentials due to invalid username or password.",
    50158: "External security challenge was not satisfied.",
}
"""Result types of sign-ins, as Microsoft Entra ID describes them."""


class Maker:
    """Makes rows; all that is random comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tables: dict[str, list[Row]] = {}

    def id(self) -> str:
        """A new id."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def add(self, table: str, row: Row) -> Row:
        """Keeps a row; without the fields that have no value."""
        kept = {name: value for name, value in row.items() if value is not None} | {"Type": table}
        self.tables.setdefault(table, []).append(kept)
        return kept


def stamp(at: datetime, digits: int = 7) -> str:
    """A moment as the tables write it, with up to seven digits of a second."""
    moment = at.astimezone(UTC)
    fraction = f"{moment.microsecond:06d}"
    seventh = str((moment.microsecond * 7 + moment.second) % 10)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + (fraction + seventh)[:digits] + "Z"


@dataclass(frozen=True)
class Device:
    """What a sign-in knows of the machine it comes from."""

    name: str = ""
    system: str = "Windows10"
    browser: str = "Edge 124.0.0"
    managed: bool = True

    def detail(self) -> Row:
        """DeviceDetail."""
        if not self.name:
            return {"deviceId": "", "operatingSystem": self.system, "browser": self.browser}
        return {
            "deviceId": guid(f"device:{self.name}"), "displayName": self.name, "operatingSystem": self.system,
            "browser": self.browser, "isCompliant": self.managed, "isManaged": self.managed,
            "trustType": "Azure AD joined",
        }  # fmt: skip


@dataclass(frozen=True)
class SignIn:
    """A sign-in, interactive or not."""

    at: datetime
    person: Person
    app: App
    resource: App
    address: str
    place: Place
    device: Device
    result: int = 0
    protocol: str = "none"
    risk: str = "none"
    risk_state: str = "none"
    risk_events: Sequence[str] = ()
    session: str = ""
    factors: bool = False
    """Whether a second factor was asked for."""
    agent: str = EDGE
    client: str = "Browser"
    policies: Mapping[str, str] = field(default_factory=dict)


def sign_in(make: Maker, what: SignIn, *, interactive: bool = True) -> Row:
    """A row of SigninLogs, or of AADNonInteractiveUserSignInLogs, where nested values are text."""
    made = stamp(what.at)
    place = what.place
    location = {
        "city": place.city, "state": place.state, "countryOrRegion": place.country,
        "geoCoordinates": {"latitude": place.latitude, "longitude": place.longitude},
    }  # fmt: skip
    policies = [
        {
            "id": guid(f"policy:{name}"), "displayName": name, "enforcedGrantControls": ["Mfa"],
            "enforcedSessionControls": [], "result": result, "conditionsSatisfied": 3, "conditionsNotSatisfied": 0,
        }
        for name, result in (what.policies or {"Require MFA for all users": "success"}).items()
    ]  # fmt: skip
    outcome: Row = {"errorCode": what.result}
    if what.result:
        outcome |= {"failureReason": ERRORS[what.result]}
    elif what.factors:
        outcome |= {"additionalDetails": "MFA completed in Azure AD"}
    identity = make.id()
    steps = [
        {
            "authenticationStepDateTime": made, "authenticationMethod": "Password",
            "succeeded": what.result not in (50126, 50053),
            "authenticationStepResultDetail": "Correct password" if what.result not in (50126, 50053)
            else "Invalid username or password or Invalid on-premise username or password.",
            "authenticationStepRequirement": "Primary authentication",
        }
    ]  # fmt: skip
    if what.factors:
        steps.append(
            {
                "authenticationStepDateTime": made, "authenticationMethod": "Mobile app notification",
                "succeeded": what.result == 0,
                "authenticationStepResultDetail": "MFA completed in Azure AD" if what.result == 0
                else "MFA denied; user declined the authentication",
                "authenticationStepRequirement": "Multifactor authentication",
            }
        )  # fmt: skip
    nested: Row = {
        "DeviceDetail": what.device.detail(), "LocationDetails": location, "Status": outcome,
        "ConditionalAccessPolicies": policies,
        "MfaDetail": {"authMethod": "Mobile app notification"} if what.factors else {},
    }  # fmt: skip
    row: Row = {
        "TimeGenerated": made, "CreatedDateTime": made, "TenantId": WORKSPACE, "SourceSystem": "Azure AD",
        "ResourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam", "OperationName": "Sign-in activity",
        "OperationVersion": "1.0", "Category": "SignInLogs" if interactive else "NonInteractiveUserSignInLogs",
        "ResultType": str(what.result), "ResultSignature": "SUCCESS" if not what.result else "FAILURE",
        "ResultDescription": ERRORS[what.result] or None, "DurationMs": 0, "CorrelationId": make.id(),
        "Resource": "Microsoft.aadiam", "ResourceGroup": "Microsoft.aadiam", "Identity": what.person.name, "Level": "4",
        "Location": place.country, "AppDisplayName": what.app.name, "AppId": what.app.id,
        "AuthenticationDetails": json.dumps(steps if interactive else []),
        "AuthenticationProcessingDetails": json.dumps([{"key": "Is CAE Token", "value": "False"}]),
        "AuthenticationRequirement": "multiFactorAuthentication" if what.factors else "singleFactorAuthentication",
        "AuthenticationProtocol": what.protocol, "AutonomousSystemNumber": str(place.system),
        "ClientAppUsed": what.client,
        "ConditionalAccessStatus": "failure" if "failure" in what.policies.values() else "success",
        "Id": identity, "OriginalRequestId": identity, "IPAddress": what.address, "NetworkLocationDetails": "[]",
        "ProcessingTimeInMilliseconds": str(make.random.randint(80, 400)),
        "ResourceDisplayName": what.resource.name, "ResourceIdentity": what.resource.id, "RiskDetail": "none",
        "RiskEventTypes_V2": json.dumps(list(what.risk_events)), "RiskLevelAggregated": what.risk,
        "RiskLevelDuringSignIn": what.risk, "RiskState": what.risk_state, "TokenIssuerType": "AzureAD",
        "UniqueTokenIdentifier": make.id(), "UserAgent": what.agent, "UserDisplayName": what.person.name,
        "UserId": what.person.id, "UserPrincipalName": what.person.upn, "UserType": "Member",
        "SessionId": what.session or None, "AADTenantId": TENANT, "HomeTenantId": TENANT, "ResourceTenantId": TENANT,
        "CrossTenantAccessType": "none", "IncomingTokenType": "none" if interactive else "refreshToken",
    }  # fmt: skip
    if interactive:
        return make.add("SigninLogs", row | nested | {"IsInteractive": True})
    for absent in ("ProcessingTimeInMilliseconds", "Resource", "ResourceId"):
        del row[absent]
    written = {name: json.dumps(value) for name, value in nested.items()}
    return make.add("AADNonInteractiveUserSignInLogs", row | written | {"IsInteractive": False})


def person_actor(person: Person, address: str | None = None) -> Row:
    """InitiatedBy, of a person."""
    return {
        "user": {
            "id": person.id, "displayName": person.name, "userPrincipalName": person.upn, "ipAddress": address,
            "roles": [],
        }
    }  # fmt: skip


def app_actor(app: App) -> Row:
    """InitiatedBy, of an application."""
    return {
        "app": {
            "appId": app.id, "displayName": app.name, "servicePrincipalId": guid(f"principal:{app.id}"),
            "servicePrincipalName": None,
        }
    }  # fmt: skip


def modified(name: str, old: object, new: object) -> Row:
    """An entry of modifiedProperties: both values are JSON text."""
    return {
        "displayName": name, "oldValue": None if old is None else json.dumps(old),
        "newValue": None if new is None else json.dumps(new),
    }  # fmt: skip


def target(kind: str, identity: str, name: str | None, *changes: Row, upn: str | None = None) -> Row:
    """An entry of TargetResources."""
    entry: Row = {"id": identity, "displayName": name, "type": kind}
    if upn is not None:
        entry["userPrincipalName"] = upn
    return entry | {"modifiedProperties": list(changes), "administrativeUnits": []}


def audit(
    make: Maker, at: datetime, operation: str, category: str, kind: str, actor: Row, targets: Sequence[Row], *,
    service: str = "Core Directory", agent: str | None = None, correlation: str | None = None,
) -> Row:  # fmt: skip
    """A row of AuditLogs."""
    made, correlation = stamp(at), correlation or make.id()
    who = actor.get("user") or actor.get("app") or {}
    return make.add(
        "AuditLogs",
        {
            "TimeGenerated": made, "ActivityDateTime": made, "TenantId": WORKSPACE, "SourceSystem": "Azure AD",
            "ResourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam", "OperationName": operation,
            "OperationVersion": "1.0", "Category": category, "ResultSignature": "None", "DurationMs": 0,
            "CorrelationId": correlation, "Resource": "Microsoft.aadiam", "ResourceGroup": "Microsoft.aadiam",
            "Level": "4", "Identity": who.get("displayName"),
            "AdditionalDetails": [{"key": "User-Agent", "value": agent}] if agent else [],
            "Id": f"Directory_{correlation}_{make.random.randrange(16**5):05X}_{make.random.randrange(10**8)}",
            "InitiatedBy": actor, "LoggedByService": service, "Result": "success", "ResultReason": "",
            "TargetResources": list(targets), "AADTenantId": TENANT, "ActivityDisplayName": operation,
            "AADOperationType": kind,
        },
    )  # fmt: skip


def office(make: Maker, at: datetime, operation: str, person: Person, workload: str, record: str, **fields: Any) -> Row:
    """A row of OfficeActivity; lists and mappings among `fields` become JSON text."""
    made, identity = stamp(at, 3), make.id()
    extra = {
        name: json.dumps(value) if isinstance(value, list | dict) and name != "OperationProperties" else value
        for name, value in fields.items()
    }
    return make.add(
        "OfficeActivity",
        {
            "TimeGenerated": made, "Start_Time": made, "ElevationTime": made, "TenantId": WORKSPACE,
            "SourceSystem": "OfficeActivityManager", "RecordType": record, "Operation": operation,
            "OrganizationId": TENANT, "OfficeTenantId": TENANT, "OrganizationName": DOMAIN,
            "UserType": "Regular", "UserKey": person.puid, "UserId": person.upn, "OfficeWorkload": workload,
            "ResultStatus": "Succeeded", "OfficeId": identity, "SourceRecordId": identity, "ExternalAccess": "False",
        }
        | extra,
    )  # fmt: skip


def mailbox(person: Person) -> Row:
    """The fields that name a mailbox."""
    return {
        "MailboxOwnerUPN": person.upn, "MailboxGuid": guid(f"mailbox:{person.upn}"), "MailboxOwnerSid": person.sid,
        "LogonUserSid": person.sid, "Logon_Type": "Owner", "InternalLogonType": 0, "AppId": EXCHANGE.id,
        "OriginatingServer": "BE1PR05MB3344 (15.20.7587.004)",
    }  # fmt: skip


def azure(
    make: Maker, at: datetime, operation: str, resource: str, caller: Person | App, address: str, *,
    status: str = "Success", correlation: str | None = None, level: str = "Informational",
    details: Mapping[str, object] | None = None,
) -> Row:  # fmt: skip
    """A row of AzureActivity for an administrative operation, spelled as providers do (`Microsoft.Compute/…`)."""
    made, correlation = stamp(at), correlation or make.id()
    scope = f"/subscriptions/{SUBSCRIPTION}"
    parts = resource.split("/")
    group = parts[4] if len(parts) > 4 else ""
    provider = operation.split("/")[0]
    is_person = isinstance(caller, Person)
    principal = caller.id if isinstance(caller, Person) else guid(f"principal:{caller.id}")
    grant = {
        "action": operation, "scope": resource,
        "evidence": {
            "role": "Contributor", "roleAssignmentScope": scope,
            "roleAssignmentId": guid(f"assignment:{principal}").replace("-", ""),
            "roleDefinitionId": "b24988ac618042a0ab8820f7382dd24c", "principalId": principal.replace("-", ""),
            "principalType": "User" if is_person else "ServicePrincipal",
        },
    }  # fmt: skip
    claims: Row = {
        "aud": "https://management.core.windows.net/", "iss": f"https://sts.windows.net/{TENANT}/",
        "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46" if is_person else caller.id, "ipaddr": address,
        "http://schemas.microsoft.com/identity/claims/objectidentifier": principal,
        "http://schemas.microsoft.com/identity/claims/tenantid": TENANT, "ver": "1.0",
    }  # fmt: skip
    if isinstance(caller, Person):
        claims |= {"name": caller.name, "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": caller.upn}
    properties = {
        "eventCategory": "Administrative", "entity": resource, "message": operation, "hierarchy": f"{TENANT}/{SUBSCRIPTION}",
        "activityStatusValue": status, "caller": caller.upn if isinstance(caller, Person) else principal,
    } | dict(details or {})  # fmt: skip
    return make.add(
        "AzureActivity",
        {
            "TimeGenerated": made, "EventSubmissionTimestamp": made, "TenantId": WORKSPACE, "SourceSystem": "Azure",
            "OperationNameValue": operation.upper(), "Level": level, "ActivityStatusValue": status,
            "ActivitySubstatusValue": {"Success": "OK", "Start": "", "Failure": "Forbidden"}[status],
            "ResourceGroup": group.upper(), "SubscriptionId": SUBSCRIPTION, "CorrelationId": correlation,
            "Caller": caller.upn if isinstance(caller, Person) else principal, "CallerIpAddress": address,
            "CategoryValue": "Administrative", "ResourceProviderValue": provider.upper(),
            "Authorization": json.dumps(grant), "Authorization_d": grant, "Claims": json.dumps(claims),
            "Claims_d": claims, "Properties": json.dumps(properties), "Properties_d": properties,
            "HTTPRequest": json.dumps({"clientRequestId": make.id(), "clientIpAddress": address, "method": "POST"}),
            "OperationId": make.id(), "EventDataId": make.id(), "Hierarchy": f"{TENANT}/{SUBSCRIPTION}",
            "_ResourceId": resource.lower(), "_SubscriptionId": SUBSCRIPTION,
        },
    )  # fmt: skip


@dataclass(frozen=True)
class Process:
    """A process that starts on a server. Users are `DOMAIN\\name`; None is the machine itself (SYSTEM)."""

    at: datetime
    server: Server
    path: str
    command: str
    parent: str
    parent_command: str
    person: Person | None = None


def process(make: Maker, what: Process) -> None:
    """A row of SecurityEvent (4688) and one of DeviceProcessEvents: both sensors see it."""
    number, parent_number = make.random.randrange(400, 9999) * 4, make.random.randrange(200, 2500) * 4
    name = what.path.rsplit("\\", 1)[1]
    parent_name = what.parent.rsplit("\\", 1)[1]
    user = what.person.short if what.person else f"{what.server.name.upper()}$"
    sid = what.person.sid if what.person else "S-1-5-18"
    logon = f"0x{make.random.randrange(2**20, 2**26):x}" if what.person else "0x3e7"
    make.add(
        "SecurityEvent",
        {
            "TimeGenerated": stamp(what.at, 3), "TenantId": WORKSPACE,
            "SourceSystem": "OpsManager", "Computer": what.server.computer, "EventID": 4688, "Channel": "Security",
            "EventSourceName": "Microsoft-Windows-Security-Auditing", "Task": 13312, "Level": "8",
            "Activity": "4688 - A new process has been created.", "Account": f"{NETBIOS}\\{user}",
            "AccountType": "User" if what.person else "Machine", "SubjectUserName": user, "SubjectUserSid": sid,
            "SubjectDomainName": NETBIOS, "SubjectAccount": f"{NETBIOS}\\{user}", "SubjectLogonId": logon,
            "TargetUserSid": "S-1-0-0", "TargetUserName": "-", "TargetDomainName": "-", "TargetAccount": "-\\-",
            "TargetLogonId": "0x0", "NewProcessId": f"0x{number:x}", "NewProcessName": what.path, "Process": name,
            "CommandLine": what.command, "ProcessId": f"0x{parent_number:x}", "ParentProcessName": what.parent,
            "TokenElevationType": "%%1936", "MandatoryLabel": "S-1-16-16384" if not what.person else "S-1-16-12288",
            "SourceComputerId": guid(f"agent:{what.server.name}"),
            "ManagementGroupName": f"AOI-{WORKSPACE}", "MG": "00000000-0000-0000-0000-000000000001",
            "_ResourceId": what.server.resource.lower(), "_SubscriptionId": SUBSCRIPTION,
        },
    )  # fmt: skip
    made = stamp(what.at)
    make.add(
        "DeviceProcessEvents",
        {
            "TimeGenerated": made, "Timestamp": made, "TenantId": WORKSPACE, "ActionType": "ProcessCreated",
            "DeviceId": what.server.device_id, "DeviceName": what.server.computer, "MachineGroup": "Servers",
            "AccountDomain": NETBIOS.lower() if what.person else "nt authority",
            "AccountName": what.person.short if what.person else "system", "AccountSid": sid,
            "AccountUpn": what.person.upn if what.person else None,
            "AccountObjectId": what.person.id if what.person else None, "FileName": name, "FolderPath": what.path,
            "SHA256": guid(f"sha:{name}").replace("-", "") * 2, "SHA1": guid(f"sha:{name}").replace("-", "") + "a1b2c3d4",
            "ProcessCommandLine": what.command, "ProcessCreationTime": made, "ProcessId": number,
            "ProcessIntegrityLevel": "High" if what.person else "System",
            "ProcessTokenElevation": "TokenElevationTypeDefault", "LogonId": int(logon, 16),
            "InitiatingProcessFileName": parent_name.lower(), "InitiatingProcessFolderPath": what.parent.lower(),
            "InitiatingProcessCommandLine": what.parent_command, "InitiatingProcessId": parent_number,
            "InitiatingProcessAccountDomain": NETBIOS.lower() if what.person else "nt authority",
            "InitiatingProcessAccountName": what.person.short if what.person else "system",
            "InitiatingProcessAccountSid": sid, "InitiatingProcessIntegrityLevel": "System",
            "InitiatingProcessSignerType": "OsVendor", "InitiatingProcessSignatureStatus": "Valid",
            "ReportId": make.random.randrange(1000, 99999), "AdditionalFields": {},
        },
    )  # fmt: skip
