"""Conditions that an index of terms can answer in part: which rows of a table may meet them.

A `where` right over a table says which texts a row must hold. The table's index (`TableSchema.terms`) gives ranges of rows outside of
which no row does, and the scan reads those; the condition itself is checked as ever. Rows that the index does not know are read, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from vedette.engine.fragment import Fragment
from vedette.engine.relations import COLUMN, name_of
from vedette.engine.walking import expressions_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Apply, Cast, ColumnRef, Constant, Expr, InList, Path, Relation, Scan, children, has_window
from vedette.kql.host import Field
from vedette.kql.node import fact, node
from vedette.kql.types import Type

if TYPE_CHECKING:
    import duckdb

    from vedette.engine.compiler import Compiler
    from vedette.engine.given import Surroundings

REWRITE: Final = "term-index"
_ALL: Final = 2**62
_TEXTS: Final = 9000
"""The first number of a name of a joined text; the properties of a column have the numbers from 1 on."""


@fact
class Mention:
    """One of some columns holds a text.

    `bound`: on that side a letter or digit at the needle's edge has none beside it. `whole`: the column's text ends there.
    The case counts or does not: rows with the text in another case may be among the candidates in any event.
    """

    fields: tuple[Field, ...]
    text: str
    bound_left: bool = False
    bound_right: bool = False
    whole_left: bool = False
    whole_right: bool = False
    joined: int = 0
    """What tells the expression that puts the columns' texts together from others of the query; 0: there is one column."""


@fact
class Every:
    """All of them hold."""

    parts: tuple[Asked, ...]


@fact
class Some:
    """One of them holds at least."""

    parts: tuple[Asked, ...]


Asked = Mention | Every | Some


class RowsMoved(Exception):
    """The rows of a table are not those of which its index of terms told: what was made of its answer is of no use."""

    def __init__(self, *, known: bool = False) -> None:
        """`known`: the index has learned of it, and will tell of the rows as they are."""
        self.known = known
        super().__init__("the term index is of other rows")


class RowsInPlace(ABC):
    """Whether rows are where an index of terms told, for a statement that was made of its answer."""

    one_state: bool
    """Whether it must be asked in the state of the tables that the statement reads."""

    @abstractmethod
    def install(self, connection: duckdb.DuckDBPyConnection, around: Surroundings) -> None:
        """Asked before the statement runs; raises `RowsMoved` where they are not."""

    @abstractmethod
    def confirm(self) -> None:
        """Asked once the statement runs, whose state of the tables is fixed then; raises `RowsMoved` where they may not be."""


@fact
class Candidates:
    """Where rows may meet what was asked: ranges of row ids (from, to) that do not touch, and ranges that the index does not know
    (to None: the end).

    They are those of the time when they were asked for: a statement made of them is run at once, not kept.
    """

    ranges: list[tuple[int, int]]
    unknown: list[tuple[int, int | None]]
    few_unknown: bool
    """Whether rows that the index does not know are so few that it does not matter how they are read."""
    place: RowsInPlace
    """Tells whether the rows are where the index has them."""
    conditions: tuple[str, ...] = ()
    """Conditions in SQL: rows that meet one may be wanted, too. They read columns that have no terms, and little of them."""
    speaking: dict[int, frozenset[str]] = field(default_factory=dict)
    """By `Mention.joined` the names of those columns in which a row that the index knows can hold the text: in no such row it stands in
    another. An expression that is not here may have it in any."""
    whole: bool = False
    """Whether the ranges are all rows that the index knows."""

    @property
    def few(self) -> bool:
        """Whether no more than some thousand rows are read."""
        if self.whole or self.conditions or (self.unknown and not self.few_unknown):
            return False
        return sum(end - start for start, end in self.ranges) <= _FEW

    @property
    def none(self) -> bool:
        """Whether no row can meet what was asked."""
        return not self.ranges and not self.conditions and not self.unknown


class TermLookup(ABC):
    """The index of one table."""

    @abstractmethod
    def candidates(self, asked: Asked) -> Candidates | None:
        """Where rows may be; None where the index is of no help."""


