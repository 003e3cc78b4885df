"""How long to wait after a failed delivery, and when to give up."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from vedette.deliver.contract import Remedy


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter, in seconds.

    After the n-th failed attempt the wait is `first * 2**(n-1)`, at most `longest`, of which a random half is taken off;
    it is never shorter than the other side asks for. After `attempts` failed attempts a delivery is given up: with the
    default, after about a day.
    """

    attempts: int = 32
    longest: float = 3600.0
    first: Mapping[Remedy, float] = field(
        # Who has to repair a configuration needs longer than a network that comes back.
        default_factory=lambda: {Remedy.WAITING: 5.0, Remedy.CONFIGURATION: 60.0}
    )

    def wait(self, remedy: Remedy, failures: int, rng: random.Random, retry_after: float | None = None) -> float:
        """Seconds to wait after that many failures in a row (at least one)."""
        full = min(self.longest, self.first[remedy] * 2.0 ** min(failures - 1, 32))
        return max(full * (0.5 + rng.random() / 2), retry_after or 0.0)
