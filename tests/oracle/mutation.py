"""Seeded mutations of queries: another operator, type or name, a bracket more or less, a token lost or said twice."""

from __future__ import annotations

import random

from vedette.kql.lexer import END, LONG, NAME, STRING, TYPE_KEYWORDS, tokenize

_OPERATORS = (
    "==",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "=~",
    "has",
    "contains",
    "startswith",
    "in",
    "+",
    "-",
    "*",
    "/",
    "and",
    "or",
)
_TABULAR = ("where", "extend", "project", "summarize", "sort", "take", "distinct", "mv-expand", "join", "count")
_TYPES = tuple(sorted(TYPE_KEYWORDS))
_VALUES = ('"text"', "1", "1.5", "1d", "true", "datetime(2024-01-01)", "dynamic([1])", "int(null)", "now()")
_CALLS = ("tostring", "toint", "count", "strlen", "max", "ago", "bin", "iff", "split", "parse_json", "isnotempty")
_BRACKETS = ("(", ")", "[", "]")


def mutated(text: str, seed: int) -> str:
    """The text with one to three changes; the same for the same seed."""
    choice = random.Random(seed)
    for _ in range(choice.choice((1, 1, 2, 3))):
        text = _once(text, choice)
    return text


def _once(text: str, choice: random.Random) -> str:
    tokens = tokenize(text)
    places = [
        (kind, start, end)
        for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True)
        if kind != END
    ]
    if not places:
        return text
    kind, start, end = choice.choice(places)
    word = text[start:end]

    def put(new: str) -> str:
        return f"{text[:start]}{new}{text[end:]}"

    if kind in _OPERATORS:
        return put(choice.choice(_OPERATORS))
    if kind in _TABULAR:
        return put(choice.choice(_TABULAR))
    if kind in TYPE_KEYWORDS:
        return put(choice.choice(_TYPES))
    match choice.randrange(8):
        case 0:
            return put("")
        case 1:
            return put(f"{word} {word}")
        case 2:
            return put(choice.choice(_BRACKETS) + word)
        case 3:
            return put(f"({word})")
    if kind == NAME and text[end : end + 1] == "(":
        return put(choice.choice(_CALLS))
    if kind == NAME:
        other = choice.choice([text[s:e] for k, s, e in places if k == NAME])
        return put(choice.choice((word + "x", word.upper(), other)))
    if kind in (STRING, LONG):
        return put(choice.choice(_VALUES))
    return put(choice.choice((",", "|", ".", "=", "")))
