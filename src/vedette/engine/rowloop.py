"""Expressions of one row at a time in Python, for operators whose rows depend on the rows before.

What SQL can compute for all rows at once it has computed before; what is left is mostly arithmetic and comparison, which
Python does itself. Every other function is asked of a database of its own, value by value, so that it means the same
everywhere.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from vedette.engine.compiler import Compiler
from vedette.engine.dialect import SQL_TYPES
from vedette.engine.relations import name_of
from vedette.engine.rowfunctions import register
from vedette.kql.bound import Apply, Cast, Column, ColumnRef, Constant, Expr, InList, Path
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.types import INTEGERS, Type

Value = Any
"""A value as the engine holds it: ticks for times, JSON text for dynamic, text for guids."""
Evaluate = Callable[[Sequence[Value], Sequence[Value]], Value]
"""A value, of the values that SQL has computed for a row, and of the state."""

_MOST_KNOWN = 50_000
_TIMES = frozenset({Type.DATETIME, Type.TIMESPAN})
_WHOLE = frozenset({*INTEGERS, *_TIMES})
_COMPARISONS: dict[str, Callable[[Value, Value], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip
_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part.lower() in text.lower(),
    "contains_cs": lambda text, part: part in text,
    "startswith": lambda text, part: text.lower().startswith(part.lower()),
    "startswith_cs": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.lower().endswith(part.lower()),
    "endswith_cs": lambda text, part: text.endswith(part),
}


class RowExpressions:
    """Turns expressions into Python functions."""

    def __init__(self, leaf: Callable[[Expr], Evaluate | None]) -> None:
        """`leaf` gives the function of an expression that is at hand: a value of the row, or of the state."""
        self._leaf = leaf
        self._columns = 0

    def function(self, node: Expr) -> Evaluate:
        """The function that gives an expression's value."""
        found = self._leaf(node)
        if found is not None:
            return found
        match node:
            case Constant():
                value = constant_value(node)
                return lambda row, state: value
            case Apply():
                args = [self.function(arg) for arg in node.args]
                ask = self._asked(node, node.args, args, lambda new: dataclasses.replace(node, args=new))
                return _applied(node, args, ask)
            case Cast(operand=operand):
                inner = self.function(operand)
                if operand.type is node.type or {operand.type, node.type} <= INTEGERS:
                    return inner if node.type is not Type.INT else self._cast(node, inner)
                if operand.type in INTEGERS and node.type is Type.REAL:
                    return _lifted(float, [inner])
                return self._cast(node, inner)
            case Path():
                parts = [node.target, *(step for step in node.steps if isinstance(step, Expr))]
                args = [self.function(part) for part in parts]
                return self._asked(node, parts, args, lambda new: _path(node, new))
            case InList():
                parts = [node.left, *node.items, *node.arrays]
                args = [self.function(part) for part in parts]
                count = 1 + len(node.items)
                return self._asked(
                    node, parts, args,
                    lambda new: dataclasses.replace(node, left=new[0], items=new[1:count], arrays=new[count:]),
                )  # fmt: skip
        message = "this expression may not depend on the rows before"
        raise KqlError("", [Diagnostic("VDT1001", message, node.start, max(1, node.end - node.start))])

    def _cast(self, node: Cast, inner: Evaluate) -> Evaluate:
        return self._asked(node, [node.operand], [inner], lambda new: dataclasses.replace(node, operand=new[0]))

    def _asked(
        self, node: Expr, parts: Sequence[Expr], args: list[Evaluate], rebuilt: Callable[[list[Expr]], Expr]
    ) -> Evaluate:
        """A function that asks a database; answers are remembered."""
        compiler = Compiler()
        new: list[Expr] = []
        given: list[tuple[Column, Evaluate]] = []
        for part, arg in zip(parts, args, strict=True):
            if isinstance(part, Constant):
                new.append(part)
                continue
            self._columns += 1
            column = Column(self._columns, "", part.type)
            given.append((column, arg))
            new.append(ColumnRef(part.type, column))
        value = compiler.emitter.emit(rebuilt(new))
        inner = ", ".join(f"CAST($p{at} AS {SQL_TYPES[c.type]}) AS {name_of(c)}" for at, (c, _) in enumerate(given))
        shown = f"CAST({value} AS VARCHAR)" if node.type is Type.GUID else value.sql
        compiled = compiler.finished(f"SELECT {shown} FROM (SELECT {inner or '1'})")
        opened: list[duckdb.DuckDBPyConnection] = []
        known: dict[tuple[Value, ...], Value] = {}
        functions = [function for _, function in given]
        keeps = all(column.type is not Type.REAL for column, _ in given)

        def ask(row: Sequence[Value], state: Sequence[Value]) -> Value:
            key = tuple(function(row, state) for function in functions)
            if key in known:
                return known[key]
            if not opened:
                opened.append(duckdb.connect(":memory:", config={"threads": 1}))
                for use in compiled.row_functions:
                    register(opened[0], use)
            values = {f"p{at}": value for at, value in enumerate(key)}
            found = opened[0].execute(compiled.sql, values or None).fetchone()
            answer = found[0] if found else None
            if keeps:
                if len(known) >= _MOST_KNOWN:
                    known.clear()
                known[key] = answer
            return answer

        return ask


