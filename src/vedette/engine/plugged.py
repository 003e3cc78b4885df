"""What plugins of `evaluate` are made of: a relation that writes its own SQL, and the reading of arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, Expr, OpenColumn, Relation, is_fixed
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.node import node
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import INTEGERS, SUMMABLE, Type

Writer = Callable[[Compiler, "list[Rel]"], "str | Rel"]


@node
class Plugged(Relation):
    """The result of a plugin: `write(compiler, inputs)` gives the SELECT of its columns."""

    name: str
    inputs: tuple[Relation, ...]
    write: Writer
    order: tuple[Column, ...] = ()
    """Columns that the result is sorted by."""
    start: int = 0
    end: int = 1


@lowers(Plugged)
def plugged(compiler: Compiler, node: Plugged) -> Rel:
    """The rows that a plugin makes of all rows of its inputs."""
    rels = [compiler.rel(relation).wrapped() for relation in node.inputs]
    if any(rel.partition for rel in rels):
        message = f"the plugin '{node.name}' is not supported inside mv-apply and partition"
        raise KqlError("", [Diagnostic("VDT1001", message, node.start, max(1, node.end - node.start))])
    made = node.write(compiler, rels)
    if isinstance(made, Rel):
        return made
    return Rel(f"({made})", node.columns, order=[OrderKey(name_of(column)) for column in node.order])


def rows_of(rel: Rel, items: Iterable[str], where: Iterable[str] = ()) -> str:
    """A SELECT of some values of each row that meets the conditions."""
    tests = [*rel.where, *where]
    text = f"SELECT {', '.join(items) or '1'} FROM {rel.source}"
    return text + (f" WHERE {' AND '.join(tests)}" if tests else "")


class Arguments:
    """The arguments of a call of a plugin, by place or by name."""

    def __init__(
        self, binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope, names: str,
        *, least: int, more: bool = False,
    ) -> None:  # fmt: skip
        """`names` are the parameters in their order; with `more` further arguments may follow them."""
        self.binder, self.node, self.scope = binder, node, scope
        self.plugin = node.call.name.name
        if input_ is None:
            raise binder.stop("KS205", f"The plugin '{self.plugin}' needs an input", node)
        self.input = input_
        self.at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
        parameters = names.split()
        self.given: dict[str, syntax.Expression] = {}
        self.rest: list[syntax.Expression] = []
        free = list(parameters)
        for arg in node.call.args:
            if isinstance(arg, syntax.Assignment) and arg.names[0].name in parameters:
                self.given[arg.names[0].name] = arg.value
                if arg.names[0].name in free:
                    free.remove(arg.names[0].name)
            elif free:
                self.given[free.pop(0)] = arg
            else:
                self.rest.append(arg)
        count, most = len(node.call.args), len(parameters)
        if count < least or (self.rest and not more) or any(name not in self.given for name in parameters[:least]):
            raise self.wrong_count(least, None if more else most)

    def wrong_count(self, least: int, most: int | None) -> Exception:
        """The error for too few or too many arguments."""
        if most == least:
            what = f"{least} argument{'s' if least != 1 else ''}" if least else "no arguments"
            return self.binder.stop("KS119", f"The function '{self.plugin}' expects {what}", self.node.call.name)
        bound = f"between {least} and {most}" if most is not None else f"at least {least}"
        return self.binder.stop("KS120", f"The function '{self.plugin}' expects {bound} arguments", self.node.call.name)

    def has(self, name: str) -> bool:
        """Whether an optional argument is given and is not '~', which stands for its default."""
        given = self.given.get(name)
        return given is not None and not (isinstance(given, syntax.Literal) and given.value == "~")

    def column(self, name: str, kind: str = "any") -> Column:
        """A column of the input: `any`, `plain` (not dynamic), `summable`, `string`, `dynamic`."""
        return self.column_of(self.given[name], kind)

    def column_of(self, node: syntax.Expression, kind: str = "any") -> Column:
        """The column that an argument names."""
        value = self.at.bind(node)
        if isinstance(value, OpenColumn):
            return Column(0, value.name, Type.UNKNOWN)
        if not isinstance(value, ColumnRef):
            raise self.binder.stop("KS109", f"The plugin '{self.plugin}' expects a column's name here", node)
        self._kind(value, kind, node)
        return value.column

    def _kind(self, value: Expr, kind: str, node: syntax.Node) -> None:
        if value.type is Type.UNKNOWN:
            return
        if kind == "plain" and value.type is Type.DYNAMIC:
            raise self.binder.stop("KS116", "The value of type 'dynamic' is not allowed here; cast it first", node)
        if kind == "summable" and value.type not in SUMMABLE:
            raise self.binder.stop("KS138", f"A number, timespan or datetime is expected here, not {value.type}", node)
        if kind in ("string", "dynamic", "bool") and value.type is not Type(kind):
            raise self.binder.stop("KS107", f"A value of type {kind} is expected here, not {value.type}", node)
        if kind == "integer" and value.type not in INTEGERS:
            raise self.binder.stop("KS134", f"An integer is expected here, not {value.type}", node)

    def expression(self, name: str, kind: str = "any") -> Expr:
        """A value of each row."""
        value = self.at.bind(self.given[name])
        self._kind(value, kind, self.given[name])
        return value

    def dimensions(self, nodes: list[syntax.Expression] | None = None) -> list[Column]:
        """The columns that slice the result."""
        return [self.column_of(node, "plain") for node in (self.rest if nodes is None else nodes)]

    def fixed(self, node: syntax.Expression, kind: str = "any") -> tuple[Type, object]:
        """The type and value of a constant; the value is None where nothing may run and the text does not tell."""
        value = Expressions(self.binder, self.scope, self.at.row).bind(node)
        self._kind(value, kind, node)
        if not is_fixed(value):
            raise self.binder.stop("KS129", "The expression must be a constant", node)
        if self.binder.evaluator is None and not hasattr(value, "value"):
            return value.type, None
        return value.type, self.binder.constant(value, node)

    def constant(self, name: str, kind: str = "any") -> object:
        """The value of a constant argument."""
        return self.fixed(self.given[name], kind)[1]

    def option(self, name: str, default: object, kind: str = "any") -> object:
        """The value of an optional argument."""
        return self.constant(name, kind) if self.has(name) else default

    def table(self, name: str) -> Relation:
        """A tabular argument."""
        return self.binder.tabular(self.given[name], self.scope)

    def result(
        self, columns: Iterable[Column], write: Writer, *others: Relation, order: Iterable[Column] = (),
        serialized: bool = False, open_: bool = False,
    ) -> Plugged:  # fmt: skip
        """The relation of the plugin's result."""
        call = self.node.call
        return Plugged(
            tuple(columns), self.plugin, (self.input, *others), write, tuple(order), call.start, call.end,
            serialized=serialized, open=open_,
        )  # fmt: skip
