"""The small organisation that a fake tenant starts as, when no seed is given."""

from __future__ import annotations

from typing import Any, Final

_TENANT: Final = "7c1e6f0a-2b1d-4c55-9a51-0f6f2f0f3a11"
_SUBSCRIPTION: Final = "3f0d3c52-6d1a-4a7e-8f53-9d6c1c2b7e10"
_DETECTIONS: Final = "11111111-2222-4333-8444-555555555555"
_COLLECTOR: Final = "22222222-3333-4444-8555-666666666666"
_RESPONDER: Final = "33333333-4444-4555-8666-777777777777"
_MEGAN: Final = "2046feea-040d-4a46-9e2b-91c2941bfa70"
_DANA: Final = "26be570a-6b1c-4189-b4e2-a37c6808512d"
_WORKSPACE: Final = (
    f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-sec-prod"
    "/providers/Microsoft.OperationalInsights/workspaces/law-sec-prod"
)
_COMPUTE: Final = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-app/providers/Microsoft.Compute"
_NETWORK: Final = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-app/providers/Microsoft.Network"

_USER_EVIDENCE: Final = {
    "createdDateTime": "2026-03-04T08:58:30Z",
    "verdict": "suspicious",
    "remediationStatus": "none",
    "remediationStatusDetails": None,
    "roles": ["compromised"],
    "detailedRoles": [],
    "tags": [],
}

