"""W3C's extended log file format as IIS and Windows Firewall write it, as rows of W3CIISLog and WindowsFirewall.

A line `#Fields:` names the fields of the lines after it; IIS writes it again when it starts, with other fields if they were changed. A
field is `-` where there is no value: in columns of text it stays, as in Log Analytics, where rules ask for it; numbers are absent.
Fields without a column (`X-Forwarded-For` and others that an administrator adds) stay with the row under names of the same kind.

Sources: W3C's "Extended Log File Format", IIS' and Windows Firewall's documentation of their fields, the two tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Columns, Record, Unreadable, columns
from vedette.collect.formats.timestamps import Moments
from vedette.kql.types import Type

IIS: Final = "W3CIISLog"
FIREWALL: Final = "WindowsFirewall"
_FIELDS: Final = "#Fields:"
_TABLES: Final = (
    (IIS, frozenset({"date", "time", "cs-method", "cs-uri-stem", "c-ip"})),
    (FIREWALL, frozenset({"date", "time", "action", "protocol", "src-ip", "dst-ip"})),
)
"""The fields by which a table is told."""
_RENAMED: Final = {
    IIS: {"s-computername": "Computer"},
    FIREWALL: {
        "action": "FirewallAction", "src-ip": "SourceIP", "dst-ip": "DestinationIP", "src-port": "SourcePort",
        "dst-port": "DestinationPort", "size": "RequestSizeInBytes", "path": "CommunicationDirection",
    },
}  # fmt: skip
_LETTERS: Final = re.compile(r"[^A-Za-z0-9]+([A-Za-z0-9]?)")
_NUMBER: Final = re.compile(r"-?\d{1,18}", re.ASCII)


def is_heading(line: str) -> bool:
    """Whether a line names fields by which a table is told."""
    return _table(_named(line)) is not None


class W3cReader:
    """Reads the lines of one file in their order."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._names: list[str] = []
        self._columns: list[str] = []
        self._table: Columns | None = None

    def read(self, line: str) -> Record | Unreadable | None:
        """The row of a line, the line with the reason why it is none, or None for a line that is no record."""
        if line.startswith("#"):
            if line.startswith(_FIELDS):
                self._begin(_named(line))
            return None
        if self._table is None:
            return Unreadable(line, "no #Fields before the line names fields of IIS or of Windows Firewall")
        values = line.split(" ")
        if len(values) != len(self._names):
            return Unreadable(line, f"the line has {len(values)} fields, and #Fields names {len(self._names)}")
        said = dict(zip(self._names, values))
        at = self._moments.read(f"{said['date']} {said['time']}")
        if at is None:
            return Unreadable(line, "the line has no date and time that can be read")
        row: dict[str, Any] = {"TimeGenerated": at}
        for column, value in zip(self._columns, values):
            kind = self._table.types.get(column, Type.STRING)
            if kind is Type.STRING:
                row[column] = value
            elif _NUMBER.fullmatch(value) is not None:
                row[column] = int(value)
        del row["Date"], row["Time"]
        if self._table.table == FIREWALL:
            row = _of_firewall(row)
        return Record(self._table.table, row)

    def _begin(self, names: list[str]) -> None:
        table = _table(names)
        self._table, self._names = (None, []) if table is None else (columns(table), names)
        if table is not None:
            self._columns = [_column(columns(table), name) for name in names]


def _of_firewall(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the firewall leaves out is left out: no rule asks for its signs. The remote side is the one that the direction says."""
    made = {name: value for name, value in row.items() if value != "-"}
    side = {"SEND": "DestinationIP", "RECEIVE": "SourceIP"}.get(made.get("CommunicationDirection", ""))
    if side is not None and side in made:
        made["RemoteIP"] = made[side]
    return made


def _named(line: str) -> list[str]:
    return line.removeprefix(_FIELDS).split() if line.startswith(_FIELDS) else []


def _table(names: list[str]) -> str | None:
    held = set(names)
    return next((table for table, needed in _TABLES if needed <= held and len(held) == len(names)), None)


def _column(known: Columns, name: str) -> str:
    """`cs(User-Agent)` is csUserAgent; a field that the table has no column for begins with a capital."""
    renamed = _RENAMED[known.table].get(name)
    joined = _LETTERS.sub(lambda found: found[1].upper(), name)
    return renamed or known.named(joined) or joined[:1].upper() + joined[1:]
