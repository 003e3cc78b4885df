"""Syslog over UDP, TCP and TLS, on a thread of its own.

Sources: RFC 5426 (UDP), RFC 6587 (TCP), RFC 5425 (TLS).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from vedette.collect.formats.lines import cut_line
from vedette.collect.intake import Takes
from vedette.collect.listeners.framing import Frames
from vedette.collect.listeners.networks import plain_address
from vedette.collect.listeners.options import ListenerOptions
from vedette.collect.listeners.pump import Pump, source_of
from vedette.collect.listeners.statistics import Counts
from vedette.core.clock import Clock
from vedette.core.errors import InvalidInput, Unavailable

log = logging.getLogger(__name__)
_RECEIVE_BUFFER: Final = 8 * 1024**2
_TOLD_EVERY: Final = 10.0  # seconds between two log lines about drops
_QUIET: Final = 0.2
"""Seconds without a byte after which a sender is taken to have said all that it was saying when the end came."""
_DATAGRAM: Final = 65_536
_TURNS: Final = 4
"""Turns of the loop after which a connection that the system has taken is known here."""


class SyslogListeners:
    """The listeners of one intake. `start` returns when they listen; `stop` when what came in is stored."""

    def __init__(self, options: ListenerOptions, intake: Takes, clock: Clock) -> None:
        if options.tls is not None and options.tls_context is None:
            raise InvalidInput("Syslog over TLS needs a certificate.", code="VDT0641", target="syslog_tls")
        self.options = options
        self.counts = Counts()
        self.ports: dict[str, int] = {}
        self._intake = intake
        self._clock = clock
        self._pump = Pump(options, intake, clock, self.counts, self._room)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="syslog listeners", daemon=True)
        self.connections: set[_Stream] = set()
        self._by_source: dict[str, int] = {}
        self._servers: list[asyncio.Server] = []
        self._datagrams: asyncio.DatagramTransport | None = None
        self._udp_socket: socket.socket | None = None
        self._untold = 0
        self._told_at = -_TOLD_EVERY
        self._kernel_before: int | None = None

    def start(self) -> None:
        """Binds the ports, and hears from here on. `Unavailable` says which port cannot be had."""
        sockets: dict[str, socket.socket] = {}
        try:
            for protocol in ("udp", "tcp", "tls"):
                port = getattr(self.options, protocol)
                if port is not None:
                    sockets[protocol] = _bind(self.options.host, port, protocol)
        except Unavailable:
            for one in sockets.values():
                one.close()
            self._loop.close()
            raise
        self.ports = {protocol: one.getsockname()[1] for protocol, one in sockets.items()}
        if self.options.tls_context is not None:
            # Senders of syslog never read. Who closes a connection with tickets of TLS 1.3 unread in it resets it, and what was on
            # its way is gone.
            self.options.tls_context.num_tickets = 0
        self._pump.start()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(sockets), self._loop).result(30)
        for protocol, port in self.ports.items():
            log.info("syslog over %s is heard on %s, port %d", protocol.upper(), self.options.host, port)

    def stop(self) -> None:
        """Hears no more, closes the connections, and stores what came in."""
        if self._loop.is_closed() or not self._thread.is_alive():
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(self.options.limits.close)
        self._pump.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of messages that came in and are not stored yet."""
        return self._pump.waiting_bytes

    # -- on the loop's thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _open(self, sockets: dict[str, socket.socket]) -> None:
        for protocol, bound in sockets.items():
            if protocol == "udp":
                self._udp_socket = bound
                self._datagrams, _ = await self._loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=bound)
                continue
            self._servers.append(
                await self._loop.create_server(partial(_Stream, self, protocol), sock=bound, backlog=256)
            )
        self._ticking = self._loop.create_task(self._tick())

    async def _close(self) -> None:
        self._ticking.cancel()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        if self._datagrams is not None:
            self._last_datagrams()
            self._kernel_drops()
            self._datagrams.close()
        await self._last_lines()
        for connection in list(self.connections):
            connection.end()
        await asyncio.sleep(0)

    def _last_datagrams(self) -> None:
        """Takes the datagrams that have come and wait in the socket."""
        assert self._udp_socket is not None
        deadline = self._loop.time() + self.options.limits.last
        with suppress(OSError):  # BlockingIOError: there are no more
            while self._loop.time() < deadline:
                data, address = self._udp_socket.recvfrom(_DATAGRAM)
                self.datagram(data, plain_address(str(address[0])))

    async def _last_lines(self) -> None:
        """Tells senders that the end has come, and reads what is on its way, for a moment.

        A stream that is closed with bytes unread in it is reset, and its sender has no way to know which of them were lost. One that
        looks, as rsyslog does, stops at once and keeps the rest for later.
        """
        deadline = self._loop.time() + self.options.limits.last
        turns = 0
        while (now := self._loop.time()) < deadline or turns < _TURNS:
            for connection in self.connections:
                connection.say_end()
            if turns >= _TURNS and not any(connection.may_have_more(now, _QUIET) for connection in self.connections):
                return
            turns += 1
            await asyncio.sleep(0.02 if self.connections else 0)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)
            now = self._loop.time()
            for connection in list(self.connections):
                connection.check(now)
            self._kernel_drops()
            self._tell(0)

    def _room(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._resume)

    def _resume(self) -> None:
        for connection in list(self.connections):
            connection.resume()

    def pause_all(self) -> None:
        """Reads no stream until there is room."""
        for connection in self.connections:
            connection.pause()

    def admit(self, connection: _Stream) -> bool:
        """Whether a connection may stay."""
        address, limits = connection.address, self.options.limits
        reason = None
        if not self.options.allow.allows(address):
            reason = "its address is not in the networks that are allowed"
        elif len(self.connections) >= limits.connections:
            reason = f"there are {limits.connections} connections"
        elif self._by_source.get(address, 0) >= limits.connections_per_source:
            reason = f"it has {limits.connections_per_source} connections"
        if reason is not None:
            counts = self.counts.of(connection.protocol, address)
            counts.refused_connections += 1
            if counts.refused_connections & (counts.refused_connections - 1) == 0:  # the 1st, 2nd, 4th, …
                log.warning(
                    "syslog: a connection of %s was refused (%d so far): %s",
                    address,
                    counts.refused_connections,
                    reason,
                )
            return False
        self.connections.add(connection)
        self._by_source[address] = self._by_source.get(address, 0) + 1
        return True

    def forget(self, connection: _Stream) -> None:
        """A connection has ended."""
        if connection in self.connections:
            self.connections.remove(connection)
            left = self._by_source[connection.address] - 1
            if left:
                self._by_source[connection.address] = left
            else:
                del self._by_source[connection.address]

    def lines(self, protocol: str, address: str, lines: list[bytes], size: int) -> None:
        """Messages from a stream."""
        if not self._pump.put(protocol, address, lines, size):
            self.pause_all()

    def datagram(self, data: bytes, address: str) -> None:
        """A message from a datagram; dropped and counted when there is no room."""
        if not self.options.allow.allows(address):
            self.counts.of("udp", address).refused_connections += 1
            return
        line = data.rstrip(b"\r\n\0")
        if not line:
            return
        if self._pump.full:
            counts = self.counts.of("udp", address)
            counts.received += 1
            counts.dropped += 1
            self._intake.count_dropped(1, source_of("udp", address))
            self._tell(1)
            return
        limit = self.options.limits.line
        if len(line) > limit:
            line = cut_line(line, limit)
            self.counts.of("udp", address).cut += 1
        self._pump.put("udp", address, [line], len(line))

    def _tell(self, dropped: int) -> None:
        """Logs drops: the first at once, then sums."""
        self._untold += dropped
        now = self._loop.time()
        if self._untold and now - self._told_at >= _TOLD_EVERY:
            log.warning("syslog: %d datagrams were dropped, the store does not take them fast enough", self._untold)
            self._untold, self._told_at = 0, now

    def _kernel_drops(self) -> None:
        """Counts the datagrams that Linux dropped because its buffer was full (other systems do not say)."""
        if self._udp_socket is None or sys.platform != "linux":
            return
        drops = _linux_drops(self._udp_socket)
        if drops is None:
            return
        before = self._kernel_before or 0
        self._kernel_before = drops
        if drops > before:
            self.counts.kernel_dropped += drops - before
            self._intake.count_dropped(drops - before, "syslog udp")
            self._tell(drops - before)


