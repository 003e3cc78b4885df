"""A syslog message in either form (RFC 3164, RFC 5424) as a row of the table Syslog.

Sources: the Syslog table of Log Analytics; a missing or invalid priority is user.notice (13).
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from vedette.collect.formats import rfc3164, rfc5424
from vedette.collect.formats.rfc5424 import StructuredData
from vedette.collect.formats.timestamps import Moments

TABLE: Final = "Syslog"
FACILITIES: Final = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert",
    "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
SEVERITIES: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
DEFAULT_PRIORITY: Final = 13

_PRIORITY: Final = re.compile(r"<(\d{1,3})>")
# RFC 5424 has version 1; another one is taken for the same before a time of its form.
_VERSION: Final = re.compile(r"1 |[1-9]\d{0,2} (?=\d{4}-\d\d-\d\dT\d\d:)", re.ASCII)
# The same where the priority is left out, as ATA's lines are.
_BARE_VERSION: Final = re.compile(r"1 (?=\d{4}-\d\d-\d\dT\d\d:)", re.ASCII)
# Cisco Meraki: the version of RFC 5424, seconds since 1970, the device, and a message of its own form.
_MERAKI: Final = re.compile(r"1 (\d{9,10})(\.\d{1,9})? ([\w.:-]{1,255}) ", re.ASCII)
# Kiwi Syslog Server writes where a message that it forwards is from. Once: what says so many times would be read as deep as it is long.
_ORIGINAL: Final = re.compile(r"Original Address=([0-9A-Fa-f:.]{2,45}) (?!Original Address=)")
_INT: Final = 2**31


class Message(NamedTuple):
    """A syslog message; None is what it does not say. `problem` is why it could not be read as what it claims to be."""

    priority: int
    time: str | None
    host: str | None
    app: str | None
    pid: str | None
    text: str
    message_id: str | None = None
    data: StructuredData | None = None
    problem: str | None = None


def parse(line: str, moments: Moments) -> Message:
    """Reads a line without its framing; never fails: a line without a form is the text of a user.notice message."""
    problem = None
    found = _PRIORITY.match(line)
    if found is None:
        priority, rest, tagged = DEFAULT_PRIORITY, line, False
    else:
        priority, rest, tagged = int(found[1]), line[found.end() :], True
        if priority > 191:
            priority, problem = DEFAULT_PRIORITY, f"{priority} is not a priority"
    if (original := _ORIGINAL.match(rest)) is not None:
        message = parse(line[: found.end() if found else 0] + rest[original.end() :], moments)
        return message._replace(host=message.host or original[1], problem=problem or message.problem)
    if (version := (_BARE_VERSION if found is None else _VERSION).match(rest)) is not None:
        rest = f"1 {rest[version.end() :]}"
        if (meraki := _MERAKI.match(rest)) is not None:
            seconds, fraction, host = meraki.groups()
            if (time := moments.seconds(seconds, fraction)) is not None:
                return Message(priority, time, host, None, None, rest[2:], problem=problem)
        header = rfc5424.parse(rest, moments)
        if isinstance(header, str) or (header.time is None and header.problem is not None):
            # Senders, those of CEF above all, write the version and go on as in RFC 3164.
            bsd = rfc3164.parse(rest[2:], moments)
            if bsd.time is not None:
                return Message(priority, bsd.time, bsd.host, bsd.tag, bsd.pid, bsd.message, problem=problem)
        if isinstance(header, str):
            return Message(priority, None, None, None, None, line, problem=header)
        text = header.message if header.problem is None else line
        problem = header.problem or problem
        return Message(priority, *header[:4], text, header.message_id, header.data, problem)
    bsd = rfc3164.parse(rest, moments, tagged=tagged)
    return Message(priority, bsd.time, bsd.host, bsd.tag, bsd.pid, bsd.message, problem=problem)


def row(message: Message, moments: Moments, source: str, collector: str) -> dict[str, Any]:
    """The row of the table Syslog; `source` is the sender's address, `collector` the name of this machine.

    What the table has no column for (message id, structured data, the reason why a line could not be read) are fields of their
    own, which the store keeps with the row.
    """
    time, host, pid = message.time, message.host, message.pid
    made: dict[str, Any] = {
        "TimeGenerated": moments.generated(time),
        "EventTime": time or moments.now_text,
        "Facility": FACILITIES[message.priority >> 3],
        "SeverityLevel": SEVERITIES[message.priority & 7],
        "HostName": host or source,
        "Computer": host or source,
        "HostIP": source,
        "CollectorHostName": collector,
        "SyslogMessage": message.text,
        "SourceSystem": "Linux",
    }
    if message.app is not None:
        made["ProcessName"] = message.app
    if pid is not None and len(pid) <= 10 and pid.isdigit() and pid.isascii() and int(pid) < _INT:
        made["ProcessID"] = int(pid)
    if message.message_id is not None:
        made["MessageId"] = message.message_id
    if message.data is not None:
        made["StructuredData"] = message.data
    if message.problem is not None:
        made["ParseProblem"] = message.problem
    return made
