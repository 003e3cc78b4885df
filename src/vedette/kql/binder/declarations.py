"""Statements that say how the rest of a query is read: set, alias, restrict, declare query_parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vedette.kql import syntax
from vedette.kql.binder.scope import LetValue, PatternValue, Restriction, ScalarValue, Scope, TableValue
from vedette.kql.bound import ParameterRef
from vedette.kql.types import NUMBERS, Type

if TYPE_CHECKING:
    from vedette.kql.binder.core import Binder

OPTIONS: Final = {
    "best_effort": Type.BOOL,
    "deferpartialqueryfailures": Type.BOOL,
    "max_memory_consumption_per_query_per_node": Type.LONG,
    "maxmemoryconsumptionperiterator": Type.LONG,
    "norequesttimeout": Type.BOOL,
    "notruncation": Type.BOOL,
    "query_now": Type.DATETIME,
    "query_take_max_records": Type.LONG,
    "servertimeout": Type.TIMESPAN,
    "truncationmaxrecords": Type.LONG,
    "truncationmaxsize": Type.LONG,
}
"""Options whose values are checked; an option that is not known is taken and has no effect, as in Kusto."""


def declare(
    binder: Binder, statement: syntax.SetStatement | syntax.AliasStatement | syntax.RestrictStatement, scope: Scope
) -> None:
    """Binds a statement that has no result and defines no value."""
    match statement:
        case syntax.SetStatement():
            _set(binder, statement, scope)
        case syntax.AliasStatement():
            binder.aliases[statement.name.name] = statement.value
        case syntax.RestrictStatement():
            _restrict(binder, statement, scope)


def _set(binder: Binder, statement: syntax.SetStatement, scope: Scope) -> None:
    name, node = statement.name.name, statement.value
    value: object = True
    match node:
        case None:
            type_ = Type.BOOL
        case syntax.Literal():
            value, type_ = node.value, node.type
        case syntax.Name():
            value, type_ = node.name, Type.STRING
        case syntax.Unary(operand=syntax.Literal()):
            value, type_ = binder.constant(binder.scalar(node, scope), node), Type.LONG
        case _:
            raise binder.stop("KS130", "The value of an option is a constant or a name", node)
    wanted = OPTIONS.get(name)
    if wanted is not None and type_ is not wanted and not {type_, wanted} <= NUMBERS:
        raise binder.stop("KS141", f"The option '{name}' expects a {wanted}, not a {type_}", node or statement)
    binder.options[name] = value
    if binder.evaluator is not None:
        binder.evaluator.option(name, value)


def query_parameter(binder: Binder, parameter: syntax.Parameter, scope: Scope) -> None:
    """Binds one parameter: what the caller gave, else its default; one of the two must be there to run."""
    name = parameter.name.name
    if parameter.tabular:
        raise binder.stop("KS108", f"The query parameter '{name}' must be a scalar", parameter)
    type_ = parameter.type or Type.DYNAMIC
    scope.names[name] = ScalarValue(ParameterRef(type_, name))
    given = binder.evaluator is not None and binder.evaluator.parameter(name)
    if parameter.default is not None:
        default = binder.scalar(parameter.default, Scope())
        if default.type is not type_ and not {default.type, type_} <= NUMBERS:
            raise binder.stop("KS141", f"The expression must have the type {type_}", parameter.default)
        if not given:
            scope.names[name] = ScalarValue(binder.convert_literal(default, type_, parameter.default))
            return
    elif binder.evaluator is not None and not given:
        raise binder.stop("VDT1009", f"The query parameter '{name}' has no value and no default", parameter)


def _restrict(binder: Binder, statement: syntax.RestrictStatement, scope: Scope) -> None:
    """Binds `restrict access to`: of tables, views and patterns only those named stay visible."""
    kept: set[str] = set()
    patterns: set[tuple[str, str]] = set()
    outer = scope.restricted()
    for entity in statement.entities:
        match entity:
            case syntax.Name() if scope.find(entity.name) is not None:
                kept.add(entity.name)
            case syntax.Name():
                host = binder.visible_host(scope)
                if host.table(entity.name) is None and host.function(entity.name) is None:
                    raise binder.unknown(
                        "table, view or function", "KS142", entity.name, list(host.table_names()), entity
                    )
                patterns.add((host.name, entity.name))
            case syntax.Star():
                kept.update(scope.all_names())
            case syntax.Wildcard():
                matching = Restriction(frozenset({("", entity.pattern)}))
                kept.update(name for name in scope.all_names() if matching.allows("", name))
                patterns.add((binder.host.name, entity.pattern))
            case syntax.Member():
                patterns.update((host.name, entity.name.name) for host in binder.databases(entity.target, scope))
            case _:
                raise binder.stop("KS207", "restrict expects names of tables, views and functions", entity)
    if outer is not None:
        patterns = {(host, name) for host, name in patterns if outer.allows(host, name)}
    scope.restriction = Restriction(frozenset(patterns))
    for name, value in list(scope.names.items()):
        tabular = isinstance(value, TableValue | PatternValue)
        if isinstance(value, LetValue):
            tabular = binder.is_tabular(value.value, value.scope) or _gives_table(binder, value)
        if tabular and name not in kept:
            del scope.names[name]


def _gives_table(binder: Binder, value: LetValue) -> bool:
    """Whether a name stands for a function whose result is a table."""
    return isinstance(value.value, syntax.FunctionLiteral) and binder.tabular_body(value.value, value.scope)
