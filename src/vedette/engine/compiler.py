"""The compiler: from a bound query to one SQL statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any

from vedette.engine.dialect import SQL_TYPES, DuckDbSql, RowFunctionUse, identifier
from vedette.engine.expressions import Emitter
from vedette.engine.given import ExternalRows, ForeignRows, Given, KnownRows, RowSource
from vedette.engine.property_columns import property_items, read_properties
from vedette.engine.relations import COLUMN, OrderKey, Rel, name_of
from vedette.engine.rewrites import ALL_REWRITES
from vedette.engine.term_candidates import Narrowing, candidates, joined_texts, narrowed
from vedette.engine.tiers import Tiered, TieredRows, bounds
from vedette.engine.walking import relations_inside, relations_of
from vedette.kql.bound import (
    Cast,
    Column,
    ColumnRef,
    External,
    Known,
    Membership,
    Relation,
    ScalarQuery,
    Scan,
    Shared,
    Values,
)
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.host import Field
from vedette.kql.node import node
from vedette.kql.types import Type

if TYPE_CHECKING:
    import pyarrow as pa

    from vedette.engine.partials import Keeping

_SCAN = re.compile("\x00(\\d+)\x00")
_SOURCE = re.compile("\x00(\\d+)\x00 FROM (\\w*)")
_FEW = 10_000
"""Up to how many rows the engine makes the rows of a LIMIT by all threads."""
_RANGE = ("range_from", "range_to")

Lowering = Callable[["Compiler", Any], Rel]
LOWERINGS: dict[type[Relation], Lowering] = {}


def lowers(kind: type[Relation]) -> Callable[[Lowering], Lowering]:
    """Registers the function that turns a kind of bound relation into SQL."""

    def register(function: Lowering) -> Lowering:
        LOWERINGS[kind] = function
        return function

    return register


@node
class Compiled:
    """A statement that is ready to run."""

    sql: str
    columns: tuple[Column, ...]
    parameters: set[str]
    row_functions: list[RowFunctionUse]
    rewrites: tuple[str, ...] = ()
    """The names of the rewrites that changed the statement."""
    stages: list[Stage] = field(default_factory=list)
    """What Python computes before the statement runs, in order."""
    given: list[Given] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    """The SQL names of all columns that the statement names."""


@node
class Stage:
    """Rows that Python makes of the rows of a statement; later SQL reads them as the table `name`."""

    name: str
    sql: str
    transform: Callable[[Iterator[pa.RecordBatch], Callable[[], bool]], pa.Table]
    """Takes the rows in batches, and a function that tells whether the query was stopped."""


@node
class _Cte:
    name: str
    text: str
    columns: tuple[Column, ...]
    order: list[OrderKey] = field(default_factory=list)
    once: bool = True


class Compiler:
    """Compiles one bound query."""

    def __init__(
        self, *, timespan: bool = False, run: int = 0, rewrites: frozenset[str] = ALL_REWRITES,
        proceed: Callable[[], None] | None = None, now: int | None = None, keeping: Keeping | None = None,
    ) -> None:  # fmt: skip
        """`now` is the value that will be bound for now(), in ticks, where that is known; `keeping` keeps partial rows."""
        self.sql = DuckDbSql(run, rewrites)
        self.rewrites = rewrites
        self.keeping = keeping
        self._proceed = proceed
        self.run = run
        self.now = now
        self.parameters: set[str] = set()
        self.timespan = timespan
        """Whether `$from` and `$to` bound TimeGenerated of every table."""
        self.emitter = Emitter(self)
        self.groups: dict[str, str] = {}
        """Where operators work group by group: for a group's name the CTE that holds all groups, empty ones too."""
        self.root: Relation | None = None
        """The relation that is compiled, where all that uses a column can be found."""
        self._users: dict[int, list[Relation]] | None = None
        self.records: dict[int, tuple[Any, str]] = {}
        """For an mv-expand (by id) of a list inside of records: what is used of its elements, and where the list is."""
        self.narrowing = Narrowing()
        """What conditions ask of the tables below them."""
        self._ctes: list[_Cte] = []
        self._shared: dict[int, _Cte] = {}
        self._scalars: dict[int, str] = {}
        self._given: dict[int, Rel] = {}
        self._scans: list[list[tuple[str, str]]] = []
        self.given: list[Given] = []
        self.used: frozenset[str] = frozenset()
        self._fresh = 0
        self.stages: list[Stage] = []

    def stage(self, sql: str, transform: Callable[[Iterator[pa.RecordBatch], Callable[[], bool]], pa.Table]) -> str:
        """The name of the table that will hold what Python makes of a statement's rows."""
        name = f"stage_{self.run}_{self.fresh()}"
        self.stages.append(Stage(name, self.with_ctes(sql), transform))
        return name

    def beside(self, *, plain: bool = False, without: str = "") -> Compiler:
        """A compiler for another statement of the same run, if need be without a rewrite; a plain one makes the same text in every run."""
        return Compiler(
            timespan=self.timespan, run=0 if plain else self.run, rewrites=frozenset() if plain else self.rewrites - {without},
            proceed=self._proceed, now=self.now,
        )  # fmt: skip

    def fresh(self, prefix: str = "x") -> str:
        """A name that nothing else has."""
        self._fresh += 1
        return f"{prefix}{self._fresh}"

    def compile(self, relation: Relation, *, limit: int | None = None, read: bool = False) -> Compiled:
        """The statement whose rows are a relation's, in its order; with a limit, the first of them.

        `read` says that whoever takes the rows stops at the limit anyhow.
        """
        self.root = relation
        rel = self.rel(relation)
        visible = relation.visible
        names = [name_of(column) for column in visible]
        made = [item.rsplit(" AS ", 1)[-1] for item in rel.items or ()]
        few = rel.limit is not None and limit is not None and rel.limit.isdecimal() and int(rel.limit) <= limit
        if made == names and names and (rel.limit is None or (few and not rel.order)):
            # the last SELECT gives just what the result has
            base, text = rel, rel.text()
            limit = None if few else limit
        else:
            base = rel.wrapped()
            text = f"SELECT {', '.join(names) or '1'} FROM {base.source}"
            if base.where:
                text += " WHERE " + " AND ".join(base.where)
        if base.order and not (base.natural and limit is not None):
            text += f" ORDER BY {base.ordering()}"
        costly = any(not use.rare for use in self.sql.row_functions.values())
        counted = read and limit is not None and limit > _FEW and not base.order and not costly
        if limit is not None and not (counted and self.sql.may("reader-limit")):
            text += f" LIMIT {limit}"
        return self.finished(text, visible)

    def finished(self, text: str, columns: tuple[Column, ...] = ()) -> Compiled:
        """A statement with everything that it needs to run."""
        whole = self.with_ctes(text)
        return Compiled(
            whole,
            columns,
            self.parameters,
            list(self.sql.row_functions.values()),
            self.sql.rewritten(),
            self.stages,
            self.given,
            self.used,
        )

    def with_ctes(self, text: str) -> str:
        """A statement with the shared relations that it uses in front."""
        if not self._ctes:
            return self._pruned(text)
        parts = [f"{cte.name} AS {'MATERIALIZED ' if cte.once else ''}({cte.text})" for cte in self._ctes]
        return self._pruned(f"WITH {', '.join(parts)} {text}")

    def scan_mark(self, items: list[tuple[str, str]]) -> str:
        """Stands for a select list (names, and their SQL) of which only those names are kept that the statement uses."""
        self._scans.append(items)
        return f"\x00{len(self._scans) - 1}\x00"

    def _pruned(self, text: str) -> str:
        """The statement with only those columns in each scan that something names.

        Tables have hundreds of columns and queries name a few; every use is by a name of its own, so the text tells.
        """
        if not self._scans and not self.given:
            return text
        used = set(COLUMN.findall(text))
        lists = [""] * len(self._scans)
        # what reads a scan is made after it, so the lists of names are settled from the last to the first
        for place in range(len(self._scans) - 1, -1, -1):
            kept = [(name, sql) for name, sql in self._scans[place] if name in used]
            lists[place] = ", ".join(f"{sql} AS {name}" for name, sql in kept) or "1"
            used.update(name for _, sql in kept for name in COLUMN.findall(sql))
        self.used |= used
        filled = text
        while "\x00" in filled:
            filled = _SCAN.sub(lambda found: lists[int(found[1])], filled)
        return filled

    def narrowed(self, text: str) -> str:
        """A SELECT whose scans have only those columns that it names itself, whatever else the statement names."""
        used = set(COLUMN.findall(text))

        def mark(found: re.Match[str]) -> str:
            return self.scan_mark([(name, sql) for name, sql in self._scans[int(found[1])] if name in used])

        return _SCAN.sub(mark, text)

    def of_rows(self, relation: Relation, scan: Scan, made: str, numbers: str) -> Rel:
        """A relation that only filters and extends the rows of a table, of those rows whose numbers a SELECT gives.

        `made` is the SQL of the relation. The scan stands in it once, or several times where an index narrows it.
        """
        own = name_of(scan.columns[0])
        # the last one, since that reads rows of which an index knows nothing
        place, name = [
            (place, name)
            for place, name in _SOURCE.findall(made)
            if any(column == own for column, _ in self._scans[int(place)])
        ][-1]
        # rows that lie elsewhere, too, are in a view, and the table alone has not all of them
        elsewhere = scan.table.owner is not None or isinstance(scan.table.tiers, Tiered)
        table = name if elsewhere else scan.table.source
        mark = self.scan_mark(self._scans[int(place)])
        self.replace(scan, Rel(f"(SELECT {mark} FROM {table} WHERE rowid IN ({numbers}))", scan.columns))
        try:
            return self.rel(relation)
        finally:
            del self._given[id(scan)]

    def add_cte(self, text: str) -> str:
        """The name of a new CTE that is computed once."""
        name = self.fresh("s")
        self._ctes.append(_Cte(name, text, ()))
        return name

    def replace(self, relation: Relation, rel: Rel) -> None:
        """Says what a relation is, in the place of its own lowering."""
        self._given[id(relation)] = rel

    def given_for(self, relation: Relation) -> bool:
        """Whether something else was said to stand in a relation's place."""
        return id(relation) in self._given

    def rel(self, relation: Relation) -> Rel:
        """The SQL of a relation."""
        if self._proceed is not None:
            self._proceed()
        given = self._given.get(id(relation))
        if given is not None:
            return given
        lowering = LOWERINGS.get(type(relation))
        if lowering is None:
            name = type(relation).__name__
            raise KqlError("", [Diagnostic("VDT1001", f"the operator '{name}' is not supported by this engine", 0, 1)])
        read_properties(self, relation)
        return lowering(self, relation)

    def users(self, relation: Relation) -> list[Relation]:
        """The relations that are made right of a relation, in all that is compiled."""
        if self._users is None:
            self._users = {}
            for each in relations_of(self.root) if self.root is not None else ():
                for inner in relations_inside(each):
                    self._users.setdefault(id(inner), []).append(each)
        return self._users.get(id(relation), [])

    # -- pieces that several operators need

    def with_order(self, rel: Rel) -> Rel:
        """The rows with an order that can be named, even where nothing sorted them."""
        if rel.order:
            return rel
        name = self.fresh()
        base = rel.wrapped() if rel.plain and not rel.where else Rel(f"({rel.text()})", rel.columns)
        return Rel(
            f"(SELECT *, row_number() OVER () AS {name} FROM {base.source})", rel.columns, order=[OrderKey(name)],
            partition=rel.partition,
        )  # fmt: skip

    def shared(self, relation: Relation, *, once: bool = True) -> _Cte:
        """The CTE that holds a relation's rows."""
        cte = self._shared.get(id(relation))
        if cte is None:
            rel = self.rel(relation)
            # rows that are kept already need not be kept once more under other names
            once = once and not isinstance(relation, Shared)
            cte = _Cte(self.fresh("s"), rel.text(), rel.columns, rel.order, once)
            self._shared[id(relation)] = cte
            self._ctes.append(cte)
        return cte

    def scalar_query(self, node: ScalarQuery) -> str:
        """The CTE of one row `v` that holds the value of toscalar()."""
        if id(node) not in self._scalars:
            with self.emitter.beside():
                rel = self.rel(node.relation)
            name = self.fresh("q")
            first = rel.limited("1").wrapped()
            text = f"SELECT {name_of(node.column)} AS v FROM {first.source}"
            self._scalars[id(node)] = name
            self._ctes.append(_Cte(name, text, ()))
        return self._scalars[id(node)]

    def value_set(self, node: Membership) -> str:
        """The CTE of column `v` that holds the values of `in (tabular)`."""
        if id(node) not in self._scalars:
            with self.emitter.beside():
                rel = self.rel(node.relation).wrapped()
            name = self.fresh("q")
            text = f"SELECT DISTINCT {name_of(node.column)} AS v FROM {rel.source}"
            if rel.where:
                text += " WHERE " + " AND ".join(rel.where)
            self._scalars[id(node)] = name
            self._ctes.append(_Cte(name, text, ()))
        return self._scalars[id(node)]


