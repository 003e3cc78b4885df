"""Words of incidents: statuses, classifications and their reasons, as Microsoft Sentinel has them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """How far an incident is."""

    NEW = "New"
    ACTIVE = "Active"
    CLOSED = "Closed"


class Classification(StrEnum):
    """What a closed incident turned out to be."""

    TRUE_POSITIVE = "TruePositive"
    BENIGN_POSITIVE = "BenignPositive"
    FALSE_POSITIVE = "FalsePositive"
    UNDETERMINED = "Undetermined"


class ClassificationReason(StrEnum):
    """Why it is that."""

    SUSPICIOUS_ACTIVITY = "SuspiciousActivity"
    SUSPICIOUS_BUT_EXPECTED = "SuspiciousButExpected"
    INCORRECT_ALERT_LOGIC = "IncorrectAlertLogic"
    INACCURATE_DATA = "InaccurateData"


REASONS: Final[dict[Classification, tuple[ClassificationReason, ...]]] = {
    Classification.TRUE_POSITIVE: (ClassificationReason.SUSPICIOUS_ACTIVITY,),
    Classification.BENIGN_POSITIVE: (ClassificationReason.SUSPICIOUS_BUT_EXPECTED,),
    Classification.FALSE_POSITIVE: (ClassificationReason.INCORRECT_ALERT_LOGIC, ClassificationReason.INACCURATE_DATA),
    Classification.UNDETERMINED: (),
}
"""Which reasons go with which classification."""


class ActivityKind(StrEnum):
    """What can happen to an incident."""

    CREATED = "created"
    ALERT = "alert"
    CHANGE = "change"
    COMMENT = "comment"
    DELIVERY = "delivery"
    NOTE = "note"
    TASK = "task"
    BOOKMARK = "bookmark"
    MERGE = "merge"
    SPLIT = "split"
    UNDO = "undo"
    ACTION = "action"
    ESCALATION = "escalation"


class TaskStatus(StrEnum):
    """Whether a task is done."""

    NEW = "New"
    COMPLETED = "Completed"
