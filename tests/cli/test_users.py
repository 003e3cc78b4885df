"""`vedette users` and `vedette workspaces`, on a directory that nobody holds and through a server."""

from __future__ import annotations

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
