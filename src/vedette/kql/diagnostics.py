"""Diagnostics: what is wrong in a query's text, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.kql.node import fact

if TYPE_CHECKING:
    import difflib

    from vedette.kql.bound import BoundQuery
    from vedette.kql.types import Type
else:
    difflib = deferred("difflib")

MAX_DIAGNOSTICS = 200
"""How many findings of one text are reported; nobody reads more, and a text of a million faults would take long."""
NO_WATCHLIST = "VDT1010"
"""Code of a watchlist that is not there: a query gets no rows of it, and a rule waits for it."""


@fact
class Diagnostic:
    """One finding. `start` and `length` count characters of the text."""

    code: str
    """Microsoft's code (KS142 ...) where one exists, else VDT and four digits."""
    message: str
    start: int
    length: int
    severity: str = "Error"


class KqlError(Exception):
    """A query that cannot be accepted; carries every diagnostic found, the first one leading."""

    def __init__(self, text: str, diagnostics: list[Diagnostic], partial: BoundQuery | None = None) -> None:
        self.text = text
        self.diagnostics = diagnostics
        self.partial = partial
        """What could be bound all the same; it has columns to show, and is never run."""
        super().__init__(diagnostics[0].message if diagnostics else "the query is not valid")


class Stop(Exception):
    """Raised inside the parser or binder to give up on one construct; carries its diagnostic.

    `type` is the type that the value would have had, where that is known all the same.
    """

    def __init__(self, diagnostic: Diagnostic, type_: Type | None = None) -> None:
        self.diagnostic = diagnostic
        self.type = type_
        super().__init__(diagnostic.message)


def sentence(message: str) -> str:
    """A message as a sentence: with a full stop, unless it ends in a mark of its own."""
    return message if message.endswith((".", "?", "!")) else f"{message}."


def position(text: str, offset: int) -> tuple[int, int]:
    """1-based line and column (in characters) of an offset."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def utf16_span(text: str, start: int, length: int) -> tuple[int, int]:
    """The same span counted in UTF-16 units, as Microsoft's tools count."""
    before = len(text[:start].encode("utf-16-le", "surrogatepass")) // 2
    return before, len(text[start : start + length].encode("utf-16-le", "surrogatepass")) // 2


def excerpt(text: str, diagnostic: Diagnostic) -> str:
    """The line of the text with the span underlined; hidden strings (`h"..."`) are masked."""
    from vedette.kql.lexer import masked  # the lexer reports diagnostics

    line, column = position(text, diagnostic.start)
    source = masked(text).split("\n")[line - 1].rstrip("\r")
    width = max(1, min(diagnostic.length, len(source) - column + 1))
    shown = source.replace("\t", " ")
    return f"{shown}\n{' ' * (column - 1)}{'^' * width}"


def render(text: str, diagnostic: Diagnostic) -> str:
    """Code, place, message and the underlined line, for a person at a terminal."""
    line, column = position(text, diagnostic.start)
    return f"{diagnostic.code}    line {line}, column {column}: {diagnostic.message}\n{excerpt(text, diagnostic)}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to a mistyped one, or None where nothing is close; of those that differ by case the most alike."""
    folded: dict[str, list[str]] = {}
    for candidate in known:
        folded.setdefault(candidate.lower(), []).append(candidate)
    lower = name.lower()
    close = [lower] if lower in folded else difflib.get_close_matches(lower, folded, n=1, cutoff=0.6)
    if not close:
        return None
    # of two that are as much alike the later one is said
    return max(reversed(folded[close[0]]), key=lambda one: sum(map(str.__eq__, one, name)))
