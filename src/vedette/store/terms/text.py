"""What counts as a term in the index, and which terms a row must have for a needle to stand in it.

Texts and needles are cut by the same rule, which is coarser than the language's: a term is a maximal run of ASCII letters and digits,
or one of characters beyond ASCII, in lower case. The language's own boundaries (rule 14) tell letters beyond ASCII from other
characters; a cut that does not ask which they are never loses a row, and the rows found are checked by the query itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LEAST: Final = 3
"""Shorter terms are in nearly every row, and not in the index."""
LONGEST: Final = 64
"""Of a longer term only so many bytes are kept, and `CUT`."""
IDENTIFIER_PARTS: Final = (3, 4, 12)
"""Lengths of the terms that may be such a part of a GUID as `is_identifier_part` tells."""
CUT: Final = b"\x01"
"""Ends a term that was too long. No term holds it otherwise."""

_RUNS: Final = re.compile(rb"[0-9a-z]+|[\x80-\xff]+")
_MIXED: Final = re.compile(rb"[0-9a-z.]+|[\x80-\xff]+")
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_HEX: Final = re.compile(rb"[0-9a-f]+")
_ADDRESS: Final = re.compile(rb"(?<![0-9a-z])[0-9]{1,3}(?=((?:\.[0-9]{1,3}){3})(?![0-9a-z]))")


def _table() -> bytes:
    kept = set(b"0123456789abcdefghijklmnopqrstuvwxyz.") | set(range(0x80, 0x100))
    table = bytearray(code if code in kept else 0x20 for code in range(256))
    for code in range(ord("A"), ord("Z") + 1):
        table[code] = code + 32
    return bytes(table)


_FOLD: Final = _table()


def terms_of(text: bytes) -> set[bytes]:
    """The different terms of a text in lower case (UTF-8), of any length; four numbers with dots between are one more."""
    found = set(text.translate(_FOLD).split())
    if not text.isascii():
        mixed = [run for run in found if not run.isascii()]
        found.difference_update(mixed)
        for run in mixed:
            found.update(_MIXED.findall(run))
    if b"." in text:
        dotted = [run for run in found if b"." in run]
        found.difference_update(dotted)
        for run in dotted:
            parts = run.split(b".")
            found.update(parts)
            if len(parts) > 3:
                found.update(_addresses(parts))
    return found


def _addresses(parts: list[bytes]) -> Iterator[bytes]:
    numbers = [len(part) < 4 and part.isdigit() for part in parts]
    for first in range(len(parts) - 3):
        if numbers[first] and numbers[first + 1] and numbers[first + 2] and numbers[first + 3]:
            yield b".".join(parts[first : first + 4])


def unescaped(text: str) -> str:
    """JSON text with its escapes replaced by the characters that they are: what a property's own text has in it."""
    return _ESCAPED.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    if found[1] is not None:
        code = int(found[1], 16)
        return " " if 0xD800 <= code < 0xE000 else chr(code)
    return " " if found[2] in "bfnrt" else found[2]


def kept_form(term: bytes) -> bytes:
    """A term as the index holds it."""
    return term if len(term) <= LONGEST else term[:LONGEST] + CUT


def is_identifier_part(term: bytes) -> bool:
    """Whether a term looks like the short parts of a GUID or its last one, which tell little beside the first."""
    return len(term) in IDENTIFIER_PARTS and _HEX.fullmatch(term) is not None


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that a term of the row must be: equal to `text`, or (`open_left`, `open_right`) longer on that side."""

    text: bytes
    open_left: bool = False
    open_right: bool = False

    @property
    def exact(self) -> bool:
        """Whether it is a whole term."""
        return not self.open_left and not self.open_right


@dataclass(frozen=True, slots=True)
class Needle:
    """A text in lower case, and what is known of its edges where it stands in a row.

    `bound`: a letter or digit at that edge has none of its kind beside it. `whole`: the row's text ends there.
    """

    text: str
    bound_left: bool = False
    bound_right: bool = False
    whole_left: bool = False
    whole_right: bool = False

    def pieces(self) -> list[Piece]:
        """What terms a row has wherever the needle stands in it; those first that tell most. Empty: nothing is known."""
        wanted = self.text.encode("utf-8", "surrogatepass")
        found: list[Piece] = []
        for run in _RUNS.finditer(wanted):
            ascii_run = run[0][0] < 0x80
            left = run.start() > 0 or self.whole_left or (self.bound_left and ascii_run)
            right = run.end() < len(wanted) or self.whole_right or (self.bound_right and ascii_run)
            if len(run[0]) >= LEAST:
                found.append(Piece(run[0], not left, not right))
        for start in _ADDRESS.finditer(wanted):
            end = start.end(1)
            left = start.start() > 0 or self.whole_left or self.bound_left
            right = end < len(wanted) or self.whole_right or self.bound_right
            if left and right:
                found.append(Piece(wanted[start.start() : end]))
        found = list(dict.fromkeys(found))
        return sorted(found, key=lambda piece: (not piece.exact, -len(piece.text)))
