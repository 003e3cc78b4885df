"""`vedette destinations` and `vedette deliveries`, with and without a server, against the range's ServiceNow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import AT, RULE_ID, prepare, serving
from tests.cli.conftest import Command
from vedette.range.faults import Fault
from vedette.range.server import RangeServer

NAME = "Service desk"
USER, SECRET = "vedette", "range-password-1"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Path]:
    """The data directory of a server with the campaign's logs and rule."""
    with serving(tmp_path / "data") as running:
        prepare(running, tmp_path / "files", run=False)
        yield running.data


def test_a_destination_from_its_making_to_its_end(
    fake_tenant: RangeServer, served: Path, vedette: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("--data", served)
    _mistakes_are_named(vedette, served)
    monkeypatch.setenv("THE_PASSWORD", SECRET)
    fields = (
        "--set",
        f"instance_url={fake_tenant.url}",
        "--set",
        f"username={USER}",
        "--set",
        f"ca_file={fake_tenant.ca_path}",
    )
    made = vedette("destinations", "add", "servicenow", NAME, *fields, "--secret-env", "password=THE_PASSWORD", *at)
    assert made.code == 0, made.err
    tested = vedette("destinations", "test", NAME.upper(), *at)
    assert tested.code == 0, tested.out + tested.err
    fake_tenant.tenant.faults.add(Fault(400, method="POST", service="servicenow", times=None))
    run = vedette("rules", "run", "--rule", RULE_ID, "--at", AT, *at)
    assert run.code == 0, run.err
    delivery = _until(vedette, served, "failed")
    assert delivery["incidentNumber"] == 1
    fake_tenant.tenant.faults.clear()
    assert vedette("deliveries", "retry", delivery["id"], *at).out.startswith("retrying ")
    delivery = _until(vedette, served, "delivered")
    assert delivery["remoteId"]
    again = vedette("deliveries", "retry", delivery["id"], *at)
    assert again.code == 1
    assert "this one is delivered" in again.err
    changed = vedette(
        "destinations", "set", NAME, "--disabled", "--name", "Other", "--secret-stdin", "password", *at,
        stdin="another-secret-value\n",
    )  # fmt: skip
    assert changed.code == 0, changed.err
    failing = vedette("destinations", "test", "Other", "--json", *at)
    assert (failing.code, failing.json()["ok"]) == (1, False)
    shown = vedette("destinations", "list", *at).out + vedette("deliveries", "list", *at).out + failing.out
    assert "Other" in shown
    assert SECRET not in shown
    assert "another-secret-value" not in shown
    assert vedette("destinations", "remove", "Other", *at).out == "removed Other\n"


def _until(vedette: Command, data: Path, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        found = vedette("deliveries", "list", "--destination", NAME, "--incident", "1", "--json", "--data", data).json()
        if found and found[0]["state"] == state:
            return dict(found[0])
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def _mistakes_are_named(vedette: Command, data: Path) -> None:
    """And no secret is repeated."""
    told = []
    for arguments, expected in (
        (("destinations", "add", "webhook", NAME, "--set", "url=hush-hush-1"), "--secret-env url=VARIABLE"),
        (("destinations", "test", "nobody"), "no destination 'nobody'"),
        (("deliveries", "list", "--state", "faild"), "failed"),
    ):
        done = vedette(*arguments, "--data", data)
        assert done.code != 0, arguments
        assert expected in " ".join(done.err.split()), done.err
        told.append(done.out + done.err)
    assert "hush-hush" not in "".join(told)


def test_without_a_server_a_destination_is_kept_for_one(tmp_path: Path, vedette: Command) -> None:
    at = ("--data", tmp_path / "data")
    added = vedette("destinations", "add", "syslog", "Collector", "--set", "host=siem.example", "--disabled", *at)
    assert added.code == 0, added.err
    assert "while a server runs" in added.out
    assert vedette("deliveries", "retry", "--destination", "collector", *at).out == "retrying 0\n"
