"""Encoded queries of ServiceNow (`active=true^priority<=2^ORDERBYDESCsys_created_on`).

As on the instance, a condition on a field that the table does not have is passed over: it hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from vedette.range.documents import Document

_CONDITION: Final = re.compile(
    r"(?P<field>[A-Za-z_][\w.]*?)"
    r"(?P<operator>!=|>=|<=|=|>|<|NOT IN|NOTLIKE|NOT LIKE|STARTSWITH|ENDSWITH|DOES NOT CONTAIN|CONTAINS|LIKE|ISNOTEMPTY|"
    r"ISEMPTY|ANYTHING|BETWEEN|IN)"
    r"(?P<value>.*)",
    re.DOTALL,
)
_Test = Callable[[Document], bool]


class QueryRefused(Exception):
    """A query that cannot be read."""


def read(text: str, has_field: Callable[[str], bool]) -> tuple[_Test, list[tuple[str, bool]]]:
    """The predicate of an encoded query, and its order as (field, descending)."""
    order: list[tuple[str, bool]] = []
    groups: list[list[list[_Test]]] = [[]]  # ^NQ of ^ of ^OR
    for part in re.split(r"\^(?!\^)", text) if text else []:
        if part.startswith("ORDERBYDESC"):
            order.append((part.removeprefix("ORDERBYDESC"), True))
        elif part.startswith("ORDERBY"):
            order.append((part.removeprefix("ORDERBY"), False))
        elif part in ("", "EQ"):
            continue
        elif part.startswith("NQ"):
            groups.append([[_condition(part[2:], has_field)]])
        elif part.startswith("OR"):
            if not groups[-1]:
                raise QueryRefused(f"'{part}' follows no condition")
            groups[-1][-1].append(_condition(part[2:], has_field))
        else:
            groups[-1].append([_condition(part, has_field)])
    return (
        lambda record: any(all(any(test(record) for test in tests) for tests in group) for group in groups),
        [(name, descending) for name, descending in order if has_field(name)],
    )


def _condition(text: str, has_field: Callable[[str], bool]) -> _Test:
    match = _CONDITION.fullmatch(text)
    if match is None or "." in match["field"] or not has_field(match["field"]):
        return lambda record: True
    field, operator, value = match["field"], match["operator"], match["value"]
    test = _test(operator, value)
    return lambda record: test(str(record.get(field, "")))


def _test(operator: str, value: str) -> Callable[[str], bool]:
    folded = value.lower()
    choices = [each.strip().lower() for each in value.split(",")]
    if operator == "BETWEEN":
        first, _, last = value.partition("@")
        return lambda text: _key(first) <= _key(text) <= _key(last)
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda text: text.lower() == folded,
        "!=": lambda text: text.lower() != folded,
        ">": lambda text: bool(text) and _key(text) > _key(value),
        ">=": lambda text: bool(text) and _key(text) >= _key(value),
        "<": lambda text: bool(text) and _key(text) < _key(value),
        "<=": lambda text: bool(text) and _key(text) <= _key(value),
        "IN": lambda text: text.lower() in choices,
        "NOT IN": lambda text: text.lower() not in choices,
        "LIKE": lambda text: folded in text.lower(),
        "CONTAINS": lambda text: folded in text.lower(),
        "NOTLIKE": lambda text: folded not in text.lower(),
        "NOT LIKE": lambda text: folded not in text.lower(),
        "DOES NOT CONTAIN": lambda text: folded not in text.lower(),
        "STARTSWITH": lambda text: text.lower().startswith(folded),
        "ENDSWITH": lambda text: text.lower().endswith(folded),
        "ISEMPTY": lambda text: not text,
        "ISNOTEMPTY": lambda text: bool(text),
        "ANYTHING": lambda text: True,
    }
    return tests[operator]


def sort_key(record: Document, field: str) -> tuple[int, float, str]:
    """A key that orders numbers as numbers."""
    return _key(str(record.get(field, "")))


def _key(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), "")
    except ValueError:
        return (1, 0.0, text.lower())
