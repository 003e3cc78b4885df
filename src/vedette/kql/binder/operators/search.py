"""search: rows in which some column has a term."""

from __future__ import annotations

import dataclasses
import re

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.operators.tables import Leg, LegColumns, Legs, everything, gather, names_in, piped
from vedette.kql.binder.operators.union import united
from vedette.kql.binder.operators.where import Where
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Apply, Cast, Column, ColumnRef, Constant, Expr, Relation
from vedette.kql.operators.binding import binds
from vedette.kql.operators.search import SearchOperator
from vedette.kql.types import NUMBERS, Type

_CASED = {
    op: f"{op}_cs"
    for stem in ("has", "hasprefix", "hassuffix", "contains", "startswith", "endswith")
    for op in (stem, f"!{stem}")
} | {"=~": "==", "!~": "!=", "in~": "in", "!in~": "!in"}
_MANY_INPUTS = 50
_BETWEEN = "\x1f"
"""What stands between the texts of a row's columns where they are searched as one."""


@binds(SearchOperator)
def bind_search(binder: Binder, node: SearchOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Binds `search` over the input, over the tables given, or over every table (rule 105)."""
    if input_ is not None:
        if node.tables is not None:
            raise binder.stop("KS175", "search in (...) names its tables, so it must stand first, not after |", node)
        found = Legs([piped(input_)], [])
    else:
        found = gather(binder, node.tables, scope) if node.tables is not None else everything(binder, node, scope)
    kept = filtered(binder, found, node.predicate, scope, cased=node.kind == "case_sensitive")
    return united(binder, kept, "search", tag="$table")


def filtered(binder: Binder, found: Legs, predicate: syntax.Expression, scope: Scope, *, cased: bool = False) -> Legs:
    """The inputs' rows that meet a search predicate; a column that an input lacks is null there."""
    everywhere = Column(0, "$Absent", Type.DYNAMIC, hidden=True, absent=LegColumns(found.legs, found.beyond))
    legs = []
    # where nothing runs, inputs that have the same columns of those named are alike
    many = binder.evaluator is None and len(found.legs) > _MANY_INPUTS
    named = frozenset(names_in(predicate)) if many else frozenset()
    alike: dict[object, Expr] = {}
    for at_, leg in enumerate(found.legs):
        relation = leg.relation
        key = frozenset((c.name, c.type) for c in relation.columns if c.name in named) if many else at_
        condition = alike.get(key)
        if condition is None:
            at = SearchExpressions(binder, scope, _row(relation, everywhere), cased)
            condition = alike[key] = at.searched(predicate, outermost=True)
        legs.append(Leg(_where(relation, condition), leg.name))
    if not legs:
        # the mistakes of a predicate are found even where there are no rows
        SearchExpressions(binder, scope, Row({}, [everywhere]), cased).searched(predicate, outermost=True)
    return Legs(legs, found.beyond)


def _row(relation: Relation, everywhere: Column) -> Row:
    row = Row.of(relation)
    row.hidden.append(everywhere)
    return row


def _where(relation: Relation, condition: Expr) -> Relation:
    return Where(relation.columns, relation, condition, serialized=relation.serialized, open=relation.open)


class SearchExpressions(Expressions):
    """Binds search predicates: a term alone is looked for in every column."""

    def __init__(self, binder: Binder, scope: Scope, row: Row, cased: bool) -> None:
        super().__init__(binder, scope, row)
        self._cased = cased

    def searched(self, node: syntax.Expression, *, outermost: bool = False) -> Expr:
        """A predicate or a term."""
        match node:
            case syntax.Star():
                return Constant(Type.BOOL, True)
            case syntax.Binary(op="and" | "or"):
                parts: list[syntax.Expression] = []
                current: syntax.Expression = node
                while isinstance(current, syntax.Binary) and current.op == node.op:
                    parts.append(current.right)
                    current = current.left
                parts = [current, *reversed(parts)]
                return self.apply(node.op, [self.searched(part) for part in parts], parts, node, symbol=True)
            case syntax.Call(name=syntax.Name(name="not")) if len(node.args) == 1:
                return self.apply("not", [self.searched(node.args[0])], node.args, node)
            case syntax.Binary(op=":"):
                return self._scoped(node)
            case syntax.Literal(value=int() | float()) if node.type in NUMBERS and not outermost:
                # beside other terms a number is a term
                return self._term(self._columns(), str(node.value), node)
        bound = self.bind(node)
        if isinstance(bound, Constant) and bound.type is Type.STRING and isinstance(bound.value, str):
            return self._term(self._columns(), bound.value, node)
        if bound.type in (Type.BOOL, Type.UNKNOWN):
            return bound
        if bound.type is Type.DYNAMIC:
            return Cast(Type.BOOL, bound, start=node.start, end=node.end)
        raise self.binder.stop("KS141", "The expression must have the type bool", node)

    def _columns(self) -> list[Column]:
        """The columns whose text a term may stand in; a real has no text of its own."""
        assert self.row is not None
        return [column for column in self.row.columns.values() if column.type is not Type.REAL]

    def _scoped(self, node: syntax.Binary) -> Expr:
        """`column : "term"`."""
        right = self.bind(node.right)
        whole = isinstance(node.left, syntax.Star)
        left = None if whole else self.bind(node.left)
        fits = left is None or left.type in (Type.STRING, Type.DYNAMIC, Type.UNKNOWN)
        if not fits or right.type not in (Type.STRING, Type.UNKNOWN):
            kinds = f"{'dynamic' if left is None else left.type} and {right.type}"
            raise self.binder.stop("KS106", f"The operator ':' cannot be applied to {kinds}", node)
        if isinstance(right, Constant) and isinstance(right.value, str):
            if left is None:
                return self._term(self._columns(), right.value, node)
            return self._tested(self._text(left), right.value, node)
        text = self._joined(self._columns()) if left is None else self._text(left)
        return self.apply("has_cs" if self._cased else "has", [text, right], [node, node], node, symbol=True)

    def _term(self, columns: list[Column], term: str, node: syntax.Node) -> Expr:
        """Whether one of several columns has a term."""
        if not columns:
            return Constant(Type.BOOL, False)
        if "\n" in term or _BETWEEN in term:
            tests = [self._tested(self._text(ColumnRef(column.type, column)), term, node) for column in columns]
            return self.apply("or", tests, [node] * len(tests), node, symbol=True) if len(tests) > 1 else tests[0]
        return self._tested(self._joined(columns, "\n" if _is_pattern(term) else _BETWEEN), term, node)

    def _joined(self, columns: list[Column], between: str = _BETWEEN) -> Expr:
        """The texts of columns as one, in which a term is found where one of them has it."""
        refs: list[Expr] = [ColumnRef(column.type, column) for column in columns]
        if len(refs) == 1:
            return self._text(refs[0])
        unit = self.binder.catalog.scalars["strcat_delim"]
        return Apply(Type.STRING, unit, [Constant(Type.STRING, between), *refs])

    @staticmethod
    def _text(value: Expr) -> Expr:
        return value if value.type is Type.STRING else Cast(Type.STRING, value)

    def _tested(self, text: Expr, term: str, node: syntax.Node) -> Expr:
        """A term against a text: where its asterisks stand says how."""
        bare, operator = term, "has"
        if term.strip("*"):
            first, last = term.startswith("*"), term.endswith("*")
            bare = term.strip("*")
            operator = {(True, True): "contains", (True, False): "hassuffix", (False, True): "hasprefix"}.get(
                (first, last), "has"
            )
        elif term:
            return Constant(Type.BOOL, True)
        if _is_pattern(term):
            pattern = ".*".join(re.escape(part) for part in bare.split("*"))
            left = "" if term.startswith("*") else r"\b"
            right = "" if term.endswith("*") else r"\b"
            regex = Constant(Type.STRING, f"{'' if self._cased else '(?i)'}{left}{pattern}{right}")
            return self.apply("matches regex", [text, regex], [node, node], node, symbol=True)
        name = _CASED[operator] if self._cased else operator
        return self.apply(name, [text, Constant(Type.STRING, bare)], [node, node], node, symbol=True)

    def _binary(self, node: syntax.Binary) -> Expr:
        if self._cased and node.op in _CASED:
            node = dataclasses.replace(node, op=_CASED[node.op])
        return super()._binary(node)

    def _in(self, node: syntax.In) -> Expr:
        if self._cased and node.op in _CASED:
            node = dataclasses.replace(node, op=_CASED[node.op])
        elif self._cased and node.op in ("has_any", "has_all"):
            raise self.binder.refuse(f"{node.op} in a case-sensitive search", node)
        return super()._in(node)


def _is_pattern(term: str) -> bool:
    """Whether a term has an asterisk inside."""
    return "*" in term.strip("*")
