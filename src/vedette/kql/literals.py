"""Constants: tokens and typed literals to values, `dynamic(...)` and `typeof(...)`.

Source: the KQL pages on scalar data types.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from vedette.kql import constants, ticks
from vedette.kql.cursor import MAX_NESTING
from vedette.kql.lexer import (
    BOOL,
    LONG,
    NAME,
    OLD_TYPE_KEYWORDS,
    RAW_GUID,
    REAL,
    STRING,
    TIMESPAN,
    TYPE_KEYWORDS,
    TYPED,
    string_value,
)
from vedette.kql.names import NameParser
from vedette.kql.syntax import Binary, Call, ColumnDeclaration, Expression, Literal, Name, TypeOf
from vedette.kql.types import TYPE_NAMES, Type

_READERS: Final[dict[Type, Callable[[str], object | None]]] = {
    Type.LONG: lambda text: constants.integer(text, 64),
    Type.INT: lambda text: constants.integer(text, 32),
    Type.REAL: constants.real,
    Type.DECIMAL: constants.exact,
    Type.BOOL: constants.boolean,
    Type.DATETIME: ticks.parse_datetime,
    Type.TIMESPAN: ticks.parse_timespan,
    Type.GUID: constants.guid,
}
_BEYOND_DECIMAL: Final = Decimal(10) ** 28
"""A column of decimals holds 38 digits, 10 of them behind the point."""
_QUOTED: Final = frozenset({Type.DATETIME, Type.TIMESPAN, Type.GUID})
LITERAL_KINDS: Final = frozenset({STRING, LONG, REAL, TIMESPAN, BOOL, TYPED, RAW_GUID})
"""Tokens that are constants by themselves."""


class LiteralParser(NameParser):
    """Reads constants."""

    __slots__ = ()

    def literal(self) -> Expression | None:
        """A constant with an optional sign, `dynamic(...)`, `typeof(...)` or a client's parameter; None for all else."""
        kind = self.kinds[self.i]
        if kind in LITERAL_KINDS:
            return self.token_literal()
        if kind == "dynamic":
            return self.dynamic_literal()
        if kind in ("-", "+"):
            return self.signed_literal()
        if kind == "typeof":
            return self.type_of()
        if kind == "{":
            return self.braced_name()
        return None

    def token_literal(self) -> Expression:
        """The constant that the current token is."""
        index = self.i
        kind = self.kinds[index]
        start, end = self.starts[index], self.ends[index]
        text = self.text[start:end]
        if kind == STRING:
            value, hidden = self.text_of_strings()
            return Literal(Type.STRING, value, hidden, start=start, end=self.ends[self.i - 1])
        self.i = index + 1
        if kind == LONG:
            return Literal(Type.LONG, self._whole(text, start, end), start=start, end=end)
        if kind == REAL:
            return Literal(Type.REAL, float(text), start=start, end=end)
        if kind == TIMESPAN:
            span = ticks.parse_timespan(text)
            if span is None:
                self.report("KS004", f"{text} is longer than a timespan can be", start, end)
            return Literal(Type.TIMESPAN, span, start=start, end=end)
        if kind == BOOL:
            return Literal(Type.BOOL, text[0] in "tT", start=start, end=end)
        if kind == RAW_GUID:
            self.report("KS214", f"a guid must be written as guid({text})", start, end)
            return Literal(Type.GUID, text.lower(), start=start, end=end)
        return self._typed(text, start, end)

    def _whole(self, text: str, start: int, end: int) -> int | None:
        value = constants.integer(text, 64)
        if value is not None:
            return value
        self.report("KS004", f"{text} does not fit a long (64 bits)", start, end)
        return None

    def _typed(self, text: str, start: int, end: int) -> Expression:
        """`type(text)`."""
        word, _, body = text.partition("(")
        body = body.removesuffix(")").strip()
        declared = TYPE_NAMES[word]
        if body == "null":
            return Literal(declared, None, start=start, end=end)
        if declared in _QUOTED and len(body) >= 2 and body[0] == body[-1] and body[0] in "\"'":
            body = body[1:-1]
        value = _READERS[declared](body)
        if isinstance(value, Decimal) and abs(value) >= _BEYOND_DECIMAL:
            self.report(
                "VDT1001", f"a decimal of more than 28 digits before its point ({body}) is not supported", start, end
            )
            return Literal(declared, None, start=start, end=end)
        if value is not None:
            return Literal(declared, value, start=start, end=end)
        if declared is Type.DATETIME:
            if body in ("", "now"):
                return Call(Name("now", start=start, end=end), [], start=start, end=end)
            since_midnight = ticks.parse_time_of_day(body)
            if since_midnight is not None:
                now = Call(Name("now", start=start, end=end), [], start=start, end=end)
                today = Call(Name("startofday", start=start, end=end), [now], start=start, end=end)
                clock = Literal(Type.TIMESPAN, since_midnight, start=start, end=end)
                return Binary("+", today, clock, start=start, end=end, op_start=start, op_end=end)
        self.report("KS004", f"{body or 'nothing'} is no value of type {declared}", start, end)
        return Literal(declared, None, start=start, end=end)

    def signed_literal(self) -> Expression | None:
        """A number or timespan with a sign right before it."""
        index = self.i
        if self.peek() not in (LONG, REAL, TIMESPAN) or self.starts[index + 1] != self.ends[index]:
            return None
        negative = self.kinds[index] == "-"
        start = self.starts[index]
        self.i = index + 1
        if negative and (smallest := self.smallest_long()):
            return smallest
        literal = self.token_literal()
        literal.start = start
        if negative and isinstance(literal, Literal) and isinstance(literal.value, (int, float)):
            literal.value = -literal.value
        return literal

    def smallest_long(self) -> Literal | None:
        """-9223372036854775808 after its sign: the digits alone are one more than a long can hold."""
        if self.kinds[self.i] != LONG or self.word() != "9223372036854775808":
            return None
        self.i += 1
        return Literal(Type.LONG, constants.MIN_LONG, start=self.starts[self.i - 2], end=self.last_end)

    # --- typeof ----------------------------------------------------------------------------------

    def type_of(self) -> TypeOf | None:
        """`typeof(long)`, or `typeof(*, name: type, ...)`."""
        if self.kinds[self.i] != "typeof" or self.peek() != "(":
            return None
        start = self.start
        self.i += 2
        kind = self.kinds[self.i]
        if kind in TYPE_KEYWORDS or kind in OLD_TYPE_KEYWORDS or (kind == NAME and self.peek() == ")"):
            declared = self.type_name(old=True)
            self.close(")")
            return TypeOf(declared, [], start=start, end=self.last_end)
        elements = self.comma_list(self._type_of_element, self.missing_declaration, required=False)
        self.close(")")
        columns = [element for element in elements if isinstance(element, ColumnDeclaration)]
        return TypeOf(None, columns, len(columns) < len(elements), start=start, end=self.last_end)

    def _type_of_element(self) -> ColumnDeclaration | bool | None:
        return True if self.take("*") else self.column_declaration()

    def required_type_of(self) -> TypeOf:
        """`typeof(...)`; reported as missing otherwise."""
        found = self.type_of()
        if found is None:
            gap = self.missing("typeof(...)")
            found = TypeOf(Type.UNKNOWN, [], start=gap.start, end=gap.end)
        return found

    # --- dynamic ---------------------------------------------------------------------------------

    def dynamic_literal(self) -> Literal | None:
        """`dynamic(JSON with KQL constants in it)`."""
        if self.peek() != "(":
            return None
        start = self.start
        self.i += 2
        value = self._json()
        self.close(")")
        return Literal(Type.DYNAMIC, value, start=start, end=self.last_end)

    def _json(self) -> object:
        """One JSON value; reported where there is none."""
        kind = self.kinds[self.i]
        if kind == "{":
            parameter = self.braced_name()
            return None if parameter is not None else self._json_object()
        if kind == "[":
            return self._json_array()
        if kind in ("null", "dynamic", "-") or kind in LITERAL_KINDS:
            found, value = self._json_scalar(kind)
            if found:
                return value
        self.missing("JSON value")
        return None

    def _json_scalar(self, kind: str) -> tuple[bool, object]:
        if kind == "null":
            self.i += 1
            return True, None
        if kind == "dynamic":
            self._enter()
            nested = self.dynamic_literal()
            self.depth -= 1
            return nested is not None, nested.value if nested else None
        if kind == "-":
            if self.peek() not in (LONG, REAL):
                return False, None
            self.i += 1
            smallest = self.smallest_long()
            if smallest is not None:
                return True, smallest.value
            number = self.token_literal()
            value = number.value if isinstance(number, Literal) else None
            return True, -value if isinstance(value, (int, float)) else None
        literal = self.token_literal()
        if not isinstance(literal, Literal):
            self.report("KS004", "a dynamic literal cannot depend on the current time", literal.start, literal.end)
            return True, None
        if literal.type is Type.DECIMAL:
            self.report("KS215", "a dynamic value cannot hold a decimal; write a real", literal.start, literal.end)
        if literal.type is Type.DATETIME and isinstance(literal.value, int):
            return True, ticks.format_datetime(literal.value)
        return True, literal.value

    def _enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()

    def _json_array(self) -> list[object]:
        self._enter()
        self.i += 1
        values = self.comma_list(self._json_element, self._missing_element, required=False)
        self.close("]")
        self.depth -= 1
        return [value for (value,) in values]

    def _json_element(self) -> tuple[object] | None:
        # A tuple of one, so that a null is an element and not the lack of one.
        kind = self.kinds[self.i]
        if kind in ("null", "dynamic", "-", "{", "[") or kind in LITERAL_KINDS:
            return (self._json(),)
        return None

    def _missing_element(self) -> tuple[object]:
        self.missing("JSON value")
        return (None,)

    def _json_object(self) -> dict[str, object]:
        self._enter()
        self.i += 1
        pairs = self.comma_list(self._json_pair, self._missing_pair, required=False)
        self.close("}")
        self.depth -= 1
        return dict(pairs)

    def _json_pair(self) -> tuple[str, object] | None:
        if self.kinds[self.i] != STRING:
            return None
        key, _ = string_value(self.word())
        self.i += 1
        self.expect(":")
        return key, self._json()

    def _missing_pair(self) -> tuple[str, object]:
        self.missing('pair ("name": value)')
        return "", None
