"""Watchlists, saved functions and other workspaces over the REST API: what each role may, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.api.conftest import Running
from vedette.core.accounts import local_operator
from vedette.core.roles import SYSTEM, Role

CSV = "Account,Owner\nada@contoso.example,Ada\nbob@contoso.example,Bob\n"
Client = Callable[..., httpx.Client]


@pytest.fixture
def client_of(running: Running) -> Client:
    """Makes a client with a role in the default workspace, or in the one that is named."""

    def make(role: Role, workspace: str = "default") -> httpx.Client:
        identity, owner = running.application.identity, local_operator(running.application.directory.path)
        held = running.application.workspace(workspace)
        account = identity.create_account("client", f"{role.value}-{workspace}".lower(), by=owner)
        identity.grant(account.id, role, held.id, by=owner)
        token = identity.create_token(account.id, "test", by=owner)
        record = running.application.directory.server()
        assert record is not None
        return httpx.Client(
            base_url=f"{record.url}/api/v1/workspaces", timeout=30,
            headers={"Authorization": f"Bearer {token.text.reveal()}"},
        )  # fmt: skip

    return make


def test_a_contributor_writes_and_a_reader_reads(running: Running, client_of: Client) -> None:
    body = {"searchKey": "Account", "name": "People", "content": CSV}
    with client_of(Role.READER) as reader, client_of(Role.CONTRIBUTOR) as writer:
        for method, path, sent in (
            ("PUT", "watchlists/VIP", body), ("DELETE", "watchlists/VIP", None), ("PUT", "saved-functions/F", {"body": "print 1"}),
            ("POST", "watchlists/VIP/items", {"content": {}}), ("DELETE", "saved-functions/F", None),
            ("POST", "saved-functions/import", {"files": []}),
        ):  # fmt: skip
            assert reader.request(method, f"/default/{path}", json=sent).status_code == 403, path
        made = writer.put("/default/watchlists/VIP", json=body)
        assert made.status_code == 201, made.text
        assert made.json()["watchlist"] | {"items": 2, "columns": ["Account", "Owner"]} == made.json()["watchlist"]
        assert reader.get("/default/watchlists").json()["count"] == 1
        found = reader.get("/default/watchlists/vip/items").json()
        assert [item["content"]["Owner"] for item in found["value"]] == ["Ada", "Bob"]
        item = found["value"][0]["id"]
        changed = writer.put(
            f"/default/watchlists/VIP/items/{item}",
            json={"content": {"Account": "eve@contoso.example", "Owner": "Eve"}},
        )
        assert changed.status_code == 200
        text = "_GetWatchlist('VIP') | project SearchKey | order by SearchKey asc"
        rows = reader.post("/default/query", json={"query": text}).json()["rows"]
        assert rows == [["bob@contoso.example"], ["eve@contoso.example"]]
        assert writer.put("/default/watchlists/VIP", json={"content": "A,B\n1\n"}).status_code == 400
        assert writer.put("/default/watchlists/VIP", json={"name": "Others"}).json()["watchlist"]["items"] == 2
        assert writer.delete("/default/watchlists/VIP").status_code == 204
        assert reader.get("/default/watchlists/VIP").status_code == 404
    trail = running.application.audit.entries(action="watchlists/")
    assert [(entry.action, entry.target) for entry in trail] == [
        ("watchlists/delete", "VIP"), ("watchlists/update", "VIP"), ("watchlists/items/write", "VIP"),
        ("watchlists/create", "VIP"),
    ]  # fmt: skip
    assert {entry.actor_name for entry in trail} == {"contributor-default"}


def test_functions_are_saved_called_and_kept_by_revision(client_of: Client) -> None:
    with client_of(Role.CONTRIBUTOR) as writer:
        saved = writer.put("/default/saved-functions/Twice", json={"body": "print v = 2 * x", "parameters": "x: long"})
        assert (saved.status_code, saved.json()["revision"]) == (201, 1)
        assert writer.post("/default/query", json={"query": "Twice(4)"}).json()["rows"] == [[8]]
        refused = writer.put("/default/saved-functions/Twice", json={"body": "print |"})
        assert refused.status_code == 400
        assert "line 1, column" in refused.json()["error"]["message"]
        assert writer.put("/default/saved-functions/Twice", json={"body": "print 3"}).json()["revision"] == 2
        revisions = writer.get("/default/saved-functions/Twice/revisions").json()["value"]
        assert [one["body"] for one in revisions] == ["print 3", "print v = 2 * x"]
        named = [one for one in writer.get("/default/functions").json()["value"] if one["kind"] == "saved"]
        assert [one["name"] for one in named] == ["Twice"]
        files = [
            {
                "name": "a.yaml",
                "content": "FunctionName: Parser\nFunctionAlias: P\nFunctionQuery: Missing_CL | count\n",
            },
            {"name": "b.yaml", "content": "FunctionName: [\n"},
        ]
        report = writer.post("/default/saved-functions/import", json={"files": files}).json()
        assert report["added"] == ["P"]
        assert [(one["severity"], one["file"]) for one in report["problems"]] == [
            ("Error", "b.yaml"),
            ("Warning", "a.yaml"),
        ]


@pytest.fixture
def second(running: Running) -> str:
    """Another workspace with rows, a function and a watchlist."""
    application = running.application
    application.workspaces.create("north", by=SYSTEM)
    services = application.services(application.workspace("north"))
    services.logs.append(
        "T_CL", [{"n": 1, "TimeGenerated": "2026-03-01T00:00:00Z"}, {"n": 2, "TimeGenerated": "2026-03-02T00:00:00Z"}]
    )
    application.services(application.workspace("default")).logs.append("T_CL", [{"n": 10}])
    from vedette.store.functions import FunctionDefinition
    from vedette.store.watchlists.lists import WatchlistSettings

    services.functions.put(FunctionDefinition("Rows", "T_CL | summarize s = sum(n)"), SYSTEM)
    services.functions.put(FunctionDefinition("Twice", "2 * x", "x: long"), SYSTEM)
    services.watchlists.put("Northern", WatchlistSettings(search_key="k"), [{"k": "v"}], SYSTEM)
    return services.workspace.id


def test_who_may_read_both_workspaces_reaches_from_one_into_the_other(running: Running, second: str) -> None:
    with running.client() as client:

        def ask(text: str, **more: str) -> list[list[object]]:
            done = client.post("/workspaces/default/query", json={"query": text, **more})
            assert done.status_code == 200, done.text
            rows: list[list[object]] = done.json()["rows"]
            return rows

        assert ask("workspace('north').T_CL | summarize sum(n)") == [[3]]
        assert ask(f"workspace('{second}').T_CL | where n == 2 | project n, _ItemId | project n") == [[2]]
        assert ask("union T_CL, workspace('north').T_CL | order by n asc | project n") == [[1], [2], [10]]
        assert ask("union workspace('north').T_* | count") == [[2]]
        assert ask("workspace('north').table('T_CL') | count") == [[2]]
        assert ask("workspace('north').Rows") == [[3]]
        assert ask("workspace('north').Rows() | extend t = toscalar(T_CL | count)") == [[3, 1]]
        assert ask("workspace('north')._GetWatchlist('Northern') | project k") == [["v"]]
        assert ask("cluster('north').database('north').T_CL | count") == [[2]]
        assert ask("database('default').T_CL | count") == [[1]]
        assert ask("T_CL | join kind=inner (workspace('north').T_CL | extend n = n * 10) on n | count") == [[1]]
        assert ask(
            "workspace('north').T_CL | project n", timespan="2026-03-01T00:00:00Z/2026-03-01T12:00:00Z"
        ) == [[1]]  # fmt: skip
        assert ask("let f = (w: string) { workspace(w).T_CL | count }; f('north')") == [[2]]
        assert ask("T_CL | project twice = workspace('north').Twice(n)") == [[20]]
        both = "macro-expand entity_group [workspace('default'), database('north')] as X"
        assert ask(
            f"{both} (X.T_CL | summarize s = sum(n) | project of = X.$current_database, s) | order by s asc"
        ) == [
            ["north", 3],
            ["default", 10],
        ]
        assert ask(f"{both} (union X.T_* | where n > 1 | summarize rows = count()) | summarize sum(rows)") == [[2]]
        assert ask("let places = entity_group [workspace('north')]; macro-expand places as X (X.Rows)") == [[3]]


def test_a_workspace_that_the_caller_may_not_see_is_none(client_of: Client, second: str) -> None:
    with client_of(Role.READER) as reader:
        for name in ("north", second, "nowhere"):
            done = reader.post("/default/query", json={"query": f"workspace('{name}').T_CL | count"})
            assert done.status_code == 400
            macro = f"macro-expand entity_group [workspace('{name}')] as X (X.T_CL | count)"
            assert reader.post("/default/query", json={"query": macro}).status_code == 400
            assert f"'{name}' does not refer to any known workspace" in done.text
        assert reader.post("/default/check", json={"query": "workspace('north').T_CL"}).json()["diagnostics"]
        fuzzy = reader.post(
            "/default/query", json={"query": "union isfuzzy=true T_CL, workspace('north').T_CL | count"}
        )
        assert fuzzy.json()["rows"] == [[1]]
    with client_of(Role.PLAYBOOK_OPERATOR, "north"):
        pass


def test_who_sees_a_workspace_without_the_right_to_query_is_told(
    running: Running, client_of: Client, second: str
) -> None:
    identity, owner = running.application.identity, local_operator(running.application.directory.path)
    with client_of(Role.READER) as reader:
        account = next(one for one in identity.accounts(by=owner) if one.name == "reader-default")
        identity.grant(account.id, Role.PLAYBOOK_OPERATOR, second, by=owner)
        done = reader.post("/default/query", json={"query": "workspace('north').T_CL | count"})
        assert done.status_code == 400
        assert "does not have the permission query/run" in done.text


def test_a_rule_reads_its_own_workspace_alone(running: Running, second: str) -> None:
    services = running.application.services(running.application.workspace("default"))
    with pytest.raises(Exception, match="'north' does not refer to any known workspace"):
        services.logs.query("workspace('north').T_CL")