_ALERTS: Final[list[dict[str, Any]]] = [
    {
        "@odata.type": "#microsoft.graph.security.alert",
        "id": "da0001_1",
        "providerAlertId": "0001",
        "incidentId": "501",
        "status": "new",
        "severity": "high",
        "classification": None,
        "determination": None,
        "serviceSource": "microsoftDefenderForOffice365",
        "detectionSource": "microsoftDefenderForOffice365",
        "productName": "Microsoft Defender for Office 365",
        "detectorId": "b26a5770-0c38-434a-9380-3a3c2c27bbb3",
        "tenantId": _TENANT,
        "title": "A link in a message led to a credential form",
        "description": "A person followed a link that was found to be malicious after delivery.",
        "recommendedActions": "Reset the password of the account and look for forwarding rules.",
        "category": "InitialAccess",
        "assignedTo": None,
        "alertWebUrl": f"https://security.microsoft.com/alerts/da0001_1?tid={_TENANT}",
        "incidentWebUrl": f"https://security.microsoft.com/incidents/501?tid={_TENANT}",
        "mitreTechniques": ["T1566.002"],
        "createdDateTime": "2026-03-04T09:00:12.4133333Z",
        "lastUpdateDateTime": "2026-03-04T09:02:40.52Z",
        "resolvedDateTime": None,
        "firstActivityDateTime": "2026-03-04T08:55:02Z",
        "lastActivityDateTime": "2026-03-04T08:58:02Z",
        "comments": [],
        "evidence": [
            {
                "@odata.type": "#microsoft.graph.security.mailboxEvidence",
                **_USER_EVIDENCE,
                "primaryAddress": "dana.cruz@contoso.example",
                "displayName": "Dana Cruz",
                "userAccount": {
                    "accountName": "dana.cruz",
                    "domainName": "contoso",
                    "userSid": "S-1-5-21-1004336348-1177238915-682003330-1142",
                    "azureAdUserId": _DANA,
                    "userPrincipalName": "dana.cruz@contoso.example",
                    "displayName": "Dana Cruz",
                },
            },
            {
                "@odata.type": "#microsoft.graph.security.analyzedMessageEvidence",
                **_USER_EVIDENCE,
                "networkMessageId": "c4ce2a35-b2a6-4c0c-a1ab-08dc3c1f2b6a",
                "internetMessageId": "<20260304085400.1@mail.fabrikam.example>",
                "subject": "Your invoice",
                "senderIp": "203.0.113.45",
                "recipientEmailAddress": "dana.cruz@contoso.example",
                "deliveryAction": "Delivered",
                "deliveryLocation": "Inbox",
                "urls": ["https://login.fabrikam.example/session"],
                "urlCount": 1,
                "attachmentsCount": 0,
                "receivedDateTime": "2026-03-04T08:54:11Z",
                "p1Sender": {
                    "emailAddress": "billing@fabrikam.example",
                    "displayName": None,
                    "domainName": "fabrikam.example",
                },
                "p2Sender": {
                    "emailAddress": "billing@fabrikam.example",
                    "displayName": None,
                    "domainName": "fabrikam.example",
                },
            },
            {
                "@odata.type": "#microsoft.graph.security.urlEvidence",
                **_USER_EVIDENCE,
                "url": "https://login.fabrikam.example/session",
            },
            {
                "@odata.type": "#microsoft.graph.security.mailClusterEvidence",
                **_USER_EVIDENCE,
                "clusterBy": "Subject;P2SenderDomain",
                "clusterByValue": "Your invoice;fabrikam.example",
                "emailCount": 14,
                "networkMessageIds": ["c4ce2a35-b2a6-4c0c-a1ab-08dc3c1f2b6a"],
                "query": '( (( (Subject:"Your invoice") )) )',
                "urn": "urn:MailCluster:0001",
            },
        ],
    },
    {
        "@odata.type": "#microsoft.graph.security.alert",
        "id": "ad0002",
        "providerAlertId": "0002",
        "incidentId": "501",
        "status": "new",
        "severity": "medium",
        "classification": None,
        "determination": None,
        "serviceSource": "azureAdIdentityProtection",
        "detectionSource": "azureAdIdentityProtection",
        "productName": "Microsoft Entra ID Protection",
        "tenantId": _TENANT,
        "title": "Sign-in with unfamiliar properties",
        "description": "The sign-in has properties that were not seen for this account before.",
        "category": "InitialAccess",
        "alertWebUrl": f"https://security.microsoft.com/alerts/ad0002?tid={_TENANT}",
        "incidentWebUrl": f"https://security.microsoft.com/incidents/501?tid={_TENANT}",
        "mitreTechniques": ["T1078.004"],
        "createdDateTime": "2026-03-04T09:08:31.2Z",
        "lastUpdateDateTime": "2026-03-04T09:08:31.2Z",
        "firstActivityDateTime": "2026-03-04T09:05:41Z",
        "lastActivityDateTime": "2026-03-04T09:05:41Z",
        "comments": [],
        "evidence": [
            {
                "@odata.type": "#microsoft.graph.security.userEvidence",
                **_USER_EVIDENCE,
                "userAccount": {
                    "accountName": "dana.cruz",
                    "azureAdUserId": _DANA,
                    "userPrincipalName": "dana.cruz@contoso.example",
                },
            },
            {
                "@odata.type": "#microsoft.graph.security.ipEvidence",
                **_USER_EVIDENCE,
                "roles": ["attacker"],
                "ipAddress": "203.0.113.45",
                "countryLetterCode": "NL",
            },
        ],
    },
]

_LEGACY_ALERT: Final[dict[str, Any]] = {
    "id": "2518770965529163669_8a0e7b1c-5c57-4e25-9a8b-2f54a9a3a001",
    "azureTenantId": _TENANT,
    "azureSubscriptionId": _SUBSCRIPTION,
    "category": "VM_SuspiciousActivity",
    "title": "Encoded command on a virtual machine",
    "description": "A script host was started with an encoded command.",
    "severity": "high",
    "status": "newAlert",
    "createdDateTime": "2026-03-04T09:04:30.51Z",
    "eventDateTime": "2026-03-04T09:02:11.0772577Z",
    "lastModifiedDateTime": "2026-03-04T09:04:30.51Z",
    "assignedTo": None,
    "feedback": None,
    "tags": [],
    "comments": [],
    "recommendedActions": ["Ask the owner of the machine", "Isolate the machine"],
    "vendorInformation": {"provider": "ASC", "providerVersion": None, "subProvider": None, "vendor": "Microsoft"},
    "hostStates": [
        {"fqdn": "vm1.contoso.example", "netBiosName": "VM1", "os": "Windows", "privateIpAddress": "10.0.0.4"}
    ],
    "userStates": [{"accountName": "svc", "domainName": "VM1"}],
    "processes": [{"name": "powershell.exe", "processId": 4780, "commandLine": "powershell -enc SQBFAFgA"}],
}

