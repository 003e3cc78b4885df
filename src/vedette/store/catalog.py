"""The schemas of the known tables of Log Analytics, Microsoft Sentinel and Defender XDR, shipped as data."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vedette.kql.types import Type

DATA_FILE: Final = Path(__file__).with_name("data") / "schemas.gz"

TYPE_CODES: Final[dict[str, Type]] = {
    "s": Type.STRING,
    "b": Type.BOOL,
    "i": Type.INT,
    "l": Type.LONG,
    "r": Type.REAL,
    "m": Type.DECIMAL,
    "t": Type.DATETIME,
    "n": Type.TIMESPAN,
    "g": Type.GUID,
    "d": Type.DYNAMIC,
}
"""The one-letter codes of the data file (`tools/build_schemas.py` writes it)."""

DEAD_LETTER: Final = "VedetteDeadLetter_CL"
"""The table that keeps the lines which could not be loaded."""
SPLUNK_EVENTS: Final = "SplunkEvents_CL"
"""The table of events of Splunk's HTTP Event Collector that name no table."""
MESSAGE_TRACE: Final = "ExchangeMessageTrace_CL"
"""The table of message traces of Exchange Online."""
MESSAGE_TRACE_EVENTS: Final = "ExchangeMessageTraceEvents_CL"
"""The table of the events that extended reports of message traces have."""


INGESTION: Final = "VedetteIngestion_CL"
"""The table of how rows flow: every five minutes a row for each source, and one (`*`) for all."""
INTERNAL: Final = frozenset((DEAD_LETTER, INGESTION))
"""Tables that speak of loading and of intake, not of what happened: `search` and `union *` leave them out unless they are named."""
_OWN: Final = frozenset(name.casefold() for name in (DEAD_LETTER, INGESTION, "SentinelAudit", "SentinelHealth"))


