"""The services of one workspace, wired together."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vedette.core.workspaces import Workspace
from vedette.detect.ledger import Ledger
from vedette.detect.library import RuleLibrary
from vedette.detect.runner import RuleRunner
from vedette.detect.scheduler import Scheduler
from vedette.store.logstore import LogStore

if TYPE_CHECKING:
    from vedette.api.application import Application


class WorkspaceServices:
    """What can be done in a workspace; parts are made when they are first asked for."""

    def __init__(self, application: Application, workspace: Workspace) -> None:
        self.application = application
        self.workspace = workspace

    @cached_property
    def logs(self) -> LogStore:
        """The log tables."""
        return self.application.stores.open(self.workspace.id)

    @cached_property
    def rules(self) -> RuleLibrary:
        """The analytics rules."""
        return RuleLibrary(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def ledger(self) -> Ledger:
        """What the rules have searched."""
        return Ledger(self.application.state, self.workspace.id, self.application.clock)

    @cached_property
    def runner(self) -> RuleRunner:
        """Runs rules."""
        return RuleRunner(self.logs, self.application.clock)

    @cached_property
    def scheduler(self) -> Scheduler:
        """Runs rules on their schedule; what they find becomes incidents."""
        return Scheduler(
            self.application.state, self.rules, self.runner, self.ledger, self.application.clock,
        )  # fmt: skip
