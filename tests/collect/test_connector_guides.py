"""The guide of Azure Security holds every step, in order; its tables are the manifest's; the catalogue has every connector."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vedette.collect.connectors.azure_security.manifest import manifest
from vedette.collect.connectors.registry import default_connectors
from vedette.core.clock import SystemClock

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / manifest().guide).read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text of a section, on one line and without emphasis."""
    match = re.search(rf"^(#+) {re.escape(title)}$", TEXT, re.MULTILINE)
    assert match is not None, title
    rest = TEXT[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return " ".join(rest[: end.start() if end else None].replace("**", "").replace("`", "").replace("*", "").split())


def in_order(text: str, *words: str) -> None:
    at = 0
    for word in words:
        found = text.find(word, at)
        assert found >= 0, f"'{word}' is missing, or not in its place"
        at = found + len(word)


def test_the_guide_goes_from_the_prerequisites_to_the_links() -> None:
    assert re.findall(r"^#{2,3} (.+)$", TEXT, re.MULTILINE) == [
        "What you need", "Step 1: Create the credentials", "Step 2: Configure it", "Step 3: See data arrive",
        "What is collected", "Permissions", "When it does not work", "Authentication failed (401)", "Forbidden (403)",
        "Rate limited (429)", "No data", "All fields", "See also",
    ]  # fmt: skip


@pytest.mark.req("C-009", "C-010", "C-011", "C-012", "C-013")
def test_prerequisites() -> None:
    in_order(
        section("What you need"), "note", "active Microsoft Azure subscription", "Defender for Cloud", "Microsoft 365 Defender",
        "Azure AD", "register an application", "[ ]", "active Azure subscription", "security services are enabled", "[ ]",
        "Global Administrator or Application Administrator", "[ ]", "graph.microsoft.com on port 443", "[ ]",
        "login.microsoftonline.com on port 443",
    )  # fmt: skip
    assert TEXT.count("* [ ] ") == 4


@pytest.mark.req("C-015", "C-016", "C-017", "C-018", "C-019", "C-020", "C-021", "C-022")
def test_the_credentials() -> None:
    in_order(
        section("Step 1: Create the credentials"), "https://portal.azure.com", "Azure Active Directory", "App registrations",
        "New registration", "name", "Accounts in this organizational directory only", "Register",
        "Application (client) ID", "Directory (tenant) ID", "Certificates & secrets", "New client secret", "description",
        "24 months (recommended)", "value", "only once", "API permissions", "Add a permission", "Microsoft Graph",
        "Application permissions", "SecurityEvents.Read.All", "SecurityAlert.Read.All (for v2 alerts)",
        "Grant admin consent", "warning", "client secret gives access", "Store it securely", "ticket", "e-mail",
    )  # fmt: skip


def test_the_configuration() -> None:
    in_order(
        section("Step 2: Configure it"), "/admin/settings/integrations", "Azure Security", "Add integration",
        "Azure Production Tenant", "Tenant ID", "Client ID", "Client Secret", "5 minutes are recommended", "Enabled", "Save",
        "never as an argument",
    )  # fmt: skip
    labels = [field.label for field in manifest().fields if field.required]
    assert labels == ["Tenant ID", "Client ID", "Client Secret"]


def test_the_validation_and_what_is_collected() -> None:
    in_order(
        section("Step 3: See data arrive"), "green", "[INFO] azure-security: fetched <N> events", "SecurityAlert", "tip",
        "within one polling interval",
    )  # fmt: skip
    for at in manifest().endpoints:
        minutes = int(at.interval.total_seconds() // 60)
        assert f"| {minutes} min |" in section("What is collected")
    in_order(
        section("What is collected"),
        "Mailbox",
        "Message",
        "URL",
        "MailCluster",
        "@odata.nextLink",
        "429",
        "10 minutes",
        "403",
    )


@pytest.mark.req("C-050", "C-051", "C-052")
def test_the_permissions() -> None:
    in_order(
        section("Permissions"), "SecurityEvents.Read.All | Application | Read security events (v1 API)",
        "SecurityAlert.Read.All | Application | Read security alerts (v2 API)", "Both need admin consent",
    )  # fmt: skip
    named = [one.name for one in manifest().permissions]
    assert named[:2] == ["SecurityEvents.Read.All", "SecurityAlert.Read.All"]


@pytest.mark.req("C-053", "C-054", "C-055", "C-056", "C-057", "C-058", "C-059", "C-060")
def test_the_troubleshooting() -> None:
    assert manifest().troubleshooting_table() in TEXT
    in_order(
        section("Authentication failed (401)"), "tenant ID", "client ID", "client secret", "expired", "right tenant"
    )
    in_order(section("Forbidden (403)"), "SecurityEvents.Read.All and SecurityAlert.Read.All", "admin consent")
    in_order(section("Rate limited (429)"), "per app and per tenant", "10 minutes", "backs off by itself")
    in_order(
        section("No data"), "Enabled", "errors in the log", "curl -I https://graph.microsoft.com", "alerts in the source",
        "the time that was polled", "Defender for Cloud or another security service",
    )  # fmt: skip


@pytest.mark.req("C-061")
def test_the_links() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT[TEXT.index("## See also") :])
    assert len(links) == 4
    for link in links:
        page, _, anchor = link.partition("#")
        target = (DOCS / "connectors" / page).resolve()
        assert target.is_file()
        heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^a-z0-9]+", "-", head.lower()).strip("-") for head in heads}


def test_the_table_of_fields_is_the_manifests() -> None:
    assert manifest().fields_table() in TEXT


def test_the_catalogue_and_a_guide_for_every_connector() -> None:
    catalogue = (DOCS / "connectors" / "index.md").read_text(encoding="utf-8")
    for kind in default_connectors(SystemClock()):
        page, _, anchor = kind.manifest.guide.partition("#")
        text = (DOCS / page).read_text(encoding="utf-8")
        assert not anchor or f"{{#{anchor}}}" in text
        assert kind.manifest.fields_table() in text
        assert kind.manifest.troubleshooting_table() in text
        assert f"[{kind.manifest.title}](" in catalogue
