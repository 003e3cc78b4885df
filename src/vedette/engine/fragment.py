"""Fragments: pieces of SQL with the KQL type of their value."""

from __future__ import annotations

from vedette.kql.node import fact
from vedette.kql.types import Type


class _Unset:
    """Marks a fragment whose value is known only when the query runs."""


UNSET = _Unset()


@fact
class Fragment:
    """SQL text that may stand anywhere an operand may stand.

    In an f-string a fragment is its SQL. `value` is the Python value of a constant (forms as in
    `kql.syntax.Literal`), else UNSET. `folded` tells an expression of constants alone, which the engine of Microsoft
    computes before a query runs, by other rules than those for rows where a conversion is at its limits.
    """

    sql: str
    type: Type
    nullable: bool = True
    value: object = UNSET
    folded: bool = False
    bare: str | None = None
    """SQL of a string that is null where this is "": the engine knows more of a column than of `coalesce(column, '')`."""
    bound: int | None = None
    """The value that will be bound where it stands for a parameter, in ticks."""

    def __str__(self) -> str:
        return self.sql

    def __format__(self, _spec: str) -> str:
        return self.sql

    @property
    def fixed(self) -> bool:
        """Whether it is a constant or is made of constants alone."""
        return self.folded or self.constant

    @property
    def constant(self) -> bool:
        """Whether the value is known before the query runs."""
        return self.value is not UNSET
