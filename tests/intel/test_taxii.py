"""The connector `taxii` with a TAXII server: pages, the checkpoint, repetition, kills, faults, and what a test of it tells."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.deliver.conftest import ADMIN
from tests.intel.conftest import Held, indicator
from tests.intel.taxii_server import COLLECTION, PASSWORD, USER, TaxiiServer, taxii_server
from vedette.collect.connectors.contract import Trouble
from vedette.collect.connectors.registry import ConnectorRegistry
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import Connectors, ConnectorView
from vedette.collect.connectors.taxii.connector import Taxii
from vedette.core.checks import CheckReport
from vedette.core.errors import VedetteError
from vedette.core.outbound import Outbound
from vedette.core.secrets import Secrets
from vedette.intel.indicators import Indicators

pytestmark = [pytest.mark.parametrize("state", ["sqlite"], indirect=True), pytest.mark.req("P-079")]


@dataclass
class Feed:
    """An instance of the connector for a server."""

    held: Held
    server: TaxiiServer
    registry: ConnectorRegistry
    secrets: Secrets
    connectors: Connectors
    runner: ConnectorRunner

    def add(self, **more: str) -> ConnectorView:
        values = {
            "address": f"{self.server.url}/taxii2/", "collection": COLLECTION, "source": "CERT", "user_name": USER,
            "password": PASSWORD, "version": self.server.version, **more,
        }  # fmt: skip
        return self.connectors.create(ADMIN, self.held.indicators.workspace_id, "taxii", "feed", values)

    def poll(self, **later: float) -> Any:
        """The endpoint after it was polled, some time later."""
        self.held.clock.advance(timedelta(**later))
        assert self.runner.poll_due() == 1
        [view] = self.connectors.list(ADMIN, self.held.indicators.workspace_id)
        return view.endpoints[0]

    def restart(self) -> None:
        """As another process."""
        self.runner.close()
        self.runner = self.new_runner()

    def new_runner(self) -> ConnectorRunner:
        held = self.held
        return ConnectorRunner(
            held.state,
            self.secrets,
            self.registry,
            held.clock,
            lambda _: held.intake,
            random.Random(1),
            lambda _: held.indicators,
        )

    @property
    def asked(self) -> list[str]:
        """The queries of the requests for objects since this was asked last."""
        found = [one.partition("?")[2] for one in self.server.requests if "/objects/" in one]
        self.server.requests.clear()
        return found


@pytest.fixture
def feed(held: Held, tmp_path: Path) -> Iterator[Feed]:
    with taxii_server() as server:
        registry = ConnectorRegistry([Taxii(held.clock, Outbound.of("127.0.0.0/8"))])
        secrets = Secrets(held.state, tmp_path / "keys" / "secrets.key", held.clock)
        connectors = Connectors(held.state, secrets, registry, held.clock, lambda: None)
        made = Feed(held, server, registry, secrets, connectors, None)  # type: ignore[arg-type]
        made.runner = made.new_runner()
        yield made
        made.runner.close()


def fill(server: TaxiiServer, count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        server.put(f"2026-02-01T10:{number:02d}:00.123456Z", indicator(number))


@pytest.mark.parametrize("version", ["2.1", "2.0"])
def test_every_page_once_and_then_what_is_new(feed: Feed, version: str) -> None:
    feed.server.version = version
    fill(feed.server, 12)
    feed.add()
    at = feed.poll()
    assert (at.trouble, at.fetched) == (None, 12)
    assert len(feed.asked) == 3
    rows = "ThreatIntelIndicators | summarize count(), dcount(Id), take_any(SourceSystem), take_any(LastUpdateMethod)"
    assert feed.held.rows(rows) == [[12, 12, "CERT", "TAXII"]]
    fill(feed.server, 1, first=13)
    assert feed.poll(hours=1).fetched == 13
    assert feed.asked[0].startswith("added_after=2026-02-01T10%3A12%3A00.123456Z")
    assert feed.poll(hours=1).fetched == 13
    assert feed.held.rows(rows) == [[13, 13, "CERT", "TAXII"]]


def test_a_feed_that_gives_everything_each_time_makes_no_duplicates(feed: Feed) -> None:
    feed.server.says_added = False
    fill(feed.server, 12)
    feed.add()
    feed.poll()
    for added, content in list(feed.server.objects):
        feed.server.objects.remove((added, content))
        feed.server.put("2026-03-01T13:00:00.000000Z", content)  # it is said to be new
    feed.poll(hours=1)
    at = feed.poll(hours=1)
    assert at.fetched > 12
    assert feed.held.rows("ThreatIntelIndicators | count") == [[12]]
    assert feed.held.rows("ThreatIntelligenceIndicator | count") == [[12]]


def test_a_server_whose_clock_is_far_behind(feed: Feed) -> None:
    feed.add()
    assert feed.poll().fetched == 0
    fill(feed.server, 2)
    assert feed.poll(hours=1).fetched == 2
    assert feed.poll(hours=1).fetched == 2
    fill(feed.server, 1, first=3)  # a minute later on its clock, which stands a month before ours
    assert feed.poll(hours=1).fetched == 3


def test_a_version_and_a_revocation_arrive(feed: Feed) -> None:
    fill(feed.server, 3)
    feed.add()
    feed.poll()
    feed.server.put("2026-03-01T12:30:00.000000Z", indicator(2, modified="2026-03-01T12:30:00Z", revoked=True))
    feed.poll(hours=1)
    newest = "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id | sort by ObservableValue asc | project IsActive"
    assert feed.held.rows(newest) == [[True], [False], [True]]


class Killed(BaseException):
    """The process ends."""


def test_a_kill_between_what_is_kept_and_where_it_goes_on(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(feed.server, 12)
    feed.add()
    take, left = Indicators.take, [2]

    def killing(self: Indicators, *given: Any, **named: Any) -> Any:
        taken = take(self, *given, **named)
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return taken

    monkeypatch.setattr(Indicators, "take", killing)
    with pytest.raises(Killed):
        feed.poll()
    assert len(feed.asked) == 2
    feed.restart()
    at = feed.poll()
    assert feed.asked[0].endswith("next=p5")  # the second page again: the first one was passed
    assert at.trouble is None
    assert feed.held.rows("ThreatIntelIndicators | summarize count(), dcount(Id)") == [[12, 12]]
    assert feed.held.rows("ThreatIntelligenceIndicator | count") == [[12]]


def test_a_place_that_has_expired(feed: Feed) -> None:
    fill(feed.server, 12)
    feed.add()
    feed.server.faults = [(0, {}), (503, {})]
    assert feed.poll().trouble == Trouble.UNAVAILABLE
    feed.restart()
    feed.server.places.clear()
    at = feed.poll(hours=1)
    assert at.trouble is None
    assert feed.held.rows("ThreatIntelIndicators | summarize count(), dcount(Id)") == [[12, 12]]


def test_a_server_that_does_not_say_where_its_next_page_is(feed: Feed) -> None:
    feed.server.says_next = False
    fill(feed.server, 12)
    feed.add()
    assert feed.poll().fetched == 12
    assert len(feed.asked) == 3


@pytest.mark.parametrize(
    ("status", "headers", "trouble", "minutes"),
    [
        (401, {}, Trouble.UNAUTHORIZED, 60), (403, {}, Trouble.FORBIDDEN, 60), (404, {}, Trouble.GONE, 60),
        (429, {"Retry-After": "7200"}, Trouble.THROTTLED, 120), (503, {"Retry-After": "300"}, Trouble.UNAVAILABLE, 5),
        (302, {"Location": "https://elsewhere.example/"}, Trouble.UNAVAILABLE, 1),
    ],
)  # fmt: skip
def test_faults(feed: Feed, status: int, headers: dict[str, str], trouble: Trouble, minutes: int) -> None:
    fill(feed.server, 3)
    feed.add()
    feed.server.faults = [(status, headers)]
    at = feed.poll()
    assert at.trouble == trouble
    wait = (at.due_at - feed.held.clock.now()) / timedelta(minutes=1)
    assert minutes * 0.94 - 1 <= wait <= minutes
    assert feed.poll(hours=3).trouble is None
    assert feed.held.rows("ThreatIntelIndicators | count") == [[3]]


def test_how_far_back_the_first_poll_goes(feed: Feed) -> None:
    fill(feed.server, 3)
    feed.server.put("2026-02-25T00:00:00.000000Z", indicator(9))
    feed.add(first_look_back="One week")
    assert feed.poll().fetched == 1


def test_what_cannot_be_read_is_put_aside_once(feed: Feed) -> None:
    fill(feed.server, 2)
    feed.server.put("2026-02-01T11:00:00.000000Z", indicator(3, pattern="[broken"))
    feed.server.put("2026-02-01T11:00:00.000000Z", {"type": "indicator", "id": "nonsense"})
    feed.add()
    feed.poll()
    feed.server.put("2026-03-02T11:00:00.000000Z", indicator(3, pattern="[broken"))
    feed.poll(hours=24)
    assert feed.held.rows("ThreatIntelIndicators | count") == [[2]]
    found = feed.held.rows("VedetteDeadLetter_CL | project TableName, Source, Reason | sort by Reason asc")
    assert [row[:2] for row in found] == [["ThreatIntelIndicators", "CERT"]] * 2


def checked(feed: Feed, **values: str) -> CheckReport:
    given = {
        "address": f"{feed.server.url}/taxii2/", "collection": "", "source": "CERT", "user_name": USER, "password": PASSWORD,
        "version": "2.1", "first_look_back": "Everything", **values,
    }  # fmt: skip
    return feed.connectors.test_values(ADMIN, feed.held.indicators.workspace_id, "taxii", given)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "The collection IOC feed can be read."), ({"collection": "ioc FEED"}, "The collection IOC feed can be read."),
        ({"collection": "IOC fed"}, "The server has no collection 'IOC fed'."), ({"collection": "Write only"}, "may not be read"),
        ({"password": "wrong"}, "answered with status 401 (Unauthorized)"), ({"version": "2.0"}, "answered with status 406"),
    ],
)  # fmt: skip
def test_what_a_test_tells(feed: Feed, values: dict[str, str], said: str) -> None:
    report = checked(feed, **values)
    assert said in report.steps[-1].message
    assert report.ok == ("can be read" in said)


def test_api_roots_of_another_host_get_no_credentials(feed: Feed) -> None:
    feed.server.roots = ["https://elsewhere.example/api/"]
    report = checked(feed)
    assert "on another host, elsewhere.example" in report.steps[-1].message


def test_an_address_of_the_servers_own_network_is_not_reached_unless_allowed(held: Held) -> None:
    with taxii_server() as server:
        values = {"address": server.url, "source": "x", "version": "2.1", "first_look_back": "Everything"}
        connection = Taxii(held.clock).open(values, {})
        with pytest.raises(VedetteError, match="may not connect to 127"):
            connection.poll("objects", {})
        assert server.requests == []
        connection.close()
