"""Functions that the binder must treat by rules of their own: conditions, time of the query, tables as values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.binder.hints import converted
from vedette.kql.bound import (
    Apply,
    Cast,
    ColumnRef,
    Constant,
    Expr,
    ParameterRef,
    Path,
    Relation,
    ScalarQuery,
    Values,
    children,
    is_fixed,
)
from vedette.kql.catalog import ScalarUnit
from vedette.kql.host import INGESTION_TIME
from vedette.kql.types import Type, common

if TYPE_CHECKING:
    from vedette.kql.binder.expressions import Expressions


def _unify(at: Expressions, values: list[Expr], node: syntax.Call) -> tuple[Type, list[Expr]]:
    """Branches as one type: numbers widen, dynamic yields to the other type, null fits everywhere.

    Branches that have no type in common are dynamic values; the arguments of coalesce() have to have one.
    """
    solid = [v.type for v in values if v.type is not Type.DYNAMIC and not _is_untyped_null(v)]
    type_ = common(solid) if solid else Type.DYNAMIC
    if type_ is None:
        if node.name.name == "coalesce":
            kinds = ", ".join(dict.fromkeys(str(t) for t in solid))
            raise at.binder.stop("KS232", f"The arguments of 'coalesce' must be of one type, not {kinds}", node)
        type_ = Type.DYNAMIC
    if type_ is Type.UNKNOWN or any(value.type is Type.UNKNOWN for value in values):
        return Type.UNKNOWN, values
    unified = []
    for value in values:
        if value.type is type_:
            unified.append(value)
        elif isinstance(value, Constant) and value.value is None:
            unified.append(Constant(type_, "" if type_ is Type.STRING else None))
        else:
            unified.append(Cast(type_, value, start=value.start, end=value.end))
    return type_, unified


def _is_untyped_null(value: Expr) -> bool:
    return isinstance(value, Constant) and value.value is None and value.type is Type.DYNAMIC


def _arity(at: Expressions, node: syntax.Call, least: int, most: int | None) -> None:
    count = len(node.args)
    if count < least or (most is not None and count > most):
        wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        raise at.binder.stop("KS119", f"The function '{node.name.name}' expects {wanted} arguments, not {count}", node)


def _bind_iff(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 3, 3)
    condition = at.predicate(node.args[0])
    branches = [at.bind(arg) for arg in node.args[1:]]
    type_, unified = _unify(at, branches, node)
    return Apply(type_, unit, [condition, *unified])


def _bind_case(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 3, None)
    if len(node.args) % 2 == 0:
        raise at.binder.stop("KS121", "The function 'case' expects pairs of condition and value, then a value", node)
    conditions = [at.predicate(arg) for arg in node.args[:-1:2]]
    places = [*node.args[1::2], node.args[-1]]
    type_, unified = _unify(at, [at.bind(arg) for arg in places], node)
    args: list[Expr] = []
    for condition, value in zip(conditions, unified, strict=False):
        args += [condition, value]
    return Apply(type_, unit, [*args, unified[-1]])


def _emit_case(sql: DuckDbSql, *parts: Fragment) -> Fragment:
    pairs = [(parts[i], parts[i + 1]) for i in range(0, len(parts) - 1, 2)]
    text = " ".join(f"WHEN {condition} THEN {value}" for condition, value in pairs)
    values = [*(value for _, value in pairs), parts[-1]]
    return Fragment(f"CASE {text} ELSE {parts[-1]} END", parts[-1].type, any(v.nullable for v in values))


scalar(
    "iff(if: bool, then: any, else: any): same(then)",
    about="The second argument where the first is true, else the third.",
    page="iff-function",
    aliases=("iif",),
    nulls="own",
    binding=_bind_iff,
)(_emit_case)
scalar(
    "case(predicate: bool, then: any, rest: any...): same(then)",
    about="The value of the first condition that is true, else the last argument.",
    page="case-function",
    nulls="own",
    binding=_bind_case,
)(_emit_case)


def _bind_coalesce(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 2, 64)
    type_, unified = _unify(at, [at.bind(arg) for arg in node.args], node)
    return Apply(type_, unit, unified)


@scalar(
    "coalesce(values: any...): same(values)",
    about="The first argument that is not null; of strings the first that is not empty.",
    page="coalesce-function",
    nulls="own",
    binding=_bind_coalesce,
)
def coalesce(sql: DuckDbSql, *values: Fragment) -> Fragment:
    if values[0].type is Type.STRING:
        parts = [f"nullif({value}, '')" for value in values]
        return Fragment(f"coalesce({', '.join(parts)}, '')", Type.STRING, False)
    return Fragment(f"coalesce({', '.join(map(str, values))})", values[0].type, all(v.nullable for v in values))


def _bind_now(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 0, 1)
    now = ParameterRef(Type.DATETIME, "now")
    if not node.args:
        return now
    offset = at.bind(node.args[0])
    if offset.type not in (Type.TIMESPAN, Type.UNKNOWN):
        message = f"The function 'now' expects timespan here, not {offset.type}{converted(offset, {Type.TIMESPAN})}"
        raise at.binder.stop("KS107", message, node.args[0])
    return at.apply("+", [now, offset], [node, node.args[0]], node, symbol=True)


def _bind_ago(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 1, 1)
    now = ParameterRef(Type.DATETIME, "now")
    back = at.bind(node.args[0])
    if back.type not in (Type.TIMESPAN, Type.UNKNOWN):
        message = f"The function 'ago' expects timespan here, not {back.type}{converted(back, {Type.TIMESPAN})}"
        raise at.binder.stop("KS107", message, node.args[0])
    return at.apply("-", [now, back], [node, node.args[0]], node, symbol=True)


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder replaces this function")


scalar(
    "now(offset?: timespan): datetime",
    about="The time at which the query runs.",
    page="now-function",
    binding=_bind_now,
)(_never)
scalar(
    "ago(timespan: timespan): datetime", about="The time at which the query runs, less a timespan.",
    page="ago-function", binding=_bind_ago,
)(_never)  # fmt: skip


def _bind_toscalar(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 1, 1)
    argument = node.args[0]
    # what no argument changes is computed once for all calls of a function
    key = (id(argument), at.scope.call if at.scope.has_arguments() else 0)
    known = at.binder.scalar_queries.get(key)
    if known is not None:
        return known
    if not at.binder.is_tabular(argument, at.scope):
        value = at.bind(argument)
        if not _varies(value) or not is_fixed(value):
            return value
        single = at.binder.column("value", value.type)
        relation: Relation = Values((single,), [[value]])
    else:
        relation = at.binder.tabular(argument, at.scope)
    if not relation.visible:
        if relation.open:
            return Constant(Type.UNKNOWN, None)
        raise at.binder.stop("KS205", "The table has no column", argument)
    column = relation.visible[0]
    bound = ScalarQuery(column.type, relation, column)
    at.binder.scalar_queries[key] = bound
    return bound


def _varies(value: Expr) -> bool:
    """Whether an expression gives another value each time it is computed."""
    return (isinstance(value, Apply) and value.unit.volatile) or any(map(_varies, children(value)))


scalar(
    "toscalar(expression: any): any", about="The first column of the first row of a table, computed once.",
    page="toscalar-function", binding=_bind_toscalar,
)(_never)  # fmt: skip


def _bind_column_ifexists(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 2, 2)
    name = at.binder.constant(at.bind(node.args[0]), node.args[0])
    default = at.bind(node.args[1])
    if at.row is not None and isinstance(name, str):
        column = at.row.columns.get(name)
        if column is not None:
            return ColumnRef(column.type, column)
        whole = at.row.holder(name)
        if whole is not None and default.type is Type.DYNAMIC:
            return ColumnRef(Type.DYNAMIC, whole)
        extra = at.row.extra(name)
        if extra is not None:
            holder, _type = extra
            value = Path(Type.DYNAMIC, ColumnRef(Type.DYNAMIC, holder), [name])
            if default.type is Type.DYNAMIC:
                return value
            # a field beyond the schema has the default's type, and the default where a row lacks it
            typed: Expr = Cast(default.type, value)
            return Apply(default.type, at.binder.catalog.scalars["coalesce"], [typed, default])
    return default


scalar(
    "column_ifexists(column: const string, default: any): same(default)",
    about="A column by its name, or the default where there is none.",
    page="column-ifexists-function", names="value", aliases=("columnifexists",), binding=_bind_column_ifexists,
)(_never)  # fmt: skip


def _bind_iscolumnexists(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 1, 1)
    name = at.binder.constant(at.bind(node.args[0]), node.args[0])
    row = at.row
    known = row is not None and (name in row.columns or row.extra(str(name)) is not None)
    return Constant(Type.BOOL, known)


scalar(
    "iscolumnexists(column: const string): bool", about="Whether there is such a column.", binding=_bind_iscolumnexists
)(_never)


def _bind_ingestion_time(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 0, 0)
    for column in at.row.hidden if at.row is not None else ():
        if column.name == INGESTION_TIME:
            return ColumnRef(column.type, column)
    return Constant(Type.DATETIME, None)


scalar(
    "ingestion_time(): datetime",
    about="When the row was taken in, also after a union; null where the rows are no longer a table's.",
    page="ingestion-time-function",
    names=f"only:{INGESTION_TIME}",
    binding=_bind_ingestion_time,
)(_never)


def _bind_pack_all(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _arity(at, node, 0, 1)
    ignore = bool(at.binder.constant(at.bind(node.args[0]), node.args[0])) if node.args else False
    args: list[Expr] = [Constant(Type.BOOL, ignore)]
    for column in at.row.columns.values() if at.row is not None else ():
        args += [Constant(Type.STRING, column.name), ColumnRef(column.type, column)]
    return Apply(Type.DYNAMIC, unit, args)


@scalar(
    "pack_all(ignore_null_empty?: const bool): dynamic",
    about="A bag of all columns.",
    page="pack-all-function",
    nulls="total",
    binding=_bind_pack_all,
)
def pack_all(sql: DuckDbSql, ignore: Fragment, *pairs: Fragment) -> str:
    parts = []
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        entry = f"{sql.quote(_json_key(str(key.value)))} || {sql.to_json(value)}"
        if ignore.value:
            empty = f"{value} = ''" if value.type is Type.STRING else f"{value} IS NULL"
            if value.type is Type.DYNAMIC:
                empty = f"({value} IS NULL OR {value} IN ('\"\"', '[]', '{{}}'))"
            parts.append(f"CASE WHEN NOT ({empty}) THEN {entry} END")
        else:
            parts.append(f"({entry})")
    return f"('{{' || array_to_string(list_filter([{', '.join(parts)}], lambda e: e IS NOT NULL), ',') || '}}')"


def _json_key(name: str) -> str:
    from vedette.engine.dialect import json_text

    return json_text(name) + ":"
