r"""Regular expressions: KQL's dialect, run by RE2 (rule 27).

KQL's classes `\d`, `\w` and `\s` are Unicode's and a group may be named `(?<name>...)`; RE2 takes the classes for
ASCII's and wants `(?P<name>...)`. `readings()` writes a pattern so that RE2 means what KQL means. `\b` stays ASCII's;
the boundaries of one side of a word (`\<`, `\b{start}`), which RE2 has no form for, are refused, and so is RE2's own
`\C`, which takes half a character.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vedette.core.deferred import deferred
from vedette.engine import character_sets

if TYPE_CHECKING:
    import re2
else:
    re2 = deferred("re2")

_DIGIT = r"\p{Nd}"
_WORD = r"\p{L}\p{M}\p{Nd}\p{Pc}"
_SPACE = r"\t\n\v\f\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_UNICODE = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_ASCII = {"s": r"\s\v"}  # RE2 leaves the vertical tab out of `\s`, Unicode does not
_CODE = re.compile(r"\\[uU]\{([0-9A-Fa-f]{1,6})\}|\\u([0-9A-Fa-f]{4})|\\U00([0-9A-Fa-f]{6})")
_REFUSED = re.compile(r"\\[<>C]|\\b\{(?:start|end)(?:-half)?\}")
_PROPERTY = re.compile(r"\\([pP])\{(\^?)(?:(?:gc|general_category|sc|script)[=:])?([A-Za-z _-]+)\}", re.IGNORECASE)
_CATEGORIES = {
    "letter": "L", "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm",
    "otherletter": "Lo", "mark": "M", "nonspacingmark": "Mn", "spacingmark": "Mc", "enclosingmark": "Me", "number": "N",
    "decimalnumber": "Nd", "letternumber": "Nl", "othernumber": "No", "punctuation": "P", "connectorpunctuation": "Pc",
    "dashpunctuation": "Pd", "openpunctuation": "Ps", "closepunctuation": "Pe", "initialpunctuation": "Pi",
    "finalpunctuation": "Pf", "otherpunctuation": "Po", "symbol": "S", "mathsymbol": "Sm", "currencysymbol": "Sc",
    "modifiersymbol": "Sk", "othersymbol": "So", "separator": "Z", "spaceseparator": "Zs", "lineseparator": "Zl",
    "paragraphseparator": "Zp", "control": "Cc", "format": "Cf", "privateuse": "Co", "any": "Any",
}  # fmt: skip
"""General categories by the names that Unicode gives them in full; RE2 knows the short ones alone."""
_FLAGS_FIRST = re.compile(r"\(\?[A-Za-z]*i[A-Za-z]*\)")
_IGNORES_CASE = re.compile(r"\(\?[A-Za-z]*i[A-Za-z]*(?:-[A-Za-z]*)?[:)]")


class _UnsupportedError(ValueError):
    """A part of a pattern that KQL has and RE2 has no form for; its text says which."""


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _cause(pattern: str) -> str | None:
    """Why RE2 does not take a pattern, or None where it does."""
    try:
        re2.compile(pattern, _options())
    except re2.error as error:
        cause = error.args[0] if error.args else "it cannot be read"
        return cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
    return None


@functools.lru_cache(maxsize=1024)
def readings(pattern: str) -> tuple[str, str]:
    """A pattern of KQL's as RE2 reads it: for texts of ASCII only, and for all others.

    The two find the same in ASCII, but Unicode's classes make RE2 up to ten times slower.
    """
    plain = _rewritten(pattern, _ASCII)
    exact = _rewritten(pattern, _UNICODE)
    # repeated Unicode classes can outgrow RE2's memory; ASCII's always fit
    return plain, exact if exact == plain or _cause(exact) is None else plain


def _rewritten(pattern: str, classes: dict[str, str]) -> str:
    """The pattern with what RE2 reads differently replaced."""
    out: list[str] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            piece, at = _escape(pattern, at, classes)
            out.append(piece)
        elif character == "[":
            piece, at = _set(pattern, at, classes)
            out.append(piece)
        elif pattern.startswith("(?<", at) and pattern[at + 3 : at + 4] not in ("=", "!"):
            out.append("(?P<")
            at += 3
        else:
            out.append(character)
            at += 1
    return "".join(out)


def _escape(pattern: str, at: int, classes: dict[str, str]) -> tuple[str, int]:
    """An escape outside of brackets, and where the text goes on."""
    letter = pattern[at + 1 : at + 2]
    if letter == "Q":
        end = pattern.find("\\E", at)
        end = len(pattern) if end < 0 else end + 2
        return pattern[at:end], end
    refused = _REFUSED.match(pattern, at)
    if refused:
        raise _UnsupportedError(refused[0])
    code = _CODE.match(pattern, at)
    if code:
        return _coded(code), code.end()
    named = _PROPERTY.match(pattern, at)
    if named:
        return _property(named, False), named.end()
    if letter.lower() in classes:
        return f"[{'^' if letter.isupper() else ''}{classes[letter.lower()]}]", at + 2
    return pattern[at : at + 2], at + 2


def _property(found: re.Match[str], bracketed: bool) -> str:
    """A class by a property of Unicode, as RE2 names it: names are taken whatever their case, blanks and underscores."""
    negated = (found[1] == "P") != bool(found[2])
    name = re.sub("[ _-]", "", found[3]).lower()
    if name == "ascii":
        members = r"\x{80}-\x{10FFFF}" if negated else r"\x00-\x7F"
        return members if bracketed else f"[{members}]"
    if len(name) <= 2:
        short = name.capitalize()
    else:
        short = _CATEGORIES.get(name) or "_".join(part.capitalize() for part in re.split("[ _-]", found[3]))
    return f"\\{'P' if negated else 'p'}{{{short}}}"


def _coded(code: re.Match[str]) -> str:
    """A character by its number, as RE2 writes it."""
    return f"\\x{{{code[1] or code[2] or code[3]}}}"


def _set(pattern: str, at: int, classes: dict[str, str]) -> tuple[str, int]:
    """A bracketed class with all that may stand in it, and where the text goes on."""
    found = character_sets.read(pattern, at)
    if found is None:
        return _bracket(pattern, at, classes)
    characters, end = found
    if characters.plain:
        if not (characters.negated and any(f"\\{letter.upper()}" in pattern[at:end] for letter in classes)):
            return _bracket(pattern, at, classes)
        # a negated class within a negated bracket is worked out, too
    fold = "(?i)" if _FLAGS_FIRST.match(pattern) else ""
    if not fold and _IGNORES_CASE.search(pattern):
        raise _UnsupportedError(f"{pattern[at:end]} together with (?i) within the pattern")
    return character_sets.written(characters, lambda text: fold + _bracket(text, 0, classes)[0]), end


def _bracket(pattern: str, at: int, classes: dict[str, str]) -> tuple[str, int]:
    """A bracketed class of plain members, and where the text goes on."""
    start = at
    at += 1
    negated = pattern.startswith("^", at)
    at += negated
    members: list[str] = []
    others: list[str] = []
    first = True
    while at < len(pattern) and (pattern[at] != "]" or first):
        first = False
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) > 0:
            members.append(pattern[at : end + 2])
            at = end + 2
        elif pattern[at] == "\\":
            letter = pattern[at + 1 : at + 2]
            code = _CODE.match(pattern, at)
            if code:
                members.append(_coded(code))
                at = code.end()
                continue
            named = _PROPERTY.match(pattern, at)
            if named:
                members.append(_property(named, True))
                at = named.end()
                continue
            if letter in classes:
                members.append(classes[letter])
            elif letter == "D" and "d" in classes:
                members.append(r"\P{Nd}")
            elif letter in ("W", "S") and letter.lower() in classes and not negated:
                others.append(f"[^{classes[letter.lower()]}]")
            else:
                members.append(pattern[at : at + 2])
            at += 2
        else:
            members.append(pattern[at])
            at += 1
    if at >= len(pattern):
        return pattern[start:], len(pattern)
    inside = "".join(members)
    if not others:
        return f"[{'^' if negated else ''}{inside}]", at + 1
    # a class holds no negated class of several properties: it becomes an alternative
    return f"(?:{'|'.join([f'[{inside}]', *others] if inside else others)})", at + 1


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str, plain: bool = False) -> Any | None:
    """A compiled expression of KQL's, or None where the text is none; `plain` for a text of ASCII only."""
    try:
        return re2.compile(readings(pattern)[0 if plain else 1], _options())
    except (re2.error, _UnsupportedError):
        return None