def padding(type_: Type) -> str:
    """What stands in a column that a row lacks: "" for string, null for every other type (rule 92)."""
    return "''" if type_ is Type.STRING else f"CAST(NULL AS {SQL_TYPES[type_]})"


@lowers(Scan)
def scan(compiler: Compiler, node: Scan) -> Rel:
    """The rows of a table, within the query's time range."""
    table = node.table
    pairs = list(zip(node.columns, table.fields, strict=True))
    if table.source is None:
        nothing = ", ".join(f"{padding(column.type)} AS {name_of(column)}" for column, _ in pairs)
        return Rel(f"(SELECT {nothing} WHERE false)", node.columns)
    if table.owner is not None:
        return _foreign(compiler, node)
    items = [(name_of(column), field.sql or identifier(field.physical)) for column, field in pairs]
    # the number of a row, under the name of the first column
    items.append((f"{name_of(node.columns[0])}_0", "rowid"))
    source = table.source
    if isinstance(table.tiers, Tiered):
        source = compiler.fresh("g")
        compiler.given.append(TieredRows(source, table.tiers, *bounds(compiler, node)))
    condition = ""
    moment = next(
        (field for field in table.fields if field.name == "TimeGenerated" and field.type is Type.DATETIME), None
    )
    if compiler.timespan and moment is not None:
        compiler.parameters |= {"range_from", "range_to"}
        when = moment.sql or identifier(moment.physical)
        condition = f"{when} >= $range_from AND {when} < $range_to"
    found = None if isinstance(table.tiers, Tiered) else candidates(compiler, node)
    properties = property_items(node)
    if found is not None:
        texts = joined_texts(compiler, node, found, dict(items))
        known = compiler.scan_mark([*items, *properties, *((name, some) for name, some, _ in texts)])
        unknown = known
        if texts and found.unknown:
            unknown = compiler.scan_mark([*items, *properties, *((name, every) for name, _, every in texts)])
        text = narrowed(known, unknown, table.source, found, condition)
        compiler.given.append(found.place)
        if found.few:
            compiler.narrowing.few.add(id(node))
        return Rel(f"({text})", node.columns, nothing=found.none)
    mark = compiler.scan_mark([*items, *properties])
    return Rel(f"(SELECT {mark} FROM {source}{' WHERE ' + condition if condition else ''})", node.columns)


