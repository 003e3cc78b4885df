"""The files of partial rows of one store: written, found again, forgotten, and no more of them than may be.

The last ones are in memory, too, so that a query that comes again reads and writes no file for each new bin.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import duckdb

from vedette.core.files import make_private_directory
from vedette.core.ids import new_id
from vedette.store.partials.file import SUFFIX, Damaged, KeptRows, read, write
from vedette.store.statements import run

_OPENINGS: Final = 200
_FEW: Final = 4
"""So many new bins are worth a new file."""
_MEMORY: Final = 32 * 1024**2
"""Bytes of rows that are held in memory beside the files."""
_PARTS: Final = 4
"""The file of one query has at most this part of what all may take."""


class PartialFiles:
    """The files in a folder. Safe to use from several threads."""

    def __init__(self, folder: Path, limit: int, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        """`limit` in bytes; `connect` gives connections to the store that the files lie beside."""
        self._folder = folder
        self._limit = limit
        self._connect = connect
        self._guard = threading.RLock()
        self._opening: str | None = None
        self._openings: frozenset[str] = frozenset()
        self._forgotten: dict[str, int] = {}
        self._memory: dict[str, KeptRows] = {}
        self._stored: dict[str, frozenset[int]] = {}

    def opening(self) -> str | None:
        """The name of this time that the store is open, which its file remembers; None where that cannot be written."""
        with self._guard:
            if self._opening is None:
                mine = new_id()
                try:
                    with closing(self._connect()) as cursor:
                        run(cursor, "INSERT INTO store_catalog.meta VALUES ('opening', ?)", [mine])
                        known = run(
                            cursor, "SELECT value FROM store_catalog.meta WHERE name = 'opening' ORDER BY rowid"
                        )
                        if len(known) > 2 * _OPENINGS:
                            old = [value for (value,) in known[:-_OPENINGS]]
                            run(
                                cursor,
                                "DELETE FROM store_catalog.meta WHERE name = 'opening' AND value IN (SELECT unnest(?))",
                                [old],
                            )
                            known = known[-_OPENINGS:]
                except duckdb.Error:
                    return None
                self._tidy()
                self._openings = frozenset(value for (value,) in known)
                self._opening = mine
            return self._opening

    def load(self, key: str) -> KeptRows | None:
        """The kept rows of a query, unless they are of another store, damaged, or of another version."""
        path = self._path(key)
        with self._guard:
            known = self._memory.pop(key, None)
            if known is not None:
                self._memory[key] = known  # the last that goes
                return known
        try:
            kept = read(path)
        except FileNotFoundError:
            return None
        except (OSError, Damaged):
            _remove(path)
            return None
        self.opening()
        if kept.opening not in self._openings:
            _remove(path)
            return None
        with self._guard:
            self._stored[key] = kept.bins
        return kept

    def save(self, key: str, kept: KeptRows, generation: int) -> bool:
        """Keep the rows, if they are still wanted; what was not used for longest goes when there is no room.

        False for rows that take too much of it by themselves.
        """
        path = self._path(key)
        with self._guard:
            if self._forgotten.get(kept.table, 0) != generation:
                return True
            self._remember(key, kept)
            if path.exists() and len(kept.bins - self._stored.get(key, frozenset())) < _FEW and key in self._memory:
                self.touch(key)
                return True  # what a kill takes of it is soon made again
            try:
                make_private_directory(self._folder)
                size = write(path, kept)
            except OSError:
                return True  # no room: the query is asked whole again
            self._stored[key] = kept.bins
            if size * _PARTS > self._limit:
                self._drop(key, path)
                return False
            self._make_room(path)
        return True

    def remove(self, key: str) -> None:
        """Keep the rows of a query no longer."""
        with self._guard:
            self._drop(key, self._path(key))

    def touch(self, key: str) -> None:
        """The rows were used as they are."""
        with suppress(OSError):
            os.utime(self._path(key))

    def forget(self, table: str) -> None:
        """Remove what was made of a table: rows of it were taken away."""
        with self._guard:
            self._forgotten[table] = self._forgotten.get(table, 0) + 1
            self._memory = {key: kept for key, kept in self._memory.items() if kept.table != table}
            for path in self._files():
                try:
                    if read(path).table != table:
                        continue
                except (OSError, Damaged):
                    pass
                _remove(path)

    def generation(self, table: str) -> int:
        """Grows with every `forget`."""
        return self._forgotten.get(table, 0)

    def bytes(self) -> int:
        """What is kept."""
        return sum(size for _, size, _ in self._sizes())

    @staticmethod
    def clear(folder: Path) -> None:
        """Remove all that is kept in a folder, and the folder."""
        with suppress(OSError):
            for path in folder.iterdir():
                _remove(path)
            folder.rmdir()

    def _drop(self, key: str, path: Path) -> None:
        self._memory.pop(key, None)
        self._stored.pop(key, None)
        _remove(path)

    def _remember(self, key: str, kept: KeptRows) -> None:
        """Keep rows in memory, too; the oldest go."""
        self._memory.pop(key, None)
        self._memory[key] = kept
        total = sum(one.rows.nbytes for one in self._memory.values())
        while total > min(_MEMORY, self._limit):
            total -= self._memory.pop(next(iter(self._memory))).rows.nbytes

    def _make_room(self, path: Path) -> None:
        """Remove what was not used for longest."""
        sizes = sorted(self._sizes())
        total = sum(one for _, one, _ in sizes)
        for _, one, other in sizes:
            if total <= self._limit:
                break
            if other != path:
                self._drop(other.stem, other)
                total -= one

    def _tidy(self) -> None:
        """Remove what a process that was killed was writing."""
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix != SUFFIX:
                    _remove(path)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _files(self) -> list[Path]:
        return list(self._folder.glob(f"*{SUFFIX}"))

    def _sizes(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in self._files():
            with suppress(OSError):
                about = path.stat()
                found.append((about.st_mtime, about.st_size, path))
        return found


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
