"""A document that has been read: its value, and where in the file each part of it stands."""

from __future__ import annotations

from collections.abc import Callable

from vedette.detect.rule import JsonValue

Path = tuple[str | int, ...]
"""The way to a part of a document: keys and positions from the root."""


class Document:
    """One value read from a file. `line(path)` is the 1-based line of that part, or of the nearest part around it."""

    def __init__(
        self,
        value: JsonValue,
        file: str,
        line: Callable[[Path], int | None],
        literals: dict[Path, str] | None = None,
        root: Path = (),
    ) -> None:
        self.value = value
        self.file = file
        self._line = line
        self._literals = literals or {}
        self._root = root

    def line(self, path: Path = ()) -> int | None:
        """The line on which the part at `path` starts; that of the part around it when `path` leads nowhere."""
        return self._line(self._root + path)

    def literal(self, path: Path) -> str | None:
        """A number's or boolean's own spelling (version 1.10 is not 1.1), or None for other values."""
        return self._literals.get(self._root + path)

    def at(self, path: Path, value: JsonValue) -> Document:
        """The part at `path` as a document of its own, with `value` in its place (evaluated or not)."""
        return Document(value, self.file, self._line, self._literals, self._root + path)
