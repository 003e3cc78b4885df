"""What came in, from whom, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

OTHERS: Final = "others"
_SOURCES: Final = 10_000  # addresses are chosen by senders


@dataclass(slots=True)
class SourceCounts:
    """Counts of one sender since the start. Messages: `received` = `stored` + `dropped` + what is on its way."""

    received: int = 0
    stored: int = 0
    dropped: int = 0
    cut: int = 0
    problems: int = 0
    bytes: int = 0
    refused_connections: int = 0
    last: datetime | None = None


@dataclass(slots=True)
class Counts:
    """Counts by sender's address and protocol (`udp`, `tcp`, `tls`).

    `kernel_dropped` are datagrams that the operating system let go before they could be read; it does not say whose.
    """

    sources: dict[tuple[str, str], SourceCounts] = field(default_factory=dict)
    kernel_dropped: int = 0

    def of(self, protocol: str, address: str) -> SourceCounts:
        """The counts of a sender, or of `others` once there are too many to keep apart."""
        key = (protocol, address)
        counts = self.sources.get(key)
        if counts is None:
            if len(self.sources) >= _SOURCES:
                key = (protocol, OTHERS)
            counts = self.sources.setdefault(key, SourceCounts())
        return counts

    def total(self, name: str) -> int:
        """The sum of one count over all senders."""
        return sum(getattr(counts, name) for counts in list(self.sources.values()))
