"""partition: a subquery over the rows of each value of a key (rule 103)."""

from __future__ import annotations

from dataclasses import field

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.operators.tables import Leg, Legs
from vedette.kql.binder.operators.union import united
from vedette.kql.binder.operators.where import Where
from vedette.kql.binder.scope import LetValue, Row, ScalarValue, Scope
from vedette.kql.bound import Column, ColumnRef, Constant, Expr, Relation, Tables
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.count import CountOperator
from vedette.kql.operators.distinct import DistinctOperator
from vedette.kql.operators.extend import ExtendOperator
from vedette.kql.operators.mv_apply import MvApplyOperator
from vedette.kql.operators.mv_expand import MvExpandOperator
from vedette.kql.operators.parse import ParseOperator
from vedette.kql.operators.parse_where import ParseWhereOperator
from vedette.kql.operators.partition import PartitionOperator
from vedette.kql.operators.project import ProjectOperator
from vedette.kql.operators.project_away import ProjectAwayOperator
from vedette.kql.operators.project_keep import ProjectKeepOperator
from vedette.kql.operators.project_rename import ProjectRenameOperator
from vedette.kql.operators.project_reorder import ProjectReorderOperator
from vedette.kql.operators.scan import ScanOperator
from vedette.kql.operators.serialize import SerializeOperator
from vedette.kql.operators.sort import SortOperator
from vedette.kql.operators.summarize import SummarizeOperator
from vedette.kql.operators.take import TakeOperator
from vedette.kql.operators.top import TopOperator
from vedette.kql.operators.where import WhereOperator
from vedette.kql.types import Type

LEGACY_PARTITIONS = 64
"""Values that the key may have with the strategy `legacy`."""
_SEPARATE_PARTITIONS = 1024
"""Values that the key may have where a subquery is bound anew for each of them."""

_GROUPWISE = (
    CountOperator, DistinctOperator, ExtendOperator, MvApplyOperator, MvExpandOperator, ParseOperator,
    ParseWhereOperator, ProjectOperator, ProjectAwayOperator, ProjectKeepOperator, ProjectRenameOperator,
    ProjectReorderOperator, ScanOperator, SerializeOperator, SortOperator, SummarizeOperator, TakeOperator,
    TopOperator, WhereOperator,
)  # fmt: skip
"""Operators that work on all groups at once, each by itself."""


@node
class Grouped(Relation):
    """The input of a subquery: rows that know their group."""


@node
class Partition(Relation):
    """What a subquery makes of the rows of each value of a key; with `most`, of so many values.

    Where the subquery gives its rows an order they keep it, one group after the other.
    """

    input: Relation
    key: Column
    grouped: Grouped
    subquery: Relation
    most: int | None = field(default=None)


@binds(PartitionOperator)
def bind_partition(binder: Binder, node: PartitionOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `partition`: all groups at once where every operator can, else the subquery once for each key."""
    if node.scope is not None:
        raise binder.refuse("partition by ... in (...)", node.scope)
    key = _key(binder, node, input_, scope)
    most = LEGACY_PARTITIONS if node.strategy == "legacy" else None
    subquery = node.subquery
    if not node.explicit and isinstance(subquery, syntax.Pipeline) and subquery.source is None:
        if all(isinstance(operator, _GROUPWISE) for operator in subquery.operators):
            # the rows of a group keep the order that they have, but only sorting them makes it one to rely on
            grouped = Grouped(input_.columns, serialized=input_.serialized, open=input_.open)
            inner = binder.frame(scope)
            value = LetValue(syntax.Literal(key.type, None, start=node.key.start, end=node.key.end), scope)
            if _is_free(binder, key, scope):
                inner.names[key.name] = value
            made = _piped(binder, subquery, grouped, inner)
            if not value.used:
                return Partition(
                    made.visible, input_, key, grouped, made, most, serialized=made.serialized, open=made.open
                )  # fmt: skip
    # where the column is gone its name is still the value of the group, of which each has another
    return _separate(binder, node, input_, key, scope, most)


def _is_free(binder: Binder, key: Column, scope: Scope) -> bool:
    """Whether the key's name means nothing else that a subquery could ask for."""
    return scope.find(key.name) is None and binder.visible_host(scope).table(key.name) is None


def _key(binder: Binder, node: PartitionOperator, input_: Relation, scope: Scope) -> Column:
    if not isinstance(node.key, syntax.Name):
        raise binder.stop("KS109", "Column name expected", node.key)
    bound = Expressions(binder, scope, Row.of(input_)).bind(node.key)
    if bound.type is Type.DYNAMIC:
        raise binder.stop("KS116", "A key of partition may not be dynamic; cast it first", node.key)
    if not isinstance(bound, ColumnRef):
        raise binder.stop("KS109", "Column name expected", node.key)
    return bound.column


def _piped(binder: Binder, subquery: syntax.Pipeline, relation: Relation, inner: Scope) -> Relation:
    for operator in subquery.operators:
        relation = binder.operator(operator, relation, inner)
    if isinstance(relation, Tables):
        raise binder.stop("KS205", "The subquery of partition must give one table", subquery)
    return relation


def _separate(
    binder: Binder, node: PartitionOperator, input_: Relation, key: Column, scope: Scope, most: int | None
) -> Relation:
    """The union of the subquery bound for each key."""
    most = most or _SEPARATE_PARTITIONS
    keys: list[object] = [None]
    if binder.evaluator is not None:
        found = binder.evaluator.values(input_, key, most)
        if found is None:
            hint = "; hint.strategy=native has no such limit" if most == LEGACY_PARTITIONS else ""
            raise binder.stop("VDT2006", f"The key of partition has more than {most} values{hint}", node.key)
        keys = found
    legs = [Leg(_of_key(binder, node, input_, key, value, scope), None) for value in keys]
    if not legs:
        made = _of_key(binder, node, input_, key, None, scope)
        nothing = Where(made.columns, made, Constant(Type.BOOL, False), open=made.open)
        legs = [Leg(nothing, None)]
    return united(binder, Legs(legs, []), "partition", tag=None)


def _of_key(
    binder: Binder, node: PartitionOperator, input_: Relation, key: Column, value: object, scope: Scope
) -> Relation:
    constant = Constant(key.type, "" if value is None and key.type is Type.STRING else value)
    inner = binder.frame(scope)
    subquery = node.subquery
    if node.explicit or not isinstance(subquery, syntax.Pipeline) or subquery.source is not None:
        inner.names[key.name] = ScalarValue(constant)
        return binder.tabular(subquery, inner)
    if _is_free(binder, key, scope):
        inner.names[key.name] = ScalarValue(constant)
    rows = binder.use(input_, once=True)
    place = next(at for at, column in enumerate(input_.columns) if column.id == key.id)
    at = Expressions(binder, scope, Row.of(rows))
    ref: Expr = ColumnRef(key.type, rows.columns[place])
    if constant.value is None:
        condition = at.apply("isnull", [ref], [node], node)
    else:
        condition = at.compare("==", ref, constant, node)
    filtered = Where(rows.columns, rows, condition, serialized=rows.serialized, open=rows.open)
    return _piped(binder, subquery, filtered, inner)
