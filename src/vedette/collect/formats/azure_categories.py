"""The categories of Azure's diagnostic settings and the tables that they belong to, as data.

Sources: the reference of Azure Monitor's tables, the diagnostic settings of Microsoft Entra ID, Azure Storage and the activity log.
A category that is not here belongs to AzureDiagnostics.
"""

from __future__ import annotations

from typing import Final

ENTRA: Final = {
    "SignInLogs": "SigninLogs",
    "NonInteractiveUserSignInLogs": "AADNonInteractiveUserSignInLogs",
    "ServicePrincipalSignInLogs": "AADServicePrincipalSignInLogs",
    "ManagedIdentitySignInLogs": "AADManagedIdentitySignInLogs",
    "ADFSSignInLogs": "ADFSSignInLogs",
    "AuditLogs": "AuditLogs",
    "ProvisioningLogs": "AADProvisioningLogs",
    "RiskyUsers": "AADRiskyUsers",
    "UserRiskEvents": "AADUserRiskEvents",
    "RiskyServicePrincipals": "AADRiskyServicePrincipals",
    "ServicePrincipalRiskEvents": "AADServicePrincipalRiskEvents",
    "MicrosoftGraphActivityLogs": "MicrosoftGraphActivityLogs",
    "AzureADGraphActivityLogs": "AADGraphActivityLogs",
    "B2CRequestLogs": "AADB2CRequestLogs",
    "CustomSecurityAttributeAuditLogs": "AADCustomSecurityAttributeAuditLogs",
    "NetworkAccessTrafficLogs": "NetworkAccessTraffic",
    "EnrichedOffice365AuditLogs": "EnrichedMicrosoft365AuditLogs",
    **{
        name: name
        for name in (
            "MicrosoftServicePrincipalSignInLogs", "NetworkAccessAlerts", "NetworkAccessConnectionEvents",
            "NetworkAccessGenerativeAIInsights", "RemoteNetworkHealthLogs",
        )
    },
}  # fmt: skip

INTUNE: Final = {
    "AuditLogs": "IntuneAuditLogs",
    "OperationalLogs": "IntuneOperationalLogs",
    "DeviceComplianceOrg": "IntuneDeviceComplianceOrg",
    "Devices": "IntuneDevices",
    "Windows365AuditLogs": "Windows365AuditLogs",
}
"""Categories of Intune, some of which others have, too: its records name a tenant, and no resource."""
INTUNE_AUDIT: Final = frozenset({"AuditEventId", "ActivityResultStatus", "TargetObjectIds"})
"""What only the audit records of Intune have, and those of Entra, which may name no resource either, do not."""

# Activity log: what a category is called in the table.
ACTIVITY: Final = {
    "Action": "Administrative",
    "Write": "Administrative",
    "Delete": "Administrative",
    "Administrative": "Administrative",
    "Security": "Security",
    "ServiceHealth": "ServiceHealth",
    "ResourceHealth": "ResourceHealth",
    "Alert": "Alert",
    "Autoscale": "Autoscale",
    "Policy": "Policy",
    "Recommendation": "Recommendation",
}

ACTIVITY_ALONE: Final = frozenset({"Administrative", "ServiceHealth", "ResourceHealth", "Autoscale", "Recommendation"})
"""Categories that no resource has: their records are the activity log's, whatever else they have."""

STORAGE: Final = ("StorageRead", "StorageWrite", "StorageDelete")
STORAGE_SERVICES: Final = {
    "blobservices": "StorageBlobLogs",
    "fileservices": "StorageFileLogs",
    "queueservices": "StorageQueueLogs",
    "tableservices": "StorageTableLogs",
}

HUNTING: Final = "AdvancedHunting-"
"""Defender XDR streams its tables as categories with this prefix."""

ENTRA_RENAMED: Final = {
    "location": "LocationDetails",
    "appliedConditionalAccessPolicies": "ConditionalAccessPolicies",
    "operationType": "AADOperationType",
    "riskEventTypes_v2": "RiskEventTypes_V2",
    "riskEventTypes": "RiskEventTypes",
    "httpMethod": "RequestMethod",
    "httpStatusCode": "ResponseStatusCode",
    "issuedAt": "TokenIssuedAt",
}

ENTRA_TIMES: Final = ("createdDateTime", "activityDateTime", "timeGenerated", "detectedDateTime")
"""Where the properties of Entra's records say when it was, if nothing around them does."""

STORAGE_IDENTITY: Final = {
    "type": "AuthenticationType",
    "tokenHash": "AuthenticationHash",
    "authorization": "AuthorizationDetails",
}

STORAGE_REQUESTER: Final = {
    "objectId": "RequesterObjectId",
    "tenantId": "RequesterTenantId",
    "appId": "RequesterAppId",
    "audience": "RequesterAudience",
    "tokenIssuer": "RequesterTokenIssuer",
    "upn": "RequesterUpn",
}

ENVELOPE: Final = {
    "operationName": "OperationName",
    "operationVersion": "OperationVersion",
    "resultType": "ResultType",
    "resultSignature": "ResultSignature",
    "resultDescription": "ResultDescription",
    "durationMs": "DurationMs",
    "correlationId": "CorrelationId",
    "callerIpAddress": "CallerIPAddress",
    "level": "Level",
    "Level": "Level",
    "resourceId": "ResourceId",
    "category": "Category",
}
"""Fields around the properties, and their columns in AzureDiagnostics and in the tables of Entra."""

SPECIFIC: Final = frozenset(
    "AppEnvSpringAppConsoleLogs ContainerAppConsoleLogs ContainerAppHTTPLogs ContainerAppSystemLogs "
    "AppServiceAntivirusScanAuditLogs AppServiceAppLogs AppServiceAuditLogs AppServiceAuthenticationLogs AppServiceConsoleLogs "
    "AppServiceFileAuditLogs AppServiceHTTPLogs AppServiceIPSecAuditLogs AppServicePlatformLogs FunctionAppLogs".split()
)
"""Categories whose only table is the one of their name. Others that could be in a table of their own are in AzureDiagnostics."""

OF_PROVIDERS: Final = {
    "microsoft.appplatform/": {
        "ApplicationConsole": "AppPlatformLogsforSpring", "BuildLogs": "AppPlatformBuildLogs",
        "ContainerEventLogs": "AppPlatformContainerEventLogs", "IngressLogs": "AppPlatformIngressLogs",
        "SystemLogs": "AppPlatformSystemLogs",
    },
    "microsoft.aad/domainservices": {
        name: f"AADDomainServices{name}"
        for name in (
            "AccountLogon", "AccountManagement", "DirectoryServiceAccess", "DNSAuditsDynamicUpdates", "DNSAuditsGeneral", "LogonLogoff",
            "PolicyChange", "PrivilegeUse", "SystemSecurity",
        )
    },
}  # fmt: skip
"""Categories whose only table is another one, by what the resource's provider and type begin with: their names alone do not tell it."""

TIMES: Final = (
    "time", "Time", "timeStamp", "timestamp", "Timestamp", "TimeStamp", "eventTimestamp", "originalEventTimestamp", "EventTime",
    "eventTime", "TimeGenerated", "timeGenerated", "EventTimeString",
)  # fmt: skip
"""What services call the time of a record; the first that can be read is its time."""

SPELLED: Final = {
    "Category": "category", "ResourceId": "resourceId", "resourceID": "resourceId", "resourceid": "resourceId",
    "OperationName": "operationName", "Properties": "properties", "TenantId": "tenantId",
}  # fmt: skip
"""Fields around the properties as some services spell them."""