class _Stream(asyncio.Protocol):
    """One connection of TCP or TLS."""

    def __init__(self, listeners: SyslogListeners, protocol: str) -> None:
        self.protocol = protocol
        self.address = ""
        self._listeners = listeners
        self._frames = Frames(listeners.options.limits.line)
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._heard = False
        self._last = 0.0
        self._cut = 0
        self._told = self._ended = False
        self._handshake: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self.address = plain_address(peer[0]) if peer else ""
        if not self._listeners.admit(self):
            transport.abort()
            return
        self._last = asyncio.get_running_loop().time()
        bound = transport.get_extra_info("socket")
        if bound is not None:
            with suppress(OSError, AttributeError):
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self.protocol == "tls":  # who is not admitted gets no handshake
            self._handshake = asyncio.get_running_loop().create_task(self._encrypt(transport))
        else:
            self._transport = transport

    async def _encrypt(self, transport: asyncio.Transport) -> None:
        options = self._listeners.options
        assert options.tls_context is not None
        try:
            self._transport = await asyncio.get_running_loop().start_tls(
                transport, self, options.tls_context, server_side=True, ssl_handshake_timeout=options.limits.handshake
            )
        except (OSError, asyncio.CancelledError) as error:  # ssl.SSLError is an OSError
            log.warning("syslog: the TLS handshake with %s failed: %s", self.address, error or "it took too long")
            transport.abort()
            self._listeners.forget(self)

    def data_received(self, data: bytes) -> None:
        self._last = asyncio.get_running_loop().time()
        lines = self._frames.feed(data)
        if lines:
            self._heard = True
            self._hand(lines, len(data))

    def connection_lost(self, error: Exception | None) -> None:
        if self not in self._listeners.connections:
            return
        if lines := self._frames.rest(cut=self._ended):
            self._hand(lines, sum(map(len, lines)))
        self._transport = None
        self._listeners.forget(self)

    def _hand(self, lines: list[bytes], size: int) -> None:
        if self._frames.cut != self._cut:
            self._listeners.counts.of(self.protocol, self.address).cut += self._frames.cut - self._cut
            self._cut = self._frames.cut
        self._listeners.lines(self.protocol, self.address, lines, size)

    def pause(self) -> None:
        if self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and self._paused:
            self._paused = False
            self._last = asyncio.get_running_loop().time()
            self._transport.resume_reading()

    def check(self, now: float) -> None:
        """Ends the connection if it has been silent for too long."""
        limits = self._listeners.options.limits
        if not self._paused and now - self._last > (limits.idle if self._heard else limits.first):
            self.end()

    def say_end(self) -> None:
        """Tells the sender that nobody will hear it any more, where the protocol can say that and still be read."""
        if self._transport is None or self._told:
            return
        self._told, self._last = True, asyncio.get_running_loop().time()
        if self._transport.can_write_eof():
            with suppress(OSError):  # it is gone
                self._transport.write_eof()

    def may_have_more(self, now: float, quiet: float) -> bool:
        """Whether bytes may be on their way: some came within the last `quiet` seconds, or nobody has looked, or could."""
        return self._transport is None or self._paused or now - self._last < quiet

    def end(self) -> None:
        """Ends the connection; what the sender has not finished is half of a message."""
        if self._transport is not None:
            self._ended = True
            self._transport.close()
        elif self._handshake is not None:
            self._handshake.cancel()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, listeners: SyslogListeners) -> None:
        self._listeners = listeners

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._listeners.datagram(data, plain_address(str(addr[0])))

    def error_received(self, exc: Exception) -> None:
        log.debug("syslog over UDP: %s", exc)


