"""What a syslog listener may be told."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from vedette.collect.listeners.networks import AllowList


@dataclass(frozen=True, slots=True)
class ListenerLimits:
    """Lines longer than `line` bytes are cut. `first` and `idle`: seconds that a connection may be silent before and after its
    first message. `waiting`: bytes of messages in memory; beyond them TCP is read no more and datagrams are dropped. At the end, what is
    on its way is read for `last` seconds, and what came in is stored within `close` seconds."""

    line: int = 65_536
    connections: int = 1_000
    connections_per_source: int = 100
    first: float = 60.0
    idle: float = 4 * 3600.0
    handshake: float = 15.0
    waiting: int = 8 * 1024**2
    batch: int = 10_000
    linger: float = 0.05
    last: float = 2.0
    close: float = 10.0


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """Where to listen (a port that is None is off, 0 takes a free one), whom to hear, and how to read times without a zone."""

    host: str = "127.0.0.1"
    udp: int | None = None
    tcp: int | None = None
    tls: int | None = None
    tls_context: ssl.SSLContext | None = None
    allow: AllowList = field(default_factory=AllowList)
    zone: tzinfo = UTC
    collector: str = ""
    limits: ListenerLimits = field(default_factory=ListenerLimits)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to listen to."""
        return any(port is not None for port in (self.udp, self.tcp, self.tls))
