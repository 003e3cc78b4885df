"""The alert: what a run of a rule has found, ready to be kept, grouped and delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from vedette.detect.entities.entity import Entity
from vedette.detect.rule import AnalyticsRule, JsonValue, Severity


class Outcome(StrEnum):
    """How a run ended."""

    MATCHED = "MATCHED"
    NOT_MATCHED = "NOT_MATCHED"
    ERROR = "ERROR"


class RunType(StrEnum):
    """Whether the scheduler ran the rule, or somebody did by hand."""

    SCHEDULED = "SCHEDULED"
    MANUAL = "MANUAL"


class Exhaustiveness(StrEnum):
    """Whether the run read its whole window, or stopped when the threshold was proved or a limit was reached."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `start` and `end` are KQL datetimes as text, with all seven digits of the log."""

    id: str
    rule_id: str
    rule: str
    title: str
    description: str
    severity: Severity
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    start: str
    end: str
    generated: datetime
    """When the run was: the end of its window."""
    rows: int
    """Result rows behind this alert."""
    entities: tuple[Entity, ...]
    sample: tuple[Mapping[str, JsonValue], ...]
    """The first rows by time, as found; bounded."""
    rows_hash: str
    """SHA-256 over all rows, in their canonical order: whether what is found now is what was found then."""
    custom_details: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    """Properties that the rule's result sets (AlertLink, ProductName, …)."""
    sub_techniques: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """Names and KQL types of the result's columns, in their order."""
    notes: tuple[str, ...] = ()
    """What the reader must know: a limit that was reached, a column that was not there."""
    campaign: Mapping[str, JsonValue] | None = None
    """Of an alert of a Fusion rule: the story of its campaign (`correlation/story.py`)."""

    def to_line(self) -> dict[str, Any]:
        """The alert as programs see it; one JSON line of ``vedette rules run``."""
        line: dict[str, Any] = {
            "rule_id": self.rule_id,
            "rule": self.rule,
            "severity": self.severity.value,
            "start": self.start,
            "end": self.end,
            "rows": self.rows,
            "entities": [entity.to_dict() for entity in self.entities],
            "sample": [dict(row) for row in self.sample],
        }
        if self.custom_details:
            line["custom_details"] = {name: list(values) for name, values in self.custom_details.items()}
        if self.title != self.rule:
            line["title"] = self.title
        if self.campaign is not None:
            line["campaign"] = dict(self.campaign)
        if self.notes:
            line["notes"] = list(self.notes)
        return line


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed; `line` and `column` are 1-based places in the query's text."""

    code: str
    message: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class RuleRun:
    """One run of a rule over one window: ``[start, end)``, with `end` as the query's now()."""

    id: str
    rule: AnalyticsRule
    type: RunType
    start: datetime
    end: datetime
    outcome: Outcome
    rows: int = 0
    alerts: tuple[Alert, ...] = ()
    exhaustiveness: Exhaustiveness = Exhaustiveness.COMPLETE
    error: RunError | None = None
    duration: float = 0.0
    """Seconds that the query took."""
    search_id: str = ""
    trace_id: str = ""
    query_hash: str = ""
    hidden: Mapping[str, int] = field(default_factory=dict)
    """Of each exception that hid result rows: how many. `rows` are without them."""
    read_to: int | None = None
    """The position of the log store that the run has seen, where the log store tells one."""
    spared: bool = False
    """Whether the query was not run, because a look that several rules shared told that its result is empty."""
    bins: tuple[int, int] | None = None
    """Bins of time whose partial results an earlier run has kept, and bins whose were made; None where none are kept."""