def _advice(reason: int | None, variable: str) -> str:
    """What to do about a port that cannot be had; `variable` is its setting."""
    if reason == errno.EADDRINUSE:
        return f"Stop the program that has the port, or choose another one with {variable}."
    if reason == errno.EADDRNOTAVAIL:
        return "Name an address of this machine with VEDETTE_SYSLOG_HOST; 0.0.0.0 stands for all of them."
    return f"Ports below 1024 need a right that the server should not have: choose one like 5514 with {variable}, or forward the port."


def _bind(host: str, port: int, protocol: str) -> socket.socket:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM and sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == socket.SOCK_DGRAM:
            with suppress(OSError):
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise Unavailable(
            f"Syslog over {protocol.upper()} cannot listen on {host}, port {port}: {(error.strerror or str(error)).lower()}.",
            code="VDT0642", target=f"syslog_{protocol}",
            hint=_advice(error.errno, f"VEDETTE_SYSLOG_{protocol.upper()}"),
        ) from None  # fmt: skip
    return bound


def _linux_drops(bound: socket.socket) -> int | None:
    """The drops that /proc/net/udp has for a socket."""
    try:
        inode = str(os.fstat(bound.fileno()).st_ino)
        table = "udp6" if bound.family == socket.AF_INET6 else "udp"
        for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
            columns = line.split()
            if columns[9] == inode:
                return int(columns[-1])
    except (OSError, ValueError, IndexError):
        return None
    return None
