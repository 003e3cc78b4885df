"""What the services of a workspace's content share: the state, the clock, ids, and the audit trail."""

from __future__ import annotations

from vedette.core.audit import Audit
from vedette.core.clock import Clock
from vedette.core.database import State
from vedette.core.ids import IdSource, new_id


class Kept:
    """Things of one kind that one workspace keeps. Every change is one transaction, with its entry in the audit trail."""

    def __init__(self, state: State, workspace_id: str, clock: Clock, new_id: IdSource = new_id) -> None:
        self._state = state
        self.workspace_id = workspace_id
        self._clock = clock
        self._new_id = new_id
        self._audit = Audit(state, clock)
