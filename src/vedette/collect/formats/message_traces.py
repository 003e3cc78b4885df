"""Message traces of Exchange Online: `Get-MessageTrace` and `Get-MessageTraceV2` as CSV or JSON, Microsoft Graph's, and the reports that
the Exchange admin center gives as CSV.

No table of Log Analytics is the same. EmailEvents has a row for a message and a recipient, too, but tells direction, delivery and threats
in words of its own, which a trace's status does not say; what rules ask of it (`EmailDirection`, `DeliveryAction`) would be a guess.
So traces have tables of their own: a row for a message and a recipient (of enhanced summaries, for a message with all its recipients), and
one for each event of extended reports. Times are in UTC. Sources: the cmdlets' documentation, exchangeMessageTrace of Microsoft Graph,
"Message trace in the Exchange admin center".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.shapes import moment, number
from vedette.collect.formats.timestamps import Moments
from vedette.store.catalog import MESSAGE_TRACE, MESSAGE_TRACE_EVENTS

_LETTERS: Final = re.compile(r"[\W_]+")
_TIMES: Final = ("received", "receiveddatetime", "origintimestamputc", "origintimestamp")
_EVENT_TIMES: Final = ("datetimeutc", "datetime")
_RENAMED: Final = {
    "id": "MessageTraceId", "messagesubject": "Subject", "totalbytes": "Size", "originalclientip": "OriginalClientIP",
    "originalserverip": "OriginalServerIP", "fromip": "FromIP", "toip": "ToIP", "clientip": "ClientIP", "serverip": "ServerIP",
}  # fmt: skip
_NUMBERS: Final = frozenset({"Size", "RecipientCount"})
_LOOSE: Final = frozenset({"tenantid"})
"""What Log Analytics has a column of another meaning for."""


def is_trace(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of a message trace: a message to a recipient, or an event of one."""
    names = {_folded(name) for name in record}
    if "senderaddress" not in names:
        return False
    if "recipientaddress" in names and names & {"received", "receiveddatetime"}:
        return bool(names & {"messagetraceid", "messageid"})
    if "recipientstatus" not in names or "messageid" not in names:
        return False
    return not names.isdisjoint(_TIMES[2:]) or ("datetimeutc" in names and "eventid" in names)


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of a trace's record, in the table of messages or in that of events."""
    named = {_folded(name): (name, value) for name, value in record.items() if value not in (None, "")}
    events = "eventid" in {_folded(name) for name in record}
    times = _EVENT_TIMES if events else _TIMES
    told = next((name for name in times if name in named), None)
    at = None if told is None else moment(named[told][1], moments)
    if at is None:
        return Unreadable(text(record), "the message trace has no time that can be read")
    table = columns(MESSAGE_TRACE_EVENTS if events else MESSAGE_TRACE)
    row: dict[str, Any] = {"TimeGenerated": at, "SourceSystem": "Exchange"}
    for folded, (name, value) in named.items():
        if folded == told or "@odata" in name:
            continue
        column = _RENAMED.get(folded) or (None if folded in _LOOSE else table.named(folded)) or name
        row[column] = table.typed(column, number(value) if column in _NUMBERS else value)
    return Record(table.table, row)


def _folded(name: str) -> str:
    return _LETTERS.sub("", name).casefold()
