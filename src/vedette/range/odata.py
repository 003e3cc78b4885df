"""`$filter` and `$orderby` of OData 4 (Part 2: URL Conventions, 5.1.1), as far as Microsoft's security APIs take them.

Operators: eq ne gt ge lt le in, and or not, parentheses; functions contains, startswith, endswith, tolower, toupper,
length; lambdas any and all over collections. What is not supported is refused by name and position.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Row = Mapping[str, Any]
_Scope = Mapping[str, Any]
_Expression = Callable[[_Scope], Any]

MAX_LENGTH: Final = 4096
_MAX_DEPTH: Final = 40
_ROOT: Final = "$it"

# Members of an enum may be written with their type: microsoft.graph.riskLevel'high'.
_TOKEN: Final = re.compile(
    r"\s*(?:(?:microsoft\.graph\.[\w.]+(?='))?(?P<string>'(?:[^']|'')*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:Z|[+-]\d\d:\d\d))?)"
    r"|(?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_$@][A-Za-z0-9_.]*)"
    r"|(?P<mark>[(),/:]))"
)
_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_FUNCTIONS: Final[dict[str, tuple[int, Callable[..., Any]]]] = {
    "contains": (2, lambda text, part: part.lower() in text.lower()),
    "startswith": (2, lambda text, part: text.lower().startswith(part.lower())),
    "endswith": (2, lambda text, part: text.lower().endswith(part.lower())),
    "tolower": (1, str.lower),
    "toupper": (1, str.upper),
    "length": (1, len),
}


class ODataError(Exception):
    """An expression that is not valid or not supported."""


def read_filter(text: str) -> Callable[[Row], bool]:
    """The predicate that a `$filter` describes."""
    expression = _Parser(text).whole()
    return lambda row: expression({_ROOT: row}) is True


def paths_of(text: str) -> list[str]:
    """The paths from a row's own properties that a `$filter` looks at."""
    parser = _Parser(text)
    parser.whole()
    return parser.paths


def read_order(text: str) -> list[tuple[str, bool]]:
    """The terms of an `$orderby`: (path, descending)."""
    terms = []
    for term in text.split(","):
        words = term.split()
        if not 1 <= len(words) <= 2 or not re.fullmatch(r"[A-Za-z_][\w/]*", words[0]):
            raise ODataError(f"The expression '{term.strip()}' in $orderby is not valid.")
        direction = words[1].lower() if len(words) == 2 else "asc"
        if direction not in ("asc", "desc"):
            raise ODataError(f"'{words[1]}' in $orderby is neither asc nor desc.")
        terms.append((words[0], direction == "desc"))
    return terms


def value_at(row: Any, path: str) -> Any:
    """The value at a path such as `properties/status` (names without case), or None."""
    for name in path.split("/"):
        if not isinstance(row, Mapping):
            return None
        folded = name.lower()
        row = next((value for key, value in row.items() if key.lower() == folded), None)
    return row