@functools.lru_cache(maxsize=512)
def fault(pattern: object) -> str | None:
    """What is wrong with a pattern, as a sentence that names the cause; None where nothing is.

    A number is none of a pattern's faults: where one may stand, its text is the pattern.
    """
    if not isinstance(pattern, str):
        return None
    try:
        cause = _cause(readings(pattern)[0])
    except _UnsupportedError as part:
        return f"Not supported in a regular expression: {part}"
    except re2.error:  # of a bracket that is worked out before
        cause = "invalid character class"
    if cause is None:
        return None
    hint = "; look-around is not part of KQL's regular expressions" if re.search(r"\(\?<?[=!]", pattern) else ""
    return f"The regular expression is not valid: {cause}{hint}"


def by_alphabet(source: object, pattern: str, call: Callable[[str], str]) -> str:
    """SQL that applies a constant pattern to a text: `call` gives the SQL for a pattern as RE2 reads it."""
    plain, exact = readings(pattern)
    if plain == exact:
        return call(plain)
    return f"CASE WHEN length({source}) = strlen({source}) THEN {call(plain)} ELSE {call(exact)} END"


_LEAST = 3
"""How long a text must be to be worth looking for."""
_PIECE = re.compile(
    r"(?P<escape>\\[^A-Za-z0-9])|(?P<class>\\[dDwWsSbB])|(?P<other>\\)|(?P<bracket>\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\])|"
    r"(?P<times>\*|\?|\+|\{\d*,?\d*\})|(?P<open>\()|(?P<close>\))|(?P<or>\|)|(?P<any>[.^$])|(?P<plain>.)",
    re.DOTALL,
)


