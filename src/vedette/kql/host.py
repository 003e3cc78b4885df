"""What the binder asks of its surroundings: which tables there are, and what their data holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final, Protocol

from vedette.kql.node import fact
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.bound import Column, Expr, Relation
    from vedette.kql.syntax import FunctionLiteral


INGESTION_TIME: Final = "$IngestionTime"
"""The hidden datetime field of a table that `ingestion_time()` reads."""


@fact
class Field:
    """A column of a table: its KQL name and type, and the name that the engine stores it under."""

    name: str
    type: Type
    physical: str
    hidden: bool = False
    sql: str | None = None
    """The engine's expression for a column that is not simply stored; None: the stored column itself."""
    properties: tuple[tuple[tuple[str | int, ...], str], ...] = ()
    """Of a column of JSON, dynamic or text: paths of property names and places of elements, and the engine's column (quoted SQL) that
    holds the property's text."""


@fact
class TableSchema:
    """A table: its columns and where its rows are."""

    name: str
    fields: tuple[Field, ...]
    source: str | None = None
    """The engine's name of the stored rows (quoted SQL), or None where no row was ever stored."""
    extra: dict[str, Type] = field(default_factory=dict)
    """Fields that rows carry beyond the schema, kept in the hidden dynamic column."""
    internal: bool = False
    """A table about the product's own work: `*` does not mean it, its name does."""
    owner: object | None = None
    """The store that has the rows, where the engine's own connection does not reach them."""
    tiers: object | None = None
    """Where the rows are, if not all of them are in `source` (`engine.tiers.Tiered`)."""
    terms: object | None = None
    """What tells the engine in which rows a text can stand (`engine.term_candidates.TermLookup`); None: nothing does."""


@fact
class SavedFunction:
    """A function that a workspace keeps; places in its body count from the start of `text`."""

    name: str
    literal: FunctionLiteral
    text: str
    open: bool = False
    """Its sources may give further columns: where nothing runs, any name may be one."""


@fact
class Items:
    """A watchlist as queries see it: rows of wire values, datetimes as ticks and dynamic values as JSON text."""

    fields: tuple[tuple[str, Type], ...]
    rows: Sequence[tuple[object, ...]]


class Host(Protocol):
    """A workspace as the binder sees it."""

    name: str

    def table(self, name: str) -> TableSchema | None:
        """The table of that name (case-sensitive), or None."""

    def table_names(self) -> Iterable[str]:
        """Every known table, for wildcards and for the nearest name."""

    def function(self, name: str) -> SavedFunction | None:
        """A saved function (or one that every workspace has), or None. `VedetteError` where its text cannot be read."""

    def workspace(self, name: str) -> Host | None:
        """A workspace of this installation by name or id; None where there is none that the caller may see."""


class ContentHost(Host, Protocol):
    """A workspace that has more than tables."""

    def function_names(self) -> Iterable[str]:
        """Every function that `function` gives, for the nearest name."""

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        """The items of a watchlist (those with one of the search keys, where keys are given), or None without such a one."""

    def watchlist_aliases(self) -> Sequence[str]:
        """The alias of every watchlist, sorted."""


class ExternalSource(Protocol):
    """What reads rows that another host holds."""

    def rows(
        self, uris: Sequence[str], properties: Mapping[str, object], columns: Sequence[tuple[str, Type]]
    ) -> Sequence[tuple[str | None, ...]]:
        """The rows as text: of a dynamic column as JSON text. `VedetteError` where they may not or cannot be read."""


class Evaluator(Protocol):
    """What only running can tell; the engine gives it to the binder. None when nothing may run."""

    def constant(self, expression: Expr) -> object:
        """The value of an expression that no column feeds."""

    def parameter(self, name: str) -> bool:
        """Whether the caller gave a query parameter a value."""

    def option(self, name: str, value: object) -> None:
        """Says that the query sets an option (`set name = value`)."""

    def values(self, relation: Relation, column: Column, most: int) -> list[object] | None:
        """The distinct values of a column; None where there are more than `most`."""

    def keys(self, relation: Relation, column: Column) -> list[tuple[str, Type]]:
        """The keys in a column of property bags, in name order, each with the type that its values share."""

    def distinct(self, relation: Relation, column: Column) -> list[str]:
        """The distinct values of a column as text, in order (for `pivot`)."""

    def columns(self, relation: Relation) -> list[list[object]]:
        """All rows of a relation, column by column, as the engine holds values (ticks, JSON text)."""

    def proceed(self) -> None:
        """Ends long work in the binder by an exception once the query is to stop."""