def constant_value(node: Constant) -> Value:
    """A constant as the engine holds it."""
    from vedette.engine.dialect import json_text

    if node.type is Type.DYNAMIC and node.value is not None:
        return json_text(node.value)
    return "" if node.value is None and node.type is Type.STRING else node.value


def _path(node: Path, new: list[Expr]) -> Path:
    rest = iter(new[1:])
    return dataclasses.replace(
        node, target=new[0], steps=[next(rest) if isinstance(step, Expr) else step for step in node.steps]
    )


def _lifted(function: Callable[..., Value], args: list[Evaluate]) -> Evaluate:
    """A function that is null where an argument is."""
    if len(args) == 1:
        only = args[0]

        def one(row: Sequence[Value], state: Sequence[Value]) -> Value:
            value = only(row, state)
            return None if value is None else function(value)

        return one
    left, right = args

    def two(row: Sequence[Value], state: Sequence[Value]) -> Value:
        a, b = left(row, state), right(row, state)
        return None if a is None or b is None else function(a, b)

    return two


def _wrapped(value: int) -> int:
    """An integer as 64 bits hold it (rule 33)."""
    return (value + 2**63) % 2**64 - 2**63


def _applied(node: Apply, args: list[Evaluate], ask: Evaluate) -> Evaluate:
    """A call that Python does as the engine does; all others are asked."""
    name, types = node.unit.name, [arg.type for arg in node.args]
    if name in ("and", "or"):
        return _junction(args, name == "and")
    if name == "not":
        return _lifted(operator.not_, args)
    if name in ("iff", "iif") and len(args) == 3:
        test, yes, no = args
        return lambda row, state: yes(row, state) if test(row, state) else no(row, state)
    if name in ("isnull", "isnotnull") and types[0] not in (Type.STRING, Type.DYNAMIC):
        wanted, only = name == "isnull", args[0]
        return lambda row, state: (only(row, state) is None) is wanted
    if name in ("isempty", "isnotempty") and types[0] is Type.STRING:
        empty, only = name == "isempty", args[0]
        return lambda row, state: (not only(row, state)) is empty
    if name == "coalesce" and Type.REAL not in types and Type.DYNAMIC not in types:
        return _first(args, node.type)
    if name in ("max_of", "min_of") and all(type_ in _WHOLE for type_ in types) and len(set(types)) == 1:
        return _extreme(args, max if name == "max_of" else min)
    if set(types) == {Type.STRING}:
        return _textual(name, args) or ask
    if len(args) != 2 or types[0] is not types[1]:
        return ask
    return _numeric(name, types[0], node.type, args, ask)


