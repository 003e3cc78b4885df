"""What a query must find in its tables to find anything: rows that meet a condition.

`needed(relation)` reads it off a bound tree. If no row of the tables meets it, the result is empty; the other way round
nothing is said. So what is not understood may be left out (a weaker need), and nothing may be added. The walk goes from the
result down: a row of an operator's output comes from a row of its input, of which the same conditions hold in other terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from vedette.engine.neighbours import conjuncts
from vedette.engine.tiers import TURNED
from vedette.kql.binder.operators.join import Join
from vedette.kql.binder.operators.make_series import MakeSeries
from vedette.kql.binder.operators.mv_expand import MvApply, MvExpand
from vedette.kql.binder.operators.parse import Parse
from vedette.kql.binder.operators.parse_kv import ParseKv
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.render import Render
from vedette.kql.binder.operators.sample import Sample
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.take import Take
from vedette.kql.binder.operators.union import Union
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import (
    AggregateCall,
    Apply,
    Cast,
    Column,
    ColumnRef,
    Constant,
    Expr,
    InList,
    Known,
    ParameterRef,
    Path,
    Relation,
    Scan,
    Shared,
    Values,
    children,
    is_fixed,
)
from vedette.kql.node import fact, node
from vedette.kql.types import INTEGERS, Type

_MOST_PARTS: Final = 24
"""Rows of tables that one query may need; a query that needs more is run."""
_MOST_NODES: Final = 400
"""Parts of one condition: what is written in other terms can grow."""
_KEPT: Final = (Where, Sort, Take, Sample, Render, Parse, ParseKv, MvExpand)
"""Operators each of whose rows is, in the columns that stay, a row of their input."""
_COUNTED: Final = frozenset({"countif", "dcountif", "count_distinctif"})
"""Aggregates that are 0 for a group without a row that meets their condition, which is the last argument or `condition`."""


@node
class Meets:
    """A row of a table (one that lies in the query's time range) that meets all of the conditions."""

    scan: Scan
    conditions: tuple[Expr, ...]


@fact
class AllOf:
    """Every part."""

    parts: tuple[Need, ...]


@fact
class AnyOf:
    """One part at least; without any part, nothing could be enough."""

    parts: tuple[Need, ...]


Need = Meets | AllOf | AnyOf
NEVER: Final = AnyOf(())
"""What is needed where the result is empty whatever the tables hold."""


def needed(relation: Relation) -> Need | None:
    """What a relation must find to have a row; None: nothing is known of that."""
    found = _need(relation, ())
    return found if found is not None and len(list(atoms(found))) <= _MOST_PARTS else None


def atoms(need: Need) -> Iterable[Meets]:
    """The rows that are asked for, in all parts."""
    if isinstance(need, Meets):
        yield need
        return
    for part in need.parts:
        yield from atoms(part)


def _need(relation: Relation, asked: Sequence[Expr]) -> Need | None:
    """What must be there for a relation to have a row of which all of `asked` are true."""
    match relation:
        case Scan():
            table = relation.table
            if table.owner is not None or table.tiers is not None:
                return None
            return NEVER if table.source is None else Meets(relation, tuple(asked))
        case Values() | Known():
            return None if len(relation.rows) else NEVER
        case Shared():
            pairs = zip(relation.columns, relation.origin_columns, strict=True)
            return _need(relation.origin, _renamed(asked, ((own, origin) for own, origin in pairs)))
        case Where():
            return _need(relation.input, _moved([*asked, relation.predicate], {}, relation.input))
        case Project():
            return _need(relation.input, _moved(asked, {c.id: v for c, v in relation.values}, relation.input))
        case Sort() | Take() | Sample() | Render() | Parse() | ParseKv() | MvExpand():
            return _need(relation.input, _moved(asked, {}, relation.input))
        case MvApply():
            return _need(relation.input, _renamed(asked, relation.outer))
        case Summarize():
            return _of_groups(relation, asked)
        case MakeSeries() if relation.keys:
            return _need(relation.bins, ())
        case Join():
            return _of_join(relation, asked)
        case Union():
            return _of_union(relation, asked)
    return None


def _of_groups(relation: Summarize, asked: Sequence[Expr]) -> Need | None:
    if not relation.keys:
        return None  # one row even of nothing
    keys = {column.id: value for column, value in relation.keys}
    of_keys = _moved(asked, keys, None)
    parts = [_need(relation.input, _moved(of_keys, {}, relation.input))]
    counts = {column.id: condition for column, value in relation.aggregates if (condition := _counted(value))}
    for each in chain.from_iterable(map(conjuncts, asked)):
        counted = _above_zero(each)
        if counted is not None and counted.id in counts:
            more = _moved([*of_keys, counts[counted.id]], {}, relation.input)
            parts.append(_need(relation.input, more))
    return _all(parts)


def _counted(value: Expr) -> Expr | None:
    """The condition of a count that is 0 where no row meets it."""
    if not isinstance(value, AggregateCall):
        return None
    if value.condition is not None:
        return value.condition if value.unit.name in ("count", "dcount", "count_distinct", *_COUNTED) else None
    if value.unit.name == "countif" and len(value.args) == 1:
        return value.args[0]
    if value.unit.name in _COUNTED and len(value.args) > 1 and value.args[1].type is Type.BOOL:
        return value.args[1]
    return None


def _above_zero(value: Expr) -> Column | None:
    """The column that a condition says is greater than zero, if it says that."""
    if not isinstance(value, Apply) or value.unit.name not in TURNED or len(value.args) != 2:
        return None
    name, (left, right) = value.unit.name, value.args
    left, right = _uncast(left), _uncast(right)
    if isinstance(left, Constant):
        left, right = right, left
        name = TURNED[name]
    if not isinstance(left, ColumnRef) or not isinstance(right, Constant) or isinstance(right.value, bool):
        return None
    if not isinstance(right.value, int) or left.type not in INTEGERS or right.type not in INTEGERS:
        return None
    positive = right.value >= (0 if name == ">" else 1)
    return left.column if name in (">", ">=", "==") and positive else None


def _uncast(value: Expr) -> Expr:
    """A whole number under a widening."""
    if isinstance(value, Cast) and value.type in INTEGERS and value.operand.type in INTEGERS:
        return value.operand
    return value


def _of_join(relation: Join, asked: Sequence[Expr]) -> Need | None:
    left_asked, right_asked = _renamed(asked, relation.left_columns), _renamed(asked, relation.right_columns)
    match relation.kind:
        case "inner" | "innerunique":
            return _all([_need(relation.left, left_asked), _need(relation.right, right_asked)])
        case "leftsemi" | "rightsemi":
            return _all([_need(relation.left, left_asked), _need(relation.right, right_asked)])
        case "leftouter" | "leftanti":
            return _need(relation.left, left_asked)
        case "rightouter" | "rightanti":
            return _need(relation.right, right_asked)
        case "fullouter":
            return _any([_need(relation.left, ()), _need(relation.right, ())])
    return None


def _of_union(relation: Union, asked: Sequence[Expr]) -> Need | None:
    own = [column for column in relation.columns if column is not relation.tag]
    if len(relation.sources) != len(relation.inputs):
        return None
    parts = []
    for inner, sources in zip(relation.inputs, relation.sources, strict=True):
        if len(sources) != len(own):
            return None
        pairs = [
            (column, source) for column, source in zip(own, sources, strict=True)
            if source is not None and source.type is column.type
        ]  # fmt: skip
        parts.append(_need(inner, _renamed(asked, pairs)))
    return _any(parts)


def _all(parts: Sequence[Need | None]) -> Need | None:
    known = [part for part in parts if part is not None]
    if NEVER in known:
        return NEVER
    return None if not known else known[0] if len(known) == 1 else AllOf(tuple(known))


def _any(parts: Sequence[Need | None]) -> Need | None:
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None and part != NEVER]
    return known[0] if len(known) == 1 else AnyOf(tuple(known))


