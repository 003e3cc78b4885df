"""The fictitious company: its people, machines, applications and networks.

Addresses and networks are from the ranges reserved for documentation (RFC 5737, RFC 5398), names from the reserved domain
`example` (RFC 2606), so that nothing here is anybody's.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Final

DOMAIN: Final = "alderfinch.example"
NETBIOS: Final = "ALDERFINCH"
_NAMESPACE: Final = uuid.UUID("0a5d1d0e-6a39-5c9b-8d0e-2f5a7f1c9b11")


def guid(name: str) -> str:
    """The id of a thing of the company: the same for ever."""
    return str(uuid.uuid5(_NAMESPACE, name))


TENANT: Final = guid("tenant")
WORKSPACE: Final = guid("workspace")
SUBSCRIPTION: Final = guid("subscription")


@dataclass(frozen=True)
class Place:
    """A network, where it seems to be, and who runs it."""

    country: str
    state: str
    city: str
    latitude: float
    longitude: float
    system: int
    """Number of the autonomous system."""


OFFICE: Final = Place("DE", "Hamburg", "Hamburg", 53.5507, 9.9930, 64500)
HOME: Final = Place("DE", "Schleswig-Holstein", "Luebeck", 53.8655, 10.6866, 64501)
ABROAD: Final = Place("CH", "Zuerich", "Zuerich", 47.3667, 8.5500, 64502)
HOSTER: Final = Place("SC", "Mahe", "Victoria", -4.6200, 55.4550, 64510)
RELAY: Final = Place("NL", "Flevoland", "Dronten", 52.5250, 5.7180, 64511)

OFFICE_ADDRESS: Final = "198.51.100.10"
SPRAY_ADDRESS: Final = "203.0.113.77"
PHISH_ADDRESS: Final = "203.0.113.41"
RELAY_ADDRESS: Final = "203.0.113.58"


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    given: str
    family: str
    title: str
    index: int

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"

    @property
    def short(self) -> str:
        return f"{self.given}.{self.family}".lower()

    @property
    def upn(self) -> str:
        return f"{self.short}@{DOMAIN}"

    @property
    def id(self) -> str:
        return guid(self.upn)

    @property
    def puid(self) -> str:
        return "1003" + hashlib.sha256(self.upn.encode()).hexdigest()[:12].upper()

    @property
    def sid(self) -> str:
        return f"S-1-5-21-1004336348-1177238915-682003330-{1104 + self.index}"

    @property
    def device(self) -> str:
        return f"AF-LT-{101 + self.index}"

    @property
    def home(self) -> str:
        return f"192.0.2.{20 + self.index}"


_STAFF = (
    ("Daniel", "Reyes", "IT administrator"),
    ("Amelie", "Brandt", "IT administrator"),
    ("Priya", "Nair", "Cloud engineer"),
    ("Tomasz", "Wolny", "Cloud engineer"),
    ("Ingrid", "Solberg", "Chief financial officer"),
    ("Mira", "Okafor", "Accounts payable"),
    ("Leo", "Marchetti", "Sales manager"),
    ("Hana", "Sato", "Sales"),
    ("Oskar", "Petersen", "Sales"),
    ("Yasmin", "Haddad", "Procurement"),
    ("Pavel", "Dvorak", "Warehouse lead"),
    ("Greta", "Hofmann", "Warehouse"),
    ("Samuel", "Osei", "Warehouse"),
    ("Lucia", "Ferrer", "Human resources"),
    ("Noah", "Lindgren", "Human resources"),
    ("Chiara", "Bassi", "Marketing"),
    ("Emil", "Krause", "Marketing"),
    ("Fatima", "Zahra", "Legal"),
    ("Jonas", "Vogel", "Controlling"),
    ("Wei", "Chen", "Controlling"),
    ("Astrid", "Nyberg", "Customer service"),
    ("Bruno", "Keller", "Customer service"),
    ("Olga", "Morozova", "Customer service"),
    ("Ravi", "Pillai", "Data analyst"),
)
PEOPLE: Final = tuple(Person(given, family, title, index) for index, (given, family, title) in enumerate(_STAFF))
BY_NAME: Final = {person.short: person for person in PEOPLE}

VICTIM: Final = BY_NAME["daniel.reyes"]
ADMIN: Final = BY_NAME["amelie.brandt"]
ENGINEERS: Final = (BY_NAME["priya.nair"], BY_NAME["tomasz.wolny"])
TRAVELLER: Final = BY_NAME["leo.marchetti"]


@dataclass(frozen=True)
class App:
    """An application or a resource of the cloud, by its id."""

    name: str
    id: str


# Ids of Microsoft's own applications are the same in every tenant.
PORTAL: Final = App("Azure Portal", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c")
OFFICE_HOME: Final = App("OfficeHome", "4765445b-32c6-49b0-83e6-1d93765276ca")
OUTLOOK: Final = App("One Outlook Web", "9199bf20-a13f-4107-85dc-02114787ef48")
TEAMS: Final = App("Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264")
BROKER: Final = App("Microsoft Authentication Broker", "29d9ed98-a469-4536-ade2-f981bc1d605e")
CLI: Final = App("Microsoft Azure CLI", "04b07795-8ddb-461a-bbee-02f9e1bf7b46")
MAIL_CLIENT: Final = App("Microsoft Office", "d3590ed6-52b3-4102-aeff-aad2292ab01c")

GRAPH: Final = App("Microsoft Graph", "00000003-0000-0000-c000-000000000000")
EXCHANGE: Final = App("Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000")
SHAREPOINT: Final = App("Office 365 SharePoint Online", "00000003-0000-0ff1-ce00-000000000000")
ARM: Final = App("Windows Azure Service Management API", "797f4846-ba00-4fd7-ba43-dac1f8f63013")
REGISTRATION: Final = App("Device Registration Service", "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9")

ARCHIVE: Final = App("Invoice Archive", guid("app:invoice-archive"))
"""The company's own application that may read all mailboxes: what the intruder takes over."""
PLANNER: Final = App("Shift Planner", guid("app:shift-planner"))
PIPELINE: Final = App("af-deployment-pipeline", guid("app:pipeline"))
LURE: Final = App("Mail Backup Assistant", guid("app:mail-backup-assistant"))
"""The intruder's application, of another tenant."""


@dataclass(frozen=True)
class Server:
    """A virtual machine."""

    name: str
    group: str
    address: str

    @property
    def computer(self) -> str:
        return f"{self.name}.corp.{DOMAIN}"

    @property
    def resource(self) -> str:
        return (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.group}"
            f"/providers/Microsoft.Compute/virtualMachines/{self.name}"
        )

    @property
    def device_id(self) -> str:
        return hashlib.sha1(self.computer.encode(), usedforsecurity=False).hexdigest()


SQL: Final = Server("af-sql01", "rg-finance-prod", "10.20.4.11")
SHOP: Final = Server("af-app01", "rg-shop-prod", "10.20.6.31")
SERVERS: Final = (
    Server("af-dc01", "rg-identity-prod", "10.20.1.5"),
    SQL,
    Server("af-web01", "rg-shop-prod", "10.20.6.21"),
    SHOP,
)
