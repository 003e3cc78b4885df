"""Relations under construction: a SELECT that operators add to, one after the other.

Rows are exposed under `c<column id>`. The order of rows is kept as a list of keys, not as SQL: it becomes ORDER BY
where it matters (the result, `take`, window functions, lists) and costs nothing elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from vedette.kql.bound import Column

COLUMN: Final = re.compile(r"\bc\d+(?:_\d+)?\b")
"""`c7` is a column, `c7_2` something else that a scan can give: its rows' numbers, the property of a dynamic column, joined texts."""


@dataclass(slots=True)
class OrderKey:
    """One key of the order of rows: an exposed name and its direction."""

    name: str
    descending: bool = False
    nulls_first: bool = True
    natural: bool = False
    """Rows come in this order by themselves, so that the first of them need no sorting."""

    def __str__(self) -> str:
        return f"{self.name} {'DESC' if self.descending else 'ASC'} NULLS {'FIRST' if self.nulls_first else 'LAST'}"


def name_of(column: Column) -> str:
    """The name that a column has in SQL."""
    return f"c{column.id}"


@dataclass(slots=True)
class Rel:
    """A SELECT in the making."""

    source: str
    columns: tuple[Column, ...]
    items: list[str] | None = None
    """The select list; None is `*`."""
    where: list[str] = field(default_factory=list)
    order: list[OrderKey] = field(default_factory=list)
    limit: str | None = None
    partition: list[str] = field(default_factory=list)
    """Names of the values that tell one group of rows from another, where operators work group by group."""
    nothing: bool = False
    """There is no row, as is known before the statement runs."""

    @property
    def plain(self) -> bool:
        """Whether the select list computes nothing, so that a condition may still be added at this level."""
        return self.items is None and self.limit is None

    @property
    def natural(self) -> bool:
        """Whether the rows come in their order by themselves: a limit then stops what makes them."""
        return all(key.natural for key in self.order)

    def text(self) -> str:
        """The SELECT."""
        # rows without a column (a `project` of nothing) are rows still
        items = "*" if self.items is None else ", ".join(self.items) or "1"
        text = f"SELECT {items} FROM {self.source}"
        if self.where:
            text += " WHERE " + " AND ".join(self.where)
        if self.limit is not None:
            if self.order and not self.natural:
                text += f" ORDER BY {self.ordering()}"
            text += f" LIMIT {self.limit}"
        return text

    def ordering(self) -> str:
        """The keys of the order, for ORDER BY; empty where rows have none."""
        return ", ".join(map(str, self.order))

    def wrapped(self) -> Rel:
        """The same rows as the source of a further SELECT."""
        if self.items is None and not self.where and self.limit is None:
            return self
        return Rel(f"({self.text()})", self.columns, order=self.order, partition=self.partition, nothing=self.nothing)

    def filtered(self, condition: str) -> Rel:
        """The rows that meet a condition."""
        base = self if self.plain else self.wrapped()
        where = [*base.where, condition]
        return Rel(base.source, base.columns, None, where, base.order, None, base.partition, base.nothing)

    def extended(self, items: Iterable[str], columns: tuple[Column, ...]) -> Rel:
        """The rows with further values (`expression AS name`)."""
        base = self if self.plain else self.wrapped()
        return Rel(base.source, columns, ["*", *items], base.where, base.order, None, base.partition, base.nothing)

    def projected(self, items: list[str], columns: tuple[Column, ...]) -> Rel:
        """The rows with only these values; what the order needs is carried along."""
        base = self if self.plain else self.wrapped()
        pairs = [item.rsplit(" AS ", 1) for item in items]
        made = {pair[-1] for pair in pairs}
        # a key of the order that goes by another name from here on need not be carried under its old one
        renamed = {pair[0]: pair[-1] for pair in reversed(pairs)}
        order = [replace(key, name=renamed.get(key.name, key.name)) for key in base.order]
        carried = [name for name in (*(key.name for key in order), *base.partition) if name not in made]
        return Rel(base.source, columns, [*items, *dict.fromkeys(carried)], base.where, order, None, base.partition)

    def ordered(self, keys: list[OrderKey]) -> Rel:
        """The rows in another order."""
        # rows that were limited were chosen by the order that they had
        base = self if self.limit is None else self.wrapped()
        return Rel(base.source, base.columns, base.items, base.where, keys, None, base.partition)

    def limited(self, count: str) -> Rel:
        """The first rows; of each group where there are groups."""
        if self.partition:
            base = self.wrapped()
            text = f"SELECT * FROM {base.source}"
            if base.where:
                text += " WHERE " + " AND ".join(base.where)
            text += f" QUALIFY row_number() OVER ({self.over()}) <= {count}"
            return Rel(f"({text})", self.columns, order=self.order, partition=self.partition)
        base = self if self.limit is None else self.wrapped()
        return Rel(base.source, base.columns, base.items, base.where, base.order, count)

    def over(self) -> str:
        """The inside of OVER for functions of neighbouring rows."""
        parts = []
        if self.partition:
            parts.append(f"PARTITION BY {', '.join(self.partition)}")
        if self.order:
            parts.append(f"ORDER BY {self.ordering()}")
        return " ".join(parts)
