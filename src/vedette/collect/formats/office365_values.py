"""What the numbers and names of Microsoft 365's unified audit records are in OfficeActivity, as data.

Source: the schema of the Office 365 Management Activity API (AuditLogRecordType, UserType, LogonType), the table OfficeActivity.
"""

from __future__ import annotations

from typing import Final

RECORD_TYPES: Final = {
    1: "ExchangeAdmin", 2: "ExchangeItem", 3: "ExchangeItemGroup", 4: "SharePoint", 6: "SharePointFileOperation", 7: "OneDrive",
    8: "AzureActiveDirectory", 9: "AzureActiveDirectoryAccountLogon", 10: "DataCenterSecurityCmdlet", 11: "ComplianceDLPSharePoint",
    13: "ComplianceDLPExchange", 14: "SharePointSharingOperation", 15: "AzureActiveDirectoryStsLogon",
    16: "SkypeForBusinessPSTNUsage", 17: "SkypeForBusinessUsersBlocked", 18: "SecurityComplianceCenterEOPCmdlet",
    19: "ExchangeAggregatedOperation", 20: "PowerBIAudit", 21: "CRM", 22: "Yammer", 23: "SkypeForBusinessCmdlets", 24: "Discovery",
    25: "MicrosoftTeams", 28: "ThreatIntelligence", 29: "MailSubmission", 30: "MicrosoftFlow", 31: "AeD", 32: "MicrosoftStream",
    33: "ComplianceDLPSharePointClassification", 34: "ThreatFinder", 35: "Project", 36: "SharePointListOperation",
    37: "SharePointCommentOperation", 38: "DataGovernance", 39: "Kaizala", 40: "SecurityComplianceAlerts",
    41: "ThreatIntelligenceUrl", 42: "SecurityComplianceInsights", 43: "MIPLabel", 44: "WorkplaceAnalytics", 45: "PowerAppsApp",
    46: "PowerAppsPlan", 47: "ThreatIntelligenceAtpContent", 48: "LabelContentExplorer", 49: "TeamsHealthcare",
    50: "ExchangeItemAggregated", 51: "HygieneEvent", 52: "DataInsightsRestApiAudit", 53: "InformationBarrierPolicyApplication",
    54: "SharePointListItemOperation", 55: "SharePointContentTypeOperation", 56: "SharePointFieldOperation",
    57: "MicrosoftTeamsAdmin", 58: "HRSignal", 59: "MicrosoftTeamsDevice", 60: "MicrosoftTeamsAnalytics",
    61: "InformationWorkerProtection", 62: "Campaign", 63: "DLPEndpoint", 64: "AirInvestigation", 65: "Quarantine",
    66: "MicrosoftForms",
}  # fmt: skip

USER_TYPES: Final = (
    "Regular", "Reserved", "Admin", "DcAdmin", "System", "Application", "ServicePrincipal", "CustomPolicy", "SystemPolicy",
)  # fmt: skip

LOGON_TYPES: Final = ("Owner", "Admin", "Delegated", "Transport", "SystemService", "BestAccess", "DelegatedAdmin")

RENAMED: Final = {
    "Workload": "OfficeWorkload",
    "Id": "OfficeId",
    "ObjectId": "OfficeObjectId",
    "ClientIPAddress": "Client_IPAddress",
    "LogonType": "Logon_Type",
    "SiteUrl": "Site_Url",
    "Site": "Site_",
    "SourceName": "Source_Name",
    "EventData": "Event_Data",
    "AzureActiveDirectoryEventType": "AzureActiveDirectory_EventType",
    "Target": "AADTarget",
    "StartTime": "Start_Time",
    "AadAppId": "AzureADAppId",
    "ExternalAccess": "ExternalAccess",
}
"""Fields of a record whose column has another name."""

GRAPH_NAMES: Final = {
    "id": "Id", "createdDateTime": "CreationTime", "auditLogRecordType": "RecordType", "operation": "Operation", "service": "Workload",
    "organizationId": "OrganizationId", "userType": "UserType", "objectId": "ObjectId", "clientIp": "ClientIP",
}  # fmt: skip
"""Properties of Graph's auditLogRecord, and the fields of the Management Activity API."""
