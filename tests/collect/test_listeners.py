from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.collect.doubles import MemoryIntake
from vedette.api.application import Application
from vedette.api.listening import syslog_listeners
from vedette.collect.formats.lines import cut_line
from vedette.collect.listeners.networks import AllowList
from vedette.collect.listeners.options import ListenerLimits, ListenerOptions
from vedette.collect.listeners.server import SyslogListeners
from vedette.core.clock import SystemClock
from vedette.core.errors import InvalidInput, Unavailable
from vedette.core.settings import load_settings
from vedette.core.tls import LocalAuthority, client_context

LINE = b"<86>Mar  4 09:05:41 web01 sshd[4321]: Failed password number %d\n"
Start = Callable[..., SyslogListeners]


@pytest.fixture
def intake() -> MemoryIntake:
    return MemoryIntake()


@pytest.fixture
def start(intake: MemoryIntake) -> Iterator[Start]:
    running: list[SyslogListeners] = []

    def begin(limits: ListenerLimits | None = None, **options: Any) -> SyslogListeners:
        made = SyslogListeners(
            replace(ListenerOptions(collector="here", limits=limits or ListenerLimits()), **options),
            intake,
            SystemClock(),
        )
        made.start()
        running.append(made)
        return made

    yield begin
    for one in running:
        one.stop()


