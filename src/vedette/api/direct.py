"""The operations of a workspace on the data directory itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from vedette.api.application import Application
from vedette.api.memory import StoreOperations
from vedette.core.accounts import LOCAL_OPERATOR_NAME
from vedette.core.settings import load_settings
from vedette.detect.reading import read_rules


class DirectOperations(StoreOperations):
    """The operations of a workspace in a directory that this process holds."""

    def __init__(self, application: Application, workspace: str) -> None:
        self.application = application
        self.services = application.services(application.workspace(workspace))
        super().__init__(self.services.logs)

    @classmethod
    def open(cls, data: Path, workspace: str, on_wait: Callable[[str], None] | None = None) -> DirectOperations:
        """Opens the directory, waiting for whoever holds it; raises VedetteError when it stays held."""
        application = Application(load_settings(data_dir=data), purpose="a vedette command", on_wait=on_wait)
        try:
            return cls(application, workspace)
        except BaseException:
            application.close()
            raise

    def import_rules(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Imports rules."""
        read, problems = read_rules(paths)
        return self.services.rules.import_(read, problems, by=LOCAL_OPERATOR_NAME).to_dict()

    def rules(self) -> list[dict[str, Any]]:
        """Every rule."""
        return self.services.rules_listed()

    def run_rule(self, rule: str, at: datetime, period: timedelta | None) -> dict[str, Any]:
        """Runs one rule."""
        return self.services.run_rule(rule, at, period)

    def incidents(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """A page of incidents."""
        return self.services.incident_page(filters, None)

    def incident(self, number_or_id: str) -> dict[str, Any]:
        """One incident whole."""
        return self.services.incident(number_or_id)

    def close(self) -> None:
        """Closes the directory."""
        self.application.close()
