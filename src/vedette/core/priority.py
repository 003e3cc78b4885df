"""Which threads go first where there are more of them than processors."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Final

WAITED_FOR_BY_SENDERS: Final = 2
"""The nice value of work that a sender waits for, who has time."""
WAITED_FOR_LATER: Final = 5
"""That of work that somebody will want soon: rows on their way into the tables."""
WAITED_FOR_BY_NOBODY: Final = 10
"""That of work that only makes other work faster."""


def step_back(nice: int) -> None:
    """Let the calling thread stand behind those that people wait for, as far as the system tells threads apart (Linux does)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # some sandboxes forbid it; then all are alike, as elsewhere
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
