"""The set-up guide holds every step, in order; its tables are the manifest's, and its commands work."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.deliver.conftest import RUN
from tests.docs.code_blocks import read_blocks
from tests.plugins.fake_tenant import CLIENT, GROUP, SECRET, SUBSCRIPTION, TENANT, WORKSPACE, Door
from vedette.core.tls import client_context
from vedette.deliver.description import describe
from vedette.deliver.kinds.sentinel import SEVERITIES, SOURCE, manifest
from vedette.range.server import RangeServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / manifest().guide
TEXT = PAGE.read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text of a section, down to the next heading of its level or above, on one line and without emphasis."""
    match = re.search(rf"^(#+) {re.escape(title)}$", TEXT, re.MULTILINE)
    assert match is not None, title
    rest = TEXT[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return " ".join(rest[: end.start() if end else None].replace("**", "").replace("`", "").split())


def in_order(text: str, *words: str) -> None:
    """Each of the words stands in the text, one after the other."""
    at = 0
    for word in words:
        found = text.find(word, at)
        assert found >= 0, f"'{word}' is missing, or not in its place"
        at = found + len(word)


def test_the_guide_goes_from_the_prerequisites_to_the_rotation() -> None:
    headings = re.findall(r"^#{2,3} (.+)$", TEXT, re.MULTILINE)
    expected = [
        "What you need", "Set it up", "1. Create an App Registration", "2. Create a client secret", "3. Assign the role",
        "4. Test the access", "5. Configure the destination", "What the incident looks like", "Severity", "Description",
        "Identity", "Try it", "The credentials, with Python", "A detection", "When it does not work",
        "Is the role assigned?", "When does the secret expire?", "Logs", "Several workspaces", "All fields",
        "Working with the incidents", "Security practice", "Rotate the secret", "See also",
    ]  # fmt: skip
    assert headings == expected


@pytest.mark.req("D-002", "D-003", "D-004")
def test_prerequisites() -> None:
    in_order(
        section("What you need"),
        "An Azure subscription with a Microsoft Sentinel workspace",
        "right to create App Registrations",
        "A workspace in which incidents may be created",
    )


@pytest.mark.req("D-005", "D-006", "D-007", "D-008", "D-009")
def test_the_app_registration() -> None:
    in_order(
        section("1. Create an App Registration"),
        "Azure Active Directory",
        "App registrations",
        "New registration",
        "Enter a name, for example Vedette Security Detections",
        "Accounts in this organizational directory only",
        "Register",
        "Copy the Application (client) ID",
        "Copy the Directory (tenant) ID",
    )


@pytest.mark.req("D-010", "D-011", "D-012")
def test_the_client_secret() -> None:
    in_order(
        section("2. Create a client secret"),
        "Certificates & secrets",
        "New client secret",
        "description, for example Detection alerts integration",
        "90 days are recommended",
        "Add",
        "value at once: it is not shown again",
        "warning",
        "safe place",
    )


@pytest.mark.req("D-013", "D-014", "D-015")
def test_the_role() -> None:
    in_order(
        section("3. Assign the role"),
        "Microsoft Sentinel workspace",
        "Access control (IAM)",
        "Add role assignment",
        "Microsoft Sentinel Responder",
        "Next",
        "User, group, or service principal",
        "Select members",
        "App Registration",
        "Review + assign",
    )
    assert manifest().permissions[0].name == "Microsoft Sentinel Responder"


@pytest.mark.req("D-016", "D-019")
def test_the_command_that_tests_the_access_works(door: Door) -> None:
    in_order(section("4. Test the access"), "az login", "az rest --method put", "JSON object with the details")
    (command,) = [block.text for block in read_blocks(PAGE) if "az rest" in block.text]
    url = re.search(r'--url "([^"]+)"', command)
    body = re.search(r"--body '([^']+)'", command)
    assert url is not None
    assert body is not None
    assert "--method put" in command
    address = url[1]
    assert address.startswith("https://management.azure.com/")
    for name, value in (
        ("https://management.azure.com", door.server.url),
        ("{subscription-id}", SUBSCRIPTION),
        ("{rg-name}", GROUP),
        ("{workspace-name}", WORKSPACE),
    ):
        assert name in address
        address = address.replace(name, value)
    headers = {"Authorization": f"Bearer {door.token()}", "Content-Type": "application/json"}
    answer = door.http.put(address, content=body[1], headers=headers)
    assert answer.status_code == 201
    told = answer.json()["properties"]
    assert {name: told[name] for name in json.loads(body[1])["properties"]} == json.loads(body[1])["properties"]
    assert set(json.loads(body[1])["properties"]) == {"title", "severity", "status"}


@pytest.mark.req("D-091")
def test_the_configuration() -> None:
    in_order(
        section("5. Configure the destination"),
        "tenant id, kept in the secret store",
        "client id, kept in the secret store",
        "client secret, kept in the secret store",
        "subscription id",
        "resource group",
        "workspace",
    )
    assert len([field for field in manifest().fields if field.required]) == 6


def test_the_incident_is_the_one_that_is_sent() -> None:
    shown = section("What the incident looks like")
    for name in ("title", "description", "severity", "status", "firstActivityTimeUtc", "lastActivityTimeUtc"):
        assert f"| {name} |" in shown
    assert SOURCE in shown
    for severity, expected in SEVERITIES.items():
        assert f"| {severity} | {expected} |" in section("Severity")
    assert "There are no others" in section("Severity")


def test_the_description_is_in_the_order_that_the_guide_tells() -> None:
    in_order(
        section("Description"), "name of the detection, severity, outcome and number of matches", "run type",
        "threshold: operator, value and eagerness", "exhaustiveness, search id and trace id", "own description",
        "replay link", "error messages", "5,000 characters",
    )  # fmt: skip
    in_order(
        describe(RUN), "Detection:", "Severity:", "Outcome:", "Match count:", "Run type:", "Threshold: operator",
        "value", "eagerness", "Exhaustiveness:", "Search ID:", "Trace ID:", "Description:", "Replay:",
    )  # fmt: skip


@pytest.mark.req("D-059")
@pytest.mark.parametrize("preview", [False, True])
def test_the_python_program_of_the_guide_works(
    fake_tenant: RangeServer, preview_sdk: Callable[[str], subprocess.CompletedProcess[str]], preview: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (program,) = [block.text for block in read_blocks(PAGE) if "ClientSecretCredential" in block.text]
    for name, value in (
        ("your-tenant-id", TENANT),
        ("your-client-id", CLIENT),
        ("your-client-secret", SECRET),
        ("your-subscription-id", SUBSCRIPTION),
        ("your-rg", GROUP),
        ("your-workspace", WORKSPACE),
    ):
        assert f'"{name}"' in program
        program = program.replace(name, value)
    # Only where the cloud is differs from what a reader runs.
    ca = f"connection_verify={str(fake_tenant.ca_path)!r}"
    program = program.replace(
        f'client_secret="{SECRET}",',
        f'client_secret="{SECRET}", authority={fake_tenant.url!r}, disable_instance_discovery=True, {ca},',
    )
    program = program.replace(f'"{SUBSCRIPTION}")', f'"{SUBSCRIPTION}", base_url={fake_tenant.url!r}, {ca})')
    with httpx.Client(base_url=fake_tenant.url, verify=client_context(fake_tenant.ca_path), timeout=60) as http:
        Door(fake_tenant, None, http).arm(  # type: ignore[arg-type]
            "PUT", "incidents/one", {"properties": {"title": "First", "severity": "Low", "status": "New"}}
        )
    if preview:
        assert "SecurityInsightsMgmtClient" in section("The credentials, with Python")
        assert "incident.properties.title" in section("The credentials, with Python")
        program = program.replace("import SecurityInsights", "import SecurityInsightsMgmtClient as SecurityInsights")
        done = preview_sdk(program.replace("incident.title", "incident.properties.title"))
        assert (done.stdout, done.stderr) == ("Incident: one - First\n", "")
    else:
        exec(compile(program, str(PAGE), "exec"), {})
        assert capsys.readouterr().out == "Incident: one - First\n"


@pytest.mark.req("D-061", "D-062", "D-063", "D-064", "D-065")
def test_the_troubleshooting_table_is_the_manifests() -> None:
    assert manifest().troubleshooting_table() in TEXT
    rows = {row.error: (row.cause, row.solution) for row in manifest().troubleshooting}
    assert "tenant_id, client_id and client_secret" in rows["Authentication failed"][1]
    assert "Microsoft Sentinel Responder role to the App Registration" in rows["Forbidden / 403"][1]
    assert "subscription_id, resource_group_name and workspace_name" in rows["Resource not found"][1]
    assert "tenant_id" in rows["Tenant not found"][1]
    assert "MATCHED" in rows["Incident not created"][1]
    assert "enabled" in rows["Incident not created"][1]


def test_the_table_of_fields_is_the_manifests() -> None:
    assert manifest().fields_table() in TEXT


@pytest.mark.req("D-066")
def test_how_to_verify_the_role() -> None:
    in_order(
        section("Is the role assigned?"), "Microsoft Sentinel workspace", "Access control (IAM)", "Role assignments",
        "Search for the name of your App Registration", "Microsoft Sentinel Responder",
    )  # fmt: skip


@pytest.mark.req("D-067")
def test_how_to_check_the_expiry() -> None:
    in_order(
        section("When does the secret expire?"), "Azure Active Directory", "App registrations", "Certificates & secrets",
        "expiry date", "new secret before that date",
    )  # fmt: skip


def test_the_use_cases_of_several_workspaces() -> None:
    in_order(section("Several workspaces"), "production workspace", "development workspace", "region's workspace")


@pytest.mark.req("D-083", "D-084", "D-086", "D-089")
def test_security_practice() -> None:
    in_order(
        section("Security practice"),
        "Never commit credentials; keep them in the secret store",
        "App Registration of its own for Vedette, not a person's account",
        "every 90 days",
        "Microsoft Sentinel Responder on the workspace, not Contributor or Owner",
        "sign-ins of the App Registration",
        "reminded before a secret expires",
        "Review the role assignments of the workspace (IAM) regularly",
    )


def test_the_rotation() -> None:
    in_order(
        section("Rotate the secret"), "before the old one expires", "Certificates & secrets", "New client secret",
        "copy its value", "destination's client secret", "run a detection by hand", "Delete the old secret",
    )  # fmt: skip
