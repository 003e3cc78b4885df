"""How often transactions have changed the rows of each table: who has looked at a table can tell whether it is as it was."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Commits:
    """The commits of one store's tables, as far as this process has seen them. Safe for several threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._count = 0
        self._oldest = 0
        self._last: dict[str, int] = {}
        self._going_on: Counter[str] = Counter()

    def version(self, table: str) -> int | None:
        """A number that is another one after each commit that may have changed the table; None while such a commit goes on.

        Where it is the same before and after something was read, that was read of one state of the table.
        """
        with self._guard:
            return None if self._going_on[table] else self._last.get(table, self._oldest)

    @contextmanager
    def committing(self, tables: Iterable[str]) -> Iterator[None]:
        """For the commit of a transaction on tables, whatever becomes of it."""
        names = list(tables)
        with self._guard:
            self._going_on.update(names)
        try:
            yield
        finally:
            with self._guard:
                self._count += 1
                self._last.update(dict.fromkeys(names, self._count))
                self._going_on.subtract(names)

    def all_changed(self) -> None:
        """The file was opened anew: nothing that is remembered of any table need be true."""
        with self._guard:
            self._count += 1
            self._oldest = self._count
            self._last.clear()
