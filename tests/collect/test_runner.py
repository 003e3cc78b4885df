"""What is done to connectors while they poll: disabling, deleting, changing, ending, clocks that are set."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.collect.connecting import Tenant
from tests.deliver.conftest import ADMIN
from vedette.collect.connectors.contract import (
    ConnectorManifest,
    Endpoint,
    Event,
    Page,
    PollFailure,
    Trouble,
)
from vedette.collect.connectors.models import ConnectorEndpointRow
from vedette.collect.connectors.registry import ConnectorRegistry
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import Connectors, ConnectorView
from vedette.core.checks import CheckReport
from vedette.core.clock import SystemClock
from vedette.core.errors import TooManyRequests
from vedette.core.forms import FieldType, FormField
from vedette.core.redaction import Secret
from vedette.range.faults import Fault

TEXT = "Text"


class Counting:
    """A connector whose endpoints count; `during` is called in the middle of each poll."""

    manifest = ConnectorManifest(
        id="counting", title="Counting", category="Test", about="Counts.",
        fields=(
            FormField("place", "Place", FieldType.TEXT, "Where it counts."),
            FormField("password", "Password", FieldType.TEXT, "A secret.", secret=True, required=False),
        ),
        permissions=(), troubleshooting=(), guide="x.md", vendor_docs="",
        endpoints=tuple(Endpoint(name, name, timedelta(minutes=5), (TEXT,), "") for name in ("one", "two")),
        source_fields=("place",),
    )  # fmt: skip

    def __init__(self) -> None:
        self.during: Callable[[str, int], None] = lambda endpoint, number: None
        self.pages = 3
        self.opened = self.closed = 0
        self.open_at_once = 0

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> Counting.Connection:
        self.opened += 1
        return Counting.Connection(self, values["place"])

    class Connection:
        def __init__(self, kind: Counting, place: str) -> None:
            self.kind, self.place, self.is_closed = kind, place, False

        def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
            assert not self.is_closed
            number = int(cursor.get("number", 0))
            self.kind.during(endpoint, number)
            events = [Event(TEXT, {"Number": number}, f"{self.place}:{endpoint}:{number}")]
            return Page(events, {"number": number + 1}, (number + 1) % self.kind.pages != 0, 1)

        def check(self) -> CheckReport:
            return CheckReport(())

        def close(self) -> None:
            self.kind.closed += 1
            self.is_closed = True


@contextmanager
def counting(tenant: Tenant, clock: Any = None) -> Iterator[Counting]:
    """The tenant with this connector in place of the others."""
    kind = Counting()
    tenant.registry = ConnectorRegistry([kind])
    clock = clock or tenant.clock
    secrets = tenant.runner._secrets
    tenant.runner = ConnectorRunner(
        tenant.state, secrets, tenant.registry, clock, lambda _: tenant.sink, random.Random(3)
    )
    tenant.connectors = Connectors(tenant.state, secrets, tenant.registry, clock, tenant.runner.wake)
    yield kind
    tenant.runner.close()


def made(tenant: Tenant, name: str = "Here", **more: Any) -> ConnectorView:
    return tenant.connectors.create(ADMIN, tenant.workspace, "counting", name, {"place": "here"}, **more)


def ids(tenant: Tenant) -> Counter[str]:
    return Counter(identity for _, identity in tenant.sink.seen)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_disabling_during_a_poll_ends_it_and_enabling_goes_on_after_it(either_tenant: Tenant, place: int) -> None:
    tenant = either_tenant
    with counting(tenant) as kind:
        one = made(tenant)

        def disable(endpoint: str, number: int) -> None:
            if (endpoint, number) == ("one", place):
                tenant.connectors.update(ADMIN, tenant.workspace, one.id, enabled=False)

        kind.during = disable
        tenant.runner.poll_due()
        assert tenant.sink.seen >= {(TEXT, f"here:one:{number}") for number in range(place + 1)}
        assert tenant.runner.poll_due() == 0
        # what the intake has seen is forgotten after a week: nothing may come again even so
        accepted, tenant.sink.seen = len(tenant.sink.tables[TEXT]), set()
        kind.during = lambda endpoint, number: None
        tenant.clock.advance(timedelta(days=30))
        tenant.connectors.update(ADMIN, tenant.workspace, one.id, enabled=True)
        tenant.runner.poll_due()
        assert f"here:one:{place}" not in ids(tenant)
        assert f"here:one:{place + 1}" in ids(tenant)
        assert len(tenant.sink.tables[TEXT]) > accepted


def test_deleting_during_a_poll_leaves_nothing_behind(either_tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    tenant = either_tenant
    with counting(tenant) as kind:
        one = made(tenant)
        kind.during = lambda endpoint, number: (
            tenant.connectors.delete(ADMIN, tenant.workspace, one.id) if (endpoint, number) == ("one", 1) else None
        )
        tenant.runner.poll_due()
        assert tenant.connectors.list(ADMIN, tenant.workspace) == []
        assert tenant.runner.poll_due() == 0
        assert tenant.runner.next_due() is None
        tenant.runner._retire()
        assert (kind.opened, kind.closed) == (1, 1)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_another_place_is_collected_from_the_beginning(either_tenant: Tenant) -> None:
    tenant = either_tenant
    with counting(tenant) as kind:
        one = made(tenant)

        def move(endpoint: str, number: int) -> None:
            if (endpoint, number) == ("two", 1):
                tenant.connectors.update(ADMIN, tenant.workspace, one.id, values={"place": "there"})

        kind.during = move
        tenant.runner.poll_due()
        kind.during = lambda endpoint, number: None
        tenant.runner.poll_due()
        assert {f"there:{name}:{number}" for name in ("one", "two") for number in range(3)} <= set(ids(tenant))


def test_a_failure_under_old_values_says_nothing_of_the_new_ones(tenant: Tenant) -> None:
    with counting(tenant) as kind:
        one = made(tenant)

        def fail(endpoint: str, number: int) -> None:
            tenant.connectors.update(ADMIN, tenant.workspace, one.id, values={"password": f"p{number}{endpoint}"})
            raise PollFailure("Refused.", Trouble.UNAUTHORIZED)

        kind.during = fail
        tenant.runner.poll_due()
        assert {at.trouble for at in tenant.view(one).endpoints} == {None}
        kind.during = lambda endpoint, number: None
        assert tenant.runner.poll_due() == 2


def test_two_endpoints_at_once_share_a_connection(tenant: Tenant) -> None:
    with counting(tenant, SystemClock()) as kind:
        together = threading.Barrier(2, timeout=60)
        kind.pages = 1
        kind.during = lambda endpoint, number: (together.wait() and None) or None
        made(tenant)
        with running(tenant):
            until(lambda: len(tenant.sink.seen) == 2)
        assert kind.opened - kind.closed == 0
        assert kind.opened <= 2


@contextmanager
def running(tenant: Tenant) -> Iterator[threading.Event]:
    """The runner on a thread of its own, ended as a server ends it: without a word to the runner."""
    stop = threading.Event()
    thread = threading.Thread(target=tenant.runner.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        tenant.runner.wake()
        thread.join(60)
        assert not thread.is_alive()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_end_waits_for_no_answer(tenant: Tenant) -> None:
    with counting(tenant, SystemClock()) as kind:
        asked, answer = threading.Event(), threading.Event()

        def hang(endpoint: str, number: int) -> None:
            if endpoint == "one":
                asked.set()
                answer.wait(90)

        kind.during = hang
        one = made(tenant)
        began = 0.0
        with running(tenant):
            assert asked.wait(60)
            until(lambda: (TEXT, "here:two:2") in tenant.sink.seen)
            began = time.monotonic()
        assert time.monotonic() - began < 30
        answer.set()  # it comes after the end: nothing of it may be kept, and nothing recorded
        until(lambda: not tenant.runner._busy)
        assert not [identity for identity in ids(tenant) if ":one:" in identity]
        assert tenant.endpoint(one, "one").trouble is None
        assert tenant.endpoint(one, "one").last_poll_at is None


def test_the_end_does_not_wait_for_a_full_intake(tenant: Tenant) -> None:
    with counting(tenant, SystemClock()):
        tenant.sink.full = 1_000_000
        made(tenant)
        with running(tenant):
            until(lambda: tenant.sink.full < 1_000_000)
            began = time.monotonic()
        assert time.monotonic() - began < 30
        assert not tenant.sink.seen


def test_the_end_waits_for_what_is_being_written(tenant: Tenant) -> None:
    with counting(tenant, SystemClock()):
        writing = threading.Event()
        accept = tenant.sink.accept

        def slowly(*arguments: Any, **named: Any) -> None:
            writing.set()
            time.sleep(4)
            accept(*arguments, **named)

        tenant.sink.accept = slowly  # type: ignore[method-assign]
        one = made(tenant)
        with running(tenant):
            assert writing.wait(60)
        kept = set(ids(tenant))
        assert kept
        with tenant.state.session(read_only=True) as session:
            for name in ("one", "two"):
                at = session.get(ConnectorEndpointRow, (one.id, name))
                assert at is not None
                assert at.cursor == ({"number": 1} if f"here:{name}:0" in kept else {})


def test_an_end_during_a_cool_down_is_immediate(tenant: Tenant) -> None:
    with counting(tenant, SystemClock()) as kind:

        def throttle(endpoint: str, number: int) -> None:
            raise PollFailure("Wait.", Trouble.THROTTLED, retry_after=60)

        kind.during = throttle
        one = made(tenant)
        with running(tenant):
            until(lambda: {at.trouble for at in tenant.view(one).endpoints} == {"throttled"})
            began = time.monotonic()
        assert time.monotonic() - began < 20


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_that_is_set_back_stops_no_polls(either_tenant: Tenant, days: int) -> None:
    tenant = either_tenant
    with counting(tenant):
        made(tenant)
        tenant.runner.poll_due()
        tenant.clock._start -= timedelta(days=days)
        assert tenant.runner.poll_due() == 0
        assert tenant.advance(minutes=5) == 2
        tenant.clock._start += timedelta(days=days)
        assert tenant.runner.poll_due() == 2
        assert tenant.runner.poll_due() == 0


def test_a_clock_that_is_set_back_shortens_no_cool_down(tenant: Tenant) -> None:
    with counting(tenant) as kind:

        def throttle(endpoint: str, number: int) -> None:
            raise PollFailure("Wait.", Trouble.THROTTLED)

        kind.during = throttle
        made(tenant)
        tenant.runner.poll_due()
        tenant.clock._start -= timedelta(days=2)
        assert tenant.runner.poll_due() == 0
        assert tenant.advance(minutes=9) == 0
        assert tenant.advance(minutes=1) == 2


def test_an_instance_made_while_the_clock_was_wrong_is_polled(tenant: Tenant) -> None:
    with counting(tenant):
        made(tenant)
        tenant.clock._start -= timedelta(days=250)
        assert tenant.runner.poll_due() == 2


def test_what_fails_inside_a_connector_stops_nothing(tenant: Tenant) -> None:
    with counting(tenant) as kind:

        def fail(endpoint: str, number: int) -> None:
            if endpoint == "one":
                raise RuntimeError("a mistake")

        kind.during = fail
        one = made(tenant)
        tenant.runner.poll_due()
        assert tenant.endpoint(one, "one").trouble == "unavailable"
        assert tenant.endpoint(one, "two").trouble is None


def test_a_full_intake_fails_no_poll(tenant: Tenant) -> None:
    with counting(tenant):
        held = tenant.sink.accept
        left = [3]

        def full(*arguments: Any, **named: Any) -> None:
            if left[0]:
                left[0] -= 1
                raise TooManyRequests("Too much is waiting.", retry_after=0.1)
            held(*arguments, **named)

        tenant.sink.accept = full  # type: ignore[method-assign]
        tenant.clock._blocking = False
        one = made(tenant)
        tenant.runner.poll_due()
        assert tenant.view(one).status == "healthy"


def test_the_history_is_bounded_and_newest_first(either_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = either_tenant
    monkeypatch.setattr("vedette.collect.connectors.runner.HISTORY", 7)
    with counting(tenant) as kind:
        kind.pages = 1
        one = made(tenant)
        for _ in range(6):
            tenant.runner.poll_due()
            tenant.clock.advance(timedelta(minutes=5))
        polls = tenant.connectors.history(ADMIN, tenant.workspace, one.id)
        assert len(polls) == 7
        assert [poll.ended_at for poll in polls] == sorted((poll.ended_at for poll in polls), reverse=True)
        assert tenant.endpoint(one, "one").fetched == 6


def test_an_instance_that_was_off_for_a_month_gets_nothing_twice(tenant: Tenant) -> None:
    tenant.plant(30)
    one = tenant.add()
    tenant.runner.poll_due()
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, enabled=False)
    tenant.clock.advance(timedelta(days=30))
    tenant.sink.seen = set()  # the intake knows records for a week
    tenant.plant(5, at=tenant.clock.now(), stem="new")
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, enabled=True)
    tenant.runner.poll_due()
    assert {name: count for name, count in tenant.ids().items() if count > 1} == {}
    assert len([name for name in tenant.ids() if name.startswith("new")]) == 5


def test_links_that_never_work_are_no_endless_work(tenant: Tenant) -> None:
    tenant.plant(350)
    tenant.server.tenant.faults.add(Fault(410, query="*skiptoken*", path="*alerts_v2", service="graph", times=None))
    one = tenant.add()
    tenant.runner.poll_due()
    asked = [request for request in tenant.server.tenant.requests if request.path.endswith("alerts_v2")]
    assert len(asked) < 12
    polls = tenant.connectors.history(ADMIN, tenant.workspace, one.id)
    assert any("begins again" in (poll.message or "") for poll in polls)
    tenant.server.tenant.faults.clear()
    tenant.advance(minutes=5)
    planted = {name: count for name, count in tenant.ids().items() if str(name).startswith("m")}
    assert len(planted) == 350
    assert set(planted.values()) == {1}
