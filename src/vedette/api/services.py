"""The services of one workspace, wired together."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

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

    def rules_listed(self) -> list[dict[str, Any]]:
        """Every rule as commands see it."""
        return [
            {
                "id": stored.rule.id, "name": stored.rule.name, "kind": stored.rule.kind.value,
                "severity": stored.rule.severity.value, "enabled": stored.rule.enabled,
                "runnable": stored.rule.enabled and stored.rule.not_runnable is None,
            }
            for stored in self.rules.list()
        ]  # fmt: skip

    def run_rule(self, rule: str, at: datetime, period: timedelta | None) -> dict[str, Any]:
        """Runs a rule by hand; its alerts become incidents."""
        run = self.scheduler.run_now(rule, at, period)
        return {
            "rule_id": run.rule.id, "rule": run.rule.name, "outcome": run.outcome.value, "rows": run.rows,
            "alerts": [alert.to_line() for alert in run.alerts],
            "error": None if run.error is None else {"code": run.error.code, "message": run.error.message},
        }  # fmt: skip

    @cached_property
    def scheduler(self) -> Scheduler:
        """Runs rules on their schedule; what they find becomes incidents."""
        return Scheduler(
            self.application.state, self.rules, self.runner, self.ledger, self.application.clock,
        )  # fmt: skip