_INCIDENT: Final[dict[str, Any]] = {
    "@odata.type": "#microsoft.graph.security.incident",
    "id": "501",
    "tenantId": _TENANT,
    "status": "active",
    "incidentWebUrl": f"https://security.microsoft.com/incidents/501?tid={_TENANT}",
    "redirectIncidentId": None,
    "displayName": "Phishing and an unfamiliar sign-in involving one user",
    "createdDateTime": "2026-03-04T09:00:13.1Z",
    "lastUpdateDateTime": "2026-03-04T09:08:45.1133333Z",
    "assignedTo": None,
    "classification": "unknown",
    "determination": "unknown",
    "severity": "high",
    "priorityScore": 71,
    "customTags": [],
    "systemTags": [],
    "description": None,
    "summary": None,
    "resolvingComment": None,
    "lastModifiedBy": "Microsoft 365 Defender-AlertCorrelation",
    "comments": [],
}

_CLOUD_ALERT: Final[dict[str, Any]] = {
    "id": f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-app/providers/Microsoft.Security/locations/westeurope/alerts/"
    "2518770965529163669_8a0e7b1c-5c57-4e25-9a8b-2f54a9a3a001",
    "name": "2518770965529163669_8a0e7b1c-5c57-4e25-9a8b-2f54a9a3a001",
    "type": "Microsoft.Security/Locations/alerts",
    "properties": {
        "version": "2022-01-01.0",
        "alertType": "VM_SuspiciousActivity",
        "systemAlertId": "2518770965529163669_8a0e7b1c-5c57-4e25-9a8b-2f54a9a3a001",
        "productComponentName": "Servers",
        "alertDisplayName": "Encoded command on a virtual machine",
        "description": "A script host was started with an encoded command.",
        "severity": "High",
        "intent": "Execution",
        "startTimeUtc": "2026-03-04T09:02:11.0772577Z",
        "endTimeUtc": "2026-03-04T09:02:11.0772577Z",
        "resourceIdentifiers": [
            {"$id": "2", "azureResourceId": f"{_COMPUTE}/virtualMachines/vm1", "type": "AzureResource"}
        ],
        "remediationSteps": ["Ask the owner of the machine", "Isolate the machine"],
        "vendorName": "Microsoft",
        "status": "Active",
        "timeGeneratedUtc": "2026-03-04T09:04:30.51Z",
        "processingEndTimeUtc": "2026-03-04T09:04:29.9205584Z",
        "productName": "Microsoft Defender for Cloud",
        "entities": [
            {"$id": "3", "azureID": f"{_COMPUTE}/virtualMachines/vm1", "hostName": "vm1", "type": "host"},
            {"$id": "4", "address": "203.0.113.45", "type": "ip"},
        ],
        "isIncident": False,
        "extendedProperties": {"resourceType": "Virtual Machine"},
        "compromisedEntity": "vm1",
        "techniques": ["T1059"],
        "subTechniques": ["T1059.001"],
    },
}

