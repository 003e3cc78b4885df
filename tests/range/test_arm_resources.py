"""What the SDKs do not show of Azure Resource Manager: operations under way, etags, locks, roles, the activity log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.plugins.fake_tenant import GROUP, SUBSCRIPTION, Door
from tests.range.conftest import COLLECTOR, RESPONDER
from vedette.range.faults import Fault

SUB = f"/subscriptions/{SUBSCRIPTION}"
APP = f"{SUB}/resourceGroups/rg-app/providers"
SNAPSHOT = f"{APP}/Microsoft.Compute/snapshots/snap"
NSG = f"{APP}/Microsoft.Network/networkSecurityGroups/nsg-vm1"
BODY = {
    "location": "westeurope",
    "properties": {
        "creationData": {"createOption": "Copy", "sourceResourceId": f"{APP}/Microsoft.Compute/disks/vm1_OsDisk_1"},
        "incremental": True,
    },
}
RULE = {
    "properties": {
        "protocol": "tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "443",
        "sourceAddressPrefix": "Internet",
        "destinationAddressPrefix": "10.0.0.4",
        "access": "Allow",
        "priority": 200,
        "direction": "inbound",
    }
}


@pytest.fixture
def owner(door: Door) -> str:
    return door.token(client=RESPONDER[0], secret=RESPONDER[1])


def ask(
    door: Door, token: str, method: str, path: str, body: Any = None, version: str = "2024-03-02", **more: Any
) -> httpx.Response:
    return door.arm(method, path, body, token=token, version=version, **more)


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_an_operation_is_followed_at_both_addresses(door: Door, owner: str) -> None:
    door.server.tenant.operation_seconds = 25
    answer = ask(door, owner, "PUT", SNAPSHOT, BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "10")
    assert answer.json()["properties"]["provisioningState"] == "Updating"
    headers = {"Authorization": f"Bearer {owner}"}
    status, result = answer.headers["azure-asyncoperation"], answer.headers["location"]
    assert "/providers/Microsoft.Compute/locations/westeurope/DiskOperations/" in status
    running = door.http.get(status, headers=headers)
    assert (running.status_code, running.json()["status"], running.headers["retry-after"]) == (200, "InProgress", "10")
    assert door.http.get(result, headers=headers).status_code == 202
    door.clock.advance(24)
    assert door.http.get(status, headers=headers).headers["retry-after"] == "1"
    door.clock.advance(1)
    done = door.http.get(status, headers=headers).json()
    assert (done["status"], done["startTime"], done["endTime"]) == (
        "Succeeded",
        "2026-03-04T10:15:30Z",
        "2026-03-04T10:15:55Z",
    )
    assert door.http.get(result, headers=headers).json()["properties"]["completionPercent"] == 100
    assert door.http.get(status.replace("DiskOperations/", "DiskOperations/x"), headers=headers).status_code == 404


def test_what_is_deleted_is_there_until_the_end(door: Door, owner: str) -> None:
    ask(door, owner, "PUT", SNAPSHOT, BODY)
    door.server.tenant.operation_seconds = 5
    assert ask(door, owner, "DELETE", SNAPSHOT).status_code == 202
    assert ask(door, owner, "GET", SNAPSHOT).status_code == 200
    door.clock.advance(5)
    assert error(ask(door, owner, "GET", SNAPSHOT)) == (404, "ResourceNotFound")
    assert ask(door, owner, "DELETE", SNAPSHOT).status_code == 204


def test_paths_are_read_without_case(door: Door, owner: str) -> None:
    ask(door, owner, "PUT", SNAPSHOT, BODY)
    for path in (SNAPSHOT.upper(), SNAPSHOT.lower(), SNAPSHOT.replace("/providers", "//providers")):
        found = ask(door, owner, "GET", path).json()
        assert found["id"] == SNAPSHOT
    listed = ask(door, owner, "GET", f"{SUB}/resourcegroups/RG-APP/providers/microsoft.compute/SNAPSHOTS").json()[
        "value"
    ]
    assert [each["name"] for each in listed] == ["snap"]
    assert ask(door, owner, "GET", f"{SUB}/providers/Microsoft.Compute/snapshots").json()["value"] == listed


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (None, "MissingApiVersionParameter"),
        ("1999-01-01", "NoRegisteredProviderFound"),
        ("new", "NoRegisteredProviderFound"),
    ],
)
def test_versions(door: Door, owner: str, version: Any, code: str) -> None:
    assert error(ask(door, owner, "GET", SNAPSHOT, version=version)) == (400, code)


def test_etags_of_a_rule(door: Door, owner: str) -> None:
    path = f"{NSG}/securityRules/web"
    made = ask(door, owner, "PUT", path, RULE, "2023-09-01")
    assert (made.status_code, made.json()["properties"]["protocol"], made.json()["properties"]["direction"]) == (
        201,
        "Tcp",
        "Inbound",
    )
    stale = ask(door, owner, "PUT", path, RULE, "2023-09-01", headers={"If-Match": 'W/"x"'})
    assert error(stale) == (412, "PreconditionFailed")
    again = ask(door, owner, "PUT", path, RULE, "2023-09-01", headers={"If-Match": made.json()["etag"]})
    assert again.status_code == 200
    assert again.json()["etag"] != made.json()["etag"]
    assert (
        error(ask(door, owner, "DELETE", path, None, "2023-09-01", headers={"If-Match": made.json()["etag"]}))[0] == 412
    )


def test_locks(door: Door, owner: str) -> None:
    lock = f"{SUB}/resourceGroups/rg-app/providers/Microsoft.Authorization/locks/hold"
    assert error(ask(door, owner, "PUT", lock, {"properties": {"level": "Never"}}, "2020-05-01")) == (
        400,
        "InvalidLockLevel",
    )
    assert ask(door, owner, "PUT", lock, {"properties": {"level": "ReadOnly"}}, "2020-05-01").status_code == 201
    assert error(ask(door, owner, "PUT", SNAPSHOT, BODY)) == (409, "ScopeLocked")
    assert ask(door, owner, "GET", f"{APP}/Microsoft.Compute/virtualMachines/vm1").status_code == 200
    assert ask(door, owner, "PUT", lock, {"properties": {"level": "CanNotDelete"}}, "2020-05-01").status_code == 200
    assert ask(door, owner, "PUT", SNAPSHOT, BODY).status_code == 202
    assert error(ask(door, owner, "DELETE", SNAPSHOT)) == (409, "ScopeLocked")
    assert ask(door, owner, "DELETE", lock, version="2020-05-01").status_code == 200
    assert ask(door, owner, "DELETE", lock, version="2020-05-01").status_code == 204
    missing = f"{APP}/Microsoft.Compute/snapshots/none/providers/Microsoft.Authorization/locks/hold"
    assert error(ask(door, owner, "PUT", missing, {"properties": {"level": "ReadOnly"}}, "2020-05-01"))[0] == 404


def test_a_role_is_given_and_taken_back(door: Door, owner: str) -> None:
    reader = door.token(client=COLLECTOR[0], secret=COLLECTOR[1])
    machine = f"{APP}/Microsoft.Compute/virtualMachines/vm1"
    assert error(ask(door, reader, "POST", f"{machine}/deallocate")) == (403, "AuthorizationFailed")
    who = door.server.tenant.directories[0].applications[1].object_id
    roles = ask(
        door,
        owner,
        "GET",
        f"{SUB}/providers/Microsoft.Authorization/roleDefinitions",
        version="2022-04-01",
        filter="roleName eq 'Virtual Machine Contributor'",
    )
    role = roles.json()["value"][0]["id"]
    path = f"{machine}/providers/Microsoft.Authorization/roleAssignments"
    body = {"properties": {"roleDefinitionId": role, "principalId": who}}
    assert ask(door, owner, "PUT", f"{path}/a", body, "2022-04-01").status_code == 201
    assert error(ask(door, owner, "PUT", f"{path}/b", body, "2022-04-01")) == (409, "RoleAssignmentExists")
    assert ask(door, reader, "POST", f"{machine}/deallocate").status_code == 202
    listed = ask(door, owner, "GET", path, version="2022-04-01", filter=f"principalId eq '{who}'").json()["value"]
    mine = next(each for each in listed if each["properties"]["roleDefinitionId"] == role)
    assert ask(door, owner, "DELETE", f"{path}/{mine['name']}", version="2022-04-01").status_code == 200
    assert error(ask(door, reader, "POST", f"{machine}/start"))[0] == 403


def test_one_action_is_taken_away(door: Door, owner: str) -> None:
    door.server.tenant.faults.add(Fault(permission="Microsoft.SecurityInsights/incidents/write", times=None))
    body = {"properties": {"title": "t", "severity": "Low", "status": "New"}}
    assert error(door.arm("PUT", "incidents/a", body, token=owner)) == (403, "AuthorizationFailed")
    assert door.arm("GET", "incidents", token=owner).status_code == 200


def test_the_activity_log(door: Door, owner: str) -> None:
    ask(door, owner, "PUT", SNAPSHOT, BODY)
    door.clock.advance(timedelta(minutes=5))
    ask(door, owner, "POST", f"{APP}/Microsoft.Compute/virtualMachines/vm1/deallocate")
    path = f"{SUB}/providers/Microsoft.Insights/eventtypes/management/values"

    def actions(text: str) -> list[str]:
        events = ask(door, owner, "GET", path, version="2015-04-01", filter=text).json()["value"]
        return [event["operationName"]["value"] for event in events]

    start = "eventTimestamp ge '2026-03-04T10:00:00Z'"
    both = ["Microsoft.Compute/virtualMachines/deallocate/action", "Microsoft.Compute/snapshots/write"]
    assert actions(start) == both
    assert actions(f"{start} and resourceUri eq '{SNAPSHOT}'") == both[1:]
    assert actions("eventTimestamp ge '2026-03-04T10:16:00.5Z'") == both[:1]
    assert actions(f"{start} and resourceGroupName eq 'RG-APP' and status eq 'Succeeded'") == both
    assert ask(door, owner, "GET", path, version="2015-04-01").status_code == 400
    assert ask(door, owner, "GET", path, version="2015-04-01", filter=f"{start} and foo eq 'x'").status_code == 400


def test_subscriptions_groups_and_workspaces(door: Door, owner: str) -> None:
    listed = ask(door, owner, "GET", "/subscriptions", version="2022-12-01").json()
    assert [each["subscriptionId"] for each in listed["value"]] == [SUBSCRIPTION]
    assert ask(door, owner, "GET", SUB, version="2022-12-01").json()["displayName"] == "Contoso Security"
    groups = f"{SUB}/resourcegroups"
    assert [each["name"] for each in ask(door, owner, "GET", groups).json()["value"]] == [GROUP, "rg-app"]
    assert ask(door, owner, "PUT", f"{groups}/rg-new", {"location": "westeurope"}).status_code == 201
    assert ask(door, owner, "PUT", f"{groups}/RG-NEW", {"location": "westeurope"}).status_code == 200
    assert ask(door, owner, "DELETE", f"{groups}/rg-new").status_code == 200
    assert error(ask(door, owner, "GET", f"{groups}/rg-new")) == (404, "ResourceGroupNotFound")
    workspaces = ask(
        door, owner, "GET", f"{SUB}/providers/Microsoft.OperationalInsights/workspaces", version="2023-09-01"
    )
    assert [each["properties"]["customerId"] for each in workspaces.json()["value"]] == [
        "9a4d2f6e-13f7-4d0b-8c1e-6b7a5d4c3b2a"
    ]
    assert ask(door, owner, "DELETE", f"{groups}/rg-app").status_code == 200
    assert error(ask(door, owner, "GET", f"{APP}/Microsoft.Compute/virtualMachines/vm1"))[0] == 404


def test_sentinel_is_switched_off_and_on(door: Door, owner: str) -> None:
    assert door.arm("GET", "onboardingStates/default", token=owner, version="2024-09-01").status_code == 200
    assert door.arm("DELETE", "onboardingStates/default", token=owner, version="2024-09-01").status_code == 200
    assert error(door.arm("GET", "incidents", token=owner)) == (400, "WorkspaceNotOnboarded")
    assert (
        door.arm("PUT", "onboardingStates/default", {"properties": {}}, token=owner, version="2024-09-01").status_code
        == 201
    )
    assert door.arm("GET", "incidents", token=owner).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("bookmarks/b", {"properties": {"displayName": "x"}}, "'query' is required"),
        ("bookmarks/b", {}, "'properties' is required"),
        ("alertRules/r", {"kind": "Odd", "properties": {}}, "'Odd' is no kind"),
        ("alertRules/r", {"kind": "NRT", "properties": {"displayName": "x"}}, "'enabled' is required"),
        (
            "automationRules/r",
            {"properties": {"displayName": "x", "order": 0, "triggeringLogic": {}, "actions": []}},
            "from 1 to 1000",
        ),
        (
            "watchlists/w",
            {
                "properties": {
                    "displayName": "x",
                    "provider": "x",
                    "itemsSearchKey": "a",
                    "rawContent": "a",
                    "contentType": "x",
                }
            },
            "text/csv",
        ),
        (
            "watchlists/w/watchlistItems/i",
            {"properties": {"itemsKeyValue": {"a": "1"}}},
            "Watchlist 'w' does not exist",
        ),
        ("incidents/i/relations/r", {"properties": {}}, "Incident 'i' does not exist"),
    ],
)
def test_bodies_that_are_not_right(door: Door, owner: str, path: str, body: Any, words: str) -> None:
    answer = door.arm("PUT", path, body, token=owner, version="2024-09-01")
    assert answer.status_code in (400, 404)
    assert words in answer.json()["error"]["message"]


def test_pages_of_a_family(door: Door, owner: str) -> None:
    for number in range(7):
        body = {"properties": {"displayName": f"b{number}", "query": "T"}}
        door.arm("PUT", f"bookmarks/b{number}", body, token=owner, version="2024-09-01")
    answer = door.arm("GET", "bookmarks", token=owner, version="2024-09-01", top="3").json()
    door.arm("DELETE", f"bookmarks/{answer['value'][0]['name']}", token=owner, version="2024-09-01")
    names = [each["name"] for each in answer["value"]]
    while "nextLink" in answer:
        answer = door.http.get(answer["nextLink"], headers={"Authorization": f"Bearer {owner}"}).json()
        names += [each["name"] for each in answer["value"]]
    assert names == [f"b{number}" for number in range(7)]


def test_a_playbook_is_run(door: Door, owner: str) -> None:
    door.arm("PUT", "incidents/i", {"properties": {"title": "t", "severity": "Low", "status": "New"}}, token=owner)
    body = {"logicAppsResourceId": f"{SUB}/resourceGroups/rg/providers/Microsoft.Logic/workflows/pb", "tenantId": "x"}
    version = "2025-10-01-preview"
    assert door.arm("POST", "incidents/i/runPlaybook", body, token=owner, version=version).status_code == 204
    assert door.arm("POST", "incidents/i/runPlaybook", {}, token=owner, version=version).status_code == 400
    assert (
        door.arm("POST", "incidents/i/runPlaybook", body, token=owner, version="2022-07-01-preview").status_code == 400
    )
    assert door.arm("POST", "incidents/x/runPlaybook", body, token=owner, version=version).status_code == 404
