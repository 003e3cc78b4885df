"""From bound expressions to SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vedette.engine.dialect import DuckDbSql, identifier
from vedette.engine.fragment import Fragment
from vedette.engine.terms import any_term_search, literal_pattern, term_search
from vedette.kql.bound import (
    AggregateCall,
    Apply,
    Cast,
    Chosen,
    ColumnRef,
    Constant,
    Expr,
    InList,
    Membership,
    ParameterRef,
    Path,
    ScalarQuery,
    WindowCall,
)
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.syntax import TypeOf
from vedette.kql.types import NUMBERS, Type

if TYPE_CHECKING:
    from vedette.engine.compiler import Compiler
    from vedette.engine.windows import Over

__all__ = ["Emitter", "identifier"]

_LONG: Final = 1000
"""Characters of SQL from which an argument that is needed several times is computed apart."""
_TOO_LONG: Final = 16_000_000
"""Characters of SQL that one expression may become."""


_COUNTS = frozenset({"count", "countif", "dcount", "dcountif", "count_distinct", "count_distinctif"})
"""Aggregates that SQL's count() gives, which is never null."""


_MANY = 6
"""From how many terms on one expression for all of them is faster than a look for each."""


class Emitter:
    """Emits the expressions of one query."""

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        self.sql: DuckDbSql = compiler.sql
        self.over = ""
        """The ORDER BY of the input, for aggregates that keep the order."""
        self.window: Over | None = None
        """The rows that the window call being emitted looks over."""
        self.ranks: dict[int, str] = {}
        """For each choice of a row (by id) the name of the rank that is 1 in its row."""
        self.empty: frozenset[int] = frozenset()
        """Columns (by id) of which all rows of the group being emitted have nothing."""
        self.made: dict[int, Fragment] = {}
        """For each expression (by id) that a SELECT inside computes already, where it is."""
        self._names = 0

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Within it a relation is made that stands in an expression: what is said here of the rows around that is not for it."""
        sql = self.sql
        kept = self.over, self.window, self.ranks, self.empty
        kept_there = sql.aggregate_order, sql.first_seen, sql.distinct_input, sql.few_rows
        self.over, self.window, self.ranks, self.empty = "", None, {}, frozenset()
        sql.aggregate_order, sql.first_seen, sql.distinct_input, sql.few_rows = "", False, False, False
        try:
            yield
        finally:
            self.over, self.window, self.ranks, self.empty = kept
            sql.aggregate_order, sql.first_seen, sql.distinct_input, sql.few_rows = kept_there

    def emit(self, node: Expr) -> Fragment:
        """The SQL of an expression."""
        made = self.made.get(id(node))
        if made is not None:
            return made
        match node:
            case Constant():
                if node.type is Type.UNKNOWN:
                    return self.sql.literal(None, Type.STRING)
                if isinstance(node.value, TypeOf):
                    return self.sql.literal(None, node.type)
                return self.sql.literal(node.value, node.type)
            case ColumnRef():
                return Fragment(f"c{node.column.id}", node.type, node.type is not Type.STRING)
            case Apply():
                return self._apply(node)
            case Cast():
                return self._cast(node)
            case Path():
                return self._path(node)
            case ParameterRef():
                self.compiler.parameters.add(node.name)
                bound = self.compiler.now if node.name == "now" else None
                return Fragment(f"${node.name}", node.type, node.name != "now", bound=bound)
            case AggregateCall():
                return self._aggregate(node)
            case Chosen():
                return self._chosen(node)
            case WindowCall():
                return self._window(node)
            case ScalarQuery():
                return self._scalar_query(node)
            case InList():
                return self._in_list(node)
            case Membership():
                return self._membership(node)
        raise KqlError(
            "", [Diagnostic("VDT1004", "this part of the query depends on columns that only data shows", node.start, 1)]
        )

    def true(self, node: Expr) -> str:
        """A predicate where null counts as false, as in `where`: simpler SQL that indexes and zone maps serve."""
        if isinstance(node, Apply):
            if node.unit.name in ("and", "or"):
                word = f" {node.unit.name.upper()} "
                return "(" + word.join(self.true(arg) for arg in node.args) + ")"
            if node.unit.name == "==" and node.args[0].type is not Type.REAL:
                left, right = self._bare(*(self.emit(arg) for arg in node.args))
                return f"({left} = {right})"
            if node.unit.name == "!=" and node.args[0].type is not Type.REAL:
                left, right = self._bare(*(self.emit(arg) for arg in node.args))
                comparison = "IS DISTINCT FROM" if left.nullable or right.nullable else "<>"
                return f"({left} {comparison} {right})"
        if isinstance(node, InList) and node.op in ("in", "in~") and node.items and not node.arrays:
            left, items = self.emit(node.left), [self.emit(item) for item in node.items]
            if all(isinstance(item.value, str) for item in items) and left.bare is not None:
                left = self._bare(left, *items)[0]
                if node.op == "in":
                    return f"({left} IN ({', '.join(map(str, items))}))"
                return f"(lower({left}) IN ({', '.join(f'lower({item})' for item in items)}))"
        return self.emit(node).sql

    def _bare(self, *sides: Fragment) -> list[Fragment]:
        """The sides of a comparison, null instead of "" where that is compared with texts that are not empty."""
        for place, side in enumerate(sides):
            others = [other for other in sides if other is not side]
            known = all(isinstance(other.value, str) and other.value for other in others)
            if side.bare is not None and known and self.sql.may("bare-text"):
                return [*sides[:place], Fragment(side.bare, side.type), *sides[place + 1 :]]
        return list(sides)

    def _apply(self, node: Apply) -> Fragment:
        unit = node.unit
        if unit.name == "tostring" and isinstance(node.args[0], Path):
            return self._cast(Cast(Type.STRING, node.args[0]))
        args = [self.emit(arg) for arg in node.args]
        made = self._called(node, args)
        return replace(made, folded=True) if args and all(arg.fixed for arg in args) else made

    def _called(self, node: Apply, args: list[Fragment]) -> Fragment:
        unit = node.unit
        text: str | Fragment
        if unit.kind == "row":
            text = self.sql.row(unit.name, unit.emit, node.type, *args, strict=unit.nulls == "strict")
        else:
            text = self._once(args, lambda *given: unit.emit(self.sql, *given))
        if len(text if isinstance(text, str) else text.sql) > _TOO_LONG:
            message = "the query is too large: this part of it becomes too much SQL"
            raise KqlError("", [Diagnostic("VDT1004", message, node.start, 1)])
        if isinstance(text, Fragment):
            return text
        nullable = unit.nulls != "total" and (
            unit.nulls == "own" or any(arg.nullable for arg in args) or unit.kind == "row"
        )
        if node.type is Type.STRING:
            return Fragment(f"coalesce({text}, '')" if nullable else text, Type.STRING, False)
        return Fragment(text, node.type, nullable)

    def _cast(self, node: Cast) -> Fragment:
        operand = node.operand
        if node.type is Type.STRING and isinstance(operand, Path):
            element = self._element(operand)
            if element is not None:
                return Fragment(f"coalesce({element}, '')", Type.STRING, False)
            # one extraction instead of JSON text that is read a second time
            text = self.sql.extract_text(self.emit(operand.target), self._steps(operand))
            return Fragment(f"coalesce({text}, '')", Type.STRING, False)
        value = self.emit(operand)
        cast = self._once([value], lambda given: self.sql.cast(given, node.type))
        assert isinstance(cast, Fragment)
        return replace(cast, folded=True) if value.fixed else cast

    def _once(self, args: list[Fragment], make: Callable[..., Fragment | str]) -> Fragment | str:
        """What `make` makes of arguments, each long one written out once only.

        A unit may name an argument several times, so without this the text of nested calls would grow with a power of
        their depth. SQL has no name for a value within an expression, except in a lambda.
        """
        long = [arg for arg in args if len(arg.sql) > _LONG and not arg.constant]
        if not long:
            return make(*args)
        self._names += 1
        row = f"v{self._names}"
        short = {id(arg): replace(arg, sql=f"{row}.a{index}_") for index, arg in enumerate(long)}
        made = make(*(short.get(id(arg), arg) for arg in args))
        text = made if isinstance(made, str) else made.sql
        if all(text.count(arg.sql) <= 1 for arg in short.values()):
            return make(*args)
        # a lambda takes no subquery: those are made outside, with the long ones
        short |= {
            id(arg): replace(arg, sql=f"{row}.b{index}_")
            for index, arg in enumerate(args)
            if "SELECT" in arg.sql and id(arg) not in short and not arg.constant
        }
        made = make(*(short.get(id(arg), arg) for arg in args))
        text = made if isinstance(made, str) else made.sql
        if "SELECT" in text:
            return make(*args)
        values = {short[id(arg)].sql.partition(".")[2]: arg.sql for arg in args if id(arg) in short}
        text = _with_names(row, values, text)
        return text if isinstance(made, str) else replace(made, sql=text)

    def _element(self, node: Path) -> str | None:
        """The text of one element of an array that a function makes, where the function can give it by itself."""
        target, steps = node.target, node.steps
        if (
            not isinstance(target, Apply)
            or target.unit.part is None
            or len(steps) != 1
            or not isinstance(steps[0], int)
        ):
            return None
        return target.unit.part(self.sql, steps[0], *(self.emit(arg) for arg in target.args))

    def _steps(self, node: Path) -> list[str | int | Fragment]:
        return [step if isinstance(step, str | int) else self.emit(step) for step in node.steps]

    def _path(self, node: Path) -> Fragment:
        return Fragment(self.sql.extract(self.emit(node.target), self._steps(node)), Type.DYNAMIC, True)

    def _aggregate(self, node: AggregateCall) -> Fragment:
        args = [self.emit(arg) for arg in node.args]
        self.sql.aggregate_order = self.over
        text = node.unit.emit(self.sql, *args)
        if node.condition is not None:
            # the aggregate sees nulls in the rows that are not meant, and every aggregate ignores nulls; count(*) has none
            test = self.true(node.condition)
            if args:
                text = node.unit.emit(self.sql, *(self._where(test, arg) for arg in args))
            else:
                text = f"count(*) FILTER (WHERE {test})"
        if isinstance(text, Fragment):
            return text
        if node.type is Type.STRING:
            return Fragment(f"coalesce({text}, '')", Type.STRING, False)
        if node.unit.name in _COUNTS and isinstance(text, str) and text.startswith("count("):
            return Fragment(text, node.type, False)
        if node.unit.empty != "null":
            return Fragment(f"coalesce({text}, {node.unit.empty})", node.type, False)
        return Fragment(text, node.type, True)

    def _chosen(self, node: Chosen) -> Fragment:
        if isinstance(node.value, ColumnRef) and node.value.column.id in self.empty and node.type is node.value.type:
            return self.sql.literal("" if node.type is Type.STRING else None, node.type)
        value, choice = self.emit(node.value), node.choice
        rank = self.ranks.get(id(choice))
        if rank is not None:
            text = f"first({value}) FILTER (WHERE {rank} = 1)"
        else:
            assert choice.by is not None
            by = self.emit(choice.by)
            order = f"CASE WHEN NOT isnan({by}) THEN {by} END" if by.type is Type.REAL else by.sql
            # where every value to compare is null, any row will do
            text = f"CASE WHEN count({order}) > 0 THEN arg_{choice.kind}_null({value}, {order}) ELSE first({value}) END"
        if node.type is Type.STRING:
            return Fragment(f"coalesce({text}, '')", Type.STRING, False)
        return Fragment(text, node.type, True)

    def _where(self, test: str, value: Fragment) -> Fragment:
        if value.constant:
            return value
        return Fragment(f"CASE WHEN {test} THEN {value} END", value.type, True)

    def _window(self, node: WindowCall) -> Fragment:
        if self.window is None:
            raise KqlError(
                "",
                [Diagnostic("VDT1001", f"the function '{node.unit.name}' is not supported here", node.start, 1)],
            )
        args = [self.emit(arg) for arg in node.args]
        text = node.unit.emit(self.sql, self.window, *args)
        if isinstance(text, Fragment):
            return text
        return Fragment(
            f"coalesce({text}, '')" if node.type is Type.STRING else text, node.type, node.type is not Type.STRING
        )

    def _scalar_query(self, node: ScalarQuery) -> Fragment:
        name = self.compiler.scalar_query(node)
        if node.type is Type.STRING:
            return Fragment(f"coalesce((SELECT v FROM {name}), '')", Type.STRING, False)
        return Fragment(f"(SELECT v FROM {name})", node.type, True)

    # -- membership

    def _in_list(self, node: InList) -> Fragment:
        left = self.emit(node.left)
        items = [self.emit(item) for item in node.items]
        arrays = [self.emit(array) for array in node.arrays]
        if node.op in ("has_any", "has_all"):
            return Fragment(self._has_list(node.op, left, items, arrays), Type.BOOL, False)
        negated, folded = node.op.startswith("!"), node.op.endswith("~")
        if any(item.type is Type.STRING and left.type is not Type.STRING for item in items):
            left = self.sql.cast(left, Type.STRING)
            items = [self.sql.cast(item, Type.STRING) for item in items]
        value = f"lower({left})" if folded and left.type is Type.STRING else left.sql
        parts: list[str] = []
        plain = [item for item in items if not (item.constant and item.value is None)]
        if plain:
            texts = [f"lower({item})" if folded and item.type is Type.STRING else item.sql for item in plain]
            parts.append(f"{value} IN ({', '.join(texts)})")
        if len(plain) != len(items):
            parts.append(f"{left} IS NULL")
        text_left = self.sql.tostring(left)
        for array in arrays:
            elements = self.sql.members(array)
            if folded:
                parts.append(f"list_contains(list_transform({elements}, lambda e: lower(e)), lower({text_left}))")
            elif left.type in NUMBERS:
                # a number may be written in several ways
                parts.append(f"list_contains({elements}, {text_left})")
                parts.append(f"list_contains(TRY_CAST({elements} AS DOUBLE[]), CAST({left} AS DOUBLE))")
            else:
                parts.append(f"list_contains({elements}, {text_left})")
        if not parts:
            return self.sql.literal(negated, Type.BOOL)
        test = " OR ".join(parts)
        nullable = left.nullable or bool(arrays) or any(item.nullable for item in plain)
        inside = f"coalesce(({test}), false)" if nullable else f"({test})"
        return Fragment(f"(NOT {inside})" if negated else inside, Type.BOOL, False)

    def _has_list(self, op: str, left: Fragment, items: list[Fragment], arrays: list[Fragment]) -> str:
        word = " OR " if op == "has_any" else " AND "
        texts = [self.sql.tostring(item) for item in items]
        if op == "has_any":
            written = [text.value for text in texts if text.constant and isinstance(text.value, str)]
            parts = any_term_search(self.sql, left, written)
            texts = [text for text in texts if not (text.constant and isinstance(text.value, str))]
        else:
            written, parts = [], []
        parts += [term_search(self.sql, left, text) for text in texts]
        for array in arrays:
            elements = self.sql.members(array)
            known = "e IS NOT NULL AND" if op == "has_any" else "e IS NULL OR"

            def tested(text: Fragment, elements: str, known: str = known) -> str:
                needle = Fragment("e", Type.STRING, False)
                return f"list_transform({elements}, lambda e: {known} {term_search(self.sql, text, needle)})"

            if "SELECT" in left.sql:  # a lambda takes no subquery
                self._names += 1
                row = f"v{self._names}"
                tests = _with_names(
                    row, {"a": left.sql, "b": elements}, tested(replace(left, sql=f"{row}.a"), f"{row}.b")
                )
            else:
                tests = tested(left, elements)
            parts.append(
                f"coalesce({'list_bool_or' if op == 'has_any' else 'list_bool_and'}({tests}), {op == 'has_all'})"
            )
        if not parts:
            return "true" if op == "has_all" else "false"
        if len(written) >= _MANY and not texts and not arrays and all(written) and self.sql.may("any-term-first"):
            pattern = "|".join(literal_pattern(term.lower()) for term in written)
            return f"(regexp_matches(lower({left}), {self.sql.quote(pattern)}, 's') AND ({word.join(parts)}))"
        return "(" + word.join(parts) + ")"

    def _membership(self, node: Membership) -> Fragment:
        left = self.emit(node.left)
        number = left if left.type in NUMBERS else None
        name = self.compiler.value_set(node)
        value = Fragment("v", node.column.type, node.column.type is not Type.STRING)
        if node.column.type is Type.DYNAMIC:
            # as in a list, an array stands for its elements: `summarize make_list(x)` gives one row with all of them (rule 19)
            name = f"(SELECT unnest({self.sql.members('v')}) AS v FROM {name})"
            value = Fragment("v", Type.STRING, True)
        if value.type is Type.STRING and left.type is not Type.STRING:
            left = self.sql.tostring(left)
        elif left.type is Type.STRING and value.type is not Type.STRING:
            value = self.sql.tostring(value)
        if node.op in ("has_any", "has_all"):
            test = term_search(self.sql, left, value)
            rule = "bool_or" if node.op == "has_any" else "bool_and"
            default = "false" if node.op == "has_any" else "true"
            return Fragment(f"(SELECT coalesce({rule}({test}), {default}) FROM {name})", Type.BOOL, False)
        negated, folded = node.op.startswith("!"), node.op.endswith("~")
        wanted = f"FROM {name} WHERE v IS NOT NULL"
        if folded and left.type is Type.STRING:
            inside = f"coalesce(lower({left}) IN (SELECT lower({value}) {wanted}), false)"
        else:
            inside = f"coalesce({left} IN (SELECT {value} {wanted}), false)"
        if node.column.type is Type.DYNAMIC and number is not None:
            # a number may be written in several ways
            inside = (
                f"({inside} OR coalesce(CAST({number} AS DOUBLE) IN (SELECT TRY_CAST(v AS DOUBLE) {wanted}), false))"
            )
        return Fragment(f"(NOT {inside})" if negated else inside, Type.BOOL, False)


def _with_names(row: str, values: Mapping[str, str], text: str) -> str:
    """An expression that names values (SQL, by name) as fields of `row`: SQL has no name for a value within one, except in a lambda."""
    fields = ", ".join(f"{name}: {value}" for name, value in values.items())
    return f"list_transform([{{{fields}}}], lambda {row}: {text})[1]"