_RESOURCES: Final[list[dict[str, Any]]] = [
    {
        "id": f"{_COMPUTE}/disks/vm1_OsDisk_1",
        "name": "vm1_OsDisk_1",
        "type": "Microsoft.Compute/disks",
        "location": "westeurope",
        "sku": {"name": "Premium_LRS", "tier": "Premium"},
        "managedBy": f"{_COMPUTE}/virtualMachines/vm1",
        "properties": {
            "osType": "Windows",
            "hyperVGeneration": "V2",
            "creationData": {"createOption": "FromImage"},
            "diskSizeGB": 127,
            "diskSizeBytes": 136367308800,
            "timeCreated": "2026-01-10T08:00:00Z",
            "provisioningState": "Succeeded",
            "diskState": "Attached",
            "uniqueId": "b1a8c7d0-3a53-4c2b-9d0e-5b7c8f1e00aa",
            "networkAccessPolicy": "AllowAll",
        },
    },
    {
        "id": f"{_COMPUTE}/virtualMachines/vm1",
        "name": "vm1",
        "type": "Microsoft.Compute/virtualMachines",
        "location": "westeurope",
        "properties": {
            "vmId": "75724a01-f021-4aa8-9ec2-329792373e6e",
            "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
            "storageProfile": {
                "osDisk": {
                    "osType": "Windows",
                    "name": "vm1_OsDisk_1",
                    "createOption": "FromImage",
                    "managedDisk": {"id": f"{_COMPUTE}/disks/vm1_OsDisk_1"},
                },
                "dataDisks": [],
            },
            "osProfile": {"computerName": "vm1", "adminUsername": "svc"},
            "networkProfile": {"networkInterfaces": [{"id": f"{_NETWORK}/networkInterfaces/nic-vm1"}]},
            "provisioningState": "Succeeded",
        },
    },
    {
        "id": f"{_NETWORK}/networkSecurityGroups/nsg-vm1",
        "name": "nsg-vm1",
        "type": "Microsoft.Network/networkSecurityGroups",
        "location": "westeurope",
        "properties": {"provisioningState": "Succeeded", "securityRules": [], "defaultSecurityRules": []},
    },
    {
        "id": f"{_NETWORK}/networkInterfaces/nic-vm1",
        "name": "nic-vm1",
        "type": "Microsoft.Network/networkInterfaces",
        "location": "westeurope",
        "properties": {
            "provisioningState": "Succeeded",
            "networkSecurityGroup": {"id": f"{_NETWORK}/networkSecurityGroups/nsg-vm1"},
            "ipConfigurations": [
                {"name": "ipconfig1", "properties": {"privateIPAddress": "10.0.0.4", "primary": True}}
            ],
        },
    },
    _CLOUD_ALERT,
]

