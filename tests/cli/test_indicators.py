"""`vedette indicators`, with a server and without one."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.intel.conftest import indicator


@pytest.mark.req("P-075", "P-077")
def test_indicators_by_hand(vedette: Command, data: Path) -> None:
    done = vedette("indicators", "add", "ip", "203.0.113.45", "--days", "30", "--tag", "wave 7", "--data", data)
    assert done.code == 0, done.err
    assert "[ipv4-addr:value = '203.0.113.45'], in force until" in done.out
    made = vedette("indicators", "add", "hash", "d" * 32, "--days", "0", "--data", data, "--json").json()
    assert (made["active"], made["validUntil"]) == (True, None)
    listed = vedette("indicators", "list", "203.0.113", "--data", data)
    assert "203.0.113.45" in listed.out
    assert "d" * 32 not in listed.out
    nothing = vedette("indicators", "list", "nothing of the kind", "--data", data)
    assert "There is no such indicator" in nothing.out + nothing.err
    assert vedette("indicators", "tag", made["id"], "a", "b", "--remove", "a", "--data", data, "--json").json()[
        "tags"
    ] == ["b"]
    assert "not in force" in vedette("indicators", "revoke", made["stixId"], "--data", data).out
    assert [
        one["id"] for one in vedette("indicators", "list", "--state", "inactive", "--data", data, "--json").json()
    ] == [made["id"]]
    assert "in force" in vedette("indicators", "reinstate", made["id"], "--data", data).out
    assert vedette("indicators", "show", made["id"], "--data", data).json()["content"]["id"] == made["stixId"]
    assert vedette("indicators", "sources", "--data", data, "--json").json() == [{"source": "Vedette", "inForce": 2}]
    assert vedette("indicators", "delete", made["id"], "--data", data).code == 0
    gone = vedette("indicators", "show", made["id"], "--data", data)
    assert (gone.code, "There is no indicator" in gone.err) == (1, True)
    asked = "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id | project ObservableValue, IsActive, IsDeleted | sort by ObservableValue asc"
    wanted = [
        {"ObservableValue": "203.0.113.45", "IsActive": True, "IsDeleted": False},
        {"ObservableValue": "d" * 32, "IsActive": False, "IsDeleted": True},
    ]
    until = time.monotonic() + 60  # a server puts what it has taken in into the tables a moment later
    while (rows := vedette("query", asked, "--data", data, "--format", "json").json()) != wanted:
        assert time.monotonic() < until, rows


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ip",), "needs a KIND and a VALUE"), (("ip", "1.2.3.4", "--entity", "x"), "needs a KIND and a VALUE"),
        (("ip", "1.2.3.4", "--incident", "1"), "With --incident goes --entity"), (("--incident", "1"), "With --incident goes --entity"),
        (("ip", "1.2.3.400"), "'1.2.3.400' is not an address or a network."), (("ipp", "1.2.3.4"), "Did you mean 'ip'?"),
        (("ip", "1.2.3.4", "--tlp", "pink"), "'pink' is none of white, green, amber, red."),
        (("--incident", "7", "--entity", "x"), "7"),
    ],
)  # fmt: skip
def test_what_cannot_be_added(vedette: Command, data: Path, arguments: tuple[str, ...], said: str) -> None:
    done = vedette("indicators", "add", *arguments, "--data", data)
    assert done.code != 0
    assert said in done.err


@pytest.mark.req("P-079")
def test_a_bundle_is_loaded(vedette: Command, data: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "feed.json"
    bundle.write_text(
        json.dumps({"type": "bundle", "id": "bundle--x", "objects": [indicator(1), indicator(2, pattern="[x")]})
    )
    done = vedette("load", bundle, "--data", data)
    assert done.code == 0, done.err
    assert "1 record could not be read and is put aside" in done.err
    assert vedette("load", bundle, "--data", data, "--json").json()["files"][0]["outcome"] == "already loaded"
    assert vedette("indicators", "list", "--data", data, "--json").json()[0]["source"] == "File"
