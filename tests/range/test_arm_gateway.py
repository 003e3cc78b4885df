"""The front door of Azure Resource Manager: versions, tokens, roles, existence, throttling, each with Azure's own error."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fake_tenant import ABSENT, CLIENT, GROUP, SUBSCRIPTION, WORKSPACE, Door, insights
from vedette.range.state import Directory, RoleAssignment, SentinelWorkspace, Subscription

BODY = {"properties": {"title": "Test Incident", "severity": "Low", "status": "New"}}


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def assign(door: Door, role: str, scope: str) -> None:
    app = door.server.tenant.directories[0].applications[0]
    door.server.tenant.subscriptions[0].role_assignments[:] = [RoleAssignment(app.object_id, role, scope)]


def recorded(shared: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "contracts" / "arm_errors.json").read_text())[name]
    return found


def test_every_answer_can_be_tracked(door: Door) -> None:
    answer = door.arm("GET", "incidents", headers={"x-ms-correlation-request-id": ABSENT})
    assert answer.headers["x-ms-correlation-request-id"] == ABSENT
    assert answer.headers["x-ms-request-id"]
    assert answer.headers["x-ms-routing-request-id"].startswith("RANGE:20260304T101530Z:")
    assert answer.headers["x-ms-ratelimit-remaining-subscription-reads"] == "11999"


def test_the_api_version_is_required(door: Door, shared: Path) -> None:
    answer = door.arm("GET", "incidents", version=None)
    assert answer.status_code == 400
    assert answer.json() == recorded(shared, "400_api_version")["body"]


def test_an_unknown_api_version_is_told_the_known_ones(door: Door) -> None:
    answer = door.arm("GET", "incidents", version="1999-01-01")
    assert error_of(answer) == (400, "NoRegisteredProviderFound")
    assert "2022-07-01-preview" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "version", ["2021-10-01", "2022-07-01-preview", "2024-09-01", "2025-09-01", "2025-10-01-preview"]
)
def test_known_api_versions(door: Door, version: str) -> None:
    assert door.arm("PUT", "incidents/a", BODY, version=version).status_code == 201
    assert door.arm("GET", "incidents/a", version=version).json()["properties"]["title"] == "Test Incident"


def test_a_token_is_required(door: Door, shared: Path) -> None:
    answer = door.http.get(f"{insights()}/incidents", params={"api-version": "2024-09-01"})
    expected = recorded(shared, "401_missing")
    assert answer.status_code == 401
    assert answer.json() == expected["body"]
    assert answer.headers["www-authenticate"] == expected["headers"]["WWW-Authenticate"]


def test_an_expired_token(door: Door, shared: Path) -> None:
    token = door.token()
    door.server.tenant.token_lifetime = 60
    short = door.token()
    door.clock.advance(930)
    answer = door.arm("GET", "incidents", token=short)
    assert error_of(answer) == (401, "ExpiredAuthenticationToken")
    words = recorded(shared, "401_expired")["body"]["error"]["message"]
    assert answer.json()["error"]["message"] == words.replace("10:00:00", "10:16:30").replace("10:15:30", "10:31:00")
    assert door.arm("GET", "incidents", token=token).status_code == 200


@pytest.mark.parametrize(
    "token", ["nonsense", "eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQuYXp1cmUuY29tIn0."]
)
def test_a_token_of_somebody_else_is_refused(door: Door, token: str) -> None:
    assert error_of(door.arm("GET", "incidents", token=token)) == (401, "InvalidAuthenticationToken")


def test_a_token_for_another_resource_is_refused(door: Door) -> None:
    token = door.token(resource="https://graph.microsoft.com")
    assert error_of(door.arm("GET", "incidents", token=token)) == (401, "InvalidAuthenticationTokenAudience")


def test_a_token_of_another_tenant_is_refused(door: Door) -> None:
    door.server.tenant.directories.append(Directory(ABSENT, "Fabrikam", "fabrikam.example"))
    door.server.tenant.subscriptions.append(Subscription("aaaaaaaa-0000-4000-8000-000000000001", ABSENT))
    path = insights(subscription="aaaaaaaa-0000-4000-8000-000000000001")
    assert error_of(door.arm("GET", f"{path}/incidents")) == (401, "InvalidAuthenticationTokenTenant")


@pytest.mark.parametrize(
    ("role", "method", "allowed"),
    [
        ("Microsoft Sentinel Reader", "GET", True),
        ("Microsoft Sentinel Reader", "PUT", False),
        ("Microsoft Sentinel Reader", "DELETE", False),
        ("Microsoft Sentinel Responder", "GET", True),
        ("Microsoft Sentinel Responder", "PUT", True),
        ("Microsoft Sentinel Responder", "DELETE", True),
        ("Microsoft Sentinel Contributor", "PUT", True),
        ("Microsoft Sentinel Playbook Operator", "GET", False),
        ("Reader", "GET", True),
        ("Reader", "PUT", False),
        ("Contributor", "PUT", True),
        ("Owner", "PUT", True),
    ],
)
def test_roles(door: Door, role: str, method: str, allowed: bool) -> None:
    assign(door, role, f"/subscriptions/{SUBSCRIPTION}")
    answer = door.arm(method, "incidents/a", BODY if method == "PUT" else None)
    assert (answer.status_code != 403) is allowed


def test_a_responder_does_not_delete_comments(door: Door) -> None:
    assign(door, "Microsoft Sentinel Responder", f"/subscriptions/{SUBSCRIPTION}")
    assert door.arm("DELETE", "incidents/a/comments/b").status_code == 403


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (f"/subscriptions/{SUBSCRIPTION.upper()}", True),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}", True),
        (f"/subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP.upper()}", True),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}-2", False),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sec", False),
        (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.OperationalInsights"
            f"/workspaces/{WORKSPACE}",
            True,
        ),
        (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.OperationalInsights"
            "/workspaces/another",
            False,
        ),
    ],
)
def test_a_role_holds_at_its_scope_and_below(door: Door, scope: str, allowed: bool) -> None:
    assign(door, "Microsoft Sentinel Responder", scope)
    assert (door.arm("GET", "incidents").status_code == 200) is allowed


def test_the_refusal_names_client_action_and_scope(door: Door, shared: Path) -> None:
    door.server.tenant.subscriptions[0].role_assignments.clear()
    answer = door.arm("PUT", "incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5", BODY)
    expected = recorded(shared, "403")
    app = door.server.tenant.directories[0].applications[0]
    message = expected["body"]["error"]["message"].replace(f"The client '{app.object_id}'", f"The client '{CLIENT}'")
    assert answer.status_code == 403
    assert answer.json()["error"] == {"code": "AuthorizationFailed", "message": message}
    assert answer.headers["x-ms-failure-cause"] == expected["headers"]["x-ms-failure-cause"]


def test_what_does_not_exist_is_named(door: Door, shared: Path) -> None:
    assign(door, "Microsoft Sentinel Responder", f"/subscriptions/{SUBSCRIPTION}")
    unknown = door.arm("GET", f"{insights(subscription=ABSENT)}/incidents")
    expected = recorded(shared, "404_subscription")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == expected["body"]["error"]["code"]
    assert unknown.json()["error"]["message"] == expected["body"]["error"]["message"].replace(SUBSCRIPTION, ABSENT)

    no_group = door.arm("GET", f"{insights(group='rg-nope')}/incidents")
    assert (no_group.status_code, no_group.json()) == (404, recorded(shared, "404_rg")["body"])

    no_workspace = door.arm("GET", f"{insights(workspace='law-nope')}/incidents")
    assert error_of(no_workspace) == (404, "ResourceNotFound")
    assert "'Microsoft.OperationalInsights/workspaces/law-nope'" in no_workspace.json()["error"]["message"]

    no_incident = door.arm("GET", "incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5")
    assert (no_incident.status_code, no_incident.json()) == (404, recorded(shared, "404_incident")["body"])


def test_without_a_role_nothing_is_said_about_what_exists(door: Door) -> None:
    assert error_of(door.arm("GET", f"{insights(group='rg-nope')}/incidents")) == (403, "AuthorizationFailed")


def test_a_workspace_without_microsoft_sentinel(door: Door) -> None:
    door.server.tenant.subscriptions[0].resource_groups[0].workspaces.append(
        SentinelWorkspace("plain", onboarded=False)
    )
    assign(door, "Microsoft Sentinel Responder", f"/subscriptions/{SUBSCRIPTION}")
    assert door.arm("PUT", f"{insights(workspace='plain')}/incidents/a", BODY).status_code == 400


def test_paths_are_read_without_case_and_answers_have_the_names_as_they_are(door: Door) -> None:
    shouted = insights(group=GROUP.upper(), workspace=WORKSPACE.upper()).replace("/subscriptions", "/SUBSCRIPTIONS")
    shouted = shouted.replace("resourceGroups", "RESOURCEGROUPS").replace(
        "Microsoft.SecurityInsights", "microsoft.securityinsights"
    )
    answer = door.arm("PUT", f"{shouted}/INCIDENTS/Mixed-Case", BODY)
    assert answer.status_code == 201
    assert answer.json()["id"] == f"{insights()}/Incidents/Mixed-Case"
    assert "resource group 'RG-SEC-PROD' is 'rg-sec-prod'" in answer.headers["warning"]
    assert "workspace 'LAW-SEC-PROD' is 'law-sec-prod'" in answer.headers["warning"]
    again = door.arm("GET", "incidents/mixed-case")
    assert again.json()["name"] == "Mixed-Case"
    assert "warning" not in again.headers


@pytest.mark.parametrize(
    "path",
    [
        f"//subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}//providers/Microsoft.OperationalInsights/workspaces/"
        f"{WORKSPACE}/providers/Microsoft.SecurityInsights/incidents",
        f"/subscriptions%2F{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.OperationalInsights/workspaces/"
        f"{WORKSPACE}/providers/Microsoft.SecurityInsights/incidents",
    ],
)
def test_doubled_and_encoded_slashes(door: Door, path: str) -> None:
    assert (
        door.http.get(
            door.server.url + path,
            params={"api-version": "2024-09-01"},
            headers={"Authorization": f"Bearer {door.token()}"},
        ).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "unicorns", 404, "InvalidResourceType"),
        ("GET", "incidents/a/unicorns", 404, "InvalidResourceType"),
        (
            "GET",
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.SecurityInsights/incidents",
            404,
            "InvalidResourceType",
        ),
        ("GET", f"/subscriptions/{SUBSCRIPTION}/elsewhere", 404, "NotFound"),
        ("PATCH", "incidents/a", 405, "MethodNotAllowed"),
        ("DELETE", "incidents", 405, "MethodNotAllowed"),
    ],
)
def test_what_is_not_served_is_refused_by_name(door: Door, method: str, path: str, status: int, code: str) -> None:
    assert error_of(door.arm(method, path)) == (status, code)


def test_throttling_per_principal_subscription_and_hour(door: Door) -> None:
    door.server.tenant.throttle.writes = 2
    assert [door.arm("PUT", f"incidents/{name}", BODY).status_code for name in "abc"] == [201, 201, 429]
    answer = door.arm("PUT", "incidents/c", BODY)
    assert error_of(answer) == (429, "SubscriptionRequestsThrottled")
    wait = int(answer.headers["retry-after"])
    assert wait == 3600 - (15 * 60 + 30)
    assert door.arm("GET", "incidents").status_code == 200  # reads have a limit of their own
    door.clock.advance(timedelta(seconds=wait))
    assert door.arm("PUT", "incidents/c", BODY).status_code == 201


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[1,"])
def test_a_body_that_is_no_json(door: Door, content: bytes) -> None:
    answer = door.http.put(
        f"{insights()}/incidents/a",
        params={"api-version": "2024-09-01"},
        content=content,
        headers={"Authorization": f"Bearer {door.token()}"},
    )
    assert error_of(answer) == (400, "InvalidRequestContent")


def test_permissions_list_the_roles_at_the_scope(door: Door) -> None:
    scope = insights().removesuffix("/providers/Microsoft.SecurityInsights")
    answer = door.arm("GET", f"{scope}/providers/Microsoft.Authorization/permissions", version="2022-04-01")
    assert answer.status_code == 200
    (entry,) = answer.json()["value"]
    assert "Microsoft.SecurityInsights/incidents/*" in entry["actions"]
    assign(door, "Reader", f"/subscriptions/{SUBSCRIPTION}")
    (entry,) = door.arm("GET", f"{scope}/providers/Microsoft.Authorization/permissions", version="2022-04-01").json()[
        "value"
    ]
    assert entry["actions"] == ["*/read"]
