"""`vedette users` and `vedette workspaces`, on a directory that nobody holds and through a server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_an_account_from_its_making_to_its_end(vedette: Command, data: Path) -> None:
    at = ("--data", data)
    made = vedette("workspaces", "create", "soc", "--display-name", "The SOC", *at)
    assert made.code == 0, made.err
    created = vedette("users", "create", "ann", "--role", "Administrator", "--role", "reader@soc", *at)
    assert created.code == 0, created.err
    assert "Administrator (everywhere), Reader (soc)" in created.out
    kept = vedette("users", "revoke", "ann", "Administrator", *at)
    assert kept.code == 1
    assert "last administrator" in kept.err
    wrong = vedette("users", "grant", "ann", "Contribtor", *at)
    assert wrong.code == 1
    assert "Contributor" in wrong.err
    token = vedette("users", "token", "ann", "ship", "-w", "soc", "--permission", "data/ingest", "--days", 3, *at)
    assert token.code == 0, token.err
    assert token.out.startswith("vdt_")
    shown = vedette("users", "show", "ann", "--json", *at).json()
    assert shown["tokens"][0]["permissions"] == ["data/ingest"]
    assert token.out.strip() not in str(shown)
    assert "/signin?token=vds_" in vedette("users", "sign-in", "ann", "--minutes", 30, *at).out
    assert len(vedette("users", "password", "ann", *at).out.strip()) == 20
    assert vedette("workspaces", "archive", "soc", *at).code == 0
    refused = vedette("tables", "list", "--workspace", "soc", *at)
    assert refused.code == 1
    assert "archived" in refused.err
    assert vedette("workspaces", "delete", "soc", "--yes", *at).code == 0
    assert [one["name"] for one in vedette("workspaces", "list", "--json", *at).json()] == ["default"]


@pytest.mark.parametrize("data", ["served"], indirect=True)
def test_what_else_can_be_done_with_an_account(vedette: Command, data: Path) -> None:
    at = ("--data", data)
    for arguments, said in (
        (("create", "ben", "--kind", "client"), "no role yet"),
        (("grant", "ben", "contributor", "--workspace", "default"), "Contributor (default)"),
        (("token", "ben", "x", "--json"), "vdt_"),
        (("list",), "Contributor (default)"),
        (("revoke", "ben", "contributor", "-w", "default"), "no role"),
        (("disable", "ben"), "is disabled"),
        (("enable", "ben"), "is in use"),
        (("end-sessions", "ben"), "signed out"),
        (("create", "ann"), "Made the user"),
        (("password", "ann", "--stdin"), "is changed"),
        (("password", "ann", "--remove"), "no password any more"),
    ):
        done = vedette("users", *arguments, *at, stdin="a password of mine\n")
        assert done.code == 0, done.err
        assert said in done.out
    (token,) = vedette("users", "show", "ben", "--json", *at).json()["tokens"]
    assert vedette("users", "revoke-token", "ben", token["id"], *at).code == 0
    assert "revoked" in vedette("users", "show", "ben", *at).out
    assert vedette("users", "delete", "ben", *at).code == 0
    assert "ben" not in vedette("users", "list", *at).out
    assert vedette("workspaces", "update", "default", "--display-name", "Main", *at).code == 0
    assert "Main" in vedette("workspaces", "list", *at).out


def test_the_audit_trail_is_read_and_verified(vedette: Command, data: Path) -> None:
    at = ("--data", data)
    vedette("workspaces", "create", "soc", *at)
    vedette("users", "create", "ann", "--role", "Reader@soc", *at)
    listed = vedette("audit", "list", "--json", *at).json()
    assert [one["sequence"] for one in listed] == list(range(len(listed), 0, -1))
    assert {("users/create", "ann"), ("roles/grant", "ann"), ("workspaces/create", "soc")} <= {
        (one["action"], one["target"]) for one in listed
    }
    assert [one["action"] for one in vedette("audit", "list", "--action", "users/", "--json", *at).json()] == [
        "users/create"
    ]
    assert {one["action"] for one in vedette("audit", "list", "-w", "soc", "--json", *at).json()} == {
        "workspaces/create", "roles/grant",
    }  # fmt: skip
    page = vedette("audit", "list", "--top", 1, "--before", 2, *at)
    assert "--before 1" in page.err
    whole = vedette("audit", "verify", *at)
    assert whole.code == 0, whole.err
    noted = whole.out.split()[-1]
    assert noted == f"{listed[0]['sequence']}:{listed[0]['hash']}"
    assert vedette("audit", "verify", "--noted", noted, *at).code == 0
    assert "not the one that was noted" in vedette("audit", "verify", "--noted", f"1:{'0' * 64}", *at).out
    assert vedette("audit", "verify", "--noted", "nonsense", *at).code != 0
    with closing(sqlite3.connect(data / "state.db")) as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE audit SET target = 'bob' WHERE action = 'users/create'")
        database.commit()
    broken = vedette("audit", "verify", *at)
    assert broken.code == 1
    assert "was changed" in broken.out
