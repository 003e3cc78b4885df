"""What the numbers and names of Microsoft 365's unified audit records are in OfficeActivity, as data.

Source: the schema of the Office 365 Management Activity API (AuditLogRecordType, UserType, LogonType), the table OfficeActivity.
"""

from __future__ import annotations

from typing import Final

_RECORD_TYPES: Final = """
1:ExchangeAdmin 2:ExchangeItem 3:ExchangeItemGroup 4:SharePoint 5:SyntheticProbe 6:SharePointFileOperation 7:OneDrive
8:AzureActiveDirectory 9:AzureActiveDirectoryAccountLogon 10:DataCenterSecurityCmdlet 11:ComplianceDLPSharePoint 12:Sway
13:ComplianceDLPExchange 14:SharePointSharingOperation 15:AzureActiveDirectoryStsLogon 16:SkypeForBusinessPSTNUsage
17:SkypeForBusinessUsersBlocked 18:SecurityComplianceCenterEOPCmdlet 19:ExchangeAggregatedOperation 20:PowerBIAudit 21:CRM
22:Yammer 23:SkypeForBusinessCmdlets 24:Discovery 25:MicrosoftTeams 28:ThreatIntelligence 29:MailSubmission 30:MicrosoftFlow
31:AeD 32:MicrosoftStream 33:ComplianceDLPSharePointClassification 34:ThreatFinder 35:Project 36:SharePointListOperation
37:SharePointCommentOperation 38:DataGovernance 39:Kaizala 40:SecurityComplianceAlerts 41:ThreatIntelligenceUrl
42:SecurityComplianceInsights 43:MIPLabel 44:WorkplaceAnalytics 45:PowerAppsApp 46:PowerAppsPlan 47:ThreatIntelligenceAtpContent
48:LabelContentExplorer 49:TeamsHealthcare 50:ExchangeItemAggregated 51:HygieneEvent 52:DataInsightsRestApiAudit
53:InformationBarrierPolicyApplication 54:SharePointListItemOperation 55:SharePointContentTypeOperation
56:SharePointFieldOperation 57:MicrosoftTeamsAdmin 58:HRSignal 59:MicrosoftTeamsDevice 60:MicrosoftTeamsAnalytics
61:InformationWorkerProtection 62:Campaign 63:DLPEndpoint 64:AirInvestigation 65:Quarantine 66:MicrosoftForms
67:ApplicationAudit 68:ComplianceSupervisionExchange 69:CustomerKeyServiceEncryption 70:OfficeNative
71:MipAutoLabelSharePointItem 72:MipAutoLabelSharePointPolicyLocation 73:MicrosoftTeamsShifts 74:SecureScore
75:MipAutoLabelExchangeItem 76:CortanaBriefing 77:Search 78:WDATPAlerts 79:PowerPlatformAdminDlp
80:PowerPlatformAdminEnvironment 81:MDATPAudit 82:SensitivityLabelPolicyMatch 83:SensitivityLabelAction
84:SensitivityLabeledFileAction 85:AttackSim 86:AirManualInvestigation 87:SecurityComplianceRBAC 88:UserTraining
89:AirAdminActionInvestigation 90:MSTIC 91:PhysicalBadgingSignal 92:TeamsEasyApprovals 93:AipDiscover
94:AipSensitivityLabelAction 95:AipProtectionAction 96:AipFileDeleted 97:AipHeartBeat 98:MCASAlerts
99:OnPremisesFileShareScannerDlp 100:OnPremisesSharePointScannerDlp 101:ExchangeSearch 102:SharePointSearch
103:PrivacyDataMinimization 104:LabelAnalyticsAggregate 105:MyAnalyticsSettings 106:SecurityComplianceUserChange
107:ComplianceDLPExchangeClassification 108:ComplianceDLPEndpoint 109:MipExactDataMatch 110:MSDEResponseActions
111:MSDEGeneralSettings 112:MSDEIndicatorsSettings 113:MS365DCustomDetection 114:MSDERolesSettings 115:MAPGAlerts 116:MAPGPolicy
117:MAPGRemediation 118:PrivacyRemediationAction 119:PrivacyDigestEmail 120:MipAutoLabelSimulationProgress
121:MipAutoLabelSimulationCompletion 122:MipAutoLabelProgressFeedback 123:DlpSensitiveInformationType
124:MipAutoLabelSimulationStatistics 125:LargeContentMetadata 126:Microsoft365Group 127:CDPMlInferencingResult
128:FilteringMailMetadata 129:CDPClassificationMailItem 130:CDPClassificationDocument 131:OfficeScriptsRunAction
147:CoreReportingSettings 148:ComplianceConnector 149:PowerPlatformLockboxResourceAccessRequest
150:PowerPlatformLockboxResourceCommand 151:CDPPredictiveCodingLabel 152:CDPCompliancePolicyUserFeedback
153:WebpageActivityEndpoint 154:OMEPortal 155:CMImprovementActionChange 156:FilteringUrlClick 157:MipLabelAnalyticsAuditRecord
158:FilteringEntityEvent 159:FilteringRuleHits 160:FilteringMailSubmission 161:LabelExplorer 162:MicrosoftManagedServicePlatform
163:PowerPlatformServiceActivity 164:ScorePlatformGenericAuditRecord 165:FilteringTimeTravelDocMetadata 166:Alert
167:AlertStatus 168:AlertIncident 169:IncidentStatus 170:Case 171:CaseInvestigation 172:RecordsManagement 173:PrivacyRemediation
174:DataShareOperation 175:CdpDlpSensitive 176:EHRConnector 177:FilteringMailGradingResult 178:PublicFolder
179:PrivacyTenantAuditHistoryRecord 180:AipScannerDiscoverEvent 181:EduDataLakeDownloadOperation 182:M365ComplianceConnector
183:MicrosoftGraphDataConnectOperation 184:MicrosoftPurview 185:FilteringEmailContentFeatures 186:PowerPagesSite
187:PowerAppsResource 188:PlannerPlan 189:PlannerCopyPlan 190:PlannerTask 191:PlannerRoster 192:PlannerPlanList
193:PlannerTaskList 194:PlannerTenantSettings 195:ProjectForTheWebProject 196:ProjectForTheWebTask 197:ProjectForTheWebRoadmap
198:ProjectForTheWebRoadmapItem 199:ProjectForTheWebProjectSettings 200:ProjectForTheWebRoadmapSettings 201:QuarantineMetadata
202:MicrosoftTodoAudit 203:TimeTravelFilteringDocMetadata 204:TeamsQuarantineMetadata 205:SharePointAppPermissionOperation
206:MicrosoftTeamsSensitivityLabelAction 207:FilteringTeamsMetadata 208:FilteringTeamsUrlInfo
209:FilteringTeamsPostDeliveryAction 210:MDCAssessments 211:MDCRegulatoryComplianceStandards 212:MDCRegulatoryComplianceControls
213:MDCRegulatoryComplianceAssessments 214:MDCSecurityConnectors 215:MDADataSecuritySignal 216:VivaGoals 218:AttackSimAdmin
230:TeamsUpdates 231:PlannerRosterSensitivityLabel 261:CopilotInteraction
"""
RECORD_TYPES: Final = {int(number): name for number, _, name in (word.partition(":") for word in _RECORD_TYPES.split())}
"""Number of an audit record's type → what the table calls it."""

RECORD_TYPE_NAMES: Final = {name.casefold(): name for name in RECORD_TYPES.values()}
"""The same by name without regard to case: Graph writes `exchangeAdmin`."""

USER_TYPES: Final = (
    "Regular", "Reserved", "Admin", "DcAdmin", "System", "Application", "ServicePrincipal", "CustomPolicy", "SystemPolicy",
    "PartnerTechnician", "Guest",
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
