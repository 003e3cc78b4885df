"""The operations of a workspace that need its log store alone, and those of an empty store in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vedette.core.clock import SystemClock
from vedette.core.deferred import deferred
from vedette.core.errors import InvalidInput, VedetteError
from vedette.engine import places
from vedette.engine.query import Check, Explanation, Limits, QueryOptions
from vedette.engine.result import Result
from vedette.kql.types import Type
from vedette.store.external import ExternalReader
from vedette.store.host import Reach
from vedette.store.logstore import LogStore
from vedette.store.overview import TableInfo
from vedette.store.report import LoadOptions, LoadReport, ProgressCallback
from vedette.store.retention.export import SECONDS as EXPORT_SECONDS
from vedette.store.retention.export import export, format_of, write_file

if TYPE_CHECKING:
    from vedette.collect.files import loader
    from vedette.store.watchlists.lists import WatchlistSettings
else:
    loader = deferred("vedette.collect.files.loader")


class StoreOperations:
    """The operations that need a log store alone."""

    def __init__(self, logs: LogStore, reach: Reach | None = None) -> None:
        self.logs = logs
        self._reach = reach

    @property
    def files(self) -> loader.FileLoader:
        """What loads files."""
        return loader.FileLoader(self.logs, SystemClock())

    def query(self, text: str, timespan: tuple[datetime, datetime] | None = None) -> Result:
        """The rows of a KQL query."""
        return self.logs.query(text, timespan=timespan, reach=self._reach)

    def export(self, text: str, path: Path) -> int:
        """Writes all rows of a KQL query into a file."""
        options = QueryOptions(self.logs.now(), limits=Limits(seconds=EXPORT_SECONDS))
        with export(self.logs, text, format_of(path), options, self._reach) as chunks:
            return write_file(path, chunks)

    def explain(self, text: str) -> list[Explanation]:
        """The SQL of each result of a KQL query."""
        return self.logs.explain(text)

    def check(self, text: str) -> Check:
        """What parsing and binding say of a text."""
        return self.logs.check(text, self._reach)

    def load(self, paths: Sequence[Path], options: LoadOptions, progress: ProgressCallback | None = None) -> LoadReport:
        """Loads log files."""
        return self.files.load(paths, options, progress)

    def tables(self) -> list[TableInfo]:
        """The tables with rows."""
        return self.logs.tables()

    def add_column(self, table: str, name: str, kind: Type) -> int:
        """Gives a table a column; the number of rows that got a value."""
        return self.logs.add_column(table, name, kind)

    def index(self, table: str, columns: Sequence[str] | None, wanted: bool) -> int:
        """Says whether columns of a table are in the term index, and brings it up to date; the rows in it."""
        return self.logs.index(table, columns, wanted)

    def close(self) -> None:
        """Closes the store."""
        self.logs.close()


class MemoryOperations(StoreOperations):
    """The operations of an empty workspace in memory: the known tables are there, without rows or rules."""

    def __init__(self) -> None:
        _supply_places()
        super().__init__(LogStore(None, SystemClock(), external=ExternalReader(_external_hosts())))

    def _nothing(self) -> VedetteError:
        return InvalidInput("This needs a data directory.", hint="Add --data DIR.")

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """Refused."""
        raise self._nothing()

    def installation(self, method: str, path: str, **arguments: Any) -> Any:
        """Refused."""
        raise self._nothing()

    def import_rules(self, paths: Sequence[Path], replacing: bool = False) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def rules(self) -> list[dict[str, Any]]:
        """None."""
        return []

    def run_rule(self, rule: str, at: datetime, period: timedelta | None) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def replay(self, rule: str, start: datetime, end: datetime) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def backtest(self, paths: Sequence[Path], rule: str | None, start: datetime, end: datetime) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def incidents(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def incident(self, number_or_id: str) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def watchlists(self) -> list[dict[str, Any]]:
        """None."""
        return []

    def watchlist(self, alias: str, top: int) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def import_watchlist(
        self, alias: str, path: Path, settings: WatchlistSettings, *, append: bool = False
    ) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def delete_watchlist(self, alias: str) -> None:
        """Refused."""
        raise self._nothing()

    def functions(self) -> list[dict[str, Any]]:
        """None."""
        return []

    def function(self, name: str) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def import_functions(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def delete_function(self, name: str) -> None:
        """Refused."""
        raise self._nothing()

    def new_ingest_token(self, name: str, days: float) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def new_shared_key(self) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def watched_folders(self) -> list[dict[str, Any]]:
        """None."""
        return []

    def watch_folder(self, path: Path, table: str | None, *, move: bool) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def unwatch_folder(self, folder: str) -> None:
        """Refused."""
        raise self._nothing()

    def secrets(self) -> list[dict[str, Any]]:
        """Refused."""
        raise self._nothing()

    def rotate_secret(self, secret: str, value: str, expires_on: str | None) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def end_rotation(self, secret: str, *, finish: bool) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def check_secret(self, secret: str) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def connector_kinds(self) -> list[dict[str, Any]]:
        """Refused."""
        raise self._nothing()

    def import_connector(self, definition: str) -> list[str]:
        """Refused."""
        raise self._nothing()

    def connectors(self) -> list[dict[str, Any]]:
        """Refused."""
        raise self._nothing()

    def add_connector(self, body: dict[str, Any]) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def change_connector(self, connector: str, body: dict[str, Any]) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def test_connector(self, connector: str) -> dict[str, Any]:
        """Refused."""
        raise self._nothing()

    def connector_polls(self, connector: str, top: int) -> list[dict[str, Any]]:
        """Refused."""
        raise self._nothing()

    def delete_connector(self, connector: str) -> None:
        """Refused."""
        raise self._nothing()


def _are_set(*variables: str) -> bool:
    """Whether one of some settings is given: only then they are read, since reading them takes long."""
    return any(name.upper() in variables for name in os.environ)


def _supply_places() -> None:
    """The databases of addresses."""
    if _are_set(*places.VARIABLES.values()):
        from vedette.core.settings import load_settings

        settings = load_settings()
        places.supply(places.CITY, settings.geoip_city)
        places.supply(places.ASN, settings.geoip_asn)


def _external_hosts() -> list[str]:
    """The hosts that queries may read from."""
    if not _are_set("VEDETTE_EXTERNALDATA_HOSTS"):
        return []
    from vedette.core.settings import load_settings

    return load_settings().externaldata_hosts.split(",")
