"""When a secret has to be rotated, and how urgent that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WARN_DAYS: Final = (30, 14, 3)
"""Days before the end on which the reminder gets more urgent."""


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """What may be known of a field's secret. The value itself is never shown."""

    changed_at: datetime
    expires_at: datetime | None
    """When it stops to work or is due for rotation, whichever is first; None where it does not have to be rotated."""
    days_left: int | None
    warning: str | None
    """A sentence when it is time; None before."""


def secret_status(changed_at: datetime, expires_at: datetime | None, now: datetime) -> SecretStatus:
    """The status of a secret at a moment."""
    if expires_at is None:
        return SecretStatus(changed_at, None, None, None)
    left = expires_at - now
    days = left.days
    if left <= timedelta(0):
        warning = f"The secret was due on {expires_at:%Y-%m-%d}: create a new one and enter it."
    elif left <= timedelta(days=WARN_DAYS[0]):
        step = min(limit for limit in WARN_DAYS if left <= timedelta(days=limit))
        warning = f"The secret is due within {step} days, on {expires_at:%Y-%m-%d}: create a new one before."
    else:
        return SecretStatus(changed_at, expires_at, days, None)
    return SecretStatus(changed_at, expires_at, max(days, 0), warning)
