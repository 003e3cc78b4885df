"""The company's ordinary days: what people, machines and pipelines do, near misses of every rule among it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from tools.demo_campaign.rows import (
    Device,
    Maker,
    Process,
    SignIn,
    app_actor,
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
    ABROAD,
    ADMIN,
    BROKER,
    BY_NAME,
    DOMAIN,
    ENGINEERS,
    EXCHANGE,
    GRAPH,
    HOME,
    MAIL_CLIENT,
    OFFICE,
    OFFICE_ADDRESS,
    OFFICE_HOME,
    OUTLOOK,
    PEOPLE,
    PIPELINE,
    PLANNER,
    SERVERS,
    SHAREPOINT,
    SQL,
    SUBSCRIPTION,
    TEAMS,
    TRAVELLER,
    VICTIM,
    App,
    Person,
    Place,
    guid,
)

START: Final = datetime(2024, 5, 13, 6, 0, tzinfo=UTC)
END: Final = datetime(2024, 5, 14, 13, 0, tzinfo=UTC)
DAYS: Final = (START, START + timedelta(days=1))
SYSTEM32: Final = "C:\\Windows\\System32"
SERVICES: Final = f"{SYSTEM32}\\services.exe"
EXPLORER: Final = "C:\\Windows\\explorer.exe"


def add_background(make: Maker) -> None:
    """Adds every ordinary row."""
    _sign_ins(make)
    _unusual_sign_ins(make)
    _mail_and_files(make)
    _directory(make)
    _resources(make)
    _processes(make)


def _moments(make: Maker, count: int, first: datetime = START, last: datetime = END) -> Iterator[datetime]:
    """Moments of the two working days, none of them in the night."""
    made = 0
    while made < count:
        at = first + timedelta(seconds=make.random.uniform(0, (last - first).total_seconds()))
        if 5 <= at.hour < 18:
            made += 1
            yield at.replace(microsecond=make.random.randrange(1_000_000))


def _where(make: Maker, person: Person) -> tuple[str, Place]:
    return (person.home, HOME) if make.random.random() < 0.25 else (OFFICE_ADDRESS, OFFICE)


def _device(person: Person) -> Device:
    return Device(person.device)


def _sign_ins(make: Maker) -> None:
    """Mornings, tokens that are renewed all day, and passwords that are mistyped behind one office address."""
    apps = ((OFFICE_HOME, GRAPH), (OUTLOOK, EXCHANGE), (TEAMS, GRAPH))
    for day in DAYS:
        for person in PEOPLE:
            address, place = _where(make, person)
            at = day + timedelta(minutes=make.random.uniform(20, 190))
            session = guid(f"session:{person.upn}:{day:%d}")
            if make.random.random() < 0.45:
                sign_in(
                    make, SignIn(at - timedelta(seconds=41), person, OFFICE_HOME, GRAPH, address, place, _device(person), 50126)
                )  # fmt: skip
            if make.random.random() < 0.3:
                sign_in(
                    make,
                    SignIn(
                        at - timedelta(seconds=12), person, OFFICE_HOME, GRAPH, address, place, _device(person), 50074,
                        factors=True, policies={"Require MFA for all users": "failure"},
                    ),
                )  # fmt: skip
            for index in range(make.random.randint(2, 4)):
                app, resource = apps[index % 3]
                sign_in(
                    make,
                    SignIn(
                        at + timedelta(minutes=index * 47), person, app, resource, address, place, _device(person),
                        session=session, factors=index == 0,
                    ),
                )  # fmt: skip
            until = min(day + timedelta(hours=11), END)
            for moment in _moments(make, make.random.randint(6, 11), at, until):
                app, resource = make.random.choice(((MAIL_CLIENT, EXCHANGE), (TEAMS, GRAPH), (MAIL_CLIENT, SHAREPOINT)))
                sign_in(
                    make,
                    SignIn(
                        moment, person, app, resource, address, place, _device(person), session=session,
                        client="Mobile Apps and Desktop clients",
                    ),
                    interactive=False,
                )  # fmt: skip


def _unusual_sign_ins(make: Maker) -> None:
    """What looks like the intrusion and is not."""
    # A meeting room's panel signs in by device code, without any risk.
    for at in _moments(make, 3):
        sign_in(
            make,
            SignIn(
                at, ADMIN, TEAMS, GRAPH, OFFICE_ADDRESS, OFFICE, Device("AF-ROOM-2", "Android", "Chrome Mobile 124.0"),
                protocol="deviceCode", factors=True, client="Mobile Apps and Desktop clients",
            ),
        )  # fmt: skip
    # A code of a risky sign-in that was never redeemed.
    sign_in(
        make,
        SignIn(
            START + timedelta(hours=7, minutes=18), BY_NAME["chiara.bassi"], BROKER, GRAPH, "192.0.2.240", HOME,
            Device(browser="Chrome 124.0.0", managed=False), 50158, "deviceCode", "high", "atRisk", ("unfamiliarFeatures",),
            policies={"Block device code flow": "failure"},
        ),
    )  # fmt: skip
    # Somebody abroad: one session in two countries, on a machine that the company manages; and the risk that it caused.
    session = guid("session:traveller")
    journey = (
        (2.0, OFFICE_ADDRESS, OFFICE),
        (3.1, OFFICE_ADDRESS, OFFICE),
        (8.4, "192.0.2.201", ABROAD),
        (9.9, "192.0.2.201", ABROAD),
    )
    for hours, address, place in journey:
        sign_in(
            make,
            SignIn(
                START + timedelta(hours=hours), TRAVELLER, MAIL_CLIENT, EXCHANGE, address, place, _device(TRAVELLER),
                session=session, client="Mobile Apps and Desktop clients",
            ),
            interactive=False,
        )  # fmt: skip
    sign_in(
        make,
        SignIn(
            START + timedelta(hours=8.3), TRAVELLER, OFFICE_HOME, GRAPH, "192.0.2.201", ABROAD, _device(TRAVELLER),
            risk="medium", risk_state="remediated", risk_events=("unfamiliarFeatures",), session=session, factors=True,
        ),
    )  # fmt: skip
    # Six people whose password a scanner of a partner has kept: one address, too few accounts to be a spray.
    for index, person in enumerate(PEOPLE[8:14]):
        sign_in(
            make,
            SignIn(
                START + timedelta(hours=4, minutes=index * 3), person, MAIL_CLIENT, EXCHANGE, "192.0.2.250", HOME,
                Device(system="Linux", browser="Apache-HttpClient", managed=False), 50126, "ropc",
                agent="Apache-HttpClient/4.5.14", client="Mobile Apps and Desktop clients",
            ),
        )  # fmt: skip


def _mail_and_files(make: Maker) -> None:
    sites = ("sales", "warehouse", "finance", "people", "it")
    names = ("Offer", "Shift plan", "Invoice", "Stock list", "Minutes", "Price list", "Handbook", "Forecast")
    for at in _moments(make, 330):
        person = make.random.choice(PEOPLE)
        address, _ = _where(make, person)
        site, name = make.random.choice(sites), f"{make.random.choice(names)} {make.random.randint(1, 60)}.xlsx"
        operation = make.random.choice(
            ("FileAccessed", "FileAccessed", "FileModified", "FileDownloaded", "FilePreviewed")
        )
        office(
            make, at, operation, person, "SharePoint", "SharePointFileOperation", ClientIP=address, ItemType="File",
            EventSource="SharePoint", SourceFileName=name, SourceFileExtension="xlsx", SourceRelativeUrl="Shared Documents",
            Site_Url=f"https://files.{DOMAIN}/sites/{site}/",
            OfficeObjectId=f"https://files.{DOMAIN}/sites/{site}/Shared Documents/{name}",
        )  # fmt: skip
    for at in _moments(make, 150):
        person = make.random.choice(PEOPLE)
        address, _ = _where(make, person)
        office(
            make, at, "MailItemsAccessed", person, "Exchange", "50", **mailbox(person), Client_IPAddress=address,
            ClientInfoString="Client=MSExchangeRPC",
            Folders=[{"FolderItems": [{"InternetMessageId": f"<{make.id()}@{DOMAIN}>"}], "Path": "\\Inbox"}],
            OperationProperties=[{"Name": "MailAccessType", "Value": "Sync"}],
        )  # fmt: skip
    rules = (
        ("hana.sato", "New-InboxRule", [("MoveToFolder", "Newsletters"), ("From", "news@harbourtimes.example"), ("Name", "Newsletters")]),
        ("jonas.vogel", "Set-InboxRule", [("MoveToFolder", "Invoices"), ("SubjectContainsWords", "invoice"), ("Name", "Invoices")]),
        ("astrid.nyberg", "New-InboxRule", [("DeleteMessage", "True"), ("From", "noreply@printer.example"), ("Name", "Printer")]),
        ("amelie.brandt", "New-InboxRule", [("MoveToFolder", "Inbox\\Alerts"), ("SubjectContainsWords", "security"), ("Name", "Alerts")]),
    )  # fmt: skip
    for short, operation, parameters in rules:
        person = BY_NAME[short]
        office(
            make, next(_moments(make, 1)), operation, person, "Exchange", "ExchangeAdmin", **mailbox(person),
            OfficeObjectId=f"EURPR05A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{DOMAIN}/"
            f"{person.id}\\{parameters[-1][1]}",
            ClientIP=f"{OFFICE_ADDRESS}:{make.random.randint(20000, 60000)}", ResultStatus="True",
            Parameters=[{"Name": name, "Value": value} for name, value in parameters],
        )  # fmt: skip


def _directory(make: Maker) -> None:
    for at in _moments(make, 44):
        person = make.random.choice(PEOPLE)
        operation, change = make.random.choice(
            (
                ("Update user", modified("Department", "Sales", "Sales North")),
                ("Update user", modified("MobilePhone", None, "+49 40 5550100")),
                ("Add member to group", modified("Group.DisplayName", None, "sg-shop-readers")),
                ("Change user license", modified("AssignedLicense", [], ["SkuName=SPE_E5"])),
            )
        )
        audit(
            make, at, operation, "GroupManagement" if "group" in operation else "UserManagement",
            "Assign" if "group" in operation else "Update", person_actor(ADMIN, OFFICE_ADDRESS),
            [target("User", person.id, person.name, change, upn=person.upn)],
        )  # fmt: skip
    # Consent to a profile and nothing else.
    for short in ("emil.krause", "wei.chen"):
        person, at, correlation = BY_NAME[short], next(_moments(make, 1)), make.id()
        principal = guid(f"principal:{PLANNER.id}")
        grant = (
            f"[] => [[Id: {make.id()}, ClientId: {principal}, PrincipalId: {person.id}, ResourceId: {guid(GRAPH.id)}, "
            "ConsentType: Principal, Scope: openid profile User.Read, CreatedDateTime: , LastModifiedDateTime ]]; "
        )
        audit(
            make, at, "Consent to application", "ApplicationManagement", "Assign", person_actor(person, OFFICE_ADDRESS),
            [
                target(
                    "ServicePrincipal", principal, PLANNER.name, modified("ConsentContext.IsAdminConsent", None, "False"),
                    modified("ConsentAction.Permissions", None, grant),
                )
            ],
            correlation=correlation,
        )  # fmt: skip
    # The pipeline renews its own secret; an administrator renames an application.
    application = guid(f"application:{PIPELINE.id}")
    old = [f"[KeyIdentifier={guid('key:pipeline:1')},KeyType=Password,KeyUsage=Verify,DisplayName=rotation]"]
    new = [f"[KeyIdentifier={guid('key:pipeline:2')},KeyType=Password,KeyUsage=Verify,DisplayName=rotation]"]
    audit(
        make, START + timedelta(hours=5.2), "Update application – Certificates and secrets management ",
        "ApplicationManagement", "Update", app_actor(PIPELINE),
        [target("Application", application, PIPELINE.name, modified("KeyDescription", old, new))],
    )  # fmt: skip
    audit(
        make, START + timedelta(hours=6.4), "Update application", "ApplicationManagement", "Update",
        person_actor(ADMIN, OFFICE_ADDRESS),
        [target("Application", guid(f"application:{PLANNER.id}"), PLANNER.name, modified("DisplayName", "Shifts", PLANNER.name))],
    )  # fmt: skip
    # A role for a time, by privileged identity management; and a role that gives little.
    audit(
        make, START + timedelta(hours=3.5), "Add member to role completed (PIM activation)", "RoleManagement", "Assign",
        person_actor(ADMIN, OFFICE_ADDRESS),
        [target("Role", guid("role:global"), "Global Administrator"), target("User", ADMIN.id, ADMIN.name, upn=ADMIN.upn)],
        service="PIM",
    )  # fmt: skip
    audit(
        make, START + timedelta(hours=27.1), "Add member to role", "RoleManagement", "Assign", person_actor(ADMIN, OFFICE_ADDRESS),
        [
            target(
                "User", BY_NAME["ravi.pillai"].id, BY_NAME["ravi.pillai"].name,
                modified("Role.DisplayName", None, "Reports Reader"),
                modified("Role.TemplateId", None, "4a5d8f65-41da-4de4-8968-e035b65339cf"), upn=BY_NAME["ravi.pillai"].upn,
            )
        ],
    )  # fmt: skip
    policy = {"id": guid("policy:Block legacy authentication"), "displayName": "Block legacy authentication"}
    audit(
        make, START + timedelta(hours=8.9), "Update conditional access policy", "Policy", "Update", person_actor(ADMIN, OFFICE_ADDRESS),
        [
            target(
                "Policy", policy["id"], policy["displayName"],
                modified(
                    "ConditionalAccessPolicy", policy | {"state": "enabledForReportingButNotEnforced"},
                    policy | {"state": "enabled"},
                ),
            )
        ],
        service="Conditional Access",
    )  # fmt: skip


def _resources(make: Maker) -> None:
    base = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
    shop, dev = f"{base}/rg-shop-prod/providers", f"{base}/rg-dev/providers"
    operations = (
        ("Microsoft.Compute/virtualMachines/start/action", f"{shop}/Microsoft.Compute/virtualMachines/af-app01"),
        ("Microsoft.Compute/virtualMachines/deallocate/action", f"{dev}/Microsoft.Compute/virtualMachines/af-dev07"),
        (
            "Microsoft.Storage/storageAccounts/listKeys/action",
            f"{shop}/Microsoft.Storage/storageAccounts/alderfinchshop",
        ),
        ("Microsoft.Resources/deployments/write", f"{dev}/Microsoft.Resources/deployments/shop-api"),
        ("Microsoft.Web/sites/restart/action", f"{shop}/Microsoft.Web/sites/af-shop"),
        (
            "Microsoft.Network/networkSecurityGroups/securityRules/write",
            f"{dev}/Microsoft.Network/networkSecurityGroups/dev/securityRules/ssh",
        ),
    )
    for at in _moments(make, 90):
        operation, resource = make.random.choice(operations)
        _operate(make, at, operation, resource, make.random.choice(ENGINEERS), OFFICE_ADDRESS)
    # The pipeline clears its test machines away, a few each time.
    for index in range(6):
        at = START + timedelta(hours=2 + index * 4.6)
        resource = f"{base}/rg-dev-ephemeral/providers/Microsoft.Compute/virtualMachines/test-{index:02d}"
        _operate(make, at, "Microsoft.Compute/virtualMachines/write", resource, PIPELINE, "198.51.100.40")
        _operate(
            make,
            at + timedelta(minutes=38),
            "Microsoft.Compute/virtualMachines/delete",
            resource,
            PIPELINE,
            "198.51.100.40",
        )
    # Snapshots before an update, which nobody downloads; a command from the office; a command from home that is refused.
    for server in SERVERS:
        name = f"{base}/{server.group}/providers/Microsoft.Compute/snapshots/{server.name}-before-update"
        _operate(
            make, START + timedelta(hours=11.5), "Microsoft.Compute/snapshots/write", name, ENGINEERS[0], OFFICE_ADDRESS
        )
    run = "Microsoft.Compute/virtualMachines/runCommand/action"
    _operate(make, START + timedelta(hours=9.3), run, SERVERS[2].resource, ENGINEERS[1], OFFICE_ADDRESS)
    azure(
        make, START + timedelta(hours=25.2), run, SERVERS[3].resource, BY_NAME["ravi.pillai"], BY_NAME["ravi.pillai"].home,
        status="Failure", level="Error",
    )  # fmt: skip


def _operate(make: Maker, at: datetime, operation: str, resource: str, caller: Person | App, address: str) -> None:
    correlation = make.id()
    azure(make, at, operation, resource, caller, address, status="Start", correlation=correlation)
    azure(
        make,
        at + timedelta(seconds=make.random.uniform(2, 40)),
        operation,
        resource,
        caller,
        address,
        correlation=correlation,
    )


def _processes(make: Maker) -> None:
    service, netsvcs = f"{SYSTEM32}\\svchost.exe", "svchost.exe -k netsvcs -p"
    agent = "C:\\Program Files\\Microsoft Monitoring Agent\\Agent\\MonitoringHost.exe"
    ordinary = (
        (f"{SYSTEM32}\\conhost.exe", f"\\??\\{SYSTEM32}\\conhost.exe 0xffffffff -ForceV1", service, netsvcs),
        (service, f"{service} -k netsvcs -p -s Schedule", SERVICES, "services.exe"),
        (f"{SYSTEM32}\\taskhostw.exe", "taskhostw.exe SYSTEM", service, f"{netsvcs} -s Schedule"),
        (f"{SYSTEM32}\\wbem\\WmiPrvSE.exe", f"{SYSTEM32}\\wbem\\wmiprvse.exe -secured -Embedding", service, "svchost.exe -k DcomLaunch -p"),
        (f"{SYSTEM32}\\rundll32.exe", f"{SYSTEM32}\\rundll32.exe Startupscan.dll,SusRunTask", service, f"{netsvcs} -s Schedule"),
        (f"{SYSTEM32}\\SearchIndexer.exe", f"{SYSTEM32}\\SearchIndexer.exe /Embedding", SERVICES, "services.exe"),
        (agent, "MonitoringHost.exe -Embedding", SERVICES, "services.exe"),
    )  # fmt: skip
    for at in _moments(make, 230):
        path, command, parent, parent_command = make.random.choice(ordinary)
        process(make, Process(at, make.random.choice(SERVERS), path, command, parent, parent_command))
    by_hand = (
        ("C:\\Tools\\procdump64.exe", "procdump64.exe -ma w3wp.exe C:\\Dumps\\w3wp.dmp", f"{SYSTEM32}\\cmd.exe", "cmd.exe", SERVERS[2]),
        (f"{SYSTEM32}\\tasklist.exe", "tasklist /svc", f"{SYSTEM32}\\cmd.exe", "cmd.exe", SQL),
        (f"{SYSTEM32}\\Taskmgr.exe", "\"C:\\Windows\\System32\\Taskmgr.exe\" /4", EXPLORER, "explorer.exe", SQL),
        (f"{SYSTEM32}\\mmc.exe", "\"C:\\Windows\\System32\\mmc.exe\" dsa.msc", EXPLORER, "explorer.exe", SERVERS[0]),
    )  # fmt: skip
    for path, command, parent, parent_command, server in by_hand:
        process(make, Process(next(_moments(make, 1)), server, path, command, parent, parent_command, ENGINEERS[0]))


def last_event(make: Maker) -> None:
    """The event that ends the data: an ordinary renewal of a token."""
    sign_in(
        make,
        SignIn(
            END, VICTIM, TEAMS, GRAPH, OFFICE_ADDRESS, OFFICE, _device(VICTIM), session=guid(f"session:{VICTIM.upn}:14"),
            client="Mobile Apps and Desktop clients",
        ),
        interactive=False,
    )  # fmt: skip
