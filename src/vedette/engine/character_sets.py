"""Bracketed classes of characters that RE2 has no form for: nested ones, and what is left of two of them.

KQL's brackets nest (`[x[^xyz]]`) and know an intersection (`&&`), a difference (`--`) and a symmetric difference
(`~~`); all three bind equally, weaker than standing side by side. RE2 takes those signs for characters. Such a class
is worked out here, over all of Unicode, and becomes a class of plain ranges.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred

if TYPE_CHECKING:
    import re2
else:
    re2 = deferred("re2")

Ranges = tuple[tuple[int, int], ...]
"""Code points from one to another, both included; in order, none touching another."""

_LAST = 0x10FFFF
_OPERATORS = ("&&", "--", "~~")


@dataclass
class Characters:
    """What stands in a bracket: parts of plain members or further brackets, between operators."""

    negated: bool
    operands: list[list[str | Characters]] = field(default_factory=lambda: [[]])
    operators: list[str] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """RE2 has a form for it."""
        return not self.operators and all(isinstance(part, str) for part in self.operands[0])


def read(pattern: str, at: int) -> tuple[Characters, int] | None:
    """The bracket that opens at a place of a pattern, and where the pattern goes on; None for one that nothing closes."""
    at += 1
    found = Characters(pattern.startswith("^", at))
    at += found.negated
    begin = at
    while pattern.startswith("-", at):
        at += 1
    at += pattern.startswith("]", at)
    while at < len(pattern):
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            at = end + 2
        elif pattern[at] == "\\":
            at += 2
        elif pattern[at] == "[":
            inner = read(pattern, at)
            if inner is None:
                return None
            found.operands[-1] += [pattern[begin:at], inner[0]]
            begin = at = inner[1]
        elif pattern[at] == "]":
            found.operands[-1].append(pattern[begin:at])
            return found, at + 1
        elif (operator := pattern[at : at + 2]) in _OPERATORS:
            found.operands[-1].append(pattern[begin:at])
            found.operators.append(operator)
            found.operands.append([])
            begin = at = at + 2
        else:
            at += 1
    return None


def written(characters: Characters, form: Callable[[str], str]) -> str:
    """The class as RE2 reads it; `form` writes a plain bracket so."""
    ranges = _ranges(characters, form)
    if not ranges:
        return f"[^\\x{{0}}-\\x{{{_LAST:x}}}]"
    return "[" + "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in ranges) + "]"


def _ranges(characters: Characters, form: Callable[[str], str]) -> Ranges:
    left: Ranges = ()
    for operator, operand in zip(["", *characters.operators], characters.operands, strict=True):
        right: Ranges = ()
        for part in operand:
            right = _union(right, _ranges(part, form) if isinstance(part, Characters) else _members(part, form))
        if operator == "&&":
            left = _common(left, right)
        elif operator == "--":
            left = _common(left, _others(right))
        elif operator == "~~":
            left = _union(_common(left, _others(right)), _common(right, _others(left)))
        else:
            left = right
    return _others(left) if characters.negated else left


def _members(text: str, form: Callable[[str], str]) -> Ranges:
    first = "\\" if text.startswith("^") else ""
    return _matched(form(f"[{first}{text}]")) if text else ()


@functools.lru_cache(maxsize=1)
def _all() -> str:
    return "".join(chr(code) for code in range(_LAST + 1) if not 0xD800 <= code <= 0xDFFF)


@functools.lru_cache(maxsize=256)
def _matched(single: str) -> Ranges:
    """The characters that an expression for a single one matches."""
    text = _all()
    options = re2.Options()
    options.log_errors = False
    runs = (found.span() for found in re2.compile(f"(?:{single})+", options).finditer(text))
    return tuple((ord(text[begin]), ord(text[end - 1])) for begin, end in runs)


def _union(left: Ranges, right: Ranges) -> Ranges:
    out: list[tuple[int, int]] = []
    for low, high in sorted(left + right):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def _others(ranges: Ranges) -> Ranges:
    out: list[tuple[int, int]] = []
    free = 0
    for low, high in ranges:
        if low > free:
            out.append((free, low - 1))
        free = high + 1
    if free <= _LAST:
        out.append((free, _LAST))
    return tuple(out)


def _common(left: Ranges, right: Ranges) -> Ranges:
    return _others(_union(_others(left), _others(right)))