# -- conditions in terms of an operator's input


def _renamed(asked: Sequence[Expr], pairs: Iterable[tuple[Column, Column]]) -> list[Expr]:
    """The conditions with each output column as the input's column that it shows."""
    return _moved(asked, {own.id: ColumnRef(source.type, source) for own, source in pairs}, None)


def _moved(asked: Sequence[Expr], made: Mapping[int, Expr], below: Relation | None) -> list[Expr]:
    """What the conditions say of a row of the input: `made` is what columns are made of; others are those of `below`."""
    passed = frozenset() if below is None else frozenset(column.id for column in below.columns)
    found: list[Expr] = []
    for each in chain.from_iterable(map(conjuncts, asked)):
        moved = _weaker(each, made, passed)
        if moved is not None and _nodes(moved) <= _MOST_NODES:
            found.append(moved)
    return found


def _weaker(value: Expr, made: Mapping[int, Expr], passed: frozenset[int]) -> Expr | None:
    """A condition that is true wherever one is, in terms of the input; None where nothing is left of it.

    Of `and` what cannot be said is left out; where one side of `or` cannot be said, nothing is.
    """
    if isinstance(value, Apply) and value.unit.name in ("and", "or"):
        sides = [_weaker(arg, made, passed) for arg in value.args]
        known = [side for side in sides if side is not None]
        if not known or (value.unit.name == "or" and len(known) < len(sides)):
            return None
        return known[0] if len(known) == 1 else replace(value, args=known)
    return _rewritten(value, made, passed)


