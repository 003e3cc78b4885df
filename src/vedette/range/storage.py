"""The fake tenant in a SQLite file, so that it outlives its process."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from vedette.core.errors import InvalidInput, Unavailable
from vedette.range.state import Directory, FakeTenant, Subscription

_DIRECTORIES: Final = TypeAdapter(list[Directory])
_SUBSCRIPTIONS: Final = TypeAdapter(list[Subscription])
_FORMAT: Final = "1"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (collection, id)
);
"""


class SqliteStorage:
    """Keeps a tenant in a file: directories and subscriptions whole, documents one by one, each save in one transaction."""

    def __init__(self, path: Path) -> None:
        """Raises `Unavailable` where the file cannot be opened, `InvalidInput` where it is something else."""
        self._path = path
        self._lock = threading.Lock()
        self._saved: dict[str, str] = {}
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"The state cannot be kept in {path}: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise InvalidInput(f"{path} is no state of a fake tenant: {error}.") from error

    @property
    def empty(self) -> bool:
        """Whether the file holds no tenant yet."""
        with self._lock:
            return self._connection.execute("SELECT 1 FROM parts LIMIT 1").fetchone() is None

    def load(self, tenant: FakeTenant) -> bool:
        """Fill a tenant from the file; False if the file holds none yet."""
        with self._lock:
            parts = dict(self._connection.execute("SELECT name, body FROM parts"))
            if not parts:
                return False
            if parts.get("format") != _FORMAT:
                raise InvalidInput(f"{self._path} is a fake tenant of another version of Vedette.")
            try:
                tenant.directories = _DIRECTORIES.validate_json(parts["directories"])
                tenant.subscriptions = _SUBSCRIPTIONS.validate_json(parts["subscriptions"])
            except (KeyError, ValidationError) as error:
                raise InvalidInput(f"{self._path} cannot be read as a fake tenant: {error}.") from error
            settings = json.loads(parts["settings"])
            tenant.etag_count = settings["etag"]
            tenant.token_lifetime = settings["token_lifetime"]
            tenant.operation_seconds = settings["operation_seconds"]
            tenant.graph_limits = settings["graph_limits"]
            for collection, name, body in self._connection.execute(
                "SELECT collection, id, body FROM documents ORDER BY position"
            ):
                tenant.documents.of(*json.loads(collection)).put(name, json.loads(body))
            tenant.documents.changed.clear()
            self._saved = parts
        if tenant.log_engine is not None:
            for rows in tenant.documents.below("logs"):
                for row in rows:
                    tenant.log_engine.append(rows.key[1], row["table"], row["rows"])
        return True

    def save(self, tenant: FakeTenant) -> None:
        """Keep what has changed since the last time."""
        with tenant.lock, self._lock:
            parts = {
                "format": _FORMAT,
                "directories": _DIRECTORIES.dump_json(tenant.directories).decode(),
                "subscriptions": _SUBSCRIPTIONS.dump_json(tenant.subscriptions).decode(),
                "settings": json.dumps(
                    {
                        "etag": tenant.etag_count,
                        "token_lifetime": tenant.token_lifetime,
                        "operation_seconds": tenant.operation_seconds,
                        "graph_limits": tenant.graph_limits,
                    }
                ),
            }
            changed = sorted(tenant.documents.changed)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for name, body in parts.items():
                    if self._saved.get(name) != body:
                        self._connection.execute("INSERT OR REPLACE INTO parts VALUES (?, ?)", (name, body))
                for key, name in changed:
                    self._keep(tenant, key, name)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._saved = parts
            tenant.documents.changed.difference_update(changed)

    def _keep(self, tenant: FakeTenant, key: tuple[str, ...], name: str) -> None:
        collection, document = json.dumps(key), tenant.documents.of(*key).get(name)
        if document is None:
            self._connection.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (collection, name))
            return
        # An update keeps its place in the order.
        self._connection.execute(
            "INSERT INTO documents (collection, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (collection, id) DO UPDATE SET body = excluded.body",
            (collection, name, json.dumps(document)),
        )

    def clear(self) -> None:
        """Forget the tenant in the file."""
        with self._lock:
            self._connection.executescript("DELETE FROM documents; DELETE FROM parts;")
            self._saved = {}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