def sort_key(value: Any) -> tuple[int, Any]:
    """A key that orders nulls first, then numbers, then times and text."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool | int | float):
        return (1, value)
    moment = moment_of(value)
    return (2, moment.timestamp()) if moment else (3, str(value).lower())


def moment_of(value: Any) -> datetime | None:
    """The moment that a value on the wire is, or None."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        return None
    # Seven digits of a second are Azure's; Python reads six.
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", value)
    try:
        moment = datetime.fromisoformat(shortened)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _compare(name: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return (name == "eq") == (left is right) if name in ("eq", "ne") else False
    if isinstance(right, datetime) or isinstance(left, datetime):
        left, right = moment_of(left), moment_of(right)
        if left is None or right is None:
            return False
    elif isinstance(left, str) and isinstance(right, str):
        # Some services take times in quotes; those of one second have different lengths.
        moments = moment_of(left), moment_of(right)
        if None not in moments:
            left, right = moments
        else:
            left, right = left.lower(), right.lower()
    elif isinstance(left, str) != isinstance(right, str):
        return name == "ne"
    return bool(_COMPARE[name](left, right))


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ODataError(f"The expression is longer than {MAX_LENGTH} characters.")
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._variables: list[str] = []
        self.paths: list[str] = []

    def whole(self) -> _Expression:
        expression = self._or()
        if self._at < len(self._tokens):
            raise self._unexpected()
        return expression

    # One method a precedence level, loosest first.

    def _or(self) -> _Expression:
        left = self._and()
        while self._word("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> _Expression:
        left = self._not()
        while self._word("and"):
            left = _both(left, self._not())
        return left

    def _not(self) -> _Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ODataError(f"The expression is nested more than {_MAX_DEPTH} deep.")
        try:
            if self._word("not"):
                inner = self._not()
                return lambda scope: inner(scope) is not True
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> _Expression:
        left = self._operand()
        kind, text, _ = self._peek()
        if kind == "word" and text.lower() in _COMPARE:
            self._at += 1
            name, right = text.lower(), self._operand()
            return lambda scope: _compare(name, left(scope), right(scope))
        if kind == "word" and text.lower() == "in":
            self._at += 1
            choices = self._list()
            return lambda scope: any(_compare("eq", left(scope), choice(scope)) for choice in choices)
        return left

    def _list(self) -> list[_Expression]:
        self._expect("(")
        items = [self._operand()]
        while self._mark(","):
            items.append(self._operand())
        self._expect(")")
        return items

    def _operand(self) -> _Expression:
        if self._mark("("):
            inner = self._or()
            self._expect(")")
            return inner
        kind, text, at = self._peek()
        if kind in ("string", "datetime", "guid", "number"):
            self._at += 1
            value = _literal(kind, text)
            return lambda scope: value
        if kind != "word":
            raise self._unexpected()
        self._at += 1
        if text.lower() in ("true", "false", "null"):
            constant = {"true": True, "false": False, "null": None}[text.lower()]
            return lambda scope: constant
        if self._peek()[1] == "(":
            return self._call(text, at)
        return self._path(text)

    def _call(self, name: str, at: int) -> _Expression:
        if name.lower() not in _FUNCTIONS:
            raise ODataError(f"The function '{name}' at position {at} is not supported in $filter.")
        count, function = _FUNCTIONS[name.lower()]
        arguments = self._list()
        if len(arguments) != count:
            raise ODataError(f"The function '{name}' at position {at} takes {count} arguments.")

        def call(scope: _Scope) -> Any:
            values = [argument(scope) for argument in arguments]
            return function(*values) if all(isinstance(value, str) for value in values) else None

        return call

    def _path(self, first: str) -> _Expression:
        variable = first if first in self._variables else None
        names = [] if variable else [first]
        while self._mark("/"):
            kind, text, _ = self._peek()
            if kind != "word":
                raise self._unexpected()
            self._at += 1
            if text.lower() in ("any", "all") and self._peek()[1] == "(":
                if variable is None:
                    self.paths.append("/".join(names))
                return self._lambda(_reach(variable, names), text.lower())
            names.append(text)
        if variable is None:
            self.paths.append("/".join(names))
        return _reach(variable, names)

    def _lambda(self, collection: _Expression, quantifier: str) -> _Expression:
        self._expect("(")
        if self._mark(")"):
            if quantifier == "all":
                raise ODataError("all() needs a condition.")
            return lambda scope: bool(collection(scope))
        kind, variable, _ = self._peek()
        if kind != "word":
            raise self._unexpected()
        self._at += 1
        self._expect(":")
        self._variables.append(variable)
        condition = self._or()
        self._variables.pop()
        self._expect(")")
        test = any if quantifier == "any" else all

        def quantify(scope: _Scope) -> bool:
            items = collection(scope)
            if not isinstance(items, Sequence) or isinstance(items, str):
                return False
            return test(condition({**scope, variable: item}) is True for item in items)

        return quantify

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "", -1)

    def _word(self, word: str) -> bool:
        kind, text, _ = self._peek()
        if kind == "word" and text.lower() == word:
            self._at += 1
            return True
        return False

    def _mark(self, mark: str) -> bool:
        if self._peek()[:2] == ("mark", mark):
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise self._unexpected(f", '{mark}' is missing")

    def _unexpected(self, why: str = "") -> ODataError:
        kind, text, at = self._peek()
        if kind == "end":
            return ODataError(f"The $filter ends too early{why}.")
        return ODataError(f"'{text}' at position {at} of the $filter was not expected{why}.")


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise ODataError(
                f"The character '{text[at:].strip()[:1]}' at position {at} of the $filter was not expected."
            )
        assert match.lastgroup is not None
        found.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    if not found:
        raise ODataError("The $filter is empty.")
    return found


def _literal(kind: str, text: str) -> Any:
    if kind == "string":
        return text[1:-1].replace("''", "'")
    if kind == "datetime":
        moment = moment_of(text)
        if moment is None:
            raise ODataError(f"'{text}' in the $filter is not a date.")
        return moment
    if kind == "number":
        return float(text) if "." in text else int(text)
    return text


def _reach(variable: str | None, names: list[str]) -> _Expression:
    path, start = "/".join(names), variable or _ROOT
    return lambda scope: value_at(scope[start], path) if path else scope[start]


def _either(left: _Expression, right: _Expression) -> _Expression:
    return lambda scope: left(scope) is True or right(scope) is True


def _both(left: _Expression, right: _Expression) -> _Expression:
    return lambda scope: left(scope) is True and right(scope) is True
