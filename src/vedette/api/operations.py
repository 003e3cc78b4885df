"""What can be done with a workspace, whoever asks: the server for its callers, a command for itself, or a command through
the server that holds the data directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from vedette.engine.query import Check, Explanation
    from vedette.engine.result import Result
    from vedette.kql.types import Type
    from vedette.store.overview import TableInfo
    from vedette.store.report import LoadOptions, LoadReport, ProgressCallback
    from vedette.store.watchlists.lists import WatchlistSettings


class Operations(Protocol):
    """The operations of one workspace.

    Queries raise `KqlError` for a text that cannot be accepted and `QueryFailed` where a limit ends them; everything else raises
    `VedetteError`.
    """

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """What the REST API answers at a path under the workspace (`json` and `params` as httpx takes them)."""
        ...

    def installation(self, method: str, path: str, **arguments: Any) -> Any:
        """What the REST API answers at a path of the installation: users, workspaces."""
        ...

    def query(self, text: str, timespan: tuple[datetime, datetime] | None = None) -> Result:
        """The rows of a KQL query."""
        ...

    def export(self, text: str, path: Path) -> int:
        """Writes all rows of a KQL query into a file of the form that its name says; the bytes of it."""
        ...

    def explain(self, text: str) -> list[Explanation]:
        """The SQL of each result of a KQL query, which is not run."""
        ...

    def check(self, text: str) -> Check:
        """What parsing and binding say of a text."""
        ...

    def load(self, paths: Sequence[Path], options: LoadOptions, progress: ProgressCallback | None = None) -> LoadReport:
        """Loads log files."""
        ...

    def tables(self) -> list[TableInfo]:
        """The tables with rows."""
        ...

    def add_column(self, table: str, name: str, kind: Type) -> int:
        """Gives a table a column; the number of rows that got a value."""
        ...

    def index(self, table: str, columns: Sequence[str] | None, wanted: bool) -> int:
        """Says whether columns of a table are in the term index, and brings it up to date; the rows in it."""
        ...

    def import_rules(self, paths: Sequence[Path], replacing: bool = False) -> dict[str, Any]:
        """Imports rules, with `replacing` in place of those with the same id; the report as `ImportReport.to_dict` gives it."""
        ...

    def rules(self) -> list[dict[str, Any]]:
        """Every rule: id, name, kind, severity, enabled, runnable."""
        ...

    def run_rule(self, rule: str, at: datetime, period: timedelta | None) -> dict[str, Any]:
        """Runs one rule, by id or name: its outcome, its alerts as programs see them, and its error or None."""
        ...

    def replay(self, rule: str, start: datetime, end: datetime) -> dict[str, Any]:
        """What a rule finds over a past time: its alerts as lines, the number of runs, and windows that failed."""
        ...

    def backtest(self, paths: Sequence[Path], rule: str | None, start: datetime, end: datetime) -> dict[str, Any]:
        """What the rules of some files, or one of the library, would have found, beside the versions in force."""
        ...

    def incidents(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """A page of incidents, as the REST API gives it."""
        ...

    def incident(self, number_or_id: str) -> dict[str, Any]:
        """One incident whole, as the REST API gives it."""
        ...

    def watchlists(self) -> list[dict[str, Any]]:
        """Every watchlist, as the REST API gives it."""
        ...

    def watchlist(self, alias: str, top: int) -> dict[str, Any]:
        """A watchlist as the REST API gives it, with some of its `rows`."""
        ...

    def import_watchlist(
        self, alias: str, path: Path, settings: WatchlistSettings, *, append: bool = False
    ) -> dict[str, Any]:
        """Makes or changes a watchlist from a file; what was done, as the REST API gives it."""
        ...

    def delete_watchlist(self, alias: str) -> None:
        """Removes a watchlist."""
        ...

    def functions(self) -> list[dict[str, Any]]:
        """Every saved function, as the REST API gives it."""
        ...

    def function(self, name: str) -> dict[str, Any]:
        """A saved function whole, as the REST API gives it."""
        ...

    def import_functions(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Imports functions; the report as `FunctionReport.to_dict` gives it."""
        ...

    def delete_function(self, name: str) -> None:
        """Removes a saved function."""
        ...

    def new_ingest_token(self, name: str, days: float) -> dict[str, Any]:
        """Makes a token that may send logs into the workspace: `token`, `id`, `expires`."""
        ...

    def new_shared_key(self) -> dict[str, Any]:
        """Makes the shared key of the HTTP Data Collector API: `workspaceId`, `sharedKey`."""
        ...

    def secrets(self) -> list[dict[str, Any]]:
        """Every secret, as the REST API gives them: names and ages, no values."""
        ...

    def rotate_secret(self, secret: str, value: str, expires_on: str | None) -> dict[str, Any]:
        """Begins a rotation with a new value; the secret as the REST API gives it."""
        ...

    def end_rotation(self, secret: str, *, finish: bool) -> dict[str, Any]:
        """Ends a rotation (the old value is deleted), or gives it up (the new one is)."""
        ...

    def check_secret(self, secret: str) -> dict[str, Any]:
        """Whether a secret works where it is used, step by step."""
        ...

    def watched_folders(self) -> list[dict[str, Any]]:
        """The folders that are watched, as the REST API gives them."""
        ...

    def watch_folder(self, path: Path, table: str | None, *, move: bool) -> dict[str, Any]:
        """Watches a folder, as the REST API gives it."""
        ...

    def unwatch_folder(self, folder: str) -> None:
        """Watches a folder, by its id or path, no longer."""
        ...

    def connector_kinds(self) -> list[dict[str, Any]]:
        """What can be collected from, as the REST API gives it."""
        ...

    def import_connector(self, definition: str) -> list[str]:
        """Makes connectors of codeless definitions; their ids."""
        ...

    def connectors(self) -> list[dict[str, Any]]:
        """The instances of connectors, as the REST API gives them."""
        ...

    def add_connector(self, body: dict[str, Any]) -> dict[str, Any]:
        """Saves an instance: `kind`, `name`, `enabled`, `settings`, `secrets`, `intervals`, as the REST API takes them."""
        ...

    def change_connector(self, connector: str, body: dict[str, Any]) -> dict[str, Any]:
        """Changes what is given of an instance, by its id."""
        ...

    def test_connector(self, connector: str) -> dict[str, Any]:
        """Whether polls of an instance can succeed, step by step."""
        ...

    def connector_polls(self, connector: str, top: int) -> list[dict[str, Any]]:
        """The newest polls of an instance."""
        ...

    def delete_connector(self, connector: str) -> None:
        """Deletes an instance with its secrets."""
        ...

    def close(self) -> None:
        """Lets go of what is held."""
        ...
