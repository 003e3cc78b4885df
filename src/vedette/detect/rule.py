"""The analytics rule, typed: every field of the public Azure-Sentinel layout and of ARM's alertRules.

A rule is a value: it is read (`layout.py`), kept (`library.py`) and run (`runner.py`), never changed in place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

JsonValue = Any
"""What JSON can say: None, bool, int, float, str, list, dict with str keys."""


class RuleKind(StrEnum):
    """Kinds of analytics rules in SecurityInsights; and hunting queries: the same layout without a schedule."""

    SCHEDULED = "Scheduled"
    NRT = "NRT"
    HUNTING = "Hunting"
    MICROSOFT_SECURITY_INCIDENT_CREATION = "MicrosoftSecurityIncidentCreation"
    THREAT_INTELLIGENCE = "ThreatIntelligence"
    FUSION = "Fusion"
    ML_BEHAVIOR_ANALYTICS = "MLBehaviorAnalytics"
    ANOMALY = "Anomaly"

    @property
    def has_query(self) -> bool:
        """Whether every rule of this kind is a query that this product runs."""
        return self in (RuleKind.SCHEDULED, RuleKind.NRT, RuleKind.HUNTING)

    @property
    def has_made_query(self) -> bool:
        """Whether the product writes the query of such rules (`made_queries.py`)."""
        return self in (
            RuleKind.MICROSOFT_SECURITY_INCIDENT_CREATION,
            RuleKind.THREAT_INTELLIGENCE,
            RuleKind.FUSION,
        )


class Severity(StrEnum):
    """Severity of an alert or incident, the gravest first."""

    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    INFORMATIONAL = "Informational"

    @property
    def rank(self) -> int:
        """0 for Informational to 3 for High: larger is graver."""
        return 3 - list(Severity).index(self)


class Operator(StrEnum):
    """How the match count is compared with the threshold; values are ARM's names, ge and le are ours."""

    GT = "GreaterThan"
    GE = "GreaterThanOrEqual"
    LT = "LessThan"
    LE = "LessThanOrEqual"
    EQ = "Equal"
    NE = "NotEqual"

    @property
    def short(self) -> str:
        """``gt``, ``ge``, … as the YAML layout spells it."""
        return self.name.lower()


class Eagerness(StrEnum):
    """Whether a run reads its whole window or may stop at the row that proves the threshold."""

    EXHAUSTIVE = "Exhaustive"
    EAGER = "Eager"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The trigger: an alert is raised when `count <operator> value` holds for the count of result rows."""

    operator: Operator = Operator.GT
    value: int = 0
    eagerness: Eagerness = Eagerness.EXHAUSTIVE

    def met(self, count: int) -> bool:
        """Whether that many matches trigger."""
        match self.operator:
            case Operator.GT:
                return count > self.value
            case Operator.GE:
                return count >= self.value
            case Operator.LT:
                return count < self.value
            case Operator.LE:
                return count <= self.value
            case Operator.EQ:
                return count == self.value
            case Operator.NE:
                return count != self.value

    @property
    def proof(self) -> int | None:
        """The least count that proves the trigger whatever else matches; None where only the whole count tells."""
        match self.operator:
            case Operator.GT:
                return self.value + 1
            case Operator.GE:
                return self.value
            case _:
                return None

    def __str__(self) -> str:
        return f"{self.operator.short} {self.value}"


@dataclass(frozen=True, slots=True)
class RequiredConnector:
    """A data connector that the rule needs, with the tables it is to fill."""

    connector_id: str
    data_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """One identifier of an entity and the result column it is read from."""

    identifier: str
    column: str


@dataclass(frozen=True, slots=True)
class EntityMapping:
    """One entity to be read from each result row."""

    entity_type: str
    fields: tuple[FieldMapping, ...]


@dataclass(frozen=True, slots=True)
class DynamicProperty:
    """A property of the alert that takes its value from a result column."""

    alert_property: str
    column: str


DYNAMIC_PROPERTIES: Final = (
    "AlertLink",
    "ConfidenceLevel",
    "ConfidenceScore",
    "ExtendedLinks",
    "ProductName",
    "ProviderName",
    "ProductComponentName",
    "RemediationSteps",
    "Techniques",
    "SubTechniques",
)


@dataclass(frozen=True, slots=True)
class AlertDetailsOverride:
    """Alert details taken from the result: formats with ``{{column}}`` placeholders, and names of columns."""

    display_name_format: str | None = None
    description_format: str | None = None
    severity_column: str | None = None
    tactics_column: str | None = None
    dynamic_properties: tuple[DynamicProperty, ...] = ()


class EventGrouping(StrEnum):
    """One alert for all result rows of a run, or one for each."""

    SINGLE_ALERT = "SingleAlert"
    ALERT_PER_RESULT = "AlertPerResult"


class MatchingMethod(StrEnum):
    """What two alerts of a rule must share to come into one incident."""

    ALL_ENTITIES = "AllEntities"
    ANY_ALERT = "AnyAlert"
    SELECTED = "Selected"


@dataclass(frozen=True, slots=True)
class GroupingConfiguration:
    """How alerts of the rule are grouped into incidents."""

    enabled: bool = False
    reopen_closed_incident: bool = False
    lookback: timedelta = timedelta(hours=5)
    matching_method: MatchingMethod = MatchingMethod.ALL_ENTITIES
    group_by_entities: tuple[str, ...] = ()
    group_by_alert_details: tuple[str, ...] = ()
    group_by_custom_details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentConfiguration:
    """Whether and how incidents are made of the rule's alerts."""

    create_incident: bool = True
    grouping: GroupingConfiguration = GroupingConfiguration()