CONTOSO: Final[dict[str, Any]] = {
    "directories": [
        {
            "id": _TENANT,
            "display_name": "Contoso",
            "domain": "contoso.example",
            "applications": [
                {
                    "client_id": _DETECTIONS,
                    "object_id": "5d0b9e6a-7a0c-4f2e-8e0d-1a2b3c4d5e6f",
                    "display_name": "Vedette Security Detections",
                    "secrets": [{"value": "range-secret-1", "description": "Detection alerts integration"}],
                },
                {
                    "client_id": _COLLECTOR,
                    "object_id": "6e1c0f7b-8b1d-4a3f-9f1e-2b3c4d5e6f70",
                    "display_name": "Vedette Azure Security",
                    "secrets": [{"value": "range-secret-2", "description": "Security data"}],
                    "app_roles": [
                        "SecurityEvents.Read.All",
                        "SecurityAlert.Read.All",
                        "SecurityIncident.Read.All",
                        "AuditLog.Read.All",
                        "Directory.Read.All",
                        "IdentityRiskyUser.Read.All",
                    ],
                },
                {
                    "client_id": _RESPONDER,
                    "object_id": "7f2d1a8c-9c2e-4b40-8a2f-3c4d5e6f7081",
                    "display_name": "Vedette Response",
                    "secrets": [{"value": "range-secret-3", "description": "Response actions"}],
                    "app_roles": [
                        "SecurityEvents.ReadWrite.All",
                        "SecurityAlert.ReadWrite.All",
                        "SecurityIncident.ReadWrite.All",
                        "ThreatIndicators.ReadWrite.OwnedBy",
                        "ThreatIndicators.Read.All",
                        "User.ReadWrite.All",
                        "User.RevokeSessions.All",
                        "User-PasswordProfile.ReadWrite.All",
                        "UserAuthenticationMethod.ReadWrite.All",
                        "IdentityRiskyUser.ReadWrite.All",
                        "IdentityRiskyServicePrincipal.ReadWrite.All",
                        "Directory.Read.All",
                        "AuditLog.Read.All",
                        "GroupMember.ReadWrite.All",
                        "RoleManagement.ReadWrite.Directory",
                        "Application.ReadWrite.All",
                        "DelegatedPermissionGrant.ReadWrite.All",
                        "AppRoleAssignment.ReadWrite.All",
                        "Policy.Read.All",
                        "Policy.ReadWrite.ConditionalAccess",
                    ],
                },
            ],
            "users": [
                {
                    "object_id": _MEGAN,
                    "display_name": "Megan Bowen",
                    "user_principal_name": "megan@contoso.example",
                    "email": "megan.bowen@contoso.example",
                },
                {
                    "object_id": _DANA,
                    "display_name": "Dana Cruz",
                    "user_principal_name": "dana.cruz@contoso.example",
                    "email": "dana.cruz@contoso.example",
                },
            ],
            "graph": {
                "security/alerts_v2": _ALERTS,
                "security/alerts": [_LEGACY_ALERT],
                "security/incidents": [_INCIDENT],
            },
        }
    ],
    "subscriptions": [
        {
            "id": _SUBSCRIPTION,
            "tenant_id": _TENANT,
            "display_name": "Contoso Security",
            "resource_groups": [
                {
                    "name": "rg-sec-prod",
                    "workspaces": [{"name": "law-sec-prod", "customer_id": "9a4d2f6e-13f7-4d0b-8c1e-6b7a5d4c3b2a"}],
                },
                {"name": "rg-app"},
            ],
            "role_assignments": [
                {"principal": _DETECTIONS, "role": "Microsoft Sentinel Responder", "scope": _WORKSPACE},
                {"principal": _COLLECTOR, "role": "Security Reader", "scope": f"/subscriptions/{_SUBSCRIPTION}"},
                {"principal": _COLLECTOR, "role": "Log Analytics Reader", "scope": _WORKSPACE},
                {
                    "principal": _COLLECTOR,
                    "role": "Storage Blob Data Reader",
                    "scope": f"/subscriptions/{_SUBSCRIPTION}",
                },
                {
                    "principal": _RESPONDER,
                    "role": "Storage Blob Data Contributor",
                    "scope": f"/subscriptions/{_SUBSCRIPTION}",
                },
                {"principal": _RESPONDER, "role": "Owner", "scope": f"/subscriptions/{_SUBSCRIPTION}"},
                {
                    "principal": _DETECTIONS,
                    "role": "Monitoring Metrics Publisher",
                    "scope": f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-sec-prod/providers/Microsoft.Insights"
                    "/dataCollectionRules/findings",
                },
            ],
            "resources": _RESOURCES,
            "storage_accounts": [
                {"name": "contosologs", "resource_group": "rg-app", "containers": {"insights-logs-auditevent": {}}}
            ],
            "data_collection_rules": [
                {
                    "immutable_id": "dcr-5f2c1b0a9e8d7c6b5a4f3e2d1c0b9a88",
                    "workspace": "law-sec-prod",
                    "scope": f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-sec-prod/providers/Microsoft.Insights"
                    "/dataCollectionRules/findings",
                    "streams": {
                        "Custom-Findings_CL": "Findings_CL",
                        "Microsoft-CommonSecurityLog": "CommonSecurityLog",
                    },
                }
            ],
        }
    ],
    "servicenow": {
        "users": [{"name": "vedette", "password": "range-password-1", "roles": ["itil"]}],
        "clients": [{"client_id": "range-client", "client_secret": "range-secret-4", "user": "vedette"}],
    },
}
"""One directory with three applications: one that delivers incidents to the one workspace, one that reads security data, one
that responds. Two users, a virtual machine, and what was seen of an attack on both."""
