"""What the bound tree of a query tells before it is run: whether its rows may be had while their window is still open.

A query is *row-local* where each result row comes of one row of a log table, whatever the other rows are: it can be evaluated on
rows as they arrive. It is *growing* where it is not, but what it has found stays found when further rows arrive: counts and sets
by group that are held against a lower bound. What a further row may take back (`count() < 3`, an anti-join with a log) is neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Final

from vedette.kql.binder.operators.join import Join
from vedette.kql.binder.operators.mv_expand import MvExpand
from vedette.kql.binder.operators.parse import Parse
from vedette.kql.binder.operators.parse_kv import ParseKv
from vedette.kql.binder.operators.print import Range
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.render import Render
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.union import Union
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import (
    AggregateCall,
    Apply,
    BoundQuery,
    Cast,
    Chosen,
    Column,
    ColumnRef,
    Constant,
    Expr,
    Known,
    Relation,
    Scan,
    Shared,
    Values,
    WindowCall,
)
from vedette.kql.host import TableSchema

_GROWING_AGGREGATES: Final = frozenset(
    {"count", "countif", "dcount", "dcountif", "count_distinct", "count_distinctif", "max", "maxif"}
)
_AND: Final = frozenset({"and"})
_LEFT_KINDS: Final = frozenset({"inner", "leftouter", "leftsemi", "leftanti", "anti", "leftantisemi"})


@dataclass(frozen=True, slots=True)
class QueryShape:
    """`tables` are the log tables read; `keys` the result's columns that tell a group from another, where the query groups."""

    tables: frozenset[str]
    row_local: bool
    growing: bool
    keys: tuple[str, ...] | None = None


def shape_of(bound: BoundQuery) -> QueryShape:
    """The shape of a query. One with several results, or an open schema, is neither row-local nor growing."""
    tables = frozenset(one.table.name for one in _parts(bound.results) if isinstance(one, Scan))
    if len(bound.results) != 1 or not tables:
        return QueryShape(tables, False, False)
    result = bound.results[0]
    local = _is_local(result)
    keys = None if local else _keys(result)
    return QueryShape(tables, local, local or _is_growing(result), keys)


def _parts(value: object) -> Iterator[object]:
    """Every node below a value, each once."""
    seen: set[int] = set()
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, list | tuple | set | frozenset):
            todo += one
        elif isinstance(one, dict):
            todo += one.values()
        elif is_dataclass(one) and not isinstance(one, TableSchema | type) and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [getattr(one, item.name) for item in fields(one)]


def _own(relation: Relation) -> list[object]:
    """What a relation has of its own: its fields without inputs and columns."""
    values: list[object] = []
    for item in fields(relation):
        value = getattr(relation, item.name)
        if item.name != "columns" and not isinstance(value, Relation):
            values.append(value)
    return values


def _is_fixed(relation: object) -> bool:
    """Whether rows depend on no log table."""
    return not any(isinstance(one, Scan) for one in _parts(relation))


def _pure(values: object) -> bool:
    """Whether expressions look at one row only: no neighbours, no groups, no chance, no query of a log table."""
    for one in _parts(values):
        if isinstance(one, WindowCall | AggregateCall | Chosen | Scan):
            return False
        if isinstance(one, Apply) and one.unit.volatile:
            return False
    return True


def _is_local(relation: Relation) -> bool:
    match relation:
        case Scan():
            return True
        case Values() | Known() | Range():
            return False  # rows that no event brings would be found in every window
        case Shared():
            return _is_local(relation.origin)
        case Where() | Project() | Parse() | ParseKv() | Render():
            return _pure(_own(relation)) and _is_local(relation.input)
        case MvExpand():
            return (
                relation.limit is None and not relation.groups and _pure(_own(relation)) and _is_local(relation.input)
            )
        case Sort():
            return relation.count is None and _pure(relation.keys) and _is_local(relation.input)
        case Union():
            return all(map(_is_local, relation.inputs))
        case Join():
            return (
                relation.kind in _LEFT_KINDS and _pure(relation.keys)
                and _is_fixed(relation.right) and _is_local(relation.left)
            )  # fmt: skip
    return False


def _is_growing(relation: Relation) -> bool:
    """Whether every row found now is found, under the same keys, when more rows have arrived."""
    found = _grouped(relation)
    if found is None:
        return False
    summarize, above = found
    if not _is_local(summarize.input) or _keys(relation) is None:
        return False
    grown: set[int] = set()
    changing: set[int] = set()
    for column, value in summarize.aggregates:
        known = isinstance(value, AggregateCall) and value.unit.name in _GROWING_AGGREGATES
        (grown if known else changing).add(column.id)
    for step in reversed(above):
        if isinstance(step, Project):
            for column, value in step.values:
                used = _columns(value)
                if isinstance(value, ColumnRef) and value.column.id in grown:
                    grown.add(column.id)
                elif used & (grown | changing):
                    changing.add(column.id)
        elif isinstance(step, Where) and not _bounded(step.predicate, grown, changing):
            return False
    return True


def _grouped(relation: Relation) -> tuple[Summarize, list[Relation]] | None:
    above: list[Relation] = []
    while not isinstance(relation, Summarize):
        if isinstance(relation, Shared):
            relation = relation.origin
            continue
        if not isinstance(relation, Where | Project | Sort | Render) or (isinstance(relation, Sort) and relation.count):
            return None
        if not _pure(_own(relation)):
            return None
        above.append(relation)
        relation = relation.input
    return relation, above


def _bounded(predicate: Expr, grown: set[int], changing: set[int]) -> bool:
    """Whether a predicate that holds now holds when counts have grown."""
    if not _columns(predicate) & (grown | changing):
        return True
    if isinstance(predicate, Cast):
        return _bounded(predicate.operand, grown, changing)
    if not isinstance(predicate, Apply) or len(predicate.args) != 2:
        return False
    left, right = predicate.args
    if predicate.unit.name in _AND:
        return _bounded(left, grown, changing) and _bounded(right, grown, changing)
    if predicate.unit.name in (">", ">="):
        return _is_grown(left, grown) and isinstance(_bare(right), Constant)
    if predicate.unit.name in ("<", "<="):
        return _is_grown(right, grown) and isinstance(_bare(left), Constant)
    return False


def _bare(value: Expr) -> Expr:
    return _bare(value.operand) if isinstance(value, Cast) else value


def _is_grown(value: Expr, grown: set[int]) -> bool:
    value = _bare(value)
    return isinstance(value, ColumnRef) and value.column.id in grown


def _columns(value: object) -> set[int]:
    return {one.column.id for one in _parts(value) if isinstance(one, ColumnRef)}


def _keys(relation: Relation) -> tuple[str, ...] | None:
    """The result's names of the keys of the last `summarize`, if all of them are in the result: they tell its rows apart."""
    found = _grouped(relation)
    if found is None:
        return None
    summarize, above = found
    held: dict[int, Column] = {column.id: column for column, _ in summarize.keys}
    names = dict(held)
    for step in reversed(above):
        if isinstance(step, Project):
            shown = {
                value.column.id: column
                for column, value in step.values
                if isinstance(value, ColumnRef)
            }  # fmt: skip
            kept = {column.id: column for column in step.columns}
            for key, column in list(names.items()):
                now = shown.get(column.id) or kept.get(column.id)
                if now is None:
                    return None
                names[key] = now
    last = {column.id for column in relation.visible}
    if isinstance(relation, Shared):
        return None
    return tuple(names[key].name for key in held) if all(one.id in last for one in names.values()) else None
