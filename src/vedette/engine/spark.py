"""The printer for Spark SQL: the statement that the emitter makes for DuckDB, said in Spark's words.

The seam for an engine on many machines. The emitter says what it means in a small set of primitives; this printer knows those
in `_KNOWN` and refuses every other by name, so that nothing runs that was not compared with DuckDB's answer. Needs the
optional extra `spark` (sqlglot). Values keep their form: ticks for times, JSON text for dynamic, text for guids.
"""

from __future__ import annotations

from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from vedette.engine.compiler import Compiled
from vedette.kql.types import Type

_KNOWN: Final = frozenset(
    {
        exp.Abs, exp.And, exp.AnyValue, exp.Atan2, exp.Avg, exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg, exp.Case,
        exp.Cast, exp.Ceil, exp.Coalesce, exp.Contains, exp.Cos, exp.Count, exp.CovarPop, exp.CovarSamp, exp.Exp, exp.Floor,
        exp.Greatest, exp.If, exp.IsNan, exp.Lag, exp.Lead, exp.Least, exp.Length, exp.Ln, exp.LogicalAnd,
        exp.LogicalOr, exp.Lower, exp.Max, exp.Min, exp.Nullif, exp.Or, exp.Pow, exp.Repeat, exp.Round, exp.RowNumber,
        exp.Sign, exp.Sin, exp.StartsWith, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Substring, exp.Sum,
        exp.Tan, exp.Trunc, exp.TryCast, exp.Upper, exp.Variance, exp.VariancePop,
    }
)  # fmt: skip
"""The functions whose answers Spark gives as DuckDB does."""

_NAMED: Final = {"strlen": "octet_length", "suffix": "endswith", "isfinite": None}
"""Functions that sqlglot has no name for: what Spark calls them; None where an expression stands in."""


class NotInSpark(Exception):
    """A primitive that this printer does not know; the message names it."""


def to_spark(compiled: Compiled) -> str:
    """The statement for Spark SQL; `NotInSpark` where it uses what has no proven counterpart there."""
    if compiled.row_functions:
        names = ", ".join(sorted(use.key for use in compiled.row_functions))
        raise NotInSpark(f"a function that runs as Python ({names})")
    if any(column.type is Type.DECIMAL for column in compiled.columns):
        raise NotInSpark("decimal, whose digits Spark counts otherwise")
    try:
        tree = sqlglot.parse_one(compiled.sql, read="duckdb")
        return _translated(tree).sql("spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        raise NotInSpark(str(error)) from None


def _translated(tree: exp.Expr) -> exp.Expr:
    """The tree with every node in Spark's words, innermost first."""
    for node in reversed(list(tree.bfs())):
        new = _in_spark(node)
        if new is not node:
            if node is tree:
                return new
            node.replace(new)
    return tree


def _in_spark(node: exp.Expr) -> exp.Expr:
    """One node in Spark's words."""
    if isinstance(node, exp.DataType):
        return _type(node)
    if isinstance(node, exp.Values):
        return _rows(node)
    if isinstance(node, exp.Distinct) and node.args.get("on") is not None:
        raise NotInSpark("DISTINCT ON, whose order Spark does not keep")
    if isinstance(node, exp.Anonymous):
        return _named(node)
    if isinstance(node, exp.CTE):
        node.set("materialized", None)
        return node
    if isinstance(node, exp.Div):
        return _quotient(node)
    if isinstance(node, exp.IsNan):
        return exp.If(this=node.this.copy().is_(exp.null()), true=exp.cast(exp.null(), "BOOLEAN"), false=node.copy())
    if isinstance(node, exp.Func) and type(node) not in _KNOWN:
        raise NotInSpark(f"the function {node.sql_name()}")
    return node


def _quotient(node: exp.Div) -> exp.Expr:
    """A quotient of reals: Spark has null where IEEE 754 has an infinity or NaN."""
    divisor = exp.paren(node.expression.copy())
    by_zero = exp.Mul(this=exp.paren(node.this.copy()), expression=_real("inf"))
    quotient = exp.Div(this=node.this.copy(), expression=node.expression.copy(), typed=True, safe=False)
    return exp.If(this=exp.EQ(this=divisor, expression=exp.Literal.number(0)), true=by_zero, false=quotient)


def _rows(node: exp.Values) -> exp.Expr:
    """Rows that are written in the query, as SELECTs: Spark takes nothing but constants in VALUES."""
    alias = node.args.get("alias")
    if alias is None:
        raise NotInSpark("VALUES without the names of its columns")
    selects = []
    for row in node.expressions:
        cells = [exp.alias_(cell.copy(), name.name) for cell, name in zip(row.expressions, alias.columns, strict=True)]
        selects.append(exp.select(*cells))
    return _united(selects).subquery(alias.name, copy=False)


def _united(selects: list[exp.Select]) -> exp.Query:
    """UNION ALL as a balanced tree: a chain of thousands would be too deep to walk."""
    if len(selects) == 1:
        return selects[0]
    half = len(selects) // 2
    return exp.union(_united(selects[:half]), _united(selects[half:]), distinct=False, copy=False)


def _type(node: exp.DataType) -> exp.Expr:
    if node.this is exp.DataType.Type.INT128:
        return exp.DataType.build("DECIMAL(38,0)")
    if node.this is exp.DataType.Type.UUID:
        if isinstance(node.parent, exp.TryCast):
            raise NotInSpark("a guid read from text")
        return exp.DataType.build("VARCHAR")
    return node


def _named(node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    if name not in _NAMED:
        raise NotInSpark(f"the function {name}")
    spark = _NAMED[name]
    if spark is None:
        (value,) = node.expressions
        infinite = exp.In(this=value.copy(), expressions=[_real("inf"), _real("-inf")])
        return exp.and_(exp.Not(this=exp.IsNan(this=value.copy())), exp.Not(this=infinite))
    return exp.Anonymous(this=spark, expressions=node.expressions)


def _real(text: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), "DOUBLE")
