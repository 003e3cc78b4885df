"""Values of one row of a group: arg_max, arg_min and take_any (rules 71, 72 and 88)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.binder.naming import carried_name, inner_name
from vedette.kql.bound import AggregateCall, Chosen, ColumnRef, Expr, RowChoice, Several
from vedette.kql.catalog import AggregateUnit
from vedette.kql.types import ORDERABLE, Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from vedette.kql.binder.calls import Calls


def _at_least_one(at: Calls, node: syntax.Call) -> None:
    if not node.args:
        raise at.binder.stop("KS120", f"The function '{node.name.name}' expects at least 1 argument, not 0", node)


def _returned(
    at: Calls, nodes: list[syntax.Expression], first: int, taken: set[int]
) -> list[tuple[str | None, int, Expr]]:
    """What an aggregate returns: each value's name (None where it has none), its place, and the value.

    `*` is every column that is no group key and that the call does not return already.
    """
    outputs: list[tuple[str | None, int, Expr]] = []
    for place, node in enumerate(nodes, first):
        if isinstance(node, syntax.Star):
            for column in at.row.columns.values() if at.row is not None else ():
                if column.id not in taken and column.id not in at.grouped:
                    taken.add(column.id)
                    outputs.append((column.name, place, ColumnRef(column.type, column)))
            continue
        value = at.argument(node)
        taken |= _shown(at, node, value)
        outputs.append((inner_name(node, at.binder.catalog), place, value))
    return outputs


def _shown(at: Calls, node: syntax.Expression, value: Expr) -> set[int]:
    """The column, by id, that a value shows: `*` after it does not show it once more."""
    if isinstance(value, ColumnRef):
        return {value.column.id}
    # a conversion to the type that the column has anyhow goes by the column's name
    column = at.row.columns.get(carried_name(node, at.binder.catalog) or "") if at.row is not None else None
    return {column.id} if column is not None and column.type is value.type else set()


def _extreme(kind: str, spelled: str, prefixed: bool) -> Callable[..., Expr]:
    """The binding of arg_max (`kind` max) and arg_min; the old spellings put the kind before every name."""

    def binding(at: Calls, node: syntax.Call, unit: AggregateUnit) -> Expr:
        _at_least_one(at, node)
        by = at.argument(node.args[0])
        if by.type not in ORDERABLE | {Type.UNKNOWN}:
            raise at.binder.stop(
                "KS206", f"The function '{spelled}' orders by its first argument, which cannot be of type {by.type}",
                node.args[0],
            )  # fmt: skip
        own = inner_name(node.args[0], at.binder.catalog)
        stem = f"{kind}_{own or ''}"
        taken = _shown(at, node.args[0], by)
        choice = RowChoice(kind, by)
        outputs: list[tuple[str, Expr]] = [(stem if prefixed else own or stem, Chosen(by.type, choice, by))]
        for name, place, value in _returned(at, node.args[1:], 1, taken):
            label = name if name is not None and not prefixed else f"{stem}_{name or f'arg{place}'}"
            outputs.append((label, Chosen(value.type, choice, value)))
        return Several(by.type, outputs)

    return binding


def _any(prefix: str) -> Callable[..., Expr]:
    """The binding of take_any; the old spelling any() puts its name before every column."""

    def binding(at: Calls, node: syntax.Call, unit: AggregateUnit) -> Expr:
        _at_least_one(at, node)
        returned = _returned(at, node.args, 0, set())
        only = len(returned) == 1 and not isinstance(node.args[0], syntax.Star)
        choice = RowChoice("any")
        outputs: list[tuple[str, Expr]] = []
        for name, place, value in returned:
            made: Expr = AggregateCall(value.type, unit, [value]) if only else Chosen(value.type, choice, value)
            if prefix:
                label = f"any_{name or ('' if only else f'arg{place}')}"
            else:
                label = name or f"any_arg{place}"
            outputs.append((label, made))
        if not outputs and at.row is not None and at.row.open:
            return Several(Type.UNKNOWN, [])
        if not outputs:
            raise at.binder.stop("KS206", "There is no column left for '*'", node)
        return Several(outputs[0][1].type, outputs)

    return binding


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder replaces this function")


for _kind, _word in (("max", "greatest"), ("min", "least")):
    for _name, _prefixed in ((f"arg_{_kind}", False), (f"arg{_kind}", True)):
        aggregate(
            f"{_name}(by: orderable, returned?: any...): same(by)", page=f"arg-{_kind}-aggregation-function",
            about=f"The row with the {_word} value: that value, and the other values named (`*`: all columns).",
            binding=_extreme(_kind, _name, _prefixed),
        )(_never)  # fmt: skip


def _some(value: Fragment, condition: str = "") -> str:
    """Any value, but not null and not "" where there is another."""
    where = f" FILTER (WHERE {condition})" if condition else ""
    wanted = f"nullif({value}, '')" if value.type is Type.STRING else value.sql
    return f"any_value({wanted}){where}"


def take_any(sql: DuckDbSql, value: Fragment) -> str:
    """One value of a group."""
    return _some(value)


for _name in ("take_any", "any"):
    aggregate(
        f"{_name}(expr: any...): same(expr)", page="take-any-aggregation-function",
        about="The values of some row of the group; a single value is null only where all are.",
        binding=_any("any" if _name == "any" else ""),
    )(take_any)  # fmt: skip


@aggregate(
    "take_anyif(expr: any, predicate: bool): same(expr)", names="first", page="take-anyif-aggregation-function",
    about="Some value of the rows that meet a condition.",
)  # fmt: skip
def take_anyif(sql: DuckDbSql, value: Fragment, predicate: Fragment) -> str:
    return _some(value, predicate.sql)


aggregate(
    "anyif(expr: any, predicate: bool): same(expr)", names="prefix:anyif", about="The older name of take_anyif()."
)(take_anyif)
