"""Transformations, tables, retention, purging, export and backups over the REST API: what each role may, and what is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Running
from tests.api.test_workspace_content import Client, client_of
from vedette.core.accounts import local_operator
from vedette.core.roles import Role

__all__ = ["client_of"]
FLOW = {"transformKql": "source | where level != 'debug'", "outputStream": "Custom-App_CL"}
BODY = {"dataFlows": [FLOW], "columns": [{"name": "level", "type": "string"}, {"name": "n", "type": "long"}]}


def recorded(running: Running) -> list[str]:
    """The actions in the audit trail, oldest first."""
    return [entry.action for entry in reversed(running.application.audit.entries())]


def send(client: httpx.Client, rows: list[dict[str, object]], running: Running) -> None:
    """Rows through a front door, until they can be queried."""
    services = running.application.services(running.application.workspace("default"))
    rule = f"dcr-{services.workspace.id.replace('-', '')}"
    url = client.base_url.join(f"/dataCollectionRules/{rule}/streams/Custom-App_CL")
    answer = client.post(url, params={"api-version": "2023-01-01"}, json=rows)
    assert answer.status_code == 204, answer.text
    assert services.intake.flush()


def test_a_transformation_is_tried_kept_and_applied(running: Running, client_of: Client) -> None:
    rows: list[dict[str, object]] = [
        {"level": "info", "n": 1},
        {"level": "debug", "n": 2},
        {"level": "error", "n": "x"},
    ]
    with client_of(Role.READER) as reader, client_of(Role.CONTRIBUTOR) as writer:
        path = "/default/transformations/Custom-App"
        for method, where, body in (
            ("PUT", path, BODY),
            ("POST", f"{path}/try", {"rows": rows}),
            ("DELETE", path, None),
        ):
            assert reader.request(method, where, json=body).status_code == 403
        tried = writer.post(f"{path}/try", json={**BODY, "rows": rows}).json()
        assert [(one["table"], len(one["rows"])) for one in tried["outputs"]] == [("App_CL", 2)]
        assert writer.get(path).status_code == 404
        assert writer.put(path, json=BODY).status_code == 201
        assert reader.get(path).json()["dataFlows"] == [{**FLOW, "outputStream": "App_CL"}]
        assert reader.get("/default/transformations").json()["count"] == 1
        bad = writer.put(
            path, json={"dataFlows": [{"transformKql": "source | summarize count()"}], "columns": BODY["columns"]}
        )
        assert bad.status_code == 400
        first = bad.json()["error"]["details"]["diagnostics"][0]
        assert (first["code"], first["start"], first["length"]) == ("VDT0640", 9, 9)
        send(writer, rows, running)
        found = writer.post("/default/query", json={"query": "App_CL | project level, n | sort by level asc"}).json()[
            "rows"
        ]
        assert found == [["error", None], ["info", 1]]
        assert reader.get("/default/tables/App_CL").json()["drifted"] == {"n": 1}
        assert writer.delete(path).status_code == 204
        send(writer, rows[1:2], running)
        assert writer.post("/default/query", json={"query": "App_CL | count"}).json()["rows"] == [[3]]
    assert [action for action in recorded(running) if "transformations" in action] == [
        "transformations/write", "transformations/delete",
    ]  # fmt: skip


def test_tables_are_made_shown_kept_and_purged_by_who_may(running: Running, client_of: Client) -> None:
    with (
        client_of(Role.READER) as reader,
        client_of(Role.CONTRIBUTOR) as writer,
        client_of(Role.ADMINISTRATOR) as admin,
    ):
        columns = {"columns": [{"name": "n", "type": "long"}]}
        assert reader.put("/default/tables/My_CL", json=columns).status_code == 403
        made = writer.put("/default/tables/My_CL", json=columns)
        assert made.status_code == 201, made.text
        assert {"TimeGenerated", "TenantId", "Type", "_ResourceId", "_ItemId", "_BilledSize", "n"} <= {
            one["name"] for one in made.json()["columns"]
        }
        assert writer.put("/default/tables/My_CL", json=columns).status_code == 409
        for name in ("Nope", "SigninLogs", "a b_CL"):
            assert writer.put(f"/default/tables/{name}", json=columns).status_code in (400, 409)
        for wrong in (
            {"name": "n", "type": "lang"},
            {"name": "TimeGenerated", "type": "string"},
            {"name": "1", "type": "long"},
        ):
            assert writer.put("/default/tables/Wrong_CL", json={"columns": [wrong]}).status_code == 400
        services = running.application.services(running.application.workspace("default"))
        services.logs.append("My_CL", [{"n": n, "TimeGenerated": "2020-01-01T00:00:00Z"} for n in range(10)])
        assert reader.put("/default/tables/My_CL/retention", json={"totalDays": 1}).status_code == 403
        assert writer.put("/default/tables/My_CL/retention", json={"interactiveDays": 30}).status_code == 200
        assert writer.put("/default/tables/Nope_CL/retention", json={"interactiveDays": 30}).status_code == 404
        assert writer.post("/default/retention/run").json()["tables"][0]["moved_rows"] == 10
        assert reader.get("/default/retention/run").json()["last"]["ended"]
        shown = reader.get("/default/tables/My_CL").json()
        assert (shown["rows"], shown["lake"]["rows"], shown["lake"]["files"]) == (10, 10, 1)
        where = {"where": "n < 3"}
        assert writer.post("/default/tables/My_CL/purge", json=where).status_code == 403
        found = admin.post("/default/tables/My_CL/purge", json=where).json()
        assert (found["rows"], found["purged"]) == (3, False)
        assert admin.post("/default/tables/My_CL/purge", json={**where, "confirm": "x"}).status_code == 409
        assert admin.post("/default/tables/My_CL/purge", json={**where, "confirm": found["token"]}).json()["purged"]
        assert writer.post("/default/query", json={"query": "My_CL | count"}).json()["rows"] == [[7]]
    entries = running.application.audit.entries()
    purged = next(entry for entry in entries if entry.action == "tables/purge")
    assert purged.detail == {"where": "n < 3", "rows": 3}


def test_an_export_is_streamed_to_who_may_query(running: Running, client_of: Client, tmp_path: Path) -> None:
    with client_of(Role.READER) as reader, client_of(Role.PLAYBOOK_OPERATOR) as other:
        body = {"query": "range n from 1 to 30000 step 1", "format": "jsonl"}
        assert other.post("/default/export", json=body).status_code == 403
        answer = reader.post("/default/export", json=body)
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        assert sum(json.loads(line)["n"] for line in answer.text.splitlines()) == 450015000
        assert reader.post("/default/export", json={"query": "x |", "format": "csv"}).status_code == 400
        assert reader.post("/default/export", json={"query": "print 1", "format": "xml"}).status_code == 400
        assert reader.post("/default/export", json={"query": "print a = 1", "format": "parquet"}).content[:4] == b"PAR1"
    assert "logs/export" in recorded(running)


@pytest.mark.parametrize("role", [Role.READER, Role.CONTRIBUTOR, Role.ADMINISTRATOR])
def test_only_the_owner_of_the_directory_makes_backups(
    running: Running, client_of: Client, role: Role, tmp_path: Path
) -> None:
    with client_of(role) as client:
        assert client.post("/default/local/backup", json={"path": str(tmp_path / "b")}).status_code == 403
    assert not (tmp_path / "b").exists()
    assert local_operator(running.application.directory.path).kind == "local"
