"""What every part of the binder stands on: findings, numbers of columns, and the bounds of one query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vedette.kql import syntax
from vedette.kql.binder.scope import LetValue, RestrictedHost, Row, Scope
from vedette.kql.bound import Cast, Column, ColumnRef, Constant, Expr, OpenColumn, Relation, Scan, Shared
from vedette.kql.catalog import Catalog
from vedette.kql.diagnostics import MAX_DIAGNOSTICS, Diagnostic, KqlError, Stop, nearest
from vedette.kql.host import Evaluator, Host, TableSchema
from vedette.kql.types import Type

MAX_DEPTH = 64
"""How deep calls of functions that a query defines may nest."""

MAX_CALLS = 2000
"""How many calls of such functions one query may make in all, since each call's body is bound anew."""

MAX_COLUMNS = 500_000
"""How many columns the operators of one query may have in all, whoever looks at them; tables count each time they are named."""

MAX_HINTS = 20
"""For how many unknown names of one query the nearest known name is looked for: among two thousand tables that takes time."""
_NAMES_A_HINT = 2_000
"""How many known names count as one hint more."""

_ENDING = frozenset({"VDT1002", "VDT1004"})
"""The codes of limits that going on would only run into again."""


class Frame:
    """The state of the binding of one query, and how its mistakes are told."""

    def __init__(
        self, text: str, catalog: Catalog, host: Host, evaluator: Evaluator | None,
        proceed: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.text = text
        self.catalog = catalog
        self.host = host
        self._evaluator = evaluator
        self.proceed = proceed
        self._strict = 0
        self.diagnostics: list[Diagnostic] = []
        self._reported: set[Diagnostic] = set()
        self.options: dict[str, object] = {}
        self._ids = 0
        self.looking: set[tuple[str, str]] = set()
        self._depth = 0
        self._frames = 0
        self._calls = 0
        self._columns_seen = 0
        self._hints = 0
        self._once: dict[tuple[int, int], Relation] = {}
        self.scalar_queries: dict[tuple[int, int], Expr] = {}
        """What `toscalar` was computed already: its argument's node, and the call of a function that it stands in."""
        self.warnings: list[Diagnostic] = []
        self.calling: list[tuple[str, str]] = []
        """The saved functions around what is bound now: their workspaces and names."""
        self.aliases: dict[str, syntax.Expression] = {}
        """What `alias database` names stand for."""
        self.missing_watchlists: list[str] = []
        """The watchlists that the query names and the workspace does not have."""

    # -- mistakes: each is reported where it is found, and the binding goes on

    @property
    def failed(self) -> bool:
        """Whether a mistake was found, so that the query will not run."""
        return any(diagnostic.severity == "Error" for diagnostic in self.diagnostics)

    @property
    def evaluator(self) -> Evaluator | None:
        """What can run parts of the query; nothing does once there is a mistake."""
        return None if self._evaluator is not None and self.failed else self._evaluator

    def report(self, stop: Stop) -> None:
        """Records a mistake once; within `strictly` it is raised instead. What costs too much to go on with ends the binding."""
        if self._strict:
            raise stop
        if stop.diagnostic not in self._reported:
            self._reported.add(stop.diagnostic)
            self.diagnostics.append(stop.diagnostic)
        if stop.diagnostic.code in _ENDING or len(self._reported) >= MAX_DIAGNOSTICS:
            self.diagnostics.sort(key=lambda diagnostic: diagnostic.start)
            raise KqlError(self.text, self.diagnostics)

    @contextmanager
    def strictly(self) -> Iterator[None]:
        """Raises the first mistake, for those who want to do without what has one."""
        self._strict += 1
        try:
            yield
        finally:
            self._strict -= 1

    def inferred(self, row: Row, name: str) -> Expr:
        """A column that an open relation is taken to have, since the text names it."""
        relation = row.relation
        if relation is None or relation.unknown:
            return OpenColumn(Type.UNKNOWN, name)
        column = row.columns[name] = self.column(name, Type.UNKNOWN)
        relation.columns = (*relation.columns, column)
        return ColumnRef(Type.UNKNOWN, column)

    # -- small things that everything uses

    def column(self, name: str, type_: Type, *, hidden: bool = False) -> Column:
        """A new column."""
        self._ids += 1
        if self._ids > MAX_COLUMNS:
            raise self.too_large()
        return Column(self._ids, name, type_, hidden)

    def looks_at(self, count: int, node: syntax.Node) -> None:
        """Counts columns that are looked at one by one, as by a pattern; raises where they are too many for one query."""
        self._columns_seen += count
        if self._columns_seen > MAX_COLUMNS:
            raise self.too_large(node)

    def too_large(self, node: syntax.Node | None = None) -> Stop:
        """The exception for a query whose operators have too many columns."""
        message = f"the operators of the query have more than {MAX_COLUMNS} columns in all"
        if node is not None:
            return self.stop("VDT1004", message, node)
        return Stop(Diagnostic("VDT1004", message, 0, min(1, len(self.text))))

    def renewed(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """The same columns under identities of their own."""
        fresh = []
        for column in columns:
            copy = self.column(column.name, column.type, hidden=column.hidden)
            copy.extra, copy.absent = column.extra, column.absent
            fresh.append(copy)
        return tuple(fresh)

    def stop(self, code: str, message: str, node: syntax.Node) -> Stop:
        """The exception that ends the binding of a construct."""
        return Stop(
            Diagnostic(code, message, node.start, min(max(1, node.end - node.start), len(self.text) - node.start))
        )

    def refuse(self, what: str, node: syntax.Node) -> Stop:
        """The exception for something of the language that is not supported."""
        return self.stop("VDT1001", f"{what} is not supported", node)

    def unknown(self, kind: str, code: str, name: str, known: list[str], node: syntax.Node, hint: str = "") -> Stop:
        """The exception for a name that does not resolve, with the nearest that would, else with what `hint` says."""
        close = nearest(name, known) if self._hints < MAX_HINTS else None
        # among the columns of all tables, tens of thousands, a search takes as long as many others
        self._hints += 1 + len(known) // _NAMES_A_HINT
        hint = f"; did you mean '{close}'?" if close and close != name else hint
        return self.stop(code, f"The name '{name}' does not refer to any known {kind}{hint}", node)

    def missing_source(self) -> str:
        """What a message of an unknown column adds where a watchlist that may have had it is not there."""
        names = ", ".join(f"'{name}'" for name in dict.fromkeys(self.missing_watchlists))
        return f"; columns of the watchlist {names}, which this workspace does not have, are not known" if names else ""

    def warn(self, code: str, message: str, node: syntax.Node) -> None:
        """Notes something that is accepted and is likely a mistake; once for each place."""
        found = Diagnostic(code, message, node.start, max(1, node.end - node.start), "Warning")
        if found not in self.warnings:
            self.warnings.append(found)

    @contextmanager
    def deeper(self, node: syntax.Node) -> Iterator[None]:
        """Counts the nesting of calls so that a function that calls itself ends in a message."""
        if self._depth >= MAX_DEPTH:
            raise self.stop("VDT1002", f"functions call each other more than {MAX_DEPTH} levels deep", node)
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise self.stop("VDT1002", f"functions are called more than {MAX_CALLS} times", node)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    # -- tables and values that the rest is made of

    def use(self, relation: Relation, *, once: bool) -> Relation:
        """One more use of a relation that is bound already."""
        return Shared(
            self.renewed(relation.columns), relation, relation.columns, once,
            serialized=relation.serialized, open=relation.open, unknown=relation.unknown, label=relation.label,
        )  # fmt: skip

    def scan(self, table: TableSchema) -> Relation:
        """All rows of a table."""
        if self.proceed is not None:
            self.proceed()
        columns = []
        for field in table.fields:
            column = self.column(field.name, field.type, hidden=field.hidden)
            if field.hidden and field.type is Type.DYNAMIC:
                column.extra = table.extra
            columns.append(column)
        return Scan(tuple(columns), table)

    def convert_literal(self, value: Expr, type_: Type, node: syntax.Node) -> Expr:
        """A constant of a datatable as its column's type (`toX()` conversions; what does not fit is null)."""
        if value.type is type_:
            return value
        if isinstance(value, Constant) and value.value is None:
            return Constant(type_, "" if type_ is Type.STRING else None, start=value.start, end=value.end)
        return Cast(type_, value, start=value.start, end=value.end)

    def visible_host(self, scope: Scope) -> Host:
        """The workspace, as much of it as a query may see from here."""
        restriction = scope.restricted()
        return self.host if restriction is None else RestrictedHost(self.host, restriction)

    def views(self, scope: Scope) -> list[str]:
        """The names of the views that the query defines, which wildcards find too."""
        names = dict.fromkeys(scope.all_names())
        values = {name: scope.find(name) for name in names}
        return sorted(
            name
            for name, value in values.items()
            if isinstance(value, LetValue) and isinstance(value.value, syntax.FunctionLiteral) and value.value.view
        )

    def dealiased(self, target: syntax.Expression, scope: Scope) -> syntax.Expression:
        """What `database("name")` stands for where `alias database` has given that name."""
        if isinstance(target, syntax.Call) and target.name.name == "database" and len(target.args) == 1:
            named = target.args[0]
            if isinstance(named, syntax.Literal):
                return self.aliases.get(str(named.value), target)
        return target
