"""Tables that keep older rows elsewhere: which time a statement asks for, and the view over what has rows of that time."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from vedette.engine.walking import expressions_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Apply, Cast, Column, ColumnRef, Constant, Expr, ParameterRef, Relation, Scan, has_window
from vedette.kql.node import fact
from vedette.kql.types import Type

if TYPE_CHECKING:
    import duckdb

    from vedette.engine.compiler import Compiler
    from vedette.engine.given import Surroundings

_LOWER: Final = frozenset({">=", ">", "=="})
_UPPER: Final = frozenset({"<=", "<", "=="})
TURNED: Final = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "==": "=="}
"""A comparison, and the same one with its sides exchanged."""
_PARAMETER: Final = re.compile(r"\$(\w+)")


class Tiered(ABC):
    """Where the rows of a table are: `TableSchema.tiers`."""

    @abstractmethod
    def relation(self, first: int | None, last: int | None) -> str:
        """SQL of a SELECT of the rows, with all their columns and `rowid`; parts without rows of [first, last] (ticks of
        TimeGenerated) may be left out."""


@fact
class TieredRows:
    """A table with tiers, as a view that is made when the statement runs and its times are known."""

    name: str
    tiers: Tiered
    lower: tuple[str, ...]
    upper: tuple[str, ...]
    """SQL of the bounds that the statement's conditions set."""

    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Makes the view."""
        first, last = (
            self._value(connection, around, texts, low) for texts, low in ((self.lower, True), (self.upper, False))
        )
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {self.name} AS {self.tiers.relation(first, last)}")

    def _value(
        self, connection: duckdb.DuckDBPyConnection, around: Surroundings, texts: Sequence[str], low: bool
    ) -> int | None:
        if not texts:
            return None
        text = f"SELECT {', '.join(texts)}"
        values = {name: around.values[name] for name in set(_PARAMETER.findall(text))}
        found = connection.execute(text, values or None).fetchone()
        known = [int(value) for value in found or () if value is not None]
        return None if not known else max(known) if low else min(known)


def bounds(compiler: Compiler, scan: Scan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """SQL of lower and of upper bounds that the conditions over a table set for TimeGenerated, as far as they can be told."""
    moment = next((one for one in scan.columns if one.name == "TimeGenerated" and one.type is Type.DATETIME), None)
    lower: list[str] = []
    upper: list[str] = []
    if compiler.timespan:
        compiler.parameters |= {"range_from", "range_to"}
        lower.append("$range_from")
        upper.append("$range_to")
    relation: Relation = scan
    while moment is not None:
        users = compiler.users(relation)
        if len(users) != 1 or not isinstance(users[0], Where | Project | Sort):
            break
        relation = users[0]
        if any(has_window(value) for value in expressions_of(relation)):
            break  # what looks at neighbouring rows needs all of them
        if isinstance(relation, Where):
            for op, value in comparisons(relation.predicate, moment):
                text = compiler.emitter.emit(value).sql
                if op in _LOWER:
                    lower.append(text)
                if op in _UPPER:
                    upper.append(text)
    return tuple(lower), tuple(upper)


def comparisons(value: Expr, moment: Column) -> list[tuple[str, Expr]]:
    """The comparisons of a column with what no row changes, that must all be true."""
    if not isinstance(value, Apply):
        return []
    if value.unit.name == "and":
        return [found for part in value.args for found in comparisons(part, moment)]
    if value.unit.name not in TURNED or len(value.args) != 2:
        return []
    left, right = value.args
    op = value.unit.name
    if isinstance(right, ColumnRef):
        left, right, op = right, left, TURNED[op]
    if isinstance(left, ColumnRef) and left.column is moment and right.type is Type.DATETIME and _steady(right):
        return [(op, right)]
    return []


def _steady(value: Expr) -> bool:
    """Whether an expression is the same for every row and every time it is computed."""
    if isinstance(value, Constant | ParameterRef):
        return True
    if isinstance(value, Cast):
        return _steady(value.operand)
    return (
        isinstance(value, Apply)
        and not value.unit.volatile
        and value.unit.kind == "sql"
        and all(map(_steady, value.args))
    )