def is_own(table: str) -> bool:
    """Whether a table has what Vedette says of itself: who sends logs must not be able to write its records of rules and intake."""
    return table.casefold() in _OWN


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table: its name, which is case-sensitive, and its KQL type."""

    name: str
    type: Type


STANDARD: Final[tuple[Field, ...]] = (
    Field("TenantId", Type.STRING),
    Field("TimeGenerated", Type.DATETIME),
    Field("Type", Type.STRING),
    Field("SourceSystem", Type.STRING),
    Field("MG", Type.STRING),
    Field("ManagementGroupName", Type.STRING),
    Field("Computer", Type.STRING),
    Field("RawData", Type.STRING),
    Field("_ResourceId", Type.STRING),
    Field("_SubscriptionId", Type.STRING),
    Field("_ItemId", Type.STRING),
    Field("_TimeReceived", Type.DATETIME),
    Field("_BilledSize", Type.REAL),
    Field("_IsBillable", Type.STRING),
)
"""Columns that every table has: those that a table does not declare itself follow its own, in this order."""

OWN: Final[dict[str, tuple[Field, ...]]] = {
    DEAD_LETTER: (
        Field("TimeGenerated", Type.DATETIME),
        Field("TableName", Type.STRING),
        Field("Source", Type.STRING),
        Field("Line", Type.LONG),
        Field("Offset", Type.LONG),
        Field("Reason", Type.STRING),
        Field("Raw", Type.STRING),
    ),
    SPLUNK_EVENTS: (
        Field("TimeGenerated", Type.DATETIME),
        Field("Host", Type.STRING),
        Field("Source", Type.STRING),
        Field("SourceType", Type.STRING),
        Field("Index", Type.STRING),
        Field("Event", Type.DYNAMIC),
        Field("Fields", Type.DYNAMIC),
    ),
    MESSAGE_TRACE: (
        Field("TimeGenerated", Type.DATETIME),
        Field("MessageTraceId", Type.STRING),
        Field("MessageId", Type.STRING),
        Field("NetworkMessageId", Type.STRING),
        Field("SenderAddress", Type.STRING),
        Field("RecipientAddress", Type.STRING),
        Field("RecipientStatus", Type.STRING),
        Field("Subject", Type.STRING),
        Field("Status", Type.STRING),
        Field("FromIP", Type.STRING),
        Field("ToIP", Type.STRING),
        Field("OriginalClientIP", Type.STRING),
        Field("Size", Type.LONG),
        Field("Directionality", Type.STRING),
        Field("ConnectorId", Type.STRING),
        Field("DeliveryPriority", Type.STRING),
        Field("Organization", Type.STRING),
    ),
    MESSAGE_TRACE_EVENTS: (
        Field("TimeGenerated", Type.DATETIME),
        Field("Source", Type.STRING),
        Field("EventId", Type.STRING),
        Field("MessageId", Type.STRING),
        Field("NetworkMessageId", Type.STRING),
        Field("InternalMessageId", Type.STRING),
        Field("SenderAddress", Type.STRING),
        Field("RecipientAddress", Type.STRING),
        Field("RecipientStatus", Type.STRING),
        Field("RecipientCount", Type.LONG),
        Field("RelatedRecipientAddress", Type.STRING),
        Field("Reference", Type.STRING),
        Field("Subject", Type.STRING),
        Field("ReturnPath", Type.STRING),
        Field("MessageInfo", Type.STRING),
        Field("Size", Type.LONG),
        Field("Directionality", Type.STRING),
        Field("ConnectorId", Type.STRING),
        Field("SourceContext", Type.STRING),
        Field("ClientIP", Type.STRING),
        Field("ClientHostname", Type.STRING),
        Field("ServerIP", Type.STRING),
        Field("ServerHostname", Type.STRING),
        Field("OriginalClientIP", Type.STRING),
        Field("OriginalServerIP", Type.STRING),
        Field("CustomData", Type.STRING),
    ),
    INGESTION: (
        Field("TimeGenerated", Type.DATETIME),
        Field("Source", Type.STRING),
        Field("Received", Type.LONG),
        Field("Stored", Type.LONG),
        Field("Repeated", Type.LONG),
        Field("Unreadable", Type.LONG),
        Field("Dropped", Type.LONG),
        Field("Refused", Type.LONG),
        Field("Bytes", Type.LONG),
        Field("LagP50", Type.REAL),
        Field("LagP95", Type.REAL),
        Field("QueueRows", Type.LONG),
        Field("QueueBytes", Type.LONG),
        Field("QueueSeconds", Type.REAL),
        Field("State", Type.STRING),
        Field("Detail", Type.STRING),
    ),
}
"""Tables whose columns are this product's own, beside those of Microsoft's schemas."""


def complete(own: Iterable[Field]) -> tuple[Field, ...]:
    """A table's own columns, followed by the standard columns that it does not declare itself."""
    fields = tuple(own)
    names = {field.name for field in fields}
    return fields + tuple(field for field in STANDARD if field.name not in names)


@functools.cache
def schema(table: str) -> tuple[Field, ...] | None:
    """The columns of a known table in their order, standard columns included; None for a table that is not known.

    Table names are case-sensitive, as they are in KQL.
    """
    if table in OWN:
        return complete(OWN[table])
    line = _lines().get(table)
    if line is None:
        return None
    return complete(Field(column[1:], TYPE_CODES[column[0]]) for column in line.split("\t")[1:])


def is_known(table: str) -> bool:
    """Whether the table's schema ships with the product. Such a schema never changes by loading."""
    return table in OWN or table in _lines()


def may_be_table(name: str) -> bool:
    """Whether rows make a table of this name wherever they come from: a known one, or a custom one, whose name ends in _CL."""
    return name.endswith("_CL") or is_known(name)


def spelled(table: str) -> str | None:
    """A known table's name as it is spelled, found without regard to case; None if there is none."""
    return _folded().get(table.casefold())


@functools.cache
def _folded() -> dict[str, str]:
    return {name.casefold(): name for name in reversed(known_tables())}


def known_tables() -> list[str]:
    """The names of all known tables, sorted."""
    return sorted([*_lines(), *OWN])


@functools.cache
def _lines() -> dict[str, str]:
    # Only the lines are held apart here; a table's columns are made when they are asked for: 69,000 objects would take a tenth of
    # a second and 20 MB that most commands never need.
    text = gzip.decompress(DATA_FILE.read_bytes()).decode()
    return {line[: line.index("\t")]: line for line in text.split("\n")}
