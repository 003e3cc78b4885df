"""The DuckDB file of a workspace: made, opened with what it may reach and use, and refused when another version wrote it."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

from vedette.core.errors import Unavailable, VedetteError
from vedette.engine.dialect import quote
from vedette.store import arrivals
from vedette.store.gone import CATALOGUE as GONE_CATALOGUE
from vedette.store.records import CATALOGUE as FILES_CATALOGUE
from vedette.store.retention.lake import FOLDER
from vedette.store.statements import run
from vedette.store.tables import CATALOGUE

log = logging.getLogger(__name__)
LAYOUT: Final = "5"
"""The version of the file's layout. 2: properties of dynamic columns have columns, which whoever writes must fill; 3: those of columns
of text that holds JSON, and of first elements, too. 4: the key of a file's record says which load brought the record.
5: the key says as which row of its load, too, and why rows of files are gone is noted."""
STAGING: Final = "staging"
"""The folder beside the store's file where a backup of it is made."""
_MAX_MEMORY: Final = 4 * 1024
"""MiB that the engine may use at most by default; half of what it would take by itself if that is less."""
_IN_USE: Final = 5.0
"""Seconds in which other threads have let go of a connection: what they ask of it is of no length."""


def open_file(path: Path | None, memory: str | None) -> duckdb.DuckDBPyConnection:
    """A connection that can reach nothing but its own file, and the folders beside it for the lake and for backups."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
        "checkpoint_threshold": "64MB",
        # Event texts of some hundred characters: a tenth of the room, and read as fast (the default is 4096).
        "zstd_min_string_length": "256",
        # Full row groups go to disk while a load runs: less memory, and a short commit.
        "write_buffer_row_group_count": "1",
    }
    # beside the file; a store in memory has no place on disk, and the engine's own choice is the working directory
    config["temp_directory"] = "" if path is None else str(path.with_name("spill"))
    try:
        if path is not None and not path.exists():
            _create(path)
        connection = duckdb.connect(":memory:" if path is None else str(path), config=config)
    except duckdb.Error as error:
        raise _not_opened(path, error) from error
    try:
        limit = memory or _default_memory(connection)
        run(connection, f"SET memory_limit = '{limit}'")
        if path is not None:
            own = ", ".join(quote(f"{path.with_name(name)}{os.sep}") for name in (FOLDER, STAGING))
            run(connection, f"SET allowed_directories = [{own}]")
        run(connection, "SET enable_external_access = false")
        run(connection, "SET lock_configuration = true")
    except duckdb.Error as error:  # it has the file still, and has given it up, for those who have not ended yet
        let_go(connection)
        raise _not_opened(path, error) from error
    return connection


def let_go(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection that other threads may use at that moment: the engine refuses to while one of them takes a cursor of it."""
    until, moment = time.monotonic() + _IN_USE, threading.Event()
    while True:
        try:
            connection.close()
        except duckdb.ResourceInUseException as error:
            if time.monotonic() < until:
                moment.wait(0.005)
                continue
            log.warning("a connection to a log store stays open: %s", error)
        except duckdb.Error as error:  # what was committed is in the engine's log: the next opening reads it
            log.warning("a log store was not closed in order: %s", error)
        return


def works(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the engine still has the file."""
    try:
        with closing(connection.cursor()) as cursor:
            run(cursor, "SELECT 1")
    except duckdb.Error:
        return False
    return True


def _create(path: Path) -> None:
    """An empty file, which has its name only when it is whole: a process that is killed meanwhile leaves none behind."""
    new = path.with_name(f"{path.name}.new")
    for left in (new, new.with_name(f"{new.name}.wal")):
        left.unlink(missing_ok=True)
    duckdb.connect(str(new)).close()
    os.replace(new, path)


def _default_memory(connection: duckdb.DuckDBPyConnection) -> str:
    """Half of what the engine would take by itself, and not more than `_MAX_MEMORY`."""
    amount, _, unit = str(run(connection, "SELECT current_setting('memory_limit')")[0][0]).partition(" ")
    scale = {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}.get(unit)
    half = _MAX_MEMORY if scale is None else int(float(amount) * scale / 2)
    return f"{max(256, min(half, _MAX_MEMORY))}MiB"


def _not_opened(path: Path | None, error: duckdb.Error) -> VedetteError:
    text = str(error).split("\n", 1)[0].rstrip(".")
    if isinstance(error, duckdb.IOException) and "lock" in text.lower():
        return Unavailable(
            f"The log store {path} is in use by another process.",
            code="VDT0614",
            hint="Wait until it has ended, stop it, or use another data directory.",
            file=str(path),
        )
    return Unavailable(f"The log store {path} cannot be opened: {text}.", code="VDT0615", file=str(path))


def prepare(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Make the catalogue in a new file, and tidy that of an old one; refuse a file of a later layout."""
    run(connection, CATALOGUE)
    run(connection, FILES_CATALOGUE)
    run(connection, GONE_CATALOGUE)
    # a store of an earlier version: its loads are the arrivals, at the positions that they had
    run(
        connection,
        "INSERT INTO store_catalog.arrivals SELECT id, table_name, -9223372036854775807, 9223372036854775807, loaded_at "
        "FROM store_catalog.loads WHERE NOT EXISTS (FROM store_catalog.arrivals) "
        "AND NOT EXISTS (FROM store_catalog.meta WHERE name = 'arrivals_cleared') ORDER BY rowid",
    )
    rows = run(connection, "SELECT value FROM store_catalog.meta WHERE name = 'layout'")
    if not rows:
        run(connection, "INSERT INTO store_catalog.meta VALUES ('layout', ?)", [LAYOUT])
    elif int(rows[0][0]) < int(LAYOUT):
        run(connection, "UPDATE store_catalog.meta SET value = ? WHERE name = 'layout'", [LAYOUT])
    elif int(rows[0][0]) > int(LAYOUT):
        raise Unavailable(
            f"The log store has the layout {rows[0][0]}, and this version of Vedette knows layouts up to {LAYOUT}.",
            code="VDT0616",
            hint="Use the version of Vedette that wrote it, or a later one.",
        )
    arrivals.clear(connection, now)
