"""A line that a syslog sender sent, whichever form it has: the table that it belongs to, and its row."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from vedette.collect.formats import cef, syslog
from vedette.collect.formats.timestamps import Moments


class LineReader:
    """Reads lines into rows of Syslog and CommonSecurityLog. Not safe for threads.

    `collector` is the name of this machine, `zone` that of times without one.
    """

    def __init__(self, now: datetime, collector: str, zone: tzinfo = UTC) -> None:
        self.moments = Moments(now, zone)
        self.collector = collector

    def read(self, line: str, source: str) -> tuple[str, dict[str, Any]]:
        """The table and the row of a line from a sender's address.

        Never fails: a line that claims to be CEF or RFC 5424 and cannot be read as it is a row of Syslog that has the line whole
        and the reason in `ParseProblem`.
        """
        moments = self.moments
        start = cef.find(line)
        if start < 0:
            return syslog.TABLE, syslog.row(syslog.parse(line, moments), moments, source, self.collector)
        event = cef.parse(line, start)
        if isinstance(event, str):
            message = syslog.parse(line, moments)._replace(text=line, problem=event)
            return syslog.TABLE, syslog.row(message, moments, source, self.collector)
        time = host = None
        if start:
            header = syslog.parse(line[:start], moments)
            time, host = header.time, header.host
        return cef.TABLE, cef.row(event, time, host, moments, source, self.collector)


def decode(line: bytes) -> str:
    """The text of a line: UTF-8, or Latin-1 where it is not, so that no byte is lost."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