@functools.lru_cache(maxsize=1024)
def required_text(pattern: str) -> str | None:
    """The longest text that stands in every match just as it is written; None where none is known.

    Only plain characters outside of groups and brackets count, and only in a pattern without flags or alternatives
    outside of groups.
    """
    if "(?" in pattern:
        return None
    runs: list[str] = [""]
    depth = 0
    for piece in _PIECE.finditer(pattern):
        kind, text = piece.lastgroup, piece[0]
        if kind == "other" or (kind == "or" and depth == 0):
            return None
        if kind in ("escape", "plain") and depth == 0:
            runs[-1] += text[-1]
            continue
        if kind == "times" and depth == 0:
            if not text.startswith("+"):
                # what may be missing, or come a number of times, ends the text before it
                runs[-1] = runs[-1][:-1]
        elif kind == "bracket" and re.search(r"[^\\]\[(?!:)", text):
            # a bracket in a bracket: where the outer one ends is not seen here
            return None
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        runs.append("")
    best = max(runs, key=len)
    return best if len(best) >= _LEAST else None


def group_count(pattern: str) -> int:
    """How many capture groups a pattern has; 0 for one that is not valid."""
    found = compiled(pattern)
    return int(found.groups) if found is not None else 0


def group_names(pattern: str) -> dict[str, int]:
    """The named capture groups of a pattern."""
    found = compiled(pattern)
    return dict(found.groupindex) if found is not None else {}
