"""What a destination is told of a detection run, and the identity of what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vedette.core.errors import InvalidInput, nearest
from vedette.core.ids import derived_id
from vedette.detect.alerts.alert import Exhaustiveness, Outcome, RuleRun, RunType
from vedette.detect.rule import Eagerness, Operator, Threshold

MAX_LINK: Final = 2000
_VERSION: Final = 1


class DetectionSeverity(StrEnum):
    """Severity of a detection. A severity outside of these is refused when it is read (`severity_from`)."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFORMATIONAL = "INFORMATIONAL"


def severity_from(text: str) -> DetectionSeverity:
    """The severity of that name, in any case; `InvalidInput` for another one, never a guess."""
    try:
        return DetectionSeverity(text.strip().upper())
    except ValueError:
        known = [severity.value for severity in DetectionSeverity]
        near = nearest(text, known)
        raise InvalidInput(
            f"'{text}' is not a severity of a detection.",
            target="severity",
            hint=f"Did you mean {near}?" if near else f"Use one of {', '.join(known)}.",
        ) from None


@dataclass(frozen=True, slots=True)
class DetectionRun:
    """One run of one detection, as destinations see it.

    `match_count` is a lower bound where `exhaustiveness` is PARTIAL. `range_start` is the start of the range that was
    searched and `ran_at` when it was; both are aware. `replay_link` opens the run's query and time range in the console.
    `incident_number` is the number of our own incident, where there is one.
    """

    detection_id: str
    run_id: str
    name: str
    severity: DetectionSeverity
    outcome: Outcome
    match_count: int
    run_type: RunType
    threshold: Threshold
    exhaustiveness: Exhaustiveness
    range_start: datetime
    ran_at: datetime
    replay_link: str
    description: str = ""
    search_id: str | None = None
    trace_id: str | None = None
    errors: tuple[str, ...] = ()
    incident_number: int | None = None

    def __post_init__(self) -> None:
        for name in ("detection_id", "run_id", "name"):
            if not getattr(self, name).strip():
                raise InvalidInput(f"A detection run needs a {name}.", target=name)
        for name in ("range_start", "ran_at"):
            if getattr(self, name).tzinfo is None:
                raise InvalidInput(f"A detection run's {name} has a time zone.", target=name)
        if len(self.replay_link) > MAX_LINK:
            raise InvalidInput(f"A replay link has at most {MAX_LINK} characters.", target="replay_link")

    @property
    def incident_id(self) -> str:
        """The id of the incident at the destination: the UUID of version 5 of `detection_id:run_id`."""
        return incident_id(self.detection_id, self.run_id)

    def to_json(self) -> dict[str, Any]:
        """The run as JSON, as `run_from_json` reads it: what is kept until it is delivered."""
        return {
            "version": _VERSION,
            "detection_id": self.detection_id,
            "run_id": self.run_id,
            "name": self.name,
            "severity": self.severity.value,
            "outcome": self.outcome.value,
            "match_count": self.match_count,
            "run_type": self.run_type.value,
            "threshold": {
                "operator": self.threshold.operator.value,
                "value": self.threshold.value,
                "eagerness": self.threshold.eagerness.value,
            },
            "exhaustiveness": self.exhaustiveness.value,
            "range_start": self.range_start.isoformat(),
            "ran_at": self.ran_at.isoformat(),
            "replay_link": self.replay_link,
            "description": self.description,
            "search_id": self.search_id,
            "trace_id": self.trace_id,
            "errors": list(self.errors),
            "incident_number": self.incident_number,
        }


def run_from_json(document: Mapping[str, Any]) -> DetectionRun:
    """The run that `to_json` wrote. `InvalidInput` where another version of Vedette wrote it."""
    if document.get("version") != _VERSION:
        raise InvalidInput(f"A delivery of version {document.get('version')} cannot be read.")
    threshold = document["threshold"]
    return DetectionRun(
        detection_id=document["detection_id"],
        run_id=document["run_id"],
        name=document["name"],
        severity=DetectionSeverity(document["severity"]),
        outcome=Outcome(document["outcome"]),
        match_count=document["match_count"],
        run_type=RunType(document["run_type"]),
        threshold=Threshold(Operator(threshold["operator"]), threshold["value"], Eagerness(threshold["eagerness"])),
        exhaustiveness=Exhaustiveness(document["exhaustiveness"]),
        range_start=datetime.fromisoformat(document["range_start"]),
        ran_at=datetime.fromisoformat(document["ran_at"]),
        replay_link=document["replay_link"],
        description=document["description"],
        search_id=document["search_id"],
        trace_id=document["trace_id"],
        errors=tuple(document["errors"]),
        incident_number=document["incident_number"],
    )


def incident_id(detection_id: str, run_id: str) -> str:
    """The id of the incident that a run makes, the same for ever, so that a repeated delivery makes no second one."""
    return derived_id(detection_id, run_id)


def from_rule_run(run: RuleRun, replay_link: str, incident_number: int | None = None) -> DetectionRun:
    """A rule's run as destinations see it. Notes of its alerts (a limit that was reached) are told like errors."""
    notes = (note for alert in run.alerts for note in alert.notes)
    said = ([run.error.message] if run.error is not None else []) + list(notes)
    return DetectionRun(
        detection_id=run.rule.id,
        run_id=run.id,
        name=run.rule.name,
        severity=severity_from(run.rule.severity.value),
        outcome=run.outcome,
        match_count=run.rows,
        run_type=run.type,
        threshold=run.rule.trigger,
        exhaustiveness=run.exhaustiveness,
        range_start=run.start,
        ran_at=run.end,
        replay_link=replay_link,
        description=run.rule.description,
        search_id=run.search_id or None,
        trace_id=run.trace_id or None,
        errors=tuple(dict.fromkeys(said)),
        incident_number=incident_number,
    )
