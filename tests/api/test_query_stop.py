"""A query ends with its caller and with its time: nobody pays for an answer that nobody reads."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.api.conftest import Running, hung_up_on, serving
from vedette.engine.query import QUERIES

ENDLESS = {
    "in the engine": "range x from 1 to 9000000 step 1 | extend k=1 | join kind=inner "
    "(range y from 1 to 9000000 step 1 | extend k=1) on k | summarize max(x*y%7)",
    "row by row": "range x from 1 to 900000000 step 1 | serialize | "
    "scan declare (s:long=0) with (step a: true => s = a.s + x;) | summarize max(s)",
    "in a function": "range x from 1 to 900000000 step 1 | summarize dcount(tostring(parse_url(strcat('http://a/', x))))",
}
SECONDS = 60.0
"""Within which a query has ended after its caller went."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("stop") / "data") as held:
        with held.client() as client:
            assert client.post("/workspaces/default/query", json={"query": "print 1"}).status_code == 200
        yield held


def at_work() -> int:
    """How many queries run in this process."""
    return QUERIES.running


def ended_within(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while at_work():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("path", ["query", "export"])
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_query_ends_when_its_caller_goes(running: Running, kind: str, path: str) -> None:
    body = {"query": ENDLESS[kind]} | ({"format": "csv"} if path == "export" else {})
    assert ended_within(SECONDS)
    with hung_up_on(running, f"/workspaces/default/{path}", body):
        until = time.monotonic() + 60
        while not at_work():
            assert time.monotonic() < until
            time.sleep(0.01)
    assert ended_within(SECONDS)