@fact
class _Operator:
    """What an operator says of the needle in its text."""

    bound_left: bool = False
    bound_right: bool = False
    whole_left: bool = False
    whole_right: bool = False


def _both(name: str, operator: _Operator) -> dict[str, _Operator]:
    return {name: operator, f"{name}_cs": operator}


_OPERATORS: Final[dict[str, _Operator]] = {
    **_both("has", _Operator(bound_left=True, bound_right=True)),
    **_both("hasprefix", _Operator(bound_left=True)),
    **_both("hassuffix", _Operator(bound_right=True)),
    **_both("contains", _Operator()),
    **_both("startswith", _Operator(whole_left=True)),
    **_both("endswith", _Operator(whole_right=True)),
    "==": _Operator(whole_left=True, whole_right=True),
    "=~": _Operator(whole_left=True, whole_right=True),
}
_LISTS: Final = {
    "in": _OPERATORS["=="],
    "in~": _OPERATORS["=~"],
    "has_any": _OPERATORS["has"],
    "has_all": _OPERATORS["has"],
}
_MOST_ITEMS: Final = 200
_FEW: Final = 20_000


@node
class Narrowing:
    """What is asked of the scans of a query, by the id of each."""

    asked: dict[int, list[Asked]] = field(default_factory=dict)
    joined: dict[int, list[Apply]] = field(default_factory=dict)
    """The expressions among it that put the texts of columns together."""
    few: set[int] = field(default_factory=set)
    """The scans (by id) of which the index leaves some thousand rows at most."""
    bases: dict[int, Relation] = field(default_factory=dict)
    """By the id of a relation what it reads row by row; a condition may have thousands below it."""


def ask(compiler: Compiler, node: Where) -> None:
    """Notes what a condition asks of the table right below it, before that is read."""
    below = _base(compiler, node)
    if not isinstance(below, Scan) or not isinstance(below.table.terms, TermLookup) or below.table.owner is not None:
        return
    fields = dict(zip((column.id for column in below.columns), below.table.fields, strict=True))
    asked = _asked(node.predicate, fields)
    if asked is None:
        return
    compiler.narrowing.asked.setdefault(id(below), []).append(asked)
    wanted = {mention.joined for mention in _mentions(asked)}
    found = [each for each in _inside(node.predicate) if id(each) in wanted]
    for each in found:
        # what stands in several places may be asked for something else there
        if isinstance(each, Apply) and sum(other is each for other in found) == 1:
            compiler.narrowing.joined.setdefault(id(below), []).append(each)


def has_few_rows(compiler: Compiler, node: Where) -> bool:
    """Whether the index leaves some thousand rows at most for a condition to be checked on; to be asked when its table has been read."""
    return id(_base(compiler, node)) in compiler.narrowing.few


def _mentions(asked: Asked) -> Iterator[Mention]:
    if isinstance(asked, Mention):
        yield asked
    else:
        for part in asked.parts:
            yield from _mentions(part)