def _rewritten(value: Expr, made: Mapping[int, Expr], passed: frozenset[int]) -> Expr | None:
    """An expression in terms of the input; None where it looks at more than the row, at chance, or costs much."""
    match value:
        case ColumnRef():
            if value.column.id in made:
                inner = made[value.column.id]
                # constants in the place of columns are computed by other rules than the values of rows
                if inner.type is not value.type or is_fixed(inner) or not _plain(inner):
                    return None
                return inner
            return value if value.column.id in passed and value.type is not Type.UNKNOWN else None
        case Constant():
            return None if value.type is Type.UNKNOWN else value
        case ParameterRef():
            return value if value.name == "now" else None
        case Apply():
            args = _each(value.args, made, passed)
            return (
                None if args is None or value.unit.volatile or value.unit.kind == "row" else replace(value, args=args)
            )
        case Cast():
            operand = _rewritten(value.operand, made, passed)
            return None if operand is None else replace(value, operand=operand)
        case Path():
            target = _rewritten(value.target, made, passed)
            fixed = all(isinstance(step, str | int) for step in value.steps)
            return replace(value, target=target) if target is not None and fixed else None
        case InList():
            parts = _each([value.left, *value.items, *value.arrays], made, passed)
            if parts is None:
                return None
            count = 1 + len(value.items)
            return replace(value, left=parts[0], items=parts[1:count], arrays=parts[count:])
    return None


def _each(values: list[Expr], made: Mapping[int, Expr], passed: frozenset[int]) -> list[Expr] | None:
    found = [_rewritten(value, made, passed) for value in values]
    return None if any(each is None for each in found) else [each for each in found if each is not None]


def _plain(value: Expr) -> bool:
    """Whether a value is of one row alone, the same however often it is computed, and made by the engine itself."""
    match value:
        case ColumnRef() | Constant():
            return value.type is not Type.UNKNOWN
        case ParameterRef():
            return value.name == "now"
        case Apply():
            return not value.unit.volatile and value.unit.kind != "row" and all(map(_plain, value.args))
        case Path():
            return _plain(value.target) and all(isinstance(step, str | int) for step in value.steps)
        case Cast() | InList():
            return all(map(_plain, children(value)))
    return False


def _nodes(value: Expr) -> int:
    return 1 + sum(map(_nodes, children(value)))
