"""When an endpoint is polled again: its interval, cool-downs, retries, and clocks that are set back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from vedette.collect.connectors.contract import Trouble

COOLDOWN: Final = timedelta(minutes=10)
"""How long an endpoint rests after a 429, at least; each further one in a row doubles it."""
LONGEST_COOLDOWN: Final = timedelta(minutes=60)
FIRST_RETRY: Final = timedelta(seconds=30)
"""After a failure of the network or the service; doubles up to the endpoint's interval."""
JITTER: Final = 0.05
"""Part of the interval by which polls are moved earlier, so that instances do not all poll at once."""
LONGEST_WAIT: Final = timedelta(hours=24)
"""No service is waited for longer than this, nor is an interval longer."""
STEP: Final = timedelta(minutes=1)
"""A poll that lies further in the future than this says that the clock was set back."""


def wait(
    interval: timedelta, trouble: Trouble | None, *, throttled: int, failures: int, retry_after: float | None, chance: float
) -> timedelta:  # fmt: skip
    """How long until the next poll. `throttled` and `failures` count in a row, this one too; `chance` is from 0 to 1."""
    asked = timedelta(seconds=retry_after or 0)
    if trouble is Trouble.THROTTLED:
        return max(asked, min(COOLDOWN * (1 << min(throttled - 1, 8)), LONGEST_COOLDOWN))
    if trouble is Trouble.UNAVAILABLE:
        return max(asked, min(FIRST_RETRY * (1 << min(failures - 1, 16)), max(interval, FIRST_RETRY)))
    if trouble is Trouble.GONE:
        return max(interval, timedelta(hours=1))
    return interval * (1 - JITTER * chance)


def set_back(now: datetime, last_poll_at: datetime | None, due_at: datetime) -> bool:
    """Whether the clock was set back since the last poll: what is due would wait until it is as late again."""
    return due_at > now + LONGEST_WAIT or (last_poll_at is not None and last_poll_at > now + STEP)


def planned_anew(now: datetime, last_poll_at: datetime | None, due_at: datetime) -> datetime:
    """When it is due on a clock that was set back: as long from now as it was to wait after the last poll."""
    return now if last_poll_at is None else now + min(max(due_at - last_poll_at, timedelta(0)), LONGEST_WAIT)
