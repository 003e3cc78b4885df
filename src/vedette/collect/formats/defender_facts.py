"""How alerts of Microsoft Graph, Defender for Endpoint and Defender for Cloud fill SecurityAlert, as data.

Sources: Graph's alert (security, v1.0), the alert of Defender for Endpoint's API, the alert schema of Defender for Cloud, the tables
SecurityAlert, AlertInfo and AlertEvidence.
"""

from __future__ import annotations

from typing import Final

# serviceSource: ProviderName and ProductName in SecurityAlert, ServiceSource in AlertInfo
SERVICES: Final = {
    "microsoftDefenderForEndpoint": ("MDATP", "Microsoft Defender Advanced Threat Protection", "Microsoft Defender for Endpoint"),
    "microsoftDefenderForIdentity": (
        "Azure Advanced Threat Protection", "Azure Advanced Threat Protection", "Microsoft Defender for Identity",
    ),
    "microsoftDefenderForOffice365": ("OATP", "Office 365 Advanced Threat Protection", "Microsoft Defender for Office 365"),
    "microsoftDefenderForCloudApps": ("MCAS", "Microsoft Cloud App Security", "Microsoft Defender for Cloud Apps"),
    "azureAdIdentityProtection": ("IPC", "Azure Active Directory Identity Protection", "AAD Identity Protection"),
    "microsoftAppGovernance": ("Microsoft Application Protection", "Microsoft Application Protection", "App Governance"),
    "dataLossPrevention": ("Microsoft Data Loss Prevention", "Microsoft Data Loss Prevention", "Microsoft Data Loss Prevention"),
    "microsoft365Defender": ("Microsoft 365 Defender", "Microsoft 365 Defender", "Microsoft 365 Defender"),
    "microsoftDefenderForCloud": ("Azure Security Center", "Azure Security Center", "Microsoft Defender for Cloud"),
    "microsoftSentinel": ("ASI Scheduled Alerts", "Azure Sentinel", "Microsoft Sentinel"),
}  # fmt: skip

GRAPH: Final = {
    "title": "DisplayName", "description": "Description", "providerAlertId": "VendorOriginalId", "id": "SystemAlertId",
    "detectorId": "AlertType", "alertWebUrl": "AlertLink", "firstActivityDateTime": "StartTime", "lastActivityDateTime": "EndTime",
    "createdDateTime": "ProcessingEndTime", "recommendedActions": "RemediationSteps", "category": "Tactics",
}  # fmt: skip

ENDPOINT: Final = {
    "title": "DisplayName", "description": "Description", "id": "SystemAlertId", "firstEventTime": "StartTime",
    "lastEventTime": "EndTime", "alertCreationTime": "ProcessingEndTime", "recommendedAction": "RemediationSteps",
    "category": "Tactics", "detectorId": "AlertType", "computerDnsName": "CompromisedEntity",
}  # fmt: skip

CLOUD: Final = {
    "alertDisplayName": "DisplayName", "description": "Description", "severity": "AlertSeverity", "systemAlertId": "SystemAlertId",
    "alertType": "AlertType", "vendorName": "VendorName", "productName": "ProductName", "productComponentName": "ProductComponentName",
    "startTimeUtc": "StartTime", "endTimeUtc": "EndTime", "processingEndTimeUtc": "ProcessingEndTime",
    "processingEndTime": "ProcessingEndTime", "remediationSteps": "RemediationSteps", "extendedProperties": "ExtendedProperties",
    "extendedLinks": "ExtendedLinks", "entities": "Entities", "alertUri": "AlertLink", "compromisedEntity": "CompromisedEntity",
    "intent": "Tactics", "status": "Status", "isIncident": "IsIncident", "confidenceLevel": "ConfidenceLevel",
    "confidenceScore": "ConfidenceScore", "azureResourceId": "ResourceId", "workspaceSubscriptionId": "WorkspaceSubscriptionId",
    "workspaceResourceGroup": "WorkspaceResourceGroup", "techniques": "Techniques", "subTechniques": "SubTechniques",
    "timeGenerated": "TimeGenerated", "timeGeneratedUtc": "TimeGenerated",
}  # fmt: skip
"""Fields of Defender for Cloud's REST API; its exports write them with a capital."""

STATUS: Final = {
    "new": "New",
    "newalert": "New",
    "inprogress": "InProgress",
    "resolved": "Resolved",
    "active": "New",
    "dismissed": "Dismissed",
}

