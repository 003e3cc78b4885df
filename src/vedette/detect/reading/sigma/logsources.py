"""Where the events of a Sigma log source lie.

A log source is one entry of `SOURCES`; every table in which its events may lie is a `Leg`. A field that a leg does not name is the
column of that name (in any case), a path into a dynamic column or into one that holds JSON, or a value of the event's data.

Sources: the Sigma taxonomy (sigmahq.io/docs/basics/log-sources.html) and the table reference of Azure Monitor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vedette.detect.reading.sigma.endpoints import CATEGORIES, SECURITY, SERVICES, UNIX, channel, processes, syslog
from vedette.detect.reading.sigma.legs import EventData, Leg

_SIGNIN: Final = {
    "status": "iff(ResultType in ('', '0'), 'Success', 'Failure')",
    "resulttype": "ResultType",
    "userprincipalname": "UserPrincipalName",
    "status.errorcode": "ResultType",
    **{
        f"{column}.{key}".casefold(): f"tostring(parse_json({column}).{key})"
        for column, keys in (
            (
                "DeviceDetail",
                ("deviceId", "displayName", "operatingSystem", "browser", "isCompliant", "isManaged", "trustType"),
            ),
            ("LocationDetails", ("city", "state", "countryOrRegion")),
            ("MfaDetail", ("authMethod", "authDetail")),
            ("Status", ("failureReason", "additionalDetails")),
        )
        for key in keys
    },
}
"""Keys of bags, too, which KQL tells apart by case and authors of rules do not."""
_SIGNIN_ENTITIES: Final = {
    "Account.FullName": "UserPrincipalName", "Account.AadUserId": "UserId", "IP.Address": "IPAddress",
}  # fmt: skip
_AUDIT: Final = {
    "properties.message": "OperationName",
    "activitydisplayname": "ActivityDisplayName",
    "activitytype": "AADOperationType",
    "initiatedby": "tostring(InitiatedBy)",
    "targetresources": "tostring(TargetResources)",
    "targetresources.displayname": "tostring(TargetResources[0].displayName)",
    "targetresources.type": "tostring(TargetResources[0].type)",
    "targetresources.userprincipalname": "tostring(TargetResources[0].userPrincipalName)",
    "targetresources.modifiedproperties.newvalue": "tostring(TargetResources[0].modifiedProperties)",
    "modifiedproperties": "tostring(TargetResources[0].modifiedProperties)",
    "status": "Result",
}
_ACTIVITY: Final = {
    "OperationName": "iff(isempty(OperationName), OperationNameValue, OperationName)",
    "operationname": "iff(isempty(OperationNameValue), OperationName, OperationNameValue)",
    "operationnamevalue": "OperationNameValue",
    "category": "iff(isempty(CategoryValue), Category, CategoryValue)",
    "status": "iff(isempty(ActivityStatusValue), ActivityStatus, ActivityStatusValue)",
    "activitystatus": "iff(isempty(ActivityStatusValue), ActivityStatus, ActivityStatusValue)",
    "substatus": "iff(isempty(ActivitySubstatusValue), ActivitySubstatus, ActivitySubstatusValue)",
    "resourceprovider": "iff(isempty(ResourceProviderValue), ResourceProvider, ResourceProviderValue)",
    "resourceid": "_ResourceId",
    "calleripaddress": "CallerIpAddress",
    "properties.message": "iff(isempty(parse_json(Properties).message), OperationNameValue, tostring(parse_json(Properties).message))",
}
"""The columns that end in Value have the resource providers' names, the others texts for people, and of some rows only one is there.
A rule that spells OperationName as the column is spelled means the text; Azure Monitor's own operationName is the provider's name."""
_CLOUD_TRAIL: Final = {
    "useridentity.type": "UserIdentityType",
    "useridentity.principalid": "UserIdentityPrincipalid",
    "useridentity.arn": "UserIdentityArn",
    "useridentity.accountid": "UserIdentityAccountId",
    "useridentity.invokedby": "UserIdentityInvokedBy",
    "useridentity.accesskeyid": "UserIdentityAccessKeyId",
    "useridentity.username": "UserIdentityUserName",
    "useridentity.sessioncontext.attributes.mfaauthenticated": "SessionMfaAuthenticated",
    "useridentity.sessioncontext.sessionissuer.type": "SessionIssuerType",
    "useridentity.sessioncontext.sessionissuer.arn": "SessionIssuerArn",
    "useridentity.sessioncontext.sessionissuer.username": "SessionIssuerUserName",
    "eventtype": "EventTypeName",
    "tlsdetails.tlsversion": "TlsVersion",
}
_OKTA: Final = {
    "eventtype": "eventType_s",
    "legacyeventtype": "legacyEventType_s",
    "displaymessage": "displayMessage_s",
    "severity": "severity_s",
    "outcome.result": "outcome_result_s",
    "outcome.reason": "outcome_reason_s",
    "actor.alternateid": "actor_alternateId_s",
    "actor.displayname": "actor_displayName_s",
    "actor.type": "actor_type_s",
    "actor.id": "actor_id_s",
    "client.ipaddress": "client_ipAddress_s",
    "client.useragent.rawuseragent": "client_userAgent_rawUserAgent_s",
    "client.geographicalcontext.country": "client_geographicalContext_country_s",
    "securitycontext.isproxy": "securityContext_isProxy_b",
    "securitycontext.asorg": "securityContext_asOrg_s",
    "securitycontext.isp": "securityContext_isp_s",
    "securitycontext.domain": "securityContext_domain_s",
    "debugcontext.debugdata.url": "debugContext_debugData_url_s",
    "debugcontext.debugdata.requesturi": "debugContext_debugData_requestUri_s",
    "debugcontext.debugdata.logonlysecuritydata": "debugContext_debugData_logOnlySecurityData_s",
    "target": "target_s",
}
_PROXY: Final = {
    "c-uri": "RequestURL",
    "c-uri-query": "tostring(split(RequestURL, '?', 1)[0])",
    "c-useragent": "RequestClientApplication",
    "cs-method": "RequestMethod",
    "cs-cookie": "RequestCookies",
    "cs-referrer": "RequestContext",
    "cs-referer": "RequestContext",
    "cs-host": "DestinationHostName",
    "r-dns": "DestinationHostName",
    "c-ip": "SourceIP",
    "src_ip": "SourceIP",
    "dst_ip": "DestinationIP",
    "dst_port": "DestinationPort",
    "src_port": "SourcePort",
    "cs-username": "SourceUserName",
    "sc-status": "EventOutcome",
    "action": "DeviceAction",
    "protocol": "Protocol",
}
_CSL_ENTITIES: Final = {
    "IP.Address": "SourceIP",
    "Host.FullName": "SourceHostName",
    "Account.FullName": "SourceUserName",
}
_WEB: Final = {
    "cs-uri-stem": "csUriStem",
    "cs-uri-query": "csUriQuery",
    "cs-uri": "iff(isempty(csUriQuery) or csUriQuery == '-', csUriStem, strcat(csUriStem, '?', csUriQuery))",
    "c-uri": "iff(isempty(csUriQuery) or csUriQuery == '-', csUriStem, strcat(csUriStem, '?', csUriQuery))",
    "cs-method": "csMethod",
    "cs-user-agent": "csUserAgent",
    "c-useragent": "csUserAgent",
    "cs-referer": "csReferer",
    "cs-referrer": "csReferer",
    "cs-cookie": "csCookie",
    "cs-host": "csHost",
    "cs-username": "csUserName",
    "cs-bytes": "csBytes",
    "sc-bytes": "scBytes",
    "sc-status": "scStatus",
    "c-ip": "cIP",
    "s-ip": "sIP",
    "s-port": "sPort",
}

_SIGNIN_LEGS: Final = tuple(
    Leg(table, "", _SIGNIN, entities=_SIGNIN_ENTITIES) for table in ("SigninLogs", "AADNonInteractiveUserSignInLogs")
)
_AUDIT_ENTITIES: Final = {
    "Account.FullName": "tostring(InitiatedBy.user.userPrincipalName)",
    "Account.AadUserId": "tostring(InitiatedBy.user.id)",
    "IP.Address": "tostring(InitiatedBy.user.ipAddress)",
}
_ACTIVITY_ENTITIES: Final = {
    "Account.FullName": "Caller", "IP.Address": "CallerIpAddress", "AzureResource.ResourceId": "_ResourceId",
}  # fmt: skip
_OFFICE: Final = Leg(
    "OfficeActivity",
    "",
    {
        "eventsource": "OfficeWorkload", "eventname": "Operation", "status": "ResultStatus", "objectid": "OfficeObjectId",
        "workload": "OfficeWorkload",
    },
    entities={"Account.FullName": "UserId", "IP.Address": "ClientIP"},
)  # fmt: skip

Key = tuple[str | None, str | None, str | None]
"""Product, category, service; None where the rule says nothing."""

SOURCES: Final[dict[Key, tuple[Leg, ...]]] = {
    **{("windows", category, None): legs for category, legs in CATEGORIES.items()},
    **{("windows", None, service): channel(*names.split("|")) for service, names in SERVICES.items()},
    ("windows", None, "security"): SECURITY,
    **{("linux", category, None): legs for category, legs in UNIX.items()},
    **{("macos", category, None): legs[:1] for category, legs in UNIX.items()},
    ("linux", None, None): (syslog(),),
    ("linux", None, "syslog"): (syslog(),),
    ("linux", None, "auth"): (syslog("Facility in~ ('auth', 'authpriv')"),),
    ("linux", None, "sshd"): (processes("sshd", "sshd-session"),),
    ("linux", None, "sudo"): (processes("sudo"),),
    ("linux", None, "cron"): (syslog("Facility =~ 'cron' or ProcessName in~ ('cron', 'crond', 'CRON')"),),
    ("linux", None, "clamav"): (processes("clamd", "freshclam", "clamscan"),),
    ("linux", None, "vsftpd"): (processes("vsftpd"),),
    ("linux", None, "guacamole"): (processes("guacd", "guacamole"),),
    ("linux", None, "auditd"): (
        replace(syslog("ProcessName in~ ('audit', 'auditd', 'audisp', 'audisp-syslog', 'audispd')", EventData.AUDIT), columns=False),
    ),
    ("azure", None, "signinlogs"): _SIGNIN_LEGS,
    ("azure", None, "auditlogs"): (Leg("AuditLogs", "", _AUDIT, entities=_AUDIT_ENTITIES),),
    ("azure", None, "activitylogs"): (Leg("AzureActivity", "", _ACTIVITY, entities=_ACTIVITY_ENTITIES),),
    ("azure", None, "azureactivity"): (Leg("AzureActivity", "", _ACTIVITY, entities=_ACTIVITY_ENTITIES),),
    ("azure", None, "riskdetection"): (
        Leg(
            "AADUserRiskEvents",
            entities={"Account.FullName": "UserPrincipalName", "Account.AadUserId": "UserId", "IP.Address": "IpAddress"},
        ),
    ),
    ("m365", None, "audit"): (_OFFICE,),
    ("m365", None, "exchange"): (replace(_OFFICE, where="OfficeWorkload =~ 'Exchange'"),),
    ("m365", None, "sharepoint"): (replace(_OFFICE, where="OfficeWorkload in~ ('SharePoint', 'OneDrive')"),),
    ("m365", None, "teams"): (replace(_OFFICE, where="OfficeWorkload =~ 'MicrosoftTeams'"),),
    ("aws", None, "cloudtrail"): (
        Leg("AWSCloudTrail", "", _CLOUD_TRAIL, entities={"Account.FullName": "UserIdentityArn", "IP.Address": "SourceIpAddress"}),
    ),
    ("okta", None, "okta"): (
        Leg("Okta_CL", "", _OKTA, columns=False, entities={"Account.FullName": "actor_alternateId_s", "IP.Address": "client_ipAddress_s"}),
    ),
    ("gcp", None, "gcp.audit"): (
        Leg(
            "GCPAuditLogs", "",
            {"gcp.audit.method_name": "MethodName", "gcp.audit.service_name": "ServiceName", "principalemail": "PrincipalEmail"},
            entities={"Account.FullName": "PrincipalEmail"},
        ),
    ),
    (None, "proxy", None): (Leg("CommonSecurityLog", "", _PROXY, entities=_CSL_ENTITIES),),
    (None, "firewall", None): (Leg("CommonSecurityLog", "", _PROXY, entities=_CSL_ENTITIES),),
    (None, "webserver", None): (
        Leg("W3CIISLog", "", _WEB, entities={"IP.Address": "cIP", "Host.FullName": "Computer", "Account.FullName": "csUserName"}),
    ),
    (None, "dns", None): (
        Leg(
            "DnsEvents", "", {"query": "Name", "record_type": "QueryType", "src_ip": "ClientIP", "answer": "IPAddresses"},
            entities={"IP.Address": "ClientIP", "DNS.DomainName": "Name"},
        ),
    ),
}  # fmt: skip
"""Every log source that is known, with the tables in which its events may lie."""


def legs_of(product: str | None, category: str | None, service: str | None) -> tuple[Leg, ...]:
    """The tables of a log source; none where it is not known. What is more exact than an entry is not taken for it: a category
    of a product that is not here is unknown, but a category that stands alone is the same for every product."""
    key = tuple(part.strip().casefold() if part else None for part in (product, category, service))
    product, category, service = key
    exact = SOURCES.get((product, category, service))
    if exact is not None:
        return exact
    if category is not None and service is None:
        return SOURCES.get((None, category, None), ())
    if category is not None and service is not None:  # `windows`, `process_creation`, `sysmon`: the legs of both
        of_category = SOURCES.get((product, category, None), ())
        of_service = SOURCES.get((product, None, service), ())
        tables = {(leg.table, leg.where) for leg in of_service}
        if service == "sysmon":
            return tuple(leg for leg in of_category if "Sysmon" in leg.where)
        if service == "security":
            return tuple(leg for leg in of_category if leg.table == "SecurityEvent")
        return tuple(leg for leg in of_category if (leg.table, leg.where) in tables)
    return ()