def connect(listeners: SyslogListeners, protocol: str = "tcp", address: str = "127.0.0.1") -> socket.socket:
    connection = socket.create_connection((address, listeners.ports[protocol]), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.req("P-034", "P-035", "P-045")
def test_tcp(start: Start, intake: MemoryIntake) -> None:
    listeners = start(tcp=0)
    with connect(listeners) as lines:
        lines.sendall(
            b"".join(LINE % number for number in range(1000)) + b"<13>CEF:0|v|p|1|c|n|5|src=10.0.0.1\n<13>no end"
        )
    with connect(listeners) as counted:
        counted.sendall(b"".join(b"%d %s" % (len(LINE % number), LINE % number) for number in range(1000, 2000)))
    rows = intake.wait("Syslog", 2001)
    assert {row["SyslogMessage"] for row in rows} == {f"Failed password number {number}" for number in range(2000)} | {
        "no end"
    }
    assert intake.wait("CommonSecurityLog", 1)[0]["SourceIP"] == "10.0.0.1"
    counts = listeners.counts.of("tcp", "127.0.0.1")
    until(lambda: counts.stored == counts.received == 2002)


@pytest.mark.req("P-034")
def test_udp(start: Start, intake: MemoryIntake) -> None:
    listeners = start(udp=0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(50):
            sender.sendto(LINE % number, ("127.0.0.1", listeners.ports["udp"]))
    assert len(intake.wait("Syslog", 50)) == 50
    assert intake.tables["Syslog"][0]["HostIP"] == "127.0.0.1"


def test_tls(start: Start, intake: MemoryIntake) -> None:
    authority = LocalAuthority.create()
    listeners = start(tls=0, tls_context=authority.server_context())
    with client_context(authority.pem).wrap_socket(connect(listeners, "tls"), server_hostname="localhost") as sender:
        sender.sendall(b"17 <13>Mar  4 h a: x")
        sender.sendall(LINE % 1)
    intake.wait("Syslog", 1)
    with pytest.raises(ssl.SSLError):
        client_context().wrap_socket(connect(listeners, "tls"), server_hostname="localhost")
    with connect(listeners, "tls") as plain:  # no handshake, no rows
        plain.sendall(LINE % 2)
        assert plain.recv(100)[:1] in (b"", b"\x15")  # an alert
    until(lambda: not listeners.connections)


@pytest.mark.req("P-034")
def test_a_sender_that_never_reads_and_goes_loses_nothing(start: Start, intake: MemoryIntake) -> None:
    """With a ticket of TLS 1.3 unread in it, its connection would be reset, and what was on its way would be gone."""
    authority = LocalAuthority.create()
    listeners = start(tls=0, tls_context=authority.server_context())
    context = client_context(authority.pem)
    for number in range(10):
        with context.wrap_socket(connect(listeners, "tls"), server_hostname="localhost") as sender:
            for block in range(20):
                sender.sendall(b"".join(LINE % (number * 1000 + block * 50 + line) for line in range(50)))
    assert len({row["SyslogMessage"] for row in intake.wait("Syslog", 10_000)}) == 10_000


def test_a_client_certificate_is_asked_for_where_the_context_says_so(start: Start, intake: MemoryIntake) -> None:
    authority = LocalAuthority.create()
    context = authority.server_context()
    context.load_verify_locations(cadata=authority.pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    listeners = start(tls=0, tls_context=context)
    sender = client_context(authority.pem).wrap_socket(connect(listeners, "tls"), server_hostname="localhost")
    with sender:
        try:  # a client of TLS 1.3 learns it when it reads
            sender.sendall(LINE % 1)
            assert sender.recv(1) == b""
        except OSError:
            pass
    until(lambda: not listeners.connections)
    assert not intake.tables


def test_networks_that_are_not_allowed_are_not_heard(start: Start, intake: MemoryIntake) -> None:
    listeners = start(tcp=0, udp=0, allow=AllowList("10.0.0.0/8"))
    with connect(listeners) as refused:
        refused.settimeout(60)
        with pytest.raises(OSError):
            refused.sendall(LINE % 1)
            if refused.recv(1) == b"":
                raise ConnectionResetError
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(LINE % 1, ("127.0.0.1", listeners.ports["udp"]))
    until(lambda: listeners.counts.total("refused_connections") == 2)
    assert not intake.tables


def test_allow_list() -> None:
    allowed = AllowList("10.0.0.0/8, 192.0.2.7, 2001:db8::/32")
    assert [allowed.allows(one) for one in ("10.9.9.9", "192.0.2.7", "::ffff:10.1.1.1", "2001:db8::1")] == [True] * 4
    assert [allowed.allows(one) for one in ("11.0.0.1", "192.0.2.8", "::1", "", "x")] == [False] * 5
    assert AllowList().allows("127.0.0.1")
    assert not AllowList().allows("10.0.0.1")
    with pytest.raises(InvalidInput, match=r"'10\.0\.0\.1/8' is not a network"):
        AllowList("10.0.0.1/8")


def test_connections_have_limits(start: Start, intake: MemoryIntake) -> None:
    listeners = start(ListenerLimits(connections=5, connections_per_source=2), tcp=0)
    first, second = connect(listeners), connect(listeners)
    until(lambda: len(listeners.connections) == 2)
    with connect(listeners) as third:
        third.settimeout(60)
        try:
            assert third.recv(1) == b""
        except ConnectionResetError:
            pass
    assert listeners.counts.total("refused_connections") == 1
    first.sendall(LINE % 1)
    assert len(intake.wait("Syslog", 1)) == 1
    first.close()
    second.close()


@pytest.mark.parametrize(
    "limits", [{"first": 0.5, "idle": 600.0}, {"first": 600.0, "idle": 0.5}], ids=["first", "later"]
)
def test_who_is_silent_for_too_long_is_let_go(start: Start, intake: MemoryIntake, limits: dict[str, float]) -> None:
    listeners = start(ListenerLimits(**limits), tcp=0)  # type: ignore[arg-type]
    with connect(listeners) as sender:
        if limits["first"] > limits["idle"]:
            sender.sendall(LINE % 1)
            assert len(intake.wait("Syslog", 1)) == 1
        assert sender.recv(1) == b""


def test_long_lines_are_cut_and_counted(start: Start, intake: MemoryIntake) -> None:
    listeners = start(ListenerLimits(line=100), tcp=0, udp=0)
    with connect(listeners) as sender:
        sender.sendall(b"<13>" + b"x" * 100_000 + b"\n<13>short\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(b"<13>" + b"y" * 1000, ("127.0.0.1", listeners.ports["udp"]))
    rows = sorted(intake.wait("Syslog", 3), key=lambda row: str(row["SyslogMessage"]))
    assert [row["SyslogMessage"] for row in rows] == ["short", "x" * 96, "y" * 96]
    said = "the line was longer and is cut after 100 bytes"
    assert [row.get("ParseProblem") for row in rows] == [None, said, said]
    assert listeners.counts.total("cut") == 2
    assert listeners.counts.total("problems") == 0  # they were read


def test_a_setting_says_how_long_a_line_may_be(tmp_path: Path) -> None:
    given = load_settings(data_dir=tmp_path / "data", syslog_tcp=0, syslog_line=1024 * 1024)
    with closing(Application(given, purpose="a test")) as application:
        listeners = syslog_listeners(application)
        assert listeners is not None
        assert listeners.options.limits.line == 1024 * 1024


@pytest.mark.parametrize("longest", range(5, 14))
def test_a_cut_leaves_no_half_of_a_character(longest: int) -> None:
    text = "<13>a\u00e9\u20ac\U0001f600z"
    for line in (text.encode(), text.encode()[:longest]):
        made = cut_line(line, longest)
        assert text.startswith(made.decode())
        assert longest - 4 < len(made) <= longest


@pytest.mark.req("P-048")
def test_a_full_store_slows_tcp_down_and_loses_nothing(start: Start, intake: MemoryIntake) -> None:
    listeners = start(ListenerLimits(waiting=50_000, batch=100), tcp=0)
    intake.full.set()
    count = 60_000
    with connect(listeners) as sender:
        sender.settimeout(0.5)
        block, sent = b"".join(LINE % number for number in range(count)), 0
        with pytest.raises(TimeoutError):
            while sent < len(block):
                sent += sender.send(block[sent : sent + 65_536])
        assert listeners.waiting_bytes < 50_000 + 2 * 262_144  # what one reading may bring
        until(lambda: intake.refusals > 0)
        intake.full.clear()
        sender.settimeout(60)
        sender.sendall(block[sent:])
        sender.shutdown(socket.SHUT_WR)
        rows = intake.wait("Syslog", count)
    assert [row["SyslogMessage"][23:] for row in rows] == [str(number) for number in range(count)]
    assert listeners.counts.total("dropped") == 0


def test_a_full_store_drops_datagrams_and_says_so_at_once(
    start: Start, intake: MemoryIntake, caplog: pytest.LogCaptureFixture
) -> None:
    listeners = start(ListenerLimits(waiting=2_000, batch=5), udp=0)
    intake.full.set()
    with caplog.at_level(logging.WARNING), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(200):
            sender.sendto(LINE % number, ("127.0.0.1", listeners.ports["udp"]))
        until(lambda: listeners.counts.total("received") == 200)
        assert "datagrams were dropped" in caplog.text
    intake.full.clear()
    until(lambda: listeners.counts.total("stored") + listeners.counts.total("dropped") == 200)
    dropped = listeners.counts.total("dropped")
    until(lambda: intake.dropped == dropped)
    assert dropped > 100
    assert len(intake.wait("Syslog", 200 - dropped)) == 200 - dropped


def test_what_came_in_is_stored_before_the_end(start: Start, intake: MemoryIntake) -> None:
    listeners = start(ListenerLimits(linger=5.0), tcp=0)
    with connect(listeners) as sender:
        sender.sendall(LINE % 1 + b"<13>unfinished")
        until(lambda: listeners.counts.total("received") == 1)
        listeners.stop()
    rows = intake.tables["Syslog"]
    assert [row["SyslogMessage"] for row in rows] == ["Failed password number 1", "unfinished"]
    assert [row.get("ParseProblem") for row in rows] == [None, "the line was longer and is cut after 14 bytes"]
    assert listeners.counts.total("cut") == 1


def test_a_connection_that_comes_just_before_the_end_is_heard(start: Start, intake: MemoryIntake) -> None:
    """The system has taken it and what it says, and the listener does not know of it yet."""
    listeners = start(tcp=0)
    busy = threading.Event()
    listeners._loop.call_soon_threadsafe(busy.wait)
    with connect(listeners) as sender:
        sender.sendall(b"".join(LINE % number for number in range(500)))
        ending = threading.Thread(target=listeners.stop)
        ending.start()
        while not listeners._loop._ready:  # type: ignore[attr-defined]  # the end waits for its turn, and no look at sockets comes before
            time.sleep(0.01)
        busy.set()
        sender.settimeout(60)
        assert sender.recv(1) == b""
        ending.join(60)
    assert len(intake.tables["Syslog"]) == 500


@pytest.mark.parametrize("over", ["tcp", "tls"])
def test_what_the_system_has_taken_from_a_sender_is_read_before_the_end(
    start: Start, intake: MemoryIntake, over: str
) -> None:
    authority = LocalAuthority.create()
    listeners = start(
        ListenerLimits(waiting=20_000, last=60, close=90), **{over: 0}, tls_context=authority.server_context()
    )
    intake.full.set()
    count = 12_000
    with connect(listeners, over) as plain:
        sender = (
            client_context(authority.pem).wrap_socket(plain, server_hostname="localhost") if over == "tls" else plain
        )
        sender.sendall(b"".join(LINE % number for number in range(count)))
        assert listeners.counts.total("received") < count
        ending = threading.Thread(target=listeners.stop)
        ending.start()
        intake.full.clear()
        if over == "tcp":  # told the end while it can still be heard
            sender.settimeout(60)
            assert sender.recv(1) == b""
        ending.join(120)
        sender.close()
    heard = [row["SyslogMessage"] for row in intake.tables["Syslog"]]
    assert heard == [f"Failed password number {number}" for number in range(count)]


def test_datagrams_that_have_come_are_read_before_the_end(start: Start, intake: MemoryIntake) -> None:
    listeners = start(udp=0)
    busy = threading.Event()
    listeners._loop.call_soon_threadsafe(busy.wait)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(500):
            sender.sendto(LINE % number, ("127.0.0.1", listeners.ports["udp"]))
    ending = threading.Thread(target=listeners.stop)
    ending.start()
    busy.set()
    ending.join(60)
    assert len(intake.tables["Syslog"]) == 500 == listeners.counts.total("received")


def test_a_port_that_is_taken(start: Start) -> None:
    listeners = start(tcp=0)
    match = f"Syslog over TCP cannot listen on 127.0.0.1, port {listeners.ports['tcp']}"
    with pytest.raises(Unavailable, match=match) as refused:
        start(udp=0, tcp=listeners.ports["tcp"])
    assert "another one with VEDETTE_SYSLOG_TCP" in str(refused.value.hint)