def _numeric(name: str, type_: Type, result: Type, args: list[Evaluate], ask: Evaluate) -> Evaluate:
    """Comparison and arithmetic of two values of one type."""
    if type_ is Type.REAL:
        function = {**_COMPARISONS, **_ARITHMETIC}.get(name)
        return ask if function is None else _finite(function, args, ask)
    if type_ not in _WHOLE:
        return ask
    if name in _COMPARISONS:
        return _lifted(_COMPARISONS[name], args)
    if name in ("==", "!="):
        return _equality(args, name == "==")
    if type_ is Type.LONG and result is Type.LONG:
        if name in _ARITHMETIC:
            function = _ARITHMETIC[name]
            return _lifted(lambda a, b: _wrapped(function(a, b)), args)
        if name == "%":
            return _lifted(lambda a, b: a % abs(b) if b else None, args)
        if name == "/":
            return _lifted(_quotient, args)
    if name in ("+", "-") and result is Type.TIMESPAN:
        return _within(_ARITHMETIC[name], args)
    return ask


def _quotient(a: int, b: int) -> int | None:
    """Integer division towards zero (rules 30 and 31)."""
    if not b:
        return None
    whole = abs(a) // abs(b)
    return _wrapped(whole if (a < 0) == (b < 0) else -whole)


def _finite(function: Callable[[float, float], Value], args: list[Evaluate], ask: Evaluate) -> Evaluate:
    """A function of two reals, where both are plain numbers and so is the result."""
    left, right = args

    def two(row: Sequence[Value], state: Sequence[Value]) -> Value:
        a, b = left(row, state), right(row, state)
        if a is None or b is None:
            return None
        if not (math.isfinite(a) and math.isfinite(b)):
            return ask(row, state)
        value = function(a, b)
        return value if isinstance(value, bool) or math.isfinite(value) else ask(row, state)

    return two


def _textual(name: str, args: list[Evaluate]) -> Evaluate | None:
    """Functions of texts."""
    if name == "strcat":
        return lambda row, state: "".join(arg(row, state) for arg in args)
    negated = name.startswith("!")
    test = _TEXT_TESTS.get(name.lstrip("!") if name not in ("!=", "!~") else name)
    if name in ("==", "!="):
        return _equality(args, name == "==")
    if test is None or len(args) != 2:
        return None
    left, right = args
    return lambda row, state: test(left(row, state), right(row, state)) is not negated


def _first(args: list[Evaluate], type_: Type) -> Evaluate:
    """The first value that is not null, nor empty where it is a text (rule 10)."""

    def find(row: Sequence[Value], state: Sequence[Value]) -> Value:
        for arg in args:
            value = arg(row, state)
            if value is not None and value != "":
                return value
        return "" if type_ is Type.STRING else None

    return find


def _extreme(args: list[Evaluate], pick: Callable[[list[Value]], Value]) -> Evaluate:
    """The greatest or least value; nulls do not count (rule 41)."""

    def find(row: Sequence[Value], state: Sequence[Value]) -> Value:
        values = [value for arg in args if (value := arg(row, state)) is not None]
        return pick(values) if values else None

    return find


def _within(function: Callable[[int, int], int], args: list[Evaluate]) -> Evaluate:
    def bounded(a: int, b: int) -> int | None:
        value = function(a, b)
        return value if -(2**63) <= value < 2**63 else None

    return _lifted(bounded, args)


def _junction(args: list[Evaluate], every: bool) -> Evaluate:
    """Three-valued `and` and `or` (rule 7)."""

    def decide(row: Sequence[Value], state: Sequence[Value]) -> Value:
        unknown = False
        for arg in args:
            value = arg(row, state)
            if value is None:
                unknown = True
            elif bool(value) is not every:
                return not every
        return None if unknown else every

    return decide


def _equality(args: list[Evaluate], same: bool) -> Evaluate:
    """`==` and `!=`: one null is different, two are unknown (rule 3)."""
    left, right = args

    def compare(row: Sequence[Value], state: Sequence[Value]) -> Value:
        a, b = left(row, state), right(row, state)
        if a is None and b is None:
            return None
        return (a == b) is same

    return compare
