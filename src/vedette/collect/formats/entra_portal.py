"""The CSV files that the portal of Entra ID gives of sign-ins and audit records, as rows of the tables that diagnostic settings fill.

Which kind of sign-in it is the file's name says (`NonInteractiveSignIns_…`, `ApplicationSignIns_…`, `MSISignIns_…`), since the columns
are the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats import azure_diagnostics
from vedette.collect.formats.columns import Record, Unreadable, text
from vedette.collect.formats.shapes import headed, moment, number, truth
from vedette.collect.formats.timestamps import Moments

_DATES: Final = ("date (utc)", "date")
_FIELDS: Final = {
    "request id": "id", "user agent": "userAgent", "correlation id": "correlationId", "user id": "userId", "user": "userDisplayName",
    "username": "userPrincipalName", "user type": "userType", "cross tenant access type": "crossTenantAccessType",
    "incoming token type": "incomingTokenType", "authentication protocol": "authenticationProtocol",
    "unique token identifier": "uniqueTokenIdentifier", "original transfer method": "originalTransferMethod",
    "client credential type": "clientCredentialType", "application": "appDisplayName", "application id": "appId",
    "app owner tenant id": "appOwnerTenantId", "resource": "resourceDisplayName", "resource id": "resourceIdentity",
    "resource tenant id": "resourceTenantId", "resource owner tenant id": "resourceOwnerTenantId", "home tenant id": "homeTenantId",
    "home tenant name": "homeTenantName", "ip address": "ipAddress", "client app": "clientAppUsed",
    "authentication requirement": "authenticationRequirement", "sign-in identifier": "signInIdentifier", "session id": "sessionId",
    "ip address (seen by resource)": "ipAddressFromResourceProvider", "autonomous system number": "autonomousSystemNumber",
    "token issuer type": "tokenIssuerType", "token issuer name": "tokenIssuerName", "latency": "processingTimeInMilliseconds",
    "conditional access": "conditionalAccessStatus", "service principal id": "servicePrincipalId",
    "service principal name": "servicePrincipalName", "credential key id": "servicePrincipalCredentialKeyId",
    "credential thumbprint": "servicePrincipalCredentialThumbprint", "resource service principal id": "resourceServicePrincipalId",
    "global secure access ip address": "globalSecureAccessIpAddress", "federated credential id": "federatedCredentialId",
}  # fmt: skip
_DEVICE: Final = {
    "device id": "deviceId", "browser": "browser", "operating system": "operatingSystem", "compliant": "isCompliant",
    "managed": "isManaged", "join type": "trustType",
}  # fmt: skip
_WORDS: Final = {"success": "success", "failure": "failure", "not applied": "notApplied", "disabled": "notApplied"}
# The portal shows words of the tables as people read them ("Single-factor authentication", "Device code").
_SHOWN: Final = {
    "authenticationRequirement": ("singleFactorAuthentication", "multiFactorAuthentication"),
    "authenticationProtocol": (
        "none", "oAuth2", "ropc", "wsFederation", "saml20", "deviceCode", "authenticationTransfer", "nativeAuth",
    ),
    "originalTransferMethod": ("none", "deviceCodeFlow", "authenticationTransfer"),
    "incomingTokenType": ("none", "primaryRefreshToken", "saml11", "saml20", "remoteDesktopToken", "refreshToken"),
    "clientCredentialType": (
        "none", "clientSecret", "clientAssertion", "federatedIdentityCredential", "managedIdentity", "certificate",
    ),
    "crossTenantAccessType": (
        "none", "b2bCollaboration", "b2bDirectConnect", "microsoftSupport", "serviceProvider", "passthrough",
    ),
    "tokenIssuerType": ("AzureAD", "ADFederationServices", "AzureADBackupAuth"),
    "userType": ("Member", "Guest"),
}  # fmt: skip
_NOT_LETTERS: Final = re.compile(r"[\W_]+")
_SAID: Final = {name: {word.lower(): word for word in words} for name, words in _SHOWN.items()}
_SAID["authenticationProtocol"]["oauth20"] = "oAuth2"
_KINDS: Final = (
    (re.compile(r"non.?interactive", re.IGNORECASE), "NonInteractiveUserSignInLogs"),
    (re.compile(r"(?:application|service.?principal)s?.?sign", re.IGNORECASE), "ServicePrincipalSignInLogs"),
    (re.compile(r"(?:msi|managed.?identit\w*).?sign", re.IGNORECASE), "ManagedIdentitySignInLogs"),
)
_TARGET: Final = re.compile(r"target(\d+)(type|displayname|objectid|userprincipalname)")
_CHANGE: Final = re.compile(r"target(\d+)modifiedproperty(\d+)(name|oldvalue|newvalue)")
_DETAIL: Final = re.compile(r"additionaldetail(\d+)(key|value)")
_TARGET_NAMES: Final = {
    "type": "type", "displayname": "displayName", "objectid": "id", "userprincipalname": "userPrincipalName",
}  # fmt: skip
_CHANGE_NAMES: Final = {"name": "displayName", "oldvalue": "oldValue", "newvalue": "newValue"}


def is_sign_in(names: set[str]) -> bool:
    """Whether these headings (`shapes.header`) are those of the portal's sign-ins."""
    return {"request id", "application"} <= names and any(date in names for date in _DATES)


def is_audit(names: set[str]) -> bool:
    """Whether these headings are those of the portal's audit records."""
    return {"activity", "service", "category", "result", "actortype"} <= names and any(date in names for date in _DATES)


