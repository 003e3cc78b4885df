"""The binder's frame: statements, names, tables, pipelines and calls of functions that queries define."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from vedette.kql import syntax
from vedette.kql.binder import patterns, workspaces
from vedette.kql.binder.arguments import arguments
from vedette.kql.binder.datatable import datatable
from vedette.kql.binder.declarations import declare, query_parameter
from vedette.kql.binder.frame import Frame
from vedette.kql.binder.scope import LetValue, PatternValue, Row, ScalarValue, Scope, TableValue
from vedette.kql.bound import (
    BoundQuery,
    Cast,
    Column,
    Constant,
    Expr,
    Faulty,
    OpenColumn,
    Relation,
    Tables,
    is_fixed,
)
from vedette.kql.catalog import Catalog
from vedette.kql.diagnostics import MAX_DIAGNOSTICS, Diagnostic, KqlError, Stop, nearest
from vedette.kql.folding import fold
from vedette.kql.host import Evaluator, Host
from vedette.kql.operators.binding import OPERATOR_BINDERS, load_binders
from vedette.kql.operators.project_away import ProjectAwayOperator
from vedette.kql.operators.project_rename import ProjectRenameOperator
from vedette.kql.operators.render import RenderOperator
from vedette.kql.parser import parse
from vedette.kql.types import Type

TABULAR = frozenset(
    {
        "materialize",
        "table",
        "view",
        "external_table",
        "workspace",
        "graph",
        workspaces.WATCHLIST,
        workspaces.WATCHLIST_ALIASES,
    }
)
"""Functions that give tables."""
MAX_STATEMENTS = 1000
"""How many statements a query may have: each sees the names of those before it."""


_MAKES_ROWS = frozenset(
    f"{name}Operator"
    for name in ("Evaluate", "Find", "InlineExternalTable", "MacroExpand", "Print", "Range", "Search", "Union")
)
"""Operators that may stand without an input; the parser has reported any other that does."""


def bind(
    text: str,
    catalog: Catalog,
    host: Host,
    evaluator: Evaluator | None = None,
    proceed: Callable[[], None] | None = None,
) -> BoundQuery:
    """Parses and binds a query. `proceed` is called at every step, and may raise to end the binding.

    Raises KqlError with every diagnostic when the text cannot be accepted. Without an evaluator nothing
    runs: results whose columns only the data knows are open.
    """
    load_binders()
    script, diagnostics = parse(text)
    binder = Binder(text, catalog, host, evaluator, proceed)
    binder.diagnostics += diagnostics
    if evaluator is not None and binder.failed:
        raise KqlError(text, diagnostics)
    return binder.script(script)


class Binder(Frame):
    """Binds one query."""

    # -- statements

    def script(self, script: syntax.Script) -> BoundQuery:
        """Binds all statements; raises KqlError with every diagnostic found."""
        scope = Scope()
        results: list[Relation] = []
        for count, statement in enumerate(script.statements):
            if count >= MAX_STATEMENTS or len(self.diagnostics) >= MAX_DIAGNOSTICS:
                if count >= MAX_STATEMENTS:
                    message = f"the query has more than {MAX_STATEMENTS} statements"
                    self.diagnostics.append(Diagnostic("VDT1004", message, statement.start, 1))
                break
            try:
                relation = self.statement(statement, scope)
            except Stop as stop:
                self.report(stop)
                continue
            except RecursionError:
                self.diagnostics.append(Diagnostic("KS245", "The query is nested too deeply", statement.start, 1))
                continue
            if relation is not None:
                results += relation.tables if isinstance(relation, Tables) else [relation]
        self._unused(scope)
        if not results and not self.failed and self._evaluator is not None:
            self.diagnostics.append(
                Diagnostic("KS000", "The query has no tabular expression statement", 0, min(1, len(self.text)))
            )
        bound = BoundQuery(results, self.options, self.warnings)
        if self.failed:
            self.diagnostics.sort(key=lambda diagnostic: diagnostic.start)
            raise KqlError(self.text, (self.diagnostics + self.warnings)[: 2 * MAX_DIAGNOSTICS], bound)
        return bound

    def statement(self, statement: syntax.Statement, scope: Scope) -> Relation | None:
        """Binds one statement; gives a relation where it has a result."""
        match statement:
            case syntax.LetStatement():
                self._let(statement, scope)
            case syntax.SetStatement() | syntax.AliasStatement() | syntax.RestrictStatement():
                declare(self, statement, scope)
            case syntax.QueryParametersStatement():
                for parameter in statement.parameters:
                    query_parameter(self, parameter, scope)
            case syntax.PatternStatement():
                scope.names[statement.name.name] = PatternValue(statement, scope)
            case syntax.ExpressionStatement():
                return self._result(statement.expression, scope)
            case _:
                raise self.refuse(
                    f"the {type(statement).__name__.removesuffix('Statement').lower()} statement", statement
                )
        return None

    def _result(self, node: syntax.Expression, scope: Scope) -> Relation | None:
        """A statement's rows. A value alone is no result, though a query may say it."""
        if isinstance(node, syntax.Name) and not self.is_tabular(node, scope):
            # alone it may be anything, so that what is missing is not only a table
            self.scalar(node, scope)
        elif isinstance(node, syntax.Pipeline) or self.is_tabular(node, scope) or _may_be_table(self, node, scope):
            return self.tabular(node, scope)
        else:
            self.scalar(node, scope)
        if self._evaluator is not None and not self.failed:
            raise self.stop("KS205", "The expression is a value, not a table; put print before it", node)
        return None

    def _let(self, statement: syntax.LetStatement, scope: Scope) -> None:
        name = statement.name.name
        if name in scope.names:
            raise self.stop("KS201", f"The name '{name}' is already declared in this scope", statement.name)
        # the value sees what was defined before it, never itself
        seen = Scope(scope.parent, dict(scope.names), scope.call)
        value = statement.value
        if isinstance(value, syntax.Call) and value.name.name == "materialize":
            scope.names[name] = TableValue(self.tabular(value, seen))
        else:
            scope.names[name] = LetValue(value, seen)

    def _unused(self, scope: Scope) -> None:
        """Binds what no one used, so that its mistakes are found too."""
        for binding in list(scope.names.values()):
            if not isinstance(binding, LetValue) or binding.used:
                continue
            if isinstance(binding.value, syntax.FunctionLiteral | syntax.EntityGroup):
                continue
            try:
                if self.is_tabular(binding.value, binding.scope):
                    self.tabular(binding.value, binding.scope)
                else:
                    self.scalar(binding.value, binding.scope)
            except Stop as stop:
                self.report(stop)

    # -- scalar expressions

    def scalar(self, node: syntax.Expression, scope: Scope, row: Row | None = None) -> Expr:
        """Binds a scalar expression."""
        from vedette.kql.binder.expressions import Expressions

        return Expressions(self, scope, row).bind(node)

    def constant(self, expression: Expr, node: syntax.Node) -> object:
        """The value of an expression that must be known before the query runs."""
        if isinstance(expression, Constant):
            return expression.value
        if isinstance(expression, Faulty | OpenColumn) or expression.type is Type.UNKNOWN:
            place = min(node.start, max(0, len(self.text) - 1))
            raise Stop(Diagnostic("VDT1003", "this value is not known", place, 1, severity="Information"))
        if not is_fixed(expression):
            raise self.stop("KS129", "The expression must be a constant", node)
        if self.evaluator is not None:
            return self.evaluator.constant(expression)
        folded = fold(expression)
        if folded is None:
            # no mistake of the query: what depends on the value is left open
            message = "this value is known only when the query runs"
            length = max(1, node.end - node.start)
            raise Stop(Diagnostic("VDT1003", message, node.start, length, severity="Information"))
        return folded.value

    # -- tabular expressions

    def is_tabular(self, node: syntax.Expression, scope: Scope) -> bool:
        """Whether an expression stands for a table rather than a value."""
        match node:
            case syntax.Pipeline() | syntax.DataTable() | syntax.ExternalData():
                return True
            case syntax.Name():
                found = scope.find(node.name)
                if isinstance(found, LetValue):
                    if isinstance(found.value, syntax.FunctionLiteral):
                        return not found.value.parameters and self.tabular_body(found.value, found.scope)
                    return self.is_tabular(found.value, found.scope)
                if found is not None:
                    return isinstance(found, TableValue)
                if self.visible_host(scope).table(node.name) is not None or node.name == workspaces.WATCHLIST_ALIASES:
                    return True
                stored = workspaces.saved(self, node.name, node, scope)
                return stored is not None and workspaces.is_table(self, stored, called=False)
            case syntax.Call():
                name = node.name.name
                found = scope.find(name)
                if isinstance(found, LetValue) and isinstance(found.value, syntax.FunctionLiteral):
                    return self.tabular_body(found.value, found.scope)
                if name in TABULAR or name in self.catalog.scalars:
                    return name in TABULAR
                pattern = patterns.called(self, node, scope)
                if pattern is not None:
                    return self.tabular_body(pattern.function(), pattern.scope)
                saved = workspaces.saved(self, name, node, scope)
                return saved is not None and workspaces.is_table(self, saved)
            case syntax.Member() | syntax.DotCall() | syntax.Index():
                pattern = patterns.called(self, node, scope)
                if pattern is not None:
                    return self.tabular_body(pattern.function(), pattern.scope)
                return not isinstance(node, syntax.Index) and workspaces.is_qualified(node, scope)
            case _:
                return False

    def tabular_body(self, function: syntax.FunctionLiteral, scope: Scope) -> bool:
        """Whether the body of a function gives a table."""
        inner = scope.child()
        for parameter in function.parameters:
            if parameter.tabular:
                inner.names[parameter.name.name] = TableValue(Relation(()))
            else:
                inner.names[parameter.name.name] = ScalarValue(Constant(parameter.type or Type.DYNAMIC, None))
        for statement in function.body:
            if isinstance(statement, syntax.LetStatement):
                inner.names[statement.name.name] = LetValue(
                    statement.value, Scope(inner.parent, dict(inner.names)), used=True
                )
            elif isinstance(statement, syntax.ExpressionStatement):
                return self.is_tabular(statement.expression, inner)
        return False

    def tabular(self, node: syntax.Expression, scope: Scope) -> Relation:
        """Binds a tabular expression; one with a mistake is open, so that what follows is looked at too."""
        if self.proceed is not None:
            self.proceed()
        try:
            return self._tabular(node, scope)
        except Stop as stop:
            self.report(stop)
            return Relation((), open=True, unknown=stop.diagnostic.code == "KS211")

    def _tabular(self, node: syntax.Expression, scope: Scope) -> Relation:
        pattern = patterns.called(self, node, scope)
        if pattern is not None:
            return self._invoke(pattern.function(), pattern.scope, [], node, pattern.name, scope, None)
        match node:
            case syntax.Pipeline():
                relation = None if node.source is None else self.tabular(node.source, scope)
                # `as` names what follows in the same statement, so a pipeline has a scope of its own
                for place, operator in enumerate(node.operators, 1):
                    if isinstance(operator, RenderOperator) and place < len(node.operators):
                        raise self.stop("KS198", "render must be the last operator of a query", operator)
                    relation = self.operator(operator, relation, scope)
                assert relation is not None
                return relation
            case syntax.Name():
                return self._named_table(node, scope)
            case syntax.Call():
                return self._tabular_call(node, scope)
            case syntax.DataTable():
                return datatable(self, node, scope)
            case syntax.Member() | syntax.DotCall():
                return workspaces.qualified(self, node, scope)
            case syntax.ExternalData():
                return workspaces.external(self, node, scope)
            case _:
                raise self.stop("KS205", "The expression is not tabular", node)

    def operator(self, operator: syntax.Operator, relation: Relation | None, scope: Scope) -> Relation:
        """Binds one operator on its input."""
        if self.proceed is not None:
            self.proceed()
        before = relation.columns if relation is not None else ()
        bound = self._operator(operator, relation, scope)
        if relation is not None and bound.open and len(relation.columns) > len(before):
            if not isinstance(operator, ProjectAwayOperator | ProjectRenameOperator):
                _pass_through(bound, before, relation.columns[len(before) :])
        bound.unknown = bound.unknown or (bound.open and relation is not None and relation.unknown and _alone(bound))
        return bound

    def _operator(self, operator: syntax.Operator, relation: Relation | None, scope: Scope) -> Relation:
        try:
            if isinstance(operator, syntax.UnknownOperator):
                return relation if relation is not None else Relation((), open=True)
            binding = OPERATOR_BINDERS.get(type(operator))
            # a saved function's text is another one than the query's, so the name is the node's
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(operator).__name__.removesuffix("Operator")).lower()
            if isinstance(relation, Tables) and name != "render":
                raise self.stop("KS205", f"{name} needs one table, but there are several of them here", operator)
            if binding is None:
                raise self.refuse(f"the operator '{name}'", operator)
            if relation is None and type(operator).__name__ not in _MAKES_ROWS:
                relation = Relation((), open=True)
            bound = binding(self, operator, relation, scope)
        except Stop as stop:
            self.report(stop)
            if type(operator).__name__ in ("InvokeOperator", "EvaluateOperator"):
                return Relation((), open=True, unknown=True)
            return Relation(relation.columns if relation is not None else (), open=True)
        assert isinstance(bound, Relation)
        return bound

    def _named_table(self, node: syntax.Name, scope: Scope) -> Relation:
        found = scope.find(node.name)
        match found:
            case LetValue():
                found.used = True
                if isinstance(found.value, syntax.FunctionLiteral):
                    return self._invoke(found.value, found.scope, [], node, node.name, scope, None)
                with self.deeper(node):
                    return self.tabular(found.value, found.scope)
            case TableValue():
                return self.use(found.relation, once=found.once)
            case ScalarValue():
                raise self.stop("KS205", f"'{node.name}' is a value, not a table", node)
        host = self.visible_host(scope)
        table = host.table(node.name)
        if table is not None:
            return self.scan(table)
        if node.name == workspaces.WATCHLIST_ALIASES:
            return workspaces.watchlist_aliases(self)
        saved = workspaces.saved(self, node.name, node, scope)
        if saved is not None:
            return workspaces.call_table(self, saved, [], node, scope)
        raise self.unknown_table(node.name, scope, node)

    def unknown_table(self, name: str, scope: Scope, node: syntax.Node) -> Stop:
        """The exception for a table that is not there."""
        known = self.source_names(scope)
        if name.endswith("_CL"):
            # the ending says nothing: only a table that is alike without it is near
            known = [one for one in known if one.endswith("_CL") and nearest(name[:-3], [one[:-3]])]
            hint = "; a custom table is there once rows of it were loaded"
        else:
            hint = "; a table of Microsoft's is known by its name, a parser once it is saved as a function of the workspace"
        return self.unknown("table, tabular variable or function", "KS204", name, known, node, hint)

    def databases(self, target: syntax.Expression, scope: Scope) -> list[Host]:
        """The workspaces that the target of a name pattern means."""
        return [workspaces.place(self, target, scope)]

    # -- calls of functions that give tables

    def _tabular_call(self, node: syntax.Call, scope: Scope) -> Relation:
        name = node.name.name
        found = scope.find(name)
        if isinstance(found, LetValue) and isinstance(found.value, syntax.FunctionLiteral):
            found.used = True
            return self._invoke(found.value, found.scope, node.args, node, name, scope, None)
        if isinstance(found, LetValue) and not node.args and self.is_tabular(found.value, found.scope):
            return self._named_table(syntax.Name(name, start=node.start, end=node.end), scope)
        if name == "materialize" and len(node.args) == 1:
            return self.materialized(node, scope)
        if name == "table" and 1 <= len(node.args) <= 2:
            wanted = str(self.constant(self.scalar(node.args[0], scope), node.args[0]))
            named = syntax.Name(wanted, start=node.args[0].start, end=node.args[0].end)
            return self._named_table(named, scope)
        if name == workspaces.WATCHLIST:
            return workspaces.watchlist(self, node, scope)
        if name == workspaces.WATCHLIST_ALIASES and not node.args:
            return workspaces.watchlist_aliases(self)
        saved = workspaces.saved(self, name, node, scope)
        if saved is not None:
            return workspaces.call_table(self, saved, node.args, node, scope)
        if name == "external_table" and node.args:
            raise self.stop("KS209", "There are no external tables here", node.args[0])
        if name in self.catalog.scalars:
            raise self.stop("KS205", f"'{name}' gives a value, not a table", node)
        if name == "graph":
            from vedette.kql.binder.graphs import stored_graph

            return stored_graph(self, node, scope)
        raise self.unknown("function", "KS211", name, self.function_names(scope), node.name)

    def materialized(self, node: syntax.Call, scope: Scope) -> Relation:
        """`materialize(T)`: computed once however often it is used."""
        key = (id(node), scope.call)
        if key not in self._once:
            self._once[key] = self.tabular(node.args[0], scope)
        return self.use(self._once[key], once=True)

    def source_names(self, scope: Scope) -> list[str]:
        """Everything that a query may begin with here: what `let` names, tables, the workspace's functions."""
        host = self.visible_host(scope)
        functions: Iterable[str] = getattr(host, "function_names", tuple)()
        return [*scope.all_names(), *host.table_names(), *functions]

    def function_names(self, scope: Scope) -> list[str]:
        """Every function that may be called here."""
        saved: Iterable[str] = getattr(self.host, "function_names", tuple)()
        return [*self.catalog.scalars, *self.catalog.aggregates, *scope.all_names(), *saved]

    def invoke_tabular(self, node: syntax.Call, scope: Scope, leading: Relation) -> Relation:
        """`T | invoke f(args)`: the input is the first argument."""
        name = node.name.name
        found = scope.find(name)
        if isinstance(found, LetValue) and isinstance(found.value, syntax.FunctionLiteral):
            found.used = True
            return self._invoke(found.value, found.scope, node.args, node, name, scope, leading)
        saved = workspaces.saved(self, name, node, scope)
        if saved is not None:
            return workspaces.call_table(self, saved, node.args, node, scope, leading)
        raise self.unknown("function", "KS211", name, self.function_names(scope), node.name)

    def _invoke(
        self, function: syntax.FunctionLiteral, closure: Scope, args: list[syntax.Expression], node: syntax.Node,
        name: str, scope: Scope, leading: Relation | None,
    ) -> Relation:  # fmt: skip
        inner = arguments(self, function, closure, args, node, name, scope, None, leading)
        return self.body(function, inner, node, name)

    def body(self, function: syntax.FunctionLiteral, inner: Scope, node: syntax.Node, name: str) -> Relation:
        """The table that a function's body gives, where its parameters are in scope."""
        with self.deeper(node):
            result: Relation | None = None
            for statement in function.body:
                result = self.statement(statement, inner) or result
            if result is None:
                raise self.stop("KS205", f"The function '{name}' gives no table", node)
            return result

    def invoke_scalar(
        self, function: syntax.FunctionLiteral, closure: Scope, args: list[syntax.Expression], node: syntax.Node,
        name: str, scope: Scope, bind: Callable[[syntax.Expression], Expr] | None,
    ) -> Expr:  # fmt: skip
        """A call of a function of a query that gives a value."""
        inner = arguments(self, function, closure, args, node, name, scope, bind, None)
        return self.scalar_body(function, inner, node, name)

    def scalar_body(self, function: syntax.FunctionLiteral, inner: Scope, node: syntax.Node, name: str) -> Expr:
        """The value that a function's body gives, where its parameters are in scope."""
        with self.deeper(node):
            for statement in function.body:
                if isinstance(statement, syntax.ExpressionStatement):
                    return self.scalar(statement.expression, inner)
                self.statement(statement, inner)
        raise self.stop("KS205", f"The function '{name}' gives no value", node)

    def frame(self, scope: Scope) -> Scope:
        """A scope for what is bound anew with other values: what is computed once is so within it."""
        inner = scope.child()
        self._frames += 1
        inner.call = self._frames
        return inner

    def implicit(self, value: Expr, type_: Type, node: syntax.Node, what: str) -> Expr:
        """A value as another type where the language converts by itself."""
        from vedette.kql.binder.coercion import converts

        if not converts(value.type, type_):
            raise self.stop("KS107", f"{what[0].upper()}{what[1:]} expects {type_}, not {value.type}", node)
        if isinstance(value, Constant) and value.value is None:
            return Constant(type_, "" if type_ is Type.STRING else None, start=value.start, end=value.end)
        return Cast(type_, value, start=value.start, end=value.end)


def _pass_through(bound: Relation, before: tuple[Column, ...], inferred: tuple[Column, ...]) -> None:
    """Gives the columns that an operator inferred of its open input to its result, where it keeps its input's columns."""
    have = [column.name for column in bound.columns]
    if have[: len(before)] == [column.name for column in before]:
        new = [column for column in inferred if column.name not in have]
        bound.columns = (*bound.columns[: len(before)], *new, *bound.columns[len(before) :])


def _alone(bound: Relation) -> bool:
    """Whether no other input of an operator, as join and union have them, may hold columns that only its data shows."""
    others = [getattr(bound, "right", None), *getattr(bound, "inputs", ())]
    return not any(other is not None and other.open and not other.unknown for other in others)


def _may_be_table(binder: Binder, node: syntax.Expression, scope: Scope) -> bool:
    """Whether an expression is taken as a table's: a call of a function that is not one of values."""
    if isinstance(node, syntax.Call):
        return scope.find(node.name.name) is None and node.name.name not in binder.catalog.scalars
    return isinstance(node, syntax.Member | syntax.DotCall | syntax.DataTable | syntax.ExternalData)