# The kind of a Graph evidence (its type without `Evidence`): EntityType, and its properties' columns in AlertEvidence. A dot goes into
# an object.
EVIDENCE: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "user": ("User", {
        "userAccount.accountName": "AccountName", "userAccount.domainName": "AccountDomain", "userAccount.userSid": "AccountSid",
        "userAccount.azureAdUserId": "AccountObjectId", "userAccount.userPrincipalName": "AccountUpn",
    }),
    "mailbox": ("Mailbox", {
        "userAccount.accountName": "AccountName", "userAccount.domainName": "AccountDomain", "userAccount.userSid": "AccountSid",
        "userAccount.azureAdUserId": "AccountObjectId", "upn": "AccountUpn",
    }),
    "device": ("Machine", {"mdeDeviceId": "DeviceId", "deviceDnsName": "DeviceName"}),
    "ip": ("Ip", {"ipAddress": "RemoteIP"}),
    "url": ("Url", {"url": "RemoteUrl"}),
    "file": ("File", {
        "fileDetails.fileName": "FileName", "fileDetails.filePath": "FolderPath", "fileDetails.sha1": "SHA1",
        "fileDetails.sha256": "SHA256", "fileDetails.fileSize": "FileSize", "mdeDeviceId": "DeviceId",
    }),
    "process": ("Process", {
        "imageFile.fileName": "FileName", "imageFile.filePath": "FolderPath", "imageFile.sha1": "SHA1", "imageFile.sha256": "SHA256",
        "imageFile.fileSize": "FileSize", "processCommandLine": "ProcessCommandLine", "mdeDeviceId": "DeviceId",
        "userAccount.accountName": "AccountName", "userAccount.domainName": "AccountDomain", "userAccount.userSid": "AccountSid",
        "userAccount.azureAdUserId": "AccountObjectId", "userAccount.userPrincipalName": "AccountUpn",
    }),
    "analyzedMessage": ("MailMessage", {
        "networkMessageId": "NetworkMessageId", "subject": "EmailSubject", "recipientEmailAddress": "AccountUpn", "senderIp": "RemoteIP",
    }),
    "cloudApplication": ("CloudApplication", {"appId": "ApplicationId", "displayName": "Application"}),
    "oauthApplication": ("OAuthApplication", {"appId": "OAuthApplicationId", "displayName": "Application"}),
    "registryKey": ("RegistryKey", {"registryKey": "RegistryKey"}),
    "registryValue": ("RegistryValue", {
        "registryKey": "RegistryKey", "registryValueName": "RegistryValueName", "registryValue": "RegistryValueData",
    }),
    "azureResource": ("AzureResource", {"resourceId": "ResourceID", "resourceType": "ResourceType"}),
    "mailCluster": ("MailCluster", {}),
    "submissionMail": ("SubmissionMail", {
        "networkMessageId": "NetworkMessageId", "subject": "EmailSubject", "recipient": "AccountUpn", "senderIp": "RemoteIP",
    }),
    "mailboxConfiguration": ("MailboxConfiguration", {"upn": "AccountUpn"}),
    "teamsMessage": ("TeamsMessage", {"subject": "EmailSubject", "senderIP": "RemoteIP"}),
    "dns": ("Dns", {"domainName": "RemoteUrl"}),
    "networkConnection": ("NetworkConnection", {
        "destinationAddress.ipAddress": "RemoteIP", "sourceAddress.ipAddress": "LocalIP",
    }),
    "fileHash": ("FileHash", {}),
    "malware": ("Malware", {"name": "ThreatFamily"}),
    "servicePrincipal": ("ServicePrincipal", {
        "appId": "ApplicationId", "servicePrincipalName": "Application", "servicePrincipalObjectId": "AccountObjectId",
    }),
    "amazonResource": ("AmazonResource", {"amazonResourceId": "ResourceID", "resourceType": "ResourceType"}),
    "googleCloudResource": ("GoogleCloudResource", {"fullResourceName": "ResourceID", "resourceType": "ResourceType"}),
    "securityGroup": ("SecurityGroup", {}),
    "cloudLogonSession": ("CloudLogonSession", {
        "account.accountName": "AccountName", "account.domainName": "AccountDomain", "account.userPrincipalName": "AccountUpn",
        "account.azureAdUserId": "AccountObjectId",
    }),
    "hostLogonSession": ("HostLogonSession", {
        "account.accountName": "AccountName", "account.domainName": "AccountDomain", "host.mdeDeviceId": "DeviceId",
        "host.deviceDnsName": "DeviceName",
    }),
    "ioTDevice": ("IoTDevice", {"deviceName": "DeviceName"}),
    "aiAgent": ("AIAgent", {}),
    **{
        kind: (kind[:1].upper() + kind[1:], {})
        for kind in (
            "activeDirectoryDomain", "blob", "blobContainer", "cloudLogonRequest", "container", "containerImage",
            "containerRegistry", "gitHubOrganization", "gitHubRepo", "gitHubUser", "kubernetesCluster", "kubernetesController",
            "kubernetesNamespace", "kubernetesPod", "kubernetesSecret", "kubernetesService", "kubernetesServiceAccount", "nic",
            "sasToken",
        )
    },
}  # fmt: skip
