"""`$search` over directory objects: `"displayName:ann" AND ("mail:x" OR "mail:y")`.

Source: "Use the $search query parameter" of Microsoft Graph's reference: quoted clauses, AND and OR in capitals, and the header
`ConsistencyLevel: eventual`. A clause holds where the property, or a word in it, begins with the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vedette.range.documents import Document
from vedette.range.graph.errors import bad_request

if TYPE_CHECKING:
    from vedette.range.graph.query import EntityType

_TOKEN: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|AND|OR|\(|\))')
_DEEPEST: Final = 50
"""How deep brackets may be nested."""
_Test = Callable[[Document], bool]


def read(text: str, kind: EntityType, consistency: str) -> _Test:
    """The predicate of a `$search`."""
    if consistency != "eventual":
        raise bad_request(
            "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
            code="Request_UnsupportedQuery",
        )
    return _Reader(text, kind).whole()


class _Reader:
    def __init__(self, text: str, kind: EntityType) -> None:
        self._text, self._kind, self._at = text, kind, 0
        self._depth = 0
        self._searched = {name.lower(): name for name in kind.searched}

    def whole(self) -> _Test:
        found = self._either()
        if self._text[self._at :].strip():
            raise self._wrong()
        return found

    def _either(self) -> _Test:
        first = self._both()
        while self._take("OR"):
            first = _or(first, self._both())
        return first

    def _both(self) -> _Test:
        first = self._one()
        while self._take("AND"):
            first = _and(first, self._one())
        return first

    def _one(self) -> _Test:
        if self._take("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._wrong()
            inner = self._either()
            if not self._take(")"):
                raise self._wrong()
            self._depth -= 1
            return inner
        match = _TOKEN.match(self._text, self._at)
        if match is None or not match[1].startswith('"'):
            raise self._wrong()
        self._at = match.end()
        return self._clause(re.sub(r"\\(.)", r"\1", match[1][1:-1]))

    def _clause(self, clause: str) -> _Test:
        name, colon, text = clause.partition(":")
        known = self._searched.get(name.strip().lower())
        if not colon or known is None or not text.strip():
            raise bad_request(f"Unrecognized query argument specified: '{clause}'.", code="Request_UnsupportedQuery")
        begin = text.strip().lower()

        def test(document: Document) -> bool:
            value = str(document.get(known) or "").lower()
            return value.startswith(begin) or any(word.startswith(begin) for word in re.split(r"[^0-9a-z]+", value))

        return test

    def _take(self, token: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match[1] != token:
            return False
        self._at = match.end()
        return True

    def _wrong(self) -> Exception:
        return bad_request(f"Syntax error: character at position {self._at} of $search was not expected.")


def _and(first: _Test, second: _Test) -> _Test:
    return lambda document: first(document) and second(document)


def _or(first: _Test, second: _Test) -> _Test:
    return lambda document: first(document) or second(document)
