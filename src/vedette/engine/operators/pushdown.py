"""Conditions that may be asked earlier: of the rows of groups by what groups them, of mv-apply by what it passes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from vedette.engine.compiler import Compiler
from vedette.engine.neighbours import conjuncts
from vedette.engine.operators.summarize_rewrites import steady
from vedette.engine.partials import from_kept
from vedette.engine.relations import Rel
from vedette.engine.tiers import TURNED
from vedette.kql.binder.operators.mv_expand import MvApply
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Apply, Cast, ColumnRef, Constant, Expr, InList, ParameterRef, Path, Relation, children
from vedette.kql.types import Type

_WHOLE: Final = (Type.DATETIME, Type.TIMESPAN, Type.LONG, Type.INT)


def asked_earlier(compiler: Compiler, node: Where) -> Rel | None:
    """The rows of a condition, parts of which are asked further inside; None where none is."""
    wheres = [node]
    while isinstance(wheres[-1].input, Where):
        wheres.append(wheres[-1].input)
    below = wheres[-1].input
    known = _known(below)
    if not known or compiler.given_for(below) or any(compiler.given_for(each) for each in wheres):
        return None
    early: list[Expr] = []
    late: list[Expr] = []
    for each in (part for where in reversed(wheres) for part in conjuncts(where.predicate)):
        moved = _moved(each, known) if steady(each) else None
        if moved is None:
            late.append(each)
        else:
            early += [moved, *_implied(moved)]
    assert isinstance(below, Summarize | MvApply)
    kept = _out_of_partial_rows(compiler, below, wheres, known)
    if kept is not None:
        return kept
    if not early or not compiler.sql.may("early-filter"):
        return None
    rows: Relation = below.input
    for condition in early:
        rows = Where(rows.columns, rows, condition, serialized=rows.serialized)
    rel = compiler.rel(replace(below, input=rows))
    for condition in late:
        rel = rel.filtered(compiler.emitter.true(condition))
    return rel


def _out_of_partial_rows(
    compiler: Compiler, below: Relation, wheres: list[Where], known: dict[int, Expr]
) -> Rel | None:
    """Groups that are put together of kept rows: only what the clock has no part in is asked of the rows themselves."""
    if compiler.keeping is None or not isinstance(below, Summarize):
        return None
    rows: Relation = below.input
    late: list[Expr] = []
    for each in (part for where in reversed(wheres) for part in conjuncts(where.predicate)):
        moved = _moved(each, known) if steady(each) else None
        if moved is None or any(isinstance(one, ParameterRef) for one in _all(moved)):
            late.append(each)
        elif "early-filter" in compiler.rewrites:
            rows = Where(rows.columns, rows, moved, serialized=rows.serialized)
        else:
            late.append(each)
    rel = from_kept(compiler, replace(below, input=rows))
    if rel is None:
        return None
    if rows is not below.input:
        compiler.sql.may("early-filter")
    for condition in late:
        rel = rel.filtered(compiler.emitter.true(condition))
    return rel


def _known(below: Relation) -> dict[int, Expr]:
    """What columns, by id, are of a relation's input: conditions on them alone choose whole groups of its rows."""
    match below:
        case Summarize():
            return {column.id: value for column, value in below.keys if steady(value)}
        case MvApply():
            return {column.id: ColumnRef(source.type, source) for column, source in below.outer}
    return {}


def _moved(value: Expr, known: dict[int, Expr]) -> Expr | None:
    """A condition in terms of the input; None where it asks for more, or for nothing, of it."""
    if not any(isinstance(each, ColumnRef) for each in _all(value)):
        return None
    return _rewritten(value, known)


def _all(value: Expr) -> Iterator[Expr]:
    yield value
    for child in children(value):
        yield from _all(child)


def _rewritten(value: Expr, known: dict[int, Expr]) -> Expr | None:
    match value:
        case ColumnRef():
            return known.get(value.column.id)
        case Constant() | ParameterRef():
            return value
        case Apply():
            args = _each(value.args, known)
            return None if args is None else replace(value, args=args)
        case Cast():
            operand = _rewritten(value.operand, known)
            return None if operand is None else replace(value, operand=operand)
        case Path():
            target = _rewritten(value.target, known)
            fixed = all(isinstance(step, str | int) for step in value.steps)
            return replace(value, target=target) if target is not None and fixed else None
        case InList():
            parts = _each([value.left, *value.items, *value.arrays], known)
            if parts is None:
                return None
            count = 1 + len(value.items)
            return replace(value, left=parts[0], items=parts[1:count], arrays=parts[count:])
    return None


def _each(values: list[Expr], known: dict[int, Expr]) -> list[Expr] | None:
    made = [_rewritten(value, known) for value in values]
    return None if any(each is None for each in made) else [each for each in made if each is not None]


def _implied(condition: Expr) -> Iterator[Expr]:
    """What a condition on a bin says of the value itself, which the statistics of stored rows can answer.

    A bin is never above its value, so a bound from below holds of the value, too.
    """
    if not isinstance(condition, Apply) or condition.unit.name not in TURNED:
        return
    left, right = condition.args
    for bin_, bound, turned in ((left, right, False), (right, left, True)):
        name = TURNED[condition.unit.name] if turned else condition.unit.name
        if (
            name in (">", ">=")
            and isinstance(bin_, Apply)
            and bin_.unit.name in ("bin", "floor")
            and bin_.type is bin_.args[0].type is bound.type
            and bin_.type in _WHOLE
            and isinstance(bin_.args[1], Constant)
            and isinstance(bin_.args[1].value, int)
            and bin_.args[1].value > 0
            and not any(isinstance(each, ColumnRef) for each in _all(bound))
        ):
            value = bin_.args[0]
            yield replace(condition, args=[bound, value] if turned else [value, bound])
