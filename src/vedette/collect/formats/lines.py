"""A line that a syslog sender sent, whichever form it has: the table that it belongs to, and its row."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from vedette.collect.formats import cef, syslog
from vedette.collect.formats.timestamps import Moments


class CutLine(bytes):
    """The start of a line that was longer than the listener takes."""


def cut_line(line: bytes, longest: int) -> CutLine:
    """The first bytes of a line, without the start of a character of UTF-8 whose end is not there."""
    end = min(longest, len(line))
    for place in range(end - 1, max(-1, end - 4), -1):
        code = line[place]
        if code & 0xC0 != 0x80:  # no later byte of a character
            needed = 1 + (code >= 0xC0) + (code >= 0xE0) + (code >= 0xF0)
            return CutLine(line[: place if place + needed > end else end])
    return CutLine(line[:end])


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

    def read_cut(self, line: CutLine, source: str) -> tuple[str, dict[str, Any]]:
        """The same of a line of which only the start is there: its row says so in `ParseProblem`."""
        table, row = self.read(decode(line), source)
        known = row.get("ParseProblem")
        said = f"the line was longer and is cut after {len(line)} bytes"
        row["ParseProblem"] = f"{known}; {said}" if known else said
        return table, row


def decode(line: bytes) -> str:
    """The text of a line: UTF-8, or Latin-1 where it is not, so that no byte is lost."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