@dataclass(frozen=True, slots=True)
class Suppression:
    """Whether the rule stops running for a while after it has raised an alert."""

    enabled: bool = False
    duration: timedelta = timedelta(hours=5)


@dataclass(frozen=True, slots=True)
class AnalyticsRule:
    """One analytics rule. Lengths of time are timedeltas; unknown fields are kept in `extra` as they were given."""

    id: str
    name: str
    kind: RuleKind = RuleKind.SCHEDULED
    query: str = ""
    description: str = ""
    severity: Severity = Severity.MEDIUM
    enabled: bool = True
    status: str | None = None
    required_data_connectors: tuple[RequiredConnector, ...] = ()
    query_frequency: timedelta | None = None
    query_period: timedelta | None = None
    trigger: Threshold = Threshold()
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    sub_techniques: tuple[str, ...] = ()
    tags: tuple[JsonValue, ...] = ()
    entity_mappings: tuple[EntityMapping, ...] = ()
    sentinel_entities_columns: tuple[str, ...] = ()
    custom_details: Mapping[str, str] = field(default_factory=dict)
    alert_details_override: AlertDetailsOverride = AlertDetailsOverride()
    event_grouping: EventGrouping = EventGrouping.SINGLE_ALERT
    incident: IncidentConfiguration = IncidentConfiguration()
    suppression: Suppression = Suppression()
    version: str | None = None
    template_name: str | None = None
    template_version: str | None = None
    metadata: JsonValue = None
    extra: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def not_runnable(self) -> str | None:
        """Why this rule cannot be run here, or None."""
        if self.unreadable is not None:
            return f"what is kept of it cannot be read: {self.unreadable}"
        if self.unmapped is not None:
            return f"the Sigma rule is no query here: {self.unmapped}"
        if self.kind is RuleKind.FUSION and not self.query:
            return "its 'sourceSettings' leave no source of signals"
        if not self.has_query and not (self.kind.has_made_query and self.query):
            return f"rules of kind {self.kind} have no query: their detections are made by a Microsoft service"
        return None

    @property
    def has_query(self) -> bool:
        """Whether the rule is a query that its author wrote: an anomaly rule may have one, and Microsoft's own have none."""
        return self.kind.has_query or (self.kind is RuleKind.ANOMALY and bool(self.query.strip()))

    @property
    def unreadable(self) -> str | None:
        """Why the rule that is kept cannot be read (`storage.rule_of`); None where it can."""
        reason = self.extra.get("unreadable")
        return reason if isinstance(reason, str) and not self.query else None

    @property
    def unmapped(self) -> str | None:
        """Why a Sigma rule could not be made a query (`reading/sigma`); None for any other rule."""
        sigma = self.extra.get("sigma")
        return (
            str(sigma["unmapped"]) if isinstance(sigma, Mapping) and sigma.get("unmapped") and not self.query else None
        )

    @property
    def scheduled(self) -> bool:
        """Whether the scheduler runs this rule by itself when it is enabled."""
        made = self.kind.has_made_query or self.kind is RuleKind.ANOMALY
        return self.kind in (RuleKind.SCHEDULED, RuleKind.NRT) or (made and bool(self.query.strip()))

    @property
    def frequency(self) -> timedelta:
        """How often the rule runs: an NRT rule every minute; a hunting query, never by itself, counts as daily."""
        if self.kind is RuleKind.NRT:
            return timedelta(minutes=1)
        return self.query_frequency or timedelta(days=1)

    @property
    def period(self) -> timedelta:
        """How far back each run looks."""
        if self.kind is RuleKind.NRT:
            return timedelta(minutes=1)
        return self.query_period or self.frequency

    @property
    def query_hash(self) -> str:
        """SHA-256 of the query's text, in hexadecimal."""
        return hashlib.sha256(self.query.encode()).hexdigest()


def canonical_json(value: JsonValue) -> str:
    """JSON with sorted keys and no spaces: equal values have equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