def _foreign(compiler: Compiler, node: Scan) -> Rel:
    """The rows of a table of another store, which are brought here before the statement runs."""
    table = node.table
    name = compiler.fresh("g")
    columns = tuple(
        (name_of(column), field.sql or identifier(field.physical))
        for column, field in zip(node.columns, table.fields, strict=True)
    )
    moment = next((sql for (_, sql), field in zip(columns, table.fields, strict=True) if _is_moment(field)), None)
    where, parameters = "", frozenset[str]()
    if compiler.timespan and moment is not None:
        where, parameters = f" WHERE {moment} >= $range_from AND {moment} < $range_to", frozenset(_RANGE)
    assert isinstance(table.owner, RowSource)
    assert table.source is not None
    source = f"({table.tiers.relation(None, None)})" if isinstance(table.tiers, Tiered) else table.source
    compiler.given.append(ForeignRows(name, columns, source, where, parameters, table.owner))
    mark = compiler.scan_mark([*((column, column) for column, _ in columns), (f"{columns[0][0]}_0", "rowid")])
    return Rel(f"(SELECT {mark} FROM {name})", node.columns)


def _is_moment(field: Field) -> bool:
    return field.name == "TimeGenerated" and field.type is Type.DATETIME


@lowers(Known)
def known(compiler: Compiler, node: Known) -> Rel:
    """Rows that the host gave."""
    if not node.rows:
        items = ", ".join(f"{padding(column.type)} AS {name_of(column)}" for column in node.columns)
        return Rel(f"(SELECT {items} WHERE false)", node.columns)
    name = compiler.fresh("g")
    columns = tuple((name_of(column), column) for column in node.columns)
    compiler.given.append(KnownRows(name, columns, node.rows))
    mark = compiler.scan_mark([(column, f"CAST({column} AS {SQL_TYPES[of.type]})") for column, of in columns])
    return Rel(f"(SELECT {mark} FROM {name})", node.columns)