def read_sign_in(record: Mapping[str, Any], moments: Moments, file: str) -> Record | Unreadable:
    """The row of a sign-in; `file` is the name of the file that it is from."""
    fields = headed(record)
    at = moment(next((fields[date] for date in _DATES if date in fields), None), moments)
    if at is None:
        return Unreadable(text(record), "the sign-in has no date that can be read")
    category = next((category for pattern, category in _KINDS if pattern.search(file)), None)
    if category is None:
        alone = "service principal id" in fields and "username" not in fields
        category = "ServicePrincipalSignInLogs" if alone else "SignInLogs"
    properties: dict[str, Any] = {name: fields[head] for head, name in _FIELDS.items() if head in fields}
    properties["createdDateTime"] = at
    properties["isInteractive"] = category == "SignInLogs"
    if isinstance(applied := properties.get("conditionalAccessStatus"), str):
        properties["conditionalAccessStatus"] = _WORDS.get(applied.lower(), applied)
    for name, words in _SAID.items():
        if isinstance(shown := properties.get(name), str):
            properties[name] = words.get(_NOT_LETTERS.sub("", shown).lower(), shown)
    if "flagged for review" in fields:
        properties["flaggedForReview"] = truth(fields["flagged for review"])
    code = number(fields.get("sign-in error code"))
    outcome = str(fields.get("status") or "")
    if code is None and outcome.lower() == "success":
        code = 0
    reason = fields.get("failure reason")
    status = {"errorCode": code, "failureReason": reason, "additionalDetails": fields.get("additional details")}
    properties["status"] = {name: value for name, value in status.items() if value is not None}
    device = {name: truth(fields[head]) for head, name in _DEVICE.items() if head in fields}
    if device:
        properties["deviceDetail"] = device
    place = _place(fields.get("location"))
    if place:
        properties["location"] = place
    methods = {
        name: fields[head]
        for head, name in (
            ("multifactor authentication result", "authResult"), ("multifactor authentication auth method", "authMethod"),
            ("multifactor authentication auth detail", "authDetail"),
        )
        if head in fields
    }  # fmt: skip
    if methods:
        properties["mfaDetail"] = methods
    return azure_diagnostics.read(
        {
            "category": category, "time": at, "operationName": "Sign-in activity", "properties": properties,
            "resultType": None if code is None else str(code), "resultDescription": reason if code not in (None, 0) else None,
            "correlationId": properties.get("correlationId"), "location": place.get("countryOrRegion"),
            "identity": properties.get("userDisplayName") or properties.get("servicePrincipalName"),
            "durationMs": number(properties.get("processingTimeInMilliseconds")),
        },
        moments,
    )  # fmt: skip


def _place(value: object) -> dict[str, str]:
    """`City, State, Country` as Graph has it."""
    parts = [part.strip() for part in str(value or "").split(",")]
    if not any(parts):
        return {}
    names = ("city", "state", "countryOrRegion")[-len(parts[-3:]) :]
    return {name: part for name, part in zip(names, parts[-3:]) if part}


def read_audit(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of an audit record."""
    fields = headed(record)
    at = moment(next((fields[date] for date in _DATES if date in fields), None), moments)
    if at is None:
        return Unreadable(text(record), "the audit record has no date that can be read")
    correlation = fields.get("correlationid")
    properties: dict[str, Any] = {
        "activityDateTime": at, "activityDisplayName": fields.get("activity"), "category": fields.get("category"),
        "correlationId": correlation, "loggedByService": fields.get("service"), "result": fields.get("result"),
        "resultReason": fields.get("resultreason"), "initiatedBy": _actor(fields), "targetResources": _targets(fields),
        "additionalDetails": _details(fields), "id": fields.get("id"),
    }  # fmt: skip
    return azure_diagnostics.read(
        {
            "category": "AuditLogs", "time": at, "operationName": fields.get("activity"), "resultDescription": fields.get("resultreason"),
            "correlationId": correlation, "identity": fields.get("actordisplayname"),
            "properties": {name: value for name, value in properties.items() if value},
        },
        moments,
    )  # fmt: skip


def _actor(fields: Mapping[str, Any]) -> dict[str, Any]:
    user = {
        "id": fields.get("actorobjectid"), "displayName": fields.get("actordisplayname"),
        "userPrincipalName": fields.get("actoruserprincipalname"), "ipAddress": fields.get("ipaddress"),
    }  # fmt: skip
    app = {
        "displayName": fields.get("actorserviceprincipalname") or fields.get("actordisplayname"),
        "servicePrincipalId": fields.get("actorserviceprincipalid"),
        "servicePrincipalName": fields.get("actorserviceprincipalname"),
    }
    is_app = str(fields.get("actortype") or "").casefold() in (
        "application",
        "serviceprincipal",
        "service principal",
        "app",
    )
    kind, found = ("app", app) if is_app else ("user", user)
    return {kind: {name: value for name, value in found.items() if value}}


def _targets(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    changes: dict[tuple[int, int], dict[str, Any]] = {}
    for name, value in fields.items():
        if part := _TARGET.fullmatch(name):
            found.setdefault(int(part[1]), {})[_TARGET_NAMES[part[2]]] = value
        elif part := _CHANGE.fullmatch(name):
            changes.setdefault((int(part[1]), int(part[2])), {})[_CHANGE_NAMES[part[3]]] = value
    for (target, _), change in sorted(changes.items()):
        found.setdefault(target, {}).setdefault("modifiedProperties", []).append(change)
    return [found[number_] for number_ in sorted(found)]


def _details(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for name, value in fields.items():
        if part := _DETAIL.fullmatch(name):
            found.setdefault(int(part[1]), {})[part[2]] = value
    return [found[number_] for number_ in sorted(found)]
