"""Every role at every route of the REST API: who may is stated here, and a route that is not stated fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Route

from vedette.api.application import Application
from vedette.api.server import create_app
from vedette.collect.http.registry import doors
from vedette.core.accounts import local_operator
from vedette.core.roles import ROLE_PERMISSIONS, Permission, Principal, Role
from vedette.core.settings import load_settings

OPEN, SIGNED_IN, MEMBER, OWNER = "anyone", "anyone signed in", "any role in the workspace", "the directory's owner"
INSTALLATION = "an administrator of the installation"
WS = "/api/v1/workspaces/{ws}"
USER = "/api/v1/users/{user}"
COLLECTION = "/taxii2/root/collections/{ws}"
RULES: dict[tuple[str, str], str | Permission] = {
    ("get", "/api/v1/health"): OPEN,
    ("post", "/api/v1/session"): OPEN,
    ("delete", "/api/v1/session"): OPEN,
    ("get", "/api/v1/session"): SIGNED_IN,
    ("get", "/api/v1/workspaces"): SIGNED_IN,
    ("post", "/api/v1/workspaces"): INSTALLATION,
    ("get", WS): MEMBER,
    ("patch", WS): Permission.WORKSPACES_WRITE,
    ("post", f"{WS}/archive"): Permission.WORKSPACES_WRITE,
    ("post", f"{WS}/restore"): Permission.WORKSPACES_WRITE,
    ("delete", WS): Permission.WORKSPACES_WRITE,
    ("get", "/api/v1/roles"): SIGNED_IN,
    ("get", "/api/v1/users"): INSTALLATION,
    ("get", "/api/v1/audit"): INSTALLATION,
    ("get", "/api/v1/audit/check"): INSTALLATION,
    ("post", "/api/v1/users"): INSTALLATION,
    ("get", USER): INSTALLATION,
    ("patch", USER): INSTALLATION,
    ("delete", USER): INSTALLATION,
    ("post", f"{USER}/roles"): INSTALLATION,
    ("delete", f"{USER}/roles/{{role}}"): INSTALLATION,
    ("post", f"{USER}/sign-in"): INSTALLATION,
    ("post", f"{USER}/password"): INSTALLATION,
    ("delete", f"{USER}/password"): INSTALLATION,
    ("get", f"{USER}/tokens"): INSTALLATION,
    ("post", f"{USER}/tokens"): INSTALLATION,
    ("delete", f"{USER}/tokens/{{token}}"): INSTALLATION,
    ("get", f"{USER}/sessions"): INSTALLATION,
    ("delete", f"{USER}/sessions"): INSTALLATION,
    ("delete", f"{USER}/sessions/{{session}}"): INSTALLATION,
    ("get", f"{WS}/users"): MEMBER,
    ("get", f"{WS}/incidents"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/incidents/batch"): Permission.INCIDENTS_WRITE,
    ("get", f"{WS}/incidents/{{incident}}"): Permission.INCIDENTS_READ,
    ("patch", f"{WS}/incidents/{{incident}}"): Permission.INCIDENTS_WRITE,
    ("post", f"{WS}/incidents/{{incident}}/comments"): Permission.INCIDENTS_WRITE,
    ("post", f"{WS}/query"): Permission.QUERY,
    ("post", f"{WS}/check"): Permission.QUERY,
    ("get", f"{WS}/tables"): Permission.QUERY,
    ("get", f"{WS}/tables/{{table}}"): Permission.QUERY,
    ("put", f"{WS}/tables/{{table}}"): Permission.DATA_WRITE,
    ("post", f"{WS}/tables/{{table}}/purge"): Permission.DATA_PURGE,
    ("get", f"{WS}/tables/{{table}}/retention"): Permission.QUERY,
    ("put", f"{WS}/tables/{{table}}/retention"): Permission.DATA_WRITE,
    ("delete", f"{WS}/tables/{{table}}/retention"): Permission.DATA_WRITE,
    ("post", f"{WS}/tables/{{table}}/retention/preview"): Permission.QUERY,
    ("get", f"{WS}/retention"): Permission.QUERY,
    ("get", f"{WS}/retention/run"): Permission.QUERY,
    ("post", f"{WS}/retention/run"): Permission.DATA_WRITE,
    ("post", f"{WS}/export"): Permission.QUERY,
    ("post", f"{WS}/tables/{{table}}/columns"): Permission.DATA_WRITE,
    ("post", f"{WS}/tables/{{table}}/index"): Permission.DATA_WRITE,
    ("get", f"{WS}/functions"): Permission.QUERY,
    ("post", f"{WS}/explain"): Permission.QUERY,
    ("get", f"{WS}/watchlists"): Permission.CONTENT_READ,
    ("get", f"{WS}/watchlists/{{alias}}/revisions"): Permission.CONTENT_READ,
    ("get", f"{WS}/watchlists/{{alias}}/revisions/{{revision}}"): Permission.CONTENT_READ,
    ("get", f"{WS}/watchlists/{{alias}}/revisions/{{revision}}/items"): Permission.CONTENT_READ,
    ("post", f"{WS}/watchlists/{{alias}}/revisions/{{revision}}/restore"): Permission.CONTENT_WRITE,
    ("get", f"{WS}/watchlists/{{alias}}"): Permission.CONTENT_READ,
    ("put", f"{WS}/watchlists/{{alias}}"): Permission.CONTENT_WRITE,
    ("delete", f"{WS}/watchlists/{{alias}}"): Permission.CONTENT_WRITE,
    ("get", f"{WS}/watchlists/{{alias}}/items"): Permission.CONTENT_READ,
    ("post", f"{WS}/watchlists/{{alias}}/items"): Permission.CONTENT_WRITE,
    ("put", f"{WS}/watchlists/{{alias}}/items/{{item_id}}"): Permission.CONTENT_WRITE,
    ("delete", f"{WS}/watchlists/{{alias}}/items/{{item_id}}"): Permission.CONTENT_WRITE,
    ("get", f"{WS}/saved-functions"): Permission.CONTENT_READ,
    ("post", f"{WS}/saved-functions/import"): Permission.CONTENT_WRITE,
    ("get", f"{WS}/saved-functions/{{name}}"): Permission.CONTENT_READ,
    ("put", f"{WS}/saved-functions/{{name}}"): Permission.CONTENT_WRITE,
    ("delete", f"{WS}/saved-functions/{{name}}"): Permission.CONTENT_WRITE,
    ("get", f"{WS}/saved-functions/{{name}}/revisions"): Permission.CONTENT_READ,
    ("get", f"{WS}/ingestion/stats"): Permission.QUERY,
    ("get", f"{WS}/ingestion/health"): Permission.QUERY,
    ("get", f"{WS}/transformations"): Permission.CONTENT_READ,
    ("get", f"{WS}/transformations/{{stream}}"): Permission.CONTENT_READ,
    ("put", f"{WS}/transformations/{{stream}}"): Permission.DATA_WRITE,
    ("delete", f"{WS}/transformations/{{stream}}"): Permission.DATA_WRITE,
    ("post", f"{WS}/transformations/{{stream}}/try"): Permission.DATA_WRITE,
    ("get", f"{WS}/watched-folders"): Permission.DATA_WRITE,
    ("post", f"{WS}/watched-folders"): Permission.SETTINGS_WRITE,
    ("delete", f"{WS}/watched-folders"): Permission.SETTINGS_WRITE,
    ("get", f"{WS}/connector-kinds"): Permission.CONNECTORS_READ,
    ("get", f"{WS}/connectors"): Permission.CONNECTORS_READ,
    ("post", f"{WS}/connectors"): Permission.CONNECTORS_WRITE,
    ("post", f"{WS}/connectors-test"): Permission.CONNECTORS_WRITE,
    ("get", f"{WS}/connectors/{{connector}}"): Permission.CONNECTORS_READ,
    ("patch", f"{WS}/connectors/{{connector}}"): Permission.CONNECTORS_WRITE,
    ("delete", f"{WS}/connectors/{{connector}}"): Permission.CONNECTORS_WRITE,
    ("post", f"{WS}/connectors/{{connector}}/test"): Permission.CONNECTORS_WRITE,
    ("get", f"{WS}/connectors/{{connector}}/polls"): Permission.CONNECTORS_READ,
    ("post", f"{WS}/ingestion/tokens"): Permission.DATA_INGEST,
    ("post", f"{WS}/ingestion/shared-key"): Permission.SECRETS_WRITE,
    ("post", f"{WS}/load"): Permission.DATA_WRITE,
    ("get", f"{WS}/rules"): Permission.RULES_READ,
    ("get", f"{WS}/broken-rules"): Permission.RULES_READ,
    ("post", f"{WS}/rules/import"): Permission.RULES_WRITE,
    ("post", f"{WS}/rules/run"): Permission.RULES_WRITE,
    ("get", f"{WS}/rules/{{rule_id}}"): Permission.RULES_READ,
    ("patch", f"{WS}/rules/{{rule_id}}"): Permission.RULES_WRITE,
    ("put", f"{WS}/rules/{{rule_id}}"): Permission.RULES_WRITE,
    ("delete", f"{WS}/rules/{{rule_id}}"): Permission.RULES_WRITE,
    ("get", f"{WS}/rules/{{rule_id}}/runs"): Permission.RULES_READ,
    ("get", f"{WS}/rules/{{rule_id}}/coverage"): Permission.RULES_READ,
    ("post", f"{WS}/rules/backtest"): Permission.RULES_WRITE,
    ("get", f"{WS}/destination-kinds"): Permission.DESTINATIONS_READ,
    ("get", f"{WS}/destinations"): Permission.DESTINATIONS_READ,
    ("post", f"{WS}/destinations"): Permission.DESTINATIONS_WRITE,
    ("patch", f"{WS}/destinations/{{destination}}"): Permission.DESTINATIONS_WRITE,
    ("delete", f"{WS}/destinations/{{destination}}"): Permission.DESTINATIONS_WRITE,
    ("post", f"{WS}/destinations/{{destination}}/test"): Permission.DESTINATIONS_WRITE,
    ("post", f"{WS}/destinations/{{destination}}/retry"): Permission.DESTINATIONS_WRITE,
    ("get", f"{WS}/deliveries"): Permission.DESTINATIONS_READ,
    ("post", f"{WS}/deliveries/{{delivery}}/retry"): Permission.DESTINATIONS_WRITE,
    ("get", f"{WS}/bookmarks"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/bookmarks"): Permission.INCIDENTS_WRITE,
    ("get", f"{WS}/bookmarks/{{bookmark}}"): Permission.INCIDENTS_READ,
    ("patch", f"{WS}/bookmarks/{{bookmark}}"): Permission.INCIDENTS_WRITE,
    ("delete", f"{WS}/bookmarks/{{bookmark}}"): Permission.INCIDENTS_WRITE,
    ("get", f"{WS}/incidents/{{incident}}/tasks"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/incidents/{{incident}}/tasks"): Permission.INCIDENTS_WRITE,
    ("patch", f"{WS}/incidents/{{incident}}/tasks/{{task}}"): Permission.INCIDENTS_WRITE,
    ("delete", f"{WS}/incidents/{{incident}}/tasks/{{task}}"): Permission.INCIDENTS_WRITE,
    ("get", f"{WS}/incidents/{{incident}}/moves"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/incidents/{{incident}}/merge"): Permission.INCIDENTS_WRITE,
    ("post", f"{WS}/incidents/{{incident}}/split"): Permission.INCIDENTS_WRITE,
    ("post", f"{WS}/incident-moves/{{move}}/undo"): Permission.INCIDENTS_WRITE,
    ("get", f"{WS}/incidents/{{incident}}/graph"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/incidents/{{incident}}/similar"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/incidents/{{incident}}/take-action"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/incidents/{{incident}}/enrichment"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/incidents/{{incident}}/enrichment"): Permission.INCIDENTS_WRITE,
    ("post", f"{WS}/incidents/{{incident}}/escalate"): Permission.INCIDENTS_WRITE,
    ("get", f"{WS}/incidents/{{incident}}/source-alerts"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/incidents/{{incident}}/source-alerts"): Permission.INCIDENTS_WRITE,
    ("post", f"{WS}/incidents/{{incident}}/source-alerts/suppress"): Permission.RULES_WRITE,
    ("get", f"{WS}/source-suppressions"): Permission.RULES_READ,
    ("delete", f"{WS}/source-suppressions/{{subscription}}/{{name}}"): Permission.RULES_WRITE,
    ("get", f"{WS}/rule-templates"): Permission.RULES_READ,
    ("get", f"{WS}/rule-templates/{{name}}"): Permission.RULES_READ,
    ("post", f"{WS}/rule-templates/{{name}}"): Permission.RULES_WRITE,
    ("get", f"{WS}/incidents/{{incident}}/timeline"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/entities"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/entities/timeline"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/users/{{user}}/timeline"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/explorations"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/explorations/{{exploration}}"): Permission.INCIDENTS_READ,
    ("get", f"{WS}/rule-runs/{{run_id}}"): Permission.QUERY,
    ("post", f"{WS}/rule-runs/{{run_id}}/replay"): Permission.QUERY,
    ("get", f"{WS}/rule-exceptions"): Permission.RULES_READ,
    ("post", f"{WS}/rule-exceptions"): Permission.RULES_WRITE,
    ("get", f"{WS}/rule-exceptions/proposals"): Permission.INCIDENTS_READ,
    ("post", f"{WS}/rule-exceptions/preview"): Permission.RULES_READ,
    ("delete", f"{WS}/rule-exceptions/{{exception_id}}"): Permission.RULES_WRITE,
    ("get", f"{WS}/automation-rules"): Permission.RULES_READ,
    ("post", f"{WS}/automation-rules"): Permission.RULES_WRITE,
    ("post", f"{WS}/automation-rules/import"): Permission.RULES_WRITE,
    ("get", f"{WS}/automation-rules/export"): Permission.RULES_READ,
    ("get", f"{WS}/automation-rules/vocabulary"): Permission.RULES_READ,
    ("get", f"{WS}/automation-rules/{{rule}}"): Permission.RULES_READ,
    ("put", f"{WS}/automation-rules/{{rule}}"): Permission.RULES_WRITE,
    ("patch", f"{WS}/automation-rules/{{rule}}"): Permission.RULES_WRITE,
    ("delete", f"{WS}/automation-rules/{{rule}}"): Permission.RULES_WRITE,
    ("get", f"{WS}/rule-export"): Permission.RULES_READ,
    ("get", f"{WS}/rule-costs"): Permission.RULES_READ,
    ("get", f"{WS}/indicators"): Permission.CONTENT_READ,
    ("post", f"{WS}/indicators"): Permission.CONTENT_WRITE,
    ("get", f"{WS}/indicator-sources"): Permission.CONTENT_READ,
    ("post", f"{WS}/incidents/{{incident}}/indicators"): Permission.CONTENT_WRITE,
    ("get", f"{WS}/indicators/{{indicator}}"): Permission.CONTENT_READ,
    ("delete", f"{WS}/indicators/{{indicator}}"): Permission.CONTENT_WRITE,
    ("post", f"{WS}/indicators/{{indicator}}/revoke"): Permission.CONTENT_WRITE,
    ("post", f"{WS}/indicators/{{indicator}}/reinstate"): Permission.CONTENT_WRITE,
    ("post", f"{WS}/indicators/{{indicator}}/tags"): Permission.CONTENT_WRITE,
    ("get", "/taxii2/"): SIGNED_IN,
    ("get", "/taxii2/root/"): SIGNED_IN,
    ("get", "/taxii2/root/collections/"): SIGNED_IN,
    ("get", f"{COLLECTION}/"): Permission.CONTENT_READ,
    ("get", f"{COLLECTION}/manifest/"): Permission.CONTENT_READ,
    ("get", f"{COLLECTION}/objects/"): Permission.CONTENT_READ,
    ("get", f"{COLLECTION}/objects/{{object}}/"): Permission.CONTENT_READ,
    ("get", f"{COLLECTION}/objects/{{object}}/versions/"): Permission.CONTENT_READ,
    ("get", f"{WS}/secrets"): Permission.SECRETS_READ,
    ("get", f"{WS}/audit"): Permission.AUDIT_READ,
    ("post", f"{WS}/secrets/{{secret}}/check"): Permission.SECRETS_WRITE,
    ("post", f"{WS}/secrets/{{secret}}/rotation"): Permission.SECRETS_WRITE,
    ("post", f"{WS}/secrets/{{secret}}/rotation/finish"): Permission.SECRETS_WRITE,
    ("post", f"{WS}/secrets/{{secret}}/rotation/cancel"): Permission.SECRETS_WRITE,
    ("post", f"{WS}/connector-kinds/import"): Permission.CONNECTORS_WRITE,
    ("post", f"{WS}/local/load"): OWNER,
    ("post", f"{WS}/local/rules"): OWNER,
    ("get", f"{WS}/local/rules"): OWNER,
    ("post", f"{WS}/local/rules/run"): OWNER,
}
DOORS = {(method.lower(), path) for door in doors() for methods, path in door.routes for method in methods}
"""The front doors for logs, which have credentials of their own kinds."""
SHUT = {(method, path) for method in ("get", "post", "put", "patch", "delete") for _, path in DOORS} - DOORS
"""Methods that a door does not take: whoever asks is told which it does, and nothing else."""
BODIES: dict[str, dict[str, object]] = {
    f"{USER}/roles": {"role": "Reader"},
    f"{USER}/tokens": {"name": "test"},
}
"""Bodies of routes that look at the body before they ask who may; all others take an empty one for the question."""
OUTSIDE = {"/api/v1/openapi.json", "/{path:path}"}
"""Of the console and the description, which hold nothing of a workspace."""


class Held:
    """An application, its routes, and a caller for each role."""

    def __init__(self, folder: Path) -> None:
        self.application = Application(load_settings(data_dir=folder))
        self.app = create_app(self.application)
        self.client = TestClient(self.app, base_url="http://localhost", raise_server_exceptions=False)
        operator: Principal = local_operator(folder)
        workspaces, identity = self.application.workspaces, self.application.identity
        self.default = workspaces.default().id
        self.other = workspaces.create("elsewhere", by=operator).id
        self.tokens: dict[str, str] = {}
        for name, role, where in [
            *((role.value, role, self.default) for role in Role),
            ("stranger", Role.CONTRIBUTOR, self.other),
            ("root", Role.ADMINISTRATOR, None),
            ("nobody", None, None),
        ]:
            identity.create_account("user", name, by=operator)
            if role is not None:
                identity.grant(name, role, where, by=operator)
            self.tokens[name] = identity.create_token(name, "test", by=operator).text.reveal()
        limited = identity.create_token(
            Role.ADMINISTRATOR.value, "limited", by=operator, permissions=[Permission.RULES_READ]
        )
        self.tokens["limited"] = limited.text.reveal()

    def status(self, method: str, path: str, token: str | None) -> int:
        address = path.replace("{ws}", "default").replace("{incident}", "999").replace("{table}", "T_CL")
        address = address.replace("{rule_id}", "none").replace("{destination}", "none").replace("{delivery}", "none")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        for part in ("user", "token", "session"):
            address = address.replace(f"{{{part}}}", "none")
        address = address.replace("{role}", "Reader")
        body = BODIES.get(path, {}) if method in ("post", "patch") else None
        params = {"name": "x.bin"} if path.endswith("/load") else None
        answer = self.client.request(method, address, json=body, headers=headers, params=params)
        assert answer.status_code < 500, (method, path, answer.text)
        return answer.status_code


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    made = Held(tmp_path_factory.mktemp("rights") / "data")
    with made.application:
        yield made


def _routes(held: Held) -> set[tuple[str, str]]:
    """What the server answers, stated in its description or not."""
    found = set()
    for method_path, methods in held.app.openapi()["paths"].items():
        found |= {(method, method_path) for method in methods}
    for route in held.app.routes:
        if isinstance(route, Route) and route.path not in OUTSIDE:
            found |= {(method.lower(), route.path) for method in route.methods or () if method != "HEAD"}
    return found - DOORS - SHUT


@pytest.mark.parametrize(("method", "path"), sorted(key for key in DOORS if "/health" not in key[1]), ids=str)
def test_a_front_door_takes_nothing_without_its_credentials(held: Held, method: str, path: str) -> None:
    address = path.replace("{rest:path}", "_x").format(
        index="logs", table="T_CL", rule="dcr-none", stream="Custom-T_CL", type="_doc", workspace="default"
    )
    for credentials in ({"Authorization": "Bearer nonsense"}, {"Authorization": f"Bearer {held.tokens['nobody']}"}):
        answer = held.client.request(method, address, content=b'{"A": 1}', headers=credentials)
        assert answer.status_code in (400, 401, 403, 404), (method, path, answer.text)
    if method != "get" and method != "head":
        # without an Authorization header some addresses are the console's, which takes none of these methods
        assert held.client.request(method, address, content=b'{"A": 1}').status_code in (400, 401, 403, 404, 405)


def test_every_route_has_a_rule_and_every_rule_a_route(held: Held) -> None:
    found = _routes(held)
    assert found - RULES.keys() == set(), "say in RULES who may"
    stated = {key for key in RULES if "/local/" not in key[1]}
    assert stated - found == set(), "there is no such route any more"


@pytest.mark.parametrize(("method", "path"), RULES, ids=lambda part: str(part).removeprefix("/api/v1"))
def test_who_may(held: Held, method: str, path: str) -> None:
    rule = RULES[method, path]
    assert (held.status(method, path, None) == 401) == (rule != OPEN)
    assert (held.status(method, path, "vdt_nonsense") == 401) == (rule != OPEN)
    for role in Role:
        status = held.status(method, path, held.tokens[role.value])
        if rule in (OWNER, INSTALLATION) or (isinstance(rule, Permission) and rule not in ROLE_PERMISSIONS[role]):
            assert status == 403, (role, status)
        else:
            assert status not in (401, 403), (role, status)
    if rule == INSTALLATION:
        assert held.status(method, path, held.tokens["root"]) not in (401, 403)
    if "{ws}" in path:
        # to those without any right in it a workspace does not exist; the owner's own routes are refused before that
        for outsider in ("stranger", "nobody"):
            assert held.status(method, path, held.tokens[outsider]) in ((403, 404) if rule == OWNER else (404,)), (
                outsider
            )
    limited = held.status(method, path, held.tokens["limited"])
    if isinstance(rule, Permission) or rule in (OWNER, INSTALLATION):
        assert (limited == 403) == (rule is not Permission.RULES_READ), limited


def test_a_workspace_of_others_is_not_reached_by_its_id(held: Held) -> None:
    headers = {"Authorization": f"Bearer {held.tokens[Role.ADMINISTRATOR.value]}"}
    for name in (held.other, "elsewhere", f"{held.default}/../{held.other}", f"{held.default}%2f..%2f{held.other}"):
        answer = held.client.get(f"/api/v1/workspaces/{name}/incidents", headers=headers)
        assert answer.status_code == 404, (name, answer.text)
    listed = held.client.get("/api/v1/workspaces", headers=headers).json()["value"]
    assert [one["name"] for one in listed] == ["default"]


# -- cookies


def _session(held: Held) -> str:
    link = held.application.sign_in_link("http://localhost")
    answer = held.client.post("/api/v1/session", json={"token": link.split("token=")[1]})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    held.client.cookies.clear()
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    return cookie.split(";")[0].split("=", 1)[1]


def test_a_cookie_alone_changes_nothing(held: Held) -> None:
    """Cross-site request forgery: another site's page can send the cookie, yet no header of its own making."""
    cookies = {"Cookie": f"vedette_session={_session(held)}"}
    for method, path in sorted(_routes(held)):
        if method == "get" or RULES[method, path] == OPEN:
            continue
        for form in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            address = path.replace("{ws}", "default")
            answer = held.client.request(method, address, content=b"{}", headers={**cookies, "Content-Type": form})
            assert answer.status_code == 403, (method, path, form, answer.text)
    good = held.client.patch(
        "/api/v1/workspaces/default/rules/none", json={"enabled": True}, headers={**cookies, "X-Vedette-Request": "1"}
    )
    assert good.status_code == 404


def test_a_session_is_made_by_the_server_alone(held: Held) -> None:
    """Session fixation: a cookie that was planted before the sign-in is worth nothing after it."""
    planted = "A" * 64
    headers = {"Cookie": f"vedette_session={planted}"}
    token = held.application.sign_in_link("http://localhost").split("token=")[1]
    answer = held.client.post("/api/v1/session", json={"token": token}, headers=headers)
    held.client.cookies.clear()
    fresh = answer.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    assert planted not in fresh
    assert held.client.get("/api/v1/session", headers=headers).status_code == 401
    again = {"Cookie": f"vedette_session={fresh}"}
    assert held.client.get("/api/v1/session", headers=again).status_code == 200
    assert held.client.delete("/api/v1/session", headers={**again, "X-Vedette-Request": "1"}).status_code == 204
    held.client.cookies.clear()
    assert held.client.get("/api/v1/session", headers=again).status_code == 401
    assert held.client.post("/api/v1/session", json={"token": token}).status_code == 401
