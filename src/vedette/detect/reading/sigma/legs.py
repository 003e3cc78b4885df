"""A table in which the events of a Sigma log source may lie, and what its fields are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventData(StrEnum):
    """How a table holds those values of an event that have no column of their own."""

    NONE = ""
    XML = "xml"
    """`<Data Name="...">` elements in a text."""
    BAG = "bag"
    """Properties of the dynamic column EventData."""
    AUDIT = "audit"
    """``name=value`` pairs of a Linux audit record."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One table of a log source. `fields`: Sigma's name, folded → a column or a KQL expression of type string. A name that is
    not folded stands for fields that are spelled so alone."""

    table: str
    where: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    data: EventData = EventData.NONE
    data_column: str = "EventData"
    columns: bool = True
    """Whether a field may be the column of its name."""
    entities: Mapping[str, str] = field(default_factory=dict)
    """``Host.FullName`` → column or expression."""
    blind: Mapping[str, str] = field(default_factory=dict)
    """Sigma's name, folded → what of that field this table never holds."""
