"""The operations of a workspace on the data directory itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vedette.api.application import Application
from vedette.api.memory import StoreOperations
from vedette.api.secret_care import secret_bodies, secret_body
from vedette.api.wire import Wire
from vedette.collect.files.loader import FileLoader
from vedette.content.parsers import read_functions
from vedette.core.accounts import local_operator
from vedette.core.deferred import deferred
from vedette.core.settings import load_settings
from vedette.detect.reading.files import read_rules
from vedette.store.report import LoadOptions, LoadReport, ProgressCallback
from vedette.store.watchlists.files import import_file
from vedette.store.watchlists.lists import WatchlistSettings

if TYPE_CHECKING:
    from vedette.api import configured, inprocess
    from vedette.api.routes import connectors as connectors_routes
    from vedette.api.routes import folders as folders_routes
    from vedette.api.routes import functions as functions_routes
    from vedette.api.routes import watchlists as watchlists_routes
else:
    # the framework of the API takes longer to import than most commands take to run
    inprocess = deferred("vedette.api.inprocess")
    connectors_routes = deferred("vedette.api.routes.connectors")
    configured = deferred("vedette.api.configured")
    folders_routes = deferred("vedette.api.routes.folders")
    functions_routes = deferred("vedette.api.routes.functions")
    watchlists_routes = deferred("vedette.api.routes.watchlists")


class DirectOperations(StoreOperations):
    """The operations of a workspace in a directory that this process holds."""

    def __init__(self, application: Application, workspace: str) -> None:
        self.application = application
        self.services = application.services(application.workspace(workspace))
        self._by = local_operator(application.directory.path)
        super().__init__(self.services.logs, application.reach(self._by))

    @classmethod
    def open(cls, data: Path, workspace: str, on_wait: Callable[[str], None] | None = None) -> DirectOperations:
        """Opens the directory, waiting for whoever holds it; raises VedetteError when it stays held."""
        application = Application(load_settings(data_dir=data), purpose="a vedette command", on_wait=on_wait)
        try:
            return cls(application, workspace)
        except BaseException:
            application.close()
            raise

    @property
    def files(self) -> FileLoader:
        """What loads files, within the limits of the settings."""
        return self.services.files

    def load(self, paths: Sequence[Path], options: LoadOptions, progress: ProgressCallback | None = None) -> LoadReport:
        """Loads log files, and brings the term index up to date: nobody does it when this process has ended."""
        report = super().load(paths, options, progress)
        self.logs.index_loaded(report, progress)
        return report

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """What the REST API answers, in this process."""
        return self._api.request(method, path, **arguments)

    def installation(self, method: str, path: str, **arguments: Any) -> Any:
        """What the REST API answers at a path of the installation, in this process."""
        return self._api.request(method, path, everywhere=True, **arguments)

    @cached_property
    def _api(self) -> inprocess.LocalApi:
        return inprocess.LocalApi(self.application, self.services.workspace.id)

    def import_rules(self, paths: Sequence[Path], replacing: bool = False) -> dict[str, Any]:
        """Imports rules."""
        read, problems = read_rules(paths)
        return self.services.rule_changes.import_(read, problems, local_operator(), replacing=replacing)

    def rules(self) -> list[dict[str, Any]]:
        """Every rule."""
        return self.services.rules_listed()

    def run_rule(self, rule: str, at: datetime, period: timedelta | None) -> dict[str, Any]:
        """Runs one rule."""
        return self.services.run_rule(rule, at, period)

    def replay(self, rule: str, start: datetime, end: datetime) -> dict[str, Any]:
        """Replays one rule."""
        return self.services.replay(rule, start, end)

    def backtest(self, paths: Sequence[Path], rule: str | None, start: datetime, end: datetime) -> dict[str, Any]:
        """Backtests rules."""
        read, problems = read_rules(paths)
        return {**self.services.backtest(read, rule, start, end), "problems": [one.to_dict() for one in problems]}

    def incidents(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """A page of incidents."""
        return self.services.incident_page(filters, None).to_dict()

    def incident(self, number_or_id: str) -> dict[str, Any]:
        """One incident whole; what a server would look up in the background is looked up now."""
        found = self.services.incident(number_or_id)
        self.services.enrichment.catch_up(found["number"])
        return found

    def watchlists(self) -> list[dict[str, Any]]:
        """Every watchlist."""
        return [_plain(watchlists_routes.watchlist_body(one)) for one in self.services.watchlists.list()]

    def watchlist(self, alias: str, top: int) -> dict[str, Any]:
        """A watchlist with some of its items."""
        held = self.services.watchlists
        return _plain(watchlists_routes.watchlist_body(held.get(alias))) | {
            "rows": [_plain(watchlists_routes.item_body(item)) for item in held.items(alias, top)]
        }

    def import_watchlist(
        self, alias: str, path: Path, settings: WatchlistSettings, *, append: bool = False
    ) -> dict[str, Any]:
        """Makes or changes a watchlist from a file."""
        return _plain(
            watchlists_routes.change_body(
                import_file(self.services.watchlists, alias, path, settings, self._by, append=append)
            )
        )

    def delete_watchlist(self, alias: str) -> None:
        """Removes a watchlist."""
        self.services.watchlists.delete(alias, self._by)

    def functions(self) -> list[dict[str, Any]]:
        """Every saved function."""
        return [_plain(functions_routes.summary(one)) for one in self.services.functions.list()]

    def function(self, name: str) -> dict[str, Any]:
        """A saved function whole."""
        return _plain(functions_routes.whole(self.services.functions.get(name)))

    def import_functions(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Imports functions."""
        found, problems = read_functions(paths)
        return functions_routes.imported(
            self.services.functions, self.services.logs, found, problems, self._by
        ).to_dict()

    def delete_function(self, name: str) -> None:
        """Removes a saved function."""
        self.services.functions.delete(name, self._by)

    def new_ingest_token(self, name: str, days: float) -> dict[str, Any]:
        """Makes a token."""
        return self.services.new_ingest_token(name, days, self._by)

    def new_shared_key(self) -> dict[str, Any]:
        """Makes the shared key."""
        return self.services.new_shared_key(self._by)

    def secrets(self) -> list[dict[str, Any]]:
        """Every secret."""
        return secret_bodies(self.services.secret_care.list(self._by))

    def rotate_secret(self, secret: str, value: str, expires_on: str | None) -> dict[str, Any]:
        """Begins a rotation."""
        return secret_body(self.services.secret_care.stage(secret, value, expires_on, self._by))

    def end_rotation(self, secret: str, *, finish: bool) -> dict[str, Any]:
        """Ends a rotation, or gives it up."""
        care = self.services.secret_care
        return secret_body(care.finish(secret, self._by) if finish else care.cancel(secret, self._by))

    def check_secret(self, secret: str) -> dict[str, Any]:
        """Whether a secret works where it is used."""
        return _plain(configured.test_report(self.services.secret_care.check(secret, self._by)))

    def watched_folders(self) -> list[dict[str, Any]]:
        """The folders that are watched."""
        return [_plain(folders_routes.folder_body(one, self.services)) for one in self.services.watched_folders.list()]

    def watch_folder(self, path: Path, table: str | None, *, move: bool) -> dict[str, Any]:
        """Watches a folder."""
        made = self.services.watched_folders.add(path.absolute(), self._by, table=table, move=move)
        return _plain(folders_routes.folder_body(made, self.services))

    def unwatch_folder(self, folder: str) -> None:
        """Watches a folder no longer."""
        self.services.watched_folders.remove(folder, self._by)

    def connector_kinds(self) -> list[dict[str, Any]]:
        """What can be collected from."""
        return [manifest.to_dict() for manifest in self.services.connectors.kinds()]

    def import_connector(self, definition: str) -> list[str]:
        """Makes connectors of codeless definitions."""
        return self.application.connector_definitions.import_(self._by, definition)

    def connectors(self) -> list[dict[str, Any]]:
        """The instances."""
        found = self.services.connectors.list(self._by, self.services.workspace.id)
        return [_plain(connectors_routes.connector_body(one)) for one in found]

    def add_connector(self, body: dict[str, Any]) -> dict[str, Any]:
        """Saves an instance."""
        made = self.services.connectors.create(
            self._by, self.services.workspace.id, body["kind"], body["name"], {**body["settings"], **body["secrets"]},
            enabled=body.get("enabled") is not False, intervals=body.get("intervals"),
        )  # fmt: skip
        return _plain(connectors_routes.connector_body(made))

    def change_connector(self, connector: str, body: dict[str, Any]) -> dict[str, Any]:
        """Changes an instance."""
        changed = self.services.connectors.update(
            self._by, self.services.workspace.id, connector, name=body.get("name"),
            values={**body.get("settings", {}), **body.get("secrets", {})} or None, enabled=body.get("enabled"),
            intervals=body.get("intervals"),
        )  # fmt: skip
        return _plain(connectors_routes.connector_body(changed))

    def test_connector(self, connector: str) -> dict[str, Any]:
        """Tests an instance."""
        return _plain(
            configured.test_report(self.services.connectors.test(self._by, self.services.workspace.id, connector))
        )

    def connector_polls(self, connector: str, top: int) -> list[dict[str, Any]]:
        """The newest polls."""
        found = self.services.connectors.history(self._by, self.services.workspace.id, connector, top)
        return [_plain(connectors_routes.poll_body(one)) for one in found]

    def delete_connector(self, connector: str) -> None:
        """Deletes an instance."""
        self.services.connectors.delete(self._by, self.services.workspace.id, connector)

    def close(self) -> None:
        """Closes the directory."""
        self.__dict__.pop("_api", None)
        self.application.close()


def _plain(body: Wire) -> dict[str, Any]:
    """A body as the REST API sends it."""
    return body.model_dump(mode="json", by_alias=True)
