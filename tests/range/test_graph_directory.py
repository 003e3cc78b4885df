"""Graph's directory: people, sessions, methods, risk, applications, policies, roles, logs, indicators."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.plugins.fake_tenant import ABSENT, TENANT, Door
from tests.range.conftest import RESPONDER, Graph
from tests.range.test_assertions import key_pair
from vedette.range.seed import CONTOSO

DANA = "26be570a-6b1c-4189-b4e2-a37c6808512d"
MEGAN = "2046feea-040d-4a46-9e2b-91c2941bfa70"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"


def audits(graph: Graph) -> list[str]:
    return [entry["activityDisplayName"] for entry in graph.get("auditLogs/directoryAudits")["value"]]


def give(graph: Graph, principal: str, role: str) -> Any:
    body = {"principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/"}
    return graph.ask("POST", "roleManagement/directory/roleAssignments", body)


def test_people_are_told_as_much_as_is_asked(graph: Graph) -> None:
    user = graph.get("users/dana.cruz@contoso.example")
    assert user["id"] == DANA
    assert "accountEnabled" not in user
    assert graph.get(f"users/{DANA}", select="accountEnabled,userType")["accountEnabled"] is True
    found = graph.get("users", filter="startswith(displayName,'Dana') and accountEnabled eq true")["value"]
    assert [each["id"] for each in found] == [DANA]
    answer = graph.ask("GET", f"users/{ABSENT}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "Request_ResourceNotFound")
    assert graph.get(f"users('{DANA}')")["id"] == DANA


def test_an_account_is_disabled_and_enabled(graph: Graph) -> None:
    for enabled in (False, False, True):
        assert graph.ask("PATCH", f"users/{DANA}", {"accountEnabled": enabled}).status_code == 204
        assert graph.get(f"users/{DANA}", select="accountEnabled") == {
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
            "accountEnabled": enabled,
        }
    assert sorted(audits(graph)) == ["Disable account", "Enable account", "Update user"]
    assert graph.ask("PATCH", f"users/{DANA}", {"accountEnabled": "no"}).status_code == 400
    assert graph.ask("PATCH", f"users/{DANA}", {"nothing": 1}).status_code == 400


def test_sessions_end(graph: Graph) -> None:
    answer = graph.ask("POST", f"users/{DANA}/revokeSignInSessions")
    assert (answer.status_code, answer.json()["value"]) == (200, True)
    user = graph.get(f"users/{DANA}", select="signInSessionsValidFromDateTime")
    assert user["signInSessionsValidFromDateTime"] == "2026-03-04T10:15:30Z"


@pytest.mark.parametrize("password", ["short1!", "alllowercase", "Dana.Cruz1x", 5])
def test_a_password_that_is_too_weak(graph: Graph, password: Any) -> None:
    answer = graph.ask("PATCH", f"users/{DANA}", {"passwordProfile": {"password": password}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Request_BadRequest")


def test_a_password_is_reset_and_never_told(graph: Graph) -> None:
    profile = {"password": "Correct-Horse-7", "forceChangePasswordNextSignIn": True}
    assert graph.ask("PATCH", f"users/{DANA}", {"passwordProfile": profile}).status_code == 204
    user = graph.get(f"users/{DANA}", select="lastPasswordChangeDateTime")
    assert user["lastPasswordChangeDateTime"] == "2026-03-04T10:15:30Z"
    assert "Correct-Horse-7" not in json.dumps(graph.get("users"))
    assert audits(graph) == ["Reset password (by admin)"]


def test_administrators_are_only_touched_by_administrators(door: Door, graph: Graph) -> None:
    assert give(graph, DANA, GLOBAL_ADMINISTRATOR).status_code == 201
    answer = graph.ask("PATCH", f"users/{DANA}", {"accountEnabled": False})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    responder = door.server.tenant.directories[0].applications[2].object_id
    assert give(graph, responder, USER_ADMINISTRATOR).status_code == 201
    assert graph.ask("PATCH", f"users/{DANA}", {"accountEnabled": False}).status_code == 204


def test_the_permission_to_enable_accounts_is_only_that(door: Door, graph: Graph) -> None:
    door.server.tenant.directories[0].applications[2].app_roles = ["User.EnableDisableAccount.All", "User.Read.All"]
    assert graph.ask("PATCH", f"users/{DANA}", {"accountEnabled": False}).status_code == 204
    assert graph.ask("PATCH", f"users/{DANA}", {"jobTitle": "x"}).status_code == 403
    assert graph.ask("PATCH", f"users/{DANA}", {"passwordProfile": {"password": "Correct-Horse-7"}}).status_code == 403


def test_roles_are_given_and_taken_back(graph: Graph) -> None:
    made = give(graph, MEGAN, GLOBAL_ADMINISTRATOR).json()
    assert give(graph, MEGAN, GLOBAL_ADMINISTRATOR).status_code == 400
    path = "roleManagement/directory/roleAssignments"
    listed = graph.get(path, filter=f"principalId eq '{MEGAN}'", expand="roleDefinition")["value"]
    assert [each["roleDefinition"]["displayName"] for each in listed] == ["Global Administrator"]
    assert listed[0]["id"] == made["id"]
    member = graph.get(f"users/{MEGAN}/transitiveMemberOf/microsoft.graph.directoryRole")["value"]
    assert [each["displayName"] for each in member] == ["Global Administrator"]
    assert graph.ask("DELETE", f"{path}/{made['id']}").status_code == 204
    assert graph.ask("DELETE", f"{path}/{made['id']}").status_code == 404
    assert graph.get(path)["value"] == []


def test_groups(door: Door, graph: Graph) -> None:
    groups = door.server.tenant.documents.of("graph", TENANT, "groups")
    groups.put("g1", {"id": "g1", "displayName": "Payroll", "members": [DANA]})
    groups.put("g2", {"id": "g2", "displayName": "Finance", "members": ["g1"]})
    assert [each["displayName"] for each in graph.get(f"users/{DANA}/memberOf")["value"]] == ["Payroll"]
    deep = graph.get(f"users/{DANA}/transitiveMemberOf")["value"]
    assert [each["displayName"] for each in deep] == ["Payroll", "Finance"]
    assert "members" not in graph.get("groups/g1")
    assert [each["id"] for each in graph.get("groups/g1/members")["value"]] == [DANA]
    assert graph.ask("DELETE", f"groups/g1/members/{DANA}/$ref").status_code == 204
    assert graph.ask("DELETE", f"groups/g1/members/{DANA}/$ref").status_code == 404
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{DANA}"}
    assert [graph.ask("POST", "groups/g1/members/$ref", link).status_code for _ in range(2)] == [204, 400]


def methods(graph: Graph) -> list[str]:
    return [each["@odata.type"].split(".")[-1] for each in graph.get(f"users/{DANA}/authentication/methods")["value"]]


def test_authentication_methods(door: Door, graph: Graph) -> None:
    store = door.server.tenant.documents.of("graph", TENANT, f"users/{DANA}/authentication/methods")
    store.put(
        "p", {"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": "p", "phoneNumber": "+1 5550100"}
    )
    store.put("f", {"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "f", "model": "key"})
    assert methods(graph) == ["phoneAuthenticationMethod", "fido2AuthenticationMethod", "passwordAuthenticationMethod"]
    base = f"users/{DANA}/authentication"
    assert [each["id"] for each in graph.get(f"{base}/fido2Methods")["value"]] == ["f"]
    assert graph.ask("DELETE", f"{base}/fido2Methods/p").status_code == 404
    assert [graph.ask("DELETE", f"{base}/phoneMethods/p").status_code for _ in range(2)] == [204, 404]
    password = "28c10230-6103-485e-b985-444c60001490"
    assert graph.ask("DELETE", f"{base}/passwordMethods/{password}").status_code == 400
    assert methods(graph) == ["fido2AuthenticationMethod", "passwordAuthenticationMethod"]
    assert graph.ask("GET", f"{base}/nothingMethods").status_code == 400


def test_recorded_methods_load(door: Door, graph: Graph, shared: Path) -> None:
    recorded = json.loads((shared / "contracts" / "graph_auth_methods.json").read_text())
    part = {**CONTOSO["directories"][0], "graph": {f"users/{DANA}/authentication/methods": recorded}}
    door.server.reset(seed={**CONTOSO, "directories": [part]}, clock=door.clock)
    assert graph.get(f"users/{DANA}/authentication/methods")["value"] == recorded["value"]


@pytest.mark.parametrize(
    ("action", "level", "state", "detail"),
    [
        ("confirmCompromised", "high", "confirmedCompromised", "adminConfirmedUserCompromised"),
        ("dismiss", "none", "dismissed", "adminDismissedAllRiskForUser"),
        ("confirmSafe", "none", "confirmedSafe", "adminConfirmedAccountSafe"),
    ],
)
def test_risk_is_judged(graph: Graph, action: str, level: str, state: str, detail: str) -> None:
    path = "identityProtection/riskyUsers"
    assert graph.ask("GET", f"{path}/{DANA}").status_code == 404
    assert graph.ask("POST", f"{path}/{action}", {"userIds": [DANA]}).status_code == 204
    risk = graph.get(f"{path}/{DANA}")
    assert (risk["riskLevel"], risk["riskState"], risk["riskDetail"]) == (level, state, detail)
    assert [each["id"] for each in graph.get(path, filter=f"riskState eq '{state}'")["value"]] == [DANA]
    assert graph.ask("POST", f"{path}/{action}", {"userIds": [DANA] * 61}).status_code == 400
    assert graph.ask("POST", f"{path}/{action}", {"userIds": [ABSENT]}).status_code == 404
    assert graph.ask("POST", f"{path}/{action}", {}).status_code == 400


def token_of(door: Door, secret: str) -> int:
    form = {"grant_type": "client_credentials", "client_id": RESPONDER[0], "client_secret": secret}
    scope = {"scope": "https://graph.microsoft.com/.default"}
    return door.http.post(f"/{TENANT}/oauth2/v2.0/token", data={**form, **scope}).status_code


@pytest.mark.parametrize("what", ["applications", "servicePrincipals"])
def test_secrets_rotate(door: Door, graph: Graph, what: str) -> None:
    listed = graph.get(what, filter=f"appId eq '{RESPONDER[0]}'")["value"][0]
    path = f"{what}/{listed['id']}"
    made = graph.ask("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "new"}}).json()
    assert made["secretText"][:3] == made["hint"]
    assert made["endDateTime"] == "2028-03-03T10:15:30Z"
    assert (token_of(door, made["secretText"]), token_of(door, RESPONDER[1])) == (200, 200)
    credentials = graph.get(path)["passwordCredentials"]
    assert [each["secretText"] for each in credentials] == [None, None]
    answer = graph.ask("POST", f"{path}/removePassword", {"keyId": ABSENT})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "No password credential found with keyId.")
    assert graph.ask("POST", f"{path}/removePassword", {"keyId": made["keyId"]}).status_code == 204
    assert token_of(door, made["secretText"]) == 401


def test_an_application_by_its_client_id(graph: Graph) -> None:
    assert graph.get(f"applications(appId='{RESPONDER[0]}')")["displayName"] == "Vedette Response"
    assert graph.get(f"servicePrincipals(appId='{RESPONDER[0]}')")["accountEnabled"] is True
    assert (
        graph.get("servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")["displayName"] == "Microsoft Graph"
    )


def test_an_application_is_switched_off(door: Door, graph: Graph) -> None:
    graph.get("users")
    token = door.token(client=RESPONDER[0], secret=RESPONDER[1], resource="https://graph.microsoft.com")
    name = graph.get(f"servicePrincipals(appId='{RESPONDER[0]}')")["id"]
    assert graph.ask("PATCH", f"servicePrincipals/{name}", {"accountEnabled": False}).status_code == 204
    assert token_of(door, RESPONDER[1]) == 400
    headers = {"Authorization": f"Bearer {token}"}
    assert door.http.get("/v1.0/users", headers=headers).status_code == 200  # tokens live out their hour


def test_certificates_of_an_application(door: Door, graph: Graph) -> None:
    app = door.server.tenant.directories[0].applications[2]
    first, second = key_pair(door.clock.now()), key_pair(door.clock.now())
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(first.der).decode()}
    path = f"applications/{app.application_id}"
    assert graph.ask("PATCH", path, {"keyCredentials": [key]}).status_code == 204
    now = int(door.clock.now().timestamp())
    claims = {"aud": "00000002-0000-0000-c000-000000000000", "iss": app.application_id, "nbf": now, "exp": now + 600}
    proof = jwt.encode(claims, first.key, algorithm="RS256")
    body = {"keyCredential": {**key, "key": base64.b64encode(second.der).decode()}, "proof": proof}
    assert graph.ask("POST", f"{path}/addKey", {**body, "proof": "x"}).status_code == 401
    made = graph.ask("POST", f"{path}/addKey", body).json()
    assert made["customKeyIdentifier"] == second.thumbprint.hex().upper()
    assert [each["keyId"] for each in graph.get(path)["keyCredentials"]][1] == made["keyId"]
    assert graph.ask("POST", f"{path}/removeKey", {"keyId": made["keyId"], "proof": proof}).status_code == 204
    assert len(graph.get(path)["keyCredentials"]) == 1


def test_owners_of_an_application(graph: Graph) -> None:
    path = f"applications/{graph.get(f'applications(appId=%27{RESPONDER[0]}%27)')['id']}"
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{DANA}"}
    assert [graph.ask("POST", f"{path}/owners/$ref", link).status_code for _ in range(2)] == [204, 400]
    assert [each["id"] for each in graph.get(f"{path}/owners")["value"]] == [DANA]
    assert [graph.ask("DELETE", f"{path}/owners/{DANA}/$ref").status_code for _ in range(2)] == [204, 404]


def test_an_application_of_its_own_and_of_others(door: Door, graph: Graph) -> None:
    door.server.tenant.directories[0].applications[2].app_roles = ["Application.ReadWrite.OwnedBy"]
    mine = graph.ask("POST", "applications", {"displayName": "Mine"}).json()
    assert graph.ask("PATCH", f"applications/{mine['id']}", {"displayName": "Ours"}).status_code == 204
    assert graph.get(f"applications/{mine['id']}")["displayName"] == "Ours"
    other = door.server.tenant.directories[0].applications[0].application_id
    assert graph.ask("PATCH", f"applications/{other}", {"displayName": "x"}).status_code == 403
    assert graph.ask("DELETE", f"applications/{mine['id']}").status_code == 204
    assert graph.ask("GET", f"applications/{mine['id']}").status_code == 404


def test_a_recorded_application_loads(door: Door, graph: Graph, shared: Path) -> None:
    recorded = json.loads((shared / "contracts" / "graph_application.json").read_text())
    part = {**CONTOSO["directories"][0], "graph": {"applications": [recorded]}}
    door.server.reset(seed={**CONTOSO, "directories": [part]}, clock=door.clock)
    told = graph.get(f"applications/{recorded['id']}")
    assert {name: told[name] for name in recorded} == recorded


def test_permissions_are_granted_and_taken_back(door: Door, graph: Graph) -> None:
    principal = graph.get(f"servicePrincipals(appId='{RESPONDER[0]}')")["id"]
    resource = graph.get("servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")
    roles = {role["value"]: role["id"] for role in resource["appRoles"]}
    path = f"servicePrincipals/{principal}/appRoleAssignments"
    listed = {each["appRoleId"]: each["id"] for each in graph.get(path)["value"]}
    assert graph.ask("DELETE", f"{path}/{listed[roles['User.ReadWrite.All']]}").status_code == 204
    assert graph.ask("PATCH", f"users/{DANA}", {"jobTitle": "x"}).status_code == 403
    body = {"principalId": principal, "resourceId": resource["id"], "appRoleId": roles["User.ReadWrite.All"]}
    assert [graph.ask("POST", path, body).status_code for _ in range(2)] == [201, 400]
    assert graph.ask("PATCH", f"users/{DANA}", {"jobTitle": "x"}).status_code == 204


def test_delegated_grants(door: Door, graph: Graph) -> None:
    grants = door.server.tenant.documents.of("graph", TENANT, "oauth2PermissionGrants")
    grants.put("g", {"id": "g", "clientId": "c", "consentType": "Principal", "principalId": DANA, "scope": "Mail.Read"})
    assert graph.get("oauth2PermissionGrants", filter="clientId eq 'c'")["value"][0]["scope"] == "Mail.Read"
    assert len(graph.get(f"users/{DANA}/oauth2PermissionGrants")["value"]) == 1
    assert [graph.ask("DELETE", "oauth2PermissionGrants/g").status_code for _ in range(2)] == [204, 404]


LOCATION = {
    "@odata.type": "#microsoft.graph.ipNamedLocation",
    "displayName": "Blocked",
    "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.45/32"}],
}


def test_a_location_is_blocked_by_a_policy(graph: Graph) -> None:
    locations, policies = "identity/conditionalAccess/namedLocations", "identity/conditionalAccess/policies"
    location = graph.ask("POST", locations, LOCATION).json()
    more = {
        **LOCATION,
        "ipRanges": [
            *LOCATION["ipRanges"],
            {"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/64"},
        ],
    }
    assert graph.ask("PATCH", f"{locations}/{location['id']}", more).status_code == 204
    assert graph.get(f"{locations}/{location['id']}")["ipRanges"] == more["ipRanges"]
    policy = {
        "displayName": "Block",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": ["All"]},
            "locations": {"includeLocations": [location["id"]]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    }
    made = graph.ask("POST", policies, policy)
    assert made.status_code == 201
    assert graph.ask("DELETE", f"{locations}/{location['id']}").status_code == 400
    path = f"{policies}/{made.json()['id']}"
    assert graph.ask("PATCH", path, {"state": "off"}).status_code == 400
    assert graph.ask("PATCH", path, {"state": "disabled"}).status_code == 204
    assert (graph.get(path)["state"], graph.get(path)["modifiedDateTime"]) == ("disabled", "2026-03-04T10:15:30Z")
    assert [graph.ask("DELETE", path).status_code for _ in range(2)] == [204, 404]
    assert graph.ask("DELETE", f"{locations}/{location['id']}").status_code == 204


@pytest.mark.parametrize(
    "change",
    [
        {"@odata.type": None},
        {"ipRanges": []},
        {"ipRanges": [{"cidrAddress": "10.0.0.0/8"}]},
        {"ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "10.0.0.300/8"}]},
        {"ipRanges": ["10.0.0.0/8"]},
        {"more": 1},
        {"displayName": ""},
    ],
)
def test_a_location_that_is_not_right(graph: Graph, change: dict[str, Any]) -> None:
    answer = graph.ask("POST", "identity/conditionalAccess/namedLocations", {**LOCATION, **change})
    assert answer.status_code == 400


def test_conditional_access_needs_both_permissions(door: Door, graph: Graph) -> None:
    app = door.server.tenant.directories[0].applications[2]
    app.app_roles = ["Policy.ReadWrite.ConditionalAccess"]
    answer = graph.ask("POST", "identity/conditionalAccess/namedLocations", LOCATION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AccessDenied")
    app.app_roles.append("Policy.Read.All")
    assert graph.ask("POST", "identity/conditionalAccess/namedLocations", LOCATION).status_code == 201


def test_sign_ins_of_people_and_of_others(door: Door, graph: Graph) -> None:
    store = door.server.tenant.documents.of("graph", TENANT, "auditLogs/signIns")
    store.put("a", {"id": "a", "createdDateTime": "2026-03-04T09:00:00Z", "signInEventTypes": ["interactiveUser"]})
    store.put("b", {"id": "b", "createdDateTime": "2026-03-04T09:10:00Z", "signInEventTypes": ["servicePrincipal"]})
    store.put("c", {"id": "c", "createdDateTime": "2026-03-04T09:20:00Z"})
    assert [each["id"] for each in graph.get("auditLogs/signIns")["value"]] == ["c", "a"]
    text = "signInEventTypes/any(t: t eq 'servicePrincipal') and createdDateTime ge 2026-03-04T09:05:00Z"
    found = graph.ask("GET", "auditLogs/signIns", version="beta", filter=text).json()["value"]
    assert found[-1]["id"] == "b"
    assert {each["appDisplayName"] for each in found[:-1]} == {"Vedette Response"}  # its own, for tokens
    late = graph.get("auditLogs/signIns", filter="createdDateTime ge 2026-03-04T09:05:00Z")["value"]
    assert [each["id"] for each in late] == ["c"]


def test_failed_sign_ins_of_an_application(door: Door, graph: Graph) -> None:
    assert token_of(door, "wrong") == 401
    text = "signInEventTypes/any(t: t eq 'servicePrincipal') and status/errorCode ne 0"
    (found,) = graph.ask("GET", "auditLogs/signIns", version="beta", filter=text).json()["value"]
    assert (found["appId"], found["status"]["errorCode"]) == (RESPONDER[0], 7000215)
    assert "wrong" not in json.dumps(found)


def test_recorded_logs_load(door: Door, graph: Graph, shared: Path) -> None:
    names = {"auditLogs/signIns": "graph_signin", "auditLogs/directoryAudits": "graph_directory_audit"}
    names |= {"identityProtection/riskyUsers": "graph_risky_user"}
    names |= {"identity/conditionalAccess/policies": "graph_conditional_access_policy"}
    names |= {"identity/conditionalAccess/namedLocations": "graph_ip_named_location"}
    recorded = {path: json.loads((shared / "contracts" / f"{name}.json").read_text()) for path, name in names.items()}
    part = {**CONTOSO["directories"][0], "graph": recorded}
    door.server.reset(seed={**CONTOSO, "directories": [part]}, clock=door.clock)
    for path, document in recorded.items():
        assert graph.get(path)["value"] == [document]  # of sign-ins, a person's own


INDICATOR = {
    "action": "alert",
    "description": "C2 seen in a phishing wave",
    "expirationDateTime": "2026-06-01T00:00:00Z",
    "externalId": "wave-1",
    "networkIPv4": "203.0.113.45",
    "targetProduct": "Azure Sentinel",
    "threatType": "C2",
    "tlpLevel": "amber",
    "confidence": 80,
}


def test_indicators(graph: Graph) -> None:
    def ask(method: str, path: str, body: Any = None, **more: Any) -> Any:
        return graph.ask(method, f"security/tiIndicators{path}", body, version="beta", **more)

    made = ask("POST", "", INDICATOR)
    assert made.status_code == 201
    name = made.json()["id"]
    assert made.json()["azureTenantId"] == TENANT
    assert ask("PATCH", f"/{name}", {"confidence": 20}).status_code == 204
    assert ask("GET", f"/{name}").json()["confidence"] == 20
    assert [each["id"] for each in ask("GET", "", filter="externalId eq 'wave-1'").json()["value"]] == [name]
    batch = {"value": [{**INDICATOR, "externalId": "wave-2"}, {**INDICATOR, "tlpLevel": "pink"}]}
    answer = ask("POST", "/submitTiIndicators", batch)
    assert answer.status_code == 206
    assert [("error" in each) for each in answer.json()["value"]] == [False, True]
    assert ask("POST", "/deleteTiIndicatorsByExternalId", {"value": ["wave-2"]}).status_code == 200
    assert [ask("DELETE", f"/{name}").status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    "change",
    [
        {"networkIPv4": None},
        {"action": None},
        {"threatType": "x"},
        {"confidence": 101},
        {"foo": 1},
        {"expirationDateTime": "soon"},
    ],
)
def test_an_indicator_that_is_not_right(graph: Graph, change: dict[str, Any]) -> None:
    assert graph.ask("POST", "security/tiIndicators", {**INDICATOR, **change}, version="beta").status_code == 400


def test_the_directory_itself(graph: Graph) -> None:
    assert graph.get("organization")["value"][0]["id"] == TENANT


def test_a_secret_made_to_last_an_hour(door: Door, graph: Graph) -> None:
    path = f"applications(appId='{RESPONDER[0]}')"
    given = {"displayName": "short", "endDateTime": "2026-03-04T11:15:30Z"}
    secret = graph.ask("POST", f"{path}/addPassword", {"passwordCredential": given}).json()["secretText"]
    assert token_of(door, secret) == 200
    door.clock.advance(timedelta(hours=1))
    assert token_of(door, secret) == 401
