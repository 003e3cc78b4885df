"""The operations of a workspace through the server that holds its data directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from vedette.api.answers import diagnostic_of, failure
from vedette.api.wire import utc_text
from vedette.core.datadir import ServerRecord
from vedette.core.errors import Unavailable
from vedette.core.tls import pinned_context
from vedette.engine.query import Check, Explanation
from vedette.engine.result import Result, ResultColumn, Statistics
from vedette.kql import ticks
from vedette.kql.types import TYPE_NAMES, Type
from vedette.store.overview import TableInfo
from vedette.store.report import LoadOptions, LoadReport, ProgressCallback
from vedette.store.retention.export import format_of, write_file
from vedette.store.watchlists.lists import WatchlistSettings


class RemoteOperations:
    """The operations of one workspace over the REST API."""

    def __init__(self, record: ServerRecord, workspace: str, transport: httpx.BaseTransport | None = None) -> None:
        self._workspace = f"/api/v1/workspaces/{quote(workspace, safe='')}"
        self._client = httpx.Client(
            base_url=record.url, headers={"Authorization": f"Bearer {record.token}"}, timeout=httpx.Timeout(10, read=None),
            transport=transport, trust_env=False,
            verify=True if record.certificate is None else pinned_context(record.certificate),
        )  # fmt: skip

    def _call(self, method: str, path: str, *, text: str = "", **arguments: Any) -> Any:
        return self._ask(method, self._workspace + path, text, **arguments)

    def _ask(self, method: str, address: str, text: str = "", **arguments: Any) -> Any:
        try:
            answer = self._client.request(method, address, **arguments)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The server that holds the data directory does not answer: {str(error) or type(error).__name__}.",
                hint="If it has ended, run the command again: commands work without a server, too.",
            ) from None
        if answer.is_success:
            return answer.json() if answer.content else None
        raise failure(answer, text)

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """What the REST API answers at a path under the workspace."""
        return self._call(method, path, **arguments)

    def installation(self, method: str, path: str, **arguments: Any) -> Any:
        """What the REST API answers at a path of the installation."""
        return self._ask(method, f"/api/v1{path}", **arguments)

    @contextmanager
    def stream(self, path: str, **arguments: Any) -> Iterator[Iterator[bytes]]:
        """The bytes of an answer to a POST, as they come."""
        try:
            with self._client.stream("POST", self._workspace + path, **arguments) as answer:
                if not answer.is_success:
                    answer.read()
                    raise failure(answer, "")
                yield answer.iter_bytes()
        except httpx.HTTPError as error:
            raise Unavailable(f"The server stopped answering before it was done: {error}.") from None

    def query(self, text: str, timespan: tuple[datetime, datetime] | None = None) -> Result:
        """The rows of a KQL query."""
        body: dict[str, Any] = {"query": text}
        if timespan is not None:
            body["timespan"] = "/".join(utc_text(moment) for moment in timespan)
        answer = self._call("POST", "/query", text=text, json=body)
        return _result(answer)

    def export(self, text: str, path: Path) -> int:
        """Writes all rows of a KQL query into a file."""
        with self.stream("/export", json={"query": text, "format": format_of(path).value}) as chunks:
            return write_file(path, chunks)

    def explain(self, text: str) -> list[Explanation]:
        """The SQL of each result of a KQL query."""
        answer = self._call("POST", "/explain", text=text, json={"query": text})
        return [
            Explanation(statement["sql"], dict(statement["values"]), tuple(statement["rewrites"]))
            for statement in answer["statements"]
        ]

    def check(self, text: str) -> Check:
        """What parsing and binding say of a text."""
        answer = self._call("POST", "/check", text=text, json={"query": text})
        columns = tuple(
            ResultColumn(column["name"], TYPE_NAMES.get(column["type"], Type.UNKNOWN)) for column in answer["columns"]
        )
        found = [diagnostic_of(text, one) for one in answer["diagnostics"]]
        return Check(found, columns or None)

    def load(self, paths: Sequence[Path], options: LoadOptions, progress: ProgressCallback | None = None) -> LoadReport:
        """Loads log files, which the server reads by their paths."""
        body = {
            "paths": [str(path.absolute()) for path in paths],
            "table": options.table,
            "stamp": utc_text(options.stamp) if options.stamp else None,
            "shiftTo": utc_text(options.shift_to) if options.shift_to else None,
            "again": options.again,
        }
        return LoadReport.from_dict(self._call("POST", "/local/load", json=body))

    def tables(self) -> list[TableInfo]:
        """The tables with rows."""
        answer = self._call("GET", "/tables", params={"withRows": "true"})
        return [
            TableInfo(
                one["name"],
                one["rows"],
                len(one["columns"]),
                _moment(one["first"]),
                _moment(one["last"]),
                one["bytes"] or 0,
                one.get("indexed", 0),
                one.get("indexBytes", 0),
            )
            for one in answer["value"]
        ]

    def add_column(self, table: str, name: str, kind: Type) -> int:
        """Gives a table a column; the number of rows that got a value."""
        answer = self._call("POST", f"/tables/{quote(table, safe='')}/columns", json={"name": name, "type": kind.value})
        return int(answer["rows"])

    def index(self, table: str, columns: Sequence[str] | None, wanted: bool) -> int:
        """Says whether columns of a table are in the term index, and brings it up to date; the rows in it."""
        body = {"columns": None if columns is None else list(columns), "wanted": wanted}
        return int(self._call("POST", f"/tables/{quote(table, safe='')}/index", json=body)["rows"])

    def new_ingest_token(self, name: str, days: float) -> dict[str, Any]:
        """Makes a token."""
        made = self._call("POST", "/ingestion/tokens", json={"name": name, "days": days})
        assert isinstance(made, dict)
        return made

    def new_shared_key(self) -> dict[str, Any]:
        """Makes the shared key."""
        made = self._call("POST", "/ingestion/shared-key")
        assert isinstance(made, dict)
        return made

    def import_rules(self, paths: Sequence[Path], replacing: bool = False) -> dict[str, Any]:
        """Imports rules, which the server reads by their paths."""
        asked = {"paths": [str(path.absolute()) for path in paths], "replace": replacing}
        report = self._call("POST", "/local/rules", json=asked)
        assert isinstance(report, dict)
        return report

    def rules(self) -> list[dict[str, Any]]:
        """Every rule."""
        return list(self._call("GET", "/local/rules"))

    def run_rule(self, rule: str, at: datetime, period: timedelta | None) -> dict[str, Any]:
        """Runs one rule."""
        span = ticks.format_timespan(ticks.from_timedelta(period)) if period else None
        body = {"rule": rule, "at": ticks.format_datetime(ticks.from_datetime(at)), "period": span}
        done = self._call("POST", "/local/rules/run", json=body)
        assert isinstance(done, dict)
        return done

    def replay(self, rule: str, start: datetime, end: datetime) -> dict[str, Any]:
        """Replays one rule."""
        done = self._call("POST", "/local/rules/replay", json={"rule": rule, **_span(start, end)})
        assert isinstance(done, dict)
        return done

    def backtest(self, paths: Sequence[Path], rule: str | None, start: datetime, end: datetime) -> dict[str, Any]:
        """Backtests rules, which the server reads by their paths."""
        body = {"paths": [str(path.absolute()) for path in paths], "rule": rule, **_span(start, end)}
        done = self._call("POST", "/local/rules/backtest", json=body)
        assert isinstance(done, dict)
        return done

    def incidents(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """A page of incidents."""
        page = self._call("GET", "/incidents", params=dict(filters))
        assert isinstance(page, dict)
        return page

    def incident(self, number_or_id: str) -> dict[str, Any]:
        """One incident whole."""
        found = self._call("GET", f"/incidents/{quote(number_or_id, safe='')}")
        assert isinstance(found, dict)
        return found

    def watchlists(self) -> list[dict[str, Any]]:
        """Every watchlist."""
        return list(self._call("GET", "/watchlists")["value"])

    def watchlist(self, alias: str, top: int) -> dict[str, Any]:
        """A watchlist with some of its items."""
        path = f"/watchlists/{quote(alias, safe='')}"
        found = dict(self._call("GET", path))
        found["rows"] = self._call("GET", f"{path}/items", params={"top": top})["value"] if top else []
        return found

    def import_watchlist(
        self, alias: str, path: Path, settings: WatchlistSettings, *, append: bool = False
    ) -> dict[str, Any]:
        """Makes or changes a watchlist from a file, which the server reads by its path."""
        body = {
            "alias": alias, "path": str(path.absolute()), "searchKey": settings.search_key, "name": settings.name,
            "provider": settings.provider, "description": settings.description, "append": append,
        }  # fmt: skip
        return dict(self._call("POST", "/local/watchlists", json=body))

    def delete_watchlist(self, alias: str) -> None:
        """Removes a watchlist."""
        self._call("DELETE", f"/watchlists/{quote(alias, safe='')}")

    def functions(self) -> list[dict[str, Any]]:
        """Every saved function."""
        return list(self._call("GET", "/saved-functions")["value"])

    def function(self, name: str) -> dict[str, Any]:
        """A saved function whole."""
        return dict(self._call("GET", f"/saved-functions/{quote(name, safe='')}"))

    def import_functions(self, paths: Sequence[Path]) -> dict[str, Any]:
        """Imports functions, which the server reads by their paths."""
        return dict(self._call("POST", "/local/functions", json={"paths": [str(path.absolute()) for path in paths]}))

    def delete_function(self, name: str) -> None:
        """Removes a saved function."""
        self._call("DELETE", f"/saved-functions/{quote(name, safe='')}")

    def secrets(self) -> list[dict[str, Any]]:
        """Every secret."""
        return list(self._call("GET", "/secrets")["value"])

    def rotate_secret(self, secret: str, value: str, expires_on: str | None) -> dict[str, Any]:
        """Begins a rotation."""
        body = {"value": value, "expiresOn": expires_on}
        return dict(self._call("POST", f"/secrets/{quote(secret, safe='')}/rotation", json=body))

    def end_rotation(self, secret: str, *, finish: bool) -> dict[str, Any]:
        """Ends a rotation, or gives it up."""
        end = "finish" if finish else "cancel"
        return dict(self._call("POST", f"/secrets/{quote(secret, safe='')}/rotation/{end}"))

    def check_secret(self, secret: str) -> dict[str, Any]:
        """Whether a secret works where it is used."""
        return dict(self._call("POST", f"/secrets/{quote(secret, safe='')}/check"))

    def watched_folders(self) -> list[dict[str, Any]]:
        """The folders that are watched."""
        return list(self._call("GET", "/watched-folders")["value"])

    def watch_folder(self, path: Path, table: str | None, *, move: bool) -> dict[str, Any]:
        """Watches a folder."""
        return dict(
            self._call("POST", "/watched-folders", json={"path": str(path.absolute()), "table": table, "move": move})
        )

    def unwatch_folder(self, folder: str) -> None:
        """Watches a folder no longer."""
        self._call("DELETE", "/watched-folders", params={"folder": folder})

    def connector_kinds(self) -> list[dict[str, Any]]:
        """What can be collected from."""
        return list(self._call("GET", "/connector-kinds")["value"])

    def import_connector(self, definition: str) -> list[str]:
        """Makes connectors of codeless definitions."""
        return list(self._call("POST", "/connector-kinds/import", json={"definition": definition})["imported"])

    def connectors(self) -> list[dict[str, Any]]:
        """The instances."""
        return list(self._call("GET", "/connectors")["value"])

    def add_connector(self, body: dict[str, Any]) -> dict[str, Any]:
        """Saves an instance."""
        return dict(self._call("POST", "/connectors", json=body))

    def change_connector(self, connector: str, body: dict[str, Any]) -> dict[str, Any]:
        """Changes an instance."""
        return dict(self._call("PATCH", f"/connectors/{quote(connector, safe='')}", json=body))

    def test_connector(self, connector: str) -> dict[str, Any]:
        """Tests an instance."""
        return dict(self._call("POST", f"/connectors/{quote(connector, safe='')}/test"))

    def connector_polls(self, connector: str, top: int) -> list[dict[str, Any]]:
        """The newest polls."""
        return list(self._call("GET", f"/connectors/{quote(connector, safe='')}/polls", params={"top": top})["value"])

    def delete_connector(self, connector: str) -> None:
        """Deletes an instance."""
        self._call("DELETE", f"/connectors/{quote(connector, safe='')}")

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _span(start: datetime, end: datetime) -> dict[str, str]:
    """Microseconds count: a replay through a server is the same as without one."""
    return {name: ticks.format_datetime(ticks.from_datetime(at)) for name, at in (("start", start), ("end", end))}


def _moment(text: str | None) -> datetime | None:
    value = ticks.parse_datetime(text) if text else None
    return None if value is None else ticks.to_datetime(value)


def _result(answer: dict[str, Any]) -> Result:
    """A table of an answer, with those that come with it."""
    columns = tuple(
        ResultColumn(column["name"], TYPE_NAMES.get(column["type"], Type.UNKNOWN)) for column in answer["columns"]
    )
    partial = answer["partialError"]["message"] if answer.get("partialError") else None
    stats = Statistics(len(answer["rows"]), answer["stats"]["elapsedMs"] / 1000)
    more = [_result(table) for table in answer.get("more") or ()]
    return Result(
        columns, answer["rows"], stats, partial, answer.get("visualization"), name=answer.get("name"), more=more
    )