@lowers(External)
def external(compiler: Compiler, node: External) -> Rel:
    """Rows that another host holds: fetched as text before the statement runs, converted as `toX()` does."""
    name = compiler.fresh("g")
    columns = tuple((name_of(column), column) for column in node.columns)
    compiler.given.append(ExternalRows(name, columns, tuple(node.uris), node.properties))
    items = []
    for column, of in columns:
        if of.type in (Type.STRING, Type.DYNAMIC):
            items.append(f"coalesce({column}, '') AS {column}" if of.type is Type.STRING else column)
            continue
        text = Column(of.id, of.name, Type.STRING)
        items.append(f"{compiler.emitter.emit(Cast(of.type, ColumnRef(Type.STRING, text))).sql} AS {column}")
    return Rel(f"(SELECT {', '.join(items)} FROM {name})", node.columns)


@lowers(Values)
def values(compiler: Compiler, node: Values) -> Rel:
    """Rows written in the query."""
    order = compiler.fresh()
    names = [name_of(column) for column in node.columns]
    casts = ", ".join(
        f"CAST({name} AS {SQL_TYPES[column.type]}) AS {name}" for name, column in zip(names, node.columns, strict=True)
    )
    if not node.rows:
        items = ", ".join(f"{padding(column.type)} AS {name_of(column)}" for column in node.columns)
        return Rel(f"(SELECT {items or '1'} WHERE false)", node.columns)
    rows = ", ".join(
        "(" + ", ".join([*(compiler.emitter.emit(cell).sql for cell in row), str(index)]) + ")"
        for index, row in enumerate(node.rows)
    )
    source = f"(SELECT {casts}, {order} FROM (VALUES {rows}) AS v({', '.join([*names, order])}))"
    return Rel(source, node.columns, order=[OrderKey(order)])


@lowers(Shared)
def shared(compiler: Compiler, node: Shared) -> Rel:
    """One use of rows that are computed once."""
    cte = compiler.shared(node.origin, once=node.once)
    columns = [(name_of(own), name_of(origin)) for origin, own in zip(node.origin_columns, node.columns, strict=True)]
    # only columns that some use names are kept, and so read
    items = [compiler.scan_mark(columns)]
    order = []
    for key in cte.order:
        name = compiler.fresh()
        items.append(f"{key.name} AS {name}")
        order.append(OrderKey(name, key.descending, key.nulls_first))
    return Rel(f"(SELECT {', '.join(items)} FROM {cte.name})", node.columns, order=order)
