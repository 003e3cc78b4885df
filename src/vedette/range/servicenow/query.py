"""Encoded queries of ServiceNow (`active=true^priority<=2^ORDERBYDESCsys_created_on`).

As on the instance, a condition on a field that the table does not have is passed over: it hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from vedette.range.documents import Document
from vedette.range.servicenow.records import clock_text

_CONDITION: Final = re.compile(
    r"(?P<field>[A-Za-z_][\w.]*?)"
    r"(?P<operator>!=|>=|<=|=|>|<|NOT IN|NOTLIKE|NOT LIKE|STARTSWITH|ENDSWITH|DOES NOT CONTAIN|CONTAINS|LIKE|ISNOTEMPTY|"
    r"ISEMPTY|EMPTYSTRING|ANYTHING|BETWEEN|NSAMEAS|SAMEAS|INSTANCEOF|IN)"
    r"(?P<value>.*)",
    re.DOTALL,
)
_SCRIPT: Final = re.compile(r"javascript:\s*(?:gs\.)?(\w+)\(([^)]*)\)", re.IGNORECASE)
_TEXT: Final = "123TEXTQUERY321="
_UNITS: Final = {"minutes": "minutes", "hours": "hours", "days": "days", "months": "days", "years": "days"}
_Test = Callable[[Document], bool]
ValueOf = Callable[[Document, str], str]
"""A field's value, also of a record that a reference leads to: `caller_id.user_name`."""


_RELATIVE: Final = re.compile(
    r"(?P<field>[a-z_][\w.]*?)RELATIVE(?P<operator>GT|GE|LT|LE)@(?P<unit>minute|hour|day|week|month|year)@(?P<side>ago|ahead)@(?P<number>\d{1,6})"
)
_ON: Final = re.compile(r"(?P<field>[a-z_][\w.]*?)ON[^@]*@(?P<first>[^@]+)@(?P<last>[^@]+)")


class QueryRefused(Exception):
    """A query that cannot be read."""


def read(
    text: str, has_field: Callable[[str], bool], value_of: ValueOf, now: datetime
) -> tuple[_Test, list[tuple[str, bool]]]:
    """The predicate of an encoded query, and its order as (field, descending). `now` is what its scripts know of time."""

    def condition(part: str) -> _Test:
        return _condition(part, has_field, value_of, now)

    order: list[tuple[str, bool]] = []
    groups: list[list[list[_Test]]] = [[]]  # ^NQ of ^ of ^OR
    for part in re.split(r"\^(?!\^)", text) if text else []:
        if part.startswith("ORDERBYDESC"):
            order.append((part.removeprefix("ORDERBYDESC"), True))
        elif part.startswith("ORDERBY"):
            order.append((part.removeprefix("ORDERBY"), False))
        elif part in ("", "EQ"):
            continue
        elif part.startswith("GOTO"):
            groups[-1].append([condition(part.removeprefix("GOTO"))])
        elif part.startswith("NQ"):
            groups.append([[condition(part[2:])]])
        elif part.startswith("OR"):
            if not groups[-1]:
                raise QueryRefused(f"'{part}' follows no condition")
            groups[-1][-1].append(condition(part[2:]))
        else:
            groups[-1].append([condition(part)])
    return (
        lambda record: any(all(any(test(record) for test in tests) for tests in group) for group in groups),
        [(name, descending) for name, descending in order if has_field(name)],
    )


def _condition(text: str, has_field: Callable[[str], bool], value_of: ValueOf, now: datetime) -> _Test:
    if text.startswith(_TEXT):
        words = text.removeprefix(_TEXT).lower().split()
        return lambda record: all(any(word in str(value).lower() for value in record.values()) for word in words)
    if relative := _RELATIVE.fullmatch(text):
        if not has_field(relative["field"]):
            return lambda record: True
        field, bound = relative["field"], clock_text(_away(relative, now))
        later = relative["operator"] in ("GT", "GE")
        return lambda record: bool(value := value_of(record, field)) and (value >= bound if later else value <= bound)
    if text.partition("ON")[1] and (match := _ON.fullmatch(text)) and has_field(match["field"]):
        field, (first, last) = match["field"], (_scripted(match[name], now) for name in ("first", "last"))
        return lambda record: first <= value_of(record, field) <= last
    match = _CONDITION.fullmatch(text)
    if match is None or not has_field(match["field"]):
        return lambda record: True
    field, operator, value = match["field"], match["operator"], match["value"]
    if operator in ("SAMEAS", "NSAMEAS"):
        if not has_field(value):
            return lambda record: True
        same = operator == "SAMEAS"
        return lambda record: (value_of(record, field).lower() == value_of(record, value).lower()) == same
    test = _test(operator, "@".join(_scripted(one, now) for one in value.split("@")))
    return lambda record: test(value_of(record, field))


def _scripted(value: str, now: datetime) -> str:
    """A value, or what the script in its place gives. Source: GlideSystem's date functions."""
    match = _SCRIPT.fullmatch(value.strip())
    if match is None:
        return value
    name, argument = match[1].lower(), match[2].strip("'\" ")
    ago = re.fullmatch(r"(minutes|hours|days|months|years)ago(start|end)?", name)
    if ago and re.fullmatch(r"-?\d{1,6}", argument):
        days = {"months": 30, "years": 365}.get(ago[1], 1)
        moment = now - timedelta(**{_UNITS[ago[1]]: int(argument) * days})
        return clock_text(_edge(moment, ago[1], ago[2]))
    day = {"today": 0, "yesterday": -1, "tomorrow": 1}
    edge = re.fullmatch(r"(beginning|end)of(today|yesterday|tomorrow)", name)
    if edge:
        moment = now + timedelta(days=day[edge[2]])
        return clock_text(_edge(moment, "days", "start" if edge[1] == "beginning" else "end"))
    if name in ("now", "nowdatetime"):
        return clock_text(now)
    raise QueryRefused(f"the fake tenant does not know the script '{match[0][:100]}'")


def _edge(moment: datetime, unit: str, edge: str | None) -> datetime:
    """The start or the end of the minute, hour or day."""
    if edge is None:
        return moment
    start = moment.replace(second=0, microsecond=0)
    if unit != "minutes":
        start = start.replace(minute=0)
    if unit not in ("minutes", "hours"):
        start = start.replace(hour=0)
    length = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}.get(unit, timedelta(days=1))
    return start if edge == "start" else start + length - timedelta(seconds=1)


def _away(match: re.Match[str], now: datetime) -> datetime:
    days = {"month": 30, "year": 365, "week": 7}.get(match["unit"], 1)
    unit = match["unit"] + "s" if match["unit"] in ("minute", "hour") else "days"
    distance = timedelta(**{unit: int(match["number"]) * (days if unit == "days" else 1)})
    return now - distance if match["side"] == "ago" else now + distance


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
        "INSTANCEOF": lambda text: text.lower() == folded,
        "EMPTYSTRING": lambda text: not text,
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
