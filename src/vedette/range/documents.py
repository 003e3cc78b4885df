"""Collections of JSON documents: what the fake tenant keeps of resources that have no type of their own in `state`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Key = tuple[str, ...]


class Collection:
    """Documents by id, in the order in which they came; ids are compared without case.

    A document that is changed has to be `put` again: that is what moves `version` and what is saved.
    """

    def __init__(self, key: Key, changed: set[tuple[Key, str]]) -> None:
        self.key = key
        self.version = 0
        self._items: dict[str, Document] = {}
        self._changed = changed

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._items

    def __iter__(self) -> Iterator[Document]:
        return iter(list(self._items.values()))

    def oldest(self) -> str | None:
        """The id (in lower case) of the document that came first, or None."""
        return next(iter(self._items), None)

    def items(self) -> list[tuple[str, Document]]:
        """Every document with its id in lower case."""
        return list(self._items.items())

    def get(self, name: str) -> Document | None:
        """The document of that id, or None."""
        return self._items.get(name.lower())

    def put(self, name: str, document: Document) -> Document:
        """Add or replace; the document is returned."""
        self._items[name.lower()] = document
        self._note(name)
        return document

    def delete(self, name: str) -> Document | None:
        """Take a document away; it is returned, or None if there was none."""
        gone = self._items.pop(name.lower(), None)
        if gone is not None:
            self._note(name)
        return gone

    def _note(self, name: str) -> None:
        self.version += 1
        self._changed.add((self.key, name.lower()))


class Documents:
    """Every collection, by a path such as `("graph", directory_id, "security/alerts_v2")`."""

    def __init__(self) -> None:
        self._collections: dict[Key, Collection] = {}
        self.changed: set[tuple[Key, str]] = set()
        """What was put or deleted since the storage last saved; the storage empties it."""

    def of(self, *path: str) -> Collection:
        """The collection at a path (compared without case); it is made when it is first asked for."""
        key = tuple(part.lower() for part in path)
        collection = self._collections.get(key)
        if collection is None:
            collection = self._collections[key] = Collection(key, self.changed)
        return collection

    def below(self, *path: str) -> list[Collection]:
        """Every collection whose path starts so."""
        key = tuple(part.lower() for part in path)
        return [found for name, found in self._collections.items() if name[: len(key)] == key]
