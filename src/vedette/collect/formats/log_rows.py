"""Rows that have the columns of a log table already: exports of Log Analytics and of Defender's advanced hunting.

The column `Type` names the table. Where there is none, the table is the only known one that has all the columns, or the one of which
they are nearly all; in advanced hunting `ActionType` tells its tables apart as well.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, columns
from vedette.collect.formats.timestamps import Moments
from vedette.store.catalog import STANDARD, is_known, known_tables, schema

_ACTIONS: Final = {
    "ProcessCreated": "DeviceProcessEvents", "OpenProcess": "DeviceEvents",
    "ConnectionSuccess": "DeviceNetworkEvents", "ConnectionFailed": "DeviceNetworkEvents", "ConnectionFound": "DeviceNetworkEvents",
    "ConnectionRequest": "DeviceNetworkEvents", "ListeningConnectionCreated": "DeviceNetworkEvents",
    "InboundConnectionAccepted": "DeviceNetworkEvents", "ConnectionAttempt": "DeviceNetworkEvents",
    "ConnectionAcknowledged": "DeviceNetworkEvents",
    "FileCreated": "DeviceFileEvents", "FileModified": "DeviceFileEvents", "FileDeleted": "DeviceFileEvents",
    "FileRenamed": "DeviceFileEvents", "RegistryValueSet": "DeviceRegistryEvents", "RegistryValueDeleted": "DeviceRegistryEvents",
    "RegistryKeyCreated": "DeviceRegistryEvents", "RegistryKeyDeleted": "DeviceRegistryEvents",
    "RegistryKeyRenamed": "DeviceRegistryEvents", "LogonSuccess": "DeviceLogonEvents", "LogonFailed": "DeviceLogonEvents",
    "LogonAttempted": "DeviceLogonEvents", "ImageLoaded": "DeviceImageLoadEvents",
}  # fmt: skip
_ENVELOPE: Final = frozenset({"Type", "TableName", "$table", "TenantId"})
_STANDARD: Final = frozenset(field.name for field in STANDARD) | {"Timestamp"}
_LEAST: Final = 4
"""Columns beside the standard ones that a row must have for its table to be told by them."""
_NEARLY_ALL: Final = 0.7


def named_table(record: Mapping[str, Any]) -> str | None:
    """The known table that a row itself names; without a time of its table, only a row that has that table's columns."""
    for name in ("Type", "$table", "TableName"):
        value = record.get(name)
        if isinstance(value, str) and is_known(value):
            if "TimeGenerated" in record or "Timestamp" in record or _has_columns(value, frozenset(record)):
                return value
    return None


@functools.lru_cache(maxsize=1024)
def _has_columns(table: str, names: frozenset[str]) -> bool:
    own = names - _STANDARD - _ENVELOPE
    its = {field.name for field in schema(table) or ()}
    return len(own) > 1 and len(own & its) >= _NEARLY_ALL * len(own)


def candidates(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The known tables whose columns fit a row best; several where they fit equally well."""
    if "TimeGenerated" not in record and "Timestamp" not in record:
        return ()
    action = record.get("ActionType")
    table = _ACTIONS.get(action) if isinstance(action, str) and "DeviceId" in record else None
    if table is not None:
        return (table,)
    return _fitting(frozenset(record))


@functools.lru_cache(maxsize=1024)
def _fitting(names: frozenset[str]) -> tuple[str, ...]:
    own = names - _STANDARD - _ENVELOPE
    if len(own) < _LEAST:
        return ()
    found: list[tuple[int, str]] = []
    for table, its in _all_columns():
        if own <= its:
            found.append((len(its) - len(own), table))
    found.sort()
    if len(found) > 1 and len(own) < _NEARLY_ALL * (len(own) + found[0][0]):
        return tuple(table for _, table in found)
    return tuple(table for beyond, table in found if beyond == found[0][0])


@functools.cache
def _all_columns() -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple(
        (table, frozenset(field.name for field in schema(table) or ()) - _STANDARD)
        for table in known_tables()
        if not table.startswith(("_", "Vedette"))
    )


def read(record: Mapping[str, Any], table: str, moments: Moments) -> Record:
    """The row, in the table's columns; its TimeGenerated is advanced hunting's Timestamp, or the `time` of Application Insights' tables,
    which diagnostic settings write as rows with a resource's id."""
    known = columns(table)
    row = {
        name: known.typed(name, value)
        for name, value in record.items()
        if value not in (None, "") and name not in ("$table", "TableName")
    }
    stamp = row.get("Timestamp")
    if "TimeGenerated" in row:
        return Record(table, row)
    if isinstance(stamp, str) and (at := moments.read(stamp)) is not None:
        row["TimeGenerated"] = at
    elif isinstance(stamp := row.get("time"), str) and (at := moments.read(stamp)) is not None:
        row["TimeGenerated"] = at
        del row["time"]
        if isinstance(resource := row.pop("resourceId", None), str):
            row.setdefault("_ResourceId", resource.lower())
    return Record(table, row)
