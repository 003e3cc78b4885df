"""A place in the tokens: looking ahead, taking, expecting, reporting, and finding the way back after an error.

The parser never raises on a faulty text: what is missing is reported once and stands as `Missing`, so that the
tree around it keeps its shape (editors complete names in half-written queries). The exceptions are nesting
beyond `MAX_NESTING` and more than `MAX_DIAGNOSTICS` findings, which end the parse (`GivenUp`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, NoReturn, TypeVar

from vedette.kql.diagnostics import MAX_DIAGNOSTICS, Diagnostic, nearest
from vedette.kql.foreign import CHART_KINDS_ELSEWHERE, JOIN_KINDS_ELSEWHERE, hint
from vedette.kql.lexer import END, KEYWORDS, NAME, STRING, tokenize
from vedette.kql.syntax import Missing

MAX_NESTING: Final = 100
"""Brackets inside brackets. Each level costs up to seven Python frames of the thousand; real rules stay below twenty."""

LIST_ENDS: Final = frozenset({")", "]", "}", "|", ";", END})
"""What ends any list of operands."""

_OPENERS: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSERS: Final = frozenset(_OPENERS.values())

T = TypeVar("T")


class GivenUp(Exception):
    """Nesting is beyond the limit, or findings are too many; what there is to say is already recorded."""


class Cursor:
    """Tokens of one text and the index of the current one."""

    __slots__ = ("depth", "diagnostics", "ends", "i", "kinds", "reported", "starts", "text")

    def __init__(self, text: str) -> None:
        tokens = tokenize(text)
        self.text = text
        self.kinds = tokens.kinds
        self.starts = tokens.starts
        self.ends = tokens.ends
        self.diagnostics = tokens.diagnostics
        self.i = 0
        self.depth = 0
        self.reported = -1

    # --- looking and taking ----------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """The kind of the current token."""
        return self.kinds[self.i]

    def peek(self, offset: int = 1) -> str:
        """The kind of a token further on; `END` past the last one."""
        index = self.i + offset
        return self.kinds[index] if index < len(self.kinds) else END

    def word(self, offset: int = 0) -> str:
        """The text of the current token, or of one further on."""
        index = min(self.i + offset, len(self.kinds) - 1)
        return self.text[self.starts[index] : self.ends[index]]

    @property
    def start(self) -> int:
        """Where the current token starts."""
        return self.starts[self.i]

    @property
    def last_end(self) -> int:
        """Where the token before the current one ends."""
        return self.ends[self.i - 1] if self.i else 0

    def take(self, kind: str) -> bool:
        """Goes past the current token if it is of this kind."""
        if self.kinds[self.i] == kind:
            self.i += 1
            return True
        return False

    def take_word(self, word: str) -> bool:
        """Goes past the current token if it is this word, keyword or not."""
        if self.kinds[self.i] == word or (self.kinds[self.i] == NAME and self.word() == word):
            self.i += 1
            return True
        return False

    def adjacent(self, pieces: str) -> bool:
        """Goes past tokens that make up `pieces` with nothing between them, such as `-->`."""
        index, done = self.i, 0
        while done < len(pieces):
            kind = self.kinds[index]
            if kind == END or not pieces.startswith(kind, done):
                return False
            if done and self.starts[index] != self.ends[index - 1]:
                return False
            done += len(kind)
            index += 1
        self.i = index
        return True

    def expect(self, kind: str) -> bool:
        """Goes past the current token if it is of this kind, else reports it as missing."""
        if self.kinds[self.i] == kind:
            self.i += 1
            return True
        self.expected(kind)
        return False

    def close(self, kind: str) -> None:
        """Goes past a closing bracket; what stands before it and does not belong there is reported and skipped."""
        if self.kinds[self.i] == kind:
            self.i += 1
            return
        self.expected(kind)
        self.skip()
        self.take(kind)

    # --- reporting -------------------------------------------------------------------------------

    def report(self, code: str, message: str, start: int, end: int, severity: str = "Error") -> None:
        """Records a finding about the text from `start` to `end`; too many of them end the parse."""
        if len(self.diagnostics) >= MAX_DIAGNOSTICS:
            raise GivenUp
        self.diagnostics.append(Diagnostic(code, message, start, end - start, severity))

    def expected(self, what: str, code: str = "KS005") -> None:
        """Records that `what` should stand here; once per place, since what follows is only a consequence."""
        if self.reported == self.i:
            return
        self.reported = self.i
        message = f"expected {what}"
        if self.kinds[self.i] == END or self.start > self.last_end + 1 or self._line_break_before():
            self.report(code, message, self.last_end, self.last_end)
        else:
            shown = self.shown()
            said = hint(self.text, self.start, self.ends[self.i], self._before())
            self.report(code, f"{message} before {shown}{said}", self.start, self.ends[self.i])

    def shown(self) -> str:
        """The current token as a message may quote it: not a hidden string, and not at any length."""
        found = self.word()
        if self.kinds[self.i] == STRING and found[0] in "hH":
            return "a hidden string"
        return found if len(found) <= 40 else found[:37] + "..."

    def missing(self, what: str) -> Missing:
        """Records that an operand is missing after the previous token; the node that stands in its place."""
        end = self.last_end
        if self.reported != self.i:
            self.reported = self.i
            kind = self.kinds[self.i]
            message = f"missing {what}"
            if kind in KEYWORDS and what in ("expression", "name"):
                message += f"; to use the keyword {kind} as a name, write ['{kind}']"
            else:
                message += hint(self.text, self.start, self.ends[self.i])
            self.report("KS006", message, end, end)
        return Missing(start=end, end=end)

    def unknown_word(self, what: str, word: str, known: Collection[str], start: int, end: int) -> None:
        """Records that `word` is none of the words that may stand here."""
        elsewhere = JOIN_KINDS_ELSEWHERE.get(word.lower()) or CHART_KINDS_ELSEWHERE.get(word.lower())
        close = elsewhere if elsewhere in known else nearest(word, known)
        hint = f"; did you mean {close}?" if close else f"; it must be one of {', '.join(known)}"
        self.report("KS005", f"{word} is no {what}{hint}", start, end)

    def _before(self) -> str:
        return self.text[self.starts[self.i - 1] : self.ends[self.i - 1]] if self.i else ""

    def _line_break_before(self) -> bool:
        gap = self.text[self.last_end : self.start]
        return "\n" in gap or "\r" in gap

    def at_line_start(self) -> bool:
        """Whether the current token is the first one of its line."""
        return self.i == 0 or self._line_break_before()

    def too_deep(self) -> NoReturn:
        """Records that the nesting is beyond the limit and ends the parse."""
        self.diagnostics.append(
            Diagnostic(
                "KS245", f"more than {MAX_NESTING} levels of nesting", self.start, self.ends[self.i] - self.start
            )
        )
        raise GivenUp

    # --- lists and recovery ----------------------------------------------------------------------

    def comma_list(
        self,
        element: Callable[[], T | None],
        missing: Callable[[], T],
        ends: Collection[str] = LIST_ENDS,
        *,
        required: bool = True,
        trailing: bool = False,
        recover: bool = True,
    ) -> list[T]:
        """Elements with commas between them, up to one of `ends`.

        `required`: at least one element. `trailing`: a comma may stand after the last one. `recover`: a
        missing comma is reported and the list goes on, where another element follows; otherwise the list ends there.
        """
        items: list[T] = []
        kinds = self.kinds
        if kinds[self.i] in ends:
            return [missing()] if required else items
        comma_missing = False
        while True:
            before = self.i
            found, reported = len(self.diagnostics), self.reported
            if comma_missing:
                self.expected(",")
            item = element()
            if item is None and comma_missing and self.i == before:
                # no element, so that no comma is missing either: whoever comes next tells what is wrong here
                del self.diagnostics[found:]
                self.reported = reported
                return items
            if item is None:
                if trailing and items:
                    return items
                if items or required or kinds[self.i] == ",":
                    items.append(missing())
            else:
                items.append(item)
            if kinds[self.i] == ",":
                self.i += 1
                if kinds[self.i] in ends:
                    if not trailing:
                        items.append(missing())
                    return items
                comma_missing = False
                continue
            if not recover or item is None or self.i == before or kinds[self.i] in ends or self.at_line_start():
                return items
            comma_missing = True

    def skip(self) -> None:
        """Goes on to the next `|`, `;`, closing bracket or the end, past whole brackets."""
        kinds = self.kinds
        depth = 0
        while True:
            kind = kinds[self.i]
            if kind == END:
                return
            if kind in _OPENERS:
                depth += 1
            elif kind in _CLOSERS:
                if not depth:
                    return
                depth -= 1
            elif not depth and kind in ("|", ";"):
                return
            self.i += 1