def _inside(value: Expr) -> Iterator[Expr]:
    """An expression and all that it is made of."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += children(each)


def _base(compiler: Compiler, relation: Relation) -> Relation:
    """What lies below all operators that take each row by itself and that nobody else reads."""
    known = compiler.narrowing.bases
    passed: list[Relation] = []
    while id(relation) not in known:
        passed.append(relation)
        if not isinstance(relation, Where | Sort | Project) or not _each_row_by_itself(relation):
            break
        if len(compiler.users(relation.input)) != 1:
            break
        relation = relation.input
    base = known.get(id(relation), relation)
    known.update((id(each), base) for each in passed)
    return base


def _each_row_by_itself(relation: Where | Sort | Project) -> bool:
    """Whether an operator passes the columns on, and the rows below it could be fewer without a change in those that stay."""
    if isinstance(relation, Sort):
        return relation.count is None
    if isinstance(relation, Project) and not relation.keeps:
        return False
    return not any(has_window(value) for value in expressions_of(relation))


def candidates(compiler: Compiler, node: Scan) -> Candidates | None:
    """Where the rows of a scan may be; None: anywhere."""
    asked = compiler.narrowing.asked.get(id(node))
    if not asked or not isinstance(node.table.terms, TermLookup):
        return None
    found = node.table.terms.candidates(Every(tuple(asked)))
    return found if found is not None and compiler.sql.may(REWRITE) else None


def narrowed(known: str, unknown: str, source: str, found: Candidates, condition: str) -> str:
    """SQL of those rows of a table that may be wanted; `condition` is a further one on them.

    `known` and `unknown` are what to select of rows that the index knows, and of others.
    """
    if found.none:
        return f"SELECT {known} FROM {source} WHERE false"
    if found.whole:
        return _whole(known, unknown, source, found, condition)
    starts = ", ".join(str(start) for start, _ in [(0, 0), *found.ranges])
    ends = ", ".join(str(end) for _, end in [(0, 0), *found.ranges])
    further = f" AND {condition}" if condition else ""
    # the limit keeps the conditions that follow out of the scan, which would check them for whole row groups
    limit = f"LIMIT {_ALL}"
    # a list is written as text: the engine takes as long to bind its numbers one by one as to read the rows
    wanted = f"SELECT unnest(range(s, e)) FROM (SELECT unnest('[{starts}]'::BIGINT[]) AS s, unnest('[{ends}]'::BIGINT[]) AS e)"
    if found.conditions:
        # rows that the index does not know are read below
        within = "".join(
            f" AND (rowid < {start}{'' if end is None else f' OR rowid >= {end}'})" for start, end in found.unknown
        )
        wanted += f" UNION ALL SELECT rowid FROM {source} WHERE ({' OR '.join(found.conditions)}){within}"
    text = f"SELECT {known} FROM {source} WHERE rowid IN ({wanted}){further}"
    rest = _unknown(unknown, source, found, further)
    # conditions that are written once are compiled once, which takes longer than to read some thousand rows
    return f"SELECT * FROM ({text}{rest}) {limit}" if found.few_unknown and rest else f"({text} {limit}){rest}"


def _whole(known: str, unknown: str, source: str, found: Candidates, condition: str) -> str:
    """The same where all rows are wanted, but not all of their columns."""
    further = f" AND {condition}" if condition else ""
    # no limit here: the engine reads the rows under one by one thread
    within = " OR ".join(f"(rowid >= {start} AND rowid < {end})" for start, end in found.ranges)
    rest = _unknown(unknown, source, found, further)
    return f"SELECT {known} FROM {source} WHERE ({within}){further}{rest}"


def _unknown(items: str, source: str, found: Candidates, further: str) -> str:
    """SQL that adds the rows that the index does not know."""
    rest = ""
    for start, end in found.unknown:
        upto = "" if end is None else f" AND rowid < {end}"
        rest += f" UNION ALL SELECT {items} FROM {source} WHERE rowid >= {start}{upto}{further}"
    return rest


def joined_texts(
    compiler: Compiler, node: Scan, found: Candidates, items: dict[str, str]
) -> list[tuple[str, str, str]]:
    """The texts of `search` that a scan gives itself, which are shorter where the index knows a row.

    For each its name, the SQL of what it is in rows that the index knows (the texts of those columns that can have the needle) and of
    what it is in others. `items` is the SQL of the scan's columns. The expressions are emitted as those names from here on.
    """
    made: list[tuple[str, str, str]] = []
    for text in compiler.narrowing.joined.get(id(node), ()):
        speaking = found.speaking.get(id(text))
        if speaking is None:
            continue
        fields = dict(zip((column.id for column in node.columns), node.table.fields, strict=True))
        between, *parts = text.args
        own = [part for part in parts if (of := _column_of(part, fields)) is None or of.name in speaking]
        if len(own) == len(parts):
            continue
        name = f"{name_of(node.columns[0])}_{_TEXTS + len(made)}"
        texts = [
            COLUMN.sub(lambda one: f"({items.get(one[0], one[0])})", compiler.emitter.emit(some).sql) if some else "''"
            for some in (replace(text, args=[between, *own]) if own else None, text)
        ]
        compiler.emitter.made[id(text)] = Fragment(name, Type.STRING, False)
        made.append((name, texts[0], texts[1]))
    return made


def _asked(node: Expr, fields: dict[int, Field]) -> Asked | None:
    """What a condition asks at least; None: nothing that an index knows."""
    if isinstance(node, InList):
        return _of_list(node, fields)
    if not isinstance(node, Apply):
        return None
    if node.unit.name == "and":
        parts = [part for part in (_asked(arg, fields) for arg in node.args) if part is not None]
        return Every(tuple(parts)) if parts else None
    if node.unit.name == "or":
        found = [_asked(arg, fields) for arg in node.args]
        return None if any(part is None for part in found) else Some(tuple(part for part in found if part is not None))
    operator = _OPERATORS.get(node.unit.name)
    if operator is None or len(node.args) != 2:
        return None
    text, needle = node.args
    if node.unit.name in ("==", "=~") and isinstance(text, Constant):
        text, needle = needle, text
    if not isinstance(needle, Constant) or needle.type is not Type.STRING or not isinstance(needle.value, str):
        return None
    return _mention(text, needle.value, operator, fields)


def _of_list(node: InList, fields: dict[int, Field]) -> Asked | None:
    operator = _LISTS.get(node.op)
    if operator is None or node.left.type not in (Type.STRING, Type.DYNAMIC):
        return None
    texts: list[str] = []
    for item in node.items:
        if not isinstance(item, Constant) or item.type is not Type.STRING or not isinstance(item.value, str):
            return None
        texts.append(item.value)
    for array in node.arrays:
        if not isinstance(array, Constant) or not isinstance(array.value, list):
            return None
        if not all(isinstance(value, str) for value in array.value):
            return None
        texts += array.value
    if not texts or len(texts) > _MOST_ITEMS:
        return None
    found = [_mention(node.left, text, operator, fields) for text in texts]
    known = tuple(part for part in found if part is not None)
    if node.op == "has_all":
        return Every(known) if known else None
    return Some(known) if len(known) == len(found) else None


def _mention(text: Expr, needle: str, operator: _Operator, fields: dict[int, Field]) -> Mention | None:
    read = _fields_of(text, fields)
    if not read or not needle:
        return None
    if len(read) > 1 and (operator.whole_left or operator.whole_right):
        return None
    if any(field.type is Type.DYNAMIC for field in read):
        # the text of a property is a part of what is stored
        operator = replace(operator, whole_left=False, whole_right=False, bound_left=operator.bound_left or operator.whole_left,
                           bound_right=operator.bound_right or operator.whole_right)  # fmt: skip
    return Mention(
        tuple(read), needle, operator.bound_left, operator.bound_right, operator.whole_left, operator.whole_right,
        id(text) if len(read) > 1 else 0,
    )  # fmt: skip


def _fields_of(text: Expr, fields: dict[int, Field]) -> list[Field] | None:
    """The columns in which a text stands, if it stands in one of them whole; None: it is made in another way."""
    match text:
        case ColumnRef():
            found = fields.get(text.column.id)
            return None if found is None or text.type not in (Type.STRING, Type.DYNAMIC) else [found]
        case Apply() if text.unit.name == "strcat_delim":
            return _joined(text.args, fields)
        case Cast(type=Type.STRING) | Apply():
            if isinstance(text, Apply) and text.unit.name != "tostring":
                return None
            operand = text.operand if isinstance(text, Cast) else text.args[0]
            while isinstance(operand, Path):
                operand = operand.target
            own = fields.get(operand.column.id) if isinstance(operand, ColumnRef) else None
            return None if own is None else [own]
    return None


def _joined(args: Iterable[Expr], fields: dict[int, Field]) -> list[Field] | None:
    """The columns of `search`: their texts with a character between them that no needle holds."""
    between, *texts = args
    if not isinstance(between, Constant) or between.value != "\x1f":
        return None
    found: list[Field] = []
    for text in texts:
        own = _column_of(text, fields)
        if own is None:
            return None
        found.append(own)
    return found


def _column_of(text: Expr, fields: dict[int, Field]) -> Field | None:
    """The column whose text an expression is."""
    while isinstance(text, Cast):
        text = text.operand
    return fields.get(text.column.id) if isinstance(text, ColumnRef) else None
